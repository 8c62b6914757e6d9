/* The files of `rollcall replay` and its like as one log: NDJSON lines, dated and merged by arrival (SPEC 5).
 *
 * A line arrives at its `arrived_at`, else at the `occurred_at` of a swipe, else with the line before it in
 * its file, and never before that line. Several files are merged by arrival; of equal arrivals the file named
 * first goes first. Main thread. */
#ifndef ROLLCALL_LOG_H
#define ROLLCALL_LOG_H

#include "decode.h"
#include "ndjson.h"
#include "task.h"

struct log;

/* Pointers are valid until the next call. */
struct log_record {
    struct task_input input; /* refused already, if nothing of the kind can be applied */
    struct ndjson_line line;
    const char *file; /* as named on the command line */
};

/* Opens all files ("-": standard input). NULL, with a message, if one cannot be. `names` and `fields` are
 * borrowed. */
struct log *log_open(char *const *names, size_t count, const struct swipe_fields *fields);
void log_close(struct log **log);

/* The next record; false at the end, or when a file cannot be read, with a message: log_failed tells. */
bool log_next(struct log *log, struct log_record *out);
bool log_failed(const struct log *log);

#endif
