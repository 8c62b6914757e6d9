/* Any records as a changelog partition (changelog_records.h): a restart from it is refused with a reason, or
 * gives a task that keeps every promise of task_state.h, that says the same when it is written whole and
 * restored again, and that can go on. The mutator puts frames and keys right, so that changes get past the
 * checksum.
 *
 * ROLLCALL_WRITE_SEEDS=DIRECTORY: writes the changelogs of a few made-up companies there, and ends. */
#include "changelog_records.h"
#include "company.h"
#include "task_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max_size, unsigned seed);

static const struct config *config;

/* ---- what every task keeps to ---- */

static void check_person(const struct task *task, const struct table_slot *slot, uint64_t statuses[]) {
    struct slot_value value;
    size_t id_len, count;
    table_get(slot, &value);
    const struct person *person = people_get(task->people, value.person);
    table_id(slot, &id_len);
    CHECK(id_len > 0 && id_len <= ID_BYTES_MAX && value.status < STATUS_COUNT);
    CHECK(value.zone < zones_count(task->rules->zones) && !(value.flags & (SLOT_DIRTY | SLOT_DIRTY_WHOLE)));
    CHECK(person->known_topic < TOPIC_COUNT && person->seq > 0);
    CHECK(value.closed == closes_home((struct task *)task, value.zone)->closed.n ||
          person->roster == ROSTER_MORE ||
          value.closed > closes_home((struct task *)task, value.zone)->closed.n);
    statuses[value.status]++;
    const struct roster_entry *roster = person_roster(person, &count);
    CHECK(count <= 2 * PERSON_RECORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        CHECK(roster[i].policy < task->rules->policies.count && roster[i].workdays < 128);
        CHECK(roster[i].site == SITE_NONE || roster[i].site < task->rules->sites.count);
        CHECK(roster[i].zone == ZONE_NONE || roster[i].zone < zones_count(task->rules->zones));
        CHECK(i == 0 || roster[i - 1].effective_on.n < roster[i].effective_on.n);
    }
    const struct person_more *more = person->more;
    for (const struct leave *l = more ? more->leaves : NULL; l; l = l->next)
        CHECK(l->effect <= LEAVE_CREDIT && l->id_len > 0 && l->from.n <= l->to.n);
    for (const struct decision *d = more ? more->decisions : NULL; d; d = d->next)
        CHECK(d->id_len > 0 &&
              (d->is_in_force ? d->kind <= DECISION_VP_APPROVAL && d->from.n <= d->to.n : d->is_remembered));
    if (more && more->case_file)
        CHECK(more->case_file->stage <= STAGE_WRITTEN_WARNING &&
              more->case_file->gate <= GATE_VP_APPROVAL_REQUIRED);
}

static void check_task(const struct task *task) {
    uint64_t statuses[STATUS_COUNT] = {0}, people = 0;
    for (struct table_slot *slot = table_next(task->table, NULL); slot;
         slot = table_next(task->table, slot), people++)
        check_person(task, slot, statuses);
    CHECK(people == table_count(task->table));
    CHECK(memcmp(statuses, task->statuses, sizeof statuses) == 0);
    CHECK(people == 0 || task->clock.ms != NO_CLOCK);
}

/* ---- two tasks that are the same ---- */

static bool same_text(const struct short_text *a, const struct short_text *b) {
    return (a == NULL) == (b == NULL) &&
           (a == NULL || (a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0));
}

static void compare_rosters(const struct task *a, const struct task *b, const struct person *x,
                            const struct person *y) {
    size_t count, other;
    const struct roster_entry *in_a = person_roster(x, &count), *in_b = person_roster(y, &other);
    CHECK(count == other);
    for (size_t i = 0; i < count; i++) {
        struct roster_entry one = in_a[i], two = in_b[i];
        CHECK(same_text(names_text(a->people, one.manager), names_text(b->people, two.manager)));
        one.manager = two.manager = 0;
        CHECK(memcmp(&one, &two, sizeof one) == 0);
    }
}

static void compare_cases(const struct case_file *x, const struct case_file *y) {
    CHECK((x == NULL) == (y == NULL));
    if (x == NULL)
        return;
    CHECK(x->seq == y->seq && x->grounds[0] == y->grounds[0] && x->grounds[1] == y->grounds[1] &&
          x->approved_until.n == y->approved_until.n && x->gate == y->gate && x->stage == y->stage &&
          x->is_retracted == y->is_retracted && x->adverse_count == y->adverse_count);
    for (unsigned i = 0; i < x->adverse_count; i++)
        CHECK(x->adverse[i].seq == y->adverse[i].seq &&
              x->adverse[i].effective_on.n == y->adverse[i].effective_on.n &&
              x->adverse[i].is_superseded == y->adverse[i].is_superseded);
}

static void compare_more(const struct person_more *x, const struct person_more *y) {
    static const struct person_more nothing;
    static const day_bits none;
    x = x ? x : &nothing;
    y = y ? y : &nothing;
    CHECK(*(x->told_late ? x->told_late : &none) == *(y->told_late ? y->told_late : &none));
    CHECK(x->dispute_is_open == y->dispute_is_open && (x->hold == NULL) == (y->hold == NULL));
    compare_cases(x->case_file, y->case_file);
    const struct leave *l = x->leaves, *m = y->leaves;
    for (; l && m; l = l->next, m = m->next)
        CHECK(l->from.n == m->from.n && l->to.n == m->to.n && l->effect == m->effect &&
              l->id_len == m->id_len && memcmp(l->id, m->id, l->id_len) == 0);
    CHECK(l == m);
    const struct decision *d = x->decisions, *e = y->decisions;
    for (; d && e; d = d->next, e = e->next)
        CHECK(d->from.n == e->from.n && d->to.n == e->to.n && d->kind == e->kind &&
              d->is_in_force == e->is_in_force && d->is_remembered == e->is_remembered &&
              d->id_len == e->id_len && memcmp(d->id, e->id, d->id_len) == 0);
    CHECK(d == e);
    if (x->hold)
        CHECK(same_text(&x->hold->group, &y->hold->group) && same_text(&x->hold->policy, &y->hold->policy) &&
              x->hold->version.n == y->hold->version.n && x->hold->week.is_set == y->hold->week.is_set &&
              x->hold->week.from.n == y->hold->week.from.n && x->hold->week.days == y->hold->week.days &&
              x->hold->week.present == y->hold->week.present &&
              x->hold->week.required == y->hold->week.required &&
              x->hold->week.workable == y->hold->week.workable);
}

static void compare_people(const struct task *a, const struct task *b) {
    CHECK(table_count(a->table) == table_count(b->table));
    for (struct table_slot *slot = table_next(a->table, NULL); slot; slot = table_next(a->table, slot)) {
        struct slot_value in_a, in_b;
        size_t len;
        const char *id = table_id(slot, &len);
        struct table_slot *other = table_find(b->table, id, len, table_hash(b->table, id, len));
        CHECK(other != NULL);
        table_get(slot, &in_a);
        table_get(other, &in_b);
        const struct person *x = people_get(a->people, in_a.person), *y = people_get(b->people, in_b.person);
        CHECK(memcmp(in_a.days, in_b.days, sizeof in_a.days) == 0 && in_a.closed == in_b.closed &&
              in_a.zone == in_b.zone && in_a.status == in_b.status && in_a.flags == in_b.flags);
        CHECK(x->known_at.ms == y->known_at.ms && x->known_offset == y->known_offset && x->seq == y->seq &&
              x->known_on.n == y->known_on.n && x->status_since.n == y->status_since.n &&
              x->known_partition == y->known_partition && x->known_topic == y->known_topic);
        compare_rosters(a, b, x, y);
        compare_more(x->more, y->more);
    }
}

static void compare_tasks(const struct task *a, const struct task *b) {
    const struct changelog_state *x = &a->changelog, *y = &b->changelog;
    CHECK(a->clock.ms == b->clock.ms && a->complete_from.n == b->complete_from.n &&
          a->closes_done == b->closes_done && a->held == b->held);
    CHECK(x->batch == y->batch && x->next_delta == y->next_delta && x->next_segment == y->next_segment);
    for (uint32_t i = 0; i < a->rules->sites.count; i++) {
        size_t count = closures_count(a->closures[i]);
        CHECK(closures_count(b->closures[i]) == count);
        for (size_t j = 0; j < count; j++)
            CHECK(closures_contain(b->closures[i], &closures_list(a->closures[i])[j]));
    }
    compare_people(a, b);
}

/* ---- a restart ---- */

static struct task *restore_records(const struct log_record *records, size_t count, struct restored *out) {
    struct task_setup setup = company_setup(config);
    struct restore *restore = restore_new(&setup);
    char error[256] = "";
    enum restore_result result = RESTORE_OK;
    for (size_t i = 0; i < count && result == RESTORE_OK; i++) {
        const struct log_record *r = &records[i];
        char *key = xcalloc(r->key_len + 1u, 1), *value = xcalloc(r->value_len + 1, 1);
        memcpy(key, r->key, r->key_len); /* of exactly their size: for the address sanitizer */
        key = xrealloc(key, r->key_len ? r->key_len : 1u, 1);
        if (r->value)
            memcpy(value, r->value, r->value_len);
        value = xrealloc(value, r->value_len ? r->value_len : 1, 1);
        result = restore_apply(restore, key, r->key_len, r->value ? value : NULL, r->value_len, error,
                               sizeof error);
        free(key);
        free(value);
    }
    *out = (struct restored){0};
    if (result == RESTORE_OK)
        result = restore_finish(restore, out, error, sizeof error);
    CHECK((result == RESTORE_REFUSED) == (error[0] != '\0'));
    restore_free(&restore);
    return out->task;
}

#define SEGMENTS_COMPARED 64 /* each is a record, and nearly all are empty */

static void check_round_trip(struct task *task, const struct restored *restored) {
    static struct log_record records[1 << 16];
    struct outbox box;
    struct restored again;
    size_t count = 0;
    outbox_init(&box);
    changelog_write_birth(&box, &restored->birth);
    records[count++] = record_of(&box.records[0]);
    changelog_write_whole(task);
    changelog_write(task, restored->positions, restored->positions_count);
    const struct outbox *written = task_outbox(task);
    for (size_t i = 0; i < written->count && count < sizeof records / sizeof records[0]; i++)
        records[count++] = record_of(&written->records[i]);
    CHECK(count == written->count + 1);
    struct task *other = restore_records(records, count, &again);
    CHECK(other != NULL && !again.rules_changed && again.positions_count == restored->positions_count);
    for (size_t i = 0; i < again.positions_count; i++)
        CHECK(again.positions[i].topic == restored->positions[i].topic &&
              again.positions[i].partition == restored->positions[i].partition &&
              again.positions[i].offset == restored->positions[i].offset &&
              again.positions[i].arrival.ms == restored->positions[i].arrival.ms);
    check_task(other);
    compare_tasks(task, other);
    free(again.positions);
    task_free(&other);
    outbox_clear(task_outbox(task));
    outbox_fini(&box);
}

/* A few days more, with records of each topic about whoever is there. */
static void go_on(struct task *task) {
    static const uint8_t script[] = {0,   9,  1,   8,  200, 16, 3,   9,  5,   80, 90,  0, 4,
                                     100, 21, 40,  3,  37,  90, 0x1, 55, 3,   70, 250, 6, 130,
                                     0,   17, 60,  2,  14,  99, 8,   9,  200, 1,  70,  4, 46,
                                     220, 3,  0x4, 60, 80,  2,  7,   9,  3,   4,  80,  3};
    struct company_bytes bytes = {script, script + sizeof script};
    struct company_record record;
    struct task_verdict verdict;
    int64_t clock_ms = task->clock.ms == NO_CLOCK ? COMPANY_BEGINS_MS : task->clock.ms;
    task_apply_new_rules(task);
    task_advance(task, (arrival_time){clock_ms += 3 * INT64_C(86400000)});
    for (int64_t offset = 0; company_next(&bytes, offset, &clock_ms, &record); offset++)
        task_apply(task, &record.input, 1, &verdict);
    struct position position = {TOPIC_SWIPES, 0, 1, {clock_ms}};
    changelog_write(task, &position, 1);
    check_task(task);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct log_record records[RECORDS_MAX];
    struct restored restored;
    size_t count = records_parse(data, size, records);
    struct task *task = restore_records(records, count, &restored);
    if (task != NULL) {
        check_task(task);
        if (restored.birth.segments <= SEGMENTS_COMPARED)
            check_round_trip(task, &restored);
        go_on(task);
    }
    task_free(&task);
    free(restored.positions);
    return 0;
}

/* ---- mutations ---- */

static unsigned below(unsigned *state, size_t n) {
    return (unsigned)rand_r(state) % (unsigned)n;
}

static uint64_t any_number(unsigned *state) {
    static const uint64_t odd[] = {0,          1,          2,          3,          4,          8,
                                   127,        128,        255,        256,        0x7fffffff, 1u << 31,
                                   UINT32_MAX, 1ull << 32, 1ull << 62, 1ull << 63, UINT64_MAX, 1ull << 34,
                                   5ull << 32, 65535,      65536};
    return odd[below(state, sizeof odd / sizeof odd[0])];
}

/* One number of the payload becomes another. */
static size_t change_number(char *payload, size_t len, size_t max, unsigned *state) {
    size_t at = below(state, len + 1), from = at;
    while (from < len && payload[from] & (char)0x80)
        from++;
    from += from < len;
    struct block_writer w = {0};
    block_put_uint(&w, any_number(state));
    size_t rest = len - from;
    if (at + w.used + rest <= max) {
        memmove(payload + at + w.used, payload + from, rest);
        memcpy(payload + at, w.bytes, w.used);
        len = at + w.used + rest;
    }
    free(w.bytes);
    return len;
}

static void change_frame(char *block, unsigned *state) {
    struct frame frame;
    memcpy(&frame, block, sizeof frame);
    switch (below(state, 6)) {
    case 0:
        frame.count += below(state, 5) - 2u;
        break;
    case 1:
        frame.number = below(state, 2) ? any_number(state) : frame.number + below(state, 5) - 2u;
        break;
    case 2:
        frame.delta = below(state, 2) ? any_number(state) : frame.delta + below(state, 5) - 2u;
        break;
    case 3:
        frame.kind = (uint16_t)below(state, 7);
        break;
    case 4:
        frame.version = (uint16_t)below(state, 4);
        break;
    default:
        frame.count = (uint32_t)any_number(state);
    }
    memcpy(block, &frame, sizeof frame);
}

/* A changed copy of a block, in `out`; returns its length. */
static size_t change_block(const struct log_record *from, char *out, size_t max, unsigned *state) {
    size_t len = from->value_len;
    memcpy(out, from->value, len);
    if (len < BLOCK_HEADER_BYTES || below(state, 20) == 0)
        return LLVMFuzzerMutate((uint8_t *)out, len, max);
    char *payload = out + BLOCK_HEADER_BYTES;
    size_t payload_len = len - BLOCK_HEADER_BYTES, payload_max = max - BLOCK_HEADER_BYTES;
    unsigned how = below(state, 8);
    if (how < 4)
        payload_len = LLVMFuzzerMutate((uint8_t *)payload, payload_len, payload_max);
    else if (how < 7)
        payload_len = change_number(payload, payload_len, payload_max, state);
    if (how > 5)
        change_frame(out, state);
    frame_put_right(out, BLOCK_HEADER_BYTES + payload_len);
    return BLOCK_HEADER_BYTES + payload_len;
}

#define MUTANT_MAX (1 << 20)

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    static struct log_record records[RECORDS_MAX];
    static uint8_t mutant[MUTANT_MAX];
    static char block[MUTANT_MAX];
    unsigned state = seed, how = below(&state, 16);
    size_t count = records_parse(data, size, records), len = 0;
    if (count == 0 || how == 0 || max_size > MUTANT_MAX)
        return LLVMFuzzerMutate(data, size, max_size);
    size_t which = below(&state, count), other = below(&state, count);
    for (size_t i = 0; i < count; i++) {
        struct log_record record = records[i];
        char key[256];
        if (i == which && how == 1) /* gone */
            continue;
        if (i == which && how == 2)
            record = records[other];
        if (i == which && how == 3) {
            record.value = NULL;
            record.value_len = 0;
        }
        if (i == which && how > 4 && record.value) {
            record.value_len = change_block(&records[i], block, max_size, &state);
            record.value = block;
            if (record.value_len >= BLOCK_HEADER_BYTES && below(&state, 8)) {
                record.key_len =
                    (uint8_t)frame_key(block, record.value_len, key, records[i].key, records[i].key_len);
                record.key = key;
            }
        }
        len = record_append(mutant, len, max_size, &record);
        if (i == which && how == 4) /* once more, from elsewhere */
            len = record_append(mutant, len, max_size, &records[other]);
    }
    memcpy(data, mutant, len);
    return len;
}

/* Records of the one, with some of the other between them. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max_size, unsigned seed) {
    static struct log_record first[RECORDS_MAX], second[RECORDS_MAX];
    unsigned state = seed;
    size_t count = records_parse(a, a_size, first), others = records_parse(b, b_size, second), len = 0;
    for (size_t i = 0; i < count; i++) {
        len = record_append(out, len, max_size, &first[i]);
        if (others > 0 && below(&state, 3) == 0)
            len = record_append(out, len, max_size, &second[below(&state, others)]);
    }
    return len;
}

/* ---- seeds ---- */

static size_t append_changelog(uint8_t *data, size_t size, size_t max, const struct outbox *box) {
    for (size_t i = 0; i < box->count; i++) {
        struct log_record record = record_of(&box->records[i]);
        if (box->records[i].output == OUTPUT_CHANGELOG)
            size = record_append(data, size, max, &record);
    }
    return size;
}

static void write_seed(const char *directory, unsigned seed) {
    static uint8_t data[MUTANT_MAX], dice[4096];
    struct task_setup setup = company_setup(config);
    struct birth birth = {0, 1, setup.segments, setup.hash_seed, setup.complete_from, {COMPANY_BEGINS_MS}};
    struct task *task = task_new(&setup);
    struct company_record record;
    struct task_verdict verdict;
    int64_t clock_ms = COMPANY_BEGINS_MS;
    unsigned state = seed, records = 1 + below(&state, 10 * seed);
    for (size_t i = 0; i < sizeof dice; i++)
        dice[i] = (uint8_t)below(&state, 256);
    struct company_bytes bytes = {dice, dice + sizeof dice};
    changelog_write_birth(task_outbox(task), &birth);
    size_t size = append_changelog(data, 0, sizeof data, task_outbox(task));
    for (unsigned i = 0; i < records && company_next(&bytes, i, &clock_ms, &record); i++) {
        outbox_clear(task_outbox(task));
        task_apply(task, &record.input, 1, &verdict);
        if (below(&state, 8) != 0 && i + 1 < records)
            continue;
        struct position position = {TOPIC_SWIPES, 0, i + 1, {clock_ms}};
        changelog_write(task, &position, 1);
        size = append_changelog(data, size, sizeof data, task_outbox(task));
    }
    task_free(&task);
    char path[512];
    snprintf(path, sizeof path, "%s/company_%u", directory, seed);
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    config = company_load();
    const char *seeds = getenv("ROLLCALL_WRITE_SEEDS");
    for (unsigned seed = 1; seeds && seed <= 12; seed++)
        write_seed(seeds, seed);
    if (seeds)
        exit(0);
    return 0;
}
