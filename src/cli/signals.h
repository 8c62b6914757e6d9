/* SIGTERM and SIGINT of the daemons: waited for, never handled. Main thread. */
#ifndef ROLLCALL_SIGNALS_H
#define ROLLCALL_SIGNALS_H

#include <stdbool.h>

/* Before any thread is made, so that all inherit it and only signals_wait sees them. */
void signals_block(void);
/* The number of the signal; 0: none came within `wait_ms` (less than a second). */
int signals_wait(int wait_ms);
bool signals_came(void);

#endif
