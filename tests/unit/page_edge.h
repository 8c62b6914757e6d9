/* A buffer that ends where readable memory ends: a byte read too far is a crash, in every build. */
#ifndef ROLLCALL_PAGE_EDGE_H
#define ROLLCALL_PAGE_EDGE_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct page_edge {
    char *pages;
    size_t size; /* readable bytes; a page that is not follows them */
};

static inline struct page_edge page_edge_new(size_t size_min) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct page_edge edge = {.size = (size_min + page - 1) / page * page};
    edge.pages = mmap(NULL, edge.size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (edge.pages == MAP_FAILED || mprotect(edge.pages + edge.size, page, PROT_NONE) != 0)
        abort();
    return edge;
}

static inline void page_edge_free(struct page_edge *edge) {
    munmap(edge->pages, edge->size + (size_t)sysconf(_SC_PAGESIZE));
    edge->pages = NULL;
}

/* `text` again, its last byte the last readable one. Overwrites what was put there before. */
static inline const char *page_edge_put(struct page_edge *edge, const char *text, size_t len) {
    char *at = edge->pages + edge->size - len;
    if (len > 0)
        memcpy(at, text, len);
    return at;
}

#endif
