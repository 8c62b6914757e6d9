/* What is wrong with the configuration: collected, so that one run names every fault of all three files, and
 * printed in the order of the lines. Texts never hold a value of the files: it may be a secret. Main thread.
 */
#ifndef ROLLCALL_PROBLEMS_H
#define ROLLCALL_PROBLEMS_H

#include <rollcall/limits.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct problem {
    char *file;
    uint32_t line; /* 0: not from a file (--set) */
    uint32_t order;
    bool is_warning;
    char *text;
};

struct problems {
    uint32_t count; /* kept in the list; the others are only counted */
    uint32_t errors, warnings;
    struct problem list[CONFIG_ERRORS_MAX];
};

void problems_error(struct problems *problems, const char *file, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void problems_warn(struct problems *problems, const char *file, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Warnings only if `warn`. */
void problems_print(struct problems *problems, bool warn, FILE *out);
void problems_fini(struct problems *problems);

/* A key as it may be printed: printable ASCII, '?' for the rest, cut at the size of the buffer. */
struct printable {
    char text[80];
};
struct printable printable_text(const char *text, size_t len);

#endif
