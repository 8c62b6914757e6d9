/* See memory.h. */
#include "memory.h"

#include "check.h"

#include <malloc.h>
#include <sys/prctl.h>

#define KEPT_BLOCK_BYTES (16 * 1024 * 1024)
#define KEPT_BYTES       (64 * 1024 * 1024)

void memory_keep_freed(void) {
    mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
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
