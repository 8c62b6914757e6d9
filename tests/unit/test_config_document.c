/* What a file may be: one document, of limited size and depth, without aliases, anchors and tags; JSON too.
 */
#include "config_fixture.h"

static void json_is_yaml(void **state) {
    (void)state;
    struct loaded loaded = load((struct load){
        .settings = "{\n\t\"policies\":\"p.yaml\",\n\t\"sites\" : "
                    "\"s.yaml\",\n\t\"people\":{\"unknown\":\"default_policy\"},\n"
                    "\t\"time\":{\"settle\":\"36h\",\"lateness_days\":7,\"allow_create_time\":true,\"day_"
                    "starts_at\":\"04:00\","
                    "\"complete_from\":\"2023-05-01\"},\n\t\"topics\":{\"leave\":null},\n\t\"http\":null,"
                    "\"guard\":{\"max_adverse_ratio\":0.5},\"kafka\":{\"linger.ms\":10,\"bootstrap.servers\":"
                    "\"b\"}\n}\n",
        .policies =
            "{\"policies\":[{\"id\":\"caf\\u00e9\\/"
            "1\",\"versions\":[{\"effective_on\":\"2023-05-01\",\"required_days\":2,"
            "\"workdays\":[\"mon\",\"tue\"],\"weekends_count\":true,\"rule\":{\"type\":\"weekly\"}}]}]}",
        .sites = "{\"sites\":{\"A\":{\"zone\":\"UTC\",\"counts\":false}}}"});
    assert_string_equal(loaded.text, "");
    struct config *c = loaded.config;
    assert_int_equal(c->rules.settle_ms, 36 * 3600000);
    assert_int_equal(c->rules.lateness_days, 7);
    assert_true(c->rules.allow_create_time);
    assert_int_equal(c->rules.day_starts_at_ms, 4 * 3600000);
    assert_null(c->topics[TOPIC_LEAVE]);
    assert_null(c->http);
    assert_true(c->rules.guard_max_adverse_ratio == 0.5);
    assert_string_equal(c->kafka[0].value, "10");
    assert_int_equal(policies_find(&c->rules.policies, "café/1", 7), 0);
    assert_int_equal(c->rules.policies.list[0].versions[0].required_days, 2);
    assert_false(c->rules.sites.list[0].counts);
    unload(&loaded);
}

static void forms_of_yaml(void **state) {
    (void)state;
    expect_fine(
        (struct load){.settings = "\xef\xbb\xbf# a mark of order\n%YAML 1.1\n---\n" SETTINGS "...\n"});
    expect_fine((struct load){
        .settings = "policies: p.yaml\r\nsites: \"s.yaml\"\r\npeople:\r\n  unknown: 'reject'\r\n"});
    expect_fine((struct load){.settings = SETTINGS "guard: # nothing set\ntime: ~\n"});
    struct loaded loaded = load((struct load){
        .settings = SETTINGS "fields:\n  result: |-\n    result code\n  site_id: >-\n    the\n    site\n"});
    assert_string_equal(loaded.text, "");
    assert_string_equal(loaded.config->fields.result, "result code");
    assert_string_equal(loaded.config->fields.site_id, "the site");
    unload(&loaded);
}

static void what_is_no_map_of_options(void **state) {
    (void)state;
    expect((struct load){.settings = "# nothing\n"}, "r.yaml:1: the file is empty\n");
    expect((struct load){.settings = "\n---\n"}, "r.yaml:3: expected a map of options\n");
    expect((struct load){.settings = "- a\n"}, "r.yaml:1: expected a map of options\n");
    expect((struct load){.policies = "# nothing\n", .sites = "[]\n"},
           "p.yaml:1: the file is empty\ns.yaml:1: expected a map with the key sites\n");
    expect((struct load){.policies = "{}", .sites = "{}"},
           "p.yaml:1: policies is missing: expected a map or list, see docs/configuration.md\n"
           "s.yaml:1: sites is missing: expected a map or list, see docs/configuration.md\n");
    expect((struct load){.policies = "policies: {}\n", .sites = "sites: []\n"},
           "p.yaml:1: policies: expected a list of 1 to 1000 policies\n"
           "s.yaml:1: sites: expected a map from site_id to {zone: ...}, of at most 60000 sites\n");
    expect((struct load){.policies = "policies:\n- p\n- id: q\n  versions:\n  - 2023-05-01\n"},
           "p.yaml:2: policies: expected a map with id and versions\n"
           "p.yaml:5: versions: expected a map, {effective_on: 2023-05-01} at least\n");
}

static void what_is_not_yaml(void **state) {
    (void)state;
    expect((struct load){.settings = SETTINGS "time: {settle: 24h\nhttp: null\n"},
           "r.yaml:5: not YAML: while parsing a flow mapping: did not find expected ',' or '}' (column 5)\n");
    expect((struct load){.settings = "a: b: c\n", .policies = "never read"},
           "r.yaml:1: not YAML: mapping values are not allowed in this context (column 5)\n");
    struct loaded loaded =
        load((struct load){.policies = "policies:\n  \xff\n", .sites = "sites:\n\n\n \x01\n"});
    assert_null(loaded.config);
    assert_non_null(strstr(loaded.text, "p.yaml:2: not YAML: "));
    assert_non_null(strstr(loaded.text, "s.yaml:4: not YAML: control characters are not allowed"));
    unload(&loaded);
    static const char utf16[] = "\xff\xfe"
                                "a\0:\0 \0b\0";
    loaded = load((struct load){.settings = utf16, .settings_len = sizeof utf16 - 1});
    assert_null(loaded.config);
    assert_non_null(strstr(loaded.text, "r.yaml:1: not YAML: "));
    unload(&loaded);
}

static void what_expands_is_refused(void **state) {
    (void)state;
    expect(
        (struct load){.settings = SETTINGS "fields:\n  result: &a b\n  site_id: *a\n  direction: !!str in\n"},
        "r.yaml:5: an anchor (&): anchors and aliases are not allowed\n"
        "r.yaml:6: an alias (*): anchors and aliases are not allowed\n"
        "r.yaml:6: fields.site_id: expected a text of 1 to 64 bytes\n"
        "r.yaml:7: a tag (!): tags are not allowed\n");
    expect((struct load){.settings = SETTINGS "time: &t {settle: 24h}\nguard: !g {}\n"},
           "r.yaml:4: an anchor (&): anchors and aliases are not allowed\n"
           "r.yaml:5: a tag (!): tags are not allowed\n");
    expect((struct load){.settings = SETTINGS, .sites = SITES "---\n" SITES},
           "s.yaml:2: a second document: a file holds one\n");
    expect((struct load){.sites = "sites:\n  ? [a, b]\n  : {zone: UTC}\n"},
           "s.yaml:2: a key must be a text, not a list or a map\n");
    /* A bomb: each level nine times the level before. It ends where it begins. */
    char bomb[2048] = "a0: &a0 [x, x]\n";
    for (int i = 1; i < 12; i++) {
        sprintf(bomb + strlen(bomb), "a%d: &a%d [", i, i);
        for (int j = 0; j < 9; j++)
            sprintf(bomb + strlen(bomb), "*a%d, ", i - 1);
        strcat(bomb, "]\n");
    }
    struct loaded loaded = load((struct load){.settings = bomb});
    assert_null(loaded.config);
    assert_non_null(strstr(loaded.text, "r.yaml:2: an alias (*)"));
    unload(&loaded);
}

static void nesting_has_its_depth(void **state) {
    (void)state;
    for (int depth = CONFIG_DEPTH_MAX; depth <= CONFIG_DEPTH_MAX + 1; depth++) {
        char settings[256] = SETTINGS "deep: ";
        for (int i = 1; i < depth; i++) /* the map of options is the first */
            strcat(settings, i % 2 ? "[" : "{a: ");
        for (int i = depth - 1; i > 0; i--)
            strcat(settings, i % 2 ? "]" : "}");
        struct loaded loaded = load((struct load){.settings = settings});
        assert_true((strstr(loaded.text, "r.yaml:4: nested deeper than 16\n") != NULL) ==
                    (depth > CONFIG_DEPTH_MAX));
        assert_true((strstr(loaded.text, "unknown key 'deep'") != NULL) == (depth <= CONFIG_DEPTH_MAX));
        unload(&loaded);
    }
    char *deep = xcalloc(CONFIG_BYTES_MAX, 1);
    memset(deep, '[', CONFIG_BYTES_MAX - 1);
    expect((struct load){.settings = deep}, "r.yaml:1: nested deeper than 16\n");
    free(deep);
}

static void files_have_their_size(void **state) {
    (void)state;
    for (size_t size = CONFIG_BYTES_MAX - 1; size <= CONFIG_BYTES_MAX + 1; size++) {
        char *settings = xcalloc(size + 1, 1);
        memset(settings, '#', size);
        memcpy(settings, SETTINGS, strlen(SETTINGS));
        expect((struct load){.settings = settings},
               size <= CONFIG_BYTES_MAX ? "" : "r.yaml:1: larger than 1048576 bytes\n");
        free(settings);
    }
}

/* A map with as many members as fit: looking for twins must not take the square of them. */
static void a_map_of_100000_members(void **state) {
    (void)state;
    char *sites = xcalloc(CONFIG_BYTES_MAX + 1, 1);
    size_t used = (size_t)sprintf(sites, "sites: {");
    for (int i = 0; i < 100000; i++)
        used += (size_t)sprintf(sites + used, "%05d: ,%s", i, i % 10 ? "" : "\n");
    strcpy(sites + used, "00000: }\n");
    struct loaded loaded = load((struct load){.sites = sites});
    assert_null(loaded.config);
    assert_non_null(strstr(loaded.text, "s.yaml:10001: '00000' is there twice: the first is on line 1\n"));
    assert_non_null(strstr(loaded.text, "of at most 60000 sites"));
    unload(&loaded);
    free(sites);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(json_is_yaml),
    cmocka_unit_test(forms_of_yaml),
    cmocka_unit_test(what_is_no_map_of_options),
    cmocka_unit_test(what_is_not_yaml),
    cmocka_unit_test(what_expands_is_refused),
    cmocka_unit_test(nesting_has_its_depth),
    cmocka_unit_test(files_have_their_size),
    cmocka_unit_test(a_map_of_100000_members),
};

UNIT_TEST_MAIN(tests)
