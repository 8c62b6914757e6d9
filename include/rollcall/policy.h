/* Policies and sites as the configuration declares them (SPEC 4, 8). Immutable after loading; any thread may
 * read. */
#ifndef ROLLCALL_POLICY_H
#define ROLLCALL_POLICY_H

#include <rollcall/events.h>

enum proration { PRORATION_RATIO, PRORATION_RATIO_DOWN, PRORATION_CAP };
enum rule_type { RULE_SLIDING, RULE_WEEKLY, RULE_K_OF_N };

struct k_of_n_term {
    uint8_t short_weeks; /* at least so many ... */
    uint8_t of_weeks;    /* ... of the newest so many are short; 1..CALENDAR_WEEKS_MAX */
};

struct policy_version {
    civil_day effective_on;
    uint8_t required_days; /* 0..7 */
    uint8_t workdays;      /* bit 0 is Monday; never 0 */
    bool weekends_count;   /* then every day is countable */
    enum proration proration;
    uint8_t grace_days;
    enum rule_type rule;
    uint8_t tolerance_days; /* sliding */
    uint8_t week_starts_on; /* weekly, k_of_n; 0 is Monday */
    bool terms_any;         /* k_of_n: combine is `or` */
    uint8_t terms_count;
    struct k_of_n_term terms[K_OF_N_TERMS_MAX];
    uint8_t accept_count;
    struct short_text accept[ACCEPT_WORDS_MAX];
};

struct policy {
    struct short_text id;
    char hash[65]; /* SHA-256 of the policy's canonical text, hex */
    uint32_t versions_count;
    struct policy_version *versions; /* by effective_on, rising, no two equal; at least one */
};

struct policies {
    uint32_t count;
    struct policy *list; /* in the order of the file: the first is the default */
};

#define ZONE_NONE ((uint16_t)0xffff) /* no zone: an index into the zones of calendar/zone.h otherwise */
#define SITE_NONE ((uint16_t)0xffff)

struct site {
    struct short_text id;
    uint16_t zone;
    bool counts; /* false: its swipes are ignored */
};

struct sites {
    uint32_t count;
    struct site *list; /* by id */
    uint16_t *index;   /* hash index over the ids, see config/sites.h */
    uint32_t index_size;
};

#endif
