/* Compares the calendar stage with a dump of the tz database made by somebody else's code (zdump, or Python's
 * zoneinfo by dump_zones.py): for every zone of the dump the offset and the day around each change of the
 * clocks and around each midnight, the instant from which on each day is over, and the dates that are
 * skipped.
 *
 *   compare_zdump DUMP FROM_YEAR UNTIL_YEAR DAY_STARTS_AT_HOUR all|some
 *
 * `all`: the dump must hold every zone that was loaded. What is expected comes from the dump alone: the time
 * is walked from one change of the day to the next, and the ends of days are read off that list backwards. */
#include "civil.h"
#include "zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S       86400
#define CHANGES_MAX 2000
#define DAYS_MAX    (235 * 367)

/* From `at_s` on the local clock shows UTC + offset_s. */
struct change {
    int64_t at_s, offset_s;
};

/* A time in which the day is the same, up to the next one's start. */
struct stretch {
    int64_t from_s, day;
};

struct reference {
    char name[256];
    int64_t from_s, until_s, seen_s, seen_offset_s; /* the last line's */
    size_t changes_count, stretches_count, lines;
    struct change changes[CHANGES_MAX];
    struct stretch stretches[DAYS_MAX];
};

static struct reference ref;
static struct zones *zones;
static int64_t day_starts_at_s;
static uint64_t checks, failures;

static void expect(bool ok, const char *what, int64_t at_s, int64_t got, int64_t wanted) {
    checks++;
    if (ok)
        return;
    failures++;
    char text[INSTANT_TEXT_BYTES];
    instant_print(at_s * 1000, text);
    if (failures <= 20)
        fprintf(stderr, "%s %s %s: %lld, not %lld\n", ref.name, text, what, (long long)got,
                (long long)wanted);
}

static void expect_equal(const char *what, int64_t at_s, int64_t got, int64_t wanted) {
    expect(got == wanted, what, at_s, got, wanted);
}

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "compare_zdump: %s: %s\n", ref.name, what);
    exit(2);
}

static int64_t year_start_s(int year) {
    struct tm tm = {.tm_year = year - 1900, .tm_mday = 1};
    return timegm(&tm);
}

/* For zones whose clocks never change in the dump: zdump does not say what they show. */
static int64_t offset_by_libc_s(const char *name, int64_t at_s) {
    time_t t = at_s;
    struct tm tm;
    setenv("TZ", name, 1);
    tzset();
    if (localtime_r(&t, &tm) == NULL)
        give_up("localtime_r fails");
    return tm.tm_gmtoff;
}

static void walk_stretches(void) {
    ref.stretches_count = 0;
    for (size_t i = 0; i < ref.changes_count; i++) {
        int64_t end_s = i + 1 < ref.changes_count ? ref.changes[i + 1].at_s : ref.until_s;
        int64_t shift_s = ref.changes[i].offset_s - day_starts_at_s;
        for (int64_t t = ref.changes[i].at_s; t < end_s;) {
            int64_t local_s = t + shift_s;
            int64_t day = local_s >= 0 ? local_s / DAY_S : -((DAY_S - 1 - local_s) / DAY_S);
            if (ref.stretches_count == 0 || ref.stretches[ref.stretches_count - 1].day != day) {
                if (ref.stretches_count == DAYS_MAX)
                    give_up("too many days");
                ref.stretches[ref.stretches_count++] = (struct stretch){t, day};
            }
            t = (day + 1) * DAY_S - shift_s;
        }
    }
}

static void check_instants(uint16_t zone) {
    for (size_t i = 0; i < ref.changes_count; i++) {
        static const int steps_s[] = {0, 1, 2, 59, 61, 3599, 3601, 7201};
        int64_t at_s = ref.changes[i].at_s, offset_s = ref.changes[i].offset_s;
        int64_t end_s = i + 1 < ref.changes_count ? ref.changes[i + 1].at_s : ref.until_s;
        for (size_t k = 0; k < sizeof steps_s / sizeof steps_s[0]; k++) {
            int64_t after_s = at_s + steps_s[k], before_s = end_s - 1 - steps_s[k];
            if (after_s < end_s)
                expect_equal("offset", after_s, zone_offset_s(zones, zone, after_s * 1000), offset_s);
            if (before_s >= at_s)
                expect_equal("offset", before_s, zone_offset_s(zones, zone, before_s * 1000 + 999), offset_s);
        }
    }
    for (size_t i = 0; i < ref.stretches_count; i++) {
        int64_t from_s = ref.stretches[i].from_s, day = ref.stretches[i].day;
        int64_t end_s = i + 1 < ref.stretches_count ? ref.stretches[i + 1].from_s : ref.until_s;
        const int64_t at_ms[] = {from_s * 1000,          from_s * 1000 + 1,   from_s * 1000 + 1000,
                                 (from_s + end_s) * 500, end_s * 1000 - 1000, end_s * 1000 - 1};
        for (size_t k = 0; k < sizeof at_ms / sizeof at_ms[0]; k++) {
            if (at_ms[k] < end_s * 1000) /* a stretch may last a second only */
                expect_equal("day", at_ms[k] / 1000, zone_day_of(zones, zone, at_ms[k]).n, day);
        }
    }
}

/* Backwards: a stretch holds the last instant of its day and of every later one that no later stretch shows.
 */
static void check_ends_of_days(uint16_t zone) {
    const int margin_days = 3; /* what lies beyond the dump could show a day again */
    int64_t end_s = ref.until_s, earliest = ref.stretches[ref.stretches_count - 1].day + 1;
    int64_t last = earliest - margin_days, first = ref.stretches[0].day + margin_days;
    for (size_t i = ref.stretches_count; i-- > 0;) {
        while (earliest > ref.stretches[i].day) {
            earliest--;
            if (earliest >= first && earliest < last)
                expect_equal("end of day", end_s,
                             zone_day_over_ms(zones, zone, (civil_day){(int32_t)earliest}), end_s * 1000);
        }
        end_s = ref.stretches[i].from_s;
    }
}

static void check_skipped_days(uint16_t zone) {
    static bool shown[DAYS_MAX];
    memset(shown, 0, sizeof shown);
    int64_t first = ref.stretches[0].day, last = ref.stretches[ref.stretches_count - 1].day;
    if (last - first >= DAYS_MAX)
        give_up("too many days");
    for (size_t i = 0; i < ref.stretches_count; i++)
        shown[ref.stretches[i].day - first] = true;
    for (int64_t day = first + 1; day < last; day++)
        expect_equal("skipped", day * DAY_S, zone_skips_day(zones, zone, (civil_day){(int32_t)day}),
                     !shown[day - first]);
}

static void check_zone(void) {
    uint16_t zone = zones_find(zones, ref.name, strlen(ref.name));
    if (zone == ZONE_NONE)
        give_up("not loaded");
    if (ref.lines == 0)
        ref.changes[ref.changes_count++] =
            (struct change){ref.from_s, offset_by_libc_s(ref.name, ref.from_s)};
    walk_stretches();
    check_instants(zone);
    check_ends_of_days(zone);
    if (day_starts_at_s == 0)
        check_skipped_days(zone);
}

static void start_zone(const char *name) {
    snprintf(ref.name, sizeof ref.name, "%s", name);
    ref.changes_count = ref.lines = 0;
}

/* "Sun Apr 26 05:29:59 1970 UT = Sun Apr 26 01:59:59 1970 NST isdst=0 gmtoff=-12600": zdump prints the second
 * before each change and the one of the change. */
static void read_line(const char *text) {
    struct tm tm = {0};
    const char *rest = strptime(text, "%a %b %d %H:%M:%S %Y UT", &tm);
    const char *offset = rest == NULL ? NULL : strstr(rest, "gmtoff=");
    if (offset == NULL)
        give_up("a line that cannot be read");
    int64_t at_s = timegm(&tm), offset_s = strtol(offset + strlen("gmtoff="), NULL, 10);
    if (ref.changes_count == CHANGES_MAX)
        give_up("too many changes");
    if (ref.lines++ == 0)
        ref.changes[ref.changes_count++] = (struct change){ref.from_s, offset_s};
    else if (offset_s != ref.seen_offset_s) {
        if (at_s != ref.seen_s + 1)
            give_up("a change that is not known to the second");
        ref.changes[ref.changes_count++] = (struct change){at_s, offset_s};
    }
    ref.seen_s = at_s;
    ref.seen_offset_s = offset_s;
}

static size_t check_dump(FILE *dump) {
    char line[512], name[256];
    int text;
    size_t zones_seen = 0;
    while (fgets(line, sizeof line, dump) != NULL) {
        if (sscanf(line, "%255s %n", name, &text) != 1)
            give_up("an empty line");
        if (strcmp(name, ref.name) != 0) {
            if (zones_seen++ > 0)
                check_zone();
            start_zone(name);
        }
        if (strstr(line, "= NULL") == NULL) /* the ends of 64-bit time */
            read_line(line + text);
    }
    if (zones_seen == 0)
        give_up("an empty dump");
    check_zone();
    return zones_seen;
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: compare_zdump DUMP FROM_YEAR UNTIL_YEAR DAY_STARTS_AT_HOUR all|some\n");
        return 64;
    }
    ref.from_s = year_start_s(atoi(argv[2]));
    ref.until_s = year_start_s(atoi(argv[3]));
    day_starts_at_s = atoi(argv[4]) * 3600;
    char error[512];
    zones = zones_load(NULL, (int32_t)(day_starts_at_s * 1000), error, sizeof error);
    if (zones == NULL)
        give_up(error);
    FILE *dump = fopen(argv[1], "r");
    if (dump == NULL)
        give_up(argv[1]);
    size_t seen = check_dump(dump);
    fclose(dump);
    if (strcmp(argv[5], "all") == 0)
        expect_equal("zones in the dump", 0, zones_count(zones), (int64_t)seen);
    printf("%zu zones of %s: %llu checks, %llu failures\n", seen, zones_version(zones),
           (unsigned long long)checks, (unsigned long long)failures);
    zones_free(&zones);
    return failures > 0;
}
