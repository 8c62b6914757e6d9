/* The log as one person sees it (explain.h): nobody else's records change their days, so the rest moves the
 * clock and is passed by. */
#include "explain.h"

#include "check.h"
#include "form.h"

#include <stdlib.h>
#include <string.h>

/* ---- whose record it is ---- */

/* Most lines hold neither the id nor an escape that could hide it. */
static bool names_person(const struct history_record *record, const struct swipe_fields *fields,
                         const struct short_text *id) {
    const char *line = record->line.bytes;
    size_t len = record->line.len;
    if (memmem(line, len, id->bytes, id->len) == NULL && memchr(line, '\\', len) == NULL)
        return false;
    json_name name = "employee_id";
    struct form form;
    struct short_text named = {0};
    struct reject_detail detail;
    if (record->input.topic == TOPIC_SWIPES)
        memcpy(name, fields->employee_id, sizeof name);
    return form_open(&form, (const json_name *)&name, 1, line, len, &detail) &&
           form_take_employee(&form, 0, &named) && named.len == id->len &&
           memcmp(named.bytes, id->bytes, id->len) == 0;
}

/* ---- what was published ---- */

static void take(const struct json_value *value, char *out, size_t size) {
    size_t len = value->kind == JSON_ABSENT ? 0 : json_text(value, out, size - 1);
    out[len < size ? len : size - 1] = '\0';
}

static void take_members(const struct json_value *object, const json_name *names, unsigned count,
                         struct json_value *values) {
    struct json_scan scan;
    json_open(&scan, object->at, object->len);
    CHECK(json_read_object(&scan, names, count, values)); /* our own record */
}

static void read_state(struct state_told *state) {
    enum { ID, SEQ, STATUS, CAUSE, EFFECTIVE, AS_OF, SUPERSEDES, CORRECTED, PROMOTION, CASE, ACTION, FIELDS };
    static const json_name names[FIELDS] = {"id",           "seq",   "status",      "cause",
                                            "effective_on", "as_of", "supersedes",  "corrected_status",
                                            "promotion",    "case",  "human_action"};
    static const json_name promotion_names[] = {"gate", "approved_until"};
    static const json_name case_names[] = {"stage", "basis", "seq"};
    struct json_value values[FIELDS], promotion[2], cases[3];
    const struct json_value whole = {.at = state->text, .len = (uint32_t)state->len};
    take_members(&whole, names, FIELDS, values);
    take_members(&values[PROMOTION], promotion_names, 2, promotion);
    take_members(&values[CASE], case_names, 3, cases);
    take(&values[ID], state->id, sizeof state->id);
    take(&values[STATUS], state->status, sizeof state->status);
    take(&values[CAUSE], state->cause, sizeof state->cause);
    take(&values[EFFECTIVE], state->effective_on, sizeof state->effective_on);
    take(&values[AS_OF], state->as_of, sizeof state->as_of);
    take(&values[SUPERSEDES], state->supersedes, sizeof state->supersedes);
    take(&values[CORRECTED], state->corrected_status, sizeof state->corrected_status);
    take(&promotion[0], state->gate, sizeof state->gate);
    take(&promotion[1], state->approved_until, sizeof state->approved_until);
    take(&cases[0], state->stage, sizeof state->stage);
    take(&cases[1], state->basis, sizeof state->basis);
    take(&cases[2], state->case_seq, sizeof state->case_seq);
    take(&values[ACTION], state->action, sizeof state->action);
    state->seq = strtoull(values[SEQ].at, NULL, 10);
}

static void forget_states(struct person_log *log) {
    for (size_t i = 0; i < log->states_count; i++)
        free(log->states[i].text);
    log->states_count = 0;
}

static void keep_state(struct person_log *log, const struct out_record *record) {
    if (log->states_count == log->states_capacity) {
        log->states_capacity = log->states_capacity ? 2 * log->states_capacity : 32;
        log->states = xrealloc(log->states, log->states_capacity, sizeof log->states[0]);
    }
    struct state_told *state = &log->states[log->states_count++];
    state->text = memcpy(xcalloc(record->value_len + 1, 1), record->value, record->value_len);
    state->len = record->value_len;
    read_state(state);
}

static void take_outbox(struct task *task, const struct short_text *id, struct person_log *log) {
    struct outbox *outbox = task_outbox(task);
    for (size_t i = 0; i < outbox->count; i++) {
        const struct out_record *record = &outbox->records[i];
        if (record->output != OUTPUT_STATE || record->key_len != id->len ||
            memcmp(record->key, id->bytes, id->len) != 0)
            continue;
        if (record->value != NULL) {
            keep_state(log, record);
        } else {
            forget_states(log);
            log->was_forgotten = true;
        }
    }
    outbox_clear(outbox);
}

/* ---- the log ---- */

static void note_verdict(struct person_log *log, const struct history_record *record,
                         const struct task_verdict *verdict) {
    log->reasons[verdict->reason]++;
    if (reason_kind(verdict->reason) != REASON_KIND_REJECTED)
        return;
    if (log->rejects_count == REJECTS_TOLD)
        memmove(&log->rejects[0], &log->rejects[1], --log->rejects_count * sizeof log->rejects[0]);
    log->rejects[log->rejects_count++] =
        (struct reject_told){verdict->reason, verdict->detail, record->file, record->line.number};
}

bool explain_read_log(struct task *task, const struct swipe_fields *fields, const struct short_text *id,
                      const struct log_arguments *arguments, bool has_guard, struct history *history,
                      struct person_log *log) {
    struct history_record record;
    struct task_verdict verdict;
    while (history_next(history, &record)) {
        bool is_theirs = names_person(&record, fields, id);
        if (!is_theirs && !has_guard && record.input.topic != TOPIC_CALENDAR) {
            task_advance(task, record.input.arrival);
        } else {
            task_apply(task, &record.input, 1, &verdict);
            if (is_theirs)
                note_verdict(log, &record, &verdict);
        }
        take_outbox(task, id, log);
    }
    if (history_failed(history))
        return false;
    if (arguments->has_until)
        task_advance(task, arguments->until);
    take_outbox(task, id, log);
    return true;
}

void person_log_fini(struct person_log *log) {
    forget_states(log);
    free(log->states);
    *log = (struct person_log){0};
}
