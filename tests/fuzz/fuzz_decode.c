/* Any bytes as the value of each topic: nothing may crash, what is accepted is of its form, and a hint
 * changes nothing.
 *
 * The input is cut at its first NUL: a hint is given the first part, then the second is decoded with it and
 * without. */
#include "check.h"
#include "decode.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct swipe_fields fields = {"employee_id", "occurred_at", "site_id", "result", "direction"};

static void check_reason(enum reason reason, const struct reject_detail *detail) {
    CHECK(reason == REASON_applied || reason == REASON_too_large || reason == REASON_bad_json ||
          reason == REASON_missing_field || reason == REASON_bad_field);
    if (reason != REASON_applied)
        CHECK(detail->text[0] != '\0' && memchr(detail->text, '\0', sizeof detail->text));
}

/* Every byte behind a text is 0: records are compared and kept whole. */
static void check_text(const struct short_text *text, bool is_required) {
    static const struct short_text zero;
    CHECK(text->len <= ID_BYTES_MAX && (text->len > 0 || !is_required));
    CHECK(memcmp(text->bytes + text->len, zero.bytes, sizeof zero.bytes - text->len) == 0);
}

static void check_day(civil_day day, bool is_required) {
    CHECK(day_is_none(day) ? !is_required : day.n >= 0 && day.n < 84006);
}

static bool same_text(const struct short_text *a, const struct short_text *b) {
    return a->len == b->len && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static void fuzz_swipe(const char *learned, size_t learned_len, const char *value, size_t len) {
    static struct swipe_hint hint;
    struct swipe with, without;
    struct reject_detail detail;
    memset(&hint, 0, sizeof hint);
    check_reason(decode_swipe(&fields, &hint, learned, learned_len, &with, &detail), &detail);
    enum reason reason = decode_swipe(&fields, &hint, value, len, &with, &detail);
    check_reason(reason, &detail);
    CHECK(decode_swipe(&fields, NULL, value, len, &without, &detail) == reason);
    CHECK(with.occurred_at.ms == without.occurred_at.ms);
    if (reason != REASON_applied)
        return;
    CHECK(same_text(&with.employee, &without.employee) && same_text(&with.site, &without.site) &&
          same_text(&with.result, &without.result) && with.has_result == without.has_result &&
          with.has_offset == without.has_offset && with.offset_s == without.offset_s);
    check_text(&with.employee, true);
    check_text(&with.site, false);
    if (with.result.len != RESULT_TOO_LONG)
        check_text(&with.result, false);
    int64_t local_ms = with.occurred_at.ms + with.offset_s * INT64_C(1000);
    CHECK(local_ms >= 0 && local_ms < 84006 * INT64_C(86400000));
}

static void fuzz_roster(const char *value, size_t len) {
    struct roster_record r;
    struct reject_detail detail;
    enum reason reason = decode_roster(value, len, &r, &detail);
    check_reason(reason, &detail);
    if (reason != REASON_applied)
        return;
    check_text(&r.employee, true);
    check_text(&r.policy, false);
    check_text(&r.home_site, false);
    check_text(&r.home_zone, false);
    check_text(&r.manager, false);
    check_day(r.hired_on, false);
    check_day(r.left_on, false);
    check_day(r.effective_on, false);
    CHECK(r.workdays < 0x80);
}

static void fuzz_leave(const char *value, size_t len) {
    struct leave_record r;
    struct reject_detail detail;
    enum reason reason = decode_leave(value, len, &r, &detail);
    check_reason(reason, &detail);
    if (reason != REASON_applied)
        return;
    check_text(&r.employee, true);
    check_text(&r.leave_id, true);
    check_day(r.from, !r.is_cancel);
    check_day(r.to, !r.is_cancel);
    CHECK(r.from.n <= r.to.n && (r.effect == LEAVE_EXCUSE || r.effect == LEAVE_CREDIT));
}

static void fuzz_calendar(const char *value, size_t len) {
    struct calendar_record r;
    struct reject_detail detail;
    enum reason reason = decode_calendar(value, len, &r, &detail);
    check_reason(reason, &detail);
    if (reason != REASON_applied)
        return;
    check_text(&r.site, true);
    CHECK(r.kind <= CALENDAR_RELEASE && day_is_none(r.from) == (r.kind == CALENDAR_RELEASE));
    check_day(r.from, r.kind != CALENDAR_RELEASE);
    check_day(r.to, r.kind != CALENDAR_RELEASE);
    CHECK(r.from.n <= r.to.n && (r.kind != CALENDAR_RELEASE || !r.is_cancel));
}

static void fuzz_decision(const char *value, size_t len) {
    struct decision_record r;
    struct reject_detail detail;
    enum reason reason = decode_decision(value, len, &r, &detail);
    check_reason(reason, &detail);
    if (reason != REASON_applied)
        return;
    check_text(&r.employee, true);
    check_text(&r.decision_id, true);
    check_text(&r.decided_by, true);
    check_text(&r.revokes, r.kind == DECISION_REVOKE);
    check_day(r.day, r.kind == DECISION_ATTENDANCE_CREDIT || r.kind == DECISION_ATTENDANCE_VOID);
    check_day(r.from, r.kind == DECISION_EXEMPTION);
    check_day(r.to, r.kind == DECISION_EXEMPTION);
    check_day(r.expires_on, r.kind == DECISION_VP_APPROVAL);
    CHECK(r.kind <= DECISION_CASE_CLOSED && r.role <= ROLE_EMPLOYEE && r.from.n <= r.to.n);
}

static void fuzz_envelope(const char *line, size_t len) {
    struct envelope e;
    struct reject_detail detail;
    enum reason reason = decode_envelope(line, len, &e, &detail);
    check_reason(reason, &detail);
    CHECK(reason != REASON_applied || e.topic < TOPIC_COUNT);
    CHECK(!e.is_tombstone || e.topic == TOPIC_ROSTER);
    if (reason == REASON_applied)
        check_text(&e.employee, e.is_tombstone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data, *cut = size > 0 ? memchr(text, '\0', size) : NULL;
    size_t first = cut != NULL ? (size_t)(cut - text) : 0;
    const char *value = cut != NULL ? cut + 1 : text;
    size_t len = size - (size_t)(value - text);
    int64_t unix_ms;
    int32_t offset_s;
    fuzz_swipe(text, first, value, len);
    fuzz_roster(value, len);
    fuzz_leave(value, len);
    fuzz_calendar(value, len);
    fuzz_decision(value, len);
    fuzz_envelope(value, len);
    if (rfc3339_parse(value, len, &unix_ms, &offset_s))
        CHECK(offset_s > -86400 && offset_s < 86400);
    return 0;
}
