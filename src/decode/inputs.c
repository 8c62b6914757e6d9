/* The rare topics: roster, leave, calendar, decisions (SPEC 2). The words of each field stand in the order of
 * their enum in events.h. Pure; any thread. */
#include "form.h"

static const char *const ops[] = {"assert", "cancel", NULL};
enum { OP_ASSERT, OP_CANCEL };

static bool take_workdays(struct form *form, unsigned field, uint8_t *out) {
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    const struct json_value *list = &form->values[field];
    if (list->kind == JSON_ABSENT)
        return true;
    struct json_scan scan;
    struct json_value day = {.kind = JSON_ABSENT};
    uint8_t days = 0;
    json_open(&scan, list->at, list->len);
    const char *p = list->at, *end = list->at + list->len;
    bool is_list = list->kind == JSON_ARRAY;
    while (is_list && *p != ']') { /* at the bracket that opens the list, or at a comma */
        p = json_skip_space(p + 1, end);
        unsigned i = 7;
        if (*p != ']') {
            p = json_skip_space(json_read_value(&scan, p, &day), end);
            for (i = 0; i < 7 && !form_is_text(&day, names[i]);)
                i++;
        }
        is_list = i < 7;
        days |= (uint8_t)(1u << i);
    }
    if (!is_list)
        return form_fail(form, REASON_bad_field, field, "not a list of mon to sun with at least one of them");
    *out = days;
    return true;
}

enum reason decode_roster(const char *value, size_t len, struct roster_record *out,
                          struct reject_detail *detail) {
    enum {
        EMPLOYEE_ID,
        EXPECTATION,
        POLICY,
        HOME_SITE,
        HOME_ZONE,
        MANAGER_ID,
        HIRED_ON,
        LEFT_ON,
        WORKDAYS,
        EFFECTIVE_ON,
        FIELDS
    };
    static const json_name names[FIELDS] = {"employee_id", "expectation", "policy",   "home_site",
                                            "home_zone",   "manager_id",  "hired_on", "left_on",
                                            "workdays",    "effective_on"};
    static const char *const expectations[] = {"none", "office", NULL};
    struct form form;
    unsigned expectation = 1;
    *out = (struct roster_record){.hired_on = DAY_NONE, .left_on = DAY_NONE, .effective_on = DAY_NONE};
    if (form_open(&form, names, FIELDS, value, len, detail) &&
        form_take_employee(&form, EMPLOYEE_ID, &out->employee) &&
        form_take_word(&form, EXPECTATION, FORM_OPTIONAL, expectations, &expectation) &&
        form_take_id(&form, POLICY, FORM_OPTIONAL, &out->policy) &&
        form_take_id(&form, HOME_SITE, FORM_OPTIONAL, &out->home_site) &&
        form_take_id(&form, HOME_ZONE, FORM_OPTIONAL, &out->home_zone) &&
        form_take_id(&form, MANAGER_ID, FORM_OPTIONAL, &out->manager) &&
        form_take_day(&form, HIRED_ON, FORM_OPTIONAL, &out->hired_on) &&
        form_take_day(&form, LEFT_ON, FORM_OPTIONAL, &out->left_on) &&
        form_take_day(&form, EFFECTIVE_ON, FORM_OPTIONAL, &out->effective_on))
        take_workdays(&form, WORKDAYS, &out->workdays);
    out->expects_office = expectation == 1;
    return form.reason;
}

enum reason decode_leave(const char *value, size_t len, struct leave_record *out,
                         struct reject_detail *detail) {
    enum { EMPLOYEE_ID, LEAVE_ID, FROM, TO, EFFECT, OP, FIELDS };
    static const json_name names[FIELDS] = {"employee_id", "leave_id", "from", "to", "effect", "op"};
    static const char *const effects[] = {"excuse", "credit", NULL};
    struct form form;
    unsigned op = OP_ASSERT, effect = LEAVE_EXCUSE;
    *out = (struct leave_record){.from = DAY_NONE, .to = DAY_NONE};
    if (form_open(&form, names, FIELDS, value, len, detail) &&
        form_take_employee(&form, EMPLOYEE_ID, &out->employee) &&
        form_take_id(&form, LEAVE_ID, FORM_REQUIRED, &out->leave_id) &&
        form_take_word(&form, OP, FORM_OPTIONAL, ops, &op) && op == OP_ASSERT &&
        form_take_days(&form, FROM, TO, &out->from, &out->to))
        form_take_word(&form, EFFECT, FORM_REQUIRED, effects, &effect);
    out->is_cancel = op == OP_CANCEL;
    out->effect = (enum leave_effect)effect;
    return form.reason;
}

enum reason decode_calendar(const char *value, size_t len, struct calendar_record *out,
                            struct reject_detail *detail) {
    enum { SITE_ID, FROM, TO, KIND, OP, FIELDS };
    static const json_name names[FIELDS] = {"site_id", "from", "to", "kind", "op"};
    static const char *const kinds[] = {"closed", "hold", "release", NULL};
    struct form form;
    unsigned op = OP_ASSERT, kind = CALENDAR_CLOSED;
    *out = (struct calendar_record){.from = DAY_NONE, .to = DAY_NONE};
    if (form_open(&form, names, FIELDS, value, len, detail) &&
        form_take_id(&form, SITE_ID, FORM_REQUIRED, &out->site) &&
        form_take_word(&form, KIND, FORM_REQUIRED, kinds, &kind) && kind != CALENDAR_RELEASE &&
        form_take_word(&form, OP, FORM_OPTIONAL, ops, &op))
        form_take_days(&form, FROM, TO, &out->from, &out->to);
    out->kind = (enum calendar_kind)kind;
    out->is_cancel = op == OP_CANCEL;
    return form.reason;
}

/* Decisions: which fields are read beside the common ones depends on the kind. */
enum {
    DECISION_EMPLOYEE_ID,
    DECISION_ID,
    DECISION_KIND,
    DECIDED_BY,
    DECIDED_BY_ROLE,
    DECIDED_AT,
    DECISION_DAY,
    DECISION_FROM,
    DECISION_TO,
    EXPIRES_ON,
    REVOKES,
    DECISION_FIELDS
};

static bool take_decision_subject(struct form *form, struct decision_record *out) {
    switch (out->kind) {
    case DECISION_ATTENDANCE_CREDIT:
    case DECISION_ATTENDANCE_VOID:
        return form_take_day(form, DECISION_DAY, FORM_REQUIRED, &out->day);
    case DECISION_EXEMPTION:
        return form_take_days(form, DECISION_FROM, DECISION_TO, &out->from, &out->to);
    case DECISION_VP_APPROVAL:
        return form_take_day(form, EXPIRES_ON, FORM_REQUIRED, &out->expires_on);
    case DECISION_REVOKE:
        return form_take_id(form, REVOKES, FORM_REQUIRED, &out->revokes);
    case DECISION_DISPUTE_OPENED:
    case DECISION_DISPUTE_CLOSED:
    case DECISION_VERBAL_WARNING:
    case DECISION_WRITTEN_WARNING:
    case DECISION_CASE_CLOSED:
        break;
    }
    return true;
}

enum reason decode_decision(const char *value, size_t len, struct decision_record *out,
                            struct reject_detail *detail) {
    static const json_name names[DECISION_FIELDS] = {
        "employee_id", "decision_id", "kind", "decided_by", "decided_by_role", "decided_at",
        "day",         "from",        "to",   "expires_on", "revokes"};
    static const char *const kinds[] = {
        "attendance_credit", "attendance_void", "exemption",       "vp_approval", "revoke", "dispute_opened",
        "dispute_closed",    "verbal_warning",  "written_warning", "case_closed", NULL};
    static const char *const roles[] = {"manager", "hr", "vp", "security", "employee", NULL};
    struct form form;
    unsigned kind = 0, role = 0;
    *out =
        (struct decision_record){.day = DAY_NONE, .from = DAY_NONE, .to = DAY_NONE, .expires_on = DAY_NONE};
    if (form_open(&form, names, DECISION_FIELDS, value, len, detail) &&
        form_take_employee(&form, DECISION_EMPLOYEE_ID, &out->employee) &&
        form_take_id(&form, DECISION_ID, FORM_REQUIRED, &out->decision_id) &&
        form_take_id(&form, DECIDED_BY, FORM_REQUIRED, &out->decided_by) &&
        form_take_word(&form, DECIDED_BY_ROLE, FORM_REQUIRED, roles, &role) &&
        form_take_instant(&form, DECIDED_AT, FORM_REQUIRED, &out->decided_at.ms) &&
        form_take_word(&form, DECISION_KIND, FORM_REQUIRED, kinds, &kind)) {
        out->kind = (enum decision_kind)kind;
        out->role = (enum decision_role)role;
        take_decision_subject(&form, out);
    }
    return form.reason;
}
