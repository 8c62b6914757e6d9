/* See block.h. */
#include "block.h"

#include "changelog.h"
#include "check.h"

#include <string.h>
#include <xxhash.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "day bits are stored as they lie in memory");

static const char magic[4] = {'R', 'C', 'B', '1'};

void block_put_raw(struct block_writer *w, const void *bytes, size_t len) {
    if (w->used + len > w->capacity) {
        w->capacity = w->used + len > 2 * w->capacity ? w->used + len + 4096 : 2 * w->capacity;
        w->bytes = xrealloc(w->bytes, w->capacity, 1);
    }
    if (len)
        memcpy(w->bytes + w->used, bytes, len);
    w->used += len;
}

void block_put_uint(struct block_writer *w, uint64_t n) {
    unsigned char bytes[10];
    size_t len = 0;
    while (n >= 0x80) {
        bytes[len++] = (unsigned char)(n | 0x80);
        n >>= 7;
    }
    bytes[len++] = (unsigned char)n;
    block_put_raw(w, bytes, len);
}

void block_put_int(struct block_writer *w, int64_t n) {
    block_put_uint(w, (uint64_t)n << 1 ^ (n < 0 ? UINT64_MAX : 0));
}

void block_put_text(struct block_writer *w, const char *text, size_t len) {
    block_put_uint(w, len);
    block_put_raw(w, text, len);
}

static void store(char *out, uint64_t n, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        out[i] = (char)(n >> 8 * i);
}

static uint64_t load(const char *in, unsigned bytes) {
    uint64_t n = 0;
    for (unsigned i = 0; i < bytes; i++)
        n |= (uint64_t)(unsigned char)in[i] << 8 * i;
    return n;
}

/* Everything but the checksum's own eight bytes. */
static uint64_t checksum(const char *block, size_t payload_len) {
    uint64_t head = XXH3_64bits(block, 32);
    return XXH3_64bits_withSeed(block + BLOCK_HEADER_BYTES, payload_len, head);
}

void block_frame(char *out, const struct block_header *header, const char *payload, size_t payload_len) {
    CHECK(payload_len <= UINT32_MAX);
    memcpy(out, magic, sizeof magic);
    store(out + 4, CHANGELOG_VERSION, 2);
    store(out + 6, (uint64_t)header->kind, 2);
    store(out + 8, header->number, 8);
    store(out + 16, header->delta, 8);
    store(out + 24, header->count, 4);
    store(out + 28, payload_len, 4);
    memcpy(out + BLOCK_HEADER_BYTES, payload, payload_len);
    store(out + 32, checksum(out, payload_len), 8);
}

bool block_open(const char *value, size_t len, struct block_header *header, struct block_reader *payload,
                const char **why) {
    if (len < BLOCK_HEADER_BYTES || memcmp(value, magic, sizeof magic) != 0) {
        *why = "not a block of a rollcall changelog";
        return false;
    }
    if (load(value + 4, 2) < 1 || load(value + 4, 2) > CHANGELOG_VERSION) {
        *why = load(value + 4, 2) > CHANGELOG_VERSION ? "written by a newer version of rollcall"
                                                      : "of a format version that was never released";
        return false;
    }
    if (load(value + 28, 4) != len - BLOCK_HEADER_BYTES) {
        *why = "cut off, or longer than it says";
        return false;
    }
    if (load(value + 32, 8) != checksum(value, len - BLOCK_HEADER_BYTES)) {
        *why = "damaged: the checksum does not match";
        return false;
    }
    *header = (struct block_header){.kind = (enum block_kind)load(value + 6, 2),
                                    .number = load(value + 8, 8),
                                    .delta = load(value + 16, 8),
                                    .count = (uint32_t)load(value + 24, 4)};
    *payload = (struct block_reader){.at = value + BLOCK_HEADER_BYTES, .end = value + len};
    return true;
}

void block_get_raw(struct block_reader *r, void *out, size_t len) {
    if ((size_t)(r->end - r->at) < len) {
        block_fail(r);
        memset(out, 0, len);
        return;
    }
    memcpy(out, r->at, len);
    r->at += len;
}

uint64_t block_decode_uint(const char *at, const char *end, const char **next) {
    uint64_t n = 0;
    *next = NULL;
    for (unsigned shift = 0; shift < 64 && at < end; shift += 7) {
        unsigned char byte = (unsigned char)*at++;
        n |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *next = at;
            return n;
        }
    }
    return 0;
}

const char *block_get_text(struct block_reader *r, size_t max, size_t *len) {
    uint64_t n = block_get_uint(r);
    if (r->failed || n > max || n > (uint64_t)(r->end - r->at)) {
        block_fail(r);
        *len = 0;
        return "";
    }
    const char *text = r->at;
    r->at += n;
    *len = (size_t)n;
    return text;
}
