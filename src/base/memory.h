/* How the process treats its memory. Before other threads start. */
#ifndef ROLLCALL_MEMORY_H
#define ROLLCALL_MEMORY_H

#include <stddef.h>

/* What librdkafka fetches into is freed and taken again many times a second. By default much of it goes back
 * to the kernel in between, and returns page by page: a tenth of a consumer's time. */
void memory_keep_freed(void);

/* Zeroed pages, huge ones if that many; not in core dumps, since they hold ids. What is taken of memory for
 * so many bytes is a whole number of them. */
void *memory_map(size_t bytes);
void memory_unmap(void *pages, size_t bytes);
size_t memory_mapped_bytes(size_t bytes);

/* Employees' ids and secrets are not for a core file, nor for another process of the same user: what has
 * happened is in Kafka and in the log. (Not under AddressSanitizer, which looks for leaks as a debugger.) */
void memory_keep_private(void);

#endif
