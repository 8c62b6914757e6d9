/* See check.h. Any thread. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void check_failed(const char *file, int line, const char *what) {
    fprintf(stderr, "rollcall: internal error at %s:%d: %s\n", file, line, what);
    abort();
}

void *xcalloc(size_t count, size_t size) {
    void *p = calloc(count ? count : 1, size ? size : 1);
    CHECK(p != NULL);
    return p;
}

void *xrealloc(void *old, size_t count, size_t size) {
    size_t bytes;
    CHECK(!__builtin_mul_overflow(count, size, &bytes));
    void *p = realloc(old, bytes ? bytes : 1);
    CHECK(p != NULL);
    return p;
}

char *xstrdup(const char *text) {
    char *copy = strdup(text);
    CHECK(copy != NULL);
    return copy;
}
