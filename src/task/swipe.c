/* A swipe (SPEC 2, 3, 5): which day it proves, whether it counts, and what follows. Owner: the task's worker.
 *
 * Most swipes are for a day whose bit is set already: they are checked, counted, and touch nothing but the
 * slot. */
#include "task_state.h"

#include <string.h>

/* How the instants of this swipe become days: a zone, or the offset that was written. */
struct dating {
    uint16_t zone; /* ZONE_NONE: by the offset */
    int32_t offset_s;
};

static civil_day date_of(const struct rules *rules, struct dating dating, int64_t unix_ms) {
    return dating.zone == ZONE_NONE ? zone_day_at_offset(rules->zones, dating.offset_s, unix_ms)
                                    : zone_day_of(rules->zones, dating.zone, unix_ms);
}

/* SPEC 3, the day of a swipe: the zone of its site; else the home zone, if the record of the open day names
 * one; else the written offset, unless it is zero; else the default zone. */
static struct dating dating_of(const struct rules *rules, const struct swipe *swipe, uint16_t site,
                               const struct slot_value *value) {
    if (site != SITE_NONE)
        return (struct dating){.zone = rules->sites.list[site].zone};
    if (value && (value->flags & SLOT_NAMES_HOME))
        return (struct dating){.zone = value->zone};
    if (swipe->has_offset && swipe->offset_s != 0)
        return (struct dating){.zone = ZONE_NONE, .offset_s = swipe->offset_s};
    return (struct dating){.zone = rules->default_zone};
}

static bool accepts(const struct policy_version *version, const struct swipe *swipe) {
    const char *word = swipe->has_result ? swipe->result.bytes : "granted";
    size_t len = swipe->has_result ? swipe->result.len : strlen("granted");
    for (unsigned i = 0; i < version->accept_count; i++)
        if (version->accept[i].len == len && memcmp(version->accept[i].bytes, word, len) == 0)
            return true;
    return false;
}

/* The version effective on the day, the first if none is, of the policy of the record of that day. Where all
 * versions accept the same words the side record is not looked at. */
static const struct policy_version *accepting_version(const struct task *task, const struct slot_value *value,
                                                      civil_day day) {
    const struct policies *policies = &task->rules->policies;
    if (task->accept_is_uniform)
        return &policies->list[0].versions[0];
    const struct roster_entry *entry =
        value ? person_roster_of(people_get(task->people, value->person), day) : NULL;
    const struct policy *policy = policy_of(task->rules, entry);
    const struct policy_version *version = version_on(policy, day);
    return version ? version : &policy->versions[0];
}

/* A day of broken readers: of the swipe's site, or of the home site of that day. */
static bool is_on_hold(const struct task *task, const struct slot_value *value, uint16_t site,
                       civil_day day) {
    if (site != SITE_NONE && closures_hold(task->closures[site], day))
        return true;
    const struct roster_entry *entry =
        value ? person_roster_of(people_get(task->people, value->person), day) : NULL;
    return entry && entry->site != SITE_NONE && closures_hold(task->closures[entry->site], day);
}

/* A swipe for a closed day: may it still be applied? `value` NULL: of a stranger. */
static bool is_too_late(const struct task *task, const struct task_input *input,
                        const struct slot_value *value, uint16_t home, uint16_t site, civil_day closed,
                        civil_day day) {
    civil_day arrived = zone_day_of(task->rules->zones, home, input->arrival.ms);
    if (day.n < ledger_first(closed).n)
        return true;
    return day.n < arrived.n - task->rules->lateness_days && !is_on_hold(task, value, site, day);
}

static void swipe_of_closed_day(struct task *task, struct table_slot *slot, civil_day day,
                                const struct occasion *occasion) {
    struct subject subject;
    struct corrections before;
    subject_load(task, slot, &subject);
    corrections_note(task, &subject, &before);
    slot_set_day(&subject.value, day);
    subject_mark(task, &subject, false);
    subject_reconsider_past(task, &subject, &before, occasion, false);
    subject_store(&subject);
}

/* Sets the bit of an open day. It can lift a status (SPEC 4), also one that the guard holds back, and nothing
 * else: no closed day has changed. */
static void swipe_of_open_day(struct task *task, struct table_slot *slot, civil_day day,
                              const struct occasion *occasion) {
    struct subject subject;
    subject_load(task, slot, &subject);
    slot_set_day(&subject.value, day);
    subject_mark(task, &subject, false);
    /* The count first: the side record is not in the cache, and mostly nobody is held. */
    bool is_held = task->held > 0 && subject.person->more && subject.person->more->hold;
    if (subject.value.status == STATUS_AT_RISK || subject.value.status == STATUS_NON_COMPLIANT || is_held)
        subject_reconsider(task, &subject, occasion, false);
    subject_store(&subject);
}

static void swipe_of_stranger(struct task *task, const struct task_input *input, const struct swipe *swipe,
                              uint64_t hash, civil_day day, const struct occasion *occasion) {
    struct subject subject;
    subject_make_known(task, input, &swipe->employee, hash, NULL, &subject);
    slot_set_day(&subject.value, day);
    subject_reconsider(task, &subject, occasion, true);
    subject_store(&subject);
}

enum reason swipe_apply(struct task *task, const struct task_input *input, const struct swipe *swipe,
                        uint64_t hash, struct reject_detail *detail) {
    const struct rules *rules = task->rules;
    struct table_slot *slot = table_find(task->table, swipe->employee.bytes, swipe->employee.len, hash);
    struct slot_value value;
    if (slot)
        table_get(slot, &value);
    if (!is_welcome(task, slot, detail))
        return REASON_unknown_employee;
    uint16_t site =
        swipe->site.len ? sites_find(&rules->sites, swipe->site.bytes, swipe->site.len) : SITE_NONE;
    struct dating dating = dating_of(rules, swipe, site, slot ? &value : NULL);
    civil_day day = date_of(rules, dating, swipe->occurred_at.ms);
    if (day.n > date_of(rules, dating, input->arrival.ms + rules->clock_skew_ms).n) {
        reject_detail_set(detail, "occurred_at: on a later day than the arrival");
        return REASON_future;
    }
    if (!accepts(accepting_version(task, slot ? &value : NULL, day), swipe))
        return REASON_not_accepted;
    if (site != SITE_NONE && !rules->sites.list[site].counts)
        return REASON_site_not_counted;

    uint16_t home = slot ? value.zone : rules->default_zone;
    civil_day closed = slot ? (civil_day){value.closed} : closes_home(task, home)->closed;
    struct occasion occasion = {CAUSE_SWIPE, task->clock, input->trace};
    if (day.n <= closed.n) {
        if (is_too_late(task, input, slot ? &value : NULL, home, site, closed, day)) {
            reject_detail_set(detail, "occurred_at: longer ago than lateness_days");
            return REASON_too_late;
        }
        occasion.cause = CAUSE_LATE_SWIPE;
    } else if (day.n > closed.n + LEDGER_AHEAD_DAYS) {
        reject_detail_set(detail, "occurred_at: behind the end of the ledger");
        return REASON_future;
    }
    if (slot == NULL)
        swipe_of_stranger(task, input, swipe, hash, day, &occasion);
    else if (table_day_is_set(slot, day))
        ;
    else if (day.n <= closed.n)
        swipe_of_closed_day(task, slot, day, &occasion);
    else
        swipe_of_open_day(task, slot, day, &occasion);
    return REASON_applied;
}
