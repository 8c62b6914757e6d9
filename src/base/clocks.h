/* The machine's two clocks, read nowhere else: what waits asks the monotonic one; the wall clock is for
 * stamps and for the end of the log (SPEC 5). Any thread. Never in a task: there time is an argument. */
#ifndef ROLLCALL_CLOCKS_H
#define ROLLCALL_CLOCKS_H

#include <rollcall/times.h>

#include <time.h>

static inline int64_t clock_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int64_t monotonic_ms(void) {
    return clock_ms(CLOCK_MONOTONIC);
}

static inline wall_time wall_now(void) {
    return (wall_time){clock_ms(CLOCK_REALTIME)};
}

#endif
