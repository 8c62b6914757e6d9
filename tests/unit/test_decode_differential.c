/* The decoders against a library parser (json_oracle.cc says which, and why): the same texts accepted, with
 * the same values, over generated swipes that are valid, changed, cut short, or made of JSON's pieces at
 * random. What the fields must be is said here a second time, the slow and obvious way.
 *
 * Every text is decoded without a hint and with one that has seen all texts before it: the same answer is
 * due. A failure prints the text; the sequence is the same in every run. */
#include "decode.h"
#include "expect.h"
#include "json_oracle.h"

#include "unit_test.h"

#include <stdlib.h>

#define TEXTS    60000 /* of each case */
#define TEXT_MAX 3000

static const struct swipe_fields fields = {"employee_id", "occurred_at", "site_id", "result", "direction"};
static const char *const names[] = {"employee_id", "occurred_at", "site_id", "result", "direction"};
enum { EMPLOYEE_ID, OCCURRED_AT, SITE_ID, RESULT, DIRECTION, FIELDS };

static uint64_t random_state;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static unsigned below(unsigned limit) {
    return (unsigned)(next_random() >> 33) % limit;
}

static bool one_in(unsigned n) {
    return below(n) == 0;
}

/* What is being written. */
struct text {
    size_t len;
    char bytes[TEXT_MAX];
};

static void put_bytes(struct text *text, const char *bytes, size_t len) {
    if (len > TEXT_MAX - text->len)
        len = TEXT_MAX - text->len;
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
}

static void put(struct text *text, const char *bytes) {
    put_bytes(text, bytes, strlen(bytes));
}

static void put_number(struct text *text, const char *format, unsigned value) {
    char bytes[40];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(bytes, sizeof bytes, format, value);
#pragma GCC diagnostic pop
    put(text, bytes);
}

#define PICK(list) (list)[below(sizeof(list) / sizeof *(list))]

/* A name, in one of its many spellings. */
static void put_string(struct text *text, const char *plain) {
    put(text, "\"");
    for (; *plain; plain++)
        if (one_in(200))
            put_number(text, one_in(2) ? "\\u%04x" : "\\u%04X", (unsigned char)*plain);
        else
            put_bytes(text, plain, 1);
    put(text, "\"");
}

static void put_space(struct text *text, unsigned style) {
    static const char *const spaces[] = {" ", "\n", "\r\n", "\t", "  "};
    if (style == 1 || (style == 2 && one_in(3)))
        put(text, style == 1 ? " " : PICK(spaces));
}

static void put_any_string(struct text *text) {
    static const char *const parts[] = {"a",
                                        "SEA33",
                                        "x y",
                                        "!",
                                        "#",
                                        "\xc3\xa9",
                                        "\xe2\x82\xac",
                                        "\\n",
                                        "\\\"",
                                        "\\\\",
                                        "\\/",
                                        "\\u00e9",
                                        "\xf0\x9f\x9a\x80",
                                        "\\ud83d\\ude80",
                                        "\\u0000",
                                        "granted",
                                        "\x7f",
                                        "0123456789",
                                        "{\\\"}",
                                        "\xef\xbf\xbf",
                                        "2023-03-01T09:00:00Z",
                                        "\\uD800",
                                        "\\udc00",
                                        "\xed\xa0\x80",
                                        "\xc0\x80",
                                        "\x1f",
                                        "\\x",
                                        "\xf4\x90\x80\x80",
                                        "\\uDBFF\\uDFFF"};
    static const unsigned sound = 21; /* those before are valid */
    put(text, "\"");
    for (unsigned i = below(5); i > 0; i--)
        put(text, parts[below(one_in(40) ? sizeof parts / sizeof *parts : sound)]);
    put(text, "\"");
}

static void put_any_value(struct text *text, unsigned depth) {
    static const char *const scalars[] = {"0",
                                          "-0",
                                          "1",
                                          "-12",
                                          "1.5",
                                          "0.25",
                                          "1e5",
                                          "-1.5E+10",
                                          "1e-999999",
                                          "true",
                                          "false",
                                          "null",
                                          "12345678901234567890123456789012345678901234567890",
                                          "\"\"",
                                          "[]",
                                          "{}",
                                          "01",
                                          "1.",
                                          "+1",
                                          "NaN",
                                          "-"};
    static const unsigned sound = 16;
    unsigned kind = depth > 70 ? 0 : below(8);
    if (kind < 3) {
        put(text, scalars[below(one_in(40) ? sizeof scalars / sizeof *scalars : sound)]);
    } else if (kind < 6) {
        put_any_string(text);
    } else {
        unsigned count = below(4),
                 deep = one_in(300) ? 62 + below(5) : 1; /* at the limit of depth, now and then */
        for (unsigned i = 1; i < deep; i++)
            put(text, "[");
        put(text, kind == 6 ? "[" : "{");
        for (unsigned i = 0; i < count; i++) {
            put(text, i > 0 ? "," : "");
            if (kind == 7) {
                put_any_string(text);
                put(text, ":");
            }
            put_any_value(text, depth + deep);
        }
        put(text, kind == 6 ? "]" : "}");
        for (unsigned i = 1; i < deep; i++)
            put(text, "]");
    }
}

static void put_instant(struct text *text) {
    static const char *const odd[] = {"\"2023-02-29T00:00:00Z\"",
                                      "\"2024-02-29t00:00:00z\"",
                                      "\"2016-12-31T23:59:60Z\"",
                                      "\"2023-03-01T24:00:00Z\"",
                                      "\"1969-12-31T23:59:59Z\"",
                                      "\"2200-01-01T00:00:00Z\"",
                                      "\"2023-03-01 09:00:00Z\"",
                                      "\"2023-03-01T09:00:00\"",
                                      "\"2023-03-01T09:00:00.Z\"",
                                      "1677661200000",
                                      "-1",
                                      "7258118400000",
                                      "7258118399999",
                                      "-0",
                                      "1677661200000.0"};
    static const char *const zones[] = {"Z", "-07:00", "+05:45", "+00:00", "-00:00", "+24:00", "+01:60"};
    if (one_in(20)) {
        put(text, PICK(odd));
        return;
    }
    put_number(text, "\"%04u-", one_in(50) ? below(3000) : 2020 + below(5));
    put_number(text, "%02u-", one_in(100) ? below(20) : 1 + below(12));
    put_number(text, "%02uT", one_in(100) ? below(40) : 1 + below(28));
    put_number(text, "%02u:", below(one_in(100) ? 30 : 24));
    put_number(text, "%02u:", below(one_in(100) ? 70 : 60));
    put_number(text, "%02u", below(one_in(100) ? 70 : 60));
    if (!one_in(3))
        put_number(text, one_in(5) ? ".%u" : ".%03u", below(1000));
    put(text, zones[below(one_in(50) ? 7 : 5)]);
    put(text, "\"");
}

static void put_field(struct text *text, unsigned field) {
    static const char *const sites[] = {"\"SEA33\"", "\"NYC01\"", "\"LON4\"", "\"\"", "7", "null"};
    static const char *const results[] = {"\"granted\"", "\"denied\"", "\"\"", "null", "true"};
    static const char *const directions[] = {"\"in\"", "\"out\"", "\"unknown\"", "\"up\"", "\"\"",
                                             "null",   "0"};
    unsigned most = one_in(20) ? 100 : 3;
    switch (one_in(60) ? FIELDS : field) {
    case EMPLOYEE_ID:
        put_number(text, one_in(4) ? "%u" : "\"E%07u\"", below(1500000));
        break;
    case OCCURRED_AT:
        put_instant(text);
        break;
    case SITE_ID:
        put(text, sites[below(most) % (sizeof sites / sizeof *sites)]);
        break;
    case RESULT:
        put(text, results[below(most) % (sizeof results / sizeof *results)]);
        break;
    case DIRECTION:
        put(text, directions[below(most) % (sizeof directions / sizeof *directions)]);
        break;
    default:
        put_any_value(text, 1);
    }
}

/* A swipe; several in a row are of one `style`: the order of keys, the fields there are, the white space. */
static void write_swipe(struct text *text, uint64_t style) {
    static const char *const others[] = {"event_id",    "reader_id", "x",         "topic",
                                         "employee_ID", "",          "arrived_at"};
    unsigned order[12], count = 0, space = style / 64 % 8 > 2 ? 0 : (unsigned)(style / 64 % 8);
    for (unsigned i = 0; i < 12; i++)
        if ((i < FIELDS ? style >> i % 8 & 3 : style >> (16 + i) & 1) || i < 2)
            order[count++] = i;
    for (unsigned i = count; i > 1; i--) {
        unsigned j = (unsigned)(style >> (i * 3)) % i, swapped = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swapped;
    }
    text->len = 0;
    put_space(text, space);
    put(text, "{");
    for (unsigned i = 0; i < count; i++) {
        unsigned which = one_in(400) ? below(12) : order[i]; /* now and then a repeated key */
        put(text, i > 0 ? "," : "");
        put_space(text, space);
        put_string(text, which < FIELDS ? names[which] : others[which - FIELDS]);
        put_space(text, space);
        put(text, ":");
        put_space(text, space);
        put_field(text, which);
        put_space(text, space);
    }
    put(text, "}");
    put_space(text, space);
}

static void fail_at(const struct text *text, const char *what, enum reason got, reason_set want) {
    char shown[4 * TEXT_MAX + 1];
    size_t len = 0;
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->bytes[i];
        len += (size_t)snprintf(shown + len, sizeof shown - len, c < 0x20 || c > 0x7e ? "\\x%02x" : "%c", c);
    }
    shown[len] = '\0';
    print_error("%s\n", shown);
    fail_msg("%s: %s, not one of %#x (bits are rows of reasons.def)", what, reason_name(got), (unsigned)want);
}

/* How many came out how. */
struct tally {
    unsigned applied, bad_field, bad_json;
};

static void compare(const struct text *text, struct swipe_hint *hint, struct tally *tally) {
    struct swipe want, got[2];
    struct reject_detail detail;
    char *exact = malloc(text->len ? text->len : 1); /* for the address sanitizer */
    memcpy(exact, text->bytes, text->len);
    reason_set expected = expect_swipe(exact, text->len, &want);
    enum reason reasons[2];
    for (int i = 0; i < 2; i++) {
        reasons[i] = decode_swipe(&fields, i ? hint : NULL, exact, text->len, &got[i], &detail);
        if (expected != 0 && (!reasons_contain(expected, reasons[i]) ||
                              (reasons[i] == REASON_applied && !same_swipe(&got[i], &want))))
            fail_at(text, i ? "with the hint" : "without a hint", reasons[i], expected);
    }
    if (reasons[0] != reasons[1] || got[0].occurred_at.ms != got[1].occurred_at.ms)
        fail_at(text, "it depends on the hint", reasons[1], reasons[0]);
    free(exact);
    tally->applied += reasons_contain(expected, REASON_applied);
    tally->bad_field +=
        reasons_contain(expected, REASON_missing_field) || reasons_contain(expected, REASON_bad_field);
    tally->bad_json += reasons_contain(expected, REASON_bad_json);
}

static void run(uint64_t seed, void (*change)(struct text *text), struct tally *tally) {
    static struct swipe_hint hint;
    struct text text;
    uint64_t style = 0;
    memset(&hint, 0, sizeof hint);
    random_state = seed;
    for (unsigned i = 0; i < TEXTS; i++) {
        if (one_in(50))
            style = next_random();
        write_swipe(&text, style);
        if (change != NULL && !one_in(4))
            change(&text);
        compare(&text, &hint, tally);
    }
}

static void generated_swipes(void **state) {
    (void)state;
    struct tally tally = {0};
    run(1, NULL, &tally);
    assert_true(tally.applied > TEXTS / 3 && tally.bad_field > TEXTS / 20 && tally.bad_json > TEXTS / 50);
}

/* A few bytes changed, taken out, put in, or repeated. */
static void change_bytes(struct text *text) {
    static const char special[] = "\"\\{}[]:,0123456789-+.eEtfnu \t\n\x80\xc3\xed\xff";
    for (unsigned i = 1 + below(3); i > 0 && text->len > 0; i--) {
        size_t at = below((unsigned)text->len), from = below((unsigned)text->len), count = below(8);
        char byte = one_in(3) ? (char)below(256) : special[below(sizeof special)];
        switch (below(4)) {
        case 0:
            text->bytes[at] = byte;
            break;
        case 1:
            memmove(text->bytes + at, text->bytes + at + 1, text->len - at - 1);
            text->len--;
            break;
        case 2:
            if (text->len < TEXT_MAX) {
                memmove(text->bytes + at + 1, text->bytes + at, text->len - at);
                text->bytes[at] = byte;
                text->len++;
            }
            break;
        default:
            if (count > text->len - at)
                count = text->len - at;
            if (count > text->len - from)
                count = text->len - from;
            memmove(text->bytes + at, text->bytes + from, count);
        }
    }
}

static void changed_swipes(void **state) {
    (void)state;
    struct tally tally = {0};
    run(2, change_bytes, &tally);
    assert_true(tally.applied > TEXTS / 5 && tally.bad_field > TEXTS / 20 && tally.bad_json > TEXTS / 5);
}

static void cut(struct text *text) {
    text->len = below((unsigned)text->len + 1);
}

static void truncated_swipes(void **state) {
    (void)state;
    struct tally tally = {0};
    run(3, cut, &tally);
    assert_true(tally.applied > TEXTS / 10 && tally.bad_json > TEXTS / 2);
}

/* Pieces of JSON in any order: nothing but structure. */
static void shuffle_pieces(struct text *text) {
    static const char *const pieces[] = {"{",
                                         "}",
                                         "[",
                                         "]",
                                         ",",
                                         ":",
                                         "\"a\"",
                                         "\"b\"",
                                         "1",
                                         "-1.5e3",
                                         "true",
                                         "null",
                                         " ",
                                         "\"employee_id\":7",
                                         "\"occurred_at\":0",
                                         "\"c\":",
                                         "[]",
                                         "{}",
                                         "\"\\u0061\":",
                                         "\""};
    text->len = 0;
    put(text, "{");
    for (unsigned i = below(9); i > 0; i--) {
        put(text, PICK(pieces));
        put(text, one_in(2) ? "," : "");
    }
    put(text, one_in(8) ? "" : "}");
}

static void pieces_at_random(void **state) {
    (void)state;
    struct tally tally = {0};
    run(4, shuffle_pieces, &tally);
    assert_true(tally.applied > TEXTS / 10 && tally.bad_field > TEXTS / 1000 && tally.bad_json > TEXTS / 2);
}

/* More keys than are compared one by one, of few different beginnings; now and then one again, spelled
 * otherwise. */
static void write_many_keys(struct text *text) {
    unsigned count = 10 + below(60), repeated = one_in(2) ? count : below(count), of = below(count);
    text->len = 0;
    put(text, "{\"employee_id\":7,\"occurred_at\":0");
    for (unsigned i = 0; i < count; i++) {
        char key[20];
        unsigned number = i == repeated ? of : i;
        snprintf(key, sizeof key, number % 3 ? "k%u" : "key %u", number);
        put(text, ",");
        put_string(text, key);
        put(text, ":0");
    }
    put(text, "}");
}

static void many_keys(void **state) {
    (void)state;
    struct tally tally = {0};
    run(6, write_many_keys, &tally);
    assert_true(tally.applied > TEXTS / 3 && tally.bad_json > TEXTS / 4);
}

/* The scanner is the same for every topic; that each uses it rightly shows in what it makes of a swipe. Their
 * own fields are compared by tests/fuzz/fuzz_decode_differential.c. */
static void other_topics(void **state) {
    (void)state;
    struct text text;
    random_state = 5;
    for (unsigned i = 0; i < TEXTS; i++) {
        struct roster_record roster[2];
        struct leave_record leave[2];
        struct calendar_record calendar[2];
        struct decision_record decision[2];
        struct envelope envelope;
        struct reject_detail detail;
        write_swipe(&text, next_random());
        if (one_in(2))
            change_bytes(&text);
        enum reason reasons[] = {decode_roster(text.bytes, text.len, &roster[0], &detail),
                                 decode_leave(text.bytes, text.len, &leave[0], &detail),
                                 decode_calendar(text.bytes, text.len, &calendar[0], &detail),
                                 decode_decision(text.bytes, text.len, &decision[0], &detail)};
        reason_set expected[] = {expect_roster(text.bytes, text.len, &roster[1]),
                                 expect_leave(text.bytes, text.len, &leave[1]),
                                 expect_calendar(text.bytes, text.len, &calendar[1]),
                                 expect_decision(text.bytes, text.len, &decision[1])};
        for (size_t k = 0; k < sizeof reasons / sizeof *reasons; k++)
            if (expected[k] != 0 && !reasons_contain(expected[k], reasons[k]))
                fail_at(&text, "another topic", reasons[k], expected[k]);
        enum reason reason = decode_envelope(text.bytes, text.len, &envelope, &detail);
        if (expected[0] != 0 && (reason == REASON_bad_json) != reasons_contain(expected[0], REASON_bad_json))
            fail_at(&text, "an envelope", reason, expected[0]);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(generated_swipes), cmocka_unit_test(changed_swipes), cmocka_unit_test(truncated_swipes),
    cmocka_unit_test(pieces_at_random), cmocka_unit_test(many_keys),      cmocka_unit_test(other_topics),
};

UNIT_TEST_MAIN(tests)
