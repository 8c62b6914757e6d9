/* See options.h. */
#include "options.h"

#include "check.h"

#include <string.h>

#define STRUCT_CONFIG        struct config
#define STRUCT_POLICIES_FILE struct policies
#define STRUCT_POLICY        struct policy
#define STRUCT_VERSION       struct policy_version
#define STRUCT_RULE          struct policy_version
#define STRUCT_TERM          struct k_of_n_term
#define STRUCT_SITES_FILE    struct sites
#define STRUCT_SITE          struct site

const struct option options[] = {
#define OPTION(scope, section, key, kind, field, fallback, low, high, need, reason)                          \
    {SCOPE_##scope,                                                                                          \
     section,                                                                                                \
     key,                                                                                                    \
     KIND_##kind,                                                                                            \
     offsetof(STRUCT_##scope, field),                                                                        \
     sizeof((STRUCT_##scope *)0)->field,                                                                     \
     fallback,                                                                                               \
     low,                                                                                                    \
     high,                                                                                                   \
     NEED_##need,                                                                                            \
     reason},
#define GROUP(scope, section, key, need, reason)                                                             \
    {SCOPE_##scope, section, key, KIND_GROUP, 0, 0, NULL, 0, 0, NEED_##need, reason},
#include "options.def"
#undef GROUP
#undef OPTION
};
const size_t options_count = sizeof options / sizeof options[0];

/* Defaults are written as in a file and read as from one, so that no default can be what the file may not
 * say. */
void options_set_defaults(struct reader *reader, enum option_scope scope, void *base) {
    for (size_t i = 0; i < options_count; i++) {
        const struct option *o = &options[i];
        if (o->scope != scope || o->fallback == NULL)
            continue;
        struct node *node =
            document_parse("the default", o->fallback, strlen(o->fallback), &reader->problems);
        const struct node *wrong;
        CHECK(node != NULL && option_store(reader, o, node, base, &wrong));
        node_free(&node);
    }
}

const struct option *options_find(enum option_scope scope, const char *section, const char *key) {
    for (size_t i = 0; i < options_count; i++)
        if (options[i].scope == scope && strcmp(options[i].section, section) == 0 &&
            strcmp(options[i].key, key) == 0)
            return &options[i];
    return NULL;
}

static void refuse_unknown(struct reader *reader, enum option_scope scope, const char *section,
                           const struct node *member) {
    char allowed[512];
    size_t used = 0;
    for (size_t i = 0; i < options_count; i++)
        if (options[i].scope == scope && strcmp(options[i].section, section) == 0)
            used += (size_t)snprintf(allowed + used, sizeof allowed - used, "%s%s", used ? ", " : "",
                                     options[i].key);
    CHECK(used < sizeof allowed);
    problems_error(&reader->problems, member->key->file, member->key->line,
                   "unknown key '%s%s%s'; allowed: %s", scope == SCOPE_CONFIG ? section : "",
                   scope == SCOPE_CONFIG && *section ? "." : "",
                   printable_text(member->key->text, member->key->len).text, allowed);
}

static void read_member(struct reader *reader, const struct option *o, const struct node *node, void *base) {
    const struct node *wrong = node;
    if (!option_store(reader, o, node, base, &wrong))
        problems_error(&reader->problems, wrong->file, wrong->line, "%s: expected %s", option_title(o).text,
                       option_allowed(o).text);
}

void options_read(struct reader *reader, enum option_scope scope, const char *section, const struct node *map,
                  const struct node *where, void *base) {
    for (const struct node *n = map != NULL ? map->first : NULL; n != NULL; n = n->next) {
        const struct option *o =
            node_is_text(n->key, 0, SIZE_MAX) ? options_find(scope, section, n->key->text) : NULL;
        if (o == NULL)
            refuse_unknown(reader, scope, section, n);
        else if (o->kind != KIND_GROUP)
            read_member(reader, o, n, base);
    }
    for (size_t i = 0; i < options_count; i++) {
        const struct option *o = &options[i];
        bool is_needed =
            o->need == NEED_REQUIRED || (o->need == NEED_FOR_RUN && reader->use == CONFIG_FOR_RUN);
        if (o->scope == scope && is_needed && strcmp(o->section, section) == 0 &&
            node_find(map, o->key) == NULL)
            problems_error(&reader->problems, where->file, where->line, "%s is missing: expected %s",
                           option_title(o).text, option_allowed(o).text);
    }
}

struct option_words option_title(const struct option *option) {
    struct option_words out;
    bool has_section = option->scope == SCOPE_CONFIG && *option->section;
    snprintf(out.text, sizeof out.text, "%s%s%s", has_section ? option->section : "", has_section ? "." : "",
             option->key);
    return out;
}
