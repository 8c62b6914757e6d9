/* The records by which tasks are born (SPEC 7). Main thread.
 *
 * A task is born once. Its partition must be empty and the group must have read nothing for it: a changelog
 * that was lost looks like a new one in itself, and only the group's offsets tell them apart. All is looked
 * at after the transactional id is taken, so that of two who run this at once the first writes and the second
 * finds. */
#include "changelog.h"
#include "clocks.h"
#include "cluster.h"
#include "event_log.h"
#include "kafka_error.h"

#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define REACH_MS         60000
#define PEOPLE_A_SEGMENT 256
#define SEGMENTS_MIN     8
#define SEGMENTS_MAX     4096
#define LOOK_MS          30000
#define LOOK_AT_ONCE     64

enum look { LOOK_OPEN, LOOK_EMPTY, LOOK_BORN, LOOK_FOREIGN };

struct births_work {
    const struct handle_setup *setup;
    const struct config *config;
    const struct cluster_shape *shape;
    struct outcome *outcome;
    rd_kafka_t *producer, *reader, *group;
    enum look *looks;   /* [partitions] */
    int64_t *committed; /* [partitions] of some input; RD_KAFKA_OFFSET_INVALID: of none */
    const char *changelog;
};

/* ---- looking ---- */

static void look_at(struct births_work *b, const rd_kafka_message_t *message) {
    enum look *look = &b->looks[message->partition];
    int64_t low, high;
    if (*look != LOOK_OPEN)
        return;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        /* Below the high watermark it is an open transaction that ends the log, for now. */
        if (rd_kafka_get_watermark_offsets(b->reader, b->changelog, message->partition, &low, &high) == 0 &&
            message->offset >= high)
            *look = LOOK_EMPTY;
    } else if (message->err) {
        log_event(LOG_LEVEL_WARN, "changelog_not_read", "text=%s",
                  log_quote(rd_kafka_message_errstr(message)).text);
    } else {
        bool is_birth =
            message->key_len == strlen("born") && memcmp(message->key, "born", message->key_len) == 0;
        *look = is_birth ? LOOK_BORN : LOOK_FOREIGN;
    }
}

static uint32_t still_open(const struct births_work *b) {
    uint32_t open = 0;
    for (uint32_t p = 0; p < b->shape->partitions; p++)
        open += b->looks[p] == LOOK_OPEN;
    return open;
}

/* The first record of each partition: compaction keeps a birth record, and its place. */
static bool look_at_changelog(struct births_work *b) {
    rd_kafka_message_t *messages[LOOK_AT_ONCE];
    rd_kafka_topic_t *topic = rd_kafka_topic_new(b->reader, b->changelog, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(b->reader);
    CHECK(topic != NULL && queue != NULL);
    for (uint32_t p = 0; p < b->shape->partitions; p++)
        rd_kafka_consume_start_queue(topic, (int32_t)p, RD_KAFKA_OFFSET_BEGINNING, queue);
    for (int waited_ms = 0; still_open(b) > 0 && waited_ms < LOOK_MS; waited_ms += 100) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, 100, messages, LOOK_AT_ONCE);
        for (ssize_t i = 0; i < count; i++) {
            look_at(b, messages[i]);
            rd_kafka_message_destroy(messages[i]);
        }
    }
    for (uint32_t p = 0; p < b->shape->partitions; p++)
        rd_kafka_consume_stop(topic, (int32_t)p);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_destroy(topic);
    if (still_open(b) > 0)
        outcome_fail(b->outcome, EX_TEMPFAIL,
                     "%s could not be read: %" PRIu32 " of its partitions did not answer", b->changelog,
                     still_open(b));
    return still_open(b) == 0;
}

static bool look_at_group(struct births_work *b) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        for (uint32_t p = 0; topic != TOPIC_CALENDAR && b->config->topics[topic] && p < b->shape->partitions;
             p++)
            rd_kafka_topic_partition_list_add(list, b->config->topics[topic], (int32_t)p);
    rd_kafka_resp_err_t err = rd_kafka_committed(b->group, list, REACH_MS);
    for (int i = 0; i < list->cnt && !err; i++) {
        err = list->elems[i].err;
        if (list->elems[i].offset >= 0)
            b->committed[list->elems[i].partition] = list->elems[i].offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (err)
        outcome_fail(b->outcome, EX_TEMPFAIL, "the group's offsets could not be read: %s",
                     rd_kafka_err2str(err));
    return !err;
}

/* ---- judging ---- */

static bool may_be_born(struct births_work *b, uint32_t p) {
    const char *group = handle_property(b->setup, "group.id", "rollcall");
    if (b->looks[p] == LOOK_FOREIGN)
        outcome_fail(b->outcome, EX_CONFIG,
                     "%s[%" PRIu32
                     "] holds records but does not begin with a birth record: it is not a changelog of "
                     "rollcall, or its beginning was deleted (it must be compacted, and never cut)",
                     b->changelog, p);
    else if (b->looks[p] == LOOK_EMPTY && b->committed[p] >= 0)
        outcome_fail(
            b->outcome, EX_CONFIG,
            "%s[%" PRIu32 "] is empty, but group '%s' has read partition %" PRIu32
            " of the inputs up to offset %" PRId64
            ": the changelog was lost, and a new birth would forget what was read. Restore the topic, or "
            "delete the group's offsets to begin anew from the start of the inputs",
            b->changelog, p, group, p, b->committed[p]);
    return outcome_code(b->outcome) == 0;
}

static uint32_t segments_for(const struct births_work *b) {
    uint32_t wanted = b->config->employees / b->shape->partitions / PEOPLE_A_SEGMENT, segments = SEGMENTS_MIN;
    while (segments < wanted && segments < SEGMENTS_MAX)
        segments *= 2;
    return segments;
}

/* ---- writing ---- */

static bool call_failed(struct births_work *b, rd_kafka_error_t *error, const char *what) {
    if (error == NULL)
        return false;
    enum error_class class = error_class_of_call(error);
    outcome_fail(b->outcome, class == ERROR_CLASS_FENCED ? EXIT_FENCED : EX_TEMPFAIL, "%s: %s", what,
                 rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return true;
}

static void add_birth(struct births_work *b, struct outbox *box, uint32_t partition) {
    struct birth birth = {
        .partition = partition,
        .partitions = b->shape->partitions,
        .segments = segments_for(b),
        .complete_from = b->config->rules.complete_from,
        .created = {wall_now().ms},
    };
    CHECK(getrandom(&birth.hash_seed, sizeof birth.hash_seed, 0) == (ssize_t)sizeof birth.hash_seed);
    changelog_write_birth(box, &birth);
}

static bool produce_birth(struct births_work *b, uint32_t partition) {
    struct outbox box;
    outbox_init(&box);
    add_birth(b, &box, partition);
    CHECK(box.count == 1);
    const struct out_record *r = &box.records[0];
    rd_kafka_resp_err_t err = rd_kafka_producev(b->producer, RD_KAFKA_V_TOPIC(b->changelog),
                                                RD_KAFKA_V_PARTITION((int32_t)partition),
                                                RD_KAFKA_V_KEY((void *)(uintptr_t)r->key, r->key_len),
                                                RD_KAFKA_V_VALUE((void *)(uintptr_t)r->value, r->value_len),
                                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    outbox_fini(&box);
    if (err)
        outcome_fail(b->outcome, EX_TEMPFAIL, "%s[%" PRIu32 "]: %s", b->changelog, partition,
                     rd_kafka_err2str(err));
    return !err;
}

static bool write_births(struct births_work *b, struct births *out) {
    for (uint32_t p = 0; p < b->shape->partitions; p++) {
        if (!may_be_born(b, p))
            return false;
        out->found += b->looks[p] == LOOK_BORN;
    }
    if (out->found == b->shape->partitions)
        return true;
    if (out->found > 0) { /* births are written in one transaction: all, or none */
        outcome_fail(b->outcome, EX_CONFIG,
                     "%s: %" PRIu32 " of its %" PRIu32
                     " partitions have a birth record: partitions were added, and keys "
                     "have moved. Undo the change, or begin anew with new topics",
                     b->changelog, out->found, b->shape->partitions);
        return false;
    }
    if (call_failed(b, rd_kafka_begin_transaction(b->producer), "no transaction could be begun"))
        return false;
    for (uint32_t p = 0; p < b->shape->partitions; p++)
        if (b->looks[p] == LOOK_EMPTY && !produce_birth(b, p))
            return false;
    if (call_failed(b, rd_kafka_commit_transaction(b->producer, REACH_MS),
                    "the birth records were not written"))
        return false;
    out->written = b->shape->partitions - out->found;
    return true;
}

/* ---- set-up and tear-down ---- */

static bool open_handles(struct births_work *b) {
    char id[160];
    snprintf(id, sizeof id, "%s-init", handle_property(b->setup, "group.id", "rollcall"));
    b->producer = handle_new(b->setup, HANDLE_PRODUCER, "rollcall-init", id, NULL, b->outcome);
    if (b->producer)
        b->reader = handle_new(b->setup, HANDLE_READER, "rollcall-init-reader", NULL, NULL, b->outcome);
    if (b->reader)
        b->group = handle_new(b->setup, HANDLE_GROUP, "rollcall-init-group", NULL, NULL, b->outcome);
    return b->group != NULL;
}

static void close_handles(struct births_work *b) {
    if (b->group)
        rd_kafka_destroy(b->group);
    if (b->reader)
        rd_kafka_destroy(b->reader);
    if (b->producer)
        rd_kafka_destroy(b->producer);
}

bool cluster_write_births(const struct handle_setup *setup, struct outcome *outcome,
                          const struct cluster_shape *shape, struct births *out) {
    struct births_work b = {
        .setup = setup,
        .config = setup->config,
        .shape = shape,
        .outcome = outcome,
        .looks = xcalloc(shape->partitions, sizeof *b.looks),
        .committed = xcalloc(shape->partitions, sizeof *b.committed),
        .changelog = setup->config->outputs[OUTPUT_CHANGELOG],
    };
    *out = (struct births){0};
    for (uint32_t p = 0; p < shape->partitions; p++)
        b.committed[p] = RD_KAFKA_OFFSET_INVALID;
    bool good = open_handles(&b) &&
                !call_failed(&b, rd_kafka_init_transactions(b.producer, REACH_MS),
                             "no transactions from the broker") &&
                look_at_changelog(&b) && look_at_group(&b) && write_births(&b, out);
    close_handles(&b);
    free(b.looks);
    free(b.committed);
    return good;
}
