/* Lines of a log that wait to be applied together: a task is faster in batches, and a line of history.h is
 * gone with the next. Main thread. */
#ifndef ROLLCALL_LINE_BATCH_H
#define ROLLCALL_LINE_BATCH_H

#include "history.h"

#define LINE_BATCH_MAX   256
#define LINE_BATCH_USUAL 64
#define LINE_BATCH_BYTES (1024 * 1024)

/* A line as it stands in its file. */
struct kept_line {
    const char *file, *bytes;
    size_t len;
};

/* Set to zero by its owner, but for `limit`. */
struct line_batch {
    size_t limit; /* lines, 1 to LINE_BATCH_MAX */
    size_t count, bytes_used;
    struct task_input inputs[LINE_BATCH_MAX];
    struct kept_line lines[LINE_BATCH_MAX];
    char bytes[LINE_BATCH_BYTES];
};

/* False if it is full: the caller applies the lines that wait, clears the batch and adds again. */
bool line_batch_add(struct line_batch *batch, const struct history_record *record);
void line_batch_clear(struct line_batch *batch);

#endif
