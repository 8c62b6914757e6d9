/* Reject records (SPEC 6): what could not be used, as it came, and why. Worker thread. */
#ifndef ROLLCALL_REJECT_RECORD_H
#define ROLLCALL_REJECT_RECORD_H

#include "outbox.h"
#include "task.h"

#include <librdkafka/rdkafka.h>

void reject_record_add(struct outbox *box, const rd_kafka_message_t *message, const char *topic,
                       const struct task_verdict *verdict);

#endif
