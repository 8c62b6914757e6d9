/* See json.h. Every loop moves forward through the text, nesting is a stack of bits: time is linear whatever
 * the input, but for the search for repeated keys among very many, which sorts. Pure; any thread. */
#include "json.h"

#include "check.h"

#include <rollcall/limits.h>

#include <string.h>

/* More unknown keys than this are searched for repeats by sorting them, fewer by comparing each with each. */
#define KEYS_COMPARED_MAX 16

/* A NUL stands for the end: it is valid nowhere outside of strings, and nowhere inside either. */
static inline char peek(const struct json_scan *scan, const char *p) {
    return p != scan->end ? *p : '\0';
}

__attribute__((cold)) static const char *fail(struct json_scan *scan, const char *at, const char *what) {
    scan->error = what;
    scan->error_at = at;
    return NULL;
}

const char *json_skip_space(const char *p, const char *end) {
    while (p != end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

static inline const char *skip_space(const struct json_scan *scan, const char *p) {
    if (p != scan->end && (unsigned char)*p > ' ')
        return p;
    return json_skip_space(p, scan->end);
}

/* Strings */

/* -1 if there are not four hexadecimal digits. */
static int hex4(const char *p, const char *end) {
    if (end - p < 4)
        return -1;
    int unit = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static bool is_low_surrogate(int unit) {
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* `p` is at a backslash; returns what is behind the escape, which is one character: a surrogate only as a
 * pair. */
static const char *escape_end(struct json_scan *scan, const char *p) {
    char letter = peek(scan, p + 1);
    if (letter != '\0' && strchr("\"\\/bfnrt", letter))
        return p + 2;
    int unit = letter == 'u' ? hex4(p + 2, scan->end) : -1;
    if (unit < 0)
        return fail(scan, p, "not an escape");
    if (unit < 0xd800 || unit > 0xdfff)
        return p + 6;
    if (is_low_surrogate(unit) || peek(scan, p + 6) != '\\' || peek(scan, p + 7) != 'u' ||
        !is_low_surrogate(hex4(p + 8, scan->end)))
        return fail(scan, p, "an unpaired surrogate");
    return p + 12;
}

/* `p` is at a byte that is not ASCII; returns what is behind the character. The table of well-formed
 * sequences of the Unicode standard (table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF. */
static const char *utf8_end(struct json_scan *scan, const char *p) {
    unsigned char lead = (unsigned char)*p, low = 0x80, high = 0xbf;
    int more = lead >= 0xc2 && lead <= 0xdf   ? 1
               : (lead & 0xf0) == 0xe0        ? 2
               : lead >= 0xf0 && lead <= 0xf4 ? 3
                                              : 0;
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;
    if (more == 0 || scan->end - p <= more)
        return fail(scan, p, "not UTF-8");
    for (int i = 1; i <= more; i++, low = 0x80, high = 0xbf)
        if ((unsigned char)p[i] < low || (unsigned char)p[i] > high)
            return fail(scan, p, "not UTF-8");
    return p + more + 1;
}

const char *json_string_end(struct json_scan *scan, const char *p, bool *has_escapes) {
    for (;;) {
        p = json_plain_end(scan, p);
        if (p == scan->end)
            return fail(scan, p, "a string without an end");
        if (*p == '"')
            return p;
        if (*p == '\\') {
            *has_escapes = true;
            p = escape_end(scan, p);
        } else if ((unsigned char)*p < 0x20) {
            return fail(scan, p, "a control character in a string");
        } else {
            do
                p = utf8_end(scan, p);
            while (p != NULL && (unsigned char)peek(scan, p) >= 0x80);
        }
        if (p == NULL)
            return NULL;
    }
}

/* `p` is at an opening quote; returns what is behind the closing one. */
static inline const char *read_string(struct json_scan *scan, const char *p, struct json_value *value) {
    value->kind = JSON_STRING;
    value->has_escapes = false;
    value->at = ++p;
    p = json_plain_end(scan, p);
    if (p == scan->end || *p != '"') {
        p = json_string_end(scan, p, &value->has_escapes);
        if (p == NULL)
            return NULL;
    }
    value->len = (uint32_t)(p - value->at);
    return p + 1;
}

/* Numbers and words */

static inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static const char *digits_end(struct json_scan *scan, const char *p) {
    if (!is_digit(peek(scan, p)))
        return fail(scan, p, "a digit is missing");
    do
        p++;
    while (is_digit(peek(scan, p)));
    return p;
}

static const char *read_number(struct json_scan *scan, const char *p, struct json_value *value) {
    value->kind = JSON_INTEGER;
    if (*p == '-')
        p++;
    p = peek(scan, p) == '0' ? p + 1 : digits_end(scan, p);
    if (p != NULL && peek(scan, p) == '.') {
        value->kind = JSON_NUMBER;
        p = digits_end(scan, p + 1);
    }
    if (p != NULL && (peek(scan, p) == 'e' || peek(scan, p) == 'E')) {
        value->kind = JSON_NUMBER;
        p++;
        if (peek(scan, p) == '+' || peek(scan, p) == '-')
            p++;
        p = digits_end(scan, p);
    }
    return p;
}

static const char *read_word(struct json_scan *scan, const char *p, struct json_value *value) {
    static const struct {
        char text[6];
        uint8_t len;
        uint8_t kind;
    } words[] = {{"true", 4, JSON_BOOLEAN}, {"false", 5, JSON_BOOLEAN}, {"null", 4, JSON_ABSENT}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (scan->end - p >= words[i].len && memcmp(p, words[i].text, words[i].len) == 0) {
            value->kind = words[i].kind;
            return p + words[i].len;
        }
    return fail(scan, p, "not a value");
}

/* Values */

static const char *read_scalar(struct json_scan *scan, const char *p, struct json_value *value) {
    char c = peek(scan, p);
    if (c == '"')
        return read_string(scan, p, value);
    return c == '-' || is_digit(c) ? read_number(scan, p, value) : read_word(scan, p, value);
}

/* `p` is where a key must be; returns where its value begins. */
static inline const char *read_key(struct json_scan *scan, const char *p, struct json_value *key) {
    if (peek(scan, p) != '"')
        return fail(scan, p, "a key is missing");
    p = read_string(scan, p, key);
    if (p == NULL)
        return NULL;
    p = skip_space(scan, p);
    if (peek(scan, p) != ':')
        return fail(scan, p, "a colon is missing");
    return skip_space(scan, p + 1);
}

/* `p` is at a bracket; returns what is behind the one that closes it. The open brackets are bits, the
 * innermost lowest: 1 for an object. */
static const char *nested_end(struct json_scan *scan, const char *p) {
    uint64_t objects = 0;
    unsigned depth = 1; /* the outermost object */
    struct json_value ignored;
    do {
        char c = peek(scan, p);
        bool is_object = c == '{';
        if (is_object || c == '[') {
            if (++depth > JSON_DEPTH_MAX)
                return fail(scan, p, "nested too deep");
            objects = objects << 1 | is_object;
            p = skip_space(scan, p + 1);
            if (peek(scan, p) != (is_object ? '}' : ']')) {
                if (is_object)
                    p = read_key(scan, p, &ignored);
                continue;
            }
        } else {
            p = read_scalar(scan, p, &ignored);
            if (p == NULL)
                return NULL;
            p = skip_space(scan, p);
        }
        /* Behind a value, or at the end of an empty container. */
        while (depth > 1 && peek(scan, p) == (objects & 1 ? '}' : ']')) {
            objects >>= 1;
            p++;
            if (--depth > 1)
                p = skip_space(scan, p);
        }
        if (depth > 1) {
            if (peek(scan, p) != ',')
                return fail(scan, p, "a comma or a closing bracket is missing");
            p = skip_space(scan, p + 1);
            if (objects & 1)
                p = read_key(scan, p, &ignored);
        }
    } while (p != NULL && depth > 1);
    return p;
}

static const char *read_other(struct json_scan *scan, const char *p, struct json_value *value) {
    char c = peek(scan, p);
    value->at = p;
    value->has_escapes = false;
    if (c == '{' || c == '[') {
        value->kind = c == '{' ? JSON_OBJECT : JSON_ARRAY;
        p = nested_end(scan, p);
    } else {
        p = read_scalar(scan, p, value);
    }
    if (p != NULL)
        value->len = (uint32_t)(p - value->at);
    return p;
}

static inline const char *read_value(struct json_scan *scan, const char *p, struct json_value *value) {
    return peek(scan, p) == '"' ? read_string(scan, p, value) : read_other(scan, p, value);
}

const char *json_read_value(struct json_scan *scan, const char *p, struct json_value *value) {
    return read_value(scan, p, value);
}

/* The outermost object */

void json_open(struct json_scan *scan, const char *text, size_t len) {
    *scan = (struct json_scan){.begin = text, .end = text + len, .is_first = true};
    scan->at = skip_space(scan, text);
    if (peek(scan, scan->at) == '{')
        scan->at++;
    else
        fail(scan, scan->at, "not an object");
}

static inline bool next_key(struct json_scan *scan, struct json_value *key) {
    if (scan->error != NULL)
        return false;
    const char *p = skip_space(scan, scan->at);
    if (peek(scan, p) == '}') {
        p = skip_space(scan, p + 1);
        if (p != scan->end)
            fail(scan, p, "text behind the object");
        return false;
    }
    if (!scan->is_first) {
        if (peek(scan, p) != ',') {
            fail(scan, p, "a comma or the closing bracket is missing");
            return false;
        }
        p = skip_space(scan, p + 1);
    }
    scan->is_first = false;
    scan->at = read_key(scan, p, key);
    return scan->at != NULL;
}

static inline bool next_value(struct json_scan *scan, struct json_value *value) {
    scan->at = read_value(scan, scan->at, value);
    return scan->at != NULL;
}

bool json_next_key(struct json_scan *scan, struct json_value *key) {
    return next_key(scan, key);
}

bool json_next_value(struct json_scan *scan, struct json_value *value) {
    return next_value(scan, value);
}

/* Keys */

/* Takes one character off a valid string, as UTF-8: its length, 1 to 4. */
static size_t take_character(const char **p, char out[4]) {
    if (**p != '\\') {
        out[0] = *(*p)++;
        return 1; /* a byte of a longer character is as good */
    }
    char letter = (*p)[1];
    *p += 2;
    if (letter != 'u') {
        static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
        const char *found = strchr(letters, letter);
        out[0] = found ? meant[found - letters] : letter;
        return 1;
    }
    unsigned code = (unsigned)hex4(*p, *p + 4);
    *p += 4;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0xd800 || code > 0xdfff) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    code = 0x10000 + ((code - 0xd800) << 10) + ((unsigned)hex4(*p + 2, *p + 6) - 0xdc00);
    *p += 6;
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

size_t json_unescape(const struct json_value *string, char *out, size_t size) {
    size_t len = 0;
    for (const char *p = string->at, *end = p + string->len; p != end;) {
        char bytes[4];
        size_t count = take_character(&p, bytes);
        for (size_t i = 0; i < count; i++, len++)
            if (len < size)
                out[len] = bytes[i];
    }
    return len;
}

/* Names hold no NUL: where one is as long as the name and equal byte by byte, the name ends there. First and
 * last characters tell most names apart. */
static inline unsigned find_name(const json_name *names, unsigned count, const char *at, size_t len) {
    if (len == 0 || len >= JSON_NAME_BYTES)
        return count;
    for (unsigned i = 0; i < count; i++)
        if (names[i][0] == at[0] && names[i][len - 1] == at[len - 1] && names[i][len] == '\0' &&
            memcmp(names[i], at, len) == 0)
            return i;
    return count;
}

__attribute__((noinline)) static unsigned find_escaped_name(const json_name *names, unsigned count,
                                                            const struct json_value *key) {
    char text[JSON_NAME_BYTES];
    size_t len = json_unescape(key, text, sizeof text);
    return len < sizeof text && memchr(text, '\0', len) ? count : find_name(names, count, text, len);
}

unsigned json_find_name(const json_name *names, unsigned count, const struct json_value *key) {
    return key->has_escapes ? find_escaped_name(names, count, key)
                            : find_name(names, count, key->at, key->len);
}

/* Any order that tells different keys apart will do: by the bytes of their text. */
static int compare_keys(const struct json_value *a, const struct json_value *b) {
    if (!a->has_escapes && !b->has_escapes) {
        int order = memcmp(a->at, b->at, a->len < b->len ? a->len : b->len);
        return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
    }
    const char *pa = a->at, *end_a = pa + a->len, *pb = b->at, *end_b = pb + b->len;
    char bytes_a[4], bytes_b[4];
    size_t count_a = 0, count_b = 0, at_a = 0, at_b = 0;
    for (;;) {
        if (at_a == count_a && pa != end_a) {
            count_a = take_character(&pa, bytes_a);
            at_a = 0;
        }
        if (at_b == count_b && pb != end_b) {
            count_b = take_character(&pb, bytes_b);
            at_b = 0;
        }
        if (at_a == count_a || at_b == count_b)
            return (at_a < count_a) - (at_b < count_b);
        unsigned char byte_a = (unsigned char)bytes_a[at_a++], byte_b = (unsigned char)bytes_b[at_b++];
        if (byte_a != byte_b)
            return byte_a < byte_b ? -1 : 1;
    }
}

/* A key, in 6 bytes: there can be 13,000 of them, and they lie on the stack. */
struct key_place {
    uint16_t at, len;
    bool has_escapes;
};
#define KEYS_MAX (VALUE_BYTES_MAX / 5 + 1) /* the shortest member with its comma: "":1, */
_Static_assert(VALUE_BYTES_MAX <= UINT16_MAX + 1, "places in a value fit 16 bits");

static int compare_places(const char *text, const struct key_place *a, const struct key_place *b) {
    struct json_value key_a = {.at = text + a->at, .len = a->len, .has_escapes = a->has_escapes};
    struct json_value key_b = {.at = text + b->at, .len = b->len, .has_escapes = b->has_escapes};
    return compare_keys(&key_a, &key_b);
}

static void sift_down(const char *text, struct key_place *heap, size_t root, size_t count) {
    struct key_place sinking = heap[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare_places(text, &heap[child], &heap[child + 1]) < 0)
            child++;
        if (compare_places(text, &sinking, &heap[child]) >= 0)
            break;
        heap[root] = heap[child];
    }
    heap[root] = sinking;
}

/* Sorts all keys of a valid object and compares neighbours. A heap, since its time does not depend on the
 * input (a hash table's would, or on a secret) and it needs no memory of its own. */
__attribute__((noinline)) static bool has_repeated_key(const struct json_scan *object) {
    struct key_place keys[KEYS_MAX];
    size_t count = 0;
    const char *text = object->begin;
    struct json_scan scan;
    struct json_value key, value;
    json_open(&scan, text, (size_t)(object->end - text));
    while (json_next_key(&scan, &key) && json_next_value(&scan, &value)) {
        CHECK(count < KEYS_MAX);
        keys[count++] = (struct key_place){
            .at = (uint16_t)(key.at - text), .len = (uint16_t)key.len, .has_escapes = key.has_escapes};
    }
    for (size_t i = count / 2; i-- > 0;)
        sift_down(text, keys, i, count);
    for (size_t last = count; last-- > 1;) {
        struct key_place largest = keys[0];
        keys[0] = keys[last];
        sift_down(text, keys, 0, last);
        keys[last] = largest;
        if (last + 1 < count && compare_places(text, &keys[last], &keys[last + 1]) == 0)
            return true;
    }
    return count > 1 && compare_places(text, &keys[0], &keys[1]) == 0;
}

bool json_read_object(struct json_scan *scan, const json_name *names, unsigned count,
                      struct json_value *values) {
    CHECK(scan->end - scan->begin <= VALUE_BYTES_MAX && count <= 32);
    for (unsigned i = 0; i < count; i++)
        values[i].kind = JSON_ABSENT;
    uint32_t seen = 0;
    struct json_value unknown[KEYS_COMPARED_MAX + 1], ignored;
    size_t unknown_count = 0, kept = 0;
    for (struct json_value *key; key = &unknown[kept], next_key(scan, key);) {
        unsigned found = key->has_escapes ? find_escaped_name(names, count, key)
                                          : find_name(names, count, key->at, key->len);
        bool is_repeated = false;
        if (found < count) {
            is_repeated = seen >> found & 1;
            seen |= (uint32_t)1 << found;
        } else {
            for (size_t i = 0; i < kept; i++)
                is_repeated |= compare_keys(&unknown[i], key) == 0;
            kept += kept < KEYS_COMPARED_MAX;
            unknown_count++;
        }
        if (is_repeated) {
            fail(scan, key->at, "a repeated key");
            return false;
        }
        if (!next_value(scan, found < count ? &values[found] : &ignored))
            return false;
    }
    if (scan->error == NULL && unknown_count > KEYS_COMPARED_MAX && has_repeated_key(scan))
        fail(scan, scan->begin, "a repeated key");
    return scan->error == NULL;
}
