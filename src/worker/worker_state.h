/* What the files of a worker share. Only worker.c and daemon.c look at it from another thread, and only at
 * the atomics.
 *
 *   worker.c       the thread: set-up, loop, tear-down
 *   assign.c       what the group gives and takes
 *   restorer.c     changelog partitions -> tasks, beside the loop
 *   intake.c       queues -> merge -> task -> outbox
 *   ends.c         asks the broker where logs end; the wall clock
 *   transaction.c  outbox -> broker, with the offsets; producer.c  the calls that this takes
 *   calendar_feed.c  the input that every worker reads whole
 *   again.h        how soon what failed is done again
 *   kafka_error.c  what an error means; handles.c  how librdkafka is configured */
#ifndef ROLLCALL_WORKER_STATE_H
#define ROLLCALL_WORKER_STATE_H

#include "again.h"
#include "beat.h"
#include "clocks.h"
#include "lane.h"
#include "producer.h"
#include "worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define BATCH_OUTBOX_BYTES   (4u << 20) /* a transaction is sealed early when so much waits */
#define BATCH_RECORDS        1000000    /* ... or so many records were applied */
#define PULL_RECORDS         1024       /* taken from a queue at once */
#define APPLY_RECORDS        64         /* given to a task at once */
#define HELD_RECORDS         8192 /* an input with so many in the merge is not pulled from: backpressure */
#define ASK_INTERVAL_MS      10   /* the broker is asked for the ends no more often */
#define ASK_TIMEOUT_MS       1000
#define PROGRESS_INTERVAL_MS 60000
#define GROUP_TIMEOUT_MS     60000 /* committed offsets and ends at an assignment */

struct calendar_feed;

struct worker_counters {
    _Atomic uint64_t records, reasons[REASON_COUNT], statuses[STATUS_COUNT];
    _Atomic uint64_t people, state_records, behind_clock, memory_bytes;
    _Atomic uint32_t running, restoring;
};

struct worker {
    struct worker_setup setup;
    const struct config *config;
    pthread_t thread;
    char name[80];    /* of instance and thread: "host-0" */
    char source[128]; /* ce_source */

    atomic_bool stop, has_ended, caught_up, has_assignment;
    struct beat beat;
    struct worker_counters counters;

    struct handle_callbacks group_callbacks;
    struct producer producer;
    rd_kafka_t *group, *reader, *clock;
    rd_kafka_topic_t *changelog; /* of the reader */
    rd_kafka_queue_t *group_queue, *restore_queue;
    int wake; /* eventfd: a queue has something, or the worker shall stop */
    struct calendar_feed *calendar;

    struct lane **lanes;
    size_t lanes_count;
    bool is_assigned;
    size_t topics_count; /* employee topics that are read */
    enum topic topics[TOPIC_COUNT];

    rd_kafka_message_t *messages[PULL_RECORDS];
    struct merge_record pulled[PULL_RECORDS];
    struct task_input inputs[APPLY_RECORDS];
    struct task_verdict verdicts[APPLY_RECORDS];

    int64_t asked_ms;     /* monotonic: when the ends were asked */
    int64_t ask_pause_ms; /* from then on, until they are asked again */
    bool pulled_since_ask;
    int64_t committed_ms; /* monotonic: when the last transaction ended, or began to be due */
    uint64_t applied_since_commit;
    unsigned aborts_in_a_row;
    bool away_is_cluster;  /* ... because no broker could be reached */
    int64_t away_since_ms; /* monotonic: inputs cannot be read (authorization, no topic); 0: they can */

    /* What happened to the handles is mended by new ones, and by reading the changelog again: as after a
     * restart of the process, without one. */
    bool starts_over;
    struct starts starts;

    uint64_t totals[TOPIC_COUNT][REASON_COUNT]; /* of lanes that are gone */
    uint64_t behind_total, state_records;
    uint64_t records_read;  /* handed to tasks */
    uint64_t dropped_below; /* delivered though already read */
};

/* Nothing more may be applied or sent: the daemon has failed, or this worker starts over. */
static inline bool worker_has_failed(struct worker *w) {
    return w->starts_over || outcome_code(w->setup.outcome) != 0;
}

/* worker.c */
const char *worker_group_id(const struct worker *w);
struct lane *worker_find_lane(struct worker *w, int32_t partition);
/* What a task and a merge have counted outlives them: the totals of the worker take it over. */
void worker_free_task(struct worker *w, struct lane *lane);
void worker_park_lane(struct worker *w, struct lane *lane);
void worker_drop_lane(struct worker *w, size_t index);
void worker_publish_counters(struct worker *w);
void worker_start_over(struct worker *w, const char *why);
/* Makes `queue` wake the worker when it gets something. */
void worker_wakes_by(struct worker *w, rd_kafka_queue_t *queue);

/* assign.c: the rebalance callback */
void assign_rebalanced(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *partitions,
                       void *opaque);
/* The group's committed offsets, stable ones; waits for them, a minute at most. False: the outcome is set. */
bool assign_ask_committed(struct worker *w, rd_kafka_topic_partition_list_t *list);
/* restorer.c */
void restorer_begin(struct worker *w, struct lane *lane);
void restorer_stop(struct worker *w, struct lane *lane);
bool restorer_step(struct worker *w); /* true if something was read */
/* intake.c: true if a record moved */
bool intake_step(struct worker *w, struct lane *lane);
/* The stamp of a record, and whether it is refused for it (SPEC 5): fills arrival and is_refused. `latest_ms`
 * is the latest that is believed. False: the record must not be applied at all, the outcome is set. */
bool intake_stamp(struct worker *w, const char *topic, const rd_kafka_message_t *message, int64_t latest_ms,
                  struct merge_record *out);
/* An input cannot be read, for now: told once, and then every minute. */
void intake_is_away(struct worker *w, const char *topic, int32_t partition, const char *detail);
/* What the consumer was given in place of a record. */
void intake_error(struct worker *w, const char *topic, int32_t partition, const rd_kafka_message_t *message);
/* ends.c */
void ends_step(struct worker *w);
/* Low or high ends of logs, as the broker says now: fills offsets. False if it did not answer within
 * `timeout_ms`; it may also answer for some partitions only. `error` is set whenever something is missing.
 * `which` is RD_KAFKA_OFFSET_BEGINNING or _END. */
bool ends_query(struct worker *w, rd_kafka_topic_partition_list_t *list, int64_t which, int timeout_ms,
                char *error, size_t error_size);
bool ends_known(const rd_kafka_topic_partition_t *answer);
/* Something is undecided from `offset` on: true if that is to be told now, after so long and then each
 * minute. */
bool ends_tell_undecided(struct undecided *undecided, int64_t offset, int64_t patience_ms);
/* transaction.c */
bool transaction_is_due(const struct worker *w, int64_t now_ms);
/* Makes durable what is not. False: it is not, and will be sent again (or the outcome is set). */
bool transaction_commit(struct worker *w);

#endif
