/* The policy file (SPEC 4). Main thread, but policies_find: any. */
#ifndef ROLLCALL_POLICIES_H
#define ROLLCALL_POLICIES_H

#include "options.h"

/* Fills `out`, which the caller frees with policies_fini; what is wrong is in the reader's problems.
 * `complete_from` (DAY_NONE: not known) is for the warning that a policy is not in force there. */
void policies_read(struct reader *reader, const struct node *root, civil_day complete_from,
                   struct policies *out);
void policies_fini(struct policies *policies);

#endif
