/* The summary of the demo, as a manager could read it. Main thread. */
#ifndef ROLLCALL_DEMO_PRINT_H
#define ROLLCALL_DEMO_PRINT_H

#include "demo_story.h"
#include "terminal.h"

#include <rollcall/reasons.h>

void demo_print_statuses(const struct terminal *terminal, const struct story *story, int64_t now_ms);
void demo_print_weeks(const struct terminal *terminal, const struct story *story);
/* `chosen` and `strips`: STORY_CHOSEN of each; a person may be NULL. */
void demo_print_people(const struct terminal *terminal, const struct story_person *const *chosen,
                       const struct strip *strips, unsigned tolerance_days);

struct demo_totals {
    uint64_t sent, read;            /* to the broker, and by the workers */
    uint64_t calendar;              /* of those sent */
    uint64_t reasons[REASON_COUNT]; /* how they ended */
    uint64_t written, rejects;      /* state and reject records of the workers */
    uint64_t rejects_read;          /* read back */
    uint32_t workers, partitions;
    double seconds; /* from the first record read to the last one committed */
    uint64_t memory_bytes;
};

/* Records that the workers have to read: every partition's task reads the whole calendar. */
static inline uint64_t demo_totals_to_read(const struct demo_totals *totals) {
    return totals->sent + (totals->partitions - 1) * totals->calendar;
}
void demo_print_counts(const struct terminal *terminal, const struct story *story,
                       const struct demo_totals *totals);

/* A heading with a note at the right margin. */
void demo_print_heading(const struct terminal *terminal, const char *text, const char *note);

#endif
