/* See reject_file.h. */
#include "reject_file.h"

#include "check.h"
#include "encode.h"

#include <rollcall/limits.h>

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX (VALUE_BYTES_MAX > PATH_MAX ? VALUE_BYTES_MAX : PATH_MAX)
#define REPLACEMENT    "\xef\xbf\xbd" /* U+FFFD */

struct reject_file {
    struct sink sink;
    char repaired[3 * TEXT_BYTES_MAX];
    char quoted[6 * 3 * TEXT_BYTES_MAX + 2];
};

/* The length of the UTF-8 sequence at `p`, 0 if there is none (RFC 3629: no surrogates, nothing overlong). */
static size_t utf8_len(const unsigned char *p, const unsigned char *end) {
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (len == 0 || (size_t)(end - p) < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool is_overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool is_outside = (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf4 && p[1] >= 0x90);
    return is_overlong || is_outside ? 0 : len;
}

static size_t repair(char *out, const char *text, size_t text_len) {
    const unsigned char *p = (const unsigned char *)text, *end = p + text_len;
    char *at = out;
    while (p < end) {
        size_t len = utf8_len(p, end);
        memcpy(at, len ? (const char *)p : REPLACEMENT, len ? len : 3);
        at += len ? len : 3;
        p += len ? len : 1;
    }
    return (size_t)(at - out);
}

static void write_text(struct reject_file *rejects, const char *text, size_t len) {
    CHECK(len <= TEXT_BYTES_MAX);
    size_t repaired_len = repair(rejects->repaired, text, len);
    sink_write(&rejects->sink, rejects->quoted,
               encode_json_string(rejects->quoted, rejects->repaired, repaired_len));
}

struct reject_file *reject_file_open(const char *path) {
    struct reject_file *rejects = xcalloc(1, sizeof *rejects);
    if (!sink_open(&rejects->sink, path)) {
        free(rejects);
        return NULL;
    }
    return rejects;
}

bool reject_file_close(struct reject_file **rejects) {
    if (*rejects == NULL)
        return true;
    bool is_whole = sink_close(&(*rejects)->sink);
    free(*rejects);
    *rejects = NULL;
    return is_whole;
}

void reject_file_write(struct reject_file *rejects, enum reason reason, const char *detail, const char *file,
                       int64_t line, const char *value, size_t value_len) {
    char text[128];
    int len = snprintf(text, sizeof text, "{\"reason\":\"%s\",\"detail\":", reason_name(reason));
    sink_write(&rejects->sink, text, (size_t)len);
    write_text(rejects, detail, strlen(detail));
    sink_write(&rejects->sink, ",\"file\":", 8);
    write_text(rejects, file, strlen(file));
    len = snprintf(text, sizeof text, ",\"line\":%" PRId64 ",\"value\":", line);
    sink_write(&rejects->sink, text, (size_t)len);
    write_text(rejects, value, value_len);
    sink_write(&rejects->sink, "}\n", 2);
}
