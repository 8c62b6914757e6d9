/* What the group gives and takes: the rebalance callback, served by polling the group's consumer. Owner: the
 * rekey thread.
 *
 * There is no state but the offsets, so what is taken is committed or forgotten, and what is given begins
 * where the group's offsets say. They are stable ones, because the handle reads committed: the last owner's
 * transaction is decided. */
#include "rekey_thread.h"

#include "event_log.h"
#include "fault_point.h"

#include <inttypes.h>
#include <stdlib.h>

#define GROUP_TIMEOUT_MS 60000
#define CALL_MS          10000
#define GROUP_ASK_MS     500

/* ---- what is asked ---- */

static rd_kafka_resp_err_t ask_offsets(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list) {
    rd_kafka_resp_err_t err = rd_kafka_committed(rk, list, CALL_MS);
    for (int i = 0; i < list->cnt && !err; i++)
        err = list->elems[i].err;
    return err;
}

static rd_kafka_resp_err_t ask_ends(struct rekey_thread *t, int32_t partition, int64_t *low, int64_t *high) {
    return rd_kafka_query_watermark_offsets(t->clock, t->setup->from, partition, low, high, CALL_MS);
}

/* None of this is guessed: without an answer the thread does not go on. */
static bool ask_committed(struct rekey_thread *t, rd_kafka_topic_partition_list_t *list) {
    int64_t deadline = monotonic_ms() + GROUP_TIMEOUT_MS;
    rd_kafka_resp_err_t err;
    do {
        beat_step(&t->beat, "rebalance: committed offsets");
        err = ask_offsets(t->group_member, list);
    } while (err && monotonic_ms() < deadline && !rekey_has_failed(t));
    if (err)
        outcome_fail(t->outcome, EX_TEMPFAIL, "the group's committed offsets could not be read for %d s: %s",
                     GROUP_TIMEOUT_MS / 1000, rd_kafka_err2str(err));
    return !err;
}

/* ---- assign ---- */

static bool fits_the_log(struct rekey_thread *t, const rd_kafka_topic_partition_t *part, int64_t low,
                         int64_t high) {
    if (part->offset >= 0 && part->offset < low)
        outcome_fail(
            t->outcome, EX_CONFIG,
            "%s[%" PRId32 "]: the source has lost records %" PRId64 " to %" PRId64
            " before they were read: retention must be longer than any outage. To go on without "
            "them, set the offset of group '%s' (kafka-consumer-groups --group %s --topic %s:%" PRId32
            " --reset-offsets --to-earliest --execute)",
            part->topic, part->partition, part->offset, low - 1, t->group, t->group, part->topic,
            part->partition);
    else if (part->offset > high)
        outcome_fail(t->outcome, EX_CONFIG,
                     "%s[%" PRId32 "]: group '%s' has read up to offset %" PRId64
                     " of the source, which ends at %" PRId64
                     ": the topic was made anew or cut. Restore it, or delete the group's offsets to read "
                     "it from its beginning",
                     part->topic, part->partition, t->group, part->offset, high);
    return outcome_code(t->outcome) == 0;
}

/* Where each partition begins: at the committed offset, else at the beginning of the log. */
static bool find_starts(struct rekey_thread *t, rd_kafka_topic_partition_list_t *list,
                        rd_kafka_topic_partition_list_t *committed) {
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *part = &list->elems[i];
        int64_t deadline = monotonic_ms() + GROUP_TIMEOUT_MS, low = 0, high = 0;
        rd_kafka_resp_err_t err;
        do {
            beat_step(&t->beat, "rebalance: ends of the source");
            err = ask_ends(t, part->partition, &low, &high);
        } while (err && monotonic_ms() < deadline && !rekey_has_failed(t));
        if (err)
            outcome_fail(t->outcome, EX_TEMPFAIL, "the ends of %s could not be read for %d s: %s",
                         part->topic, GROUP_TIMEOUT_MS / 1000, rd_kafka_err2str(err));
        if (err || !fits_the_log(t, &committed->elems[i], low, high))
            return false;
        part->offset = committed->elems[i].offset >= 0 ? committed->elems[i].offset : low;
        if (committed->elems[i].offset < 0)
            log_event(LOG_LEVEL_INFO, "from_the_beginning",
                      "worker=%s topic=%s partition=%" PRId32 " offset=%" PRId64, t->name, part->topic,
                      part->partition, low);
    }
    return true;
}

static void give(struct rekey_thread *t, rd_kafka_topic_partition_list_t *list) {
    log_event(LOG_LEVEL_INFO, "assigned", "worker=%s partitions=%d", t->name, list->cnt);
    rd_kafka_topic_partition_list_t *committed = rd_kafka_topic_partition_list_copy(list);
    bool good = list->cnt == 0 || (ask_committed(t, committed) && find_starts(t, list, committed));
    for (int i = 0; good && i < list->cnt; i++)
        feeds_add(t, list->elems[i].partition, list->elems[i].offset, committed->elems[i].offset);
    rd_kafka_topic_partition_list_destroy(committed);
    rd_kafka_resp_err_t err = rd_kafka_assign(t->group_member, good ? list : NULL);
    if (err)
        outcome_fail(t->outcome, EXIT_FAILURE, "cannot take the assignment: %s", rd_kafka_err2str(err));
}

/* ---- revoke ---- */

static void take(struct rekey_thread *t, bool is_lost) {
    log_event(is_lost ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "revoked", "worker=%s partitions=%zu lost=%s",
              t->name, t->feeds_count, is_lost ? "true" : "false");
    /* Not lost: the group waits for us, and still takes what we have read. */
    if (!is_lost && !rekey_has_failed(t))
        batch_commit(t);
    FAULT_POINT(in_revoke);
    batch_drop(t);
    feeds_clear(t);
    rd_kafka_assign(t->group_member, NULL);
}

void rekey_rebalanced(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *partitions,
                      void *opaque) {
    struct rekey_thread *t = opaque;
    switch ((int)err) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
        give(t, partitions);
        return;
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
        take(t, rd_kafka_assignment_lost(rk) != 0);
        return;
    default:
        log_event(LOG_LEVEL_WARN, "rebalance_error", "worker=%s code=%s", t->name, rd_kafka_err2name(err));
        take(t, true);
    }
}

/* ---- the end of --until-end ---- */

/* Other members, of other processes too, have their own part of it. Not asked as a member: joining may take
 * as long as a session, and what is asked meanwhile waits. */
bool rekey_group_is_done(struct rekey_thread *t) {
    int64_t now_ms = monotonic_ms();
    if (now_ms - t->asked_ms < GROUP_ASK_MS)
        return false;
    t->asked_ms = now_ms;
    const struct rekey_source *source = t->source;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)source->partitions);
    for (uint32_t p = 0; p < source->partitions; p++)
        rd_kafka_topic_partition_list_add(list, t->setup->from, (int32_t)p);
    bool is_done = ask_offsets(t->clock, list) == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (uint32_t p = 0; p < source->partitions && is_done; p++)
        is_done = list->elems[p].offset >= source->ends[p] || source->lows[p] == source->ends[p];
    rd_kafka_topic_partition_list_destroy(list);
    return is_done;
}
