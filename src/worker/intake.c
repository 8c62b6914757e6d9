/* From what was fetched to what is applied: queues -> merge -> task -> outbox. Worker thread.
 *
 * Each input partition has a queue of its own, so that the worker takes from the input that it needs, and
 * what it does not take stays with librdkafka, which then stops fetching it: backpressure without pause and
 * resume. Nothing is allocated on the way of a swipe; a message dies in the thread that took it. */
#include "reject_record.h"
#include "worker_state.h"

#include "check.h"
#include "event_log.h"
#include "fault_point.h"

#include <inttypes.h>
#include <string.h>

#define CACHE_LINE_BYTES 64
#define PREFETCH_BYTES   256 /* a swipe; what is longer is rare */

static const char *input_topic(const struct worker *w, const struct lane *lane, size_t input) {
    return w->config->topics[lane->positions[input].topic];
}

/* ---- errors in place of records ---- */

static void position_is_lost(struct worker *w, const char *topic, int32_t partition, const char *detail) {
    outcome_fail(w->setup.outcome, EX_CONFIG,
                 "%s[%" PRId32
                 "]: the next record to be read is not in the log any more (%s): input is lost; "
                 "retention must be longer than any outage",
                 topic, partition, detail);
}

void intake_is_away(struct worker *w, const char *topic, int32_t partition, const char *detail) {
    if (w->away_since_ms == 0) {
        w->away_since_ms = monotonic_ms();
        log_event(LOG_LEVEL_WARN, "input_away", "topic=%s partition=%" PRId32 " text=%s", topic, partition,
                  log_quote(detail).text);
    }
}

/* The group says that another member came under our name. Another instance would have taken the transactional
 * id first; if it has not, it was our own request to join, sent twice because the broker was away. */
static void member_is_fenced(struct worker *w, const char *detail) {
    if (w->config->delivery == DELIVERY_EXACTLY_ONCE &&
        producer_is_fenced(&w->producer, w->group, w->config->topics[TOPIC_SWIPES]))
        outcome_fail(w->setup.outcome, EXIT_FENCED,
                     "fenced: another instance uses group.instance.id %s (%s); each instance needs its own",
                     w->name, detail);
    else
        worker_start_over(w, detail);
}

void intake_error(struct worker *w, const char *topic, int32_t partition, const rd_kafka_message_t *message) {
    char fatal_text[512] = "";
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(w->group, fatal_text, sizeof fatal_text);
    const char *detail = fatal ? fatal_text : rd_kafka_message_errstr(message);
    switch (error_of_consume(message->err, fatal)) {
    case CONSUME_GOES_ON:
        log_event(LOG_LEVEL_WARN, "consumer_error", "topic=%s partition=%" PRId32 " code=%s text=%s", topic,
                  partition, rd_kafka_err2name(message->err), log_quote(detail).text);
        return;
    case CONSUME_AWAY:
        w->away_is_cluster = message->err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
        intake_is_away(w, topic, partition, detail);
        return;
    case CONSUME_LOST:
        position_is_lost(w, topic, partition, detail);
        return;
    case CONSUME_FENCED:
        member_is_fenced(w, detail);
        return;
    case CONSUME_FATAL:
        outcome_fail(w->setup.outcome, EXIT_FAILURE, "%s[%" PRId32 "]: %s: %s", topic, partition,
                     rd_kafka_err2name(message->err), detail);
        return;
    }
}

/* ---- queues -> merge ---- */

bool intake_stamp(struct worker *w, const char *topic, const rd_kafka_message_t *message, int64_t latest_ms,
                  struct merge_record *out) {
    rd_kafka_timestamp_type_t type;
    int64_t ms = rd_kafka_message_timestamp(message, &type);
    out->arrival.ms = ms;
    out->is_refused = false;
    if (__builtin_expect(type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME, 1))
        return true;
    if (!w->config->rules.allow_create_time) {
        outcome_fail(w->setup.outcome, EX_CONFIG,
                     "%s[%" PRId32 "] offset %" PRId64 ": not stamped by the broker. Set "
                     "message.timestamp.type=LogAppendTime on the topic (records written before keep their "
                     "stamps), or accept the clocks of producers with time.allow_create_time: true",
                     topic, message->partition, message->offset);
        return false;
    }
    if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || ms > latest_ms) {
        out->arrival.ms = INT64_MIN; /* moves nothing: the merge makes it the arrival of the input so far */
        out->is_refused = type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    }
    return true;
}

/* Takes what one pull gave over into the merge, in order. Messages that do not go on die here. */
static void take_over(struct worker *w, struct lane *lane, size_t input, size_t count) {
    const char *topic = input_topic(w, lane, input);
    int64_t latest_ms = wall_now().ms + w->config->rules.clock_skew_ms;
    size_t good = 0;
    int64_t expected = merge_position(lane->merge, input);
    bool stopped = false;
    for (size_t i = 0; i < count; i++) {
        rd_kafka_message_t *message = w->messages[i];
        struct merge_record *record = &w->pulled[good];
        if (!stopped && message->err) {
            merge_push(lane->merge, input, w->pulled, good);
            good = 0;
            if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                lane->inputs[input].eof_at = message->offset;
                merge_read_to(lane->merge, input, message->offset);
            } else {
                intake_error(w, topic, message->partition, message);
            }
            expected = merge_position(lane->merge, input);
            stopped = worker_has_failed(w);
        } else if (!stopped && message->offset < expected) {
            w->dropped_below++;
        } else if (!stopped && intake_stamp(w, topic, message, latest_ms, record)) {
            record->offset = message->offset;
            record->message = message;
            expected = message->offset + 1;
            good++;
            continue;
        } else {
            stopped = true;
        }
        rd_kafka_message_destroy(message);
    }
    merge_push(lane->merge, input, w->pulled, good);
    if (good > 0)
        w->away_since_ms = 0;
}

static bool pull(struct worker *w, struct lane *lane, size_t input) {
    if (lane->inputs[input].queue == NULL || merge_pending(lane->merge, input) >= HELD_RECORDS)
        return false;
    ssize_t count = rd_kafka_consume_batch_queue(lane->inputs[input].queue, 0, w->messages, PULL_RECORDS);
    if (count <= 0)
        return false;
    FAULT_POINT(after_poll);
    take_over(w, lane, input, (size_t)count);
    w->pulled_since_ask = true;
    return true;
}

/* ---- merge -> task -> outbox ---- */

/* librdkafka allocates to look at headers, even where there are none (2.0.2): not on the way of each swipe.
 */
static struct trace_parent trace_of(const void *record) {
    const rd_kafka_message_t *message = record;
    rd_kafka_headers_t *headers;
    const void *value;
    size_t len;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, "traceparent", &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return (struct trace_parent){NULL, 0};
    return (struct trace_parent){value, len};
}

static void fill_input(struct task_input *in, const struct position *position,
                       const struct merge_record *record, const rd_kafka_message_t *message) {
    in->topic = position->topic;
    in->partition = position->partition;
    in->offset = record->offset;
    in->arrival = record->arrival;
    in->has_key = true;
    in->key = message->key;
    in->key_len = message->key_len;
    in->value = message->payload;
    in->value_len = message->len;
    in->trace = (struct trace_source){trace_of, message};
    in->refused = record->is_refused ? REASON_clock_ahead : REASON_applied;
    if (record->is_refused)
        in->refused_detail = "stamped further ahead of the wall clock than clock_skew";
}

/* It was fetched up to a second ago, by another thread: by now it lies in memory. */
static void prefetch(const rd_kafka_message_t *message) {
    const char *value = message->payload;
    for (size_t at = 0; at < message->len && at < PREFETCH_BYTES; at += CACHE_LINE_BYTES)
        __builtin_prefetch(value + at);
}

static size_t apply(struct worker *w, struct lane *lane) {
    struct merge_record records[APPLY_RECORDS];
    size_t input, count = merge_pop(lane->merge, records, &input, APPLY_RECORDS);
    if (count == 0)
        return 0;
    struct position *position = &lane->positions[input];
    for (size_t i = 0; i < count; i++)
        prefetch(lane_message(lane, input, &records[i]));
    for (size_t i = 0; i < count; i++)
        fill_input(&w->inputs[i], position, &records[i], lane_message(lane, input, &records[i]));
    task_apply(lane->task, w->inputs, count, w->verdicts);
    /* Every task reads the calendar; one tells of what is wrong in it. */
    bool tells = position->topic != TOPIC_CALENDAR || lane->partition == 0;
    for (size_t i = 0; i < count && tells; i++)
        if (__builtin_expect(reason_kind(w->verdicts[i].reason) == REASON_KIND_REJECTED, 0))
            reject_record_add(task_outbox(lane->task), lane_message(lane, input, &records[i]),
                              input_topic(w, lane, input), &w->verdicts[i]);
    position->offset = records[count - 1].offset + 1;
    position->arrival = records[count - 1].arrival;
    lane->is_dirty = true;
    w->records_read += count;
    w->applied_since_commit += count;
    for (size_t i = 0; i < count; i++)
        lane_release_message(lane, input, records[i].message);
    return count;
}

/* What was read to no record (markers of transactions, compacted records) moves the position too, so that the
 * committed offsets end at the end of the log. */
static void follow_positions(struct lane *lane) {
    for (size_t i = 0; i < lane->inputs_count; i++) {
        int64_t read_to = merge_position(lane->merge, i);
        if (merge_pending(lane->merge, i) == 0 && read_to > lane->positions[i].offset) {
            lane->positions[i].offset = read_to;
            lane->is_dirty = true;
        }
    }
}

bool intake_step(struct worker *w, struct lane *lane) {
    bool moved = false;
    for (size_t i = 0; i < lane->inputs_count && !worker_has_failed(w); i++)
        moved |= pull(w, lane, i);
    for (size_t done = 0; done < HELD_RECORDS && !worker_has_failed(w);) {
        size_t count = apply(w, lane);
        if (count == 0)
            break;
        done += count;
        moved = true;
        if (task_outbox(lane->task)->bytes >= BATCH_OUTBOX_BYTES)
            break;
    }
    follow_positions(lane);
    return moved;
}
