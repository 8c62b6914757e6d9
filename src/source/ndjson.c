/* See ndjson.h. Plain read(2) into one buffer: no line is copied, and stdio's line functions neither bound a
 * line nor tell a NUL byte from its end. */
#include "ndjson.h"

#include "check.h"

#include <rollcall/limits.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES (4 * VALUE_BYTES_MAX)

struct ndjson {
    int fd;
    bool is_at_end;
    int64_t number;
    size_t begin, end; /* what is read and not yet handed out */
    char buffer[BUFFER_BYTES];
};

struct ndjson *ndjson_open(const char *path) {
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct ndjson *ndjson = xcalloc(1, sizeof *ndjson);
    ndjson->fd = fd;
    return ndjson;
}

void ndjson_close(struct ndjson **ndjson) {
    if (*ndjson == NULL)
        return;
    if ((*ndjson)->fd != STDIN_FILENO)
        close((*ndjson)->fd);
    free(*ndjson);
    *ndjson = NULL;
}

/* Reads behind `end`, where there is room. False on an error. */
static bool fill(struct ndjson *ndjson) {
    ssize_t got;
    do
        got = read(ndjson->fd, ndjson->buffer + ndjson->end, BUFFER_BYTES - ndjson->end);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return false;
    ndjson->is_at_end = got == 0;
    ndjson->end += (size_t)got;
    return true;
}

/* The rest of a line whose beginning, of VALUE_BYTES_MAX bytes, stays at the start of the buffer: read and
 * dropped. */
static bool skip_rest(struct ndjson *ndjson, struct ndjson_line *out) {
    memmove(ndjson->buffer, out->bytes, out->len);
    size_t kept = (size_t)(out->bytes - ndjson->buffer) + out->len;
    memmove(ndjson->buffer + out->len, ndjson->buffer + kept, ndjson->end - kept);
    ndjson->end -= kept - out->len;
    out->bytes = ndjson->buffer;
    for (;;) {
        char *rest = ndjson->buffer + out->len;
        size_t rest_len = ndjson->end - out->len;
        char *newline = memchr(rest, '\n', rest_len);
        if (newline) {
            out->full_len += (size_t)(newline - rest);
            ndjson->begin = (size_t)(newline - ndjson->buffer) + 1;
            return true;
        }
        out->full_len += rest_len;
        ndjson->end = ndjson->begin = out->len;
        if (ndjson->is_at_end)
            return true;
        if (!fill(ndjson))
            return false;
    }
}

static enum ndjson_result line_of(struct ndjson *ndjson, size_t len, struct ndjson_line *out) {
    bool is_too_long = len > VALUE_BYTES_MAX;
    *out = (struct ndjson_line){.bytes = ndjson->buffer + ndjson->begin,
                                .len = is_too_long ? VALUE_BYTES_MAX : len,
                                .full_len = is_too_long ? VALUE_BYTES_MAX : len,
                                .number = ++ndjson->number};
    if (is_too_long)
        return skip_rest(ndjson, out) ? NDJSON_LINE : NDJSON_ERROR;
    ndjson->begin += len < ndjson->end - ndjson->begin ? len + 1 : len;
    return NDJSON_LINE;
}

enum ndjson_result ndjson_next(struct ndjson *ndjson, struct ndjson_line *out) {
    size_t searched = 0;
    for (;;) {
        const char *begin = ndjson->buffer + ndjson->begin;
        size_t len = ndjson->end - ndjson->begin;
        const char *newline = memchr(begin + searched, '\n', len - searched);
        if (newline)
            return line_of(ndjson, (size_t)(newline - begin), out);
        if (len > VALUE_BYTES_MAX || (ndjson->is_at_end && len > 0))
            return line_of(ndjson, len, out);
        if (ndjson->is_at_end)
            return NDJSON_END;
        searched = len;
        memmove(ndjson->buffer, begin, len);
        ndjson->begin = 0;
        ndjson->end = len;
        if (!fill(ndjson))
            return NDJSON_ERROR;
    }
}
