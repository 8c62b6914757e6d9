/* Reads the changelog of the saved state from the broker as a worker does at its start (one consumer, all
 * partitions into one queue, few records at a time), and prints what it cost as one line of JSON.
 *
 *   --mode null     destroys the messages: what any consumer of these blocks pays
 *   --mode restore  makes the tasks of them, until the last one could run
 *   --mode put      first, once: writes into the state topic, which nobody else uses here, a keyed record of
 *                   110 bytes for each person: what a changelog without blocks would hold
 *   --mode records  destroys those
 *
 * CPU time is that of the process (librdkafka's threads and ours) from before the consumer is made; the other
 * time begins when the consumer knows the partitions' leaders, as a worker's does before it restores. (Asked
 * for a partition before that, librdkafka pauses for half a second, which would make any two rates alike.) */
#include "setup.h"

#include "changelog.h"
#include "check.h"
#include "memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PULL         16 /* as SLICE_RECORDS of src/worker/restorer.c */
#define PULL_RECORDS 1024
#define RECORD_BYTES 110

struct reading {
    const struct setup *setup;
    const char *topic;
    struct restore **restores; /* NULL: nothing is made of it */
    uint64_t records, bytes, people;
    uint32_t ended; /* partitions read to their end */
    size_t pull;
    rd_kafka_message_t *messages[PULL_RECORDS];
};

static void make_task(struct reading *r, uint32_t partition) {
    struct restored restored;
    char error[256];
    if (restore_finish(r->restores[partition], &restored, error, sizeof error) != RESTORE_OK)
        setup_fail("%s", error);
    restore_free(&r->restores[partition]);
    r->people += task_people(restored.task);
    free(restored.positions);
    /* Kept, as a worker keeps it: what its end costs is no part of a start. */
}

static void take(struct reading *r, const rd_kafka_message_t *message) {
    char error[256];
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        r->ended++;
        if (r->restores)
            make_task(r, (uint32_t)message->partition);
        return;
    }
    if (message->err)
        setup_fail("%s", rd_kafka_message_errstr(message));
    r->records++;
    r->bytes += message->len;
    if (r->restores && restore_apply(r->restores[message->partition], message->key, message->key_len,
                                     message->payload, message->len, error, sizeof error) != RESTORE_OK)
        setup_fail("%s", error);
}

static void learn_leaders(rd_kafka_t *rk, rd_kafka_topic_t *topic) {
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, topic, &metadata, 10000);
    if (err)
        setup_fail("%s", rd_kafka_err2str(err));
    rd_kafka_metadata_destroy(metadata);
}

/* Returns when it began to read. */
static double read_all(struct reading *r) {
    uint32_t partitions = r->setup->stream.partitions;
    rd_kafka_t *rk = setup_open(r->setup, HANDLE_READER, "bench-restore");
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, r->topic, NULL);
    learn_leaders(rk, topic);
    double began = setup_wall_seconds();
    for (uint32_t p = 0; p < partitions; p++)
        CHECK(rd_kafka_consume_start_queue(topic, (int32_t)p, RD_KAFKA_OFFSET_BEGINNING, queue) == 0);
    while (r->ended < partitions) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, 5, r->messages, r->pull);
        for (ssize_t i = 0; i < count; i++) {
            take(r, r->messages[i]);
            rd_kafka_message_destroy(r->messages[i]);
        }
    }
    return began;
}

static void put_records(const struct setup *setup) {
    rd_kafka_t *rk = setup_open(setup, HANDLE_PRODUCER, "bench-restore");
    struct stream *stream = stream_new(&setup->stream, &setup->config->rules);
    char id[STREAM_ID_MAX], value[RECORD_BYTES];
    uint64_t random = 1;
    for (uint32_t person = 0; person < setup->stream.people; person++) {
        for (size_t i = 0; i < sizeof value; i += sizeof random) {
            stream_draw(&random);
            memcpy(value + i, &random, sizeof value - i < sizeof random ? sizeof value - i : sizeof random);
        }
        size_t len = stream_write_id(person, id);
        while (rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(setup->config->outputs[OUTPUT_STATE]),
                                 RD_KAFKA_V_PARTITION((int32_t)stream_partition(stream, person)),
                                 RD_KAFKA_V_KEY(id, len), RD_KAFKA_V_VALUE(value, sizeof value),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(rk, 10);
    }
    if (rd_kafka_flush(rk, 120000) != RD_KAFKA_RESP_ERR_NO_ERROR)
        setup_fail("not written within two minutes");
    rd_kafka_destroy(rk);
    stream_free(&stream);
}

static void begin_tasks(struct reading *r) {
    const struct setup *setup = r->setup;
    struct task_setup task = {.rules = &setup->config->rules,
                              .fields = &setup->config->fields,
                              .employees = setup->stream.people / setup->stream.partitions + 1,
                              .complete_from = setup->config->rules.complete_from,
                              .source = "/bench",
                              .has_guard = true,
                              .has_changelog = true};
    r->restores = xcalloc(setup->stream.partitions, sizeof(struct restore *));
    for (uint32_t p = 0; p < setup->stream.partitions; p++)
        r->restores[p] = restore_new(&task);
}

int main(int argc, char **argv) {
    struct setup setup;
    setup_read(&setup, argc, argv);
    memory_keep_freed(); /* as the daemon does */
    bool is_records = strcmp(setup.mode, "records") == 0, is_restore = strcmp(setup.mode, "restore") == 0;
    if (strcmp(setup.mode, "put") == 0) {
        put_records(&setup);
        return 0;
    }
    if (!is_records && !is_restore && strcmp(setup.mode, "null") != 0)
        setup_fail("--mode null, restore, put or records");
    struct reading *r = xcalloc(1, sizeof *r);
    r->setup = &setup;
    r->topic = setup.config->outputs[is_records ? OUTPUT_STATE : OUTPUT_CHANGELOG];
    r->pull = is_records ? PULL_RECORDS : PULL;
    double cpu = setup_cpu_seconds(0);
    if (is_restore)
        begin_tasks(r);
    double began = read_all(r), wall = setup_wall_seconds() - began;
    cpu = setup_cpu_seconds(0) - cpu;
    printf("{\"records\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"people\": %" PRIu64
           ", \"cpu_s\": %.6f, \"wall_s\": %.6f}\n",
           r->records, r->bytes, r->people, cpu, wall);
    fflush(stdout);
    _Exit(0); /* the tasks are as they would be in a daemon that runs */
}
