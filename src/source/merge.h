/* The merge (SPEC 5): several input partitions, one order: (arrival, topic, partition, offset).
 *
 * The only place that knows about several inputs. A record comes out only when every other input has a next
 * record or has been read to its end. While the rare topics are at their end, swipes flow past in runs at no
 * cost. It holds pointers to the driver's messages, never their bytes. Called by the owner of the task.
 *
 * "Its end" is what the broker said when it was asked, not a guess from what happened to arrive: a roster
 * record that was in the log before a swipe was read must come before it. So the driver asks in three steps:
 * merge_mark, then it asks the broker for the ends, then merge_confirm. A record is released when it had been
 * pushed before an asking that was answered (all that the other inputs held at that moment is then known), or
 * when it is stamped no later than `settled`: whatever became visible after the asking is stamped later. The
 * second rule is what lets a backlog flow with one asking for thousands of batches. */
#ifndef ROLLCALL_MERGE_H
#define ROLLCALL_MERGE_H

#include <rollcall/events.h>

#include <stddef.h>

struct merge;

struct merge_record {
    int64_t offset;
    arrival_time arrival; /* as stamped when pushed; made monotone by the merge */
    void *message;        /* the driver's */
    bool is_refused;      /* the driver's, carried along */
};

struct merge *merge_new(void);
/* Messages still held are handed to `drop`, with the number of their input. */
void merge_free(struct merge **merge, void (*drop)(void *context, size_t input, void *message),
                void *context);

/* Adds an input; returns its number, counted from 0. `offset` is the first that will be read, `arrival` the
 * largest so far in it (INT64_MIN: none). Before the first merge_confirm nothing comes out. */
size_t merge_add_input(struct merge *merge, enum topic topic, int32_t partition, int64_t offset,
                       arrival_time arrival);
/* Records in offset order, as read. */
void merge_push(struct merge *merge, size_t input, const struct merge_record *records, size_t count);
/* Everything below `offset` has been read, although no record says so: transaction markers, aborted or
 * compacted records. */
void merge_read_to(struct merge *merge, size_t input, int64_t offset);

/* Asking begins: what has been pushed until now is what the answer will speak for. */
void merge_mark(struct merge *merge);
/* The answer: `ends[input]` is the offset behind the last record, open transactions included. Records stamped
 * at or before `settled` need no further asking (INT64_MIN: stamps prove nothing). */
void merge_confirm(struct merge *merge, const int64_t *ends, arrival_time settled);
/* The clock was moved to `clock` by something that is no record: what is stamped earlier is now behind. */
void merge_advance(struct merge *merge, arrival_time clock);

size_t merge_pending(const struct merge *merge, size_t input);
/* All below has been read; the offset of the next record to be applied is at least this if none is pending.
 */
int64_t merge_position(const struct merge *merge, size_t input);

enum merge_state {
    MERGE_READY,       /* merge_pop gives a record */
    MERGE_AT_END,      /* nothing is held; every input had been read to its end at the last asking */
    MERGE_WAITS,       /* an input without a record has not been read to its end */
    MERGE_UNCONFIRMED, /* the next record was read after the last asking: ask again */
};
enum merge_state merge_state(const struct merge *merge);
/* True if the order cannot go on before this input gets a record or has been read to its end. */
bool merge_waits_for(const struct merge *merge, size_t input);

/* Up to `max` records in order, all from one input, which is the whole of what makes runs cheap. 0: see
 * merge_state. */
size_t merge_pop(struct merge *merge, struct merge_record *out, size_t *input, size_t max);
/* Records that came out after one that the order places behind them, or after the clock
 * (rollcall_behind_clock_total).
 */
uint64_t merge_behind(const struct merge *merge);

#endif
