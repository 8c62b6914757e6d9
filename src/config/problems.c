/* See problems.h. */
#include "problems.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

/* Errors are what the caller must see: one that finds the list full takes the place of a warning. */
static struct problem *slot_for(struct problems *problems, bool is_warning) {
    if (problems->count < CONFIG_ERRORS_MAX)
        return &problems->list[problems->count++];
    for (uint32_t i = 0; !is_warning && i < problems->count; i++) {
        struct problem *p = &problems->list[i];
        if (!p->is_warning)
            continue;
        free(p->file);
        free(p->text);
        return p;
    }
    return NULL;
}

static __attribute__((format(printf, 5, 0))) void add(struct problems *problems, bool is_warning,
                                                      const char *file, uint32_t line, const char *format,
                                                      va_list args) {
    uint32_t order = problems->errors + problems->warnings;
    problems->errors += !is_warning;
    problems->warnings += is_warning;
    struct problem *p = slot_for(problems, is_warning);
    if (p == NULL)
        return;
    *p = (struct problem){.file = xstrdup(file), .line = line, .order = order, .is_warning = is_warning};
    CHECK(vasprintf(&p->text, format, args) >= 0);
}

void problems_error(struct problems *problems, const char *file, uint32_t line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add(problems, false, file, line, format, args);
    va_end(args);
}

void problems_warn(struct problems *problems, const char *file, uint32_t line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add(problems, true, file, line, format, args);
    va_end(args);
}

static int compare_problems(const void *a, const void *b) {
    const struct problem *x = a, *y = b;
    int by_file = strcmp(x->file, y->file);
    if (by_file != 0)
        return by_file;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

void problems_print(struct problems *problems, bool warn, FILE *out) {
    uint32_t left = problems->errors + (warn ? problems->warnings : 0);
    qsort(problems->list, problems->count, sizeof problems->list[0], compare_problems);
    for (uint32_t i = 0; i < problems->count; i++) {
        const struct problem *p = &problems->list[i];
        if (p->is_warning && !warn)
            continue;
        fprintf(out, "%s:", p->file);
        if (p->line > 0)
            fprintf(out, "%u:", p->line);
        fprintf(out, " %s%s\n", p->is_warning ? "warning: " : "", p->text);
        left--;
    }
    if (left > 0)
        fprintf(out, "and %u more\n", left);
}

void problems_fini(struct problems *problems) {
    for (uint32_t i = 0; i < problems->count; i++) {
        free(problems->list[i].file);
        free(problems->list[i].text);
    }
    *problems = (struct problems){0};
}

struct printable printable_text(const char *text, size_t len) {
    struct printable out;
    size_t n = len < sizeof out.text - 1 ? len : sizeof out.text - 1;
    for (size_t i = 0; i < n; i++)
        out.text[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    out.text[n] = '\0';
    return out;
}
