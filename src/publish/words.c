/* The words of the contract (SPEC 6). Immutable; any thread. */
#include <rollcall/change.h>

#include "check.h"

const char *topic_name(enum topic topic) {
    static const char *const names[TOPIC_COUNT] = {"calendar", "roster", "leave", "decisions", "swipes"};
    CHECK(topic < TOPIC_COUNT);
    return names[topic];
}

const char *status_name(enum status status) {
    static const char *const names[STATUS_COUNT] = {"out_of_scope", "not_in_force", "exempt",       "unrated",
                                                    "compliant",    "at_risk",      "non_compliant"};
    CHECK(status < STATUS_COUNT);
    return names[status];
}

const char *cause_name(enum cause cause) {
    static const char *const names[CAUSE_COUNT] = {"swipe",    "day_close", "late_swipe", "leave",
                                                   "calendar", "roster",    "decision",   "policy"};
    CHECK(cause < CAUSE_COUNT);
    return names[cause];
}
