/* Assertions against our own bugs; they stay on in release. Bad input is never one: it is a value
 * (reasons.def). */
#ifndef ROLLCALL_CHECK_H
#define ROLLCALL_CHECK_H

#include <stddef.h>

_Noreturn void check_failed(const char *file, int line, const char *what);

#define CHECK(cond)                                                                                          \
    do {                                                                                                     \
        if (__builtin_expect(!(cond), 0))                                                                    \
            check_failed(__FILE__, __LINE__, #cond);                                                         \
    } while (0)

/* Allocation that cannot fail: out of memory ends the process, since no half-applied batch may go on. The
 * caller owns the result and frees it with free(). Zeroed. */
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t count, size_t size);
char *xstrdup(const char *text);

#endif
