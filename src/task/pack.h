/* How a person is packed in a block: what changelog_write.c and changelog_read.c must agree on, field by
 * field.
 *
 *   whole   kind id closed days[16] status known_at topic partition offset known_on seq status_since stage
 *           case_seq n x (effective_on hired_on left_on workdays expects policy site zone manager)
 *           names by number, 0: none
 *           has, and by its bits: [told_late[16]] [n x (seq effective_on is_superseded)]
 *           [gate approved_until grounds[2] is_retracted] [n x (leave_id from to effect)]
 *           [n x (decision_id kind from to bits)] [group policy version week from present required workable
 * days] days    kind id closed days[16]   the person is there already erased  kind id
 *
 * Of a site's closures: the site, n x (kind from to). */
#ifndef ROLLCALL_PACK_H
#define ROLLCALL_PACK_H

enum entry_kind { ENTRY_WHOLE = 1, ENTRY_DAYS, ENTRY_ERASED };
enum {
    MORE_TOLD_LATE = 1,
    MORE_ADVERSE = 2,
    MORE_CASE = 4,
    MORE_LEAVE = 8,
    MORE_DECISIONS = 16,
    MORE_DISPUTE = 32, /* one is open */
    MORE_HOLD = 64,
    MORE_ALL = 127,
};
enum { DECISION_IN_FORCE = 1, DECISION_REMEMBERED = 2 };

#endif
