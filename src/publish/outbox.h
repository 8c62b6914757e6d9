/* What waits to be published: records for the output topics, in the order in which they are to be written,
 * kept until the transaction that carries them is durable, so that an aborted one is written again from here,
 * byte for byte (SPEC 7). Owned by the worker of the task; replay prints from it and clears it. */
#ifndef ROLLCALL_OUTBOX_H
#define ROLLCALL_OUTBOX_H

#include "config.h"

#include <stddef.h>

struct out_header {
    const char *name; /* static storage or inside the outbox */
    const char *value;
    size_t value_len;
};

/* One record; all pointers lie in the outbox and die with outbox_clear. */
struct out_record {
    enum output output;
    const char *key;
    size_t key_len;
    const char *value; /* NULL: a null value, a tombstone */
    size_t value_len;
    const struct out_header *headers;
    size_t headers_count;
};

struct outbox {
    struct out_record *records;
    size_t count, records_capacity;
    struct out_chunk *chunks; /* newest first; bytes never move */
    size_t bytes;             /* taken from all chunks */
};

void outbox_init(struct outbox *box);
void outbox_fini(struct outbox *box);
/* Forgets all records; keeps one chunk for the next batch. */
void outbox_clear(struct outbox *box);
/* `len` bytes that live until outbox_clear; the caller fills them. */
char *outbox_take(struct outbox *box, size_t len);
/* A copy of `bytes` in the outbox. */
const char *outbox_copy(struct outbox *box, const void *bytes, size_t len);
/* A new record, zeroed but for `output`; the caller fills it with memory of the outbox. */
struct out_record *outbox_add(struct outbox *box, enum output output);

#endif
