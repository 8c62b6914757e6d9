/* See civil.h. The arithmetic counts from 1 March of a year 0 in eras of 400 years: so the leap day is the
 * last of a year, and months have a closed formula. Printing is by hand, since every published record carries
 * several of these texts. Pure; any thread. */
#include "civil.h"

#include <rollcall/limits.h>

#define DAY_MS      ((int64_t)86400000)
#define FIRST_DAY   (-719162) /* 0001-01-01 */
#define LAST_DAY    2932896   /* 9999-12-31 */
#define ERA_DAYS    146097    /* 400 years */
#define EPOCH_SHIFT 719468    /* days from 0000-03-01 to 1970-01-01 */

static bool is_leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool civil_from_ymd(int year, int month, int day, civil_day *out) {
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1)
        return false;
    if (day > month_days[month - 1] + (month == 2 && is_leap(year)))
        return false;
    int y = year - (month <= 2); /* never negative: years begin in March */
    int from_march = (month + 9) % 12;
    int day_of_year = (153 * from_march + 2) / 5 + day - 1;
    int era = y / 400, year_of_era = y % 400;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    *out = (civil_day){era * ERA_DAYS + day_of_era - EPOCH_SHIFT};
    return true;
}

void civil_to_ymd(civil_day d, int *year, int *month, int *day) {
    int64_t n = (int64_t)d.n + EPOCH_SHIFT;
    int64_t era = (n >= 0 ? n : n - (ERA_DAYS - 1)) / ERA_DAYS;
    int day_of_era = (int)(n - era * ERA_DAYS);
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int from_march = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = (int)(era * 400 + year_of_era) + (*month <= 2);
}

static void print_digits(char *out, int value, int digits) {
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
}

void civil_print(civil_day d, char out[CIVIL_TEXT_BYTES]) {
    int year, month, day;
    civil_day shown = {d.n < FIRST_DAY ? FIRST_DAY : d.n > LAST_DAY ? LAST_DAY : d.n};
    civil_to_ymd(shown, &year, &month, &day);
    print_digits(out, year, 4);
    out[4] = '-';
    print_digits(out + 5, month, 2);
    out[7] = '-';
    print_digits(out + 8, day, 2);
    out[10] = '\0';
}

/* -1 if a character is no digit. */
static int parse_digits(const char *text, int digits) {
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

bool civil_parse(const char *text, size_t len, civil_day *out) {
    if (len != CIVIL_TEXT_BYTES - 1 || text[4] != '-' || text[7] != '-')
        return false;
    int year = parse_digits(text, 4);
    if (year < YEAR_MIN || year > YEAR_MAX)
        return false;
    return civil_from_ymd(year, parse_digits(text + 5, 2), parse_digits(text + 8, 2), out);
}

void instant_print(int64_t unix_ms, char out[INSTANT_TEXT_BYTES]) {
    const int64_t first = FIRST_DAY * DAY_MS, last = (LAST_DAY + 1) * DAY_MS - 1;
    int64_t shown = unix_ms < first ? first : unix_ms > last ? last : unix_ms;
    int64_t day = shown / DAY_MS - (shown % DAY_MS < 0);
    int ms = (int)(shown - day * DAY_MS);
    civil_print((civil_day){(int32_t)day}, out);
    out[10] = 'T';
    print_digits(out + 11, ms / 3600000, 2);
    out[13] = ':';
    print_digits(out + 14, ms / 60000 % 60, 2);
    out[16] = ':';
    print_digits(out + 17, ms / 1000 % 60, 2);
    out[19] = '.';
    print_digits(out + 20, ms % 1000, 3);
    out[23] = 'Z';
    out[24] = '\0';
}
