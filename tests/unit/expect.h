/* What the decoders must say of a value, said a second time, the slow and obvious way: SPEC 2 over what a
 * library parser (json_oracle.h) makes of the text. For tests; not thread-safe. */
#ifndef ROLLCALL_EXPECT_H
#define ROLLCALL_EXPECT_H

#include <rollcall/events.h>
#include <rollcall/reasons.h>

#include <stddef.h>

/* A set of reasons: with several faults of form each is right (SPEC 2). REASON_applied alone if there is
 * none. Empty: the library parser cannot say. */
typedef uint32_t reason_set;
_Static_assert(REASON_COUNT < 32, "a bit a reason");
static inline bool reasons_contain(reason_set set, enum reason reason) {
    return set >> reason & 1;
}

/* Each wholly fills *out if the value is right. The names of a swipe's fields are those of SPEC 2.
 * With faults of form out->occurred_at is right all the same, or EVENT_TIME_NONE. */
reason_set expect_swipe(const char *value, size_t len, struct swipe *out);
reason_set expect_roster(const char *value, size_t len, struct roster_record *out);
reason_set expect_leave(const char *value, size_t len, struct leave_record *out);
reason_set expect_calendar(const char *value, size_t len, struct calendar_record *out);
reason_set expect_decision(const char *value, size_t len, struct decision_record *out);

bool same_swipe(const struct swipe *a, const struct swipe *b);
bool same_roster(const struct roster_record *a, const struct roster_record *b);
bool same_leave(const struct leave_record *a, const struct leave_record *b);
bool same_calendar(const struct calendar_record *a, const struct calendar_record *b);
bool same_decision(const struct decision_record *a, const struct decision_record *b);

#endif
