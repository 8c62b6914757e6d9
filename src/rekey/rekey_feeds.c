/* The source's partitions in one order: by arrival, as SPEC 5 has it (the time stamp or, if greater, the
 * largest before it in its partition), so that a backlog of months comes out in the order in which it
 * happened. Owner: the rekey thread.
 *
 * It orders what one thread reads; threads and processes do not wait for each other. A record is taken when
 * every other partition has a next record or nothing more. A partition whose leader is away holds the others
 * up for a while only: late is better than never, and a person's own order within a partition is kept in any
 * case. */
#include "rekey_thread.h"

#include "check.h"
#include "event_log.h"
#include "fault_point.h"

#include <inttypes.h>
#include <stdlib.h>

#define PATIENCE_MS 10000

/* A partition that was added after the start had nothing then. */
static int64_t end_of(const struct rekey_thread *t, int32_t partition, int64_t start) {
    if (!t->setup->stops_at_end)
        return INT64_MAX;
    return (uint32_t)partition < t->source->partitions ? t->source->ends[partition] : start;
}

void feeds_add(struct rekey_thread *t, int32_t partition, int64_t start, int64_t committed) {
    struct feed *feed = xcalloc(1, sizeof *feed);
    *feed = (struct feed){
        .partition = partition,
        .next = start,
        .position = start,
        .committed = committed,
        .end = end_of(t, partition, start),
        .arrival = INT64_MIN,
        .empty_since_ms = monotonic_ms(),
    };
    feed->queue = rd_kafka_queue_get_partition(t->group_member, t->setup->from, partition);
    CHECK(feed->queue != NULL);
    rd_kafka_queue_forward(feed->queue, NULL); /* not into the queue that is polled for rebalances */
    rekey_wakes_by(t, feed->queue);
    t->feeds = xrealloc(t->feeds, t->feeds_count + 1, sizeof *t->feeds);
    t->feeds[t->feeds_count++] = feed;
}

void feeds_clear(struct rekey_thread *t) {
    for (size_t i = 0; i < t->feeds_count; i++) {
        struct feed *feed = t->feeds[i];
        for (size_t j = feed->head; j < feed->count; j++)
            rd_kafka_message_destroy(feed->held[j]);
        rd_kafka_queue_destroy(feed->queue);
        free(feed);
    }
    t->feeds_count = 0;
}

/* ---- from the queue ---- */

/* Keeps the message, or destroys it. */
static void receive(struct rekey_thread *t, struct feed *feed, rd_kafka_message_t *message) {
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        feed->is_at_end = true;
        if (message->offset > feed->next) /* markers of transactions, aborted or compacted records */
            feed->next = message->offset;
    } else if (message->err) {
        rekey_consumer_error(t, message);
    } else if (message->offset >= feed->next && message->offset < feed->end) {
        feed->is_at_end = feed->is_told = false;
        feed->next = message->offset + 1;
        feed->held[feed->count++] = message;
        t->away_since_ms = 0;
        return;
    } else if (message->offset >= feed->end) {
        feed->is_at_end = true;
        feed->next = feed->end;
    }
    rd_kafka_message_destroy(message);
}

static bool pull(struct rekey_thread *t, struct feed *feed) {
    rd_kafka_message_t *messages[REKEY_PULL_RECORDS];
    if (feed->head < feed->count || feed->next >= feed->end)
        return false;
    feed->head = feed->count = 0;
    ssize_t count = rd_kafka_consume_batch_queue(feed->queue, 0, messages, REKEY_PULL_RECORDS);
    if (count > 0)
        FAULT_POINT(after_poll);
    for (ssize_t i = 0; i < count; i++)
        receive(t, feed, messages[i]);
    if (feed->count == 0 && feed->next > feed->position)
        feed->position = feed->next;
    if (feed->count > 0)
        feed->empty_since_ms = 0;
    else if (feed->empty_since_ms == 0)
        feed->empty_since_ms = monotonic_ms();
    return count > 0;
}

/* ---- into the batch ---- */

static int64_t arrival_of_next(const struct feed *feed) {
    int64_t stamp = rd_kafka_message_timestamp(feed->held[feed->head], NULL);
    return stamp > feed->arrival ? stamp : feed->arrival;
}

/* An input that may still hold something earlier. */
static bool holds_up(const struct rekey_thread *t, struct feed *feed) {
    if (feed->head < feed->count || feed->is_at_end || feed->next >= feed->end)
        return false;
    if (monotonic_ms() - feed->empty_since_ms < PATIENCE_MS)
        return true;
    if (!feed->is_told)
        log_event(LOG_LEVEL_WARN, "order_not_kept", "worker=%s topic=%s partition=%" PRId32, t->name,
                  t->setup->from, feed->partition);
    feed->is_told = true;
    return false;
}

/* The feed whose record comes next, and how far its records may run before another's turn comes; NULL: there
 * is none now. */
static struct feed *find_next(struct rekey_thread *t, int64_t *until) {
    struct feed *first = NULL;
    int64_t least = INT64_MAX;
    *until = INT64_MAX;
    for (size_t i = 0; i < t->feeds_count; i++) {
        struct feed *feed = t->feeds[i];
        if (holds_up(t, feed))
            return NULL;
        if (feed->head == feed->count)
            continue;
        int64_t arrival = arrival_of_next(feed);
        if (first == NULL || arrival < least) {
            *until = first ? least : INT64_MAX;
            least = arrival;
            first = feed;
        } else if (arrival < *until) {
            *until = arrival;
        }
    }
    return first;
}

static bool take_run(struct rekey_thread *t) {
    int64_t until;
    struct feed *feed = find_next(t, &until);
    if (feed == NULL)
        return false;
    while (feed->head < feed->count && !batch_is_full(&t->batch) && arrival_of_next(feed) <= until) {
        rd_kafka_message_t *message = feed->held[feed->head];
        feed->arrival = arrival_of_next(feed);
        feed->head++;
        feed->position = message->offset + 1;
        batch_add(t, message);
    }
    if (feed->head == feed->count) {
        feed->position = feed->next;
        feed->empty_since_ms = monotonic_ms();
    }
    return true;
}

bool feeds_step(struct rekey_thread *t) {
    bool moved = false;
    while (!rekey_has_failed(t) && !batch_is_full(&t->batch)) {
        bool pulled = false;
        for (size_t i = 0; i < t->feeds_count && !rekey_has_failed(t); i++)
            pulled |= pull(t, t->feeds[i]);
        if (rekey_has_failed(t) || !take_run(t))
            return moved || pulled;
        moved = true;
    }
    return moved;
}

bool feeds_are_done(const struct rekey_thread *t) {
    for (size_t i = 0; i < t->feeds_count; i++)
        if (t->feeds[i]->position < t->feeds[i]->end || t->feeds[i]->committed < t->feeds[i]->position)
            return false;
    return true;
}
