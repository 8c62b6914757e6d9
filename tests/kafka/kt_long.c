/* kt feed and kt watch-offsets: processes that live as long as a test, through whatever it does to the
 * broker. They end with their standard input. See kt.h and kt_usage(). One thread. */
#include "kt.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CALL_MS = 5000 };

static long long unix_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whoever reads the answers waits for them; nobody who reads: nothing to do any more. */
static void end_line(void) {
    puts("}");
    if (fflush(stdout))
        _exit(EXIT_FAILURE);
}

/* --- feed -------------------------------------------------------------------------------------------------
 */

struct feed {
    const struct kt *kt;
    rd_kafka_t *rk;
    bool is_open;   /* a transaction */
    char why[1024]; /* the first thing that went wrong in it */
};

/* Nothing here is urgent and everything has to arrive: a broker may be away for most of the longest
 * transaction that brokers allow, while a request that hangs is soon made again. */
static rd_kafka_t *feed_producer_new(const struct kt *kt) {
    rd_kafka_conf_t *conf = kt_conf_new(kt);
    const char *properties[][2] = {
        {"transactional.id", kt->transaction},
        {"transaction.timeout.ms", "900000"},
        {"message.timeout.ms", "900000"},
        {"partitioner", "murmur2_random"},
        {"socket.timeout.ms", "5000"},
        {"request.timeout.ms", "3000"},
        {"linger.ms", "1"},
    };
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++)
        kt_conf_set(conf, properties[i][0], properties[i][1]);
    return kt_client_new(RD_KAFKA_PRODUCER, conf);
}

/* Again and again while that may help. False if the transaction has to be aborted: f->why says why. */
static bool feed_call(struct feed *f, const char *name, rd_kafka_error_t *(*call)(rd_kafka_t *, int)) {
    for (;;) {
        rd_kafka_error_t *error = call(f->rk, CALL_MS);
        if (!error)
            return true;
        bool may_repeat = rd_kafka_error_is_retriable(error),
             may_abort = rd_kafka_error_txn_requires_abort(error);
        if (!may_repeat && !may_abort)
            kt_fail(rd_kafka_error_code(error), "%s: %s", name, rd_kafka_error_string(error));
        if (!may_repeat)
            snprintf(f->why, sizeof f->why, "%s: %s", name, rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        if (!may_repeat)
            return false;
    }
}

static void feed_begin(struct feed *f) {
    rd_kafka_error_t *error = rd_kafka_begin_transaction(f->rk);
    if (error)
        kt_fail(rd_kafka_error_code(error), "begin: %s", rd_kafka_error_string(error));
    f->is_open = true;
    f->why[0] = '\0';
}

static void feed_record(struct feed *f, char *line, long number) {
    char *tab = strchr(line, '\t');
    if (!f->is_open || !tab)
        kt_fail(RD_KAFKA_RESP_ERR__INVALID_ARG, "line %ld: %s", number,
                tab ? "a record outside a transaction" : "neither a record nor begin, commit, abort");
    *tab = '\0';
    if (f->why[0])
        return; /* all of it comes again */
    rd_kafka_resp_err_t err = kt_send_line(f->kt, f->rk, line, tab + 1, number);
    if (err)
        snprintf(f->why, sizeof f->why, "line %ld: %s", number, rd_kafka_err2str(err));
}

static void feed_end(struct feed *f, bool commit, long number) {
    if (!f->is_open)
        kt_fail(RD_KAFKA_RESP_ERR__INVALID_ARG, "line %ld: no transaction is open", number);
    bool done = commit && !f->why[0] && feed_call(f, "commit", rd_kafka_commit_transaction);
    if (!done) {
        char why[sizeof f->why];
        memcpy(why, f->why, sizeof why);
        if (!feed_call(f, "abort", rd_kafka_abort_transaction))
            kt_fail(RD_KAFKA_RESP_ERR__FATAL, "%s; before: %s", f->why, why);
        memcpy(f->why, why, sizeof why);
    }
    f->is_open = false;
    printf("{\"t\":%lld,\"ok\":%s", unix_ms(), f->why[0] ? "false,\"error\":" : "true");
    if (f->why[0])
        kt_print_string(f->why, strlen(f->why), false);
    end_line();
}

/* The records so far are in the log, though nobody can read them yet. */
static void feed_flush(struct feed *f) {
    while (rd_kafka_flush(f->rk, CALL_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        ;
    printf("{\"t\":%lld,\"ok\":true", unix_ms());
    end_line();
}

void kt_feed(const struct kt *kt) {
    if (!kt->transaction)
        kt_usage();
    struct feed f = {.kt = kt, .rk = feed_producer_new(kt)};
    feed_call(&f, "init", rd_kafka_init_transactions);
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    for (long number = 1; (length = getline(&line, &capacity, stdin)) > 0; number++) {
        line[length - 1] = '\0';
        if (!strcmp(line, "begin"))
            feed_begin(&f);
        else if (!strcmp(line, "commit") || !strcmp(line, "abort"))
            feed_end(&f, line[0] == 'c', number);
        else if (!strcmp(line, "flush"))
            feed_flush(&f);
        else
            feed_record(&f, line, number);
    }
    free(line);
    if (f.is_open)
        feed_call(&f, "abort", rd_kafka_abort_transaction);
    rd_kafka_destroy(f.rk);
}

/* --- watch-offsets ----------------------------------------------------------------------------------------
 */

/* NULL while a topic is not known; *err_out: why. */
static rd_kafka_topic_partition_list_t *watched(const struct kt *kt, rd_kafka_t *rk,
                                                rd_kafka_resp_err_t *err_out) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (int i = 1; i < kt->operand_count; i++) {
        int count = kt_partition_count(rk, kt->operands[i], CALL_MS, err_out);
        if (count <= 0) {
            rd_kafka_topic_partition_list_destroy(list);
            return NULL;
        }
        rd_kafka_topic_partition_list_add_range(list, kt->operands[i], 0, count - 1);
    }
    return list;
}

static void print_offsets(const rd_kafka_topic_partition_list_t *list) {
    fputs(",\"offsets\":{", stdout);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        printf("%s\"%s/%d\":", i ? "," : "", p->topic, p->partition);
        if (p->offset >= 0)
            printf("%lld", (long long)p->offset);
        else
            fputs("null", stdout);
    }
    putchar('}');
}

static rd_kafka_resp_err_t ask_offsets(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list) {
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
    rd_kafka_resp_err_t err = rd_kafka_committed(rk, list, CALL_MS);
    for (int i = 0; !err && i < list->cnt; i++)
        err = list->elems[i].err;
    return err;
}

/* The time of a line is when the answer had come: what it says was so then or a little before. */
void kt_watch_offsets(const struct kt *kt) {
    rd_kafka_t *rk = kt_consumer_new(kt, kt->operands[0]);
    rd_kafka_topic_partition_list_t *list = NULL;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    long long next_ms = unix_ms();
    do {
        rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
        if (!list)
            list = watched(kt, rk, &err);
        if (list)
            err = ask_offsets(rk, list);
        printf("{\"t\":%lld", unix_ms());
        if (list && !err)
            print_offsets(list);
        else
            printf(",\"error\":\"%s\"", rd_kafka_err2name(err));
        end_line();
        long long now_ms = unix_ms();
        next_ms = next_ms + kt->every_ms > now_ms ? next_ms + kt->every_ms : now_ms;
        poll(&input, 1, (int)(next_ms - now_ms)); /* readable: closed, since nobody writes to it */
    } while (!input.revents);
    if (list)
        rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
}
