/* See producer.h. The error classes of kafka_error.h become calls made again, aborts and last words here. */
#include "producer.h"

#include "clocks.h"
#include "event_log.h"
#include "fault_point.h"

#include <stdio.h>
#include <stdlib.h>

#define RENEW_TIMEOUT_MS 600000
#define CALL_TIMEOUT_MS  10000 /* of one transactional call; it is made again while it may be */
#define FLUSH_TIMEOUT_MS 60000
#define PRIME_MS         10000
#define SUCCESSOR_MS     2000 /* beside two heartbeats: until a successor has joined the group */
#define API_END_TXN      26
#define LOOK_MS          50

static const char *call_error(const rd_kafka_error_t *error) {
    return error ? rd_kafka_error_string(error) : "";
}

static bool has_failed(const struct producer *p) {
    return p->setup.has_failed(p->setup.owner);
}

static void fail_fenced(struct producer *p, const char *detail) {
    outcome_fail(p->setup.outcome, EXIT_FENCED,
                 "fenced: another instance uses the transactional id of %s (%s); each instance needs a "
                 "group.instance.id of its own",
                 p->setup.name, detail);
}

/* Trying again does not make it smaller, and nobody may do without it. */
static void fail_too_large(struct producer *p, const char *topic) {
    outcome_fail(
        p->setup.outcome, EX_CONFIG,
        "%s: a batch of records is too large for the topic: its max.message.bytes must not be less than "
        "the message.max.bytes of the kafka section (1000000)",
        topic);
}

static enum error_class class_of_fatal(const struct producer *p, char *text, size_t text_size) {
    return error_class_of(rd_kafka_fatal_error(p->rk, text, text_size),
                          (struct error_flags){.is_fatal = true});
}

/* ---- callbacks ---- */

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    struct producer *p = opaque;
    (void)rk;
    if (message->err) {
        p->failed_deliveries++;
        if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
            fail_too_large(p, rd_kafka_topic_name(message->rkt));
        if (p->failed_deliveries == 1)
            log_event(LOG_LEVEL_WARN, "not_delivered", "worker=%s topic=%s code=%s", p->setup.name,
                      rd_kafka_topic_name(message->rkt), rd_kafka_err2name(message->err));
        return;
    }
    if (message->_private != NULL && p->setup.delivered)
        p->setup.delivered(p->setup.owner, (uintptr_t)message->_private, message->offset);
}

/* Any thread of librdkafka, as `sent`. ApiKeys: Produce, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn,
 * TxnOffsetCommit. */
static void answered(int16_t api_key, rd_kafka_resp_err_t err, void *opaque) {
    struct producer *p = opaque;
    bool is_transactional =
        api_key == 0 || api_key == 24 || api_key == 25 || api_key == API_END_TXN || api_key == 28;
    bool has_no_answer = err == RD_KAFKA_RESP_ERR__TIMED_OUT || err == RD_KAFKA_RESP_ERR__TRANSPORT ||
                         err == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE;
    if (is_transactional && has_no_answer)
        atomic_store_explicit(&p->is_suspect, true, memory_order_relaxed);
}

static void sent(int16_t api_key, void *opaque) {
    struct producer *p = opaque;
    if (api_key == API_END_TXN)
        atomic_fetch_add_explicit(&p->ends_sent, 1, memory_order_relaxed);
}

/* ---- life ---- */

void producer_init(struct producer *p, const struct producer_setup *setup) {
    p->setup = *setup;
    p->callbacks =
        (struct handle_callbacks){.delivered = delivered, .sent = sent, .answered = answered, .opaque = p};
    p->rk = NULL;
    p->failed_deliveries = 0;
    p->is_open = false;
    atomic_init(&p->is_suspect, false);
    atomic_init(&p->ends_sent, 0);
}

static bool init_transactions(struct producer *p, int64_t patience_ms) {
    int64_t deadline = monotonic_ms() + patience_ms;
    for (;;) {
        beat_step(p->setup.beat, "init_transactions");
        rd_kafka_error_t *error = rd_kafka_init_transactions(p->rk, CALL_TIMEOUT_MS);
        enum error_class class = error_class_of_call(error);
        char detail[512];
        snprintf(detail, sizeof detail, "%s", call_error(error));
        if (error)
            rd_kafka_error_destroy(error);
        if (class == ERROR_CLASS_NONE)
            return true;
        bool is_stopping = atomic_load_explicit(p->setup.stop, memory_order_relaxed) || has_failed(p);
        if (class == ERROR_CLASS_RETRY && monotonic_ms() < deadline && !is_stopping)
            continue;
        if (class == ERROR_CLASS_RETRY)
            outcome_fail(p->setup.outcome, EX_TEMPFAIL, "the broker gave no producer id: %s", detail);
        else if (class == ERROR_CLASS_FENCED)
            fail_fenced(p, detail);
        else
            outcome_fail(p->setup.outcome, EXIT_FAILURE, "transactions cannot be used: %s", detail);
        return false;
    }
}

bool producer_open(struct producer *p, int64_t patience_ms) {
    char id[400];
    snprintf(id, sizeof id, "%s-%s", p->setup.group, p->setup.name);
    atomic_store_explicit(&p->is_suspect, false, memory_order_relaxed);
    p->is_open = false;
    p->rk = handle_new(&p->setup.handles, HANDLE_PRODUCER, p->setup.name, p->setup.is_exact ? id : NULL,
                       &p->callbacks, p->setup.outcome);
    if (p->rk == NULL)
        return false;
    return !p->setup.is_exact || init_transactions(p, patience_ms);
}

void producer_close(struct producer *p) {
    if (p->rk == NULL)
        return;
    beat_step(p->setup.beat, "closing the producer");
    rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(p->rk, 0); /* serves the reports of what was purged */
    rd_kafka_destroy(p->rk);
    p->rk = NULL;
}

bool producer_renew_suspect(struct producer *p) {
    if (!atomic_load_explicit(&p->is_suspect, memory_order_relaxed))
        return true;
    log_event(LOG_LEVEL_WARN, "producer_renewed", "worker=%s", p->setup.name);
    producer_close(p);
    return producer_open(p, RENEW_TIMEOUT_MS);
}

void producer_prime(struct producer *p, const char *name) {
    beat_step(p->setup.beat, "metadata of an output");
    handle_learn_leaders(p->rk, name, PRIME_MS);
}

/* ---- records ---- */

static rd_kafka_resp_err_t send_once(struct producer *p, const struct destination *to,
                                     const struct out_record *record, rd_kafka_headers_t *headers,
                                     int64_t timestamp_ms) {
    void *value = (void *)(uintptr_t)record->value, *key = (void *)(uintptr_t)record->key;
    void *opaque = (void *)to->tag;
    if (headers)
        return rd_kafka_producev(p->rk, RD_KAFKA_V_TOPIC(to->topic), RD_KAFKA_V_PARTITION(to->partition),
                                 RD_KAFKA_V_KEY(key, record->key_len),
                                 RD_KAFKA_V_VALUE(value, record->value_len), RD_KAFKA_V_HEADERS(headers),
                                 RD_KAFKA_V_TIMESTAMP(timestamp_ms), RD_KAFKA_V_OPAQUE(opaque),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    return rd_kafka_producev(p->rk, RD_KAFKA_V_TOPIC(to->topic), RD_KAFKA_V_PARTITION(to->partition),
                             RD_KAFKA_V_KEY(key, record->key_len), RD_KAFKA_V_VALUE(value, record->value_len),
                             RD_KAFKA_V_TIMESTAMP(timestamp_ms), RD_KAFKA_V_OPAQUE(opaque),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
}

enum error_class producer_send_message(struct producer *p, const struct destination *to,
                                       const struct out_record *record, rd_kafka_headers_t *headers,
                                       int64_t timestamp_ms) {
    FAULT_POINT(before_produce);
    for (;;) {
        rd_kafka_resp_err_t err = send_once(p, to, record, headers, timestamp_ms);
        if (!err) {
            FAULT_POINT(after_produce);
            return ERROR_CLASS_NONE;
        }
        enum error_class class = ERROR_CLASS_FATAL;
        switch (error_of_produce(err)) {
        case PRODUCE_FULL:
            if (has_failed(p))
                break;
            beat_step(p->setup.beat, "produce");
            rd_kafka_poll(p->rk, 10);
            continue;
        case PRODUCE_ABORT:
            log_event(LOG_LEVEL_ERROR, "produce_refused", "worker=%s topic=%s bytes=%zu code=%s",
                      p->setup.name, to->topic, record->value_len, rd_kafka_err2name(err));
            if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
                fail_too_large(p, to->topic);
            class = ERROR_CLASS_ABORT;
            break;
        case PRODUCE_FATAL:
            break;
        }
        if (headers)
            rd_kafka_headers_destroy(headers);
        return class;
    }
}

enum error_class producer_send(struct producer *p, const struct destination *to,
                               const struct out_record *record) {
    rd_kafka_headers_t *headers = NULL;
    if (record->headers_count > 0) {
        headers = rd_kafka_headers_new(record->headers_count);
        for (size_t i = 0; i < record->headers_count; i++)
            rd_kafka_header_add(headers, record->headers[i].name, -1, record->headers[i].value,
                                (ssize_t)record->headers[i].value_len);
    }
    return producer_send_message(p, to, record, headers, 0);
}

/* ---- transactions ---- */

enum call { CALL_SEND_OFFSETS, CALL_COMMIT };

/* With `is_lost` it first looks whether the group has gone on without us, and then sends nothing. librdkafka
 * forgets its generation at once, and is told by the rebalance callback much later; and a broker does not
 * check a generation that is unknown while the group is empty. Asked after the member was: so none that was
 * forgotten is taken for one that never was. */
static rd_kafka_error_t *send_offsets_once(struct producer *p, rd_kafka_t *group,
                                           const rd_kafka_topic_partition_list_t *offsets, bool *is_lost) {
    rd_kafka_error_t *error = NULL;
    rd_kafka_consumer_group_metadata_t *member = rd_kafka_consumer_group_metadata(group);
    if (is_lost)
        *is_lost = rd_kafka_assignment_lost(group) != 0;
    if (is_lost == NULL || !*is_lost)
        error = rd_kafka_send_offsets_to_transaction(p->rk, offsets, member, CALL_TIMEOUT_MS);
    rd_kafka_consumer_group_metadata_destroy(member);
    return error;
}

/* Logs and destroys the error. */
static void tell(struct producer *p, const char *call, enum log_level level, rd_kafka_error_t *error) {
    log_event(level, "transaction_error", "worker=%s call=%s code=%s text=%s", p->setup.name, call,
              rd_kafka_error_name(error), log_quote(call_error(error)).text);
    rd_kafka_error_destroy(error);
}

static enum error_class call(struct producer *p, enum call which, rd_kafka_t *group,
                             const rd_kafka_topic_partition_list_t *offsets) {
    static const char *const names[] = {"send_offsets", "commit"};
    for (;;) {
        bool is_lost = false;
        beat_step(p->setup.beat, names[which]);
        rd_kafka_error_t *error = which == CALL_COMMIT ? rd_kafka_commit_transaction(p->rk, CALL_TIMEOUT_MS)
                                                       : send_offsets_once(p, group, offsets, &is_lost);
        if (is_lost) {
            log_event(LOG_LEVEL_WARN, "transaction_error", "worker=%s call=%s code=_ASSIGNMENT_LOST",
                      p->setup.name, names[which]);
            return ERROR_CLASS_ABORT;
        }
        enum error_class class = error_class_of_call(error);
        if (error == NULL)
            return class;
        tell(p, names[which], LOG_LEVEL_WARN, error);
        if (class != ERROR_CLASS_RETRY || has_failed(p))
            return class;
    }
}

static enum error_class begin(struct producer *p) {
    char text[512];
    if (!producer_renew_suspect(p))
        return ERROR_CLASS_FATAL;
    enum error_class class = class_of_fatal(p, text, sizeof text);
    if (class != ERROR_CLASS_NONE) { /* begin could hang behind it */
        log_event(LOG_LEVEL_ERROR, "producer_failed", "worker=%s text=%s", p->setup.name,
                  log_quote(text).text);
        return class;
    }
    beat_step(p->setup.beat, "begin");
    rd_kafka_error_t *error = rd_kafka_begin_transaction(p->rk);
    class = error_class_of_call(error);
    p->is_open = error == NULL;
    if (error == NULL)
        return class;
    tell(p, "begin", LOG_LEVEL_ERROR, error);
    return class == ERROR_CLASS_FENCED ? class : ERROR_CLASS_FATAL;
}

/* ERROR_CLASS_ABORT is what is certainly not committed; of what may be, ERROR_CLASS_FATAL. */
static enum error_class commit(struct producer *p) {
    FAULT_POINT(before_commit);
    uint64_t ends_sent = atomic_load_explicit(&p->ends_sent, memory_order_relaxed);
    enum error_class class = call(p, CALL_COMMIT, NULL, NULL);
    FAULT_POINT(after_commit);
    p->is_open = class != ERROR_CLASS_NONE;
    /* librdkafka calls for an abort, too, when the transaction fails on its side while the broker is being
     * told to commit it, which it may have done. What is then sent again may be there twice. */
    bool is_asked = atomic_load_explicit(&p->ends_sent, memory_order_relaxed) != ends_sent;
    return class == ERROR_CLASS_ABORT && is_asked ? ERROR_CLASS_FATAL : class;
}

/* If the broker cannot be told, the producer is suspect: its successor decides the transaction. */
static enum error_class abort_transaction(struct producer *p) {
    beat_step(p->setup.beat, "abort");
    rd_kafka_error_t *error = rd_kafka_abort_transaction(p->rk, CALL_TIMEOUT_MS);
    enum error_class class = error_class_of_call(error);
    p->is_open = error != NULL;
    if (error == NULL)
        return class;
    tell(p, "abort", LOG_LEVEL_WARN, error);
    atomic_store_explicit(&p->is_suspect, true, memory_order_relaxed);
    return class;
}

/* After a session of its own without an answer the client forgets which member it was. 2.0.2 goes on with its
 * heartbeats under the static name alone until its loss has been taken note of, and is told by the broker
 * that somebody else has that name: the member that it was itself. */
static bool has_forgotten_itself(rd_kafka_t *group) {
    char *member = rd_kafka_memberid(group);
    bool is_nobody = member == NULL || member[0] == '\0';
    if (member)
        rd_kafka_mem_free(group, member);
    return is_nobody;
}

/* After a call ended in this class. A broker fences in the same words whose transactional id another instance
 * has taken, and whose own transaction has timed out, as after a pause of the host or an outage in a commit.
 * Only another instance takes our place in the group as well, which the group says with the next heartbeats:
 * they are waited for. (Not after a session without an answer: then the group fences us from ourselves, and
 * whoever else may be there is told by our coming back.) True: it has, and the outcome is set. */
static bool has_successor(struct producer *p, rd_kafka_t *group, enum error_class class) {
    char text[512];
    if (class != ERROR_CLASS_FENCED && class_of_fatal(p, text, sizeof text) != ERROR_CLASS_FENCED)
        return false;
    const char *heartbeat_ms = handle_property(&p->setup.handles, "heartbeat.interval.ms", "3000");
    int64_t deadline = monotonic_ms() + 2 * strtoll(heartbeat_ms, NULL, 10) + SUCCESSOR_MS;
    while (monotonic_ms() < deadline && !atomic_load_explicit(p->setup.stop, memory_order_relaxed)) {
        if (rd_kafka_fatal_error(group, text, sizeof text) == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
            if (has_forgotten_itself(group))
                return false;
            fail_fenced(p, text);
            return true;
        }
        beat_step(p->setup.beat, "waiting for word of a successor");
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    }
    return false;
}

static enum error_class write_and_commit(struct producer *p, rd_kafka_t *group,
                                         const rd_kafka_topic_partition_list_t *offsets,
                                         enum error_class (*write)(void *owner), void *owner) {
    enum error_class class = begin(p);
    if (class == ERROR_CLASS_NONE)
        class = write(owner);
    if (class == ERROR_CLASS_NONE) {
        FAULT_POINT(before_send_offsets);
        class = call(p, CALL_SEND_OFFSETS, group, offsets);
        FAULT_POINT(after_send_offsets);
    }
    return class == ERROR_CLASS_NONE ? commit(p) : class;
}

enum transaction_end producer_transact(struct producer *p, rd_kafka_t *group,
                                       const rd_kafka_topic_partition_list_t *offsets,
                                       enum error_class (*write)(void *owner), void *owner) {
    enum error_class class = write_and_commit(p, group, offsets, write, owner);
    if (class == ERROR_CLASS_NONE)
        return TRANSACTION_COMMITTED;
    if (class == ERROR_CLASS_ABORT) {
        class = abort_transaction(p);
        if (class != ERROR_CLASS_FENCED)
            return TRANSACTION_ABORTED;
    }
    return has_successor(p, group, class) ? TRANSACTION_FENCED : TRANSACTION_UNKNOWN;
}

bool producer_is_fenced(struct producer *p, rd_kafka_t *group, const char *topic) {
    /* What is open may have timed out, and then the broker fences us from ourselves. Without, nobody but
     * another instance takes the id; a member that the group does not know yet or any more learns it so, too.
     */
    if (p->is_open || atomic_load_explicit(&p->is_suspect, memory_order_relaxed))
        return false;
    enum error_class class = begin(p);
    if (class != ERROR_CLASS_NONE)
        return class == ERROR_CLASS_FENCED;
    /* Offsets of a transaction that is never committed: what they say does not matter. */
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(offsets, topic, 0)->offset = 0;
    rd_kafka_error_t *error = send_offsets_once(p, group, offsets, NULL);
    rd_kafka_topic_partition_list_destroy(offsets);
    bool is_fenced = error_class_of_call(error) == ERROR_CLASS_FENCED;
    if (error)
        rd_kafka_error_destroy(error);
    if (!is_fenced)
        abort_transaction(p);
    return is_fenced;
}

bool producer_flush(struct producer *p) {
    int64_t deadline = monotonic_ms() + FLUSH_TIMEOUT_MS;
    while (rd_kafka_flush(p->rk, 1000) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        beat_step(p->setup.beat, "flush");
        if (monotonic_ms() > deadline || has_failed(p))
            return false;
    }
    return p->failed_deliveries == 0;
}
