/* See settings.h. */
#include "settings.h"

#include "check.h"
#include "kafka.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void settings_override(struct reader *reader, struct node *root, const char *set) {
    static const char origin[] = "--set";
    const char *equals = strchr(set, '=');
    if (equals == NULL || equals == set) {
        problems_error(&reader->problems, origin, 0, "expected section.key=value");
        return;
    }
    size_t name_len = (size_t)(equals - set);
    const char *dot = memchr(set, '.', name_len);
    struct node *value = node_new_scalar(origin, 0, equals + 1, strlen(equals + 1));
    if (dot == NULL) {
        node_put(root, set, name_len, value);
        return;
    }
    char *section_name = strndup(set, (size_t)(dot - set));
    CHECK(section_name != NULL);
    struct node *section = node_find(root, section_name);
    if (section == NULL || node_is_null(section)) {
        section = node_new_map(origin, 0);
        node_put(root, section_name, (size_t)(dot - set), section);
    }
    if (section->kind == NODE_MAP) {
        node_put(section, dot + 1, name_len - (size_t)(dot + 1 - set), value);
    } else {
        problems_error(&reader->problems, origin, 0, "'%s' is not a section",
                       printable_text(section_name, strlen(section_name)).text);
        node_free(&value);
    }
    free(section_name);
}

static const struct node *section_of(struct reader *reader, const struct node *root, const char *name) {
    const struct node *section = node_find(root, name);
    if (section == NULL || section->kind == NODE_MAP || node_is_null(section))
        return section;
    problems_error(&reader->problems, section->file, section->line, "%s: expected a map of options", name);
    return NULL;
}

/* The names that are set in one section, none twice: rows of topics or of fields. */
static void refuse_equal_names(struct reader *reader, const struct node *root, const char *section,
                               const struct config *config) {
    const struct option *seen[16];
    const char *names[16];
    size_t count = 0;
    for (size_t i = 0; i < options_count; i++) {
        const struct option *o = &options[i];
        if (o->scope != SCOPE_CONFIG || strcmp(o->section, section) != 0)
            continue;
        CHECK(count < sizeof seen / sizeof seen[0]);
        const char *field = (const char *)config + o->offset;
        const char *name = o->kind == KIND_FIELD ? field : *(char *const *)(const void *)field;
        if (name == NULL)
            continue;
        for (size_t j = 0; j < count; j++)
            if (strcmp(names[j], name) == 0) {
                const struct node *map = node_find(root, section), *at = node_find(map, o->key);
                at = at != NULL ? at : node_find(map, seen[j]->key);
                problems_error(&reader->problems, at->file, at->line,
                               "%s: the same name as %s; each must have its own", option_title(o).text,
                               option_title(seen[j]).text);
            }
        seen[count] = o;
        names[count++] = name;
    }
}

int32_t settings_day_starts_at(const struct node *root) {
    const struct node *node = node_find(node_find(root, "time"), "day_starts_at");
    int64_t ms;
    return node != NULL && option_read_time_of_day(node, DAY_STARTS_AT_MS_MAX, &ms) ? (int32_t)ms : 0;
}

static uint32_t cores_online(void) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (uint32_t)cores;
}

/* Legal, but unwise; `key` as it is set, which it is: every default is wise. */
static void warn_at(struct reader *reader, const struct node *root, const char *section, const char *key,
                    const char *why) {
    const struct node *node = node_find(*section ? node_find(root, section) : root, key);
    if (node != NULL)
        problems_warn(&reader->problems, node->file, node->line, "%s%s%s: %s", section, *section ? "." : "",
                      key, why);
}

static bool is_loopback(const char *address) {
    return strncmp(address, "127.", 4) == 0 || strncmp(address, "localhost:", 10) == 0 ||
           strncmp(address, "[::1]:", 6) == 0;
}

static void warn_of_settings(struct reader *reader, const struct node *root, const struct config *config) {
    const struct rules *rules = &config->rules;
    if (node_find(root, "sites") == NULL)
        problems_warn(
            &reader->problems, root->file, root->line,
            "no sites: no site is known, so each swipe is dated by the home zone or its own offset");
    if (rules->settle_ms < 12 * 3600 * 1000)
        warn_at(
            reader, root, "time", "settle",
            "less than 12h: a day may be judged before the swipes of somebody who travelled, or of a slow "
            "feed, have arrived");
    if (rules->lateness_days < 2)
        warn_at(reader, root, "time", "lateness_days",
                "less than 2: what a reader buffered over a weekend is rejected");
    if (rules->clock_skew_ms == 0)
        warn_at(reader, root, "time", "clock_skew",
                "0: a reader whose clock is a little fast loses its swipes at midnight");
    if (!day_is_none(rules->complete_from) && rules->complete_from.n > reader->today.n)
        warn_at(reader, root, "time", "complete_from", "in the future: until then nobody is judged");
    if (rules->allow_create_time)
        warn_at(reader, root, "time", "allow_create_time",
                "true: a producer whose clock is fast can close days early for everybody in its partition");
    if (rules->guard_max_adverse_ratio >= 1)
        warn_at(reader, root, "guard", "max_adverse_ratio",
                "1 switches the guard off: a broken reader can make a whole site non_compliant");
    if (config->delivery == DELIVERY_AT_LEAST_ONCE)
        warn_at(reader, root, "", "delivery", "at_least_once: consumers must drop repeats (same id and seq)");
    if (config->workers > cores_online())
        warn_at(reader, root, "", "workers", "more than there are cores");
    if (config->http != NULL && !is_loopback(config->http))
        warn_at(reader, root, "", "http",
                "not a loopback address, and it has no login: anybody who reaches it can read it");
}

static void read_kafka(struct reader *reader, const struct node *root, const char *directory,
                       struct config *out) {
    const struct node *section = section_of(reader, root, "kafka");
    if (section != NULL && section->kind == NODE_MAP)
        kafka_read(reader, section, directory, out);
    else if (reader->use == CONFIG_FOR_RUN)
        problems_error(&reader->problems, root->file, section != NULL ? section->line : root->line,
                       "kafka is missing: expected a map with bootstrap.servers and group.id");
}

void settings_read(struct reader *reader, const struct node *root, const char *directory,
                   struct config *out) {
    out->rules.complete_from = DAY_NONE;
    out->workers = cores_online();
    options_set_defaults(reader, SCOPE_CONFIG, out);
    if (reader->use == CONFIG_FOR_CHECK) {
        reader->use = node_find(root, "kafka") != NULL ? CONFIG_FOR_RUN : CONFIG_FOR_REPLAY;
        if (reader->use == CONFIG_FOR_REPLAY)
            problems_warn(&reader->problems, root->file, root->line,
                          "no kafka section: enough for replay, whatif and explain, not for run");
    }
    options_read(reader, SCOPE_CONFIG, "", root, root, out);
    for (size_t i = 0; i < options_count; i++) {
        const struct option *group = &options[i];
        if (group->scope != SCOPE_CONFIG || group->kind != KIND_GROUP || strcmp(group->key, "kafka") == 0)
            continue;
        const struct node *section = section_of(reader, root, group->key);
        options_read(reader, SCOPE_CONFIG, group->key, section, section != NULL ? section : root, out);
    }
    read_kafka(reader, root, directory, out);
    refuse_equal_names(reader, root, "topics", out);
    refuse_equal_names(reader, root, "fields", out);
    warn_of_settings(reader, root, out);
}
