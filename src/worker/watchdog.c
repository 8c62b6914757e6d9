/* See watchdog.h. */
#include "watchdog.h"

#include "check.h"
#include "event_log.h"
#include "exit_codes.h"

#include <execinfo.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BEAT_MS_MAX     60000  /* a call of librdkafka is given 10 s, and made again */
#define PROGRESS_MS_MAX 300000 /* brokers are away as long as this in a bad, but usual, night */
#define STACK_MAX       64
#define STACK_SIGNAL    SIGUSR2
#define STACK_MS_MAX    2000

struct pulse {
    const struct beat *beat;
    uint64_t count, progress;            /* as last seen */
    uint64_t beat_looks, progress_looks; /* since they last moved */
};

struct watchdog {
    uint64_t beat_ms, progress_ms;
    struct pulse *pulses;
    size_t count;
};

static atomic_bool stack_is_told;

/* Runs in the thread that is stuck. What it calls was called once before, so that it allocates nothing now;
 * if that thread holds a lock that is needed all the same, the process ends without the stack. */
static void tell_stack(int signal_number) {
    void *frames[STACK_MAX];
    (void)signal_number;
    backtrace_symbols_fd(frames, backtrace(frames, STACK_MAX), STDERR_FILENO);
    atomic_store_explicit(&stack_is_told, true, memory_order_relaxed);
}

static void prepare_stacks(void) {
    void *frames[1];
    backtrace(frames, 1); /* loads what unwinds */
    struct sigaction action = {.sa_handler = tell_stack, .sa_flags = SA_RESTART};
    CHECK(sigaction(STACK_SIGNAL, &action, NULL) == 0);
    sigset_t own;
    sigemptyset(&own);
    sigaddset(&own, STACK_SIGNAL);
    CHECK(pthread_sigmask(SIG_UNBLOCK, &own, NULL) == 0);
}

/* Only for tests, which cannot wait so long. */
static void shorten(struct watchdog *watchdog) {
#ifdef ROLLCALL_FAULT_POINTS
    const char *limits = getenv("ROLLCALL_WATCHDOG");
    if (limits == NULL)
        return;
    if (sscanf(limits, "%" SCNu64 ":%" SCNu64, &watchdog->beat_ms, &watchdog->progress_ms) != 2) {
        fprintf(stderr, "rollcall: ROLLCALL_WATCHDOG is 'MS:MS', of beats and of progress\n");
        exit(EX_USAGE);
    }
#else
    (void)watchdog;
#endif
}

struct watchdog *watchdog_new(void) {
    struct watchdog *watchdog = xcalloc(1, sizeof *watchdog);
    watchdog->beat_ms = BEAT_MS_MAX;
    watchdog->progress_ms = PROGRESS_MS_MAX;
    shorten(watchdog);
    prepare_stacks();
    return watchdog;
}

void watchdog_free(struct watchdog **watchdog) {
    free((*watchdog)->pulses);
    free(*watchdog);
    *watchdog = NULL;
}

void watchdog_add(struct watchdog *watchdog, const struct beat *beat) {
    watchdog->pulses = xrealloc(watchdog->pulses, watchdog->count + 1, sizeof *watchdog->pulses);
    watchdog->pulses[watchdog->count++] = (struct pulse){.beat = beat};
}

_Noreturn static void end(const struct beat *beat, const char *why, uint64_t looks) {
    const char *doing = atomic_load_explicit(&beat->doing, memory_order_relaxed);
    const char *left = atomic_load_explicit(&beat->is_left, memory_order_relaxed);
    log_event(LOG_LEVEL_ERROR, "stalled", "worker=%s why=%s doing=%s left=%s for_ms=%" PRIu64 " stack=below",
              beat->name, why, log_quote(doing).text, log_quote(left ? left : "nothing").text,
              looks * WATCHDOG_LOOK_MS);
    if (pthread_kill(beat->thread, STACK_SIGNAL) == 0)
        for (int ms = 0; ms < STACK_MS_MAX && !atomic_load_explicit(&stack_is_told, memory_order_relaxed);
             ms += 10)
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    fprintf(stderr, "rollcall: worker %s is stuck: what is not committed will be done again\n", beat->name);
    _exit(EX_TEMPFAIL);
}

static void look_at(const struct watchdog *watchdog, struct pulse *pulse) {
    const struct beat *beat = pulse->beat;
    uint64_t count = atomic_load_explicit(&beat->count, memory_order_relaxed);
    uint64_t progress = atomic_load_explicit(&beat->progress, memory_order_relaxed);
    bool has_work = atomic_load_explicit(&beat->is_left, memory_order_relaxed) != NULL;
    pulse->beat_looks = count == pulse->count ? pulse->beat_looks + 1 : 0;
    pulse->progress_looks = has_work && progress == pulse->progress ? pulse->progress_looks + 1 : 0;
    pulse->count = count;
    pulse->progress = progress;
    if (pulse->beat_looks * WATCHDOG_LOOK_MS > watchdog->beat_ms)
        end(beat, "no_beat", pulse->beat_looks);
    if (pulse->progress_looks * WATCHDOG_LOOK_MS > watchdog->progress_ms)
        end(beat, "no_progress", pulse->progress_looks);
}

void watchdog_look(struct watchdog *watchdog) {
    for (size_t i = 0; i < watchdog->count; i++) /* acquires name and thread from beat_begin */
        if (atomic_load_explicit(&watchdog->pulses[i].beat->is_alive, memory_order_acquire))
            look_at(watchdog, &watchdog->pulses[i]);
}
