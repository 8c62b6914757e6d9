/* See stream.h. */
#include "stream.h"

#include "check.h"
#include "civil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN_ALREADY_PERCENT 30 /* of the people, at the reference time */
#define LIFTING_PER_SWIPES 100
#define FIRST_MINUTE       (7 * 60)
#define MINUTES            (11 * 60)

struct stream {
    struct stream_setup setup;
    const struct rules *rules;
    uint16_t zones[STREAM_ZONES];
    civil_day open[STREAM_ZONES];
    char dates[STREAM_ZONES][2][CIVIL_TEXT_BYTES]; /* of the first open day and the next, as text */
    char offsets[STREAM_ZONES][2][7];              /* of local time on them, as text */
    uint32_t *order;                               /* [people] in which they come in */
    uint32_t *place;                               /* [people] of a person in it */
    uint32_t in_already;
    uint64_t lifting_below; /* of a 64-bit random number: the person is short by one day */
    uint64_t next, random;
};

uint64_t stream_draw(uint64_t *state) {
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t mix(uint64_t n) {
    return stream_draw(&n);
}

static uint32_t below(uint64_t random, uint32_t bound) {
    return (uint32_t)((random >> 32) * bound >> 32);
}

static unsigned zone_of(uint32_t person) {
    return person % STREAM_ZONES;
}

static void put_digits(char *out, unsigned digits, uint32_t n) {
    for (; digits; n /= 10)
        out[--digits] = (char)('0' + n % 10);
}

static void write_offset(int32_t offset_s, char *out) {
    uint32_t minutes = (uint32_t)abs(offset_s) / 60;
    memcpy(out, offset_s < 0 ? "-00:00" : "+00:00", 7);
    put_digits(out + 1, 2, minutes / 60);
    put_digits(out + 4, 2, minutes % 60);
}

static void set_up_zones(struct stream *s) {
    static const char *const names[] = STREAM_ZONE_IDS;
    for (unsigned i = 0; i < STREAM_ZONES; i++) {
        const struct zones *zones = s->rules->zones;
        s->zones[i] = zones_find(zones, names[i], strlen(names[i]));
        CHECK(s->zones[i] != ZONE_NONE);
        civil_day day = zone_day_of(zones, s->zones[i], s->setup.reference_ms);
        while (zone_day_over_ms(zones, s->zones[i], day_plus(day, -1)) + s->rules->settle_ms >
               s->setup.reference_ms)
            day.n--;
        s->open[i] = day;
        for (int next = 0; next < 2; next++) {
            int64_t noon_ms = zone_day_over_ms(zones, s->zones[i], day_plus(day, next)) - 12 * 3600000;
            civil_print(day_plus(day, next), s->dates[i][next]);
            write_offset(zone_offset_s(zones, s->zones[i], noon_ms), s->offsets[i][next]);
        }
    }
}

static void set_up_order(struct stream *s) {
    uint32_t people = s->setup.people;
    s->order = xcalloc(people, sizeof *s->order);
    s->place = xcalloc(people, sizeof *s->place);
    for (uint32_t i = 0; i < people; i++) {
        uint32_t j = below(stream_draw(&s->random), i + 1);
        s->order[i] = s->order[j];
        s->order[j] = i;
    }
    for (uint32_t i = 0; i < people; i++)
        s->place[s->order[i]] = i;
}

struct stream *stream_new(const struct stream_setup *setup, const struct rules *rules) {
    struct stream *s = xcalloc(1, sizeof *s);
    s->setup = *setup;
    s->rules = rules;
    s->random = 1;
    s->in_already = (uint32_t)((uint64_t)setup->people * IN_ALREADY_PERCENT / 100);
    uint64_t fresh = setup->swipes / STREAM_FRESH_EVERY, rest = setup->people - s->in_already;
    CHECK(setup->people > 0 && setup->partitions > 0 &&
          s->in_already + fresh + 1 < 2 * (uint64_t)setup->people);
    double share = (double)setup->swipes / LIFTING_PER_SWIPES / (double)(fresh < rest ? fresh + 1 : rest);
    CHECK(share < 1);
    s->lifting_below = (uint64_t)(share * 18446744073709549568.0);
    set_up_zones(s);
    set_up_order(s);
    return s;
}

void stream_free(struct stream **stream) {
    struct stream *s = *stream;
    if (s == NULL)
        return;
    free(s->order);
    free(s->place);
    free(s);
    *stream = NULL;
}

size_t stream_write_id(uint32_t person, char *out) {
    memcpy(out, "E0000000", 8);
    for (char *digit = out + 7; person; person /= 10)
        *digit-- = (char)('0' + person % 10);
    return 8;
}

uint32_t stream_partition(const struct stream *s, uint32_t person) {
    return below(mix(person), s->setup.partitions);
}

size_t stream_write_roster(uint32_t person, char *out) {
    static const char *const sites[] = STREAM_SITE_IDS;
    int len = snprintf(out, STREAM_VALUE_MAX,
                       "{\"employee_id\":\"E%07u\",\"home_site\":\"%s\",\"manager_id\":\"E%07u\","
                       "\"hired_on\":\"2020-01-06\"}",
                       person, sites[person % STREAM_SITES], person / 10 * 10);
    CHECK(len > 0 && len < STREAM_VALUE_MAX);
    return (size_t)len;
}

/* ---- swipes
 * -------------------------------------------------------------------------------------------------- */

static void put_hex(char *out, unsigned digits, uint64_t n) {
    for (; digits; n >>= 4)
        out[--digits] = "0123456789abcdef"[n & 15];
}

/* Placeholders are overwritten in place: the preloader has to be faster than what it measures. */
static const char form[] =
    "{\"event_id\":\"00000000-0000-4000-8000-000000000000\",\"employee_id\":\"E0000000\","
    "\"occurred_at\":\"2000-01-01T00:00:00.000+00:00\",\"site_id\":\"SEA33\","
    "\"reader_id\":\"SEA33-R00\",\"direction\":\"in\",\"result\":\"granted\"}";
enum {
    AT_EVENT = 13,
    AT_PERSON = AT_EVENT + 36 + 17,
    AT_TIME = AT_PERSON + 8 + 17,
    AT_SITE = AT_TIME + 29 + 13,
    AT_READER = AT_SITE + 5 + 15,
};

static size_t write_swipe(uint32_t person, bool is_fresh, uint64_t random, const char *date,
                          const char *offset, char *out) {
    static const char *const sites[] = STREAM_SITE_IDS;
    const char *site = sites[person % STREAM_SITES];
    memcpy(out, form, sizeof form - 1);
    put_hex(out + AT_EVENT, 8, random);
    put_hex(out + AT_EVENT + 24, 12, mix(random));
    out[AT_EVENT] = is_fresh ? 'f' : '0'; /* what bench_feed tells the changed people by */
    stream_write_id(person, out + AT_PERSON);
    uint32_t minute = FIRST_MINUTE + below(random, MINUTES), ms = below(mix(random), 60000);
    memcpy(out + AT_TIME, date, 10);
    put_digits(out + AT_TIME + 11, 2, minute / 60);
    put_digits(out + AT_TIME + 14, 2, minute % 60);
    put_digits(out + AT_TIME + 17, 2, ms / 1000);
    put_digits(out + AT_TIME + 20, 3, ms % 1000);
    memcpy(out + AT_TIME + 23, offset, 6);
    memcpy(out + AT_SITE, site, 5);
    memcpy(out + AT_READER, site, 5);
    put_digits(out + AT_READER + 7, 2, ms % 20);
    return sizeof form - 1;
}

bool stream_next(struct stream *s, struct stream_swipe *out) {
    uint64_t number = s->next;
    if (number == s->setup.swipes)
        return false;
    s->next++;
    uint64_t came = s->in_already + number / STREAM_FRESH_EVERY; /* arrivals of a person on a day so far */
    uint64_t random = stream_draw(&s->random);
    out->is_fresh = number % STREAM_FRESH_EVERY == 0;
    uint32_t people = s->setup.people, place;
    if (out->is_fresh)
        place = (uint32_t)(came % people);
    else
        place = below(random * UINT64_C(0x9e3779b97f4a7c15), came + 1 < people ? (uint32_t)came + 1 : people);
    bool is_next_day = place + (uint64_t)people <= came; /* the latest day on which that person came */
    out->person = s->order[place];
    unsigned zone = zone_of(out->person);
    out->len = write_swipe(out->person, out->is_fresh, random, s->dates[zone][is_next_day],
                           s->offsets[zone][is_next_day], out->value);
    return true;
}

/* ---- what was before
 * ----------------------------------------------------------------------------------------- */

civil_day stream_open_day(const struct stream *s, uint32_t person) {
    return s->open[zone_of(person)];
}

bool stream_was_in(const struct stream *s, uint32_t person, int32_t ago) {
    if (ago == 0)
        return s->place[person] < s->in_already;
    uint64_t random = mix(~(uint64_t)person);
    bool is_short = s->place[person] >= s->in_already && random < s->lifting_below;
    if (is_short && ago <= 8) /* two days in the week before the open day, three in the one before that */
        return ago == 2 || ago == 3 || ago == 8;
    int32_t day = (int32_t)(mix(person) % WEEK_DAYS) + ago;
    return day % WEEK_DAYS == 0 || day % WEEK_DAYS == 2 || day % WEEK_DAYS == 4;
}

size_t stream_write_swipe(const struct stream *s, uint32_t person, civil_day day, bool is_fresh,
                          uint64_t random, char *out) {
    unsigned zone = zone_of(person);
    char date[CIVIL_TEXT_BYTES], offset[7];
    int64_t noon_ms = zone_day_over_ms(s->rules->zones, s->zones[zone], day) - 12 * 3600000;
    civil_print(day, date);
    write_offset(zone_offset_s(s->rules->zones, s->zones[zone], noon_ms), offset);
    return write_swipe(person, is_fresh, random, date, offset, out);
}
