/* Looking at a task without changing it: for the commands that tell of people (explain, whatif). The records
 * of task.h stay the only way in, and its outbox the only way out. Owner: the task's worker. */
#ifndef ROLLCALL_INSPECT_H
#define ROLLCALL_INSPECT_H

#include "judge.h"
#include "people.h"
#include "task.h"

struct table_slot;

/* Somebody's published status. */
struct person_status {
    struct short_text id;
    enum status status;
};

/* A walk over all people, in an order that depends on the task's hash seed and on who is there. Begins with
 * `at` NULL; nothing may be applied meanwhile. */
struct people_walk {
    struct table_slot *at;
};
bool inspect_next(const struct task *task, struct people_walk *walk, struct person_status *out);

/* STATUS_NONE if there is nobody of that id. */
enum status inspect_status(const struct task *task, const struct short_text *id);

/* What a view is made of, over its window. */
struct person_days {
    day_bits swiped, voided;
    day_bits credited_by_leave, credited; /* by decision */
    day_bits on_leave;                    /* excused by it */
    day_bits closed, on_hold;             /* the home site */
    day_bits exempt;
    day_bits told_late;
};

/* A person as the task knows them. Pointers are the task's, good until it is next given anything. */
struct person_look {
    const struct table_slot *slot;
    struct short_text id;
    enum status status; /* as published */
    civil_day status_since, known_on;
    arrival_time known_at;
    civil_day closed; /* c */
    /* Of the open day o: home zone, roster record and what it names; NULL: none. */
    uint16_t zone;
    const struct roster_entry *entry;
    const struct short_text *site, *manager;
    civil_day today; /* the day of the clock in that zone */
    bool dispute_is_open;
    const struct short_text *held_in; /* the group for which the guard holds the verdict back, or NULL */
    struct view view;
    struct verdict verdict; /* F at c over the view, with the lift */
};

/* False if there is nobody of that id. */
bool inspect_person(const struct task *task, const struct short_text *id, struct person_look *out);
/* What F will see when `closes` more days are closed and nothing was recorded until then. */
void inspect_ahead(const struct task *task, const struct person_look *look, int closes, struct view *view,
                   struct person_days *days);
/* The person's home zone of a day, by the records known now. */
uint16_t inspect_zone_of(const struct task *task, const struct person_look *look, civil_day day);

#endif
