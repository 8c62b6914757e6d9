/* What is known of a person, as F sees it (SPEC 3, 4): sets of days over the ledger, made of the slot's ring,
 * the roster, leave, decisions and the calendar of the home site. Owner: the task's worker. */
#include "task_state.h"

#include "check.h"

#include <string.h>

/* ---- roster and calendar
 * ---------------------------------------------------------------------------------------- */

static void add_era(struct view *view, int32_t from, int32_t to, const struct roster_entry *entry,
                    const struct policy *policy, const struct policy_version *version) {
    if (from < 0)
        from = 0;
    if (to > LEDGER_DAYS - 1)
        to = LEDGER_DAYS - 1;
    if (from > to)
        return;
    CHECK(view->eras_count < ERAS_MAX);
    view->eras[view->eras_count++] = (struct era){
        .from = (uint8_t)from,
        .to = (uint8_t)to,
        .own_workdays = entry ? entry->workdays : 0,
        .policy = policy,
        .version = version,
    };
}

/* Splits the window days [from, to] that one record rules by the versions of its policy. */
static void add_eras(const struct rules *rules, struct view *view, int32_t from, int32_t to,
                     const struct roster_entry *entry) {
    const struct policy *policy = policy_of(rules, entry);
    int32_t next = view->first.n + to + 1; /* civil day on which the part behind begins */
    uint32_t i = policy->versions_count;
    while (i > 0 && policy->versions[i - 1].effective_on.n >= next)
        i--;
    /* Versions are walked backwards to find the first that matters, then forwards, so that eras come in
     * order. */
    uint32_t last = i;
    while (i > 0 && policy->versions[i - 1].effective_on.n > view->first.n + from)
        i--;
    const struct policy_version *version = i > 0 ? &policy->versions[i - 1] : NULL;
    for (; i < last; i++) {
        int32_t starts = policy->versions[i].effective_on.n - view->first.n;
        add_era(view, from, starts - 1, entry, policy, version);
        from = starts;
        version = &policy->versions[i];
    }
    add_era(view, from, to, entry, policy, version);
}

static day_bits skipped_days(const struct rules *rules, uint16_t zone, civil_day first, int32_t from,
                             int32_t to) {
    day_bits days = DAYS_NONE;
    if (!zone_ever_skips(rules->zones, zone))
        return days;
    for (int32_t i = from < 0 ? 0 : from; i <= to && i < LEDGER_DAYS; i++)
        if (zone_skips_day(rules->zones, zone, day_plus(first, i)))
            days |= days_bit((unsigned)i);
    return days;
}

bool is_out_of_scope(const struct rules *rules, const struct roster_entry *entry, civil_day day) {
    if (entry == NULL)
        return rules->unknown_people == UNKNOWN_OUT_OF_SCOPE;
    return !entry->expects_office || (!day_is_none(entry->left_on) && day.n >= entry->left_on.n) ||
           (!day_is_none(entry->hired_on) && day.n < entry->hired_on.n);
}

/* is_out_of_scope for a row of days ruled by one record. */
static day_bits days_out_of_scope(const struct rules *rules, const struct roster_entry *entry, day_bits span,
                                  civil_day first) {
    if (entry == NULL)
        return rules->unknown_people == UNKNOWN_OUT_OF_SCOPE ? span : DAYS_NONE;
    if (!entry->expects_office)
        return span;
    day_bits out = DAYS_NONE;
    if (!day_is_none(entry->hired_on))
        out |= days_span(0, entry->hired_on.n - first.n - 1);
    if (!day_is_none(entry->left_on))
        out |= days_span(entry->left_on.n - first.n, LEDGER_DAYS - 1);
    return span & out;
}

/* What one record says of the window days [from, to]. */
static void add_record(const struct task *task, struct view *view, struct person_days *days, int32_t from,
                       int32_t to, const struct roster_entry *entry) {
    if (to < 0 || from > LEDGER_DAYS - 1)
        return;
    const struct rules *rules = task->rules;
    add_eras(rules, view, from, to, entry);
    bool is_named;
    uint16_t zone = home_zone_of(rules, entry, &is_named);
    day_bits span = days_span(from, to);
    view->skipped |= skipped_days(rules, zone, view->first, from, to);
    view->out_of_scope |= days_out_of_scope(rules, entry, span, view->first);
    if (entry && entry->site != SITE_NONE && task->closures[entry->site]) {
        day_bits closed, hold;
        closures_days(task->closures[entry->site], view->first, &closed, &hold);
        days->closed |= span & closed;
        days->on_hold |= span & hold;
    }
}

static void add_roster(const struct task *task, const struct person *person, struct view *view,
                       struct person_days *days) {
    size_t count;
    const struct roster_entry *roster = person_roster(person, &count);
    if (count == 0)
        add_record(task, view, days, 0, LEDGER_DAYS - 1, NULL);
    for (size_t i = 0; i < count; i++) {
        int32_t from = i == 0 ? 0 : roster[i].effective_on.n - view->first.n;
        int32_t to = i + 1 == count ? LEDGER_DAYS - 1 : roster[i + 1].effective_on.n - view->first.n - 1;
        add_record(task, view, days, from, to, &roster[i]);
    }
}

/* ---- leave and decisions
 * ---------------------------------------------------------------------------------------- */

static void add_more(const struct person_more *more, civil_day first, struct person_days *days) {
    days->told_late = more->told_late ? days_window(*more->told_late, first) : DAYS_NONE;
    for (const struct leave *leave = more->leaves; leave; leave = leave->next)
        *(leave->effect == LEAVE_CREDIT ? &days->credited_by_leave : &days->on_leave) |=
            days_span(leave->from.n - first.n, leave->to.n - first.n);
    for (const struct decision *decision = more->decisions; decision; decision = decision->next) {
        if (!decision->is_in_force || decision->kind == DECISION_VP_APPROVAL) /* which covers no days */
            continue;
        day_bits span = days_span(decision->from.n - first.n, decision->to.n - first.n);
        if (decision->kind == DECISION_ATTENDANCE_CREDIT)
            days->credited |= span;
        else if (decision->kind == DECISION_ATTENDANCE_VOID)
            days->voided |= span;
        else if (decision->kind == DECISION_EXEMPTION)
            days->exempt |= span;
    }
}

/* ---- all of it
 * -------------------------------------------------------------------------------------------------- */

void subject_view_of(const struct task *task, const struct subject *subject, struct view *view,
                     struct person_days *days) {
    const struct person *person = subject->person;
    civil_day first = ledger_first((civil_day){subject->value.closed});
    day_bits ring = (day_bits)subject->value.days[1] << 64 | subject->value.days[0];
    *days = (struct person_days){.swiped = days_window(ring, first)};
    view->first = first;
    view->skipped = view->out_of_scope = DAYS_NONE;
    view->known_on = person->known_on;
    view->complete_from = task->complete_from;
    view->eras_count = 0;
    add_roster(task, person, view, days);
    if (person->more)
        add_more(person->more, first, days);

    day_bits accepted = days->swiped & ~days->voided;
    view->lifting = accepted | days->credited;
    view->present = view->lifting | days->credited_by_leave;
    view->excused = days->on_leave | days->closed | days->on_hold;
    view->doubtful = days->told_late | days->on_hold;
    view->exempt = days->exempt;
}

void subject_view(const struct task *task, const struct subject *subject, struct view *view) {
    struct person_days days;
    subject_view_of(task, subject, view, &days);
}

bool subject_is_in_scope(const struct task *task, const struct subject *subject, civil_day day) {
    const struct roster_entry *entry = person_roster_of(subject->person, day);
    if (is_out_of_scope(task->rules, entry, day) || version_on(policy_of(task->rules, entry), day) == NULL)
        return false;
    const struct person_more *more = subject->person->more;
    for (const struct decision *d = more ? more->decisions : NULL; d; d = d->next)
        if (d->is_in_force && d->kind == DECISION_EXEMPTION && d->from.n <= day.n && day.n <= d->to.n)
            return false;
    return true;
}
