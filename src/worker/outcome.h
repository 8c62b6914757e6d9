/* How a daemon ends: the first failure of any of its threads is the one that is reported, and it stops all.
 * Any thread.
 */
#ifndef ROLLCALL_OUTCOME_H
#define ROLLCALL_OUTCOME_H

#include "exit_codes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct outcome {
    pthread_mutex_t lock;
    atomic_int code; /* 0 while nothing has failed */
    char text[2048]; /* written once, under the lock, before `code` */
};

#define OUTCOME_INITIALIZER                                                                                  \
    { .lock = PTHREAD_MUTEX_INITIALIZER }

/* The first call counts, later ones are forgotten. `code` is an exit code, not 0. */
void outcome_fail(struct outcome *outcome, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* 0: nothing has failed. */
int outcome_code(struct outcome *outcome);

#endif
