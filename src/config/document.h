/* A YAML file as a small tree of nodes that know their line. Scalars stay text: the option that reads one
 * says what it must be, so that a site NO or a policy 007 is what it looks like.
 *
 * Read by libyaml's events, not into its own tree: aliases, anchors and tags are refused where they stand,
 * so that nothing expands, and nothing is ever deeper than CONFIG_DEPTH_MAX. Main thread. */
#ifndef ROLLCALL_DOCUMENT_H
#define ROLLCALL_DOCUMENT_H

#include "problems.h"

#include <stddef.h>

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    bool is_plain;    /* a scalar without quotes: only such a one is a number, a boolean or null */
    const char *file; /* borrowed */
    uint32_t line;    /* from 1; 0 for a value of --set */
    char *text;       /* of a scalar, with a NUL behind; may hold others */
    size_t len;
    uint32_t count; /* of the children */
    struct node *first, *last, *next;
    struct node *key; /* a scalar: of a member of a map */
};

/* NULL if the text cannot be read as one document; then, and for what is refused, `problems` has an error.
 * `file` must outlive the tree, which the caller frees with node_free. */
struct node *document_parse(const char *file, const char *text, size_t len, struct problems *problems);

/* A scalar as if it stood without quotes. */
struct node *node_new_scalar(const char *file, uint32_t line, const char *text, size_t len);
struct node *node_new_map(const char *file, uint32_t line);
void node_free(struct node **node);

/* NULL if the map has no such member. */
struct node *node_find(const struct node *map, const char *key);
/* Gives `value` to the map as its member `key`, in place of one of that name. */
void node_put(struct node *map, const char *key, size_t key_len, struct node *value);
bool node_is_null(const struct node *node);
/* A text of that length that can be a C string. */
bool node_is_text(const struct node *node, size_t len_min, size_t len_max);

#endif
