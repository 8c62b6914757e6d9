/* How often, and how soon, a worker does again what failed: the same in `run` and `rekey`. Owner: the worker.
 */
#ifndef ROLLCALL_AGAIN_H
#define ROLLCALL_AGAIN_H

#include "outcome.h"

#include <stdbool.h>
#include <stdint.h>

#define COMMIT_INTERVAL_MS 100  /* a transaction costs about 12 ms; shorter ones starve the fetcher */
#define ABORTS_MAX         8    /* in a row, then the worker starts over */
#define ABORT_PAUSE_MS_MAX 5000 /* between them */

/* From one batch to the next. After an abort longer each time: what the group knows of us comes with its
 * heartbeats. */
static inline int64_t again_pause_ms(unsigned aborts_in_a_row) {
    int64_t pause_ms = (int64_t)COMMIT_INTERVAL_MS << aborts_in_a_row;
    return pause_ms < ABORT_PAUSE_MS_MAX ? pause_ms : ABORT_PAUSE_MS_MAX;
}

/* New handles in place of those that failed. */
struct starts {
    unsigned in_a_row;
    int64_t last_ms; /* monotonic */
};
/* What goes wrong again and again is for somebody else to mend: false, with the outcome set. */
bool again_may_start(struct starts *starts, const char *worker, struct outcome *outcome);

#endif
