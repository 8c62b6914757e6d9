/* Any bytes as the value of each topic, and as a line of replay: what the decoders say of it is what a
 * library parser and SPEC 2 in its slowest form say (tests/unit/expect.c), with the same fields.
 *
 * The mutator changes bytes, or puts a piece of JSON, a name or a value of the inputs in the place of a
 * token. */
#include "check.h"
#include "decode.h"
#include "expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static const struct swipe_fields fields = {"employee_id", "occurred_at", "site_id", "result", "direction"};

static void compare(const char *what, reason_set expected, enum reason reason, bool is_same) {
    if (expected == 0 || (reasons_contain(expected, reason) && (reason != REASON_applied || is_same)))
        return;
    fprintf(stderr, "%s: %s, expected one of %#x\n", what, reason_name(reason), (unsigned)expected);
    CHECK(false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *value = (const char *)data;
    struct reject_detail detail;
    struct swipe swipe[2];
    struct roster_record roster[2];
    struct leave_record leave[2];
    struct calendar_record calendar[2];
    struct decision_record decision[2];
    struct envelope envelope;
    reason_set expected = expect_swipe(value, size, &swipe[1]);
    enum reason reason = decode_swipe(&fields, NULL, value, size, &swipe[0], &detail);
    compare("swipe", expected, reason, same_swipe(&swipe[0], &swipe[1]));
    CHECK((reason != REASON_missing_field && reason != REASON_bad_field) || expected == 0 ||
          swipe[0].occurred_at.ms == swipe[1].occurred_at.ms);
    bool is_json = !reasons_contain(expected, REASON_bad_json);
    reason = decode_envelope(value, size, &envelope, &detail);
    CHECK(expected == 0 || (reason == REASON_bad_json) == !is_json);
    expected = expect_roster(value, size, &roster[1]);
    reason = decode_roster(value, size, &roster[0], &detail);
    compare("roster", expected, reason, same_roster(&roster[0], &roster[1]));
    expected = expect_leave(value, size, &leave[1]);
    reason = decode_leave(value, size, &leave[0], &detail);
    compare("leave", expected, reason, same_leave(&leave[0], &leave[1]));
    expected = expect_calendar(value, size, &calendar[1]);
    reason = decode_calendar(value, size, &calendar[0], &detail);
    compare("calendar", expected, reason, same_calendar(&calendar[0], &calendar[1]));
    expected = expect_decision(value, size, &decision[1]);
    reason = decode_decision(value, size, &decision[0], &detail);
    compare("decision", expected, reason, same_decision(&decision[0], &decision[1]));
    return 0;
}

static const char *const pieces[] = {"{",
                                     "}",
                                     "[",
                                     "]",
                                     ",",
                                     ":",
                                     "\"",
                                     " ",
                                     "\n",
                                     "\\u0000",
                                     "\\u00e9",
                                     "\\ud83d\\ude80",
                                     "\\ud83d",
                                     "\\ude80",
                                     "\\\"",
                                     "\\/",
                                     "\xc3\xa9",
                                     "\xf0\x9f\x9a\x80",
                                     "\xc0\xaf",
                                     "\xed\xa0\x80",
                                     "\xf4\x90\x80\x80",
                                     "\xef\xbb\xbf",
                                     "0",
                                     "-0",
                                     "01",
                                     "1.5",
                                     "-1e5",
                                     "1E+2",
                                     "1e999999",
                                     "9007199254740993",
                                     "18446744073709551616",
                                     "true",
                                     "false",
                                     "null",
                                     "NaN",
                                     "[[]]",
                                     "{\"a\":{}}",
                                     "\"employee_id\":",
                                     "\"occurred_at\":",
                                     "\"site_id\":",
                                     "\"result\":",
                                     "\"direction\":",
                                     "\"expectation\":",
                                     "\"policy\":",
                                     "\"home_site\":",
                                     "\"home_zone\":",
                                     "\"manager_id\":",
                                     "\"hired_on\":",
                                     "\"left_on\":",
                                     "\"workdays\":",
                                     "\"effective_on\":",
                                     "\"leave_id\":",
                                     "\"from\":",
                                     "\"to\":",
                                     "\"effect\":",
                                     "\"op\":",
                                     "\"kind\":",
                                     "\"decision_id\":",
                                     "\"decided_by\":",
                                     "\"decided_by_role\":",
                                     "\"decided_at\":",
                                     "\"day\":",
                                     "\"expires_on\":",
                                     "\"revokes\":",
                                     "\"topic\":",
                                     "\"arrived_at\":",
                                     "\"tombstone\":",
                                     "\"in\"",
                                     "\"unknown\"",
                                     "\"granted\"",
                                     "\"office\"",
                                     "\"none\"",
                                     "[\"mon\",\"sun\"]",
                                     "\"mon\"",
                                     "\"2023-03-01\"",
                                     "\"2023-02-29\"",
                                     "\"2199-12-31\"",
                                     "\"1969-12-31\"",
                                     "\"2023-03-01T09:00:00Z\"",
                                     "\"2023-03-01t09:00:60.123456z\"",
                                     "\"2023-03-01T00:30:00.5+23:59\"",
                                     "\"1970-01-01T00:00:00+14:00\"",
                                     "1677661200000",
                                     "7258118400000",
                                     "\"assert\"",
                                     "\"cancel\"",
                                     "\"excuse\"",
                                     "\"credit\"",
                                     "\"closed\"",
                                     "\"hold\"",
                                     "\"release\"",
                                     "\"exemption\"",
                                     "\"vp_approval\"",
                                     "\"revoke\"",
                                     "\"attendance_void\"",
                                     "\"dispute_opened\"",
                                     "\"written_warning\"",
                                     "\"hr\"",
                                     "\"vp\"",
                                     "\"employee\"",
                                     "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
                                     "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""};

/* Behind a token that begins at or behind `at`: the end of a string, number or word, or one character. */
static size_t token_end(const char *text, size_t size, size_t at) {
    if (at < size && text[at] == '"') {
        for (at++; at < size && text[at] != '"'; at++)
            at += text[at] == '\\';
        return at < size ? at + 1 : size;
    }
    size_t end = at;
    while (end < size && !strchr("{}[],:\" ", text[end]))
        end++;
    return end == at && at < size ? at + 1 : end;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    unsigned state = seed;
    if (rand_r(&state) % 3 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    char *text = (char *)data;
    size_t tokens = 0, at = 0;
    for (size_t i = 0; i < size; i = token_end(text, size, i))
        tokens++;
    for (size_t i = tokens ? (size_t)rand_r(&state) % tokens : 0; i > 0; i--)
        at = token_end(text, size, at);
    size_t from = rand_r(&state) % 2 ? token_end(text, size, at) : at;
    const char *piece =
        rand_r(&state) % 8 ? pieces[(size_t)rand_r(&state) % (sizeof pieces / sizeof *pieces)] : "";
    size_t len = strlen(piece);
    if (size - (from - at) + len > max_size)
        return size;
    memmove(text + at + len, text + from, size - from);
    memcpy(text + at, piece, len);
    return size - (from - at) + len;
}
