/* See memory.h. */
#include "memory.h"

#include "check.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define KEPT_BLOCK_BYTES (16 * 1024 * 1024)
#define KEPT_BYTES       (64 * 1024 * 1024)
#define HUGE_PAGE        ((size_t)2 * 1024 * 1024)

void memory_keep_freed(void) {
    mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

size_t memory_mapped_bytes(size_t bytes) {
    return bytes < HUGE_PAGE ? bytes : (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

void *memory_map(size_t bytes) {
    bytes = memory_mapped_bytes(bytes);
    size_t slack = bytes >= HUGE_PAGE ? HUGE_PAGE : 0;
    char *pages = mmap(NULL, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    if (slack) {
        size_t before = (size_t)(-(uintptr_t)pages & (HUGE_PAGE - 1));
        if (before)
            munmap(pages, before);
        munmap(pages + before + bytes, slack - before);
        pages += before;
        (void)madvise(pages, bytes, MADV_HUGEPAGE); /* a kernel without them is only slower */
    }
    (void)madvise(pages, bytes, MADV_DONTDUMP);
    return pages;
}

void memory_unmap(void *pages, size_t bytes) {
    munmap(pages, memory_mapped_bytes(bytes));
}

#if defined(__has_feature) && !defined(__SANITIZE_ADDRESS__)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#endif

void memory_keep_private(void) {
#ifndef __SANITIZE_ADDRESS__
    CHECK(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
#endif
}
