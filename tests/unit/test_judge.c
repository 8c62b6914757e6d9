/* F against a second F that walks day by day (SPEC 4), on random views: bit-sliced sums hide their mistakes
 * well. */
#include "judge.h"

#include "unit_test.h"

#include <stdlib.h>

static uint64_t random_state;

static uint64_t random_next(void) {
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}
static unsigned random_below(unsigned n) {
    return (unsigned)(random_next() % n);
}
/* Each day set with a chance of `in_16`/16. */
static day_bits random_days(unsigned in_16) {
    day_bits days = 0;
    for (unsigned i = 0; i < LEDGER_DAYS; i++)
        if (random_below(16) < in_16)
            days |= days_bit(i);
    return days;
}
static day_bits random_span(unsigned chance_in_8) {
    unsigned from = random_below(LEDGER_DAYS);
    return random_below(8) < chance_in_8 ? days_span((int32_t)from, (int32_t)(from + random_below(30))) : 0;
}

/* ---- the slow F
 * ------------------------------------------------------------------------------------------------ */

static bool has(day_bits days, int i) {
    return i >= 0 && i < LEDGER_DAYS && (days >> i & 1);
}
static const struct era *slow_era(const struct view *v, int i) {
    for (uint32_t e = 0; e < v->eras_count; e++)
        if (i >= v->eras[e].from && i <= v->eras[e].to)
            return &v->eras[e];
    return &v->eras[i < 0 ? 0 : v->eras_count - 1];
}
static bool slow_in_scope(const struct view *v, int i) {
    return !has(v->out_of_scope, i) && !has(v->exempt, i) && slow_era(v, i)->version != NULL;
}
static bool is_weekday_of(const struct view *v, uint8_t weekdays, int i) {
    return weekdays >> day_weekday(day_plus(v->first, i)) & 1;
}

struct slow_week {
    bool neutral, met;
    unsigned present, required, workable, days;
};

static struct slow_week slow_week(const struct view *v, int c, int start) {
    struct slow_week week = {.neutral = true};
    const struct policy_version *version = slow_era(v, start)->version;
    if (start < 0 || version == NULL)
        return week;
    bool doubtful = false;
    for (int i = start; i < start + 7; i++) {
        uint8_t own = slow_era(v, i)->own_workdays;
        bool countable =
            version->weekends_count || is_weekday_of(v, version->workdays, i) || is_weekday_of(v, own, i);
        if (countable && has(v->present, i)) {
            week.present++;
            week.days |= 1u << (i - start);
        }
        week.workable += slow_in_scope(v, i) && is_weekday_of(v, own ? own : version->workdays, i) &&
                         !has(v->excused, i) && !has(v->skipped, i);
        doubtful = doubtful || has(v->doubtful, i);
    }
    unsigned all = (unsigned)__builtin_popcount(version->workdays);
    unsigned exact = version->required_days * week.workable;
    unsigned share = version->proration == PRORATION_RATIO        ? exact / all + (exact % all != 0)
                     : version->proration == PRORATION_RATIO_DOWN ? exact / all
                                                                  : week.workable;
    week.required = share < version->required_days ? share : version->required_days;
    week.met = week.present >= week.required;

    int s = 0;
    for (int i = 0; i <= c; i++)
        if (!slow_in_scope(v, i) || v->first.n + i <= v->known_on.n)
            s = i + 1;
    const struct policy_version *at_start = slow_era(v, s)->version;
    int grace_over = s + (at_start ? at_start->grace_days : 0);
    week.neutral = week.workable == 0 || start < grace_over || v->first.n + start < v->complete_from.n ||
                   (!week.met && doubtful);
    return week;
}

static enum status slow_sliding(const struct view *v, int c, int tolerance, int *rests_on) {
    for (int d = c; d >= c - SLIDING_LOOK_BACK; d--) {
        struct slow_week week = slow_week(v, c, d - 6);
        if (week.neutral)
            continue;
        *rests_on = d - 6;
        if (week.met)
            return STATUS_COMPLIANT;
        for (int e = d; e >= d - tolerance; e--) {
            week = slow_week(v, c, e - 6);
            if (week.neutral || week.met)
                return STATUS_AT_RISK;
        }
        return STATUS_NON_COMPLIANT;
    }
    return STATUS_UNRATED;
}

static enum status slow_calendar(const struct view *v, int c, const struct policy_version *version,
                                 int *rests_on) {
    struct slow_week weeks[CALENDAR_WEEKS_MAX];
    int starts[CALENDAR_WEEKS_MAX], count = 0, end = c;
    while (day_weekday(day_plus(v->first, end + 1)) != version->week_starts_on)
        end--;
    for (int i = 0; i < CALENDAR_WEEKS_MAX; i++, end -= 7) {
        struct slow_week week = slow_week(v, c, end - 6);
        if (week.neutral)
            continue;
        weeks[count] = week;
        starts[count++] = end - 6;
    }
    *rests_on = count ? starts[0] : -1;
    if (version->rule == RULE_WEEKLY)
        return count == 0 ? STATUS_UNRATED : weeks[0].met ? STATUS_COMPLIANT : STATUS_NON_COMPLIANT;
    int holding = 0, largest = 0;
    for (int t = 0; t < version->terms_count; t++) {
        int shorts = 0;
        for (int i = 0; i < version->terms[t].of_weeks && i < count; i++)
            shorts += !weeks[i].met;
        holding += shorts >= version->terms[t].short_weeks;
        largest = version->terms[t].of_weeks > largest ? version->terms[t].of_weeks : largest;
    }
    if (version->terms_any ? holding > 0 : holding == version->terms_count)
        return STATUS_NON_COMPLIANT;
    return count < largest ? STATUS_UNRATED : STATUS_COMPLIANT;
}

static enum status slow_f(const struct view *v, int c, bool with_lift, int *rests_on, int *effective) {
    int o = c + 1;
    *rests_on = -1;
    *effective = o;
    if (has(v->out_of_scope, o))
        return STATUS_OUT_OF_SCOPE;
    if (has(v->exempt, o))
        return STATUS_EXEMPT;
    if (slow_era(v, o)->version == NULL)
        return STATUS_NOT_IN_FORCE;
    *effective = c;
    const struct policy_version *version = c < 6 ? NULL : slow_era(v, c - 6)->version;
    if (version == NULL)
        return STATUS_UNRATED;
    enum status status = version->rule == RULE_SLIDING ? slow_sliding(v, c, version->tolerance_days, rests_on)
                                                       : slow_calendar(v, c, version, rests_on);
    if (status == STATUS_UNRATED)
        *rests_on = -1;
    if (!with_lift || version->rule != RULE_SLIDING ||
        (status != STATUS_AT_RISK && status != STATUS_NON_COMPLIANT))
        return status;
    for (int x = LEDGER_DAYS - 1; x > c; x--) {
        const struct policy_version *of_x = slow_era(v, x - 6)->version;
        struct slow_week week = slow_week(v, c, x - 6);
        if (has(v->lifting, x) && of_x && of_x->rule == RULE_SLIDING && !week.neutral && week.met) {
            *rests_on = x - 6;
            *effective = x;
            return STATUS_COMPLIANT;
        }
    }
    return status;
}

/* ---- random views
 * ---------------------------------------------------------------------------------------------- */

static void random_version(struct policy_version *v) {
    *v = (struct policy_version){
        .required_days = (uint8_t)(random_below(8) ? 1 + random_below(5) : random_below(8)),
        .workdays = (uint8_t)(random_below(3) ? 0x1f : 1 + random_below(127)),
        .weekends_count = random_below(4) == 0,
        .proration = (enum proration)random_below(3),
        .grace_days = (uint8_t)random_below(15),
        .rule = (enum rule_type)(random_below(2) ? 0 : random_below(3)),
        .tolerance_days = (uint8_t)(random_below(2) ? 6 : random_below(61)),
        .week_starts_on = (uint8_t)random_below(7),
        .terms_any = random_below(2),
        .terms_count = (uint8_t)(1 + random_below(3)),
    };
    for (unsigned i = 0; i < v->terms_count; i++) {
        v->terms[i].of_weeks = (uint8_t)(1 + random_below(14));
        v->terms[i].short_weeks = (uint8_t)(1 + random_below(v->terms[i].of_weeks));
    }
}

static void random_view(struct view *v, struct policy_version versions[3], const struct policy *policy) {
    for (int i = 0; i < 3; i++)
        random_version(&versions[i]);
    unsigned presence = random_below(16);
    v->first = (civil_day){(int32_t)(10000 + random_below(10000))};
    v->lifting = random_days(presence);
    v->present = v->lifting | random_span(1);
    v->excused = random_span(3);
    v->doubtful = random_span(2);
    v->skipped = random_below(8) ? 0 : days_bit(random_below(LEDGER_DAYS));
    v->out_of_scope = random_span(2);
    v->exempt = random_span(1);
    v->known_on = day_plus(v->first, (int32_t)random_below(200) - 180);
    v->complete_from = day_plus(v->first, (int32_t)random_below(200) - 180);
    v->eras_count = 0;
    for (unsigned from = 0; from < LEDGER_DAYS;) {
        unsigned to = random_below(2) ? LEDGER_DAYS - 1 : from + random_below(LEDGER_DAYS - from);
        unsigned which = random_below(16) ? random_below(3) : 3;
        v->eras[v->eras_count++] =
            (struct era){(uint8_t)from, (uint8_t)to, (uint8_t)(random_below(3) ? 0 : random_below(128)),
                         policy, which == 3 ? NULL : &versions[which]};
        from = to + 1;
    }
}

static void agree(uint64_t seed, unsigned seen[STATUS_COUNT]) {
    random_state = seed;
    struct policy policy = {0};
    struct policy_version versions[3];
    struct view view;
    random_view(&view, versions, &policy);
    bool with_lift = random_below(2);
    int c =
        with_lift ? LEDGER_DAYS - 1 - LEDGER_AHEAD_DAYS : (int)random_below(LEDGER_DAYS - LEDGER_AHEAD_DAYS);
    struct verdict verdict;
    judge(&view, day_plus(view.first, c), with_lift, &verdict);
    int rests_on, effective;
    enum status status = slow_f(&view, c, with_lift, &rests_on, &effective);
    if (verdict.status != status)
        fail_msg("seed %llu: %s, slow F says %d", (unsigned long long)seed, "status differs", (int)status);
    assert_int_equal(verdict.effective_on.n, view.first.n + effective);
    assert_int_equal(verdict.week.is_set, rests_on >= 0);
    if (rests_on >= 0) {
        struct slow_week week = slow_week(&view, c, rests_on);
        assert_int_equal(verdict.week.start, rests_on);
        assert_int_equal(verdict.week.present, week.present);
        assert_int_equal(verdict.week.required, week.required);
        assert_int_equal(verdict.week.workable, week.workable);
        assert_int_equal(verdict.week.days, week.days);
        assert_ptr_equal(verdict.version, slow_era(&view, rests_on)->version);
    }
    seen[status]++;
}

static void agrees_with_a_walk_day_by_day(void **state) {
    (void)state;
    unsigned seen[STATUS_COUNT] = {0};
    for (uint64_t seed = 1; seed <= 60000; seed++)
        agree(seed, seen);
    for (int i = 0; i < STATUS_COUNT; i++)
        if (seen[i] < 100)
            fail_msg("status %d was hardly seen: the generator is of no use", i);
}

/* What is told of a week is what the walk finds, and each reason to pass one over is found. */
static void tells_each_week_as_it_is_judged(void **state) {
    (void)state;
    unsigned seen[NEUTRAL_NOT + 1] = {0};
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        random_state = seed;
        struct policy policy = {0};
        struct policy_version versions[3];
        struct view view;
        random_view(&view, versions, &policy);
        int c = (int)random_below(LEDGER_DAYS - LEDGER_AHEAD_DAYS);
        struct judging_start start;
        judge_tell_start(&view, day_plus(view.first, c), &start);
        for (int i = 0; i <= LEDGER_DAYS - WEEK_DAYS; i++) {
            struct slow_week week = slow_week(&view, c, i);
            struct week_told told;
            judge_tell_week(&view, day_plus(view.first, c), i, &told);
            seen[told.why]++;
            assert_ptr_equal(told.version, slow_era(&view, i)->version);
            assert_int_equal(told.result, week.neutral ? WEEK_NEUTRAL : week.met ? WEEK_MET : WEEK_SHORT);
            assert_int_equal(told.why == NEUTRAL_NOT, !week.neutral);
            assert_int_equal(told.week.present, week.present);
            assert_int_equal(told.week.required, week.required);
            assert_int_equal(told.week.workable, week.workable);
            assert_int_equal(told.week.days, week.days);
            assert_int_equal(__builtin_popcount(told.expected), week.workable);
            bool is_early = view.first.n + i < start.after_grace.n || view.first.n + i < view.complete_from.n;
            if (is_early)
                assert_int_equal(told.result, WEEK_NEUTRAL);
            else
                assert_true(told.why < NEUTRAL_INCOMPLETE || told.why > NEUTRAL_GRACE);
        }
    }
    for (int i = 0; i <= NEUTRAL_NOT; i++)
        if (seen[i] < 100)
            fail_msg("reason %d was hardly seen: the generator is of no use", i);
}

static void weekday_patterns_repeat_over_the_window(void **state) {
    (void)state;
    for (int32_t first = -20; first < 20; first++)
        for (unsigned weekdays = 0; weekdays < 128; weekdays++) {
            day_bits days = days_of_weekdays((uint8_t)weekdays, (civil_day){first});
            for (int i = 0; i < LEDGER_DAYS; i++)
                assert_int_equal(has(days, i), weekdays >> day_weekday((civil_day){first + i}) & 1);
        }
}

static void ring_and_window_turn_into_each_other(void **state) {
    (void)state;
    for (int32_t first = -300; first < 300; first++)
        for (int i = 0; i < LEDGER_DAYS; i += 7) {
            day_bits ring = days_bit(days_ring_place((civil_day){first + i}));
            assert_true(days_window(ring, (civil_day){first}) == days_bit((unsigned)i));
            assert_true(days_ring(days_bit((unsigned)i), (civil_day){first}) == ring);
        }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(agrees_with_a_walk_day_by_day),
    cmocka_unit_test(tells_each_week_as_it_is_judged),
    cmocka_unit_test(weekday_patterns_repeat_over_the_window),
    cmocka_unit_test(ring_and_window_turn_into_each_other),
};

UNIT_TEST_MAIN(tests)
