/* The rule by which a zone goes on after its last listed transition: the POSIX TZ string in the footer of a
 * TZif file (RFC 9636, 3.3), as IST-1GMT0,M10.5.0,M3.5.0/1 or <-02>2<-01>,M3.5.0/-1,M10.5.0/0. Pure; any
 * thread.
 *
 * "dst" is POSIX's word for the second of the two offsets; it may be the smaller one (Ireland's winter). */
#ifndef ROLLCALL_POSIX_TZ_H
#define ROLLCALL_POSIX_TZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum posix_date_form {
    POSIX_MONTH_WEEK,   /* Mm.w.d: the w-th (5: last) weekday d, 0 is Sunday, of month m */
    POSIX_NO_LEAP_DAYS, /* Jn: day 1..365, 29 February is never counted */
    POSIX_DAY_OF_YEAR,  /* n: day 0..365 */
};

struct posix_date {
    enum posix_date_form form;
    int month, week, day;
    int32_t time_s; /* on the local clock, from 00:00 of that day; -167 to +167 hours */
};

struct posix_tz {
    int32_t std_offset_s, dst_offset_s; /* seconds east of UTC */
    bool has_dst;                       /* false: only std_offset_s is set */
    struct posix_date start, end;       /* of dst: start on the clock of std, end on that of dst */
};

/* False if the text is no such string. A dst without dates is refused too: what it means is left to each
 * implementation, so no file may depend on it. */
bool posix_tz_parse(const char *text, size_t len, struct posix_tz *out);

/* Unix seconds at which dst starts and ends by the dates of `year` (1..9999). The end may lie before the
 * start (southern summers), or at or after the next year's start (dst all the year). */
int64_t posix_tz_start_s(const struct posix_tz *tz, int year);
int64_t posix_tz_end_s(const struct posix_tz *tz, int year);

#endif
