/* See kafka_error.h. Pure; any thread. */
#include "kafka_error.h"

static bool is_fencing(rd_kafka_resp_err_t code) {
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
        return true;
    default:
        return false;
    }
}

enum error_class error_class_of(rd_kafka_resp_err_t code, struct error_flags flags) {
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return ERROR_CLASS_NONE;
    if (is_fencing(code))
        return ERROR_CLASS_FENCED; /* whatever the flags say */
    if (flags.is_fatal)
        return ERROR_CLASS_FATAL;
    if (flags.requires_abort)
        return ERROR_CLASS_ABORT;
    return flags.is_retriable ? ERROR_CLASS_RETRY : ERROR_CLASS_FATAL;
}

enum error_class error_class_of_call(const rd_kafka_error_t *error) {
    if (error == NULL)
        return ERROR_CLASS_NONE;
    return error_class_of(rd_kafka_error_code(error),
                          (struct error_flags){
                              .is_fatal = rd_kafka_error_is_fatal(error) != 0,
                              .requires_abort = rd_kafka_error_txn_requires_abort(error) != 0,
                              .is_retriable = rd_kafka_error_is_retriable(error) != 0,
                          });
}

enum produce_result error_of_produce(rd_kafka_resp_err_t code) {
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return PRODUCE_FULL;
    case RD_KAFKA_RESP_ERR__FATAL:
        return PRODUCE_FATAL;
    default:
        return PRODUCE_ABORT;
    }
}

enum consume_result error_of_consume(rd_kafka_resp_err_t code, rd_kafka_resp_err_t fatal) {
    if (fatal == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID || code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        return CONSUME_FENCED;
    if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
        return CONSUME_FATAL;
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return CONSUME_LOST;
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__BAD_MSG: /* a batch whose checksum is wrong: what is in it cannot be skipped */
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
        return CONSUME_FATAL;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        return CONSUME_AWAY;
    default:
        return CONSUME_GOES_ON;
    }
}
