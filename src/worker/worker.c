/* See worker.h: the thread, its set-up, its loop, its tear-down in reverse. */
#include "calendar_feed.h"
#include "worker_state.h"

#include "check.h"
#include "event_log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define IDLE_MS       1000 /* a close by the wall clock is late by this at most */
#define AWAY_MS_MAX   60000
#define START_MS      60000 /* until the broker gives a producer id */
#define NOT_COMMITTED "the last batch could not be committed; it will be done again"

/* ---- what the other files use ---- */

const char *worker_group_id(const struct worker *w) {
    return handle_property(&w->setup.handles, "group.id", "rollcall");
}

struct lane *worker_find_lane(struct worker *w, int32_t partition) {
    for (size_t i = 0; i < w->lanes_count; i++)
        if (w->lanes[i]->partition == partition)
            return w->lanes[i];
    return NULL;
}

void worker_free_task(struct worker *w, struct lane *lane) {
    for (enum topic topic = 0; lane->task && topic < TOPIC_COUNT; topic++)
        for (int reason = 0; reason < REASON_COUNT; reason++)
            w->totals[topic][reason] += task_counts(lane->task, topic)[reason];
    task_free(&lane->task);
}

void worker_park_lane(struct worker *w, struct lane *lane) {
    if (lane->merge)
        w->behind_total += merge_behind(lane->merge);
    lane_park(lane);
}

void worker_drop_lane(struct worker *w, size_t index) {
    restorer_stop(w, w->lanes[index]);
    worker_free_task(w, w->lanes[index]);
    worker_park_lane(w, w->lanes[index]);
    lane_free(&w->lanes[index]);
    w->lanes[index] = w->lanes[--w->lanes_count];
}

void worker_wakes_by(struct worker *w, rd_kafka_queue_t *queue) {
    static const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue, w->wake, &one, sizeof one);
}

/* ---- counters ---- */

static void store(_Atomic uint64_t *counter, uint64_t value) {
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

static uint64_t load(const _Atomic uint64_t *counter) {
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void worker_publish_counters(struct worker *w) {
    uint64_t reasons[REASON_COUNT] = {0}, statuses[STATUS_COUNT] = {0}, people = 0, memory = 0;
    uint64_t behind = w->behind_total;
    uint32_t running = 0, restoring = 0;
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        for (int reason = 0; reason < REASON_COUNT; reason++)
            reasons[reason] += w->totals[topic][reason];
    for (size_t i = 0; i < w->lanes_count; i++) {
        const struct lane *lane = w->lanes[i];
        running += lane->state == LANE_RUNNING;
        restoring += lane->state == LANE_RESTORING || lane->state == LANE_CHECKING;
        if (lane->task == NULL)
            continue;
        for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
            for (int reason = 0; reason < REASON_COUNT; reason++)
                reasons[reason] += task_counts(lane->task, topic)[reason];
        for (int status = 0; status < STATUS_COUNT; status++)
            statuses[status] += task_statuses(lane->task)[status];
        people += task_people(lane->task);
        memory += task_memory_bytes(lane->task);
        behind += lane->merge ? merge_behind(lane->merge) : 0;
    }
    for (int reason = 0; reason < REASON_COUNT; reason++)
        store(&w->counters.reasons[reason], reasons[reason]);
    for (int status = 0; status < STATUS_COUNT; status++)
        store(&w->counters.statuses[status], statuses[status]);
    store(&w->counters.records, w->records_read);
    store(&w->counters.people, people);
    store(&w->counters.memory_bytes, memory);
    store(&w->counters.behind_clock, behind);
    store(&w->counters.state_records, w->state_records);
    atomic_store_explicit(&w->counters.running, running, memory_order_relaxed);
    atomic_store_explicit(&w->counters.restoring, restoring, memory_order_relaxed);
}

void worker_progress_shared(const struct worker *w, struct worker_progress *out) {
    *out = (struct worker_progress){
        .records = load(&w->counters.records),
        .people = load(&w->counters.people),
        .state_records = load(&w->counters.state_records),
        .behind_clock = load(&w->counters.behind_clock),
        .memory_bytes = load(&w->counters.memory_bytes),
        .running = atomic_load_explicit(&w->counters.running, memory_order_relaxed),
        .restoring = atomic_load_explicit(&w->counters.restoring, memory_order_relaxed),
        .caught_up = atomic_load_explicit(&w->caught_up, memory_order_relaxed),
        .has_assignment = atomic_load_explicit(&w->has_assignment, memory_order_relaxed),
    };
    for (int reason = 0; reason < REASON_COUNT; reason++)
        out->reasons[reason] = load(&w->counters.reasons[reason]);
    for (int status = 0; status < STATUS_COUNT; status++)
        out->statuses[status] = load(&w->counters.statuses[status]);
}

/* ---- set-up ---- */

static void pin(struct worker *w) {
    if (w->setup.core < 0)
        return;
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET((unsigned)w->setup.core, &cores);
    if (pthread_setaffinity_np(pthread_self(), sizeof cores, &cores) != 0)
        log_event(LOG_LEVEL_WARN, "not_pinned", "worker=%s core=%d", w->name, w->setup.core);
}

/* Offsets of changelog records, so that a kept task knows its own. */
static void changelog_delivered(void *owner, uintptr_t tag, int64_t offset) {
    struct lane *lane = worker_find_lane(owner, (int32_t)tag - 1);
    if (lane && offset >= lane->changelog_sent)
        lane->changelog_sent = offset + 1;
}

static bool has_failed(void *owner) {
    return worker_has_failed(owner);
}

static rd_kafka_t *open_consumer(struct worker *w, enum handle_role role, const char *suffix,
                                 const char *id) {
    char name[128];
    snprintf(name, sizeof name, "%s%s", w->name, suffix);
    return handle_new(&w->setup.handles, role, name, id, role == HANDLE_GROUP ? &w->group_callbacks : NULL,
                      w->setup.outcome);
}

static bool subscribe(struct worker *w) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)w->topics_count);
    for (size_t i = 0; i < w->topics_count; i++)
        rd_kafka_topic_partition_list_add(list, w->config->topics[w->topics[i]], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(w->group, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (err)
        outcome_fail(w->setup.outcome, EXIT_FAILURE, "cannot subscribe: %s", rd_kafka_err2str(err));
    return !err;
}

/* The producer first: it fences what is left of an earlier instance before the group is joined. */
static bool set_up(struct worker *w) {
    if (!producer_open(&w->producer, START_MS))
        return false;
    for (enum output output = 0; output < OUTPUT_COUNT; output++)
        producer_prime(&w->producer, w->config->outputs[output]);
    w->reader = open_consumer(w, HANDLE_READER, "-reader", NULL);
    w->clock = open_consumer(w, HANDLE_CLOCK, "-clock", NULL);
    if (w->reader == NULL || w->clock == NULL)
        return false;
    w->changelog = rd_kafka_topic_new(w->reader, w->config->outputs[OUTPUT_CHANGELOG], NULL);
    w->restore_queue = rd_kafka_queue_new(w->reader);
    CHECK(w->changelog != NULL && w->restore_queue != NULL);
    worker_wakes_by(w, w->restore_queue);
    w->calendar = calendar_feed_new(w);
    w->group = open_consumer(w, HANDLE_GROUP, "", w->setup.is_static ? w->name : NULL);
    if (w->group == NULL)
        return false;
    rd_kafka_poll_set_consumer(w->group);
    w->group_queue = rd_kafka_queue_get_consumer(w->group);
    worker_wakes_by(w, w->group_queue);
    return subscribe(w);
}

/* ---- loop ---- */

/* Rebalances and errors; records come by the queues of their partitions. */
static void poll_group(struct worker *w) {
    beat_step(&w->beat, "polling");
    rd_kafka_message_t *message;
    while (!worker_has_failed(w) && (message = rd_kafka_consumer_poll(w->group, 0)) != NULL) {
        if (message->err)
            intake_error(w, message->rkt ? rd_kafka_topic_name(message->rkt) : "group", message->partition,
                         message);
        rd_kafka_message_destroy(message);
    }
    rd_kafka_poll(w->producer.rk, 0);
    rd_kafka_poll(w->reader, 0);
    rd_kafka_poll(w->clock, 0);
    if (w->away_since_ms && monotonic_ms() - w->away_since_ms > AWAY_MS_MAX) {
        log_event(LOG_LEVEL_ERROR, "input_still_away", "worker=%s", w->name);
        w->away_since_ms = monotonic_ms();
    }
}

static bool has_unsettled_batch(const struct worker *w) {
    for (size_t i = 0; i < w->lanes_count; i++)
        if (w->lanes[i]->is_sealed)
            return true;
    return false;
}

static bool work(struct worker *w) {
    beat_step(&w->beat, "restoring");
    bool moved = restorer_step(w);
    moved |= calendar_feed_step(w->calendar, w);
    beat_step(&w->beat, "applying records");
    if (has_unsettled_batch(w)) /* aborted: it is sent again before anything else is applied */
        return moved;
    for (size_t i = 0; i < w->lanes_count && !worker_has_failed(w); i++)
        if (w->lanes[i]->state == LANE_RUNNING)
            moved |= intake_step(w, w->lanes[i]);
    if (!worker_has_failed(w))
        ends_step(w);
    return moved;
}

static void note_whether_caught_up(struct worker *w) {
    bool caught_up = w->is_assigned && !w->pulled_since_ask;
    for (size_t i = 0; i < w->lanes_count && caught_up; i++) {
        const struct lane *lane = w->lanes[i];
        caught_up = lane->state == LANE_RUNNING && !lane->is_dirty && !lane->is_sealed &&
                    lane->asked_at.ms != INT64_MIN && merge_state(lane->merge) == MERGE_AT_END;
    }
    atomic_store_explicit(&w->caught_up, caught_up, memory_order_relaxed);
}

static void wait_for_something(struct worker *w) {
    int64_t until = w->committed_ms + again_pause_ms(w->aborts_in_a_row) - monotonic_ms();
    bool waits_for_boundary = false, waits_for_asking = false;
    for (size_t i = 0; i < w->lanes_count; i++) {
        const struct lane *lane = w->lanes[i];
        waits_for_boundary |= lane->is_dirty || lane->is_sealed;
        waits_for_asking |= lane->state == LANE_RUNNING && merge_state(lane->merge) == MERGE_UNCONFIRMED;
    }
    int64_t wait_ms = IDLE_MS;
    if (waits_for_boundary)
        wait_ms = until < 1 ? 1 : until;
    if (waits_for_asking || (w->setup.reports_the_end && w->pulled_since_ask))
        wait_ms = wait_ms < w->ask_pause_ms ? wait_ms : w->ask_pause_ms;
    beat_step(&w->beat, "waiting for records");
    struct pollfd wake = {.fd = w->wake, .events = POLLIN};
    if (poll(&wake, 1, (int)wait_ms) > 0) {
        uint64_t count;
        ssize_t got = read(w->wake, &count, sizeof count);
        (void)got;
    }
}

/* What the watchdog shall see done before long. An input or a changelog with an undecided transaction is not
 * among it: somebody else has to decide (ends.c and restorer.c tell). Nor is what waits for a leader that is
 * away, or for an input that cannot be read: the others go on, and the log tells. */
static const char *what_is_left(const struct worker *w) {
    if (has_unsettled_batch(w))
        return "a batch that is not committed";
    for (size_t i = 0; i < w->lanes_count; i++) {
        const struct lane *lane = w->lanes[i];
        if (lane->is_dirty)
            return "a batch that is not committed";
        if ((lane->state == LANE_RESTORING || lane->state == LANE_CHECKING) && lane->undecided.since_ms == 0)
            return "a changelog that is not read";
        if (lane->state != LANE_RUNNING || w->away_since_ms)
            continue;
        enum merge_state state = merge_state(lane->merge);
        if (state == MERGE_READY || (state == MERGE_UNCONFIRMED && !lane->is_leaderless))
            return "records that are not applied";
    }
    return NULL;
}

static void loop(struct worker *w) {
    while (!worker_has_failed(w) && !atomic_load_explicit(&w->stop, memory_order_relaxed)) {
        poll_group(w);
        bool moved = work(w);
        if (!worker_has_failed(w) && transaction_is_due(w, monotonic_ms())) {
            transaction_commit(w);
            worker_publish_counters(w);
        }
        if (!moved) {
            beat_left(&w->beat, what_is_left(w));
            worker_publish_counters(w);
            note_whether_caught_up(w);
            wait_for_something(w);
        }
    }
}

/* ---- tear-down ---- */

static void leave_group(struct worker *w) {
    if (w->group == NULL)
        return;
    beat_step(&w->beat, "leaving the group");
    if (w->group_queue)
        rd_kafka_queue_destroy(w->group_queue);
    if (!worker_has_failed(w))
        rd_kafka_consumer_close(w->group); /* calls assign_rebalanced; a static member stays in the group */
    while (w->lanes_count > 0)
        worker_drop_lane(w, w->lanes_count - 1);
    rd_kafka_destroy(w->group);
    w->group = NULL;
    w->group_queue = NULL;
}

static void close_consumer(struct worker *w, rd_kafka_t **rk) {
    beat_step(&w->beat, "closing a consumer");
    if (*rk)
        rd_kafka_destroy(*rk);
    *rk = NULL;
}

static void tear_down(struct worker *w) {
    leave_group(w);
    if (w->dropped_below > 0)
        log_event(LOG_LEVEL_WARN, "dropped_below", "worker=%s records=%" PRIu64, w->name, w->dropped_below);
    w->dropped_below = 0;
    worker_publish_counters(w);
    calendar_feed_free(&w->calendar);
    if (w->restore_queue)
        rd_kafka_queue_destroy(w->restore_queue);
    if (w->changelog)
        rd_kafka_topic_destroy(w->changelog);
    w->restore_queue = NULL;
    w->changelog = NULL;
    close_consumer(w, &w->clock);
    close_consumer(w, &w->reader);
    producer_close(&w->producer);
    w->is_assigned = false;
    w->aborts_in_a_row = 0;
    atomic_store_explicit(&w->caught_up, false, memory_order_relaxed);
}

void worker_start_over(struct worker *w, const char *why) {
    log_event(LOG_LEVEL_ERROR, "starts_over", "worker=%s text=%s", w->name, log_quote(why).text);
    w->starts_over = true;
}

static bool may_start_over(struct worker *w) {
    if (!w->starts_over || outcome_code(w->setup.outcome) != 0)
        return false;
    if (atomic_load_explicit(&w->stop, memory_order_relaxed)) {
        outcome_fail(w->setup.outcome, EX_TEMPFAIL, NOT_COMMITTED);
        return false;
    }
    w->starts_over = false;
    return again_may_start(&w->starts, w->name, w->setup.outcome);
}

static void *run(void *opaque) {
    struct worker *w = opaque;
    pin(w);
    beat_begin(&w->beat, w->name);
    do {
        if (set_up(w))
            loop(w);
        /* The boundary: what was applied is committed, so that nothing is done again. */
        if (!worker_has_failed(w) && !transaction_commit(w) && !worker_has_failed(w))
            outcome_fail(w->setup.outcome, EX_TEMPFAIL, NOT_COMMITTED);
        tear_down(w);
    } while (may_start_over(w));
    free(w->lanes);
    beat_end(&w->beat);
    atomic_store_explicit(&w->has_ended, true,
                          memory_order_release); /* acquired in worker_has_ended_shared */
    return NULL;
}

/* ---- from other threads ---- */

struct worker *worker_start(const struct worker_setup *setup) {
    struct worker *w = xcalloc(1, sizeof *w);
    w->setup = *setup;
    w->config = setup->handles.config;
    snprintf(w->name, sizeof w->name, "%s-%" PRIu32, setup->instance, setup->number);
    snprintf(w->source, sizeof w->source, "/rollcall/%s", worker_group_id(w));
    w->group_callbacks = (struct handle_callbacks){.rebalance = assign_rebalanced, .opaque = w};
    producer_init(&w->producer, &(struct producer_setup){
                                    .handles = setup->handles,
                                    .outcome = setup->outcome,
                                    .name = w->name,
                                    .group = worker_group_id(w),
                                    .is_exact = w->config->delivery == DELIVERY_EXACTLY_ONCE,
                                    .has_failed = has_failed,
                                    .beat = &w->beat,
                                    .stop = &w->stop,
                                    .delivered = changelog_delivered,
                                    .owner = w,
                                });
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        if (topic != TOPIC_CALENDAR && w->config->topics[topic])
            w->topics[w->topics_count++] = topic;
    w->ask_pause_ms = ASK_INTERVAL_MS;
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(w->wake >= 0);
    CHECK(pthread_create(&w->thread, NULL, run, w) == 0);
    return w;
}

void worker_stop_shared(struct worker *w) {
    static const uint64_t one = 1;
    atomic_store_explicit(&w->stop, true, memory_order_relaxed);
    ssize_t written = write(w->wake, &one, sizeof one);
    (void)written;
}

const struct beat *worker_beat_shared(const struct worker *w) {
    return &w->beat;
}

bool worker_has_ended_shared(const struct worker *w) {
    return atomic_load_explicit(&w->has_ended, memory_order_acquire); /* released in run */
}

void worker_finish(struct worker **worker, struct worker_progress *totals) {
    struct worker *w = *worker;
    CHECK(pthread_join(w->thread, NULL) == 0);
    worker_progress_shared(w, totals);
    close(w->wake);
    free(w);
    *worker = NULL;
}
