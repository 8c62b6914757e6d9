/* A buffer between pages that cannot be read: a byte read too far, or too early, is a crash in every build.
 */
#ifndef ROLLCALL_PAGE_EDGE_H
#define ROLLCALL_PAGE_EDGE_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct page_edge {
    char *begin;
    size_t size;
};

static inline struct page_edge page_edge_new(size_t size_min) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (size_min + page - 1) / page * page;
    char *pages = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + page, size, PROT_READ | PROT_WRITE) != 0)
        abort();
    return (struct page_edge){.begin = pages + page, .size = size};
}

/* `text` again, its first byte the first readable one, or its last byte the last. Overwrites what was put
 * there before.
 */
static inline const char *page_edge_put_first(struct page_edge *edge, const char *text, size_t len) {
    if (len > 0)
        memcpy(edge->begin, text, len);
    return edge->begin;
}
static inline const char *page_edge_put_last(struct page_edge *edge, const char *text, size_t len) {
    char *at = edge->begin + edge->size - len;
    if (len > 0)
        memcpy(at, text, len);
    return at;
}

#endif
