/* The configuration (SPEC 8): rollcall.yaml with the policy and site files it names, read once at start,
 * immutable afterwards. Every option is one row of options.def, which feeds the reader, --set, `rollcall
 * check`, the reference page and the test that compares them with the shipped file. */
#ifndef ROLLCALL_CONFIG_H
#define ROLLCALL_CONFIG_H

#include "zone.h"

#include <rollcall/policy.h>

#include <stdio.h>

enum unknown_people { UNKNOWN_DEFAULT_POLICY, UNKNOWN_OUT_OF_SCOPE, UNKNOWN_REJECT };
enum delivery { DELIVERY_EXACTLY_ONCE, DELIVERY_AT_LEAST_ONCE };
enum output { OUTPUT_STATE, OUTPUT_REJECTS, OUTPUT_PROGRESS, OUTPUT_CHANGELOG, OUTPUT_COUNT };

/* What decode needs of `fields`: the names of the fields of a swipe in the source's own words. */
struct swipe_fields {
    char employee_id[65], occurred_at[65], site_id[65], result[65], direction[65];
};

/* What judging needs, all of it in the hash of the changelog (SPEC 6): policies, sites, `time`. */
struct rules {
    struct zones *zones;
    struct policies policies;
    struct sites sites;
    int64_t settle_ms, clock_skew_ms;
    int32_t lateness_days;
    int32_t day_starts_at_ms;
    uint16_t default_zone;
    civil_day complete_from; /* DAY_NONE: not set (replay then derives it) */
    bool allow_create_time;
    enum unknown_people unknown_people;
    double guard_max_adverse_ratio;
    uint32_t guard_min_people;
    uint8_t hash[32]; /* SHA-256 over policies, sites and time */
};

/* The value may be a secret: it is never printed. */
struct kafka_property {
    char *name, *value;
};

struct config {
    struct rules rules;
    char *policies_path, *sites_path; /* as one would open them; sites_path NULL: none */
    struct swipe_fields fields;
    char *topics[TOPIC_COUNT]; /* NULL: not read */
    char *outputs[OUTPUT_COUNT];
    struct kafka_property
        *kafka; /* checked against an allow-list (kafka.def); secrets read from their files */
    uint32_t kafka_count;
    enum delivery delivery;
    uint32_t workers, employees;
    char *http; /* host:port, or NULL for none */
};

/* Which sections must be there. */
enum config_use {
    CONFIG_FOR_REPLAY, /* no kafka, no topics needed (checked if there; secrets are not opened);
                          complete_from optional */
    CONFIG_FOR_RUN,
    CONFIG_FOR_CHECK, /* as for run if there is a kafka section, else as for replay, with a warning */
};

/* Reads `path` and what it names, with the values of `sets` ("section.key=value") in place of those in the
 * file. Prints every error to `errors` as "file:line: what is wrong" and returns NULL if there was one;
 * warnings of what is legal but unwise are printed as "file:line: warning: ..." if `warn`. The caller frees
 * with config_free. */
struct config *config_load(const char *path, const char *const *sets, size_t sets_count, enum config_use use,
                           bool warn, FILE *errors);
void config_free(struct config **config);

/* Another policy file judged by the same sites and times (whatif). NULL on error, as above. */
struct policies *config_load_policies(const char *path, FILE *errors);

void config_free_policies(struct policies **policies);

/* SITE_NONE if there is none of that id. */
uint16_t sites_find(const struct sites *sites, const char *id, size_t len);
/* -1 if there is none of that id. */
int policies_find(const struct policies *policies, const char *id, size_t len);

#endif
