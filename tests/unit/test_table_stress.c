/* One writer and several readers at the table, with seeded delays wherever another thread may look in
 * between.
 *
 * Whatever a reader gets must be something the writer once wrote (every field follows from the id and a
 * change number), not older than what was finished before the call, and there exactly if the id was there all
 * through the call. Meant to run under ThreadSanitizer too; a generation freed too early is unmapped, so it
 * ends the test by a signal. */
#include <sched.h>
#include <stdint.h>
#include <time.h>

static _Thread_local uint64_t race_random;

static uint64_t race_draw(void) {
    race_random = race_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t z = race_random;
    return (z ^ z >> 32) * UINT64_C(0xd6e8feb86659fd93) >> 20;
}

/* Mostly nothing, now and then a while, seldom so long that others run for a time slice. */
static void race_point(void) {
    uint64_t r = race_draw() % 4096;
    if (r == 0)
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    else if (r < 16)
        sched_yield();
    else if (r < 64)
        for (uint64_t i = r * 4; i; i--)
            __asm__ __volatile__("" ::: "memory");
}

#define TABLE_RACE_POINT() race_point()
#include "table.c"

#include "unit_test.h"

#include <pthread.h>

#define READERS       3
#define STABLE        100u /* ids that are never erased */
#define IDS           1600u
#define STEPS         1000000u
#define GENERATIONS   8u /* growth alone makes so many */
#define STATUS_STABLE 1
#define STATUS_OTHER  2

/* `presence` counts: 4k absent, 4k+1 being inserted, 4k+2 there, 4k+3 being erased. `finished` is the number
 * of the last change that was over, of those that are there. */
struct subject {
    char id[ID_BYTES_MAX];
    size_t len;
    _Atomic uint32_t presence;
    _Atomic uint32_t finished;
    uint32_t change;   /* the writer's */
    unsigned days_set; /* the writer's */
};

struct stress {
    struct table *table;
    atomic_bool over;
    _Atomic(const char *) fault;
    atomic_ullong reads, found;
    struct subject subjects[IDS];
};

struct worker {
    struct stress *stress;
    uint64_t seed;
    pthread_t thread;
};

static void fault(struct stress *s, const char *what) {
    const char *none = NULL;
    atomic_compare_exchange_strong(&s->fault, &none, what);
    atomic_store(&s->over, true);
}

static uint64_t mix(uint64_t z) {
    z = (z ^ z >> 31) * UINT64_C(0x7fb5d329728ea185);
    z = (z ^ z >> 27) * UINT64_C(0x81dadef4bc2dd44d);
    return z ^ z >> 33;
}

/* The order in which days are set: from one word of the ring to the other and back. */
static int32_t nth_day(unsigned n) {
    return (int32_t)(n / 2 + n % 2 * 64);
}

/* The value of one subject after its `change`-th whole change and `days_set` days. */
static struct slot_value value_of(uint32_t subject, uint32_t change, unsigned days_set) {
    uint64_t h = mix((uint64_t)subject << 32 | change);
    struct slot_value value = {
        .closed = (int32_t)change,
        .person = (uint32_t)h,
        .zone = (uint16_t)(h >> 32),
        .status = subject < STABLE ? STATUS_STABLE : STATUS_OTHER,
        .flags = (uint8_t)(h >> 48),
    };
    if (subject % 2) { /* half of them have noise for days, the others days that come one by one */
        value.days[0] = mix(h);
        value.days[1] = mix(h + 1);
    }
    for (unsigned n = 0; n < days_set; n++)
        value.days[nth_day(n) / 64] |= UINT64_C(1) << nth_day(n) % 64;
    return value;
}

static bool value_is_whole(uint32_t subject, const struct slot_value *got) {
    unsigned days_set =
        subject % 2 ? 0 : (unsigned)(__builtin_popcountll(got->days[0]) + __builtin_popcountll(got->days[1]));
    struct slot_value value = value_of(subject, (uint32_t)got->closed, days_set);
    return memcmp(&value, got, offsetof(struct slot_value, flags) + 1) == 0;
}

/* ---- the writer ---- */

static void write_insert(struct stress *s, uint32_t i) {
    struct subject *subject = &s->subjects[i];
    struct slot_value value = value_of(i, ++subject->change, 0);
    subject->days_set = 0;
    atomic_fetch_add_explicit(&subject->presence, 1, memory_order_relaxed);
    uint64_t hash = table_hash(s->table, subject->id, subject->len);
    table_insert(s->table, subject->id, subject->len, hash, &value);
    atomic_store_explicit(&subject->finished, subject->change, memory_order_release);
    atomic_fetch_add_explicit(&subject->presence, 1, memory_order_release);
}

static void write_change(struct stress *s, uint32_t i) {
    struct subject *subject = &s->subjects[i];
    uint64_t hash = table_hash(s->table, subject->id, subject->len), r = race_draw() % 16;
    struct table_slot *slot = table_find(s->table, subject->id, subject->len, hash);
    if (!slot)
        return fault(s, "the writer lost an id");
    if (r < 4 && i >= STABLE) {
        atomic_fetch_add_explicit(&subject->presence, 1, memory_order_relaxed);
        table_erase(s->table, slot);
        atomic_fetch_add_explicit(&subject->presence, 1, memory_order_release);
    } else if (r < 10 && i % 2 == 0 && subject->days_set < LEDGER_DAYS) {
        table_set_day(slot, (civil_day){nth_day(subject->days_set++)});
    } else {
        struct slot_value value = value_of(i, ++subject->change, subject->days_set = 0);
        table_set(slot, &value);
        atomic_store_explicit(&subject->finished, subject->change, memory_order_release);
    }
}

/* Few ids at a time are worked on, the window moves: slots are hot enough to be read while they change, and
 * fresh ids leave marks until the table is rebuilt. That happens too seldom to meet a reader who is just
 * entering, so now and then it is done without need. */
static void write_step(struct stress *s, uint32_t step) {
    if (race_draw() % 512 == 0)
        rebuild(s->table, s->table->live->capacity);
    uint32_t window = step / 10 % (IDS - STABLE);
    uint32_t i = race_draw() % 4 ? STABLE + (window + (uint32_t)race_draw() % 16) % (IDS - STABLE)
                                 : (uint32_t)race_draw() % 8;
    if (atomic_load_explicit(&s->subjects[i].presence, memory_order_relaxed) % 4 == 0)
        write_insert(s, i);
    else
        write_change(s, i);
}

/* An insert frees what no reader is in any more. */
static void check_nothing_is_kept(struct stress *s) {
    struct subject *subject = &s->subjects[IDS - 1];
    uint64_t hash = table_hash(s->table, subject->id, subject->len);
    struct table_slot *slot = table_find(s->table, subject->id, subject->len, hash);
    if (slot)
        table_erase(s->table, slot);
    write_insert(s, IDS - 1);
    assert_null(s->table->retired);
}

/* ---- the readers ---- */

static void read_one(struct stress *s, struct table_reader *reader, uint32_t i, uint32_t *newest) {
    struct subject *subject = &s->subjects[i];
    uint32_t before = atomic_load_explicit(&subject->presence, memory_order_acquire);
    uint32_t finished = atomic_load_explicit(&subject->finished, memory_order_acquire);
    struct slot_value value;
    bool found = table_read_shared(reader, subject->id, subject->len, &value);
    uint32_t after = atomic_load_explicit(&subject->presence, memory_order_acquire);
    if (before == after && before % 2 == 0 && found != (before % 4 == 2))
        fault(s, found ? "found what was erased" : "lost what was there");
    if (found && !value_is_whole(i, &value))
        fault(s, "half of one value and half of another");
    if (found && ((uint32_t)value.closed < finished || (uint32_t)value.closed < *newest))
        fault(s, "older than what was finished or seen before");
    if (found)
        *newest = (uint32_t)value.closed;
    atomic_fetch_add_explicit(&s->reads, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->found, found, memory_order_relaxed);
}

static void read_counts(struct stress *s, struct table_reader *reader) {
    uint64_t counts[STATUS_OTHER + 1] = {0};
    table_count_statuses_shared(reader, counts, STATUS_OTHER + 1);
    if (counts[STATUS_STABLE] != STABLE)
        fault(s, "a count missed those who never leave");
}

static void *read_all(void *arg) {
    struct worker *worker = arg;
    struct stress *s = worker->stress;
    race_random = worker->seed;
    uint32_t newest[IDS] = {0};
    struct table_reader *reader = table_reader_open_shared(s->table);
    for (uint32_t n = 0; !atomic_load_explicit(&s->over, memory_order_acquire); n++) {
        uint32_t i = (uint32_t)(race_draw() % 2 ? race_draw() % 8 : race_draw() % IDS);
        read_one(s, reader, i, &newest[i]);
        if (n % 256 == 0)
            read_counts(s, reader);
        if (n % 64 == 0) {
            table_reader_close_shared(&reader);
            reader = table_reader_open_shared(s->table);
        }
    }
    table_reader_close_shared(&reader);
    return NULL;
}

/* ---- the cases ---- */

static struct stress *stress_new(uint64_t seed, uint32_t expected) {
    struct stress *s = xcalloc(1, sizeof *s);
    race_random = seed;
    s->table = table_new(expected, seed);
    for (uint32_t i = 0; i < IDS; i++) {
        struct subject *subject = &s->subjects[i];
        subject->len = 4 + i % (ID_BYTES_MAX - 3); /* inline and in the arena */
        memset(subject->id, 'i', subject->len);
        memcpy(subject->id + subject->len - 4, &i, 4);
        if (i < STABLE)
            write_insert(s, i);
    }
    return s;
}

/* A table that starts far too small: it grows and is rebuilt dozens of times while it is read. */
static void run(uint64_t seed) {
    struct stress *s = stress_new(seed, 1);
    struct worker readers[READERS];
    struct timespec start, now;
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct worker){.stress = s, .seed = seed * 100 + i};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_all, &readers[i]), 0);
    }
    clock_gettime(CLOCK_MONOTONIC, &start);
    unsigned generations = 0;
    uint32_t step = 0;
    for (; step < STEPS && !atomic_load_explicit(&s->over, memory_order_acquire); step++) {
        const struct generation *g = s->table->live;
        write_step(s, step);
        generations += s->table->live != g;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - start.tv_sec >= 3 && generations >= GENERATIONS)
            break;
    }
    atomic_store_explicit(&s->over, true, memory_order_release);
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(readers[i].thread, NULL);
    print_message("seed %llu: %u steps, %u generations, %llu reads, %llu found\n", (unsigned long long)seed,
                  step, generations, atomic_load(&s->reads), atomic_load(&s->found));
    if (atomic_load(&s->fault))
        fail_msg("%s", atomic_load(&s->fault));
    assert_in_range(generations, GENERATIONS, UINT32_MAX);
    assert_in_range(atomic_load(&s->found), 1000, UINT64_MAX);
    check_nothing_is_kept(s);
    table_free(&s->table);
    free(s);
}

static void readers_see_whole_slots(void **state) {
    (void)state;
    run(1);
}

static void readers_see_whole_slots_again(void **state) {
    (void)state;
    run(2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(readers_see_whole_slots),
    cmocka_unit_test(readers_see_whole_slots_again),
};

UNIT_TEST_MAIN(tests)
