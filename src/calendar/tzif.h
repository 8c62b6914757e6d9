/* Reads one compiled zone file (TZif, RFC 9636): bytes in, spans of constant offset out. Pure but for the
 * allocation of the result; any thread. Every length in the file is checked against what there is: a damaged
 * file is refused with a reason, whatever its bytes. */
#ifndef ROLLCALL_TZIF_H
#define ROLLCALL_TZIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TZIF_MAGIC       "TZif"
#define TZIF_MAGIC_BYTES 4
#define TZIF_BYTES_MAX   (64 * 1024) /* the largest file of 2026f has 3844 bytes */

/* What the tables cover: beyond SPEC 2's 1970 to 2199 as written, at any offset, and then some for the days
 * that follow. Earlier instants have the offset at the first of these, later ones that at the last. */
#define ZONES_FIRST_YEAR 1968
#define ZONES_LAST_YEAR  2201
#define ZONES_FIRST_MS   (INT64_C(-731) * 86400000)  /* 1968-01-01T00:00:00Z */
#define ZONES_END_MS     (INT64_C(84736) * 86400000) /* 2202-01-01T00:00:00Z */

/* From `from_ms` on, until the next span begins, the local clock shows UTC + offset_ms. Milliseconds, so that
 * a look-up divides once. */
struct zone_span {
    int64_t from_ms, offset_ms;
};

/* The spans in order, neighbours with different offsets, the first from INT64_MIN on. NULL if the file is not
 * a sound one, with the reason in `*why` (a literal). The caller frees. */
struct zone_span *tzif_read(const uint8_t *bytes, size_t size, uint32_t *count, const char **why);

#endif
