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

/* ---- for those who explain a status: one week, and why it is judged as it is ---- */

enum week_result { WEEK_NEUTRAL, WEEK_SHORT, WEEK_MET };

/* Why a week is neutral: the first that applies, in the order of SPEC 4. */
enum week_neutral {
    NEUTRAL_NO_VERSION,
    NEUTRAL_NOTHING_WORKABLE,
    NEUTRAL_INCOMPLETE, /* begins before complete_from */
    NEUTRAL_NEW,        /* begins before the start s */
    NEUTRAL_GRACE,      /* begins in the grace days from s on */
    NEUTRAL_IN_DOUBT,   /* short, but for a day on hold or told late */
    NEUTRAL_NOT,        /* met or short */
};

struct week_told {
    enum week_result result;
    enum week_neutral why;
    struct judged_week week;     /* is_set unless there is no version */
    uint8_t expected;            /* bit i: day start + i is expected */
    const struct policy *policy; /* that of its first day */
    const struct policy_version *version;
};

/* The week that begins on window bit `start`, 0 to LEDGER_DAYS - WEEK_DAYS, as F judges it at `closed`. */
void judge_tell_week(const struct view *view, civil_day closed, int start, struct week_told *out);

/* From when on weeks are judged at `closed`: a week is neutral that begins before any of these. */
struct judging_start {
    civil_day start;       /* s of SPEC 4 */
    civil_day after_grace; /* s + grace_days */
    civil_day complete_from;
};
void judge_tell_start(const struct view *view, civil_day closed, struct judging_start *out);

#endif
