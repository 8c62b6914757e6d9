/* What the targets that drive a task share: the configuration of a small company, and bytes taken as records
 * of all five topics. The records are mostly of the right form, so that a mutation changes what happens, and
 * not only what is refused. */
#ifndef ROLLCALL_FUZZ_COMPANY_H
#define ROLLCALL_FUZZ_COMPANY_H

#include "changelog.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const company_files[][2] = {
    {"rollcall.yaml",
     "{\"policies\":\"policies.yaml\",\"sites\":\"sites.yaml\",\"people\":{\"unknown\":\"default_policy\"},"
     "\"time\":{\"settle\":\"24h\",\"complete_from\":\"2023-01-02\",\"default_zone\":\"Europe/London\"},"
     "\"guard\":{\"max_adverse_ratio\":0.1,\"min_people\":2}}"},
    {"policies.yaml",
     "{\"policies\":[{\"id\":\"office-3d\",\"versions\":[{\"effective_on\":\"2022-01-01\",\"grace_days\":0},"
     "{\"effective_on\":\"2023-02-01\",\"required_days\":4,\"accept\":[\"granted\",\"in\"]}]},"
     "{\"id\":\"field\",\"versions\":[{\"effective_on\":\"2022-01-01\",\"required_days\":1,"
     "\"rule\":{\"type\":\"sliding\",\"tolerance_days\":0}}]},"
     "{\"id\":\"weeks\",\"versions\":[{\"effective_on\":\"2022-01-01\",\"rule\":{\"type\":\"k_of_n\"}}]}]}"},
    {"sites.yaml",
     "{\"sites\":{\"SEA\":{\"zone\":\"America/Los_Angeles\"},\"BLR\":{\"zone\":\"Asia/Kolkata\"},"
     "\"WH\":{\"zone\":\"America/New_York\",\"counts\":false}}}"}};
#define COMPANY_FILES (sizeof company_files / sizeof company_files[0])

/* Never freed. */
static const struct config *company_load(void) {
    char directory[] = "/tmp/rollcall-fuzz-XXXXXX", path[64];
    CHECK(mkdtemp(directory) != NULL);
    for (size_t i = 0; i < COMPANY_FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, company_files[i][0]);
        FILE *file = fopen(path, "w");
        CHECK(file != NULL && fputs(company_files[i][1], file) >= 0 && fclose(file) == 0);
    }
    snprintf(path, sizeof path, "%s/%s", directory, company_files[0][0]);
    const struct config *config = config_load(path, NULL, 0, CONFIG_FOR_REPLAY, false, stderr);
    CHECK(config != NULL);
    for (size_t i = 0; i < COMPANY_FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, company_files[i][0]);
        CHECK(unlink(path) == 0);
    }
    CHECK(rmdir(directory) == 0);
    return config;
}

#define COMPANY_PEOPLE 12 /* enough for the guard to hold, few enough that records meet */

static struct task_setup company_setup(const struct config *config) {
    return (struct task_setup){.rules = &config->rules,
                               .fields = &config->fields,
                               .employees = COMPANY_PEOPLE,
                               .hash_seed = 7,
                               .segments = 4,
                               .complete_from = config->rules.complete_from,
                               .source = "fuzz",
                               .has_guard = true,
                               .has_changelog = true};
}

/* ---- bytes as records ---- */

struct company_bytes {
    const uint8_t *at, *end;
};

/* 0 behind the end. */
static unsigned company_byte(struct company_bytes *bytes) {
    return bytes->at == bytes->end ? 0 : *bytes->at++;
}

static unsigned company_below(struct company_bytes *bytes, unsigned n) {
    return company_byte(bytes) % n;
}

struct company_record {
    struct task_input input;
    char key[16], value[640];
};

/* A day of the first months of 2023. */
static void company_day(char out[11], unsigned n) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30};
    unsigned month = 0, day = n % 181;
    for (; day >= days[month]; month++)
        day -= days[month];
    snprintf(out, 11, "2023-%02u-%02u", (month + 1) % 13, (day + 1) % 32);
}

static void company_swipe(struct company_bytes *bytes, struct company_record *record, const char *id,
                          int64_t clock_ms) {
    static const char *const sites[] = {"SEA", "BLR", "WH", "nowhere"};
    static const char *const results[] = {"granted", "granted", "in", "denied"};
    unsigned how = company_byte(bytes), late = how & 7 ? 0 : company_byte(bytes);
    snprintf(record->value, sizeof record->value,
             "{\"employee_id\":\"%s\",\"occurred_at\":%lld,\"site_id\":\"%s\",\"result\":\"%s\"}", id,
             (long long)(clock_ms - late * INT64_C(7200000)), sites[how >> 3 & 3], results[how >> 5 & 3]);
}

static void company_roster(struct company_bytes *bytes, struct company_record *record, const char *id) {
    static const char *const homes[] = {"", ",\"home_site\":\"SEA\"", ",\"home_site\":\"BLR\"",
                                        ",\"home_zone\":\"Pacific/Auckland\"",
                                        ",\"home_site\":\"WH\",\"home_zone\":\"Pacific/Apia\""};
    static const char *const extras[] = {"", ",\"expectation\":\"none\"", ",\"policy\":\"field\"",
                                         ",\"policy\":\"weeks\"", ",\"workdays\":[\"mon\",\"tue\",\"sat\"]"};
    char from[11], effective[32] = "", left[32] = "";
    unsigned how = company_byte(bytes);
    if (how == 0xff) {
        record->input.value = NULL;
        return;
    }
    company_day(from, company_byte(bytes));
    if (how & 1)
        snprintf(effective, sizeof effective, ",\"effective_on\":\"%s\"", from);
    company_day(from, 2 * company_byte(bytes));
    if ((how & 6) == 6)
        snprintf(left, sizeof left, ",\"%s\":\"%s\"", how & 8 ? "left_on" : "hired_on", from);
    snprintf(record->value, sizeof record->value, "{\"employee_id\":\"%s\",\"manager_id\":\"m%u\"%s%s%s%s}",
             id, how & 3, homes[(how >> 4) % 5], extras[company_below(bytes, 5)], effective, left);
}

static void company_period(struct company_bytes *bytes, char from[11], char to[11]) {
    unsigned first = company_byte(bytes);
    company_day(from, first);
    company_day(to, first + company_below(bytes, 16));
}

static void company_leave(struct company_bytes *bytes, struct company_record *record, const char *id) {
    char from[11], to[11];
    unsigned how = company_byte(bytes);
    company_period(bytes, from, to);
    snprintf(record->value, sizeof record->value,
             "{\"employee_id\":\"%s\",\"leave_id\":\"l%u\",\"op\":\"%s\",\"effect\":\"%s\",\"from\":\"%s\","
             "\"to\":\"%s\"}",
             id, how & 3, how & 0xc ? "assert" : "cancel", how & 16 ? "excuse" : "credit", from, to);
}

static void company_calendar(struct company_bytes *bytes, struct company_record *record) {
    static const char *const sites[] = {"SEA", "BLR", "WH", "Europe/London"};
    static const char *const kinds[] = {"closed", "hold", "release"};
    char from[11], to[11];
    unsigned how = company_byte(bytes);
    company_period(bytes, from, to);
    record->input.key_len = (size_t)snprintf(record->key, sizeof record->key, "%s", sites[how & 3]);
    snprintf(record->value, sizeof record->value,
             "{\"site_id\":\"%s\",\"kind\":\"%s\",\"op\":\"%s\",\"from\":\"%s\",\"to\":\"%s\"}", record->key,
             kinds[(how >> 2) % 3], how & 64 ? "cancel" : "assert", from, to);
}

static void company_decision(struct company_bytes *bytes, struct company_record *record, const char *id) {
    static const char *const kinds[][2] = {{"attendance_credit", "hr"},
                                           {"attendance_void", "security"},
                                           {"exemption", "vp"},
                                           {"vp_approval", "vp"},
                                           {"revoke", "vp"},
                                           {"revoke", "hr"},
                                           {"dispute_opened", "hr"},
                                           {"dispute_closed", "hr"},
                                           {"verbal_warning", "manager"},
                                           {"written_warning", "hr"},
                                           {"case_closed", "hr"},
                                           {"vp_approval", "manager"}};
    char from[11], to[11];
    unsigned what = company_below(bytes, 12), ids = company_byte(bytes);
    company_period(bytes, from, to);
    snprintf(
        record->value, sizeof record->value,
        "{\"employee_id\":\"%s\",\"decision_id\":\"d%u\",\"kind\":\"%s\",\"decided_by\":\"boss\","
        "\"decided_by_role\":\"%s\",\"decided_at\":\"2023-01-02T00:00:00Z\",\"day\":\"%s\",\"from\":\"%s\","
        "\"to\":\"%s\",\"expires_on\":\"%s\",\"revokes\":\"d%u\"}",
        id, ids & 63, kinds[what][0], kinds[what][1], from, from, to, to, (ids >> 2) & 15);
}

/* The next record; false at the end of the bytes. The clock starts in January 2023 and goes up to two and a
 * half days further with each. */
static bool company_next(struct company_bytes *bytes, int64_t offset, int64_t *clock_ms,
                         struct company_record *record) {
    static const enum topic topics[] = {TOPIC_SWIPES, TOPIC_SWIPES,   TOPIC_SWIPES,    TOPIC_ROSTER,
                                        TOPIC_LEAVE,  TOPIC_CALENDAR, TOPIC_DECISIONS, TOPIC_DECISIONS};
    if (bytes->at == bytes->end)
        return false;
    unsigned who = company_byte(bytes), when = company_byte(bytes);
    char id[16];
    snprintf(id, sizeof id, "p%u", (who >> 3) % COMPANY_PEOPLE);
    *clock_ms += when < 128 ? when * INT64_C(60000) : (when - 127) * INT64_C(1700000);
    record->input = (struct task_input){.topic = topics[who & 7],
                                        .offset = offset,
                                        .arrival = {*clock_ms},
                                        .has_key = true,
                                        .key = record->key,
                                        .value = record->value};
    record->input.key_len = (size_t)snprintf(record->key, sizeof record->key, "%s", id);
    if (record->input.topic == TOPIC_SWIPES)
        company_swipe(bytes, record, id, *clock_ms);
    else if (record->input.topic == TOPIC_ROSTER)
        company_roster(bytes, record, id);
    else if (record->input.topic == TOPIC_LEAVE)
        company_leave(bytes, record, id);
    else if (record->input.topic == TOPIC_CALENDAR)
        company_calendar(bytes, record);
    else
        company_decision(bytes, record, id);
    record->input.value_len = record->input.value ? strlen(record->value) : 0;
    return true;
}

#define COMPANY_BEGINS_MS INT64_C(1672700000000) /* 2023-01-02 */

#endif
