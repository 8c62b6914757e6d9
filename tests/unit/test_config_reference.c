/* The option table against what is written down elsewhere: the shipped files and docs/configuration.md. A row
 * that fails is printed as it should be. */
#include "config_fixture.h"
#include "kafka.h"
#include "options.h"

#include <inttypes.h>

static char *read_file(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", SOURCE_DIR, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = xcalloc(CONFIG_BYTES_MAX + 1, 1);
    assert_true(fread(text, 1, CONFIG_BYTES_MAX, file) > 0);
    fclose(file);
    return text;
}

/* The n-th line, from 1; its length in `len`. */
static const char *line_of(const char *text, uint32_t line, size_t *len) {
    for (uint32_t i = 1; i < line; i++)
        text = strchr(text, '\n') + 1;
    *len = strcspn(text, "\n");
    return text;
}

static void expect_explained(const char *text, const struct node *key) {
    size_t len, before_len;
    const char *line = line_of(text, key->line, &len), *before = line_of(text, key->line - 1, &before_len);
    if (memmem(line, len, " # ", 3) == NULL && before[strspn(before, " ")] != '#')
        fail_msg("line %u: '%s' is not explained", key->line, key->text);
}

static void the_shipped_settings_say_every_default_and_why(void **state) {
    (void)state;
    char *text = read_file("config/rollcall.yaml");
    struct problems problems = {0};
    struct node *root = document_parse("rollcall.yaml", text, strlen(text), &problems);
    assert_int_equal(problems.errors, 0);
    for (size_t i = 0; i < options_count; i++) {
        const struct option *o = &options[i];
        if (o->scope != SCOPE_CONFIG)
            continue;
        const struct node *node = node_find(*o->section ? node_find(root, o->section) : root, o->key);
        char commented[64];
        snprintf(commented, sizeof commented, "\n# %s: ", o->key);
        if (node == NULL && (o->fallback != NULL || strstr(text, commented) == NULL))
            fail_msg("%s is not in config/rollcall.yaml", option_title(o).text);
        if (node == NULL)
            continue;
        if (o->kind != KIND_GROUP)
            expect_explained(text, node->key);
        if (o->fallback != NULL)
            assert_string_equal(node->text, o->fallback);
    }
    node_free(&root);
    free(text);
}

static void the_shipped_files_are_fine_and_not_even_unwise(void **state) {
    (void)state;
    struct config *config =
        config_load(SOURCE_DIR "/config/rollcall.yaml", NULL, 0, CONFIG_FOR_RUN, true, stderr);
    assert_non_null(config);
    assert_int_equal(config->rules.policies.count, 1);
    assert_int_equal(config->rules.sites.count, 5);
    assert_int_equal(config->kafka_count, 2);
    struct loaded defaults = load(
        (struct load){.policies = "policies: [{id: office-3d, versions: [{effective_on: 2023-05-01}]}]"});
    assert_string_equal(config->rules.policies.list[0].hash, defaults.config->rules.policies.list[0].hash);
    unload(&defaults);
    config_free(&config);
}

static void the_shipped_policies_say_every_default(void **state) {
    (void)state;
    char *policies = read_file("config/policies.yaml"), *sites = read_file("config/sites.yaml");
    for (size_t i = 0; i < options_count; i++) {
        const struct option *o = &options[i];
        const char *text = o->scope == SCOPE_SITES_FILE || o->scope == SCOPE_SITE ? sites : policies;
        char wanted[128];
        if (o->scope == SCOPE_RULE && strcmp(o->key, "type") == 0)
            snprintf(wanted, sizeof wanted, "rule: {type: %s, ", o->section);
        else if (o->fallback != NULL && o->scope != SCOPE_SITE)
            snprintf(wanted, sizeof wanted, "%s: %s", o->key, o->fallback);
        else
            snprintf(wanted, sizeof wanted, "%s:", o->key);
        if (o->scope != SCOPE_CONFIG && strstr(text, wanted) == NULL)
            fail_msg("the shipped files do not have '%s'", wanted);
    }
    free(policies);
    free(sites);
}

/* Prints what is missing, so that it can be put there. */
static bool has_row(const char *page, const char *row) {
    const char *at = strstr(page, row);
    bool is_there = at != NULL && at[-1] == '\n' && at[strlen(row)] == '\n';
    if (!is_there)
        fprintf(stderr, "%s\n", row);
    return is_there;
}

static const char *const prefixes[] = {
    [SCOPE_CONFIG] = "",
    [SCOPE_POLICIES_FILE] = "",
    [SCOPE_POLICY] = "policies[].",
    [SCOPE_VERSION] = "versions[].",
    [SCOPE_RULE] = "rule.",
    [SCOPE_TERM] = "rule.terms[].",
    [SCOPE_SITES_FILE] = "",
    [SCOPE_SITE] = "sites.ID.",
};

static void the_reference_page_has_each_option(void **state) {
    (void)state;
    char *page = read_file("docs/configuration.md");
    size_t missing = 0, rows = 0, wanted = 0;
    for (size_t i = 0; i < options_count; i++) {
        const struct option *o = &options[i];
        char row[1024];
        const char *need = o->need == NEED_REQUIRED  ? "required"
                           : o->need == NEED_FOR_RUN ? "required by `run`"
                                                     : "none";
        char fallback[80];
        snprintf(fallback, sizeof fallback, o->fallback ? "`%s`" : "%s", o->fallback ? o->fallback : need);
        snprintf(row, sizeof row, "| `%s%s`%s%s%s | %s | %s | %s |", prefixes[o->scope], option_title(o).text,
                 o->scope == SCOPE_RULE ? " (" : "", o->scope == SCOPE_RULE ? o->section : "",
                 o->scope == SCOPE_RULE ? ")" : "", option_allowed(o).text, fallback, o->reason);
        if (o->kind == KIND_GROUP)
            continue;
        wanted++;
        missing += !has_row(page, row);
    }
    static const char *const clients[] = {
        [KAFKA_BOTH] = "both", [KAFKA_CONSUMER] = "consumers", [KAFKA_PRODUCER] = "producers"};
    for (size_t i = 0; i < kafka_rows_count; i++) {
        const struct kafka_row *k = &kafka_rows[i];
        char row[256];
        if (k->kind == KAFKA_ROW_REFUSED)
            snprintf(row, sizeof row, "| `%s` | %s |", k->name, k->text);
        else if (k->kind == KAFKA_ROW_INTEGER)
            snprintf(row, sizeof row, "| `%s` | an integer, %" PRId64 " to %" PRId64 " | %s |", k->name,
                     k->low, k->high, clients[k->client]);
        else
            snprintf(row, sizeof row, "| `%s%s` | %s%s | %s |", k->name,
                     k->kind == KAFKA_ROW_SECRET ? ".file" : "",
                     k->kind == KAFKA_ROW_WORD     ? "one of: "
                     : k->kind == KAFKA_ROW_SECRET ? "a path"
                                                   : "a text",
                     k->kind == KAFKA_ROW_WORD ? k->text : "", clients[k->client]);
        wanted++;
        missing += !has_row(page, row);
    }
    for (const char *at = page; (at = strstr(at, "\n| `")) != NULL; at++)
        rows++;
    free(page);
    assert_int_equal(missing, 0);
    assert_int_equal(rows, wanted); /* nothing that is no longer an option */
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_shipped_settings_say_every_default_and_why),
    cmocka_unit_test(the_shipped_files_are_fine_and_not_even_unwise),
    cmocka_unit_test(the_shipped_policies_say_every_default),
    cmocka_unit_test(the_reference_page_has_each_option),
};

UNIT_TEST_MAIN(tests)
