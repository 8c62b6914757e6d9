/* A lane: one task with what feeds it and where it stands. A worker has one for each partition the group gave
 * it. Owned by the worker; everything here is its thread's. */
#ifndef ROLLCALL_LANE_H
#define ROLLCALL_LANE_H

#include "changelog.h"
#include "merge.h"
#include "task.h"

#include <librdkafka/rdkafka.h>

enum lane_state {
    LANE_RESTORING, /* its changelog partition is being read from the beginning */
    LANE_CHECKING,  /* kept over a rebalance: is there anything in the changelog that is not ours? */
    LANE_RUNNING,
    LANE_PARKED, /* revoked; kept in case it comes back */
};

/* A log that ends, for us, below its end: a transaction there is undecided. */
struct undecided {
    int64_t since_ms; /* monotonic; 0: it is not */
    int64_t told_ms;  /* monotonic, when the log was told last; 0: not yet */
    int64_t offset;   /* from which on */
};

struct lane_input {
    rd_kafka_queue_t *queue; /* what the group's consumer fetched; NULL: the calendar, or not assigned */
    int64_t committed;       /* the group's offset; RD_KAFKA_OFFSET_INVALID: none */
    int64_t start;           /* where fetching starts */
    int64_t eof_at;          /* the last end that a fetch found: that of what is decided; negative: none */
    struct undecided undecided;
    /* There is more, and no fetch brings it: since when (monotonic; 0: not so), from which offset on, and how
     * many askings said so. */
    struct {
        int64_t since_ms, offset;
        unsigned asks;
    } unfetched;
    int64_t shrunk_since_ms; /* since when the broker says that the log ends before what was read; 0: it does
                                not */
};

struct lane {
    int32_t partition;
    enum lane_state state;
    struct restore *restore; /* while restoring */
    struct task *task;       /* from then on */
    struct merge *merge;     /* while running; its input i is inputs[i] */
    struct birth birth;
    size_t inputs_count;
    struct lane_input *inputs;
    int64_t *ends; /* [inputs_count] as last answered */
    /* The first inputs_count are those of `inputs`; behind them what the changelog knows of topics that are
     * not read now. */
    struct position *positions;
    size_t positions_count;
    wall_time asked_at; /* when the ends in `merge` were asked; INT64_MIN: never */
    /* What is not durable yet. A sealed lane has its changelog records in the outbox: it is sent, and sent
     * again after an abort, before anything else is applied. */
    bool is_dirty, is_sealed;
    uint64_t closes_told; /* closes done when the last progress record was written */
    int64_t progress_ms;  /* monotonic, when that was */
    /* Offset behind our last changelog record; what is found from there on is somebody else's. */
    int64_t changelog_next, changelog_sent;
    /* Where the changelog ended at the group's commit, if that says so (at_least_once); negative: it does
     * not, all of it counts. What lies behind was written and never committed: `has_tail`. */
    int64_t changelog_committed;
    bool has_tail;
    bool is_flushed;    /* sealed, and all of it is in the logs: only the commit is missing */
    bool is_stale;      /* found such while checking */
    bool is_leaderless; /* the broker does not say where some input ends, though it says it of others */
    struct undecided undecided; /* its changelog */
    int64_t restore_began_ms;
    uint64_t restore_read;
};

struct lane *lane_new(int32_t partition, size_t inputs_count);
/* Messages of the group's consumer die here with it. */
void lane_free(struct lane **lane);
/* Drops messages and queues, not the task: the partition is not ours, for now. */
void lane_park(struct lane *lane);

/* The message of a record that an input gave, and its end. */
const rd_kafka_message_t *lane_message(const struct lane *lane, size_t input,
                                       const struct merge_record *record);
void lane_release_message(const struct lane *lane, size_t input, void *message);

#endif
