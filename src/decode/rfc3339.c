/* Instants as RFC 3339 writes them (SPEC 2). By hand: strptime takes several times as long, knows no
 * fractions, and follows the locale. Pure; any thread. */
#include "civil.h"
#include "decode.h"

#define SHORTEST 20 /* 2023-03-01T09:00:00Z */

/* The value of two digits; sets *bad if they are none. */
static inline int two_digits(const char *p, bool *bad) {
    unsigned tens = (unsigned)p[0] - '0', ones = (unsigned)p[1] - '0';
    *bad |= tens > 9 || ones > 9;
    return (int)(tens * 10 + ones);
}

/* The zone at the end: Z, or +hh:mm or -hh:mm up to 23:59. */
static bool parse_zone(const char *p, size_t len, int32_t *offset_s) {
    *offset_s = 0;
    if (len == 1)
        return *p == 'Z' || *p == 'z';
    if (len != 6 || (*p != '+' && *p != '-') || p[3] != ':')
        return false;
    bool bad = false;
    int hours = two_digits(p + 1, &bad), minutes = two_digits(p + 4, &bad);
    if (bad || hours > 23 || minutes > 59)
        return false;
    int32_t offset = (hours * 60 + minutes) * 60;
    *offset_s = *p == '-' ? -offset : offset;
    return true;
}

bool rfc3339_parse(const char *text, size_t len, int64_t *unix_ms, int32_t *offset_s) {
    if (len < SHORTEST || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') ||
        text[13] != ':' || text[16] != ':')
        return false;
    bool bad = false;
    int year = two_digits(text, &bad) * 100 + two_digits(text + 2, &bad);
    int month = two_digits(text + 5, &bad), day_of_month = two_digits(text + 8, &bad);
    int hour = two_digits(text + 11, &bad), minute = two_digits(text + 14, &bad);
    int second = two_digits(text + 17, &bad); /* 60 is refused: no day has one in Unix time */
    civil_day day;
    if (bad || hour > 23 || minute > 59 || second > 59 || year < YEAR_MIN || year > YEAR_MAX ||
        !civil_from_ymd(year, month, day_of_month, &day))
        return false;
    size_t at = SHORTEST - 1;
    int ms = 0;
    if (text[at] == '.') {
        int weight = 100; /* 0 behind the third digit: what is finer is cut off */
        size_t first = ++at;
        for (; at < len && text[at] >= '0' && text[at] <= '9'; at++, weight /= 10)
            ms += (text[at] - '0') * weight;
        if (at == first || at == len)
            return false;
    }
    if (!parse_zone(text + at, len - at, offset_s))
        return false;
    int64_t local_s = (int64_t)day.n * 86400 + hour * 3600 + minute * 60 + second;
    *unix_ms = (local_s - *offset_s) * 1000 + ms;
    return true;
}
