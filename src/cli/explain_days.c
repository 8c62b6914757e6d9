/* The days as a calendar (explain.h): what each was for the person, and what each calendar week came to. */
#include "explain.h"

#include <string.h>

#define ROWS_USUAL 13 /* three months */

static bool has(day_bits days, int bit) {
    return (days & days_bit((unsigned)bit)) != 0;
}

static const struct era *era_of(const struct view *view, int bit) {
    const struct era *era = view->eras;
    while (bit > era->to)
        era++;
    return era;
}

static bool is_workday(const struct era *era, civil_day day) {
    uint8_t workdays = era->own_workdays ? era->own_workdays : era->version->workdays;
    return workdays >> day_weekday(day) & 1;
}

static bool is_countable(const struct era *era, civil_day day) {
    return era->version->weekends_count ||
           (era->version->workdays | era->own_workdays) >> day_weekday(day) & 1;
}

enum day_kind explain_excuse(const struct view *view, const struct person_days *days, civil_day day) {
    int bit = day.n - view->first.n;
    const struct era *era = era_of(view, bit);
    if (has(view->out_of_scope, bit))
        return DAY_out_of_scope;
    if (has(view->exempt, bit))
        return DAY_exempt;
    if (era->version == NULL)
        return DAY_not_in_force;
    if (has(view->skipped, bit))
        return DAY_skipped;
    if (!is_workday(era, day))
        return DAY_no_workday;
    return has(days->on_leave, bit)  ? DAY_leave
           : has(days->closed, bit)  ? DAY_closed
           : has(days->on_hold, bit) ? DAY_hold
                                     : DAY_absent;
}

/* Weeks of before are not judged; of somebody out of scope, whose start is yet to come, that says nothing. */
static bool is_early(const struct explanation *e, civil_day day) {
    return day.n < e->start.complete_from.n ||
           (e->look.verdict.status >= STATUS_UNRATED && day.n < e->start.after_grace.n);
}

static enum day_kind kind_of(const struct explanation *e, civil_day day) {
    const struct view *view = &e->near;
    const struct person_days *days = &e->near_days;
    int bit = day.n - view->first.n;
    if (bit < 0 || bit >= LEDGER_DAYS)
        return DAY_ahead;
    const struct era *era = era_of(view, bit);
    if (has(view->present, bit) && (era->version == NULL || !is_countable(era, day)))
        return DAY_present_uncounted;
    if (has(view->present, bit))
        return has(days->swiped & ~days->voided, bit) ? DAY_present : DAY_credited;
    enum day_kind kind = explain_excuse(view, days, day);
    if (kind != DAY_absent)
        return kind;
    if (has(days->voided & days->swiped, bit))
        return DAY_voided;
    if (day.n > e->look.closed.n)
        return day.n > e->look.today.n ? DAY_ahead : DAY_open;
    if (has(days->told_late, bit))
        return DAY_told_late;
    return is_early(e, day) ? DAY_before_start : DAY_absent;
}

const char *day_kind_name(enum day_kind kind) {
    static const char *const names[] = {
#define DAY_KIND(name, glyph, ascii, ink, text) #name,
#include "day_kinds.def"
#undef DAY_KIND
    };
    return names[kind];
}

static civil_day week_of(civil_day day, unsigned week_starts_on) {
    return day_plus(day, -(int32_t)((day_weekday(day) + WEEK_DAYS - week_starts_on) % WEEK_DAYS));
}

/* Three months, or less where there is less to see, and all weeks that the rule counts. */
static civil_day first_row(const struct explanation *e, civil_day last, unsigned week_starts_on) {
    const struct rule_told *rule = &e->rule;
    civil_day first = day_plus(last, -(ROWS_USUAL - 1) * WEEK_DAYS);
    civil_day begins = e->start.start.n < e->start.complete_from.n ? e->start.start : e->start.complete_from;
    if (begins.n < e->look.known_on.n)
        begins = e->look.known_on;
    if (begins.n > first.n)
        first = week_of(begins.n < last.n ? begins : last, week_starts_on);
    civil_day oldest = rule->has_week ? rule->newest.from : first;
    if (rule->weeks_count > 0)
        oldest = rule->weeks[rule->weeks_count - 1].from;
    oldest = week_of(oldest, week_starts_on);
    if (oldest.n < first.n)
        first = oldest;
    civil_day limit = day_plus(last, -(CALENDAR_ROWS_MAX - 1) * WEEK_DAYS);
    return first.n < limit.n ? limit : first;
}

static bool is_all_outside(const struct calendar_week *row) {
    for (int i = 0; i < WEEK_DAYS; i++)
        if (row->kinds[i] != DAY_out_of_scope && row->kinds[i] != DAY_exempt &&
            row->kinds[i] != DAY_not_in_force)
            return false;
    return true;
}

/* Of weeks outside of any duty at the beginning, the last one says enough. */
static void drop_weeks_outside(struct explanation *e) {
    size_t dropped = 0;
    while (dropped + 1 < e->calendar_count && is_all_outside(&e->calendar[dropped]) &&
           is_all_outside(&e->calendar[dropped + 1]))
        dropped++;
    e->calendar_count -= dropped;
    memmove(e->calendar, e->calendar + dropped, e->calendar_count * sizeof e->calendar[0]);
}

void explain_draw_days(struct explanation *e) {
    const struct policy_version *version = e->rule.version;
    unsigned week_starts_on = version && version->rule != RULE_SLIDING ? version->week_starts_on : 0;
    civil_day last =
        week_of(e->look.today.n > e->look.closed.n ? e->look.today : e->look.closed, week_starts_on);
    if (e->look.verdict.week.is_set) { /* a lift rests on a week that is not over */
        civil_day lifted =
            week_of(day_plus(e->look.view.first, e->look.verdict.week.start + WEEK_DAYS - 1), week_starts_on);
        last = lifted.n > last.n ? lifted : last;
    }
    for (civil_day from = first_row(e, last, week_starts_on); from.n <= last.n; from.n += WEEK_DAYS) {
        struct calendar_week *row = &e->calendar[e->calendar_count++];
        row->week = explain_week(e, from);
        row->is_over = from.n + WEEK_DAYS - 1 <= e->look.closed.n;
        for (int i = 0; i < WEEK_DAYS; i++)
            row->kinds[i] = (uint8_t)kind_of(e, day_plus(from, i));
    }
    drop_weeks_outside(e);
}
