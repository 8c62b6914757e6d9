/* See inspect.h. */
#include "inspect.h"

#include "task_state.h"

#include <string.h>

static enum status status_of(const struct table_slot *slot) {
    struct slot_value value;
    table_get(slot, &value);
    return (enum status)value.status;
}

bool inspect_next(const struct task *task, struct people_walk *walk, struct person_status *out) {
    walk->at = table_next(task->table, walk->at);
    if (walk->at == NULL)
        return false;
    size_t len;
    const char *id = table_id(walk->at, &len);
    out->id.len = (uint8_t)len;
    memcpy(out->id.bytes, id, len);
    out->status = status_of(walk->at);
    return true;
}

static struct table_slot *find(const struct task *task, const struct short_text *id) {
    return table_find(task->table, id->bytes, id->len, table_hash(task->table, id->bytes, id->len));
}

enum status inspect_status(const struct task *task, const struct short_text *id) {
    const struct table_slot *slot = find(task, id);
    return slot ? status_of(slot) : STATUS_NONE;
}

bool inspect_person(const struct task *task, const struct short_text *id, struct person_look *out) {
    struct table_slot *slot = find(task, id);
    if (slot == NULL)
        return false;
    struct subject subject;
    subject_load(task, slot, &subject);
    const struct person *person = subject.person;
    const struct person_more *more = person->more;
    civil_day closed = {subject.value.closed};
    const struct roster_entry *entry = person_roster_of(person, day_plus(closed, 1));
    *out = (struct person_look){
        .slot = slot,
        .id = *id,
        .status = (enum status)subject.value.status,
        .status_since = person->status_since,
        .known_on = person->known_on,
        .known_at = person->known_at,
        .closed = closed,
        .zone = subject.value.zone,
        .today = zone_day_of(task->rules->zones, subject.value.zone, task->clock.ms),
        .entry = entry,
        .site = entry && entry->site != SITE_NONE ? &task->rules->sites.list[entry->site].id : NULL,
        .manager = entry && entry->manager ? names_text(task->people, entry->manager) : NULL,
        .dispute_is_open = more && more->dispute_is_open,
        .held_in = more && more->hold ? &more->hold->group : NULL,
    };
    subject_view(task, &subject, &out->view);
    judge(&out->view, closed, true, &out->verdict);
    return true;
}

void inspect_ahead(const struct task *task, const struct person_look *look, int closes, struct view *view,
                   struct person_days *days) {
    struct subject subject;
    struct person person;
    struct person_more more;
    day_bits told_late;
    table_get(look->slot, &subject.value);
    person = *people_get(task->people, subject.value.person);
    subject.person = &person;
    if (person.more) {
        more = *person.more;
        person.more = &more;
        told_late = more.told_late ? *more.told_late : DAYS_NONE;
        more.told_late = &told_late;
    }
    for (int i = 0; i < closes; i++) {
        unsigned place = slot_close_day(&subject.value);
        if (person.more)
            told_late &= ~days_bit(place);
    }
    subject_view_of(task, &subject, view, days);
}

uint16_t inspect_zone_of(const struct task *task, const struct person_look *look, civil_day day) {
    struct slot_value value;
    bool is_named;
    table_get(look->slot, &value);
    return home_zone_of(task->rules, person_roster_of(people_get(task->people, value.person), day),
                        &is_named);
}
