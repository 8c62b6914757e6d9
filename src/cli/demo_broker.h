/* The embedded broker of the demo: librdkafka's mock cluster, in this process, on a port of the loopback
 * interface.
 *
 * It speaks Kafka's protocol, but it is no Kafka: nothing is written to disk, and a partition keeps 5 MiB, so
 * the log is cut into enough partitions, and demo_broker_lost asks at the end whether all is still there.
 * Main thread. */
#ifndef ROLLCALL_DEMO_BROKER_H
#define ROLLCALL_DEMO_BROKER_H

#include "company.h"
#include "config.h"

#include <stddef.h>

struct demo_broker;

/* NULL, with a message, on failure. */
struct demo_broker *demo_broker_new(void);
void demo_broker_free(struct demo_broker **broker);
const char *demo_broker_address(const struct demo_broker *broker);

#define DEMO_GROUP "rollcall-demo"

/* Makes the topics that `config` names, of so many partitions each. */
bool demo_broker_make_topics(struct demo_broker *broker, const struct config *config, uint32_t partitions);

/* Sends one record to its topic, stamped with its arrival; false, with a message, if that fails for good. */
bool demo_broker_send(struct demo_broker *broker, const struct company_record *record);
/* Waits until everything that was sent is there. */
bool demo_broker_flush(struct demo_broker *broker);

/* Reads an output topic from its beginning to its end and hands each record to `take`: `value` NULL for a
 * null value, `as_of` the record's ce_time (empty if it has none). False, with a message, on failure. */
struct demo_output {
    const char *key, *value, *as_of;
    size_t key_len, value_len, as_of_len;
};
bool demo_broker_read(struct demo_broker *broker, enum output output,
                      void (*take)(const struct demo_output *record, void *opaque), void *opaque);

/* While members join the group, its coordinator answers late. It turns away a member whose SyncGroup comes
 * after the leader's; the leader asks for metadata in between, and so comes last. */
void demo_broker_answer_late(struct demo_broker *broker, bool late);

/* Whether the broker has dropped old records of any topic, or cannot be asked. */
bool demo_broker_lost(struct demo_broker *broker);

#endif
