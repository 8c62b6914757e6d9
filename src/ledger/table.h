/* The ledger table: employee id -> one slot of 64 bytes, in a lock-free open-addressing hash table.
 *
 * One writer (the worker that owns the task), any number of readers that never block it, never wait for more
 * than the stores of one slot, and never see half a slot. Function names say who may call: a plain name is
 * the owner's, what ends in _shared is any thread's.
 *
 * A slot is one cache line:
 *
 *     0        8                        32              48       52       56    58     59     60        64
 *     +--------+------------------------+---------------+--------+--------+-----+------+------+---------+
 *     | key    | id, up to 24 bytes, or | days, 128 of  | closed | person | zone|status| flags| version |
 *     |        | 16 and a pointer to it | them as a ring|        |        |     |      |      |         |
 *     +--------+------------------------+---------------+--------+--------+-----+------+------+---------+
 *     key: 56 bits of the hash, 8 of the id's length; 0 is a slot never used, 255 the mark of an erased one
 *
 * Slots are probed one after the other from the position hash * capacity / 2^64, round the end. That
 * keeps the order of hashes, so that a range of hashes (a segment of the changelog) is a stretch of the
 * table and growth copies from front to back; and any capacity will do. The owner has besides a byte a
 * slot, with 7 bits of the hash; those of all slots fit the cache. It finds by them and then loads one line,
 * nearly always the one that it prefetched. Long ids lie whole in chunks that belong to the array, are only
 * ever added to, and are copied with it.
 *
 * Measured with 1.5 million ids; a probe is the slots from the position on (what a reader looks at), lines
 * are what the owner loads:
 *
 *     load    probe to find, mean / 99.9 % / longest    to miss, mean / longest    lines to find, to miss
 *     0.45    1.41 / 11 /  32                           2.15 /  37                 1.003, 0.009
 *     0.60    1.75 / 20 /  62                           3.63 /  71                 1.006, 0.021
 *     0.75    2.50 / 48 / 144   the aim at `people`     8.51 / 180                 1.012, 0.059
 *     0.80    3.00 / 71 / 307   then it grows          13.02 / 350                 1.016, 0.094
 *
 * At the aim a person takes 87 bytes. The table grows by a half at load 0.8, marks of the erased included;
 * if those are many, it is rebuilt at the same size instead. It also grows when an insert lands unusually
 * far from its position: people who come in order of their hash (a restore) would make one long run of a
 * table too small.
 *
 * Guarantees:
 *
 * (A) A reader's copy of a slot is a state that the owner left it in, at some moment during the call. Later
 *     calls of the same thread, or of one that knows of the first, never see an older one.
 *
 * (B) An id that is there during the whole call is found, whatever is inserted, erased or grown meanwhile;
 *     one that is not there at any moment of it is not found.
 *
 * (C) No reader follows a pointer into memory that was freed.
 *
 * (D) The owner waits for nobody. find, set and erase allocate nothing; insert does when the table grows, or
 *     for a new chunk of long ids.
 *
 * Why (A): a slot carries a version, odd while several fields change. Every field is stored with release and
 * loaded with acquire: a reader that has seen any new field sees, when it looks at the version again, at
 * least the odd one stored before that field, and starts over. (A day bit changes one word, so it needs no
 * odd version, only a new one before the next change.) Nothing changes any more in an array that was
 * replaced, and a reader asks for the current one at each call.
 *
 * Why (B): no slot between an id's position and its place becomes empty as long as the id is there: an
 * erased one becomes a mark, and marks go only when the whole array does. A new array is complete before
 * it is published.
 *
 * Why (C): a reader writes down which array it is about to use, then checks that this still is the current
 * one. The owner publishes the new array, then looks at what the readers wrote, and frees the old one, with
 * its ids, if nobody is in it; if somebody is, it looks again at the next insert. The four accesses are
 * sequentially consistent, so either the reader sees that the array was replaced or the owner sees the
 * reader. The pointer to a long id is followed only out of a copy that was whole.
 */
#ifndef ROLLCALL_TABLE_H
#define ROLLCALL_TABLE_H

#include <rollcall/limits.h>
#include <rollcall/times.h>

#include <stdatomic.h>
#include <stddef.h>

struct table;
struct table_slot; /* a pointer to one is valid until the next insert or table_free */

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

/* The low 8 bits are 0 (the key keeps the length there): take others for other uses. Ids are 1 to
 * ID_BYTES_MAX bytes of any value. */
uint64_t table_hash(const struct table *table, const char *id, size_t len);
/* Starts loading what tells where the slot is, then the slot's cache line. For a batch of hashes (32 to 64):
 * the first for each as it becomes known, then the second for all, then find them. Without the first the
 * second waits for memory. */
void table_prefetch_home(const struct table *table, uint64_t hash);
void table_prefetch(const struct table *table, uint64_t hash);

/* NULL if the id is not there. */
struct table_slot *table_find(const struct table *table, const char *id, size_t len, uint64_t hash);
/* The id must not be there. The slot starts with `value`. */
struct table_slot *table_insert(struct table *table, const char *id, size_t len, uint64_t hash,
                                const struct slot_value *value);
/* The slot's id is gone for everybody; the pointer is dead. The bytes of a long id stay in memory,
 * unreachable, until the array is next replaced. */
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
/* People in the table, the bytes that it has mapped (with what readers keep from being freed), and the
 * people's share of the slots. */
uint32_t table_count(const struct table *table);
uint64_t table_memory_bytes(const struct table *table);
double table_load(const struct table *table);

/* ---- any thread ---- */

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
