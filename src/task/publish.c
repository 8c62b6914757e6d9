/* The only way out: F now against what was last published (SPEC 5, 6). Owner: the task's worker. */
#include "task_state.h"

#include "check.h"

#include <string.h>

/* ---- the view of a person
 * -------------------------------------------------------------------------------------- */

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

/* What one record says of the window days [from, to]. */
static void add_record(const struct task *task, struct view *view, int32_t from, int32_t to,
                       const struct roster_entry *entry) {
    if (to < 0 || from > LEDGER_DAYS - 1)
        return;
    const struct rules *rules = task->rules;
    add_eras(rules, view, from, to, entry);
    bool is_named;
    uint16_t zone = home_zone_of(rules, entry, &is_named);
    view->skipped |= skipped_days(rules, zone, view->first, from, to);
    if (entry ? !entry->expects_office : rules->unknown_people == UNKNOWN_OUT_OF_SCOPE)
        view->out_of_scope |= days_span(from, to);
    if (entry && !day_is_none(entry->hired_on))
        view->out_of_scope |= days_span(from, to) & days_span(0, entry->hired_on.n - view->first.n - 1);
    if (entry && !day_is_none(entry->left_on))
        view->out_of_scope |=
            days_span(from, to) & days_span(entry->left_on.n - view->first.n, LEDGER_DAYS - 1);
}

void subject_view(const struct task *task, const struct subject *subject, struct view *view) {
    const struct person *person = subject->person;
    civil_day first = ledger_first((civil_day){subject->value.closed});
    day_bits ring = (day_bits)subject->value.days[1] << 64 | subject->value.days[0];
    view->first = first;
    view->present = view->lifting = days_window(ring, first);
    view->excused = view->skipped = view->out_of_scope = view->exempt = DAYS_NONE;
    view->doubtful = person->more ? days_window(person->more->told_late, first) : DAYS_NONE;
    view->known_on = person->known_on;
    view->complete_from = task->complete_from;
    view->eras_count = 0;

    size_t count;
    const struct roster_entry *roster = person_roster(person, &count);
    if (count == 0)
        add_record(task, view, 0, LEDGER_DAYS - 1, NULL);
    for (size_t i = 0; i < count; i++) {
        int32_t from = i == 0 ? 0 : roster[i].effective_on.n - first.n;
        int32_t to = i + 1 == count ? LEDGER_DAYS - 1 : roster[i + 1].effective_on.n - first.n - 1;
        add_record(task, view, from, to, &roster[i]);
    }
}

/* ---- one record
 * ------------------------------------------------------------------------------------------------ */

/* A correction that a record carries (SPEC 5). */
struct supersession {
    uint32_t seq; /* 0: none */
    enum status corrected_status;
    bool counts_as_entering; /* the last one while today's status is non_compliant */
};

static void fill_week(struct change *change, const struct view *view, const struct judged_week *week) {
    if (!week->is_set)
        return;
    civil_day from = day_plus(view->first, week->start);
    change->week = (struct change_week){
        true, from, day_plus(from, WEEK_DAYS - 1), week->present, week->required, week->workable, week->days};
}

/* The case follows the status (SPEC 6): the system itself enters and leaves manager_aware and nothing else.
 */
static void follow_case(struct person *person, enum status status, bool entered) {
    if (status != STATUS_NON_COMPLIANT) {
        person->stage = STAGE_NONE;
        person->case_seq = 0;
    } else if (person->stage == STAGE_NONE || entered) {
        person->stage = STAGE_MANAGER_AWARE;
        person->case_seq = person->seq;
    }
}

static enum notify whom_to_notify(enum status status, enum status previous, bool is_correction) {
    if (is_correction || (status == STATUS_NON_COMPLIANT) != (previous == STATUS_NON_COMPLIANT))
        return NOTIFY_EMPLOYEE_AND_MANAGER;
    return status == STATUS_AT_RISK && previous != STATUS_AT_RISK ? NOTIFY_EMPLOYEE : NOTIFY_NOBODY;
}

/* Makes one state record of the verdict and what it changes in the person. */
static void publish(struct task *task, struct subject *subject, const struct view *view,
                    const struct verdict *verdict, const struct supersession *superseded,
                    const struct occasion *occasion) {
    struct person *person = subject->person;
    enum status previous = (enum status)subject->value.status, status = verdict->status;
    bool entered = status == STATUS_NON_COMPLIANT && (previous != status || superseded->counts_as_entering);
    person->seq++;
    if (status != previous || superseded->counts_as_entering)
        person->status_since = verdict->effective_on;
    follow_case(person, status, entered);
    if (entered)
        person_add_adverse(person_more(task->people, person), person->seq, verdict->effective_on);
    if (previous != STATUS_NONE)
        task->statuses[previous]--;
    task->statuses[status]++;
    subject->value.status = (uint8_t)status;

    civil_day open = {subject->value.closed + 1};
    const struct roster_entry *entry = person_roster_of(person, open);
    struct change change = {
        .employee = &subject->id,
        .known_at_place = {(enum topic)person->known_topic, person->known_partition, person->known_offset},
        .known_at = person->known_at,
        .seq = person->seq,
        .status = status,
        .previous_status = previous,
        .status_since = person->status_since,
        .cause = occasion->cause,
        .effective_on = verdict->effective_on,
        .as_of = occasion->as_of,
        .zone = zones_name(task->rules->zones, subject->value.zone),
        .supersedes_seq = superseded->seq,
        .corrected_status = superseded->corrected_status,
        .policy_id = &verdict->policy->id,
        .policy_version = verdict->version ? verdict->version->effective_on : DAY_NONE,
        .policy_hash = verdict->policy->hash,
        .gate = status == STATUS_NON_COMPLIANT ? GATE_VP_APPROVAL_REQUIRED : GATE_CLEAR,
        .approved_until = DAY_NONE,
        .stage = (enum case_stage)person->stage,
        .basis = person->stage == STAGE_NONE ? BASIS_NONE : BASIS_STANDING,
        .case_seq = person->case_seq,
        .manager = entry ? names_text(task->people, entry->manager) : NULL,
        .notify = whom_to_notify(status, previous, superseded->seq != 0),
        .action = status == STATUS_NON_COMPLIANT ? ACTION_REVIEW_WITH_EMPLOYEE : ACTION_NONE,
    };
    fill_week(&change, view, &verdict->week);
    encode_state(&task->outbox, &change, task->setup.source, occasion_trace(occasion));
    subject_mark(task, subject, true);
}

/* Out of scope by a record behind which no other waits, and without a date at which that ends: no close can
 * change the status, so sweeps pass by without touching the side record. */
static bool is_quiet(const struct task *task, const struct subject *subject) {
    if (subject->value.status != STATUS_OUT_OF_SCOPE ||
        (subject->person->more && subject->person->more->told_late))
        return false;
    size_t count;
    const struct roster_entry *roster = person_roster(subject->person, &count);
    int32_t open = subject->value.closed + 1;
    if (count == 0)
        return task->rules->unknown_people == UNKNOWN_OUT_OF_SCOPE;
    const struct roster_entry *newest = &roster[count - 1];
    return count == 1 &&
           (!newest->expects_office || (!day_is_none(newest->left_on) && newest->left_on.n <= open));
}

uint8_t subject_quiet_flag(const struct task *task, const struct subject *subject) {
    return is_quiet(task, subject) ? SLOT_QUIET : 0;
}

static const struct supersession no_supersession = {0};

void subject_reconsider(struct task *task, struct subject *subject, const struct occasion *occasion,
                        bool is_first) {
    struct view view;
    struct verdict verdict;
    subject_view(task, subject, &view);
    judge(&view, (civil_day){subject->value.closed}, true, &verdict);
    if (is_first || verdict.status != (enum status)subject->value.status)
        publish(task, subject, &view, &verdict, &no_supersession, occasion);
    subject->value.flags &= (uint8_t)~SLOT_QUIET;
    subject->value.flags |= subject_quiet_flag(task, subject);
}

/* ---- corrections
 * ----------------------------------------------------------------------------------------------- */

/* F at the effective_on of an adverse record, over today's ledger. A day before the ledger cannot be judged:
 * all its weeks are neutral. */
static enum status status_then(const struct view *view, civil_day day) {
    if (day.n + 1 < view->first.n)
        return STATUS_UNRATED;
    struct verdict verdict;
    judge(view, day, false, &verdict);
    return verdict.status;
}

void corrections_note(const struct task *task, const struct subject *subject, struct corrections *out) {
    const struct person_more *more = subject->person->more;
    out->was_adverse = 0;
    if (more == NULL || more->adverse_count == 0)
        return;
    struct view view;
    subject_view(task, subject, &view);
    for (unsigned i = 0; i < more->adverse_count; i++)
        if (!more->adverse[i].is_superseded &&
            status_then(&view, more->adverse[i].effective_on) == STATUS_NON_COMPLIANT)
            out->was_adverse |= 1u << i;
}

void subject_reconsider_past(struct task *task, struct subject *subject, const struct corrections *before,
                             const struct occasion *occasion) {
    struct supersession list[ADVERSE_RECORDS_MAX];
    size_t count = 0;
    struct view view;
    subject_view(task, subject, &view);
    struct person_more *more = subject->person->more;
    for (unsigned i = 0; before->was_adverse >> i; i++) {
        if (!(before->was_adverse & 1u << i))
            continue;
        enum status now = status_then(&view, more->adverse[i].effective_on);
        if (now == STATUS_NON_COMPLIANT)
            continue;
        more->adverse[i].is_superseded = true;
        list[count++] = (struct supersession){.seq = more->adverse[i].seq, .corrected_status = now};
    }
    if (count > 0) {
        struct verdict verdict;
        judge(&view, (civil_day){subject->value.closed}, true, &verdict);
        list[count - 1].counts_as_entering = verdict.status == STATUS_NON_COMPLIANT;
        for (size_t i = 0; i < count; i++)
            publish(task, subject, &view, &verdict, &list[i], occasion);
    }
    subject_reconsider(task, subject, occasion, false);
}
