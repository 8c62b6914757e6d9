/* See posix_tz.h. A reader over a bounded text: it never sees a NUL as an end. Pure; any thread. */
#include "posix_tz.h"

#include "check.h"
#include "civil.h"

#define OFFSET_HOURS_MAX 24  /* POSIX */
#define TIME_HOURS_MAX   167 /* RFC 9636: a time may lie in another week */
#define NAME_BYTES_MIN   3

struct reader {
    const char *at, *end;
};

static bool take(struct reader *r, char c) {
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* One to three digits, `min` to `max`. */
static bool read_number(struct reader *r, int min, int max, int *out) {
    const char *first = r->at;
    int value = 0;
    while (r->at < r->end && is_digit(*r->at) && r->at - first < 3)
        value = value * 10 + (*r->at++ - '0');
    *out = value;
    return r->at > first && value >= min && value <= max;
}

static bool read_name(struct reader *r) {
    bool is_quoted = take(r, '<');
    const char *first = r->at;
    while (r->at < r->end &&
           (is_letter(*r->at) || (is_quoted && (is_digit(*r->at) || *r->at == '+' || *r->at == '-'))))
        r->at++;
    return r->at - first >= NAME_BYTES_MIN && (!is_quoted || take(r, '>'));
}

/* [+-]h[:mm[:ss]] in seconds. */
static bool read_time(struct reader *r, int hours_max, int32_t *out) {
    bool is_negative = take(r, '-');
    if (!is_negative)
        (void)take(r, '+');
    int hours, minutes = 0, seconds = 0;
    if (!read_number(r, 0, hours_max, &hours))
        return false;
    if (take(r, ':')) {
        if (!read_number(r, 0, 59, &minutes))
            return false;
        if (take(r, ':') && !read_number(r, 0, 59, &seconds))
            return false;
    }
    int32_t value = hours * 3600 + minutes * 60 + seconds;
    *out = is_negative ? -value : value;
    return true;
}

/* ,date[/time] */
static bool read_date(struct reader *r, struct posix_date *out) {
    *out = (struct posix_date){.time_s = 2 * 3600};
    if (!take(r, ','))
        return false;
    if (take(r, 'M')) {
        out->form = POSIX_MONTH_WEEK;
        if (!read_number(r, 1, 12, &out->month) || !take(r, '.') || !read_number(r, 1, 5, &out->week) ||
            !take(r, '.') || !read_number(r, 0, 6, &out->day))
            return false;
    } else if (take(r, 'J')) {
        out->form = POSIX_NO_LEAP_DAYS;
        if (!read_number(r, 1, 365, &out->day))
            return false;
    } else {
        out->form = POSIX_DAY_OF_YEAR;
        if (!read_number(r, 0, 365, &out->day))
            return false;
    }
    return !take(r, '/') || read_time(r, TIME_HOURS_MAX, &out->time_s);
}

bool posix_tz_parse(const char *text, size_t len, struct posix_tz *out) {
    struct reader r = {text, text + len};
    int32_t west_s; /* POSIX counts offsets westward */
    *out = (struct posix_tz){0};
    if (!read_name(&r) || !read_time(&r, OFFSET_HOURS_MAX, &west_s))
        return false;
    out->std_offset_s = -west_s;
    if (r.at == r.end)
        return true;
    out->has_dst = true;
    out->dst_offset_s = out->std_offset_s + 3600;
    if (!read_name(&r))
        return false;
    if (r.at < r.end && *r.at != ',') {
        if (!read_time(&r, OFFSET_HOURS_MAX, &west_s))
            return false;
        out->dst_offset_s = -west_s;
    }
    return read_date(&r, &out->start) && read_date(&r, &out->end) && r.at == r.end;
}

static civil_day day_of(int year, int month, int day) {
    civil_day d;
    CHECK(civil_from_ymd(year, month, day, &d));
    return d;
}

static civil_day date_in_year(const struct posix_date *date, int year) {
    civil_day first = day_of(year, 1, 1);
    if (date->form == POSIX_DAY_OF_YEAR)
        return day_plus(first, date->day);
    if (date->form == POSIX_NO_LEAP_DAYS) {
        bool is_leap = day_of(year, 3, 1).n - first.n == 60;
        return day_plus(first, date->day - 1 + (is_leap && date->day >= 60));
    }
    civil_day month = day_of(year, date->month, 1);
    int sunday_first = (int)(day_weekday(month) + 1) % 7;
    civil_day d = day_plus(month, (date->day - sunday_first + 7) % 7 + (date->week - 1) * 7);
    civil_day next_month = date->month == 12 ? day_plus(month, 31) : day_of(year, date->month + 1, 1);
    return d.n < next_month.n ? d : day_plus(d, -7);
}

int64_t posix_tz_start_s(const struct posix_tz *tz, int year) {
    return date_in_year(&tz->start, year).n * INT64_C(86400) + tz->start.time_s - tz->std_offset_s;
}

int64_t posix_tz_end_s(const struct posix_tz *tz, int year) {
    return date_in_year(&tz->end, year).n * INT64_C(86400) + tz->end.time_s - tz->dst_offset_s;
}
