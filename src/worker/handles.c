/* See handles.h. Properties come in four layers: our advice, the configuration file (an allow-list already
 * checked by config), what correctness needs, and what the embedded broker needs. Any thread. */
#include "handles.h"

#include "check.h"
#include "event_log.h"
#include "kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP    (1u << HANDLE_GROUP)
#define PRODUCER (1u << HANDLE_PRODUCER)
#define READER   (1u << HANDLE_READER)
#define CLOCK    (1u << HANDLE_CLOCK)
#define CONSUMER (GROUP | READER | CLOCK)
#define ALL      (CONSUMER | PRODUCER)

struct property {
    unsigned roles;
    const char *name, *value;
};

/* Advice: what the file says goes over it. */
static const struct property advice[] = {
    {ALL, "socket.nagle.disable", "true"},
    {CONSUMER, "socket.timeout.ms", "12000"},
    {ALL, "socket.connection.setup.timeout.ms", "8000"},
    {ALL, "topic.metadata.refresh.interval.ms", "60000"},
    {ALL, "topic.metadata.propagation.max.ms", "60000"},
    /* A dead member's partitions wait so long; longer than a transaction, so that its successor never meets
       it open. */
    {GROUP, "session.timeout.ms", "45000"},
    /* Two transactions, a drain and a restore. */
    {GROUP, "max.poll.interval.ms", "300000"},
    /* The end of a partition is reported by a fetch that found nothing; a full partition is looked at again
     * when such a fetch comes back. */
    {GROUP, "fetch.wait.max.ms", "50"},
    {READER, "fetch.wait.max.ms", "25"},
    {PRODUCER, "transaction.timeout.ms", "30000"},
    {PRODUCER, "linger.ms", "5"},
    {PRODUCER, "compression.type", "lz4"},
    {PRODUCER, "retry.backoff.ms", "300"},
};

/* What correctness needs: never the file's to say. */
static const struct property musts[] = {
    {ALL, "allow.auto.create.topics", "false"},
    {CONSUMER, "enable.auto.commit", "false"},
    {CONSUMER, "enable.auto.offset.store", "false"},
    {CONSUMER, "auto.offset.reset", "error"},
    {CONSUMER, "enable.partition.eof", "true"},
    {CONSUMER, "check.crcs", "true"},
    {GROUP | READER, "isolation.level", "read_committed"},
    {CLOCK, "isolation.level", "read_uncommitted"}, /* its ends are high watermarks */
    {GROUP, "partition.assignment.strategy", "range"},
    {PRODUCER, "enable.idempotence", "true"},    /* acks=all, 5 in flight, no end of retries */
    {PRODUCER, "partitioner", "murmur2_random"}, /* Java's: where consumers who join expect a key */
};

/* Restores and the calendar are read as fast as the broker gives them. */
static const struct property reader_queue[] = {
    {READER, "queued.min.messages", "1000000"},
    {READER, "queued.max.messages.kbytes", "131072"},
};

/* Read ahead in one worker, summed over the partitions of a topic. A partition above its part is looked at
 * again only after the next fetch (2.0.2), which waits for fetch.wait.max.ms at most, so it must hold more
 * than is applied meanwhile. The kilobytes are those of the records: for each of them librdkafka needs as
 * much again and more, so the messages are limited, too (limits.h has the sum). */
#define READ_AHEAD_MESSAGES 500000
#define READ_AHEAD_KBYTES   262144
#define READ_AHEAD_MIN      25000 /* messages in a partition */

struct builder {
    rd_kafka_conf_t *conf;
    enum handle_role role;
    char *error;
    size_t error_size;
    bool failed;
};

/* What librdkafka says of it repeats the value, which may be a secret. */
static void set(struct builder *b, const char *name, const char *value) {
    char reason[256];
    if (b->failed || rd_kafka_conf_set(b->conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK)
        return;
    b->failed = true;
    snprintf(b->error, b->error_size, "kafka property %s: not a value that librdkafka takes", name);
}

static void set_table(struct builder *b, const struct property *rows, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (rows[i].roles & (1u << b->role))
            set(b, rows[i].name, rows[i].value);
}

static void set_number(struct builder *b, const char *name, uint64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    set(b, name, text);
}

static void set_read_ahead(struct builder *b, uint32_t partitions) {
    if (b->role != HANDLE_GROUP || partitions == 0)
        return;
    uint64_t messages = READ_AHEAD_MESSAGES / partitions, kbytes = READ_AHEAD_KBYTES / partitions;
    set_number(b, "queued.min.messages", messages > READ_AHEAD_MIN ? messages : READ_AHEAD_MIN);
    set_number(b, "queued.max.messages.kbytes", kbytes > READ_AHEAD_MIN / 2 ? kbytes : READ_AHEAD_MIN / 2);
}

/* A request must not outlast the transaction that it belongs to. */
static void set_request_timeout(struct builder *b, const struct handle_setup *setup) {
    if (b->role != HANDLE_PRODUCER)
        return;
    uint64_t transaction_ms = strtoull(handle_property(setup, "transaction.timeout.ms", "30000"), NULL, 10);
    set_number(b, "socket.timeout.ms", transaction_ms < 12000 ? transaction_ms : 12000);
}

/* Not every handle takes every property of the configuration file: librdkafka warns of the others' at each
 * start. */
static bool takes(enum handle_role role, const char *name) {
    if (strcmp(name, "client.id") == 0 || strcmp(name, "group.instance.id") == 0 ||
        strcmp(name, "group.id") == 0)
        return false; /* each handle has its own */
    if (role != HANDLE_GROUP && strncmp(name, "queued.", strlen("queued.")) == 0)
        return false;
    for (size_t i = 0; i < kafka_rows_count; i++)
        if (strcmp(kafka_rows[i].name, name) == 0)
            return kafka_rows[i].client != (role == HANDLE_PRODUCER ? KAFKA_CONSUMER : KAFKA_PRODUCER);
    return true;
}

const char *handle_property(const struct handle_setup *setup, const char *name, const char *otherwise) {
    for (uint32_t i = 0; i < setup->config->kafka_count; i++)
        if (strcmp(setup->config->kafka[i].name, name) == 0)
            return setup->config->kafka[i].value;
    return otherwise;
}

static void write_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    enum log_level ours = level <= 3 ? LOG_LEVEL_ERROR : level <= 5 ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;
    log_event(ours, "kafka", "client=%s facility=%s text=%s", rk ? rd_kafka_name(rk) : "none", facility,
              log_quote(text).text);
}

/* What is not fatal was in the log already. */
static void write_error(rd_kafka_t *rk, int err, const char *reason, void *opaque) {
    (void)opaque;
    log_event(err == RD_KAFKA_RESP_ERR__FATAL ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG, "kafka_error",
              "client=%s code=%s text=%s", rd_kafka_name(rk), rd_kafka_err2name((rd_kafka_resp_err_t)err),
              log_quote(reason).text);
}

/* These see every request and its answer; they must be added before the handle has threads. */
static rd_kafka_resp_err_t on_request(rd_kafka_t *rk, int socket, const char *broker, int32_t broker_id,
                                      int16_t api_key, int16_t api_version, int32_t correlation, size_t size,
                                      void *opaque) {
    const struct handle_callbacks *callbacks = opaque;
    (void)rk, (void)socket, (void)broker, (void)broker_id, (void)api_version, (void)correlation, (void)size;
    callbacks->sent(api_key, callbacks->opaque);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_response(rd_kafka_t *rk, int socket, const char *broker, int32_t broker_id,
                                       int16_t api_key, int16_t api_version, int32_t correlation, size_t size,
                                       int64_t round_trip, rd_kafka_resp_err_t err, void *opaque) {
    const struct handle_callbacks *callbacks = opaque;
    (void)rk, (void)socket, (void)broker, (void)broker_id, (void)api_version, (void)correlation, (void)size;
    (void)round_trip;
    callbacks->answered(api_key, err, callbacks->opaque);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque, char *error,
                                  size_t error_size) {
    (void)conf, (void)error, (void)error_size;
    rd_kafka_resp_err_t err = rd_kafka_interceptor_add_on_request_sent(rk, "rollcall", on_request, opaque);
    return err ? err : rd_kafka_interceptor_add_on_response_received(rk, "rollcall", on_response, opaque);
}

static void set_callbacks(struct builder *b, struct handle_callbacks *callbacks) {
    rd_kafka_conf_set_log_cb(b->conf, write_log);
    rd_kafka_conf_set_error_cb(b->conf, write_error);
    if (callbacks == NULL)
        return;
    rd_kafka_conf_set_opaque(b->conf, callbacks->opaque);
    if (callbacks->rebalance)
        rd_kafka_conf_set_rebalance_cb(b->conf, callbacks->rebalance);
    if (callbacks->delivered)
        rd_kafka_conf_set_dr_msg_cb(b->conf, callbacks->delivered);
    if (callbacks->answered)
        rd_kafka_conf_interceptor_add_on_new(b->conf, "rollcall", on_new, callbacks);
}

bool handle_learn_leaders(rd_kafka_t *rk, const char *name, int timeout_ms) {
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
    if (topic == NULL)
        return false;
    bool is_answered = rd_kafka_metadata(rk, 0, topic, &metadata, timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (is_answered)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(topic);
    return is_answered;
}

rd_kafka_t *handle_new(const struct handle_setup *setup, enum handle_role role, const char *name,
                       const char *id, struct handle_callbacks *callbacks, struct outcome *outcome) {
    const struct config *config = setup->config;
    char error[512];
    struct builder b = {rd_kafka_conf_new(), role, error, sizeof error, false};
    set_table(&b, advice, sizeof advice / sizeof advice[0]);
    set_table(&b, reader_queue, sizeof reader_queue / sizeof reader_queue[0]);
    set_read_ahead(&b, setup->partitions_per_worker);
    set_request_timeout(&b, setup);
    for (uint32_t i = 0; i < config->kafka_count; i++)
        if (takes(role, config->kafka[i].name))
            set(&b, config->kafka[i].name, config->kafka[i].value);
    set_table(&b, musts, sizeof musts / sizeof musts[0]);
    set(&b, "client.id", name);
    if (setup->group && role != HANDLE_PRODUCER)
        set(&b, "group.id", setup->group);
    else if (role == HANDLE_GROUP)
        set(&b, "group.id", handle_property(setup, "group.id", "rollcall"));
    if (id)
        set(&b, role == HANDLE_GROUP ? "group.instance.id" : "transactional.id", id);
    for (size_t i = 0; i < setup->extra_count; i++)
        set(&b, setup->extra[i].name, setup->extra[i].value);
    set_callbacks(&b, callbacks);
    int code = EX_CONFIG;
    if (!b.failed) {
        rd_kafka_t *rk = rd_kafka_new(role == HANDLE_PRODUCER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, b.conf,
                                      error, sizeof error);
        if (rk)
            return rk;
        /* A thread could not be started, or was not given the processor for a minute. */
        rd_kafka_resp_err_t err = rd_kafka_last_error();
        if (err == RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE || err == RD_KAFKA_RESP_ERR__TIMED_OUT)
            code = EX_TEMPFAIL;
    }
    outcome_fail(outcome, code, "%s", error);
    /* 2.0.2 frees the interceptors of a failed handle, and again with its configuration; and threads that
     * come late still use it. It is then left to the exit that follows. */
    if (code == EX_CONFIG && (callbacks == NULL || callbacks->answered == NULL))
        rd_kafka_conf_destroy(b.conf);
    return NULL;
}
