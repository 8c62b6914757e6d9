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

#define PARTIAL_MAX 500  /* partial matches until a shape is learned from one */
#define MISSES_MAX  16   /* in a row, then the hint is left alone ... */
#define PAUSE       2000 /* ... for so many swipes */

/* What nearly every text is: true, and copied. */
static inline bool take_short(const struct json_value *value, struct short_text *out) {
    if (value->kind != JSON_STRING || value->has_escapes || value->len - 1 >= JSON_SHORT)
        return false;
    json_copy_short(out->bytes, value->at, value->len);
    out->len = (uint8_t)value->len;
    return true;
}

static bool take_result(struct form *form, struct swipe *out) {
    const struct json_value *value = &form->values[RESULT];
    out->has_result = value->kind != JSON_ABSENT;
    if (!out->has_result || take_short(value, &out->result))
        return true;
    if (value->kind != JSON_STRING)
        return form_fail(form, REASON_bad_field, RESULT, "not a string");
    size_t len = json_text(value, out->result.bytes, sizeof out->result.bytes);
    out->result.len = len <= sizeof out->result.bytes ? (uint8_t)len : RESULT_TOO_LONG;
    return true;
}

/* Nobody reads the direction; it is checked, so that a sender learns of its mistakes. The two usual words
 * first, and without a branch on which: it is as good as random. A string of two characters has its quote as
 * a third. */
static bool take_direction(struct form *form) {
    static const char *const words[] = {"in", "out", "unknown", NULL};
    const struct json_value *value = &form->values[DIRECTION];
    if (value->kind == JSON_STRING && value->len >= 2) {
        const char *p = value->at;
        bool is_in = (value->len == 2) & (p[0] == 'i') & (p[1] == 'n');
        bool is_out = (value->len == 3) & (p[0] == 'o') & (p[1] == 'u') & (p[2] == 't');
        if (is_in | is_out)
            return true;
    }
    unsigned ignored;
    return form_take_word(form, DIRECTION, FORM_OPTIONAL, words, &ignored);
}

/* Field by field, since the compiler would clear the whole struct by slower means. */
static void clear_swipe(struct swipe *out) {
    memset(&out->employee, 0, sizeof out->employee);
    memset(&out->site, 0, sizeof out->site);
    memset(&out->result, 0, sizeof out->result);
    out->has_result = false;
    out->has_offset = false;
    out->offset_s = 0;
    out->occurred_at = EVENT_TIME_NONE;
}

/* Shapes.
 *
 * The shape of a valid swipe says which characters may be at each of its places, so that it stays valid with
 * the same members: between values the same ones; in a string, where there was a plain character, any plain
 * one; in a number digits for digits; nowhere a backslash. A swipe that fits throughout needs no further
 * parsing. Where one does not fit, within a value, that value is read as json_read_object would read it, and
 * the comparison goes on behind it, wherever that is now. So keys, colons and commas are equal byte by byte,
 * no key is there twice, and every value is a valid one: what matches is accepted by json_read_object, with
 * the same values. Whatever else differs is left to it. */

/* Plain characters, but for space and !, lest the quote that is next to them be one: they are rare enough. */
#define PLAIN_LOW  0x23
#define PLAIN_HIGH 0x7f

static inline bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

static inline bool fits(const struct swipe_shape *shape, size_t at, char c) {
    unsigned char byte = (unsigned char)c;
    return byte >= shape->low[at] && byte <= shape->high[at] && byte != '\\';
}

#ifdef __SSE2__
#define BLOCK 16

/* A bit for each of the BLOCK characters at `p`: set for those that do not fit the places from `at` on. */
static inline unsigned misfits(const struct swipe_shape *shape, size_t at, const char *p) {
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(shape->low + at));
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(shape->high + at));
    __m128i in_bounds = _mm_cmpeq_epi8(_mm_max_epu8(text, low), _mm_min_epu8(text, high));
    __m128i backslash = _mm_cmpeq_epi8(text, _mm_set1_epi8('\\'));
    return (unsigned)_mm_movemask_epi8(_mm_andnot_si128(backslash, in_bounds)) ^ 0xffff;
}
#endif

/* How many of the `count` characters at `p` fit the places from `at` on, up to the first that does not.
 * `begin` is where the text begins: the last block is read backwards from its end, what is in front of it
 * shifted out. */
static inline size_t count_fitting(const struct swipe_shape *shape, size_t at, const char *begin,
                                   const char *p, size_t count) {
    size_t i = 0;
#ifdef __SSE2__
    for (; i + BLOCK <= count; i += BLOCK) {
        unsigned mask = misfits(shape, at + i, p + i);
        if (mask != 0)
            return i + (size_t)__builtin_ctz(mask);
    }
    if (i < count && at + count >= BLOCK && (size_t)(p - begin) + count >= BLOCK) {
        unsigned mask = misfits(shape, at + count - BLOCK, p + count - BLOCK) >> (BLOCK - (count - i));
        return mask != 0 ? i + (size_t)__builtin_ctz(mask) : count;
    }
#else
    (void)begin;
#endif
    while (i < count && fits(shape, at + i, p[i]))
        i++;
    return i;
}

enum match { MATCH_NONE, MATCH_PARTIAL, MATCH_FULL };

/* values[FIELDS] takes what is ignored. */
static enum match match_shape(const struct swipe_shape *shape, const char *text, size_t len,
                              struct json_value values[static FIELDS + 1]) {
    struct json_scan scan = {.begin = text, .end = text + len};
    const struct swipe_value *next = shape->value, *last = next + shape->values;
    const char *p = text;
    size_t at = 0; /* the place in the shape that `p` is compared with */
    enum match match = MATCH_FULL;
    if (shape->len == 0)
        return MATCH_NONE;
    for (unsigned i = 0; i < FIELDS; i++)
        values[i].kind = JSON_ABSENT;
    for (;;) {
        size_t left = (size_t)(scan.end - p), count = shape->len - at < left ? shape->len - at : left;
        size_t fitting = count_fitting(shape, at, text, p, count);
        for (; next != last && next->end < at + fitting; next++) {
            const struct swipe_value found = *next;
            struct json_value *value = &values[found.field];
            value->at = p + (found.at - at);
            value->len = found.len;
            value->kind = found.kind;
            value->has_escapes = false;
        }
        if (at + fitting == shape->len && fitting == left)
            return match;
        if (next == last || at + fitting < next->begin)
            return MATCH_NONE;
        p = json_read_value(&scan, p + (next->begin - at), &values[next->field]);
        if (p == NULL)
            return MATCH_NONE;
        at = next++->end;
        match = MATCH_PARTIAL;
    }
}

/* Opens the places of a value where other characters would do as well. No zero leads a number of several
 * digits. */
static void learn_value(struct swipe_shape *shape, const struct json_value *value, size_t at) {
    bool is_number = value->kind == JSON_INTEGER || value->kind == JSON_NUMBER;
    for (size_t i = 0; i < value->len; i++) {
        unsigned char c = (unsigned char)value->at[i];
        if (is_number && is_digit(c)) {
            bool leads =
                (i == 0 || value->at[i - 1] == '-') && i + 1 < value->len && is_digit(value->at[i + 1]);
            shape->low[at + i] = leads ? '1' : '0';
            shape->high[at + i] = '9';
        } else if (value->kind == JSON_STRING && c >= PLAIN_LOW && c <= PLAIN_HIGH) {
            shape->low[at + i] = PLAIN_LOW;
            shape->high[at + i] = PLAIN_HIGH;
        }
    }
}

/* Takes the shape of a valid object, unless it is too large for one. */
static void learn_shape(struct swipe_shape *shape, const json_name *names, const char *text, size_t len) {
    struct json_scan scan;
    struct json_value key, value;
    uint32_t values = 0;
    shape->len = 0;
    if (len > SWIPE_SHAPE_BYTES)
        return;
    memcpy(shape->low, text, len);
    memcpy(shape->high, text, len);
    json_open(&scan, text, len);
    while (json_next_key(&scan, &key) && json_next_value(&scan, &value)) {
        if (values == SWIPE_SHAPE_VALUES)
            return;
        size_t at = (size_t)(value.at - text), quote = value.kind == JSON_STRING;
        shape->value[values++] = (struct swipe_value){.begin = (uint16_t)(at - quote),
                                                      .end = (uint16_t)(at + value.len + quote),
                                                      .at = (uint16_t)at,
                                                      .len = value.len,
                                                      .field = (uint8_t)json_find_name(names, FIELDS, &key),
                                                      .kind = value.kind};
        learn_value(shape, &value, at);
    }
    shape->values = values;
    shape->len = (uint32_t)len;
}

/* Learns the value in the place of the shape that was tried first, if that has its length, else of the
 * oldest. */
static void learn(struct swipe_hint *hint, const json_name *names, const char *value, size_t len) {
    uint8_t *at = &hint->by_len[len % SWIPE_LENGTHS];
    if (hint->shape[*at].len != len)
        *at = (uint8_t)(hint->oldest++ % SWIPE_SHAPES);
    learn_shape(&hint->shape[*at], names, value, len);
}

/* Whether the value looks like one before it; then the fields are read. A shape of the value's own length
 * comes first: mostly its values are of the same lengths, too, and it fits throughout. */
static bool match_hint(struct swipe_hint *hint, const json_name *names, const char *value, size_t len,
                       struct json_value values[static FIELDS + 1]) {
    if (hint->pause > 0) {
        hint->pause--;
        return false;
    }
    uint32_t first = hint->by_len[len % SWIPE_LENGTHS];
    for (uint32_t i = 0; i < SWIPE_SHAPES; i++) {
        enum match match = match_shape(&hint->shape[(first + i) % SWIPE_SHAPES], value, len, values);
        if (match == MATCH_NONE)
            continue;
        hint->misses = 0;
        if (match == MATCH_PARTIAL && ++hint->partial == PARTIAL_MAX) {
            hint->partial = 0;
            learn(hint, names, value, len);
        }
        return true;
    }
    return false;
}

/* Learning costs as much as reading. Where no two swipes are alike it gains nothing: then the hint is mostly
 * left alone, and asked again now and then. */
static void learn_missed(struct swipe_hint *hint, const json_name *names, const char *value, size_t len) {
    if (hint->pause > 0)
        return;
    learn(hint, names, value, len);
    if (++hint->misses == MISSES_MAX) {
        hint->misses = 0;
        hint->pause = PAUSE;
    }
}

static bool open_swipe(struct form *form, const struct swipe_fields *fields, struct swipe_hint *hint,
                       const char *value, size_t len, struct reject_detail *detail) {
    const json_name *names = &fields->employee_id;
    form->names = names;
    form->reason = REASON_applied;
    form->detail = detail;
    if (hint != NULL && len > 0 && len <= VALUE_BYTES_MAX &&
        match_hint(hint, names, value, len, form->values))
        return true;
    if (!form_open(form, names, FIELDS, value, len, detail))
        return false;
    if (hint != NULL)
        learn_missed(hint, names, value, len);
    return true;
}

enum reason decode_swipe(const struct swipe_fields *fields, struct swipe_hint *hint, const char *value,
                         size_t len, struct swipe *out, struct reject_detail *detail) {
    struct form form;
    const struct json_value *values = form.values;
    clear_swipe(out);
    if (open_swipe(&form, fields, hint, value, len, detail) && form_take_occurred(&form, OCCURRED_AT, out) &&
        (take_short(&values[EMPLOYEE_ID], &out->employee) ||
         form_take_employee(&form, EMPLOYEE_ID, &out->employee)) &&
        (take_short(&values[SITE_ID], &out->site) ||
         form_take_id(&form, SITE_ID, FORM_OPTIONAL, &out->site)) &&
        take_result(&form, out))
        take_direction(&form);
    return form.reason;
}

enum reason decode_employee(const struct swipe_fields *fields, const char *value, size_t len,
                            struct short_text *out, struct reject_detail *detail) {
    struct form form;
    *out = (struct short_text){0};
    if (form_open(&form, &fields->employee_id, 1, value, len, detail))
        form_take_employee(&form, 0, out);
    return form.reason;
}
