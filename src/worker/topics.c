/* The topics of `rollcall init`: those that are missing are made, those that are there must not contradict
 * (SPEC 2, 6, 7). Main thread.
 *
 * What each topic needs is one row of a table. A property of an existing topic that would lose data or split
 * a person is refused; one that is only unwise is a warning. */
#include "cluster.h"
#include "event_log.h"

#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ADMIN_MS      60000
#define TOPICS_MAX    ((size_t)TOPIC_COUNT + OUTPUT_COUNT)
#define PROPERTIES    2
#define LEADERS_TRIES 300 /* of 100 ms: new topics get their leaders */

enum cut { CUT_AS_SWIPES, CUT_ONE };

struct plan {
    const char *name;
    enum cut cut;
    bool must_be_cut_alike, is_stamped, must_be_kept;
    const char *cleanup; /* compact, delete */
    struct {
        const char *name, *value;
    } properties[PROPERTIES];
    uint32_t partitions; /* that it has; 0: it is not there */
};

struct topics_work {
    const struct config *config;
    struct outcome *outcome;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    uint32_t partitions;
    int replication;
    struct plan plans[TOPICS_MAX];
    size_t count;
};

/* ---- what is wanted ---- */

static struct plan plan_of_input(const struct config *config, enum topic topic) {
    struct plan plan = {
        .name = config->topics[topic],
        .cut = topic == TOPIC_CALENDAR ? CUT_ONE : CUT_AS_SWIPES,
        .must_be_cut_alike = topic != TOPIC_CALENDAR,
        .is_stamped = true,
        .must_be_kept = topic == TOPIC_CALENDAR || topic == TOPIC_LEAVE || topic == TOPIC_DECISIONS,
        .cleanup = topic == TOPIC_ROSTER ? "compact" : "delete",
    };
    if (plan.must_be_kept)
        plan.properties[0].name = "retention.ms", plan.properties[0].value = "-1";
    if (!config->rules.allow_create_time)
        plan.properties[1].name = "message.timestamp.type", plan.properties[1].value = "LogAppendTime";
    return plan;
}

static struct plan plan_of_output(const struct config *config, enum output output) {
    static const char *const cleanup[OUTPUT_COUNT] = {"compact", "delete", "compact", "compact"};
    struct plan plan = {
        .name = config->outputs[output],
        .cut = output == OUTPUT_PROGRESS ? CUT_ONE : CUT_AS_SWIPES,
        .must_be_cut_alike = output == OUTPUT_CHANGELOG,
        .cleanup = cleanup[output],
    };
    /* A consumer that was away for days must still see who was forgotten. */
    if (output == OUTPUT_STATE)
        plan.properties[0].name = "delete.retention.ms", plan.properties[0].value = "604800000";
    /* Only closed segments are compacted; a restart reads what is left. */
    if (output == OUTPUT_CHANGELOG)
        plan.properties[0].name = "segment.bytes", plan.properties[0].value = "67108864";
    /* What was not committed must not take the place of what was, before a restart could overrule it. */
    if (output == OUTPUT_CHANGELOG && config->delivery == DELIVERY_AT_LEAST_ONCE)
        plan.properties[1].name = "min.compaction.lag.ms", plan.properties[1].value = "600000";
    return plan;
}

static void make_plans(struct topics_work *t) {
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        if (t->config->topics[topic])
            t->plans[t->count++] = plan_of_input(t->config, topic);
    for (enum output output = 0; output < OUTPUT_COUNT; output++)
        t->plans[t->count++] = plan_of_output(t->config, output);
}

static bool find_existing(struct topics_work *t) {
    char error[256] = "";
    for (size_t i = 0; i < t->count; i++) {
        int count = cluster_partitions(t->rk, t->plans[i].name, ADMIN_MS, error, sizeof error);
        if (count < 0) {
            outcome_fail(t->outcome, EX_TEMPFAIL, "the cluster cannot be asked about %s: %s",
                         t->plans[i].name, error);
            return false;
        }
        t->plans[i].partitions = (uint32_t)count;
        if (count > 0 && strcmp(t->plans[i].name, t->config->topics[TOPIC_SWIPES]) == 0)
            t->partitions = (uint32_t)count;
    }
    return true;
}

/* ---- one admin call ---- */

static rd_kafka_event_t *wait_for(struct topics_work *t, const char *what) {
    rd_kafka_event_t *event = rd_kafka_queue_poll(t->queue, ADMIN_MS + 5000);
    if (event && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR)
        return event;
    outcome_fail(t->outcome, EX_TEMPFAIL, "%s: %s", what,
                 event ? rd_kafka_event_error_string(event) : "no answer");
    if (event)
        rd_kafka_event_destroy(event);
    return NULL;
}

static rd_kafka_AdminOptions_t *admin_options(struct topics_work *t) {
    char error[128];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(t->rk, RD_KAFKA_ADMIN_OP_ANY);
    CHECK(rd_kafka_AdminOptions_set_request_timeout(options, ADMIN_MS, error, sizeof error) == 0);
    return options;
}

static rd_kafka_event_t *describe(struct topics_work *t, rd_kafka_ConfigResource_t **resources,
                                  size_t count) {
    rd_kafka_AdminOptions_t *options = admin_options(t);
    rd_kafka_DescribeConfigs(t->rk, resources, count, options, t->queue);
    rd_kafka_AdminOptions_destroy(options);
    return wait_for(t, "the properties of the topics could not be read");
}

/* ---- making what is missing ---- */

static rd_kafka_NewTopic_t *new_topic(struct topics_work *t, const struct plan *plan) {
    char error[256];
    int partitions = plan->cut == CUT_ONE ? 1 : (int)t->partitions;
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(plan->name, partitions, t->replication, error, sizeof error);
    if (topic == NULL) {
        outcome_fail(t->outcome, EX_CONFIG, "%s: %s", plan->name, error);
        return NULL;
    }
    rd_kafka_NewTopic_set_config(topic, "cleanup.policy", plan->cleanup);
    for (size_t i = 0; i < PROPERTIES; i++)
        if (plan->properties[i].name)
            rd_kafka_NewTopic_set_config(topic, plan->properties[i].name, plan->properties[i].value);
    return topic;
}

static void check_created(struct topics_work *t, const rd_kafka_event_t *event) {
    size_t count;
    const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result((rd_kafka_event_t *)(uintptr_t)event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t err = rd_kafka_topic_result_error(results[i]);
        const char *name = rd_kafka_topic_result_name(results[i]);
        if (err && err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            outcome_fail(t->outcome, EX_CONFIG, "%s could not be made: %s", name,
                         rd_kafka_topic_result_error_string(results[i]));
        else
            log_event(LOG_LEVEL_INFO, "topic_made", "topic=%s", name);
    }
}

static void wait_for_leaders(struct topics_work *t) {
    char error[256];
    for (size_t i = 0; i < t->count; i++)
        for (int tries = 0; t->plans[i].partitions == 0 && tries < LEADERS_TRIES; tries++) {
            int count = cluster_partitions(t->rk, t->plans[i].name, ADMIN_MS, error, sizeof error);
            t->plans[i].partitions = count > 0 ? (uint32_t)count : 0;
            if (count <= 0)
                nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        }
}

static bool make_missing(struct topics_work *t) {
    rd_kafka_NewTopic_t *topics[TOPICS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->plans[i].partitions == 0 && (topics[count] = new_topic(t, &t->plans[i])) != NULL)
            count++;
    if (count > 0 && outcome_code(t->outcome) == 0) {
        rd_kafka_AdminOptions_t *options = admin_options(t);
        rd_kafka_CreateTopics(t->rk, topics, count, options, t->queue);
        rd_kafka_AdminOptions_destroy(options);
        rd_kafka_event_t *event = wait_for(t, "topics could not be made");
        if (event) {
            check_created(t, event);
            rd_kafka_event_destroy(event);
            wait_for_leaders(t);
        }
    }
    rd_kafka_NewTopic_destroy_array(topics, count);
    return outcome_code(t->outcome) == 0;
}

/* ---- judging what is there ---- */

static const char *property_of(const rd_kafka_ConfigResource_t *resource, const char *name) {
    size_t count;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0 &&
            rd_kafka_ConfigEntry_value(entries[i]))
            return rd_kafka_ConfigEntry_value(entries[i]);
    return "";
}

static void judge_cleanup(struct topics_work *t, const struct plan *plan, const char *cleanup) {
    bool compacts = strstr(cleanup, "compact") != NULL, deletes = strstr(cleanup, "delete") != NULL;
    bool wants_compact = strcmp(plan->cleanup, "compact") == 0;
    if (wants_compact && plan->is_stamped) { /* the roster: a whole log does no harm, a cut one does */
        if (deletes)
            log_event(LOG_LEVEL_WARN, "topic_unwise", "topic=%s cleanup.policy=%s text=%s", plan->name,
                      cleanup, log_quote("should be compact: records that retention removes are lost").text);
    } else if (wants_compact && (!compacts || deletes)) {
        outcome_fail(t->outcome, EX_CONFIG,
                     "%s has cleanup.policy=%s and must have compact: deletion by age would remove what is "
                     "still valid",
                     plan->name, cleanup);
    } else if (!wants_compact && compacts) {
        outcome_fail(
            t->outcome, EX_CONFIG,
            "%s has cleanup.policy=%s and must not be compacted: each of its records counts, not the last of "
            "a key",
            plan->name, cleanup);
    }
}

static void judge(struct topics_work *t, const struct plan *plan, const rd_kafka_ConfigResource_t *resource) {
    judge_cleanup(t, plan, property_of(resource, "cleanup.policy"));
    const char *stamps = property_of(resource, "message.timestamp.type");
    if (plan->is_stamped && !t->config->rules.allow_create_time && strcmp(stamps, "LogAppendTime") != 0)
        outcome_fail(
            t->outcome, EX_CONFIG,
            "%s has message.timestamp.type=%s and must have LogAppendTime (or time.allow_create_time: true)",
            plan->name, stamps);
    const char *retention = property_of(resource, "retention.ms");
    if (!plan->must_be_kept || strcmp(retention, "-1") == 0)
        return;
    if (plan->cut == CUT_ONE)
        outcome_fail(t->outcome, EX_CONFIG,
                     "%s has retention.ms=%s and must have -1: the calendar is kept for ever", plan->name,
                     retention);
    else
        log_event(LOG_LEVEL_WARN, "topic_unwise", "topic=%s retention.ms=%s text=%s", plan->name, retention,
                  log_quote("should be -1: the log is whole only while nothing is removed").text);
}

static void judge_all(struct topics_work *t, rd_kafka_event_t *event) {
    size_t count;
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        const char *name = rd_kafka_ConfigResource_name(resources[i]);
        rd_kafka_resp_err_t err = rd_kafka_ConfigResource_error(resources[i]);
        if (err)
            outcome_fail(t->outcome, EX_CONFIG, "the properties of %s could not be read: %s", name,
                         rd_kafka_ConfigResource_error_string(resources[i]));
        for (size_t j = 0; j < t->count && !err; j++)
            if (strcmp(t->plans[j].name, name) == 0)
                judge(t, &t->plans[j], resources[i]);
    }
}

static bool judge_existing(struct topics_work *t) {
    rd_kafka_ConfigResource_t *resources[TOPICS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->plans[i].partitions > 0)
            resources[count++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, t->plans[i].name);
    if (count == 0)
        return true;
    rd_kafka_event_t *event = describe(t, resources, count);
    if (event) {
        judge_all(t, event);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_ConfigResource_destroy_array(resources, count);
    return outcome_code(t->outcome) == 0;
}

static void copy_property(struct topics_work *t, rd_kafka_event_t *event, const char *property, char *out,
                          size_t size) {
    size_t count;
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
    CHECK(count == 1);
    if (rd_kafka_ConfigResource_error(resources[0]))
        outcome_fail(t->outcome, EX_CONFIG, "the properties of %s could not be read: %s",
                     rd_kafka_ConfigResource_name(resources[0]),
                     rd_kafka_ConfigResource_error_string(resources[0]));
    else
        snprintf(out, size, "%s", property_of(resources[0], property));
}

/* Whether the existing topics agree is known before anything is made. */
static bool existing_counts_agree(struct topics_work *t) {
    for (size_t i = 0; i < t->count; i++)
        if (t->plans[i].must_be_cut_alike && t->plans[i].partitions != 0 &&
            t->plans[i].partitions != t->partitions)
            outcome_fail(t->outcome, EX_CONFIG,
                         "%s has %" PRIu32 " partitions and not %" PRIu32
                         ": topics about employees and the changelog must be cut alike (see --partitions)",
                         t->plans[i].name, t->plans[i].partitions, t->partitions);
    return outcome_code(t->outcome) == 0;
}

static bool open_work(struct topics_work *t, const struct handle_setup *setup) {
    t->rk = handle_new(setup, HANDLE_CLOCK, "rollcall-admin", NULL, NULL, t->outcome);
    if (t->rk)
        t->queue = rd_kafka_queue_new(t->rk);
    return t->rk != NULL;
}

static void close_work(struct topics_work *t) {
    rd_kafka_queue_destroy(t->queue);
    rd_kafka_destroy(t->rk);
}

bool cluster_topic_property(const struct handle_setup *setup, struct outcome *outcome, const char *topic,
                            const char *property, char *out, size_t size) {
    struct topics_work t = {.config = setup->config, .outcome = outcome};
    if (!open_work(&t, setup))
        return false;
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_event_t *event = describe(&t, &resource, 1);
    if (event) {
        copy_property(&t, event, property, out, size);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_ConfigResource_destroy(resource);
    close_work(&t);
    return outcome_code(outcome) == 0;
}

bool cluster_make_topics(const struct handle_setup *setup, struct outcome *outcome, uint32_t partitions,
                         int replication) {
    struct topics_work t = {
        .config = setup->config, .outcome = outcome, .partitions = partitions, .replication = replication};
    if (!open_work(&t, setup))
        return false;
    make_plans(&t);
    bool good = find_existing(&t) && existing_counts_agree(&t) && judge_existing(&t) && make_missing(&t);
    close_work(&t);
    return good;
}
