/* Bytes -> struct or reason: the form of each input record (SPEC 2). Pure, iterative, no allocation; any
 * thread.
 *
 * Accepts exactly what a strict full JSON parser accepts (RFC 8259: UTF-8 without surrogates or overlong
 * forms, no unpaired \u surrogates, nothing after the value but white space), nested at most JSON_DEPTH_MAX,
 * no key twice at the top level (compared after escapes are undone), and then what SPEC 2 says of each field.
 */
#ifndef ROLLCALL_DECODE_H
#define ROLLCALL_DECODE_H

#include "config.h"

#include <rollcall/events.h>
#include <rollcall/reasons.h>

/* Why a record was refused, for a person: "occurred_at: no zone". Never a value of the record (it may be
 * personal). */
struct reject_detail {
    char text[DETAIL_BYTES_MAX];
};

/* Each returns REASON_applied if the form is right, else too_large, bad_json, missing_field or bad_field with
 * `detail` set. `value` needs no terminator. */
enum reason decode_swipe(const struct swipe_fields *fields, const char *value, size_t len, struct swipe *out,
                         struct reject_detail *detail);
enum reason decode_roster(const char *value, size_t len, struct roster_record *out,
                          struct reject_detail *detail);
enum reason decode_leave(const char *value, size_t len, struct leave_record *out,
                         struct reject_detail *detail);
enum reason decode_calendar(const char *value, size_t len, struct calendar_record *out,
                            struct reject_detail *detail);
enum reason decode_decision(const char *value, size_t len, struct decision_record *out,
                            struct reject_detail *detail);

/* What a line of replay carries beside the record (SPEC 2, 5). */
struct envelope {
    enum topic topic;
    bool is_tombstone; /* roster only: {"topic":"roster","employee_id":...,"tombstone":true} */
    bool has_arrived_at;
    arrival_time arrived_at;
    struct short_text employee; /* of a tombstone */
};
/* bad_json as above; missing_field / bad_field speak of topic, arrived_at, tombstone only. When the JSON is
 * sound but `topic` is not, `has_arrived_at` is still right: the clock moves whatever becomes of the record.
 */
enum reason decode_envelope(const char *line, size_t len, struct envelope *out, struct reject_detail *detail);

/* RFC 3339 with T or t, Z or z or an offset; false if the text is none, or the year as written is not
 * 1970..2199. `offset_s` is what was written; `-00:00` and Z are 0. */
bool rfc3339_parse(const char *text, size_t len, int64_t *unix_ms, int32_t *offset_s);

#endif
