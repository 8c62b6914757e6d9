/* The ledger table: employee id -> one slot of 64 bytes, in a lock-free open-addressing hash table.
 *
 * One writer (the worker that owns the task), any number of readers that never block it, never wait for it
 * and never see half a slot. Function names say who may call: a plain name is the owner's, what ends in
 * _shared is any thread's.
 */
#ifndef ROLLCALL_TABLE_H
#define ROLLCALL_TABLE_H

#include <rollcall/limits.h>
#include <rollcall/times.h>

#include <stdatomic.h>
#include <stddef.h>

struct table;
struct table_slot; /* 64 bytes, 64-byte aligned; a pointer to one is valid until the next insert or table_free
                    */

/* What a slot says of an employee. All of it is read and written as a whole, under the slot's version. */
struct slot_value {
    uint64_t days[2]; /* bit ring: civil day n is bit n mod 128. A day on which an accepted swipe is known */
    int32_t closed;   /* c, the last closed day (SPEC 3) */
    uint32_t person;  /* index of the side record (people.h) */
    uint16_t zone;    /* home zone of the open day c + 1 */
    uint8_t status;   /* enum status, as last published */
    uint8_t flags;    /* SLOT_* bits, the task's */
};

/* `people` is how many are expected; the table grows when they are more. `hash_seed` keys the hash: ids that
 * collide for one seed do not for another. */
struct table *table_new(uint32_t people, uint64_t hash_seed);
void table_free(struct table **table);

uint64_t table_hash(const struct table *table, const char *id, size_t len);
/* Starts loading the slot's cache line: call for a batch of hashes, then find them. */
void table_prefetch(const struct table *table, uint64_t hash);

/* NULL if the id is not there. */
struct table_slot *table_find(const struct table *table, const char *id, size_t len, uint64_t hash);
/* The id must not be there. The slot starts with `value`. */
struct table_slot *table_insert(struct table *table, const char *id, size_t len, uint64_t hash,
                                const struct slot_value *value);
/* The slot's id is gone for everybody; the pointer is dead. */
void table_erase(struct table *table, struct table_slot *slot);

/* Owner's view and update. table_set replaces the whole value at once for the readers; the finer ones write
 * one field. */
void table_get(const struct table_slot *slot, struct slot_value *out);
void table_set(struct table_slot *slot, const struct slot_value *value);
bool table_day_is_set(const struct table_slot *slot, civil_day day);
void table_set_day(struct table_slot *slot, civil_day day);
/* The id; valid as long as the slot pointer is. */
const char *table_id(const struct table_slot *slot, size_t *len);
uint64_t table_slot_hash(const struct table *table, const struct table_slot *slot);

/* Walk over all slots, in hash order but for displacements: start with NULL, ends with NULL. Nothing may be
 * inserted meanwhile; the slot just returned may be erased or set. */
struct table_slot *table_next(const struct table *table, const struct table_slot *after);
/* Walk over the slots whose hash lies in the `index`-th of `count` equal ranges of hash values, `count` a
 * power of two: those are neighbours in the table. Same rules as table_next. */
struct table_slot *table_next_in_range(const struct table *table, uint32_t index, uint32_t count,
                                       const struct table_slot *after);
uint32_t table_count(const struct table *table);
uint64_t table_memory_bytes(const struct table *table);
double table_load(const struct table *table);

/* ---- any thread
 * ------------------------------------------------------------------------------------------------ */

#define TABLE_READERS_MAX 16

/* A reader's place in the table's list of readers; one thread uses it at a time. NULL if all places are
 * taken. The reader is given back with table_reader_close_shared, which nulls the pointer, before table_free.
 */
struct table_reader;
struct table_reader *table_reader_open_shared(struct table *table);
void table_reader_close_shared(struct table_reader **reader);
/* A whole, consistent copy of the slot as it was at some moment during the call. */
bool table_read_shared(struct table_reader *reader, const char *id, size_t len, struct slot_value *out);
/* Approximate sums of a moving table: counts the slots for each status (array of `statuses` counters, added
 * to). */
void table_count_statuses_shared(struct table_reader *reader, uint64_t *counts, size_t statuses);

#endif
