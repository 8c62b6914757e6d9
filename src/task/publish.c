/* The only way out: F now against what was last published (SPEC 6). Owner: the task's worker. */
#include "task_state.h"

#include <string.h>

/* ---- what is to be said now
 * ------------------------------------------------------------------------------------- */

void finding_of(const struct view *view, const struct verdict *verdict, struct finding *out) {
    *out = (struct finding){
        .status = verdict->status,
        .effective_on = verdict->effective_on,
        .policy_id = &verdict->policy->id,
        .policy_hash = verdict->policy->hash,
        .policy_version = verdict->version ? verdict->version->effective_on : DAY_NONE,
    };
    const struct judged_week *week = &verdict->week;
    if (!week->is_set)
        return;
    civil_day from = day_plus(view->first, week->start);
    out->week = (struct change_week){
        true, from, day_plus(from, WEEK_DAYS - 1), week->present, week->required, week->workable, week->days};
}

void subject_find(struct task *task, struct subject *subject, struct finding *out) {
    struct view view;
    struct verdict verdict;
    civil_day closed = {subject->value.closed};
    subject_view(task, subject, &view);
    judge(&view, closed, true, &verdict);
    finding_of(&view, &verdict, out);
    if (subject->person->more == NULL || subject->person->more->hold == NULL)
        return;
    judge(&view, closed, false, &verdict); /* a lift hides what is held; it does not end it */
    if (verdict.status != STATUS_NON_COMPLIANT) {
        person_drop_hold(task->people, subject->person);
        task->held--;
        subject_mark(task, subject, true);
    } else if (out->status == STATUS_NON_COMPLIANT) {
        guard_finding(task, subject, out);
    }
}

/* ---- promotion and case
 * ----------------------------------------------------------------------------------------- */

static civil_day approval_ends(const struct person_more *more) {
    for (const struct decision *decision = more->decisions; decision; decision = decision->next)
        if (decision->is_in_force && decision->kind == DECISION_VP_APPROVAL)
            return decision->to;
    return DAY_NONE;
}

static enum promotion_gate gate_of(const struct subject *subject, enum status status, civil_day *until) {
    const struct person_more *more = subject->person->more;
    *until = DAY_NONE;
    if (status != STATUS_NON_COMPLIANT)
        return GATE_CLEAR;
    if (more && more->dispute_is_open)
        return GATE_PENDING;
    civil_day ends = more ? approval_ends(more) : DAY_NONE;
    if (day_is_none(ends) || ends.n <= subject->value.closed)
        return GATE_VP_APPROVAL_REQUIRED;
    *until = ends;
    return GATE_VP_APPROVED;
}

bool subject_gate_differs(const struct subject *subject, enum status status) {
    civil_day until;
    enum promotion_gate gate = gate_of(subject, status, &until);
    const struct case_file *file = subject->person->more ? subject->person->more->case_file : NULL;
    return file ? gate != (enum promotion_gate)file->gate || until.n != file->approved_until.n
                : gate != GATE_CLEAR;
}

/* The case follows the status (SPEC 6): the system itself enters and leaves manager_aware, and notes that the
 * ground of a warning was superseded; the rest is decided by people. */
static void follow_case(struct case_file *file, enum status status, bool entered, uint32_t seq,
                        uint32_t superseded_seq) {
    if (superseded_seq && (superseded_seq == file->grounds[0] || superseded_seq == file->grounds[1]))
        file->is_retracted = true;
    if (status != STATUS_NON_COMPLIANT && file->stage == STAGE_MANAGER_AWARE) {
        file->stage = STAGE_NONE;
        file->seq = 0;
    }
    if (status == STATUS_NON_COMPLIANT &&
        (file->stage == STAGE_NONE || (entered && file->stage == STAGE_MANAGER_AWARE))) {
        file->stage = STAGE_MANAGER_AWARE;
        file->seq = seq;
    }
}

static enum notify whom_to_notify(enum status status, enum status previous, bool is_correction) {
    if (is_correction || (status == STATUS_NON_COMPLIANT) != (previous == STATUS_NON_COMPLIANT))
        return NOTIFY_EMPLOYEE_AND_MANAGER;
    return status == STATUS_AT_RISK && previous != STATUS_AT_RISK ? NOTIFY_EMPLOYEE : NOTIFY_NOBODY;
}

static enum human_action action_due(const struct person_more *more, enum status status) {
    if (more && more->case_file && more->case_file->is_retracted)
        return ACTION_BASIS_RETRACTED;
    if (more && more->dispute_is_open)
        return ACTION_RESOLVE_DISPUTE;
    return status == STATUS_NON_COMPLIANT ? ACTION_REVIEW_WITH_EMPLOYEE : ACTION_NONE;
}

/* ---- one record
 * ------------------------------------------------------------------------------------------------ */

static void fill_case(const struct case_file *file, struct change *change) {
    change->stage = (enum case_stage)file->stage;
    change->case_seq = file->seq;
    if (file->stage != STAGE_NONE)
        change->basis = file->is_retracted ? BASIS_RETRACTED : BASIS_STANDING;
    change->gate = (enum promotion_gate)file->gate;
    change->approved_until = file->approved_until;
}

static void emit(struct task *task, const struct subject *subject, const struct finding *finding,
                 enum status previous, const struct supersession *superseded,
                 const struct occasion *occasion) {
    const struct person *person = subject->person;
    civil_day open = {subject->value.closed + 1};
    const struct roster_entry *entry = person_roster_of(person, open);
    struct change change = {
        .employee = &subject->id,
        .known_at_place = {(enum topic)person->known_topic, person->known_partition, person->known_offset},
        .known_at = person->known_at,
        .seq = person->seq,
        .status = finding->status,
        .previous_status = previous,
        .status_since = person->status_since,
        .cause = occasion->cause,
        .effective_on = finding->effective_on,
        .as_of = occasion->as_of,
        .zone = zones_name(task->rules->zones, subject->value.zone),
        .supersedes_seq = superseded->seq,
        .corrected_status = superseded->corrected_status,
        .policy_id = finding->policy_id,
        .policy_version = finding->policy_version,
        .policy_hash = finding->policy_hash,
        .week = finding->week,
        .gate = GATE_CLEAR,
        .approved_until = DAY_NONE,
        .manager = entry ? names_text(task->people, entry->manager) : NULL,
        .notify = whom_to_notify(finding->status, previous, superseded->seq != 0),
        .action = action_due(person->more, finding->status),
    };
    if (person->more && person->more->case_file)
        fill_case(person->more->case_file, &change);
    encode_state(&task->outbox, &change, task->setup.source, occasion_trace(occasion));
}

void subject_publish(struct task *task, struct subject *subject, const struct finding *finding,
                     const struct supersession *superseded, const struct occasion *occasion) {
    struct person *person = subject->person;
    enum status previous = (enum status)subject->value.status, status = finding->status;
    bool entered = status == STATUS_NON_COMPLIANT && (previous != status || superseded->counts_as_entering);
    person->seq++;
    if (status != previous || superseded->counts_as_entering)
        person->status_since = finding->effective_on;
    if (entered)
        person_add_adverse(task->people, person, person->seq, finding->effective_on);
    if (person->more && person->more->case_file) { /* there is one whenever the status is non_compliant */
        struct case_file *file = person->more->case_file;
        follow_case(file, status, entered, person->seq, superseded->seq);
        file->gate = (uint8_t)gate_of(subject, status, &file->approved_until);
    }
    if (person->more && person->more->hold)
        guard_keep(person->more->hold, finding);
    if (previous != STATUS_NONE)
        task->statuses[previous]--;
    task->statuses[status]++;
    subject->value.status = (uint8_t)status;
    emit(task, subject, finding, previous, superseded, occasion);
    subject_mark(task, subject, true);
}

/* Out of scope by a record behind which no other waits, and without a date at which that ends: no close can
 * change the status, so sweeps pass by without touching the side record. */
static bool is_quiet(const struct task *task, const struct subject *subject) {
    if (subject->value.status != STATUS_OUT_OF_SCOPE ||
        (subject->person->more && subject->person->more->told_late && *subject->person->more->told_late))
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

void subject_reconsider(struct task *task, struct subject *subject, const struct occasion *occasion,
                        bool is_due) {
    static const struct supersession none = {0};
    struct finding finding;
    subject_find(task, subject, &finding);
    if (is_due || finding.status != (enum status)subject->value.status ||
        subject_gate_differs(subject, finding.status))
        subject_publish(task, subject, &finding, &none, occasion);
    subject->value.flags &= (uint8_t)~SLOT_QUIET;
    subject->value.flags |= subject_quiet_flag(task, subject);
}
