/* See policies.h. */
#include "policies.h"

#include "check.h"
#include "civil.h"
#include "rules_hash.h"

#include <stdlib.h>
#include <string.h>

#define FAR_FUTURE_DAYS (2 * 366)

static unsigned days_in(uint8_t weekdays) {
    return (unsigned)__builtin_popcount(weekdays);
}

/* Legal, but unwise. */
static void warn_of_version(struct reader *reader, const struct node *map, const struct policy_version *v) {
    struct problems *p = &reader->problems;
    const struct node *required = node_find(map, "required_days"), *rule = node_find(map, "rule"),
                      *accept = node_find(map, "accept");
    if (v->required_days == 0)
        problems_warn(p, required->file, required->line, "required_days: 0 makes everybody compliant");
    unsigned countable = v->weekends_count ? WEEK_DAYS : days_in(v->workdays);
    if (v->required_days > countable && v->proration != PRORATION_CAP)
        problems_warn(p, map->file, required != NULL ? required->line : map->line,
                      "required_days: more than the %u days of a week that can count: nobody can meet it",
                      countable);
    if (v->rule == RULE_SLIDING && v->tolerance_days == 0)
        problems_warn(
            p, map->file, rule->line,
            "rule: tolerance_days 0 is the strict daily reading: Monday to Wednesday, then Wednesday "
            "to Friday, is non_compliant in between");
    if (v->accept_count == 0)
        problems_warn(p, accept->file, accept->line, "accept: an empty list: no swipe proves presence");
    if (v->effective_on.n > reader->today.n + FAR_FUTURE_DAYS)
        problems_warn(p, map->file, map->line, "effective_on: more than two years ahead");
}

/* The keys of a rule depend on its type. */
static void read_rule(struct reader *reader, const struct node *rule, struct policy_version *v) {
    if (rule->kind != NODE_MAP) {
        problems_error(&reader->problems, rule->file, rule->line,
                       "rule: expected a map, {type: sliding, tolerance_days: 6} for example");
        return;
    }
    static const char *const sections[] = {"sliding", "weekly", "k_of_n"};
    const struct option *type_option = options_find(SCOPE_RULE, "sliding", "type");
    const struct node *type = node_find(rule, "type"), *wrong;
    if (type != NULL && !option_store(reader, type_option, type, v, &wrong)) {
        problems_error(&reader->problems, type->file, type->line, "type: expected %s",
                       option_allowed(type_option).text);
        return;
    }
    options_read(reader, SCOPE_RULE, sections[v->rule], rule, rule, v);
}

/* Puts the version in its place by date. */
static void keep_version(struct reader *reader, const struct node *map, const struct policy_version *v,
                         struct policy *policy) {
    uint32_t at = policy->versions_count;
    while (at > 0 && policy->versions[at - 1].effective_on.n >= v->effective_on.n)
        at--;
    if (at < policy->versions_count && policy->versions[at].effective_on.n == v->effective_on.n) {
        const struct node *date = node_find(map, "effective_on");
        problems_error(&reader->problems, date->file, date->line,
                       "effective_on: another version of '%s' has the same date",
                       printable_text(policy->id.bytes, policy->id.len).text);
        return;
    }
    memmove(&policy->versions[at + 1], &policy->versions[at], (policy->versions_count - at) * sizeof *v);
    policy->versions[at] = *v;
    policy->versions_count++;
}

static void read_version(struct reader *reader, const struct node *map, const struct policy_version *defaults,
                         struct policy *policy) {
    if (map->kind != NODE_MAP) {
        problems_error(&reader->problems, map->file, map->line,
                       "versions: expected a map, {effective_on: 2023-05-01} at least");
        return;
    }
    struct policy_version v = *defaults;
    uint32_t errors = reader->problems.errors;
    options_read(reader, SCOPE_VERSION, "", map, map, &v);
    const struct node *rule = node_find(map, "rule");
    if (rule != NULL)
        read_rule(reader, rule, &v);
    if (!day_is_none(v.effective_on))
        keep_version(reader, map, &v, policy);
    if (reader->problems.errors == errors)
        warn_of_version(reader, map, &v);
}

static void read_versions(struct reader *reader, const struct node *list,
                          const struct policy_version *defaults, struct policy *policy) {
    if (list->kind != NODE_LIST || list->count == 0 || list->count > VERSIONS_MAX) {
        problems_error(&reader->problems, list->file, list->line,
                       "versions: expected a list of 1 to %d versions", VERSIONS_MAX);
        return;
    }
    policy->versions = xcalloc(list->count, sizeof *policy->versions);
    for (const struct node *n = list->first; n != NULL; n = n->next)
        read_version(reader, n, defaults, policy);
}

static void read_policy(struct reader *reader, const struct node *map, civil_day complete_from,
                        const struct policy_version *defaults, struct policies *out) {
    if (map->kind != NODE_MAP) {
        problems_error(&reader->problems, map->file, map->line,
                       "policies: expected a map with id and versions");
        return;
    }
    struct policy policy = {0};
    options_read(reader, SCOPE_POLICY, "", map, map, &policy);
    if (policy.id.len > 0 && policies_find(out, policy.id.bytes, policy.id.len) >= 0) {
        const struct node *id = node_find(map, "id");
        problems_error(&reader->problems, id->file, id->line, "id: another policy has the same id");
    }
    const struct node *versions = node_find(map, "versions");
    if (versions != NULL)
        read_versions(reader, versions, defaults, &policy);
    if (policy.versions_count > 0 && !day_is_none(complete_from) &&
        policy.versions[0].effective_on.n > complete_from.n)
        problems_warn(&reader->problems, map->file, map->line,
                      "no version of this policy is in force at time.complete_from: until its first one its "
                      "people are not_in_force");
    policy_hash(&policy, policy.hash);
    out->list[out->count++] = policy;
}

void policies_read(struct reader *reader, const struct node *root, civil_day complete_from,
                   struct policies *out) {
    if (root->kind != NODE_MAP) {
        problems_error(&reader->problems, root->file, root->line, "expected a map with the key policies");
        return;
    }
    options_read(reader, SCOPE_POLICIES_FILE, "", root, root, out);
    const struct node *list = node_find(root, "policies");
    if (list == NULL)
        return;
    if (list->kind != NODE_LIST || list->count == 0 || list->count > POLICIES_MAX) {
        problems_error(&reader->problems, list->file, list->line,
                       "policies: expected a list of 1 to %d policies", POLICIES_MAX);
        return;
    }
    struct policy_version defaults = {.effective_on = DAY_NONE};
    options_set_defaults(reader, SCOPE_VERSION, &defaults);
    options_set_defaults(reader, SCOPE_RULE, &defaults);
    out->list = xcalloc(list->count, sizeof *out->list);
    for (const struct node *n = list->first; n != NULL; n = n->next)
        read_policy(reader, n, complete_from, &defaults, out);
}

void policies_fini(struct policies *policies) {
    for (uint32_t i = 0; i < policies->count; i++)
        free(policies->list[i].versions);
    free(policies->list);
    *policies = (struct policies){0};
}

int policies_find(const struct policies *policies, const char *id, size_t len) {
    for (uint32_t i = 0; i < policies->count; i++)
        if (policies->list[i].id.len == len && memcmp(policies->list[i].id.bytes, id, len) == 0)
            return (int)i;
    return -1;
}
