/* The kinds of time, each a type of its own: mixing them does not compile.
 *
 * Units are in the field names. Instants are Unix milliseconds (UTC, no leap seconds); what the inputs allow
 * lies in 1970..2199 as written, so every sum here fits 64 bits with room to spare. */
#ifndef ROLLCALL_TIMES_H
#define ROLLCALL_TIMES_H

#include <stdbool.h>
#include <stdint.h>

/* When something happened, as its sender wrote it (occurred_at). Never trusted as a clock. */
typedef struct {
    int64_t ms;
} event_time;

/* When a record reached the log: its Kafka timestamp, never falling within a partition (SPEC 5). The task's
 * clock. */
typedef struct {
    int64_t ms;
} arrival_time;

/* What this machine's clock shows. Enters in one place: the confirmed end of all inputs (SPEC 5). */
typedef struct {
    int64_t ms;
} wall_time;

/* A civil date: days since 1970-01-01, proleptic Gregorian. Never 86,400 seconds. */
typedef struct {
    int32_t n;
} civil_day;

#define DAY_NONE ((civil_day){INT32_MIN}) /* an absent date */
#define DAY_MAX  ((civil_day){INT32_MAX}) /* later than every date */

static inline bool day_is_none(civil_day d) {
    return d.n == INT32_MIN;
}
static inline civil_day day_plus(civil_day d, int32_t days) {
    return (civil_day){d.n + days};
}

/* Monday is 0. 1970-01-01 was a Thursday. */
static inline unsigned day_weekday(civil_day d) {
    int32_t m = (d.n + 3) % 7;
    return (unsigned)(m < 0 ? m + 7 : m);
}

#endif
