/* Where the logs end, as the broker says it, and what follows: which records may be applied, and when the
 * wall clock may close a day (SPEC 5). Worker thread.
 *
 * The question goes through a handle that reads uncommitted, so the answer is the high watermark: an input
 * with an open transaction is not read to its end. One call asks for all inputs of all tasks. While records
 * are older than the asking by more than clocks may differ, no question is needed: a backlog flows without.
 */
#include "worker_state.h"

#include "check.h"
#include "event_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A leader that was just elected may know of less than was read; a log that is really shorter stays so. */
#define SHRUNK_MS_MAX 10000

#define ASK_PAUSE_MS_MAX 1000  /* while the broker does not answer */
#define ASK_IDLE_MS      10000 /* if nothing else asks: so that a standstill is noticed */

/* Transactions of other producers last seconds, as a rule; a hung one up to transaction.max.timeout.ms, 15
 * minutes. */
#define UNDECIDED_MS  30000
#define TOLD_AGAIN_MS 60000

/* A consumer whose fetching has stopped for good (librdkafka 2.0.2, after a broker's restart). The askings
 * are counted, too: a process that was stopped has not asked. */
#define UNFETCHED_MS   300000
#define UNFETCHED_ASKS 20

static bool query(struct worker *w, rd_kafka_topic_partition_list_t *list, int64_t which, int timeout_ms,
                  char *error, size_t error_size) {
    error[0] = '\0';
    beat_step(&w->beat, "asking for the ends of logs");
    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].offset = which; /* the timestamp that stands for an end */
        list->elems[i].err = RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(w->clock, list, timeout_ms);
    if (err)
        snprintf(error, error_size, "%s", rd_kafka_err2str(err));
    for (int i = 0; i < list->cnt && !err; i++)
        if (!ends_known(&list->elems[i]))
            snprintf(error, error_size, "%s[%" PRId32 "]: %s", list->elems[i].topic, list->elems[i].partition,
                     rd_kafka_err2str(list->elems[i].err));
    return !err;
}

/* False: no broker answered in time. */
static bool learn_leaders(struct worker *w, rd_kafka_topic_partition_list_t *list, int timeout_ms) {
    rd_kafka_topic_partition_list_sort(list, NULL, NULL); /* each topic is asked about once */
    for (int i = 0; i < list->cnt; i++) {
        beat_step(&w->beat, "asking for leaders");
        if ((i == 0 || strcmp(list->elems[i].topic, list->elems[i - 1].topic) != 0) &&
            !handle_learn_leaders(w->clock, list->elems[i].topic, timeout_ms))
            return false;
    }
    return true;
}

bool ends_query(struct worker *w, rd_kafka_topic_partition_list_t *list, int64_t which, int timeout_ms,
                char *error, size_t error_size) {
    bool is_answered = query(w, list, which, timeout_ms, error, error_size);
    if (error[0] == '\0' || !learn_leaders(w, list, timeout_ms))
        return is_answered;
    return query(w, list, which, timeout_ms, error, error_size);
}

bool ends_known(const rd_kafka_topic_partition_t *answer) {
    return answer->err == RD_KAFKA_RESP_ERR_NO_ERROR && answer->offset >= 0;
}

static rd_kafka_topic_partition_list_t *list_inputs(const struct worker *w) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (size_t i = 0; i < w->lanes_count; i++) {
        const struct lane *lane = w->lanes[i];
        for (size_t j = 0; lane->state == LANE_RUNNING && j < lane->inputs_count; j++) {
            const struct position *at = &lane->positions[j];
            const char *topic = w->config->topics[at->topic];
            /* Every lane has the calendar's partitions. */
            if (at->topic != TOPIC_CALENDAR ||
                !rd_kafka_topic_partition_list_find(list, topic, at->partition))
                rd_kafka_topic_partition_list_add(list, topic, at->partition);
        }
    }
    return list;
}

static void note_shrunk_log(struct worker *w, struct lane *lane, size_t input, int64_t end) {
    struct lane_input *in = &lane->inputs[input];
    int64_t now = monotonic_ms(), read_to = merge_position(lane->merge, input);
    if (end >= read_to) {
        in->shrunk_since_ms = 0;
    } else if (in->shrunk_since_ms == 0) {
        in->shrunk_since_ms = now;
    } else if (now - in->shrunk_since_ms > SHRUNK_MS_MAX) {
        outcome_fail(w->setup.outcome, EX_CONFIG,
                     "%s[%" PRId32 "]: the log ends at offset %" PRId64 ", but was read to %" PRId64
                     ": it was cut or made anew; what was applied is not in it any more",
                     w->config->topics[lane->positions[input].topic], lane->positions[input].partition, end,
                     read_to);
    }
}

/* ---- standstills ---- */

bool ends_tell_undecided(struct undecided *u, int64_t offset, int64_t patience_ms) {
    int64_t now_ms = monotonic_ms();
    if (u->since_ms == 0)
        *u = (struct undecided){.since_ms = now_ms, .offset = offset};
    if (now_ms < (u->told_ms ? u->told_ms + TOLD_AGAIN_MS : u->since_ms + patience_ms))
        return false;
    u->told_ms = now_ms;
    return true;
}

/* A fetch found the end here, and the log goes on: a transaction of another producer is open. Nothing can be
 * done but tell; the task's clock stands still until it is decided (SPEC 5). */
static void note_undecided(struct worker *w, const struct lane *lane, size_t input, int64_t end) {
    struct lane_input *in = &lane->inputs[input];
    const struct position *at = &lane->positions[input];
    const char *topic = w->config->topics[at->topic];
    int64_t read_to = merge_position(lane->merge, input);
    bool is_undecided = end > read_to && in->eof_at == read_to;
    bool tells = at->topic != TOPIC_CALENDAR || lane == w->lanes[0]; /* every lane reads that one */
    if (in->undecided.since_ms && (!is_undecided || in->undecided.offset != read_to)) {
        if (in->undecided.told_ms && tells)
            log_event(LOG_LEVEL_INFO, "input_decided",
                      "worker=%s topic=%s partition=%" PRId32 " offset=%" PRId64, w->name, topic,
                      at->partition, in->undecided.offset);
        in->undecided = (struct undecided){0};
    }
    if (is_undecided && ends_tell_undecided(&in->undecided, read_to, UNDECIDED_MS) && tells)
        log_event(LOG_LEVEL_WARN, "input_undecided",
                  "worker=%s topic=%s partition=%" PRId32 " offset=%" PRId64 " behind=%" PRId64
                  " since_ms=%" PRId64,
                  w->name, topic, at->partition, read_to, end - read_to,
                  monotonic_ms() - in->undecided.since_ms);
}

static void note_unfetched(struct worker *w, const struct lane *lane, size_t input, int64_t end) {
    struct lane_input *in = &lane->inputs[input];
    int64_t read_to = merge_position(lane->merge, input);
    if (end <= read_to || in->eof_at == read_to || merge_pending(lane->merge, input) > 0 ||
        w->away_since_ms || in->unfetched.offset != read_to) {
        in->unfetched.since_ms = monotonic_ms();
        in->unfetched.offset = read_to;
        in->unfetched.asks = 0;
    } else if (++in->unfetched.asks > UNFETCHED_ASKS &&
               monotonic_ms() - in->unfetched.since_ms > UNFETCHED_MS) {
        worker_start_over(w, "the client library does not fetch an input any more");
    }
}

/* ---- asking ---- */

/* A lane goes on only if the ends of all its inputs are known; a leader that is away holds up no other lane.
 */
static void confirm(struct worker *w, struct lane *lane, rd_kafka_topic_partition_list_t *answer,
                    wall_time asked_at) {
    for (size_t i = 0; i < lane->inputs_count; i++) {
        const struct position *at = &lane->positions[i];
        const rd_kafka_topic_partition_t *found =
            rd_kafka_topic_partition_list_find(answer, w->config->topics[at->topic], at->partition);
        CHECK(found != NULL);
        lane->is_leaderless = !ends_known(found);
        if (lane->is_leaderless)
            return;
        lane->ends[i] = found->offset;
        note_shrunk_log(w, lane, i, found->offset);
        note_undecided(w, lane, i, found->offset);
        note_unfetched(w, lane, i, found->offset);
    }
    /* With the producers' clocks a stamp says nothing about when a record became visible. */
    arrival_time settled = {
        w->config->rules.allow_create_time ? INT64_MIN : asked_at.ms - w->config->rules.clock_skew_ms};
    merge_confirm(lane->merge, lane->ends, settled);
    lane->asked_at = asked_at;
}

static void ask(struct worker *w) {
    char error[256] = "";
    rd_kafka_topic_partition_list_t *list = list_inputs(w);
    for (size_t i = 0; i < w->lanes_count; i++)
        if (w->lanes[i]->state == LANE_RUNNING)
            merge_mark(w->lanes[i]->merge);
    wall_time asked_at = wall_now();
    w->pulled_since_ask = false;
    w->ask_pause_ms = ASK_INTERVAL_MS;
    beat_step(&w->beat, "asking where the inputs end");
    if (ends_query(w, list, RD_KAFKA_OFFSET_END, ASK_TIMEOUT_MS, error, sizeof error)) {
        for (size_t i = 0; i < w->lanes_count; i++)
            if (w->lanes[i]->state == LANE_RUNNING)
                confirm(w, w->lanes[i], list, asked_at);
    }
    if (error[0] == '\0' && w->away_is_cluster)
        w->away_since_ms = 0; /* brokers answer; in a quiet log no record would say so */
    if (error[0]) {
        log_event(LOG_LEVEL_WARN, "ends_unknown", "worker=%s text=%s", w->name, log_quote(error).text);
        w->pulled_since_ask = true; /* ask again */
        w->ask_pause_ms = ASK_PAUSE_MS_MAX;
    }
    rd_kafka_topic_partition_list_destroy(list);
    w->asked_ms = monotonic_ms();
}

static int64_t close_due_at(const struct worker *w, const struct lane *lane) {
    int64_t next = task_next_close(lane->task).ms;
    return next == INT64_MAX ? INT64_MAX : next + w->config->rules.clock_skew_ms;
}

static bool must_ask(const struct worker *w, const struct lane *lane, wall_time now) {
    if (lane->asked_at.ms == INT64_MIN)
        return true;
    switch (merge_state(lane->merge)) {
    case MERGE_UNCONFIRMED:
        return true;
    case MERGE_AT_END:
        return close_due_at(w, lane) <= now.ms || (w->setup.reports_the_end && w->pulled_since_ask);
    case MERGE_WAITS:
        return w->setup.reports_the_end && w->pulled_since_ask;
    case MERGE_READY:
        break;
    }
    return false;
}

/* When everything that was there at `asked_at` has been applied, the wall clock of that moment is the task's.
 */
static void close_by_wall_clock(struct worker *w, struct lane *lane) {
    if (close_due_at(w, lane) > lane->asked_at.ms || merge_state(lane->merge) != MERGE_AT_END)
        return;
    arrival_time clock = {lane->asked_at.ms - w->config->rules.clock_skew_ms};
    merge_advance(lane->merge, clock);
    task_advance(lane->task, clock);
    lane->is_dirty = true;
}

void ends_step(struct worker *w) {
    bool wanted = false;
    wall_time now = wall_now();
    int64_t since_ms = monotonic_ms() - w->asked_ms;
    for (size_t i = 0; i < w->lanes_count; i++) {
        struct lane *lane = w->lanes[i];
        if (lane->state != LANE_RUNNING || lane->is_sealed)
            continue;
        close_by_wall_clock(w, lane);
        wanted |= since_ms >= ASK_IDLE_MS || must_ask(w, lane, now);
    }
    if (wanted && since_ms >= w->ask_pause_ms)
        ask(w);
}
