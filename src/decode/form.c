/* See form.h. Pure; any thread. */
#include "form.h"

#include "civil.h"

#include <stdio.h>
#include <string.h>

#define INTEGER_DIGITS_MAX 15                                  /* more are out of every range */
#define OCCURRED_MS_MAX    ((int64_t)84006 * 86400 * 1000 - 1) /* the end of 2199, UTC */
#define NO_INSTANT         "not an RFC 3339 time with a zone, years 1970 to 2199"
#define NO_INTEGER_INSTANT                                                                                   \
    "neither an RFC 3339 time with a zone nor an integer of Unix milliseconds, years 1970 to 2199"

bool form_open(struct form *form, const json_name *names, unsigned count, const char *value, size_t len,
               struct reject_detail *detail) {
    form->names = names;
    form->reason = REASON_applied;
    form->detail = detail;
    if (len > VALUE_BYTES_MAX) {
        form->reason = REASON_too_large;
        snprintf(detail->text, sizeof detail->text, "%zu bytes, at most %d are allowed", len,
                 VALUE_BYTES_MAX);
        return false;
    }
    struct json_scan scan;
    json_open(&scan, len > 0 ? value : "", len);
    if (json_read_object(&scan, names, count, form->values))
        return true;
    form->reason = REASON_bad_json;
    snprintf(detail->text, sizeof detail->text, "byte %td: %s", scan.error_at - scan.begin, scan.error);
    return false;
}

bool form_fail(struct form *form, enum reason reason, unsigned field, const char *what) {
    form->reason = reason;
    snprintf(form->detail->text, sizeof form->detail->text, "%s: %s", form->names[field], what);
    return false;
}

static bool bad_field(struct form *form, unsigned field, const char *what) {
    return form_fail(form, REASON_bad_field, field, what);
}

static bool absent(struct form *form, unsigned field, enum need need) {
    return need == FORM_OPTIONAL || form_fail(form, REASON_missing_field, field, "absent or null");
}

bool form_is_text(const struct json_value *value, const char *text) {
    char copy[ID_BYTES_MAX];
    size_t len = strlen(text);
    return value->kind == JSON_STRING && json_text(value, copy, sizeof copy) == len &&
           memcmp(copy, text, len) == 0;
}

bool form_take_id(struct form *form, unsigned field, enum need need, struct short_text *out) {
    const struct json_value *value = &form->values[field];
    if (value->kind == JSON_ABSENT)
        return absent(form, field, need);
    if (value->kind != JSON_STRING)
        return bad_field(form, field, "not a string");
    size_t len = json_text(value, out->bytes, sizeof out->bytes);
    if (len == 0 || len > sizeof out->bytes)
        return bad_field(form, field, "not of 1 to 64 bytes");
    out->len = (uint8_t)len;
    return true;
}

/* An integer stands for its decimal text; 0 has no sign. */
bool form_take_employee(struct form *form, unsigned field, struct short_text *out) {
    const struct json_value *value = &form->values[field];
    if (value->kind != JSON_INTEGER)
        return value->kind == JSON_STRING || value->kind == JSON_ABSENT
                   ? form_take_id(form, field, FORM_REQUIRED, out)
                   : bad_field(form, field, "neither a string nor an integer");
    if (value->len > sizeof out->bytes)
        return bad_field(form, field, "more than 64 digits");
    bool is_minus_zero = value->len == 2 && memcmp(value->at, "-0", 2) == 0;
    out->len = (uint8_t)(value->len - is_minus_zero);
    memcpy(out->bytes, value->at + is_minus_zero, out->len);
    return true;
}

bool form_take_day(struct form *form, unsigned field, enum need need, civil_day *out) {
    const struct json_value *value = &form->values[field];
    if (value->kind == JSON_ABSENT)
        return absent(form, field, need);
    char text[CIVIL_TEXT_BYTES];
    if (value->kind != JSON_STRING || json_text(value, text, sizeof text) != sizeof text - 1 ||
        !civil_parse(text, sizeof text - 1, out))
        return bad_field(form, field, "not a date YYYY-MM-DD, years 1970 to 2199");
    return true;
}

bool form_take_days(struct form *form, unsigned from_field, unsigned to_field, civil_day *from,
                    civil_day *to) {
    if (!form_take_day(form, from_field, FORM_REQUIRED, from) ||
        !form_take_day(form, to_field, FORM_REQUIRED, to))
        return false;
    return to->n >= from->n || bad_field(form, to_field, "before the first day");
}

/* Not on the way of any sane sender, hence the copy on the stack: a time may have any number of digits. */
__attribute__((noinline)) static bool parse_escaped_instant(const struct json_value *value, int64_t *unix_ms,
                                                            int32_t *offset_s) {
    char text[VALUE_BYTES_MAX];
    return rfc3339_parse(text, json_unescape(value, text, sizeof text), unix_ms, offset_s);
}

static inline bool parse_instant(const struct json_value *value, int64_t *unix_ms, int32_t *offset_s) {
    return value->has_escapes ? parse_escaped_instant(value, unix_ms, offset_s)
                              : rfc3339_parse(value->at, value->len, unix_ms, offset_s);
}

bool form_take_instant(struct form *form, unsigned field, enum need need, int64_t *unix_ms) {
    const struct json_value *value = &form->values[field];
    int32_t offset_s;
    if (value->kind == JSON_ABSENT)
        return absent(form, field, need);
    return (value->kind == JSON_STRING && parse_instant(value, unix_ms, &offset_s)) ||
           bad_field(form, field, NO_INSTANT);
}

static bool take_unix_ms(struct form *form, unsigned field, int64_t *unix_ms) {
    const struct json_value *value = &form->values[field];
    bool is_negative = *value->at == '-';
    int64_t ms = 0;
    if (value->len <= INTEGER_DIGITS_MAX)
        for (uint32_t i = is_negative; i < value->len; i++)
            ms = ms * 10 + (value->at[i] - '0');
    if (value->len > INTEGER_DIGITS_MAX || ms > OCCURRED_MS_MAX || (is_negative && ms != 0))
        return bad_field(form, field, NO_INTEGER_INSTANT);
    *unix_ms = ms;
    return true;
}

bool form_take_occurred(struct form *form, unsigned field, struct swipe *out) {
    const struct json_value *value = &form->values[field];
    int64_t unix_ms;
    if (value->kind == JSON_INTEGER)
        return take_unix_ms(form, field, &out->occurred_at.ms);
    if (value->kind == JSON_ABSENT)
        return absent(form, field, FORM_REQUIRED);
    if (value->kind != JSON_STRING || !parse_instant(value, &unix_ms, &out->offset_s))
        return bad_field(form, field, NO_INTEGER_INSTANT);
    out->occurred_at.ms = unix_ms;
    out->has_offset = true;
    return true;
}

bool form_take_word(struct form *form, unsigned field, enum need need, const char *const *words,
                    unsigned *out) {
    const struct json_value *value = &form->values[field];
    if (value->kind == JSON_ABSENT)
        return absent(form, field, need);
    for (unsigned i = 0; words[i] != NULL; i++)
        if (form_is_text(value, words[i])) {
            *out = i;
            return true;
        }
    return bad_field(form, field, "not one of the words of this field");
}
