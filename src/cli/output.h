/* A file or standard output of a command: buffered, and no failed write goes unnoticed (a full disk, a closed
 * pipe). Main thread. */
#ifndef ROLLCALL_OUTPUT_H
#define ROLLCALL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct output {
    FILE *file;
    const char *name; /* borrowed: the path, or "standard output" */
    int error;        /* errno of the first write that failed, or 0 */
};

/* `path` NULL or "-": standard output. False, with a message, if it cannot be opened. Broken pipes become
 * errors of the write instead of ending the process. */
bool output_open(struct output *output, const char *path);
/* After the first failure nothing more is written. */
void output_write(struct output *output, const char *bytes, size_t len);
/* Flushes and closes; false, with a message, if not everything could be written. */
bool output_close(struct output *output);

#endif
