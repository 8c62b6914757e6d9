/* See setup.h. */
#include "setup.h"

#include "check.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define SETS_MAX 32

void setup_fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(EXIT_FAILURE);
}

static uint64_t number_of(const char *text) {
    char *end;
    errno = 0;
    uint64_t n = strtoull(text, &end, 10);
    if (errno || end == text || *end) {
        fprintf(stderr, "%s: %s is not a number\n", program_invocation_short_name, text);
        exit(EX_USAGE);
    }
    return n;
}

void setup_read(struct setup *setup, int argc, char **argv) {
    static const struct option names[] = {{"config", required_argument, NULL, 'c'},
                                          {"set", required_argument, NULL, 's'},
                                          {"people", required_argument, NULL, 'p'},
                                          {"partitions", required_argument, NULL, 'n'},
                                          {"swipes", required_argument, NULL, 'e'},
                                          {"reference", required_argument, NULL, 'r'},
                                          {"file", required_argument, NULL, 'f'},
                                          {"mode", required_argument, NULL, 'm'},
                                          {"compression", required_argument, NULL, 'z'},
                                          {"pid", required_argument, NULL, 'i'},
                                          {0}};
    const char *config = NULL, *sets[SETS_MAX];
    size_t sets_count = 0;
    *setup = (struct setup){.mode = "", .compression = "none"};
    for (int option; (option = getopt_long(argc, argv, "c:", names, NULL)) != -1;) {
        switch (option) {
        case 'c':
            config = optarg;
            break;
        case 's':
            CHECK(sets_count < SETS_MAX);
            sets[sets_count++] = optarg;
            break;
        case 'p':
            setup->stream.people = (uint32_t)number_of(optarg);
            break;
        case 'n':
            setup->stream.partitions = (uint32_t)number_of(optarg);
            break;
        case 'e':
            setup->stream.swipes = number_of(optarg);
            break;
        case 'r':
            setup->stream.reference_ms = (int64_t)number_of(optarg);
            break;
        case 'f':
            setup->file = optarg;
            break;
        case 'm':
            setup->mode = optarg;
            break;
        case 'z':
            setup->compression = optarg;
            break;
        case 'i':
            setup->pid = (int)number_of(optarg);
            break;
        default:
            exit(EX_USAGE);
        }
    }
    if (config == NULL || optind != argc)
        exit(EX_USAGE);
    setup->config = config_load(config, sets, sets_count, CONFIG_FOR_RUN, false, stderr);
    if (setup->config == NULL)
        exit(EX_CONFIG);
    setup->handles =
        (struct handle_setup){.config = setup->config, .partitions_per_worker = setup->stream.partitions};
}

void setup_free(struct setup *setup) {
    config_free(&setup->config);
}

rd_kafka_t *setup_open(const struct setup *setup, enum handle_role role, const char *name) {
    struct outcome outcome = OUTCOME_INITIALIZER;
    rd_kafka_t *rk = handle_new(&setup->handles, role, name, NULL, NULL, &outcome);
    if (rk == NULL)
        setup_fail("%s", outcome.text);
    return rk;
}

rd_kafka_topic_partition_list_t *setup_partitions(const struct setup *setup, const char *topic,
                                                  int64_t offset) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)setup->stream.partitions);
    for (uint32_t p = 0; p < setup->stream.partitions; p++)
        rd_kafka_topic_partition_list_add(list, topic, (int32_t)p)->offset = offset;
    return list;
}

static double seconds_of(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        setup_fail("a clock cannot be read: %s", strerror(errno));
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double setup_cpu_seconds(int pid) {
    clockid_t clock;
    if (clock_getcpuclockid(pid, &clock) != 0)
        setup_fail("process %d is gone", pid);
    return seconds_of(clock);
}

double setup_wall_seconds(void) {
    return seconds_of(CLOCK_MONOTONIC);
}
