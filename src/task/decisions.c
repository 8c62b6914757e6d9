/* Decisions of people (SPEC 2): who may take which, in what order, and what follows of them.
 * Owner: the task's worker. */
#include "task_state.h"

#include <string.h>

#define ROLE(role) (1u << ROLE_##role)

/* Who may decide what; a `revoke` takes the roles of what it revokes. */
static const unsigned roles_of[] = {
    [DECISION_ATTENDANCE_CREDIT] = ROLE(HR) | ROLE(SECURITY),
    [DECISION_ATTENDANCE_VOID] = ROLE(HR) | ROLE(SECURITY),
    [DECISION_EXEMPTION] = ROLE(HR) | ROLE(VP),
    [DECISION_VP_APPROVAL] = ROLE(VP),
    [DECISION_DISPUTE_OPENED] = ROLE(MANAGER) | ROLE(HR) | ROLE(VP) | ROLE(SECURITY) | ROLE(EMPLOYEE),
    [DECISION_DISPUTE_CLOSED] = ROLE(HR),
    [DECISION_VERBAL_WARNING] = ROLE(MANAGER) | ROLE(HR),
    [DECISION_WRITTEN_WARNING] = ROLE(MANAGER) | ROLE(HR),
    [DECISION_CASE_CLOSED] = ROLE(HR),
};

/* Holds until it is revoked or replaced. */
static bool is_lasting(enum decision_kind kind) {
    return kind <= DECISION_VP_APPROVAL;
}

static enum reason refuse(struct reject_detail *detail, enum reason reason, const char *text) {
    reject_detail_set(detail, text);
    return reason;
}

/* ---- checks
 * ----------------------------------------------------------------------------------------------------- */

static enum reason check_role(const struct person *person, const struct decision_record *record,
                              struct reject_detail *detail) {
    enum decision_kind kind = record->kind;
    if (kind == DECISION_REVOKE) {
        const struct decision *revoked = person ? person_find_decision(person, &record->revokes) : NULL;
        if (revoked == NULL || !revoked->is_in_force)
            return refuse(detail, REASON_out_of_order, "revokes: no such decision is in force");
        kind = (enum decision_kind)revoked->kind;
    }
    if (!(roles_of[kind] & 1u << record->role))
        return refuse(detail, REASON_wrong_role, "decided_by_role: this role may not decide this");
    if (record->kind != DECISION_DISPUTE_OPENED && record->decided_by.len == record->employee.len &&
        memcmp(record->decided_by.bytes, record->employee.bytes, record->employee.len) == 0)
        return refuse(detail, REASON_self_decision, "decided_by: nobody decides about themselves");
    return REASON_applied;
}

static size_t count_in_force(const struct person *person) {
    size_t count = 0;
    for (const struct decision *d = person->more ? person->more->decisions : NULL; d; d = d->next)
        count += d->is_in_force;
    return count;
}

/* `person` NULL: nobody who is known. */
static enum reason check_order(const struct person *person, enum status status,
                               const struct decision_record *record, struct reject_detail *detail) {
    const struct person_more *more = person ? person->more : NULL;
    const struct case_file *file = more ? more->case_file : NULL;
    enum case_stage stage = file ? (enum case_stage)file->stage : STAGE_NONE;
    const struct decision *same = person ? person_find_decision(person, &record->decision_id) : NULL;
    switch (record->kind) {
    case DECISION_DISPUTE_CLOSED:
        return more && more->dispute_is_open ? REASON_applied
                                             : refuse(detail, REASON_out_of_order, "no dispute is open");
    case DECISION_VERBAL_WARNING:
        return stage == STAGE_MANAGER_AWARE
                   ? REASON_applied
                   : refuse(detail, REASON_out_of_order, "the case is not at manager_aware");
    case DECISION_WRITTEN_WARNING:
        return stage == STAGE_VERBAL_WARNING && !file->is_retracted && status == STATUS_NON_COMPLIANT
                   ? REASON_applied
                   : refuse(detail, REASON_out_of_order,
                            "the case is not at verbal_warning on a standing basis while non_compliant");
    case DECISION_CASE_CLOSED:
        return stage != STAGE_NONE ? REASON_applied : refuse(detail, REASON_out_of_order, "there is no case");
    default:
        break;
    }
    if (!is_lasting(record->kind))
        return REASON_applied;
    if (same && same->is_in_force)
        return refuse(detail, REASON_out_of_order, "decision_id: a decision of this id is in force");
    return REASON_applied;
}

static enum reason check_days(const struct decision_record *record, const struct person *person,
                              civil_day ledger, struct reject_detail *detail) {
    bool is_of_day = record->kind == DECISION_ATTENDANCE_CREDIT || record->kind == DECISION_ATTENDANCE_VOID;
    if (is_of_day && record->day.n < ledger.n)
        return refuse(detail, REASON_beyond_horizon, "day: before the ledger");
    if (record->kind == DECISION_EXEMPTION && record->to.n < ledger.n)
        return refuse(detail, REASON_beyond_horizon, "to: all of the exemption lies before the ledger");
    if (is_lasting(record->kind) && person && count_in_force(person) >= PERSON_RECORDS_MAX)
        return refuse(detail, REASON_too_many, "decision_id: the person has too many decisions in force");
    return REASON_applied;
}

/* `subject` NULL: nobody who is known. */
static enum reason check(const struct subject *subject, civil_day ledger,
                         const struct decision_record *record, struct reject_detail *detail) {
    const struct person *person = subject ? subject->person : NULL;
    enum status status = subject ? (enum status)subject->value.status : STATUS_NONE;
    enum reason reason = check_role(person, record, detail);
    if (reason == REASON_applied)
        reason = check_order(person, status, record, detail);
    if (reason == REASON_applied)
        reason = check_days(record, person, ledger, detail);
    return reason;
}

/* ---- effects
 * ---------------------------------------------------------------------------------------------------- */

static void end_approvals(struct people *people, struct person *person) {
    struct decision *next;
    for (struct decision *d = person->more->decisions; d; d = next) {
        next = d->next;
        if (d->is_in_force && d->kind == DECISION_VP_APPROVAL)
            person_end_decision(people, person, d);
    }
}

static void put_in_force(struct decision *decision, const struct decision_record *record) {
    decision->kind = (uint8_t)record->kind;
    decision->is_in_force = true;
    decision->from = decision->to = record->day;
    if (record->kind == DECISION_EXEMPTION) {
        decision->from = record->from;
        decision->to = record->to;
    } else if (record->kind == DECISION_VP_APPROVAL) {
        decision->to = record->expires_on;
    }
}

/* The warning rests on the last record that had entered non_compliant. */
static void warn(struct case_file *file, enum case_stage stage) {
    file->stage = (uint8_t)stage;
    file->grounds[stage == STAGE_WRITTEN_WARNING] = file->adverse[file->adverse_count - 1].seq;
}

/* True if the case changed: then a record is due. `decision` is the place of this one. */
static bool take(struct people *people, struct person *person, struct decision *decision,
                 const struct decision_record *record) {
    struct person_more *more = person->more;
    switch (record->kind) {
    case DECISION_VP_APPROVAL:
        end_approvals(people, person); /* never this one: it is not in force yet */
        put_in_force(decision, record);
        return false;
    case DECISION_ATTENDANCE_CREDIT:
    case DECISION_ATTENDANCE_VOID:
    case DECISION_EXEMPTION:
        put_in_force(decision, record);
        return false;
    case DECISION_REVOKE:
        person_end_decision(people, person, person_find_decision(person, &record->revokes));
        return false;
    case DECISION_DISPUTE_OPENED:
    case DECISION_DISPUTE_CLOSED:
        more->dispute_is_open = record->kind == DECISION_DISPUTE_OPENED;
        return false;
    case DECISION_VERBAL_WARNING:
        warn(more->case_file, STAGE_VERBAL_WARNING);
        return true;
    case DECISION_WRITTEN_WARNING:
        warn(more->case_file, STAGE_WRITTEN_WARNING);
        return true;
    case DECISION_CASE_CLOSED:
        more->case_file->stage = STAGE_NONE;
        more->case_file->seq = more->case_file->grounds[0] = more->case_file->grounds[1] = 0;
        more->case_file->is_retracted = false;
        return true;
    }
    return false;
}

/* ---- the record
 * ------------------------------------------------------------------------------------------------- */

static enum reason apply_to_known(struct task *task, struct table_slot *slot,
                                  const struct decision_record *record, const struct occasion *occasion,
                                  struct reject_detail *detail) {
    struct subject subject;
    subject_load(task, slot, &subject);
    const struct decision *known = person_find_decision(subject.person, &record->decision_id);
    if (known && known->is_remembered)
        return REASON_repeat;
    enum reason reason = check(&subject, ledger_first((civil_day){subject.value.closed}), record, detail);
    struct corrections before;
    if (reason == REASON_applied)
        corrections_note(task, &subject, &before);
    /* What came to the check is remembered, whatever becomes of it. */
    struct decision *decision = person_remember_decision(task->people, subject.person, &record->decision_id);
    subject_mark(task, &subject, true);
    if (reason == REASON_applied) {
        bool is_due = take(task->people, subject.person, decision, record);
        subject_reconsider_past(task, &subject, &before, occasion, is_due);
    }
    subject_store(&subject);
    return reason;
}

static enum reason apply_to_stranger(struct task *task, const struct task_input *input,
                                     const struct decision_record *record, uint64_t hash,
                                     const struct occasion *occasion, struct reject_detail *detail) {
    civil_day ledger = ledger_first(closes_home(task, task->rules->default_zone)->closed);
    enum reason reason = check(NULL, ledger, record, detail);
    if (reason != REASON_applied)
        return reason;
    struct subject subject;
    subject_make_known(task, input, &record->employee, hash, NULL, &subject);
    struct decision *decision = person_remember_decision(task->people, subject.person, &record->decision_id);
    take(task->people, subject.person, decision, record);
    subject_reconsider(task, &subject, occasion, true);
    subject_store(&subject);
    return REASON_applied;
}

enum reason decision_apply(struct task *task, const struct task_input *input, struct reject_detail *detail) {
    struct decision_record record;
    enum reason reason = decode_decision(input->value, input->value_len, &record, detail);
    uint64_t hash;
    struct table_slot *slot;
    if (reason == REASON_applied)
        reason = employee_find(task, input, &record.employee, &hash, &slot, detail);
    if (reason != REASON_applied)
        return reason;
    struct slot_value value = {.zone = task->rules->default_zone};
    if (slot)
        table_get(slot, &value);
    if (record.kind == DECISION_ATTENDANCE_CREDIT &&
        record.day.n > zone_day_of(task->rules->zones, value.zone, task->clock.ms).n) {
        reject_detail_set(detail, "day: later than today");
        return REASON_future;
    }
    struct occasion occasion = {CAUSE_DECISION, task->clock, input->trace};
    return slot ? apply_to_known(task, slot, &record, &occasion, detail)
                : apply_to_stranger(task, input, &record, hash, &occasion, detail);
}
