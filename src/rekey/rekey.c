/* See rekey.h: the threads together. */
#include "rekey_thread.h"

#include "check.h"
#include "event_log.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct rekey {
    uint32_t count;
    struct rekey_thread **threads;
};

/* More than partitions would be idle. */
static uint32_t threads_for(const struct rekey_setup *setup, const struct rekey_source *source) {
    uint32_t workers = setup->config->workers;
    return workers < source->partitions ? workers : source->partitions;
}

/* Positions, members and transactions are not those of `run`. */
static void name_thread(struct rekey_thread *t, uint32_t number) {
    char host[HOST_NAME_MAX + 1] = "rollcall";
    gethostname(host, sizeof host);
    host[sizeof host - 1] = '\0';
    snprintf(t->name, sizeof t->name, "%.64s-%" PRIu32,
             handle_property(&t->handles, "group.instance.id", host), number);
    snprintf(t->group, sizeof t->group, "%.256s.rekey", handle_property(&t->handles, "group.id", "rollcall"));
    t->handles.group = t->group;
}

struct rekey *rekey_start(const struct rekey_setup *setup, const struct rekey_source *source,
                          struct outcome *outcome) {
    struct rekey *r = xcalloc(1, sizeof *r);
    r->count = threads_for(setup, source);
    r->threads = xcalloc(r->count, sizeof(struct rekey_thread *));
    for (uint32_t i = 0; i < r->count; i++) {
        struct rekey_thread *t = r->threads[i] = xcalloc(1, sizeof *t);
        t->setup = setup;
        t->source = source;
        t->outcome = outcome;
        t->handles = (struct handle_setup){
            .config = setup->config, .partitions_per_worker = (source->partitions + r->count - 1) / r->count};
        name_thread(t, i);
        if (i == 0)
            log_event(LOG_LEVEL_INFO, "starting",
                      "version=%s instance=%s group=%s from=%s to=%s workers=%" PRIu32 " partitions=%" PRIu32,
                      ROLLCALL_VERSION, t->name, t->group, setup->from, setup->to, r->count,
                      source->partitions);
        rekey_thread_start(t);
        watchdog_add(setup->watchdog, &t->beat);
    }
    return r;
}

void rekey_stop_shared(struct rekey *r) {
    static const uint64_t one = 1;
    for (uint32_t i = 0; i < r->count; i++) {
        atomic_store_explicit(&r->threads[i]->stop, true, memory_order_relaxed);
        ssize_t written = write(r->threads[i]->wake, &one, sizeof one);
        (void)written;
    }
}

bool rekey_has_ended(const struct rekey *r) {
    for (uint32_t i = 0; i < r->count; i++) /* released in run, rekey_thread.c */
        if (!atomic_load_explicit(&r->threads[i]->has_ended, memory_order_acquire))
            return false;
    return true;
}

void rekey_finish(struct rekey **rekey, struct rekey_totals *totals) {
    struct rekey *r = *rekey;
    *totals = (struct rekey_totals){0};
    for (uint32_t i = 0; i < r->count; i++) {
        struct rekey_thread *t = r->threads[i];
        CHECK(pthread_join(t->thread, NULL) == 0);
        for (int reason = 0; reason < REASON_COUNT; reason++)
            totals->reasons[reason] += t->totals.reasons[reason];
        outbox_fini(&t->batch.rejects);
        free(t->feeds);
        close(t->wake);
        free(t);
    }
    free(r->threads);
    free(r);
    *rekey = NULL;
}
