/* The enum made from reasons.def: how an input record ended. Applied + ignored + rejected = records read. */
#ifndef ROLLCALL_REASONS_H
#define ROLLCALL_REASONS_H

enum reason {
#define REASON(kind, name, text) REASON_##name,
#include <rollcall/reasons.def>
#undef REASON
    REASON_COUNT
};

enum reason_kind { REASON_KIND_APPLIED, REASON_KIND_IGNORED, REASON_KIND_REJECTED };

/* Static storage; `reason` < REASON_COUNT. */
const char *reason_name(enum reason reason);
const char *reason_text(enum reason reason);
enum reason_kind reason_kind(enum reason reason);

#endif
