/* From the source's records to the target, the rejects and the offsets, all in one transaction. Owner: the
 * rekey thread.
 *
 * As in `run`, the transaction begins when the batch is full or its time has come, so that it is open for as
 * short as can be, and what was aborted is sent again from here as long as the partitions are ours. */
#include "rekey_thread.h"

#include "decode.h"
#include "event_log.h"
#include "group_commit.h"
#include "reject_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- what becomes of a record ---- */

static size_t header_bytes(const rd_kafka_message_t *message) {
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t len, sum = 0;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &len) == 0; i++)
        sum += strlen(name) + len;
    return sum;
}

static bool is_ahead(const struct rekey_thread *t, const rd_kafka_message_t *message) {
    int64_t latest_ms = wall_now().ms + t->setup->config->rules.clock_skew_ms;
    return t->setup->config->rules.allow_create_time && rd_kafka_message_timestamp(message, NULL) > latest_ms;
}

/* The key, or why there is none. What no broker would take is refused here: it would abort each transaction,
 * for ever. */
static enum reason find_key(const struct rekey_thread *t, const rd_kafka_message_t *message,
                            struct short_text *key, struct reject_detail *detail) {
    enum reason reason = decode_employee(&t->setup->config->fields, message->payload,
                                         message->payload ? message->len : 0, key, detail);
    if (reason == REASON_applied && header_bytes(message) > HEADER_BYTES_MAX) {
        snprintf(detail->text, sizeof detail->text, "headers of more than %d bytes", HEADER_BYTES_MAX);
        reason = REASON_too_large;
    }
    if (reason == REASON_applied && is_ahead(t, message)) {
        snprintf(detail->text, sizeof detail->text,
                 "stamped further ahead of the wall clock than clock_skew");
        reason = REASON_clock_ahead;
    }
    return reason;
}

void batch_add(struct rekey_thread *t, rd_kafka_message_t *message) {
    struct batch *batch = &t->batch;
    struct short_text *key = &batch->keys[batch->count];
    struct task_verdict verdict;
    *key = (struct short_text){0};
    verdict.reason = find_key(t, message, key, &verdict.detail);
    if (verdict.reason != REASON_applied) {
        key->len = 0;
        reject_record_add(&batch->rejects, message, t->setup->from, &verdict);
    }
    batch->reasons[verdict.reason]++;
    batch->messages[batch->count++] = message;
    batch->bytes += message->len;
}

bool batch_is_full(const struct batch *batch) {
    return batch->count == REKEY_BATCH_RECORDS || batch->bytes + batch->rejects.bytes >= REKEY_BATCH_BYTES;
}

static void clear(struct batch *batch) {
    for (size_t i = 0; i < batch->count; i++)
        rd_kafka_message_destroy(batch->messages[i]);
    outbox_clear(&batch->rejects);
    for (int reason = 0; reason < REASON_COUNT; reason++)
        batch->reasons[reason] = 0;
    batch->count = batch->bytes = 0;
    batch->is_sealed = false;
}

void batch_drop(struct rekey_thread *t) {
    clear(&t->batch);
}

/* ---- sending ---- */

static enum error_class send_keyed(struct rekey_thread *t, const rd_kafka_message_t *message,
                                   const struct short_text *key) {
    struct destination to = {.topic = t->setup->to, .partition = RD_KAFKA_PARTITION_UA};
    struct out_record record = {
        .key = key->bytes, .key_len = key->len, .value = message->payload, .value_len = message->len};
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        headers = rd_kafka_headers_copy(headers);
    else
        headers = NULL;
    /* A topic stamped by the broker takes no notice of it. */
    int64_t stamp = rd_kafka_message_timestamp(message, NULL);
    return producer_send_message(&t->producer, &to, &record, headers, stamp > 0 ? stamp : 0);
}

static enum error_class send_all(void *owner) {
    struct rekey_thread *t = owner;
    const struct batch *batch = &t->batch;
    struct destination rejects = {.topic = t->setup->config->outputs[OUTPUT_REJECTS],
                                  .partition = RD_KAFKA_PARTITION_UA};
    enum error_class class = ERROR_CLASS_NONE;
    for (size_t i = 0; i < batch->count && class == ERROR_CLASS_NONE; i++)
        if (batch->keys[i].len > 0)
            class = send_keyed(t, batch->messages[i], &batch->keys[i]);
    for (size_t i = 0; i < batch->rejects.count && class == ERROR_CLASS_NONE; i++)
        class = producer_send(&t->producer, &rejects, &batch->rejects.records[i]);
    return class;
}

/* Of all partitions of ours, moved or not: what was not lost is ours to say. */
static rd_kafka_topic_partition_list_t *offsets_of(const struct rekey_thread *t) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)t->feeds_count);
    for (size_t i = 0; i < t->feeds_count; i++)
        rd_kafka_topic_partition_list_add(list, t->setup->from, t->feeds[i]->partition)->offset =
            t->feeds[i]->position;
    return list;
}

static bool commit_exactly_once(struct rekey_thread *t, const rd_kafka_topic_partition_list_t *offsets) {
    enum transaction_end end = producer_transact(&t->producer, t->group_member, offsets, send_all, t);
    if (end == TRANSACTION_UNKNOWN) /* the group's offsets will tell */
        rekey_start_over(t, "the producer failed in a transaction");
    return end == TRANSACTION_COMMITTED;
}

/* What is sent again after a failure is there twice; nothing is missing. */
static bool commit_at_least_once(struct rekey_thread *t, rd_kafka_topic_partition_list_t *offsets) {
    if (send_all(t) != ERROR_CLASS_NONE || !producer_flush(&t->producer))
        return false;
    return group_commit(t->group_member, offsets, &t->beat, t->producer.setup.has_failed, t) ==
           RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* ---- the boundary ---- */

static bool has_something(const struct rekey_thread *t) {
    for (size_t i = 0; i < t->feeds_count; i++)
        if (t->feeds[i]->position != t->feeds[i]->committed)
            return true;
    return false;
}

bool batch_is_due(const struct rekey_thread *t, int64_t now_ms) {
    bool is_time = now_ms - t->committed_ms >= again_pause_ms(t->aborts_in_a_row);
    return has_something(t) && (is_time || (t->aborts_in_a_row == 0 && batch_is_full(&t->batch)));
}

static void note_committed(struct rekey_thread *t) {
    for (int reason = 0; reason < REASON_COUNT; reason++)
        t->totals.reasons[reason] += t->batch.reasons[reason];
    for (size_t i = 0; i < t->feeds_count; i++)
        t->feeds[i]->committed = t->feeds[i]->position;
    t->aborts_in_a_row = 0;
    beat_left(&t->beat, NULL);
    beat_progress(&t->beat);
    clear(&t->batch);
}

bool batch_commit(struct rekey_thread *t) {
    if (!has_something(t))
        return true;
    t->batch.is_sealed = true;
    beat_left(&t->beat, "a batch that is not committed");
    t->producer.failed_deliveries = 0;
    rd_kafka_topic_partition_list_t *offsets = offsets_of(t);
    bool is_durable =
        t->producer.setup.is_exact ? commit_exactly_once(t, offsets) : commit_at_least_once(t, offsets);
    rd_kafka_topic_partition_list_destroy(offsets);
    t->committed_ms = monotonic_ms();
    if (is_durable) {
        note_committed(t);
    } else if (!rekey_has_failed(t)) {
        log_event(LOG_LEVEL_WARN, "batch_sent_again", "worker=%s in_a_row=%u", t->name, ++t->aborts_in_a_row);
        if (t->aborts_in_a_row >= ABORTS_MAX)
            rekey_start_over(t, "a batch was aborted again and again");
    }
    if (rekey_has_failed(t))
        return is_durable;
    return producer_renew_suspect(&t->producer) && is_durable;
}
