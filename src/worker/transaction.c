/* From the outbox to the broker, with the offsets: what makes a batch durable (SPEC 7). Worker thread.
 *
 * Exactly once: outputs are gathered in the outboxes and the transaction begins at the boundary, so it is
 * open for some 15 ms in 100 and a crash seldom leaves one open. Offsets are always sent, also if unchanged:
 * without them nobody checks the generation of the group, and a worker that has lost its partitions could
 * still commit. After an abort the same records are sent again, byte for byte, as long as the partitions are
 * ours.
 *
 * At least once: outputs are flushed before the changelog, the changelog before the offsets. The commit of
 * the offsets is what makes a batch count: it carries, as metadata, where the changelog ended. A restore
 * reads up to there and no further, so that offsets and state are always of the same batch, and what is done
 * again is done to the same state and says the same. What a crash has left behind that mark is overruled by
 * writing the whole state again. Nothing fences an instance that has lost its partitions without knowing: if
 * records of the changelog do not follow each other, somebody else has written between them, and the worker
 * starts over from the mark. */
#include "group_commit.h"
#include "positions.h"
#include "worker_state.h"

#include "civil.h"
#include "event_log.h"

#include <string.h>

/* ---- what is sent ---- */

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
        return any && now_ms - w->committed_ms >= again_pause_ms(w->aborts_in_a_row);
    return any && (is_large || now_ms - w->committed_ms >= COMMIT_INTERVAL_MS);
}

/* A wave that is held calls for somebody to look at it. */
static void tell_waves(const struct lane *lane) {
    size_t count;
    const struct wave *waves = task_waves(lane->task, &count);
    for (size_t i = 0; i < count; i++) {
        char group[ID_BYTES_MAX + 1], day[CIVIL_TEXT_BYTES];
        memcpy(group, waves[i].group.bytes, waves[i].group.len);
        group[waves[i].group.len] = '\0';
        civil_print(waves[i].day, day);
        log_event(LOG_LEVEL_WARN, "held",
                  "partition=%" PRId32 " group=%s day=%s people=%" PRIu32 " of=%" PRIu32 " held=%" PRIu32,
                  lane->partition, log_quote(group).text, day, waves[i].people, waves[i].of,
                  task_held(lane->task));
    }
    task_forget_waves(lane->task);
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
    tell_waves(lane);
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

static enum error_class produce(struct worker *w, const struct lane *lane, const struct out_record *record) {
    /* The partition's number plus one, so that a report finds its lane. */
    uintptr_t tag = record->output == OUTPUT_CHANGELOG ? (uintptr_t)lane->partition + 1 : 0;
    struct destination to = {w->config->outputs[record->output], partition_of(w, lane, record->output), tag};
    return producer_send(&w->producer, &to, record);
}

enum which_outputs { ALL_OUTPUTS, ONLY_CHANGELOG, ALL_BUT_CHANGELOG };

static enum error_class produce_sealed(struct worker *w, enum which_outputs which) {
    for (size_t i = 0; i < w->lanes_count; i++) {
        struct lane *lane = w->lanes[i];
        if (!lane->is_sealed || lane->is_flushed)
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

static enum error_class write_all(void *owner) {
    return produce_sealed(owner, ALL_OUTPUTS);
}

static bool commit_exactly_once(struct worker *w) {
    rd_kafka_topic_partition_list_t *offsets = sealed_offsets(w);
    enum transaction_end end = producer_transact(&w->producer, w->group, offsets, write_all, w);
    rd_kafka_topic_partition_list_destroy(offsets);
    if (end == TRANSACTION_UNKNOWN) /* the changelog will tell */
        worker_start_over(w, "the producer failed in a transaction");
    return end == TRANSACTION_COMMITTED;
}

/* ---- at least once ---- */

static bool is_changelog_ours(const struct lane *lane) {
    const struct outbox *box = task_outbox(lane->task);
    int64_t count = 0;
    for (size_t i = 0; i < box->count; i++)
        count += box->records[i].output == OUTPUT_CHANGELOG;
    return lane->changelog_sent == lane->changelog_next + count;
}

static bool commit_offsets(struct worker *w, const rd_kafka_topic_partition_list_t *offsets) {
    return group_commit(w->group, offsets, &w->beat, w->producer.setup.has_failed, w) ==
           RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void set_mark(rd_kafka_topic_partition_t *part, int64_t changelog_end) {
    char *mark = positions_write_mark(changelog_end);
    part->metadata = mark;
    part->metadata_size = strlen(mark);
}

/* The first commit of a lane says how long the changelog is before anything is written to it. Without it,
 * what a crash leaves behind could not be told from what counts. */
static bool mark_lanes(struct worker *w) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (size_t i = 0; i < w->lanes_count; i++) {
        struct lane *lane = w->lanes[i];
        for (size_t j = 0; lane->is_sealed && lane->changelog_committed < 0 && j < w->topics_count; j++) {
            const struct position *at = &lane->positions[j];
            rd_kafka_topic_partition_t *part =
                rd_kafka_topic_partition_list_add(list, w->config->topics[at->topic], at->partition);
            part->offset = lane->inputs[j].start;
            if (at->topic == TOPIC_SWIPES)
                set_mark(part, lane->changelog_next);
        }
    }
    bool good = list->cnt == 0 || commit_offsets(w, list);
    for (size_t i = 0; good && i < w->lanes_count; i++)
        if (w->lanes[i]->is_sealed && w->lanes[i]->changelog_committed < 0)
            w->lanes[i]->changelog_committed = w->lanes[i]->changelog_next;
    rd_kafka_topic_partition_list_destroy(list);
    return good;
}

/* Outputs first: the changelog must never know of a record that was not published. What of it is in the log
 * without a commit is passed over by the next restore; so a failure here is not mended by writing it again.
 */
static bool flush_sealed(struct worker *w) {
    enum error_class class = produce_sealed(w, ALL_BUT_CHANGELOG);
    if (class == ERROR_CLASS_FATAL)
        worker_start_over(w, "the producer failed");
    if (class != ERROR_CLASS_NONE || !producer_flush(&w->producer) || !mark_lanes(w))
        return false;
    if (produce_sealed(w, ONLY_CHANGELOG) != ERROR_CLASS_NONE || !producer_flush(&w->producer)) {
        worker_start_over(w, "the changelog could not be written");
        return false;
    }
    for (size_t i = 0; i < w->lanes_count; i++) {
        struct lane *lane = w->lanes[i];
        if (!lane->is_sealed || lane->is_flushed)
            continue;
        if (!is_changelog_ours(lane)) {
            worker_start_over(w, "somebody else has written to the changelog: an instance that has lost the "
                                 "partition, or one before it");
            return false;
        }
        lane->is_flushed = true;
    }
    return true;
}

static bool commit_at_least_once(struct worker *w) {
    if (!flush_sealed(w))
        return false;
    rd_kafka_topic_partition_list_t *offsets = sealed_offsets(w);
    for (size_t i = 0; i < w->lanes_count; i++)
        if (w->lanes[i]->is_sealed)
            set_mark(rd_kafka_topic_partition_list_find(offsets, w->config->topics[TOPIC_SWIPES],
                                                        w->lanes[i]->partition),
                     w->lanes[i]->changelog_sent);
    bool is_durable = commit_offsets(w, offsets);
    rd_kafka_topic_partition_list_destroy(offsets);
    for (size_t i = 0; is_durable && i < w->lanes_count; i++)
        if (w->lanes[i]->is_sealed)
            w->lanes[i]->changelog_committed = w->lanes[i]->changelog_sent;
    return is_durable;
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
        lane->is_sealed = lane->is_flushed = lane->is_dirty = false;
        if (lane->changelog_sent > lane->changelog_next)
            lane->changelog_next = lane->changelog_sent;
    }
}

/* A batch that only says each minute how far a task is proves nothing to the watchdog. */
static bool has_moved(const struct worker *w) {
    for (size_t i = 0; i < w->lanes_count; i++)
        if (w->lanes[i]->is_sealed && w->lanes[i]->is_dirty)
            return true;
    return false;
}

bool transaction_commit(struct worker *w) {
    if (seal_lanes(w) == 0)
        return true;
    bool moves = has_moved(w);
    beat_left(&w->beat, "a batch that is not committed");
    w->producer.failed_deliveries = 0;
    bool is_durable =
        w->config->delivery == DELIVERY_EXACTLY_ONCE ? commit_exactly_once(w) : commit_at_least_once(w);
    w->committed_ms = monotonic_ms();
    if (worker_has_failed(w) && !is_durable)
        return false;
    if (is_durable) {
        release(w);
        beat_left(&w->beat, NULL);
        if (moves)
            beat_progress(&w->beat);
        w->applied_since_commit = 0;
        w->aborts_in_a_row = 0;
    } else {
        log_event(LOG_LEVEL_WARN, "batch_sent_again", "worker=%s in_a_row=%u", w->name, ++w->aborts_in_a_row);
        if (w->aborts_in_a_row >= ABORTS_MAX)
            worker_start_over(w, "a batch was aborted again and again");
    }
    if (worker_has_failed(w))
        return is_durable;
    return producer_renew_suspect(&w->producer) && is_durable;
}
