/* A worker: one thread, a complete program over the partitions that Kafka gives it (docs/architecture.md).
 * Its own member of the group, its own producer, its own tables; nothing is handed from thread to thread on
 * the way of a swipe. */
#ifndef ROLLCALL_WORKER_H
#define ROLLCALL_WORKER_H

#include "beat.h"
#include "handles.h"
#include "outcome.h"

#include <rollcall/change.h>
#include <rollcall/reasons.h>

struct worker_setup {
    struct handle_setup handles;
    struct outcome *outcome;      /* shared by all workers of the daemon; borrowed */
    const char *instance;         /* base of group.instance.id and transactional.id; borrowed */
    bool is_static;               /* a static member of the group; the embedded broker knows none */
    uint32_t number;              /* of this worker, from 0 */
    int core;                     /* to run on; -1: any */
    uint32_t partitions;          /* of each employee topic and the changelog */
    uint32_t calendar_partitions; /* 0: no calendar */
    uint32_t state_partitions;
    bool reports_the_end; /* asks for the ends after each batch, so that `caught_up` is soon right */
};

/* What others may know of a worker; as of its last commit. */
struct worker_progress {
    uint64_t records; /* applied, ignored or rejected */
    uint64_t reasons[REASON_COUNT];
    uint64_t statuses[STATUS_COUNT];
    uint64_t people, state_records, behind_clock, memory_bytes;
    uint32_t running, restoring; /* partitions */
    bool caught_up;              /* all that was in the log when it was last asked is applied and committed */
    bool has_assignment;
};

struct worker;

/* Any thread. The worker runs until worker_stop_shared or a failure. */
struct worker *worker_start(const struct worker_setup *setup);
/* Asks it to finish its batch, commit and leave. Any thread. */
void worker_stop_shared(struct worker *worker);
/* The thread that started it: waits for its end and frees it. `totals` gets what it did in its life. */
void worker_finish(struct worker **worker, struct worker_progress *totals);
/* For the watchdog. */
const struct beat *worker_beat_shared(const struct worker *worker);
bool worker_has_ended_shared(const struct worker *worker);
void worker_progress_shared(const struct worker *worker, struct worker_progress *out);

#endif
