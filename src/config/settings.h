/* rollcall.yaml itself, without the files that it names. Main thread. */
#ifndef ROLLCALL_SETTINGS_H
#define ROLLCALL_SETTINGS_H

#include "options.h"

/* Puts the value of "section.key=value" into the tree, or of "key=value" for what is in no section, in place
 * of what the file says. `root` is a map. */
void settings_override(struct reader *reader, struct node *root, const char *set);
/* Zones are made for one day_starts_at, and options name zones: so it is looked at before the options are
 * read. 0 if it is absent or wrong. */
int32_t settings_day_starts_at(const struct node *root);
/* Fills `out` (zeroed) but for the zones, policies and sites. `root` is a map. `directory`: see kafka.h. */
void settings_read(struct reader *reader, const struct node *root, const char *directory, struct config *out);

#endif
