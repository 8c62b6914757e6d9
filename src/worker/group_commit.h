/* The commit of a group's offsets without a transaction (at_least_once). Owner: the thread of the group's
 * consumer. */
#ifndef ROLLCALL_GROUP_COMMIT_H
#define ROLLCALL_GROUP_COMMIT_H

#include "beat.h"

#include <librdkafka/rdkafka.h>

/* Waits for the broker's answer, however long: what was sent cannot be taken back. `has_failed` ends the
 * wait, with an error. */
rd_kafka_resp_err_t group_commit(rd_kafka_t *group, const rd_kafka_topic_partition_list_t *offsets,
                                 struct beat *beat, bool (*has_failed)(void *owner), void *owner);

#endif
