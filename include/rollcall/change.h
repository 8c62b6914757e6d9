/* What the engine says: the state record of SPEC 6, field by field, before it is written as JSON
 * (publish/encode.h). Pointers are borrowed and valid until the call that the change is handed to returns. */
#ifndef ROLLCALL_CHANGE_H
#define ROLLCALL_CHANGE_H

#include <rollcall/events.h>

enum status {
    STATUS_OUT_OF_SCOPE,
    STATUS_NOT_IN_FORCE,
    STATUS_EXEMPT,
    STATUS_UNRATED,
    STATUS_COMPLIANT,
    STATUS_AT_RISK,
    STATUS_NON_COMPLIANT,
    STATUS_COUNT,
    STATUS_NONE = STATUS_COUNT, /* previous_status of the first record */
};

enum cause {
    CAUSE_SWIPE,
    CAUSE_DAY_CLOSE,
    CAUSE_LATE_SWIPE,
    CAUSE_LEAVE,
    CAUSE_CALENDAR,
    CAUSE_ROSTER,
    CAUSE_DECISION,
    CAUSE_POLICY,
    CAUSE_COUNT,
};

enum promotion_gate { GATE_CLEAR, GATE_PENDING, GATE_VP_APPROVED, GATE_VP_APPROVAL_REQUIRED };
enum case_stage { STAGE_NONE, STAGE_MANAGER_AWARE, STAGE_VERBAL_WARNING, STAGE_WRITTEN_WARNING };
enum case_basis { BASIS_NONE, BASIS_STANDING, BASIS_RETRACTED };
enum human_action {
    ACTION_NONE,
    ACTION_BASIS_RETRACTED,
    ACTION_RESOLVE_DISPUTE,
    ACTION_REVIEW_WITH_EMPLOYEE,
};
enum notify { NOTIFY_NOBODY, NOTIFY_EMPLOYEE, NOTIFY_EMPLOYEE_AND_MANAGER };

/* Where somebody became known: with seq, what an id is made of. `line` of replay stands in `offset`. */
struct record_place {
    enum topic topic;
    int32_t partition;
    int64_t offset;
};

struct change_week {
    bool is_set; /* false: "week": null */
    civil_day from, to;
    uint8_t present, required, workable;
    uint8_t days; /* bit i: day from + i is present and countable */
};

struct change {
    const struct short_text *employee;
    struct record_place known_at_place;
    arrival_time known_at;
    uint32_t seq;
    enum status status, previous_status;
    civil_day status_since;
    enum cause cause;
    civil_day effective_on;
    arrival_time as_of;
    const char *zone;             /* IANA name */
    uint32_t supersedes_seq;      /* 0: null */
    enum status corrected_status; /* with supersedes_seq */
    const struct short_text *policy_id;
    civil_day policy_version; /* DAY_NONE: null */
    const char *policy_hash;
    struct change_week week;
    enum promotion_gate gate;
    civil_day approved_until; /* DAY_NONE: null */
    enum case_stage stage;
    enum case_basis basis;
    uint32_t case_seq;                /* 0: null */
    const struct short_text *manager; /* NULL: null */
    enum notify notify;
    enum human_action action;
};

/* The words of the contract. Static storage. */
const char *topic_name(enum topic topic);
const char *status_name(enum status status);
const char *cause_name(enum cause cause);

#endif
