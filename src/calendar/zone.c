/* See zone.h: the look-ups. Tables do not change after zones_load, so any thread may call any of these; there
 * is no memo, since the bucket index makes a look-up as cheap as one. */
#include "zone.h"

#include "check.h"
#include "zone_table.h"

#define DAY_MS       INT64_C(86400000)
#define OFFSET_BOUND (26 * INT64_C(3600000)) /* no offset is that far from UTC: see tzif.c */

static const struct zone_table *table_of(const struct zones *zones, uint16_t zone) {
    CHECK(zone < zones->count);
    return zones->table_of[zone];
}

static int64_t clamp_ms(int64_t unix_ms) {
    return unix_ms < ZONES_FIRST_MS ? ZONES_FIRST_MS : unix_ms < ZONES_END_MS ? unix_ms : ZONES_END_MS - 1;
}

/* The span in force at an instant that clamp_ms has seen. */
static const struct zone_span *span_at(const struct zone_table *t, int64_t unix_ms) {
    const struct zone_span *span =
        &t->spans[t->first_span[(uint64_t)(unix_ms - ZONES_FIRST_MS) >> ZONE_BUCKET_BITS]];
    while (span[1].from_ms <= unix_ms)
        span++;
    return span;
}

/* Floor of a local time that is not before ZONES_FIRST_MS by more than a few days. */
static civil_day day_of_local(int64_t local_ms) {
    const int64_t shift_days = 1000; /* makes it positive: one unsigned division by a constant */
    return (civil_day){(int32_t)((uint64_t)(local_ms + shift_days * DAY_MS) / DAY_MS) - (int32_t)shift_days};
}

civil_day zone_day_of(const struct zones *zones, uint16_t zone, int64_t unix_ms) {
    int64_t ms = clamp_ms(unix_ms);
    return day_of_local(ms + span_at(table_of(zones, zone), ms)->offset_ms - zones->day_starts_at_ms);
}

civil_day zone_day_at_offset(const struct zones *zones, int32_t offset_s, int64_t unix_ms) {
    CHECK(offset_s > -OFFSET_BOUND / 1000 && offset_s < OFFSET_BOUND / 1000);
    return day_of_local(clamp_ms(unix_ms) + offset_s * INT64_C(1000) - zones->day_starts_at_ms);
}

int32_t zone_offset_s(const struct zones *zones, uint16_t zone, int64_t unix_ms) {
    return (int32_t)(span_at(table_of(zones, zone), clamp_ms(unix_ms))->offset_ms / 1000);
}

/* A span holds an instant of day d or earlier if it begins before the local time `day_end`, when d is over on
 * an undisturbed clock. The newest span that does holds the last such instant: spans behind it show only
 * later days, so what comes before it (the same date again, before a clock was set back) does not matter. */
int64_t zone_day_over_ms(const struct zones *zones, uint16_t zone, civil_day d) {
    const struct zone_table *t = table_of(zones, zone);
    int64_t day_end = ((int64_t)d.n + 1) * DAY_MS + zones->day_starts_at_ms;
    const struct zone_span *span = span_at(t, clamp_ms(day_end + OFFSET_BOUND));
    while (span->from_ms >= day_end - span->offset_ms)
        span--; /* ends at the first span, from INT64_MIN on */
    int64_t over = day_end - span->offset_ms;
    return over < span[1].from_ms ? over : span[1].from_ms;
}

bool zone_ever_skips(const struct zones *zones, uint16_t zone) {
    return table_of(zones, zone)->skips_days;
}

bool zone_skips_day(const struct zones *zones, uint16_t zone, civil_day d) {
    const struct zone_table *t = table_of(zones, zone);
    if (!t->skips_days)
        return false;
    int64_t first = d.n * DAY_MS, end = first + DAY_MS; /* local */
    const struct zone_span *span = span_at(t, clamp_ms(end + OFFSET_BOUND));
    for (;; span--) {
        if (span->from_ms < end - span->offset_ms && span[1].from_ms > first - span->offset_ms)
            return false;
        if (span->from_ms < first - OFFSET_BOUND)
            return true; /* spans before this one end before d begins anywhere */
    }
}
