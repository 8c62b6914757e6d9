/* Reads the swipes topic once, with the librdkafka properties that a worker has, and prints what it cost as
 * one line of JSON.
 *
 *   --mode null   takes messages in batches and destroys them: what any consumer pays
 *   --mode apply  gives them to the tasks of the saved state (--file), decode, table, closes and judging
 *                 included, and publishes nothing
 *
 * CPU time is that of the process (librdkafka's threads and ours) from before the consumer is made; what is
 * restored before that does not count. */
#include "setup.h"
#include "state.h"

#include "check.h"
#include "memory.h"
#include "outbox.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PULL  1024
#define APPLY 64

struct consume {
    const struct setup *setup;
    rd_kafka_t *rk;
    struct task **tasks; /* NULL: none */
    rd_kafka_message_t *messages[PULL];
    struct task_input inputs[APPLY];
    struct task_verdict verdicts[APPLY];
    uint64_t records, bytes, state_records;
    uint32_t ended; /* partitions read to their end */
};

static void fill(struct task_input *in, const rd_kafka_message_t *message) {
    rd_kafka_timestamp_type_t type;
    *in = (struct task_input){
        .topic = TOPIC_SWIPES,
        .partition = message->partition,
        .offset = message->offset,
        .arrival = {rd_kafka_message_timestamp(message, &type)},
        .has_key = true,
        .key = message->key,
        .key_len = message->key_len,
        .value = message->payload,
        .value_len = message->len,
        .refused = REASON_applied,
    };
}

static void apply(struct consume *c, struct task *task, rd_kafka_message_t *const *messages, size_t count) {
    for (size_t i = 0; i < count; i++)
        fill(&c->inputs[i], messages[i]);
    task_apply(task, c->inputs, count, c->verdicts);
    for (size_t i = 0; i < count; i++)
        CHECK(c->verdicts[i].reason == REASON_applied);
}

static void apply_all(struct consume *c, size_t count) {
    for (size_t from = 0, to; from < count; from = to) {
        int32_t partition = c->messages[from]->partition;
        for (to = from; to < count && to < from + APPLY && c->messages[to]->partition == partition; to++)
            ;
        apply(c, c->tasks[partition], c->messages + from, to - from);
    }
    for (uint32_t p = 0; p < c->setup->stream.partitions; p++) {
        struct outbox *box = task_outbox(c->tasks[p]);
        if (box->count == 0)
            continue;
        c->state_records += box->count;
        outbox_clear(box);
    }
}

/* Drops what is no record; returns how many are left. */
static size_t take_out_ends(struct consume *c, size_t count) {
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        rd_kafka_message_t *message = c->messages[i];
        if (!message->err) {
            c->bytes += message->len;
            c->messages[left++] = message;
            continue;
        }
        if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            setup_fail("%s", rd_kafka_message_errstr(message));
        c->ended++;
        rd_kafka_message_destroy(message);
    }
    return left;
}

static void read_all(struct consume *c) {
    const struct setup *setup = c->setup;
    c->rk = setup_open(setup, HANDLE_GROUP, "bench-consume");
    rd_kafka_topic_partition_list_t *list = setup_partitions(setup, setup->config->topics[TOPIC_SWIPES], 0);
    rd_kafka_resp_err_t err = rd_kafka_assign(c->rk, list);
    if (err)
        setup_fail("%s", rd_kafka_err2str(err));
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(c->rk);
    while (c->ended < setup->stream.partitions) {
        ssize_t got = rd_kafka_consume_batch_queue(queue, 5, c->messages, PULL);
        size_t count = take_out_ends(c, got > 0 ? (size_t)got : 0);
        if (c->tasks)
            apply_all(c, count);
        c->records += count;
        for (size_t i = 0; i < count; i++)
            rd_kafka_message_destroy(c->messages[i]);
    }
    rd_kafka_queue_destroy(queue);
}

static struct task **restore(const struct setup *setup) {
    struct task_setup task = {.rules = &setup->config->rules,
                              .fields = &setup->config->fields,
                              .employees = setup->stream.people / setup->stream.partitions + 1,
                              .complete_from = setup->config->rules.complete_from,
                              .source = "/bench"};
    struct task **tasks = xcalloc(setup->stream.partitions, sizeof(struct task *));
    state_restore(setup->file, &task, tasks, setup->stream.partitions);
    return tasks;
}

int main(int argc, char **argv) {
    struct setup setup;
    setup_read(&setup, argc, argv);
    memory_keep_freed(); /* as the daemon does: what helps any consumer is no merit of ours */
    struct consume *c = xcalloc(1, sizeof *c);
    c->setup = &setup;
    if (strcmp(setup.mode, "apply") == 0)
        c->tasks = restore(&setup);
    else if (strcmp(setup.mode, "null") != 0)
        setup_fail("--mode null or apply");
    double cpu = setup_cpu_seconds(0), wall = setup_wall_seconds();
    read_all(c);
    cpu = setup_cpu_seconds(0) - cpu;
    wall = setup_wall_seconds() - wall;
    printf("{\"records\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"state_records\": %" PRIu64
           ", \"cpu_s\": %.6f, \"wall_s\": %.6f}\n",
           c->records, c->bytes, c->state_records, cpu, wall);
    rd_kafka_consumer_close(c->rk);
    rd_kafka_destroy(c->rk);
    for (uint32_t p = 0; c->tasks && p < setup.stream.partitions; p++)
        task_free(&c->tasks[p]);
    free(c->tasks);
    free(c);
    setup_free(&setup);
    return 0;
}
