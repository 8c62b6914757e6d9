/* See demo_story.h. */
#include "demo_story.h"

#include "check.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

void story_init(struct story *story, const struct company *company, civil_day from, const struct rules *rules,
                int64_t now_ms) {
    uint16_t last_zone = zones_find(rules->zones, "America/Los_Angeles", strlen("America/Los_Angeles"));
    *story = (struct story){.company = company, .people_count = company_people_count(company)};
    story->people = xcalloc(story->people_count, sizeof *story->people);
    civil_day monday = from;
    while (story->weeks_count < STORY_WEEKS_MAX - 1) {
        civil_day sunday = day_plus(monday, WEEK_DAYS - 1);
        int64_t closed_ms = zone_day_over_ms(rules->zones, last_zone, sunday) + rules->settle_ms;
        if (closed_ms > now_ms)
            break;
        story->weeks[story->weeks_count].monday = monday;
        story->weeks[story->weeks_count++].until_ms = closed_ms;
        monday = day_plus(monday, WEEK_DAYS);
    }
    story->weeks[story->weeks_count].monday = DAY_NONE;
    story->weeks[story->weeks_count++].until_ms = INT64_MAX;
}

void story_fini(struct story *story) {
    free(story->people);
    story->people = NULL;
}

/* ---- reading a record ---- */

enum { STATUS, CAUSE, STATUS_SINCE, EFFECTIVE_ON, AS_OF, ZONE, MANAGER_ID, WEEK, FIELDS };
static const json_name names[FIELDS] = {"status", "cause", "status_since", "effective_on",
                                        "as_of",  "zone",  "manager_id",   "week"};

static bool take_day(const struct json_value *value, civil_day *out) {
    return value->kind == JSON_STRING && civil_parse(value->at, value->len, out);
}

static bool take_text(const struct json_value *value, char *out, size_t size) {
    size_t len = value->kind == JSON_STRING ? json_text(value, out, size - 1) : 0;
    if (len >= size)
        return false;
    out[len] = '\0';
    return true;
}

static bool take_number(const struct json_value *value, uint8_t *out) {
    *out = 0;
    for (uint32_t i = 0; i < value->len && value->kind == JSON_INTEGER; i++)
        *out = (uint8_t)(*out * 10 + value->at[i] - '0');
    return value->kind == JSON_INTEGER;
}

static bool take_status(const struct json_value *value, enum status *out) {
    char word[32];
    if (!take_text(value, word, sizeof word))
        return false;
    for (*out = 0; *out < STATUS_COUNT; ++*out)
        if (strcmp(word, status_name(*out)) == 0)
            return true;
    return false;
}

static bool take_cause(const struct json_value *value, enum cause *out) {
    char word[32];
    if (!take_text(value, word, sizeof word))
        return false;
    for (*out = 0; *out < CAUSE_COUNT; ++*out)
        if (strcmp(word, cause_name(*out)) == 0)
            return true;
    return false;
}

/* The dates of `days` as bits. */
static bool take_days(const struct json_value *value, civil_day from, uint8_t *out) {
    civil_day day;
    *out = 0;
    if (value->kind != JSON_ARRAY)
        return false;
    for (const char *p = value->at, *end = value->at + value->len; end - p > CIVIL_TEXT_BYTES; p++)
        if (*p == '"' && civil_parse(p + 1, CIVIL_TEXT_BYTES - 1, &day)) {
            *out = (uint8_t)(*out | 1u << (day.n - from.n));
            p += CIVIL_TEXT_BYTES;
        }
    return true;
}

static bool take_week(const struct json_value *value, struct change_week *out) {
    enum { FROM, TO, PRESENT, REQUIRED, WORKABLE, DAYS, WEEK_FIELDS };
    static const json_name week_names[WEEK_FIELDS] = {"from",     "to",       "present",
                                                      "required", "workable", "days"};
    struct json_value values[WEEK_FIELDS];
    struct json_scan scan;
    *out = (struct change_week){0};
    if (value->kind == JSON_ABSENT)
        return true;
    json_open(&scan, value->at, value->len);
    out->is_set =
        json_read_object(&scan, week_names, WEEK_FIELDS, values) && take_day(&values[FROM], &out->from) &&
        take_day(&values[TO], &out->to) && take_number(&values[PRESENT], &out->present) &&
        take_number(&values[REQUIRED], &out->required) && take_number(&values[WORKABLE], &out->workable) &&
        take_days(&values[DAYS], out->from, &out->days);
    return out->is_set;
}

static bool read_record(const struct demo_output *record, struct story_person *person) {
    struct json_value values[FIELDS];
    struct json_scan scan;
    int32_t offset_s;
    json_open(&scan, record->value, record->value_len);
    return json_read_object(&scan, names, FIELDS, values) && take_status(&values[STATUS], &person->status) &&
           take_cause(&values[CAUSE], &person->cause) && take_day(&values[STATUS_SINCE], &person->since) &&
           take_day(&values[EFFECTIVE_ON], &person->effective_on) &&
           rfc3339_parse(values[AS_OF].at, values[AS_OF].len, &person->as_of_ms, &offset_s) &&
           take_text(&values[ZONE], person->zone, sizeof person->zone) &&
           take_text(&values[MANAGER_ID], person->manager, sizeof person->manager) &&
           take_week(&values[WEEK], &person->week);
}

/* ---- folding ---- */

static void count(struct story *story, int64_t as_of_ms, enum status before, enum status after) {
    for (unsigned i = 0; i < story->weeks_count; i++) {
        if (story->weeks[i].until_ms < as_of_ms)
            continue;
        if (before != STATUS_NONE)
            story->weeks[i].statuses[before]--;
        if (after != STATUS_NONE)
            story->weeks[i].statuses[after]++;
    }
    if (before != STATUS_NONE)
        story->statuses[before]--;
    if (after != STATUS_NONE)
        story->statuses[after]++;
}

static void extend_path(struct story_person *person) {
    if (person->path_count == STORY_PATH_MAX)
        memmove(&person->path[0], &person->path[1], --person->path_count * sizeof person->path[0]);
    person->path[person->path_count].status = person->status;
    person->path[person->path_count++].since = person->since;
}

void story_add(const struct demo_output *record, void *opaque) {
    struct story *story = opaque;
    uint32_t who;
    if (!company_find_person(story->company, record->key, record->key_len, &who)) {
        story->broken++;
        return;
    }
    struct story_person *person = &story->people[who];
    enum status before = person->records > 0 ? person->status : STATUS_NONE;
    if (record->value == NULL) {
        int64_t as_of_ms;
        int32_t offset_s;
        if (!rfc3339_parse(record->as_of, record->as_of_len, &as_of_ms, &offset_s))
            story->broken++;
        else
            count(story, as_of_ms, before, STATUS_NONE);
        *person = (struct story_person){0};
        story->tombstones++;
        return;
    }
    if (!read_record(record, person)) {
        story->broken++;
        return;
    }
    memcpy(person->id, record->key, record->key_len);
    person->records++;
    story->records++;
    story->changes += before != STATUS_NONE && before != person->status;
    if (before != person->status) {
        count(story, person->as_of_ms, before, person->status);
        extend_path(person);
    }
}

/* ---- choosing ---- */

static bool was(const struct story_person *person, enum status status) {
    for (unsigned i = 0; i + 1 < person->path_count; i++)
        if (person->path[i].status == status)
            return true;
    return false;
}

/* Why this person could be shown in this place; 0: not at all. */
static unsigned interest(const struct story_person *person, size_t place) {
    if (person->records == 0 || !person->week.is_set)
        return 0;
    bool has_days = person->week.present > 0;
    switch (place) {
    case 0:
        return person->status == STATUS_NON_COMPLIANT && was(person, STATUS_COMPLIANT) ? 1u + has_days : 0;
    case 1:
        return person->status == STATUS_AT_RISK ? 1u + has_days + (person->cause == CAUSE_DAY_CLOSE) : 0;
    default:
        return person->status == STATUS_COMPLIANT && person->cause == CAUSE_SWIPE
                   ? 1u + was(person, STATUS_NON_COMPLIANT) + was(person, STATUS_AT_RISK)
                   : 0;
    }
}

static bool is_zone_taken(const struct story_person *const chosen[STORY_CHOSEN], size_t count,
                          const char *zone) {
    for (size_t i = 0; i < count; i++)
        if (chosen[i] && strcmp(chosen[i]->zone, zone) == 0)
            return true;
    return false;
}

void story_choose(const struct story *story, const struct story_person *chosen[STORY_CHOSEN]) {
    for (size_t place = 0; place < STORY_CHOSEN; place++) {
        unsigned best = 0;
        chosen[place] = NULL;
        for (uint32_t who = 0; who < story->people_count; who++) {
            const struct story_person *person = &story->people[who];
            unsigned found = interest(person, place);
            if (found == 0)
                continue;
            found =
                found * 2 + !is_zone_taken((const struct story_person *const *)chosen, place, person->zone);
            bool is_newer = chosen[place] && person->since.n > chosen[place]->since.n;
            if (found > best || (found == best && is_newer)) {
                best = found;
                chosen[place] = person;
            }
        }
    }
}
