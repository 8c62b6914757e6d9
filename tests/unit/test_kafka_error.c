/* The classes of errors, code by code: what was seen on a broker and read in librdkafka's source. */
#include "unit_test.h"

#include "kafka_error.h"

#define FATAL                                                                                                \
    { true, false, false }
#define ABORTABLE                                                                                            \
    { false, true, false }
#define RETRIABLE                                                                                            \
    { false, false, true }
#define PLAIN                                                                                                \
    { false, false, false }

struct call_row {
    rd_kafka_resp_err_t code;
    struct error_flags flags;
    enum error_class class;
};

/* Every code by the call that gives it, with the flags that librdkafka sets. */
static void check_rows(const struct call_row *rows, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (error_class_of(rows[i].code, rows[i].flags) != rows[i].class)
            fail_msg("%s is of class %d", rd_kafka_err2name(rows[i].code),
                     (int)error_class_of(rows[i].code, rows[i].flags));
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows)[0])

static void init_transactions(void **state) {
    (void)state;
    static const struct call_row rows[] = {
        {RD_KAFKA_RESP_ERR__TIMED_OUT, RETRIABLE, ERROR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RETRIABLE, ERROR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, RETRIABLE, ERROR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, FATAL, ERROR_CLASS_FATAL},
        {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, FATAL, ERROR_CLASS_FATAL},
        {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, FATAL, ERROR_CLASS_FATAL},
    };
    CHECK_ROWS(rows);
}

/* Told by the next call of the transaction. */
static void deliveries_and_partitions(void **state) {
    (void)state;
    static const struct call_row rows[] = {
        {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, FATAL, ERROR_CLASS_FENCED},
        {RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RETRIABLE, ERROR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR__TRANSPORT, RETRIABLE, ERROR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RETRIABLE, ERROR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ABORTABLE, ERROR_CLASS_ABORT},
        {RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, ABORTABLE, ERROR_CLASS_ABORT},
        {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, ABORTABLE, ERROR_CLASS_ABORT},
        {RD_KAFKA_RESP_ERR_PRODUCER_FENCED, FATAL, ERROR_CLASS_FENCED},
        {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, FATAL, ERROR_CLASS_FATAL},
        {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, FATAL, ERROR_CLASS_FATAL},
    };
    CHECK_ROWS(rows);
}

static void send_offsets(void **state) {
    (void)state;
    static const struct call_row rows[] = {
        /* The group has moved on, or another member has our name: whose name it is, the consumer is told, and
         * the transaction is not committed in any case. */
        {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, ABORTABLE, ERROR_CLASS_ABORT},
        {RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, ABORTABLE, ERROR_CLASS_ABORT},
        {RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, ABORTABLE, ERROR_CLASS_ABORT},
        {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, ABORTABLE, ERROR_CLASS_ABORT},
        {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, ABORTABLE, ERROR_CLASS_ABORT},
        {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ABORTABLE, ERROR_CLASS_ABORT},
        {RD_KAFKA_RESP_ERR_NOT_COORDINATOR, ABORTABLE, ERROR_CLASS_ABORT},
        {RD_KAFKA_RESP_ERR_UNKNOWN, ABORTABLE, ERROR_CLASS_ABORT},
        /* Comes flagged abortable; it never is. */
        {RD_KAFKA_RESP_ERR__FENCED, ABORTABLE, ERROR_CLASS_FENCED},
        {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, FATAL, ERROR_CLASS_FENCED},
        {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, FATAL, ERROR_CLASS_FATAL},
        {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, FATAL, ERROR_CLASS_FATAL},
        {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, FATAL, ERROR_CLASS_FATAL},
    };
    CHECK_ROWS(rows);
}

static void commit_abort_and_begin(void **state) {
    (void)state;
    static const struct call_row rows[] = {
        {RD_KAFKA_RESP_ERR__TIMED_OUT, RETRIABLE, ERROR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR__TRANSPORT, RETRIABLE, ERROR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RETRIABLE, ERROR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RETRIABLE, ERROR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RETRIABLE, ERROR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR__INCONSISTENT, ABORTABLE, ERROR_CLASS_ABORT},
        {RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, ABORTABLE, ERROR_CLASS_ABORT},
        {RD_KAFKA_RESP_ERR__FENCED, ABORTABLE, ERROR_CLASS_FENCED},
        {RD_KAFKA_RESP_ERR__FENCED, FATAL, ERROR_CLASS_FENCED},
        {RD_KAFKA_RESP_ERR__FENCED, RETRIABLE, ERROR_CLASS_FENCED},
        {RD_KAFKA_RESP_ERR_PRODUCER_FENCED, PLAIN, ERROR_CLASS_FENCED},
        /* Of an abort, too: what became of the transaction is not known. */
        {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, FATAL, ERROR_CLASS_FATAL},
        {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, PLAIN, ERROR_CLASS_FATAL},
        {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, FATAL, ERROR_CLASS_FATAL},
        {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, FATAL, ERROR_CLASS_FATAL},
        /* begin, after a fatal error; without any flag nothing is known of the transaction */
        {RD_KAFKA_RESP_ERR__STATE, PLAIN, ERROR_CLASS_FATAL},
    };
    CHECK_ROWS(rows);
}

static void flags_are_tested_in_order(void **state) {
    (void)state;
    static const struct call_row rows[] = {
        {RD_KAFKA_RESP_ERR__TIMED_OUT, {true, true, true}, ERROR_CLASS_FATAL},
        {RD_KAFKA_RESP_ERR__TIMED_OUT, {true, false, true}, ERROR_CLASS_FATAL},
        {RD_KAFKA_RESP_ERR__TIMED_OUT, {false, true, true}, ERROR_CLASS_ABORT},
        {RD_KAFKA_RESP_ERR_NO_ERROR, PLAIN, ERROR_CLASS_NONE},
    };
    CHECK_ROWS(rows);
    assert_int_equal(error_class_of_call(NULL), ERROR_CLASS_NONE);
}

static void a_refused_record_aborts(void **state) {
    (void)state;
    assert_int_equal(error_of_produce(RD_KAFKA_RESP_ERR__QUEUE_FULL), PRODUCE_FULL);
    assert_int_equal(error_of_produce(RD_KAFKA_RESP_ERR__FATAL), PRODUCE_FATAL);
    static const rd_kafka_resp_err_t others[] = {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
                                                 RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                                 RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                                                 RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
                                                 RD_KAFKA_RESP_ERR__STATE,
                                                 RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(error_of_produce(others[i]), PRODUCE_ABORT);
}

struct consume_row {
    rd_kafka_resp_err_t code, fatal;
    enum consume_result result;
};

static void consumer_errors(void **state) {
    (void)state;
    static const struct consume_row rows[] = {
        {RD_KAFKA_RESP_ERR__TRANSPORT, 0, CONSUME_GOES_ON},
        {RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, 0,
         CONSUME_GOES_ON}, /* the assignment is lost; that comes by itself */
        {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, 0, CONSUME_AWAY},
        {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 0, CONSUME_AWAY},
        {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, 0, CONSUME_AWAY},
        {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, 0, CONSUME_AWAY},
        {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, 0, CONSUME_LOST},
        {RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, 0, CONSUME_LOST},
        {RD_KAFKA_RESP_ERR__BAD_MSG, 0, CONSUME_FATAL},
        {RD_KAFKA_RESP_ERR__BAD_COMPRESSION, 0, CONSUME_FATAL},
        {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, 0, CONSUME_FENCED},
        {RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, CONSUME_FENCED},
        {RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR_UNKNOWN, CONSUME_FATAL},
        {RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_UNKNOWN, CONSUME_FATAL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(error_of_consume(rows[i].code, rows[i].fatal), rows[i].result);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(init_transactions),
    cmocka_unit_test(deliveries_and_partitions),
    cmocka_unit_test(send_offsets),
    cmocka_unit_test(commit_abort_and_begin),
    cmocka_unit_test(flags_are_tested_in_order),
    cmocka_unit_test(a_refused_record_aborts),
    cmocka_unit_test(consumer_errors),
};
UNIT_TEST_MAIN(tests)
