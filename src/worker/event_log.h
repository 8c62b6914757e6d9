/* The log: one logfmt line a happening, to standard error, with the time in UTC. Any thread; a line is one
 * write, so lines of several threads do not mix. Never an employee id or a value of a record. */
#ifndef ROLLCALL_EVENT_LOG_H
#define ROLLCALL_EVENT_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* `event` is a stable name; `format` gives the rest of the line as key=value pairs ("" for none). */
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Below this level nothing is written; LOG_LEVEL_INFO at start. Before other threads start. */
void log_set_level(enum log_level level);

/* Any text as a logfmt value: quoted, with quotes, backslashes and control characters escaped, and cut. */
struct log_value {
    char text[768];
};
struct log_value log_quote(const char *text);

#endif
