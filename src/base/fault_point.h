/* Where a test may make the process die, or a thread hang: test builds only (ROLLCALL_FAULT_POINTS),
 * elsewhere a point is nothing. Any thread.
 *
 * ROLLCALL_FAULT="point:action:nth[:ms],..." in the environment says what happens at the nth pass of a point,
 * counted over all threads: kill (SIGKILL), abort (SIGABRT), term (SIGTERM to the process), stop (the thread
 * sleeps there for ms). Each acts once. */
#ifndef ROLLCALL_FAULT_POINT_H
#define ROLLCALL_FAULT_POINT_H

#include <stdbool.h>
#include <stddef.h>

/* The points, all of them: FAULT_POINT_ROW(name). */
#define FAULT_POINT_ROWS                                                                                     \
    FAULT_POINT_ROW(after_poll)     /* records were pulled, none is applied */                               \
    FAULT_POINT_ROW(before_produce) /* of each record of a transaction */                                    \
    FAULT_POINT_ROW(after_produce)                                                                           \
    FAULT_POINT_ROW(before_send_offsets)                                                                     \
    FAULT_POINT_ROW(after_send_offsets)                                                                      \
    FAULT_POINT_ROW(before_commit) /* of a transaction, or of offsets where there are none */                \
    FAULT_POINT_ROW(after_commit)                                                                            \
    FAULT_POINT_ROW(in_revoke)  /* after the commit in a revocation, before the partitions are given back */ \
    FAULT_POINT_ROW(in_restore) /* of each block of the changelog, before it is applied */                   \
    FAULT_POINT_ROW(in_close)   /* of each close: everybody is judged, nobody is published */

#ifdef ROLLCALL_FAULT_POINTS

enum fault_point {
#define FAULT_POINT_ROW(name) FAULT_POINT_##name,
    FAULT_POINT_ROWS
#undef FAULT_POINT_ROW
        FAULT_POINT_COUNT
};

#define FAULT_POINT(name) fault_point_pass(FAULT_POINT_##name)
#define FAULT_POINTS_NOTE ", fault points"

void fault_point_pass(enum fault_point point);
/* Before there are threads. `spec` as above, or NULL. False if it makes no sense: `error` says why. */
bool fault_points_arm(const char *spec, char *error, size_t error_size);

#else

#define FAULT_POINT(name) ((void)0)
#define FAULT_POINTS_NOTE ""

#endif
#endif
