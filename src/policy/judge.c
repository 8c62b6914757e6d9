/* See judge.h. The order of the parts is that of SPEC 4: weeks, scope, start, rule, F, lift. */
#include "judge.h"

#include "check.h"

#include <string.h>

/* Every week of the window at once: bit i of a mask is the week whose first day is window bit i. */
struct weeks {
    day_bits met, is_short, neutral;
};

/* 128 sums of seven neighbouring bits, bit-sliced: sum i is bit i of ones + 2 * twos + 4 * fours. */
struct sums {
    day_bits ones, twos, fours;
};

#define WEEKS_COUNT (LEDGER_DAYS - WEEK_DAYS + 1)

static void add_bits(day_bits a, day_bits b, day_bits c, day_bits *sum, day_bits *carry) {
    *sum = a ^ b ^ c;
    *carry = (a & b) | (c & (a ^ b));
}

static struct sums sum_weeks(day_bits days) {
    day_bits s1, s2, s3, c1, c2, c3;
    struct sums sums;
    add_bits(days, days >> 1, days >> 2, &s1, &c1);
    add_bits(days >> 3, days >> 4, days >> 5, &s2, &c2);
    add_bits(s1, s2, days >> 6, &s3, &c3);
    sums.ones = s3;
    add_bits(c1, c2, c3, &sums.twos, &sums.fours);
    return sums;
}

static day_bits sums_equal(const struct sums *sums, unsigned n) {
    return (n & 1 ? sums->ones : ~sums->ones) & (n & 2 ? sums->twos : ~sums->twos) &
           (n & 4 ? sums->fours : ~sums->fours);
}

/* Weeks whose sum is at least n (0..7). */
static day_bits sums_at_least(const struct sums *sums, unsigned n) {
    switch (n) {
    case 0:
        return DAYS_ALL;
    case 1:
        return sums->ones | sums->twos | sums->fours;
    case 2:
        return sums->twos | sums->fours;
    case 3:
        return (sums->ones & sums->twos) | sums->fours;
    case 4:
        return sums->fours;
    case 5:
        return sums->fours & (sums->ones | sums->twos);
    case 6:
        return sums->fours & sums->twos;
    default:
        return sums->fours & sums->twos & sums->ones;
    }
}

/* Of seven days: by hand, since without an instruction for it (x86-64 as of 2003) the compiler calls a
 * function. */
static unsigned count_days(unsigned days) {
    days = (days & 0x55) + (days >> 1 & 0x55);
    days = (days & 0x33) + (days >> 2 & 0x33);
    return (days & 0x0f) + (days >> 4);
}

/* SPEC 4: `required` of a week with so many workable days. */
static unsigned required_of(const struct policy_version *version, unsigned workable) {
    unsigned all = count_days(version->workdays), required = version->required_days;
    unsigned share;
    switch (version->proration) {
    case PRORATION_RATIO:
        share = (required * workable + all - 1) / all;
        break;
    case PRORATION_RATIO_DOWN:
        share = required * workable / all;
        break;
    default:
        share = workable;
    }
    return share < required ? share : required;
}

/* Days of the window on which the record names workdays of its own, and which of them are such. */
static void own_workdays(const struct view *view, day_bits *named, day_bits *workdays) {
    *named = *workdays = DAYS_NONE;
    for (uint32_t i = 0; i < view->eras_count; i++) {
        const struct era *era = &view->eras[i];
        if (era->own_workdays == 0)
            continue;
        day_bits span = days_span(era->from, era->to);
        *named |= span;
        *workdays |= span & days_of_weekdays(era->own_workdays, view->first);
    }
}

static day_bits not_in_force(const struct view *view) {
    day_bits days = DAYS_NONE;
    for (uint32_t i = 0; i < view->eras_count; i++)
        if (view->eras[i].version == NULL)
            days |= days_span(view->eras[i].from, view->eras[i].to);
    return days;
}

static const struct era *era_of(const struct view *view, int bit) {
    const struct era *era = &view->eras[view->eras_count - 1];
    while (bit < era->from && era != view->eras)
        era--;
    return era;
}

/* What does not depend on the version of a week. */
struct duties {
    day_bits out; /* not in scope, for whatever reason */
    day_bits not_in_force;
    day_bits named, own; /* own workdays: named at all; is one */
};

static void duties_of(const struct view *view, struct duties *duties) {
    duties->not_in_force = not_in_force(view);
    duties->out = view->out_of_scope | view->exempt | duties->not_in_force;
    own_workdays(view, &duties->named, &duties->own);
}

static day_bits countable(const struct view *view, const struct duties *duties,
                          const struct policy_version *version) {
    if (version->weekends_count)
        return DAYS_ALL;
    return days_of_weekdays(version->workdays, view->first) | duties->own;
}

static day_bits expected(const struct view *view, const struct duties *duties,
                         const struct policy_version *version) {
    day_bits workdays =
        (duties->own & duties->named) | (days_of_weekdays(version->workdays, view->first) & ~duties->named);
    return workdays & ~(duties->out | view->excused | view->skipped);
}

/* From when on weeks are judged, as window bits; what `judging_start` says as days. */
struct first_bits {
    int start, after_grace, complete;
};

static struct first_bits first_bits_of(const struct view *view, const struct duties *duties,
                                       civil_day closed) {
    day_bits barred = duties->out | days_span(0, view->known_on.n - view->first.n);
    int start = days_highest(barred & days_span(0, closed.n - view->first.n)) + 1;
    const struct policy_version *version = era_of(view, start)->version;
    return (struct first_bits){start, start + (version ? version->grace_days : 0),
                               view->complete_from.n - view->first.n};
}

/* Judges the weeks whose first day `version` rules. */
static void judge_weeks_of(const struct view *view, const struct duties *duties,
                           const struct policy_version *version, day_bits firsts, struct weeks *weeks) {
    struct sums present = sum_weeks(view->present & countable(view, duties, version));
    struct sums workable = sum_weeks(expected(view, duties, version));
    day_bits met = DAYS_NONE;
    for (unsigned n = 1; n <= WEEK_DAYS; n++) {
        day_bits such = firsts & sums_equal(&workable, n);
        if (such) /* mostly of one n only */
            met |= such & sums_at_least(&present, required_of(version, n));
    }
    weeks->met |= met;
    weeks->is_short |= ~met & firsts & ~sums_equal(&workable, 0);
}

static void judge_weeks(const struct view *view, const struct duties *duties, civil_day closed,
                        struct weeks *weeks) {
    *weeks = (struct weeks){0};
    day_bits done = duties->not_in_force;
    struct first_bits bits = first_bits_of(view, duties, closed);
    int first = bits.after_grace > bits.complete ? bits.after_grace : bits.complete;
    day_bits old_enough = days_span(first, WEEKS_COUNT - 1);
    for (uint32_t i = 0; i < view->eras_count; i++) {
        const struct policy_version *version = view->eras[i].version;
        if (version == NULL || (done & days_bit(view->eras[i].from)))
            continue;
        day_bits firsts =
            DAYS_NONE; /* other eras may have the same version: a change of zone or manager only */
        for (uint32_t j = i; j < view->eras_count; j++)
            if (view->eras[j].version == version)
                firsts |= days_span(view->eras[j].from, view->eras[j].to);
        done |= firsts;
        judge_weeks_of(view, duties, version, firsts & old_enough, weeks);
    }
    struct sums doubts = sum_weeks(view->doubtful);
    weeks->is_short &= sums_equal(&doubts, 0);
    weeks->neutral = ~(weeks->met | weeks->is_short);
}

/* The arithmetic of the week, whose first day has a version; returns its expected days. */
static uint8_t count_week(const struct view *view, const struct duties *duties,
                          const struct policy_version *version, int start, struct judged_week *out) {
    day_bits present = view->present & countable(view, duties, version);
    unsigned workable = (unsigned)(expected(view, duties, version) >> start) & 0x7f;
    out->is_set = true;
    out->start = (uint8_t)start;
    out->days = (uint8_t)((unsigned)(present >> start) & 0x7f);
    out->present = (uint8_t)count_days(out->days);
    out->workable = (uint8_t)count_days(workable);
    out->required = (uint8_t)required_of(version, out->workable);
    return (uint8_t)workable;
}

static void describe_week(const struct view *view, const struct duties *duties, int start,
                          struct verdict *out) {
    const struct era *era = era_of(view, start);
    count_week(view, duties, era->version, start, &out->week);
    out->policy = era->policy;
    out->version = era->version;
}

/* SPEC 4, `sliding`: returns the start of the week that the status rests on, -1 for `unrated`. */
static int rule_sliding(const struct policy_version *version, const struct weeks *weeks, int newest,
                        enum status *status) {
    int start = days_highest(~weeks->neutral & days_span(newest - SLIDING_LOOK_BACK, newest));
    if (start < 0) {
        *status = STATUS_UNRATED;
        return -1;
    }
    if (weeks->met & days_bit((unsigned)start)) {
        *status = STATUS_COMPLIANT;
        return start;
    }
    int oldest = start - version->tolerance_days;
    day_bits row = days_span(oldest, start);
    *status = oldest >= 0 && (weeks->is_short & row) == row ? STATUS_NON_COMPLIANT : STATUS_AT_RISK;
    return start;
}

/* The calendar weeks that end at c or before, newest first, as window bits of their first days. */
static size_t calendar_weeks(const struct view *view, const struct policy_version *version,
                             const struct weeks *weeks, int newest, int starts[CALENDAR_WEEKS_MAX]) {
    unsigned weekday = day_weekday(day_plus(view->first, newest));
    int start = newest - (int)((weekday + WEEK_DAYS - version->week_starts_on) % WEEK_DAYS);
    size_t count = 0;
    for (int i = 0; i < CALENDAR_WEEKS_MAX && start >= 0; i++, start -= WEEK_DAYS)
        if (!(weeks->neutral & days_bit((unsigned)start)))
            starts[count++] = start;
    return count;
}

static int rule_weekly(const struct policy_version *version, const struct view *view,
                       const struct weeks *weeks, int newest, enum status *status) {
    int starts[CALENDAR_WEEKS_MAX];
    if (calendar_weeks(view, version, weeks, newest, starts) == 0) {
        *status = STATUS_UNRATED;
        return -1;
    }
    *status = weeks->met & days_bit((unsigned)starts[0]) ? STATUS_COMPLIANT : STATUS_NON_COMPLIANT;
    return starts[0];
}

static int rule_k_of_n(const struct policy_version *version, const struct view *view,
                       const struct weeks *weeks, int newest, enum status *status) {
    int starts[CALENDAR_WEEKS_MAX];
    size_t count = calendar_weeks(view, version, weeks, newest, starts);
    unsigned largest = 0, holding = 0;
    for (unsigned t = 0; t < version->terms_count; t++) {
        unsigned of = version->terms[t].of_weeks, found = 0;
        for (size_t i = 0; i < of && i < count; i++)
            found += (weeks->is_short & days_bit((unsigned)starts[i])) != 0;
        holding += found >= version->terms[t].short_weeks;
        largest = of > largest ? of : largest;
    }
    if (version->terms_any ? holding > 0 : holding == version->terms_count)
        *status = STATUS_NON_COMPLIANT;
    else
        *status = count < largest ? STATUS_UNRATED : STATUS_COMPLIANT;
    return *status == STATUS_UNRATED || count == 0 ? -1 : starts[0];
}

/* The rule at c is that of the version of W(c). */
static int rule_at(const struct view *view, const struct weeks *weeks, int newest, enum status *status) {
    const struct policy_version *version = newest < 0 ? NULL : era_of(view, newest)->version;
    *status = STATUS_UNRATED;
    if (version == NULL)
        return -1;
    switch (version->rule) {
    case RULE_SLIDING:
        return rule_sliding(version, weeks, newest, status);
    case RULE_WEEKLY:
        return rule_weekly(version, view, weeks, newest, status);
    default:
        return rule_k_of_n(version, view, weeks, newest, status);
    }
}

static bool is_sliding(const struct view *view, int start) {
    const struct policy_version *version = era_of(view, start)->version;
    return version != NULL && version->rule == RULE_SLIDING;
}

/* The lift (SPEC 4): the latest open day with an accepted swipe or a credit whose week is met; -1 if none. */
static int lifting_bit(const struct view *view, const struct weeks *weeks, int closed) {
    if (closed < WEEK_DAYS - 1 || !is_sliding(view, closed - WEEK_DAYS + 1))
        return -1;
    day_bits met_by_last_day = weeks->met << (WEEK_DAYS - 1);
    day_bits days = view->lifting & met_by_last_day & days_span(closed + 1, LEDGER_DAYS - 1);
    for (int bit = days_highest(days); bit >= 0; bit = days_highest(days)) {
        if (is_sliding(view, bit - WEEK_DAYS + 1))
            return bit;
        days &= ~days_bit((unsigned)bit);
    }
    return -1;
}

void judge(const struct view *view, civil_day closed, bool with_lift, struct verdict *out) {
    int c = closed.n - view->first.n, open = c + 1;
    CHECK(open >= 0 && open < LEDGER_DAYS && view->eras_count > 0);
    const struct era *today = era_of(view, open);
    struct duties duties;
    duties_of(view, &duties);
    *out = (struct verdict){.effective_on = closed, .policy = today->policy, .version = today->version};

    day_bits open_bit = days_bit((unsigned)open);
    if (duties.out & open_bit) {
        out->effective_on = day_plus(closed, 1);
        out->status = view->out_of_scope & open_bit ? STATUS_OUT_OF_SCOPE
                      : view->exempt & open_bit     ? STATUS_EXEMPT
                                                    : STATUS_NOT_IN_FORCE;
        return;
    }
    struct weeks weeks;
    judge_weeks(view, &duties, closed, &weeks);
    int start = rule_at(view, &weeks, c - WEEK_DAYS + 1, &out->status);
    if (with_lift && (out->status == STATUS_AT_RISK || out->status == STATUS_NON_COMPLIANT)) {
        int bit = lifting_bit(view, &weeks, c);
        if (bit >= 0) {
            out->status = STATUS_COMPLIANT;
            out->effective_on = day_plus(view->first, bit);
            start = bit - WEEK_DAYS + 1;
        }
    }
    if (start >= 0)
        describe_week(view, &duties, start, out);
}

/* ---- for those who explain ---- */

static enum week_neutral why_neutral(const struct view *view, const struct first_bits *bits,
                                     const struct week_told *told, int start) {
    if (told->week.workable == 0)
        return NEUTRAL_NOTHING_WORKABLE;
    if (start < bits->complete)
        return NEUTRAL_INCOMPLETE;
    if (start < bits->start)
        return NEUTRAL_NEW;
    if (start < bits->after_grace)
        return NEUTRAL_GRACE;
    bool is_in_doubt = (unsigned)(view->doubtful >> start) & 0x7f;
    return is_in_doubt && told->week.present < told->week.required ? NEUTRAL_IN_DOUBT : NEUTRAL_NOT;
}

void judge_tell_week(const struct view *view, civil_day closed, int start, struct week_told *out) {
    CHECK(start >= 0 && start < WEEKS_COUNT);
    const struct era *era = era_of(view, start);
    *out = (struct week_told){.why = NEUTRAL_NO_VERSION, .policy = era->policy, .version = era->version};
    if (era->version == NULL)
        return;
    struct duties duties;
    duties_of(view, &duties);
    struct first_bits bits = first_bits_of(view, &duties, closed);
    out->expected = count_week(view, &duties, era->version, start, &out->week);
    out->why = why_neutral(view, &bits, out, start);
    if (out->why == NEUTRAL_NOT)
        out->result = out->week.present >= out->week.required ? WEEK_MET : WEEK_SHORT;
}

void judge_tell_start(const struct view *view, civil_day closed, struct judging_start *out) {
    struct duties duties;
    duties_of(view, &duties);
    struct first_bits bits = first_bits_of(view, &duties, closed);
    *out = (struct judging_start){day_plus(view->first, bits.start), day_plus(view->first, bits.after_grace),
                                  view->complete_from};
}
