/* The changelog of a task (SPEC 6, 7): how its state is written in blocks, and read back.
 *
 * Keys of a changelog partition:
 *   born    written once by `rollcall init`: the record without which no task starts
 *   task    in every transaction: clock, input positions, batch number, hash of the rules
 *   c<site> what the calendar says of a site, whole, whenever that changed
 *   d<n>    delta block n: the people changed in one transaction, packed, once each however often they
 *           changed
 *   s<k>    snapshot of segment k, a fixed range of hash values: everybody in it; s<i>/<n> of the i-th of n
 *           equal ranges, where a segment is too large for one block
 *
 * After each delta as many snapshots are written, in rotation, as it takes to keep up with the bytes of the
 * deltas; deltas older than the oldest snapshot get a null value, and compaction removes them. What is left
 * restores the state when it is applied in offset order. Blocks carry a magic, a format version, a count and
 * a checksum; names (policies, sites, zones, managers) stand in each block once, so that a block says all it
 * means. */
#ifndef ROLLCALL_CHANGELOG_H
#define ROLLCALL_CHANGELOG_H

#include "task.h"

/* 2: leave, decisions, cases, closures. Blocks of version 1 are read. */
#define CHANGELOG_VERSION 2

/* What `init` decides for good. */
struct birth {
    uint32_t partition, partitions;
    uint32_t segments; /* power of two */
    uint64_t hash_seed;
    civil_day complete_from;
    arrival_time created;
};

/* Where an input stands: the offset of the next record to be applied and the largest arrival before it. */
struct position {
    enum topic topic;
    int32_t partition;
    int64_t offset;
    arrival_time arrival; /* INT64_MIN: none yet */
};

/* Appends the birth record (output OUTPUT_CHANGELOG). */
void changelog_write_birth(struct outbox *box, const struct birth *birth);

/* Appends to the task's outbox what changed since the last call: delta, snapshots, nulls for old deltas, and
 * the task record with `positions`. What it wrote counts as written: after an aborted transaction the same
 * outbox is sent again. */
void changelog_write(struct task *task, const struct position *positions, size_t positions_count);

/* The next changelog_write says everything again: whatever is in the log before it (what was written and
 * never committed) means nothing any more. */
void changelog_write_whole(struct task *task);

/* Reading back: records of one changelog partition in offset order, then finish. */
struct restore;
enum restore_result {
    RESTORE_OK,
    RESTORE_REFUSED, /* damaged, foreign, of a newer version, or names what the configuration lacks: exit 78
                      */
};

struct restore *
restore_new(const struct task_setup *setup); /* seed, segments, complete_from come from the birth record */
void restore_free(struct restore **restore);
/* How much memory deltas may wait in for the snapshots behind them; without a word 16 MiB. */
void restore_limit_held(struct restore *restore, size_t bytes);
/* `value` NULL for a null value. On refusal `error` says what is wrong with the record; the caller adds its
 * place. */
enum restore_result restore_apply(struct restore *restore, const char *key, size_t key_len, const char *value,
                                  size_t value_len, char *error, size_t error_size);

struct restored {
    struct task *task; /* the caller's */
    struct birth birth;
    bool has_task_record;       /* false: born and never run */
    uint64_t batch;             /* number of the last transaction */
    struct position *positions; /* the caller's, free() */
    size_t positions_count;
    bool rules_changed; /* policies, sites or time differ from those of the last transaction */
    uint64_t records, bytes;
};

/* Refuses if there was no birth record, or a partition count or complete_from that contradicts `setup`'s. */
enum restore_result restore_finish(struct restore *restore, struct restored *out, char *error,
                                   size_t error_size);

#endif
