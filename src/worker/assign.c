/* What the group gives and takes: the rebalance callback, served by polling the group's consumer. Worker
 * thread.
 *
 * The protocol is eager: every rebalance takes all partitions and gives all, mostly the same. So tasks that
 * are taken are parked, and run on if they come back and nobody else has written meanwhile. Only what must be
 * exact is asked here, the offsets; the changelog is read beside the loop (restorer.c), so that a restore
 * does not stop the others. */
#include "positions.h"
#include "worker_state.h"

#include "check.h"
#include "event_log.h"
#include "fault_point.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked ---- */

/* The committed offsets, none guessed: they are stable ones, because the handle reads committed, so the last
 * owner's transaction is decided. */
bool assign_ask_committed(struct worker *w, rd_kafka_topic_partition_list_t *list) {
    int64_t deadline = monotonic_ms() + GROUP_TIMEOUT_MS;
    rd_kafka_resp_err_t err;
    do {
        beat_step(&w->beat, "rebalance: committed offsets");
        err = rd_kafka_committed(w->group, list, 10000);
        for (int i = 0; i < list->cnt && !err; i++)
            err = list->elems[i].err;
    } while (err && monotonic_ms() < deadline && !worker_has_failed(w));
    if (err)
        outcome_fail(w->setup.outcome, EX_TEMPFAIL,
                     "the group's committed offsets could not be read for %d s: %s", GROUP_TIMEOUT_MS / 1000,
                     rd_kafka_err2str(err));
    return !err;
}

static bool ask_ends(struct worker *w, rd_kafka_topic_partition_list_t *list, int64_t which) {
    int64_t deadline = monotonic_ms() + GROUP_TIMEOUT_MS;
    char error[256] = "";
    do {
        error[0] = '\0';
        beat_step(&w->beat, "rebalance: ends of the inputs");
        if (ends_query(w, list, which, 10000, error, sizeof error) && error[0] == '\0')
            return true;
    } while (monotonic_ms() < deadline && !worker_has_failed(w));
    outcome_fail(w->setup.outcome, EX_TEMPFAIL, "the ends of the inputs could not be read for %d s: %s",
                 GROUP_TIMEOUT_MS / 1000, error);
    return false;
}

/* ---- assign ---- */

static int32_t find_input(const struct worker *w, const char *topic) {
    for (size_t i = 0; i < w->topics_count; i++)
        if (strcmp(w->config->topics[w->topics[i]], topic) == 0)
            return (int32_t)i;
    return -1;
}

/* Partition p of every employee topic must be here, or of none: `range` deals each topic out alike, if their
 * counts are equal. */
static bool is_copartitioned(struct worker *w, const rd_kafka_topic_partition_list_t *list) {
    for (int i = 0; i < list->cnt; i++) {
        int32_t partition = list->elems[i].partition;
        size_t topics = 0;
        for (int j = 0; j < list->cnt; j++)
            topics += list->elems[j].partition == partition;
        if (find_input(w, list->elems[i].topic) < 0 || topics != w->topics_count ||
            (uint32_t)partition >= w->setup.partitions) {
            outcome_fail(w->setup.outcome, EX_CONFIG,
                         "the group assigned %s[%" PRId32
                         "], but not that partition of every topic about employees: "
                         "their partition counts must be equal, as they were at the start (%" PRIu32
                         "), and all members must run the same configuration",
                         list->elems[i].topic, partition, w->setup.partitions);
            return false;
        }
    }
    return true;
}

/* A topic of which the group deals out nothing at all: it may not be read, or is not there. It may come back,
 * and then everything is dealt out anew; what became of it shows in its offsets. Until then nothing of the
 * other topics may be applied either. */
static const char *find_missing_topic(const struct worker *w, const rd_kafka_topic_partition_list_t *list) {
    for (size_t i = 0; i < w->topics_count && list->cnt > 0; i++) {
        const char *topic = w->config->topics[w->topics[i]];
        int j = 0;
        while (j < list->cnt && strcmp(list->elems[j].topic, topic) != 0)
            j++;
        if (j == list->cnt)
            return topic;
    }
    return NULL;
}

static struct lane *lane_for(struct worker *w, int32_t partition) {
    struct lane *lane = worker_find_lane(w, partition);
    if (lane == NULL) {
        lane = lane_new(partition, w->topics_count + w->setup.calendar_partitions);
        w->lanes = xrealloc(w->lanes, w->lanes_count + 1, sizeof *w->lanes);
        w->lanes[w->lanes_count++] = lane;
    }
    return lane;
}

static void open_queue(struct worker *w, struct lane_input *in, const rd_kafka_topic_partition_t *part) {
    in->queue = rd_kafka_queue_get_partition(w->group, part->topic, part->partition);
    CHECK(in->queue != NULL);
    rd_kafka_queue_forward(in->queue, NULL); /* not into the queue that is polled for rebalances */
    worker_wakes_by(w, in->queue);
}

/* Offsets and queues of what was assigned; the lanes are made where they are new. */
static bool take_offsets(struct worker *w, rd_kafka_topic_partition_list_t *list,
                         rd_kafka_topic_partition_list_t *lows, rd_kafka_topic_partition_list_t *highs) {
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *part = &list->elems[i];
        int64_t low = rd_kafka_topic_partition_list_find(lows, part->topic, part->partition)->offset;
        int64_t high = rd_kafka_topic_partition_list_find(highs, part->topic, part->partition)->offset;
        if (!positions_fit_the_log(w->setup.outcome, part->topic, part->partition, part->offset, low, high))
            return false;
        struct lane *lane = lane_for(w, part->partition);
        struct lane_input *in = &lane->inputs[find_input(w, part->topic)];
        in->committed = part->offset >= 0 ? part->offset : RD_KAFKA_OFFSET_INVALID;
        if (strcmp(part->topic, w->config->topics[TOPIC_SWIPES]) == 0)
            lane->changelog_committed = positions_read_mark(part->metadata, part->metadata_size);
        if (part->offset < 0)
            part->offset = low;
        in->start = part->offset;
        open_queue(w, in, part);
    }
    return true;
}

/* Where the calendar begins, for tasks that have read nothing of it. */
static bool take_calendar(struct worker *w) {
    if (w->setup.calendar_partitions == 0)
        return true;
    rd_kafka_topic_partition_list_t *lows =
        rd_kafka_topic_partition_list_new((int)w->setup.calendar_partitions);
    for (uint32_t p = 0; p < w->setup.calendar_partitions; p++)
        rd_kafka_topic_partition_list_add(lows, w->config->topics[TOPIC_CALENDAR], (int32_t)p);
    bool good = ask_ends(w, lows, RD_KAFKA_OFFSET_BEGINNING);
    for (size_t i = 0; good && i < w->lanes_count; i++)
        for (uint32_t p = 0; p < w->setup.calendar_partitions; p++)
            w->lanes[i]->inputs[w->topics_count + p].start = lows->elems[p].offset;
    rd_kafka_topic_partition_list_destroy(lows);
    return good;
}

/* A parked task is good only where its group offsets are still its own; whether the changelog is, too, is
 * checked next (closes by the wall clock commit without moving offsets). */
static bool kept_offsets_match(const struct worker *w, const struct lane *lane) {
    for (size_t i = 0; i < w->topics_count; i++)
        if (lane->positions[i].offset != lane->inputs[i].start)
            return false;
    return lane->changelog_committed < 0 || lane->changelog_committed == lane->changelog_next;
}

static void begin_lanes(struct worker *w) {
    for (size_t i = 0; i < w->lanes_count;) {
        struct lane *lane = w->lanes[i];
        if (lane->inputs[0].queue == NULL) { /* parked, and not ours any more */
            worker_drop_lane(w, i);
            continue;
        }
        if (lane->task && !kept_offsets_match(w, lane))
            worker_free_task(w, lane);
        restorer_begin(w, lane);
        i++;
    }
}

static void give(struct worker *w, rd_kafka_topic_partition_list_t *list) {
    log_event(LOG_LEVEL_INFO, "assigned", "worker=%s partitions=%d", w->name,
              list->cnt / (int)w->topics_count);
    const char *missing = find_missing_topic(w, list);
    if (missing) {
        intake_is_away(w, missing, RD_KAFKA_PARTITION_UA, "the group assigns the other topics without it");
        atomic_store_explicit(&w->has_assignment, false, memory_order_relaxed);
        rd_kafka_assign(w->group, NULL);
        return;
    }
    rd_kafka_topic_partition_list_t *lows = rd_kafka_topic_partition_list_copy(list);
    rd_kafka_topic_partition_list_t *highs = rd_kafka_topic_partition_list_copy(list);
    bool good =
        is_copartitioned(w, list) &&
        (list->cnt == 0 || (assign_ask_committed(w, list) && ask_ends(w, highs, RD_KAFKA_OFFSET_END) &&
                            ask_ends(w, lows, RD_KAFKA_OFFSET_BEGINNING))) &&
        take_offsets(w, list, lows, highs) && take_calendar(w);
    rd_kafka_topic_partition_list_destroy(lows);
    rd_kafka_topic_partition_list_destroy(highs);
    if (!good) {
        rd_kafka_assign(w->group, NULL);
        return;
    }
    rd_kafka_resp_err_t err = rd_kafka_assign(w->group, list);
    if (err) {
        outcome_fail(w->setup.outcome, EXIT_FAILURE, "cannot take the assignment: %s", rd_kafka_err2str(err));
        return;
    }
    begin_lanes(w);
    w->is_assigned = true;
    atomic_store_explicit(&w->has_assignment, true, memory_order_relaxed);
}

/* ---- revoke ---- */

static void take(struct worker *w, bool is_lost) {
    log_event(is_lost ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "revoked", "worker=%s partitions=%zu lost=%s",
              w->name, w->lanes_count, is_lost ? "true" : "false");
    /* Not lost: the group waits for us, and still takes what we have applied. */
    if (!is_lost && !worker_has_failed(w))
        transaction_commit(w);
    FAULT_POINT(in_revoke);
    for (size_t i = 0; i < w->lanes_count;) {
        struct lane *lane = w->lanes[i];
        bool is_clean = lane->task && !lane->is_dirty && !lane->is_sealed;
        restorer_stop(w, lane);
        if (is_clean) {
            worker_park_lane(w, lane);
            i++;
        } else {
            worker_drop_lane(w, i);
        }
    }
    rd_kafka_assign(w->group, NULL);
    w->is_assigned = false;
    atomic_store_explicit(&w->caught_up, false, memory_order_relaxed);
}

void assign_rebalanced(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *partitions,
                       void *opaque) {
    struct worker *w = opaque;
    CHECK(rk == w->group);
    switch ((int)err) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
        give(w, partitions);
        return;
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
        take(w, rd_kafka_assignment_lost(rk) != 0);
        return;
    default:
        log_event(LOG_LEVEL_WARN, "rebalance_error", "worker=%s code=%s", w->name, rd_kafka_err2name(err));
        take(w, true);
    }
}
