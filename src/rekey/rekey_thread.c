/* A rekey thread: set-up, loop, tear-down in reverse. What goes wrong with its handles is mended by new ones,
 * beginning at the committed offsets: as after a restart of the process, without one. */
#include "rekey_thread.h"

#include "check.h"
#include "event_log.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define IDLE_MS     1000
#define ORDER_MS    100 /* while another partition is waited for, or the group */
#define AWAY_MS_MAX 60000
#define START_MS    60000 /* until the broker gives a producer id */

/* ---- what the other files use ---- */

void rekey_start_over(struct rekey_thread *t, const char *why) {
    log_event(LOG_LEVEL_ERROR, "starts_over", "worker=%s text=%s", t->name, log_quote(why).text);
    t->starts_over = true;
}

void rekey_wakes_by(struct rekey_thread *t, rd_kafka_queue_t *queue) {
    static const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue, t->wake, &one, sizeof one);
}

/* Another instance would have taken the transactional id first; if it has not, it was our own request to
 * join, sent twice because the broker was away. */
static void member_is_fenced(struct rekey_thread *t, const char *detail) {
    if (t->producer.setup.is_exact && producer_is_fenced(&t->producer, t->group_member, t->setup->from))
        outcome_fail(t->outcome, EXIT_FENCED,
                     "fenced: another instance uses group.instance.id %s (%s); each instance needs its own",
                     t->name, detail);
    else
        rekey_start_over(t, detail);
}

void rekey_consumer_error(struct rekey_thread *t, const rd_kafka_message_t *message) {
    char fatal_text[512] = "";
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(t->group_member, fatal_text, sizeof fatal_text);
    const char *detail = fatal ? fatal_text : rd_kafka_message_errstr(message);
    switch (error_of_consume(message->err, fatal)) {
    case CONSUME_GOES_ON:
        log_event(LOG_LEVEL_WARN, "consumer_error", "topic=%s partition=%" PRId32 " code=%s text=%s",
                  t->setup->from, message->partition, rd_kafka_err2name(message->err),
                  log_quote(detail).text);
        return;
    case CONSUME_AWAY:
        if (t->away_since_ms == 0)
            log_event(LOG_LEVEL_WARN, "input_away", "topic=%s partition=%" PRId32 " text=%s", t->setup->from,
                      message->partition, log_quote(detail).text);
        t->away_since_ms = t->away_since_ms ? t->away_since_ms : monotonic_ms();
        return;
    case CONSUME_LOST:
        outcome_fail(t->outcome, EX_CONFIG,
                     "%s[%" PRId32
                     "]: the next record of the source is not in the log any more (%s): retention must be "
                     "longer than any outage",
                     t->setup->from, message->partition, detail);
        return;
    case CONSUME_FENCED:
        member_is_fenced(t, detail);
        return;
    case CONSUME_FATAL:
        outcome_fail(t->outcome, EXIT_FAILURE, "%s[%" PRId32 "]: %s: %s", t->setup->from, message->partition,
                     rd_kafka_err2name(message->err), detail);
        return;
    }
}

/* ---- set-up ---- */

static bool has_failed(void *owner) {
    return rekey_has_failed(owner);
}

static rd_kafka_t *open_consumer(struct rekey_thread *t, enum handle_role role, const char *suffix) {
    char name[128];
    bool is_member = role == HANDLE_GROUP;
    snprintf(name, sizeof name, "%s%s", t->name, suffix);
    return handle_new(&t->handles, role, name, is_member ? t->name : NULL,
                      is_member ? &t->group_callbacks : NULL, t->outcome);
}

static bool subscribe(struct rekey_thread *t) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, t->setup->from, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(t->group_member, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (err)
        outcome_fail(t->outcome, EXIT_FAILURE, "cannot subscribe: %s", rd_kafka_err2str(err));
    return !err;
}

/* The producer first: it fences what is left of an earlier instance before the group is joined. */
static bool set_up(struct rekey_thread *t) {
    if (!producer_open(&t->producer, START_MS))
        return false;
    producer_prime(&t->producer, t->setup->to);
    producer_prime(&t->producer, t->setup->config->outputs[OUTPUT_REJECTS]);
    t->clock = open_consumer(t, HANDLE_CLOCK, "-clock");
    if (t->clock == NULL)
        return false;
    t->group_member = open_consumer(t, HANDLE_GROUP, "");
    if (t->group_member == NULL)
        return false;
    rd_kafka_poll_set_consumer(t->group_member);
    t->group_queue = rd_kafka_queue_get_consumer(t->group_member);
    rekey_wakes_by(t, t->group_queue);
    return subscribe(t);
}

/* ---- loop ---- */

/* Rebalances and errors; records come by the queues of their partitions. */
static void poll_handles(struct rekey_thread *t) {
    beat_step(&t->beat, "polling");
    rd_kafka_message_t *message;
    while (!rekey_has_failed(t) && (message = rd_kafka_consumer_poll(t->group_member, 0)) != NULL) {
        if (message->err)
            rekey_consumer_error(t, message);
        rd_kafka_message_destroy(message);
    }
    rd_kafka_poll(t->producer.rk, 0);
    rd_kafka_poll(t->clock, 0);
    if (t->away_since_ms && monotonic_ms() - t->away_since_ms > AWAY_MS_MAX) {
        log_event(LOG_LEVEL_ERROR, "input_still_away", "worker=%s", t->name);
        t->away_since_ms = monotonic_ms();
    }
}

static bool has_unsettled(const struct rekey_thread *t) {
    for (size_t i = 0; i < t->feeds_count; i++)
        if (t->feeds[i]->head < t->feeds[i]->count || t->feeds[i]->position != t->feeds[i]->committed)
            return true;
    return t->setup->stops_at_end;
}

static void wait_for_something(struct rekey_thread *t) {
    int64_t until = t->committed_ms + again_pause_ms(t->aborts_in_a_row) - monotonic_ms();
    int64_t wait_ms = has_unsettled(t) ? ORDER_MS : IDLE_MS;
    if (t->batch.count > 0 && until < wait_ms)
        wait_ms = until < 1 ? 1 : until;
    beat_step(&t->beat, "waiting for records");
    struct pollfd wake = {.fd = t->wake, .events = POLLIN};
    if (poll(&wake, 1, (int)wait_ms) > 0) {
        uint64_t count;
        ssize_t got = read(t->wake, &count, sizeof count);
        (void)got;
    }
}

static bool is_stopping(const struct rekey_thread *t) {
    return atomic_load_explicit(&t->stop, memory_order_relaxed);
}

static void loop(struct rekey_thread *t) {
    while (!rekey_has_failed(t) && !is_stopping(t)) {
        poll_handles(t);
        beat_step(&t->beat, "taking records");
        bool moved = !rekey_has_failed(t) && !t->batch.is_sealed && feeds_step(t);
        if (!rekey_has_failed(t) && batch_is_due(t, monotonic_ms()))
            batch_commit(t);
        if (t->setup->stops_at_end && !moved && feeds_are_done(t) && rekey_group_is_done(t))
            return;
        if (!moved)
            beat_left(&t->beat, t->batch.is_sealed ? "a batch that is not committed" : NULL);
        if (!moved)
            wait_for_something(t);
    }
}

/* ---- tear-down ---- */

static void tear_down(struct rekey_thread *t) {
    beat_step(&t->beat, "leaving the group");
    if (t->group_queue)
        rd_kafka_queue_destroy(t->group_queue);
    if (t->group_member && !rekey_has_failed(t))
        rd_kafka_consumer_close(t->group_member); /* calls rekey_rebalanced; a static member stays */
    batch_drop(t);
    feeds_clear(t);
    if (t->group_member)
        rd_kafka_destroy(t->group_member);
    if (t->clock)
        rd_kafka_destroy(t->clock);
    producer_close(&t->producer);
    t->group_queue = NULL;
    t->group_member = t->clock = NULL;
    t->aborts_in_a_row = 0;
}

static bool may_start_over(struct rekey_thread *t) {
    if (!t->starts_over || outcome_code(t->outcome) != 0 || is_stopping(t))
        return false;
    t->starts_over = false;
    return again_may_start(&t->starts, t->name, t->outcome);
}

static void *run(void *opaque) {
    struct rekey_thread *t = opaque;
    beat_begin(&t->beat, t->name);
    do {
        if (set_up(t))
            loop(t);
        /* What was taken is committed, so that nothing is done again. */
        if (!rekey_has_failed(t) && !batch_commit(t) && !rekey_has_failed(t))
            outcome_fail(t->outcome, EX_TEMPFAIL,
                         "the last batch could not be committed; it will be done again");
        tear_down(t);
    } while (may_start_over(t));
    beat_end(&t->beat);
    atomic_store_explicit(&t->has_ended, true, memory_order_release); /* acquired in rekey_has_ended */
    return NULL;
}

void rekey_thread_start(struct rekey_thread *t) {
    t->group_callbacks = (struct handle_callbacks){.rebalance = rekey_rebalanced, .opaque = t};
    outbox_init(&t->batch.rejects);
    producer_init(&t->producer, &(struct producer_setup){
                                    .handles = t->handles,
                                    .outcome = t->outcome,
                                    .name = t->name,
                                    .group = t->group,
                                    .is_exact = t->setup->config->delivery == DELIVERY_EXACTLY_ONCE,
                                    .has_failed = has_failed,
                                    .beat = &t->beat,
                                    .stop = &t->stop,
                                    .owner = t,
                                });
    t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(t->wake >= 0);
    CHECK(pthread_create(&t->thread, NULL, run, t) == 0);
}
