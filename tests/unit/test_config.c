/* The reading of options: each value, its limits, wrong types, unknown keys, and what is printed of them. */
#include "config_fixture.h"
#include "options.h"

static void defaults_are_those_of_the_specification(void **state) {
    (void)state;
    struct loaded loaded = load((struct load){0});
    struct config *c = loaded.config;
    assert_string_equal(loaded.text, "");
    assert_int_equal(c->rules.settle_ms, 86400000);
    assert_int_equal(c->rules.lateness_days, 14);
    assert_int_equal(c->rules.clock_skew_ms, 300000);
    assert_int_equal(c->rules.day_starts_at_ms, 0);
    assert_string_equal(zones_name(c->rules.zones, c->rules.default_zone), "UTC");
    assert_true(day_is_none(c->rules.complete_from));
    assert_false(c->rules.allow_create_time);
    assert_int_equal(c->rules.unknown_people, UNKNOWN_REJECT);
    assert_true(c->rules.guard_max_adverse_ratio == 0.2);
    assert_int_equal(c->rules.guard_min_people, 10);
    assert_string_equal(c->fields.occurred_at, "occurred_at");
    assert_string_equal(c->topics[TOPIC_CALENDAR], "site.calendar");
    assert_string_equal(c->outputs[OUTPUT_CHANGELOG], "rollcall.changelog");
    assert_int_equal(c->delivery, DELIVERY_EXACTLY_ONCE);
    assert_in_range(c->workers, 1, WORKERS_MAX);
    assert_int_equal(c->employees, 1500000);
    assert_string_equal(c->http, "127.0.0.1:9464");
    assert_int_equal(c->kafka_count, 0);
    assert_int_equal(c->rules.policies.count, 1);

    const struct policy_version *v = c->rules.policies.list[0].versions;
    assert_int_equal(v->effective_on.n, 19478); /* 2023-05-01 */
    assert_int_equal(v->required_days, 3);
    assert_int_equal(v->workdays, 0x1f);
    assert_false(v->weekends_count);
    assert_int_equal(v->accept_count, 2);
    assert_memory_equal(v->accept[0].bytes, "granted", 7);
    assert_memory_equal(v->accept[1].bytes, "granted_entered", 15);
    assert_int_equal(v->grace_days, 7);
    assert_int_equal(v->proration, PRORATION_RATIO);
    assert_int_equal(v->rule, RULE_SLIDING);
    assert_int_equal(v->tolerance_days, 6);
    assert_true(c->rules.sites.list[0].counts);
    unload(&loaded);
}

/* One value of one option: NULL where it is allowed. */
struct value_case {
    const char *option, *value;
    bool is_allowed;
};

static const struct value_case settings_cases[] = {
    {"policies", "p.yaml", true},
    {"policies", "", false},
    {"policies", "null", false},
    {"sites", "s.yaml", true},
    {"sites", "[s.yaml]", false},
    {"delivery", "exactly_once", true},
    {"delivery", "at_least_once", true},
    {"delivery", "at_most_once", false},
    {"delivery", "Exactly_once", false},
    {"workers", "1", true},
    {"workers", "64", true},
    {"workers", "0", false},
    {"workers", "65", false},
    {"workers", "01", false},
    {"workers", "+1", false},
    {"workers", "1.0", false},
    {"workers", "two", false},
    {"employees", "1", true},
    {"employees", "20000000", true},
    {"employees", "0", false},
    {"employees", "20000001", false},
    {"employees", "-1", false},
    {"employees", "99999999999999999999", false},
    {"http", "null", true},
    {"http", "0.0.0.0:1", true},
    {"http", "[::1]:65535", true},
    {"http", "host.example:9464", true},
    {"http", "127.0.0.1:0", false},
    {"http", "127.0.0.1:65536", false},
    {"http", "127.0.0.1", false},
    {"http", "::1:9464", false},
    {"http", ":9464", false},
    {"http", "http://a:9464", false},
    {"topics.swipes", "a", true},
    {"topics.swipes", "null", false},
    {"topics.swipes", ".", false},
    {"topics.swipes", "..", false},
    {"topics.swipes", "a b", false},
    {"topics.swipes", "", false},
    {"topics.roster", "null", true},
    {"topics.roster", "A-Z_0.9", true},
    {"topics.roster", "é", false},
    {"topics.leave", "null", true},
    {"topics.leave", "/", false},
    {"topics.calendar", "null", true},
    {"topics.calendar", "a,b", false},
    {"topics.decisions", "null", true},
    {"topics.decisions", "[a]", false},
    {"topics.state", "a", true},
    {"topics.state", "null", false},
    {"topics.rejects", "a", true},
    {"topics.rejects", "null", false},
    {"topics.progress", "a", true},
    {"topics.progress", "null", false},
    {"topics.changelog", "a", true},
    {"topics.changelog", "null", false},
    {"fields.employee_id", "personId", true},
    {"fields.employee_id", "", false},
    {"fields.occurred_at", "Event Time", true},
    {"fields.occurred_at", "null", false},
    {"fields.site_id", "s", true},
    {"fields.site_id", "{}", false},
    {"fields.result", "r", true},
    {"fields.result", "[]", false},
    {"fields.direction", "d", true},
    {"fields.direction", "~", false},
    {"time.settle", "0m", true},
    {"time.settle", "48h", true},
    {"time.settle", "2d", true},
    {"time.settle", "172800000ms", true},
    {"time.settle", "172800s", true},
    {"time.settle", "172800001ms", false},
    {"time.settle", "-1h", false},
    {"time.settle", "24", false},
    {"time.settle", "24 h", false},
    {"time.settle", "1.5h", false},
    {"time.settle", "h", false},
    {"time.settle", "24H", false},
    {"time.settle", "99999999999999999d", false},
    {"time.lateness_days", "0", true},
    {"time.lateness_days", "100", true},
    {"time.lateness_days", "101", false},
    {"time.lateness_days", "-1", false},
    {"time.lateness_days", "14d", false},
    {"time.clock_skew", "0s", true},
    {"time.clock_skew", "60m", true},
    {"time.clock_skew", "3600001ms", false},
    {"time.clock_skew", "5", false},
    {"time.day_starts_at", "00:00", true},
    {"time.day_starts_at", "12:00", true},
    {"time.day_starts_at", "12:01", false},
    {"time.day_starts_at", "11:60", false},
    {"time.day_starts_at", "4:00", false},
    {"time.day_starts_at", "04.00", false},
    {"time.default_zone", "Asia/Kolkata", true},
    {"time.default_zone", "asia/kolkata", false},
    {"time.default_zone", "+02:00", false},
    {"time.default_zone", "../UTC", false},
    {"time.default_zone", "", false},
    {"time.complete_from", "1970-01-01", true},
    {"time.complete_from", "2199-12-31", true},
    {"time.complete_from", "2024-02-29", true},
    {"time.complete_from", "2023-02-29", false},
    {"time.complete_from", "1969-12-31", false},
    {"time.complete_from", "2200-01-01", false},
    {"time.complete_from", "2023-5-1", false},
    {"time.complete_from", "null", false},
    {"time.allow_create_time", "true", true},
    {"time.allow_create_time", "false", true},
    {"time.allow_create_time", "yes", false},
    {"time.allow_create_time", "1", false},
    {"people.unknown", "default_policy", true},
    {"people.unknown", "out_of_scope", true},
    {"people.unknown", "reject", true},
    {"people.unknown", "ignore", false},
    {"people.unknown", "null", false},
    {"guard.max_adverse_ratio", "0", true},
    {"guard.max_adverse_ratio", "1", true},
    {"guard.max_adverse_ratio", "1.0", true},
    {"guard.max_adverse_ratio", "0.999", true},
    {"guard.max_adverse_ratio", "1.001", false},
    {"guard.max_adverse_ratio", "-0.1", false},
    {"guard.max_adverse_ratio", ".5", false},
    {"guard.max_adverse_ratio", "0.", false},
    {"guard.max_adverse_ratio", "20%", false},
    {"guard.max_adverse_ratio", "nan", false},
    {"guard.min_people", "0", true},
    {"guard.min_people", "20000000", true},
    {"guard.min_people", "20000001", false},
    {"guard.min_people", "-1", false},
};

/* Every option of the scope, but for groups, has a value that is allowed and one that is not. */
static void expect_all_covered(enum option_scope scope, const char *section, const struct value_case *cases,
                               size_t count) {
    for (size_t i = 0; i < options_count; i++) {
        const struct option *o = &options[i];
        if (o->scope != scope || o->kind == KIND_GROUP || (section && strcmp(o->section, section) != 0))
            continue;
        size_t allowed = 0, refused = 0;
        for (size_t j = 0; j < count; j++)
            if (strcmp(cases[j].option, option_title(o).text) == 0) {
                allowed += cases[j].is_allowed;
                refused += !cases[j].is_allowed;
            }
        if (allowed == 0 || refused == 0)
            fail_msg("%s has no case", option_title(o).text);
    }
}

static void expect_verdict(const struct value_case *c, struct load l) {
    struct loaded loaded = load(l);
    if (c->is_allowed && *loaded.text != '\0')
        fail_msg("%s: '%s' was refused: %s", c->option, c->value, loaded.text);
    if (!c->is_allowed && strstr(loaded.text, ": expected ") == NULL)
        fail_msg("%s: '%s' was let through: %s", c->option, c->value, loaded.text);
    assert_true((loaded.config != NULL) == c->is_allowed);
    unload(&loaded);
}

static void each_option_has_its_range(void **state) {
    (void)state;
    const size_t count = sizeof settings_cases / sizeof settings_cases[0];
    for (size_t i = 0; i < count; i++) {
        const struct value_case *c = &settings_cases[i];
        bool is_structure = c->value[0] == '[' || c->value[0] == '{';
        if (c->value[0] == '[' && strcmp(c->option, "http") == 0)
            is_structure = false;
        char set[128], settings[256];
        if (is_structure) { /* --set gives text; lists and maps come from a file */
            const char *dot = strchr(c->option, '.');
            if (dot != NULL)
                snprintf(settings, sizeof settings, SETTINGS "%.*s: {%s: %s}\n", (int)(dot - c->option),
                         c->option, dot + 1, c->value);
            else
                snprintf(settings, sizeof settings, "policies: p.yaml\npeople: {unknown: reject}\n%s: %s\n",
                         c->option, c->value);
            expect_verdict(c, (struct load){.settings = settings});
        } else {
            snprintf(set, sizeof set, "%s=%s", c->option, c->value);
            expect_verdict(c, (struct load){.sets = {set}});
        }
    }
    expect_all_covered(SCOPE_CONFIG, NULL, settings_cases, count);
}

static void names_have_their_length(void **state) {
    (void)state;
    static const struct {
        const char *option;
        int longest;
    } cases[] = {{"topics.state", 249}, {"fields.result", 64}, {"policies", 4095}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int extra = 0; extra < 2; extra++) {
            char set[5000];
            int used = snprintf(set, sizeof set, "%s=", cases[i].option);
            memset(set + used, 'x', (size_t)(cases[i].longest + extra));
            set[used + cases[i].longest + extra] = '\0';
            struct loaded loaded = load((struct load){.sets = {set}});
            assert_true((strstr(loaded.text, ": expected ") != NULL) == (extra == 1));
            unload(&loaded);
        }
}

static const struct value_case version_cases[] = {
    {"effective_on", "2023-05-01", true},
    {"effective_on", "'2023-05-01'", true},
    {"effective_on", "2023-05-32", false},
    {"effective_on", "null", false},
    {"required_days", "0", true},
    {"required_days", "7", true},
    {"required_days", "8", false},
    {"required_days", "-1", false},
    {"required_days", "'3'", false},
    {"required_days", "3.0", false},
    {"required_days", "0x3", false},
    {"required_days", "256", false},
    {"workdays", "[sun]", true},
    {"workdays", "[mon, tue, wed, thu, fri, sat, sun, sun]", true},
    {"workdays", "[]", false},
    {"workdays", "mon", false},
    {"workdays", "[Mon]", false},
    {"workdays", "[mon, [tue]]", false},
    {"workdays", "null", false},
    {"weekends_count", "true", true},
    {"weekends_count", "'true'", false},
    {"weekends_count", "on", false},
    {"accept", "[a, no, '', b]", false},
    {"accept", "[]", true},
    {"accept", "[no, yes, 1, \"null\", \"a\\0b\"]", true},
    {"accept", "[null]", false},
    {"accept", "granted", false},
    {"grace_days", "0", true},
    {"grace_days", "14", true},
    {"grace_days", "15", false},
    {"grace_days", "-1", false},
    {"proration", "ratio", true},
    {"proration", "ratio_down", true},
    {"proration", "cap", true},
    {"proration", "ratio_up", false},
    {"proration", "[ratio]", false},
};

static void each_option_of_a_version_has_its_range(void **state) {
    (void)state;
    const size_t count = sizeof version_cases / sizeof version_cases[0];
    for (size_t i = 0; i < count; i++) {
        const struct value_case *c = &version_cases[i];
        char policies[256];
        snprintf(policies, sizeof policies, "policies: [{id: p, versions: [{%s%s: %s}]}]",
                 strcmp(c->option, "effective_on") == 0 ? "" : "effective_on: 2023-05-01, ", c->option,
                 c->value);
        expect_verdict(c, (struct load){.policies = policies});
    }
    expect_all_covered(SCOPE_VERSION, NULL, version_cases, count);
}

/* option: the type of the rule, then the whole rule. */
static const struct value_case rule_cases[] = {
    {"sliding", "{}", true},
    {"sliding", "{type: sliding}", true},
    {"sliding", "{tolerance_days: 0}", true},
    {"sliding", "{tolerance_days: 60}", true},
    {"sliding", "{tolerance_days: 61}", false},
    {"sliding", "{type: sliding, tolerance_days: -1}", false},
    {"sliding", "{type: monthly}", false},
    {"sliding", "{type: null}", false},
    {"sliding", "sliding", false},
    {"sliding", "null", false},
    {"weekly", "{type: weekly}", true},
    {"weekly", "{type: weekly, week_starts_on: sun}", true},
    {"weekly", "{type: weekly, week_starts_on: monday}", false},
    {"weekly", "{type: weekly, week_starts_on: [mon]}", false},
    {"k_of_n", "{type: k_of_n}", true},
    {"k_of_n", "{type: k_of_n, terms: [{short: 1, of: 1}], combine: or}", true},
    {"k_of_n", "{type: k_of_n, terms: [{short: 14, of: 14}], combine: and}", true},
    {"k_of_n", "{type: k_of_n, terms: [{short: 14, of: 15}]}", false},
    {"k_of_n", "{type: k_of_n, terms: [{short: 0, of: 1}]}", false},
    {"k_of_n", "{type: k_of_n, terms: [{short: 5, of: 4}]}", false},
    {"k_of_n", "{type: k_of_n, terms: [{short: 5}]}", false},
    {"k_of_n", "{type: k_of_n, terms: [{of: 5}]}", false},
    {"k_of_n", "{type: k_of_n, terms: []}", false},
    {"k_of_n", "{type: k_of_n, terms: {short: 3, of: 4}}", false},
    {"k_of_n", "{type: k_of_n, terms: [3, 4]}", false},
    {"k_of_n", "{type: k_of_n, combine: xor}", false},
};

static void each_rule_has_its_ranges(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rule_cases / sizeof rule_cases[0]; i++) {
        char policies[256];
        snprintf(policies, sizeof policies,
                 "policies: [{id: p, versions: [{effective_on: 2023-05-01, rule: %s}]}]",
                 rule_cases[i].value);
        expect_verdict(&rule_cases[i], (struct load){.policies = policies});
    }
    for (int terms = 1; terms <= K_OF_N_TERMS_MAX + 1; terms++) {
        char policies[512] =
            "policies: [{id: p, versions: [{effective_on: 2023-05-01, rule: {type: k_of_n, terms: [";
        for (int i = 0; i < terms; i++)
            strcat(policies, "{short: 1, of: 2}, ");
        strcat(policies, "]}}]}]");
        struct loaded loaded = load((struct load){.policies = policies});
        assert_true((loaded.config != NULL) == (terms <= K_OF_N_TERMS_MAX));
        unload(&loaded);
    }
}

static void rules_are_read_with_their_defaults(void **state) {
    (void)state;
    struct loaded loaded = load((struct load){
        .policies = "policies:\n- id: p\n  versions:\n"
                    "  - {effective_on: 2024-01-01, rule: {type: k_of_n, week_starts_on: sun}}\n"
                    "  - {effective_on: 2023-01-01, rule: {type: weekly}}\n"
                    "  - {effective_on: 2023-06-01, required_days: 5, rule: {type: k_of_n, terms: [{short: "
                    "1, of: 2}],\n"
                    "     combine: or}}\n"});
    assert_non_null(loaded.config);
    const struct policy *policy = &loaded.config->rules.policies.list[0];
    assert_int_equal(policy->versions_count, 3);
    const struct policy_version *v = policy->versions;
    assert_int_equal(v[0].rule, RULE_WEEKLY); /* stored by date */
    assert_int_equal(v[0].week_starts_on, 0);
    assert_int_equal(v[0].required_days, 3); /* whole: nothing of the other versions */
    assert_int_equal(v[1].required_days, 5);
    assert_int_equal(v[1].terms_count, 1);
    assert_true(v[1].terms_any);
    assert_int_equal(v[1].terms[0].short_weeks, 1);
    assert_int_equal(v[1].terms[0].of_weeks, 2);
    assert_int_equal(v[2].week_starts_on, 6);
    assert_int_equal(v[2].terms_count, 2);
    assert_false(v[2].terms_any);
    assert_int_equal(v[2].terms[0].short_weeks, 5);
    assert_int_equal(v[2].terms[0].of_weeks, 8);
    assert_int_equal(v[2].terms[1].short_weeks, 3);
    assert_int_equal(v[2].terms[1].of_weeks, 4);
    unload(&loaded);
}

static void accept_words_have_their_number(void **state) {
    (void)state;
    for (int words = ACCEPT_WORDS_MAX - 1; words <= ACCEPT_WORDS_MAX + 1; words++) {
        char policies[1024] = "policies: [{id: p, versions: [{effective_on: 2023-05-01, accept: [again, ";
        for (int i = 1; i < words; i++)
            sprintf(policies + strlen(policies), "w%d, ", i);
        strcat(policies, "again]}]}]"); /* a word that stands there twice is one */
        struct loaded loaded = load((struct load){.policies = policies});
        assert_true((loaded.config != NULL) == (words <= ACCEPT_WORDS_MAX));
        if (loaded.config != NULL)
            assert_int_equal(loaded.config->rules.policies.list[0].versions[0].accept_count, words);
        unload(&loaded);
    }
}

static void unknown_keys_are_errors(void **state) {
    (void)state;
    expect((struct load){.settings = SETTINGS "wokers: 2\n"},
           "r.yaml:4: unknown key 'wokers'; allowed: kafka, topics, fields, policies, sites, time, people, "
           "guard, "
           "delivery, workers, employees, http\n");
    expect((struct load){.settings = SETTINGS "guard: {min: 2}\n"},
           "r.yaml:4: unknown key 'guard.min'; allowed: max_adverse_ratio, min_people\n");
    expect((struct load){.policies = POLICIES "more: 1\n"},
           "p.yaml:2: unknown key 'more'; allowed: policies\n");
    expect((struct load){.policies =
                             "policies:\n- id: p\n  name: x\n  versions: [{effective_on: 2023-05-01}]\n"},
           "p.yaml:3: unknown key 'name'; allowed: id, versions\n");
    expect((struct load){.policies =
                             "policies:\n- id: p\n  versions:\n  - effective_on: 2023-05-01\n    days: 3\n"},
           "p.yaml:5: unknown key 'days'; allowed: effective_on, required_days, workdays, weekends_count, "
           "accept, "
           "grace_days, proration, rule\n");
    expect((struct load){.policies = "policies:\n- id: p\n  versions:\n  - effective_on: 2023-05-01\n"
                                     "    rule:\n      type: weekly\n      tolerance_days: 3\n"},
           "p.yaml:7: unknown key 'tolerance_days'; allowed: type, week_starts_on\n");
    expect((struct load){.sites = "sites:\n  A: {zone: UTC,\n    count: true}\n"},
           "s.yaml:3: unknown key 'count'; allowed: zone, counts\n");
    /* What is printed of a key is printable and short. */
    expect((struct load){.sites = SITES "\"\\e[31m\\n\\xff\": 1\n"}, "s.yaml:2: unknown key '?[31m??"
                                                                     "?'; allowed: sites\n");
}

static void keys_that_are_there_twice_are_errors(void **state) {
    (void)state;
    expect((struct load){.settings = SETTINGS "time: {settle: 24h}\nhttp: null\ntime: {settle: 24h}\n"},
           "r.yaml:6: 'time' is there twice: the first is on line 4\n");
    expect((struct load){.settings = SETTINGS "time: {settle: 24h,\n \"settle\": 24h}\n"},
           "r.yaml:5: 'settle' is there twice: the first is on line 4\n");
    expect(
        (struct load){.sites =
                          "sites:\n  A: {zone: UTC}\n  B: {zone: UTC}\n  A: {zone: UTC}\n  A: {zone: UTC}\n"},
        "s.yaml:4: 'A' is there twice: the first is on line 2\n"
        "s.yaml:5: 'A' is there twice: the first is on line 4\n");
    expect((struct load){.policies = "policies:\n- {id: p, versions: [{effective_on: 2023-05-01}]}\n"
                                     "- {id: p, versions: [{effective_on: 2023-05-01}]}\n"},
           "p.yaml:3: id: another policy has the same id\n");
    expect((struct load){.policies = "policies:\n- id: p\n  versions:\n  - {effective_on: 2023-05-01}\n"
                                     "  - {effective_on: 2023-04-01}\n  - {effective_on: 2023-05-01}\n"},
           "p.yaml:6: effective_on: another version of 'p' has the same date\n");
}

static void names_in_a_section_differ(void **state) {
    (void)state;
    expect((struct load){.settings = SETTINGS "topics:\n  swipes: a\n  state: a\n"},
           "r.yaml:6: topics.state: the same name as topics.swipes; each must have its own\n");
    expect((struct load){.settings = SETTINGS "topics:\n  swipes: hr.leave\n"},
           "r.yaml:5: topics.leave: the same name as topics.swipes; each must have its own\n");
    expect((struct load){.settings = SETTINGS "fields: {result: direction}\n"},
           "r.yaml:4: fields.direction: the same name as fields.result; each must have its own\n");
    expect_fine((struct load){.settings = SETTINGS "topics: {roster: null, leave: null}\n"});
    expect_fine((struct load){.settings = SETTINGS "fields: {result: direction, direction: result}\n"});
}

static void every_error_of_all_files_in_one_run(void **state) {
    (void)state;
    expect((struct load){.settings = "policies: p.yaml\n"
                                     "sites: s.yaml\n"
                                     "time:\n"
                                     "  settle: 3\n"
                                     "  complete_from: tomorrow\n"
                                     "kafka:\n"
                                     "  isolation.level: read_uncommitted\n"
                                     "guard: 5\n",
                         .policies = "policies:\n"
                                     "- id: p\n"
                                     "  versions:\n"
                                     "  - required_days: 9\n"
                                     "    workdays: [mon,\n"
                                     "      noday]\n"
                                     "  - {effective_on: 2023-05-01, rule: {type: daily}}\n"
                                     "- versions: []\n",
                         .sites = "sites:\n"
                                  "  A: {}\n"
                                  "  B: {zone: Mars/Olympus}\n"
                                  "  C: UTC\n",
                         .use = CONFIG_FOR_RUN},
           "p.yaml:4: required_days: expected an integer, 0 to 7\n"
           "p.yaml:4: effective_on is missing: expected a date YYYY-MM-DD, years 1970 to 2199\n"
           "p.yaml:6: workdays: expected a list of one or more of: mon, tue, wed, thu, fri, sat, sun\n"
           "p.yaml:7: type: expected one of: sliding, weekly, k_of_n\n"
           "p.yaml:8: id is missing: expected a text of 1 to 64 bytes\n"
           "p.yaml:8: versions: expected a list of 1 to 200 versions\n"
           "r.yaml:1: people.unknown is missing: expected one of: default_policy, out_of_scope, reject\n"
           "r.yaml:4: time.settle: expected an integer and ms, s, m, h or d, at most 48h\n"
           "r.yaml:5: time.complete_from: expected a date YYYY-MM-DD, years 1970 to 2199\n"
           "r.yaml:7: kafka.isolation.level may not be set: only read_committed hides what was aborted\n"
           "r.yaml:7: kafka.bootstrap.servers is missing: expected a text\n"
           "r.yaml:7: kafka.group.id is missing: expected a text\n"
           "r.yaml:8: guard: expected a map of options\n"
           "s.yaml:2: zone is missing: expected the name of a zone of the installed tz database\n"
           "s.yaml:3: zone: expected the name of a zone of the installed tz database\n"
           "s.yaml:4: 'C': expected a map, {zone: America/Los_Angeles} for example\n");
}

static void many_errors_are_cut_short(void **state) {
    (void)state;
    for (int errors = CONFIG_ERRORS_MAX; errors <= CONFIG_ERRORS_MAX + 7; errors += 7) {
        char sites[8192] = "sites:\n";
        for (int i = 0; i < errors; i++)
            sprintf(sites + strlen(sites), "  S%d: {zone: x}\n", i);
        struct loaded loaded = load((struct load){.sites = sites});
        assert_null(loaded.config);
        size_t lines = 0;
        for (const char *at = loaded.text; *at != '\0'; at++)
            lines += *at == '\n';
        bool is_cut = errors > CONFIG_ERRORS_MAX;
        assert_int_equal(lines, CONFIG_ERRORS_MAX + is_cut);
        assert_true((strstr(loaded.text, "and 7 more\n") != NULL) == is_cut);
        unload(&loaded);
    }
}

static void no_warning_hides_an_error(void **state) {
    (void)state;
    char policies[8192] = "policies:\n";
    for (int i = 0; i < CONFIG_ERRORS_MAX; i++)
        sprintf(policies + strlen(policies), "- {id: p%d, versions: [{effective_on: 2023-05-02}]}\n", i);
    for (int warn = 0; warn < 2; warn++) {
        struct loaded loaded = load((struct load){
            .settings = RUN, .policies = policies, .sites = "sites: {A: {zone: x}}\n", .warn = warn});
        assert_null(loaded.config);
        assert_non_null(strstr(loaded.text, "s.yaml:1: zone: expected"));
        assert_true((strstr(loaded.text, "and 1 more\n") != NULL) == warn);
        unload(&loaded);
    }
}

static void sets_go_over_the_file(void **state) {
    (void)state;
    struct loaded loaded = load((struct load){
        .settings = SETTINGS
        "workers: wrong\ntime: {settle: wrong, lateness_days: 3}\nguard:\nkafka: {group.id: g}\n",
        .sets = {"workers=7", "time.settle=30h", "guard.min_people=3", "kafka.bootstrap.servers=b:1,c:2"}});
    assert_string_equal(loaded.text, "");
    assert_int_equal(loaded.config->workers, 7);
    assert_int_equal(loaded.config->rules.settle_ms, 30 * 3600000);
    assert_int_equal(loaded.config->rules.lateness_days, 3);
    assert_int_equal(loaded.config->rules.guard_min_people, 3);
    assert_int_equal(loaded.config->kafka_count, 2);
    assert_string_equal(loaded.config->kafka[1].name, "bootstrap.servers");
    assert_string_equal(loaded.config->kafka[1].value, "b:1,c:2");
    unload(&loaded);
    loaded =
        load((struct load){.sets = {"workers=1", "workers=2", "topics.leave=null", "fields.site_id=a=b"}});
    assert_string_equal(loaded.text, "");
    assert_int_equal(loaded.config->workers, 2); /* the last one counts */
    assert_null(loaded.config->topics[TOPIC_LEAVE]);
    assert_string_equal(loaded.config->fields.site_id, "a=b");
    unload(&loaded);
    expect((struct load){.sets = {"workers", "=1", "time=1", "people.unknown.x=1"}},
           "--set: expected section.key=value\n"
           "--set: expected section.key=value\n"
           "--set: time: expected a map of options\n"
           "--set: unknown key 'people.unknown.x'; allowed: unknown\n");
    expect(
        (struct load){.settings = SETTINGS "time: 5\n", .sets = {"time.settle=24h", "nosuch.key=1"}},
        "--set: 'time' is not a section\n"
        "--set: unknown key 'nosuch'; allowed: kafka, topics, fields, policies, sites, time, people, guard, "
        "delivery, workers, employees, http\n"
        "r.yaml:4: time: expected a map of options\n");
}

static void run_needs_more_than_replay(void **state) {
    (void)state;
    expect_fine((struct load){.use = CONFIG_FOR_REPLAY});
    expect_fine((struct load){.settings = RUN, .use = CONFIG_FOR_RUN});
    expect((struct load){.use = CONFIG_FOR_RUN},
           "r.yaml:1: time.complete_from is missing: expected a date YYYY-MM-DD, years 1970 to 2199\n"
           "r.yaml:1: kafka is missing: expected a map with bootstrap.servers and group.id\n");
    expect((struct load){.use = CONFIG_FOR_CHECK, .warn = true},
           "r.yaml:1: warning: no kafka section: enough for replay, whatif and explain, not for run\n");
    expect((struct load){.settings = SETTINGS "kafka:\n", .use = CONFIG_FOR_CHECK},
           "r.yaml:1: time.complete_from is missing: expected a date YYYY-MM-DD, years 1970 to 2199\n"
           "r.yaml:4: kafka is missing: expected a map with bootstrap.servers and group.id\n");
    expect((struct load){.settings = "sites: s.yaml\npeople: {unknown: reject}\n"},
           "r.yaml:1: policies is missing: expected a path\n");
}

static void files_that_cannot_be_read(void **state) {
    (void)state;
    expect((struct load){.settings = "policies: nowhere.yaml\nsites: .\npeople: {unknown: reject}\n"},
           ".:1: cannot be read: Is a directory\n"
           "nowhere.yaml:1: cannot be read: No such file or directory\n");
    char *text = NULL;
    size_t len = 0;
    FILE *errors = open_memstream(&text, &len);
    assert_null(config_load("/nowhere/r.yaml", NULL, 0, CONFIG_FOR_REPLAY, true, errors));
    assert_null(config_load_policies("/nowhere/p.yaml", errors));
    fclose(errors);
    assert_string_equal(text, "/nowhere/r.yaml:1: cannot be read: No such file or directory\n"
                              "/nowhere/p.yaml:1: cannot be read: No such file or directory\n");
    free(text);
}

static void policies_can_be_read_alone(void **state) {
    (void)state;
    struct loaded loaded = load((struct load){0});
    char path[64];
    snprintf(path, sizeof path, "%s/p.yaml", loaded.directory);
    struct policies *policies = config_load_policies(path, stderr);
    assert_non_null(policies);
    assert_string_equal(policies->list[0].hash, loaded.config->rules.policies.list[0].hash);
    config_free_policies(&policies);
    assert_null(policies);
    unload(&loaded);
}

static void numbers_of_policies_and_versions(void **state) {
    (void)state;
    for (int count = POLICIES_MAX; count <= POLICIES_MAX + 1; count++) {
        char *policies = xcalloc(100000, 1);
        size_t used = (size_t)sprintf(policies, "policies:\n");
        for (int i = 0; i < count; i++)
            used +=
                (size_t)sprintf(policies + used, "- {id: p%d, versions: [{effective_on: 2023-05-01}]}\n", i);
        struct loaded loaded = load((struct load){.policies = policies});
        assert_true((loaded.config != NULL) == (count <= POLICIES_MAX));
        if (loaded.config != NULL) {
            assert_int_equal(policies_find(&loaded.config->rules.policies, "p0", 2), 0);
            assert_int_equal(policies_find(&loaded.config->rules.policies, "p999", 4), 999);
            assert_int_equal(policies_find(&loaded.config->rules.policies, "p99", 3), 99);
            assert_int_equal(policies_find(&loaded.config->rules.policies, "p1000", 5), -1);
            assert_int_equal(policies_find(&loaded.config->rules.policies, "", 0), -1);
        }
        unload(&loaded);
        used = (size_t)sprintf(policies, "policies:\n- id: p\n  versions:\n");
        for (int i = 0; i < count - POLICIES_MAX + VERSIONS_MAX; i++)
            used +=
                (size_t)sprintf(policies + used, "  - effective_on: %d-07-0%d\n", 2000 + i / 2, 9 - i % 2);
        loaded = load((struct load){.policies = policies});
        assert_true((loaded.config != NULL) == (count <= POLICIES_MAX));
        if (loaded.config != NULL) {
            const struct policy *policy = &loaded.config->rules.policies.list[0];
            assert_int_equal(policy->versions_count, VERSIONS_MAX);
            for (uint32_t i = 1; i < policy->versions_count; i++)
                assert_true(policy->versions[i - 1].effective_on.n < policy->versions[i].effective_on.n);
        }
        unload(&loaded);
        free(policies);
    }
}

/* ids of 3 characters, so that 60,000 sites fit into the file */
static void site_id(uint32_t i, char out[4]) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    snprintf(out, 4, "%c%c%c", letters[i / 2704 % 52], letters[i / 52 % 52], letters[i % 52]);
}

static void every_site_is_found(void **state) {
    (void)state;
    for (uint32_t count = SITES_MAX; count <= SITES_MAX + 1; count++) {
        char *sites = xcalloc(CONFIG_BYTES_MAX, 1), id[4];
        size_t used = (size_t)sprintf(sites, "sites: {");
        for (uint32_t i = 0; i < count; i++) {
            site_id(i, id);
            used += (size_t)sprintf(sites + used, "%s: {zone: %s}%s", id, i % 2 ? "UTC" : "EST",
                                    i % 5 ? "," : ",\n");
        }
        sprintf(sites + used, "}\n");
        struct loaded loaded = load((struct load){.sites = sites});
        free(sites);
        assert_true((loaded.config != NULL) == (count <= SITES_MAX));
        for (uint32_t i = 0; loaded.config != NULL && i < 80000; i++) {
            site_id(i, id);
            const struct rules *rules = &loaded.config->rules;
            uint16_t found = sites_find(&rules->sites, id, 3);
            assert_true((found != SITE_NONE) == (i < count));
            if (i < count) {
                assert_memory_equal(rules->sites.list[found].id.bytes, id, 3);
                assert_string_equal(zones_name(rules->zones, rules->sites.list[found].zone),
                                    i % 2 ? "UTC" : "EST");
            }
        }
        unload(&loaded);
    }
}

static void site_ids_are_any_text(void **state) {
    (void)state;
    char sites[512], longest[65];
    memset(longest, 'x', 64);
    longest[64] = '\0';
    snprintf(sites, sizeof sites,
             "sites: {NO: {zone: UTC}, 'null': {zone: UTC}, 007: {zone: UTC}, 'Zürich 1': {zone: UTC}, "
             "\"a\\0b\": {zone: UTC}, "
             "a: {zone: UTC, counts: false}, %s: {zone: UTC}}\n",
             longest);
    struct loaded loaded = load((struct load){.sites = sites});
    assert_string_equal(loaded.text, "");
    const struct sites *found = &loaded.config->rules.sites;
    assert_int_equal(found->count, 7);
    assert_true(sites_find(found, "NO", 2) != SITE_NONE);
    assert_true(sites_find(found, "null", 4) != SITE_NONE);
    assert_true(sites_find(found, "007", 3) != SITE_NONE);
    assert_true(sites_find(found, "Zürich 1", 9) != SITE_NONE);
    assert_true(sites_find(found, "a\0b", 3) != SITE_NONE);
    assert_true(sites_find(found, "a", 1) != sites_find(found, "a\0b", 3));
    assert_false(found->list[sites_find(found, "a", 1)].counts);
    assert_true(found->list[sites_find(found, "NO", 2)].counts);
    assert_true(sites_find(found, longest, 64) != SITE_NONE);
    assert_true(sites_find(found, longest, 63) == SITE_NONE);
    assert_true(sites_find(found, "", 0) == SITE_NONE);
    unload(&loaded);
    snprintf(sites, sizeof sites, "sites:\n  %sx: {zone: UTC}\n  '': {zone: UTC}\n", longest);
    expect((struct load){.sites = sites}, "s.yaml:2: a site's id must be a text of 1 to 64 bytes\n"
                                          "s.yaml:3: a site's id must be a text of 1 to 64 bytes\n");
    loaded = load((struct load){.sites = "sites: {}\n"});
    assert_string_equal(loaded.text, "");
    assert_true(sites_find(&loaded.config->rules.sites, "a", 1) == SITE_NONE);
    unload(&loaded);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(defaults_are_those_of_the_specification),
    cmocka_unit_test(each_option_has_its_range),
    cmocka_unit_test(names_have_their_length),
    cmocka_unit_test(each_option_of_a_version_has_its_range),
    cmocka_unit_test(each_rule_has_its_ranges),
    cmocka_unit_test(rules_are_read_with_their_defaults),
    cmocka_unit_test(accept_words_have_their_number),
    cmocka_unit_test(unknown_keys_are_errors),
    cmocka_unit_test(keys_that_are_there_twice_are_errors),
    cmocka_unit_test(names_in_a_section_differ),
    cmocka_unit_test(every_error_of_all_files_in_one_run),
    cmocka_unit_test(many_errors_are_cut_short),
    cmocka_unit_test(no_warning_hides_an_error),
    cmocka_unit_test(sets_go_over_the_file),
    cmocka_unit_test(run_needs_more_than_replay),
    cmocka_unit_test(files_that_cannot_be_read),
    cmocka_unit_test(policies_can_be_read_alone),
    cmocka_unit_test(numbers_of_policies_and_versions),
    cmocka_unit_test(every_site_is_found),
    cmocka_unit_test(site_ids_are_any_text),
};

UNIT_TEST_MAIN(tests)
