/* How the process treats its memory. Before other threads start. */
#ifndef ROLLCALL_MEMORY_H
#define ROLLCALL_MEMORY_H

/* What librdkafka fetches into is freed and taken again many times a second. By default much of it goes back
 * to the kernel in between, and returns page by page: a tenth of a consumer's time. */
void memory_keep_freed(void);

/* Employees' ids and secrets are not for a core file, nor for another process of the same user: what has
 * happened is in Kafka and in the log. (Not under AddressSanitizer, which looks for leaks as a debugger.) */
void memory_keep_private(void);

#endif
