/* The workers together: started, watched, stopped. `run` drives it until a signal, the demo until everything
 * is read. One thread calls everything but what ends in _shared. */
#ifndef ROLLCALL_DAEMON_H
#define ROLLCALL_DAEMON_H

#include "cluster.h"
#include "watchdog.h"
#include "worker.h"

struct daemon_setup {
    struct handle_setup handles; /* what it points at must outlive the daemon */
    /* Members are dynamic: the embedded broker knows no static ones. */
    bool has_dynamic_members;
    /* Asks for the ends more often, so that daemon_progress.caught_up is soon right. */
    bool reports_the_end;
    struct watchdog *watchdog; /* looks at the workers; or NULL */
};

struct daemon;

/* Starts the workers; `shape` is what cluster_check found. `outcome` outlives the daemon. */
struct daemon *daemon_start(const struct daemon_setup *setup, const struct cluster_shape *shape,
                            struct outcome *outcome);
/* Asks all workers to finish their batch, commit and leave. */
void daemon_stop_shared(struct daemon *daemon);
/* True once every worker has ended, by itself or because it was asked. */
bool daemon_has_ended(const struct daemon *daemon);
/* Waits for the workers and frees the daemon; `totals` gets the sum of what they did. */
void daemon_finish(struct daemon **daemon, struct worker_progress *totals);

/* Sums over the workers; running counts partitions. */
struct daemon_progress {
    struct worker_progress sum;
    uint32_t partitions;
    bool is_ready;  /* every worker has had an assignment, and all they own is restored */
    bool caught_up; /* all partitions run here, and all that was in the log when it was last asked is
                       committed */
};
void daemon_progress(const struct daemon *daemon, struct daemon_progress *out);

#endif
