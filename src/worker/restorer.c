/* Changelog partitions -> tasks, in slices beside the worker's loop, so that partitions that were kept go on.
 * Worker thread.
 *
 * One consumer, outside the group, made at start, reads all of them into one queue. A partition is read when
 * the end was reached (EOF) and it is the high watermark: an EOF below it is only the last stable offset,
 * behind which the last owner's transaction is still undecided. */
#include "calendar_feed.h"
#include "positions.h"
#include "worker_state.h"

#include "check.h"
#include "event_log.h"
#include "fault_point.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLICE_MS       5
#define DOUBT_MS_MAX   10000
#define DOUBT_PAUSE_MS 250
#define SLICE_RECORDS  16                          /* of up to BLOCK_BYTES_MAX */
#define HELD_BYTES     ((size_t)128 * 1024 * 1024) /* deltas of all lanes that wait (limits.h) */

static void refuse(struct worker *w, const struct lane *lane, int64_t offset, const char *why) {
    outcome_fail(w->setup.outcome, EX_CONFIG, "%s[%" PRId32 "] offset %" PRId64 ": %s",
                 w->config->outputs[OUTPUT_CHANGELOG], lane->partition, offset, why);
}

/* ---- begin and end of reading ---- */

static void read_from(struct worker *w, struct lane *lane, int64_t offset) {
    lane->restore_began_ms = monotonic_ms();
    lane->restore_read = 0;
    if (rd_kafka_consume_start_queue(w->changelog, lane->partition, offset, w->restore_queue) != 0)
        outcome_fail(w->setup.outcome, EXIT_FAILURE, "cannot read %s[%" PRId32 "]: %s",
                     w->config->outputs[OUTPUT_CHANGELOG], lane->partition,
                     rd_kafka_err2str(rd_kafka_last_error()));
}

static void begin_restore(struct worker *w, struct lane *lane) {
    struct task_setup setup = {
        .rules = &w->config->rules,
        .fields = &w->config->fields,
        .employees = w->config->employees / w->setup.partitions + 1,
        .complete_from = w->config->rules.complete_from,
        .source = w->source,
        .has_guard = true,
        .has_changelog = true,
    };
    lane->restore = restore_new(&setup);
    restore_limit_held(lane->restore, HELD_BYTES / w->lanes_count);
    lane->has_tail = false;
    lane->state = LANE_RESTORING;
    read_from(w, lane, RD_KAFKA_OFFSET_BEGINNING);
}

void restorer_begin(struct worker *w, struct lane *lane) {
    if (lane->task) {
        lane->state = LANE_CHECKING;
        read_from(w, lane, lane->changelog_next);
    } else {
        begin_restore(w, lane);
    }
}

void restorer_stop(struct worker *w, struct lane *lane) {
    if (lane->state != LANE_RESTORING && lane->state != LANE_CHECKING)
        return;
    rd_kafka_consume_stop(w->changelog, lane->partition);
    restore_free(&lane->restore);
    lane->state = LANE_PARKED;
}

/* ---- from the changelog to a running lane ---- */

static const struct position *find_position(const struct position *list, size_t count, enum topic topic,
                                            int32_t partition) {
    for (size_t i = 0; i < count; i++)
        if (list[i].topic == topic && list[i].partition == partition)
            return &list[i];
    return NULL;
}

/* The calendar has no committed offsets: the changelog alone says where the task stands. */
static bool calendar_holds(struct worker *w, const struct position_claim *claim, int64_t low) {
    return claim->recorded == NULL || positions_fit_the_log(w->setup.outcome, claim->topic, claim->partition,
                                                            claim->recorded->offset, low, INT64_MAX);
}

static bool is_behind(const struct worker *w, const struct lane *lane, const struct restored *restored) {
    for (size_t i = 0; i < w->topics_count; i++) {
        const struct position *recorded =
            find_position(restored->positions, restored->positions_count, w->topics[i], lane->partition);
        if (recorded && lane->inputs[i].committed < recorded->offset)
            return true;
    }
    return false;
}

static bool ask_again(struct worker *w, struct lane *lane) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)w->topics_count);
    for (size_t i = 0; i < w->topics_count; i++)
        rd_kafka_topic_partition_list_add(list, w->config->topics[w->topics[i]], lane->partition);
    bool is_answered = assign_ask_committed(w, list);
    for (size_t i = 0; is_answered && i < w->topics_count; i++)
        lane->inputs[i].committed =
            list->elems[i].offset >= 0 ? list->elems[i].offset : RD_KAFKA_OFFSET_INVALID;
    rd_kafka_topic_partition_list_destroy(list);
    return is_answered;
}

/* A broker that stood still goes on for a moment as the coordinator that it was, and answers with the offsets
 * that it knew then. The changelog, read to its end, knows of later ones. So an answer that is behind it is
 * doubted for a while before it is taken for what somebody has set. (At least once the commit alone counts.)
 */
static void doubt_older_offsets(struct worker *w, struct lane *lane, const struct restored *restored) {
    int64_t deadline = monotonic_ms() + DOUBT_MS_MAX;
    if (w->config->delivery != DELIVERY_EXACTLY_ONCE || lane->changelog_committed >= 0 ||
        !is_behind(w, lane, restored))
        return;
    log_event(LOG_LEVEL_WARN, "offsets_doubted", "worker=%s partition=%" PRId32, w->name, lane->partition);
    do
        usleep(DOUBT_PAUSE_MS * 1000);
    while (ask_again(w, lane) && is_behind(w, lane, restored) && monotonic_ms() < deadline &&
           !worker_has_failed(w) && !atomic_load_explicit(&w->stop, memory_order_relaxed));
}

/* The positions of a lane: those of its inputs, then what else the changelog knows (inputs that are not read
 * now keep their place). */
static bool take_positions(struct worker *w, struct lane *lane, const struct restored *restored) {
    size_t count = lane->inputs_count;
    struct position *list = xcalloc(count + restored->positions_count, sizeof *list);
    bool agrees = true;
    for (size_t i = 0; i < count; i++) {
        bool is_calendar = i >= w->topics_count;
        list[i] = (struct position){
            .topic = is_calendar ? TOPIC_CALENDAR : w->topics[i],
            .partition = is_calendar ? (int32_t)(i - w->topics_count) : lane->partition,
            .offset = lane->inputs[i].start,
            .arrival = {INT64_MIN},
        };
        const struct position *recorded =
            find_position(restored->positions, restored->positions_count, list[i].topic, list[i].partition);
        struct position_claim claim = {
            .group = worker_group_id(w),
            .topic = w->config->topics[list[i].topic],
            .partition = list[i].partition,
            .committed = lane->inputs[i].committed,
            .recorded = recorded,
            .has_task_record = restored->has_task_record,
            .is_marked = lane->changelog_committed >= 0,
            .may_repeat = w->config->delivery == DELIVERY_AT_LEAST_ONCE && lane->changelog_committed < 0,
        };
        agrees = agrees && (is_calendar ? calendar_holds(w, &claim, list[i].offset)
                                        : positions_agree(w->setup.outcome, &claim));
        if (recorded)
            list[i] = *recorded;
    }
    for (size_t i = 0; i < restored->positions_count; i++)
        if (!find_position(list, lane->inputs_count, restored->positions[i].topic,
                           restored->positions[i].partition))
            list[count++] = restored->positions[i];
    free(lane->positions);
    lane->positions = list;
    lane->positions_count = count;
    return agrees;
}

static void run_lane(struct worker *w, struct lane *lane) {
    lane->merge = merge_new();
    for (size_t i = 0; i < lane->inputs_count; i++) {
        const struct position *at = &lane->positions[i];
        merge_add_input(lane->merge, at->topic, at->partition, at->offset, at->arrival);
    }
    if (task_clock(lane->task).ms != INT64_MIN)
        merge_advance(lane->merge, task_clock(lane->task));
    lane->state = LANE_RUNNING;
    lane->asked_at.ms = INT64_MIN;
    lane->closes_told = task_closes_done(lane->task);
    lane->progress_ms = monotonic_ms();
    if (w->calendar)
        calendar_feed_join(w->calendar, lane);
    lane->undecided.since_ms = 0;
    beat_progress(&w->beat);
    log_event(LOG_LEVEL_INFO, "running",
              "worker=%s partition=%" PRId32 " people=%" PRIu32 " held=%" PRIu32 " changelog_records=%" PRIu64
              " restore_ms=%" PRId64,
              w->name, lane->partition, task_people(lane->task), task_held(lane->task), lane->restore_read,
              monotonic_ms() - lane->restore_began_ms);
}

static bool birth_fits(struct worker *w, const struct lane *lane) {
    const struct birth *birth = &lane->birth;
    if (birth->partition == (uint32_t)lane->partition && birth->partitions == w->setup.partitions)
        return true;
    outcome_fail(
        w->setup.outcome, EX_CONFIG,
        "%s[%" PRId32 "] was born as partition %" PRIu32 " of %" PRIu32 ", but the topics now have %" PRIu32
        " partitions: keys have moved, and people would be judged in two places. Undo the change, or begin "
        "anew with new topics",
        w->config->outputs[OUTPUT_CHANGELOG], lane->partition, birth->partition, birth->partitions,
        w->setup.partitions);
    return false;
}

static void finish_restore(struct worker *w, struct lane *lane, int64_t end) {
    char error[512] = "";
    struct restored restored = {0};
    if (lane->restore_read == 0) {
        refuse(w, lane, end,
               "the partition is empty: it has no birth record. On a new cluster run `rollcall init`; on a "
               "cluster "
               "that was running the state is lost, restore the topic");
        return;
    }
    if (end < lane->changelog_committed) {
        refuse(w, lane, end,
               "the changelog ends here, but the group's commit says that it was longer: it was cut, restore "
               "the topic");
        return;
    }
    if (restore_finish(lane->restore, &restored, error, sizeof error) != RESTORE_OK) {
        refuse(w, lane, end, error);
        return;
    }
    restore_free(&lane->restore);
    rd_kafka_consume_stop(w->changelog, lane->partition);
    lane->task = restored.task;
    lane->birth = restored.birth;
    lane->changelog_next = end;
    doubt_older_offsets(w, lane, &restored);
    bool fits = birth_fits(w, lane) && take_positions(w, lane, &restored);
    free(restored.positions);
    if (!fits) {
        lane->state = LANE_PARKED;
        return;
    }
    if (lane->has_tail) {
        log_event(LOG_LEVEL_WARN, "changelog_written_whole", "worker=%s partition=%" PRId32, w->name,
                  lane->partition);
        changelog_write_whole(lane->task);
        lane->is_dirty = true;
    }
    if (restored.rules_changed) {
        task_apply_new_rules(lane->task);
        lane->is_dirty = true;
    }
    run_lane(w, lane);
}

static void end_reached(struct worker *w, struct lane *lane, int64_t offset) {
    int64_t low, high;
    rd_kafka_resp_err_t err = rd_kafka_get_watermark_offsets(w->reader, w->config->outputs[OUTPUT_CHANGELOG],
                                                             lane->partition, &low, &high);
    if (err || offset < high) { /* a transaction is undecided; the end will be reported again */
        lane->undecided = (struct undecided){.since_ms = monotonic_ms(), .offset = offset};
        return;
    }
    if (lane->state == LANE_RESTORING) {
        finish_restore(w, lane, offset);
        return;
    }
    rd_kafka_consume_stop(w->changelog, lane->partition);
    lane->changelog_next = offset;
    run_lane(w, lane);
}

static void apply(struct worker *w, struct lane *lane, const rd_kafka_message_t *message) {
    char error[512] = "";
    if (lane->state == LANE_CHECKING) {
        lane->is_stale = true;
        return;
    }
    if (lane->changelog_committed >= 0 && message->offset >= lane->changelog_committed) {
        lane->has_tail = true; /* of a batch that is done again */
        return;
    }
    lane->undecided.since_ms = 0;
    beat_progress(&w->beat);
    FAULT_POINT(in_restore);
    lane->restore_read++;
    if (restore_apply(lane->restore, message->key, message->key_len, message->payload, message->len, error,
                      sizeof error) != RESTORE_OK)
        refuse(w, lane, message->offset, error);
}

static void take(struct worker *w, const rd_kafka_message_t *message) {
    struct lane *lane = worker_find_lane(w, message->partition);
    if (lane == NULL || lane->is_stale || (lane->state != LANE_RESTORING && lane->state != LANE_CHECKING))
        return; /* of a lane that is gone, or an earlier reading */
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        end_reached(w, lane, message->offset);
    else if (message->err)
        intake_error(w, w->config->outputs[OUTPUT_CHANGELOG], message->partition, message);
    else
        apply(w, lane, message);
}

/* Tasks whose partition somebody else owned meanwhile are read anew. Not before all that was taken from the
 * queue is done with: it belongs to the reading that ends here. */
static void replace_stale(struct worker *w) {
    for (size_t i = 0; i < w->lanes_count; i++) {
        struct lane *lane = w->lanes[i];
        if (!lane->is_stale)
            continue;
        log_event(LOG_LEVEL_INFO, "kept_task_is_stale", "worker=%s partition=%" PRId32, w->name,
                  lane->partition);
        restorer_stop(w, lane);
        worker_free_task(w, lane);
        lane->is_stale = false;
        begin_restore(w, lane);
    }
}

/* The last owner's transaction: its end is at most a transaction's timeout away. */
static void tell_undecided(struct worker *w, struct lane *lane) {
    if (lane->undecided.since_ms && ends_tell_undecided(&lane->undecided, lane->undecided.offset, 0))
        log_event(LOG_LEVEL_WARN, "changelog_undecided",
                  "worker=%s partition=%" PRId32 " offset=%" PRId64 " since_ms=%" PRId64, w->name,
                  lane->partition, lane->undecided.offset, monotonic_ms() - lane->undecided.since_ms);
}

static bool is_wanted(struct worker *w) {
    bool any = false;
    for (size_t i = 0; i < w->lanes_count; i++) {
        struct lane *lane = w->lanes[i];
        if (lane->state != LANE_RESTORING && lane->state != LANE_CHECKING)
            continue;
        tell_undecided(w, lane);
        any = true;
    }
    return any;
}

bool restorer_step(struct worker *w) {
    if (!is_wanted(w))
        return false;
    int64_t until = monotonic_ms() + SLICE_MS;
    ssize_t count;
    bool any = false;
    do {
        count = rd_kafka_consume_batch_queue(w->restore_queue, 0, w->messages, SLICE_RECORDS);
        for (ssize_t i = 0; i < count; i++) {
            if (!worker_has_failed(w))
                take(w, w->messages[i]);
            rd_kafka_message_destroy(w->messages[i]);
        }
        replace_stale(w);
        any |= count > 0;
    } while (count == SLICE_RECORDS && monotonic_ms() < until && !worker_has_failed(w));
    return any;
}
