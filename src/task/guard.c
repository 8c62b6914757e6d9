/* The guard (SPEC 5): if at one close a large part of a site would newly become non_compliant, that is more
 * likely a broken reader than a walk-out. Those changes are held until somebody looks. Owner: the task's
 * worker. */
#include "task_state.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

/* One home site, or those of one home zone who have no site or one of a few people. */
struct group {
    uint32_t people;  /* a site's, in scope or not */
    uint32_t members; /* in scope */
    uint32_t struck;
};

struct groups {
    const struct task *task;
    civil_day day;
    struct group *list; /* [sites], then [zones] */
};

static const struct roster_entry *entry_of(const struct groups *groups, const struct subject *subject) {
    return person_roster_of(subject->person, groups->day);
}

/* Quotients are compared, not products: where both sides are the same fraction, they are the same double. */
static bool is_small(const struct rules *rules, const struct group *site) {
    return (double)rules->guard_min_people / site->people > rules->guard_max_adverse_ratio;
}

static uint32_t group_of(const struct groups *groups, const struct subject *subject) {
    const struct rules *rules = groups->task->rules;
    const struct roster_entry *entry = entry_of(groups, subject);
    if (entry && entry->site != SITE_NONE && !is_small(rules, &groups->list[entry->site]))
        return entry->site;
    bool is_named;
    return rules->sites.count + home_zone_of(rules, entry, &is_named);
}

typedef void visitor(struct groups *groups, const struct subject *subject);

static void count_person(struct groups *groups, const struct subject *subject) {
    const struct roster_entry *entry = entry_of(groups, subject);
    if (entry && entry->site != SITE_NONE)
        groups->list[entry->site].people++;
}

static void count_member(struct groups *groups, const struct subject *subject) {
    if (subject_is_in_scope(groups->task, subject, groups->day))
        groups->list[group_of(groups, subject)].members++;
}

static void visit_all(struct groups *groups, visitor *visit) {
    struct subjects_walk walk = {.ranges = 1};
    for (size_t count; (count = subjects_next(groups->task, &walk)) > 0;)
        for (size_t i = 0; i < count; i++) {
            struct subject subject;
            subject_load(groups->task, walk.slots[i], &subject);
            visit(groups, &subject);
        }
}

static bool holds(const struct rules *rules, const struct group *group) {
    return group->struck > 0 && group->struck >= rules->guard_min_people &&
           (double)group->struck / group->members > rules->guard_max_adverse_ratio;
}

static struct short_text name_of(const struct rules *rules, uint32_t group) {
    if (group < rules->sites.count)
        return rules->sites.list[group].id;
    const char *zone = zones_name(rules->zones, (uint16_t)(group - rules->sites.count));
    struct short_text name = {.len = (uint8_t)strlen(zone)};
    CHECK(name.len <= ID_BYTES_MAX);
    memcpy(name.bytes, zone, name.len);
    return name;
}

static void note_waves(struct task *task, const struct groups *groups) {
    for (uint32_t i = 0; i < task->rules->sites.count + zones_count(task->rules->zones); i++) {
        const struct group *group = &groups->list[i];
        if (!holds(task->rules, group))
            continue;
        if (task->waves_count == task->waves_capacity) {
            task->waves_capacity = task->waves_capacity ? 2 * task->waves_capacity : 8;
            task->waves = xrealloc(task->waves, task->waves_capacity, sizeof *task->waves);
        }
        task->waves[task->waves_count++] =
            (struct wave){name_of(task->rules, i), groups->day, group->struck, group->members};
    }
}

static void mark(struct task *task, struct table_slot *slot, uint32_t group) {
    struct subject subject;
    subject_load(task, slot, &subject);
    struct hold *hold = person_hold(task->people, subject.person);
    hold->group = name_of(task->rules, group);
    /* What the published status rests on: F of the day before this close. */
    struct view view;
    struct verdict verdict;
    struct finding finding;
    subject_view(task, &subject, &view);
    judge(&view, (civil_day){subject.value.closed - 1}, true, &verdict);
    finding_of(&view, &verdict, &finding);
    if (finding.status != (enum status)subject.value.status)
        finding.week.is_set = false;
    guard_keep(hold, &finding);
    task->held++;
    subject_mark(task, &subject, true);
    subject_store(&subject);
}

static void hold_groups(struct task *task, struct groups *groups, const struct closing *closings,
                        size_t count) {
    visit_all(groups, count_person);
    visit_all(groups, count_member);
    uint32_t *group_of_struck = xcalloc(count, sizeof *group_of_struck);
    for (size_t i = 0; i < count; i++) {
        if (!closings[i].turns_adverse)
            continue;
        struct subject subject;
        subject_load(task, closings[i].slot, &subject);
        group_of_struck[i] = group_of(groups, &subject);
        groups->list[group_of_struck[i]].struck++;
    }
    for (size_t i = 0; i < count; i++)
        if (closings[i].turns_adverse && holds(task->rules, &groups->list[group_of_struck[i]]))
            mark(task, closings[i].slot, group_of_struck[i]);
    free(group_of_struck);
    note_waves(task, groups);
}

void guard_hold_back(struct task *task, const struct closing *closings, size_t count, civil_day day) {
    const struct rules *rules = task->rules;
    size_t struck = 0;
    for (size_t i = 0; i < count; i++)
        struck += closings[i].turns_adverse;
    if (!task->setup.has_guard || rules->guard_max_adverse_ratio >= 1 || struck == 0 ||
        struck < rules->guard_min_people)
        return;
    struct groups groups = {.task = task, .day = day};
    groups.list = xcalloc(rules->sites.count + zones_count(rules->zones), sizeof *groups.list);
    hold_groups(task, &groups, closings, count);
    free(groups.list);
}

void guard_keep(struct hold *hold, const struct finding *finding) {
    hold->policy = *finding->policy_id;
    hold->version = finding->policy_version;
    hold->week = finding->week;
}

void guard_finding(const struct task *task, const struct subject *subject, struct finding *out) {
    const struct hold *hold = subject->person->more->hold;
    bool is_scope = subject->value.status <= STATUS_EXEMPT;
    out->status = (enum status)subject->value.status;
    out->effective_on = (civil_day){subject->value.closed + is_scope};
    int policy = policies_find(&task->rules->policies, hold->policy.bytes, hold->policy.len);
    if (policy < 0) { /* gone from the file since: what rests on it cannot be shown */
        out->week.is_set = false;
        return;
    }
    out->policy_id = &task->rules->policies.list[policy].id;
    out->policy_hash = task->rules->policies.list[policy].hash;
    out->policy_version = hold->version;
    out->week = hold->week;
}

static void release_one(struct task *task, struct table_slot *slot, const struct short_text *group,
                        const struct occasion *occasion) {
    struct subject subject;
    subject_load(task, slot, &subject);
    const struct hold *hold = subject.person->more ? subject.person->more->hold : NULL;
    if (hold == NULL || hold->group.len != group->len ||
        memcmp(hold->group.bytes, group->bytes, group->len) != 0)
        return;
    person_drop_hold(task->people, subject.person);
    task->held--;
    subject_mark(task, &subject, true);
    subject_reconsider(task, &subject, occasion, false);
    subject_store(&subject);
}

void guard_release(struct task *task, const struct short_text *group, const struct occasion *occasion) {
    struct subjects_walk walk = {.ranges = 1};
    for (size_t count; task->held > 0 && (count = subjects_next(task, &walk)) > 0;)
        for (size_t i = 0; i < count; i++)
            release_one(task, walk.slots[i], group, occasion);
}
