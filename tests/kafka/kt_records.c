/* kt produce and kt consume: records as lines of text. See kt.h and kt_usage(). One thread. */
#include "kt.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- in ---------------------------------------------------------------------------------------------------
 */

struct field {
    char *bytes; /* NULL: a null */
    size_t length;
};

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place: what comes out is never longer. An unknown escape stays as it is. */
static void unescape(struct field *f) {
    size_t to = 0;
    for (size_t i = 0; i < f->length; i++) {
        char c = f->bytes[i];
        if (c == '\\' && i + 1 < f->length) {
            char next = f->bytes[i + 1];
            const char *known = strchr("t\tn\nr\r\\\\", next);
            if (next == 'x' && i + 3 < f->length && hex_digit(f->bytes[i + 2]) >= 0 &&
                hex_digit(f->bytes[i + 3]) >= 0) {
                c = (char)(hex_digit(f->bytes[i + 2]) * 16 + hex_digit(f->bytes[i + 3]));
                i += 3;
            } else if (known && next) {
                c = known[1];
                i++;
            }
        }
        f->bytes[to++] = c;
    }
    f->length = to;
}

/* The next column of a line, the rest of which is at *at; false at its end. */
static bool next_column(char **at, struct field *column) {
    if (!*at)
        return false;
    char *tab = strchr(*at, '\t');
    column->bytes = *at;
    column->length = tab ? (size_t)(tab - *at) : strlen(*at);
    if (tab)
        *tab = '\0';
    *at = tab ? tab + 1 : NULL;
    return true;
}

static struct field payload_of(const struct kt *kt, struct field column) {
    if (!strcmp(column.bytes, "\\N"))
        return (struct field){NULL, 0};
    if (kt->escaped)
        unescape(&column);
    return column;
}

static rd_kafka_headers_t *headers_of(const struct kt *kt, char *at) {
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    struct field column;
    while (next_column(&at, &column)) {
        char *name = column.bytes, *equals = strchr(name, '=');
        struct field value = {NULL, 0}; /* a name without `=` is a header with a null value */
        if (equals) {
            *equals = '\0';
            value = (struct field){equals + 1, column.length - (size_t)(equals + 1 - name)};
            if (kt->escaped)
                unescape(&value);
        }
        rd_kafka_header_add(headers, name, -1, value.bytes, (ssize_t)value.length);
    }
    return headers;
}

rd_kafka_resp_err_t kt_send_line(const struct kt *kt, rd_kafka_t *rk, const char *topic, char *line,
                                 long number) {
    struct field columns[4];
    for (int i = 0; i < 4; i++)
        if (!next_column(&line, &columns[i]))
            kt_fail(RD_KAFKA_RESP_ERR__INVALID_ARG, "line %ld has fewer than 4 columns", number);
    const char *partition_text = columns[0].bytes, *timestamp_text = columns[1].bytes;
    int32_t partition = RD_KAFKA_PARTITION_UA;
    int64_t timestamp_ms = 0; /* the client's clock */
    if (strcmp(partition_text, "-"))
        partition = (int32_t)kt_number(partition_text, 0, INT32_MAX);
    if (strcmp(timestamp_text, "-"))
        timestamp_ms = kt_number(timestamp_text, 1, INT64_MAX);
    struct field key = payload_of(kt, columns[2]), value = payload_of(kt, columns[3]);
    rd_kafka_headers_t *headers = headers_of(kt, line);
    rd_kafka_resp_err_t err;
    do { /* the client owns the headers once it accepts the record */
        err = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                RD_KAFKA_V_TIMESTAMP(timestamp_ms), RD_KAFKA_V_KEY(key.bytes, key.length),
                                RD_KAFKA_V_VALUE(value.bytes, value.length), RD_KAFKA_V_HEADERS(headers),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        rd_kafka_poll(rk, err ? 100 : 0);
    } while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    if (err)
        rd_kafka_headers_destroy(headers);
    return err;
}

static void require_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    (void)rk;
    (void)opaque;
    if (message->err)
        kt_fail(message->err, "not delivered: %s", rd_kafka_err2str(message->err));
}

static void require_ok(rd_kafka_error_t *error, const char *what) {
    if (error)
        kt_fail(rd_kafka_error_code(error), "%s: %s", what, rd_kafka_error_string(error));
}

void kt_produce(const struct kt *kt) {
    char timeout[32];
    snprintf(timeout, sizeof timeout, "%d", kt->timeout_ms);
    rd_kafka_conf_t *conf = kt_conf_new(kt);
    kt_conf_set(conf, "enable.idempotence", "true"); /* a retry neither doubles nor reorders */
    kt_conf_set(conf, "partitioner", "murmur2_random");
    if (kt->transaction) /* it bounds the delivery too */
        kt_conf_set(conf, "transactional.id", kt->transaction);
    else
        kt_conf_set(conf, "message.timeout.ms", timeout);
    rd_kafka_conf_set_dr_msg_cb(conf, require_delivered);
    rd_kafka_t *rk = kt_client_new(RD_KAFKA_PRODUCER, conf);
    kt_partition_count_known(kt, rk, kt->operands[0]);
    if (kt->transaction) {
        require_ok(rd_kafka_init_transactions(rk, kt->timeout_ms), "init_transactions");
        require_ok(rd_kafka_begin_transaction(rk), "begin_transaction");
    }
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    for (long number = 1; (length = getline(&line, &capacity, stdin)) >= 0; number++) {
        if (length && line[length - 1] == '\n')
            line[--length] = '\0';
        if (strlen(line) != (size_t)length)
            kt_fail(RD_KAFKA_RESP_ERR__INVALID_ARG, "line %ld has a zero byte: use --escaped", number);
        rd_kafka_resp_err_t err = kt_send_line(kt, rk, kt->operands[0], line, number);
        if (err)
            kt_fail(err, "line %ld: %s", number, rd_kafka_err2str(err));
    }
    free(line);
    rd_kafka_resp_err_t err = rd_kafka_flush(rk, kt->timeout_ms);
    if (err)
        kt_fail(err, "flush: %s", rd_kafka_err2str(err));
    if (kt->transaction && !strcmp(kt->end, "leave"))
        _exit(EXIT_SUCCESS); /* as a crash would: a tidy end may abort it */
    if (kt->transaction && !strcmp(kt->end, "abort"))
        require_ok(rd_kafka_abort_transaction(rk, kt->timeout_ms), "abort_transaction");
    else if (kt->transaction)
        require_ok(rd_kafka_commit_transaction(rk, kt->timeout_ms), "commit_transaction");
    rd_kafka_destroy(rk);
}

/* --- out --------------------------------------------------------------------------------------------------
 */

/* Length of the well-formed UTF-8 sequence at p, 0 if there is none (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF). */
static size_t utf8_length(const unsigned char *p, size_t left) {
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool outside = (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf4 && p[1] >= 0x90);
    return overlong || outside ? 0 : length;
}

static bool is_utf8(const void *bytes, size_t length) {
    const unsigned char *p = bytes;
    for (size_t i = 0, n; i < length; i += n)
        if ((n = utf8_length(p + i, length - i)) == 0)
            return false;
    return true;
}

void kt_print_string(const void *bytes, size_t length, bool binary) {
    const unsigned char *p = bytes;
    if (!p) {
        fputs("null", stdout);
        return;
    }
    putchar('"');
    for (size_t i = 0; i < length; i++) {
        if (p[i] == '"' || p[i] == '\\')
            printf("\\%c", p[i]);
        else if (p[i] < 0x20 || (binary && p[i] >= 0x7f))
            printf("\\u%04x", p[i]);
        else
            putchar(p[i]);
    }
    putchar('"');
}

static const char *timestamp_type_name(rd_kafka_timestamp_type_t type) {
    return type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? "log_append"
           : type == RD_KAFKA_TIMESTAMP_CREATE_TIME   ? "create"
                                                      : "none";
}

static bool is_binary(const rd_kafka_message_t *m, const rd_kafka_headers_t *headers) {
    const char *name;
    const void *value;
    size_t length;
    bool binary = !is_utf8(m->key, m->key_len) || !is_utf8(m->payload, m->len);
    for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &value, &length); i++)
        binary = binary || !is_utf8(name, strlen(name)) || !is_utf8(value, length);
    return binary;
}

static void print_record(const rd_kafka_message_t *m) {
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_message_headers(m, &headers);
    bool binary = is_binary(m, headers);
    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(m, &type);
    printf("{\"partition\":%d,\"offset\":%lld,\"timestamp\":%lld,\"timestamp_type\":\"%s\",\"key\":",
           m->partition, (long long)m->offset, (long long)timestamp_ms, timestamp_type_name(type));
    kt_print_string(m->key, m->key_len, binary);
    fputs(",\"value\":", stdout);
    kt_print_string(m->payload, m->len, binary);
    fputs(",\"headers\":[", stdout);
    const char *name;
    const void *value;
    size_t length;
    for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &value, &length); i++) {
        fputs(i ? ",[" : "[", stdout);
        kt_print_string(name, strlen(name), binary);
        putchar(',');
        kt_print_string(value, length, binary);
        putchar(']');
    }
    puts(binary ? "],\"binary\":true}" : "]}");
}

static void print_value(const rd_kafka_message_t *m) {
    if (m->payload)
        fwrite(m->payload, 1, m->len, stdout);
    else
        fputs("\\N", stdout);
    putchar('\n');
}

/* `assign` and no group: nothing here disturbs the groups under test. */
void kt_consume(const struct kt *kt) {
    rd_kafka_t *rk = kt_consumer_new(kt, "kt");
    int count = kt_partition_count_known(kt, rk, kt->operands[0]);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int partition = 0; partition < count; partition++)
        rd_kafka_topic_partition_list_add(list, kt->operands[0], partition)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t err = rd_kafka_assign(rk, list);
    if (err)
        kt_fail(err, "assign: %s", rd_kafka_err2str(err));
    rd_kafka_topic_partition_list_destroy(list);
    bool *ended = calloc((size_t)count, sizeof *ended);
    if (!ended)
        kt_fail(RD_KAFKA_RESP_ERR__FAIL, "out of memory");
    for (int at_end = 0; at_end < count;) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, kt->timeout_ms);
        if (!m)
            kt_fail(RD_KAFKA_RESP_ERR__TIMED_OUT, "%s: nothing for %d s", kt->operands[0],
                    kt->timeout_ms / 1000);
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) { /* again, if the partition has grown since */
            at_end += !ended[m->partition];
            ended[m->partition] = true;
        } else if (m->err)
            kt_fail(m->err, "%s[%d]: %s", kt->operands[0], m->partition, rd_kafka_message_errstr(m));
        else if (!strcmp(kt->format, "json"))
            print_record(m);
        else
            print_value(m);
        rd_kafka_message_destroy(m);
    }
    free(ended);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}
