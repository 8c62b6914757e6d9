/* The days on which a site is closed or its readers are not trusted (SPEC 2, calendar): what is asserted for
 * it, and the same as sets of days. Immutable but for what it remembers of its last answers: a change makes a
 * new one, so that the people of a site can be judged under the old and the new. Owner: the task's worker. */
#ifndef ROLLCALL_CLOSURES_H
#define ROLLCALL_CLOSURES_H

#include "days.h"

#include <rollcall/events.h>

#include <stddef.h>

struct closure {
    civil_day from, to; /* inclusive */
    uint8_t kind;       /* CALENDAR_CLOSED or CALENDAR_HOLD */
};

/* NULL stands for a site of which nothing is asserted. */
struct closures;

size_t closures_count(const struct closures *closures);
const struct closure *closures_list(const struct closures *closures);
bool closures_contain(const struct closures *closures, const struct closure *closure);
/* Copies with one more, which must not be in it, and with one less, which must be. The caller frees the old
 * one with free(). */
struct closures *closures_with(const struct closures *closures, const struct closure *closure);
struct closures *closures_without(const struct closures *closures, const struct closure *closure);
bool closures_hold(const struct closures *closures, civil_day day);
/* The days of the window that begins with `first`. */
void closures_days(struct closures *closures, civil_day first, day_bits *closed, day_bits *hold);

#endif
