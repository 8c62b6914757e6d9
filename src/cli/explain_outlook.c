/* What would change the status, and when at the earliest (explain.h): tried out on copies of the view with F
 * itself, never derived by rules of its own. Two futures: nothing more is recorded; and the person is present
 * on every coming workday, seen by a swipe 12 hours before the day is over. */
#include "explain.h"

#include <string.h>

#define HALF_DAY_MS (12 * INT64_C(3600000))

struct trial {
    const struct explanation *e;
    struct future *future;
    civil_day next_day; /* the first on which the person may still be present */
    int closes;
    enum status status;
    bool is_held;
    struct view view;
    struct person_days days;
};

static civil_day closed_of(const struct trial *trial) {
    return day_plus(trial->e->look.closed, trial->closes);
}

static void renew_view(struct trial *trial) {
    struct view *view = &trial->view;
    inspect_ahead(trial->e->task, &trial->e->look, trial->closes, view, &trial->days);
    for (size_t i = 0; i < trial->future->days_count; i++) {
        int32_t bit = trial->future->days[i].n - view->first.n;
        if (bit >= 0) {
            view->present |= days_bit((unsigned)bit);
            view->lifting |= days_bit((unsigned)bit);
        }
    }
}

/* Publishes as the task would. What the guard holds stays so until F by the closed days is another: a lift
 * hides it and does not end it. */
static void judge_trial(struct trial *trial, bool is_by_swipe, civil_day day, int64_t at_ms) {
    struct verdict verdict;
    if (trial->is_held) {
        judge(&trial->view, closed_of(trial), false, &verdict);
        trial->is_held = verdict.status == STATUS_NON_COMPLIANT;
    }
    judge(&trial->view, closed_of(trial), true, &verdict);
    if (verdict.status == trial->status || (trial->is_held && verdict.status == STATUS_NON_COMPLIANT))
        return;
    trial->status = verdict.status;
    trial->future->changes[trial->future->changes_count++] =
        (struct change_ahead){verdict.status, verdict.effective_on, is_by_swipe, day, at_ms};
}

static uint16_t open_zone(const struct trial *trial) {
    return inspect_zone_of(trial->e->task, &trial->e->look, day_plus(closed_of(trial), 1));
}

/* Moves on to the next day of the window that is expected and not present yet; false if it has none. */
static bool find_workday(struct trial *trial) {
    const struct view *view = &trial->view;
    for (;; trial->next_day.n++) {
        int32_t bit = trial->next_day.n - view->first.n;
        if (bit >= LEDGER_DAYS)
            return false;
        if (view->present & days_bit((unsigned)bit))
            continue;
        if (explain_excuse(view, &trial->days, trial->next_day) == DAY_absent)
            return true;
    }
}

static int64_t swipe_ms(const struct trial *trial) {
    const struct explanation *e = trial->e;
    int64_t ms = zone_day_over_ms(e->rules->zones, open_zone(trial), trial->next_day) - HALF_DAY_MS;
    int64_t clock_ms = task_clock(e->task).ms;
    return ms > clock_ms ? ms : clock_ms;
}

static void swipe(struct trial *trial) {
    civil_day day = trial->next_day;
    int64_t at_ms = swipe_ms(trial);
    trial->next_day.n++;
    trial->future->days[trial->future->days_count++] = day;
    renew_view(trial);
    judge_trial(trial, true, day, at_ms);
}

static void close_day(struct trial *trial, int64_t due_ms) {
    trial->closes++;
    renew_view(trial);
    trial->future->until = closed_of(trial);
    judge_trial(trial, false, closed_of(trial), due_ms);
}

static void try_future(const struct explanation *e, bool is_present_daily, struct future *future) {
    *future = (struct future){.until = e->look.closed};
    struct trial trial = {.e = e,
                          .future = future,
                          .next_day = e->look.today,
                          .status = e->look.status,
                          .is_held = e->look.held_in != NULL};
    renew_view(&trial);
    while (trial.closes < CLOSES_AHEAD && future->changes_count < CHANGES_AHEAD_MAX) {
        civil_day next = day_plus(closed_of(&trial), 1);
        int64_t due_ms = zone_day_over_ms(e->rules->zones, open_zone(&trial), next) + e->rules->settle_ms;
        if (is_present_daily && find_workday(&trial) && swipe_ms(&trial) < due_ms)
            swipe(&trial);
        else
            close_day(&trial, due_ms);
    }
}

void explain_look_ahead(struct explanation *e) {
    try_future(e, false, &e->if_nothing);
    try_future(e, true, &e->if_present);
}
