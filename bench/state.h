/* The saved state of the made-up company: the records of its changelog partitions, one after the other in a
 * file. What the daemon restores from Kafka, the other programs restore from here. One thread. */
#ifndef ROLLCALL_BENCH_STATE_H
#define ROLLCALL_BENCH_STATE_H

#include "changelog.h"

#include <stdio.h>

/* Appends the changelog records of an outbox. */
void state_write(FILE *file, uint32_t partition, const struct outbox *box);

struct state_record {
    uint32_t partition;
    char key[32];
    size_t key_len, value_len;
    const char *value; /* NULL: a null value; good until the next call */
};
struct state_reader;
struct state_reader *state_open(const char *path);
bool state_next(struct state_reader *reader, struct state_record *out);
void state_close(struct state_reader **reader);

/* Restores the tasks of all partitions; the caller's. `setup` as for restore_new. */
void state_restore(const char *path, const struct task_setup *setup, struct task **tasks,
                   uint32_t partitions);

#endif
