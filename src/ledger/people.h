/* The side store: what is known of a person beside the slot, touched only when something rare happens or a
 * day closes.
 *
 * A person is a fixed record of one cache line in a chunked array, found by the index in the slot; what most
 * people do not have (a second roster record, leave, decisions, a case) hangs off it in blocks of its own.
 * Owned by the task's worker. */
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

/* Somebody is away (SPEC 2, leave). Its leave_id stands behind it. */
struct leave {
    struct leave *next;
    civil_day from, to; /* inclusive */
    uint8_t effect;     /* enum leave_effect */
    uint8_t id_len;
    char id[];
};

/* A decision that is in force, or remembered so that a repeat is known as one, or both (SPEC 2, decisions).
 */
struct decision {
    struct decision *next; /* in the order in which they came to the check for repeats, the oldest first */
    civil_day from, to;    /* the days it covers; a vp_approval: `to` is its expires_on */
    uint8_t kind;          /* enum decision_kind, while in force */
    bool is_in_force;      /* one of the four kinds that can be revoked, and was not */
    bool is_remembered;    /* among the last DECISIONS_KEPT_MAX */
    uint8_t id_len;
    char id[];
};

/* A record that entered non_compliant (SPEC 5, correction). */
struct adverse_record {
    uint32_t seq;
    civil_day effective_on;
    bool is_superseded;
};

/* What there is of everybody who was non_compliant once: the case (SPEC 6) and what may yet be corrected. */
struct case_file {
    uint32_t seq;             /* case.seq; 0: null */
    uint32_t grounds[2];      /* the verdicts under the verbal and the written warning; 0: none */
    civil_day approved_until; /* as last published; DAY_NONE: null */
    uint8_t gate;             /* enum promotion_gate, as last published */
    uint8_t stage;            /* enum case_stage */
    bool is_retracted;        /* the basis */
    uint8_t adverse_count, adverse_capacity;
    struct adverse_record adverse[]; /* oldest first */
};

/* A verdict that the guard holds back (SPEC 5): the group that it belongs to, and what the published status
 * rests on until then. */
struct hold {
    struct short_text group; /* a site or a zone, by name: it outlives both */
    struct short_text policy;
    civil_day version; /* DAY_NONE: none */
    struct change_week week;
};

struct person_more {
    day_bits *told_late;         /* ring */
    struct roster_entry *roster; /* rising effective_on; used when there is more than one */
    struct leave *leaves;
    struct decision *decisions;
    struct case_file *case_file;
    struct hold *hold;
    uint16_t roster_count, roster_capacity;
    bool dispute_is_open;
};

/* How many roster records there are. */
enum roster_kind { ROSTER_NONE, ROSTER_ONE, ROSTER_MORE };

struct person {
    arrival_time known_at;
    int64_t known_offset;
    struct person_more *more; /* NULL: nothing rare */
    struct roster_entry only; /* the roster record, while there is one */
    uint32_t seq;
    civil_day known_on;
    civil_day status_since;
    uint16_t known_partition;
    uint8_t known_topic; /* enum topic */
    uint8_t roster;      /* enum roster_kind */
};

_Static_assert(sizeof(struct roster_entry) == 24, "see limits.h: memory per employee");
_Static_assert(sizeof(struct person) == 64, "one cache line; see limits.h: memory per employee");
_Static_assert(sizeof(struct person_more) == 56, "see limits.h: memory per employee");

struct people;

struct people *people_new(void);
void people_free(struct people **people);

/* A new, zeroed person; its index never changes while it lives. */
uint32_t people_add(struct people *people);
/* Frees what hangs off it; the index may be given out again. */
void people_remove(struct people *people, uint32_t index);
/* Puts what was read into a record of its own in the place of what is there: what hangs off it, and the
 * references to names, are the store's then. */
void people_replace(struct people *people, uint32_t index, const struct person *person);
/* Frees what hangs off a record, in the store or not, and releases the names; the record is void. */
void person_empty(struct people *people, struct person *person);
/* Valid until people_remove. */
struct person *people_get(const struct people *people, uint32_t index);
/* Starts loading the person; when that has come, what hangs off the person; when that has come, the lists in
 * it. For a batch: each of the three for all, then the next. */
void people_prefetch(const struct people *people, uint32_t index);
void people_prefetch_more(const struct people *people, uint32_t index);
void people_prefetch_lists(const struct people *people, uint32_t index);
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
/* The days told late, made if they are not there. */
day_bits *person_told_late(struct people *people, struct person *person);
/* The leave of that id; NULL if there is none. */
const struct leave *person_find_leave(const struct person *person, const struct short_text *id);
/* Replaces one of the same id, and forgets those that end before `ledger`: their days cannot come back. */
void person_put_leave(struct people *people, struct person *person, const struct leave_record *record,
                      civil_day ledger);
void person_drop_leave(struct people *people, struct person *person, const struct short_text *id);
/* In force or remembered; NULL if neither. */
struct decision *person_find_decision(const struct person *person, const struct short_text *id);
/* Makes the decision of that id the newest of those remembered; the oldest beyond DECISIONS_KEPT_MAX is
 * forgotten, unless it is in force. */
struct decision *person_remember_decision(struct people *people, struct person *person,
                                          const struct short_text *id);
/* It is no longer in force. */
void person_end_decision(struct people *people, struct person *person, struct decision *decision);
/* Appends one as it was stored: for a restart. */
struct decision *person_add_decision(struct people *people, struct person *person, const char *id,
                                     size_t len);
/* The case, made if it is not there. */
struct case_file *person_case(struct people *people, struct person *person);
/* The newest ADVERSE_RECORDS_MAX are kept. */
void person_add_adverse(struct people *people, struct person *person, uint32_t seq, civil_day effective_on);
struct hold *person_hold(struct people *people, struct person *person);
void person_drop_hold(struct people *people, struct person *person);

/* Interned names (managers): counted references, since one manager stands in many records. 0 is no name. */
uint32_t names_take(struct people *people, const char *text, size_t len);
void names_release(struct people *people, uint32_t name);
/* Starts loading what names_take will look at: where the name's place may be told; when that has come, the
 * place; when that has come, the name. Each returns what the next one takes. For a batch, as people_prefetch.
 */
uint32_t names_prefetch(const struct people *people, const char *text, size_t len);
uint32_t names_prefetch_place(const struct people *people, uint32_t hash);
void names_prefetch_name(const struct people *people, uint32_t name);
/* So many references more to a name that is in use. */
void names_keep(struct people *people, uint32_t name, uint32_t references);
/* So many less, of those there are; with the last one the name is gone. */
void names_drop(struct people *people, uint32_t name, uint32_t references);
const struct short_text *names_text(const struct people *people, uint32_t name);

#endif
