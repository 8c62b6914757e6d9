/* See again.h. */
#include "again.h"

#include "clocks.h"

#define STARTS_MAX      5
#define STARTS_APART_MS 300000 /* what lies so far apart is not in a row */

bool again_may_start(struct starts *starts, const char *worker, struct outcome *outcome) {
    int64_t now_ms = monotonic_ms();
    starts->in_a_row = now_ms - starts->last_ms > STARTS_APART_MS ? 1 : starts->in_a_row + 1;
    starts->last_ms = now_ms;
    if (starts->in_a_row <= STARTS_MAX)
        return true;
    outcome_fail(outcome, EX_TEMPFAIL, "worker %s had to start over %d times in a row", worker, STARTS_MAX);
    return false;
}
