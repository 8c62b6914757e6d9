/* Writes the swipes of the made-up company into the swipes topic, as fast as the broker takes them: large
 * batches, not idempotent, --compression none or lz4. Prints how many lie in each partition. */
#include "setup.h"

#include "check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 1000

struct preload {
    const struct setup *setup;
    rd_kafka_t *rk;
    rd_kafka_topic_t *topic;
    rd_kafka_message_t messages[BATCH];
    struct stream_swipe swipes[BATCH];
    char keys[BATCH][STREAM_ID_MAX];
    uint64_t failed, done;
};

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    struct preload *p = opaque;
    (void)rk;
    p->failed += message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void open_producer(struct preload *p) {
    static const char *const properties[][2] = {
        {"acks", "1"},
        {"batch.size", "900000"},
        {"batch.num.messages", "20000"},
        {"linger.ms", "100"},
        {"queue.buffering.max.messages", "400000"},
    };
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++)
        CHECK(rd_kafka_conf_set(conf, properties[i][0], properties[i][1], error, sizeof error) == 0);
    const char *servers = handle_property(&p->setup->handles, "bootstrap.servers", "");
    if (rd_kafka_conf_set(conf, "bootstrap.servers", servers, error, sizeof error) != 0 ||
        rd_kafka_conf_set(conf, "compression.type", p->setup->compression, error, sizeof error) != 0)
        setup_fail("%s", error);
    rd_kafka_conf_set_opaque(conf, p);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (p->rk == NULL)
        setup_fail("%s", error);
    p->topic = rd_kafka_topic_new(p->rk, p->setup->config->topics[TOPIC_SWIPES], NULL);
}

/* Those that did not fit the queue are tried again. */
static void produce(struct preload *p, int count) {
    for (int from = 0; from < count;) {
        from += rd_kafka_produce_batch(p->topic, 0, RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_PARTITION,
                                       p->messages + from, count - from);
        CHECK(from == count || p->messages[from].err == RD_KAFKA_RESP_ERR__QUEUE_FULL);
        rd_kafka_poll(p->rk, from == count ? 0 : 5);
    }
}

static void preload(struct preload *p, struct stream *stream, uint64_t *in_partition) {
    int count = 0;
    while (stream_next(stream, &p->swipes[count])) {
        struct stream_swipe *swipe = &p->swipes[count];
        uint32_t partition = stream_partition(stream, swipe->person);
        p->messages[count] = (rd_kafka_message_t){
            .partition = (int32_t)partition,
            .payload = swipe->value,
            .len = swipe->len,
            .key = p->keys[count],
            .key_len = stream_write_id(swipe->person, p->keys[count]),
        };
        in_partition[partition]++;
        if (++count == BATCH) {
            produce(p, count);
            count = 0;
        }
    }
    produce(p, count);
    if (rd_kafka_flush(p->rk, 120000) != RD_KAFKA_RESP_ERR_NO_ERROR || p->failed)
        setup_fail("%" PRIu64 " swipes were not written", p->failed);
}

int main(int argc, char **argv) {
    struct setup setup;
    setup_read(&setup, argc, argv);
    struct stream *stream = stream_new(&setup.stream, &setup.config->rules);
    struct preload *p = xcalloc(1, sizeof *p);
    uint64_t *in_partition = xcalloc(setup.stream.partitions, sizeof *in_partition);
    p->setup = &setup;
    open_producer(p);
    double began = setup_wall_seconds();
    preload(p, stream, in_partition);
    printf("%" PRIu64 " swipes in %.1f s:", setup.stream.swipes, setup_wall_seconds() - began);
    for (uint32_t i = 0; i < setup.stream.partitions; i++)
        printf(" %" PRIu64, in_partition[i]);
    printf("\n");
    rd_kafka_topic_destroy(p->topic);
    rd_kafka_destroy(p->rk);
    free(in_partition);
    free(p);
    stream_free(&stream);
    setup_free(&setup);
    return 0;
}
