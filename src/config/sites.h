/* The site file (SPEC 8). Main thread, but sites_find: any.
 *
 * sites_find is asked for most swipes, so the ids have a hash index: `index_size` entries, a power of two and
 * at least twice the sites, each the number of a site or SITE_NONE; linear probing. The ids come from the
 * configuration, so nobody can fill it with collisions. */
#ifndef ROLLCALL_SITES_H
#define ROLLCALL_SITES_H

#include "options.h"

/* Fills `out`, sorted by id; the caller frees it with sites_fini. */
void sites_read(struct reader *reader, const struct node *root, struct sites *out);
void sites_fini(struct sites *sites);

#endif
