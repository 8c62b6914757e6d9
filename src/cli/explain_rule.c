/* The rule at c, taken apart (explain.h): which weeks it looks at and how many of them are short. The status
 * itself is F's, never computed here. */
#include "explain.h"

#include "check.h"

struct week_at explain_week(const struct explanation *explanation, civil_day from) {
    struct week_at week = {.from = from};
    const struct view *view = &explanation->look.view;
    if (from.n - view->first.n > LEDGER_DAYS - WEEK_DAYS)
        view = &explanation->near;
    judge_tell_week(view, explanation->look.closed, from.n - view->first.n, &week.told);
    return week;
}

/* The newest of the weeks that end on c, c-1, ... which is judged, and the short ones in a row that end with
 * it. */
static void tell_sliding(struct explanation *e, civil_day newest) {
    struct rule_told *rule = &e->rule;
    struct week_at week = explain_week(e, newest);
    for (int i = 0; i < SLIDING_LOOK_BACK && week.told.result == WEEK_NEUTRAL; i++)
        week = explain_week(e, day_plus(week.from, -1));
    rule->has_week = week.told.result != WEEK_NEUTRAL;
    rule->newest = week;
    for (; week.told.result == WEEK_SHORT; week = explain_week(e, day_plus(week.from, -1))) {
        rule->row++;
        if (rule->row > rule->version->tolerance_days || week.from.n == e->look.view.first.n)
            return;
    }
    rule->has_stopper = rule->row > 0;
    rule->stopper = week;
}

/* The judged ones of the 14 calendar weeks that end at c or before. */
static void tell_calendar_weeks(struct explanation *e, civil_day newest) {
    struct rule_told *rule = &e->rule;
    unsigned behind = (day_weekday(newest) + WEEK_DAYS - rule->version->week_starts_on) % WEEK_DAYS;
    civil_day from = day_plus(newest, -(int32_t)behind);
    for (int i = 0; i < CALENDAR_WEEKS_MAX && from.n >= e->look.view.first.n; i++, from.n -= WEEK_DAYS) {
        struct week_at week = explain_week(e, from);
        if (week.told.result != WEEK_NEUTRAL)
            rule->weeks[rule->weeks_count++] = week;
    }
    rule->has_week = rule->weeks_count > 0;
    if (rule->has_week)
        rule->newest = rule->weeks[0];
    for (unsigned t = 0; t < rule->version->terms_count; t++) {
        const struct k_of_n_term *term = &rule->version->terms[t];
        for (unsigned i = 0; i < term->of_weeks && i < rule->weeks_count; i++)
            rule->terms[t].found += rule->weeks[i].told.result == WEEK_SHORT;
        rule->terms[t].holds = rule->terms[t].found >= term->short_weeks;
    }
}

void explain_tell_rule(struct explanation *e) {
    const struct person_look *look = &e->look;
    struct verdict closed_only;
    judge(&look->view, look->closed, false, &closed_only);
    judge_tell_start(&look->view, look->closed, &e->start);
    e->rule = (struct rule_told){.status = closed_only.status};
    if (closed_only.status < STATUS_UNRATED)
        return;
    civil_day newest = day_plus(look->closed, 1 - WEEK_DAYS);
    e->rule.version = explain_week(e, newest).told.version;
    if (e->rule.version == NULL)
        return;
    if (e->rule.version->rule == RULE_SLIDING)
        tell_sliding(e, newest);
    else
        tell_calendar_weeks(e, newest);
}
