/* One day of the company: who comes in, what the readers and HR systems send because of it, and when that
 * arrives. */
#include "parts.h"

#include "check.h"

#include <string.h>

/* Streams of random numbers of a site. */
enum { STREAM_OUTAGE = 5 << 20, STREAM_WEATHER = 6 << 20 };

/* The loads arrive at noon (UTC) of the day before the log begins: in every zone before the first day. */
#define LOAD_MS (12 * HOUR_MS)

/* What is the same for all at a site on one day. */
struct site_day {
    int64_t midnight_ms; /* UTC, by the offset of its noon */
    bool is_holiday;
    bool is_stormy;
    struct {
        int64_t from_ms, to_ms; /* the feed is down: what happens meanwhile arrives afterwards */
    } outages[3];
};

struct today {
    int32_t day;
    unsigned weekday;
    struct site_day sites[SITES];
};

static void push(struct company *company, enum topic topic, int64_t arrival_ms, struct event event) {
    int32_t day = (int32_t)(arrival_ms / DAY_MS) - company->setup.from.n;
    if (arrival_ms >= company->setup.end_ms)
        return;
    CHECK(day >= company->emit_day && day < company->emit_day + BUCKETS);
    event.order = (uint32_t)(arrival_ms % DAY_MS) << 3 | topic;
    struct bucket *bucket = &company->buckets[(day + 1) % BUCKETS];
    if (bucket->count == bucket->capacity) {
        bucket->capacity = bucket->capacity ? bucket->capacity * 2 : 1024;
        bucket->events = xrealloc(bucket->events, bucket->capacity, sizeof *bucket->events);
    }
    bucket->events[bucket->count++] = event;
}

/* One site in 45 loses its feed on a day, for 3 to 60 hours. */
static void draw_outages(const struct company *company, unsigned site, int32_t day, struct site_day *out) {
    for (int32_t back = 0; back < 3; back++) {
        struct random random =
            random_for(company->setup.seed, STREAM_OUTAGE + site, (uint64_t)(day - back + 8));
        int64_t from_ms = out->midnight_ms - back * DAY_MS + random_between(&random, 7, 17) * HOUR_MS;
        int64_t hours =
            random_chance(&random, 700000) ? random_between(&random, 3, 10) : random_between(&random, 11, 60);
        if (!random_chance(&random, 22000))
            hours = 0;
        out->outages[back].from_ms = from_ms;
        out->outages[back].to_ms = from_ms + hours * HOUR_MS;
    }
}

static void begin_day(const struct company *company, int32_t day, struct today *today) {
    civil_day date = company_date(company, day);
    today->day = day;
    today->weekday = day_weekday(date);
    for (unsigned site = 0; site < SITES; site++) {
        struct site_day *out = &today->sites[site];
        int64_t noon_ms = (int64_t)date.n * DAY_MS + 12 * HOUR_MS;
        int32_t offset_s = zone_offset_s(company->zones, company->zone[site], noon_ms);
        out->midnight_ms = (int64_t)date.n * DAY_MS - (int64_t)offset_s * 1000;
        out->is_holiday = company_is_holiday(company_places[site].country, date);
        struct random random = random_for(company->setup.seed, STREAM_WEATHER + site, (uint64_t)day);
        out->is_stormy = random_chance(&random, 16000);
        draw_outages(company, site, day, out);
    }
}

/* When a swipe made at `ms` reaches the log: mostly at once; after an outage of its feed; hours or days later
 * from a lock that is read out by hand; and a few later than any rule waits for. */
static int64_t arrival_of(const struct site_day *site, int64_t ms, struct random *random) {
    for (int i = 0; i < 3; i++)
        if (ms >= site->outages[i].from_ms && ms < site->outages[i].to_ms)
            return site->outages[i].to_ms + random_between(random, 0, 20 * MINUTE_MS);
    uint32_t draw = random_below(random, 100000);
    if (draw >= 400)
        return ms + 200 + draw % 4096;
    if (draw >= 60)
        return ms + random_between(random, 1, 120) * HOUR_MS + draw;
    if (draw >= 10)
        return ms + random_between(random, 6, 13) * DAY_MS + draw;
    return ms + random_between(random, 16, 19) * DAY_MS + draw;
}

static void push_swipe(struct company *company, const struct today *today, uint32_t who, unsigned site,
                       enum swipe_kind kind, int64_t ms, struct random *random) {
    int64_t arrival_ms = arrival_of(&today->sites[site], ms, random);
    uint64_t draws = random_next(random);
    int64_t occurred_ms = ms;
    if ((draws & 0xffff) == 0) /* a reader whose calendar is wrong */
        occurred_ms += 3 * DAY_MS;
    if (kind == SWIPE_IN && company_places[site].says_entered)
        kind = SWIPE_ENTERED;
    struct event event = {.who = who,
                          .site = (uint8_t)site,
                          .kind = (uint8_t)kind,
                          .reader = (uint8_t)(1 + (draws >> 16 & 0xffff) % company_places[site].readers)};
    event.detail = (uint32_t)(arrival_ms - occurred_ms + OCCURRED_AHEAD_MS);
    push(company, TOPIC_SWIPES, arrival_ms, event);
    if ((draws >> 32 & 0xff) == 0) { /* delivered twice */
        int64_t delay_ms = 1000 + (int64_t)(draws >> 40 & 0x7ffff);
        event.detail += (uint32_t)delay_ms;
        push(company, TOPIC_SWIPES, arrival_ms + delay_ms, event);
    }
}

/* A day at the office: in, some doors, perhaps lunch, out. */
static void push_visit(struct company *company, const struct today *today, uint32_t who, unsigned site,
                       struct random *random) {
    uint64_t draws = random_next(random);
    const struct person *person = &company->people[who];
    int64_t comes_ms = today->sites[site].midnight_ms + person->comes_at * 5 * MINUTE_MS +
                       random_between(random, -25 * MINUTE_MS, 45 * MINUTE_MS);
    int64_t stays_ms = random_between(random, 330 * MINUTE_MS, 570 * MINUTE_MS);
    if ((draws & 0x7f) == 0)
        push_swipe(company, today, who, site, SWIPE_DENIED, comes_ms - 20000, random);
    if ((draws >> 8 & 0x7f) == 0) /* followed somebody in: only inner doors know of the day */
        push_swipe(company, today, who, site, SWIPE_DOOR, comes_ms, random);
    else
        push_swipe(company, today, who, site, SWIPE_IN, comes_ms, random);
    int64_t doors = (int64_t)(draws >> 16 & 3);
    for (int64_t i = 1; i <= doors; i++)
        push_swipe(company, today, who, site, SWIPE_DOOR,
                   comes_ms + stays_ms * i / (doors + 1) + random_between(random, -600000, 600000), random);
    if ((draws >> 24 & 0xff) < 110) { /* out for lunch */
        int64_t lunch_ms = comes_ms + stays_ms / 2 - random_between(random, 0, 30 * MINUTE_MS);
        push_swipe(company, today, who, site, SWIPE_OUT, lunch_ms, random);
        push_swipe(company, today, who, site, SWIPE_IN, lunch_ms + random_between(random, 20, 70) * MINUTE_MS,
                   random);
    }
    if ((draws >> 32 & 0xff) < 220)
        push_swipe(company, today, who, site, SWIPE_OUT, comes_ms + stays_ms, random);
    if (site == 0 && (draws >> 40 & 0xff) < 8)
        push_swipe(company, today, who, SITE_LOCKERS, SWIPE_DOOR, comes_ms + stays_ms / 3, random);
    if ((draws >> 48 & 0xfff) == 0)
        push_swipe(company, today, who, SITE_POPUP, SWIPE_DOOR, comes_ms + stays_ms / 4, random);
}

/* Times in a million that this person comes in on an ordinary working day. */
static uint32_t likelihood(const struct person *person, int32_t day, unsigned weekday) {
    bool is_favourite = person->favourites >> weekday & 1;
    uint32_t weeks_since_turn = day > person->turns ? (uint32_t)(day - person->turns) / WEEK_DAYS : 0;
    switch ((enum habit)person->habit) {
    case HABIT_DAILY:
        return 960000;
    case HABIT_DILIGENT:
        return is_favourite ? 955000 : 200000;
    case HABIT_HYBRID:
        return is_favourite ? 970000 : 280000;
    case HABIT_FLEXIBLE:
        return 690000;
    case HABIT_DRIFTING: {
        uint32_t usual = is_favourite ? 955000 : 200000;
        return weeks_since_turn < 7 ? usual * (8 - weeks_since_turn) / 8 : usual / 9;
    }
    case HABIT_RECOVERING:
        return day > person->turns ? (is_favourite ? 975000 : 300000) : (is_favourite ? 450000 : 60000);
    case HABIT_RARE:
        return is_favourite ? 450000 : 60000;
    case HABIT_REMOTE:
        return 15000;
    case HABIT_NIGHT:
        return is_favourite ? 960000 : 40000;
    case HABIT_CONTRACTOR:
        return 350000;
    case HABITS:
        break;
    }
    return 0;
}

static bool covers(const struct spell *spell, int32_t day) {
    return spell->exists && day >= spell->first && day <= spell->last;
}

static void live_person(struct company *company, const struct today *today, uint32_t who) {
    const struct person *person = &company->people[who];
    if (today->day < person->hired || today->day >= person->left)
        return;
    struct spell leave = company_leave_of(company, who, today->day);
    if (covers(&leave, today->day))
        return;
    struct random random = random_for(company->setup.seed, who, (uint64_t)today->day);
    unsigned site = person->site[today->day >= person->changes];
    uint32_t chance = likelihood(person, today->day, today->weekday);
    struct spell trip = company_trip_of(company, who, today->day);
    if (covers(&trip, today->day) && person->habit != HABIT_REMOTE) {
        site = (site + 1 + trip.number % (HOME_SITES - 1)) % HOME_SITES;
        chance = 930000;
    }
    if (today->weekday >= 5)
        chance /= 80;
    if (today->sites[site].is_holiday)
        chance /= 40;
    if (today->sites[site].is_stormy)
        chance /= 2;
    if (random_chance(&random, chance))
        push_visit(company, today, who, site, &random);
}

/* Office hours of HR, the time of the day at which a change reaches the log. */
static int64_t hr_time(const struct company *company, uint32_t who, int32_t day) {
    uint64_t mixed = random_mix(company->setup.seed ^ ((uint64_t)who << 20 | (uint64_t)(uint32_t)day));
    return (int64_t)company_date(company, day).n * DAY_MS + 9 * HOUR_MS +
           (int64_t)(mixed % (uint64_t)(8 * HOUR_MS));
}

static void push_roster(struct company *company, uint32_t who, int32_t told, int32_t day,
                        enum roster_kind kind) {
    if (told == day && day >= 0)
        push(company, TOPIC_ROSTER, hr_time(company, who, day),
             (struct event){.who = who, .kind = (uint8_t)kind});
}

/* What HR tells on this day about this person. A joiner is told 5 days ahead. */
static void tell_person(struct company *company, uint32_t who, int32_t day) {
    const struct person *person = &company->people[who];
    if (person->hired > 5)
        push_roster(company, who, person->hired - 5, day, ROSTER_HIRED);
    if (person->changes != NEVER)
        push_roster(company, who, person->changes - person->told_ahead, day, ROSTER_CHANGED);
    if (person->left != NEVER)
        push_roster(company, who, person->left - person->leave_ahead, day, ROSTER_LEAVES);
    if (person->forgotten != NEVER)
        push_roster(company, who, person->forgotten, day, ROSTER_FORGOTTEN);
    struct spell leave = company_leave_of(company, who, day);
    if (leave.exists && leave.told == day && day >= person->hired && day < person->left)
        push(company, TOPIC_LEAVE, hr_time(company, who, day),
             (struct event){.who = who, .detail = (uint32_t)day});
}

static void load_calendar(struct company *company, int64_t load_ms) {
    for (uint8_t site = 0; site < HOME_SITES; site++)
        for (int32_t day = 0; day < company->days; day++)
            if (company_is_holiday(company_places[site].country, company_date(company, day)))
                push(company, TOPIC_CALENDAR, load_ms - MINUTE_MS,
                     (struct event){.site = site, .detail = (uint32_t)day});
}

/* The state of the HR systems as the log begins, ten people a millisecond. */
static void load(struct company *company) {
    int64_t load_ms = (int64_t)(company->setup.from.n - 1) * DAY_MS + LOAD_MS;
    load_calendar(company, load_ms);
    for (uint32_t who = 0; who < company->setup.people; who++) {
        if (company->people[who].hired <= 5)
            push(company, TOPIC_ROSTER, load_ms + who / 10, (struct event){.who = who, .kind = ROSTER_HIRED});
        struct spell leave = company_leave_of(company, who, -1);
        if (leave.exists && leave.told < 0 && leave.last >= 0)
            push(company, TOPIC_LEAVE, load_ms + HOUR_MS, (struct event){.who = who, .detail = (uint32_t)-1});
    }
}

void company_live_day(struct company *company, int32_t day) {
    if (day < 0) {
        load(company);
        return;
    }
    struct today today;
    begin_day(company, day, &today);
    for (uint32_t who = 0; who < company->people_count; who++) {
        if (who < company->setup.people)
            tell_person(company, who, day);
        live_person(company, &today, who);
    }
}
