/* A block: the framed value of a changelog record (changelog.h). Little-endian, varints, a checksum over all
 * of it.
 *
 *   0  magic "RCB1"   4  format version, u16   6  kind, u8   7  zero   8  number, u64 (delta; segment, of
 *  how many in the upper half if not of all; batch)
 *  16  delta, u64     24 count, u32            28 bytes of the payload, u32   32 XXH3 of the rest, u64   40
 * payload
 *
 * `delta` is the number of the next delta block when this one was written. The payload of people blocks
 * begins with the names that the entries refer to. Owner: the task's worker. */
#ifndef ROLLCALL_BLOCK_H
#define ROLLCALL_BLOCK_H

#include "people.h"

#include <rollcall/times.h>

#include <stddef.h>

enum block_kind { BLOCK_BIRTH = 1, BLOCK_TASK, BLOCK_DELTA, BLOCK_SNAPSHOT, BLOCK_CLOSURES };

#define BLOCK_HEADER_BYTES 40

struct block_header {
    enum block_kind kind;
    uint64_t number, delta;
    uint32_t count;
};

/* Growing bytes. The caller frees `bytes`. */
struct block_writer {
    char *bytes;
    size_t used, capacity;
};

void block_put_raw(struct block_writer *w, const void *bytes, size_t len);
void block_put_uint(struct block_writer *w, uint64_t n); /* varint */
void block_put_int(struct block_writer *w, int64_t n);   /* zigzag varint */
void block_put_text(struct block_writer *w, const char *text, size_t len);
/* Frames a payload: `out` has room for BLOCK_HEADER_BYTES + payload_len. */
void block_frame(char *out, const struct block_header *header, const char *payload, size_t payload_len);

/* Reads what may be damaged: every get on a reader that has failed gives zeros, so a decoder checks once at
 * its end. */
struct block_reader {
    const char *at, *end;
    bool failed;
};

/* False with a reason if the value is not a whole, sound block of this version. */
bool block_open(const char *value, size_t len, struct block_header *header, struct block_reader *payload,
                const char **why);
void block_get_raw(struct block_reader *r, void *out, size_t len);
uint64_t block_get_uint(struct block_reader *r);
int64_t block_get_int(struct block_reader *r);
/* Text of at most `max` bytes, in place. */
const char *block_get_text(struct block_reader *r, size_t max, size_t *len);

#endif
