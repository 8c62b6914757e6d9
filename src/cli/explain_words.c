/* The words (explain.h): every sentence says what was computed elsewhere, with the days it rests on, so that
 * a person can check it against the calendar above it. */
#include "explain.h"

#include "check.h"
#include "civil.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- pieces ---- */

__attribute__((format(printf, 2, 3))) static void say(struct sentences *sentences, const char *format, ...) {
    va_list arguments;
    CHECK(sentences->count < SENTENCES_MAX);
    va_start(arguments, format);
    CHECK(vasprintf(&sentences->list[sentences->count++], format, arguments) >= 0);
    va_end(arguments);
}

static const char *const weekday_names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

int year_of(civil_day day) {
    int year, month, date;
    civil_to_ymd(day, &year, &month, &date);
    return year;
}

struct day_text day_in_words(civil_day day, int year) {
    struct day_text out;
    int own_year, month, date;
    civil_to_ymd(day, &own_year, &month, &date);
    int len = snprintf(out.text, sizeof out.text, "%s %d %s", weekday_names[day_weekday(day)], date,
                       month_names[month - 1]);
    if (own_year != year)
        snprintf(out.text + len, sizeof out.text - (size_t)len, " %d", own_year % 10000);
    return out;
}

struct weekdays_text weekdays_in_words(uint8_t weekdays) {
    struct weekdays_text out = {""};
    size_t len = 0;
    for (unsigned i = 0; i < WEEK_DAYS; i++)
        if (weekdays >> i & 1)
            len += (size_t)snprintf(out.text + len, sizeof out.text - len, "%s%s", len ? ", " : "",
                                    weekday_names[i]);
    return out;
}

/* Relative to the year of the clock. */
static struct day_text words(const struct explanation *e, civil_day day) {
    return day_in_words(day, year_of(e->look.today));
}

struct instant_text {
    char text[INSTANT_TEXT_BYTES];
};

/* "2023-05-15T11:00Z": to the minute, which closes keep to. */
static struct instant_text instant(int64_t ms) {
    struct instant_text out;
    instant_print(ms, out.text);
    memcpy(out.text + 16, "Z", 2);
    return out;
}

static const char *days(unsigned count) {
    return count == 1 ? "day" : "days";
}

static const char *weeks(unsigned count) {
    return count == 1 ? "week" : "weeks";
}

struct list_text {
    char text[160];
};

/* "Mon 8, Tue 9 and Fri 12" of the days of a week whose bits are set. */
static struct list_text list_days(civil_day from, unsigned bits) {
    struct list_text out = {""};
    size_t len = 0;
    for (int i = 0; i < WEEK_DAYS; i++) {
        if (!(bits >> i & 1))
            continue;
        int year, month, date;
        civil_to_ymd(day_plus(from, i), &year, &month, &date);
        const char *separator = len == 0 ? "" : bits >> (i + 1) ? ", " : " and ";
        len += (size_t)snprintf(out.text + len, sizeof out.text - len, "%s%s %d", separator,
                                weekday_names[day_weekday(day_plus(from, i))], date);
    }
    return out;
}

const char *week_neutral_text(const struct explanation *e, enum week_neutral why) {
    static const char *const texts[] = {
        [NEUTRAL_NO_VERSION] = "no policy in effect",
        [NEUTRAL_NOTHING_WORKABLE] = "no workable day",
        [NEUTRAL_INCOMPLETE] = "begins before complete_from",
        [NEUTRAL_NEW] = "begins before the start",
        [NEUTRAL_GRACE] = "begins in the days of grace",
        [NEUTRAL_IN_DOUBT] = "short, with a day in doubt",
        [NEUTRAL_NOT] = "judged",
    };
    bool is_outside = e->look.verdict.status < STATUS_UNRATED;
    return why == NEUTRAL_NEW && is_outside ? "not in scope any more" : texts[why];
}

/* ---- the policy ---- */

/* A version is called by its date, as in policies.yaml. */
struct version_text {
    char text[CIVIL_TEXT_BYTES];
};

static struct version_text version_name(const struct policy_version *version) {
    struct version_text out;
    civil_print(version->effective_on, out.text);
    return out;
}

static void say_version(struct explanation *e, const struct policy *policy,
                        const struct policy_version *version, civil_day on, const char *what) {
    say(&e->policy,
        "Policy %.*s, version %s: it is the one in effect on %s, %s. It asks for %u %s of presence a week "
        "(%s).",
        policy->id.len, policy->id.bytes, version_name(version).text, words(e, on).text, what,
        version->required_days, days(version->required_days), weekdays_in_words(version->workdays).text);
    for (uint32_t i = 0; i < policy->versions_count; i++)
        if (policy->versions[i].effective_on.n > on.n) {
            say(&e->policy, "Version %s will judge the weeks that begin on that day or later.",
                version_name(&policy->versions[i]).text);
            return;
        }
}

static void say_policy(struct explanation *e) {
    const struct verdict *verdict = &e->look.verdict;
    if (verdict->week.is_set)
        say_version(e, verdict->policy, verdict->version, day_plus(e->look.view.first, verdict->week.start),
                    "the first day of the judged week");
    else if (verdict->version)
        say_version(e, verdict->policy, verdict->version, day_plus(e->look.closed, 1), "the first open day");
}

/* ---- why: scope ---- */

static void say_out_of_scope(struct explanation *e, civil_day open) {
    const struct roster_entry *entry = e->look.entry;
    const struct day_text day = words(e, open);
    if (entry == NULL)
        say(&e->why, "There is no roster record, and people.unknown is out_of_scope.");
    else if (!entry->expects_office)
        say(&e->why, "The roster record of %s, in force since %s, expects no presence.", day.text,
            words(e, entry->effective_on).text);
    else if (!day_is_none(entry->left_on) && open.n >= entry->left_on.n)
        say(&e->why, "The roster record of %s says: left on %s.", day.text, words(e, entry->left_on).text);
    else
        say(&e->why, "The roster record of %s says: hired on %s, which is still to come.", day.text,
            words(e, entry->hired_on).text);
}

static void say_not_in_force(struct explanation *e, civil_day open) {
    const struct policy *policy = e->look.verdict.policy;
    say(&e->why, "No version of policy %.*s is in effect on %s, the first open day. Its first version is %s.",
        policy->id.len, policy->id.bytes, words(e, open).text, version_name(&policy->versions[0]).text);
}

static void say_scope(struct explanation *e) {
    civil_day open = day_plus(e->look.closed, 1);
    if (e->look.verdict.status == STATUS_OUT_OF_SCOPE)
        say_out_of_scope(e, open);
    else if (e->look.verdict.status == STATUS_EXEMPT)
        say(&e->why, "An exemption covers %s, the first open day.", words(e, open).text);
    else
        say_not_in_force(e, open);
}

/* ---- why: the week ---- */

static void say_required(char *out, size_t size, const struct policy_version *version,
                         const struct judged_week *week) {
    unsigned all = (unsigned)__builtin_popcount(version->workdays);
    if (version->proration == PRORATION_CAP)
        snprintf(out, size, "required = min(%u, %u) = %u", version->required_days, week->workable,
                 week->required);
    else
        snprintf(out, size, "required = min(%u, %s(%u x %u / %u)) = %u", version->required_days,
                 version->proration == PRORATION_RATIO ? "ceil" : "floor", version->required_days,
                 week->workable, all, week->required);
}

/* Days of the week that something happened to, after the arithmetic: "Credited: Tue 25." */
static void say_days(struct explanation *e, civil_day from, unsigned bits, const char *what) {
    if (bits)
        say(&e->why, "%s: %s.", what, list_days(from, bits).text);
}

static void say_excuses(struct explanation *e, civil_day from) {
    static const struct {
        enum day_kind kind;
        const char *what;
    } excuses[] = {{DAY_leave, "Not workable, on leave"},
                   {DAY_closed, "Not workable, holiday or closure"},
                   {DAY_hold, "Not workable, site on hold"},
                   {DAY_exempt, "Not workable, exempt"},
                   {DAY_out_of_scope, "Not workable, out of scope"},
                   {DAY_skipped, "Not workable, a date that the zone skips"}};
    for (size_t i = 0; i < sizeof excuses / sizeof excuses[0]; i++) {
        unsigned bits = 0;
        for (int day = 0; day < WEEK_DAYS; day++)
            if (explain_excuse(&e->near, &e->near_days, day_plus(from, day)) == excuses[i].kind)
                bits |= 1u << day;
        say_days(e, from, bits, excuses[i].what);
    }
}

static void say_week(struct explanation *e, const struct week_at *at) {
    const struct judged_week *week = &at->told.week;
    const struct person_days *sets = &e->near_days;
    char required[96];
    say_required(required, sizeof required, at->told.version, week);
    struct list_text present = list_days(at->from, week->days);
    say(&e->why, "Week of %s to %s: present on %u of the %u required %s%s%s%s. %u workable %s (%s); %s.",
        words(e, at->from).text, words(e, day_plus(at->from, WEEK_DAYS - 1)).text, week->present,
        week->required, days(week->required), week->present ? " (" : "", present.text,
        week->present ? ")" : "", week->workable, days(week->workable),
        list_days(at->from, at->told.expected).text, required);
    int bit = at->from.n - e->near.first.n;
    day_bits credited = (sets->credited | sets->credited_by_leave) & ~(sets->swiped & ~sets->voided);
    say_days(e, at->from, (unsigned)(credited >> bit) & week->days, "Credited without a swipe");
    say_days(e, at->from, (unsigned)((sets->swiped & sets->voided & ~e->near.present) >> bit) & 0x7f,
             "Swiped, but voided by a decision");
    say_excuses(e, at->from);
}

/* ---- why: the rule ---- */

static civil_day end_of(const struct week_at *week) {
    return day_plus(week->from, WEEK_DAYS - 1);
}

static const char *result_word(const struct week_at *week) {
    return week->told.result == WEEK_MET ? "met" : "short";
}

/* "the one that ends on Sun 14 May", "those that end on Sat 13 and Sun 14 May". */
static struct list_text row_of(const struct explanation *e) {
    const struct rule_told *rule = &e->rule;
    struct list_text out;
    civil_day newest = end_of(&rule->newest);
    struct day_text oldest = words(e, day_plus(newest, 1 - (int32_t)rule->row));
    if (rule->row == 1)
        snprintf(out.text, sizeof out.text, "the one that ends on %s", words(e, newest).text);
    else
        snprintf(out.text, sizeof out.text, "those that end on %s %s %s", oldest.text,
                 rule->row == 2 ? "and" : "to", words(e, newest).text);
    return out;
}

static void say_row(struct explanation *e) {
    const struct rule_told *rule = &e->rule;
    unsigned wanted = rule->version->tolerance_days + 1u;
    say(&e->why,
        "Rule sliding, with a tolerance of %u %s: a week ends on each day, and it takes %u short %s "
        "in a row to be non_compliant. Now %u %s: %s.",
        rule->version->tolerance_days, days(rule->version->tolerance_days), wanted, weeks(wanted), rule->row,
        rule->row == 1 ? "is" : "are", row_of(e).text);
    if (!rule->has_stopper)
        return;
    const struct judged_week *week = &rule->stopper.told.week;
    if (rule->stopper.told.result == WEEK_MET)
        say(&e->why, "The week that ends on %s is met (%u of %u).", words(e, end_of(&rule->stopper)).text,
            week->present, week->required);
    else
        say(&e->why, "The week that ends on %s is not judged: %s.", words(e, end_of(&rule->stopper)).text,
            week_neutral_text(e, rule->stopper.told.why));
}

/* The weeks after the newest judged one, up to c. */
static void say_passed_over(struct explanation *e) {
    civil_day closed = e->look.closed, newest = end_of(&e->rule.newest);
    struct week_at last = explain_week(e, day_plus(closed, 1 - WEEK_DAYS));
    const char *why = week_neutral_text(e, last.told.why);
    if (newest.n + 1 == closed.n)
        say(&e->why, "The one that ends on %s is not judged: %s.", words(e, closed).text, why);
    else if (newest.n < closed.n)
        say(&e->why, "Those that end on %s to %s are not judged; the last one: %s.",
            words(e, day_plus(newest, 1)).text, words(e, closed).text, why);
}

static void say_sliding(struct explanation *e) {
    const struct rule_told *rule = &e->rule;
    if (rule->newest.told.result == WEEK_SHORT)
        say_row(e);
    else
        say(&e->why,
            "Rule sliding: a week ends on each day, and the newest judged one is that which ends on %s. "
            "It is met.",
            words(e, end_of(&rule->newest)).text);
    say_passed_over(e);
}

static void say_weekly(struct explanation *e) {
    say(&e->why, "Rule weekly, weeks start on %s: the newest judged week decides, and it is %s.",
        weekday_names[e->rule.version->week_starts_on], result_word(&e->rule.newest));
}

static void say_terms(struct explanation *e) {
    const struct rule_told *rule = &e->rule;
    const struct policy_version *version = rule->version;
    unsigned largest = 0;
    say(&e->why, "Rule k_of_n, weeks start on %s: non_compliant if %s.",
        weekday_names[version->week_starts_on],
        version->terms_count == 1 ? "this holds"
        : version->terms_any      ? "any of these holds"
                                  : "all of these hold");
    for (unsigned i = 0; i < version->terms_count; i++) {
        unsigned of = version->terms[i].of_weeks;
        say(&e->why, "- At least %u of the newest %u judged %s short: %u of %u %s, so this %s.",
            version->terms[i].short_weeks, of, of == 1 ? "week is" : "weeks are", rule->terms[i].found,
            of < rule->weeks_count ? of : rule->weeks_count, rule->terms[i].found == 1 ? "is" : "are",
            rule->terms[i].holds ? "holds" : "does not hold");
        largest = of > largest ? of : largest;
    }
    if (rule->status == STATUS_UNRATED)
        say(&e->why, "%u %s judged so far; with fewer than %u and no verdict the status is unrated.",
            rule->weeks_count, rule->weeks_count == 1 ? "week is" : "weeks are", largest);
}

/* Why no week is judged: what the newest one lacks, and when one can be. */
static void say_no_week(struct explanation *e) {
    const struct person_look *look = &e->look;
    struct week_at newest = explain_week(e, day_plus(look->closed, 1 - WEEK_DAYS));
    const struct day_text last = words(e, look->closed);
    if (newest.told.why == NEUTRAL_NO_VERSION)
        say(&e->why,
            "No version of the policy was in effect on %s, the first day of the week that ends on %s, "
            "the last closed day.",
            words(e, newest.from).text, last.text);
    else
        say(&e->why, "No week is judged. That of %s to %s, the last closed day: %s.",
            words(e, newest.from).text, last.text, week_neutral_text(e, newest.told.why));
    if (e->start.complete_from.n > newest.from.n && e->start.complete_from.n >= e->start.after_grace.n)
        say(&e->why, "The log is known to be whole from %s on: weeks that begin earlier are not judged.",
            words(e, e->start.complete_from).text);
    else if (e->start.after_grace.n > newest.from.n)
        say(&e->why, "The person starts on %s%s%s: weeks that begin earlier are not judged.",
            words(e, e->start.start).text,
            e->start.after_grace.n > e->start.start.n ? ", with grace until " : "",
            e->start.after_grace.n > e->start.start.n ? words(e, day_plus(e->start.after_grace, -1)).text
                                                      : "");
}

static void say_rule(struct explanation *e) {
    const struct rule_told *rule = &e->rule;
    const struct verdict *verdict = &e->look.verdict;
    if (rule->version == NULL || !rule->has_week) {
        say_no_week(e);
        return;
    }
    if (verdict->week.is_set)
        say_week(e,
                 &(struct week_at){day_plus(e->look.view.first, verdict->week.start),
                                   explain_week(e, day_plus(e->look.view.first, verdict->week.start)).told});
    if (verdict->effective_on.n > e->look.closed.n)
        say(&e->why,
            "By the closed days alone the status would be %s. Presence on %s, which is not closed, "
            "lifts it at once, because the week that ends on that day is met.",
            status_name(rule->status), words(e, verdict->effective_on).text);
    if (rule->version->rule == RULE_SLIDING)
        say_sliding(e);
    else if (rule->version->rule == RULE_WEEKLY)
        say_weekly(e);
    else
        say_terms(e);
}

/* ---- what would change it ---- */

static void say_idle(struct explanation *e) {
    const struct future *future = &e->if_nothing;
    if (future->changes_count == 0) {
        say(&e->outlook, "If nothing more is recorded, the status stays %s (tried until the close of %s).",
            status_name(e->look.status), words(e, future->until).text);
        return;
    }
    enum status before = e->look.status;
    for (size_t i = 0; i < future->changes_count; i++) {
        const struct change_ahead *change = &future->changes[i];
        say(&e->outlook, "%s %s becomes %s at the close of %s, due %s.",
            i == 0 ? "If nothing more is recorded:" : "Then", status_name(before),
            status_name(change->status), words(e, change->day).text, instant(change->at_ms).text);
        before = change->status;
    }
}

static const char *relative_day(const struct explanation *e, civil_day day) {
    int32_t away = day.n - e->look.today.n;
    return away == 0 ? ", today," : away == 1 ? ", tomorrow," : "";
}

static void say_change(struct explanation *e, const char *when, const struct change_ahead *change) {
    if (change->is_by_swipe)
        say(&e->outlook, "%s %s at once with the swipe of %s.", when, status_name(change->status),
            words(e, change->day).text);
    else
        say(&e->outlook, "%s %s at the close of %s, due %s.", when, status_name(change->status),
            words(e, change->day).text, instant(change->at_ms).text);
}

/* What presence would bring, up to the first time that nothing is held against the person. */
static void say_present(struct explanation *e) {
    const struct future *future = &e->if_present;
    if (future->days_count == 0) {
        say(&e->outlook, "No workday is ahead on which presence is expected.");
        return;
    }
    civil_day first = future->days[0];
    const struct change_ahead *change = future->changes;
    if (future->changes_count == 0) {
        say(&e->outlook, "With presence on every workday from %s on, the status stays %s.",
            words(e, first).text, status_name(e->look.status));
        return;
    }
    if (change->is_by_swipe && change->day.n == first.n) {
        say(&e->outlook, "A swipe on %s%s would lift the status to %s at once.", words(e, first).text,
            relative_day(e, first), status_name(change->status));
        return;
    }
    char when[96];
    snprintf(when, sizeof when, "With presence on every workday from %s on:", words(e, first).text);
    for (size_t i = 0; i < future->changes_count; i++) {
        say_change(e, i == 0 ? when : "Then", &future->changes[i]);
        if (future->changes[i].status == STATUS_COMPLIANT)
            return;
    }
}

static void say_held(struct explanation *e) {
    const struct short_text *group = e->look.held_in;
    say(&e->why,
        "By the days alone the status would be non_compliant. The guard holds this verdict back, because "
        "too many people of %.*s would have turned non_compliant at one close: it stays %s until F says "
        "something better, or until `rollcall release --site %.*s`.",
        group->len, group->bytes, status_name(e->look.status), group->len, group->bytes);
}

void explain_put_in_words(struct explanation *e) {
    say_policy(e);
    if (e->look.held_in && e->look.verdict.status == STATUS_NON_COMPLIANT)
        say_held(e);
    if (e->look.verdict.status < STATUS_UNRATED)
        say_scope(e);
    else
        say_rule(e);
    say_present(e);
    say_idle(e);
}
