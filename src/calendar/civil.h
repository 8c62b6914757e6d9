/* Civil dates: arithmetic on the proleptic Gregorian calendar. Pure; any thread. */
#ifndef ROLLCALL_CIVIL_H
#define ROLLCALL_CIVIL_H

#include <rollcall/times.h>

#include <stddef.h>

/* False if there is no such date. `year` 1..9999. */
bool civil_from_ymd(int year, int month, int day, civil_day *out);
/* Of any civil_day; DAY_NONE and DAY_MAX are dates of years that nobody writes. */
void civil_to_ymd(civil_day d, int *year, int *month, int *day);

/* What is printed lies in the years 1 to 9999: anything earlier or later shows as their first or last date or
 * millisecond. (What the inputs allow is far inside; a foreign broker's timestamp may not be.) */
#define CIVIL_TEXT_BYTES 11 /* "2023-05-14" and a NUL */
void civil_print(civil_day d, char out[CIVIL_TEXT_BYTES]);

/* Exactly YYYY-MM-DD, years 1970 to 2199 (SPEC 2); false otherwise. */
bool civil_parse(const char *text, size_t len, civil_day *out);

/* "2023-03-01T09:00:00.000Z" and a NUL. */
#define INSTANT_TEXT_BYTES 25
void instant_print(int64_t unix_ms, char out[INSTANT_TEXT_BYTES]);

#endif
