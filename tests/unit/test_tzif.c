/* The reader of zone files: footers that no zone has today, and files that are damaged in every way. */
#include "check.h"
#include "posix_tz.h"
#include "tzif.h"

#include "unit_test.h"

#include <stdlib.h>
#include <time.h>

/* --- a file made by hand --- */

struct file {
    size_t size;
    uint8_t bytes[4096];
};

static void add_bytes(struct file *f, const void *bytes, size_t size) {
    assert_true(f->size + size <= sizeof f->bytes);
    memcpy(f->bytes + f->size, bytes, size);
    f->size += size;
}

static void add_number(struct file *f, uint64_t value, unsigned bytes) {
    for (unsigned i = bytes; i-- > 0;)
        add_bytes(f, &(uint8_t){(uint8_t)(value >> (i * 8))}, 1);
}

/* What a header counts, in its order. */
struct counts {
    uint32_t isut, isstd, leap, time, type, abbreviation;
};

static void add_header(struct file *f, char version, struct counts n) {
    const uint8_t unused[15] = {0};
    add_bytes(f, "TZif", 4);
    add_bytes(f, &version, 1);
    add_bytes(f, unused, sizeof unused);
    const uint32_t all[] = {n.isut, n.isstd, n.leap, n.time, n.type, n.abbreviation};
    for (size_t i = 0; i < 6; i++)
        add_number(f, all[i], 4);
}

/* The 32-bit block, as empty as it may be. */
static void add_old_block(struct file *f, char version) {
    add_header(f, version, (struct counts){.type = 1, .abbreviation = 1});
    add_number(f, 0, 6 + 1);
}

struct transition {
    int64_t at_s;
    uint8_t type;
};

static struct file make_file(size_t times, const struct transition *list, size_t types,
                             const int32_t *offsets_s, const char *footer) {
    struct file f = {0};
    add_old_block(&f, '2');
    add_header(&f, '2', (struct counts){.time = (uint32_t)times, .type = (uint32_t)types, .abbreviation = 4});
    for (size_t i = 0; i < times; i++)
        add_number(&f, (uint64_t)list[i].at_s, 8);
    for (size_t i = 0; i < times; i++)
        add_number(&f, list[i].type, 1);
    for (size_t i = 0; i < types; i++) {
        add_number(&f, (uint32_t)offsets_s[i], 4);
        add_number(&f, 0, 2);
    }
    add_bytes(&f, "ABC", 4);
    add_bytes(&f, "\n", 1);
    add_bytes(&f, footer, strlen(footer));
    add_bytes(&f, "\n", 1);
    return f;
}

static struct file make_rule(const char *footer) {
    return make_file(0, NULL, 1, (const int32_t[]){0}, footer);
}

static void expect_spans(const struct file *f, size_t count, const struct zone_span *expected) {
    uint32_t got;
    const char *why = "";
    struct zone_span *spans = tzif_read(f->bytes, f->size, &got, &why);
    if (spans == NULL)
        fail_msg("%s", why);
    assert_int_equal(got, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(spans[i].from_ms, expected[i].from_ms);
        assert_int_equal(spans[i].offset_ms, expected[i].offset_ms);
    }
    free(spans);
}

static void expect_refused(const struct file *f, const char *words) {
    uint32_t count;
    const char *why = "";
    struct zone_span *spans = tzif_read(f->bytes, f->size, &count, &why);
    if (spans != NULL || strstr(why, words) == NULL)
        fail_msg("%s: \"%s\" has no \"%s\"", spans == NULL ? "refused" : "read", why, words);
}

/* "2023-10-01T00:00:00" in UTC. */
static int64_t at_s(const char *text) {
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    assert_true(end != NULL && *end == '\0');
    return timegm(&tm);
}

/* The offset of a rule at an instant, by the spans that it expands to. */
static int64_t offset_at(const char *footer, int64_t when_s) {
    struct file f = make_rule(footer);
    uint32_t count;
    const char *why;
    struct zone_span *spans = tzif_read(f.bytes, f.size, &count, &why);
    assert_non_null(spans);
    uint32_t i = count - 1;
    while (spans[i].from_ms > when_s * 1000)
        i--;
    int64_t offset_s = spans[i].offset_ms / 1000;
    free(spans);
    return offset_s;
}

/* --- rules --- */

static void dst_all_the_year_is_one_offset(void **state) {
    (void)state;
    static const struct {
        const char *footer;
        int64_t offset_s;
    } rows[] = {{"EST5EDT,0/0,J365/25", -4 * 3600},         {"XXX3EDT4,0/0,J365/23", -4 * 3600},
                {"AAA-3BBB,J1/0,J365/48", 4 * 3600},        {"AAA-3BBB,J1/-100,J365/167", 4 * 3600},
                {"<-03>3<-02>,0/-167,J365/167", -2 * 3600}, {"AAA0BBB,M1.1.1/0,M1.1.1/1", 3600}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct file f = make_rule(rows[i].footer);
        expect_spans(&f, 1, &(struct zone_span){INT64_MIN, rows[i].offset_s * 1000});
    }
}

/* 1972 has a 29 February: day 59 by n, no day by Jn; 2023 has none. */
static void the_two_forms_of_a_day_of_the_year_differ_after_february(void **state) {
    (void)state;
    static const struct {
        const char *footer;
        const char *start;
    } rows[] = {
        {"AAA0BBB,59/0,J300/0", "1972-02-29T00:00:00"},
        {"AAA0BBB,J59/0,J300/0", "1972-02-28T00:00:00"},
        {"AAA0BBB,J60/0,J300/0", "1972-03-01T00:00:00"},
        {"AAA0BBB,60/0,J300/0", "1972-03-01T00:00:00"},
        {"AAA0BBB,59/0,J301/0", "2023-03-01T00:00:00"},
        {"AAA0BBB,J59/0,J301/0", "2023-02-28T00:00:00"},
        {"AAA0BBB,J60/0,J301/0", "2023-03-01T00:00:00"},
        {"AAA0BBB,J300/0,J60/0", "2023-10-27T00:00:00"},
        {"AAA0BBB,J365/0,J60/0", "1972-12-31T00:00:00"},
        {"AAA0BBB,365/0,J60/0", "1972-12-31T00:00:00"},
        {"AAA0BBB,J365/0,J60/0", "2023-12-31T00:00:00"},
        {"AAA0BBB,365/0,J60/0", "2024-01-01T00:00:00"}, /* 2023 has no day 365 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t start_s = at_s(rows[i].start);
        if (offset_at(rows[i].footer, start_s - 1) != 0 || offset_at(rows[i].footer, start_s) != 3600)
            fail_msg("%s does not start at %s", rows[i].footer, rows[i].start);
    }
}

static void weeks_count_from_the_first_such_day_and_five_is_the_last(void **state) {
    (void)state;
    static const struct {
        const char *footer;
        const char *start;
    } rows[] = {
        {"AAA0BBB,M10.1.0/0,M12.5.0", "2023-10-01T00:00:00"}, /* Sunday */
        {"AAA0BBB,M10.1.6/0,M12.5.0", "2023-10-07T00:00:00"}, /* Saturday */
        {"AAA0BBB,M2.5.2/0,M12.5.0", "2023-02-28T00:00:00"},  /* Tuesday */
        {"AAA0BBB,M2.5.4/0,M12.5.0", "2024-02-29T00:00:00"},  /* Thursday */
        {"AAA0BBB,M2.5.3/0,M12.5.0", "2023-02-22T00:00:00"},  /* Wednesday: there is no fifth */
        {"AAA0BBB,M12.5.0/0,M2.5.0", "2023-12-31T00:00:00"},  /* Sunday */
        {"AAA0BBB,M12.5.1/0,M2.5.0", "2023-12-25T00:00:00"},  /* Monday */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t start_s = at_s(rows[i].start);
        if (offset_at(rows[i].footer, start_s - 1) != 0 || offset_at(rows[i].footer, start_s) != 3600)
            fail_msg("%s does not start at %s", rows[i].footer, rows[i].start);
    }
}

/* 1 January 2023 less 100 hours is 27 December 2022, 20:00. */
static void times_may_lie_in_another_year(void **state) {
    (void)state;
    int64_t start_s = at_s("2022-12-27T20:00:00"), end_s = at_s("2024-01-06T22:00:00");
    assert_int_equal(offset_at("AAA0BBB,J1/-100,J60/0", start_s - 1), 0);
    assert_int_equal(offset_at("AAA0BBB,J1/-100,J60/0", start_s), 3600);
    assert_int_equal(offset_at("AAA0BBB,J60/0,J365/167", end_s - 1), 3600); /* 23:00 on the clock of BBB */
    assert_int_equal(offset_at("AAA0BBB,J60/0,J365/167", end_s), 0);
}

static void footers_in_every_form_are_read(void **state) {
    (void)state;
    static const struct {
        const char *footer;
        int32_t std_s, dst_s, start_s, end_s;
    } rows[] = {
        {"UTC0", 0, 0, 0, 0},
        {"<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", 45900, 49500, 9900, 13500},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7200, -3600, -3600, 0},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", 3600, 0, 7200, 3600},
        {"EET-2EEST,M3.4.4/50,M10.4.4/+50:00:01", 7200, 10800, 180000, 180001},
        {"ABC+24:59:59DEF-24:59:59,0/-167:59:59,365/167:59:59", -89999, 89999, -604799, 604799},
        {"abc0:0:1DEF,J1,J365", -1, 3599, 7200, 7200},
        {"<a+-9>007<Z-1>,M1.1.0,M12.5.6", -25200, -21600, 7200, 7200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct posix_tz tz;
        if (!posix_tz_parse(rows[i].footer, strlen(rows[i].footer), &tz))
            fail_msg("refused: %s", rows[i].footer);
        assert_int_equal(tz.std_offset_s, rows[i].std_s);
        assert_int_equal(tz.dst_offset_s, rows[i].dst_s);
        assert_int_equal(tz.has_dst, strchr(rows[i].footer, ',') != NULL);
        assert_int_equal(tz.start.time_s, rows[i].start_s);
        assert_int_equal(tz.end.time_s, rows[i].end_s);
    }
}

static void other_footers_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "U0",
        "UT0",
        "UTC",
        "UTC25",
        "UTC-25",
        "UTC+",
        "UTC0:60",
        "UTC0:00:60",
        "UTC0:",
        "UTC0:00:",
        "UTC0 ",
        " UTC0",
        ":UTC0",
        "<UTC0",
        "<>0",
        "<AB>0",
        "<A B>0",
        "<ABC0",
        "ABC>0",
        "A1C0",
        "UTC0000",
        "EST5EDT",
        "EST5EDT4",
        "EST5EDT,",
        "EST5EDT,M3.2.0",
        "EST5EDT,M3.2.0,",
        "EST5ED,M3.2.0,M11.1.0",
        "EST5EDT,M0.2.0,M11.1.0",
        "EST5EDT,M13.2.0,M11.1.0",
        "EST5EDT,M3.0.0,M11.1.0",
        "EST5EDT,M3.6.0,M11.1.0",
        "EST5EDT,M3.2.7,M11.1.0",
        "EST5EDT,M3.2,M11.1.0",
        "EST5EDT,J0,J300",
        "EST5EDT,J366,J300",
        "EST5EDT,366,300",
        "EST5EDT,-1,300",
        "EST5EDT,M3.2.0/168,M11.1.0",
        "EST5EDT,M3.2.0/-168,M11.1.0",
        "EST5EDT,M3.2.0/,M11.1.0",
        "EST5EDT,M3.2.0,M11.1.0,",
        "EST5EDT,M3.2.0,M11.1.0/2 ",
        "EST5EDT,M3.2.0,M11.1.0/2:00:00:00",
        "EST5EDT 4,M3.2.0,M11.1.0",
        "EST5EDT25,M3.2.0,M11.1.0",
        "EST5EDT4M3.2.0,M11.1.0",
        "EST5EDT,M3.2.0 M11.1.0",
        "EST99999999999EDT,M3.2.0,M11.1.0",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct posix_tz tz;
        if (posix_tz_parse(wrong[i], strlen(wrong[i]), &tz))
            fail_msg("accepted: %s", wrong[i]);
        struct file f = make_rule(wrong[i]);
        expect_refused(&f, "footer");
    }
    struct posix_tz tz;
    assert_false(posix_tz_parse("UTC0\0", 5, &tz));
    assert_false(posix_tz_parse("", 0, &tz));
    const char cut[] = {'E', 'S', 'T', '5', 'E', 'D', 'T', ',', 'M', '3', '.', '2', '.', '0', ',', 'M', '1'};
    for (size_t len = 0; len <= sizeof cut;
         len++) { /* in a buffer of exactly that size: nothing behind is read */
        char *exact = malloc(len + 1);
        memcpy(exact + 1, cut, len);
        assert_int_equal(posix_tz_parse(exact + 1, len, &tz), len == 4);
        free(exact);
    }
}

/* --- transitions and footers --- */

static void the_footer_speaks_after_the_last_transition_only(void **state) {
    (void)state;
    /* The rule's dates of 2199 before the last transition are not applied, nor those of earlier years. */
    int64_t last_s = at_s("2199-11-01T00:00:00");
    const struct transition times[] = {{0, 1}, {last_s, 0}};
    static const int32_t offsets_s[] = {0, 7200};
    struct file f = make_file(2, times, 2, offsets_s, "AAA0BBB,J60/0,J300/0");
    expect_spans(&f, 7,
                 (const struct zone_span[]){{INT64_MIN, 0},
                                            {0, 7200000},
                                            {last_s * 1000, 0},
                                            {at_s("2200-03-01T00:00:00") * 1000, 3600000},
                                            {at_s("2200-10-26T23:00:00") * 1000, 0},
                                            {at_s("2201-03-01T00:00:00") * 1000, 3600000},
                                            {at_s("2201-10-26T23:00:00") * 1000, 0}});
    f = make_file(2, times, 2, offsets_s, "");
    expect_spans(&f, 3, (const struct zone_span[]){{INT64_MIN, 0}, {0, 7200000}, {last_s * 1000, 0}});
}

static void without_transitions_the_footer_rules_all_time(void **state) {
    (void)state;
    struct file f = make_file(0, NULL, 2, (const int32_t[]){1800, 0}, "ABC-5:30");
    expect_spans(&f, 1, &(struct zone_span){INT64_MIN, 19800000});
    f = make_file(0, NULL, 2, (const int32_t[]){1800, 0}, "");
    expect_spans(&f, 1, &(struct zone_span){INT64_MIN, 1800000});
}

static void transitions_outside_the_tables_leave_only_their_offset(void **state) {
    (void)state;
    static const struct transition times[] = {
        {INT64_MIN, 1}, {-4000000000, 2},         {ZONES_FIRST_MS / 1000, 1}, {1000, 1},
        {2000, 0},      {ZONES_END_MS / 1000, 1}, {INT64_MAX - 10, 2},        {INT64_MAX, 1}};
    struct file f = make_file(8, times, 3, (const int32_t[]){3600, -3600, 7200}, "<-01>1");
    expect_spans(&f, 2, (const struct zone_span[]){{INT64_MIN, -3600000}, {2000000, 3600000}});
}

static void a_footer_stands_between_newlines(void **state) {
    (void)state;
    struct file f = make_rule("UTC0");
    f.bytes[f.size - 1] = 'x';
    expect_refused(&f, "footer");
    f = make_rule("UTC0");
    f.bytes[f.size - strlen("\nUTC0\n")] = 'x';
    expect_refused(&f, "footer");
    f = make_rule("UTC0");
    add_bytes(&f, "what a later version may add", 28);
    expect_spans(&f, 1, &(struct zone_span){INT64_MIN, 0});
}

/* --- damage --- */

static void impossible_contents_are_refused(void **state) {
    (void)state;
    static const struct transition falling[] = {{5, 0}, {4, 0}}, equal[] = {{5, 0}, {5, 0}},
                                   unknown[] = {{5, 1}};
    static const int32_t zero[] = {0}, far_east[] = {93600}, far_west[] = {-90000}, absurd[] = {INT32_MIN};
    struct file f = make_file(2, falling, 1, zero, "UTC0");
    expect_refused(&f, "not in order");
    f = make_file(2, equal, 1, zero, "UTC0");
    expect_refused(&f, "not in order");
    f = make_file(1, unknown, 1, zero, "UTC0");
    expect_refused(&f, "does not have");
    f = make_file(0, NULL, 1, far_east, "UTC0");
    expect_refused(&f, "offset");
    f = make_file(0, NULL, 1, far_west, "UTC0");
    expect_refused(&f, "offset");
    f = make_file(0, NULL, 1, absurd, "UTC0");
    expect_refused(&f, "offset");
    f = make_file(0, NULL, 1, (const int32_t[]){93599}, "");
    expect_spans(&f, 1, &(struct zone_span){INT64_MIN, 93599000});
}

static void impossible_headers_are_refused(void **state) {
    (void)state;
    static const struct {
        struct counts counts;
        const char *words;
    } rows[] = {
        {{.type = 0, .abbreviation = 1}, "counts"},
        {{.type = 257, .abbreviation = 1}, "counts"},
        {{.type = 1, .abbreviation = 0}, "counts"},
        {{.type = 2, .abbreviation = 1, .isstd = 1}, "counts"},
        {{.type = 1, .abbreviation = 1, .isut = 2}, "counts"},
        {{.type = 1, .abbreviation = 1, .leap = 1}, "leap seconds"},
        {{.type = 1, .abbreviation = 1, .leap = UINT32_MAX}, "leap seconds"},
        {{.type = 1, .abbreviation = 1, .time = UINT32_MAX}, "shorter"},
        {{.type = 1, .abbreviation = UINT32_MAX}, "shorter"},
        {{.type = 1, .abbreviation = 200}, "shorter"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct file f = {0};
        add_old_block(&f, '2');
        add_header(&f, '2', rows[i].counts);
        add_number(&f, 0, 6 + 1);
        add_bytes(&f, "\nUTC0\n", 6);
        expect_refused(&f, rows[i].words);
    }
    struct file old = {0};
    add_old_block(&old, '\0');
    expect_refused(&old, "version 1");
    struct file huge = {0};
    add_header(&huge, '2', (struct counts){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, 1, UINT32_MAX});
    expect_refused(&huge, "counts");
    struct file longer = {0};
    add_header(&longer, '2', (struct counts){1, 1, UINT32_MAX, UINT32_MAX, 1, UINT32_MAX});
    expect_refused(&longer, "shorter");
}

/* The caller frees. */
static uint8_t *real_file(size_t *size) {
    FILE *file = fopen("/usr/share/zoneinfo/America/New_York", "r");
    assert_non_null(file);
    uint8_t *bytes = xcalloc(1, TZIF_BYTES_MAX);
    *size = fread(bytes, 1, TZIF_BYTES_MAX, file);
    fclose(file);
    assert_true(*size > 1000);
    return bytes;
}

static void every_cut_is_refused(void **state) {
    (void)state;
    size_t size;
    uint8_t *bytes = real_file(&size);
    for (size_t cut = 0; cut < size; cut++) { /* in a buffer of exactly that size: nothing behind is read */
        uint8_t *exact = malloc(cut + 1);
        memcpy(exact + 1, bytes, cut);
        uint32_t count;
        const char *why = NULL;
        if (tzif_read(exact + 1, cut, &count, &why) != NULL || why == NULL)
            fail_msg("read with %zu bytes of %zu", cut, size);
        free(exact);
    }
    free(bytes);
}

/* Refused with a reason, or read as something that a table can be made of. */
static void expect_sound(const uint8_t *bytes, size_t size) {
    uint32_t count = 0;
    const char *why = NULL;
    struct zone_span *spans = tzif_read(bytes, size, &count, &why);
    if (spans == NULL) {
        assert_non_null(why);
        return;
    }
    assert_true(count >= 1 && spans[0].from_ms == INT64_MIN);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(llabs(spans[i].offset_ms) < 26 * INT64_C(3600000));
        assert_true(i == 0 ||
                    (spans[i].from_ms > spans[i - 1].from_ms && spans[i].from_ms > ZONES_FIRST_MS &&
                     spans[i].from_ms < ZONES_END_MS && spans[i].offset_ms != spans[i - 1].offset_ms));
    }
    free(spans);
}

static void every_flipped_bit_is_survived(void **state) {
    (void)state;
    size_t size;
    uint8_t *bytes = real_file(&size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        expect_sound(bytes, size);
        bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    free(bytes);
}

static void random_damage_is_survived(void **state) {
    (void)state;
    size_t size;
    uint8_t *bytes = real_file(&size), *damaged = xcalloc(1, size);
    uint64_t random = 20230514;
    for (int round = 0; round < 20000; round++) {
        memcpy(damaged, bytes, size);
        for (int i = round % 7; i >= 0; i--) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
            size_t where = (size_t)(random >> 33) % size;
            if (round % 3 == 0)
                where = size - 1 - where % 40; /* the footer */
            static const uint8_t telling[] = {0,   1,   0x7f, 0x80, 0xff, '\n', ',',
                                              '/', '-', '9',  'M',  'J',  '<',  '.'};
            damaged[where] = telling[(random >> 20) % sizeof telling];
        }
        expect_sound(damaged, size);
    }
    free(bytes);
    free(damaged);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(dst_all_the_year_is_one_offset),
    cmocka_unit_test(the_two_forms_of_a_day_of_the_year_differ_after_february),
    cmocka_unit_test(weeks_count_from_the_first_such_day_and_five_is_the_last),
    cmocka_unit_test(times_may_lie_in_another_year),
    cmocka_unit_test(footers_in_every_form_are_read),
    cmocka_unit_test(other_footers_are_refused),
    cmocka_unit_test(the_footer_speaks_after_the_last_transition_only),
    cmocka_unit_test(without_transitions_the_footer_rules_all_time),
    cmocka_unit_test(transitions_outside_the_tables_leave_only_their_offset),
    cmocka_unit_test(a_footer_stands_between_newlines),
    cmocka_unit_test(impossible_contents_are_refused),
    cmocka_unit_test(impossible_headers_are_refused),
    cmocka_unit_test(every_cut_is_refused),
    cmocka_unit_test(every_flipped_bit_is_survived),
    cmocka_unit_test(random_damage_is_survived),
};

UNIT_TEST_MAIN(tests)
