/* See outcome.h. Any thread. */
#include "outcome.h"

#include "check.h"

#include <stdarg.h>
#include <stdio.h>

void outcome_fail(struct outcome *outcome, int code, const char *format, ...) {
    CHECK(code != 0);
    pthread_mutex_lock(&outcome->lock);
    if (atomic_load_explicit(&outcome->code, memory_order_relaxed) == 0) {
        va_list args;
        va_start(args, format);
        vsnprintf(outcome->text, sizeof outcome->text, format, args);
        va_end(args);
        /* outcome.text: released here, acquired in outcome_code. */
        atomic_store_explicit(&outcome->code, code, memory_order_release);
    }
    pthread_mutex_unlock(&outcome->lock);
}

int outcome_code(struct outcome *outcome) {
    /* Acquires outcome.text from outcome_fail. */
    return atomic_load_explicit(&outcome->code, memory_order_acquire);
}
