/* See closures.h. Owner: the task's worker. */
#include "closures.h"

#include "check.h"

#include <stddef.h>
#include <string.h>

struct answer {
    civil_day first; /* DAY_NONE: empty */
    day_bits closed, hold;
};

struct closures {
    size_t count;
    /* People of one site are nearly all at the same c; around midnight, some are a day further. */
    struct answer answers[2];
    struct closure list[];
};

static struct closures *closures_new(size_t count) {
    struct closures *closures = xcalloc(1, sizeof *closures + count * sizeof closures->list[0]);
    closures->count = count;
    closures->answers[0].first = closures->answers[1].first = DAY_NONE;
    return closures;
}

size_t closures_count(const struct closures *closures) {
    return closures ? closures->count : 0;
}

const struct closure *closures_list(const struct closures *closures) {
    return closures ? closures->list : NULL;
}

static bool is_same(const struct closure *a, const struct closure *b) {
    return a->from.n == b->from.n && a->to.n == b->to.n && a->kind == b->kind;
}

bool closures_contain(const struct closures *closures, const struct closure *closure) {
    for (size_t i = 0; i < closures_count(closures); i++)
        if (is_same(&closures->list[i], closure))
            return true;
    return false;
}

struct closures *closures_with(const struct closures *closures, const struct closure *closure) {
    size_t count = closures_count(closures);
    struct closures *more = closures_new(count + 1);
    if (count)
        memcpy(more->list, closures->list, count * sizeof more->list[0]);
    more->list[count] = *closure;
    return more;
}

struct closures *closures_without(const struct closures *closures, const struct closure *closure) {
    CHECK(closures_contain(closures, closure));
    struct closures *less = closures_new(closures->count - 1);
    size_t kept = 0;
    for (size_t i = 0; i < closures->count; i++)
        if (!is_same(&closures->list[i], closure))
            less->list[kept++] = closures->list[i];
    CHECK(kept == less->count);
    return less;
}

bool closures_hold(const struct closures *closures, civil_day day) {
    for (size_t i = 0; i < closures_count(closures); i++) {
        const struct closure *closure = &closures->list[i];
        if (closure->kind == CALENDAR_HOLD && closure->from.n <= day.n && day.n <= closure->to.n)
            return true;
    }
    return false;
}

void closures_days(struct closures *closures, civil_day first, day_bits *closed, day_bits *hold) {
    *closed = *hold = DAYS_NONE;
    if (closures == NULL)
        return;
    struct answer *answers = closures->answers;
    if (answers[0].first.n != first.n) {
        struct answer other = answers[0];
        answers[0] = answers[1];
        answers[1] = other;
    }
    if (answers[0].first.n != first.n) {
        answers[0] = (struct answer){.first = first};
        for (size_t i = 0; i < closures->count; i++) {
            const struct closure *closure = &closures->list[i];
            day_bits days = days_span(closure->from.n - first.n, closure->to.n - first.n);
            *(closure->kind == CALENDAR_HOLD ? &answers[0].hold : &answers[0].closed) |= days;
        }
    }
    *closed = answers[0].closed;
    *hold = answers[0].hold;
}
