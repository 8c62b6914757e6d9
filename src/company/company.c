/* The company as a stream: days are lived in turn, and a day of arrival is sorted and handed out once nothing
 * more can arrive on it. See company.h for the guarantees. */
#include "parts.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

struct company *company_new(const struct company_setup *setup, const struct zones *zones) {
    CHECK(setup->people >= 1 && setup->people <= COMPANY_PEOPLE_MAX);
    CHECK(setup->from.n >= COMPANY_FROM_MIN && setup->to.n <= COMPANY_TO_MAX &&
          setup->to.n >= setup->from.n && setup->to.n - setup->from.n < COMPANY_DAYS_MAX);
    struct company *company = xcalloc(1, sizeof *company);
    company->setup = *setup;
    company->zones = zones;
    company->days = setup->to.n - setup->from.n + 1;
    company->next_day = company->emit_day = -1;
    for (unsigned i = 0; i < DATES_KEPT; i++)
        company->dates[i].day = -1;
    for (unsigned site = 0; site < SITES; site++) {
        const char *name = company_places[site].zone;
        company->zone[site] = zones_find(zones, name, strlen(name));
        if (company->zone[site] == ZONE_NONE) {
            company_free(&company);
            return NULL;
        }
    }
    company_make_people(company);
    return company;
}

void company_free(struct company **company) {
    if (*company == NULL)
        return;
    for (unsigned i = 0; i < BUCKETS; i++)
        free((*company)->buckets[i].events);
    free((*company)->scratch);
    free((*company)->people);
    free(*company);
    *company = NULL;
}

#define RADIX_BITS   11
#define RADIX_PASSES 3

/* Stable, so that what arrives in one millisecond stays in the order in which it was made. */
static void sort_bucket(struct company *company, struct bucket *bucket) {
    if (company->scratch_capacity < bucket->capacity) {
        company->scratch_capacity = bucket->capacity;
        company->scratch = xrealloc(company->scratch, bucket->capacity, sizeof *company->scratch);
    }
    struct event *from = bucket->events, *to = company->scratch;
    for (unsigned pass = 0; pass < RADIX_PASSES; pass++) {
        unsigned shift = pass * RADIX_BITS;
        uint32_t starts[1u << RADIX_BITS] = {0};
        for (size_t i = 0; i < bucket->count; i++)
            starts[from[i].order >> shift & ((1u << RADIX_BITS) - 1)]++;
        uint32_t next = 0;
        for (unsigned digit = 0; digit < 1u << RADIX_BITS; digit++) {
            uint32_t count = starts[digit];
            starts[digit] = next;
            next += count;
        }
        for (size_t i = 0; i < bucket->count; i++)
            to[starts[from[i].order >> shift & ((1u << RADIX_BITS) - 1)]++] = from[i];
        struct event *swap = from;
        from = to;
        to = swap;
    }
    /* an odd number of passes: the result is in the scratch */
    size_t capacity = bucket->capacity;
    bucket->capacity = company->scratch_capacity;
    company->scratch_capacity = capacity;
    company->scratch = bucket->events;
    bucket->events = from;
}

/* Makes the next day of arrival ready; false when the last one was handed out. A lived day reaches back at
 * most one day of UTC (zones east of Greenwich), so a day of arrival is whole when the day after it was
 * lived. */
static bool turn_day(struct company *company) {
    if (company->next_day > -1) {
        company->buckets[(company->emit_day + 1) % BUCKETS].count = 0;
        company->emit_day++;
        company->emit_next = 0;
    }
    if (company->emit_day > company->days + DELAY_DAYS_MAX)
        return false;
    while (company->next_day <= company->emit_day + 1 && company->next_day < company->days)
        company_live_day(company, company->next_day++);
    sort_bucket(company, &company->buckets[(company->emit_day + 1) % BUCKETS]);
    return true;
}

bool company_next(struct company *company, struct company_record *out) {
    const struct bucket *bucket = &company->buckets[(company->emit_day + 1) % BUCKETS];
    while (company->emit_next == bucket->count) {
        if (!turn_day(company))
            return false;
        bucket = &company->buckets[(company->emit_day + 1) % BUCKETS];
    }
    company_print(company, &bucket->events[company->emit_next++], company->emit_day, out);
    return true;
}

int64_t company_end_of_day(const struct zones *zones, civil_day to) {
    int64_t end_ms = 0;
    for (unsigned site = 0; site < HOME_SITES; site++) {
        const char *name = company_places[site].zone;
        int64_t over_ms = zone_day_over_ms(zones, zones_find(zones, name, strlen(name)), to);
        if (over_ms > end_ms)
            end_ms = over_ms;
    }
    return end_ms;
}
