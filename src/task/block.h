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
#include <string.h>

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
 * its end. One that failed is at its end, too: nothing more is to be asked before a byte is taken. */
struct block_reader {
    const char *at, *end;
    bool failed;
};

static inline void block_fail(struct block_reader *r) {
    r->failed = true;
    r->at = r->end;
}

/* False with a reason if the value is not a whole, sound block of this version. */
bool block_open(const char *value, size_t len, struct block_header *header, struct block_reader *payload,
                const char **why);
void block_get_raw(struct block_reader *r, void *out, size_t len);
/* A number byte by byte; `next` is where the next one is, NULL if this one makes no sense. */
uint64_t block_decode_uint(const char *at, const char *end, const char **next);

/* Most numbers take one byte, dates three, instants six: a loop over the bytes would be guessed wrong often.
 * So up to eight are taken at once and their groups of seven bits moved together, pairs first. Inline, so
 * that a reader of many numbers is in registers. */
static inline uint64_t block_get_uint(struct block_reader *r) {
    uint64_t n, ends;
    if (r->at < r->end && (unsigned char)*r->at < 0x80)
        return (unsigned char)*r->at++;
    if (r->end - r->at >= (ptrdiff_t)sizeof n) {
        memcpy(&n, r->at, sizeof n);
        ends = ~n & UINT64_C(0x8080808080808080);
        if (ends) {
            unsigned last = (unsigned)__builtin_ctzll(ends);
            r->at += last / 8 + 1;
            n &= UINT64_C(0x7f7f7f7f7f7f7f7f) & UINT64_MAX >> (63 - last);
            n = (n & UINT64_C(0x7f007f007f007f00)) >> 1 | (n & UINT64_C(0x007f007f007f007f));
            n = (n & UINT64_C(0x3fff00003fff0000)) >> 2 | (n & UINT64_C(0x00003fff00003fff));
            return (n & UINT64_C(0x0fffffff00000000)) >> 4 | (n & UINT64_C(0x000000000fffffff));
        }
    }
    const char *next;
    n = block_decode_uint(r->at, r->end, &next);
    if (next)
        r->at = next;
    else
        block_fail(r);
    return n;
}

static inline int64_t block_get_int(struct block_reader *r) {
    uint64_t n = block_get_uint(r);
    return (int64_t)(n >> 1 ^ (n & 1 ? UINT64_MAX : 0));
}

/* Text of at most `max` bytes, in place. */
const char *block_get_text(struct block_reader *r, size_t max, size_t *len);

#endif
