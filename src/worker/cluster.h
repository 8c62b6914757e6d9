/* The cluster as a whole, before any worker starts: which topics there are and how they are cut, what
 * `rollcall init` makes of them, and the records by which tasks are born (SPEC 7). Main thread. */
#ifndef ROLLCALL_CLUSTER_H
#define ROLLCALL_CLUSTER_H

#include "handles.h"
#include "outcome.h"

#include <stdbool.h>

struct cluster_shape {
    uint32_t partitions; /* of each employee topic and of the changelog */
    uint32_t calendar_partitions, state_partitions;
};

/* What `run` needs to be there: all topics, employee topics and changelog cut alike. Waits a while for a
 * broker (EX_TEMPFAIL); contradictions are EX_CONFIG. False without an outcome: `is_interrupted` (or NULL)
 * said so. */
bool cluster_check(const struct handle_setup *setup, bool (*is_interrupted)(void), struct outcome *outcome,
                   struct cluster_shape *shape);

/* Partition count of a topic; 0 if there is none of that name; -1 if the broker cannot be asked (`error`). */
int cluster_partitions(rd_kafka_t *rk, const char *topic, int timeout_ms, char *error, size_t error_size);

/* Partition counts of `count` topics, 0 for one that is not there. Waits as above. */
bool cluster_count_partitions(const struct handle_setup *setup, bool (*is_interrupted)(void),
                              struct outcome *outcome, const char *const *names, uint32_t *counts,
                              size_t count);

/* A property of a topic that is there (topics.c); cut to `size`. */
bool cluster_topic_property(const struct handle_setup *setup, struct outcome *outcome, const char *topic,
                            const char *property, char *out, size_t size);

/* `init`: makes the topics that are missing, refuses those that contradict (topics.c). `partitions` is for
 * topics about employees when there is no swipes topic yet; `replication` -1 is the broker's default. */
bool cluster_make_topics(const struct handle_setup *setup, struct outcome *outcome, uint32_t partitions,
                         int replication);

/* `init`, and the demo: writes the birth record into each changelog partition that is empty and whose inputs
 * the group has not read (births.c). What is born stays as it is. */
struct births {
    uint32_t written, found;
};
bool cluster_write_births(const struct handle_setup *setup, struct outcome *outcome,
                          const struct cluster_shape *shape, struct births *out);

#endif
