/* See event_log.h. Any thread. */
#include "event_log.h"

#include "civil.h"
#include "clocks.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level least = LOG_LEVEL_INFO;

void log_set_level(enum log_level level) {
    least = level;
}

void log_event(enum log_level level, const char *event, const char *format, ...) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    if (level < least)
        return;
    char line[2048], now_text[INSTANT_TEXT_BYTES];
    instant_print(wall_now().ms, now_text);
    size_t used =
        (size_t)snprintf(line, sizeof line, "ts=%s level=%s event=%.100s ", now_text, names[level], event);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line + used, sizeof line - 1 - used, format, args);
    va_end(args);
    used += n < 0 ? 0 : (size_t)n;
    if (used > sizeof line - 2)
        used = sizeof line - 2; /* cut */
    if (line[used - 1] == ' ')
        used--;
    line[used++] = '\n';
    /* A log that cannot be written is no reason to stop counting. */
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written;
}

struct log_value log_quote(const char *text) {
    struct log_value value;
    size_t n = 0;
    value.text[n++] = '"';
    for (; *text && n < sizeof value.text - 6; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            value.text[n++] = '\\';
            value.text[n++] = (char)c;
        } else if (c < 0x20 || c == 0x7f) {
            n += (size_t)snprintf(value.text + n, sizeof value.text - n, "\\x%02x", c);
        } else {
            value.text[n++] = (char)c;
        }
    }
    value.text[n++] = '"';
    value.text[n] = '\0';
    return value;
}
