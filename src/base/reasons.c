/* The tables made from reasons.def. Immutable; any thread. */
#include <rollcall/reasons.h>

#include "check.h"

static const struct {
    const char *name;
    const char *text;
    enum reason_kind kind;
} rows[REASON_COUNT] = {
#define REASON(kind, name, text) {#name, text, REASON_KIND_##kind},
#include <rollcall/reasons.def>
#undef REASON
};

const char *reason_name(enum reason reason) {
    CHECK(reason < REASON_COUNT);
    return rows[reason].name;
}

const char *reason_text(enum reason reason) {
    CHECK(reason < REASON_COUNT);
    return rows[reason].text;
}

enum reason_kind reason_kind(enum reason reason) {
    CHECK(reason < REASON_COUNT);
    return rows[reason].kind;
}
