/* See memory.h. */
#include "memory.h"

#include <malloc.h>

#define KEPT_BLOCK_BYTES (16 * 1024 * 1024)
#define KEPT_BYTES       (64 * 1024 * 1024)

void memory_keep_freed(void) {
    mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}
