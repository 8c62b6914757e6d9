/* A file or standard output of a command: buffered, and no failed write goes unnoticed (a full disk, a closed
 * pipe). Main thread. */
#ifndef ROLLCALL_SINK_H
#define ROLLCALL_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct sink {
    FILE *file;
    const char *name; /* borrowed: the path, or "standard output" */
    int error;        /* errno of the first write that failed, or 0 */
};

/* `path` NULL or "-": standard output. False, with a message, if it cannot be opened. Broken pipes become
 * errors of the write instead of ending the process. */
bool sink_open(struct sink *sink, const char *path);
/* After the first failure nothing more is written. */
void sink_write(struct sink *sink, const char *bytes, size_t len);
/* Flushes and closes; false, with a message, if not everything could be written. */
bool sink_close(struct sink *sink);

#endif
