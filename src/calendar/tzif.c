/* See tzif.h. A file holds its data twice: in 32 bits for old readers, which is skipped here, then in 64 bits
 * with a footer for the time after the last transition. The footer is expanded up to ZONES_LAST_YEAR once,
 * here, so that no look-up ever computes a rule. Any thread. */
#include "tzif.h"

#include "check.h"
#include "posix_tz.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES 44
#define TYPE_BYTES   6
#define TYPES_MAX    256
/* RFC 9636, 3.2: what a reader need not go beyond. zone.c counts on less than 26 hours. */
#define OFFSET_S_MIN (-89999)
#define OFFSET_S_MAX 93599

struct header {
    uint8_t version;
    uint32_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};

/* The 64-bit block, in place. */
struct block {
    uint32_t timecnt, typecnt;
    const uint8_t *times, *indexes, *types;
    const char *footer;
    size_t footer_len;
};

static uint32_t read_u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t read_i64(const uint8_t *p) {
    return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

static bool read_header(const uint8_t *bytes, size_t size, struct header *h, const char **why) {
    if (size < HEADER_BYTES || memcmp(bytes, TZIF_MAGIC, TZIF_MAGIC_BYTES) != 0) {
        *why = "damaged: it ends where a TZif header should be";
        return false;
    }
    *h = (struct header){bytes[4],
                         read_u32(bytes + 20),
                         read_u32(bytes + 24),
                         read_u32(bytes + 28),
                         read_u32(bytes + 32),
                         read_u32(bytes + 36),
                         read_u32(bytes + 40)};
    if (h->typecnt == 0 || h->typecnt > TYPES_MAX || h->charcnt == 0 ||
        (h->isutcnt != 0 && h->isutcnt != h->typecnt) || (h->isstdcnt != 0 && h->isstdcnt != h->typecnt)) {
        *why = "damaged: impossible counts in its header";
        return false;
    }
    return true;
}

/* Of what follows the header. Counts are 32 bits wide: no overflow in 64. */
static uint64_t data_bytes(const struct header *h, unsigned time_bytes) {
    return (uint64_t)h->timecnt * (time_bytes + 1) + (uint64_t)h->typecnt * TYPE_BYTES + h->charcnt +
           (uint64_t)h->leapcnt * (time_bytes + 4) + h->isstdcnt + h->isutcnt;
}

static bool find_block(const uint8_t *bytes, size_t size, struct block *b, const char **why) {
    struct header h;
    if (!read_header(bytes, size, &h, why))
        return false;
    if (h.version < '2') {
        *why = "of version 1: 32-bit times end in 2038; build the tz database with a zic of 2005 or later";
        return false;
    }
    uint64_t skip = HEADER_BYTES + data_bytes(&h, 4);
    if (skip > size) {
        *why = "damaged: shorter than its header says";
        return false;
    }
    bytes += skip;
    size -= skip;
    if (!read_header(bytes, size, &h, why))
        return false;
    if (h.leapcnt > 0) {
        *why = "counts leap seconds: Unix time does not (is this a \"right\" directory?)";
        return false;
    }
    uint64_t length = HEADER_BYTES + data_bytes(&h, 8);
    if (length > size) {
        *why = "damaged: shorter than its header says";
        return false;
    }
    b->timecnt = h.timecnt;
    b->typecnt = h.typecnt;
    b->times = bytes + HEADER_BYTES;
    b->indexes = b->times + (size_t)h.timecnt * 8;
    b->types = b->indexes + h.timecnt;
    b->footer = (const char *)bytes + length + 1;
    const char *end = (const char *)bytes + size;
    const char *newline =
        length < size && bytes[length] == '\n' ? memchr(b->footer, '\n', (size_t)(end - b->footer)) : NULL;
    if (newline == NULL) {
        *why = "damaged: its footer is missing or cut off";
        return false;
    }
    b->footer_len = (size_t)(newline - b->footer);
    return true;
}

static int64_t type_offset_s(const struct block *b, size_t type) {
    return (int32_t)read_u32(b->types + type * TYPE_BYTES);
}

static bool check_block(const struct block *b, const char **why) {
    for (size_t i = 0; i < b->typecnt; i++) {
        int64_t offset = type_offset_s(b, i);
        if (offset < OFFSET_S_MIN || offset > OFFSET_S_MAX) {
            *why = "damaged: an impossible offset from UTC";
            return false;
        }
    }
    for (size_t i = 0; i < b->timecnt; i++) {
        if (b->indexes[i] >= b->typecnt) {
            *why = "damaged: a transition to a type of time that it does not have";
            return false;
        }
        if (i > 0 && read_i64(b->times + i * 8) <= read_i64(b->times + (i - 1) * 8)) {
            *why = "damaged: its transitions are not in order";
            return false;
        }
    }
    return true;
}

struct builder {
    struct zone_span *spans;
    uint32_t count;
};

/* The offset from `at_s` on; instants come in rising order. */
static void add_span(struct builder *b, int64_t at_s, int64_t offset_s) {
    struct zone_span *last = &b->spans[b->count - 1];
    if (at_s <= ZONES_FIRST_MS / 1000)
        last->offset_ms = offset_s * 1000; /* only the newest of these matters */
    else if (at_s < ZONES_END_MS / 1000 && last->offset_ms != offset_s * 1000)
        b->spans[b->count++] = (struct zone_span){at_s * 1000, offset_s * 1000};
}

/* What the footer says of the time after `last_s`. The dst of one year and that of the next may touch or
 * overlap (dst all the year): an end is only added when the next start is seen to lie behind it. */
static void add_rule(struct builder *b, const struct posix_tz *tz, int64_t last_s) {
    int64_t dst_end_s = INT64_MIN; /* of the dst seen last */
    for (int year = ZONES_FIRST_YEAR - 1; year <= ZONES_LAST_YEAR + 1; year++) {
        int64_t start_s = posix_tz_start_s(tz, year), end_s = posix_tz_end_s(tz, year);
        if (end_s <= start_s)
            end_s = posix_tz_end_s(tz, year + 1);
        if (start_s > dst_end_s) {
            if (dst_end_s > last_s)
                add_span(b, dst_end_s, tz->std_offset_s);
            if (start_s > last_s)
                add_span(b, start_s, tz->dst_offset_s);
        }
        dst_end_s = end_s; /* never falls: the dates of a rule move by days from year to year */
    }
}

struct zone_span *tzif_read(const uint8_t *bytes, size_t size, uint32_t *count, const char **why) {
    struct block block;
    struct posix_tz tz = {0};
    if (!find_block(bytes, size, &block, why) || !check_block(&block, why))
        return NULL;
    /* An empty footer says nothing: the last offset stays. */
    bool has_rule = block.footer_len > 0;
    if (has_rule && !posix_tz_parse(block.footer, block.footer_len, &tz)) {
        *why = "damaged: its footer is no POSIX TZ string";
        return NULL;
    }
    size_t rule_spans = tz.has_dst ? 2 * (ZONES_LAST_YEAR - ZONES_FIRST_YEAR + 3) : 0;
    struct builder b = {xcalloc(1 + block.timecnt + rule_spans, sizeof *b.spans), 1};
    bool is_rule_only = block.timecnt == 0 && has_rule;
    b.spans[0] =
        (struct zone_span){INT64_MIN, 1000 * (is_rule_only ? tz.std_offset_s : type_offset_s(&block, 0))};
    int64_t last_s = INT64_MIN;
    for (size_t i = 0; i < block.timecnt; i++) {
        last_s = read_i64(block.times + i * 8);
        add_span(&b, last_s, type_offset_s(&block, block.indexes[i]));
    }
    if (tz.has_dst)
        add_rule(&b, &tz, last_s);
    *count = b.count;
    return b.spans;
}
