/* See calendar_feed.h. One pass over the calendar serves all lanes of the worker: a record goes to each that
 * has not read it yet. A lane that joins behind the pass starts it again from where the lane stands; the
 * others ignore what they know. The calendar is small, so nothing is kept for later. Worker thread. */
#include "calendar_feed.h"

#include "worker_state.h"

#include "check.h"

#include <stdlib.h>

struct shared_message {
    rd_kafka_message_t *message;
    unsigned users;
};

struct calendar_partition {
    rd_kafka_queue_t *queue;
    bool is_reading;
    int64_t next;   /* read to here; INT64_MAX before the first lane */
    int64_t eof_at; /* the last end that a fetch found; negative: none */
    int64_t start;  /* where a lane wants it to start again; INT64_MAX: nobody does */
};

struct calendar_feed {
    rd_kafka_topic_t *topic;
    const char *name;
    uint32_t count;
    struct calendar_partition partitions[];
};

const rd_kafka_message_t *calendar_message(const void *shared) {
    return ((const struct shared_message *)shared)->message;
}

void calendar_release(void *shared) {
    struct shared_message *m = shared;
    if (--m->users > 0)
        return;
    rd_kafka_message_destroy(m->message);
    free(m);
}

struct calendar_feed *calendar_feed_new(struct worker *w) {
    uint32_t count = w->setup.calendar_partitions;
    if (count == 0)
        return NULL;
    struct calendar_feed *feed = xcalloc(1, sizeof *feed + count * sizeof feed->partitions[0]);
    feed->name = w->config->topics[TOPIC_CALENDAR];
    feed->topic = rd_kafka_topic_new(w->reader, feed->name, NULL);
    CHECK(feed->topic != NULL);
    feed->count = count;
    for (uint32_t p = 0; p < count; p++) {
        feed->partitions[p] =
            (struct calendar_partition){rd_kafka_queue_new(w->reader), false, INT64_MAX, -1, INT64_MAX};
        worker_wakes_by(w, feed->partitions[p].queue);
    }
    return feed;
}

void calendar_feed_free(struct calendar_feed **feed) {
    struct calendar_feed *f = *feed;
    if (f == NULL)
        return;
    for (uint32_t p = 0; p < f->count; p++) {
        if (f->partitions[p].is_reading)
            rd_kafka_consume_stop(f->topic, (int32_t)p);
        rd_kafka_queue_destroy(f->partitions[p].queue);
    }
    rd_kafka_topic_destroy(f->topic);
    free(f);
    *feed = NULL;
}

void calendar_feed_join(struct calendar_feed *feed, struct lane *lane) {
    for (size_t i = 0; i < lane->inputs_count; i++) {
        const struct position *at = &lane->positions[i];
        if (at->topic != TOPIC_CALENDAR)
            continue;
        struct calendar_partition *partition = &feed->partitions[at->partition];
        lane->inputs[i].eof_at = partition->eof_at; /* which is told once */
        if (at->offset < partition->next && at->offset < partition->start)
            partition->start = at->offset;
    }
}

static void start_again(struct worker *w, struct calendar_feed *feed, int32_t number) {
    struct calendar_partition *partition = &feed->partitions[number];
    if (partition->start == INT64_MAX)
        return;
    if (partition->is_reading)
        rd_kafka_consume_stop(feed->topic, number);
    if (rd_kafka_consume_start_queue(feed->topic, number, partition->start, partition->queue) != 0)
        outcome_fail(w->setup.outcome, EXIT_FAILURE, "cannot read %s[%d]: %s", feed->name, (int)number,
                     rd_kafka_err2str(rd_kafka_last_error()));
    partition->is_reading = true;
    partition->next = partition->start;
    partition->start = INT64_MAX;
}

/* The number of the lane's input that is this partition of the calendar. */
static size_t input_of(const struct lane *lane, int32_t number) {
    size_t i = 0;
    while (lane->positions[i].topic != TOPIC_CALENDAR || lane->positions[i].partition != number)
        i++;
    CHECK(i < lane->inputs_count);
    return i;
}

static void hand_on(struct worker *w, struct calendar_feed *feed, rd_kafka_message_t *message) {
    struct merge_record record = {.offset = message->offset};
    if (!intake_stamp(w, feed->name, message, wall_now().ms + w->config->rules.clock_skew_ms, &record)) {
        rd_kafka_message_destroy(message);
        return;
    }
    struct shared_message *shared = xcalloc(1, sizeof *shared);
    *shared = (struct shared_message){message, 1};
    record.message = shared;
    for (size_t i = 0; i < w->lanes_count; i++) {
        struct lane *lane = w->lanes[i];
        if (lane->state != LANE_RUNNING)
            continue;
        size_t input = input_of(lane, message->partition);
        if (merge_position(lane->merge, input) > message->offset)
            continue;
        shared->users++;
        merge_push(lane->merge, input, &record, 1);
    }
    calendar_release(shared);
}

static void end_reached(struct worker *w, struct calendar_feed *feed, int32_t number, int64_t offset) {
    feed->partitions[number].next = feed->partitions[number].eof_at = offset;
    for (size_t i = 0; i < w->lanes_count; i++) {
        struct lane *lane = w->lanes[i];
        if (lane->state != LANE_RUNNING)
            continue;
        size_t input = input_of(lane, number);
        lane->inputs[input].eof_at = offset;
        merge_read_to(lane->merge, input, offset);
    }
}

bool calendar_feed_step(struct calendar_feed *feed, struct worker *w) {
    bool any = false;
    for (uint32_t p = 0; feed && p < feed->count; p++) {
        struct calendar_partition *partition = &feed->partitions[p];
        start_again(w, feed, (int32_t)p);
        ssize_t count = rd_kafka_consume_batch_queue(partition->queue, 0, w->messages, PULL_RECORDS);
        for (ssize_t i = 0; i < count; i++) {
            rd_kafka_message_t *message = w->messages[i];
            int64_t offset = message->offset;
            bool is_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
            if (!message->err && !worker_has_failed(w)) {
                hand_on(w, feed, message);
                partition->next = offset + 1;
                continue;
            }
            if (is_end) {
                end_reached(w, feed, (int32_t)p, offset);
            } else if (message->err) {
                intake_error(w, feed->name, (int32_t)p, message);
            }
            rd_kafka_message_destroy(message);
        }
        if (count > 0)
            any = w->pulled_since_ask = true;
    }
    return any;
}
