/* What a worker thread lets the watchdog know: that it goes round, what it is doing, whether it gets on.
 * Written by the thread, read by the watchdog; the fields do not have to fit each other, so all are relaxed.
 */
#ifndef ROLLCALL_BEAT_H
#define ROLLCALL_BEAT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct beat {
    const char *name; /* of the worker; borrowed */
    pthread_t thread;
    _Atomic uint64_t count;        /* rises while calls return, also those that are made again */
    _Atomic uint64_t progress;     /* rises when something has become durable, or was restored */
    _Atomic(const char *) doing;   /* a constant */
    _Atomic(const char *) is_left; /* what is to be done, a constant; NULL: nothing */
    atomic_bool is_alive;          /* `name` and `thread` are set */
};

/* `beat` may be NULL: nobody watches. */
static inline void beat_step(struct beat *beat, const char *doing) {
    if (beat == NULL)
        return;
    uint64_t count = atomic_load_explicit(&beat->count, memory_order_relaxed);
    atomic_store_explicit(&beat->doing, doing, memory_order_relaxed);
    atomic_store_explicit(&beat->count, count + 1, memory_order_relaxed);
}

static inline void beat_progress(struct beat *beat) {
    uint64_t progress = atomic_load_explicit(&beat->progress, memory_order_relaxed);
    atomic_store_explicit(&beat->progress, progress + 1, memory_order_relaxed);
}

static inline void beat_left(struct beat *beat, const char *what) {
    atomic_store_explicit(&beat->is_left, what, memory_order_relaxed);
}

static inline void beat_begin(struct beat *beat, const char *name) {
    beat->name = name;
    beat->thread = pthread_self();
    beat_step(beat, "start");
    atomic_store_explicit(&beat->is_alive, true, memory_order_release); /* acquired in watchdog_look */
}

/* The thread ends, or cannot be stuck any more. */
static inline void beat_end(struct beat *beat) {
    atomic_store_explicit(&beat->is_alive, false, memory_order_relaxed);
}

#endif
