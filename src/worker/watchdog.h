/* Ends the process when a worker is stuck (docs/operations.md): librdkafka has calls that never return, and
 * states in which they return and nothing moves. A restart mends both, since all that counts is in Kafka.
 *
 * Two limits. A worker that does not go round is stuck in a call. One that goes round, has something to do,
 * and neither commits nor restores anything is stuck in another way, and is given longer: in an outage of the
 * brokers calls return and are made again. The looks are counted, not a clock read: a process that was
 * stopped, or a machine that slept, has not looked either. Main thread. */
#ifndef ROLLCALL_WATCHDOG_H
#define ROLLCALL_WATCHDOG_H

#include "beat.h"

#include <stddef.h>

#define WATCHDOG_LOOK_MS 100 /* from one look to the next, or more */

struct watchdog;

/* Before other threads. The caller frees with watchdog_free. */
struct watchdog *watchdog_new(void);
void watchdog_free(struct watchdog **watchdog);
/* `beat` must outlive the watchdog's last look. */
void watchdog_add(struct watchdog *watchdog, const struct beat *beat);
/* Does not return if a worker is stuck: the log gets what it was doing, and its stack. */
void watchdog_look(struct watchdog *watchdog);

#endif
