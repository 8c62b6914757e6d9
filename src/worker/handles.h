/* librdkafka handles, configured (docs/architecture.md says why each property). Any thread; a handle's own
 * threads inherit the affinity of the caller, so a worker pins itself before it makes one. */
#ifndef ROLLCALL_HANDLES_H
#define ROLLCALL_HANDLES_H

#include "config.h"
#include "outcome.h"

#include <librdkafka/rdkafka.h>

enum handle_role {
    HANDLE_GROUP,    /* the worker's member of the consumer group */
    HANDLE_PRODUCER, /* its producer, transactional if it has an id */
    HANDLE_READER,   /* reads the changelog and the calendar, outside the group; read_committed */
    HANDLE_CLOCK,    /* asks for the ends of logs, open transactions included: read_uncommitted */
};

/* Who connects, and how: borrowed, the same for all handles of a process. */
struct handle_setup {
    const struct config *config;
    /* Set last, over everything else: what the embedded broker of the demo needs. */
    const struct kafka_property *extra;
    size_t extra_count;
    /* Of the employee topics, for one worker: what is read ahead is divided among them. 0: unknown. */
    uint32_t partitions_per_worker;
    /* In place of the configured group.id, or NULL. All consumers then have it, so that one that is no member
     * can ask for its offsets, too: a member's requests wait behind its joining. */
    const char *group;
};

struct handle_callbacks {
    void (*rebalance)(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *partitions,
                      void *opaque);
    void (*delivered)(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque);
    /* Any thread of librdkafka; both or none. */
    void (*sent)(int16_t api_key, void *opaque);
    void (*answered)(int16_t api_key, rd_kafka_resp_err_t err, void *opaque);
    void *opaque;
};

/* `id` is the group.instance.id of HANDLE_GROUP (NULL: a dynamic member), the transactional.id of
 * HANDLE_PRODUCER (NULL: idempotent only), else NULL. `callbacks` (or NULL) must outlive the handle. NULL on
 * failure, and then the outcome is set: to EX_TEMPFAIL if the machine is to blame, else to EX_CONFIG. */
rd_kafka_t *handle_new(const struct handle_setup *setup, enum handle_role role, const char *name,
                       const char *id, struct handle_callbacks *callbacks, struct outcome *outcome);

/* The value that a handle has for a property of the configuration file, or `otherwise`. */
const char *handle_property(const struct handle_setup *setup, const char *name, const char *otherwise);

/* Asks who leads the partitions of a topic. What a handle was once told it believes for minutes, unless it
 * reads or writes the topic itself. False: nobody answered. */
bool handle_learn_leaders(rd_kafka_t *rk, const char *topic, int timeout_ms);

#endif
