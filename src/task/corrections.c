/* Corrections (SPEC 5): an input that takes the ground from under an earlier adverse record supersedes it,
 * even if today's status stays. Owner: the task's worker. */
#include "task_state.h"

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
    const struct case_file *file = subject->person->more ? subject->person->more->case_file : NULL;
    out->was_adverse = 0;
    if (file == NULL || file->adverse_count == 0)
        return;
    struct view view;
    subject_view(task, subject, &view);
    for (unsigned i = 0; i < file->adverse_count; i++)
        if (!file->adverse[i].is_superseded &&
            status_then(&view, file->adverse[i].effective_on) == STATUS_NON_COMPLIANT)
            out->was_adverse |= 1u << i;
}

void subject_reconsider_past(struct task *task, struct subject *subject, const struct corrections *before,
                             const struct occasion *occasion, bool is_due) {
    struct supersession list[ADVERSE_RECORDS_MAX];
    size_t count = 0;
    struct view view;
    if (before->was_adverse)
        subject_view(task, subject, &view);
    for (unsigned i = 0; before->was_adverse >> i; i++) {
        struct adverse_record *adverse = &subject->person->more->case_file->adverse[i];
        if (!(before->was_adverse & 1u << i))
            continue;
        enum status now = status_then(&view, adverse->effective_on);
        if (now == STATUS_NON_COMPLIANT)
            continue;
        adverse->is_superseded = true;
        list[count++] = (struct supersession){.seq = adverse->seq, .corrected_status = now};
    }
    if (count > 0) {
        struct finding finding;
        subject_find(task, subject, &finding);
        list[count - 1].counts_as_entering = finding.status == STATUS_NON_COMPLIANT;
        for (size_t i = 0; i < count; i++)
            subject_publish(task, subject, &finding, &list[i], occasion);
        is_due = false; /* the first of them carries whatever else changed */
    }
    subject_reconsider(task, subject, occasion, is_due);
}
