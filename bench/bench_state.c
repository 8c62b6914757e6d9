/* The state at which the end-to-end benchmarks begin: everybody known, judged for weeks, a part of the people
 * in already.
 *
 *   --mode build   applies rosters and swipes of the days before the reference time to a task for each
 *                  partition, closes and all, and saves their changelogs in FILE
 *   --mode put     makes the topics of the configuration that are missing, writes FILE into the changelog and
 *                  the group's offsets, as if an instance had stopped there: what `run` is then started on.
 *                  Without FILE the topics alone
 *   --mode drop    deletes the changelog topic: runs are many, and each has its own */
#include "setup.h"
#include "state.h"

#include "check.h"
#include "cluster.h"
#include "outbox.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENTS     1024
#define HISTORY_DAYS 18 /* the default grace and two weeks: nobody is unrated */
#define DAY_MS       86400000
#define BATCH        64

struct builder {
    const struct setup *setup;
    struct stream *stream;
    uint32_t *people; /* of the partition in hand */
    uint32_t count;
    struct task *task;
    struct task_input inputs[BATCH];
    char values[BATCH][STREAM_VALUE_MAX], ids[BATCH][STREAM_ID_MAX];
    size_t batched;
    int64_t offset;
};

static void apply(struct builder *b) {
    struct task_verdict verdicts[BATCH];
    task_apply(b->task, b->inputs, b->batched, verdicts);
    for (size_t i = 0; i < b->batched; i++)
        CHECK(verdicts[i].reason == REASON_applied);
    b->batched = 0;
    outbox_clear(task_outbox(b->task));
}

static void add(struct builder *b, enum topic topic, uint32_t person, size_t len, int64_t arrival_ms) {
    char *id = b->ids[b->batched];
    b->inputs[b->batched] = (struct task_input){
        .topic = topic,
        .offset = b->offset++,
        .arrival = {arrival_ms},
        .has_key = true,
        .key = id,
        .key_len = stream_write_id(person, id),
        .value = b->values[b->batched],
        .value_len = len,
        .refused = REASON_applied,
    };
    if (++b->batched == BATCH)
        apply(b);
}

static void add_history(struct builder *b) {
    int64_t now_ms = b->setup->stream.reference_ms;
    uint64_t random = 1;
    for (uint32_t i = 0; i < b->count; i++)
        add(b, TOPIC_ROSTER, b->people[i], stream_write_roster(b->people[i], b->values[b->batched]),
            now_ms - (HISTORY_DAYS + 4) * (int64_t)DAY_MS);
    for (int32_t ago = HISTORY_DAYS; ago >= 0; ago--)
        for (uint32_t i = 0; i < b->count; i++) {
            uint32_t person = b->people[i];
            if (!stream_was_in(b->stream, person, ago))
                continue;
            civil_day day = day_plus(stream_open_day(b->stream, person), -ago);
            int64_t evening_ms = (int64_t)day.n * DAY_MS + 23 * 3600000;
            size_t len =
                stream_write_swipe(b->stream, person, day, true, stream_draw(&random), b->values[b->batched]);
            add(b, TOPIC_SWIPES, person, len, evening_ms < now_ms ? evening_ms : now_ms);
        }
    apply(b);
    task_advance(b->task, (arrival_time){now_ms});
    outbox_clear(task_outbox(b->task));
}

static void save(struct builder *b, uint32_t partition, const struct birth *birth, FILE *file) {
    struct position positions[TOPIC_COUNT];
    size_t count = 0;
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        if (topic != TOPIC_CALENDAR)
            positions[count++] = (struct position){topic, (int32_t)partition, 0, {INT64_MIN}};
    struct outbox *box = task_outbox(b->task);
    changelog_write_birth(box, birth);
    changelog_write(b->task, positions, count);
    state_write(file, partition, box);
    outbox_clear(box);
}

static void build_partition(struct builder *b, uint32_t partition, FILE *file) {
    const struct setup *setup = b->setup;
    struct birth birth = {.partition = partition,
                          .partitions = setup->stream.partitions,
                          .segments = SEGMENTS,
                          .hash_seed = partition + 1,
                          .complete_from = setup->config->rules.complete_from,
                          .created = {setup->stream.reference_ms}};
    struct task_setup task = {.rules = &setup->config->rules,
                              .fields = &setup->config->fields,
                              .employees = setup->stream.people / setup->stream.partitions + 1,
                              .hash_seed = birth.hash_seed,
                              .segments = SEGMENTS,
                              .complete_from = birth.complete_from,
                              .source = "/bench",
                              .has_changelog = true};
    b->count = 0;
    b->offset = 0;
    for (uint32_t person = 0; person < setup->stream.people; person++)
        if (stream_partition(b->stream, person) == partition)
            b->people[b->count++] = person;
    b->task = task_new(&task);
    add_history(b);
    save(b, partition, &birth, file);
    const uint64_t *statuses = task_statuses(b->task);
    printf("partition %" PRIu32 ": %" PRIu32 " people, %" PRIu64 " compliant, %" PRIu64 " at risk\n",
           partition, task_people(b->task), statuses[STATUS_COMPLIANT], statuses[STATUS_AT_RISK]);
    CHECK(statuses[STATUS_COMPLIANT] + statuses[STATUS_AT_RISK] == b->count);
    task_free(&b->task);
}

static void build(const struct setup *setup) {
    struct builder *b = xcalloc(1, sizeof *b);
    b->setup = setup;
    b->stream = stream_new(&setup->stream, &setup->config->rules);
    b->people = xcalloc(setup->stream.people, sizeof *b->people);
    FILE *file = fopen(setup->file, "wb");
    if (file == NULL)
        setup_fail("%s cannot be written", setup->file);
    for (uint32_t p = 0; p < setup->stream.partitions; p++)
        build_partition(b, p, file);
    CHECK(fclose(file) == 0);
    stream_free(&b->stream);
    free(b->people);
    free(b);
}

static void produce(rd_kafka_t *rk, const char *topic, const struct state_record *r) {
    rd_kafka_resp_err_t err;
    while ((err = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION((int32_t)r->partition),
                                    RD_KAFKA_V_KEY(r->key, r->key_len),
                                    RD_KAFKA_V_VALUE((void *)(uintptr_t)r->value, r->value_len),
                                    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END)) ==
           RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(rk, 10);
    if (err)
        setup_fail("%s: %s", topic, rd_kafka_err2str(err));
}

/* The births come first and alone: a partition just made may refuse its first batch for want of a leader and
 * take the second one, since it knows nothing of an idempotent producer that it has not met. */
static void write_changelog(const struct setup *setup) {
    rd_kafka_t *rk = setup_open(setup, HANDLE_PRODUCER, "bench-state");
    const char *topic = setup->config->outputs[OUTPUT_CHANGELOG];
    for (int births = 1; births >= 0; births--) {
        struct state_reader *reader = state_open(setup->file);
        for (struct state_record r; state_next(reader, &r);)
            if ((r.key_len == 4 && memcmp(r.key, "born", 4) == 0) == births)
                produce(rk, topic, &r);
        state_close(&reader);
        if (rd_kafka_flush(rk, 60000) != RD_KAFKA_RESP_ERR_NO_ERROR)
            setup_fail("%s: not written within a minute", topic);
    }
    rd_kafka_destroy(rk);
}

static void commit_offsets(const struct setup *setup) {
    rd_kafka_t *rk = setup_open(setup, HANDLE_GROUP, "bench-state");
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(0);
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
        if (topic == TOPIC_CALENDAR || setup->config->topics[topic] == NULL)
            continue;
        for (uint32_t p = 0; p < setup->stream.partitions; p++)
            rd_kafka_topic_partition_list_add(all, setup->config->topics[topic], (int32_t)p)->offset = 0;
    }
    rd_kafka_resp_err_t err = rd_kafka_commit(rk, all, 0);
    if (err)
        setup_fail("the group's offsets cannot be set: %s", rd_kafka_err2str(err));
    rd_kafka_topic_partition_list_destroy(all);
    rd_kafka_destroy(rk);
}

static void put(const struct setup *setup) {
    struct outcome outcome = OUTCOME_INITIALIZER;
    if (!cluster_make_topics(&setup->handles, &outcome, setup->stream.partitions, -1))
        setup_fail("%s", outcome.text);
    if (setup->file) {
        write_changelog(setup);
        commit_offsets(setup);
    }
}

static void drop(const struct setup *setup) {
    char error[256];
    rd_kafka_t *rk = setup_open(setup, HANDLE_CLOCK, "bench-state");
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DELETETOPICS);
    CHECK(rd_kafka_AdminOptions_set_operation_timeout(options, 10000, error, sizeof error) == 0);
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(setup->config->outputs[OUTPUT_CHANGELOG]);
    rd_kafka_DeleteTopics(rk, &topic, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 20000);
    if (event == NULL || rd_kafka_event_error(event))
        setup_fail("the changelog cannot be deleted");
    rd_kafka_event_destroy(event);
    rd_kafka_DeleteTopic_destroy(topic);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(rk);
}

int main(int argc, char **argv) {
    struct setup setup;
    setup_read(&setup, argc, argv);
    if (strcmp(setup.mode, "build") == 0)
        build(&setup);
    else if (strcmp(setup.mode, "put") == 0)
        put(&setup);
    else if (strcmp(setup.mode, "drop") == 0)
        drop(&setup);
    else
        setup_fail("--mode build, put or drop");
    setup_free(&setup);
    return 0;
}
