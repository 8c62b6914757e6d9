/* The block changelog against a record per person: the same swipes, one in six of them setting a new bit, and
 * then what makes the changes durable, with a real producer and broker. Rounds alternate: in one the changed
 * people are written as delta block and snapshots, in the next as a keyed record of 110 bytes each. Measured
 * is the CPU time of the whole process, the client's threads included, from the first record produced to the
 * last one acknowledged.
 *
 * Options as in setup.h; prints one line of JSON. */
#include "measure.h"
#include "setup.h"

#include "changelog.h"
#include "check.h"
#include "task.h"

#include <stdlib.h>
#include <string.h>

#define BATCH        64
#define ROUND_SWIPES 65536
#define RECORD_BYTES 110
#define DAY_MS       INT64_C(86400000)

struct round {
    struct stream_swipe *swipes; /* [ROUND_SWIPES] */
    size_t count;
};

struct bench {
    struct setup setup;
    struct stream *stream;
    struct task *task;
    rd_kafka_t *producer;
    struct round round;
};

static void make_known(struct bench *b) {
    char value[STREAM_VALUE_MAX];
    struct task_verdict verdict;
    for (uint32_t i = 0; i < b->setup.stream.people; i++) {
        struct task_input input = {.topic = TOPIC_ROSTER,
                                   .arrival = {b->setup.stream.reference_ms - DAY_MS},
                                   .value = value,
                                   .value_len = stream_write_roster(i, value)};
        task_apply(b->task, &input, 1, &verdict);
        CHECK(verdict.reason == REASON_applied);
        outbox_clear(task_outbox(b->task));
    }
    changelog_write(b->task, NULL, 0);
    outbox_clear(task_outbox(b->task));
}

/* False at the end of the stream. */
static bool next_round(struct bench *b) {
    struct task_input inputs[BATCH];
    struct task_verdict verdicts[BATCH];
    struct round *round = &b->round;
    round->count = 0;
    while (round->count < ROUND_SWIPES && stream_next(b->stream, &round->swipes[round->count]))
        round->count++;
    for (size_t done = 0; done < round->count; done += BATCH) {
        size_t n = round->count - done < BATCH ? round->count - done : BATCH;
        for (size_t i = 0; i < n; i++)
            inputs[i] = (struct task_input){.topic = TOPIC_SWIPES,
                                            .arrival = {b->setup.stream.reference_ms + DAY_MS / 2},
                                            .value = round->swipes[done + i].value,
                                            .value_len = round->swipes[done + i].len};
        task_apply(b->task, inputs, n, verdicts);
        for (size_t i = 0; i < n; i++)
            CHECK(verdicts[i].reason == REASON_applied);
    }
    outbox_clear(task_outbox(b->task)); /* state records are no part of this */
    return round->count == ROUND_SWIPES;
}

static void produce(struct bench *b, const void *key, size_t key_len, const void *value, size_t len) {
    const char *topic = b->setup.config->outputs[OUTPUT_CHANGELOG];
    while (rd_kafka_producev(b->producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                             RD_KAFKA_V_KEY((void *)(uintptr_t)key, key_len),
                             RD_KAFKA_V_VALUE((void *)(uintptr_t)value, len),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                             RD_KAFKA_V_END) != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_poll(b->producer, 10);
}

static void flush(struct bench *b) {
    if (rd_kafka_flush(b->producer, 60000) != RD_KAFKA_RESP_ERR_NO_ERROR)
        setup_fail("the changelog was not acknowledged within a minute");
}

static void write_blocks(struct bench *b) {
    changelog_write(b->task, NULL, 0);
    const struct outbox *box = task_outbox(b->task);
    for (size_t i = 0; i < box->count; i++)
        produce(b, box->records[i].key, box->records[i].key_len, box->records[i].value,
                box->records[i].value_len);
    flush(b);
}

static void write_records(struct bench *b) {
    char id[STREAM_ID_MAX], value[RECORD_BYTES];
    memset(value, 'x', sizeof value);
    for (size_t i = 0; i < b->round.count; i++) {
        if (!b->round.swipes[i].is_fresh)
            continue;
        size_t len = stream_write_id(b->round.swipes[i].person, id);
        memcpy(value, &b->round.swipes[i].person, sizeof b->round.swipes[i].person);
        produce(b, id, len, value, sizeof value);
    }
    flush(b);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_value);
    return count ? values[count / 2] : 0;
}

int main(int argc, char **argv) {
    struct bench b = {0};
    setup_read(&b.setup, argc, argv);
    b.stream = stream_new(&b.setup.stream, &b.setup.config->rules);
    b.round.swipes = xcalloc(ROUND_SWIPES, sizeof *b.round.swipes);
    b.task = task_new(&(struct task_setup){.rules = &b.setup.config->rules,
                                           .fields = &b.setup.config->fields,
                                           .employees = b.setup.stream.people,
                                           .hash_seed = 7,
                                           .segments = 1024,
                                           .complete_from = b.setup.config->rules.complete_from,
                                           .source = "bench",
                                           .has_changelog = true});
    make_known(&b);
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", handle_property(&b.setup.handles, "bootstrap.servers", ""),
                      NULL, 0);
    rd_kafka_conf_set(conf, "compression.type", "lz4", NULL, 0);
    rd_kafka_conf_set(conf, "enable.idempotence", "true", NULL, 0);
    rd_kafka_conf_set(conf, "linger.ms", "5", NULL, 0);
    b.producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (b.producer == NULL)
        setup_fail("%s", error);

    double blocks[1024], records[1024];
    size_t blocks_count = 0, records_count = 0;
    for (size_t i = 0; next_round(&b) && i < 2000; i++) {
        bool as_blocks = i % 2 == 0;
        double began = setup_cpu_seconds(0);
        if (as_blocks)
            write_blocks(&b);
        else
            write_records(&b);
        double ns = (setup_cpu_seconds(0) - began) * 1e9 / ROUND_SWIPES;
        if (i >= 4) /* the first connections and pages are not what this is about */
            *(as_blocks ? &blocks[blocks_count++] : &records[records_count++]) = ns;
        if (!as_blocks)
            changelog_write(b.task, NULL, 0); /* what was told as records is no longer due */
        outbox_clear(task_outbox(b.task));
    }
    struct measure_quality quality = {.runs = (unsigned)(blocks_count + records_count), .again = 1};
    double in_blocks = median(blocks, blocks_count), in_records = median(records, records_count);
    const struct measure_row rows[] = {
        {"blocks", in_blocks, "ns a swipe read", ""},
        {"a record per person", in_records, "ns a swipe read", ""},
        {"blocks", in_blocks / in_records, "CPU of a record per person", "<= 1"},
    };
    measure_print(rows, sizeof rows / sizeof rows[0], &quality);
    rd_kafka_destroy(b.producer);
    task_free(&b.task);
    stream_free(&b.stream);
    free(b.round.swipes);
    setup_free(&b.setup);
    return 0;
}
