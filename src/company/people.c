/* Who works at the company: sites, habits, careers, holidays, leave and trips. Everything is a function of
 * the seed and of who somebody is. The shares are made up, but in the range of what domain reports say. */
#include "parts.h"

#include "check.h"

const struct place company_places[SITES] = {
    {"SEA33", "America/Los_Angeles", COUNTRY_US, VENDOR_LOCAL_TIME, 320, 24, true, true, true},
    {"SFO12", "America/Los_Angeles", COUNTRY_US, VENDOR_LOCAL_TIME, 150, 12, true, true, true},
    {"LHR16", "Europe/London", COUNTRY_UK, VENDOR_UTC, 170, 14, false, true, true},
    {"MAN05", "Europe/London", COUNTRY_UK, VENDOR_UTC, 80, 8, false, true, true},
    {"BLR14", "Asia/Kolkata", COUNTRY_IN, VENDOR_EPOCH, 190, 16, true, true, true},
    {"HYD08", "Asia/Kolkata", COUNTRY_IN, VENDOR_EPOCH, 90, 10, false, true, true},
    [SITE_LOCKERS] = {"SEA-LOCKERS", "America/Los_Angeles", COUNTRY_US, VENDOR_LOCAL_TIME, 0, 4, false, true,
                      false},
    [SITE_POPUP] = {"POPUP1", "Europe/London", COUNTRY_UK, VENDOR_UTC, 0, 1, false, false, true},
};

const char *const company_policy_ids[POLICIES] = {"office-3d", "office-2d"};

/* Streams of random numbers of one person; the days themselves use their own number (below COMPANY_DAYS_MAX).
 */
enum { STREAM_CAREER = 1 << 20, STREAM_LEAVE = 2 << 20, STREAM_TRIP = 3 << 20, STREAM_HIRED = 4 << 20 };

#define QUARTER_DAYS 91

static const struct {
    uint32_t share; /* per mille */
    uint8_t favourites;
} habits[HABITS] = {
    [HABIT_DAILY] = {150, 5},   [HABIT_DILIGENT] = {280, 4}, [HABIT_HYBRID] = {270, 3},
    [HABIT_FLEXIBLE] = {70, 5}, [HABIT_DRIFTING] = {70, 4},  [HABIT_RECOVERING] = {40, 3},
    [HABIT_RARE] = {35, 1},     [HABIT_REMOTE] = {70, 0},    [HABIT_NIGHT] = {15, 4},
};

static uint8_t draw_habit(struct random *random) {
    uint32_t draw = random_below(random, 1000);
    for (uint8_t habit = 0; habit < HABIT_CONTRACTOR; habit++) {
        if (draw < habits[habit].share)
            return habit;
        draw -= habits[habit].share;
    }
    return HABIT_HYBRID;
}

static uint8_t draw_site(struct random *random) {
    uint32_t draw = random_below(random, 1000);
    for (uint8_t site = 0; site < HOME_SITES; site++) {
        if (draw < company_places[site].share)
            return site;
        draw -= company_places[site].share;
    }
    return 0;
}

/* `count` of the five weekdays; the middle of the week is liked better than its ends. */
static uint8_t draw_favourites(struct random *random, uint8_t count) {
    static const uint8_t liking[20] = {0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4};
    uint8_t days = 0;
    while (__builtin_popcount(days) < count)
        days = (uint8_t)(days | 1u << liking[random_below(random, 20)]);
    return days;
}

/* Joins, changes and leaves at yearly rates; at most one of a change and a farewell, so that a record never
 * undoes an earlier one. */
static void draw_career(struct person *person, struct random *random, int32_t days) {
    uint32_t per_year = (uint32_t)days * 1000 / 365; /* per mille of a year, x 1000 = per million */
    person->hired = 0;
    person->left = person->forgotten = person->changes = NEVER;
    bool joins = random_chance(random, per_year < 4000 ? per_year * 100 : 400000);
    bool leaves = random_chance(random, per_year < 4000 ? per_year * 80 : 320000);
    bool changes = random_chance(random, per_year < 4000 ? per_year * 40 : 160000);
    if (joins)
        person->hired = (uint16_t)random_between(random, 1, days);
    if (leaves && person->hired + 30 < days) {
        person->left = (uint16_t)random_between(random, person->hired + 30, days);
        person->leave_ahead = (uint8_t)random_between(random, 0, 14);
        if (random_chance(random, 300000) && person->left + 35 < days)
            person->forgotten = (uint16_t)(person->left + 35);
    } else if (changes && person->hired + 30 < days - 10) {
        person->changes = (uint16_t)random_between(random, person->hired + 30, days - 10);
        person->told_ahead = (int8_t)random_between(random, -4, 14);
    }
}

static void draw_person(struct company *company, uint32_t who) {
    struct person *person = &company->people[who];
    struct random random = random_for(company->setup.seed, who, STREAM_CAREER);
    bool is_contractor = who >= company->setup.people;
    person->habit = is_contractor ? HABIT_CONTRACTOR : draw_habit(&random);
    draw_career(person, &random, company->days);
    person->site[0] = person->site[1] = draw_site(&random);
    person->policy[0] = person->policy[1] = random_chance(&random, 120000);
    if (random_chance(&random, 300000))
        person->policy[1] = !person->policy[0];
    else
        person->site[1] =
            (uint8_t)((person->site[0] + 1u + random_below(&random, HOME_SITES - 1)) % HOME_SITES);
    uint8_t favourites = habits[person->habit].favourites;
    if (person->policy[0] == 1 && favourites == 3)
        favourites = 2;
    person->favourites = draw_favourites(&random, favourites);
    if (random_chance(&random, 30000) && person->habit <= HABIT_HYBRID) {
        person->workdays = random_chance(&random, 500000) ? 0x07 : 0x1e; /* Mon-Wed, Tue-Fri */
        person->favourites &= person->workdays;
    }
    person->turns = (uint16_t)random_below(&random, (uint32_t)company->days);
    person->comes_at = person->habit == HABIT_NIGHT ? 250 : (uint8_t)random_between(&random, 90, 120);
    if (is_contractor) {
        person->hired = 0;
        person->left = person->forgotten = person->changes = NEVER;
    }
}

void company_make_people(struct company *company) {
    company->people_count = company->setup.people + company->setup.people / 200;
    company->people = xcalloc(company->people_count, sizeof *company->people);
    for (uint32_t who = 0; who < company->people_count; who++)
        draw_person(company, who);
}

uint32_t company_people_count(const struct company *company) {
    return company->people_count;
}

bool company_find_person(const struct company *company, const char *key, size_t key_len, uint32_t *out) {
    uint32_t number = 0;
    if (key_len != 1 + ID_DIGITS)
        return false;
    for (size_t i = 1; i < key_len; i++)
        number = number * 10 + (uint32_t)(key[i] - '0');
    *out = number - ID_FIRST;
    return *out < company->people_count;
}

civil_day company_hired_on(const struct company *company, uint32_t who) {
    uint16_t hired = company->people[who].hired;
    if (hired > 0)
        return company_date(company, hired);
    struct random random = random_for(company->setup.seed, who, STREAM_HIRED);
    int32_t before = random_between(&random, 40, 4000);
    int32_t room = company->setup.from.n;
    return company_date(company, before < room ? -before : -room);
}

/* The quarters of each person begin on another day, so that not everybody is on leave in the same weeks. What
 * begins in a quarter is told in that quarter. */
static struct random quarter_of(const struct company *company, uint32_t who, int32_t day, uint32_t stream,
                                int32_t *start, uint32_t *number) {
    uint32_t shift = (uint32_t)(random_mix(company->setup.seed ^ who) % QUARTER_DAYS);
    *number = ((uint32_t)(day + QUARTER_DAYS) + shift) / QUARTER_DAYS;
    *start = (int32_t)(*number * QUARTER_DAYS) - (int32_t)shift - QUARTER_DAYS;
    return random_for(company->setup.seed, who, stream + *number);
}

struct spell company_leave_of(const struct company *company, uint32_t who, int32_t day) {
    struct spell spell = {0};
    int32_t start;
    struct random random = quarter_of(company, who, day, STREAM_LEAVE, &start, &spell.number);
    uint64_t draws = random_next(&random);
    spell.exists = (draws & 0xff) < 170;
    spell.is_credit = (draws >> 8 & 0xff) < 20;
    spell.first = start + 21 + (int32_t)((draws >> 16 & 0xffff) % 55);
    spell.last = spell.first + (int32_t)((draws >> 32 & 0xffff) % ((draws >> 60) == 0 ? 14 : 6));
    spell.told = spell.first - 1 - (int32_t)((draws >> 48 & 0xfff) % 20);
    return spell;
}

struct spell company_trip_of(const struct company *company, uint32_t who, int32_t day) {
    struct spell spell = {0};
    int32_t start;
    struct random random = quarter_of(company, who, day, STREAM_TRIP, &start, &spell.number);
    uint64_t draws = random_next(&random);
    spell.exists = (draws & 0xff) < 20;
    spell.first = start + (int32_t)((draws >> 16 & 0xffff) % 80);
    spell.last = spell.first + 2 + (int32_t)((draws >> 32 & 0xff) % 4);
    spell.number = (uint32_t)(draws >> 40);
    return spell;
}

/* Is it the n-th (1 to 5; 5: the last) weekday of its month? */
static bool is_nth(civil_day day, unsigned weekday, int n) {
    if (day_weekday(day) != weekday)
        return false;
    int year, month, date, month_after, unused;
    civil_to_ymd(day, &year, &month, &date);
    civil_to_ymd(day_plus(day, WEEK_DAYS), &unused, &month_after, &unused);
    return n == 5 ? month_after != month : (date - 1) / WEEK_DAYS + 1 == n;
}

/* Fixed dates and Mondays only; those that need the moon are left out. */
bool company_is_holiday(enum country country, civil_day day) {
    enum { MONDAY = 0, THURSDAY = 3 };
    int year, month, date;
    civil_to_ymd(day, &year, &month, &date);
    int md = month * 100 + date;
    switch (country) {
    case COUNTRY_US:
        return md == 101 || md == 619 || md == 704 || md == 1225 || (month == 1 && is_nth(day, MONDAY, 3)) ||
               (month == 5 && is_nth(day, MONDAY, 5)) || (month == 9 && is_nth(day, MONDAY, 1)) ||
               (month == 11 && is_nth(day, THURSDAY, 4));
    case COUNTRY_UK:
        return md == 101 || md == 1225 || md == 1226 ||
               (month == 5 && (is_nth(day, MONDAY, 1) || is_nth(day, MONDAY, 5))) ||
               (month == 8 && is_nth(day, MONDAY, 5));
    case COUNTRY_IN:
        return md == 126 || md == 501 || md == 815 || md == 1002 || md == 1225;
    }
    return false;
}
