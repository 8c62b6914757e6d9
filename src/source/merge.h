/* The merge (SPEC 5): several input partitions, one order: (arrival, topic, partition, offset).
 *
 * The only place that knows about several inputs. A record comes out only when every other input has a next
 * record or has been read to its end. While the rare topics are at their end, swipes flow past in runs at no
 * cost. It holds pointers to the driver's messages, never their bytes. Called by the owner of the task. */
#ifndef ROLLCALL_MERGE_H
#define ROLLCALL_MERGE_H

#include <rollcall/events.h>

#include <stddef.h>

struct merge;

struct merge_record {
    int64_t offset;
    arrival_time arrival; /* as stamped when pushed; made monotone by the merge */
    void *message;        /* the driver's */
};

struct merge *merge_new(void);
/* Messages still held are handed to `drop`. */
void merge_free(struct merge **merge, void (*drop)(void *message));

/* Adds an input; returns its number. `arrival` is the largest so far in it (INT64_MIN: none). */
size_t merge_add_input(struct merge *merge, enum topic topic, int32_t partition, arrival_time arrival);
void merge_push(struct merge *merge, size_t input, const struct merge_record *records, size_t count);
/* The input has, or no longer has, been read to its end (EOF offset == high watermark). */
void merge_set_at_end(struct merge *merge, size_t input, bool at_end);
size_t merge_pending(const struct merge *merge, size_t input);
/* True if the order cannot go on before this input gets a record or its end is known. */
bool merge_waits_for(const struct merge *merge, size_t input);
/* Up to `max` records in order; `inputs_out[i]` says from which input each came. 0: blocked, or nothing
 * there. */
size_t merge_pop(struct merge *merge, struct merge_record *out, size_t *inputs_out, size_t max);

#endif
