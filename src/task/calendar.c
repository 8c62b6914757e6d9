/* The calendar (SPEC 2): closures and holds of a site, judged at once for everybody whose home it is, and the
 * release of what the guard holds. Every task applies every record of it. Owner: the task's worker. */
#include "task_state.h"

#include "check.h"

#include <stdlib.h>

static bool has_home(const struct person *person, uint16_t site) {
    size_t count;
    const struct roster_entry *roster = person_roster(person, &count);
    for (size_t i = 0; i < count; i++)
        if (roster[i].site == site)
            return true;
    return false;
}

/* Each of them is noted under the old closures and reconsidered under the new. */
static void reconsider_people(struct task *task, uint16_t site, struct closures *now,
                              const struct occasion *occasion) {
    struct closures *old = task->closures[site];
    struct subjects_walk walk = {.ranges = 1};
    for (size_t count; (count = subjects_next(task, &walk)) > 0;)
        for (size_t i = 0; i < count; i++) {
            struct subject subject;
            struct corrections before;
            subject_load(task, walk.slots[i], &subject);
            if (!has_home(subject.person, site))
                continue;
            task->closures[site] = old;
            corrections_note(task, &subject, &before);
            task->closures[site] = now;
            subject_reconsider_past(task, &subject, &before, occasion, false);
            subject_store(&subject);
        }
    task->closures[site] = now;
    free(old);
}

static enum reason apply_release(struct task *task, const struct calendar_record *record, uint16_t site,
                                 const struct occasion *occasion, struct reject_detail *detail) {
    if (site == SITE_NONE &&
        zones_find(task->rules->zones, record->site.bytes, record->site.len) == ZONE_NONE) {
        reject_detail_set(detail, "site_id: neither in the site file nor a zone");
        return REASON_unknown_site;
    }
    guard_release(task, &record->site, occasion);
    return REASON_applied;
}

enum reason calendar_apply(struct task *task, const struct task_input *input, struct reject_detail *detail) {
    struct calendar_record record;
    enum reason reason = decode_calendar(input->value, input->value_len, &record, detail);
    if (reason == REASON_applied)
        reason = key_check(input, &record.site, detail);
    if (reason != REASON_applied)
        return reason;
    struct occasion occasion = {CAUSE_CALENDAR, task->clock, input->trace};
    uint16_t site = sites_find(&task->rules->sites, record.site.bytes, record.site.len);
    if (record.kind == CALENDAR_RELEASE)
        return apply_release(task, &record, site, &occasion, detail);
    if (site == SITE_NONE) {
        reject_detail_set(detail, "site_id: not in the site file");
        return REASON_unknown_site;
    }
    const struct closure closure = {record.from, record.to, (uint8_t)record.kind};
    const struct closures *old = task->closures[site];
    bool is_there = closures_contain(old, &closure);
    if (record.is_cancel && !is_there)
        return REASON_cancel_of_nothing;
    if (!record.is_cancel && is_there)
        return REASON_applied;
    if (!record.is_cancel && closures_count(old) >= CLOSURES_MAX) {
        reject_detail_set(detail, "site_id: the site has too many closures and holds");
        return REASON_too_many;
    }
    changelog_mark_site(task, site);
    reconsider_people(task, site,
                      record.is_cancel ? closures_without(old, &closure) : closures_with(old, &closure),
                      &occasion);
    return REASON_applied;
}
