/* See cluster.h: what `run` looks at before it starts. Main thread. */
#include "cluster.h"

#include "clocks.h"
#include "event_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REACH_SECONDS 60
#define ASK_MS        2000
#define RETRY_MS      500

static int count_of(const struct rd_kafka_metadata *metadata, char *error, size_t error_size) {
    if (metadata->topic_cnt != 1)
        return 0;
    const struct rd_kafka_metadata_topic *topic = &metadata->topics[0];
    switch ((int)topic->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return topic->partition_cnt;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        return 0;
    default:
        snprintf(error, error_size, "%s: %s", topic->topic, rd_kafka_err2str(topic->err));
        return -1;
    }
}

int cluster_partitions(rd_kafka_t *rk, const char *name, int timeout_ms, char *error, size_t error_size) {
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err =
        topic ? rd_kafka_metadata(rk, 0, topic, &metadata, timeout_ms) : rd_kafka_last_error();
    int count = -1;
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        count = count_of(metadata, error, error_size);
        rd_kafka_metadata_destroy(metadata);
    } else {
        snprintf(error, error_size, "%s", rd_kafka_err2str(err));
    }
    if (topic)
        rd_kafka_topic_destroy(topic);
    return count;
}

struct check {
    rd_kafka_t *rk;
    const struct config *config;
    bool (*is_interrupted)(void);
    int64_t until_ms; /* monotonic */
    struct outcome *outcome;
    bool failed;
};

/* Negative on failure. */
static int ask_partitions(struct check *check, const char *name) {
    char error[256] = "";
    int count = -1;
    while (!check->failed && (count = cluster_partitions(check->rk, name, ASK_MS, error, sizeof error)) < 0) {
        log_event(LOG_LEVEL_WARN, "broker_not_reached", "text=%s", log_quote(error).text);
        if (monotonic_ms() >= check->until_ms)
            outcome_fail(check->outcome, EX_TEMPFAIL, "the cluster did not answer for %d s: %s",
                         REACH_SECONDS, error);
        check->failed =
            outcome_code(check->outcome) != 0 || (check->is_interrupted && check->is_interrupted());
        if (!check->failed) /* a refusal, such as a missing ACL, is answered at once */
            nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000L}, NULL);
    }
    return count;
}

/* 0 on failure. */
static uint32_t partitions_of(struct check *check, const char *name) {
    int count = ask_partitions(check, name);
    if (count == 0) {
        outcome_fail(check->outcome, EX_CONFIG, "there is no topic %s: `rollcall init` makes what is missing",
                     name);
        check->failed = true;
    }
    return count > 0 ? (uint32_t)count : 0;
}

static void check_cut(struct check *check, const char *name, uint32_t partitions, uint32_t wanted) {
    if (check->failed || partitions == wanted)
        return;
    outcome_fail(
        check->outcome, EX_CONFIG,
        "%s has %" PRIu32 " partitions and %s has %" PRIu32
        ": topics about employees and the changelog must be cut alike, or a person is split over two owners",
        check->config->topics[TOPIC_SWIPES], wanted, name, partitions);
    check->failed = true;
}

static void check_topics(struct check *check, struct cluster_shape *shape) {
    const struct config *config = check->config;
    *shape = (struct cluster_shape){.partitions = partitions_of(check, config->topics[TOPIC_SWIPES])};
    for (enum topic topic = 0; topic < TOPIC_COUNT && !check->failed; topic++) {
        if (config->topics[topic] == NULL)
            continue;
        uint32_t count = partitions_of(check, config->topics[topic]);
        if (topic == TOPIC_CALENDAR)
            shape->calendar_partitions = count;
        else
            check_cut(check, config->topics[topic], count, shape->partitions);
    }
    for (enum output output = 0; output < OUTPUT_COUNT && !check->failed; output++) {
        uint32_t count = partitions_of(check, config->outputs[output]);
        if (output == OUTPUT_STATE)
            shape->state_partitions = count;
        if (output == OUTPUT_CHANGELOG)
            check_cut(check, config->outputs[output], count, shape->partitions);
    }
    if (!check->failed && shape->partitions > PARTITIONS_MAX) {
        outcome_fail(check->outcome, EX_CONFIG, "%s has %" PRIu32 " partitions; at most %d are supported",
                     config->topics[TOPIC_SWIPES], shape->partitions, PARTITIONS_MAX);
        check->failed = true;
    }
}

static bool open_check(struct check *check, const struct handle_setup *setup, bool (*is_interrupted)(void),
                       struct outcome *outcome) {
    *check = (struct check){
        .rk = handle_new(setup, HANDLE_CLOCK, "rollcall-check", NULL, NULL, outcome),
        .config = setup->config,
        .is_interrupted = is_interrupted,
        .until_ms = monotonic_ms() + REACH_SECONDS * 1000,
        .outcome = outcome,
    };
    return check->rk != NULL;
}

bool cluster_check(const struct handle_setup *setup, bool (*is_interrupted)(void), struct outcome *outcome,
                   struct cluster_shape *shape) {
    struct check check;
    if (!open_check(&check, setup, is_interrupted, outcome))
        return false;
    check_topics(&check, shape);
    rd_kafka_destroy(check.rk);
    return !check.failed;
}

bool cluster_count_partitions(const struct handle_setup *setup, bool (*is_interrupted)(void),
                              struct outcome *outcome, const char *const *names, uint32_t *counts,
                              size_t count) {
    struct check check;
    if (!open_check(&check, setup, is_interrupted, outcome))
        return false;
    for (size_t i = 0; i < count && !check.failed; i++) {
        int found = ask_partitions(&check, names[i]);
        counts[i] = found > 0 ? (uint32_t)found : 0;
    }
    rd_kafka_destroy(check.rk);
    return !check.failed;
}
