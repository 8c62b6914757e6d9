/* See demo_broker.h. */
#include "demo_broker.h"

#include "check.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 30000
/* Two brokers, so that the coordinator of the group can be late without delaying all else. */
enum { BROKER_OF_GROUP = 2, BROKERS = 2 };
#define LATE_MS 300 /* so long may a busy machine hold up a member */

struct demo_broker {
    rd_kafka_t *host; /* the instance that the mock cluster lives in */
    rd_kafka_mock_cluster_t *cluster;
    char address[64]; /* of the first broker; from it clients learn the other's */
    rd_kafka_t *producer;
    rd_kafka_topic_t *inputs[TOPIC_COUNT];
    const struct config *config;
    uint32_t partitions;
    rd_kafka_resp_err_t failure; /* of the first record that was not delivered */
};

/* The library would print its threads' notes between the lines of the demo. */
static void drop_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    (void)rk, (void)level, (void)facility, (void)text;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char error[256];
    CHECK(rd_kafka_conf_set(conf, name, value, error, sizeof error) == RD_KAFKA_CONF_OK);
}

static rd_kafka_t *new_handle(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
    char error[256];
    rd_kafka_conf_set_log_cb(conf, drop_log);
    rd_kafka_t *handle = rd_kafka_new(type, conf, error, sizeof error);
    if (handle == NULL) {
        fprintf(stderr, "rollcall: %s\n", error);
        rd_kafka_conf_destroy(conf);
    }
    return handle;
}

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    struct demo_broker *broker = opaque;
    (void)rk;
    if (message->err && !broker->failure)
        broker->failure = message->err;
}

/* Large batches: the broker counts them (100,000 a partition), and a fetch brings one of each partition. */
static rd_kafka_t *new_producer(struct demo_broker *broker) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", demo_broker_address(broker));
    set(conf, "compression.type", "lz4");
    set(conf, "linger.ms", "100");
    set(conf, "batch.num.messages", "10000");
    set(conf, "queue.buffering.max.messages", "200000");
    set(conf, "partitioner", "murmur2_random");
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_opaque(conf, broker);
    return new_handle(RD_KAFKA_PRODUCER, conf);
}

struct demo_broker *demo_broker_new(void) {
    struct demo_broker *broker = xcalloc(1, sizeof *broker);
    broker->host = new_handle(RD_KAFKA_PRODUCER, rd_kafka_conf_new());
    if (broker->host != NULL)
        broker->cluster = rd_kafka_mock_cluster_new(broker->host, BROKERS);
    if (broker->cluster != NULL) {
        rd_kafka_mock_coordinator_set(broker->cluster, "group", DEMO_GROUP, BROKER_OF_GROUP);
        const char *addresses = rd_kafka_mock_cluster_bootstraps(broker->cluster); /* of all, with commas */
        snprintf(broker->address, sizeof broker->address, "%.*s", (int)strcspn(addresses, ","), addresses);
        broker->producer = new_producer(broker);
    }
    if (broker->producer == NULL) {
        fprintf(stderr, "rollcall: cannot start the embedded broker\n");
        demo_broker_free(&broker);
    }
    return broker;
}

void demo_broker_free(struct demo_broker **broker) {
    struct demo_broker *b = *broker;
    if (b == NULL)
        return;
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        if (b->inputs[topic])
            rd_kafka_topic_destroy(b->inputs[topic]);
    if (b->producer) {
        rd_kafka_purge(b->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_destroy(b->producer);
    }
    if (b->cluster)
        rd_kafka_mock_cluster_destroy(b->cluster);
    if (b->host)
        rd_kafka_destroy(b->host);
    free(b);
    *broker = NULL;
}

const char *demo_broker_address(const struct demo_broker *broker) {
    return broker->address;
}

static bool make_topic(struct demo_broker *broker, const char *name, uint32_t partitions) {
    rd_kafka_resp_err_t err = rd_kafka_mock_topic_create(broker->cluster, name, (int)partitions, 1);
    if (err)
        fprintf(stderr, "rollcall: cannot make the topic %s: %s\n", name, rd_kafka_err2str(err));
    return !err;
}

bool demo_broker_make_topics(struct demo_broker *broker, const struct config *config, uint32_t partitions) {
    broker->config = config;
    broker->partitions = partitions;
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
        if (config->topics[topic] == NULL)
            continue;
        if (!make_topic(broker, config->topics[topic], partitions))
            return false;
        broker->inputs[topic] = rd_kafka_topic_new(broker->producer, config->topics[topic], NULL);
        if (broker->inputs[topic] == NULL)
            return false;
    }
    for (enum output output = 0; output < OUTPUT_COUNT; output++)
        if (!make_topic(broker, config->outputs[output], partitions))
            return false;
    return true;
}

static bool tell_failure(const char *what, rd_kafka_resp_err_t err) {
    fprintf(stderr, "rollcall: %s the embedded broker: %s\n", what, rd_kafka_err2str(err));
    return false;
}

bool demo_broker_send(struct demo_broker *broker, const struct company_record *record) {
    for (;;) {
        rd_kafka_resp_err_t err =
            rd_kafka_producev(broker->producer, RD_KAFKA_V_RKT(broker->inputs[record->topic]),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                              RD_KAFKA_V_KEY((void *)(uintptr_t)record->key, record->key_len),
                              RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value, record->value_len),
                              RD_KAFKA_V_TIMESTAMP(record->arrival.ms), RD_KAFKA_V_END);
        if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            rd_kafka_poll(broker->producer, 10);
            continue;
        }
        return !err || tell_failure("cannot send to", err);
    }
}

bool demo_broker_flush(struct demo_broker *broker) {
    rd_kafka_resp_err_t err = rd_kafka_flush(broker->producer, WAIT_MS);
    if (!err)
        err = broker->failure;
    return !err || tell_failure("cannot send to", err);
}

static rd_kafka_t *new_reader(struct demo_broker *broker, const char *topic) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", demo_broker_address(broker));
    set(conf, "group.id", "demo-reader"); /* nothing is committed */
    set(conf, "enable.auto.commit", "false");
    set(conf, "enable.partition.eof", "true");
    set(conf, "fetch.wait.max.ms", "10");
    rd_kafka_t *reader = new_handle(RD_KAFKA_CONSUMER, conf);
    if (reader == NULL)
        return NULL;
    rd_kafka_poll_set_consumer(reader);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)broker->partitions);
    for (uint32_t p = 0; p < broker->partitions; p++)
        rd_kafka_topic_partition_list_add(list, topic, (int32_t)p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t err = rd_kafka_assign(reader, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (!err)
        return reader;
    tell_failure("cannot read from", err);
    rd_kafka_destroy(reader);
    return NULL;
}

static void hand_over(const rd_kafka_message_t *message,
                      void (*take)(const struct demo_output *record, void *opaque), void *opaque) {
    struct demo_output out = {.key = message->key,
                              .key_len = message->key_len,
                              .value = message->payload,
                              .value_len = message->len,
                              .as_of = ""};
    rd_kafka_headers_t *headers;
    const void *time;
    size_t time_len;
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        rd_kafka_header_get_last(headers, "ce_time", &time, &time_len) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        out.as_of = time;
        out.as_of_len = time_len;
    }
    take(&out, opaque);
}

bool demo_broker_read(struct demo_broker *broker, enum output output,
                      void (*take)(const struct demo_output *record, void *opaque), void *opaque) {
    rd_kafka_t *reader = new_reader(broker, broker->config->outputs[output]);
    if (reader == NULL)
        return false;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (uint32_t ended = 0; ended < broker->partitions && !err;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, WAIT_MS);
        if (message == NULL)
            err = RD_KAFKA_RESP_ERR__TIMED_OUT;
        else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            ended++;
        else if (message->err)
            err = message->err;
        else
            hand_over(message, take, opaque);
        if (message)
            rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(reader);
    rd_kafka_destroy(reader);
    return !err || tell_failure("cannot read from", err);
}

void demo_broker_answer_late(struct demo_broker *broker, bool late) {
    rd_kafka_mock_broker_set_rtt(broker->cluster, BROKER_OF_GROUP, late ? LATE_MS : 0);
}

static bool has_lost(struct demo_broker *broker, const char *topic) {
    for (uint32_t p = 0; topic != NULL && p < broker->partitions; p++) {
        int64_t low, high;
        rd_kafka_resp_err_t err =
            rd_kafka_query_watermark_offsets(broker->producer, topic, (int32_t)p, &low, &high, WAIT_MS);
        if (err || low != 0)
            return true;
    }
    return false;
}

bool demo_broker_lost(struct demo_broker *broker) {
    bool lost = false;
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        lost = lost || has_lost(broker, broker->config->topics[topic]);
    for (enum output output = 0; output < OUTPUT_COUNT; output++)
        lost = lost || has_lost(broker, broker->config->outputs[output]);
    return lost;
}
