/* The civil-day engine: which date an instant has in an IANA zone, and when a date is over (SPEC 3, 5).
 *
 * All zones of the installed tz database are read once (TZif files, their POSIX footer expanded to the year
 * 2201) into immutable tables; afterwards there is no I/O, no libc time call and no lock. Any thread may
 * read.
 *
 * "The day of an instant" is the date that the local clock shows, `day_starts_at` earlier on that clock: the
 * local time is taken first, then day_starts_at is subtracted from it as from a number on a clock face.
 *
 * Every function takes any instant and any date. The tables cover 1968 to 2201; an instant outside counts as
 * the nearest one inside, and dates outside end at the offsets of those ends. */
#ifndef ROLLCALL_ZONE_H
#define ROLLCALL_ZONE_H

#include <rollcall/policy.h>
#include <rollcall/times.h>

#include <stddef.h>

struct zones; /* all zones of the installation */

/* Reads every zone below `directory` (NULL: $TZDIR, else /usr/share/zoneinfo). NULL on failure (a directory
 * without zones, or a zone's file that is damaged), with a message in `error`. The caller frees with
 * zones_free, which nulls the pointer. */
struct zones *zones_load(const char *directory, int32_t day_starts_at_ms, char *error, size_t error_size);
void zones_free(struct zones **zones);

/* ZONE_NONE if there is no zone of that name (names are case-sensitive; "UTC" always exists). Zones are
 * numbered in the order of their names: a number is good for this `zones` only, never for storage. */
uint16_t zones_find(const struct zones *zones, const char *name, size_t len);
const char *zones_name(const struct zones *zones, uint16_t zone);
uint32_t zones_count(const struct zones *zones);
/* The version of the tz database, "2025b", or "unknown". */
const char *zones_version(const struct zones *zones);

/* The day of an instant in a zone. */
civil_day zone_day_of(const struct zones *zones, uint16_t zone, int64_t unix_ms);
/* The day of an instant at a fixed offset (SPEC 3: the offset written in occurred_at). */
civil_day zone_day_at_offset(const struct zones *zones, int32_t offset_s, int64_t unix_ms);
/* Unix ms of the first instant from which on the day in the zone is later than `d` (SPEC 5, the close of d):
 * behind the last instant whose day is d or earlier, also where a clock set back shows d twice. */
int64_t zone_day_over_ms(const struct zones *zones, uint16_t zone, civil_day d);
/* The calendar of the zone does not have some date; does not have the date d (Apia, 2011-12-30).
 * day_starts_at plays no part. */
bool zone_ever_skips(const struct zones *zones, uint16_t zone);
bool zone_skips_day(const struct zones *zones, uint16_t zone, civil_day d);
/* Seconds east of UTC. */
int32_t zone_offset_s(const struct zones *zones, uint16_t zone, int64_t unix_ms);

#endif
