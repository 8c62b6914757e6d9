/* What the files of a rekey thread share. Only rekey.c looks at it from another thread, and only at the
 * atomics.
 *
 *   rekey_thread.c  the thread: set-up, loop, tear-down
 *   rekey_assign.c  what the group gives and takes
 *   rekey_feeds.c   the source's partitions -> one order, by arrival
 *   rekey_batch.c   records -> keyed or rejected -> broker, with the offsets */
#ifndef ROLLCALL_REKEY_THREAD_H
#define ROLLCALL_REKEY_THREAD_H

#include "again.h"
#include "beat.h"
#include "clocks.h"
#include "producer.h"
#include "rekey.h"

#include <rollcall/events.h>

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#define REKEY_PULL_RECORDS  1024
#define REKEY_BATCH_RECORDS 20000
#define REKEY_BATCH_BYTES   (16u << 20)

/* One partition of the source. */
struct feed {
    int32_t partition;
    rd_kafka_queue_t *queue;
    rd_kafka_message_t *held[REKEY_PULL_RECORDS]; /* fetched and not taken yet: [head, count) */
    size_t head, count;
    int64_t next;      /* offset to be fetched next: all below was given to us */
    int64_t position;  /* offset to be taken next */
    int64_t committed; /* position as last committed; negative: none */
    int64_t end;       /* nothing from here on is taken */
    int64_t arrival;   /* greatest time stamp so far */
    bool is_at_end;    /* there was nothing behind `next` when it was last looked at */
    int64_t empty_since_ms;
    bool is_told; /* that it was not waited for */
};

/* What is committed together. Messages are kept until then: after an abort they are sent again. */
struct batch {
    rd_kafka_message_t *messages[REKEY_BATCH_RECORDS];
    struct short_text keys[REKEY_BATCH_RECORDS]; /* empty: rejected */
    size_t count, bytes;
    struct outbox rejects;
    uint64_t reasons[REASON_COUNT];
    bool is_sealed; /* was sent: nothing is added before it is committed */
};

struct rekey_thread {
    const struct rekey_setup *setup;
    const struct rekey_source *source;
    struct outcome *outcome;
    char name[80];   /* of instance and thread: "host-0" */
    char group[300]; /* group.id */
    struct handle_setup handles;
    pthread_t thread;
    atomic_bool stop, has_ended;
    struct beat beat;

    struct handle_callbacks group_callbacks;
    struct producer producer;
    rd_kafka_t *group_member, *clock;
    rd_kafka_queue_t *group_queue;
    int wake; /* eventfd: a queue has something, or the thread shall stop */

    struct feed **feeds;
    size_t feeds_count;
    struct batch batch;

    int64_t committed_ms; /* monotonic: when the last transaction ended */
    int64_t asked_ms;     /* monotonic: when the group was asked how far it is */
    unsigned aborts_in_a_row;
    int64_t away_since_ms;

    bool starts_over;
    struct starts starts;

    struct rekey_totals totals; /* read by others after the thread has ended */
};

static inline bool rekey_has_failed(struct rekey_thread *t) {
    return t->starts_over || outcome_code(t->outcome) != 0;
}

/* rekey_thread.c */
void rekey_thread_start(struct rekey_thread *t);
void rekey_start_over(struct rekey_thread *t, const char *why);
void rekey_wakes_by(struct rekey_thread *t, rd_kafka_queue_t *queue);
/* What the consumer was given in place of a record. */
void rekey_consumer_error(struct rekey_thread *t, const rd_kafka_message_t *message);

/* rekey_assign.c: the rebalance callback; and whether the group has committed all that was there at the
 * start. */
void rekey_rebalanced(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *partitions,
                      void *opaque);
bool rekey_group_is_done(struct rekey_thread *t);

/* rekey_feeds.c */
void feeds_add(struct rekey_thread *t, int32_t partition, int64_t start, int64_t committed);
void feeds_clear(struct rekey_thread *t);
/* Fetches where nothing is held, and moves what comes next into the batch. True if something moved. */
bool feeds_step(struct rekey_thread *t);
/* Everything that shall be taken is taken and committed. */
bool feeds_are_done(const struct rekey_thread *t);

/* rekey_batch.c */
void batch_add(struct rekey_thread *t, rd_kafka_message_t *message); /* takes the message over */
bool batch_is_full(const struct batch *batch);
void batch_drop(struct rekey_thread *t); /* not committed: whoever owns the partitions reads it again */
bool batch_is_due(const struct rekey_thread *t, int64_t now_ms);
/* Makes durable what was taken. False: it is not, and will be sent again (or the outcome is set). */
bool batch_commit(struct rekey_thread *t);

#endif
