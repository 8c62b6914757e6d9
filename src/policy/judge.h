/* F(ledger, policy, day): the status of a person as a pure function (SPEC 1, 4). No I/O, no clock, no
 * allocation, no state. What the weeks need is computed for all 122 weeks of the ledger at once, as masks and
 * bit-sliced sums, so that judging 98 sliding weeks costs tens of nanoseconds and no walk. Any thread. */
#ifndef ROLLCALL_JUDGE_H
#define ROLLCALL_JUDGE_H

#include "days.h"

#include <rollcall/change.h>
#include <rollcall/policy.h>

/* Days in a row that one roster record and one version of its policy rule. */
struct era {
    uint8_t from, to;     /* window bits, inclusive */
    uint8_t own_workdays; /* of the roster record; 0: names none */
    const struct policy *policy;
    const struct policy_version *version; /* effective on these days; NULL: none */
};

#define ERAS_MAX LEDGER_DAYS

/* What F sees of a person: sets of days over the ledger's window, whose bit 0 is `first`. */
struct view {
    civil_day first;
    day_bits present;      /* Present(x) of SPEC 3 */
    day_bits lifting;      /* an accepted swipe, not voided, or an attendance_credit */
    day_bits excused;      /* leave, or the home site closed or on hold */
    day_bits doubtful;     /* the home site on hold, or told late: no short week may rest on it */
    day_bits skipped;      /* dates that the home zone's calendar does not have */
    day_bits out_of_scope; /* the scope of SPEC 4, in its order */
    day_bits exempt;
    civil_day known_on, complete_from;
    uint32_t eras_count;
    struct era eras[ERAS_MAX]; /* cover the window, in order */
};

/* The week that a status rests on, with its arithmetic. */
struct judged_week {
    bool is_set;
    uint8_t start; /* window bit of its first day */
    uint8_t present, required, workable;
    uint8_t days; /* bit i: day start + i is present and countable */
};

struct verdict {
    enum status status;
    civil_day effective_on;
    struct judged_week week;
    const struct policy *policy; /* by which the week was judged; without a week that of the open day */
    const struct policy_version *version; /* NULL: none in force */
};

/* F at `closed`, taken as c. `with_lift`: today's status, which a swipe of an open day may lift; without it,
 * what a correction asks of a past day over today's ledger (SPEC 5). `closed` + 1 must lie in the window. */
void judge(const struct view *view, civil_day closed, bool with_lift, struct verdict *out);

#endif
