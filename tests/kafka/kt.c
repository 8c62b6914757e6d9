/* kt ("Kafka tool"): what the tests and benches ask of a broker beyond what rollcall does itself. One
 * short-lived, single-threaded process a question; it answers in JSON lines. It exists because Kafka's own
 * command-line classes start a Java machine each time and take seconds. Records in and out are in
 * kt_records.c, the two commands that live longer in kt_long.c. */
#include "kt.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { POLL_MS = 20 };

_Noreturn void kt_fail(rd_kafka_resp_err_t err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("kt: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    fflush(stdout);
    bool unreachable = err == RD_KAFKA_RESP_ERR__TRANSPORT || err == RD_KAFKA_RESP_ERR__TIMED_OUT ||
                       err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || err == RD_KAFKA_RESP_ERR__RESOLVE;
    _exit(unreachable ? EX_TEMPFAIL : EXIT_FAILURE);
}

_Noreturn void kt_usage(void) {
    fputs(
        "usage: kt BOOTSTRAP COMMAND [OPTION...] [OPERAND...]\n"
        "  wait [COPIES]                          until the broker answers, and each partition of each "
        "topic has\n"
        "                                         a leader and so many copies in sync\n"
        "  create TOPIC PARTITIONS [NAME=VALUE...]  and wait until each partition has a leader\n"
        "  delete TOPIC\n"
        "  add-partitions TOPIC TOTAL\n"
        "  delete-records TOPIC PARTITION BEFORE  the first offset that is kept (-1: the end)\n"
        "  config TOPIC                           {\"name\":\"value\",...}\n"
        "  watermarks TOPIC                       {\"partition\",\"low\",\"high\"} a line; \"high\" is the "
        "end of\n"
        "                                         committed data with --isolation read_committed\n"
        "  produce TOPIC < FILE                   lines of partition TAB timestamp TAB key TAB value [TAB "
        "NAME=VALUE...]\n"
        "                                         partition `-`: by the key's hash, as Java does; "
        "timestamp: ms, or `-`\n"
        "                                         for now; `\\N`: null; from the fifth on: headers\n"
        "  consume TOPIC                          everything there is now, "
        "{\"partition\",\"offset\",\"timestamp\",\n"
        "                                         "
        "\"timestamp_type\",\"key\",\"value\",\"headers\":[[name,value]...]} a line;\n"
        "                                         with \"binary\":true bytes that are not UTF-8 are "
        "\\u00XX each\n"
        "  offsets GROUP TOPIC...                 {\"topic\",\"partition\",\"offset\"} a line, null: none "
        "committed\n"
        "  set-offsets GROUP TOPIC PARTITION OFFSET [METADATA]   the group must have no member\n"
        "  delete-offsets GROUP TOPIC\n"
        "  members GROUP                          client.id of each, also of those still joining, a line\n"
        "  delete-group GROUP\n"
        "  feed --transaction ID < FILE           lines `begin`, records as of produce with the topic before "
        "them, `commit`,\n"
        "                                         `abort`; {\"t\",\"ok\"[,\"error\"]} for each end: not ok "
        "means aborted,\n"
        "                                         for the caller to send again. Waits for a broker that is "
        "away.\n"
        "  watch-offsets GROUP TOPIC...           "
        "{\"t\",\"offsets\":{\"topic/partition\":offset or null}} or {\"t\",\"error\"}\n"
        "                                         again and again until standard input is closed\n"
        "options: --timeout SECONDS (30)   --isolation read_committed|read_uncommitted (the first)\n"
        "  --format json|value             of consume (json)\n"
        "  --every MS                      of watch-offsets (100)\n"
        "  --escaped                       of produce and feed: \\t \\n \\r \\\\ \\xHH in keys, values and "
        "headers\n"
        "  --transaction ID --end commit|abort|leave   of produce: in one transaction; `leave` keeps it "
        "open\n"
        "  -X NAME=VALUE                   a property of librdkafka\n"
        "exit codes: 0, 1 refused, 64 usage, 75 the broker did not answer\n",
        stderr);
    _exit(EX_USAGE);
}

long long kt_number(const char *text, long long least, long long most) {
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno || end == text || *end || n < least || n > most) {
        fprintf(stderr, "kt: %s is not a number from %lld to %lld\n", text, least, most);
        _exit(EX_USAGE);
    }
    return n;
}

/* --- clients ----------------------------------------------------------------------------------------------
 */

void kt_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        kt_fail(RD_KAFKA_RESP_ERR__INVALID_ARG, "%s", why);
}

rd_kafka_conf_t *kt_conf_new(const struct kt *kt) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    kt_conf_set(conf, "bootstrap.servers", kt->bootstrap);
    kt_conf_set(conf, "client.id", "kt");
    kt_conf_set(conf, "log_level", "2"); /* a broker that is down is an answer here, not news */
    kt_conf_set(conf, "reconnect.backoff.max.ms", "200");
    for (int i = 0; i < kt->property_count; i++) {
        char *name = kt->properties[i], *value = strchr(name, '=');
        if (!value)
            kt_usage();
        char *key = strndup(name, (size_t)(value - name));
        kt_conf_set(conf, key, value + 1);
        free(key);
    }
    return conf;
}

rd_kafka_t *kt_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
    char why[256];
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
    if (!rk)
        kt_fail(rd_kafka_last_error(), "%s", why);
    return rk;
}

rd_kafka_t *kt_consumer_new(const struct kt *kt, const char *group) {
    rd_kafka_conf_t *conf = kt_conf_new(kt);
    kt_conf_set(conf, "group.id", group);
    kt_conf_set(conf, "enable.auto.commit", "false");
    kt_conf_set(conf, "enable.partition.eof", "true");
    kt_conf_set(conf, "auto.offset.reset", "error");
    kt_conf_set(conf, "allow.auto.create.topics", "false");
    kt_conf_set(conf, "isolation.level", kt->isolation);
    kt_conf_set(conf, "fetch.wait.max.ms", "10");
    rd_kafka_t *rk = kt_client_new(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(rk);
    return rk;
}

int kt_partition_count(rd_kafka_t *rk, const char *topic, int timeout_ms, rd_kafka_resp_err_t *err_out) {
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    const struct rd_kafka_metadata *metadata;
    *err_out = rd_kafka_metadata(rk, 0, handle, &metadata, timeout_ms);
    rd_kafka_topic_destroy(handle);
    if (*err_out)
        return -1;
    const struct rd_kafka_metadata_topic *t = &metadata->topics[0];
    *err_out = t->err;
    int led = 0;
    for (int i = 0; i < t->partition_cnt; i++)
        led += t->partitions[i].leader >= 0;
    rd_kafka_metadata_destroy(metadata);
    return *err_out ? -1 : led;
}

int kt_partition_count_known(const struct kt *kt, rd_kafka_t *rk, const char *topic) {
    rd_kafka_resp_err_t err;
    int count = kt_partition_count(rk, topic, kt->timeout_ms, &err);
    if (err)
        kt_fail(err, "%s: %s", topic, rd_kafka_err2str(err));
    return count;
}

/* What an admin request says is done is done at the controller; the broker's own view follows some
 * milliseconds later. A test that goes on at once must not meet the old one. */
static void await_partition_count(const struct kt *kt, rd_kafka_t *rk, const char *topic, int wanted) {
    for (int waited_ms = 0; waited_ms < kt->timeout_ms; waited_ms += POLL_MS) {
        rd_kafka_resp_err_t err;
        int count = kt_partition_count(rk, topic, kt->timeout_ms, &err);
        if (err && err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
            err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
            kt_fail(err, "%s: %s", topic, rd_kafka_err2str(err));
        if (count == wanted)
            return;
        usleep(POLL_MS * 1000);
    }
    kt_fail(RD_KAFKA_RESP_ERR__TIMED_OUT, "%s did not come to %d partitions with a leader", topic, wanted);
}

/* --- admin requests ---------------------------------------------------------------------------------------
 */

struct admin {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t *answer;
};

static struct admin admin_open(const struct kt *kt) {
    struct admin a = {.rk = kt_client_new(RD_KAFKA_PRODUCER, kt_conf_new(kt))};
    char why[256];
    a.queue = rd_kafka_queue_new(a.rk);
    a.options = rd_kafka_AdminOptions_new(a.rk, RD_KAFKA_ADMIN_OP_ANY);
    if (rd_kafka_AdminOptions_set_request_timeout(a.options, kt->timeout_ms, why, sizeof why))
        kt_fail(RD_KAFKA_RESP_ERR__INVALID_ARG, "%s", why);
    return a;
}

static void admin_await(struct admin *a, const struct kt *kt) {
    a->answer = rd_kafka_queue_poll(a->queue, kt->timeout_ms + 1000);
    if (!a->answer)
        kt_fail(RD_KAFKA_RESP_ERR__TIMED_OUT, "no answer from the broker");
    if (rd_kafka_event_error(a->answer))
        kt_fail(rd_kafka_event_error(a->answer), "%s", rd_kafka_event_error_string(a->answer));
}

static void admin_close(struct admin *a) {
    rd_kafka_event_destroy(a->answer);
    rd_kafka_AdminOptions_destroy(a->options);
    rd_kafka_queue_destroy(a->queue);
    rd_kafka_destroy(a->rk);
}

static void require_topic_ok(const rd_kafka_topic_result_t *r) {
    if (rd_kafka_topic_result_error(r))
        kt_fail(rd_kafka_topic_result_error(r), "%s: %s", rd_kafka_topic_result_name(r),
                rd_kafka_topic_result_error_string(r));
}

static void require_group_ok(const rd_kafka_group_result_t *r) {
    const rd_kafka_error_t *error = rd_kafka_group_result_error(r);
    if (error)
        kt_fail(rd_kafka_error_code(error), "%s: %s", rd_kafka_group_result_name(r),
                rd_kafka_error_string(error));
}

static void require_offsets_ok(const rd_kafka_topic_partition_list_t *list) {
    for (int i = 0; list && i < list->cnt; i++)
        if (list->elems[i].err)
            kt_fail(list->elems[i].err, "%s[%d]: %s", list->elems[i].topic, list->elems[i].partition,
                    rd_kafka_err2str(list->elems[i].err));
}

static bool are_in_sync(const struct rd_kafka_metadata *metadata, long long copies) {
    for (int i = 0; i < metadata->topic_cnt; i++)
        for (int j = 0; j < metadata->topics[i].partition_cnt; j++) {
            const struct rd_kafka_metadata_partition *p = &metadata->topics[i].partitions[j];
            if (p->leader < 0 || p->isr_cnt < copies)
                return false;
        }
    return true;
}

static void wait_for_broker(const struct kt *kt) {
    rd_kafka_t *rk = kt_client_new(RD_KAFKA_PRODUCER, kt_conf_new(kt));
    long long copies = kt->operand_count > 0 ? kt_number(kt->operands[0], 1, 9) : 0;
    bool done = false;
    for (int waited_ms = 0; !done; waited_ms += POLL_MS) {
        const struct rd_kafka_metadata *metadata;
        rd_kafka_resp_err_t err = rd_kafka_metadata(rk, copies > 0, NULL, &metadata, kt->timeout_ms);
        if (err)
            kt_fail(err, "%s: %s", kt->bootstrap, rd_kafka_err2str(err));
        done = are_in_sync(metadata, copies);
        rd_kafka_metadata_destroy(metadata);
        if (!done && waited_ms >= kt->timeout_ms)
            kt_fail(RD_KAFKA_RESP_ERR__TIMED_OUT, "not everything has %lld copies in sync", copies);
        usleep(done ? 0 : POLL_MS * 1000);
    }
    rd_kafka_destroy(rk);
}

static void create_topic(const struct kt *kt) {
    const char *name = kt->operands[0];
    int partitions = (int)kt_number(kt->operands[1], 1, 10000);
    char why[256];
    struct admin a = admin_open(kt);
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, -1, why, sizeof why);
    if (!topic)
        kt_fail(RD_KAFKA_RESP_ERR__INVALID_ARG, "%s", why);
    for (int i = 2; i < kt->operand_count; i++) {
        char *value = strchr(kt->operands[i], '=');
        if (!value)
            kt_usage();
        *value++ = '\0';
        rd_kafka_NewTopic_set_config(topic, kt->operands[i], value);
    }
    rd_kafka_CreateTopics(a.rk, &topic, 1, a.options, a.queue);
    rd_kafka_NewTopic_destroy(topic);
    admin_await(&a, kt);
    size_t count;
    require_topic_ok(
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(a.answer), &count)[0]);
    await_partition_count(kt, a.rk, name, partitions);
    admin_close(&a);
}

static void delete_topic(const struct kt *kt) {
    struct admin a = admin_open(kt);
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(kt->operands[0]);
    rd_kafka_DeleteTopics(a.rk, &topic, 1, a.options, a.queue);
    rd_kafka_DeleteTopic_destroy(topic);
    admin_await(&a, kt);
    size_t count;
    require_topic_ok(
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(a.answer), &count)[0]);
    await_partition_count(kt, a.rk, kt->operands[0], -1);
    admin_close(&a);
}

static void add_partitions(const struct kt *kt) {
    int total = (int)kt_number(kt->operands[1], 1, 10000);
    char why[256];
    struct admin a = admin_open(kt);
    rd_kafka_NewPartitions_t *wanted =
        rd_kafka_NewPartitions_new(kt->operands[0], (size_t)total, why, sizeof why);
    if (!wanted)
        kt_fail(RD_KAFKA_RESP_ERR__INVALID_ARG, "%s", why);
    rd_kafka_CreatePartitions(a.rk, &wanted, 1, a.options, a.queue);
    rd_kafka_NewPartitions_destroy(wanted);
    admin_await(&a, kt);
    size_t count;
    require_topic_ok(
        rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(a.answer), &count)[0]);
    await_partition_count(kt, a.rk, kt->operands[0], total);
    admin_close(&a);
}

static void delete_records(const struct kt *kt) {
    struct admin a = admin_open(kt);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    int partition = (int)kt_number(kt->operands[1], 0, INT32_MAX);
    rd_kafka_topic_partition_list_add(list, kt->operands[0], partition)->offset =
        kt_number(kt->operands[2], RD_KAFKA_OFFSET_END, INT64_MAX);
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(a.rk, &request, 1, a.options, a.queue);
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    admin_await(&a, kt);
    require_offsets_ok(rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(a.answer)));
    admin_close(&a);
}

static void show_config(const struct kt *kt) {
    struct admin a = admin_open(kt);
    rd_kafka_ConfigResource_t *topic = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, kt->operands[0]);
    rd_kafka_DescribeConfigs(a.rk, &topic, 1, a.options, a.queue);
    rd_kafka_ConfigResource_destroy(topic);
    admin_await(&a, kt);
    size_t count;
    const rd_kafka_ConfigResource_t *found =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(a.answer), &count)[0];
    if (rd_kafka_ConfigResource_error(found))
        kt_fail(rd_kafka_ConfigResource_error(found), "%s: %s", kt->operands[0],
                rd_kafka_ConfigResource_error_string(found));
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(found, &count);
    for (size_t i = 0; i < count; i++) { /* neither names nor values of topic settings need escapes */
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        printf("%s\"%s\":\"%s\"", i ? "," : "{", rd_kafka_ConfigEntry_name(entries[i]), value ? value : "");
    }
    puts("}");
    admin_close(&a);
}

static void delete_group(const struct kt *kt) {
    struct admin a = admin_open(kt);
    rd_kafka_DeleteGroup_t *group = rd_kafka_DeleteGroup_new(kt->operands[0]);
    rd_kafka_DeleteGroups(a.rk, &group, 1, a.options, a.queue);
    rd_kafka_DeleteGroup_destroy(group);
    admin_await(&a, kt);
    size_t count;
    require_group_ok(
        rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(a.answer), &count)[0]);
    admin_close(&a);
}

/* --- offsets ----------------------------------------------------------------------------------------------
 */

static rd_kafka_topic_partition_list_t *all_partitions(const struct kt *kt, rd_kafka_t *rk, int first_topic) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (int i = first_topic; i < kt->operand_count; i++) {
        int count = kt_partition_count_known(kt, rk, kt->operands[i]);
        rd_kafka_topic_partition_list_add_range(list, kt->operands[i], 0, count - 1);
    }
    return list;
}

static void no_answer(int signal) {
    (void)signal;
    _exit(EX_TEMPFAIL);
}

static void show_watermarks(const struct kt *kt) {
    signal(SIGALRM, no_answer); /* 2.0.2 waits for a leader that is away longer than it was told */
    alarm((unsigned)kt->timeout_ms / 1000 + 1);
    rd_kafka_t *rk = kt_consumer_new(kt, "kt");
    int count = kt_partition_count_known(kt, rk, kt->operands[0]);
    for (int partition = 0; partition < count; partition++) {
        int64_t low, high;
        rd_kafka_resp_err_t err =
            rd_kafka_query_watermark_offsets(rk, kt->operands[0], partition, &low, &high, kt->timeout_ms);
        if (err)
            kt_fail(err, "%s[%d]: %s", kt->operands[0], partition, rd_kafka_err2str(err));
        printf("{\"partition\":%d,\"low\":%lld,\"high\":%lld}\n", partition, (long long)low, (long long)high);
    }
    rd_kafka_destroy(rk);
}

static void show_offsets(const struct kt *kt) {
    rd_kafka_t *rk = kt_consumer_new(kt, kt->operands[0]);
    rd_kafka_topic_partition_list_t *list = all_partitions(kt, rk, 1);
    rd_kafka_resp_err_t err = rd_kafka_committed(rk, list, kt->timeout_ms);
    if (err)
        kt_fail(err, "%s: %s", kt->operands[0], rd_kafka_err2str(err));
    require_offsets_ok(list);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        printf("{\"topic\":\"%s\",\"partition\":%d,\"offset\":", p->topic, p->partition);
        if (p->offset >= 0)
            printf("%lld}\n", (long long)p->offset);
        else
            puts("null}");
    }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
}

static void set_offsets(const struct kt *kt) {
    rd_kafka_t *rk = kt_consumer_new(kt, kt->operands[0]);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    int partition = (int)kt_number(kt->operands[2], 0, INT32_MAX);
    rd_kafka_topic_partition_t *part = rd_kafka_topic_partition_list_add(list, kt->operands[1], partition);
    part->offset = kt_number(kt->operands[3], 0, INT64_MAX);
    if (kt->operand_count > 4) { /* freed with the list */
        part->metadata = strdup(kt->operands[4]);
        part->metadata_size = strlen(kt->operands[4]);
    }
    rd_kafka_resp_err_t err = rd_kafka_commit(rk, list, 0);
    if (err)
        kt_fail(err, "%s: %s", kt->operands[0], rd_kafka_err2str(err));
    require_offsets_ok(list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
}

static void delete_offsets(const struct kt *kt) {
    struct admin a = admin_open(kt);
    rd_kafka_topic_partition_list_t *list = all_partitions(kt, a.rk, 1);
    rd_kafka_DeleteConsumerGroupOffsets_t *request =
        rd_kafka_DeleteConsumerGroupOffsets_new(kt->operands[0], list);
    rd_kafka_DeleteConsumerGroupOffsets(a.rk, &request, 1, a.options, a.queue);
    rd_kafka_DeleteConsumerGroupOffsets_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    admin_await(&a, kt);
    size_t count;
    const rd_kafka_group_result_t *result = rd_kafka_DeleteConsumerGroupOffsets_result_groups(
        rd_kafka_event_DeleteConsumerGroupOffsets_result(a.answer), &count)[0];
    require_group_ok(result);
    require_offsets_ok(rd_kafka_group_result_partitions(result));
    admin_close(&a);
}

static void show_members(const struct kt *kt) {
    rd_kafka_t *rk = kt_consumer_new(kt, kt->operands[0]);
    const struct rd_kafka_group_list *list;
    rd_kafka_resp_err_t err = rd_kafka_list_groups(rk, kt->operands[0], &list, kt->timeout_ms);
    if (!err && list->group_cnt > 0)
        err = list->groups[0].err;
    if (err)
        kt_fail(err, "%s: %s", kt->operands[0], rd_kafka_err2str(err));
    for (int i = 0; list->group_cnt > 0 && i < list->groups[0].member_cnt; i++)
        puts(list->groups[0].members[i].client_id);
    rd_kafka_group_list_destroy(list);
    rd_kafka_destroy(rk);
}

/* --- the command line -------------------------------------------------------------------------------------
 */

static const struct command {
    const char *name;
    int operands_min, operands_max;
    void (*run)(const struct kt *kt);
} commands[] = {
    {"wait", 0, 1, wait_for_broker},
    {"create", 2, 100, create_topic},
    {"delete", 1, 1, delete_topic},
    {"add-partitions", 2, 2, add_partitions},
    {"delete-records", 3, 3, delete_records},
    {"config", 1, 1, show_config},
    {"watermarks", 1, 1, show_watermarks},
    {"produce", 1, 1, kt_produce},
    {"consume", 1, 1, kt_consume},
    {"feed", 0, 0, kt_feed},
    {"watch-offsets", 2, 100, kt_watch_offsets},
    {"offsets", 2, 100, show_offsets},
    {"set-offsets", 4, 5, set_offsets},
    {"delete-offsets", 2, 2, delete_offsets},
    {"members", 1, 1, show_members},
    {"delete-group", 1, 1, delete_group},
};

static const char *one_of(const char *value, const char *a, const char *b, const char *c) {
    if (strcmp(value, a) && strcmp(value, b) && strcmp(value, c))
        kt_usage();
    return value;
}

/* An operand may begin with a dash only as a negative number. */
static void parse_arguments(struct kt *kt, int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (word[0] != '-' || (word[1] >= '0' && word[1] <= '9')) {
            kt->operands[kt->operand_count++] = argv[i];
            continue;
        }
        if (!strcmp(word, "--escaped")) {
            kt->escaped = true;
            continue;
        }
        if (!value)
            kt_usage();
        if (!strcmp(word, "--timeout"))
            kt->timeout_ms = (int)kt_number(value, 1, 3600) * 1000;
        else if (!strcmp(word, "--every"))
            kt->every_ms = (int)kt_number(value, 1, 3600000);
        else if (!strcmp(word, "--isolation"))
            kt->isolation = one_of(value, "read_committed", "read_uncommitted", "");
        else if (!strcmp(word, "--format"))
            kt->format = one_of(value, "json", "value", "");
        else if (!strcmp(word, "--transaction"))
            kt->transaction = value;
        else if (!strcmp(word, "--end"))
            kt->end = one_of(value, "commit", "abort", "leave");
        else if (!strcmp(word, "-X"))
            kt->properties[kt->property_count++] = argv[i + 1];
        else
            kt_usage();
        i++;
    }
}

int main(int argc, char **argv) {
    if (argc < 3)
        kt_usage();
    struct kt kt = {.bootstrap = argv[1],
                    .operands = calloc((size_t)argc, sizeof(char *)),
                    .properties = calloc((size_t)argc, sizeof(char *)),
                    .timeout_ms = 30000,
                    .every_ms = 100,
                    .isolation = "read_committed",
                    .format = "json",
                    .end = "commit"};
    if (!kt.operands || !kt.properties)
        kt_fail(RD_KAFKA_RESP_ERR__FAIL, "out of memory");
    parse_arguments(&kt, argc - 3, argv + 3);
    const struct command *command = NULL;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (!strcmp(commands[i].name, argv[2]))
            command = &commands[i];
    if (!command || kt.operand_count < command->operands_min || kt.operand_count > command->operands_max)
        kt_usage();
    command->run(&kt);
    free(kt.operands);
    free(kt.properties);
    if (fflush(stdout) || ferror(stdout))
        kt_fail(RD_KAFKA_RESP_ERR__FAIL, "standard output: %s", strerror(errno));
    return EXIT_SUCCESS;
}
