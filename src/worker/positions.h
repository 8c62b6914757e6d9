/* Where a task stands, said three times: by the group's committed offsets, by the task's own changelog
 * record, by what the log still holds. They must agree (SPEC 7); where they do not, the daemon stops and says
 * what would be lost or done twice. Pure but for the outcome; worker thread. */
#ifndef ROLLCALL_POSITIONS_H
#define ROLLCALL_POSITIONS_H

#include "changelog.h"
#include "outcome.h"

#include <stdbool.h>
#include <stdint.h>

/* The committed offset (negative: none) lies in the log, which holds `low` to `high` - 1. */
bool positions_fit_the_log(struct outcome *outcome, const char *topic, int32_t partition, int64_t committed,
                           int64_t low, int64_t high);

/* One input of a task. `committed` negative: none. `recorded` NULL: the task record does not name this input.
 */
struct position_claim {
    const char *group, *topic;
    int32_t partition;
    int64_t committed;
    const struct position *recorded;
    bool has_task_record; /* false: the changelog holds the birth record alone */
    bool is_marked;       /* the commit says how long the changelog was, and nothing behind that was read */
    bool may_repeat;      /* at_least_once, without a mark: the changelog may be ahead */
};
bool positions_agree(struct outcome *outcome, const struct position_claim *claim);

/* The mark that a commit without transactions carries as its metadata: where the changelog ended. The
 * caller frees the text. */
char *positions_write_mark(int64_t changelog_end);
/* Negative: there is none. */
int64_t positions_read_mark(const void *metadata, size_t size);

#endif
