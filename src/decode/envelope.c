/* What a line of replay says of itself (SPEC 2, 5), beside the record that it also is. Pure; any thread. */
#include "form.h"

enum { TOPIC, ARRIVED_AT, TOMBSTONE, EMPLOYEE_ID, FIELDS };

/* The record of a tombstone is its key alone, so that its employee_id is of this form or it says nothing. */
static bool take_tombstone(struct form *form, struct envelope *out) {
    const struct json_value *value = &form->values[TOMBSTONE];
    if (value->kind == JSON_ABSENT)
        return true;
    if (value->kind != JSON_BOOLEAN)
        return form_fail(form, REASON_bad_field, TOMBSTONE, "neither true nor false");
    out->is_tombstone = *value->at == 't';
    return !out->is_tombstone || form_take_employee(form, EMPLOYEE_ID, &out->employee);
}

enum reason decode_envelope(const char *line, size_t len, struct envelope *out,
                            struct reject_detail *detail) {
    static const json_name names[FIELDS] = {"topic", "arrived_at", "tombstone", "employee_id"};
    static const char *const topics[] = {"calendar", "roster", "leave", "decisions", "swipes", NULL};
    struct form form;
    unsigned topic = TOPIC_CALENDAR;
    *out = (struct envelope){.topic = TOPIC_COUNT};
    if (!form_open(&form, names, FIELDS, line, len, detail))
        return form.reason;
    /* The arrival first: the clock moves whatever becomes of the record. */
    if (!form_take_instant(&form, ARRIVED_AT, FORM_OPTIONAL, &out->arrived_at.ms))
        return form.reason;
    out->has_arrived_at = form.values[ARRIVED_AT].kind != JSON_ABSENT;
    if (!form_take_word(&form, TOPIC, FORM_REQUIRED, topics, &topic))
        return form.reason;
    out->topic = (enum topic)topic;
    if (out->topic == TOPIC_ROSTER)
        take_tombstone(&form, out);
    return form.reason;
}
