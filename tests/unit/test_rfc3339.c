/* Instants of RFC 3339 as SPEC 2 has them: what is read, and what is refused. */
#include "civil.h"
#include "decode.h"

#include "unit_test.h"

#include <stdlib.h>

static void assert_instant(const char *text, int64_t want_ms, int32_t want_offset_s) {
    int64_t ms = -1;
    int32_t offset_s = -1;
    if (!rfc3339_parse(text, strlen(text), &ms, &offset_s))
        fail_msg("refused: %s", text);
    if (ms != want_ms || offset_s != want_offset_s)
        fail_msg("%s: %lld ms, offset %d", text, (long long)ms, offset_s);
}

static void assert_no_instant(const char *text, size_t len) {
    int64_t ms;
    int32_t offset_s;
    char *exact = malloc(len ? len : 1); /* no byte too many: the address sanitizer sees a read too far */
    memcpy(exact, text, len);
    if (rfc3339_parse(exact, len, &ms, &offset_s))
        fail_msg("taken: %.*s", (int)len, text);
    free(exact);
}

static void plain_instants(void **state) {
    (void)state;
    assert_instant("1970-01-01T00:00:00Z", 0, 0);
    assert_instant("2023-03-01T09:00:00Z", 1677661200000, 0);
    assert_instant("2023-03-01T09:00:00.123Z", 1677661200123, 0);
    assert_instant("2038-01-19T03:14:08Z", 2147483648000, 0);
    assert_instant("2199-12-31T23:59:59.999Z", 7258118399999, 0);
    assert_instant("2000-02-29T00:00:00Z", 951782400000, 0);
}

static void offsets(void **state) {
    (void)state;
    assert_instant("2023-03-01T09:00:00+01:00", 1677657600000, 3600);
    assert_instant("2023-03-01T09:00:00-08:00", 1677690000000, -28800);
    assert_instant("2023-03-01T09:00:00+05:45", 1677640500000, 20700);
    assert_instant("2023-03-01T09:00:00.5-00:30", 1677663000500, -1800);
    assert_instant("2023-03-01T09:00:00-00:00", 1677661200000, 0);
    assert_instant("2023-03-01T09:00:00+00:00", 1677661200000, 0);
    assert_instant("2023-03-01T09:00:00+23:59", 1677574860000, 86340);
    assert_instant("2023-03-01T09:00:00-23:59", 1677747540000, -86340);
}

/* The year counts as it is written: the instants themselves lie outside of 1970 to 2199. */
static void years_as_written(void **state) {
    (void)state;
    assert_instant("1970-01-01T00:00:00+14:00", -50400000, 50400);
    assert_instant("1970-01-01T00:00:00.75+00:01", -59250, 60);
    assert_instant("2199-12-31T23:59:59-12:00", 7258161599000, -43200);
    assert_no_instant("1969-12-31T23:59:59Z", 20);
    assert_no_instant("1969-12-31T23:59:59-01:00", 25);
    assert_no_instant("2200-01-01T00:00:00Z", 20);
    assert_no_instant("2200-01-01T00:00:00+01:00", 25);
    assert_no_instant("0000-01-01T00:00:00Z", 20);
    assert_no_instant("9999-12-31T23:59:59Z", 20);
}

static void lower_case_letters(void **state) {
    (void)state;
    assert_instant("2023-03-01t09:00:00z", 1677661200000, 0);
    assert_instant("2023-03-01t09:00:00.1+00:00", 1677661200100, 0);
}

/* What is finer than a millisecond is cut off, not rounded. */
static void fractions(void **state) {
    (void)state;
    assert_instant("2023-03-01T09:00:00.1Z", 1677661200100, 0);
    assert_instant("2023-03-01T09:00:00.01Z", 1677661200010, 0);
    assert_instant("2023-03-01T09:00:00.001Z", 1677661200001, 0);
    assert_instant("2023-03-01T09:00:00.0009Z", 1677661200000, 0);
    assert_instant("2023-03-01T09:00:00.9999999999999999999999999999Z", 1677661200999, 0);
    assert_no_instant("2023-03-01T09:00:00.Z", 21);
    assert_no_instant("2023-03-01T09:00:00,5Z", 22);
    assert_no_instant("2023-03-01T09:00:00.5", 21);
    assert_no_instant("2023-03-01T09:00:00.-5Z", 23);
    assert_no_instant("2023-03-01T09:00:00.5.5Z", 24);
}

static void ranges(void **state) {
    (void)state;
    static const char *const refused[] = {
        "2023-00-01T09:00:00Z",      "2023-13-01T09:00:00Z",      "2023-03-00T09:00:00Z",
        "2023-03-32T09:00:00Z",      "2023-02-29T09:00:00Z",      "2100-02-29T09:00:00Z",
        "2023-04-31T09:00:00Z",      "2023-03-01T24:00:00Z",      "2023-03-01T09:60:00Z",
        "2016-12-31T23:59:60Z",      "2023-03-01T09:00:61Z",      "2023-03-01T09:00:00+24:00",
        "2023-03-01T09:00:00+01:60", "2023-03-01T09:00:00-99:99",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_no_instant(refused[i], strlen(refused[i]));
    assert_instant("2024-02-29T23:59:59Z", 1709251199000, 0);
}

static void other_notations(void **state) {
    (void)state;
    static const char *const refused[] = {
        "",
        "Z",
        "2023-03-01",
        "2023-03-01T09:00Z",
        "2023-03-01T09:00:00",
        "2023-03-01 09:00:00Z",
        "2023-03-01_09:00:00Z",
        "20230301T090000Z",
        "2023-3-1T9:00:00Z",
        "2023-060T09:00:00Z",
        "2023-W09-3T09:00:00Z",
        "+2023-03-01T09:00:00Z",
        "12023-03-01T09:00:00Z",
        " 2023-03-01T09:00:00Z",
        "2023-03-01T09:00:00Z ",
        "2023-03-01T09:00:00 Z",
        "2023-03-01T09:00:00ZZ",
        "2023-03-01T09:00:00+0100",
        "2023-03-01T09:00:00+01",
        "2023-03-01T09:00:00+1:00",
        "2023-03-01T09:00:00+01:000",
        "2023-03-01T09:00:00\u221201:00",
        "2023-03-01T09:00:00UTC",
        "2023-03-01T09:00:00Z[UTC]",
        "1677661200000",
        "2023-03-01T-9:00:00Z",
        "2023-03-01T09:+1:00Z",
        "2023-03-01T09:00: 1Z",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_no_instant(refused[i], strlen(refused[i]));
}

/* No proper beginning is an instant, and none is read beyond its end. */
static void truncated_everywhere(void **state) {
    (void)state;
    static const char *const texts[] = {"2023-03-01T09:00:00.123+01:00", "2023-03-01T09:00:00Z"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t len = 0; len < strlen(texts[i]); len++)
            assert_no_instant(texts[i], len);
}

/* Each byte replaced by each other: what is taken still reads as the calendar prints it. */
static void every_byte_replaced(void **state) {
    (void)state;
    const char plain[] = "2023-03-01T09:00:00.123Z";
    size_t taken = 0;
    for (size_t at = 0; at < sizeof plain - 1; at++)
        for (int byte = 0; byte < 256; byte++) {
            char text[sizeof plain], printed[INSTANT_TEXT_BYTES];
            int64_t ms;
            int32_t offset_s;
            memcpy(text, plain, sizeof plain);
            text[at] = (char)byte;
            if (!rfc3339_parse(text, sizeof plain - 1, &ms, &offset_s))
                continue;
            taken++;
            instant_print(ms, printed);
            text[10] = text[10] == 't' ? 'T' : text[10];
            text[23] = text[23] == 'z' ? 'Z' : text[23];
            assert_string_equal(printed, text);
        }
    /* The digits of 2023 can be 1, 2, 10 and 10 others or themselves; month 1, 9; day 4, 9; hour 2, 10;
     * minute and second 6, 10; fraction 10 each; T and Z 2 each; five separators. */
    assert_int_equal(taken, 1 + 2 + 10 + 10 + 1 + 9 + 4 + 9 + 2 + 10 + 6 + 10 + 6 + 10 + 30 + 2 + 2 + 5);
}

/* Every day there is, at a second of its own. */
static void every_day(void **state) {
    (void)state;
    for (int32_t day = 0; day < 84006; day++) {
        char printed[INSTANT_TEXT_BYTES];
        int64_t want = day * (int64_t)86400000 + day * (int64_t)999983 % 86400000, ms = -1;
        int32_t offset_s = -1;
        instant_print(want, printed);
        assert_true(rfc3339_parse(printed, sizeof printed - 1, &ms, &offset_s));
        assert_int_equal(ms, want);
        assert_int_equal(offset_s, 0);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(plain_instants),      cmocka_unit_test(offsets),
    cmocka_unit_test(years_as_written),    cmocka_unit_test(lower_case_letters),
    cmocka_unit_test(fractions),           cmocka_unit_test(ranges),
    cmocka_unit_test(other_notations),     cmocka_unit_test(truncated_everywhere),
    cmocka_unit_test(every_byte_replaced), cmocka_unit_test(every_day),
};

UNIT_TEST_MAIN(tests)
