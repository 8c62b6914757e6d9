/* How a person is packed in a block: what changelog_write.c and changelog_read.c must agree on, field by
 * field.
 *
 *   whole  kind id closed days[16] status known_at topic partition offset known_on seq status_since stage
 * case_seq n x (effective_on hired_on left_on workdays expects policy site zone manager)   names by number,
 * 0: none has [told_late[16]] [n x (seq effective_on is_superseded)] days   kind id closed days[16] the
 * person is there already erased kind id
 */
#ifndef ROLLCALL_PACK_H
#define ROLLCALL_PACK_H

enum entry_kind { ENTRY_WHOLE = 1, ENTRY_DAYS, ENTRY_ERASED };
enum { MORE_TOLD_LATE = 1, MORE_ADVERSE = 2 };

#endif
