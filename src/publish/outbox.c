/* See outbox.h. Owned by the worker of the task. Bytes are taken from chunks that never move, so that a
 * record may point at what was taken before it; after start-up the first chunk is large enough for a batch
 * and nothing is allocated. */
#include "outbox.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES  (256 * 1024)
#define RECORDS_KEPT 4096

struct out_chunk {
    struct out_chunk *older;
    size_t used, size;
    char bytes[];
};

void outbox_init(struct outbox *box) {
    *box = (struct outbox){0};
}

static void free_chunks(struct out_chunk *chunk) {
    while (chunk) {
        struct out_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
}

void outbox_fini(struct outbox *box) {
    free_chunks(box->chunks);
    free(box->records);
    outbox_init(box);
}

void outbox_clear(struct outbox *box) {
    box->count = 0;
    box->bytes = 0;
    if (box->records_capacity > RECORDS_KEPT) { /* a midnight's need not be kept through the day */
        free(box->records);
        box->records = NULL;
        box->records_capacity = 0;
    }
    struct out_chunk *chunk = box->chunks;
    if (chunk == NULL)
        return;
    if (chunk->size > CHUNK_BYTES || chunk->older) {
        free_chunks(chunk);
        box->chunks = NULL;
        return;
    }
    chunk->used = 0;
}

char *outbox_take(struct outbox *box, size_t len) {
    struct out_chunk *chunk = box->chunks;
    len = (len + 7) & ~(size_t)7;
    if (chunk == NULL || chunk->size - chunk->used < len) {
        size_t size = len > CHUNK_BYTES ? len : CHUNK_BYTES;
        struct out_chunk *newer = malloc(sizeof *newer + size);
        CHECK(newer != NULL);
        *newer = (struct out_chunk){.older = chunk, .used = 0, .size = size};
        box->chunks = chunk = newer;
    }
    char *bytes = chunk->bytes + chunk->used;
    chunk->used += len;
    box->bytes += len;
    return bytes;
}

const char *outbox_copy(struct outbox *box, const void *bytes, size_t len) {
    char *copy = outbox_take(box, len);
    memcpy(copy, bytes, len);
    return copy;
}

struct out_record *outbox_add(struct outbox *box, enum output output) {
    if (box->count == box->records_capacity) {
        box->records_capacity = box->records_capacity ? 2 * box->records_capacity : 256;
        box->records = xrealloc(box->records, box->records_capacity, sizeof *box->records);
    }
    struct out_record *record = &box->records[box->count++];
    *record = (struct out_record){.output = output};
    return record;
}
