/* `rollcall rekey` (SPEC 7): a topic that is not keyed by employee is read by a group of its own, and written
 * again keyed, exactly once. Threads as many as there are workers, each a member of the group with a producer
 * of its own; several processes share the partitions. One thread calls everything but what ends in _shared.
 */
#ifndef ROLLCALL_REKEY_H
#define ROLLCALL_REKEY_H

#include "handles.h"
#include "outcome.h"
#include "watchdog.h"

#include <rollcall/reasons.h>

struct rekey_setup {
    const struct config *config; /* all borrowed */
    const char *from, *to;
    struct watchdog *watchdog;
    bool stops_at_end; /* of what was there at the start */
};

/* The source as it was at the start. */
struct rekey_source {
    uint32_t partitions;
    int64_t *lows, *ends; /* [partitions], open transactions included; the caller's, free() */
};

/* Looks at the topics before anything is read, and asks for the ends. False: the outcome says why not, or
 * `is_interrupted` said so. */
bool rekey_check(const struct rekey_setup *setup, bool (*is_interrupted)(void), struct outcome *outcome,
                 struct rekey_source *source);

struct rekey;

/* `setup`, `source` and `outcome` outlive it. */
struct rekey *rekey_start(const struct rekey_setup *setup, const struct rekey_source *source,
                          struct outcome *outcome);
/* Asks all threads to commit what they have taken and to leave. */
void rekey_stop_shared(struct rekey *rekey);
bool rekey_has_ended(const struct rekey *rekey);

/* What was committed; applied: written to the target. */
struct rekey_totals {
    uint64_t reasons[REASON_COUNT];
};
/* Waits for the threads and frees it. */
void rekey_finish(struct rekey **rekey, struct rekey_totals *totals);

#endif
