/* Values of options. Main thread. */
#ifndef ROLLCALL_ARGUMENTS_H
#define ROLLCALL_ARGUMENTS_H

#include <rollcall/times.h>

#include <stddef.h>

/* Decimal digits only; false, with a message that names `option`, if it is no number of `low` to `high`. */
bool argument_number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *out);
/* YYYY-MM-DD. */
bool argument_date(const char *option, const char *text, civil_day *out);

#endif
