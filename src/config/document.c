/* See document.h. */
#include "document.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct builder {
    struct problems *problems;
    const char *file;
    struct node *root;
    struct node *open[CONFIG_DEPTH_MAX]; /* the containers around the next event */
    struct node *key;                    /* read, and waiting for its value */
    unsigned depth;
    bool has_document;
};

static struct node *new_node(enum node_kind kind, const char *file, uint32_t line) {
    struct node *node = xcalloc(1, sizeof *node);
    node->kind = kind;
    node->file = file;
    node->line = line;
    return node;
}

struct node *node_new_scalar(const char *file, uint32_t line, const char *text, size_t len) {
    struct node *node = new_node(NODE_SCALAR, file, line);
    node->is_plain = true;
    node->len = len;
    node->text = xcalloc(len + 1, 1);
    memcpy(node->text, text, len);
    return node;
}

struct node *node_new_map(const char *file, uint32_t line) {
    return new_node(NODE_MAP, file, line);
}

void node_free(struct node **node) {
    struct node *n = *node;
    if (n == NULL)
        return;
    while (n->first != NULL) {
        struct node *child = n->first;
        n->first = child->next;
        node_free(&child);
    }
    node_free(&n->key);
    if (n->text != NULL)
        explicit_bzero(n->text, n->len); /* it may be a secret, refused where it stood */
    free(n->text);
    free(n);
    *node = NULL;
}

static void append(struct node *parent, struct node *child) {
    if (parent->first == NULL)
        parent->first = child;
    else
        parent->last->next = child;
    parent->last = child;
    parent->count++;
}

static bool key_is(const struct node *member, const char *key, size_t len) {
    return member->key->len == len && memcmp(member->key->text, key, len) == 0;
}

struct node *node_find(const struct node *map, const char *key) {
    size_t len = strlen(key);
    for (struct node *n = map != NULL && map->kind == NODE_MAP ? map->first : NULL; n != NULL; n = n->next)
        if (key_is(n, key, len))
            return n;
    return NULL;
}

void node_put(struct node *map, const char *key, size_t key_len, struct node *value) {
    CHECK(map->kind == NODE_MAP);
    value->key = node_new_scalar(value->file, value->line, key, key_len);
    for (struct node **at = &map->first, *before = NULL; *at != NULL; before = *at, at = &(*at)->next) {
        struct node *old = *at;
        if (!key_is(old, key, key_len))
            continue;
        *at = old->next;
        if (map->last == old)
            map->last = before;
        map->count--;
        node_free(&old);
        break;
    }
    append(map, value);
}

bool node_is_null(const struct node *node) {
    return node->kind == NODE_SCALAR && node->is_plain &&
           (node->len == 0 || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

bool node_is_text(const struct node *node, size_t len_min, size_t len_max) {
    return node->kind == NODE_SCALAR && !node_is_null(node) && node->len >= len_min && node->len <= len_max &&
           memchr(node->text, '\0', node->len) == NULL;
}

static int compare_keys(const void *a, const void *b) {
    const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
    size_t shorter = x->key->len < y->key->len ? x->key->len : y->key->len;
    int by_bytes = memcmp(x->key->text, y->key->text, shorter);
    if (by_bytes != 0)
        return by_bytes;
    if (x->key->len != y->key->len)
        return x->key->len < y->key->len ? -1 : 1;
    return x->key->line < y->key->line ? -1 : x->key->line > y->key->line;
}

/* Sorted, because a file of 1 MiB can have 100,000 members in one map. */
static void refuse_twins(struct builder *b, const struct node *map) {
    if (map->count < 2)
        return;
    struct node **members = xcalloc(map->count, sizeof *members);
    uint32_t count = 0;
    for (struct node *n = map->first; n != NULL; n = n->next)
        members[count++] = n;
    qsort(members, count, sizeof *members, compare_keys);
    for (uint32_t i = 1; i < count; i++)
        if (key_is(members[i], members[i - 1]->key->text, members[i - 1]->key->len))
            problems_error(
                b->problems, b->file, members[i]->key->line, "'%s' is there twice: the first is on line %u",
                printable_text(members[i]->key->text, members[i]->key->len).text, members[i - 1]->key->line);
    free(members);
}

/* Takes the node. False ends the reading. */
static bool place(struct builder *b, struct node *node) {
    if (b->depth == 0) {
        b->root = node;
        return true;
    }
    struct node *parent = b->open[b->depth - 1];
    if (parent->kind == NODE_MAP && b->key == NULL) {
        b->key = node;
        if (node->kind == NODE_SCALAR)
            return true;
        problems_error(b->problems, b->file, node->line, "a key must be a text, not a list or a map");
        return false;
    }
    node->key = b->key;
    b->key = NULL;
    append(parent, node);
    return true;
}

static bool open_container(struct builder *b, enum node_kind kind, uint32_t line) {
    struct node *node = new_node(kind, b->file, line);
    if (!place(b, node))
        return false;
    if (b->depth == CONFIG_DEPTH_MAX) {
        problems_error(b->problems, b->file, line, "nested deeper than %d", CONFIG_DEPTH_MAX);
        return false;
    }
    b->open[b->depth++] = node;
    return true;
}

static void refuse_marks(struct builder *b, uint32_t line, const yaml_char_t *anchor,
                         const yaml_char_t *tag) {
    if (anchor != NULL)
        problems_error(b->problems, b->file, line, "an anchor (&): anchors and aliases are not allowed");
    if (tag != NULL)
        problems_error(b->problems, b->file, line, "a tag (!): tags are not allowed");
}

static bool take_scalar(struct builder *b, const yaml_event_t *event, uint32_t line) {
    refuse_marks(b, line, event->data.scalar.anchor, event->data.scalar.tag);
    struct node *node =
        node_new_scalar(b->file, line, (const char *)event->data.scalar.value, event->data.scalar.length);
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return place(b, node);
}

/* False ends the reading. */
static bool take_event(struct builder *b, const yaml_event_t *event) {
    uint32_t line = (uint32_t)event->start_mark.line + 1;
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->has_document)
            problems_error(b->problems, b->file, line, "a second document: a file holds one");
        return !b->has_document && (b->has_document = true);
    case YAML_ALIAS_EVENT:
        problems_error(b->problems, b->file, line, "an alias (*): anchors and aliases are not allowed");
        return place(b, node_new_scalar(b->file, line, "", 0));
    case YAML_SCALAR_EVENT:
        return take_scalar(b, event, line);
    case YAML_SEQUENCE_START_EVENT:
        refuse_marks(b, line, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        return open_container(b, NODE_LIST, line);
    case YAML_MAPPING_START_EVENT:
        refuse_marks(b, line, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        return open_container(b, NODE_MAP, line);
    case YAML_MAPPING_END_EVENT:
        refuse_twins(b, b->open[b->depth - 1]);
        b->depth--;
        return true;
    case YAML_SEQUENCE_END_EVENT:
        b->depth--;
        return true;
    default:
        return true;
    }
}

static void syntax_error(struct builder *b, const yaml_parser_t *parser, const char *text, size_t len) {
    size_t line = parser->problem_mark.line, column = parser->problem_mark.column;
    if (parser->error == YAML_READER_ERROR) { /* it names a byte, not a line */
        line = 0;
        for (size_t i = 0; i < parser->problem_offset && i < len; i++)
            line += text[i] == '\n';
        column = 0;
    }
    problems_error(b->problems, b->file, (uint32_t)line + 1, "not YAML: %s%s%s (column %zu)",
                   parser->context ? parser->context : "", parser->context ? ": " : "",
                   parser->problem ? parser->problem : "it cannot be read", column + 1);
}

struct node *document_parse(const char *file, const char *text, size_t len, struct problems *problems) {
    struct builder b = {.problems = problems, .file = file};
    yaml_parser_t parser;
    CHECK(yaml_parser_initialize(&parser));
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    bool is_whole = false, go_on = true;
    while (go_on) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            syntax_error(&b, &parser, text, len);
            break;
        }
        is_whole = event.type == YAML_STREAM_END_EVENT;
        go_on = !is_whole && take_event(&b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    node_free(&b.key);
    if (!is_whole)
        node_free(&b.root);
    else if (b.root == NULL)
        problems_error(problems, file, 1, "the file is empty");
    return b.root;
}
