/* The rejects of replay: {"reason","detail","file","line","value"}, one a line (SPEC 8). Main thread. */
#ifndef ROLLCALL_REJECT_FILE_H
#define ROLLCALL_REJECT_FILE_H

#include "sink.h"

#include <rollcall/reasons.h>

#include <stdint.h>

struct reject_file;

/* NULL, with a message, if the file cannot be opened. reject_file_close is false if not all could be written.
 */
struct reject_file *reject_file_open(const char *path);
bool reject_file_close(struct reject_file **rejects);

/* `value` is at most VALUE_BYTES_MAX long; bytes of it that are not UTF-8 become U+FFFD. */
void reject_file_write(struct reject_file *rejects, enum reason reason, const char *detail, const char *file,
                       int64_t line, const char *value, size_t value_len);

#endif
