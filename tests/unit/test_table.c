/* The table against a plain model: every call of the owner, and the readers' calls on one thread. Random
 * operations from printed seeds; hashes are also blunted, so that many ids share a home and most slots are
 * displaced. test_table_stress.c is about threads. */
#include "unit_test.h"

#include "check.h"
#include "table.h"

#include <stdlib.h>
#include <unistd.h>

#define UNIVERSE 600

struct person {
    char id[ID_BYTES_MAX];
    size_t len;
    bool present;
    struct slot_value value;
    unsigned seen;
};

struct model {
    struct table *table;
    uint64_t random;
    uint64_t hash_mask; /* of the hash: few bits make collisions */
    uint32_t count;
    struct person people[UNIVERSE];
};

static uint64_t draw(struct model *m) {
    m->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = m->random;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool same_value(const struct slot_value *a, const struct slot_value *b) {
    return a->days[0] == b->days[0] && a->days[1] == b->days[1] && a->closed == b->closed &&
           a->person == b->person && a->zone == b->zone && a->status == b->status && a->flags == b->flags;
}

static struct slot_value draw_value(struct model *m) {
    uint64_t a = draw(m), b = draw(m);
    return (struct slot_value){{draw(m), draw(m)}, (int32_t)a,         (uint32_t)(a >> 32),
                               (uint16_t)b,        (uint8_t)(b >> 16), (uint8_t)(b >> 24)};
}

static uint64_t hash_of(const struct model *m, const struct person *p) {
    return table_hash(m->table, p->id, p->len) & m->hash_mask;
}

/* Every length from 1 to 64 and NUL bytes anywhere; ids are alike but for their last bytes, so that neither
 * the prefix of a long one nor the bytes up to a NUL tell them apart. */
static struct model *model_new(uint64_t seed, uint32_t expected, uint64_t hash_mask) {
    struct model *m = xcalloc(1, sizeof *m);
    m->random = seed;
    m->hash_mask = hash_mask;
    m->table = table_new(expected, seed);
    for (size_t i = 0; i < UNIVERSE; i++) {
        struct person *p = &m->people[i];
        p->len = 1 + i % ID_BYTES_MAX;
        memset(p->id, i % 3 ? 'x' : 0, p->len);
        p->id[p->len - 1] = (char)(i / ID_BYTES_MAX);
        p->id[p->len / 2] = p->len > 2 ? (char)(i % 3) : p->id[p->len / 2];
    }
    print_message("seed %llu, %u expected, mask %016llx\n", (unsigned long long)seed, expected,
                  (unsigned long long)hash_mask);
    return m;
}

static void model_free(struct model *m) {
    table_free(&m->table);
    assert_null(m->table);
    free(m);
}

static struct person *person_of(struct model *m, const struct table_slot *slot) {
    size_t len;
    const char *id = table_id(slot, &len);
    for (size_t i = 0; i < UNIVERSE; i++)
        if (m->people[i].len == len && memcmp(m->people[i].id, id, len) == 0)
            return &m->people[i];
    fail_msg("a slot holds an id that was never inserted");
    return NULL;
}

static void see(struct model *m, const struct table_slot *slot) {
    struct person *p = person_of(m, slot);
    struct slot_value value;
    table_get(slot, &value);
    assert_true(p->present);
    assert_true(same_value(&value, &p->value));
    assert_true(table_slot_hash(m->table, slot) == hash_of(m, p));
    p->seen++;
}

static void check_seen_once(struct model *m) {
    for (size_t i = 0; i < UNIVERSE; i++) {
        assert_int_equal(m->people[i].seen, m->people[i].present);
        m->people[i].seen = 0;
    }
}

static void check_walks(struct model *m) {
    for (struct table_slot *s = NULL; (s = table_next(m->table, s));)
        see(m, s);
    check_seen_once(m);
    for (uint32_t count = 1; count <= 1u << 20; count *= 8) {
        for (uint32_t index = 0; index < count; index++) {
            for (struct table_slot *s = NULL; (s = table_next_in_range(m->table, index, count, s));) {
                if (count > 1)
                    assert_int_equal(table_slot_hash(m->table, s) / (UINT64_MAX / count + 1), index);
                see(m, s);
            }
            if (count > 4096) /* most are empty */
                index += (uint32_t)(draw(m) % 3);
        }
        if (count <= 4096)
            check_seen_once(m);
        for (size_t i = 0; i < UNIVERSE; i++)
            m->people[i].seen = 0;
    }
}

static void check_all(struct model *m) {
    assert_int_equal(table_count(m->table), m->count);
    assert_true(table_load(m->table) <= 0.8);
    struct table_reader *reader = table_reader_open_shared(m->table);
    uint64_t counts[200] = {0}, expected[200] = {0};
    for (size_t i = 0; i < UNIVERSE; i++) {
        struct person *p = &m->people[i];
        struct table_slot *slot = table_find(m->table, p->id, p->len, hash_of(m, p));
        assert_int_equal(slot != NULL, p->present);
        if (p->present && p->value.status < 200)
            expected[p->value.status]++;
        struct slot_value value;
        if (m->hash_mask == UINT64_MAX) { /* readers know only the true hash */
            assert_int_equal(table_read_shared(reader, p->id, p->len, &value), p->present);
            assert_true(!p->present || same_value(&value, &p->value));
        }
    }
    table_count_statuses_shared(reader, counts, 200);
    assert_memory_equal(counts, expected, sizeof counts);
    table_reader_close_shared(&reader);
    assert_null(reader);
    check_walks(m);
}

static void insert(struct model *m, struct person *p) {
    p->value = draw_value(m);
    struct table_slot *slot = table_insert(m->table, p->id, p->len, hash_of(m, p), &p->value);
    p->present = true;
    m->count++;
    assert_ptr_equal(person_of(m, slot), p);
    assert_ptr_equal(table_find(m->table, p->id, p->len, hash_of(m, p)), slot);
}

static void set_day(struct person *p, struct table_slot *slot, int32_t day) {
    unsigned bit = (unsigned)day % 128;
    bool set = p->value.days[bit / 64] >> bit % 64 & 1;
    assert_int_equal(table_day_is_set(slot, (civil_day){day}), set);
    table_set_day(slot, (civil_day){day});
    assert_true(table_day_is_set(slot, (civil_day){day}));
    p->value.days[bit / 64] |= UINT64_C(1) << bit % 64;
}

static void change(struct model *m, struct person *p, struct table_slot *slot) {
    switch (draw(m) % 4) {
    case 0:
        table_erase(m->table, slot);
        p->present = false;
        m->count--;
        break;
    case 1:
        p->value = draw_value(m);
        table_set(slot, &p->value);
        break;
    default:
        set_day(p, slot, (int32_t)(draw(m) % 40000) - 1000);
    }
}

/* The number of people swings between few and nearly all: growth, marks that are taken again, rebuilds. */
static void run(uint64_t seed, uint32_t expected, uint64_t hash_mask) {
    struct model *m = model_new(seed, expected, hash_mask);
    for (unsigned step = 0; step < 20000; step++) {
        uint64_t limit = 1 + (step / 2000 % 2 ? UNIVERSE / 16 : UNIVERSE);
        struct person *p = &m->people[draw(m) % UNIVERSE];
        struct table_slot *slot = table_find(m->table, p->id, p->len, hash_of(m, p));
        assert_int_equal(slot != NULL, p->present);
        if (slot && (m->count > limit || draw(m) % 2)) {
            change(m, p, slot);
        } else if (!slot && m->count < limit) {
            insert(m, p);
        }
        if (step % 1000 == 999)
            check_all(m);
    }
    model_free(m);
}

static void model_true_hashes(void **state) {
    (void)state;
    run(1, 0, UINT64_MAX);
    run(2, 1, UINT64_MAX);
    run(3, UNIVERSE, UINT64_MAX);
}

/* Only some top bits, or none: whole runs of ids share a home, at the end of the array also, where they go on
 * at its start. */
static void model_colliding_hashes(void **state) {
    (void)state;
    run(4, 0, 0);
    run(5, 10, UINT64_C(3) << 62);
    run(6, UNIVERSE, UINT64_C(7) << 61);
    run(7, 100, UINT64_C(0xff) << 56);
    run(8, 100, UINT64_C(0x00000000ffffff00));
}

/* Everything displaced over the end of the array: the last range continues at the start, and range 0 is not
 * what lies there. */
static void ranges_wrap_around(void **state) {
    (void)state;
    struct table *table = table_new(100, 9);
    struct slot_value value = {.person = 0};
    uint64_t high = UINT64_C(0xffffffffffffff00);
    for (uint32_t i = 0; i < 80; i++) {
        char id[2] = {'h', (char)i};
        value.person = i;
        table_insert(table, id, 2, i < 40 ? high : 0, &value);
    }
    for (uint32_t count = 2; count <= 1u << 16; count *= 2) {
        uint64_t seen[2] = {0};
        for (int end = 0; end < 2; end++)
            for (struct table_slot *s = NULL;
                 (s = table_next_in_range(table, end ? count - 1 : 0, count, s));) {
                struct slot_value got;
                table_get(s, &got);
                assert_int_equal(got.person < 40, end);
                seen[end]++;
            }
        assert_int_equal(seen[0], 40);
        assert_int_equal(seen[1], 40);
    }
    table_free(&table);
}

/* SPEC 2: ids are told apart by every byte and by length, at each length. */
static void ids_differ_in_one_byte(void **state) {
    (void)state;
    struct table *table = table_new(10, 10);
    char id[ID_BYTES_MAX] = {0};
    for (size_t len = 1; len <= ID_BYTES_MAX; len++) {
        for (size_t at = 0; at < len; at++) {
            id[at] = 1;
            assert_null(table_find(table, id, len, 0));
            table_insert(table, id, len, 0, &(struct slot_value){.person = (uint32_t)(len * 100 + at)});
            id[at] = 0;
        }
    }
    for (size_t len = 1; len <= ID_BYTES_MAX; len++) {
        assert_null(table_find(table, id, len, 0));
        for (size_t at = 0; at < len; at++) {
            id[at] = 1;
            struct slot_value value;
            struct table_slot *slot = table_find(table, id, len, 0);
            assert_non_null(slot);
            table_get(slot, &value);
            assert_int_equal(value.person, len * 100 + at);
            size_t got_len;
            assert_memory_equal(table_id(slot, &got_len), id, len);
            assert_int_equal(got_len, len);
            id[at] = 0;
        }
    }
    table_free(&table);
}

static uint64_t mapped_bytes(void) {
    unsigned long long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%llu", &pages), 1);
    fclose(statm);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Somebody who comes and goes for ever leaves nothing behind: neither the bytes of a long id nor the arrays
 * that were rebuilt to be rid of them. */
static void memory_is_bounded(void **state) {
    (void)state;
    struct table *table = table_new(1000, 11);
    struct slot_value value = {.person = 1};
    char id[ID_BYTES_MAX] = "long";
    uint64_t hash = table_hash(table, id, sizeof id), most = 0, mapped = mapped_bytes();
    for (uint32_t i = 0; i < 300000; i++) { /* 19 MB of ids */
        table_erase(table, table_insert(table, id, sizeof id, hash, &value));
        uint64_t bytes = table_memory_bytes(table);
        most = bytes > most ? bytes : most;
    }
    assert_int_equal(table_count(table), 0);
    assert_in_range(most, 1, 2 * 1024 * 1024);
    assert_in_range(mapped_bytes(), 1, mapped + 16 * 1024 * 1024);
    table_free(&table);
}

/* The mark that somebody leaves is taken again: no rebuild, hence the same slot. Different people leave marks
 * all over the table: rebuilds, or probes would find no end. */
static void marks_do_not_pile_up(void **state) {
    (void)state;
    struct table *table = table_new(1000, 17);
    struct slot_value value = {.person = 1};
    uint64_t hash = table_hash(table, "E1", 2);
    struct table_slot *slot = table_insert(table, "E1", 2, hash, &value);
    for (unsigned i = 0; i < 5000; i++) {
        table_erase(table, slot);
        assert_ptr_equal(table_insert(table, "E1", 2, hash, &value), slot);
    }
    uint64_t bytes = table_memory_bytes(table);
    for (uint32_t i = 0; i < 50000; i++) {
        hash = table_hash(table, (char *)&i, sizeof i);
        table_erase(table, table_insert(table, (char *)&i, sizeof i, hash, &value));
    }
    assert_int_equal(table_count(table), 1);
    assert_true(table_memory_bytes(table) == bytes);
    assert_non_null(table_find(table, "E1", 2, table_hash(table, "E1", 2)));
    table_free(&table);
}

/* A changelog's segments come in order of hash. A table that is far too small for them must neither become
 * quadratic nor lose anybody. */
static void loading_in_hash_order(void **state) {
    (void)state;
    enum { people = 300000, segments = 256 };
    struct table *from = table_new(people, 12), *to = table_new(10, 12);
    for (uint32_t i = 0; i < people; i++)
        table_insert(from, (char *)&i, sizeof i, table_hash(from, (char *)&i, sizeof i),
                     &(struct slot_value){.person = i});
    for (uint32_t k = 0; k < segments; k++)
        for (struct table_slot *s = NULL; (s = table_next_in_range(from, k, segments, s));) {
            struct slot_value value;
            size_t len;
            table_get(s, &value);
            const char *id = table_id(s, &len);
            table_insert(to, id, len, table_slot_hash(from, s), &value);
            if (table_count(to) == 1100) /* of the first segment: room for all the others, too */
                assert_true(table_load(to) < 0.1);
        }
    assert_int_equal(table_count(to), people);
    assert_true(table_load(to) > 0.2);
    for (uint32_t i = 0; i < people; i++) {
        struct slot_value value;
        struct table_slot *slot = table_find(to, (char *)&i, sizeof i, table_hash(to, (char *)&i, sizeof i));
        assert_non_null(slot);
        table_get(slot, &value);
        assert_int_equal(value.person, i);
    }
    table_free(&from);
    table_free(&to);
}

/* A walk may erase and set what it has just been given. */
static void walk_erases_as_it_goes(void **state) {
    (void)state;
    struct table *table = table_new(100, 13);
    for (uint32_t i = 0; i < 500; i++)
        table_insert(table, (char *)&i, sizeof i, table_hash(table, (char *)&i, sizeof i),
                     &(struct slot_value){.person = i});
    for (struct table_slot *s = NULL; (s = table_next(table, s));) {
        struct slot_value value;
        table_get(s, &value);
        if (value.person % 2) {
            table_erase(table, s);
        } else {
            value.status = 7;
            table_set(s, &value);
        }
    }
    assert_int_equal(table_count(table), 250);
    for (uint32_t k = 0; k < 16; k++)
        for (struct table_slot *s = NULL; (s = table_next_in_range(table, k, 16, s));)
            table_erase(table, s);
    assert_int_equal(table_count(table), 0);
    assert_null(table_next(table, NULL));
    table_free(&table);
}

static void readers_places(void **state) {
    (void)state;
    struct table *table = table_new(1, 14);
    struct table_reader *readers[TABLE_READERS_MAX];
    for (size_t i = 0; i < TABLE_READERS_MAX; i++)
        assert_non_null(readers[i] = table_reader_open_shared(table));
    assert_null(table_reader_open_shared(table));
    struct table_reader *given_back = readers[3];
    table_reader_close_shared(&readers[3]);
    assert_ptr_equal(readers[3] = table_reader_open_shared(table), given_back);
    struct slot_value value;
    assert_false(table_read_shared(readers[0], "", 0, &value));
    assert_false(table_read_shared(readers[0], "nobody", 6, &value));
    char too_long[ID_BYTES_MAX + 1] = {'x'};
    assert_false(table_read_shared(readers[0], too_long, sizeof too_long, &value));
    for (size_t i = 0; i < TABLE_READERS_MAX; i++)
        table_reader_close_shared(&readers[i]);
    table_free(&table);
}

/* Ids that collide for one seed do not for another; equal ones always agree. */
static void hash_depends_on_the_seed(void **state) {
    (void)state;
    struct table *a = table_new(1, 15), *b = table_new(1000, 15), *c = table_new(1, 16);
    assert_true(table_hash(a, "E1234567", 8) == table_hash(b, "E1234567", 8));
    assert_true(table_hash(a, "E1234567", 8) != table_hash(c, "E1234567", 8));
    assert_true(table_hash(a, "E1234567", 8) != table_hash(a, "E1234567\0", 9));
    table_free(&a);
    table_free(&b);
    table_free(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(model_true_hashes),     cmocka_unit_test(model_colliding_hashes),
    cmocka_unit_test(ranges_wrap_around),    cmocka_unit_test(ids_differ_in_one_byte),
    cmocka_unit_test(memory_is_bounded),     cmocka_unit_test(marks_do_not_pile_up),
    cmocka_unit_test(loading_in_hash_order), cmocka_unit_test(walk_erases_as_it_goes),
    cmocka_unit_test(readers_places),        cmocka_unit_test(hash_depends_on_the_seed),
};

UNIT_TEST_MAIN(tests)
