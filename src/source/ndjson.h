/* Lines of a file, or of standard input, of any size: a line that is too long is cut and told, never held
 * whole. One thread. */
#ifndef ROLLCALL_NDJSON_H
#define ROLLCALL_NDJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ndjson;

struct ndjson_line {
    const char *bytes; /* without the newline; valid until the next call */
    size_t len;        /* at most VALUE_BYTES_MAX */
    uint64_t full_len; /* of the line as it stands in the file: more than `len` if it is too long */
    int64_t number;    /* from 1 */
};

enum ndjson_result { NDJSON_LINE, NDJSON_END, NDJSON_ERROR /* errno says why */ };

/* `path` "-": standard input. NULL, with errno, if it cannot be opened. The caller closes it. */
struct ndjson *ndjson_open(const char *path);
void ndjson_close(struct ndjson **ndjson);

/* The next line. The last one needs no newline. */
enum ndjson_result ndjson_next(struct ndjson *ndjson, struct ndjson_line *out);

#endif
