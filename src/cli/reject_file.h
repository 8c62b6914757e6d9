/* The rejects of replay: {"reason","detail","file","line","value"}, one a line (SPEC 8). Main thread. */
#ifndef ROLLCALL_REJECTS_H
#define ROLLCALL_REJECTS_H

#include "sink.h"

#include <rollcall/reasons.h>

#include <stdint.h>

struct rejects;

/* NULL, with a message, if the file cannot be opened. rejects_close is false if not all could be written. */
struct rejects *rejects_open(const char *path);
bool rejects_close(struct rejects **rejects);

/* `value` is at most VALUE_BYTES_MAX long; bytes of it that are not UTF-8 become U+FFFD. */
void rejects_write(struct rejects *rejects, enum reason reason, const char *detail, const char *file,
                   int64_t line, const char *value, size_t value_len);

#endif
