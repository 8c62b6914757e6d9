/* A changelog partition as the bytes of a fuzzer: records one behind the other, each
 *
 *   length of the key, u8   length of the value, u24, all ones: a null value   key   value
 *
 * What is cut off ends the log. And blocks whose frame is put right again after their payload was changed:
 * how long it is, its checksum (block.h), said here a second time. */
#ifndef ROLLCALL_FUZZ_CHANGELOG_RECORDS_H
#define ROLLCALL_FUZZ_CHANGELOG_RECORDS_H

#include "block.h"
#include "outbox.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define RECORDS_MAX    256
#define RECORD_HEAD    4
#define NULL_VALUE_LEN 0xffffffu

struct log_record {
    uint8_t key_len;
    const char *key;
    const char *value; /* NULL: a null value */
    size_t value_len;
};

/* Returns how many there are, at most RECORDS_MAX; they lie in `data`. */
static size_t records_parse(const uint8_t *data, size_t size, struct log_record *out) {
    const char *at = (const char *)data, *end = at + size;
    size_t count = 0;
    while (count < RECORDS_MAX && end - at >= RECORD_HEAD) {
        struct log_record record = {.key_len = (uint8_t)at[0]};
        memcpy(&record.value_len, at + 1, 3);
        bool is_null = record.value_len == NULL_VALUE_LEN;
        if (is_null)
            record.value_len = 0;
        at += RECORD_HEAD;
        if ((size_t)(end - at) < record.key_len + record.value_len)
            break;
        record.key = at;
        record.value = is_null ? NULL : at + record.key_len;
        at += record.key_len + record.value_len;
        out[count++] = record;
    }
    return count;
}

/* Appends one; returns the bytes in use, `size` if there was no room for it. */
static size_t record_append(uint8_t *data, size_t size, size_t max, const struct log_record *record) {
    size_t need = RECORD_HEAD + record->key_len + record->value_len;
    if (need > max - size || record->value_len >= NULL_VALUE_LEN)
        return size;
    size_t value_len = record->value ? record->value_len : NULL_VALUE_LEN;
    data[size] = record->key_len;
    memcpy(data + size + 1, &value_len, 3);
    memcpy(data + size + RECORD_HEAD, record->key, record->key_len);
    if (record->value)
        memcpy(data + size + RECORD_HEAD + record->key_len, record->value, record->value_len);
    return size + need;
}

static struct log_record record_of(const struct out_record *from) {
    return (struct log_record){(uint8_t)from->key_len, from->key, from->value, from->value_len};
}

/* ---- the frame of a block ---- */

struct frame {
    char magic[4];
    uint16_t version, kind;
    uint64_t number, delta;
    uint32_t count, payload_bytes;
    uint64_t checksum;
};

_Static_assert(sizeof(struct frame) == BLOCK_HEADER_BYTES, "as block.h draws it");

/* The block has at least BLOCK_HEADER_BYTES. */
static void frame_put_right(char *block, size_t len) {
    struct frame frame;
    memcpy(&frame, block, sizeof frame);
    memcpy(frame.magic, "RCB1", sizeof frame.magic);
    frame.payload_bytes = (uint32_t)(len - sizeof frame);
    frame.checksum =
        XXH3_64bits_withSeed(block + sizeof frame, len - sizeof frame, XXH3_64bits(&frame, sizeof frame - 8));
    memcpy(block, &frame, sizeof frame);
}

/* The key that a block belongs to; returns its length. `old` is what a site's block had. */
static size_t frame_key(const char *block, size_t len, char key[256], const char *old, size_t old_len) {
    struct frame frame;
    memcpy(&frame, block, sizeof frame);
    unsigned long long number = frame.number;
    int written = -1;
    if (frame.kind == BLOCK_BIRTH)
        written = snprintf(key, 256, "born");
    else if (frame.kind == BLOCK_TASK)
        written = snprintf(key, 256, "task");
    else if (frame.kind == BLOCK_DELTA)
        written = snprintf(key, 256, "d%llu", number);
    else if (frame.kind == BLOCK_SNAPSHOT && number >> 32)
        written = snprintf(key, 256, "s%llu/%llu", number & UINT32_MAX, number >> 32);
    else if (frame.kind == BLOCK_SNAPSHOT)
        written = snprintf(key, 256, "s%llu", number);
    else if (frame.kind == BLOCK_CLOSURES && len > sizeof frame) {
        size_t id_len = (unsigned char)block[sizeof frame];
        if (id_len < 128 && id_len < len - sizeof frame) {
            key[0] = 'c';
            memcpy(key + 1, block + sizeof frame + 1, id_len);
            return 1 + id_len;
        }
    }
    if (written >= 0)
        return (size_t)written;
    memcpy(key, old, old_len);
    return old_len;
}

#endif
