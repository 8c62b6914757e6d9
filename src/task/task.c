/* See task.h: clock, batches, counts. Owner: the worker that the task belongs to. */
#include "task_state.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

/* ---- set-up
 * ---------------------------------------------------------------------------------------------------- */

static bool accepts_the_same(const struct policy_version *a, const struct policy_version *b) {
    if (a->accept_count != b->accept_count)
        return false;
    for (unsigned i = 0; i < a->accept_count; i++)
        if (a->accept[i].len != b->accept[i].len ||
            memcmp(a->accept[i].bytes, b->accept[i].bytes, a->accept[i].len) != 0)
            return false;
    return true;
}

static bool accept_is_uniform(const struct policies *policies) {
    for (uint32_t i = 0; i < policies->count; i++)
        for (uint32_t j = 0; j < policies->list[i].versions_count; j++)
            if (!accepts_the_same(&policies->list[0].versions[0], &policies->list[i].versions[j]))
                return false;
    return true;
}

struct task *task_new(const struct task_setup *setup) {
    struct task *task = xcalloc(1, sizeof *task);
    task->setup = *setup;
    task->rules = setup->rules;
    task->table = table_new(setup->employees, setup->hash_seed);
    task->people = people_new();
    outbox_init(&task->outbox);
    task->clock.ms = NO_CLOCK;
    task->complete_from = setup->complete_from;
    task->home_of_zone = xcalloc(zones_count(setup->rules->zones), sizeof *task->home_of_zone);
    task->next_due_ms = INT64_MAX;
    task->closures = xcalloc(setup->rules->sites.count, sizeof *task->closures);
    task->accept_is_uniform = accept_is_uniform(&setup->rules->policies);
    task->swipes = xcalloc(TASK_BATCH, sizeof *task->swipes);
    if (setup->has_changelog) {
        task->changelog.segment_delta = xcalloc(setup->segments, sizeof *task->changelog.segment_delta);
        task->changelog.next_delta = task->changelog.oldest_delta = 1;
    }
    return task;
}

void task_free(struct task **task) {
    struct task *t = *task;
    if (t == NULL)
        return;
    for (uint32_t i = 0; i < t->rules->sites.count; i++)
        free(t->closures[i]);
    free(t->closures);
    free(t->closings);
    free(t->waves);
    free(t->changelog.dirty);
    free(t->changelog.dirty_sites);
    free(t->changelog.segment_delta);
    free(t->swipes);
    free(t->homes);
    free(t->home_of_zone);
    outbox_fini(&t->outbox);
    people_free(&t->people);
    table_free(&t->table);
    free(t);
    *task = NULL;
}

/* ---- clock
 * ----------------------------------------------------------------------------------------------------- */

void task_advance(struct task *task, arrival_time clock) {
    if (clock.ms <= task->clock.ms)
        return;
    task->clock = clock;
    if (day_is_none(
            task->complete_from)) /* replay without one: the day after the date of the first arrival */
        task->complete_from =
            day_plus(zone_day_of(task->rules->zones, task->rules->default_zone, clock.ms), 1);
    if (task->next_due_ms <= clock.ms)
        closes_run(task);
}

void task_apply_new_rules(struct task *task) {
    struct occasion occasion = {.cause = CAUSE_POLICY, .as_of = task->clock};
    struct subjects_walk walk = {.ranges = 1};
    for (size_t count; (count = subjects_next(task, &walk)) > 0;)
        for (size_t i = 0; i < count; i++) {
            struct subject subject;
            subject_load(task, walk.slots[i], &subject);
            subject_reconsider(task, &subject, &occasion, false);
            subject_store(&subject);
        }
}

arrival_time task_clock(const struct task *task) {
    return task->clock;
}

arrival_time task_next_close(const struct task *task) {
    return (arrival_time){task->next_due_ms};
}

uint64_t task_closes_done(const struct task *task) {
    return task->closes_done;
}

/* ---- records
 * --------------------------------------------------------------------------------------------------- */

void reject_detail_set(struct reject_detail *detail, const char *text) {
    size_t len = strlen(text);
    len = len < sizeof detail->text ? len : sizeof detail->text - 1;
    memcpy(detail->text, text, len);
    detail->text[len] = '\0';
}

enum reason key_check(const struct task_input *input, const struct short_text *id,
                      struct reject_detail *detail) {
    if (!input->has_key ||
        (input->key && input->key_len == id->len && memcmp(input->key, id->bytes, id->len) == 0))
        return REASON_applied;
    reject_detail_set(detail, "the message key is not the field that the topic is keyed by");
    return REASON_key_mismatch;
}

/* Decoding a batch ahead gives the table time to fetch the slots. */
struct prepared {
    enum reason reason;
    uint64_t hash;
};

static void prepare(struct task *task, const struct task_input *input, struct swipe *swipe,
                    struct prepared *out, struct reject_detail *detail) {
    out->reason = input->refused;
    if (input->refused != REASON_applied) {
        reject_detail_set(detail, input->refused_detail);
        return;
    }
    if (input->value == NULL &&
        input->topic != TOPIC_ROSTER) { /* a null value of the roster is a tombstone */
        reject_detail_set(detail, "no value");
        out->reason = REASON_bad_json;
        return;
    }
    if (input->topic != TOPIC_SWIPES)
        return;
    out->reason =
        decode_swipe(task->setup.fields, &task->hint, input->value, input->value_len, swipe, detail);
    if (out->reason == REASON_applied)
        out->reason = key_check(input, &swipe->employee, detail);
    if (out->reason != REASON_applied)
        return;
    out->hash = table_hash(task->table, swipe->employee.bytes, swipe->employee.len);
    table_prefetch_home(task->table, out->hash);
}

static enum reason apply_one(struct task *task, const struct task_input *input, const struct swipe *swipe,
                             const struct prepared *prepared, struct reject_detail *detail) {
    task_advance(task, input->arrival);
    if (prepared->reason != REASON_applied)
        return prepared->reason;
    switch (input->topic) {
    case TOPIC_SWIPES:
        return swipe_apply(task, input, swipe, prepared->hash, detail);
    case TOPIC_ROSTER:
        return roster_apply(task, input, detail);
    case TOPIC_LEAVE:
        return leave_apply(task, input, detail);
    case TOPIC_CALENDAR:
        return calendar_apply(task, input, detail);
    case TOPIC_DECISIONS:
        return decision_apply(task, input, detail);
    case TOPIC_COUNT:
        break;
    }
    CHECK(false);
    return REASON_applied;
}

static void apply_batch(struct task *task, const struct task_input *inputs, size_t count,
                        struct task_verdict *verdicts) {
    struct prepared prepared[TASK_BATCH];
    for (size_t i = 0; i < count; i++)
        prepare(task, &inputs[i], &task->swipes[i], &prepared[i], &verdicts[i].detail);
    for (size_t i = 0; i < count; i++)
        if (prepared[i].reason == REASON_applied && inputs[i].topic == TOPIC_SWIPES)
            table_prefetch(task->table, prepared[i].hash);
    for (size_t i = 0; i < count; i++) {
        verdicts[i].reason = apply_one(task, &inputs[i], &task->swipes[i], &prepared[i], &verdicts[i].detail);
        task->counts[inputs[i].topic][verdicts[i].reason]++;
    }
}

void task_apply(struct task *task, const struct task_input *inputs, size_t count,
                struct task_verdict *verdicts) {
    for (size_t done = 0; done < count; done += TASK_BATCH) {
        size_t batch = count - done < TASK_BATCH ? count - done : TASK_BATCH;
        apply_batch(task, inputs + done, batch, verdicts + done);
    }
}

/* ---- what it can be asked
 * -------------------------------------------------------------------------------------- */

struct outbox *task_outbox(struct task *task) {
    return &task->outbox;
}

const uint64_t *task_counts(const struct task *task, enum topic topic) {
    return task->counts[topic];
}

const uint64_t *task_statuses(const struct task *task) {
    return task->statuses;
}

uint32_t task_people(const struct task *task) {
    return table_count(task->table);
}

uint32_t task_held(const struct task *task) {
    return task->held;
}

const struct wave *task_waves(const struct task *task, size_t *count) {
    *count = task->waves_count;
    return task->waves;
}

void task_forget_waves(struct task *task) {
    task->waves_count = 0;
}

uint64_t task_memory_bytes(const struct task *task) {
    return table_memory_bytes(task->table) + people_memory_bytes(task->people);
}

void task_write_progress(struct task *task, int32_t partition) {
    struct zone_closed *closed = xcalloc(task->homes_count, sizeof *closed);
    for (uint32_t i = 0; i < task->homes_count; i++)
        closed[i] =
            (struct zone_closed){zones_name(task->rules->zones, task->homes[i].zone), task->homes[i].closed};
    encode_progress(&task->outbox, partition, task->clock, closed, task->homes_count, task->held);
    free(closed);
}
