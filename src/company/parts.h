/* What the files of the company share: its people, sites and the events of a day. Owner: the thread of the
 * company. */
#ifndef ROLLCALL_COMPANY_PARTS_H
#define ROLLCALL_COMPANY_PARTS_H

#include "civil.h"
#include "company.h"
#include "random.h"

#define DAY_MS    INT64_C(86400000)
#define MINUTE_MS 60000
#define HOUR_MS   3600000

/* The order is that of `sites` in people.c; the first HOME_SITES are somebody's home. */
#define HOME_SITES 6
enum { SITE_LOCKERS = HOME_SITES, SITE_POPUP, SITES };

enum country { COUNTRY_US, COUNTRY_UK, COUNTRY_IN };
/* Each vendor of access control writes its events in its own way. */
enum vendor { VENDOR_LOCAL_TIME, VENDOR_UTC, VENDOR_EPOCH };

struct place {
    const char *id, *zone;
    enum country country;
    enum vendor vendor;
    uint32_t share; /* of the people, per mille */
    uint32_t readers;
    bool says_entered; /* its turnstiles know that somebody walked through */
    bool is_listed;    /* in sites.yaml */
    bool counts;
};
extern const struct place company_places[SITES];

enum habit {
    HABIT_DAILY,
    HABIT_DILIGENT,
    HABIT_HYBRID,
    HABIT_FLEXIBLE,
    HABIT_DRIFTING,
    HABIT_RECOVERING,
    HABIT_RARE,
    HABIT_REMOTE,
    HABIT_NIGHT,
    HABIT_CONTRACTOR,
    HABITS,
};

#define POLICIES 2 /* office-3d, office-2d */
extern const char *const company_policy_ids[POLICIES];

/* Ids are a letter, E or (contractors) C, and so many digits: the number of the person and this. */
#define ID_DIGITS 7
#define ID_FIRST  1000000

#define NEVER UINT16_MAX

/* Offsets are days after `from`. */
struct person {
    uint16_t hired; /* 0: before the log begins */
    uint16_t left;
    uint16_t forgotten;         /* the roster says null */
    uint16_t changes;           /* site or policy */
    uint16_t turns;             /* when the habit of the drifting and the recovering changes */
    int8_t told_ahead;          /* how many days before the change; negative: told late */
    uint8_t leave_ahead;        /* how many days before the last one it is told */
    uint8_t site[2], policy[2]; /* before and after the change */
    uint8_t habit;
    uint8_t workdays;   /* bit 0 is Monday; 0: those of the policy */
    uint8_t favourites; /* the weekdays this person likes best for the office */
    uint8_t comes_at;   /* in steps of 5 minutes after midnight */
};

/* What a record says beside who and when. */
enum swipe_kind { SWIPE_IN, SWIPE_ENTERED, SWIPE_OUT, SWIPE_DOOR, SWIPE_DENIED };
enum roster_kind { ROSTER_HIRED, ROSTER_CHANGED, ROSTER_LEAVES, ROSTER_FORGOTTEN };

/* A record to come, in the bucket of its day of arrival. 16 bytes: a day of everybody's swipes is held. */
struct event {
    uint32_t order; /* millisecond of the day of arrival x 8 + topic: what is sorted by */
    uint32_t who;
    uint32_t detail; /* swipe: occurred_at; leave: which one; calendar: the day */
    uint8_t site, kind, reader, unused;
};
_Static_assert(sizeof(struct event) == 16, "events are small");

/* occurred_at of a swipe is its arrival - detail + this: clocks of readers may run ahead. */
#define OCCURRED_AHEAD_MS (10 * DAY_MS)

/* An absence that HR knows of, or a business trip. Days after `from`, both included. */
struct spell {
    bool exists;
    bool is_credit;
    int32_t told, first, last;
    uint32_t number;
};

struct bucket {
    struct event *events;
    size_t count, capacity;
};

/* No record arrives more than so many days after what it tells of. */
#define DELAY_DAYS_MAX 21
#define BUCKETS        32

#define DATES_KEPT 64

struct company {
    struct company_setup setup;
    const struct zones *zones;
    uint16_t zone[SITES];
    struct person *people; /* those on the roster, then the contractors */
    uint32_t people_count;
    int32_t days; /* lived ones */

    /* generation */
    int32_t next_day; /* the next to be generated, -1 at first: the roster as the log begins */
    struct bucket buckets[BUCKETS];

    /* emission */
    int32_t emit_day; /* the day of arrival that is handed out */
    size_t emit_next;
    struct event *scratch;
    size_t scratch_capacity;

    char value[512];
    char key[ID_BYTES_MAX];
    struct {
        int32_t day;
        char text[CIVIL_TEXT_BYTES];
    } dates[DATES_KEPT]; /* printed ones */
};

/* people.c */
void company_make_people(struct company *company);
bool company_is_holiday(enum country country, civil_day day);
struct spell company_leave_of(const struct company *company, uint32_t who, int32_t day);
struct spell company_trip_of(const struct company *company, uint32_t who, int32_t day);
civil_day company_hired_on(const struct company *company, uint32_t who);

/* days.c: fills the buckets with what is sent because of the day `day` after `from` (-1: the first load). */
void company_live_day(struct company *company, int32_t day);

/* lines.c: the record of an event that arrives on the day `day`. */
void company_print(struct company *company, const struct event *event, int32_t day,
                   struct company_record *out);

static inline civil_day company_date(const struct company *company, int32_t day) {
    return day_plus(company->setup.from, day);
}

#endif
