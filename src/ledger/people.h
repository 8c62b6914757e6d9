/* The side store: what is known of a person beside the slot, touched only when something rare happens or a
 * day closes.
 *
 * A person is a fixed record in a chunked array, found by the index in the slot; what most people do not have
 * (a second roster record, days told late, adverse records) hangs off it in one block of its own. Owned by
 * the task's worker. */
#ifndef ROLLCALL_PEOPLE_H
#define ROLLCALL_PEOPLE_H

#include "days.h"

#include <rollcall/change.h>
#include <rollcall/policy.h>

#include <stddef.h>

/* One roster record, resolved against the configuration. */
struct roster_entry {
    civil_day effective_on;
    civil_day hired_on, left_on; /* DAY_NONE: absent */
    uint32_t manager;            /* names_text(); 0: none */
    uint16_t policy;
    uint16_t site;    /* SITE_NONE */
    uint16_t zone;    /* the home zone that it names, itself or by its site; ZONE_NONE: it names none */
    uint8_t workdays; /* 0: none of its own */
    uint8_t expects_office;
};

/* A record that entered non_compliant (SPEC 5, correction). */
struct adverse_record {
    uint32_t seq;
    civil_day effective_on;
    bool is_superseded;
};

struct person_more {
    day_bits told_late;          /* ring */
    struct roster_entry *roster; /* rising effective_on; used when there is more than one */
    uint16_t roster_capacity;
    uint8_t adverse_count;
    struct adverse_record adverse[ADVERSE_RECORDS_MAX]; /* oldest first */
};

struct person {
    arrival_time known_at;
    int64_t known_offset;
    struct person_more *more; /* NULL: nothing rare */
    struct roster_entry only; /* the roster record, while there is one */
    uint32_t seq;
    uint32_t case_seq; /* 0: none */
    civil_day known_on;
    civil_day status_since;
    uint16_t known_partition;
    uint16_t roster_count;
    uint8_t known_topic; /* enum topic */
    uint8_t stage;       /* enum case_stage, as last published */
};

_Static_assert(sizeof(struct roster_entry) == 24, "see limits.h: memory per employee");
_Static_assert(sizeof(struct person) == 72, "see limits.h: memory per employee");

struct people;

struct people *people_new(void);
void people_free(struct people **people);

/* A new, zeroed person; its index never changes while it lives. */
uint32_t people_add(struct people *people);
/* Frees what hangs off it; the index may be given out again. */
void people_remove(struct people *people, uint32_t index);
/* Valid until people_remove. */
struct person *people_get(const struct people *people, uint32_t index);
void people_prefetch(const struct people *people, uint32_t index);
uint64_t people_memory_bytes(const struct people *people);

/* Roster records in rising order of effective_on. */
const struct roster_entry *person_roster(const struct person *person, size_t *count);
/* Replaces the entry of the same effective_on, or puts the new one in its place in the order. Takes over the
 * reference to the manager's name and releases that of a replaced entry. */
void person_put_roster(struct people *people, struct person *person, const struct roster_entry *entry);
/* Forgets entries that rule no day from `first` on, but for the newest (SPEC 2). */
void person_prune_roster(struct people *people, struct person *person, civil_day first);
/* The record of day x (SPEC 2); NULL without any. */
const struct roster_entry *person_roster_of(const struct person *person, civil_day x);
/* What hangs off the person, made if it is not there. */
struct person_more *person_more(struct people *people, struct person *person);
/* The newest ADVERSE_RECORDS_MAX are kept. */
void person_add_adverse(struct person_more *more, uint32_t seq, civil_day effective_on);

/* Interned names (managers): counted references, since one manager stands in many records. 0 is no name. */
uint32_t names_take(struct people *people, const char *text, size_t len);
void names_release(struct people *people, uint32_t name);
const struct short_text *names_text(const struct people *people, uint32_t name);

#endif
