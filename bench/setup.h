/* What the programs of the end-to-end benchmarks are started with: one set of options for all of them, so
 * that bench/run.py can name the same company to each. One thread. */
#ifndef ROLLCALL_BENCH_SETUP_H
#define ROLLCALL_BENCH_SETUP_H

#include "handles.h"
#include "stream.h"

struct setup {
    struct config *config;
    struct handle_setup handles;
    struct stream_setup stream;
    const char *file;        /* --file: of the saved state */
    const char *mode;        /* --mode: the program says which there are */
    const char *compression; /* --compression: of what is preloaded */
    int pid;                 /* --pid: of the process that is watched */
};

/* Options: -c FILE, --set KEY=VALUE, --people, --partitions, --swipes, --reference (Unix ms), and those
 * above. Ends the process with 64 if they are wrong, 78 if the configuration is. */
void setup_read(struct setup *setup, int argc, char **argv);
void setup_free(struct setup *setup);

/* What a client may do with the cluster; ends the process on failure. */
rd_kafka_t *setup_open(const struct setup *setup, enum handle_role role, const char *name);
/* All partitions of a topic, each at `offset`. */
rd_kafka_topic_partition_list_t *setup_partitions(const struct setup *setup, const char *topic,
                                                  int64_t offset);

_Noreturn void setup_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* CPU time of a process, all its threads (0: this one); monotonic time. */
double setup_cpu_seconds(int pid);
double setup_wall_seconds(void);

#endif
