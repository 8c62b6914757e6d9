/* The decoders, record by record: what SPEC 2 says of each field, and of the JSON around it.
 *
 * Every swipe here is decoded five times, and must come out the same: without a hint, with one that knows
 * nothing, and with one that has just seen the same text, also at both edges of readable memory. */
#include "decode.h"
#include "page_edge.h"

#include "unit_test.h"

#include <stdlib.h>

static const struct swipe_fields plain_fields = {"employee_id", "occurred_at", "site_id", "result",
                                                 "direction"};

#define NINE_OCLOCK 1677661200000 /* 2023-03-01T09:00:00Z */

static bool same_text(const struct short_text *a, const struct short_text *b) {
    return a->len == b->len && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool same_swipe(const struct swipe *a, const struct swipe *b) {
    return same_text(&a->employee, &b->employee) && same_text(&a->site, &b->site) &&
           same_text(&a->result, &b->result) && a->has_result == b->has_result &&
           a->has_offset == b->has_offset && a->offset_s == b->offset_s &&
           a->occurred_at.ms == b->occurred_at.ms;
}

static void assert_text(const struct short_text *text, const char *want) {
    static const struct short_text zero;
    assert_int_equal(text->len, strlen(want));
    assert_memory_equal(text->bytes, want, text->len);
    assert_memory_equal(text->bytes + text->len, zero.bytes, sizeof zero.bytes - text->len);
}

static struct swipe swipe;
static struct roster_record roster;
static struct leave_record leave;
static struct calendar_record calendar;
static struct decision_record decision;
static struct envelope envelope;
static struct reject_detail detail;
static struct page_edge edge;

/* Who a swipe is of, asked alone: of whatever is sound JSON, and the same person. */
static void check_employee(const struct swipe_fields *fields, const char *text, size_t len,
                           enum reason reason) {
    struct short_text employee;
    struct reject_detail other_detail;
    enum reason alone = decode_employee(fields, text, len, &employee, &other_detail);
    bool is_form = reason == REASON_too_large || reason == REASON_bad_json;
    assert_true(is_form == (alone == REASON_too_large || alone == REASON_bad_json));
    if (is_form)
        assert_string_equal(detail.text, other_detail.text);
    if (reason == REASON_applied) {
        assert_int_equal(alone, REASON_applied);
        assert_int_equal(employee.len, swipe.employee.len);
        assert_memory_equal(employee.bytes, swipe.employee.bytes, employee.len);
    }
}

static enum reason decode_n_as(const struct swipe_fields *fields, const char *text, size_t len) {
    static struct swipe_hint hint;
    struct swipe again;
    struct reject_detail other_detail;
    if (edge.begin == NULL)
        edge = page_edge_new(VALUE_BYTES_MAX + 1);
    memset(&hint, 0, sizeof hint);
    memset(&swipe, 0xa5, sizeof swipe); /* a decoder fills all of it */
    enum reason reason = decode_swipe(fields, NULL, text, len, &swipe, &detail);
    for (int i = 0; i < 4; i++) {
        memset(&again, 0x5a, sizeof again);
        const char *at = i < 2    ? text
                         : i == 2 ? page_edge_put_first(&edge, text, len)
                                  : page_edge_put_last(&edge, text, len);
        assert_int_equal(decode_swipe(fields, &hint, at, len, &again, &other_detail), reason);
        assert_true(same_swipe(&swipe, &again));
        if (reason != REASON_applied)
            assert_string_equal(detail.text, other_detail.text);
    }
    check_employee(fields, text, len, reason);
    return reason;
}

static enum reason decode_n(const char *text, size_t len) {
    return decode_n_as(&plain_fields, text, len);
}

static enum reason decode(const char *text) {
    return decode_n(text, strlen(text));
}

static void assert_reason_of(const char *text, enum reason got, enum reason want) {
    if (got != want)
        fail_msg("%s: %s (%s), not %s", text, reason_name(got), detail.text, reason_name(want));
    if (got != REASON_applied)
        assert_true(strlen(detail.text) > 0);
}

/* The rest of an object that is a good swipe, put before and behind what is tested. */
#define EMPLOYEE "\"employee_id\":\"E1\""
#define TIME     "\"occurred_at\":\"2023-03-01T09:00:00Z\""
#define GOOD     EMPLOYEE "," TIME

#define ASSERT_SWIPE(text, want) assert_reason_of(text, decode(text), REASON_##want)

/* Swipes */

static void swipe_with_every_field(void **state) {
    (void)state;
    ASSERT_SWIPE("{\"event_id\":\"e-1\",\"employee_id\":\"E1234567\",\"occurred_at\":\"2023-03-01T10:00:00."
                 "250+01:00\","
                 "\"site_id\":\"SEA33\",\"result\":\"granted_entered\",\"direction\":\"in\",\"reader_id\":7}",
                 applied);
    assert_text(&swipe.employee, "E1234567");
    assert_int_equal(swipe.occurred_at.ms, NINE_OCLOCK + 250);
    assert_true(swipe.has_offset);
    assert_int_equal(swipe.offset_s, 3600);
    assert_text(&swipe.site, "SEA33");
    assert_true(swipe.has_result);
    assert_text(&swipe.result, "granted_entered");
}

static void swipe_with_the_required_fields(void **state) {
    (void)state;
    ASSERT_SWIPE("{" GOOD "}", applied);
    assert_text(&swipe.employee, "E1");
    assert_int_equal(swipe.occurred_at.ms, NINE_OCLOCK);
    assert_text(&swipe.site, "");
    assert_false(swipe.has_result);
    assert_text(&swipe.result, "");
}

static void null_is_absent(void **state) {
    (void)state;
    ASSERT_SWIPE("{" GOOD ",\"site_id\":null,\"result\":null,\"direction\":null,\"else\":null}", applied);
    assert_text(&swipe.site, "");
    assert_false(swipe.has_result);
    ASSERT_SWIPE("{\"employee_id\":null," TIME "}", missing_field);
    ASSERT_SWIPE("{" EMPLOYEE ",\"occurred_at\":null}", missing_field);
}

static void required_fields(void **state) {
    (void)state;
    ASSERT_SWIPE("{}", missing_field);
    ASSERT_SWIPE("{" EMPLOYEE "}", missing_field);
    assert_string_equal(detail.text, "occurred_at: absent or null");
    ASSERT_SWIPE("{" TIME "}", missing_field);
    assert_string_equal(detail.text, "employee_id: absent or null");
    ASSERT_SWIPE("{\"Employee_id\":\"E1\"," TIME "}", missing_field);
    ASSERT_SWIPE("{\"employee_id \":\"E1\"," TIME "}", missing_field);
    ASSERT_SWIPE("{\"employee_i\":\"E1\"," TIME "}", missing_field);
    ASSERT_SWIPE("{\"x\":{" GOOD "}}", missing_field);
}

#define SIXTY_THREE "123456789012345678901234567890123456789012345678901234567890123"

static void employee_as_text(void **state) {
    (void)state;
    ASSERT_SWIPE("{\"employee_id\":\"" SIXTY_THREE "4\"," TIME "}", applied);
    assert_text(&swipe.employee, SIXTY_THREE "4");
    ASSERT_SWIPE("{\"employee_id\":\"" SIXTY_THREE "45\"," TIME "}", bad_field);
    assert_string_equal(detail.text, "employee_id: not of 1 to 64 bytes");
    ASSERT_SWIPE("{\"employee_id\":\"\"," TIME "}", bad_field);
    ASSERT_SWIPE("{\"employee_id\":\" \"," TIME "}", applied);
    /* 64 bytes are counted, not characters, and not those of escapes. */
    ASSERT_SWIPE("{\"employee_id\":\"" SIXTY_THREE "\xc3\xa9\"," TIME "}", bad_field);
    ASSERT_SWIPE("{\"employee_id\":\"" SIXTY_THREE "\\u0041\"," TIME "}", applied);
    assert_text(&swipe.employee, SIXTY_THREE "A");
    ASSERT_SWIPE("{\"employee_id\":\"" SIXTY_THREE "\\u00e9\"," TIME "}", bad_field);
    ASSERT_SWIPE("{\"employee_id\":\"a\\u0000b\"," TIME "}", applied);
    assert_int_equal(swipe.employee.len, 3);
    assert_memory_equal(swipe.employee.bytes, "a\0b", 3);
}

static void employee_as_integer(void **state) {
    (void)state;
    ASSERT_SWIPE("{\"employee_id\":4711," TIME "}", applied);
    assert_text(&swipe.employee, "4711");
    ASSERT_SWIPE("{\"employee_id\":0," TIME "}", applied);
    assert_text(&swipe.employee, "0");
    ASSERT_SWIPE("{\"employee_id\":-0," TIME "}", applied);
    assert_text(&swipe.employee, "0");
    ASSERT_SWIPE("{\"employee_id\":-12," TIME "}", applied);
    assert_text(&swipe.employee, "-12");
    ASSERT_SWIPE("{\"employee_id\":18446744073709551617," TIME "}", applied);
    assert_text(&swipe.employee, "18446744073709551617");
    ASSERT_SWIPE("{\"employee_id\":" SIXTY_THREE "4," TIME "}", applied);
    assert_text(&swipe.employee, SIXTY_THREE "4");
    ASSERT_SWIPE("{\"employee_id\":" SIXTY_THREE "45," TIME "}", bad_field);
    ASSERT_SWIPE("{\"employee_id\":-" SIXTY_THREE "," TIME "}", applied);
    ASSERT_SWIPE("{\"employee_id\":-" SIXTY_THREE "4," TIME "}", bad_field);
    ASSERT_SWIPE("{\"employee_id\":1.0," TIME "}", bad_field);
    ASSERT_SWIPE("{\"employee_id\":1e3," TIME "}", bad_field);
    ASSERT_SWIPE("{\"employee_id\":1E0," TIME "}", bad_field);
    ASSERT_SWIPE("{\"employee_id\":true," TIME "}", bad_field);
    ASSERT_SWIPE("{\"employee_id\":[1]," TIME "}", bad_field);
    ASSERT_SWIPE("{\"employee_id\":{}," TIME "}", bad_field);
}

static void occurred_as_text(void **state) {
    (void)state;
    ASSERT_SWIPE("{" EMPLOYEE ",\"occurred_at\":\"2023-03-01t09:00:00.9999z\"}", applied);
    assert_int_equal(swipe.occurred_at.ms, NINE_OCLOCK + 999);
    ASSERT_SWIPE("{" EMPLOYEE ",\"occurred_at\":\"2023-03-01T09:00:00\\u005a\"}", applied);
    assert_int_equal(swipe.occurred_at.ms, NINE_OCLOCK);
    assert_true(swipe.has_offset);
    ASSERT_SWIPE("{" EMPLOYEE ",\"occurred_at\":\"2023-03-01T09:00:00-00:00\"}", applied);
    assert_int_equal(swipe.offset_s, 0);
    ASSERT_SWIPE("{" EMPLOYEE ",\"occurred_at\":\"2023-03-01T09:00:00\"}", bad_field);
    ASSERT_SWIPE("{" EMPLOYEE ",\"occurred_at\":\"2016-12-31T23:59:60Z\"}", bad_field);
    ASSERT_SWIPE("{" EMPLOYEE ",\"occurred_at\":\"\"}", bad_field);
    ASSERT_SWIPE("{" EMPLOYEE ",\"occurred_at\":\"1677661200000\"}", bad_field);
    ASSERT_SWIPE("{" EMPLOYEE ",\"occurred_at\":true}", bad_field);
    ASSERT_SWIPE("{" EMPLOYEE ",\"occurred_at\":[\"2023-03-01T09:00:00Z\"]}", bad_field);
}

static void occurred_as_integer(void **state) {
    (void)state;
    ASSERT_SWIPE("{" EMPLOYEE ",\"occurred_at\":1677661200123}", applied);
    assert_int_equal(swipe.occurred_at.ms, NINE_OCLOCK + 123);
    assert_false(swipe.has_offset);
    ASSERT_SWIPE("{" EMPLOYEE ",\"occurred_at\":0}", applied);
    assert_int_equal(swipe.occurred_at.ms, 0);
    ASSERT_SWIPE("{" EMPLOYEE ",\"occurred_at\":-0}", applied);
    assert_int_equal(swipe.occurred_at.ms, 0);
    ASSERT_SWIPE("{" EMPLOYEE ",\"occurred_at\":7258118399999}", applied);
    assert_int_equal(swipe.occurred_at.ms, 7258118399999);
    static const char *const refused[] = {
        "-1",
        "7258118400000",
        "1677661200123000",    /* microseconds */
        "1677661200123000000", /* nanoseconds */
        "9223372036854775807",
        "18446744073709551616",
        "-9223372036854775808",
        "100000000000000000000000000000000000000000000000000000000000000000",
        "1677661200123.0",
        "1.677661200123e12",
        "1677661200123E0"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "{" EMPLOYEE ",\"occurred_at\":%s}", refused[i]);
        ASSERT_SWIPE(text, bad_field);
    }
}

/* Replay takes the arrival of a line from it. */
static void occurred_is_right_in_a_bad_swipe(void **state) {
    (void)state;
    ASSERT_SWIPE("{" TIME "}", missing_field);
    assert_int_equal(swipe.occurred_at.ms, NINE_OCLOCK);
    ASSERT_SWIPE("{" GOOD ",\"direction\":\"up\"}", bad_field);
    assert_int_equal(swipe.occurred_at.ms, NINE_OCLOCK);
    ASSERT_SWIPE("{\"employee_id\":[],\"occurred_at\":\"yesterday\"}", bad_field);
    assert_int_equal(swipe.occurred_at.ms, EVENT_TIME_NONE.ms);
    ASSERT_SWIPE("{" EMPLOYEE "}", missing_field);
    assert_int_equal(swipe.occurred_at.ms, EVENT_TIME_NONE.ms);
    ASSERT_SWIPE("{" GOOD "", bad_json);
    assert_int_equal(swipe.occurred_at.ms, EVENT_TIME_NONE.ms);
}

static void site_of_a_swipe(void **state) {
    (void)state;
    ASSERT_SWIPE("{" GOOD ",\"site_id\":\"" SIXTY_THREE "4\"}", applied);
    assert_text(&swipe.site, SIXTY_THREE "4");
    ASSERT_SWIPE("{" GOOD ",\"site_id\":\"" SIXTY_THREE "45\"}", bad_field);
    ASSERT_SWIPE("{" GOOD ",\"site_id\":\"\"}", bad_field);
    ASSERT_SWIPE("{" GOOD ",\"site_id\":33}", bad_field);
}

static void any_text_is_a_result(void **state) {
    (void)state;
    ASSERT_SWIPE("{" GOOD ",\"result\":\"\"}", applied);
    assert_true(swipe.has_result);
    assert_text(&swipe.result, "");
    ASSERT_SWIPE("{" GOOD ",\"result\":\"\\u0064enied \\ud83d\\ude80\"}", applied);
    assert_text(&swipe.result, "denied \xf0\x9f\x9a\x80");
    ASSERT_SWIPE("{" GOOD ",\"result\":\"" SIXTY_THREE "4\"}", applied);
    assert_text(&swipe.result, SIXTY_THREE "4");
    ASSERT_SWIPE("{" GOOD ",\"result\":\"" SIXTY_THREE "45\"}", applied);
    assert_int_equal(swipe.result.len, RESULT_TOO_LONG);
    ASSERT_SWIPE("{" GOOD ",\"result\":\"" SIXTY_THREE SIXTY_THREE SIXTY_THREE SIXTY_THREE "4567\"}",
                 applied);
    assert_int_equal(swipe.result.len, RESULT_TOO_LONG);
    ASSERT_SWIPE("{" GOOD ",\"result\":" SIXTY_THREE "}", bad_field);
    ASSERT_SWIPE("{" GOOD ",\"result\":false}", bad_field);
}

static void directions(void **state) {
    (void)state;
    ASSERT_SWIPE("{" GOOD ",\"direction\":\"in\"}", applied);
    ASSERT_SWIPE("{" GOOD ",\"direction\":\"out\"}", applied);
    ASSERT_SWIPE("{" GOOD ",\"direction\":\"unknow\\u006E\"}", applied);
    ASSERT_SWIPE("{" GOOD ",\"direction\":\"IN\"}", bad_field);
    ASSERT_SWIPE("{" GOOD ",\"direction\":\"in \"}", bad_field);
    ASSERT_SWIPE("{" GOOD ",\"direction\":\"i\"}", bad_field);
    ASSERT_SWIPE("{" GOOD ",\"direction\":\"\"}", bad_field);
    ASSERT_SWIPE("{" GOOD ",\"direction\":\"in\\u0000\"}", bad_field);
    ASSERT_SWIPE("{" GOOD ",\"direction\":1}", bad_field);
    ASSERT_SWIPE("{" GOOD ",\"direction\":{\"in\":\"in\"}}", bad_field);
}

static void unknown_fields_are_ignored(void **state) {
    (void)state;
    ASSERT_SWIPE("{\"a\":[1,{\"employee_id\":[]}],\"employee_ID\":1,\"\":\"\"," GOOD ",\"topic\":\"swipes\"}",
                 applied);
    assert_text(&swipe.employee, "E1");
}

static void mapped_names(void **state) {
    (void)state;
    struct swipe_fields fields = {"personId", "when", "lieu \xc3\xa9", "outcome", "employee_id"};
    const char *text = "{\"personId\":7,\"when\":1677661200000,\"lieu \\u00e9\":\"X\",\"outcome\":\"ok\","
                       "\"employee_id\":\"out\",\"site_id\":[]}";
    assert_reason_of(text, decode_n_as(&fields, text, strlen(text)), REASON_applied);
    assert_text(&swipe.employee, "7");
    assert_text(&swipe.site, "X");
    assert_text(&swipe.result, "ok");
    text = "{\"person\":7,\"when\":1677661200000}";
    assert_reason_of(text, decode_n_as(&fields, text, strlen(text)), REASON_missing_field);
    assert_string_equal(detail.text, "personId: absent or null");
    memset(fields.employee_id, 'n', 64);
    text = "{\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\":7,\"when\":1677661200000}";
    assert_reason_of(text, decode_n_as(&fields, text, strlen(text)), REASON_applied);
    text = "{\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\":7,\"when\":1677661200000}";
    assert_reason_of(text, decode_n_as(&fields, text, strlen(text)), REASON_missing_field);
}

/* Keys */

static void keys_are_compared_without_escapes(void **state) {
    (void)state;
    ASSERT_SWIPE("{\"employee\\u005fid\":\"E2\"," TIME "}", applied);
    assert_text(&swipe.employee, "E2");
    ASSERT_SWIPE("{" GOOD ",\"\\u0073ite_id\":7}", bad_field);
    ASSERT_SWIPE("{" GOOD ",\"site_id\\u0000\":7}", applied);
    ASSERT_SWIPE("{" GOOD ",\"\\u0000site_id\":7}", applied);
}

static void repeated_keys(void **state) {
    (void)state;
    static const char *const refused[] = {
        "{" GOOD "," EMPLOYEE "}",
        "{" GOOD ",\"employee_id\":null}",
        "{\"employee_id\":null," GOOD "}",
        "{" GOOD ",\"employee\\u005fid\":\"E1\"}",
        "{" GOOD ",\"x\":1,\"x\":1}",
        "{" GOOD ",\"x\":1,\"y\":2,\"\\u0078\":1}",
        "{" GOOD ",\"\":1,\"\":1}",
        "{" GOOD ",\"a/b\":1,\"a\\/b\":1}",
        "{" GOOD ",\"\xc3\xa9\":1,\"\\u00E9\":1}",
        "{" GOOD ",\"\xe2\x82\xac\":1,\"\\u20aC\":1}",
        "{" GOOD ",\"\xf0\x9f\x9a\x80\":1,\"\\ud83d\\uDE80\":1}",
        "{" GOOD ",\"\\t\":1,\"\\u0009\":1}",
        "{" GOOD ",\"\\\"\\\\\\b\\f\\n\\r\":1,\"\\u0022\\u005c\\u0008\\u000c\\u000a\\u000d\":1}",
        "{" GOOD ",\"a\\u0000b\":1,\"a\\u0000b\":1}",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        ASSERT_SWIPE(refused[i], bad_json);
    static const char *const taken[] = {
        "{" GOOD ",\"x\":1,\"X\":1,\"xx\":1,\"x \":1,\"\":1}",
        "{" GOOD ",\"a\\u0000b\":1,\"a\\u0000c\":1,\"a\":1,\"a\\u0000\":1}",
        "{" GOOD ",\"\xc3\xa9\":1,\"e\xcc\x81\":1}", /* equal only when normalised, which JSON is not */
        "{" GOOD ",\"x\":{\"y\":1,\"y\":2},\"z\":[{\"y\":1,\"\\u0079\":2}],\"y\":1}",
    };
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        ASSERT_SWIPE(taken[i], applied);
}

/* As many keys as fit; the one at `repeat` is that of `of`. `style` varies how they are written. */
static size_t put_many_keys(char *text, size_t count, size_t repeat, size_t of, int style) {
    size_t len = (size_t)sprintf(text, "{");
    for (size_t i = 0; i < count; i++) {
        size_t key = i == repeat ? of : i;
        const char *comma = i > 0 ? "," : "";
        if (style == 0)
            len += (size_t)sprintf(text + len, "%s\"%zx\":0", comma, key);
        else if (style == 1 || (i % 2 == 0 && i != repeat))
            len += (size_t)sprintf(text + len, "%s\"same start %05zx\":0", comma, key);
        else
            len += (size_t)sprintf(text + len, "%s\"\\u0073ame start %05zx\":0", comma, key);
    }
    return len + (size_t)sprintf(text + len, "}");
}

static void repeated_keys_among_many(void **state) {
    (void)state;
    static char text[3 * VALUE_BYTES_MAX];
    static const size_t counts[] = {16, 17, 18, 100, 2000};
    for (int style = 0; style < 3; style++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            size_t count = counts[c], places[] = {0, 1, 15, count / 2, count - 2, count - 1};
            size_t len = put_many_keys(text, count, count, 0, style);
            assert_true(len <= VALUE_BYTES_MAX);
            assert_int_equal(decode_n(text, len), REASON_missing_field);
            for (size_t a = 0; a < 6; a++)
                for (size_t b = 0; b < 6; b++)
                    if (places[a] != places[b]) {
                        len = put_many_keys(text, count, places[a], places[b], style);
                        assert_int_equal(decode_n(text, len), REASON_bad_json);
                    }
        }
}

static void most_keys_that_fit(void **state) {
    (void)state;
    static char text[2 * VALUE_BYTES_MAX];
    size_t count = 0, len = 0;
    while (len <= VALUE_BYTES_MAX)
        len = put_many_keys(text, ++count, SIZE_MAX, 0, 0);
    len = put_many_keys(text, count - 1, SIZE_MAX, 0, 0);
    assert_int_equal(decode_n(text, len), REASON_missing_field);
    len = put_many_keys(text, count - 1, count - 2, 100, 0);
    assert_int_equal(decode_n(text, len), REASON_bad_json);
    /* All of them the shortest there is: 13,107 repeats of one key. */
    for (len = 1; len + 6 <= VALUE_BYTES_MAX; len += 5)
        memcpy(text + len, "\"\":0,", 5);
    text[0] = '{';
    text[len - 1] = '}';
    assert_int_equal(decode_n(text, len), REASON_bad_json);
}

/* JSON */

struct verdict {
    bool valid;
    const char *text;
};

/* Each as the value of an ignored member: `valid` or bad_json. Comments name what an implementation may do
 * otherwise (the i_ files of the JSON test suite by N. Seriot), and what we do. */
static void assert_values(const struct verdict *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char text[600];
        snprintf(text, sizeof text, "{\"x\":%s}", rows[i].text);
        assert_reason_of(text, decode(text), rows[i].valid ? REASON_missing_field : REASON_bad_json);
        snprintf(text, sizeof text, "{\"x\" : [ 1 , { \"y\" : %s } ] }", rows[i].text);
        assert_reason_of(text, decode(text), rows[i].valid ? REASON_missing_field : REASON_bad_json);
    }
}

static void json_numbers(void **state) {
    (void)state;
    static const struct verdict rows[] = {
        {true, "0"},
        {true, "-0"},
        {true, "123"},
        {true, "-1"},
        {true, "0.5"},
        {true, "-0.0"},
        {true, "1e5"},
        {true, "1E5"},
        {true, "1e+5"},
        {true, "1e-5"},
        {true, "0e0"},
        {true, "0E+1"},
        {true, "1.25e007"},
        {true, " 1 "},
        {true, "1e999999"}, /* i_: not in the range of a double; no number here is made one */
        {true, "-1e999999"},
        {true, "1e-999999"},
        {true, "9007199254740993"},
        {true, "18446744073709551616"},
        {true, "100000000000000000000000000000000000000000000000000000000000000000000000000000000000001"},
        {false, "+1"},
        {false, "01"},
        {false, "-01"},
        {false, "00"},
        {false, "-"},
        {false, "--1"},
        {false, "-a"},
        {false, "1."},
        {false, "1.e5"},
        {false, ".5"},
        {false, "-.5"},
        {false, "1e"},
        {false, "1e+"},
        {false, "1E-"},
        {false, "1e5.5"},
        {false, "1.5.5"},
        {false, "1 2"},
        {false, "1_000"},
        {false, "0x1f"},
        {false, "1f"},
        {false, "NaN"},
        {false, "nan"},
        {false, "Infinity"},
        {false, "-Infinity"},
        {false, "inf"},
        {false, "\xef\xbc\x91"}, /* a full-width digit */
        {false, "1,"},
        {false, "1e5e5"},
        {false, "1-1"},
        {false, "-  1"},
    };
    assert_values(rows, sizeof rows / sizeof rows[0]);
}

static void json_words(void **state) {
    (void)state;
    static const struct verdict rows[] = {
        {true, "true"},
        {true, "false"},
        {true, "null"},
        {false, "True"},
        {false, "TRUE"},
        {false, "tru"},
        {false, "truee"},
        {false, "true1"},
        {false, "nul"},
        {false, "nulll"},
        {false, "fals"},
        {false, "t"},
        {false, "'a'"},
        {false, "a"},
        {false, "undefined"},
        {false, "nulltrue"},
        {false, "/**/1"},
        {false, "1//"},
        {false, ""},
        {false, "\xef\xbb\xbf"
                "1"},
        {false, "\x01"},
        {false, "\x0b"
                "1"},
        {false, "\x0c"
                "1"},
        {false, "\xc2\xa0"
                "1"},
        {false, "\xe2\x81\xa0"
                "1"},
    };
    assert_values(rows, sizeof rows / sizeof rows[0]);
}

static void json_structure(void **state) {
    (void)state;
    static const struct verdict rows[] = {
        {true, "[]"},
        {true, "{}"},
        {true, " [ ] "},
        {true, "\t{\r\n}\n"},
        {true, "[1,2,3]"},
        {true, "[ 1 , [ 2 , { } ] , \"\" ]"},
        {true, "[[],[[]],{},{\"a\":{}}]"},
        {true, "{\"a\":1,\"a\":2}"}, /* keys may be repeated below the top level */
        {true, "{\"\":0}"},
        {true, "[null,true,false]"},
        {false, "["},
        {false, "]"},
        {false, "[1"},
        {false, "[1,"},
        {false, "[1,]"},
        {false, "[,1]"},
        {false, "[,]"},
        {false, "[1,,2]"},
        {false, "[1 2]"},
        {false, "[1:2]"},
        {false, "[1]]"},
        {false, "[1}"},
        {false, "[}"},
        {false, "{]"},
        {false, "{"},
        {false, "{\"a\""},
        {false, "{\"a\":"},
        {false, "{\"a\":1"},
        {false, "{\"a\":1,"},
        {false, "{\"a\":1,}"},
        {false, "{,}"},
        {false, "{,\"a\":1}"},
        {false, "{\"a\":1,,\"b\":2}"},
        {false, "{\"a\"}"},
        {false, "{\"a\",1}"},
        {false, "{\"a\" 1}"},
        {false, "{\"a\"::1}"},
        {false, "{:1}"},
        {false, "{a:1}"},
        {false, "{1:1}"},
        {false, "{'a':1}"},
        {false, "{null:1}"},
        {false, "{[]:1}"},
        {false, "{\"a\":1 \"b\":2}"},
        {false, "{\"a\":1]"},
        {false, "{\"a\":1,\"b\"}"},
        {false, "[\"a\":1]"},
        {false, "[{]}"},
        {false, "[*]"},
        {false, "[1;2]"},
        {false, "<null>"},
    };
    assert_values(rows, sizeof rows / sizeof rows[0]);
}

static void json_strings(void **state) {
    (void)state;
    static const struct verdict rows[] = {
        {true, "\"\""},
        {true, "\"a\""},
        {true, "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""},
        {true, "\"\\u0000\\u001f\\uFFFF\\uabCD\""},
        {true, "\"\\ud834\\udd1e\""},
        {true, "\"\\uDBFF\\uDFFF\""},
        {true, "\"\x7f\""},
        {true, "\"[{,:}]//\""},
        {true, "\"0123456789abcdef0123456789abcdef0123456789abcdef\""},
        {true, "\"\\u0041\\u0042\\u0043\\u0044\\u0045\\u0046\\u0047\""},
        {false, "\""},
        {false, "\"a"},
        {false, "\"\\\""},
        {false, "\"\\"},
        {false, "\"\\x41\""},
        {false, "\"\\a\""},
        {false, "\"\\0\""},
        {false, "\"\\U0041\""},
        {false, "\"\\'\""},
        {false, "\"\\\n\""},
        {false, "\"\\u\""},
        {false, "\"\\u00\""},
        {false, "\"\\u004\""},
        {false, "\"\\u004g\""},
        {false, "\"\\u 041\""},
        {false, "\"\\u+041\""},
        {false, "\"\\u-041\""},
        {false, "\"\\u00\\u0041\""},
        /* i_: surrogates that are no pair */
        {false, "\"\\ud800\""},
        {false, "\"\\udc00\""},
        {false, "\"\\udfff\""},
        {false, "\"\\ud800a\""},
        {false, "\"\\ud800\\n\""},
        {false, "\"\\ud800\\u0041\""},
        {false, "\"\\ud800\\ud800\""},
        {false, "\"\\ud800\\ud800\\udc00\""},
        {false, "\"\\udd1e\\ud834\""},
        {false, "\"\\ud800\\udc0\""},
        {false, "\"\\ud800\\u\""},
        {false, "\"\\ud800\\\""},
        {false, "\"\\ud800\\udbff\""},
        {false, "\"\\ud800\\ue000\""},
        {false, "\"a\tb\""},
        {false, "\"a\nb\""},
        {false, "\"\x01\""},
        {false, "\"\x1f\""},
        {false, "\"0123456789abcdef0123456789abcde\x1f\""},
    };
    assert_values(rows, sizeof rows / sizeof rows[0]);
}

static void json_utf8(void **state) {
    (void)state;
    static const struct verdict rows[] = {
        {true, "\"\xc2\x80\""},
        {true, "\"\xdf\xbf\""},
        {true, "\"\xe0\xa0\x80\""},
        {true, "\"\xed\x9f\xbf\""},
        {true, "\"\xee\x80\x80\""},
        {true, "\"\xef\xbf\xbf\""}, /* noncharacters are characters */
        {true, "\"\xef\xbb\xbf\""}, /* a BOM within a string is one too */
        {true, "\"\xf0\x90\x80\x80\""},
        {true, "\"\xf4\x8f\xbf\xbf\""},
        {true, "\"\xe2\x80\xa8\xe2\x80\xa9\""},
        {true, "\"a\xc3\xa9"
               "b\xe2\x82\xac"
               "c\xf0\x9f\x9a\x80"
               "d\""},
        {true, "\"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82\""},
        {false, "\"\x80\""}, /* i_: what is not UTF-8 */
        {false, "\"\xbf\""},
        {false, "\"\xc0\x80\""}, /* overlong */
        {false, "\"\xc1\xbf\""},
        {false, "\"\xe0\x80\x80\""},
        {false, "\"\xe0\x9f\xbf\""},
        {false, "\"\xf0\x80\x80\x80\""},
        {false, "\"\xf0\x8f\xbf\xbf\""},
        {false, "\"\xed\xa0\x80\""}, /* surrogates */
        {false, "\"\xed\xbf\xbf\""},
        {false, "\"\xed\xa0\xb4\xed\xb4\x9e\""},
        {false, "\"\xf4\x90\x80\x80\""}, /* above U+10FFFF */
        {false, "\"\xf5\x80\x80\x80\""},
        {false, "\"\xf8\x88\x80\x80\x80\""},
        {false, "\"\xfc\x84\x80\x80\x80\x80\""},
        {false, "\"\xfe\""},
        {false, "\"\xff\""},
        {false, "\"\xc3\""}, /* cut short */
        {false, "\"\xc3\\u00a9\""},
        {false, "\"\xe2\x82\""},
        {false, "\"\xe2\x28\xa1\""},
        {false, "\"\xe2\x82\x28\""},
        {false, "\"\xf0\x9f\x9a\""},
        {false, "\"\xf0\x28\x8c\xbc\""},
        {false, "\"\xf0\x90\x28\xbc\""},
        {false, "\"\xf0\x9f\x9a\xc0\""},
        {false, "\"\xe9\""}, /* Latin-1 */
        {false, "\"0123456789abcdef0123456789abcde\xff\""},
    };
    assert_values(rows, sizeof rows / sizeof rows[0]);
}

/* Around the object. */
static void json_texts(void **state) {
    (void)state;
    static const struct verdict rows[] = {
        {true, "{}"},
        {true, " {}"},
        {true, "\t\r\n {} \n\r\t"},
        {true, "{\"a\":1}\n"},
        {false, ""},
        {false, " "},
        {false, "null"},
        {false, "1"},
        {false, "\"a\""},
        {false, "[]"},
        {false, "[{}]"},
        {false, "{} {}"},
        {false, "{}{}"},
        {false, "{},"},
        {false, "{}x"},
        {false, "{}#"},
        {false, "{}/**/"},
        {false, "{}}"},
        {false, "}"},
        {false, "{"},
        {false, "{,}"},
        {false, "\xef\xbb\xbf{}"}, /* i_: a BOM */
        {false, "{}\xef\xbb\xbf"},
        {false, "{}\x0c"},
        {false, "{}\xc2\xa0"},
        {false, "\x1e{}"},
        {false, "(\"a\":1)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_reason_of(rows[i].text, decode(rows[i].text),
                         rows[i].valid ? REASON_missing_field : REASON_bad_json);
    static const struct {
        size_t len;
        const char *text;
    } with_nul[] = {{3, "{}\0"},
                    {3, "\0{}"},
                    {8, "{\"a\0\":1}"},
                    {8, "{\"a\":1\0}"},
                    {10, "{\"a\":\"\0b\"}"},
                    {14, "{\0\"\0a\0\"\0:\0001\0}\0"}};
    for (size_t i = 0; i < sizeof with_nul / sizeof with_nul[0]; i++)
        assert_reason_of("text with NUL", decode_n(with_nul[i].text, with_nul[i].len), REASON_bad_json);
    assert_int_equal(decode_swipe(&plain_fields, NULL, NULL, 0, &swipe, &detail), REASON_bad_json);
}

/* `depth` brackets in all, the outermost object counted; `half` leaves them open. */
static size_t put_nested(char *text, unsigned depth, const char *open, char close, bool half) {
    size_t len = (size_t)sprintf(text, "{\"x\":");
    for (unsigned i = 1; i < depth; i++)
        len += (size_t)sprintf(text + len, "%s", open);
    len += (size_t)sprintf(text + len, "1");
    for (unsigned i = 1; i < depth && !half; i++)
        text[len++] = close;
    return len + (size_t)sprintf(text + len, "}");
}

static void json_depth(void **state) {
    (void)state;
    static char text[VALUE_BYTES_MAX + 100];
    for (unsigned depth = 2; depth < 70; depth++) {
        enum reason want = depth <= JSON_DEPTH_MAX ? REASON_missing_field : REASON_bad_json;
        assert_int_equal(decode_n(text, put_nested(text, depth, "[", ']', false)), want);
        assert_int_equal(decode_n(text, put_nested(text, depth, "{\"y\":", '}', false)), want);
        assert_int_equal(decode_n(text, put_nested(text, depth, "[[],", ']', false)),
                         depth < JSON_DEPTH_MAX ? REASON_missing_field : REASON_bad_json);
        assert_int_equal(decode_n(text, put_nested(text, depth, "[", ']', true)), REASON_bad_json);
    }
    /* Brackets of both kinds, closed in the wrong order. */
    ASSERT_SWIPE("{\"x\":[{\"y\":[{\"z\":[]}]}]}", missing_field);
    ASSERT_SWIPE("{\"x\":[{\"y\":[{\"z\":[]]}}]}", bad_json);
    memset(text, '[', VALUE_BYTES_MAX);
    memcpy(text, "{\"x\":", 5);
    assert_int_equal(decode_n(text, VALUE_BYTES_MAX), REASON_bad_json);
    assert_non_null(strstr(detail.text, "nested too deep"));
}

static void largest_value(void **state) {
    (void)state;
    static char text[VALUE_BYTES_MAX + 2];
    static const struct {
        size_t len;
        enum reason want;
    } rows[] = {{VALUE_BYTES_MAX - 1, REASON_applied},
                {VALUE_BYTES_MAX, REASON_applied},
                {VALUE_BYTES_MAX + 1, REASON_too_large}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(text, 'a', sizeof text); /* one long string */
        memcpy(text, "{" GOOD ",\"x\":\"", sizeof "{" GOOD ",\"x\":\"" - 1);
        memcpy(text + rows[i].len - 2, "\"}", 2);
        assert_int_equal(decode_n(text, rows[i].len), rows[i].want);
        memset(text, ' ', sizeof text); /* white space */
        memcpy(text, "{" GOOD "}", sizeof "{" GOOD "}" - 1);
        assert_int_equal(decode_n(text, rows[i].len), rows[i].want);
    }
    memset(text, ' ', sizeof text); /* too large comes before all else */
    assert_int_equal(decode_n(text, VALUE_BYTES_MAX), REASON_bad_json);
    assert_int_equal(decode_n(text, VALUE_BYTES_MAX + 1), REASON_too_large);
}

/* A hint that knows how such a swipe begins and ends does not let it pass. */
static void too_large_for_a_shape(void **state) {
    (void)state;
    static struct swipe_hint hint;
    static char text[VALUE_BYTES_MAX + 2];
    static const char start[] = "{" GOOD ",\"x\":\"";
    memset(&hint, 0, sizeof hint);
    for (size_t len = 100; len <= VALUE_BYTES_MAX + 1;
         len += len < VALUE_BYTES_MAX ? VALUE_BYTES_MAX - len : 1) {
        memset(text, 'a', sizeof text);
        memcpy(text, start, sizeof start - 1);
        memcpy(text + len - 2, "\"}", 2);
        assert_int_equal(decode_swipe(&plain_fields, &hint, text, len, &swipe, &detail),
                         len <= VALUE_BYTES_MAX ? REASON_applied : REASON_too_large);
    }
}

static const char rich_swipe[] = " { \"event_id\" : [ 1.5e3 , { \"a\" : null } ] , "
                                 "\"employee_id\":\"E\\u00e9\xc3\xa9\\ud83d\\ude80\",\"occurred_at\":"
                                 "\"2023-03-01T09:00:00.123+01:00\",\"site_id\":\"SEA33\",\"result\":"
                                 "\"granted\",\"direction\":\"in\",\"n\":-0.1} ";

/* No beginning of a value is a value, whether or not a hint expects the whole, and none is read beyond its
 * end. */
static void truncated_everywhere(void **state) {
    (void)state;
    static const char *const texts[] = {rich_swipe,
                                        "{\"employee_id\":17,\"occurred_at\":1677661200000,\"x\":true}",
                                        "{" GOOD ",\"site_id\":\"SEA33\"}", "{\"a\":\"\xf0\x9f\x9a\x80\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t whole = strlen(texts[i]), end = whole;
        static struct swipe_hint hint;
        memset(&hint, 0, sizeof hint);
        assert_int_not_equal(decode_swipe(&plain_fields, &hint, texts[i], whole, &swipe, &detail),
                             REASON_bad_json);
        while (texts[i][end - 1] == ' ')
            end--; /* white space behind the object may go */
        for (size_t len = 0; len < end; len++) {
            assert_int_equal(decode_n(texts[i], len), REASON_bad_json);
            const char *at = page_edge_put_last(&edge, texts[i], len);
            assert_int_equal(decode_swipe(&plain_fields, &hint, at, len, &swipe, &detail), REASON_bad_json);
        }
    }
}

/* A hint that expects the original changes nothing about what any change of a byte makes of it. */
static void every_byte_replaced(void **state) {
    (void)state;
    static const char *const texts[] = {rich_swipe,
                                        "{\"employee_id\":17,\"occurred_at\":1677661200000,\"x\":true}",
                                        "{" GOOD ",\"site_id\":\"SEA33\",\"direction\":\"out\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t len = strlen(texts[i]);
        for (size_t at = 0; at < len; at++)
            for (int byte = 0; byte < 256; byte++) {
                static struct swipe_hint hint;
                struct swipe with_hint, without;
                struct reject_detail other_detail;
                char text[400];
                memset(&hint, 0, sizeof hint);
                memcpy(text, texts[i], len + 1);
                decode_swipe(&plain_fields, &hint, text, len, &with_hint, &detail);
                text[at] = (char)byte;
                enum reason reason = decode_swipe(&plain_fields, &hint, text, len, &with_hint, &detail);
                assert_int_equal(decode_swipe(&plain_fields, NULL, text, len, &without, &other_detail),
                                 reason);
                assert_true(same_swipe(&with_hint, &without));
            }
    }
}

/* The hint */

/* Swipes of more shapes than a hint holds, in turn: some match, some are learned, all come out right. */
static void many_shapes_in_turn(void **state) {
    (void)state;
    static struct swipe_hint hint;
    memset(&hint, 0, sizeof hint);
    for (unsigned i = 0; i < 2000; i++) {
        char text[300], employee[20];
        unsigned shape = i * 7 % 9 % (i < 1000 ? 9 : 3);
        snprintf(employee, sizeof employee, "E%u", i);
        snprintf(text, sizeof text, "{\"x%u\":\"%u\",\"employee_id\":\"%s\",%s\"occurred_at\":%u}", shape, i,
                 employee, shape % 2 ? "\"site_id\":\"A\"," : "", i);
        assert_int_equal(decode_swipe(&plain_fields, &hint, text, strlen(text), &swipe, &detail),
                         REASON_applied);
        assert_text(&swipe.employee, employee);
        assert_text(&swipe.site, shape % 2 ? "A" : "");
        assert_int_equal(swipe.occurred_at.ms, i);
    }
}

/* More members, and longer texts, than are learned. */
static void shapes_too_large_to_learn(void **state) {
    (void)state;
    for (unsigned members = 15; members < 30; members++) {
        char text[1000];
        int len = snprintf(text, sizeof text, "{" GOOD);
        for (unsigned i = 0; i < members; i++)
            len += snprintf(text + len, sizeof text - (size_t)len, ",\"m%u\":%u", i, i);
        snprintf(text + len, sizeof text - (size_t)len, "}");
        ASSERT_SWIPE(text, applied);
        assert_text(&swipe.employee, "E1");
    }
    for (int spaces = 400; spaces < 500; spaces++) {
        char text[700];
        snprintf(text, sizeof text, "{" EMPLOYEE ",%*s" TIME "}", spaces, "");
        ASSERT_SWIPE(text, applied);
        assert_int_equal(swipe.occurred_at.ms, NINE_OCLOCK);
    }
}

/* After a swipe with one value, the same with another: of another length, another type, no value at all. */
static const char *const odd_values[] = {
    "\"in\"",
    "\"\"",
    "\"out\"",
    "\"\\u0069n\"",
    "\"in \"",
    "\"i n\"",
    "\"!\"",
    "\"#\"",
    "7",
    "0",
    "10",
    "-7",
    "-0",
    "-10",
    "01",
    "1.5",
    "0.5",
    "10.05",
    "-1.5e+10",
    "1e5",
    "1E05",
    "1.",
    "--1",
    "1-1",
    "null",
    "true",
    "false",
    "[\"in\"]",
    "[]",
    "{\"in\":0}",
    "{\"in\":[1]}",
    "nul",
    "\"x",
    "",
    "in",
    "\"\xc3\xa9\"",
    "\"\xc3\"",
    "\"a\xe2\x82\xac b\"",
    "\"\t\"",
    "\"\\\"",
    "7 ",
    " \"in\"",
    "\"in\" , \"z\":1",
    "\"in\"}",
    "7,",
    "\"\x7f\"",
    "\"a\\n\"",
    "\"a\\\\b\"",
    "\"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ\"",
    "123456789012345678901234567890",
};

static void assert_same_after(const char *learned, const char *text) {
    static struct swipe_hint hint;
    struct swipe other;
    struct reject_detail other_detail;
    size_t len = strlen(text);
    memset(&hint, 0, sizeof hint);
    if (edge.begin == NULL)
        edge = page_edge_new(VALUE_BYTES_MAX + 1);
    decode_swipe(&plain_fields, &hint, learned, strlen(learned), &swipe, &detail);
    for (int i = 0; i < 2; i++) {
        const char *at =
            i == 0 ? page_edge_put_first(&edge, text, len) : page_edge_put_last(&edge, text, len);
        enum reason reason = decode_swipe(&plain_fields, &hint, at, len, &swipe, &detail);
        assert_reason_of(text, decode_swipe(&plain_fields, NULL, text, len, &other, &other_detail), reason);
        assert_true(same_swipe(&swipe, &other));
    }
}

static void values_that_change(void **state) {
    (void)state;
    static const char *const frames[] = {
        "{" GOOD ",\"direction\":%s,\"y\":%s}", "{\"site_id\":%s," GOOD ",\"result\":%s}",
        "{\"employee_id\":%s,\"occurred_at\":%s}", "{\"y\":%s,\"x\":%s}",
        "{\"occurred_at\":1677661200000,\"y\":%s,\"x\":%s,\"employee_id\":7}"};
    size_t count = sizeof odd_values / sizeof odd_values[0];
    for (size_t f = 0; f < sizeof frames / sizeof frames[0]; f++)
        for (size_t a = 0; a < count; a++)
            for (size_t b = 0; b < count; b++)
                for (size_t c = 0; c < count; c += 5) {
                    char learned[400], text[400];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                    snprintf(learned, sizeof learned, frames[f], odd_values[a], odd_values[a]);
                    snprintf(text, sizeof text, frames[f], odd_values[b], odd_values[(b + c) % count]);
#pragma GCC diagnostic pop
                    assert_same_after(learned, text);
                }
}

/* Text that a hint compares backwards from the end may have little in front. */
static void short_texts_after_each_other(void **state) {
    (void)state;
    static const char *const texts[] = {"{}",
                                        "{\"a\":\"\"}",
                                        "{\"a\":\"xxxxxxxxxxxxxxx\"}",
                                        "{\"a\":1,\"b\":\"\"}",
                                        "{\"a\":1,\"b\":\"xxxxxxxxxxxxxxxxxxxxxxxxxx\"}",
                                        "{\"a\":12345678901234567890,\"b\":\"\"}",
                                        "{\"a\":\"\",\"b\":\"x\"}",
                                        "{\"a\":\"\" ,\"b\":\"xxxxxxxxxxxxxxxx\"}",
                                        "{\"a\":\"\"}                ",
                                        "{\"a\":[1,2,3,4,5,6,7]}",
                                        "{\"a\":1}"};
    for (size_t a = 0; a < sizeof texts / sizeof texts[0]; a++)
        for (size_t b = 0; b < sizeof texts / sizeof texts[0]; b++)
            for (size_t len = 0; len <= strlen(texts[b]); len++) {
                char text[100];
                snprintf(text, sizeof text, "%.*s", (int)len, texts[b]);
                assert_same_after(texts[a], text);
            }
}

/* Keys in an order of their own in each swipe, then always the same: the hint gives up, and comes back. */
static void order_after_disorder(void **state) {
    (void)state;
    static struct swipe_hint hint;
    memset(&hint, 0, sizeof hint);
    for (unsigned i = 0; i < 10000; i++) {
        char text[200], employee[20];
        snprintf(employee, sizeof employee, "E%u", i);
        snprintf(text, sizeof text, "{\"x%u\":0,\"employee_id\":\"%s\",\"occurred_at\":%u}",
                 i < 100 ? i : 100, employee, i);
        assert_int_equal(decode_swipe(&plain_fields, &hint, text, strlen(text), &swipe, &detail),
                         REASON_applied);
        assert_text(&swipe.employee, employee);
        assert_int_equal(swipe.occurred_at.ms, i);
    }
}

/* Roster */

static void assert_roster(const char *text, enum reason want) {
    memset(&roster, 0xa5, sizeof roster);
    assert_reason_of(text, decode_roster(text, strlen(text), &roster, &detail), want);
}

#define ASSERT_ROSTER(text, want) assert_roster(text, REASON_##want)

static void roster_with_every_field(void **state) {
    (void)state;
    ASSERT_ROSTER(
        "{\"employee_id\":17,\"expectation\":\"office\",\"policy\":\"office-3d\",\"home_site\":\"SEA33\","
        "\"home_zone\":\"America/Los_Angeles\",\"manager_id\":\"M1\",\"hired_on\":\"1970-01-01\","
        "\"left_on\":\"2199-12-31\",\"workdays\":[\"mon\" , "
        "\"tue\",\"sun\"],\"effective_on\":\"2024-02-29\"}",
        applied);
    assert_text(&roster.employee, "17");
    assert_true(roster.expects_office);
    assert_text(&roster.policy, "office-3d");
    assert_text(&roster.home_site, "SEA33");
    assert_text(&roster.home_zone, "America/Los_Angeles");
    assert_text(&roster.manager, "M1");
    assert_int_equal(roster.hired_on.n, 0);
    assert_int_equal(roster.left_on.n, 84005);
    assert_int_equal(roster.effective_on.n, 19782);
    assert_int_equal(roster.workdays, 0x43);
}

static void roster_with_defaults(void **state) {
    (void)state;
    ASSERT_ROSTER("{\"employee_id\":\"E1\",\"expectation\":null,\"workdays\":null,\"hired_on\":null}",
                  applied);
    assert_true(roster.expects_office);
    assert_text(&roster.policy, "");
    assert_text(&roster.home_site, "");
    assert_text(&roster.home_zone, "");
    assert_text(&roster.manager, "");
    assert_true(day_is_none(roster.hired_on) && day_is_none(roster.left_on) &&
                day_is_none(roster.effective_on));
    assert_int_equal(roster.workdays, 0);
    ASSERT_ROSTER("{\"employee_id\":\"E1\",\"expectation\":\"none\"}", applied);
    assert_false(roster.expects_office);
}

static void roster_faults(void **state) {
    (void)state;
    static const char *const fields[] = {
        "\"expectation\":\"Office\"",
        "\"expectation\":\"\"",
        "\"expectation\":true",
        "\"policy\":\"\"",
        "\"policy\":7",
        "\"policy\":\"" SIXTY_THREE "45\"",
        "\"home_site\":\"\"",
        "\"home_site\":{}",
        "\"home_site\":\"" SIXTY_THREE "45\"",
        "\"home_zone\":\"\"",
        "\"home_zone\":[]",
        "\"home_zone\":\"" SIXTY_THREE "45\"",
        "\"manager_id\":\"\"",
        "\"manager_id\":12",
        "\"manager_id\":\"" SIXTY_THREE "45\"",
        "\"hired_on\":\"\"",
        "\"hired_on\":\"2023-02-29\"",
        "\"hired_on\":20230301",
        "\"left_on\":\"2023-3-01\"",
        "\"left_on\":\"2023-03-01Z\"",
        "\"left_on\":\"1969-12-31\"",
        "\"effective_on\":\"soon\"",
        "\"effective_on\":\"2200-01-01\"",
        "\"effective_on\":[\"2023-03-01\"]",
        "\"effective_on\":\"2023-03-01T00:00:00Z\"",
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "{\"employee_id\":\"E1\",%s}", fields[i]);
        ASSERT_ROSTER(text, bad_field);
        assert_memory_equal(detail.text, fields[i] + 1, 4); /* names the field */
    }
    ASSERT_ROSTER("{}", missing_field);
    ASSERT_ROSTER("{\"employee_id\":\"\"}", bad_field);
    ASSERT_ROSTER("null", bad_json);
    ASSERT_ROSTER("", bad_json);
    ASSERT_ROSTER("{\"employee_id\":\"E1\",\"employee_id\":\"E1\"}", bad_json);
}

static void workdays_lists(void **state) {
    (void)state;
    static const struct {
        const char *list;
        int want; /* -1: bad_field */
    } rows[] = {{"[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\",\"sat\",\"sun\"]", 0x7f},
                {"[\"sun\"]", 0x40},
                {"[\"fri\",\"fri\", \"mon\"]", 0x11},
                {"[ \"mo\\u006e\" ]", 0x01},
                {"[]", -1},
                {"[ ]", -1},
                {"[\"Mon\"]", -1},
                {"[\"monday\"]", -1},
                {"[\"mon\",\"\"]", -1},
                {"[\"mon\",null]", -1},
                {"[null]", -1},
                {"[\"mon\",1]", -1},
                {"[[\"mon\"]]", -1},
                {"[{\"mon\":\"tue\"}]", -1},
                {"[\"mon\",[\"tue\",\"]\"]]", -1},
                {"\"mon\"", -1},
                {"{\"mon\":true}", -1},
                {"{}", -1},
                {"1", -1},
                {"true", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "{\"employee_id\":\"E1\",\"workdays\":%s}", rows[i].list);
        assert_roster(text, rows[i].want < 0 ? REASON_bad_field : REASON_applied);
        assert_int_equal(roster.workdays, rows[i].want < 0 ? 0 : rows[i].want);
    }
}

/* Leave */

static void assert_leave(const char *text, enum reason want) {
    memset(&leave, 0xa5, sizeof leave);
    assert_reason_of(text, decode_leave(text, strlen(text), &leave, &detail), want);
}

#define ASSERT_LEAVE(text, want) assert_leave(text, REASON_##want)
#define LEAVE_IDS                "\"employee_id\":\"E1\",\"leave_id\":\"L1\""
#define LEAVE_DAYS               "\"from\":\"2023-03-01\",\"to\":\"2023-03-02\""

static void leave_records(void **state) {
    (void)state;
    ASSERT_LEAVE("{" LEAVE_IDS "," LEAVE_DAYS ",\"effect\":\"excuse\"}", applied);
    assert_text(&leave.employee, "E1");
    assert_text(&leave.leave_id, "L1");
    assert_false(leave.is_cancel);
    assert_int_equal(leave.effect, LEAVE_EXCUSE);
    assert_int_equal(leave.from.n, 19417);
    assert_int_equal(leave.to.n, 19418);
    ASSERT_LEAVE("{" LEAVE_IDS "," LEAVE_DAYS ",\"effect\":\"credit\",\"op\":\"assert\"}", applied);
    assert_int_equal(leave.effect, LEAVE_CREDIT);
    ASSERT_LEAVE("{" LEAVE_IDS
                 ",\"from\":\"2023-03-02\",\"to\":\"2023-03-02\",\"effect\":\"credit\",\"op\":null}",
                 applied);
    assert_false(leave.is_cancel);
}

static void leave_cancels(void **state) {
    (void)state;
    ASSERT_LEAVE("{" LEAVE_IDS ",\"op\":\"cancel\"}", applied);
    assert_true(leave.is_cancel);
    assert_text(&leave.leave_id, "L1");
    assert_true(day_is_none(leave.from) && day_is_none(leave.to));
    ASSERT_LEAVE("{" LEAVE_IDS ",\"op\":\"cancel\",\"from\":7,\"to\":\"x\",\"effect\":[]}", applied);
    ASSERT_LEAVE("{\"employee_id\":\"E1\",\"op\":\"cancel\"}", missing_field);
    ASSERT_LEAVE("{\"leave_id\":\"L1\",\"op\":\"cancel\"}", missing_field);
    ASSERT_LEAVE("{\"employee_id\":\"E1\",\"leave_id\":7,\"op\":\"cancel\"}", bad_field);
    ASSERT_LEAVE("{\"employee_id\":\"E1\",\"leave_id\":\"\",\"op\":\"cancel\"}", bad_field);
}

static void leave_faults(void **state) {
    (void)state;
    ASSERT_LEAVE("{" LEAVE_IDS "," LEAVE_DAYS "}", missing_field);
    ASSERT_LEAVE("{" LEAVE_IDS ",\"from\":\"2023-03-01\",\"effect\":\"excuse\"}", missing_field);
    ASSERT_LEAVE("{" LEAVE_IDS ",\"to\":\"2023-03-01\",\"effect\":\"excuse\"}", missing_field);
    ASSERT_LEAVE("{\"employee_id\":\"E1\"," LEAVE_DAYS ",\"effect\":\"excuse\"}", missing_field);
    ASSERT_LEAVE("{\"leave_id\":\"L1\"," LEAVE_DAYS ",\"effect\":\"excuse\"}", missing_field);
    ASSERT_LEAVE("{" LEAVE_IDS "," LEAVE_DAYS ",\"effect\":\"sick\"}", bad_field);
    ASSERT_LEAVE("{" LEAVE_IDS "," LEAVE_DAYS ",\"effect\":\"excuse\",\"op\":\"Cancel\"}", bad_field);
    ASSERT_LEAVE("{" LEAVE_IDS "," LEAVE_DAYS ",\"effect\":\"excuse\",\"op\":7}", bad_field);
    ASSERT_LEAVE("{" LEAVE_IDS ",\"from\":\"2023-03-02\",\"to\":\"2023-03-01\",\"effect\":\"excuse\"}",
                 bad_field);
    assert_string_equal(detail.text, "to: before the first day");
    ASSERT_LEAVE("{" LEAVE_IDS ",\"from\":\"2023-03-02\",\"to\":\"2023-04-31\",\"effect\":\"excuse\"}",
                 bad_field);
}

/* Calendar */

static void assert_calendar(const char *text, enum reason want) {
    memset(&calendar, 0xa5, sizeof calendar);
    assert_reason_of(text, decode_calendar(text, strlen(text), &calendar, &detail), want);
}

#define ASSERT_CALENDAR(text, want) assert_calendar(text, REASON_##want)

static void calendar_records(void **state) {
    (void)state;
    ASSERT_CALENDAR("{\"site_id\":\"S\"," LEAVE_DAYS ",\"kind\":\"closed\"}", applied);
    assert_text(&calendar.site, "S");
    assert_int_equal(calendar.kind, CALENDAR_CLOSED);
    assert_false(calendar.is_cancel);
    assert_int_equal(calendar.from.n, 19417);
    assert_int_equal(calendar.to.n, 19418);
    ASSERT_CALENDAR("{\"site_id\":\"S\"," LEAVE_DAYS ",\"kind\":\"hold\",\"op\":\"cancel\"}", applied);
    assert_int_equal(calendar.kind, CALENDAR_HOLD);
    assert_true(calendar.is_cancel);
    ASSERT_CALENDAR("{\"site_id\":\"S\"," LEAVE_DAYS ",\"kind\":\"hold\",\"op\":\"assert\"}", applied);
    assert_false(calendar.is_cancel);
}

static void calendar_releases(void **state) {
    (void)state;
    ASSERT_CALENDAR("{\"site_id\":\"S\",\"kind\":\"release\"}", applied);
    assert_int_equal(calendar.kind, CALENDAR_RELEASE);
    assert_false(calendar.is_cancel);
    assert_true(day_is_none(calendar.from) && day_is_none(calendar.to));
    ASSERT_CALENDAR(
        "{\"site_id\":\"S\",\"kind\":\"release\",\"op\":\"cancel\",\"from\":\"2023-03-01\",\"to\":7}",
        applied);
    assert_false(calendar.is_cancel);
    assert_true(day_is_none(calendar.from) && day_is_none(calendar.to));
    ASSERT_CALENDAR("{\"kind\":\"release\"}", missing_field);
}

static void calendar_faults(void **state) {
    (void)state;
    ASSERT_CALENDAR("{" LEAVE_DAYS ",\"kind\":\"closed\"}", missing_field);
    ASSERT_CALENDAR("{\"site_id\":\"S\"," LEAVE_DAYS "}", missing_field);
    ASSERT_CALENDAR("{\"site_id\":\"S\",\"from\":\"2023-03-01\",\"kind\":\"closed\"}", missing_field);
    ASSERT_CALENDAR("{\"site_id\":\"S\",\"kind\":\"hold\",\"op\":\"cancel\"}", missing_field);
    ASSERT_CALENDAR("{\"site_id\":\"S\"," LEAVE_DAYS ",\"kind\":\"open\"}", bad_field);
    ASSERT_CALENDAR("{\"site_id\":\"S\"," LEAVE_DAYS ",\"kind\":\"closed\",\"op\":\"drop\"}", bad_field);
    ASSERT_CALENDAR("{\"site_id\":7," LEAVE_DAYS ",\"kind\":\"closed\"}", bad_field);
    ASSERT_CALENDAR("{\"site_id\":\"S\",\"from\":\"2023-03-02\",\"to\":\"2023-03-01\",\"kind\":\"closed\"}",
                    bad_field);
}

/* Decisions */

static void assert_decision(const char *text, enum reason want) {
    memset(&decision, 0xa5, sizeof decision);
    assert_reason_of(text, decode_decision(text, strlen(text), &decision, &detail), want);
}

#define ASSERT_DECISION(text, want) assert_decision(text, REASON_##want)
#define DECISION                                                                                             \
    "\"decision_id\":\"D1\",\"employee_id\":\"E1\",\"decided_by\":\"M1\",\"decided_by_role\":\"hr\","        \
    "\"decided_at\":\"2023-03-01T09:00:00Z\""

static void decisions_by_kind(void **state) {
    (void)state;
    ASSERT_DECISION("{" DECISION ",\"kind\":\"attendance_credit\",\"day\":\"2023-03-01\"}", applied);
    assert_int_equal(decision.kind, DECISION_ATTENDANCE_CREDIT);
    assert_text(&decision.employee, "E1");
    assert_text(&decision.decision_id, "D1");
    assert_text(&decision.decided_by, "M1");
    assert_int_equal(decision.role, ROLE_HR);
    assert_int_equal(decision.decided_at.ms, NINE_OCLOCK);
    assert_int_equal(decision.day.n, 19417);
    assert_true(day_is_none(decision.from) && day_is_none(decision.to) && day_is_none(decision.expires_on));
    assert_text(&decision.revokes, "");
    ASSERT_DECISION("{" DECISION ",\"kind\":\"attendance_void\",\"day\":\"2023-03-02\"}", applied);
    assert_int_equal(decision.kind, DECISION_ATTENDANCE_VOID);
    assert_int_equal(decision.day.n, 19418);
    ASSERT_DECISION("{" DECISION ",\"kind\":\"exemption\"," LEAVE_DAYS "}", applied);
    assert_int_equal(decision.kind, DECISION_EXEMPTION);
    assert_int_equal(decision.from.n, 19417);
    assert_int_equal(decision.to.n, 19418);
    assert_true(day_is_none(decision.day));
    ASSERT_DECISION("{" DECISION ",\"kind\":\"vp_approval\",\"expires_on\":\"2023-03-02\"}", applied);
    assert_int_equal(decision.kind, DECISION_VP_APPROVAL);
    assert_int_equal(decision.expires_on.n, 19418);
    ASSERT_DECISION("{" DECISION ",\"kind\":\"revoke\",\"revokes\":\"D0\"}", applied);
    assert_int_equal(decision.kind, DECISION_REVOKE);
    assert_text(&decision.revokes, "D0");
}

static void decisions_without_a_subject(void **state) {
    (void)state;
    static const struct {
        const char *word;
        enum decision_kind kind;
    } rows[] = {{"dispute_opened", DECISION_DISPUTE_OPENED},
                {"dispute_closed", DECISION_DISPUTE_CLOSED},
                {"verbal_warning", DECISION_VERBAL_WARNING},
                {"written_warning", DECISION_WRITTEN_WARNING},
                {"case_closed", DECISION_CASE_CLOSED}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[400];
        /* The fields of other kinds are none of its own: not looked at. */
        snprintf(text, sizeof text,
                 "{" DECISION ",\"kind\":\"%s\",\"day\":7,\"from\":\"x\",\"expires_on\":[],\"revokes\":0}",
                 rows[i].word);
        ASSERT_DECISION(text, applied);
        assert_int_equal(decision.kind, rows[i].kind);
        assert_true(day_is_none(decision.day) && day_is_none(decision.from) &&
                    day_is_none(decision.expires_on));
        assert_text(&decision.revokes, "");
    }
}

static void decision_roles(void **state) {
    (void)state;
    static const char *const words[] = {"manager", "hr", "vp", "security", "employee"};
    for (unsigned i = 0; i < 5; i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "{\"decision_id\":\"D1\",\"employee_id\":7,\"decided_by\":\"M\",\"decided_by_role\":\"%s\","
                 "\"decided_at\":\"2023-03-01T09:00:00Z\",\"kind\":\"dispute_opened\"}",
                 words[i]);
        ASSERT_DECISION(text, applied);
        assert_int_equal(decision.role, i);
    }
}

/* Each required field in turn left out, then wrong. */
static void decision_faults(void **state) {
    (void)state;
    static const char *const fields[] = {"\"decision_id\":\"D1\"",
                                         "\"employee_id\":\"E1\"",
                                         "\"decided_by\":\"M1\"",
                                         "\"decided_by_role\":\"hr\"",
                                         "\"decided_at\":\"2023-03-01T09:00:00Z\"",
                                         "\"kind\":\"exemption\"",
                                         "\"from\":\"2023-03-01\"",
                                         "\"to\":\"2023-03-01\""};
    static const char *const wrong[] = {
        "\"decision_id\":7",          "\"employee_id\":1.5",          "\"decided_by\":12",
        "\"decided_by_role\":\"HR\"", "\"decided_at\":1677661200000", "\"kind\":\"exempted\"",
        "\"from\":\"2023-03-02\"",    "\"to\":\"2023-02-28\""};
    for (size_t out = 0; out <= 8; out++) {
        char text[600], with[600];
        size_t len = 0, with_len = 0;
        for (size_t i = 0; i < 8; i++) {
            len += (size_t)sprintf(text + len, "%s%s", i ? "," : "{", i == out ? "\"x\":0" : fields[i]);
            with_len +=
                (size_t)sprintf(with + with_len, "%s%s", i ? "," : "{", i == out ? wrong[i] : fields[i]);
        }
        sprintf(text + len, "}");
        sprintf(with + with_len, "}");
        assert_decision(text, out < 8 ? REASON_missing_field : REASON_applied);
        assert_decision(with, out < 8 ? REASON_bad_field : REASON_applied);
    }
    ASSERT_DECISION("{" DECISION "}", missing_field);
    ASSERT_DECISION("{" DECISION ",\"kind\":\"attendance_credit\"}", missing_field);
    ASSERT_DECISION("{" DECISION ",\"kind\":\"attendance_void\",\"day\":\"2023-02-30\"}", bad_field);
    ASSERT_DECISION("{" DECISION ",\"kind\":\"vp_approval\",\"day\":\"2023-02-20\"}", missing_field);
    ASSERT_DECISION("{" DECISION ",\"kind\":\"revoke\"}", missing_field);
    ASSERT_DECISION("{" DECISION ",\"kind\":\"revoke\",\"revokes\":\"\"}", bad_field);
}

/* The envelope of replay */

static void assert_envelope(const char *text, enum reason want) {
    memset(&envelope, 0xa5, sizeof envelope);
    assert_reason_of(text, decode_envelope(text, strlen(text), &envelope, &detail), want);
}

#define ASSERT_ENVELOPE(text, want) assert_envelope(text, REASON_##want)
#define ARRIVED                     "\"arrived_at\":\"2023-03-01T10:00:00.5+01:00\""

static void envelope_topics(void **state) {
    (void)state;
    static const struct {
        const char *word;
        enum topic topic;
    } rows[] = {{"swipes", TOPIC_SWIPES},
                {"roster", TOPIC_ROSTER},
                {"leave", TOPIC_LEAVE},
                {"calendar", TOPIC_CALENDAR},
                {"decisions", TOPIC_DECISIONS}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "{\"topic\":\"%s\",\"employee_id\":[]}", rows[i].word);
        ASSERT_ENVELOPE(text, applied);
        assert_int_equal(envelope.topic, rows[i].topic);
        assert_false(envelope.has_arrived_at);
        assert_false(envelope.is_tombstone);
    }
    ASSERT_ENVELOPE("{\"topic\":\"badge.swipes\"}", bad_field);
    ASSERT_ENVELOPE("{\"topic\":4}", bad_field);
    ASSERT_ENVELOPE("{}", missing_field);
    ASSERT_ENVELOPE("{\"topic\":null}", missing_field);
    ASSERT_ENVELOPE("{\"topic\":\"swipes\"", bad_json);
    ASSERT_ENVELOPE("", bad_json);
}

static void envelope_arrivals(void **state) {
    (void)state;
    ASSERT_ENVELOPE("{\"topic\":\"swipes\"," ARRIVED "}", applied);
    assert_true(envelope.has_arrived_at);
    assert_int_equal(envelope.arrived_at.ms, NINE_OCLOCK + 500);
    ASSERT_ENVELOPE("{\"topic\":\"swipes\",\"arrived_at\":null}", applied);
    assert_false(envelope.has_arrived_at);
    /* It stands whatever the topic is. */
    ASSERT_ENVELOPE("{" ARRIVED "}", missing_field);
    assert_true(envelope.has_arrived_at);
    assert_int_equal(envelope.arrived_at.ms, NINE_OCLOCK + 500);
    ASSERT_ENVELOPE("{\"topic\":\"Swipes\"," ARRIVED "}", bad_field);
    assert_true(envelope.has_arrived_at);
    ASSERT_ENVELOPE("{\"topic\":\"roster\",\"tombstone\":1," ARRIVED "}", bad_field);
    assert_true(envelope.has_arrived_at);
    static const char *const refused[] = {"\"yesterday\"",           "\"\"", "1677661200000", "true",
                                          "\"2023-03-01T09:00:00\"", "[]"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "{\"topic\":\"swipes\",\"arrived_at\":%s}", refused[i]);
        ASSERT_ENVELOPE(text, bad_field);
        assert_false(envelope.has_arrived_at);
        assert_memory_equal(detail.text, "arrived_at:", 11);
    }
}

static void envelope_tombstones(void **state) {
    (void)state;
    ASSERT_ENVELOPE("{\"topic\":\"roster\",\"employee_id\":17,\"tombstone\":true}", applied);
    assert_true(envelope.is_tombstone);
    assert_text(&envelope.employee, "17");
    ASSERT_ENVELOPE("{\"topic\":\"roster\",\"employee_id\":\"E1\",\"tombstone\":false}", applied);
    assert_false(envelope.is_tombstone);
    ASSERT_ENVELOPE("{\"topic\":\"roster\",\"employee_id\":\"E1\",\"tombstone\":null}", applied);
    assert_false(envelope.is_tombstone);
    ASSERT_ENVELOPE("{\"topic\":\"roster\",\"employee_id\":\"E1\",\"tombstone\":\"true\"}", bad_field);
    ASSERT_ENVELOPE("{\"topic\":\"roster\",\"employee_id\":\"E1\",\"tombstone\":1}", bad_field);
    ASSERT_ENVELOPE("{\"topic\":\"roster\",\"tombstone\":true}", missing_field);
    ASSERT_ENVELOPE("{\"topic\":\"roster\",\"employee_id\":\"\",\"tombstone\":true}", bad_field);
    /* An unknown field elsewhere. */
    ASSERT_ENVELOPE("{\"topic\":\"swipes\",\"employee_id\":\"E1\",\"tombstone\":true}", applied);
    assert_false(envelope.is_tombstone);
}

/* What is said of a reject never quotes it. */
static void details_quote_no_value(void **state) {
    (void)state;
    ASSERT_SWIPE("{\"employee_id\":[\"SECRET\"]," TIME "}", bad_field);
    assert_null(strstr(detail.text, "SECRET"));
    ASSERT_SWIPE("{\"employee_id\":SECRET}", bad_json);
    assert_null(strstr(detail.text, "SECRET"));
    assert_string_equal(detail.text, "byte 15: not a value");
    ASSERT_SWIPE("{\"SECRET\":1,\"SECRET\":2}", bad_json);
    assert_null(strstr(detail.text, "SECRET"));
    ASSERT_SWIPE("{" GOOD ",\"direction\":\"SECRET\"}", bad_field);
    assert_string_equal(detail.text, "direction: not one of the words of this field");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(swipe_with_every_field),
    cmocka_unit_test(swipe_with_the_required_fields),
    cmocka_unit_test(null_is_absent),
    cmocka_unit_test(required_fields),
    cmocka_unit_test(employee_as_text),
    cmocka_unit_test(employee_as_integer),
    cmocka_unit_test(occurred_as_text),
    cmocka_unit_test(occurred_as_integer),
    cmocka_unit_test(occurred_is_right_in_a_bad_swipe),
    cmocka_unit_test(site_of_a_swipe),
    cmocka_unit_test(any_text_is_a_result),
    cmocka_unit_test(directions),
    cmocka_unit_test(unknown_fields_are_ignored),
    cmocka_unit_test(mapped_names),
    cmocka_unit_test(keys_are_compared_without_escapes),
    cmocka_unit_test(repeated_keys),
    cmocka_unit_test(repeated_keys_among_many),
    cmocka_unit_test(most_keys_that_fit),
    cmocka_unit_test(json_numbers),
    cmocka_unit_test(json_words),
    cmocka_unit_test(json_structure),
    cmocka_unit_test(json_strings),
    cmocka_unit_test(json_utf8),
    cmocka_unit_test(json_texts),
    cmocka_unit_test(json_depth),
    cmocka_unit_test(largest_value),
    cmocka_unit_test(too_large_for_a_shape),
    cmocka_unit_test(truncated_everywhere),
    cmocka_unit_test(every_byte_replaced),
    cmocka_unit_test(many_shapes_in_turn),
    cmocka_unit_test(shapes_too_large_to_learn),
    cmocka_unit_test(values_that_change),
    cmocka_unit_test(short_texts_after_each_other),
    cmocka_unit_test(order_after_disorder),
    cmocka_unit_test(roster_with_every_field),
    cmocka_unit_test(roster_with_defaults),
    cmocka_unit_test(roster_faults),
    cmocka_unit_test(workdays_lists),
    cmocka_unit_test(leave_records),
    cmocka_unit_test(leave_cancels),
    cmocka_unit_test(leave_faults),
    cmocka_unit_test(calendar_records),
    cmocka_unit_test(calendar_releases),
    cmocka_unit_test(calendar_faults),
    cmocka_unit_test(decisions_by_kind),
    cmocka_unit_test(decisions_without_a_subject),
    cmocka_unit_test(decision_roles),
    cmocka_unit_test(decision_faults),
    cmocka_unit_test(envelope_topics),
    cmocka_unit_test(envelope_arrivals),
    cmocka_unit_test(envelope_tombstones),
    cmocka_unit_test(details_quote_no_value),
};

UNIT_TEST_MAIN(tests)
