/* A roster record (SPEC 2), its tombstone, and what it changes of days gone by (SPEC 4, told late).
 * Owner: the task's worker. */
#include "task_state.h"

#include <string.h>

/* Resolves the record's words against the configuration, in the order of SPEC 2's checks. Form has been
 * checked, but for the name of the zone, which only the installed tz database knows. */
static enum reason resolve(const struct task *task, const struct roster_record *record,
                           struct roster_entry *entry, struct reject_detail *detail) {
    const struct rules *rules = task->rules;
    *entry = (struct roster_entry){
        .hired_on = record->hired_on,
        .left_on = record->left_on,
        .site = SITE_NONE,
        .zone = ZONE_NONE,
        .workdays = record->workdays,
        .expects_office = record->expects_office,
    };
    if (record->policy.len) {
        int policy = policies_find(&rules->policies, record->policy.bytes, record->policy.len);
        if (policy < 0) {
            reject_detail_set(detail, "policy: not in the policy file");
            return REASON_unknown_policy;
        }
        entry->policy = (uint16_t)policy;
    }
    if (record->home_site.len) {
        entry->site = sites_find(&rules->sites, record->home_site.bytes, record->home_site.len);
        if (entry->site == SITE_NONE) {
            reject_detail_set(detail, "home_site: not in the site file");
            return REASON_unknown_site;
        }
    }
    if (record->home_zone.len)
        entry->zone = zones_find(rules->zones, record->home_zone.bytes, record->home_zone.len);
    return REASON_applied;
}

/* The duties of a day, whose change is told late when the day is over (SPEC 4). */
struct duty {
    bool is_out;
    const struct policy *policy;
    uint8_t workdays;
};

static struct duty duty_of(const struct rules *rules, const struct person *person, civil_day x) {
    const struct roster_entry *entry = person_roster_of(person, x);
    return (struct duty){is_out_of_scope(rules, entry, x), policy_of(rules, entry),
                         entry ? entry->workdays : 0};
}

static void duties_of_ledger(const struct rules *rules, const struct person *person, civil_day first,
                             struct duty duties[LEDGER_DAYS]) {
    for (int i = 0; i < LEDGER_DAYS; i++)
        duties[i] = duty_of(rules, person, day_plus(first, i));
}

static void note_told_late(struct task *task, struct subject *subject,
                           const struct duty before[LEDGER_DAYS]) {
    civil_day first = ledger_first((civil_day){subject->value.closed});
    civil_day today = zone_day_of(task->rules->zones, subject->value.zone, task->clock.ms);
    day_bits told_late = DAYS_NONE;
    for (int i = 0; i < LEDGER_DAYS && first.n + i < today.n; i++) {
        struct duty now = duty_of(task->rules, subject->person, day_plus(first, i));
        if (now.is_out != before[i].is_out || now.policy != before[i].policy ||
            now.workdays != before[i].workdays)
            told_late |= days_bit((unsigned)i);
    }
    if (told_late)
        *person_told_late(task->people, subject->person) |= days_ring(told_late, first);
}

static void apply_to_known(struct task *task, struct table_slot *slot, const struct roster_entry *entry,
                           const struct occasion *occasion) {
    struct subject subject;
    struct corrections before;
    struct duty duties[LEDGER_DAYS];
    subject_load(task, slot, &subject);
    corrections_note(task, &subject, &before);
    duties_of_ledger(task->rules, subject.person, ledger_first((civil_day){subject.value.closed}), duties);
    person_put_roster(task->people, subject.person, entry);
    subject_refresh_open_day(task, &subject);
    note_told_late(task, &subject, duties);
    person_prune_roster(task->people, subject.person, ledger_first((civil_day){subject.value.closed}));
    subject_mark(task, &subject, true);
    subject_reconsider_past(task, &subject, &before, occasion, false);
    subject_store(&subject);
    closes_catch_up(task, slot);
}

/* The record would be one more than may be kept of anybody. */
static bool is_too_many(const struct task *task, struct table_slot *slot, const struct roster_entry *entry) {
    struct subject subject;
    size_t count;
    subject_load(task, slot, &subject);
    const struct roster_entry *roster = person_roster(subject.person, &count);
    bool replaces = false;
    for (size_t i = 0; i < count; i++)
        replaces = replaces || roster[i].effective_on.n == entry->effective_on.n;
    return count >= PERSON_RECORDS_MAX && !replaces;
}

static enum reason apply_tombstone(struct task *task, const struct task_input *input,
                                   struct reject_detail *detail) {
    if (input->key == NULL || input->key_len == 0 || input->key_len > ID_BYTES_MAX) {
        reject_detail_set(detail,
                          "key: a null value forgets the person of the key, and this is no employee_id");
        return REASON_bad_field;
    }
    uint64_t hash = table_hash(task->table, input->key, input->key_len);
    struct table_slot *slot = table_find(task->table, input->key, input->key_len, hash);
    if (slot == NULL)
        return REASON_forget_of_nobody;
    struct subject subject;
    struct occasion occasion = {CAUSE_ROSTER, task->clock, input->trace};
    subject_load(task, slot, &subject);
    subject_forget(task, &subject, &occasion);
    return REASON_applied;
}

enum reason roster_apply(struct task *task, const struct task_input *input, struct reject_detail *detail) {
    if (input->value == NULL)
        return apply_tombstone(task, input, detail);
    struct roster_record record;
    enum reason reason = decode_roster(input->value, input->value_len, &record, detail);
    if (reason != REASON_applied)
        return reason;
    const struct rules *rules = task->rules;
    if (record.home_zone.len &&
        zones_find(rules->zones, record.home_zone.bytes, record.home_zone.len) == ZONE_NONE) {
        reject_detail_set(detail, "home_zone: no such IANA zone");
        return REASON_bad_field;
    }
    reason = key_check(input, &record.employee, detail);
    if (reason != REASON_applied)
        return reason;
    struct roster_entry entry;
    reason = resolve(task, &record, &entry, detail);
    if (reason != REASON_applied)
        return reason;
    bool is_named;
    entry.effective_on =
        !day_is_none(record.effective_on)
            ? record.effective_on
            : zone_day_of(rules->zones, home_zone_of(rules, &entry, &is_named), input->arrival.ms);

    struct occasion occasion = {CAUSE_ROSTER, task->clock, input->trace};
    uint64_t hash = table_hash(task->table, record.employee.bytes, record.employee.len);
    struct table_slot *slot = table_find(task->table, record.employee.bytes, record.employee.len, hash);
    if (slot && is_too_many(task, slot, &entry)) {
        reject_detail_set(detail, "effective_on: the person has too many roster records that still matter");
        return REASON_too_many;
    }
    entry.manager = names_take(task->people, record.manager.bytes, record.manager.len);
    if (slot) {
        apply_to_known(task, slot, &entry, &occasion);
        return REASON_applied;
    }
    struct subject subject;
    subject_make_known(task, input, &record.employee, hash, &entry, &subject);
    subject_reconsider(task, &subject, &occasion, true);
    subject_store(&subject);
    return REASON_applied;
}
