/* For tests of the configuration: writes the three files into a directory of its own, loads them, keeps what
 * was printed. */
#ifndef ROLLCALL_CONFIG_FIXTURE_H
#define ROLLCALL_CONFIG_FIXTURE_H

#include "check.h"
#include "config.h"
#include "unit_test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLICIES "policies: [{id: p, versions: [{effective_on: 2023-05-01}]}]\n"
#define SITES    "sites: {SEA33: {zone: America/Los_Angeles}}\n"
#define SETTINGS "policies: p.yaml\nsites: s.yaml\npeople: {unknown: reject}\n"
#define KAFKA    "kafka: {bootstrap.servers: b, group.id: g}\n"
#define RUN      SETTINGS KAFKA "time: {complete_from: 2023-05-01}\n"

/* Zeroed but for what the case is about; NULL files are those above. */
struct load {
    const char *settings, *policies, *sites;
    size_t settings_len; /* 0: a C string */
    const char *sets[4];
    enum config_use use;
    bool warn;
    const char *secret; /* the content of the file `secret`, NULL for none, and its mode */
    mode_t mode;
};

struct loaded {
    char directory[32];
    struct config *config;
    char *text; /* errors and warnings, the directory taken out */
    size_t text_len;
};

static inline void write_file(const char *directory, const char *name, const char *text, size_t len,
                              mode_t mode) {
    char path[64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static inline void take_out(char *text, const char *part) {
    for (char *at = text; (at = strstr(at, part)) != NULL;)
        memmove(at, at + strlen(part), strlen(at + strlen(part)) + 1);
}

static inline struct loaded load(struct load l) {
    struct loaded out = {.directory = "/tmp/rollcall-config-XXXXXX"};
    assert_non_null(mkdtemp(out.directory));
    const char *settings = l.settings ? l.settings : SETTINGS, *policies = l.policies ? l.policies : POLICIES,
               *sites = l.sites ? l.sites : SITES;
    write_file(out.directory, "r.yaml", settings, l.settings_len ? l.settings_len : strlen(settings), 0600);
    write_file(out.directory, "p.yaml", policies, strlen(policies), 0600);
    write_file(out.directory, "s.yaml", sites, strlen(sites), 0600);
    if (l.secret != NULL)
        write_file(out.directory, "secret", l.secret, strlen(l.secret), l.mode ? l.mode : 0600);
    char path[64];
    snprintf(path, sizeof path, "%s/r.yaml", out.directory);
    size_t sets = 0;
    while (sets < 4 && l.sets[sets] != NULL)
        sets++;
    FILE *errors = open_memstream(&out.text, &out.text_len);
    out.config = config_load(path, l.sets, sets, l.use, l.warn, errors);
    fclose(errors);
    char prefix[40];
    snprintf(prefix, sizeof prefix, "%s/", out.directory);
    take_out(out.text, prefix);
    return out;
}

static inline void unload(struct loaded *loaded) {
    static const char *const names[] = {"r.yaml", "p.yaml", "s.yaml", "secret"};
    for (size_t i = 0; i < 4; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", loaded->directory, names[i]);
        unlink(path);
    }
    rmdir(loaded->directory);
    config_free(&loaded->config);
    free(loaded->text);
}

/* The printed text is exactly this, and the configuration is refused unless it is empty or only warns. */
static inline void expect(struct load l, const char *text) {
    struct loaded loaded = load(l);
    assert_string_equal(loaded.text, text);
    assert_true((loaded.config == NULL) == (*text != '\0' && !l.warn));
    unload(&loaded);
}

static inline void expect_fine(struct load l) {
    expect(l, "");
}

#endif
