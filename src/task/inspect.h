/* Looking at a task without changing it: for the commands that tell of people (explain, whatif). The records
 * of task.h stay the only way in, and its outbox the only way out. Owner: the task's worker. */
#ifndef ROLLCALL_INSPECT_H
#define ROLLCALL_INSPECT_H

#include "task.h"

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

#endif
