/* civil.h against a calendar that is counted up day by day, and the texts that are no dates. */
#include "civil.h"

#include "unit_test.h"

#include <time.h>

static void dates_and_day_numbers_agree(void **state) {
    (void)state;
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    civil_day expected = {-719162};
    unsigned weekday = 0; /* 0001-01-01 was a Monday */
    for (int year = 1; year <= 9999; year++) {
        bool is_leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
        for (int month = 1; month <= 12; month++) {
            int days = month_days[month - 1] + (month == 2 && is_leap);
            for (int day = 1; day <= days; day++, expected.n++, weekday = (weekday + 1) % 7) {
                civil_day d;
                int y, m, dd;
                if (!civil_from_ymd(year, month, day, &d) || d.n != expected.n)
                    fail_msg("%d-%d-%d is day %d", year, month, day, expected.n);
                civil_to_ymd(expected, &y, &m, &dd);
                if (y != year || m != month || dd != day || day_weekday(expected) != weekday)
                    fail_msg("day %d is %d-%d-%d", expected.n, year, month, day);
            }
            civil_day none;
            assert_false(civil_from_ymd(year, month, days + 1, &none));
        }
    }
    assert_int_equal(expected.n, 2932897);
}

static void what_is_no_date_is_refused(void **state) {
    (void)state;
    static const int wrong[][3] = {
        {0, 1, 1},     {10000, 1, 1}, {-1, 1, 1},           {2023, 0, 1},  {2023, 13, 1},
        {2023, 1, 0},  {2023, 2, 29}, {1900, 2, 29},        {2023, 1, 32}, {2023, -1, 1},
        {2023, 1, -1}, {2100, 2, 29}, {2023, 1, INT32_MAX}, {2023, 4, 31}, {2024, 2, 30}};
    civil_day d = {77};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(civil_from_ymd(wrong[i][0], wrong[i][1], wrong[i][2], &d));
    assert_int_equal(d.n, 77);
    assert_true(civil_from_ymd(2000, 2, 29, &d));
}

static void every_day_number_has_a_date(void **state) {
    (void)state;
    static const int32_t days[] = {INT32_MIN, INT32_MIN + 1, -719163, -719469, -146097 * 5, INT32_MAX};
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        int year, month, day, year_next, month_next, day_next;
        civil_to_ymd((civil_day){days[i]}, &year, &month, &day);
        assert_in_range(month, 1, 12);
        assert_in_range(day, 1, 31);
        if (days[i] == INT32_MAX)
            continue;
        civil_to_ymd((civil_day){days[i] + 1}, &year_next, &month_next, &day_next);
        assert_true(day_next == day + 1 || (day_next == 1 && month_next == month % 12 + 1));
        assert_true(year_next == year || (month == 12 && year_next == year + 1));
    }
}

static void dates_print_and_parse(void **state) {
    (void)state;
    civil_day first, last;
    assert_true(civil_from_ymd(1970, 1, 1, &first));
    assert_true(civil_from_ymd(2199, 12, 31, &last));
    for (civil_day d = first; d.n <= last.n; d.n++) {
        char text[CIVIL_TEXT_BYTES], expected[16];
        time_t t = (time_t)d.n * 86400;
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(expected, sizeof expected, "%Y-%m-%d", &tm);
        civil_print(d, text);
        assert_string_equal(text, expected);
        civil_day parsed;
        assert_true(civil_parse(text, 10, &parsed));
        assert_int_equal(parsed.n, d.n);
    }
}

static void what_is_printed_has_four_digits_of_year(void **state) {
    (void)state;
    static const struct {
        int32_t day;
        const char *text;
    } rows[] = {{-719162, "0001-01-01"}, {-719163, "0001-01-01"}, {INT32_MIN, "0001-01-01"},
                {2932896, "9999-12-31"}, {2932897, "9999-12-31"}, {INT32_MAX, "9999-12-31"},
                {-354285, "1000-01-01"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[CIVIL_TEXT_BYTES];
        civil_print((civil_day){rows[i].day}, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void only_plain_dates_parse(void **state) {
    (void)state;
    static const char *const wrong[] = {"",           "2023-05-1",       "2023-05-144", "2023-5-014",
                                        "2023/05/14", "20230514",        "2023-05-14 ", " 2023-05-14",
                                        "+023-05-14", "2023-+5-14",      "2023-05--4",  "2023-02-29",
                                        "2023-00-10", "2023-13-10",      "2023-05-00",  "2023-05-32",
                                        "1969-12-31", "2200-01-01",      "2023-05-1a",  "2023-05-1 ",
                                        "2O23-05-14", "-023-05-14",      "2023 05 14",  "2023-05T14",
                                        "0000-00-00", "2023-05-\xd9\xa1"};
    civil_day d;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (civil_parse(wrong[i], strlen(wrong[i]), &d))
            fail_msg("parsed: %s", wrong[i]);
    }
    assert_false(civil_parse("2023-05-1\0", 10, &d));
    assert_true(civil_parse("2023-05-14 and more", 10, &d));
    assert_int_equal(d.n, 19491);
}

static void instants_print(void **state) {
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {1677661200000, "2023-03-01T09:00:00.000Z"},
        {1330559999999, "2012-02-29T23:59:59.999Z"},
        {7258118400000 - 1, "2199-12-31T23:59:59.999Z"},
        {-86400000, "1969-12-31T00:00:00.000Z"},
        {-62135596800000, "0001-01-01T00:00:00.000Z"},
        {-62135596800001, "0001-01-01T00:00:00.000Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "9999-12-31T23:59:59.999Z"},
        {INT64_MIN, "0001-01-01T00:00:00.000Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[INSTANT_TEXT_BYTES];
        instant_print(rows[i].ms, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void instants_print_as_libc_does(void **state) {
    (void)state;
    for (int64_t ms = -100000000000; ms < 7300000000000; ms += 86399 * 1001 + 7) {
        char text[INSTANT_TEXT_BYTES], seconds[32], expected[40];
        int64_t fraction = (ms % 1000 + 1000) % 1000;
        time_t t = (ms - fraction) / 1000;
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(expected, sizeof expected, "%s.%03dZ", seconds, (int)fraction);
        instant_print(ms, text);
        assert_string_equal(text, expected);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(dates_and_day_numbers_agree),
    cmocka_unit_test(what_is_no_date_is_refused),
    cmocka_unit_test(every_day_number_has_a_date),
    cmocka_unit_test(dates_print_and_parse),
    cmocka_unit_test(what_is_printed_has_four_digits_of_year),
    cmocka_unit_test(only_plain_dates_parse),
    cmocka_unit_test(instants_print),
    cmocka_unit_test(instants_print_as_libc_does),
};

UNIT_TEST_MAIN(tests)
