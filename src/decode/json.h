/* A strict, iterative scanner for one JSON object (RFC 8259), directed by the few names its caller wants.
 *
 * It validates every byte, skipped values included, and hands out slices of the input: nothing is copied,
 * nothing is allocated, strings keep their escapes until somebody asks (json_text). Pure; any thread.
 *
 * Why not a library: the swipe path needs a fifth of the time that a full parser takes, and no library
 * refuses the same set (repeated keys, unpaired surrogates, depth). What is accepted is compared with one in
 * the tests. */
#ifndef ROLLCALL_JSON_H
#define ROLLCALL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum json_kind {
    JSON_ABSENT, /* no such member, or null: the same thing to SPEC 2 */
    JSON_STRING,
    JSON_INTEGER, /* a number without fraction and exponent */
    JSON_NUMBER,  /* any other */
    JSON_BOOLEAN,
    JSON_OBJECT,
    JSON_ARRAY,
};

/* A value as written. A string is the text between its quotes. */
struct json_value {
    const char *at;
    uint32_t len;
    uint8_t kind; /* enum json_kind */
    bool has_escapes;
};

/* What is being scanned, and what was wrong with it. */
struct json_scan {
    const char *begin, *end;
    const char *at; /* the walk over the members has come this far */
    bool is_first;
    const char *error; /* NULL: nothing wrong so far */
    const char *error_at;
};

/* A name that a member may have: 1 to 64 bytes and a NUL. */
#define JSON_NAME_BYTES 65
typedef char json_name[JSON_NAME_BYTES];

/* Reads the object in `scan` (from json_open) to its end. values[i] becomes the member called names[i].
 * False, with `scan->error`, if the text is not one valid object without repeated keys. count <= 32. */
bool json_read_object(struct json_scan *scan, const json_name *names, unsigned count,
                      struct json_value *values);

/* Walks over the members, in their order: open, then next_key and next_value until one is false. Then either
 * the object and the text are at their end, or scan->error is set. Repeated keys are not looked for. */
void json_open(struct json_scan *scan, const char *text, size_t len);
bool json_next_key(struct json_scan *scan, struct json_value *key);
bool json_next_value(struct json_scan *scan, struct json_value *value);

/* Reads the value that begins at `p`, as a member of the outermost object. Returns its end, or NULL with
 * scan->error.
 */
const char *json_read_value(struct json_scan *scan, const char *p, struct json_value *value);

/* `p` is in a string: returns its closing quote, or NULL with scan->error. Sets *has_escapes if there is an
 * escape.
 */
const char *json_string_end(struct json_scan *scan, const char *p, bool *has_escapes);

/* White space as JSON has it; returns what is behind it. */
const char *json_skip_space(const char *p, const char *end);

/* The place of the name that a key has; `count` if it has none. */
unsigned json_find_name(const json_name *names, unsigned count, const struct json_value *key);

/* The text of a string with escapes, these undone: its length, of which at most `size` bytes are written. */
size_t json_unescape(const struct json_value *string, char *out, size_t size);

/* A bit (or, portably, a byte) for each of the JSON_BLOCK characters at `p`: set for what cannot be passed
 * over unseen in a string, which is quote, backslash, control characters and what is not ASCII. */
#ifdef __SSE2__
#define JSON_BLOCK  16
#define JSON_STRIDE 1
static inline uint64_t json_special_mask(const char *p) {
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    __m128i other = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20)); /* signed: also 0x80 and above */
    return (uint64_t)(unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), other));
}
#else
#define JSON_BLOCK  8
#define JSON_STRIDE 8
static inline uint64_t json_special_mask(const char *p) {
    const uint64_t ones = 0x0101010101010101u, low7 = 0x7f * ones;
    uint64_t block = 0;
    for (int i = 7; i >= 0; i--)
        block = block << 8 | (unsigned char)p[i]; /* the first character lowest, on every machine */
    /* Sums of seven-bit bytes carry into their own high bit only, so that each byte is judged exactly. */
    uint64_t quote = (block ^ '"' * ones) & low7, backslash = (block ^ '\\' * ones) & low7;
    uint64_t plain = (quote + low7) & (backslash + low7) & ((block & low7) + 0x60 * ones);
    return (~plain | block) >> 7 & ones;
}
#endif

/* The first special character at or behind `p`, or the end. Never reads outside of the text: its last block
 * is read again, backwards from the end. */
static inline const char *json_plain_end(const struct json_scan *scan, const char *p) {
    for (; scan->end - p >= JSON_BLOCK; p += JSON_BLOCK) {
        uint64_t mask = json_special_mask(p);
        if (mask)
            return p + __builtin_ctzll(mask) / JSON_STRIDE;
    }
    if (p == scan->end)
        return p;
    if (scan->end - scan->begin >= JSON_BLOCK) {
        const char *last = scan->end - JSON_BLOCK;
        uint64_t mask = json_special_mask(last) >> (p - last) * JSON_STRIDE;
        return mask ? p + __builtin_ctzll(mask) / JSON_STRIDE : scan->end;
    }
    while (p != scan->end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* Copies up to JSON_SHORT bytes without a call, and without a loop. */
#define JSON_SHORT 16
static inline void json_copy_short(char *out, const char *p, size_t len) {
    if (len >= 8) {
        uint64_t head, tail;
        memcpy(&head, p, sizeof head);
        memcpy(&tail, p + len - sizeof tail, sizeof tail);
        memcpy(out, &head, sizeof head);
        memcpy(out + len - sizeof tail, &tail, sizeof tail);
    } else if (len >= 4) {
        uint32_t head, tail;
        memcpy(&head, p, sizeof head);
        memcpy(&tail, p + len - sizeof tail, sizeof tail);
        memcpy(out, &head, sizeof head);
        memcpy(out + len - sizeof tail, &tail, sizeof tail);
    } else if (len > 0) {
        out[0] = p[0];
        out[len / 2] = p[len / 2];
        out[len - 1] = p[len - 1];
    }
}

/* The text of a string, escapes undone: its length, of which at most `size` bytes are written. */
static inline size_t json_text(const struct json_value *string, char *out, size_t size) {
    if (string->has_escapes)
        return json_unescape(string, out, size);
    memcpy(out, string->at, string->len < size ? string->len : size);
    return string->len;
}

#endif
