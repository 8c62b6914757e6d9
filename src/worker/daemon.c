/* See daemon.h. A worker gets a core of its own if there is one for each: an instance of librdkafka over two
 * cores costs twice the time of one on each (measured, docs/architecture.md). */
#include "daemon.h"

#include "check.h"
#include "event_log.h"
#include "memory.h"

#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct daemon {
    struct outcome *outcome;
    struct cluster_shape shape;
    char instance[64];
    uint32_t workers_count;
    struct worker **workers;
};

/* The configured base, or this machine's name: stable over restarts, which then cost no rebalance. */
static void name_instance(struct daemon *d, const struct handle_setup *handles) {
    char host[HOST_NAME_MAX + 1] = "rollcall";
    gethostname(host, sizeof host);
    host[sizeof host - 1] = '\0';
    snprintf(d->instance, sizeof d->instance, "%s", handle_property(handles, "group.instance.id", host));
}

/* The `number`-th core that this process may use, -1 if there is not one for each worker. */
static int core_for(uint32_t number, uint32_t workers) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || (uint32_t)CPU_COUNT(&allowed) < workers)
        return -1;
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET((size_t)core, &allowed) && number-- == 0)
            return core;
    return -1;
}

static void start_worker(struct daemon *d, const struct daemon_setup *setup, uint32_t number) {
    struct worker_setup worker = {
        .handles = setup->handles,
        .outcome = d->outcome,
        .instance = d->instance,
        .is_static = !setup->has_dynamic_members,
        .number = number,
        .core = core_for(number, d->workers_count),
        .partitions = d->shape.partitions,
        .calendar_partitions = d->shape.calendar_partitions,
        .state_partitions = d->shape.state_partitions,
        .reports_the_end = setup->reports_the_end,
    };
    worker.handles.partitions_per_worker = (d->shape.partitions + d->workers_count - 1) / d->workers_count;
    d->workers[number] = worker_start(&worker);
    if (setup->watchdog)
        watchdog_add(setup->watchdog, worker_beat_shared(d->workers[number]));
}

struct daemon *daemon_start(const struct daemon_setup *setup, const struct cluster_shape *shape,
                            struct outcome *outcome) {
    struct daemon *d = xcalloc(1, sizeof *d);
    memory_keep_freed();
    d->outcome = outcome;
    d->shape = *shape;
    d->workers_count = setup->handles.config->workers;
    d->workers = xcalloc(d->workers_count, sizeof(struct worker *));
    name_instance(d, &setup->handles);
    log_event(LOG_LEVEL_INFO, "starting", "version=%s instance=%s workers=%" PRIu32 " partitions=%" PRIu32,
              ROLLCALL_VERSION, d->instance, d->workers_count, shape->partitions);
    for (uint32_t i = 0; i < d->workers_count; i++)
        start_worker(d, setup, i);
    return d;
}

void daemon_stop_shared(struct daemon *d) {
    for (uint32_t i = 0; i < d->workers_count; i++)
        worker_stop_shared(d->workers[i]);
}

bool daemon_has_ended(const struct daemon *d) {
    for (uint32_t i = 0; i < d->workers_count; i++)
        if (!worker_has_ended_shared(d->workers[i]))
            return false;
    return true;
}

static void add(struct worker_progress *sum, const struct worker_progress *one) {
    sum->records += one->records;
    sum->people += one->people;
    sum->state_records += one->state_records;
    sum->behind_clock += one->behind_clock;
    sum->memory_bytes += one->memory_bytes;
    sum->running += one->running;
    sum->restoring += one->restoring;
    for (int i = 0; i < REASON_COUNT; i++)
        sum->reasons[i] += one->reasons[i];
    for (int i = 0; i < STATUS_COUNT; i++)
        sum->statuses[i] += one->statuses[i];
    sum->caught_up = sum->caught_up && one->caught_up;
    sum->has_assignment = sum->has_assignment && one->has_assignment;
}

void daemon_progress(const struct daemon *d, struct daemon_progress *out) {
    *out = (struct daemon_progress){.partitions = d->shape.partitions};
    out->sum.caught_up = out->sum.has_assignment = true;
    for (uint32_t i = 0; i < d->workers_count; i++) {
        struct worker_progress one;
        worker_progress_shared(d->workers[i], &one);
        add(&out->sum, &one);
    }
    out->is_ready = out->sum.has_assignment && out->sum.restoring == 0;
    out->caught_up = out->is_ready && out->sum.caught_up && out->sum.running == out->partitions;
}

void daemon_finish(struct daemon **daemon, struct worker_progress *totals) {
    struct daemon *d = *daemon;
    *totals = (struct worker_progress){.caught_up = true, .has_assignment = true};
    for (uint32_t i = 0; i < d->workers_count; i++) {
        struct worker_progress one;
        worker_finish(&d->workers[i], &one);
        add(totals, &one);
    }
    free(d->workers);
    free(d);
    *daemon = NULL;
}
