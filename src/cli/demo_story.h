/* What the demo tells: folded from the state records that it read back from the broker, and nothing else.
 * Main thread. */
#ifndef ROLLCALL_DEMO_STORY_H
#define ROLLCALL_DEMO_STORY_H

#include "civil.h"
#include "company.h"
#include "decode.h"
#include "demo_broker.h"

#include <rollcall/change.h>

#define STORY_WEEKS_MAX 27
#define STORY_PATH_MAX  4

/* One person as of the last record. */
struct story_person {
    char id[ID_BYTES_MAX + 1], manager[ID_BYTES_MAX + 1], zone[64];
    uint32_t records; /* 0: nothing published, or forgotten since */
    enum status status;
    enum cause cause;
    civil_day since, effective_on;
    int64_t as_of_ms;
    bool has_week;
    struct change_week week;
    /* The statuses before, newest last; those of the last change are repeated in path[path_count - 1]. */
    struct {
        enum status status;
        civil_day since;
    } path[STORY_PATH_MAX];
    unsigned path_count;
};

struct story {
    const struct company *company;
    struct story_person *people;
    uint32_t people_count;
    uint64_t records, tombstones, changes; /* read back; of them changes of a known status */
    uint64_t broken;                       /* records that could not be read: a bug */
    uint64_t statuses[STATUS_COUNT];       /* now */
    /* How many had each status when a week's Sunday had closed in every zone; the last column is now. */
    unsigned weeks_count;
    struct {
        civil_day monday;
        int64_t until_ms;
        int64_t statuses[STATUS_COUNT];
    } weeks[STORY_WEEKS_MAX];
};

/* `from` is a Monday. */
void story_init(struct story *story, const struct company *company, civil_day from, const struct rules *rules,
                int64_t now_ms);
void story_fini(struct story *story);
void story_add(const struct demo_output *record, void *story);

/* Three people worth looking at, in different zones if it can be: one who is non-compliant and was not, one
 * at risk, one whom a swipe lifted. NULL where there is none. */
#define STORY_CHOSEN 3
void story_choose(const struct story *story, const struct story_person *chosen[STORY_CHOSEN]);

/* The days of one person, from the swipes in the log. */
#define STRIP_WEEKS 4
struct strip {
    civil_day monday;          /* of the first week */
    civil_day closed;          /* the last closed day of the home zone */
    civil_day today;           /* its date of now */
    uint32_t present, excused; /* bit i: monday + i */
};

/* Strips of `count` people, from a second look at the company's log: what the engine applies of it. */
void story_draw_strips(const struct company_setup *setup, const struct config *config,
                       const struct story_person *const *people, size_t count, int64_t now_ms,
                       struct strip *out);

#endif
