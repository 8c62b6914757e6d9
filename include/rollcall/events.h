/* The input records (SPEC 2) as decode hands them on: of fixed size, without pointers, checked for form and
 * no further. A struct is wholly filled by its decoder; absent optional fields have the value named here. */
#ifndef ROLLCALL_EVENTS_H
#define ROLLCALL_EVENTS_H

#include <rollcall/limits.h>
#include <rollcall/times.h>

/* A short string: 1 to 64 bytes of UTF-8, or absent (len 0). It may hold any character, U+0000 too. */
struct short_text {
    uint8_t len;
    char bytes[ID_BYTES_MAX];
};

/* The inputs, in the order in which records of one arrival are applied (SPEC 5). */
enum topic { TOPIC_CALENDAR, TOPIC_ROSTER, TOPIC_LEAVE, TOPIC_DECISIONS, TOPIC_SWIPES, TOPIC_COUNT };

/* swipe.result.len of a text over 64 bytes: equal to no word of an accept list. */
#define RESULT_TOO_LONG 255

struct swipe {
    struct short_text employee;
    struct short_text site; /* absent: len 0 */
    struct short_text result;
    bool has_result;  /* tells an absent result, which is `granted`, from an empty one, which is no word */
    bool has_offset;  /* occurred_at was text: its offset is known */
    int32_t offset_s; /* the written offset, seconds east of UTC; 0 without has_offset */
    event_time occurred_at;
};

struct roster_record {
    struct short_text employee;
    bool expects_office; /* expectation: office (default) or none */
    struct short_text policy, home_site, home_zone, manager;
    civil_day hired_on, left_on, effective_on; /* DAY_NONE: absent */
    uint8_t workdays;                          /* bit 0 is Monday; 0: absent */
};

enum leave_effect { LEAVE_EXCUSE, LEAVE_CREDIT };

struct leave_record {
    struct short_text employee, leave_id;
    bool is_cancel; /* then only the ids are set */
    enum leave_effect effect;
    civil_day from, to; /* inclusive */
};

enum calendar_kind { CALENDAR_CLOSED, CALENDAR_HOLD, CALENDAR_RELEASE };

struct calendar_record {
    struct short_text site;
    enum calendar_kind kind;
    bool is_cancel;
    civil_day from, to; /* DAY_NONE for a release */
};

enum decision_kind {
    DECISION_ATTENDANCE_CREDIT,
    DECISION_ATTENDANCE_VOID,
    DECISION_EXEMPTION,
    DECISION_VP_APPROVAL,
    DECISION_REVOKE,
    DECISION_DISPUTE_OPENED,
    DECISION_DISPUTE_CLOSED,
    DECISION_VERBAL_WARNING,
    DECISION_WRITTEN_WARNING,
    DECISION_CASE_CLOSED,
};

enum decision_role { ROLE_MANAGER, ROLE_HR, ROLE_VP, ROLE_SECURITY, ROLE_EMPLOYEE };

struct decision_record {
    struct short_text employee, decision_id, decided_by;
    enum decision_kind kind;
    enum decision_role role;
    event_time decided_at;
    civil_day day;        /* attendance_credit, attendance_void; else DAY_NONE */
    civil_day from, to;   /* exemption */
    civil_day expires_on; /* vp_approval */
    struct short_text revokes;
};

#endif
