/* Swipes: all but a handful of the records. Pure but for the caller's hint. */
#include "form.h"

#include <stddef.h>
#include <string.h>

enum { EMPLOYEE_ID, OCCURRED_AT, SITE_ID, RESULT, DIRECTION, FIELDS };

/* struct swipe_fields is a table of names in this order. */
_Static_assert(offsetof(struct swipe_fields, employee_id) == EMPLOYEE_ID * JSON_NAME_BYTES &&
                   offsetof(struct swipe_fields, occurred_at) == OCCURRED_AT * JSON_NAME_BYTES &&
                   offsetof(struct swipe_fields, site_id) == SITE_ID * JSON_NAME_BYTES &&
                   offsetof(struct swipe_fields, result) == RESULT * JSON_NAME_BYTES &&
                   offsetof(struct swipe_fields, direction) == DIRECTION * JSON_NAME_BYTES &&
                   sizeof(struct swipe_fields) == FIELDS * JSON_NAME_BYTES,
               "the fields of a swipe are a table of names");

static bool take_result(struct form *form, struct swipe *out) {
    const struct json_value *value = &form->values[RESULT];
    if (value->kind == JSON_ABSENT)
        return true;
    if (value->kind != JSON_STRING)
        return form_fail(form, REASON_bad_field, RESULT, "not a string");
    size_t len = json_text(value, out->result.bytes, sizeof out->result.bytes);
    out->result.len = len <= sizeof out->result.bytes ? (uint8_t)len : RESULT_TOO_LONG;
    out->has_result = true;
    return true;
}

/* Nobody reads the direction; it is checked, so that a sender learns of its mistakes. */
static bool take_direction(struct form *form) {
    static const char *const words[] = {"in", "out", "unknown", NULL};
    unsigned ignored;
    return form_take_word(form, DIRECTION, FORM_OPTIONAL, words, &ignored);
}

/* The shape of swipes that came before. A text that consists of the pieces of a valid object, with values of
 * any kind read as json_read_object would read them, is one that json_read_object accepts, with the same
 * values: keys, colons and commas are equal byte by byte, so no key is there twice. Whatever differs is left
 * to json_read_object. */

static inline uint64_t load8(const char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* memcmp by words: the pieces are short, and a call costs more than they do. */
static inline bool starts_with(const char *p, const char *end, const struct swipe_piece *piece) {
    size_t len = piece->len;
    if ((size_t)(end - p) < len)
        return false;
    if (len < 8) {
        for (size_t i = 0; i < len; i++)
            if (p[i] != piece->text[i])
                return false;
        return true;
    }
    uint64_t difference = load8(p + len - 8) ^ load8(piece->text + len - 8);
    for (size_t i = 0; i + 8 < len; i += 8)
        difference |= load8(p + i) ^ load8(piece->text + i);
    return difference == 0;
}

static bool match_shape(const struct swipe_shape *shape, const char *text, size_t len,
                        struct json_value *values) {
    struct json_scan scan = {.begin = text, .end = text + len};
    const char *p = text;
    for (unsigned i = 0; i < FIELDS; i++)
        values[i] = (struct json_value){.kind = JSON_ABSENT};
    for (uint32_t i = 0; i < shape->pieces; i++) {
        const struct swipe_piece *piece = &shape->piece[i];
        if (!starts_with(p, scan.end, piece))
            return false;
        p += piece->len;
        if (i + 1 == shape->pieces)
            return p == scan.end;
        struct json_value value = {.at = p, .kind = JSON_STRING};
        if (piece->is_string) {
            p = json_plain_end(&scan, p);
            if (p == scan.end || *p != '"')
                p = json_string_end(&scan, p, &value.has_escapes);
            if (p == NULL)
                return false;
            value.len = (uint32_t)(p - value.at);
        } else {
            p = json_read_value(&scan, p, &value);
            if (p == NULL)
                return false;
        }
        values[piece->field] = value;
    }
    return false;
}

/* Takes the shape of a valid object, unless it is too long for a shape. */
static void learn_shape(struct swipe_shape *shape, const json_name *names, const char *text, size_t len) {
    struct json_scan scan;
    struct json_member member;
    const char *from = text;
    uint32_t pieces = 0;
    shape->pieces = 0;
    json_open(&scan, text, len);
    for (bool is_last = false; !is_last; pieces++) {
        struct swipe_piece *piece = &shape->piece[pieces];
        is_last = !json_next_member(&scan, &member);
        const char *to = is_last ? scan.end : member.value.at;
        if (pieces == SWIPE_SHAPE_PIECES || (size_t)(to - from) > sizeof piece->text)
            return;
        piece->len = (uint8_t)(to - from);
        memcpy(piece->text, from, piece->len);
        if (!is_last) {
            piece->field = (uint8_t)json_find_name(names, FIELDS, &member.key);
            piece->is_string = member.value.kind == JSON_STRING;
            from = to + member.value.len;
        }
    }
    shape->pieces = pieces;
}

/* Whether the value looks like one before it; then the fields are read. */
static bool match_hint(struct swipe_hint *hint, const char *value, size_t len, struct form *form) {
    for (uint32_t i = 0; i < SWIPE_SHAPES; i++) {
        uint32_t at = (hint->latest + i) % SWIPE_SHAPES;
        if (match_shape(&hint->shape[at], value, len, form->values)) {
            hint->latest = at;
            return true;
        }
    }
    return false;
}

/* Learning costs as much as reading, and gains nothing if no two swipes are alike: done at every eighth miss.
 */
static void learn_hint(struct swipe_hint *hint, const json_name *names, const char *value, size_t len) {
    if (hint->misses++ % 8 != 0)
        return;
    hint->latest = (hint->latest + SWIPE_SHAPES - 1) % SWIPE_SHAPES; /* the one that is tried last */
    learn_shape(&hint->shape[hint->latest], names, value, len);
}

static bool open_swipe(struct form *form, const struct swipe_fields *fields, struct swipe_hint *hint,
                       const char *value, size_t len, struct reject_detail *detail) {
    const json_name *names = &fields->employee_id;
    if (hint != NULL && len > 0 && len <= VALUE_BYTES_MAX && match_hint(hint, value, len, form)) {
        form->names = names;
        form->reason = REASON_applied;
        form->detail = detail;
        return true;
    }
    if (!form_open(form, names, FIELDS, value, len, detail))
        return false;
    if (hint != NULL)
        learn_hint(hint, names, value, len);
    return true;
}

enum reason decode_swipe(const struct swipe_fields *fields, struct swipe_hint *hint, const char *value,
                         size_t len, struct swipe *out, struct reject_detail *detail) {
    struct form form;
    *out = (struct swipe){.occurred_at = EVENT_TIME_NONE};
    if (open_swipe(&form, fields, hint, value, len, detail) && form_take_occurred(&form, OCCURRED_AT, out) &&
        form_take_employee(&form, EMPLOYEE_ID, &out->employee) &&
        form_take_id(&form, SITE_ID, FORM_OPTIONAL, &out->site) && take_result(&form, out))
        take_direction(&form);
    return form.reason;
}
