/* The files of `rollcall replay` and its like as one log: NDJSON lines, dated and merged by arrival (SPEC 5).
 *
 * A line arrives at its `arrived_at`, else at the `occurred_at` of a swipe, else with the line before it in
 * its file, and never before that line. Several files are merged by arrival; of equal arrivals the file named
 * first goes first. Main thread. */
#ifndef ROLLCALL_HISTORY_H
#define ROLLCALL_HISTORY_H

#include "decode.h"
#include "ndjson.h"
#include "task.h"

struct history;

/* Pointers are valid until the next call. */
struct history_record {
    struct task_input input; /* refused already, if nothing of the kind can be applied */
    struct ndjson_line line;
    const char *file; /* as named on the command line */
};

/* Opens all files ("-": standard input). NULL, with a message, if one cannot be. `names` and `fields` are
 * borrowed. */
struct history *history_open(char *const *names, size_t count, const struct swipe_fields *fields);
void history_close(struct history **history);

/* The next record; false at the end, or when a file cannot be read, with a message: history_failed tells. */
bool history_next(struct history *history, struct history_record *out);
bool history_failed(const struct history *history);

#endif
