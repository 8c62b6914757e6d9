/* What the service manager is told: the protocol of sd_notify(3). Main thread. */
#ifndef ROLLCALL_SERVICE_MANAGER_H
#define ROLLCALL_SERVICE_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

/* "READY=1", "WATCHDOG=1", "STOPPING=1". False: it has so much to read that it could not be told within a
 * moment. True: it was, or nobody wants to know. */
bool service_tell(const char *state);

/* How often it wants to hear WATCHDOG=1 at least; 0: not at all. */
int64_t service_watchdog_ms(void);

#endif
