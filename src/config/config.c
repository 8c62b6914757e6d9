/* See config.h. The order here: text, tree, values of --set, options, then the two files that they name;
 * errors are collected on the way and printed once, so that nobody has to run it again to see the next one.
 */
#include "config.h"

#include "check.h"
#include "policies.h"
#include "rules_hash.h"
#include "settings.h"
#include "sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The tree of a file, or NULL with an error. */
static struct node *read_document(struct reader *reader, const char *path) {
    FILE *file = fopen(path, "re");
    char *text = xcalloc(CONFIG_BYTES_MAX + 1, 1);
    size_t len = file != NULL ? fread(text, 1, CONFIG_BYTES_MAX + 1, file) : 0;
    struct node *root = NULL;
    if (file == NULL || ferror(file))
        problems_error(&reader->problems, path, 1, "cannot be read: %s", strerror(errno));
    else if (len > CONFIG_BYTES_MAX)
        problems_error(&reader->problems, path, 1, "larger than %d bytes", CONFIG_BYTES_MAX);
    else
        root = document_parse(path, text, len, &reader->problems);
    if (file != NULL)
        fclose(file);
    explicit_bzero(text, len); /* a secret may have been written there by mistake */
    free(text);
    return root;
}

static char *directory_of(const char *path) {
    const char *slash = strrchr(path, '/');
    char *directory = strndup(path, slash != NULL ? (size_t)(slash + 1 - path) : 0);
    CHECK(directory != NULL);
    return directory;
}

static void make_relative(char **path, const char *directory) {
    if (*path == NULL)
        return;
    char *whole = option_path(directory, *path);
    free(*path);
    *path = whole;
}

static struct reader new_reader(enum config_use use) {
    return (struct reader){.use = use, .today = {(int32_t)(time(NULL) / 86400)}};
}

/* The files that the configuration names. */
static void read_files(struct reader *reader, const char *directory, struct config *config) {
    make_relative(&config->policies_path, directory);
    make_relative(&config->sites_path, directory);
    struct node *root = config->policies_path != NULL ? read_document(reader, config->policies_path) : NULL;
    if (root != NULL)
        policies_read(reader, root, config->rules.complete_from, &config->rules.policies);
    node_free(&root);
    root = config->sites_path != NULL ? read_document(reader, config->sites_path) : NULL;
    if (root != NULL)
        sites_read(reader, root, &config->rules.sites);
    node_free(&root);
}

static void read_all(struct reader *reader, struct node *root, const char *directory, const char *const *sets,
                     size_t sets_count, struct config *config) {
    if (root->kind != NODE_MAP) {
        problems_error(&reader->problems, root->file, root->line, "expected a map of options");
        return;
    }
    for (size_t i = 0; i < sets_count; i++)
        settings_override(reader, root, sets[i]);
    char error[256];
    config->rules.zones = zones_load(NULL, settings_day_starts_at(root), error, sizeof error);
    if (config->rules.zones == NULL) {
        problems_error(&reader->problems, root->file, root->line, "no tz database: %s", error);
        return;
    }
    reader->zones = config->rules.zones;
    settings_read(reader, root, directory, config);
    read_files(reader, directory, config);
    if (reader->problems.errors == 0)
        rules_hash(&config->rules, config->rules.hash);
}

struct config *config_load(const char *path, const char *const *sets, size_t sets_count, enum config_use use,
                           bool warn, FILE *errors) {
    struct reader reader = new_reader(use);
    struct config *config = xcalloc(1, sizeof *config);
    char *directory = directory_of(path);
    struct node *root = read_document(&reader, path);
    if (root != NULL)
        read_all(&reader, root, directory, sets, sets_count, config);
    node_free(&root);
    free(directory);
    problems_print(&reader.problems, warn, errors);
    if (reader.problems.errors > 0)
        config_free(&config);
    problems_fini(&reader.problems);
    return config;
}

struct policies *config_load_policies(const char *path, FILE *errors) {
    struct reader reader = new_reader(CONFIG_FOR_REPLAY);
    struct policies *policies = xcalloc(1, sizeof *policies);
    struct node *root = read_document(&reader, path);
    if (root != NULL)
        policies_read(&reader, root, DAY_NONE, policies);
    node_free(&root);
    problems_print(&reader.problems, false, errors);
    if (reader.problems.errors > 0)
        config_free_policies(&policies);
    problems_fini(&reader.problems);
    return policies;
}

void config_free_policies(struct policies **policies) {
    if (*policies == NULL)
        return;
    policies_fini(*policies);
    free(*policies);
    *policies = NULL;
}

void config_free(struct config **config) {
    struct config *c = *config;
    if (c == NULL)
        return;
    for (uint32_t i = 0; i < c->kafka_count; i++) {
        explicit_bzero(c->kafka[i].value, strlen(c->kafka[i].value));
        free(c->kafka[i].value);
        free(c->kafka[i].name);
    }
    free(c->kafka);
    for (size_t i = 0; i < TOPIC_COUNT; i++)
        free(c->topics[i]);
    for (size_t i = 0; i < OUTPUT_COUNT; i++)
        free(c->outputs[i]);
    free(c->http);
    free(c->policies_path);
    free(c->sites_path);
    sites_fini(&c->rules.sites);
    policies_fini(&c->rules.policies);
    if (c->rules.zones != NULL)
        zones_free(&c->rules.zones);
    free(c);
    *config = NULL;
}
