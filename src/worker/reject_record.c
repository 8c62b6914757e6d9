/* See reject_record.h. The record is copied into the outbox, because its message dies long before the
 * transaction does. Worker thread. */
#include "reject_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OWN_HEADERS 7

static void add_header(struct outbox *box, struct out_record *record, struct out_header *headers,
                       const char *name, const void *value, size_t len) {
    headers[record->headers_count++] =
        (struct out_header){name, value ? outbox_copy(box, value, len) : NULL, value ? len : 0};
}

static void add_text(struct outbox *box, struct out_record *record, struct out_header *headers,
                     const char *name, const char *text) {
    add_header(box, record, headers, name, text, strlen(text));
}

/* So many that the record still fits; how many are left out is told. */
static size_t copy_headers(struct outbox *box, struct out_record *record, struct out_header *headers,
                           const rd_kafka_message_t *message) {
    rd_kafka_headers_t *theirs;
    if (rd_kafka_message_headers(message, &theirs) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    const char *name;
    const void *value;
    size_t len, left_out = 0, bytes = 0;
    for (size_t i = 0; rd_kafka_header_get_all(theirs, i, &name, &value, &len) == 0; i++) {
        size_t name_size = strlen(name) + 1;
        if (record->headers_count == HEADERS_MAX || bytes + name_size + len > HEADER_BYTES_MAX) {
            left_out++;
            continue;
        }
        bytes += name_size + len;
        add_header(box, record, headers, outbox_copy(box, name, name_size), value, len);
    }
    return left_out;
}

void reject_record_add(struct outbox *box, const rd_kafka_message_t *message, const char *topic,
                       const struct task_verdict *verdict) {
    char number[24];
    struct out_header *headers =
        (struct out_header *)(void *)outbox_take(box, (HEADERS_MAX + OWN_HEADERS) * sizeof *headers);
    struct out_record *record = outbox_add(box, OUTPUT_REJECTS);
    record->headers = headers;
    if (message->key) {
        record->key = outbox_copy(box, message->key, message->key_len);
        record->key_len = message->key_len;
    }
    if (message->payload) {
        /* What no broker would take back is cut; the header says how long it was. */
        record->value_len = message->len < BLOCK_BYTES_MAX ? message->len : BLOCK_BYTES_MAX;
        record->value = outbox_copy(box, message->payload, record->value_len);
    }
    size_t left_out = copy_headers(box, record, headers, message);
    add_text(box, record, headers, "rollcall-reason", reason_name(verdict->reason));
    add_text(box, record, headers, "rollcall-detail", verdict->detail.text);
    add_text(box, record, headers, "rollcall-topic", topic);
    snprintf(number, sizeof number, "%" PRId32, message->partition);
    add_text(box, record, headers, "rollcall-partition", number);
    snprintf(number, sizeof number, "%" PRId64, message->offset);
    add_text(box, record, headers, "rollcall-offset", number);
    if (record->value_len < message->len) {
        snprintf(number, sizeof number, "%zu", message->len);
        add_text(box, record, headers, "rollcall-cut-from", number);
    }
    if (left_out > 0) {
        snprintf(number, sizeof number, "%zu", left_out);
        add_text(box, record, headers, "rollcall-headers-left-out", number);
    }
}
