/* The day strips of the demo (demo_story.h). State records say which days of the judged week count, not which
 * days of other weeks: so the log is made once more, the records of the few people go through a task of their
 * own, and its view of them is what is drawn. */
#include "demo_story.h"
#include "inspect.h"

#include "check.h"

#include <string.h>

#define STRIP_DAYS (STRIP_WEEKS * WEEK_DAYS)

static void begin_strip(const struct rules *rules, uint16_t zone, int64_t now_ms, struct strip *strip) {
    strip->today = zone_day_of(rules->zones, zone, now_ms);
    strip->closed = strip->today;
    while (zone_day_over_ms(rules->zones, zone, strip->closed) + rules->settle_ms > now_ms)
        strip->closed = day_plus(strip->closed, -1);
    civil_day this_monday = day_plus(strip->today, -(int32_t)day_weekday(strip->today));
    strip->monday = day_plus(this_monday, -(STRIP_WEEKS - 1) * WEEK_DAYS);
    strip->present = strip->excused = 0;
}

/* The days of the strip within a set over the view's window. */
static uint32_t days_of_strip(day_bits days, civil_day first, const struct strip *strip) {
    uint32_t bits = 0;
    for (int32_t i = 0; i < STRIP_DAYS; i++) {
        int32_t place = strip->monday.n + i - first.n;
        if (place >= 0 && place < LEDGER_DAYS && days & days_bit((unsigned)place))
            bits |= 1u << i;
    }
    return bits;
}

static void draw(const struct task *task, const char *id, struct strip *strip) {
    struct short_text name = {.len = (uint8_t)strlen(id)};
    struct person_look look;
    memcpy(name.bytes, id, name.len);
    if (!inspect_person(task, &name, &look))
        return;
    strip->present = days_of_strip(look.view.present, look.view.first, strip);
    strip->excused = days_of_strip(look.view.excused, look.view.first, strip);
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
    for (size_t i = 0; i < count; i++)
        if (people[i])
            begin_strip(rules, zones_find(rules->zones, people[i]->zone, strlen(people[i]->zone)), now_ms,
                        &out[i]);
    struct task *task = task_new(&task_setup);
    struct company *company = company_new(setup, rules->zones);
    struct company_record record;
    while (company_next(company, &record)) {
        if (record.topic != TOPIC_CALENDAR && find(people, count, &record) == count)
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
    }
    for (size_t i = 0; i < count; i++)
        if (people[i])
            draw(task, people[i]->id, &out[i]);
    company_free(&company);
    task_free(&task);
}
