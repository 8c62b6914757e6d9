/* See sites.h. */
#include "sites.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint32_t hash_of(const char *id, size_t len) {
    return (uint32_t)XXH3_64bits(id, len);
}

uint16_t sites_find(const struct sites *sites, const char *id, size_t len) {
    if (sites->index_size == 0)
        return SITE_NONE;
    uint32_t mask = sites->index_size - 1;
    for (uint32_t at = hash_of(id, len) & mask;; at = (at + 1) & mask) {
        uint16_t found = sites->index[at];
        if (found == SITE_NONE)
            return SITE_NONE;
        const struct site *site = &sites->list[found];
        if (site->id.len == len && memcmp(site->id.bytes, id, len) == 0)
            return found;
    }
}

static void build_index(struct sites *sites) {
    sites->index_size = 2;
    while (sites->index_size < 2 * sites->count)
        sites->index_size *= 2;
    sites->index = xcalloc(sites->index_size, sizeof *sites->index);
    memset(sites->index, 0xff, sites->index_size * sizeof *sites->index);
    uint32_t mask = sites->index_size - 1;
    for (uint32_t i = 0; i < sites->count; i++) {
        uint32_t at = hash_of(sites->list[i].id.bytes, sites->list[i].id.len) & mask;
        while (sites->index[at] != SITE_NONE)
            at = (at + 1) & mask;
        sites->index[at] = (uint16_t)i;
    }
}

static void read_site(struct reader *reader, const struct node *map, const struct site *defaults,
                      struct sites *out) {
    struct site site = *defaults;
    if (!option_read_id(map->key, &site.id)) {
        problems_error(&reader->problems, map->key->file, map->key->line,
                       "a site's id must be a text of 1 to %d bytes", ID_BYTES_MAX);
        return;
    }
    if (map->kind != NODE_MAP) {
        problems_error(&reader->problems, map->file, map->line,
                       "'%s': expected a map, {zone: America/Los_Angeles} for example",
                       printable_text(map->key->text, map->key->len).text);
        return;
    }
    options_read(reader, SCOPE_SITE, "", map, map->key, &site);
    if (zones_find(reader->zones, site.id.bytes, site.id.len) != ZONE_NONE)
        problems_warn(&reader->problems, map->key->file, map->key->line,
                      "'%s' is also the name of a zone: a release of it releases both",
                      printable_text(map->key->text, map->key->len).text);
    out->list[out->count++] = site;
}

void sites_read(struct reader *reader, const struct node *root, struct sites *out) {
    if (root->kind != NODE_MAP) {
        problems_error(&reader->problems, root->file, root->line, "expected a map with the key sites");
        return;
    }
    options_read(reader, SCOPE_SITES_FILE, "", root, root, out);
    const struct node *map = node_find(root, "sites");
    if (map == NULL)
        return;
    if (map->kind != NODE_MAP || map->count > SITES_MAX) {
        problems_error(&reader->problems, map->file, map->line,
                       "sites: expected a map from site_id to {zone: ...}, of at most %d sites", SITES_MAX);
        return;
    }
    struct site defaults = {.zone = ZONE_NONE};
    options_set_defaults(reader, SCOPE_SITE, &defaults);
    out->list = xcalloc(map->count, sizeof *out->list);
    for (const struct node *n = map->first; n != NULL; n = n->next)
        read_site(reader, n, &defaults, out);
    qsort(out->list, out->count, sizeof *out->list, option_compare_ids);
    build_index(out);
}

void sites_fini(struct sites *sites) {
    free(sites->list);
    free(sites->index);
    *sites = (struct sites){0};
}
