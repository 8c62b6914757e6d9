/* See company_files.h. */
#include "company_files.h"

#include "sink.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name;
    void (*write)(const struct company_setup *setup, FILE *out);
} files[] = {{"rollcall.yaml", company_write_rollcall_yaml},
             {"policies.yaml", company_write_policies_yaml},
             {"sites.yaml", company_write_sites_yaml}};

#define PATH_BYTES 4096

bool company_files_write(const struct company_setup *setup, const char *folder) {
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "rollcall: cannot make the folder %s: %s\n", folder, strerror(errno));
        return false;
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        struct sink sink;
        if (!sink_open(&sink, path))
            return false;
        files[i].write(setup, sink.file);
        if (!sink_close(&sink))
            return false;
    }
    return true;
}

void company_files_remove(const char *folder) {
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        unlink(path);
    }
    rmdir(folder);
}
