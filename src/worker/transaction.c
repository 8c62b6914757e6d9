/* From the outbox to the broker, with the offsets: what makes a batch durable (SPEC 7). Worker thread.
 *
 * Exactly once: outputs are gathered in the outboxes and the transaction begins at the boundary, so it is
 * open for some 15 ms in 100 and a crash seldom leaves one open. Offsets are always sent, also if unchanged:
 * without them nobody checks the generation of the group, and a worker that has lost its partitions could
 * still commit. After an abort the same records are sent again, byte for byte, as long as the partitions are
 * ours.
 *
 * At least once: outputs are flushed before the changelog, the changelog before the offsets. */
#include "worker_state.h"

#include "check.h"
#include "event_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RENEW_TIMEOUT_MS 600000
#define CALL_TIMEOUT_MS  10000 /* of one transactional call; it is made again while it may be */
#define FLUSH_TIMEOUT_MS 60000

/* ---- the producer ---- */

static const char *call_error(const rd_kafka_error_t *error) {
    return error ? rd_kafka_error_string(error) : "";
}

static void fail_fenced(struct worker *w, const char *detail) {
    outcome_fail(w->setup.outcome, EXIT_FENCED,
                 "fenced: another instance uses the transactional id of %s (%s); each instance needs a "
                 "group.instance.id of its own",
                 w->name, detail);
}

/* Fences what is left of an earlier instance and decides its transaction; so it comes before the group is
 * joined. */
static bool init_transactions(struct worker *w, int64_t patience_ms) {
    int64_t deadline = monotonic_ms() + patience_ms;
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_init_transactions(w->producer, CALL_TIMEOUT_MS);
        enum error_class class = error_class_of_call(error);
        char detail[512];
        snprintf(detail, sizeof detail, "%s", call_error(error));
        if (error)
            rd_kafka_error_destroy(error);
        if (class == ERROR_CLASS_NONE)
            return true;
        bool is_stopping = atomic_load_explicit(&w->stop, memory_order_relaxed) || worker_has_failed(w);
        if (class == ERROR_CLASS_RETRY && monotonic_ms() < deadline && !is_stopping)
            continue;
        if (class == ERROR_CLASS_RETRY)
            outcome_fail(w->setup.outcome, EX_TEMPFAIL, "the broker gave no producer id: %s", detail);
        else if (class == ERROR_CLASS_FENCED)
            fail_fenced(w, detail);
        else
            outcome_fail(w->setup.outcome, EXIT_FAILURE, "transactions cannot be used: %s", detail);
        return false;
    }
}

bool producer_open(struct worker *w, int64_t patience_ms) {
    char error[512], id[160];
    bool is_exact = w->config->delivery == DELIVERY_EXACTLY_ONCE;
    snprintf(id, sizeof id, "%s-%s", worker_group_id(w), w->name);
    atomic_store_explicit(&w->producer_is_suspect, false, memory_order_relaxed);
    w->producer = handle_new(&w->setup.handles, HANDLE_PRODUCER, w->name, is_exact ? id : NULL,
                             &w->producer_callbacks, error, sizeof error);
    if (w->producer == NULL) {
        outcome_fail(w->setup.outcome, EX_CONFIG, "%s", error);
        return false;
    }
    return !is_exact || init_transactions(w, patience_ms);
}

void producer_close(struct worker *w) {
    if (w->producer == NULL)
        return;
    rd_kafka_purge(w->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(w->producer, 0); /* serves the reports of what was purged */
    rd_kafka_destroy(w->producer);
    w->producer = NULL;
}

/* ---- what is sent ---- */

/* After an abort longer each time: what the group knows of us comes with its heartbeats. */
int64_t transaction_pause_ms(const struct worker *w) {
    int64_t pause_ms = (int64_t)COMMIT_INTERVAL_MS << w->aborts_in_a_row;
    return pause_ms < ABORT_PAUSE_MS_MAX ? pause_ms : ABORT_PAUSE_MS_MAX;
}

bool transaction_is_due(const struct worker *w, int64_t now_ms) {
    bool any = false, is_large = w->applied_since_commit >= BATCH_RECORDS;
    for (size_t i = 0; i < w->lanes_count; i++) {
        const struct lane *lane = w->lanes[i];
        if (lane->state != LANE_RUNNING)
            continue;
        any |= lane->is_dirty || lane->is_sealed || now_ms - lane->progress_ms >= PROGRESS_INTERVAL_MS;
        is_large |= task_outbox(lane->task)->bytes >= BATCH_OUTBOX_BYTES;
    }
    if (w->aborts_in_a_row > 0)
        return any && now_ms - w->committed_ms >= transaction_pause_ms(w);
    return any && (is_large || now_ms - w->committed_ms >= COMMIT_INTERVAL_MS);
}

/* From here on the lane's outbox is what will be durable, whatever happens. */
static void seal(struct lane *lane, int64_t now_ms) {
    bool tells = task_closes_done(lane->task) != lane->closes_told ||
                 now_ms - lane->progress_ms >= PROGRESS_INTERVAL_MS;
    if (lane->is_sealed || !(lane->is_dirty || tells))
        return;
    if (tells) {
        task_write_progress(lane->task, lane->partition);
        lane->closes_told = task_closes_done(lane->task);
        lane->progress_ms = now_ms;
    }
    changelog_write(lane->task, lane->positions, lane->positions_count);
    lane->is_sealed = true;
}

static size_t seal_lanes(struct worker *w) {
    size_t sealed = 0;
    int64_t now_ms = monotonic_ms();
    for (size_t i = 0; i < w->lanes_count; i++)
        if (w->lanes[i]->state == LANE_RUNNING) {
            seal(w->lanes[i], now_ms);
            sealed += w->lanes[i]->is_sealed;
        }
    return sealed;
}

/* State goes where the person's inputs are, if the topic is cut alike, so that a key has one output partition
 * whatever partitioner the sources use. */
static int32_t partition_of(const struct worker *w, const struct lane *lane, enum output output) {
    if (output == OUTPUT_CHANGELOG ||
        (output == OUTPUT_STATE && w->setup.state_partitions == w->setup.partitions))
        return lane->partition;
    return RD_KAFKA_PARTITION_UA;
}

static rd_kafka_headers_t *headers_of(const struct out_record *record) {
    if (record->headers_count == 0)
        return NULL;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->headers_count);
    for (size_t i = 0; i < record->headers_count; i++)
        rd_kafka_header_add(headers, record->headers[i].name, -1, record->headers[i].value,
                            (ssize_t)record->headers[i].value_len);
    return headers;
}

static rd_kafka_resp_err_t produce_once(struct worker *w, struct lane *lane,
                                        const struct out_record *record) {
    const char *topic = w->config->outputs[record->output];
    void *value = (void *)(uintptr_t)record->value, *key = (void *)(uintptr_t)record->key;
    /* The partition's number plus one, so that a report finds its lane. */
    void *opaque = (void *)(uintptr_t)(record->output == OUTPUT_CHANGELOG ? lane->partition + 1 : 0);
    int32_t partition = partition_of(w, lane, record->output);
    rd_kafka_headers_t *headers = headers_of(record);
    rd_kafka_resp_err_t err;
    if (headers)
        err = rd_kafka_producev(w->producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                RD_KAFKA_V_KEY(key, record->key_len),
                                RD_KAFKA_V_VALUE(value, record->value_len), RD_KAFKA_V_HEADERS(headers),
                                RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                RD_KAFKA_V_END);
    else
        err = rd_kafka_producev(w->producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                RD_KAFKA_V_KEY(key, record->key_len),
                                RD_KAFKA_V_VALUE(value, record->value_len), RD_KAFKA_V_OPAQUE(opaque),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (err && headers)
        rd_kafka_headers_destroy(headers);
    return err;
}

/* librdkafka would let a transaction commit without a record that it has refused: the caller aborts. */
static enum error_class produce(struct worker *w, struct lane *lane, const struct out_record *record) {
    for (;;) {
        rd_kafka_resp_err_t err = produce_once(w, lane, record);
        if (!err)
            return ERROR_CLASS_NONE;
        switch (error_of_produce(err)) {
        case PRODUCE_FULL:
            if (worker_has_failed(w))
                return ERROR_CLASS_FATAL;
            rd_kafka_poll(w->producer, 10);
            break;
        case PRODUCE_ABORT:
            log_event(LOG_LEVEL_ERROR, "produce_refused", "worker=%s topic=%s bytes=%zu code=%s", w->name,
                      w->config->outputs[record->output], record->value_len, rd_kafka_err2name(err));
            return ERROR_CLASS_ABORT;
        case PRODUCE_FATAL:
            return ERROR_CLASS_FATAL;
        }
    }
}

enum which_outputs { ALL_OUTPUTS, ONLY_CHANGELOG, ALL_BUT_CHANGELOG };

static enum error_class produce_sealed(struct worker *w, enum which_outputs which) {
    for (size_t i = 0; i < w->lanes_count; i++) {
        struct lane *lane = w->lanes[i];
        if (!lane->is_sealed)
            continue;
        const struct outbox *box = task_outbox(lane->task);
        for (size_t j = 0; j < box->count; j++) {
            bool is_changelog = box->records[j].output == OUTPUT_CHANGELOG;
            if ((which == ONLY_CHANGELOG && !is_changelog) || (which == ALL_BUT_CHANGELOG && is_changelog))
                continue;
            enum error_class class = produce(w, lane, &box->records[j]);
            if (class != ERROR_CLASS_NONE)
                return class;
        }
    }
    return ERROR_CLASS_NONE;
}

/* Of all inputs of the group of each task in the batch; the calendar's are in the changelog alone. */
static rd_kafka_topic_partition_list_t *sealed_offsets(const struct worker *w) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (size_t i = 0; i < w->lanes_count; i++)
        for (size_t j = 0; w->lanes[i]->is_sealed && j < w->topics_count; j++) {
            const struct position *at = &w->lanes[i]->positions[j];
            rd_kafka_topic_partition_list_add(list, w->config->topics[at->topic], at->partition)->offset =
                at->offset;
        }
    return list;
}

/* ---- exactly once ---- */

enum call { CALL_SEND_OFFSETS, CALL_COMMIT };

static rd_kafka_error_t *call_once(struct worker *w, enum call call,
                                   const rd_kafka_topic_partition_list_t *offsets) {
    if (call == CALL_COMMIT)
        return rd_kafka_commit_transaction(w->producer, CALL_TIMEOUT_MS);
    rd_kafka_consumer_group_metadata_t *member = rd_kafka_consumer_group_metadata(w->group);
    rd_kafka_error_t *error =
        rd_kafka_send_offsets_to_transaction(w->producer, offsets, member, CALL_TIMEOUT_MS);
    rd_kafka_consumer_group_metadata_destroy(member);
    return error;
}

/* One call, made again while that is what its errors ask for. */
static enum error_class call(struct worker *w, enum call which,
                             const rd_kafka_topic_partition_list_t *offsets) {
    static const char *const names[] = {"send_offsets", "commit"};
    for (;;) {
        rd_kafka_error_t *error = call_once(w, which, offsets);
        enum error_class class = error_class_of_call(error);
        if (error == NULL)
            return class;
        log_event(LOG_LEVEL_WARN, "transaction_error", "worker=%s call=%s code=%s text=%s", w->name,
                  names[which], rd_kafka_error_name(error), log_quote(call_error(error)).text);
        if (class == ERROR_CLASS_FENCED)
            fail_fenced(w, call_error(error));
        rd_kafka_error_destroy(error);
        if (class != ERROR_CLASS_RETRY || worker_has_failed(w))
            return class;
    }
}

static enum error_class begin(struct worker *w) {
    char text[512];
    if (rd_kafka_fatal_error(w->producer, text, sizeof text)) { /* begin could hang behind it */
        log_event(LOG_LEVEL_ERROR, "producer_failed", "worker=%s text=%s", w->name, log_quote(text).text);
        return ERROR_CLASS_FATAL;
    }
    rd_kafka_error_t *error = rd_kafka_begin_transaction(w->producer);
    enum error_class class = error_class_of_call(error);
    if (error == NULL)
        return class;
    log_event(LOG_LEVEL_ERROR, "transaction_error", "worker=%s call=begin code=%s text=%s", w->name,
              rd_kafka_error_name(error), log_quote(call_error(error)).text);
    if (class == ERROR_CLASS_FENCED)
        fail_fenced(w, call_error(error));
    rd_kafka_error_destroy(error);
    return class == ERROR_CLASS_FENCED ? class : ERROR_CLASS_FATAL;
}

static enum error_class run_transaction(struct worker *w, const rd_kafka_topic_partition_list_t *offsets) {
    enum error_class class = begin(w);
    if (class != ERROR_CLASS_NONE)
        return class;
    class = produce_sealed(w, ALL_OUTPUTS);
    if (class == ERROR_CLASS_NONE)
        class = call(w, CALL_SEND_OFFSETS, offsets);
    if (class == ERROR_CLASS_NONE)
        class = call(w, CALL_COMMIT, NULL);
    return class;
}

/* Not committed, that is known. If the producer cannot say so to the broker (it was away for longer than the
 * transaction lives, say), its successor does by taking the id. */
static void abort_transaction(struct worker *w) {
    rd_kafka_error_t *error = rd_kafka_abort_transaction(w->producer, CALL_TIMEOUT_MS);
    if (error == NULL)
        return;
    log_event(LOG_LEVEL_WARN, "transaction_error", "worker=%s call=abort code=%s text=%s", w->name,
              rd_kafka_error_name(error), log_quote(call_error(error)).text);
    if (error_class_of_call(error) == ERROR_CLASS_FENCED)
        fail_fenced(w, call_error(error));
    rd_kafka_error_destroy(error);
    atomic_store_explicit(&w->producer_is_suspect, true, memory_order_relaxed);
}

bool producer_is_fenced(struct worker *w) {
    if (begin(w) != ERROR_CLASS_NONE)
        return outcome_code(w->setup.outcome) == EXIT_FENCED;
    /* Offsets of a transaction that is never committed: what they say does not matter. */
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(offsets, w->config->topics[TOPIC_SWIPES], 0)->offset = 0;
    rd_kafka_error_t *error = call_once(w, CALL_SEND_OFFSETS, offsets);
    rd_kafka_topic_partition_list_destroy(offsets);
    bool is_fenced = error_class_of_call(error) == ERROR_CLASS_FENCED;
    if (error)
        rd_kafka_error_destroy(error);
    if (!is_fenced)
        abort_transaction(w);
    return is_fenced;
}

/* A request of this producer may still be under way and act on its next transaction: a new epoch makes it
 * harmless. */
static bool renew_suspect_producer(struct worker *w) {
    if (!atomic_load_explicit(&w->producer_is_suspect, memory_order_relaxed))
        return true;
    log_event(LOG_LEVEL_WARN, "producer_renewed", "worker=%s", w->name);
    producer_close(w);
    return producer_open(w, RENEW_TIMEOUT_MS);
}

static bool commit_exactly_once(struct worker *w) {
    rd_kafka_topic_partition_list_t *offsets = sealed_offsets(w);
    enum error_class class = run_transaction(w, offsets);
    rd_kafka_topic_partition_list_destroy(offsets);
    if (class == ERROR_CLASS_ABORT)
        abort_transaction(w);
    else if (class != ERROR_CLASS_NONE) /* committed or not: the changelog will tell */
        worker_start_over(w, "the producer failed in a transaction");
    return class == ERROR_CLASS_NONE;
}

/* ---- at least once ---- */

static bool flush(struct worker *w) {
    int64_t deadline = monotonic_ms() + FLUSH_TIMEOUT_MS;
    while (rd_kafka_flush(w->producer, 1000) != RD_KAFKA_RESP_ERR_NO_ERROR)
        if (monotonic_ms() > deadline || worker_has_failed(w))
            return false;
    return w->failed_deliveries == 0;
}

static bool commit_at_least_once(struct worker *w) {
    if (produce_sealed(w, ALL_BUT_CHANGELOG) != ERROR_CLASS_NONE || !flush(w) ||
        produce_sealed(w, ONLY_CHANGELOG) != ERROR_CLASS_NONE || !flush(w))
        return false;
    rd_kafka_topic_partition_list_t *offsets = sealed_offsets(w);
    rd_kafka_resp_err_t err = rd_kafka_commit(w->group, offsets, 0);
    rd_kafka_topic_partition_list_destroy(offsets);
    if (err)
        log_event(LOG_LEVEL_WARN, "commit_error", "worker=%s code=%s", w->name, rd_kafka_err2name(err));
    return !err;
}

/* ---- the boundary ---- */

static void release(struct worker *w) {
    for (size_t i = 0; i < w->lanes_count; i++) {
        struct lane *lane = w->lanes[i];
        if (!lane->is_sealed)
            continue;
        const struct outbox *box = task_outbox(lane->task);
        for (size_t j = 0; j < box->count; j++)
            w->state_records += box->records[j].output == OUTPUT_STATE;
        outbox_clear(task_outbox(lane->task));
        lane->is_sealed = lane->is_dirty = false;
        if (lane->changelog_sent > lane->changelog_next)
            lane->changelog_next = lane->changelog_sent;
    }
}

bool transaction_commit(struct worker *w) {
    if (seal_lanes(w) == 0)
        return true;
    w->failed_deliveries = 0;
    bool is_durable =
        w->config->delivery == DELIVERY_EXACTLY_ONCE ? commit_exactly_once(w) : commit_at_least_once(w);
    w->committed_ms = monotonic_ms();
    if (worker_has_failed(w) && !is_durable)
        return false;
    if (is_durable) {
        release(w);
        w->applied_since_commit = 0;
        w->aborts_in_a_row = 0;
    } else {
        log_event(LOG_LEVEL_WARN, "batch_sent_again", "worker=%s in_a_row=%u", w->name, ++w->aborts_in_a_row);
        if (w->aborts_in_a_row >= ABORTS_MAX)
            worker_start_over(w, "a batch was aborted again and again");
    }
    if (worker_has_failed(w))
        return is_durable;
    return renew_suspect_producer(w) && is_durable;
}
