/* A made-up company and its log (`rollcall generate`, `rollcall demo`, tests): who works where, who comes in
 * when, and what the readers and HR systems would have sent, with the faults that such feeds have.
 *
 * Guarantees:
 *  (a) Deterministic: the same setup gives the same records, byte for byte, on every machine.
 *  (b) Sorted by arrival; records of one arrival are in the order of SPEC 5.
 *  (c) Streaming: memory is proportional to people (one day of their swipes is held), not to days.
 *  (d) Every record is of right form (SPEC 2). What is rejected is rejected by the engine's other checks.
 *  (e) The log is whole from `from` on: nothing of these days is left out but what arrives at or after
 * `end_ms`.
 *
 * Owned by one thread. Nothing here is a real person: ids, habits and dates come out of the seed. */
#ifndef ROLLCALL_COMPANY_H
#define ROLLCALL_COMPANY_H

#include "zone.h"

#include <rollcall/events.h>

#include <stdio.h>

#define COMPANY_PEOPLE_MAX 5000000
#define COMPANY_FROM_MIN   31 /* 1970-02-01: the load of the day before, and hires before that, need room */
#define COMPANY_TO_MAX     83764 /* 2199-05-04: what is told ahead of time lies before 2200, too */
#define COMPANY_DAYS_MAX                                                                                     \
    3660 /* offsets of days from `from` fit 16 bits, with room for what is told ahead                        \
          */

struct company_setup {
    uint32_t people;    /* 1 to COMPANY_PEOPLE_MAX; some contractors without a roster record come on top */
    civil_day from, to; /* the days that are lived, both included; `from` at least COMPANY_FROM_MIN */
    uint64_t seed;
    int64_t end_ms; /* what would arrive at this instant or later is left out */
};

/* One record as the topic carries it. Pointers are valid until the next call. */
struct company_record {
    enum topic topic;
    arrival_time arrival;
    const char *key;
    size_t key_len;
    const char *value; /* a JSON object; NULL: a tombstone */
    size_t value_len;
};

struct company;

/* `zones` is borrowed. NULL if a zone of the company's sites is not in it. */
struct company *company_new(const struct company_setup *setup, const struct zones *zones);
void company_free(struct company **company);

/* How many people there are, contractors included; and the number, below that, of the one with this key. */
uint32_t company_people_count(const struct company *company);
bool company_find_person(const struct company *company, const char *key, size_t key_len, uint32_t *out);

/* The next record, false at the end. */
bool company_next(struct company *company, struct company_record *out);

/* Writes the record as a line of `rollcall replay`, newline included; returns its length. */
#define COMPANY_LINE_BYTES 1024
size_t company_print_line(struct company *company, const struct company_record *record,
                          char out[COMPANY_LINE_BYTES]);

/* The `end_ms` by which all swipes of `to` that are not late have arrived: when it is over in the last zone.
 */
int64_t company_end_of_day(const struct zones *zones, civil_day to);

/* The configuration that fits: the files rollcall.yaml, policies.yaml, sites.yaml. */
void company_write_rollcall_yaml(const struct company_setup *setup, FILE *out);
void company_write_policies_yaml(const struct company_setup *setup, FILE *out);
void company_write_sites_yaml(const struct company_setup *setup, FILE *out);

#endif
