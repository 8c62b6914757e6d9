/* State, tombstone and progress records as bytes: the JSON of SPEC 6, its id and its CloudEvents headers. */
#ifndef ROLLCALL_ENCODE_H
#define ROLLCALL_ENCODE_H

#include "outbox.h"

#include <rollcall/change.h>

#define STATE_ID_BYTES 33 /* 32 hex digits and a NUL */

/* The id of a state record (SPEC 6): a function of the employee, the place where the person became known, and
 * seq. */
void encode_state_id(const struct short_text *employee, const struct record_place *place, uint32_t seq,
                     char out[STATE_ID_BYTES]);

/* W3C trace context of the input that caused the change, passed on. Not set: len 0. */
struct trace_parent {
    const char *text;
    size_t len;
};

/* Appends to `box` the state record with its headers. `source` is ce_source, static. */
void encode_state(struct outbox *box, const struct change *change, const char *source,
                  struct trace_parent trace);
/* Appends the tombstone of a person who is forgotten: a null value. `place` is where the person became known.
 */
void encode_tombstone(struct outbox *box, const struct short_text *employee, const struct record_place *place,
                      arrival_time as_of, const char *source, struct trace_parent trace);

/* Appends the progress record of a partition (SPEC 6): how far each home zone is closed, how many people are
 * held. */
struct zone_closed {
    const char *zone;
    civil_day closed;
};
void encode_progress(struct outbox *box, int32_t partition, arrival_time clock,
                     const struct zone_closed *zones, size_t zones_count, uint64_t held);

/* Writes `text` with JSON escapes and quotes; returns the bytes written, at most 6 * len + 2. */
size_t encode_json_string(char *out, const char *text, size_t len);

#endif
