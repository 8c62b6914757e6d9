/* See expect.h. */
#include "expect.h"

#include "civil.h"
#include "decode.h"
#include "json_oracle.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 12

/* What is being read, and the faults found so far. */
struct reading {
    reason_set faults;
    unsigned count;
    const char *const *names;
    struct oracle_value *values;
};

#define FAULT(reason) ((reason_set)1 << (reason))

/* False if the text is not read any further; `faults` then says why. */
static bool open_value(struct reading *r, const char *const *names, unsigned count, const char *text,
                       size_t len) {
    static struct oracle_value values[NAMES_MAX];
    *r = (struct reading){.names = names, .count = count, .values = values};
    if (len > VALUE_BYTES_MAX) {
        r->faults = FAULT(REASON_too_large);
        return false;
    }
    enum oracle_verdict verdict = oracle_read(text, len, JSON_DEPTH_MAX, names, count, values);
    if (verdict == ORACLE_REFUSED)
        r->faults = FAULT(REASON_bad_json);
    return verdict == ORACLE_ACCEPTED;
}

static const struct oracle_value *value_of(const struct reading *r, const char *name) {
    unsigned i = 0;
    while (i < r->count && strcmp(r->names[i], name) != 0)
        i++;
    return i < r->count ? &r->values[i] : NULL;
}

/* NULL if it is absent, which is a fault if it is required. */
static const struct oracle_value *take(struct reading *r, const char *name, bool is_required) {
    const struct oracle_value *value = value_of(r, name);
    if (value->kind != ORACLE_ABSENT)
        return value;
    if (is_required)
        r->faults |= FAULT(REASON_missing_field);
    return NULL;
}

static void must(struct reading *r, bool is_right) {
    if (!is_right)
        r->faults |= FAULT(REASON_bad_field);
}

static reason_set reasons_of(const struct reading *r) {
    return r->faults ? r->faults : FAULT(REASON_applied);
}

/* ---- values ---- */

static bool is_integer(const struct oracle_value *value) {
    return value->kind == ORACLE_NUMBER && !memchr(value->text, '.', value->len) &&
           !memchr(value->text, 'e', value->len) && !memchr(value->text, 'E', value->len);
}

static int two(const char *text) {
    return (text[0] - '0') * 10 + text[1] - '0';
}

static bool day_of(const char *text, civil_day *day) {
    for (int i = 0; i < 10; i++)
        if (i == 4 || i == 7 ? text[i] != '-' : !isdigit((unsigned char)text[i]))
            return false;
    int year = two(text) * 100 + two(text + 2);
    return year >= YEAR_MIN && year <= YEAR_MAX && civil_from_ymd(year, two(text + 5), two(text + 8), day);
}

static bool instant_of(const struct oracle_value *value, int64_t *ms, int32_t *offset_s) {
    static regex_t pattern;
    static bool is_compiled;
    if (!is_compiled)
        is_compiled = regcomp(&pattern,
                              "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\\.[0-9]+)?"
                              "([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
                              REG_EXTENDED) == 0;
    static char text[ORACLE_TEXT_MAX + 1];
    regmatch_t found[5];
    civil_day day;
    memcpy(text, value->text, value->len);
    text[value->len] = '\0';
    if (value->kind != ORACLE_STRING || strlen(text) != value->len ||
        regexec(&pattern, text, 5, found, 0) != 0 || !day_of(text, &day))
        return false;
    *ms = ((day.n * INT64_C(24) + two(text + 11)) * 60 + two(text + 14)) * 60000 + two(text + 17) * 1000;
    for (int i = 1, weight = 100; found[3].rm_so >= 0 && i < 4 && found[3].rm_so + i < found[3].rm_eo;
         i++, weight /= 10)
        *ms += (text[found[3].rm_so + i] - '0') * weight;
    const char *zone = text + found[4].rm_so;
    *offset_s =
        isalpha((unsigned char)*zone) ? 0 : (two(zone + 1) * 60 + two(zone + 4)) * (*zone == '-' ? -60 : 60);
    *ms -= *offset_s * INT64_C(1000);
    return true;
}

static bool set_text(struct short_text *out, const char *text, size_t len) {
    if (len < 1 || len > ID_BYTES_MAX)
        return false;
    out->len = (uint8_t)len;
    memcpy(out->bytes, text, len);
    return true;
}

static bool is_word(const struct oracle_value *value, const char *word) {
    return value->kind == ORACLE_STRING && value->len == strlen(word) &&
           memcmp(value->text, word, value->len) == 0;
}

/* ---- fields ---- */

static void take_employee(struct reading *r, struct short_text *out) {
    const struct oracle_value *value = take(r, "employee_id", true);
    if (value == NULL)
        return;
    bool is_minus_zero = value->kind == ORACLE_NUMBER && value->len == 2 && memcmp(value->text, "-0", 2) == 0;
    must(r, (value->kind == ORACLE_STRING || is_integer(value)) &&
                (is_minus_zero ? set_text(out, "0", 1) : set_text(out, value->text, value->len)));
}

static void take_id(struct reading *r, const char *name, bool is_required, struct short_text *out) {
    const struct oracle_value *value = take(r, name, is_required);
    if (value)
        must(r, value->kind == ORACLE_STRING && set_text(out, value->text, value->len));
}

/* The place of the value among the words, NULL at their end; `otherwise` if it is absent. */
static unsigned take_word(struct reading *r, const char *name, const char *const *words, unsigned otherwise) {
    const struct oracle_value *value = take(r, name, otherwise == UINT32_MAX);
    if (value == NULL)
        return otherwise;
    unsigned i = 0;
    while (words[i] && !is_word(value, words[i]))
        i++;
    must(r, words[i] != NULL);
    return i;
}
#define REQUIRED UINT32_MAX

static civil_day take_day(struct reading *r, const char *name, bool is_required) {
    civil_day day = DAY_NONE;
    const struct oracle_value *value = take(r, name, is_required);
    if (value)
        must(r, value->kind == ORACLE_STRING && value->len == 10 && day_of(value->text, &day));
    return day;
}

static void take_days(struct reading *r, civil_day *from, civil_day *to) {
    *from = take_day(r, "from", true);
    *to = take_day(r, "to", true);
    must(r, day_is_none(*from) || day_is_none(*to) || from->n <= to->n);
}

static bool occurred_of(const struct oracle_value *value, struct swipe *out) {
    if (is_integer(value)) {
        char *end, text[64] = "";
        if (value->len >= sizeof text)
            return false;
        memcpy(text, value->text, value->len);
        long double ms = strtold(text, &end); /* exact where it matters */
        if (ms < 0 || ms >= 7258118400000.0L)
            return false;
        out->occurred_at.ms = (int64_t)ms;
        return true;
    }
    int64_t ms;
    if (!instant_of(value, &ms, &out->offset_s))
        return false;
    out->occurred_at.ms = ms;
    return out->has_offset = true;
}

/* ---- records ---- */

reason_set expect_swipe(const char *text, size_t len, struct swipe *out) {
    static const char *const names[] = {"employee_id", "occurred_at", "site_id", "result", "direction"};
    static const char *const directions[] = {"in", "out", "unknown", NULL};
    struct reading r;
    *out = (struct swipe){.occurred_at = EVENT_TIME_NONE};
    if (!open_value(&r, names, 5, text, len))
        return r.faults;
    take_employee(&r, &out->employee);
    const struct oracle_value *value = take(&r, "occurred_at", true);
    if (value)
        must(&r, occurred_of(value, out));
    take_id(&r, "site_id", false, &out->site);
    if ((value = take(&r, "result", false)) != NULL) {
        must(&r, value->kind == ORACLE_STRING);
        out->has_result = true;
        if (value->len > 0 && !set_text(&out->result, value->text, value->len))
            out->result.len = RESULT_TOO_LONG;
    }
    take_word(&r, "direction", directions, 0);
    return reasons_of(&r);
}

/* A list of words comes from the parser with a newline behind each. */
static uint8_t workdays_of(const struct oracle_value *value) {
    static const char *const names[] = {"mon\n", "tue\n", "wed\n", "thu\n", "fri\n", "sat\n", "sun\n"};
    unsigned days = 0;
    for (size_t at = 0; at < value->len; at += 4) {
        unsigned i = 0;
        while (i < 7 && (value->len - at < 4 || memcmp(value->text + at, names[i], 4) != 0))
            i++;
        if (i == 7)
            return 0;
        days |= 1u << i;
    }
    return (uint8_t)days;
}

reason_set expect_roster(const char *text, size_t len, struct roster_record *out) {
    static const char *const names[] = {"employee_id", "expectation", "policy",  "home_site", "home_zone",
                                        "manager_id",  "hired_on",    "left_on", "workdays",  "effective_on"};
    static const char *const expectations[] = {"none", "office", NULL};
    struct reading r;
    *out = (struct roster_record){0};
    if (!open_value(&r, names, 10, text, len))
        return r.faults;
    take_employee(&r, &out->employee);
    out->expects_office = take_word(&r, "expectation", expectations, 1) == 1;
    take_id(&r, "policy", false, &out->policy);
    take_id(&r, "home_site", false, &out->home_site);
    take_id(&r, "home_zone", false, &out->home_zone);
    take_id(&r, "manager_id", false, &out->manager);
    out->hired_on = take_day(&r, "hired_on", false);
    out->left_on = take_day(&r, "left_on", false);
    out->effective_on = take_day(&r, "effective_on", false);
    const struct oracle_value *list = take(&r, "workdays", false);
    if (list) {
        out->workdays = list->kind == ORACLE_ARRAY ? workdays_of(list) : 0;
        must(&r, out->workdays != 0);
    }
    return reasons_of(&r);
}

static const char *const ops[] = {"assert", "cancel", NULL};

reason_set expect_leave(const char *text, size_t len, struct leave_record *out) {
    static const char *const names[] = {"employee_id", "leave_id", "from", "to", "effect", "op"};
    static const char *const effects[] = {"excuse", "credit", NULL};
    struct reading r;
    *out = (struct leave_record){.from = DAY_NONE, .to = DAY_NONE};
    if (!open_value(&r, names, 6, text, len))
        return r.faults;
    take_employee(&r, &out->employee);
    take_id(&r, "leave_id", true, &out->leave_id);
    out->is_cancel = take_word(&r, "op", ops, 0) == 1;
    if (!out->is_cancel) {
        take_days(&r, &out->from, &out->to);
        out->effect = (enum leave_effect)take_word(&r, "effect", effects, REQUIRED);
    }
    return reasons_of(&r);
}

reason_set expect_calendar(const char *text, size_t len, struct calendar_record *out) {
    static const char *const names[] = {"site_id", "from", "to", "kind", "op"};
    static const char *const kinds[] = {"closed", "hold", "release", NULL};
    struct reading r;
    *out = (struct calendar_record){.from = DAY_NONE, .to = DAY_NONE};
    if (!open_value(&r, names, 5, text, len))
        return r.faults;
    take_id(&r, "site_id", true, &out->site);
    out->kind = (enum calendar_kind)take_word(&r, "kind", kinds, REQUIRED);
    if (out->kind != CALENDAR_RELEASE) {
        out->is_cancel = take_word(&r, "op", ops, 0) == 1;
        take_days(&r, &out->from, &out->to);
    }
    return reasons_of(&r);
}

reason_set expect_decision(const char *text, size_t len, struct decision_record *out) {
    static const char *const names[] = {"employee_id", "decision_id", "kind", "decided_by", "decided_by_role",
                                        "decided_at",  "day",         "from", "to",         "expires_on",
                                        "revokes"};
    static const char *const kinds[] = {
        "attendance_credit", "attendance_void", "exemption",       "vp_approval", "revoke", "dispute_opened",
        "dispute_closed",    "verbal_warning",  "written_warning", "case_closed", NULL};
    static const char *const roles[] = {"manager", "hr", "vp", "security", "employee", NULL};
    struct reading r;
    int32_t offset_s;
    *out =
        (struct decision_record){.day = DAY_NONE, .from = DAY_NONE, .to = DAY_NONE, .expires_on = DAY_NONE};
    if (!open_value(&r, names, 11, text, len))
        return r.faults;
    take_employee(&r, &out->employee);
    take_id(&r, "decision_id", true, &out->decision_id);
    take_id(&r, "decided_by", true, &out->decided_by);
    out->role = (enum decision_role)take_word(&r, "decided_by_role", roles, REQUIRED);
    const struct oracle_value *at = take(&r, "decided_at", true);
    if (at)
        must(&r, instant_of(at, &out->decided_at.ms, &offset_s));
    out->kind = (enum decision_kind)take_word(&r, "kind", kinds, REQUIRED);
    if (out->kind == DECISION_ATTENDANCE_CREDIT || out->kind == DECISION_ATTENDANCE_VOID)
        out->day = take_day(&r, "day", true);
    else if (out->kind == DECISION_EXEMPTION)
        take_days(&r, &out->from, &out->to);
    else if (out->kind == DECISION_VP_APPROVAL)
        out->expires_on = take_day(&r, "expires_on", true);
    else if (out->kind == DECISION_REVOKE)
        take_id(&r, "revokes", true, &out->revokes);
    return reasons_of(&r);
}

/* ---- two records ---- */

static bool same_text(const struct short_text *a, const struct short_text *b) {
    return a->len == b->len && (a->len > ID_BYTES_MAX || memcmp(a->bytes, b->bytes, a->len) == 0);
}

bool same_swipe(const struct swipe *a, const struct swipe *b) {
    return same_text(&a->employee, &b->employee) && same_text(&a->site, &b->site) &&
           same_text(&a->result, &b->result) && a->has_result == b->has_result &&
           a->has_offset == b->has_offset && a->offset_s == b->offset_s &&
           a->occurred_at.ms == b->occurred_at.ms;
}

bool same_roster(const struct roster_record *a, const struct roster_record *b) {
    return same_text(&a->employee, &b->employee) && a->expects_office == b->expects_office &&
           same_text(&a->policy, &b->policy) && same_text(&a->home_site, &b->home_site) &&
           same_text(&a->home_zone, &b->home_zone) && same_text(&a->manager, &b->manager) &&
           a->hired_on.n == b->hired_on.n && a->left_on.n == b->left_on.n &&
           a->effective_on.n == b->effective_on.n && a->workdays == b->workdays;
}

bool same_leave(const struct leave_record *a, const struct leave_record *b) {
    return same_text(&a->employee, &b->employee) && same_text(&a->leave_id, &b->leave_id) &&
           a->is_cancel == b->is_cancel &&
           (a->is_cancel || (a->effect == b->effect && a->from.n == b->from.n && a->to.n == b->to.n));
}

bool same_calendar(const struct calendar_record *a, const struct calendar_record *b) {
    return same_text(&a->site, &b->site) && a->kind == b->kind && a->is_cancel == b->is_cancel &&
           a->from.n == b->from.n && a->to.n == b->to.n;
}

bool same_decision(const struct decision_record *a, const struct decision_record *b) {
    return same_text(&a->employee, &b->employee) && same_text(&a->decision_id, &b->decision_id) &&
           same_text(&a->decided_by, &b->decided_by) && a->kind == b->kind && a->role == b->role &&
           a->decided_at.ms == b->decided_at.ms && a->day.n == b->day.n && a->from.n == b->from.n &&
           a->to.n == b->to.n && a->expires_on.n == b->expires_on.n && same_text(&a->revokes, &b->revokes);
}
