/* Day closes (SPEC 5): when the clock reaches the end of a day in a home zone plus `settle`, that day is
 * judged for everybody who lives there. Derived from the clock; no timers. A close is one sweep of the table.
 * Owner: the task's worker. */
#include "task_state.h"

#include "check.h"

int64_t closes_due_ms(const struct task *task, uint16_t zone, civil_day day) {
    return zone_day_over_ms(task->rules->zones, zone, day) + task->rules->settle_ms;
}

static void note_next_due(struct task *task) {
    task->next_due_ms = INT64_MAX;
    for (uint32_t i = 0; i < task->homes_count; i++)
        if (task->homes[i].due_ms < task->next_due_ms)
            task->next_due_ms = task->homes[i].due_ms;
}

struct home_zone *closes_home(struct task *task, uint16_t zone) {
    uint16_t known = task->home_of_zone[zone];
    if (known)
        return &task->homes[known - 1];
    CHECK(task->clock.ms != NO_CLOCK);
    task->homes = xrealloc(task->homes, task->homes_count + 1, sizeof *task->homes);
    struct home_zone *home = &task->homes[task->homes_count++];
    task->home_of_zone[zone] = (uint16_t)task->homes_count;
    /* The day that it is now minus settle is not over; a day or two before it is. */
    civil_day day =
        day_plus(zone_day_of(task->rules->zones, zone, task->clock.ms - task->rules->settle_ms), 1);
    while (closes_due_ms(task, zone, day) > task->clock.ms)
        day.n--;
    *home = (struct home_zone){
        .zone = zone, .closed = day, .due_ms = closes_due_ms(task, zone, day_plus(day, 1))};
    note_next_due(task);
    return home;
}

civil_day closes_last_due(struct task *task, const struct person *person) {
    bool is_named;
    const struct rules *rules = task->rules;
    if (person->roster_count <= 1)
        return closes_home(task, home_zone_of(rules, person_roster_of(person, DAY_MAX), &is_named))->closed;
    civil_day day = day_plus(zone_day_of(rules->zones, rules->default_zone, task->clock.ms), 2);
    while (closes_due_ms(task, home_zone_of(rules, person_roster_of(person, day), &is_named), day) >
           task->clock.ms)
        day.n--;
    return day;
}

void closes_catch_up(struct task *task, struct subject *subject, const arrival_time *as_of) {
    while (subject->value.closed < closes_home(task, subject->value.zone)->closed.n) {
        civil_day day = {subject->value.closed + 1};
        struct occasion occasion = {
            .cause = CAUSE_DAY_CLOSE,
            .as_of = as_of ? *as_of : (arrival_time){closes_due_ms(task, subject->value.zone, day)}};
        subject_close_day(task, subject);
        subject_reconsider(task, subject, &occasion, false);
    }
}

#define SWEEP_BATCH 32

/* Judges those gathered by the sweep, whose side records are on their way from memory by now. */
static void judge_batch(struct task *task, struct table_slot *const *slots, size_t count,
                        const struct occasion *occasion) {
    for (size_t i = 0; i < count; i++) {
        struct subject subject;
        subject_load(task, slots[i], &subject);
        subject_close_day(task, &subject);
        subject_reconsider(task, &subject, occasion, false);
        closes_catch_up(task, &subject,
                        NULL); /* the next day may have another home, where more is due already */
        subject_store(&subject);
    }
}

/* The close of one day for everybody whose home it is in this zone. */
static void sweep(struct task *task, uint16_t zone, civil_day day, arrival_time due) {
    struct occasion occasion = {.cause = CAUSE_DAY_CLOSE, .as_of = due};
    struct table_slot *batch[SWEEP_BATCH];
    size_t count = 0;
    for (struct table_slot *slot = table_next(task->table, NULL); slot;
         slot = table_next(task->table, slot)) {
        struct slot_value value;
        table_get(slot, &value);
        if (value.zone != zone || value.closed != day.n - 1)
            continue;
        if (value.flags & SLOT_QUIET) {
            slot_close_day(&value);
            table_set(slot, &value);
            continue;
        }
        people_prefetch(task->people, value.person);
        batch[count++] = slot;
        if (count == SWEEP_BATCH) {
            judge_batch(task, batch, count, &occasion);
            count = 0;
        }
    }
    judge_batch(task, batch, count, &occasion);
}

void closes_run(struct task *task) {
    while (task->next_due_ms <= task->clock.ms) {
        uint32_t next = 0;
        for (uint32_t i = 1; i < task->homes_count; i++)
            if (task->homes[i].due_ms < task->homes[next].due_ms)
                next = i;
        struct home_zone *home = &task->homes[next];
        arrival_time due = {home->due_ms};
        uint16_t zone = home->zone;
        civil_day day = home->closed = day_plus(home->closed, 1);
        home->due_ms = closes_due_ms(task, zone, day_plus(day, 1));
        sweep(task, zone, day, due); /* may add homes: `home` is dead */
        task->closes_done++;
        note_next_due(task);
    }
}
