/* Instants as RFC 3339 writes them (SPEC 2). By hand: strptime takes many times as long, knows no fractions,
 * and follows the locale. The digits are read eight characters at a time, and the years that are allowed make
 * the calendar simple, so that no memo of the last date is missed, and the function is pure. Any thread. */
#include "decode.h"

#include <string.h>

#define SHORTEST 20 /* 2023-03-01T09:00:00Z */

/* Eight characters in a word, the first one lowest. */
static inline uint64_t load_8(const char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Constants of the same order. */
#define LANES(a, b, c, d, e, f, g, h)                                                                        \
    ((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 | (uint64_t)(e) << 32 |  \
     (uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56)
#define EACH_LANE(byte) ((byte) * (uint64_t)0x0101010101010101)

/* Eight characters: digits are 0, others themselves; where the digits are, and where others must be as they
 * are. */
#define DATE_PATTERN LANES('0', '0', '0', '0', '-', '0', '0', '-') /* 2023-03- */
#define DATE_DIGITS  LANES(255, 255, 255, 255, 0, 255, 255, 0)
#define DATE_FIXED   LANES(0, 0, 0, 0, 255, 0, 0, 255)
#define TIME_PATTERN LANES('0', '0', ':', '0', '0', ':', '0', '0') /* 09:00:00 */
#define TIME_DIGITS  LANES(255, 255, 0, 255, 255, 0, 255, 255)
#define TIME_FIXED   LANES(0, 0, 255, 0, 0, 255, 0, 0)
#define TIME_LIMITS                                                                                          \
    LANES(23, 127, 127, 59, 127, 127, 59, 127)                /* no second 60: no day has one in Unix time   \
                                                               */
#define SHIFT_PATTERN LANES(0, 0, 0, '0', '0', ':', '0', '0') /* 07:00 and what is before it */
#define SHIFT_DIGITS  LANES(0, 0, 0, 255, 255, 0, 255, 255)
#define SHIFT_FIXED   LANES(0, 0, 0, 0, 0, 255, 0, 0)
#define SHIFT_LIMITS  LANES(127, 127, 127, 23, 127, 127, 59, 127)

/* The value of the two digits that begin at place i is byte i of the result; what is between means nothing.
 * *bad becomes something else than 0 if the text does not fit the pattern. */
static inline uint64_t read_pairs(const char *p, uint64_t pattern, uint64_t digits, uint64_t fixed,
                                  uint64_t *bad) {
    uint64_t difference = load_8(p) ^ pattern, values = difference & digits;
    *bad |= (difference & fixed) | ((values | (values + EACH_LANE(0x76))) & EACH_LANE(0x80));
    return values * 10 + (values >> 8);
}

static inline int pair(uint64_t pairs, int place) {
    return (int)(pairs >> 8 * place & 0xff);
}

/* Not 0 if one of the pairs is larger than the limit at its place. */
static inline uint64_t too_large(uint64_t pairs, uint64_t limits) {
    return (pairs + EACH_LANE(0x7f) - limits) & EACH_LANE(0x80);
}

static inline unsigned digit(char c) {
    return (unsigned char)c - (unsigned)'0'; /* more than 9 if it is none */
}

/* The days from 1970-01-01 to a date of these years: every fourth has a leap day, but for 2100. False if
 * there is no such date. */
_Static_assert(YEAR_MIN >= 1970 && YEAR_MAX < 2200, "2100 is the only year that breaks the rule of four");
static inline bool day_number(int year, int month, int day, int32_t *number) {
    static const int16_t before[2][13] = {{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365},
                                          {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366}};
    const int16_t *until =
        before[year % 4 == 0 && year != 2100]; /* the end of a month, 0 being the year before */
    if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1 ||
        day > until[month] - until[month - 1])
        return false;
    *number = (year - 1970) * 365 + (year - 1969) / 4 - (year > 2100) + until[month - 1] + day - 1;
    return true;
}

/* The milliseconds of the digits that begin at `at`; returns where they end. What is finer is cut off. Three
 * digits and something behind them are the rule. */
static inline size_t parse_fraction(const char *text, size_t len, size_t at, int *ms) {
    unsigned tenths = digit(text[at]), hundredths, thousandths, weight = 100;
    *ms = 0;
    if (len - at > 3 && tenths <= 9 && (hundredths = digit(text[at + 1])) <= 9 &&
        (thousandths = digit(text[at + 2])) <= 9) {
        *ms = (int)(tenths * 100 + hundredths * 10 + thousandths);
        at += 3;
        weight = 0;
    }
    for (; at < len && digit(text[at]) <= 9; at++, weight /= 10)
        *ms += (int)(digit(text[at]) * weight);
    return at;
}

/* The zone at the end: Z, or +hh:mm or -hh:mm up to 23:59. */
static inline bool parse_zone(const char *text, size_t len, size_t at, int32_t *offset_s) {
    *offset_s = 0;
    char first = text[at];
    if (len - at == 1)
        return first == 'Z' || first == 'z';
    if (len - at != 6 || (first != '+' && first != '-'))
        return false;
    uint64_t bad = 0, pairs = read_pairs(text + len - 8, SHIFT_PATTERN, SHIFT_DIGITS, SHIFT_FIXED, &bad);
    bad |= too_large(pairs, SHIFT_LIMITS);
    int32_t offset = pair(pairs, 3) * 3600 + pair(pairs, 6) * 60;
    *offset_s = first == '-' ? -offset : offset;
    return bad == 0;
}

bool rfc3339_parse(const char *text, size_t len, int64_t *unix_ms, int32_t *offset_s) {
    if (len < SHORTEST)
        return false;
    uint64_t bad = (uint64_t)((text[10] | 0x20) ^ 't'); /* T or t */
    uint64_t date = read_pairs(text, DATE_PATTERN, DATE_DIGITS, DATE_FIXED, &bad);
    uint64_t time = read_pairs(text + 11, TIME_PATTERN, TIME_DIGITS, TIME_FIXED, &bad);
    unsigned tens = digit(text[8]), ones = digit(text[9]);
    int32_t day;
    bad |= too_large(time, TIME_LIMITS);
    if (bad != 0 || tens > 9 || ones > 9 ||
        !day_number(pair(date, 0) * 100 + pair(date, 2), pair(date, 5), (int)(tens * 10 + ones), &day))
        return false;
    size_t at = SHORTEST - 1;
    int ms = 0;
    if (text[at] == '.' && len > SHORTEST) {
        at = parse_fraction(text, len, SHORTEST, &ms);
        if (at == SHORTEST || at == len)
            return false;
    }
    if (!parse_zone(text, len, at, offset_s))
        return false;
    int64_t local_s = (int64_t)day * 86400 + pair(time, 0) * 3600 + pair(time, 3) * 60 + pair(time, 6);
    *unix_ms = (local_s - *offset_s) * 1000 + ms;
    return true;
}
