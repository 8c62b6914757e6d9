/* The day strips of the demo (demo_story.h). State records say which days of the judged week count, not which
 * days of other weeks: so the log is made once more, and the records of the few people go through a task of
 * their own. A swipe that it applies is a day in the strip. */
#include "demo_story.h"
#include "task.h"

#include "check.h"

#include <string.h>

#define STRIP_DAYS (STRIP_WEEKS * WEEK_DAYS)

/* The day of an applied swipe (SPEC 3): by its site's zone, else by the home zone. */
static civil_day day_of(const struct rules *rules, const struct swipe *swipe, uint16_t home_zone) {
    uint16_t site = sites_find(&rules->sites, swipe->site.bytes, swipe->site.len);
    uint16_t zone = site == SITE_NONE ? home_zone : rules->sites.list[site].zone;
    return zone_day_of(rules->zones, zone, swipe->occurred_at.ms);
}

static void begin_strip(const struct rules *rules, uint16_t zone, int64_t now_ms, struct strip *strip) {
    strip->today = zone_day_of(rules->zones, zone, now_ms);
    strip->closed = strip->today;
    while (zone_day_over_ms(rules->zones, zone, strip->closed) + rules->settle_ms > now_ms)
        strip->closed = day_plus(strip->closed, -1);
    civil_day this_monday = day_plus(strip->today, -(int32_t)day_weekday(strip->today));
    strip->monday = day_plus(this_monday, -(STRIP_WEEKS - 1) * WEEK_DAYS);
    strip->present = 0;
}

static void mark(const struct config *config, const struct company_record *record, uint16_t zone,
                 struct strip *strip) {
    struct swipe swipe;
    struct reject_detail detail;
    CHECK(decode_swipe(&config->fields, NULL, record->value, record->value_len, &swipe, &detail) ==
          REASON_applied);
    int32_t place = day_of(&config->rules, &swipe, zone).n - strip->monday.n;
    if (place >= 0 && place < STRIP_DAYS)
        strip->present |= 1u << place;
}

static size_t find(const struct story_person *const *people, size_t count,
                   const struct company_record *record) {
    for (size_t i = 0; i < count; i++)
        if (people[i] && strlen(people[i]->id) == record->key_len &&
            memcmp(people[i]->id, record->key, record->key_len) == 0)
            return i;
    return count;
}

void story_draw_strips(const struct company_setup *setup, const struct config *config,
                       const struct story_person *const *people, size_t count, int64_t now_ms,
                       struct strip *out) {
    const struct rules *rules = &config->rules;
    const struct task_setup task_setup = {.rules = rules,
                                          .fields = &config->fields,
                                          .employees = (uint32_t)count,
                                          .hash_seed = 1,
                                          .segments = 1,
                                          .complete_from = rules->complete_from,
                                          .source = "demo"};
    uint16_t zones[STORY_CHOSEN] = {0};
    for (size_t i = 0; i < count; i++)
        if (people[i]) {
            zones[i] = zones_find(rules->zones, people[i]->zone, strlen(people[i]->zone));
            begin_strip(rules, zones[i], now_ms, &out[i]);
        }
    struct task *task = task_new(&task_setup);
    struct company *company = company_new(setup, rules->zones);
    struct company_record record;
    while (company_next(company, &record)) {
        size_t i = find(people, count, &record);
        if (i == count)
            continue;
        struct task_input input = {.topic = record.topic,
                                   .arrival = record.arrival,
                                   .has_key = true,
                                   .key = record.key,
                                   .key_len = record.key_len,
                                   .value = record.value,
                                   .value_len = record.value_len};
        struct task_verdict verdict;
        task_apply(task, &input, 1, &verdict);
        outbox_clear(task_outbox(task));
        if (record.topic == TOPIC_SWIPES && verdict.reason == REASON_applied)
            mark(config, &record, zones[i], &out[i]);
    }
    company_free(&company);
    task_free(&task);
}
