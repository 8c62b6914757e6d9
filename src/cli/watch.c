/* See watch.h. Main thread. */
#include "watch.h"

#include "clocks.h"
#include "event_log.h"
#include "service_manager.h"
#include "signals.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define STOP_MS_MAX 25000 /* from a signal to the end; a service manager kills after 30 s or later */

/* librdkafka may hang for ever in a broken cluster; what is not committed is done again after a restart. */
_Noreturn static void give_up(struct outcome *outcome, int code, const char *why) {
    fprintf(stderr, "rollcall: %s\n", outcome_code(outcome) != 0 ? outcome->text : why);
    _exit(outcome_code(outcome) != 0 ? outcome_code(outcome) : code);
}

/* ---- systemd's watchdog: for the case that this thread is the one that is stuck ---- */

struct feeding {
    int64_t interval_ms; /* 0: nobody wants it */
    int64_t fed_ms;
};

static void feed(struct feeding *feeding) {
    if (feeding->interval_ms == 0 || monotonic_ms() - feeding->fed_ms < feeding->interval_ms)
        return;
    feeding->fed_ms = monotonic_ms();
    service_tell("WATCHDOG=1");
}

void watch_until_end(const struct watched *watched) {
    struct outcome *outcome = watched->outcome;
    int64_t stopping_since = 0;
    struct feeding feeding = {.interval_ms = service_watchdog_ms() / 4};
    while (!watched->has_ended(watched->daemon)) {
        int signal_number = signals_wait(WATCHDOG_LOOK_MS);
        if (signal_number > 0 && stopping_since != 0)
            give_up(outcome, EXIT_FORCED, "stopped by a second signal; the last batch will be done again");
        if (stopping_since == 0 && (signal_number > 0 || outcome_code(outcome) != 0)) {
            log_event(LOG_LEVEL_INFO, "stopping", "signal=%d", signal_number);
            service_tell("STOPPING=1");
            stopping_since = monotonic_ms();
            watched->stop(watched->daemon);
        }
        if (stopping_since != 0 && monotonic_ms() - stopping_since > STOP_MS_MAX)
            give_up(outcome, EX_TEMPFAIL, "could not finish in time; the last batch will be done again");
        watchdog_look(watched->watchdog);
        feed(&feeding);
        if (watched->look)
            watched->look(watched->daemon);
    }
}

struct reason_sums watch_tell_counts(const uint64_t reasons[REASON_COUNT]) {
    uint64_t sums[REASON_KIND_REJECTED + 1] = {0};
    for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
        sums[reason_kind(reason)] += reasons[reason];
        if (reasons[reason])
            log_event(LOG_LEVEL_INFO, "count", "reason=%s records=%" PRIu64, reason_name(reason),
                      reasons[reason]);
    }
    struct reason_sums out = {.applied = sums[REASON_KIND_APPLIED],
                              .ignored = sums[REASON_KIND_IGNORED],
                              .rejected = sums[REASON_KIND_REJECTED]};
    out.all = out.applied + out.ignored + out.rejected;
    return out;
}
