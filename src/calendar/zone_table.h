/* The immutable tables behind zone.h: built by zone_tree.c, read by zone.c, seen by nobody else. */
#ifndef ROLLCALL_ZONE_TABLE_H
#define ROLLCALL_ZONE_TABLE_H

#include "tzif.h"

#include <rollcall/limits.h>

/* A bucket is 2^34 ms, 199 days: a zone changes its clocks once or twice in it, so the walk from the bucket's
 * first span ends after a step or two, without the branches of a binary search. */
#define ZONE_BUCKET_BITS 34
#define ZONE_BUCKETS     (((ZONES_END_MS - ZONES_FIRST_MS) >> ZONE_BUCKET_BITS) + 1)

struct zone_table {
    uint32_t spans_count;
    bool skips_days;                   /* the clock once jumped a whole day or more */
    uint16_t first_span[ZONE_BUCKETS]; /* the one in force where the bucket begins */
    struct zone_span spans[];          /* and one more, from INT64_MAX on, that ends every walk */
};

/* Names that mean the same (links, and zones that are alike since 1968) share a table. */
struct zones {
    int64_t day_starts_at_ms;
    uint32_t count;
    const struct zone_table *table_of[ZONES_MAX]; /* in place: one load less on the way of a swipe */
    char *names[ZONES_MAX];                       /* rising, by strcmp */
    struct zone_table *tables[ZONES_MAX];         /* each once; owned */
    uint32_t tables_count;
    char version[32];
};

#endif
