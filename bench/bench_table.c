/* The ledger table at 1.5 million people against what memory allows.
 *
 * Update: a swipe of a uniformly random person sets the bit of its day, in batches of 32 (hash and prefetch,
 * then find and test) as the task does it. Against it: the same one by one; and the floor, an update of a bit
 * of a random cache line of as many bytes, with neither hash nor id, batched or not, whichever is faster.
 * Sweep: a read of every slot's value, as a close does it. Roofline: a read of one word of every line of as
 * many bytes.
 *
 * Prints one line of JSON. */
#include "measure.h"

#include "check.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PEOPLE      1500000u
#define SWIPES      4000000u
#define BATCH       32u
#define SWEEPS      10u
#define REPETITIONS 9u

struct swipe {
    char id[12];
    uint8_t len;
    uint32_t line; /* of the floor */
};

struct line {
    uint64_t words[8];
};

struct bench {
    struct table *table;
    struct swipe *swipes;
    struct line *lines;
    uint32_t line_count;
    int32_t day; /* another in each repetition, so that bits are new */
    uint64_t sink;
};

static uint64_t draw(uint64_t *state) {
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t write_id(char *id, uint32_t person) {
    char text[16];
    int len = snprintf(text, sizeof text, "E%07u", person);
    memcpy(id, text, (size_t)len);
    return (size_t)len;
}

static void apply(struct bench *b, const struct swipe *swipe, uint64_t hash) {
    struct table_slot *slot = table_find(b->table, swipe->id, swipe->len, hash);
    if (!table_day_is_set(slot, (civil_day){b->day}))
        table_set_day(slot, (civil_day){b->day});
}

static void run_batched(void *context) {
    struct bench *b = context;
    b->day++;
    for (uint32_t from = 0; from < SWIPES; from += BATCH) {
        uint64_t hashes[BATCH];
        for (uint32_t i = 0; i < BATCH; i++) {
            hashes[i] = table_hash(b->table, b->swipes[from + i].id, b->swipes[from + i].len);
            table_prefetch(b->table, hashes[i]);
        }
        for (uint32_t i = 0; i < BATCH; i++)
            apply(b, &b->swipes[from + i], hashes[i]);
    }
}

static void run_naive(void *context) {
    struct bench *b = context;
    b->day++;
    for (uint32_t i = 0; i < SWIPES; i++)
        apply(b, &b->swipes[i], table_hash(b->table, b->swipes[i].id, b->swipes[i].len));
}

static void set_bit(struct bench *b, uint32_t line) {
    uint64_t *word = &b->lines[line].words[b->day / 64 % 2], bit = UINT64_C(1) << b->day % 64;
    if (!(*word & bit))
        *word |= bit;
}

static void run_floor(void *context) {
    struct bench *b = context;
    b->day++;
    for (uint32_t i = 0; i < SWIPES; i++)
        set_bit(b, b->swipes[i].line);
}

static void run_floor_batched(void *context) {
    struct bench *b = context;
    b->day++;
    for (uint32_t from = 0; from < SWIPES; from += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++)
            __builtin_prefetch(&b->lines[b->swipes[from + i].line]);
        for (uint32_t i = 0; i < BATCH; i++)
            set_bit(b, b->swipes[from + i].line);
    }
}

static void run_sweep(void *context) {
    struct bench *b = context;
    for (unsigned n = 0; n < SWEEPS; n++)
        for (struct table_slot *slot = NULL; (slot = table_next(b->table, slot));) {
            struct slot_value value;
            table_get(slot, &value);
            b->sink += (uint64_t)value.closed + value.days[0];
        }
}

static void run_roofline(void *context) {
    struct bench *b = context;
    for (unsigned n = 0; n < SWEEPS; n++)
        for (uint32_t i = 0; i < b->line_count; i++)
            b->sink += b->lines[i].words[0];
}

static void set_up(struct bench *b) {
    uint64_t random = 1;
    b->table = table_new(PEOPLE, 1);
    for (uint32_t person = 0; person < PEOPLE; person++) {
        char id[16];
        size_t len = write_id(id, person);
        table_insert(b->table, id, len, table_hash(b->table, id, len), &(struct slot_value){.closed = 1});
    }
    b->line_count = (uint32_t)((double)PEOPLE / table_load(b->table));
    size_t bytes = b->line_count * sizeof *b->lines;
    b->lines = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(b->lines != MAP_FAILED);
    (void)madvise(b->lines, bytes, MADV_HUGEPAGE);
    memset(b->lines, 1, bytes);
    b->swipes = xcalloc(SWIPES, sizeof *b->swipes);
    for (uint32_t i = 0; i < SWIPES; i++) {
        b->swipes[i].len = (uint8_t)write_id(b->swipes[i].id, (uint32_t)(draw(&random) % PEOPLE));
        b->swipes[i].line = (uint32_t)(draw(&random) % b->line_count);
    }
}

static double least(double a, double b) {
    return a < b ? a : b;
}

int main(void) {
    struct bench b = {0};
    set_up(&b);
    struct measure_subject s[] = {
        {.run = run_batched, .context = &b}, {.run = run_naive, .context = &b},
        {.run = run_floor, .context = &b},   {.run = run_floor_batched, .context = &b},
        {.run = run_sweep, .context = &b},   {.run = run_roofline, .context = &b},
    };
    struct measure_quality quality = measure_interleaved(s, sizeof s / sizeof s[0], REPETITIONS);
    double batched = s[0].median, naive = s[1].median, floor = least(s[2].median, s[3].median);
    double sweep = s[4].median, roofline = s[5].median;
    const struct measure_row rows[] = {
        {"update in batches", naive / batched, "speed of one by one", ">= 1.8"},
        {"update in batches", batched / floor, "time of setting a bit of a random line", "<= 2"},
        {"update in batches", batched / SWIPES * 1e9, "ns", ""},
        {"sweep", roofline / sweep, "speed of reading a word of each line", ">= 0.8"},
        {"sweep", sweep / SWEEPS * 1e3, "ms", ""},
        {"memory", (double)table_memory_bytes(b.table) / PEOPLE, "bytes a person", ""},
    };
    measure_print(rows, sizeof rows / sizeof rows[0], &quality);
    munmap(b.lines, b.line_count * sizeof *b.lines);
    free(b.swipes);
    table_free(&b.table);
    return (int)(b.sink == 1);
}
