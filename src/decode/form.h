/* The form of a record's fields (SPEC 2): from the slices of json.h to the types of events.h.
 *
 * A form is opened over a value, then its fields are taken one by one. Each take returns false at a fault;
 * form->reason and the detail are then those of this fault, and the decoder returns. With several faults each
 * reason is right. */
#ifndef ROLLCALL_FORM_H
#define ROLLCALL_FORM_H

#include "decode.h"
#include "json.h"

#define FORM_FIELDS_MAX 16

enum need { FORM_OPTIONAL, FORM_REQUIRED };

struct form {
    const json_name *names;
    struct json_value values[FORM_FIELDS_MAX]; /* as names */
    enum reason reason;                        /* REASON_applied while nothing is wrong */
    struct reject_detail *detail;
};

/* too_large or bad_json if it is false. */
bool form_open(struct form *form, const json_name *names, unsigned count, const char *value, size_t len,
               struct reject_detail *detail);

/* Notes a fault of a field; false, for the caller to return. */
bool form_fail(struct form *form, enum reason reason, unsigned field, const char *what);

/* `out` must be zero, or the value that stands for an absent field: it is left so if an optional field is
 * absent. At a fault it may hold anything. */
bool form_take_id(struct form *form, unsigned field, enum need need, struct short_text *out);
bool form_take_employee(struct form *form, unsigned field, struct short_text *out); /* required */
bool form_take_day(struct form *form, unsigned field, enum need need, civil_day *out);
bool form_take_days(struct form *form, unsigned from_field, unsigned to_field, civil_day *from,
                    civil_day *to); /* both required, in this order */
bool form_take_instant(struct form *form, unsigned field, enum need need, int64_t *unix_ms);
/* occurred_at: text, or an integer of Unix milliseconds; required. */
bool form_take_occurred(struct form *form, unsigned field, struct swipe *out);
/* One of `words`, which end with NULL: its place. */
bool form_take_word(struct form *form, unsigned field, enum need need, const char *const *words,
                    unsigned *out);

/* Whether a value is a string of exactly this text. */
bool form_is_text(const struct json_value *value, const char *text);

#endif
