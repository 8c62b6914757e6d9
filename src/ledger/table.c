/* The ledger table (table.h draws a slot and argues why readers are safe).
 *
 * Threads: the owner alone writes slots, generations and `struct table`; what ends in _shared, and what only
 * that calls, runs on any thread and writes nothing but its own reader's place. The owner reads its own
 * writes, so its loads are relaxed and compile to plain ones.
 */
#include "table.h"

#include "check.h"
#include "memory.h"

#include <sched.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* The stress test defines this as a seeded delay; it stands wherever another thread may look in between. */
#ifndef TABLE_RACE_POINT
#define TABLE_RACE_POINT() ((void)0)
#endif

#define ID_INLINE_MAX  24u  /* longer ids lie in the arena */
#define ID_PREFIX      16u  /* of which so much is in the slot */
#define KEY_EMPTY      0u   /* never used in this generation: ends a probe */
#define KEY_ERASED     255u /* a mark: probes go on over it, an insert may take it */
#define CAPACITY_MIN   8u
#define PROBE_LONG     1024u /* three times the longest seen (table.h) */
#define WALK_AHEAD     16u   /* slots; 16 to 64 measured the same */
#define ARENA_CHUNK    ((size_t)256 * 1024)
#define SPINS_TO_YIELD 64u
#define CACHE_LINE     64

/* A byte a slot, for the owner: what its cache line would say if it were loaded. The bytes of all slots fit
 * the cache, so a probe loads the one line it looks for, known before it is asked for; a walk loads no empty
 * ones. */
#define TAG_EMPTY  0u
#define TAG_ERASED 1u
#define TAG_LIVE   0x80u /* and seven bits of the hash that the position does not use */
#define TAGS       8u    /* are looked at together; the array's first ones stand again behind its last */
#define TAGS_ALL   UINT64_C(0x0101010101010101)

/* `key` is the hash with the length of the id in its low byte, so one comparison rejects nearly every other
 * id. Every member is atomic because a reader may look at any time; the owner is the only one who stores. */
struct table_slot {
    alignas(CACHE_LINE) _Atomic uint64_t key;
    _Atomic uint64_t id[3]; /* the id; of a long one the prefix, then the address of the whole */
    _Atomic uint64_t days[2];
    _Atomic int32_t closed;
    _Atomic uint32_t person;
    _Atomic uint16_t zone;
    _Atomic uint8_t status;
    _Atomic uint8_t flags;
    _Atomic uint32_t version; /* odd: a change of several fields is under way */
};

_Static_assert(sizeof(struct table_slot) == CACHE_LINE, "a slot is one cache line");
_Static_assert(offsetof(struct table_slot, id) == 8 && offsetof(struct table_slot, days) == 32 &&
                   offsetof(struct table_slot, closed) == 48 && offsetof(struct table_slot, zone) == 56 &&
                   offsetof(struct table_slot, version) == 60,
               "the layout that table.h draws");
_Static_assert(sizeof(((struct table_slot *)0)->id) == ID_INLINE_MAX, "the inline id fills its words");
_Static_assert(ID_PREFIX + sizeof(uintptr_t) == ID_INLINE_MAX, "prefix and address fill them, too");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first of several tags is the lowest byte");
_Static_assert(CAPACITY_MIN >= TAGS, "no tag stands twice behind the last");
_Static_assert(ID_BYTES_MAX < KEY_ERASED, "no length looks like a mark");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_SHORT_LOCK_FREE == 2 &&
                   ATOMIC_CHAR_LOCK_FREE == 2,
               "no atomic of a slot hides a lock");

/* Whole long ids, one after the other. Nothing in a chunk changes once a slot points to it. */
struct arena_chunk {
    struct arena_chunk *older;
    size_t used; /* of the ARENA_CHUNK bytes, this header included */
    char bytes[];
};

/* One array and the long ids of its slots. Readers enter and leave it as a whole; it is replaced, never
 * resized. */
struct generation {
    struct table_slot *slots;
    uint8_t *tags; /* the owner's alone, see TAG_LIVE */
    uint64_t capacity;
    struct arena_chunk *arena; /* the chunk being filled */
    uint64_t arena_live;       /* bytes of ids that slots point to */
    uint64_t arena_dead;       /* bytes of ids that were erased */
    struct generation *older;  /* next on the list of the retired */
};

struct table_reader {
    /* The hazard pointer: while it is here, that generation is not freed. */
    alignas(CACHE_LINE) _Atomic(struct generation *) inside;
    atomic_bool taken;
    struct table *table;
};

struct table {
    struct generation *live; /* the owner's own copy of `current` */
    struct generation *retired;
    uint32_t count;
    uint32_t marks; /* slots that were erased */
    /* Changes only when the table grows: readers' copies of this line stay valid. */
    alignas(CACHE_LINE) _Atomic(struct generation *) current;
    uint64_t seed;
    struct table_reader readers[TABLE_READERS_MAX];
};

/* The owner's loads. */
#define OWN_LOAD(object) atomic_load_explicit(&(object), memory_order_relaxed)
/* FIELD: a field of a slot. Who acquires a new value here sees the odd version stored before it. */
#define FIELD_STORE(object, value)                                                                           \
    (TABLE_RACE_POINT(),                                                                                     \
     atomic_store_explicit(&(object), (value), memory_order_release)) /* with FIELD_LOAD */
#define FIELD_LOAD(object)                                                                                   \
    (TABLE_RACE_POINT(), atomic_load_explicit(&(object), memory_order_acquire)) /* with FIELD_STORE */

/* ---- memory ---- */

static size_t slots_bytes(uint64_t capacity) {
    return (size_t)capacity * sizeof(struct table_slot);
}

static struct generation *generation_new(uint64_t capacity) {
    CHECK(capacity <= UINT32_MAX);
    struct generation *g = xcalloc(1, sizeof *g);
    g->capacity = capacity;
    g->slots = memory_map(slots_bytes(capacity));
    g->tags = memory_map(capacity + TAGS);
    return g;
}

static void generation_free(struct generation *g) {
    for (struct arena_chunk *chunk = g->arena, *older; chunk; chunk = older) {
        older = chunk->older;
        memory_unmap(chunk, ARENA_CHUNK);
    }
    memory_unmap(g->slots, slots_bytes(g->capacity));
    memory_unmap(g->tags, g->capacity + TAGS);
    free(g);
}

static uint64_t generation_bytes(const struct generation *g) {
    uint64_t bytes =
        sizeof *g + memory_mapped_bytes(slots_bytes(g->capacity)) + memory_mapped_bytes(g->capacity + TAGS);
    for (const struct arena_chunk *chunk = g->arena; chunk; chunk = chunk->older)
        bytes += ARENA_CHUNK;
    return bytes;
}

static const char *arena_add(struct generation *g, const char *id, size_t len) {
    struct arena_chunk *chunk = g->arena;
    if (!chunk || ARENA_CHUNK - chunk->used < len) {
        chunk = memory_map(ARENA_CHUNK);
        chunk->older = g->arena;
        chunk->used = sizeof *chunk;
        g->arena = chunk;
    }
    char *whole = (char *)chunk + chunk->used;
    memcpy(whole, id, len);
    chunk->used += len;
    g->arena_live += len;
    return whole;
}

/* ---- slots ---- */

static inline uint64_t key_of(uint64_t hash, size_t len) {
    CHECK(len - 1 < ID_BYTES_MAX);
    return (hash & ~UINT64_C(0xff)) | len;
}

static inline uint64_t key_hash(uint64_t key) {
    return key & ~UINT64_C(0xff);
}

static inline size_t key_len(uint64_t key) {
    return key & 0xff;
}

static inline bool key_is_live(uint64_t key) {
    return key != KEY_EMPTY && key != KEY_ERASED;
}

/* Where the probe of a hash starts. Order-preserving: a range of hashes is a range of positions. */
static inline uint64_t position_of(uint64_t hash, uint64_t capacity) {
    return (uint64_t)(((unsigned __int128)hash * capacity) >> 64);
}

static inline uint64_t tags_at(const struct generation *g, uint64_t i) {
    uint64_t tags;
    memcpy(&tags, g->tags + i, sizeof tags);
    return tags;
}

/* The high bit of each byte of `tags` that equals `tag`; above the first such byte perhaps others, too. */
static inline uint64_t tags_equal(uint64_t tags, uint8_t tag) {
    uint64_t differs = tags ^ TAGS_ALL * tag;
    return (differs - TAGS_ALL) & ~differs & TAGS_ALL * 0x80;
}

static inline unsigned first_tag(uint64_t high_bits) {
    return (unsigned)__builtin_ctzll(high_bits) / 8;
}

static inline uint8_t tag_of(uint64_t key) {
    return (uint8_t)(TAG_LIVE | key >> 8);
}

static inline uint64_t wrapped(const struct generation *g, uint64_t i) {
    return i < g->capacity ? i : i - g->capacity;
}

static void tag_store(struct generation *g, uint64_t i, uint8_t tag) {
    g->tags[i] = tag;
    if (i < TAGS)
        g->tags[g->capacity + i] = tag;
}

static inline const char *slot_id(const struct table_slot *slot, size_t len) {
    return len <= ID_INLINE_MAX ? (const char *)slot + offsetof(struct table_slot, id)
                                : (const char *)(uintptr_t)OWN_LOAD(slot->id[2]);
}

/* VERSION, first half: what FIELD_STORE releases includes this store, so it needs no order of its own. */
static inline uint32_t slot_begin(struct table_slot *slot) {
    uint32_t version = OWN_LOAD(slot->version);
    atomic_store_explicit(&slot->version, version + 1, memory_order_relaxed);
    return version + 2;
}

/* VERSION, second half: who acquires it (slot_copy) sees every field as it is now, or newer. */
static inline void slot_end(struct table_slot *slot, uint32_t version) {
    TABLE_RACE_POINT();
    atomic_store_explicit(&slot->version, version, memory_order_release); /* with the acquire in slot_copy */
}

static void slot_store_value(struct table_slot *slot, const struct slot_value *value) {
    FIELD_STORE(slot->days[0], value->days[0]);
    FIELD_STORE(slot->days[1], value->days[1]);
    FIELD_STORE(slot->closed, value->closed);
    FIELD_STORE(slot->person, value->person);
    FIELD_STORE(slot->zone, value->zone);
    FIELD_STORE(slot->status, value->status);
    FIELD_STORE(slot->flags, value->flags);
}

/* The key comes last: whoever sees it without asking for the version (table_count_statuses_shared) sees the
 * value. */
static struct table_slot *slot_fill(struct generation *g, uint64_t i, const char *id, uint64_t key,
                                    const struct slot_value *value) {
    struct table_slot *slot = &g->slots[i];
    size_t len = key_len(key);
    uint64_t words[3] = {0};
    if (len <= ID_INLINE_MAX) {
        memcpy(words, id, len);
    } else {
        memcpy(words, id, ID_PREFIX);
        words[2] = (uintptr_t)arena_add(g, id, len);
    }
    uint32_t version = slot_begin(slot);
    for (size_t w = 0; w < 3; w++)
        FIELD_STORE(slot->id[w], words[w]);
    slot_store_value(slot, value);
    FIELD_STORE(slot->key, key);
    slot_end(slot, version);
    tag_store(g, i, tag_of(key));
    return slot;
}

/* ---- the owner ---- */

struct table *table_new(uint32_t people, uint64_t hash_seed) {
    struct table *table = aligned_alloc(alignof(struct table), sizeof *table);
    CHECK(table != NULL);
    memset(table, 0, sizeof *table);
    table->seed = hash_seed;
    table->live = generation_new((uint64_t)people * 4 / 3 + CAPACITY_MIN); /* load 0.75 */
    atomic_init(&table->current, table->live);
    for (size_t i = 0; i < TABLE_READERS_MAX; i++)
        table->readers[i].table = table;
    return table;
}

void table_free(struct table **table) {
    struct table *t = *table;
    if (!t)
        return;
    for (size_t i = 0; i < TABLE_READERS_MAX; i++)
        CHECK(!atomic_load_explicit(&t->readers[i].taken,
                                    memory_order_acquire)); /* with the release in close */
    for (struct generation *g = t->retired, *older; g; g = older) {
        older = g->older;
        generation_free(g);
    }
    generation_free(t->live);
    free(t);
    *table = NULL;
}

uint64_t table_hash(const struct table *table, const char *id, size_t len) {
    return key_hash(XXH3_64bits_withSeed(id, len, table->seed));
}

/* Prefetches the line of the first slot whose tag fits: nearly always the one that table_find returns. */
void table_prefetch_home(const struct table *table, uint64_t hash) {
    const struct generation *g = table->live;
    __builtin_prefetch(&g->tags[position_of(hash, g->capacity)]);
}

void table_prefetch(const struct table *table, uint64_t hash) {
    const struct generation *g = table->live;
    uint64_t i = position_of(hash, g->capacity), tags = tags_at(g, i);
    uint64_t fit = tags_equal(tags, tag_of(hash));
    __builtin_prefetch(&g->slots[wrapped(g, i + (fit ? first_tag(fit) : 0))]);
}

struct table_slot *table_find(const struct table *table, const char *id, size_t len, uint64_t hash) {
    const struct generation *g = table->live;
    uint64_t want = key_of(hash, len);
    for (uint64_t i = position_of(hash, g->capacity);; i = wrapped(g, i + TAGS)) {
        uint64_t tags = tags_at(g, i), empty = tags_equal(tags, TAG_EMPTY);
        for (uint64_t fit = tags_equal(tags, tag_of(want)); fit; fit &= fit - 1) {
            struct table_slot *slot = &g->slots[wrapped(g, i + first_tag(fit))];
            if (OWN_LOAD(slot->key) == want && memcmp(slot_id(slot, len), id, len) == 0)
                return slot;
        }
        if (empty)
            return NULL;
    }
}

/* Where the id of a key goes: the first slot of its probe without one. */
static uint64_t place_of(const struct generation *g, uint64_t key, uint64_t *distance) {
    uint64_t home = position_of(key_hash(key), g->capacity), steps = 0, open;
    while (!(open = ~tags_at(g, wrapped(g, home + steps)) & TAGS_ALL * TAG_LIVE))
        steps += TAGS;
    *distance = steps + first_tag(open);
    return wrapped(g, home + *distance);
}

/* Frees the retired generations that no reader is in. A reader that is about to enter one finds, after it has
 * said so, that it is no longer the current one (reader_enter). */
static void free_retired(struct table *table) {
    struct generation **link = &table->retired;
    while (*link) {
        struct generation *g = *link;
        bool inside = false;
        for (size_t i = 0; i < TABLE_READERS_MAX; i++) {
            TABLE_RACE_POINT();
            /* ENTER: after the store of `current`, as reader_enter loads that after storing this: one of the
             * two sees the other. LEAVE: acquires what the reader did before its release in reader_leave. */
            inside |= atomic_load_explicit(&table->readers[i].inside, memory_order_seq_cst) == g;
        }
        if (inside) {
            link = &g->older;
        } else {
            *link = g->older;
            generation_free(g);
        }
    }
}

/* Copies what is there to a new generation, without the marks and the dead ids. In order of position, hence
 * of hash but for displacements: both arrays are walked once, front to back. */
static void rebuild(struct table *table, uint64_t capacity) {
    struct generation *old = table->live, *g = generation_new(capacity);
    for (struct table_slot *slot = NULL; (slot = table_next(table, slot));) {
        uint64_t key = OWN_LOAD(slot->key), distance;
        struct slot_value value;
        table_get(slot, &value);
        slot_fill(g, place_of(g, key, &distance), slot_id(slot, key_len(key)), key, &value);
    }
    table->live = g;
    table->marks = 0;
    TABLE_RACE_POINT();
    /* CURRENT: releases the new array to reader_enter; before free_retired's look at the readers. */
    atomic_store_explicit(&table->current, g, memory_order_seq_cst);
    old->older = table->retired;
    table->retired = old;
}

/* Rebuilds before the probes get long, or when erased long ids fill an eighth of the array's size. Either was
 * earned by as many inserts or erasures as a fixed share of the slots. */
static void make_room(struct table *table, size_t len) {
    const struct generation *g = table->live;
    bool full = ((uint64_t)table->count + table->marks + 1) * 5 > g->capacity * 4;
    bool littered = len > ID_INLINE_MAX && g->arena_dead > g->arena_live + g->capacity * 8;
    if (full || littered)
        rebuild(table,
                (uint64_t)table->count * 4 > g->capacity * 3 ? g->capacity + g->capacity / 2 : g->capacity);
}

struct table_slot *table_insert(struct table *table, const char *id, size_t len, uint64_t hash,
                                const struct slot_value *value) {
    uint64_t key = key_of(hash, len), distance;
    CHECK(table->count < UINT32_MAX);
    CHECK(table_find(table, id, len, hash) == NULL);
    make_room(table, len);
    uint64_t i = place_of(table->live, key, &distance), capacity = table->live->capacity;
    /* Ids that come in order of their hash fill a table that is too small for them from one end: without
     * this, loading them is quadratic. The share bounds what ids made to collide can ask for. */
    if (distance > PROBE_LONG && table->count > capacity / 64) {
        rebuild(table, capacity + capacity / 2);
        i = place_of(table->live, key, &distance);
    }
    if (table->retired)
        free_retired(table);
    table->marks -= table->live->tags[i] == TAG_ERASED;
    table->count++;
    return slot_fill(table->live, i, id, key, value);
}

void table_erase(struct table *table, struct table_slot *slot) {
    size_t len = key_len(OWN_LOAD(slot->key));
    CHECK(len - 1 < ID_BYTES_MAX);
    uint32_t version = slot_begin(slot);
    FIELD_STORE(slot->key, KEY_ERASED);
    for (size_t i = 0; i < 3; i++)
        FIELD_STORE(slot->id[i], 0);
    slot_store_value(slot, &(struct slot_value){0});
    slot_end(slot, version);
    tag_store(table->live, (uint64_t)(slot - table->live->slots), TAG_ERASED);
    if (len > ID_INLINE_MAX) {
        table->live->arena_live -= len;
        table->live->arena_dead += len;
    }
    table->count--;
    table->marks++;
}

void table_get(const struct table_slot *slot, struct slot_value *out) {
    *out = (struct slot_value){
        .days = {OWN_LOAD(slot->days[0]), OWN_LOAD(slot->days[1])},
        .closed = OWN_LOAD(slot->closed),
        .person = OWN_LOAD(slot->person),
        .zone = OWN_LOAD(slot->zone),
        .status = OWN_LOAD(slot->status),
        .flags = OWN_LOAD(slot->flags),
    };
}

void table_set(struct table_slot *slot, const struct slot_value *value) {
    uint32_t version = slot_begin(slot);
    slot_store_value(slot, value);
    slot_end(slot, version);
}

bool table_day_is_set(const struct table_slot *slot, civil_day day) {
    uint32_t bit = (uint32_t)day.n % LEDGER_DAYS;
    return OWN_LOAD(slot->days[bit / 64]) >> bit % 64 & 1;
}

/* One word changes, so the slot is whole before and after: no odd version. The new one tells a reader that
 * has seen a later change of another word that its copy of this one may be old. */
void table_set_day(struct table_slot *slot, civil_day day) {
    uint32_t bit = (uint32_t)day.n % LEDGER_DAYS;
    FIELD_STORE(slot->days[bit / 64], OWN_LOAD(slot->days[bit / 64]) | UINT64_C(1) << bit % 64);
    slot_end(slot, OWN_LOAD(slot->version) + 2);
}

const char *table_id(const struct table_slot *slot, size_t *len) {
    *len = key_len(OWN_LOAD(slot->key));
    return slot_id(slot, *len);
}

uint64_t table_slot_hash(const struct table *table, const struct table_slot *slot) {
    (void)table;
    return key_hash(OWN_LOAD(slot->key));
}

/* The first slot from `i` on, before `end`, that has an id; else `end`. */
static inline uint64_t next_live(const struct generation *g, uint64_t i, uint64_t end) {
    for (; i < end; i += TAGS) {
        uint64_t live = tags_at(g, i) & TAGS_ALL * TAG_LIVE;
        if (live) {
            i += first_tag(live);
            return i < end ? i : end;
        }
    }
    return end;
}

struct table_slot *table_next(const struct table *table, const struct table_slot *after) {
    const struct generation *g = table->live;
    uint64_t i = next_live(g, after ? (uint64_t)(after - g->slots) + 1 : 0, g->capacity);
    /* The gaps keep the hardware from doing it. Two lines make up for the calls that a gap leaves out. */
    __builtin_prefetch(&g->slots[i + WALK_AHEAD]);
    __builtin_prefetch(&g->slots[i + WALK_AHEAD + 1]);
    return i < g->capacity ? &g->slots[i] : NULL;
}

/* Ids of the range are found from the position of its first hash up to the first empty slot at or after that
 * of its last: an id further on would have been put there. `at` counts on over the end of the array. */
struct table_slot *table_next_in_range(const struct table *table, uint32_t index, uint32_t count,
                                       const struct table_slot *after) {
    CHECK(count != 0 && (count & (count - 1)) == 0 && index < count);
    const struct generation *g = table->live;
    uint64_t width = UINT64_MAX / count + (count > 1); /* 2^64 / count, less one hash for the whole */
    uint64_t low = index * width, high = low + (width - 1);
    uint64_t first = position_of(low, g->capacity), last = position_of(high, g->capacity);
    uint64_t at = first;
    if (after) {
        at = (uint64_t)(after - g->slots);
        at += (at < first ? g->capacity : 0) + 1;
    }
    for (; at < first + g->capacity; at++) {
        at = at < last ? next_live(g, at, last) : at;
        uint8_t tag = g->tags[wrapped(g, at)];
        if (tag == TAG_EMPTY && at >= last)
            return NULL;
        struct table_slot *slot = &g->slots[wrapped(g, at)];
        if (tag >= TAG_LIVE && key_hash(OWN_LOAD(slot->key)) - low <= high - low)
            return slot;
    }
    return NULL;
}

uint32_t table_count(const struct table *table) {
    return table->count;
}

uint64_t table_memory_bytes(const struct table *table) {
    uint64_t bytes = sizeof *table + generation_bytes(table->live);
    for (const struct generation *g = table->retired; g; g = g->older)
        bytes += generation_bytes(g);
    return bytes;
}

double table_load(const struct table *table) {
    return (double)table->count / (double)table->live->capacity;
}

/* ---- any thread ---- */

struct table_reader *table_reader_open_shared(struct table *table) {
    for (size_t i = 0; i < TABLE_READERS_MAX; i++) {
        struct table_reader *reader = &table->readers[i];
        if (!atomic_exchange_explicit(&reader->taken, true,
                                      memory_order_acquire)) /* with the release in close */
            return reader;
    }
    return NULL;
}

void table_reader_close_shared(struct table_reader **reader) {
    if (*reader)
        atomic_store_explicit(&(*reader)->taken, false,
                              memory_order_release); /* with the acquires in open, free */
    *reader = NULL;
}

/* The current generation, which is not freed until reader_leave. */
static const struct generation *reader_enter(struct table_reader *reader) {
    struct table *table = reader->table;
    struct generation *g = atomic_load_explicit(&table->current, memory_order_relaxed);
    for (;;) {
        TABLE_RACE_POINT();
        /* ENTER: seen by free_retired, or the load below sees what rebuild stored before it. */
        atomic_store_explicit(&reader->inside, g, memory_order_seq_cst);
        TABLE_RACE_POINT();
        /* CURRENT: acquires the array that rebuild released. */
        struct generation *now = atomic_load_explicit(&table->current, memory_order_seq_cst);
        if (now == g)
            return g;
        g = now;
    }
}

static void reader_leave(struct table_reader *reader) {
    TABLE_RACE_POINT();
    /* LEAVE: every look at the array comes before free_retired's acquire of this. */
    atomic_store_explicit(&reader->inside, NULL, memory_order_release);
}

struct slot_copy {
    uint64_t key;
    uint64_t id[3];
    struct slot_value value;
};

/* A copy during which the version did not change. The loads of fields are acquires, so the second look at the
 * version cannot come before them, and sees the change if one of them has seen a part of it. */
static void slot_copy(const struct table_slot *slot, struct slot_copy *out) {
    for (unsigned tries = 1;; tries++) {
        /* VERSION: with the release in slot_end. */
        uint32_t before = atomic_load_explicit(&slot->version, memory_order_acquire);
        if (before % 2 == 0) {
            out->key = FIELD_LOAD(slot->key);
            for (size_t i = 0; i < 3; i++)
                out->id[i] = FIELD_LOAD(slot->id[i]);
            out->value.days[0] = FIELD_LOAD(slot->days[0]);
            out->value.days[1] = FIELD_LOAD(slot->days[1]);
            out->value.closed = FIELD_LOAD(slot->closed);
            out->value.person = FIELD_LOAD(slot->person);
            out->value.zone = FIELD_LOAD(slot->zone);
            out->value.status = FIELD_LOAD(slot->status);
            out->value.flags = FIELD_LOAD(slot->flags);
            TABLE_RACE_POINT();
            if (atomic_load_explicit(&slot->version, memory_order_relaxed) == before)
                return;
        }
        if (tries % SPINS_TO_YIELD == 0)
            sched_yield();
    }
}

/* False if the slot is another's, or became so. The address of a long id is followed only out of a whole
 * copy: half of one might take the bytes of a short id for an address. */
static bool slot_read(const struct table_slot *slot, const char *id, uint64_t want, struct slot_value *out) {
    struct slot_copy copy;
    slot_copy(slot, &copy);
    size_t len = key_len(want);
    if (copy.key != want)
        return false;
    const char *whole = len <= ID_INLINE_MAX ? (const char *)copy.id : (const char *)(uintptr_t)copy.id[2];
    if (memcmp(whole, id, len) != 0)
        return false;
    *out = copy.value;
    return true;
}

bool table_read_shared(struct table_reader *reader, const char *id, size_t len, struct slot_value *out) {
    if (len == 0 || len > ID_BYTES_MAX)
        return false;
    uint64_t hash = table_hash(reader->table, id, len), want = key_of(hash, len);
    const struct generation *g = reader_enter(reader);
    bool found = false;
    for (uint64_t i = position_of(hash, g->capacity); !found;) {
        const struct table_slot *slot = &g->slots[i];
        uint64_t key = FIELD_LOAD(slot->key);
        if (key == KEY_EMPTY)
            break;
        found = key == want && slot_read(slot, id, want, out);
        if (++i == g->capacity)
            i = 0;
    }
    reader_leave(reader);
    return found;
}

void table_count_statuses_shared(struct table_reader *reader, uint64_t *counts, size_t statuses) {
    const struct generation *g = reader_enter(reader);
    for (uint64_t i = 0; i < g->capacity; i++) {
        if (!key_is_live(FIELD_LOAD(g->slots[i].key)))
            continue;
        uint8_t status = FIELD_LOAD(g->slots[i].status);
        if (status < statuses)
            counts[status]++;
    }
    reader_leave(reader);
}
