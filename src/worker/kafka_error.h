/* What to do about an error of librdkafka: the one place that decides. Pure; any thread.
 *
 * Two families. Errors of transactional calls carry flags, which are tested in a fixed order, because they
 * contradict each other in places: `_FENCED` comes flagged abortable, but a fenced producer must not go on.
 * Errors of the consumer are plain codes. */
#ifndef ROLLCALL_KAFKA_ERROR_H
#define ROLLCALL_KAFKA_ERROR_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

enum error_class {
    ERROR_CLASS_NONE,
    ERROR_CLASS_RETRY,  /* the same call again */
    ERROR_CLASS_ABORT,  /* abort the transaction; its records are sent again if the partitions are still ours
                         */
    ERROR_CLASS_FENCED, /* another instance took over, or the transaction has timed out: this producer is at
                           its end */
    ERROR_CLASS_FATAL,  /* this producer is of no use any more: stop */
};

struct error_flags {
    bool is_fatal, requires_abort, is_retriable;
};
enum error_class error_class_of(rd_kafka_resp_err_t code, struct error_flags flags);
/* Of a transactional call's result; NULL is success. Does not destroy it. */
enum error_class error_class_of_call(const rd_kafka_error_t *error);

enum produce_result {
    PRODUCE_FULL,  /* serve delivery reports, then again */
    PRODUCE_ABORT, /* librdkafka would let the rest of the transaction commit without this record: abort it
                      ourselves */
    PRODUCE_FATAL,
};
/* Of the code that producing one record returned, which is not success. */
enum produce_result error_of_produce(rd_kafka_resp_err_t code);

enum consume_result {
    CONSUME_GOES_ON, /* librdkafka tries again by itself */
    CONSUME_AWAY,    /* as above, but if it lasts somebody has to look: authorization, a topic that is gone */
    CONSUME_LOST,    /* the position is not in the log any more: stop (SPEC 7) */
    CONSUME_FENCED,
    CONSUME_FATAL,
};
/* Of an error that the consumer was given in place of a record. `fatal` is the code of rd_kafka_fatal_error,
 * 0 if there is none. */
enum consume_result error_of_consume(rd_kafka_resp_err_t code, rd_kafka_resp_err_t fatal);

#endif
