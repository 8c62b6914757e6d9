/* Bytes -> struct or reason: the form of each input record (SPEC 2). Pure but for the hint that the caller of
 * decode_swipe may lend, iterative, no allocation; any thread.
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

/* What the last swipes looked like. Most swipes are written by the same few programs, and differ from others
 * only within their values: they are then read by comparing them, character by character, with what such a
 * swipe may have at each place (swipe.c). The hint changes the time that decode_swipe takes, never its
 * answer. Set to zero by the caller, used by one thread at a time, always with the same fields. */
#define SWIPE_SHAPES       8
#define SWIPE_LENGTHS      64
#define SWIPE_SHAPE_BYTES  512
#define SWIPE_SHAPE_VALUES 24
struct swipe_hint {
    uint8_t by_len[SWIPE_LENGTHS]; /* the shape to try first, by length modulo SWIPE_LENGTHS */
    uint32_t oldest;               /* the shape to learn next */
    uint32_t partial;              /* swipes that matched but for some values, since a shape was learned */
    uint32_t misses;               /* swipes in a row that matched none */
    uint32_t pause;                /* swipes for which the hint is not asked */
    struct swipe_shape {
        uint32_t len; /* of the swipe it was learned from; 0: none */
        uint32_t values;
        struct swipe_value {
            uint32_t len; /* the rest of its json_value */
            uint8_t kind;
            uint8_t field;
            uint16_t begin, end, at; /* its place, quotes included, and without */
        } value[SWIPE_SHAPE_VALUES];
        uint8_t low[SWIPE_SHAPE_BYTES],
            high[SWIPE_SHAPE_BYTES]; /* least and greatest character at each place */
    } shape[SWIPE_SHAPES];
};

/* occurred_at of a swipe in which that field is not of its form. */
#define EVENT_TIME_NONE ((event_time){INT64_MIN})

/* Each returns REASON_applied if the form is right, else too_large, bad_json, missing_field or bad_field with
 * `detail` set. `value` needs no terminator.
 *
 * decode_swipe: `hint` may be NULL. With missing_field and bad_field out->occurred_at is right all the same,
 * or EVENT_TIME_NONE: a line of replay arrives then whatever becomes of it (SPEC 5). */
enum reason decode_swipe(const struct swipe_fields *fields, struct swipe_hint *hint, const char *value,
                         size_t len, struct swipe *out, struct reject_detail *detail);
/* Only who it is of: the rest of a swipe may be anything, as long as it is sound JSON (rekey). */
enum reason decode_employee(const struct swipe_fields *fields, const char *value, size_t len,
                            struct short_text *out, struct reject_detail *detail);
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
/* bad_json as above; missing_field / bad_field speak of topic, arrived_at, tombstone and, of a tombstone,
 * employee_id. When the JSON is sound but `topic` is not, `has_arrived_at` is still right: the clock moves
 * whatever becomes of the record. A bad `arrived_at` is told before all else: such a line moves no clock, not
 * even by its occurred_at. */
enum reason decode_envelope(const char *line, size_t len, struct envelope *out, struct reject_detail *detail);

/* RFC 3339 with T or t, Z or z or an offset; false if the text is none, or the year as written is not
 * 1970..2199. `offset_s` is what was written; `-00:00` and Z are 0. */
bool rfc3339_parse(const char *text, size_t len, int64_t *unix_ms, int32_t *offset_s);

#endif
