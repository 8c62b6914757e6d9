/* Sets of days as 128 bits, in two readings (DESIGN "one employee is one slot"):
 *   ring    bit n mod 128 stands for civil day n: what is stored. The window slides without a bit being
 * moved; a bit is only cleared when its day leaves the ledger and its place is taken by a new one. window bit
 * i stands for day first + i: what is computed with. One rotation turns the one into the other. Pure; any
 * thread. */
#ifndef ROLLCALL_DAYS_H
#define ROLLCALL_DAYS_H

#include <rollcall/limits.h>
#include <rollcall/times.h>

__extension__ typedef unsigned __int128 day_bits;

#define DAYS_NONE ((day_bits)0)
#define DAYS_ALL  (~(day_bits)0)

static inline unsigned days_ring_place(civil_day d) {
    return (unsigned)d.n & (LEDGER_DAYS - 1);
}
static inline day_bits days_bit(unsigned i) {
    return (day_bits)1 << i;
}
static inline day_bits days_rotate_right(day_bits x, unsigned by) {
    return by == 0 ? x : x >> by | x << (LEDGER_DAYS - by);
}
/* Ring -> window whose bit 0 is `first`, and back. */
static inline day_bits days_window(day_bits ring, civil_day first) {
    return days_rotate_right(ring, days_ring_place(first));
}
static inline day_bits days_ring(day_bits window, civil_day first) {
    return days_rotate_right(window, (LEDGER_DAYS - days_ring_place(first)) & (LEDGER_DAYS - 1));
}

/* Window bits [from, to], both clamped to the window; empty if from > to. Offsets from the window's first
 * day. */
static inline day_bits days_span(int32_t from, int32_t to) {
    if (from < 0)
        from = 0;
    if (to > LEDGER_DAYS - 1)
        to = LEDGER_DAYS - 1;
    if (from > to)
        return DAYS_NONE;
    day_bits up_to = to == LEDGER_DAYS - 1 ? DAYS_ALL : days_bit((unsigned)to + 1) - 1;
    return up_to & ~(days_bit((unsigned)from) - 1);
}

/* The highest set bit; -1 if none. */
static inline int days_highest(day_bits x) {
    uint64_t high = (uint64_t)(x >> 64), low = (uint64_t)x;
    if (high)
        return 127 - __builtin_clzll(high);
    return low ? 63 - __builtin_clzll(low) : -1;
}

/* The first day of the ledger of somebody whose last closed day is `closed` (SPEC 3: the 128 days that end
 * with c+5). */
static inline civil_day ledger_first(civil_day closed) {
    return day_plus(closed, LEDGER_AHEAD_DAYS - (LEDGER_DAYS - 1));
}

/* All days of the window whose weekday is in `weekdays` (bit 0 is Monday). */
day_bits days_of_weekdays(uint8_t weekdays, civil_day first);

#endif
