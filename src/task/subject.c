/* The person in hand: slot and side record together, and what follows from the roster. Owner: the task's
 * worker. */
#include "task_state.h"

#include "check.h"

#include <string.h>

void subject_load(const struct task *task, struct table_slot *slot, struct subject *out) {
    out->slot = slot;
    table_get(slot, &out->value);
    out->person = people_get(task->people, out->value.person);
    size_t len;
    const char *id = table_id(slot, &len);
    out->id.len = (uint8_t)len;
    memcpy(out->id.bytes, id, len);
}

void subject_store(struct subject *subject) {
    table_set(subject->slot, &subject->value);
}

void subjects_prefetch(const struct task *task, struct table_slot *const *slots, size_t count) {
    uint32_t people[SUBJECTS_BATCH];
    CHECK(count <= SUBJECTS_BATCH);
    for (size_t i = 0; i < count; i++) {
        struct slot_value value;
        table_get(slots[i], &value);
        people[i] = value.person;
        people_prefetch_more(task->people, people[i]);
    }
    for (size_t i = 0; i < count; i++)
        people_prefetch_lists(task->people, people[i]);
}

size_t subjects_next(const struct task *task, struct subjects_walk *walk) {
    size_t count = 0;
    while (count < SUBJECTS_BATCH) {
        struct table_slot *slot =
            walk->ranges == 1 ? table_next(task->table, walk->last)
                              : table_next_in_range(task->table, walk->index, walk->ranges, walk->last);
        if (slot == NULL)
            break;
        struct slot_value value;
        table_get(slot, &value);
        people_prefetch(task->people, value.person);
        walk->slots[count++] = slot;
        walk->last = slot;
    }
    subjects_prefetch(task, walk->slots, count);
    return count;
}

static void note_dirty_id(struct changelog_state *log, const struct short_text *id) {
    size_t need = log->dirty_used + 1 + id->len;
    if (need > log->dirty_capacity) {
        log->dirty_capacity = need > 2 * log->dirty_capacity ? need + 65536 : 2 * log->dirty_capacity;
        log->dirty = xrealloc(log->dirty, log->dirty_capacity, 1);
    }
    log->dirty[log->dirty_used] = (char)id->len;
    memcpy(log->dirty + log->dirty_used + 1, id->bytes, id->len);
    log->dirty_used = need;
}

void subject_mark(struct task *task, struct subject *subject, bool whole) {
    if (!task->setup.has_changelog)
        return;
    if (!(subject->value.flags & SLOT_DIRTY))
        note_dirty_id(&task->changelog, &subject->id);
    subject->value.flags |= (uint8_t)(SLOT_DIRTY | (whole ? SLOT_DIRTY_WHOLE : 0));
}

void slot_set_day(struct slot_value *value, civil_day day) {
    unsigned place = days_ring_place(day);
    value->days[place / 64] |= UINT64_C(1) << place % 64;
}

uint16_t home_zone_of(const struct rules *rules, const struct roster_entry *entry, bool *is_named) {
    uint16_t zone = ZONE_NONE;
    if (entry && entry->zone != ZONE_NONE)
        zone = entry->zone;
    else if (entry && entry->site != SITE_NONE)
        zone = rules->sites.list[entry->site].zone;
    *is_named = zone != ZONE_NONE;
    return *is_named ? zone : rules->default_zone;
}

uint16_t subject_zone_of(const struct task *task, const struct subject *subject, civil_day day) {
    bool is_named;
    return home_zone_of(task->rules, person_roster_of(subject->person, day), &is_named);
}

void subject_refresh_open_day(struct task *task, struct subject *subject) {
    bool is_named;
    civil_day open = {subject->value.closed + 1};
    subject->value.zone = home_zone_of(task->rules, person_roster_of(subject->person, open), &is_named);
    subject->value.flags &= (uint8_t) ~(SLOT_NAMES_HOME | SLOT_ON_ROSTER);
    if (is_named)
        subject->value.flags |= SLOT_NAMES_HOME;
    if (subject->person->roster != ROSTER_NONE)
        subject->value.flags |= SLOT_ON_ROSTER;
    closes_home(task, subject->value.zone);
}

unsigned slot_close_day(struct slot_value *value) {
    value->closed++;
    unsigned place =
        days_ring_place((civil_day){value->closed + LEDGER_AHEAD_DAYS}); /* was that of 128 days before */
    value->days[place / 64] &= ~(UINT64_C(1) << place % 64);
    return place;
}

void subject_close_day(struct task *task, struct subject *subject) {
    unsigned place = slot_close_day(&subject->value);
    if (subject->person->more && subject->person->more->told_late)
        *subject->person->more->told_late &= ~days_bit(place);
    if (subject->person->roster == ROSTER_MORE) {
        person_prune_roster(task->people, subject->person, ledger_first((civil_day){subject->value.closed}));
        subject_refresh_open_day(task, subject);
    }
}

bool is_welcome(const struct task *task, const struct table_slot *slot, struct reject_detail *detail) {
    if (task->rules->unknown_people != UNKNOWN_REJECT)
        return true;
    struct slot_value value = {0};
    if (slot)
        table_get(slot, &value);
    if (value.flags & SLOT_ON_ROSTER)
        return true;
    reject_detail_set(detail, "no roster record");
    return false;
}

enum reason employee_find(const struct task *task, const struct task_input *input,
                          const struct short_text *id, uint64_t *hash, struct table_slot **slot,
                          struct reject_detail *detail) {
    enum reason reason = key_check(input, id, detail);
    if (reason != REASON_applied)
        return reason;
    *hash = table_hash(task->table, id->bytes, id->len);
    *slot = table_find(task->table, id->bytes, id->len, *hash);
    return is_welcome(task, *slot, detail) ? REASON_applied : REASON_unknown_employee;
}

const struct policy *policy_of(const struct rules *rules, const struct roster_entry *entry) {
    return &rules->policies.list[entry ? entry->policy : 0];
}

const struct policy_version *version_on(const struct policy *policy, civil_day day) {
    for (uint32_t i = policy->versions_count; i > 0; i--)
        if (policy->versions[i - 1].effective_on.n <= day.n)
            return &policy->versions[i - 1];
    return NULL;
}

void subject_make_known(struct task *task, const struct task_input *input, const struct short_text *id,
                        uint64_t hash, const struct roster_entry *entry, struct subject *out) {
    uint32_t index = people_add(task->people);
    struct person *person = people_get(task->people, index);
    if (entry)
        person_put_roster(task->people, person, entry);
    person->known_at = task->clock;
    person->known_topic = (uint8_t)input->topic;
    person->known_partition = (uint16_t)input->partition;
    person->known_offset = input->offset;
    out->person = person;
    out->id = *id;
    out->value = (struct slot_value){
        .closed = closes_last_due(task, person).n, .person = index, .status = STATUS_NONE};
    subject_refresh_open_day(task, out);
    person->known_on = zone_day_of(task->rules->zones, out->value.zone, task->clock.ms);
    out->slot = table_insert(task->table, id->bytes, id->len, hash, &out->value);
}

void subject_forget(struct task *task, struct subject *subject, const struct occasion *occasion) {
    const struct person *person = subject->person;
    struct record_place place = {(enum topic)person->known_topic, person->known_partition,
                                 person->known_offset};
    encode_tombstone(&task->outbox, &subject->id, &place, occasion->as_of, task->setup.source,
                     occasion_trace(occasion));
    task->statuses[subject->value.status]--;
    task->held -= person->more && person->more->hold;
    subject_mark(task, subject, true);
    people_remove(task->people, subject->value.person);
    table_erase(task->table, subject->slot);
}
