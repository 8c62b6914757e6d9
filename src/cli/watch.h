/* How the main thread of a daemon spends its time: it waits for signals, and for the end of the threads that
 * do the work. `run` and `rekey`. Main thread. */
#ifndef ROLLCALL_WATCH_H
#define ROLLCALL_WATCH_H

#include "outcome.h"
#include "watchdog.h"

#include <rollcall/reasons.h>

#include <stdint.h>

struct watched {
    struct outcome *outcome;
    struct watchdog *watchdog;
    void *daemon;
    bool (*has_ended)(const void *daemon);
    void (*stop)(void *daemon); /* asks it to finish its batch and end */
    void (*look)(void *daemon); /* ten times a second; or NULL */
};

/* Tells systemd, if it wants to know, that the watchdog is satisfied. Returns when all threads have ended: by
 * themselves, by a signal, or because one failed. Does not return after a second signal, or if they do not
 * end in time. */
void watch_until_end(const struct watched *watched);

/* Says how many records ended in each way; the sums over the kinds. */
struct reason_sums {
    uint64_t applied, ignored, rejected, all;
};
struct reason_sums watch_tell_counts(const uint64_t reasons[REASON_COUNT]);

#endif
