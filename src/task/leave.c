/* Leave (SPEC 2): days on which somebody is excused or counts as present. Owner: the task's worker. */
#include "task_state.h"

static size_t count_leaves(const struct person *person, civil_day ledger) {
    size_t count = 0;
    for (const struct leave *leave = person->more ? person->more->leaves : NULL; leave; leave = leave->next)
        count += leave->to.n >= ledger.n;
    return count;
}

static enum reason cancel(struct task *task, struct subject *subject, const struct leave_record *record,
                          const struct occasion *occasion) {
    struct corrections before;
    corrections_note(task, subject, &before);
    person_drop_leave(task->people, subject->person, &record->leave_id);
    subject_mark(task, subject, true);
    subject_reconsider_past(task, subject, &before, occasion, false);
    subject_store(subject);
    return REASON_applied;
}

static enum reason assert_leave(struct task *task, struct subject *subject, const struct leave_record *record,
                                const struct occasion *occasion, struct reject_detail *detail) {
    civil_day ledger = ledger_first((civil_day){subject->value.closed});
    if (record->to.n < ledger.n) {
        reject_detail_set(detail, "to: all of the leave lies before the ledger");
        return REASON_beyond_horizon;
    }
    if (count_leaves(subject->person, ledger) >= PERSON_RECORDS_MAX &&
        person_find_leave(subject->person, &record->leave_id) == NULL) {
        reject_detail_set(detail, "leave_id: the person has too many leave records that still matter");
        return REASON_too_many;
    }
    struct corrections before;
    corrections_note(task, subject, &before);
    person_put_leave(task->people, subject->person, record, ledger);
    subject_mark(task, subject, true);
    subject_reconsider_past(task, subject, &before, occasion, false);
    subject_store(subject);
    return REASON_applied;
}

/* By leave alone somebody becomes known, without a roster record. */
static enum reason assert_of_stranger(struct task *task, const struct task_input *input,
                                      const struct leave_record *record, uint64_t hash,
                                      const struct occasion *occasion, struct reject_detail *detail) {
    civil_day ledger = ledger_first(closes_home(task, task->rules->default_zone)->closed);
    if (record->to.n < ledger.n) {
        reject_detail_set(detail, "to: all of the leave lies before the ledger");
        return REASON_beyond_horizon;
    }
    struct subject subject;
    subject_make_known(task, input, &record->employee, hash, NULL, &subject);
    person_put_leave(task->people, subject.person, record, ledger);
    subject_reconsider(task, &subject, occasion, true);
    subject_store(&subject);
    return REASON_applied;
}

enum reason leave_apply(struct task *task, const struct task_input *input, struct reject_detail *detail) {
    struct leave_record record;
    enum reason reason = decode_leave(input->value, input->value_len, &record, detail);
    uint64_t hash;
    struct table_slot *slot;
    if (reason == REASON_applied)
        reason = employee_find(task, input, &record.employee, &hash, &slot, detail);
    if (reason != REASON_applied)
        return reason;
    struct occasion occasion = {CAUSE_LEAVE, task->clock, input->trace};
    if (slot == NULL)
        return record.is_cancel ? REASON_cancel_of_nothing
                                : assert_of_stranger(task, input, &record, hash, &occasion, detail);
    struct subject subject;
    subject_load(task, slot, &subject);
    if (!record.is_cancel)
        return assert_leave(task, &subject, &record, &occasion, detail);
    if (person_find_leave(subject.person, &record.leave_id) == NULL)
        return REASON_cancel_of_nothing;
    return cancel(task, &subject, &record, &occasion);
}
