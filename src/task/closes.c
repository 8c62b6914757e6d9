/* Day closes (SPEC 5): when the clock reaches the end of a day in a home zone plus `settle`, that day is
 * judged for everybody who lives there. Derived from the clock; no timers. A close is one sweep of the table.
 * Owner: the task's worker. */
#include "task_state.h"

#include "check.h"
#include "fault_point.h"

#include <stdlib.h>

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
    /* A clock beyond the tables of zones is further than the day that they end with. */
    while (closes_due_ms(task, zone, day_plus(day, 1)) <= task->clock.ms)
        day.n++;
    *home = (struct home_zone){
        .zone = zone, .closed = day, .due_ms = closes_due_ms(task, zone, day_plus(day, 1))};
    note_next_due(task);
    return home;
}

civil_day closes_last_due(struct task *task, const struct person *person) {
    bool is_named;
    const struct rules *rules = task->rules;
    if (person->roster != ROSTER_MORE)
        return closes_home(task, home_zone_of(rules, person_roster_of(person, DAY_MAX), &is_named))->closed;
    civil_day day = day_plus(zone_day_of(rules->zones, rules->default_zone, task->clock.ms), 2);
    while (closes_due_ms(task, home_zone_of(rules, person_roster_of(person, day), &is_named), day) >
           task->clock.ms)
        day.n--;
    return day;
}

/* ---- one close
 * ------------------------------------------------------------------------------------------------- */

/* The close of one day for some people, in two passes: the first finds out for whom something changes, then
 * the guard decides, before the first record, and the second publishes. */
struct close {
    struct task *task;
    civil_day day;
    size_t changed; /* so many of task->closings */
};

static void note_closing(struct task *task, size_t at, struct table_slot *slot, bool turns_adverse) {
    if (at == task->closings_capacity) {
        task->closings_capacity = at ? 2 * at : 1024;
        task->closings = xrealloc(task->closings, task->closings_capacity, sizeof *task->closings);
    }
    task->closings[at] = (struct closing){slot, turns_adverse};
}

/* First pass, for one person. */
static void close_one(struct close *close, struct table_slot *slot) {
    struct task *task = close->task;
    struct subject subject;
    struct view view;
    struct verdict verdict;
    subject_load(task, slot, &subject);
    subject_close_day(task, &subject);
    subject_view(task, &subject, &view);
    judge(&view, (civil_day){subject.value.closed}, true, &verdict);
    enum status status = (enum status)subject.value.status;
    bool is_held = subject.person->more && subject.person->more->hold;
    if (verdict.status != status || is_held || subject_gate_differs(&subject, status))
        note_closing(task, close->changed++, slot,
                     verdict.status == STATUS_NON_COMPLIANT && status != STATUS_NON_COMPLIANT && !is_held);
    else
        subject.value.flags |= subject_quiet_flag(task, &subject);
    subject_store(&subject);
}

static bool is_behind(struct task *task, const struct table_slot *slot) {
    struct slot_value value;
    table_get(slot, &value);
    return value.closed < closes_home(task, value.zone)->closed.n;
}

static void publish_changes(struct close *close, const struct occasion *occasion) {
    struct task *task = close->task;
    guard_hold_back(task, task->closings, close->changed, close->day);
    for (size_t i = 0; i < close->changed; i++) {
        struct subject subject;
        subject_load(task, task->closings[i].slot, &subject);
        subject_reconsider(task, &subject, occasion, false);
        subject_store(&subject);
    }
}

/* ---- those who moved to where the clock is further
 * --------------------------------------------------------------- */

struct mover {
    int64_t due_ms;
    civil_day day;
    uint16_t zone;
    struct table_slot *slot;
};

static struct mover next_close_of(const struct task *task, struct table_slot *slot) {
    struct slot_value value;
    table_get(slot, &value);
    civil_day day = {value.closed + 1};
    return (struct mover){closes_due_ms(task, value.zone, day), day, value.zone, slot};
}

static bool is_same_close(const struct mover *a, const struct mover *b) {
    return a->due_ms == b->due_ms && a->day.n == b->day.n && a->zone == b->zone;
}

static bool is_earlier(const struct mover *a, const struct mover *b) {
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms;
    return a->day.n != b->day.n ? a->day.n < b->day.n : a->zone < b->zone;
}

/* Does what is due of these people, a close at a time; `as_of` NULL: each as of its due instant. */
static void close_movers(struct task *task, struct table_slot **slots, size_t count,
                         const arrival_time *as_of) {
    while (count > 0) {
        struct mover next = next_close_of(task, slots[0]);
        for (size_t i = 1; i < count; i++) {
            struct mover other = next_close_of(task, slots[i]);
            if (is_earlier(&other, &next))
                next = other;
        }
        struct close close = {.task = task, .day = next.day};
        struct occasion occasion = {.cause = CAUSE_DAY_CLOSE,
                                    .as_of = as_of ? *as_of : (arrival_time){next.due_ms}};
        for (size_t i = 0; i < count; i++) {
            struct mover mover = next_close_of(task, slots[i]);
            if (is_same_close(&mover, &next))
                close_one(&close, slots[i]);
        }
        publish_changes(&close, &occasion);
        size_t left = 0;
        for (size_t i = 0; i < count; i++)
            if (is_behind(task, slots[i]))
                slots[left++] = slots[i];
        count = left;
    }
}

void closes_catch_up(struct task *task, struct table_slot *slot) {
    if (is_behind(task, slot))
        close_movers(task, &slot, 1, &task->clock);
}

/* ---- the sweep
 * -------------------------------------------------------------------------------------------------- */

struct movers {
    struct table_slot **slots;
    size_t count, capacity;
};

static void note_mover(struct movers *movers, struct table_slot *slot) {
    if (movers->count == movers->capacity) {
        movers->capacity = movers->capacity ? 2 * movers->capacity : 64;
        movers->slots = xrealloc(movers->slots, movers->capacity, sizeof *movers->slots);
    }
    movers->slots[movers->count++] = slot;
}

/* Closes the day for those gathered by the sweep, whose side records are on their way from memory by now. */
static void close_batch(struct close *close, struct table_slot *const *slots, size_t count,
                        struct movers *movers) {
    subjects_prefetch(close->task, slots, count);
    for (size_t i = 0; i < count; i++) {
        struct slot_value value;
        table_get(slots[i], &value);
        uint16_t zone = value.zone;
        close_one(close, slots[i]);
        table_get(slots[i], &value);
        if (value.zone != zone && is_behind(close->task, slots[i]))
            note_mover(movers, slots[i]);
    }
}

/* The close of one day for everybody whose home it is in this zone. */
static void sweep(struct task *task, uint16_t zone, civil_day day, arrival_time due) {
    struct occasion occasion = {.cause = CAUSE_DAY_CLOSE, .as_of = due};
    struct close close = {.task = task, .day = day};
    struct movers movers = {0};
    struct table_slot *batch[SUBJECTS_BATCH];
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
        if (count == SUBJECTS_BATCH) {
            close_batch(&close, batch, count, &movers);
            count = 0;
        }
    }
    close_batch(&close, batch, count, &movers);
    FAULT_POINT(in_close);
    publish_changes(&close, &occasion);
    close_movers(task, movers.slots, movers.count, NULL);
    free(movers.slots);
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
