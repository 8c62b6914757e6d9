/* How the process treats memory that it frees. Before other threads start. */
#ifndef ROLLCALL_MEMORY_H
#define ROLLCALL_MEMORY_H

/* What librdkafka fetches into is freed and taken again many times a second. By default much of it goes back
 * to the kernel in between, and returns page by page: a tenth of a consumer's time. */
void memory_keep_freed(void);

#endif
