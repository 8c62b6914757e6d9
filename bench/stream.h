/* The made-up company of the end-to-end benchmarks, and the swipes of its morning. Deterministic: what the
 * preloader writes and what the saved state says of the same people fit together. One thread.
 *
 * People live in two zones, at two sites each, and come on three days a week, so they are compliant under the
 * default rule. The saved state ends at a reference time at which a part of them has been in already on the
 * first open day. Of the swipes from there on one in six is the first of that person on that day, which sets
 * a new bit; the others repeat one. Some people were short by one day, so that their first swipe lifts them:
 * 1 % of all swipes change a status. */
#ifndef ROLLCALL_BENCH_STREAM_H
#define ROLLCALL_BENCH_STREAM_H

#include "config.h"

#include <stdint.h>

#define STREAM_SITES 4
#define STREAM_SITE_IDS                                                                                      \
    { "SEA33", "BER01", "SFO02", "MUC07" } /* and of their zones, in turn */
#define STREAM_ZONES 2
#define STREAM_ZONE_IDS                                                                                      \
    { "America/Los_Angeles", "Europe/Berlin" }
#define STREAM_FRESH_EVERY 6
#define STREAM_VALUE_MAX   256
#define STREAM_ID_MAX      16

struct stream_setup {
    uint32_t people, partitions;
    uint64_t swipes; /* at most 10 for each person: then the open days are full */
    int64_t reference_ms;
};

struct stream;

/* `rules` gives zones and `settle`, hence the open days; borrowed. */
struct stream *stream_new(const struct stream_setup *setup, const struct rules *rules);
void stream_free(struct stream **stream);

/* Ids are "E0000042". Returns the length; `out` has STREAM_ID_MAX bytes. */
size_t stream_write_id(uint32_t person, char *out);
uint32_t stream_partition(const struct stream *s, uint32_t person);
/* Value of the roster record of a person; returns its length. `out` has STREAM_VALUE_MAX bytes. */
size_t stream_write_roster(uint32_t person, char *out);

struct stream_swipe {
    uint32_t person;
    bool is_fresh; /* sets a new bit */
    size_t len;
    char value[STREAM_VALUE_MAX];
};
/* The swipes of the morning, in order; each call gives the next one. False at the end. */
bool stream_next(struct stream *s, struct stream_swipe *out);

/* What was before: was the person in, `ago` days before the first open day (0: on it)? */
bool stream_was_in(const struct stream *s, uint32_t person, int32_t ago);
/* The first open day at the reference time in the person's zone. */
civil_day stream_open_day(const struct stream *s, uint32_t person);
/* A swipe of the person on a day, for the time before the reference; returns its length. */
size_t stream_write_swipe(const struct stream *s, uint32_t person, civil_day day, bool is_fresh,
                          uint64_t random, char *out);

/* A random number of the sequence that `state` holds. */
uint64_t stream_draw(uint64_t *state);

#endif
