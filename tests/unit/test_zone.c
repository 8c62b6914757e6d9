/* Days in zones where the calendar is odd, and what zones_load makes of a directory. Every zone of the
 * installed database is compared with zdump in tests/zones; here are the named cases, with what their
 * people's clocks showed. */
#include "check.h"
#include "civil.h"
#include "zone.h"
#include "zone_table.h"

#include "unit_test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HOUR_MS 3600000

static struct zones *load(int32_t day_starts_at_ms) {
    char error[512];
    struct zones *zones = zones_load(NULL, day_starts_at_ms, error, sizeof error);
    if (zones == NULL)
        fail_msg("%s", error);
    return zones;
}

static uint16_t find(const struct zones *zones, const char *name) {
    uint16_t zone = zones_find(zones, name, strlen(name));
    if (zone == ZONE_NONE)
        fail_msg("no zone %s", name);
    return zone;
}

/* "2011-12-30T10:00:00" in UTC. */
static int64_t at(const char *text) {
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    assert_true(end != NULL && *end == '\0');
    return timegm(&tm) * INT64_C(1000);
}

static civil_day date(const char *text) {
    civil_day d;
    assert_true(civil_parse(text, strlen(text), &d));
    return d;
}

static void expect_day(const struct zones *zones, const char *zone, int64_t ms, const char *expected) {
    char text[CIVIL_TEXT_BYTES];
    civil_print(zone_day_of(zones, find(zones, zone), ms), text);
    assert_string_equal(text, expected);
}

static void expect_over(const struct zones *zones, const char *zone, const char *day, const char *expected) {
    char got[INSTANT_TEXT_BYTES], wanted[INSTANT_TEXT_BYTES];
    instant_print(zone_day_over_ms(zones, find(zones, zone), date(day)), got);
    instant_print(at(expected), wanted);
    assert_string_equal(got, wanted);
}

static bool skips(const struct zones *zones, const char *zone, const char *day) {
    return zone_skips_day(zones, find(zones, zone), date(day));
}

/* --- odd calendars --- */

static void apia_has_no_30_december_2011(void **state) {
    (void)state;
    struct zones *zones = load(0);
    expect_day(zones, "Pacific/Apia", at("2011-12-30T10:00:00") - 1, "2011-12-29");
    expect_day(zones, "Pacific/Apia", at("2011-12-30T10:00:00"), "2011-12-31");
    expect_over(zones, "Pacific/Apia", "2011-12-28", "2011-12-29T10:00:00");
    expect_over(zones, "Pacific/Apia", "2011-12-29", "2011-12-30T10:00:00");
    expect_over(zones, "Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00");
    expect_over(zones, "Pacific/Apia", "2011-12-31", "2011-12-31T10:00:00");
    assert_false(skips(zones, "Pacific/Apia", "2011-12-29"));
    assert_true(skips(zones, "Pacific/Apia", "2011-12-30"));
    assert_false(skips(zones, "Pacific/Apia", "2011-12-31"));
    zones_free(&zones);
}

/* The hours after the jump belong to the evening of a date that the calendar does not have. */
static void a_skipped_date_is_skipped_whenever_days_start(void **state) {
    (void)state;
    struct zones *zones = load(4 * HOUR_MS);
    expect_day(zones, "Pacific/Apia", at("2011-12-30T09:59:59"), "2011-12-29");
    expect_day(zones, "Pacific/Apia", at("2011-12-30T10:00:00"), "2011-12-30");
    expect_day(zones, "Pacific/Apia", at("2011-12-30T14:00:00"), "2011-12-31");
    expect_over(zones, "Pacific/Apia", "2011-12-29", "2011-12-30T10:00:00");
    expect_over(zones, "Pacific/Apia", "2011-12-30", "2011-12-30T14:00:00");
    assert_true(skips(zones, "Pacific/Apia", "2011-12-30"));
    assert_false(skips(zones, "Pacific/Apia", "2011-12-31"));
    zones_free(&zones);
}

static void other_dates_that_never_were(void **state) {
    (void)state;
    struct zones *zones = load(0);
    assert_true(skips(zones, "Pacific/Kwajalein", "1993-08-21"));
    assert_false(skips(zones, "Pacific/Kwajalein", "1993-08-20"));
    assert_false(skips(zones, "Pacific/Kwajalein", "1993-08-22"));
    expect_over(zones, "Pacific/Kwajalein", "1993-08-20", "1993-08-21T12:00:00");
    assert_true(skips(zones, "Pacific/Kiritimati", "1994-12-31"));
    expect_over(zones, "Pacific/Kiritimati", "1994-12-31", "1994-12-31T10:00:00");
    assert_true(skips(zones, "Pacific/Fakaofo", "2011-12-30"));
    assert_false(skips(zones, "Pacific/Fakaofo", "1994-12-31"));
    assert_false(skips(zones, "America/New_York", "2011-12-30"));
    assert_false(zone_skips_day(zones, find(zones, "Pacific/Apia"), DAY_NONE));
    assert_false(zone_skips_day(zones, find(zones, "Pacific/Apia"), DAY_MAX));
    zones_free(&zones);
}

/* At 24:00 on 31 October the clock went back to 23:00: 1 November began an hour later. On 26 April the day
 * began at 01:00. */
static void cairo_changes_at_midnight(void **state) {
    (void)state;
    struct zones *zones = load(0);
    expect_over(zones, "Africa/Cairo", "2024-04-25", "2024-04-25T22:00:00");
    expect_day(zones, "Africa/Cairo", at("2024-04-25T22:00:00"), "2024-04-26");
    expect_over(zones, "Africa/Cairo", "2024-04-26", "2024-04-26T21:00:00");
    expect_day(zones, "Africa/Cairo", at("2024-10-31T20:59:59"), "2024-10-31");
    expect_day(zones, "Africa/Cairo", at("2024-10-31T21:00:00"), "2024-10-31");
    expect_over(zones, "Africa/Cairo", "2024-10-30", "2024-10-30T21:00:00");
    expect_over(zones, "Africa/Cairo", "2024-10-31", "2024-10-31T22:00:00");
    zones_free(&zones);
}

/* At 00:01 on 7 November the clock went back to 23:01 on the 6th: the 6th came back after a minute of the
 * 7th. */
static void st_johns_shows_a_date_again(void **state) {
    (void)state;
    struct zones *zones = load(0);
    expect_day(zones, "America/St_Johns", at("2010-11-07T02:29:59"), "2010-11-06");
    expect_day(zones, "America/St_Johns", at("2010-11-07T02:30:00"), "2010-11-07");
    expect_day(zones, "America/St_Johns", at("2010-11-07T02:31:00") - 1, "2010-11-07");
    expect_day(zones, "America/St_Johns", at("2010-11-07T02:31:00"), "2010-11-06");
    expect_day(zones, "America/St_Johns", at("2010-11-07T03:29:59"), "2010-11-06");
    expect_over(zones, "America/St_Johns", "2010-11-05", "2010-11-06T02:30:00");
    expect_over(zones, "America/St_Johns", "2010-11-06", "2010-11-07T03:30:00");
    expect_over(zones, "America/St_Johns", "2010-11-07", "2010-11-08T03:30:00");
    zones_free(&zones);
}

/* 01:30 on the clock of New York comes twice on 3 November 2024. */
static void a_day_that_starts_in_the_repeated_hour_is_over_the_second_time(void **state) {
    (void)state;
    struct zones *zones = load(90 * 60000);
    expect_day(zones, "America/New_York", at("2024-11-03T05:29:59"), "2024-11-02");
    expect_day(zones, "America/New_York", at("2024-11-03T05:30:00"), "2024-11-03");
    expect_day(zones, "America/New_York", at("2024-11-03T06:00:00"), "2024-11-02");
    expect_over(zones, "America/New_York", "2024-11-02", "2024-11-03T06:30:00");
    expect_over(zones, "America/New_York", "2024-11-03", "2024-11-04T06:30:00");
    zones_free(&zones);
}

static void lord_howe_changes_by_half_an_hour(void **state) {
    (void)state;
    struct zones *zones = load(0);
    uint16_t zone = find(zones, "Australia/Lord_Howe");
    assert_int_equal(zone_offset_s(zones, zone, at("2024-04-06T14:59:59")), 11 * 3600);
    assert_int_equal(zone_offset_s(zones, zone, at("2024-04-06T15:00:00")), 10 * 3600 + 1800);
    assert_int_equal(zone_offset_s(zones, zone, at("2024-10-05T15:29:59")), 10 * 3600 + 1800);
    assert_int_equal(zone_offset_s(zones, zone, at("2024-10-05T15:30:00")), 11 * 3600);
    expect_over(zones, "Australia/Lord_Howe", "2024-04-06", "2024-04-06T13:00:00");
    expect_over(zones, "Australia/Lord_Howe", "2024-04-07", "2024-04-07T13:30:00");
    zones_free(&zones);
}

/* Until 7 January 1972 Monrovia's clocks showed 44 minutes and 30 seconds less than Greenwich's. */
static void offsets_have_seconds(void **state) {
    (void)state;
    struct zones *zones = load(0);
    uint16_t zone = find(zones, "Africa/Monrovia");
    assert_int_equal(zone_offset_s(zones, zone, at("1971-12-31T00:00:00")), -(44 * 60 + 30));
    expect_over(zones, "Africa/Monrovia", "1971-12-31", "1972-01-01T00:44:30");
    zones_free(&zones);
}

static void night_shifts_belong_to_the_day_before(void **state) {
    (void)state;
    struct zones *zones = load(4 * HOUR_MS);
    expect_day(zones, "Europe/Berlin", at("2023-05-14T00:00:00"), "2023-05-13"); /* 02:00 */
    expect_day(zones, "Europe/Berlin", at("2023-05-14T01:59:59"), "2023-05-13");
    expect_day(zones, "Europe/Berlin", at("2023-05-14T02:00:00"), "2023-05-14");
    expect_over(zones, "Europe/Berlin", "2023-05-13", "2023-05-14T02:00:00");
    zones_free(&zones);
}

static void days_at_a_written_offset(void **state) {
    (void)state;
    struct zones *zones = load(0), *night = load(4 * HOUR_MS);
    int64_t ms = at("2023-05-14T22:00:00");
    assert_int_equal(zone_day_at_offset(zones, 0, ms).n, date("2023-05-14").n);
    assert_int_equal(zone_day_at_offset(zones, 2 * 3600, ms - 1).n, date("2023-05-14").n);
    assert_int_equal(zone_day_at_offset(zones, 2 * 3600, ms).n, date("2023-05-15").n);
    assert_int_equal(zone_day_at_offset(night, 2 * 3600, ms).n, date("2023-05-14").n);
    assert_int_equal(zone_day_at_offset(zones, -(23 * 3600 + 59 * 60), ms).n, date("2023-05-13").n);
    assert_int_equal(zone_day_at_offset(zones, 23 * 3600 + 59 * 60, 0).n, 0);
    assert_int_equal(zone_day_at_offset(zones, -60, 0).n, -1);
    assert_int_equal(zone_day_at_offset(zones, -60, at("2200-01-01T00:00:00")).n, date("2199-12-31").n);
    zones_free(&zones);
    zones_free(&night);
}

static void rules_go_on_to_the_end_of_2199(void **state) {
    (void)state;
    struct zones *zones = load(0);
    uint16_t zone = find(zones, "America/New_York");
    assert_int_equal(zone_offset_s(zones, zone, at("2199-07-01T00:00:00")), -4 * 3600);
    assert_int_equal(zone_offset_s(zones, zone, at("2199-12-31T23:59:59")), -5 * 3600);
    expect_over(zones, "America/New_York", "2199-12-31", "2200-01-01T05:00:00");
    zones_free(&zones);
}

static void instants_outside_count_as_the_nearest_inside(void **state) {
    (void)state;
    struct zones *zones = load(0);
    for (uint16_t zone = 0; zone < zones_count(zones); zone++) {
        int32_t first = zone_day_of(zones, zone, INT64_MIN).n, last = zone_day_of(zones, zone, INT64_MAX).n;
        assert_in_range(first + 1000, -731 + 1000 - 1, -731 + 1000 + 1);
        assert_in_range(last, 84735 - 1, 84735 + 1);
        int64_t early = zone_day_over_ms(zones, zone, DAY_NONE),
                late = zone_day_over_ms(zones, zone, DAY_MAX);
        assert_true(early < ZONES_FIRST_MS && late > ZONES_END_MS);
        assert_true(zone_day_over_ms(zones, zone, day_plus(DAY_NONE, 1)) == early + 24 * HOUR_MS);
    }
    zones_free(&zones);
}

/* --- names --- */

static void every_name_of_the_database_is_found(void **state) {
    (void)state;
    struct zones *zones = load(0);
    FILE *source = fopen("/usr/share/zoneinfo/tzdata.zi", "r");
    assert_non_null(source);
    char line[512], word[256], target[256], path[300];
    unsigned found = 0;
    while (fgets(line, sizeof line, source) != NULL) {
        if (sscanf(line, "Z %255s", word) != 1 && sscanf(line, "L %255s %255s", target, word) != 2)
            continue;
        snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", word);
        if (access(path, F_OK) != 0)
            continue; /* a distribution may leave the old names to another package */
        assert_string_equal(zones_name(zones, find(zones, word)), word);
        found++;
    }
    fclose(source);
    assert_true(found > 300);
    assert_int_equal(found, zones_count(zones));
    zones_free(&zones);
}

static void other_names_are_not_found(void **state) {
    (void)state;
    static const char *const others[] = {"",
                                         "utc",
                                         "America/New_Yor",
                                         "America/New_York ",
                                         "America/New_Yorkk",
                                         "america/new_york",
                                         "America",
                                         "localtime",
                                         "posixrules",
                                         "posix/UTC",
                                         "right/UTC",
                                         "tzdata.zi",
                                         "../UTC",
                                         "America//New_York",
                                         "/UTC",
                                         "EST5EDT,M3.2.0,M11.1.0"};
    struct zones *zones = load(0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (zones_find(zones, others[i], strlen(others[i])) != ZONE_NONE)
            fail_msg("found: %s", others[i]);
    }
    assert_int_equal(zones_find(zones, "UTC\0", 4), ZONE_NONE);
    assert_int_equal(zones_find(zones, "Europe/Berlin", 6), ZONE_NONE);
    assert_int_not_equal(zones_find(zones, "Europe/Berlin and more", 13), ZONE_NONE);
    zones_free(&zones);
}

static void zones_are_numbered_by_name_and_share_tables(void **state) {
    (void)state;
    struct zones *zones = load(0);
    for (uint16_t i = 0; i < zones_count(zones); i++) {
        assert_true(i == 0 || strcmp(zones_name(zones, (uint16_t)(i - 1)), zones_name(zones, i)) < 0);
        assert_int_equal(find(zones, zones_name(zones, i)), i);
    }
    assert_ptr_equal(zones->table_of[find(zones, "US/Pacific")],
                     zones->table_of[find(zones, "America/Los_Angeles")]);
    assert_ptr_not_equal(zones->table_of[find(zones, "US/Pacific")],
                         zones->table_of[find(zones, "America/Denver")]);
    assert_true(zones->tables_count < zones->count * 3 / 4);
    zones_free(&zones);
}

static void the_version_is_that_of_the_database(void **state) {
    (void)state;
    struct zones *zones = load(0);
    FILE *source = fopen("/usr/share/zoneinfo/tzdata.zi", "r");
    assert_non_null(source);
    char version[32];
    assert_int_equal(fscanf(source, "# version %31s", version), 1);
    fclose(source);
    assert_string_equal(zones_version(zones), version);
    zones_free(&zones);
}

/* --- directories --- */

struct tree {
    char path[64];
};

static void tree_path(const struct tree *tree, const char *name, char out[256]) {
    snprintf(out, 256, "%s/%s", tree->path, name);
}

static void put(const struct tree *tree, const char *name, const void *bytes, size_t size) {
    char path[256];
    tree_path(tree, name, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void put_directory(const struct tree *tree, const char *name) {
    char path[256];
    tree_path(tree, name, path);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void put_link(const struct tree *tree, const char *target, const char *name) {
    char path[256];
    tree_path(tree, name, path);
    assert_int_equal(symlink(target, path), 0);
}

/* A real file of the database; the caller frees. */
static uint8_t *real_file(const char *name, size_t *size) {
    char path[256];
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    uint8_t *bytes = xcalloc(1, TZIF_BYTES_MAX);
    *size = fread(bytes, 1, TZIF_BYTES_MAX, file);
    assert_true(*size > 100 && *size < TZIF_BYTES_MAX);
    fclose(file);
    return bytes;
}

static void put_zone(const struct tree *tree, const char *real, const char *name) {
    size_t size;
    uint8_t *bytes = real_file(real, &size);
    put(tree, name, bytes, size);
    free(bytes);
}

static int tree_setup(void **state) {
    struct tree *tree = xcalloc(1, sizeof *tree);
    snprintf(tree->path, sizeof tree->path, "/tmp/rollcall-zones-XXXXXX");
    *state = tree;
    return mkdtemp(tree->path) == NULL;
}

static int tree_teardown(void **state) {
    struct tree *tree = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", tree->path);
    int status = system(command);
    free(tree);
    return status;
}

static struct zones *load_tree(const struct tree *tree) {
    char error[512];
    struct zones *zones = zones_load(tree->path, 0, error, sizeof error);
    if (zones == NULL)
        fail_msg("%s", error);
    return zones;
}

static void expect_refused(const char *directory, const char *words) {
    char error[512] = "";
    struct zones *zones = zones_load(directory, 0, error, sizeof error);
    if (zones != NULL || strstr(error, words) == NULL)
        fail_msg("%s: \"%s\" has no \"%s\"", zones != NULL ? "loaded" : "refused", error, words);
}

static void only_zones_are_loaded(void **state) {
    const struct tree *tree = *state;
    put_directory(tree, "America");
    put_directory(tree, "America/Argentina");
    put_directory(tree, "posix");
    put_directory(tree, "right");
    put_zone(tree, "America/Argentina/Ushuaia", "America/Argentina/Ushuaia");
    put_zone(tree, "America/New_York", "America/New_York");
    put_zone(tree, "America/New_York", "America/localtime"); /* special at the top only */
    put_zone(tree, "Europe/Berlin", "posix/Berlin");
    put_zone(tree, "Europe/Berlin", "right/Berlin");
    put_zone(tree, "Europe/Berlin", "localtime");
    put_zone(tree, "Europe/Berlin", "posixrules");
    put_zone(tree, "Europe/Berlin", ".hidden");
    put(tree, "leapseconds", "TZi", 3);
    put(tree, "empty", "", 0);
    put_link(tree, "America/New_York", "Navajo");
    put_link(tree, "America", "Amerika");
    put_link(tree, "nowhere", "dangling");
    struct zones *zones = load_tree(tree);
    static const char *const names[] = {"America/Argentina/Ushuaia",
                                        "America/New_York",
                                        "America/localtime",
                                        "Amerika/Argentina/Ushuaia",
                                        "Amerika/New_York",
                                        "Amerika/localtime",
                                        "Navajo",
                                        "UTC"};
    const uint16_t count = sizeof names / sizeof names[0];
    assert_int_equal(zones_count(zones), count);
    for (uint16_t i = 0; i < count; i++)
        assert_string_equal(zones_name(zones, i), names[i]);
    expect_day(zones, "UTC", at("2024-02-29T23:59:59"), "2024-02-29");
    expect_day(zones, "Navajo", at("2024-03-01T04:59:59"), "2024-02-29");
    assert_string_equal(zones_version(zones), "unknown");
    zones_free(&zones);
}

static void a_version_may_stand_in_either_file(void **state) {
    const struct tree *tree = *state;
    put_zone(tree, "Etc/UTC", "UTC");
    put(tree, "+VERSION", "2019c\n", 6);
    struct zones *zones = load_tree(tree);
    assert_string_equal(zones_version(zones), "2019c");
    zones_free(&zones);
    put(tree, "tzdata.zi", "# version 2024a-rearguard\nR a\n", 30);
    zones = load_tree(tree);
    assert_string_equal(zones_version(zones), "2024a-rearguard");
    zones_free(&zones);
    put(tree, "tzdata.zi", "# version \n", 11);
    put(tree, "+VERSION", "0123456789012345678901234567890123456789", 40);
    zones = load_tree(tree);
    assert_string_equal(zones_version(zones), "unknown");
    zones_free(&zones);
}

static void tzdir_names_the_directory(void **state) {
    const struct tree *tree = *state;
    put_zone(tree, "Asia/Kolkata", "Kolkata");
    assert_int_equal(setenv("TZDIR", tree->path, 1), 0);
    struct zones *zones = load(0);
    assert_int_equal(zones_count(zones), 2);
    zones_free(&zones);
    assert_int_equal(setenv("TZDIR", "", 1), 0);
    zones = load(0);
    assert_true(zones_count(zones) > 300);
    zones_free(&zones);
    unsetenv("TZDIR");
}

static void a_directory_without_zones_is_refused(void **state) {
    const struct tree *tree = *state;
    char path[256];
    expect_refused(tree->path, "no time zones");
    put(tree, "zone.tab", "no zone", 7);
    expect_refused(tree->path, "no time zones");
    tree_path(tree, "missing", path);
    expect_refused(path, "No such file");
    tree_path(tree, "zone.tab", path);
    expect_refused(path, "Not a directory");
}

static void a_damaged_or_oversized_file_stops_the_load(void **state) {
    const struct tree *tree = *state;
    size_t size;
    uint8_t *bytes = real_file("Europe/Berlin", &size);
    put_directory(tree, "Europe");
    put(tree, "Europe/Paris", bytes, size);
    put(tree, "Europe/Berlin", bytes, size - 1);
    expect_refused(tree->path, "/Europe/Berlin: damaged");
    bytes = xrealloc(bytes, TZIF_BYTES_MAX + 2, 1);
    memset(bytes + size, '\n', TZIF_BYTES_MAX + 2 - size);
    put(tree, "Europe/Berlin", bytes, TZIF_BYTES_MAX + 2);
    expect_refused(tree->path, "/Europe/Berlin: larger");
    put(tree, "Europe/Berlin", bytes, TZIF_BYTES_MAX); /* what follows the footer is not looked at */
    struct zones *zones = load_tree(tree);
    zones_free(&zones);
    free(bytes);
}

static void loops_of_links_and_endless_names_are_refused(void **state) {
    const struct tree *tree = *state;
    char name[200] = "Zone/";
    put_zone(tree, "Etc/UTC", "UTC");
    put_directory(tree, "Zone");
    put_link(tree, "..", "Zone/up");
    expect_refused(tree->path, "a loop of links");
    put_directory(tree, "long");
    char path[256];
    tree_path(tree, "Zone/up", path);
    unlink(path);
    memset(name + 5, 'x', 60);
    put_zone(tree, "Etc/UTC", name);
    expect_refused(tree->path, "a longer name");
}

static void more_zones_than_there_is_room_for_are_refused(void **state) {
    const struct tree *tree = *state;
    size_t size;
    uint8_t *bytes = real_file("Europe/Berlin", &size);
    char name[16];
    for (unsigned i = 0; i < ZONES_MAX; i++) {
        snprintf(name, sizeof name, "z%u", i);
        put(tree, name, bytes, size);
    }
    expect_refused(tree->path, "UTC: more zones");
    put(tree, "one-more", bytes, size);
    expect_refused(tree->path, "more zones");
    free(bytes);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(apia_has_no_30_december_2011),
    cmocka_unit_test(a_skipped_date_is_skipped_whenever_days_start),
    cmocka_unit_test(other_dates_that_never_were),
    cmocka_unit_test(cairo_changes_at_midnight),
    cmocka_unit_test(st_johns_shows_a_date_again),
    cmocka_unit_test(a_day_that_starts_in_the_repeated_hour_is_over_the_second_time),
    cmocka_unit_test(lord_howe_changes_by_half_an_hour),
    cmocka_unit_test(offsets_have_seconds),
    cmocka_unit_test(night_shifts_belong_to_the_day_before),
    cmocka_unit_test(days_at_a_written_offset),
    cmocka_unit_test(rules_go_on_to_the_end_of_2199),
    cmocka_unit_test(instants_outside_count_as_the_nearest_inside),
    cmocka_unit_test(every_name_of_the_database_is_found),
    cmocka_unit_test(other_names_are_not_found),
    cmocka_unit_test(zones_are_numbered_by_name_and_share_tables),
    cmocka_unit_test(the_version_is_that_of_the_database),
    cmocka_unit_test_setup_teardown(only_zones_are_loaded, tree_setup, tree_teardown),
    cmocka_unit_test_setup_teardown(a_version_may_stand_in_either_file, tree_setup, tree_teardown),
    cmocka_unit_test_setup_teardown(tzdir_names_the_directory, tree_setup, tree_teardown),
    cmocka_unit_test_setup_teardown(a_directory_without_zones_is_refused, tree_setup, tree_teardown),
    cmocka_unit_test_setup_teardown(a_damaged_or_oversized_file_stops_the_load, tree_setup, tree_teardown),
    cmocka_unit_test_setup_teardown(loops_of_links_and_endless_names_are_refused, tree_setup, tree_teardown),
    cmocka_unit_test_setup_teardown(more_zones_than_there_is_room_for_are_refused, tree_setup, tree_teardown),
};

UNIT_TEST_MAIN(tests)
