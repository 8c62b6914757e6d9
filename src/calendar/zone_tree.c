/* Loads the tz database (zone.h: zones_load and what belongs to it): walks the directory, reads each file,
 * makes a table of it, shares tables that are equal. At start only, by one thread; no file is read again
 * later.
 *
 * A file that is no TZif (tzdata.zi, leapseconds, *.tab) is passed over. One that claims to be and is damaged
 * stops the load: the zone of somebody whose roster record arrives next week could be the one that is
 * missing. */
#include "check.h"
#include "zone.h"
#include "zone_table.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_DIRECTORY "/usr/share/zoneinfo"
#define DEPTH_MAX         4 /* America/Argentina/Ushuaia has 3; more is a loop of links */

struct loader {
    struct zones *zones;
    const char *directory;
    uint8_t *bytes; /* of the file being read: TZIF_BYTES_MAX and one more */
    char *error;
    size_t error_size;
};

static bool fail(const struct loader *l, const char *name, const char *why) {
    snprintf(l->error, l->error_size, "%s%s%s: %s", l->directory, *name ? "/" : "", name, why);
    return false;
}

/* The table of these spans; an earlier one if it is the same. */
static const struct zone_table *share_table(struct zones *zones, const struct zone_span *spans,
                                            uint32_t count) {
    size_t bytes = count * sizeof *spans;
    for (uint32_t i = 0; i < zones->tables_count; i++) {
        const struct zone_table *t = zones->tables[i];
        if (t->spans_count == count && memcmp(t->spans, spans, bytes) == 0)
            return t;
    }
    CHECK(count <= UINT16_MAX && zones->tables_count < ZONES_MAX);
    struct zone_table *t = xcalloc(1, sizeof *t + bytes + sizeof *spans);
    t->spans_count = count;
    memcpy(t->spans, spans, bytes);
    t->spans[count].from_ms = INT64_MAX;
    for (uint32_t i = 1; i < count; i++)
        t->skips_days |= spans[i].offset_ms - spans[i - 1].offset_ms >= INT64_C(86400000);
    uint16_t span = 0;
    for (int64_t b = 0; b < ZONE_BUCKETS; b++) {
        while (t->spans[span + 1].from_ms <= ZONES_FIRST_MS + (b << ZONE_BUCKET_BITS))
            span++;
        t->first_span[b] = span;
    }
    zones->tables[zones->tables_count++] = t;
    return t;
}

static bool add_zone(struct loader *l, const char *name, const struct zone_span *spans, uint32_t count) {
    struct zones *zones = l->zones;
    if (zones->count == ZONES_MAX)
        return fail(l, name, "more zones than the program has room for");
    zones->table_of[zones->count] = share_table(zones, spans, count);
    zones->names[zones->count++] = xstrdup(name);
    return true;
}

/* Up to TZIF_BYTES_MAX + 1 bytes of a file; -1 with errno set. */
static ssize_t read_file(struct loader *l, int directory, const char *leaf) {
    int fd = openat(directory, leaf, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t size = 0;
    ssize_t got = 0;
    while (size < TZIF_BYTES_MAX + 1) {
        got = read(fd, l->bytes + size, TZIF_BYTES_MAX + 1 - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return got < 0 ? -1 : (ssize_t)size;
}

static bool load_file(struct loader *l, int directory, const char *leaf, const char *name) {
    ssize_t size = read_file(l, directory, leaf);
    if (size < 0)
        return fail(l, name, strerror(errno));
    if (size < TZIF_MAGIC_BYTES || memcmp(l->bytes, TZIF_MAGIC, TZIF_MAGIC_BYTES) != 0)
        return true;
    if (size > TZIF_BYTES_MAX)
        return fail(l, name, "larger than any zone's file can be");
    if (strlen(name) > ID_BYTES_MAX)
        return fail(l, name, "a longer name than any zone can have");
    const char *why;
    uint32_t count;
    struct zone_span *spans = tzif_read(l->bytes, (size_t)size, &count, &why);
    if (spans == NULL)
        return fail(l, name, why);
    bool ok = add_zone(l, name, spans, count);
    free(spans);
    return ok;
}

/* Not zones of the database: the whole of it again in other forms, and what this machine is set to. */
static bool is_other(const char *name) {
    static const char *const others[] = {"posix", "right", "localtime", "posixrules"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(name, others[i]) == 0)
            return true;
    }
    return false;
}

static bool walk(struct loader *l, int fd, const char *prefix, int depth);

static bool load_entry(struct loader *l, int directory, const char *leaf, const char *prefix, int depth) {
    char name[PATH_MAX];
    struct stat st;
    if (leaf[0] == '.' || (depth == 1 && is_other(leaf)))
        return true;
    int n = snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "/" : "", leaf);
    if (n < 0 || (size_t)n >= sizeof name)
        return fail(l, prefix, strerror(ENAMETOOLONG));
    if (fstatat(directory, leaf, &st, 0) != 0)
        return errno == ENOENT || fail(l, name, strerror(errno)); /* a dangling link is no zone */
    if (S_ISREG(st.st_mode))
        return load_file(l, directory, leaf, name);
    if (!S_ISDIR(st.st_mode))
        return true;
    if (depth == DEPTH_MAX)
        return fail(l, name, "directories nested deeper than any zone's name (a loop of links?)");
    int fd = openat(directory, leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? fail(l, name, strerror(errno)) : walk(l, fd, name, depth + 1);
}

/* Takes over fd. */
static bool walk(struct loader *l, int fd, const char *prefix, int depth) {
    DIR *dir = fdopendir(fd);
    CHECK(dir != NULL);
    bool ok = true;
    const struct dirent *entry;
    while (ok && (errno = 0, entry = readdir(dir)) != NULL)
        ok = load_entry(l, fd, entry->d_name, prefix, depth);
    if (ok && errno != 0)
        ok = fail(l, prefix, strerror(errno));
    closedir(dir);
    return ok;
}

/* The first word behind `before` in the first line of a file of the directory. */
static bool read_version(struct loader *l, int directory, const char *leaf, const char *before) {
    ssize_t size = read_file(l, directory, leaf);
    size_t skip = strlen(before), len = 0;
    if (size < 0 || (size_t)size < skip || memcmp(l->bytes, before, skip) != 0)
        return false;
    while (skip + len < (size_t)size && l->bytes[skip + len] > ' ' && l->bytes[skip + len] < 0x7f)
        len++;
    if (len == 0 || len >= sizeof l->zones->version)
        return false;
    memcpy(l->zones->version, l->bytes + skip, len); /* zeroed before */
    return true;
}

struct name_and_table {
    char *name;
    const struct zone_table *table;
};

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct name_and_table *)a)->name, ((const struct name_and_table *)b)->name);
}

/* A zone's number must not depend on the order in which a file system lists its directories. */
static void sort_names(struct zones *zones) {
    struct name_and_table *sorted = xcalloc(zones->count, sizeof *sorted);
    for (uint32_t i = 0; i < zones->count; i++)
        sorted[i] = (struct name_and_table){zones->names[i], zones->table_of[i]};
    qsort(sorted, zones->count, sizeof *sorted, by_name);
    for (uint32_t i = 0; i < zones->count; i++) {
        zones->names[i] = sorted[i].name;
        zones->table_of[i] = sorted[i].table;
    }
    free(sorted);
}

static bool load(struct loader *l) {
    int fd = open(l->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(l, "", strerror(errno));
    if (!read_version(l, fd, "tzdata.zi", "# version ") && !read_version(l, fd, "+VERSION", ""))
        memcpy(l->zones->version, "unknown", sizeof "unknown");
    if (!walk(l, fd, "", 1))
        return false;
    if (l->zones->count == 0)
        return fail(l, "", "no time zones there (is the package tzdata installed?)");
    sort_names(l->zones);
    static const struct zone_span utc = {INT64_MIN, 0};
    if (zones_find(l->zones, "UTC", 3) == ZONE_NONE) {
        if (!add_zone(l, "UTC", &utc, 1))
            return false;
        sort_names(l->zones);
    }
    return true;
}

struct zones *zones_load(const char *directory, int32_t day_starts_at_ms, char *error, size_t error_size) {
    CHECK(day_starts_at_ms >= 0 && day_starts_at_ms <= DAY_STARTS_AT_MS_MAX);
    if (directory == NULL)
        directory = getenv("TZDIR");
    if (directory == NULL || *directory == '\0')
        directory = DEFAULT_DIRECTORY;
    struct zones *zones = xcalloc(1, sizeof *zones);
    zones->day_starts_at_ms = day_starts_at_ms;
    struct loader l = {zones, directory, xcalloc(1, TZIF_BYTES_MAX + 1), error, error_size};
    if (!load(&l))
        zones_free(&zones);
    free(l.bytes);
    return zones;
}

void zones_free(struct zones **zones) {
    if (*zones == NULL)
        return;
    for (uint32_t i = 0; i < (*zones)->count; i++)
        free((*zones)->names[i]);
    for (uint32_t i = 0; i < (*zones)->tables_count; i++)
        free((*zones)->tables[i]);
    free(*zones);
    *zones = NULL;
}

static int compare_text(const char *name, const char *text, size_t len) {
    int c = strncmp(name, text, len);
    return c != 0 ? c : name[len] != '\0';
}

uint16_t zones_find(const struct zones *zones, const char *name, size_t len) {
    if (len == 0 || len > ID_BYTES_MAX || memchr(name, '\0', len) != NULL)
        return ZONE_NONE;
    uint32_t low = 0, high = zones->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int c = compare_text(zones->names[middle], name, len);
        if (c == 0)
            return (uint16_t)middle;
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return ZONE_NONE;
}

const char *zones_name(const struct zones *zones, uint16_t zone) {
    CHECK(zone < zones->count);
    return zones->names[zone];
}

uint32_t zones_count(const struct zones *zones) {
    return zones->count;
}

const char *zones_version(const struct zones *zones) {
    return zones->version;
}
