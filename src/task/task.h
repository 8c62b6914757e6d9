/* A task: one partition's state and clock (SPEC 5). Records in, already in SPEC 5's order; changes out.
 *
 * It knows neither Kafka nor files, reads no clock and starts no thread: the daemon, replay, the demo, the
 * tests and the benchmarks drive the same code. Everything here is called by the one thread that owns the
 * task. */
#ifndef ROLLCALL_TASK_H
#define ROLLCALL_TASK_H

#include "config.h"
#include "decode.h"
#include "encode.h"

#include <rollcall/change.h>
#include <rollcall/reasons.h>

struct task;

/* Where the traceparent of a record is found. It is asked for only when something is published because of the
 * record: a look at the headers of each would cost more than decoding it. */
struct trace_source {
    struct trace_parent (*find)(const void *record); /* NULL: there is none */
    const void *record;
};

struct task_setup {
    const struct rules *rules;         /* borrowed, must outlive the task */
    const struct swipe_fields *fields; /* borrowed */
    uint32_t employees;                /* expected in this task; the table grows beyond */
    uint64_t hash_seed;                /* of the table: from the birth record, fixed in replay */
    uint32_t segments;       /* ranges of hash values, a power of two: the unit of changelog snapshots */
    civil_day complete_from; /* DAY_NONE: the day after the date of the first arrival (replay) */
    const char *source;      /* ce_source, borrowed */
    bool has_guard;          /* sudden waves of adverse changes are held back (`run`, `replay --guard`) */
    bool has_changelog;      /* changes are noted for task_write_changelog; without it, nothing is kept */
};

struct task *task_new(const struct task_setup *setup);
void task_free(struct task **task);

/* One input record. `arrival` is already made monotone within its partition (SPEC 5). */
struct task_input {
    enum topic topic;
    int32_t partition; /* replay: the file's place on the command line */
    int64_t offset;    /* replay: the line */
    arrival_time arrival;
    bool has_key; /* replay has none, and nothing to compare */
    const char *key;
    size_t key_len;
    const char *value; /* NULL: a null value */
    size_t value_len;
    struct trace_source trace;
    /* Set by a driver that already refused the record: the task moves its clock by `arrival`, counts, and is
     * done. */
    enum reason refused;
    const char *refused_detail;
};

/* How a record ended. */
struct task_verdict {
    enum reason reason;
    struct reject_detail detail; /* set if rejected */
};

/* Applies `count` records in order, filling a verdict for each. Closes that a record makes due are done
 * before it. Batches of 32 to 64 hide the cost of memory; the result does not depend on how records are cut
 * into batches. */
void task_apply(struct task *task, const struct task_input *inputs, size_t count,
                struct task_verdict *verdicts);

/* Moves the clock to `clock`, if that is later, and does the closes that are due (the confirmed wall clock;
 * --until). */
void task_advance(struct task *task, arrival_time clock);
/* Policies, sites or `time` are others than at the last transaction: F is evaluated for everybody at their c,
 * and what differs is published with cause `policy` (SPEC 6). Before the first input. */
void task_apply_new_rules(struct task *task);
/* The arrival clock; INT64_MIN ms before the first record. */
arrival_time task_clock(const struct task *task);
/* The instant at which the next close is due, INT64_MAX if nobody is known. */
arrival_time task_next_close(const struct task *task);
/* Number of closes (zone and day) done so far: progress is due when it has risen. */
uint64_t task_closes_done(const struct task *task);

/* State records and tombstones made since the outbox was last cleared; the driver may add its own records
 * (rejects, progress), and clears it when they are durable. */
struct outbox *task_outbox(struct task *task);

/* Records by how they ended; their sum is the number of records read. */
const uint64_t *task_counts(const struct task *task, enum topic topic); /* [REASON_COUNT] */
/* People by published status. [STATUS_COUNT] */
const uint64_t *task_statuses(const struct task *task);
uint32_t task_people(const struct task *task);
/* People whose verdict the guard holds back. */
uint32_t task_held(const struct task *task);
/* A wave that the guard held: so many people of a site, or of a home zone, in the close of a day. */
struct wave {
    struct short_text group;
    civil_day day;
    uint32_t people, of; /* of those in scope */
};
/* Those since the last task_forget_waves, for the operator; valid until then. */
const struct wave *task_waves(const struct task *task, size_t *count);
void task_forget_waves(struct task *task);
uint64_t task_memory_bytes(const struct task *task);

/* Appends the progress record of SPEC 6 for this task to its outbox. */
void task_write_progress(struct task *task, int32_t partition);

#endif
