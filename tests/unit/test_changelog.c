/* A task that is written to its changelog and restored again and again says the same as one that never
 * stopped (SPEC 5: the same records whatever the restarts), whether compaction has run or not; and a
 * changelog that is not what a task wrote is refused. */
#include "block.h"
#include "changelog.h"
#include "pack.h"

#include "unit_test.h"

#include <stdlib.h>
#include <unistd.h>

#define PEOPLE 40

/* ---- a small company
 * ------------------------------------------------------------------------------------------- */

static const char *const config_text =
    "{\"policies\":\"policies.yaml\",\"sites\":\"sites.yaml\",\"people\":{\"unknown\":\"default_policy\"},"
    "\"time\":{\"settle\":\"24h\",\"complete_from\":\"2023-01-02\",\"default_zone\":\"Europe/London\"},"
    "\"guard\":{\"max_adverse_ratio\":0.1,\"min_people\":2}}";
static const char *const policies_text =
    "{\"policies\":[{\"id\":\"office-3d\",\"versions\":[{\"effective_on\":\"2022-01-01\",\"grace_days\":0},"
    "{\"effective_on\":\"2023-03-01\",\"required_days\":4,\"accept\":[\"granted\",\"in\"]}]},"
    "{\"id\":\"field\",\"versions\":[{\"effective_on\":\"2022-01-01\",\"required_days\":1,"
    "\"rule\":{\"type\":\"sliding\",\"tolerance_days\":0}}]}]}";
static const char *const sites_text =
    "{\"sites\":{\"SEA\":{\"zone\":\"America/Los_Angeles\"},\"BLR\":{\"zone\":\"Asia/Kolkata\"}}}";

static void write_file(const char *directory, const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void remove_files(const char *directory) {
    static const char *const names[] = {"rollcall.yaml", "policies.yaml", "sites.yaml"};
    char path[512];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(directory), 0);
}

static struct config *load_company(void) {
    char directory[] = "/tmp/rollcall-test-XXXXXX", path[512];
    assert_non_null(mkdtemp(directory));
    write_file(directory, "rollcall.yaml", config_text);
    write_file(directory, "policies.yaml", policies_text);
    write_file(directory, "sites.yaml", sites_text);
    snprintf(path, sizeof path, "%s/rollcall.yaml", directory);
    struct config *config = config_load(path, NULL, 0, CONFIG_FOR_REPLAY, false, stderr);
    assert_non_null(config);
    remove_files(directory);
    return config;
}

static struct task_setup setup_of(const struct config *config) {
    return (struct task_setup){.rules = &config->rules,
                               .fields = &config->fields,
                               .employees = PEOPLE,
                               .hash_seed = 7,
                               .segments = 8,
                               .complete_from = config->rules.complete_from,
                               .source = "test",
                               .has_guard = true,
                               .has_changelog = true};
}

/* ---- random records
 * -------------------------------------------------------------------------------------------- */

static unsigned random_below(unsigned *state, unsigned n) {
    return (unsigned)rand_r(state) % n;
}

struct record {
    struct task_input input;
    char value[512], key[32];
};

static void make_roster(struct record *record, unsigned *state, unsigned person) {
    static const char *const homes[] = {"\"home_site\":\"SEA\"", "\"home_site\":\"BLR\"",
                                        "\"home_zone\":\"Pacific/Auckland\"", "\"home_zone\":null"};
    record->input.topic = TOPIC_ROSTER;
    if (random_below(state, 12) == 0) {
        record->input.value = NULL;
        return;
    }
    int n =
        snprintf(record->value, sizeof record->value, "{\"employee_id\":\"p%u\",%s,\"manager_id\":\"m%u\"",
                 person, homes[random_below(state, 4)], random_below(state, 5));
    const char *const extras[] = {"",
                                  ",\"expectation\":\"none\"",
                                  ",\"policy\":\"field\"",
                                  ",\"workdays\":[\"mon\",\"tue\",\"sat\"]",
                                  ",\"left_on\":\"2023-06-01\"",
                                  ",\"hired_on\":\"2023-02-01\""};
    n += snprintf(record->value + n, sizeof record->value - (size_t)n, "%s", extras[random_below(state, 6)]);
    if (random_below(state, 2))
        n += snprintf(record->value + n, sizeof record->value - (size_t)n,
                      ",\"effective_on\":\"2023-%02u-%02u\"", 1 + random_below(state, 9),
                      1 + random_below(state, 28));
    snprintf(record->value + n, sizeof record->value - (size_t)n, "}");
}

/* Days of one of the first months of the log. */
static int write_period(char *text, size_t size, unsigned *state) {
    unsigned month = 1 + random_below(state, 5), from = 1 + random_below(state, 20);
    return snprintf(text, size, "\"from\":\"2023-%02u-%02u\",\"to\":\"2023-%02u-%02u\"", month, from, month,
                    from + random_below(state, 8));
}

static void make_leave(struct record *record, unsigned *state, unsigned person) {
    char period[64];
    record->input.topic = TOPIC_LEAVE;
    write_period(period, sizeof period, state);
    snprintf(record->value, sizeof record->value,
             "{\"employee_id\":\"p%u\",\"leave_id\":\"l%u\",\"op\":\"%s\",\"effect\":\"%s\",%s}", person,
             random_below(state, 6), random_below(state, 3) ? "assert" : "cancel",
             random_below(state, 2) ? "excuse" : "credit", period);
}

static void make_calendar(struct record *record, unsigned *state) {
    static const char *const kinds[] = {"closed", "closed", "hold", "release"};
    char period[64];
    unsigned of_few = 1 + random_below(state, 6); /* so that a cancel finds what it names */
    record->input.topic = TOPIC_CALENDAR;
    write_period(period, sizeof period, &of_few);
    record->input.key_len =
        (size_t)snprintf(record->key, sizeof record->key, "%s", random_below(state, 2) ? "SEA" : "BLR");
    snprintf(record->value, sizeof record->value, "{\"site_id\":\"%s\",\"kind\":\"%s\",\"op\":\"%s\",%s}",
             record->key, kinds[random_below(state, 4)], random_below(state, 2) ? "assert" : "cancel",
             period);
}

static void make_decision(struct record *record, unsigned *state, unsigned person) {
    static const struct {
        const char *kind, *role;
    } decisions[] = {{"attendance_credit", "hr"},
                     {"attendance_void", "security"},
                     {"exemption", "vp"},
                     {"vp_approval", "vp"},
                     {"revoke", "hr"},
                     {"revoke", "vp"},
                     {"dispute_opened", "hr"},
                     {"dispute_closed", "hr"},
                     {"verbal_warning", "manager"},
                     {"verbal_warning", "hr"},
                     {"written_warning", "hr"},
                     {"case_closed", "hr"}};
    unsigned which = random_below(state, sizeof decisions / sizeof decisions[0]);
    char period[64];
    record->input.topic = TOPIC_DECISIONS;
    write_period(period, sizeof period, state);
    snprintf(record->value, sizeof record->value,
             "{\"employee_id\":\"p%u\",\"decision_id\":\"d%u\",\"kind\":\"%s\",\"decided_by\":\"boss\","
             "\"decided_by_role\":\"%s\",\"decided_at\":\"2023-01-02T00:00:00Z\",\"day\":\"2023-%02u-%02u\","
             "\"expires_on\":\"2023-%02u-28\",\"revokes\":\"d%u\",%s}",
             person, random_below(state, 40), decisions[which].kind, decisions[which].role,
             1 + random_below(state, 4), 1 + random_below(state, 28), 1 + random_below(state, 6),
             random_below(state, 40), period);
}

static void make_swipe(struct record *record, unsigned *state, unsigned person, int64_t clock_ms) {
    int64_t late = random_below(state, 8) ? 0 : random_below(state, 20) * INT64_C(86400000);
    record->input.topic = TOPIC_SWIPES;
    snprintf(record->value, sizeof record->value,
             "{\"employee_id\":\"p%u\",\"occurred_at\":%lld,\"site_id\":\"%s\",\"result\":\"%s\"}", person,
             (long long)(clock_ms - late), random_below(state, 2) ? "SEA" : "BLR",
             random_below(state, 8) ? "granted" : "in");
}

static void make_record(struct record *record, unsigned *state, int64_t offset, int64_t *clock_ms) {
    *clock_ms += random_below(state, 3 * 3600 * 1000);
    unsigned person = random_below(state, PEOPLE), what = random_below(state, 80);
    record->input = (struct task_input){.offset = offset,
                                        .arrival = {*clock_ms},
                                        .has_key = true,
                                        .key = record->key,
                                        .value = record->value};
    record->input.key_len = (size_t)snprintf(record->key, sizeof record->key, "p%u", person);
    if (what < 4)
        make_roster(record, state, person);
    else if (what < 8)
        make_leave(record, state, person);
    else if (what < 10)
        make_calendar(record, state);
    else if (what < 28)
        make_decision(record, state, person);
    else
        make_swipe(record, state, person, *clock_ms);
    if (record->input.value)
        record->input.value_len = strlen(record->value);
}

/* ---- what a broker would keep
 * ---------------------------------------------------------------------------------- */

struct kept {
    char *key, *value; /* value NULL: a null value */
    size_t key_len, value_len;
};

struct log {
    struct kept *records;
    size_t count;
};

static char *copy_bytes(const char *bytes, size_t len) {
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    copy[len] = 0;
    return copy;
}

static void log_append(struct log *log, const struct outbox *box) {
    for (size_t i = 0; i < box->count; i++) {
        const struct out_record *r = &box->records[i];
        if (r->output != OUTPUT_CHANGELOG)
            continue;
        log->records = realloc(log->records, (log->count + 1) * sizeof *log->records);
        assert_non_null(log->records);
        log->records[log->count++] =
            (struct kept){copy_bytes(r->key, r->key_len),
                          r->value ? copy_bytes(r->value, r->value_len) : NULL, r->key_len, r->value_len};
    }
}

/* Keeps the newest record of each key, and no null values. */
static void log_compact(struct log *log) {
    size_t kept = 0;
    for (size_t i = 0; i < log->count; i++) {
        bool is_newest = log->records[i].value != NULL;
        for (size_t j = i + 1; j < log->count && is_newest; j++)
            is_newest = log->records[i].key_len != log->records[j].key_len ||
                        memcmp(log->records[i].key, log->records[j].key, log->records[i].key_len) != 0;
        if (is_newest) {
            log->records[kept++] = log->records[i];
        } else {
            free(log->records[i].key);
            free(log->records[i].value);
        }
    }
    log->count = kept;
}

static void log_free(struct log *log) {
    for (size_t i = 0; i < log->count; i++) {
        free(log->records[i].key);
        free(log->records[i].value);
    }
    free(log->records);
}

static struct task *restore_from(const struct log *log, const struct task_setup *setup,
                                 struct restored *restored) {
    char error[256] = "";
    static unsigned restores;
    struct restore *restore = restore_new(setup);
    if (restores++ % 2) /* a delta more or less at once is the same to everybody */
        restore_limit_held(restore, restores % 4 ? 0 : 2000);
    for (size_t i = 0; i < log->count; i++)
        if (restore_apply(restore, log->records[i].key, log->records[i].key_len, log->records[i].value,
                          log->records[i].value_len, error, sizeof error) != RESTORE_OK)
            fail_msg("record %zu: %s", i, error);
    if (restore_finish(restore, restored, error, sizeof error) != RESTORE_OK)
        fail_msg("%s", error);
    restore_free(&restore);
    return restored->task;
}

/* ---- the cases
 * ------------------------------------------------------------------------------------------------- */

static void append_states(struct log *states, const struct outbox *box) {
    for (size_t i = 0; i < box->count; i++) {
        const struct out_record *r = &box->records[i];
        if (r->output != OUTPUT_STATE)
            continue;
        states->records = realloc(states->records, (states->count + 1) * sizeof *states->records);
        assert_non_null(states->records);
        states->records[states->count++] =
            (struct kept){copy_bytes(r->key, r->key_len),
                          r->value ? copy_bytes(r->value, r->value_len) : NULL, r->key_len, r->value_len};
    }
}

/* A crash after `tail` more records were applied and written, but not committed; the restart overrules them.
 */
static struct task *crash(struct task *task, struct log *changelog, const struct task_setup *setup,
                          unsigned tail, unsigned next, unsigned state, int64_t clock_ms) {
    struct position position = {TOPIC_SWIPES, 0, next, {clock_ms}};
    struct log committed = *changelog;
    for (unsigned i = 0; i < tail; i++) {
        struct record record;
        struct task_verdict verdict;
        make_record(&record, &state, next + i, &clock_ms);
        task_apply(task, &record.input, 1, &verdict);
    }
    struct position never = {TOPIC_SWIPES, 0, next + tail, {clock_ms}};
    outbox_clear(task_outbox(task));
    changelog_write(task, &never, 1);
    log_append(changelog, task_outbox(task));
    task_free(&task);

    struct restored restored;
    committed.records = changelog->records; /* appending may have moved them */
    task = restore_from(&committed, setup, &restored);
    free(restored.positions);
    changelog_write_whole(task);
    changelog_write(task, &position, 1);
    log_append(changelog, task_outbox(task));
    return task;
}

/* Notes how a record ended and how many are held: what is remembered shows there, too. */
static void append_note(struct log *states, const char *key, const char *value) {
    states->records = realloc(states->records, (states->count + 1) * sizeof *states->records);
    assert_non_null(states->records);
    states->records[states->count++] = (struct kept){
        copy_bytes(key, strlen(key)), copy_bytes(value, strlen(value)), strlen(key), strlen(value)};
}

static void append_ending(struct log *states, const struct task *task, const struct task_verdict *verdict) {
    char held[16];
    snprintf(held, sizeof held, "held %u", task_held(task));
    append_note(states, "reason", reason_name(verdict->reason));
    append_note(states, "held", held);
}

/* Runs `count` records; restarts through the changelog with a chance of 1 in `restart_in` after each (0:
 * never), by a crash in the midst of `tail` records if that is not 0. */
static struct log run(const struct config *config, unsigned seed, unsigned count, unsigned restart_in,
                      unsigned tail, bool compact) {
    struct task_setup setup = setup_of(config);
    struct log changelog = {0}, states = {0};
    struct outbox box;
    struct birth birth = {0, 1, setup.segments, setup.hash_seed, setup.complete_from, {0}};
    outbox_init(&box);
    changelog_write_birth(&box, &birth);
    log_append(&changelog, &box);
    outbox_fini(&box);
    struct restored restored;
    struct task *task = restore_from(&changelog, &setup, &restored);
    free(restored.positions);
    assert_false(restored.has_task_record);

    unsigned state = seed, chance = seed;
    int64_t clock_ms = INT64_C(1672700000000); /* 2023-01-02 */
    for (unsigned i = 0; i < count; i++) {
        struct record record;
        struct task_verdict verdict;
        make_record(&record, &state, i, &clock_ms);
        task_apply(task, &record.input, 1, &verdict);
        append_states(&states, task_outbox(task));
        append_ending(&states, task, &verdict);
        if (restart_in == 0 || random_below(&chance, restart_in) != 0) {
            outbox_clear(task_outbox(task));
            continue;
        }
        struct position position = {TOPIC_SWIPES, 0, i + 1, {clock_ms}};
        outbox_clear(task_outbox(task));
        changelog_write(task, &position, 1);
        log_append(&changelog, task_outbox(task));
        if (tail > 0)
            task = crash(task, &changelog, &setup, tail, i + 1, state, clock_ms);
        if (compact)
            log_compact(&changelog);
        task_free(&task);
        task = restore_from(&changelog, &setup, &restored);
        assert_int_equal(restored.positions_count, 1);
        assert_int_equal(restored.positions[0].offset, i + 1);
        assert_false(restored.rules_changed);
        free(restored.positions);
    }
    task_free(&task);
    log_free(&changelog);
    return states;
}

/* The next record of an employee behind `after`; a->count if there is none. */
static size_t next_of(const struct log *log, const struct kept *of, size_t from) {
    while (from < log->count && (log->records[from].key_len != of->key_len ||
                                 memcmp(log->records[from].key, of->key, of->key_len) != 0))
        from++;
    return from;
}

/* The same records for each employee, in the same order; between employees the order is nobody's promise. */
static void assert_same(const struct log *a, const struct log *b) {
    assert_int_equal(a->count, b->count);
    assert_true(a->count > 50);
    for (size_t i = 0; i < a->count; i++) {
        const struct kept *first = &a->records[i];
        if (next_of(a, first, 0) != i)
            continue;
        size_t in_b = next_of(b, first, 0);
        for (size_t in_a = i; in_a < a->count; in_a = next_of(a, first, in_a + 1)) {
            assert_true(in_b < b->count);
            const struct kept *x = &a->records[in_a], *y = &b->records[in_b];
            assert_int_equal(x->value_len, y->value_len);
            if (x->value)
                assert_memory_equal(x->value, y->value, x->value_len);
            in_b = next_of(b, first, in_b + 1);
        }
        assert_int_equal(in_b, b->count);
    }
}

/* What must have come to pass for a comparison to say much. */
static const char *const wanted[] = {"\"status\":\"exempt\"",
                                     "\"status\":\"non_compliant\"",
                                     "\"stage\":\"verbal_warning\"",
                                     "\"stage\":\"written_warning\"",
                                     "\"basis\":\"retracted\"",
                                     "\"gate\":\"pending\"",
                                     "\"gate\":\"vp_approved\"",
                                     "\"cause\":\"calendar\"",
                                     "\"cause\":\"leave\"",
                                     "\"corrected_status\":\"",
                                     "held 3",
                                     "repeat",
                                     "out_of_order",
                                     "cancel_of_nothing"};
#define WANTED (sizeof wanted / sizeof wanted[0])

static void note_what_came(const struct log *log, bool came[WANTED]) {
    for (size_t i = 0; i < log->count; i++)
        for (size_t w = 0; w < WANTED; w++)
            came[w] = came[w] || (log->records[i].value && strstr(log->records[i].value, wanted[w]));
}

static void compare_runs(unsigned count, unsigned restart_in, unsigned tail, bool compact, unsigned seeds) {
    bool came[WANTED] = {false};
    struct config *config = load_company();
    for (unsigned seed = 1; seed <= seeds; seed++) {
        struct log calm = run(config, seed, count, 0, 0, false);
        struct log shaken = run(config, seed, count, restart_in, tail, compact);
        assert_same(&calm, &shaken);
        note_what_came(&calm, came);
        log_free(&calm);
        log_free(&shaken);
    }
    for (size_t w = 0; w < WANTED; w++)
        if (!came[w])
            fail_msg("nothing has come of %s", wanted[w]);
    config_free(&config);
}

static void restart_at_every_record(void **state) {
    (void)state;
    compare_runs(2000, 1, 0, true, 6);
}

static void restart_now_and_then_without_compaction(void **state) {
    (void)state;
    compare_runs(1500, 60, 0, false, 5);
}

static void restart_now_and_then_after_compaction(void **state) {
    (void)state;
    compare_runs(3000, 100, 0, true, 5);
}

static void what_was_not_committed_is_overruled(void **state) {
    (void)state;
    compare_runs(1500, 60, 90, false, 5);
    compare_runs(1500, 60, 90, true, 5);
}

static void a_block_that_is_not_sound_is_refused(void **state) {
    (void)state;
    struct config *config = load_company();
    struct task_setup setup = setup_of(config);
    struct outbox box;
    outbox_init(&box);
    struct birth birth = {0, 1, 8, 7, setup.complete_from, {0}};
    changelog_write_birth(&box, &birth);
    const struct out_record *r = &box.records[0];
    char error[256];
    for (size_t i = 0; i < r->value_len; i++) { /* every byte damaged, every truncation */
        char *bytes = copy_bytes(r->value, r->value_len);
        struct restore *restore = restore_new(&setup);
        bytes[i] ^= 0x10;
        assert_int_equal(restore_apply(restore, r->key, r->key_len, bytes, r->value_len, error, sizeof error),
                         RESTORE_REFUSED);
        bytes[i] ^= 0x10;
        assert_int_equal(restore_apply(restore, r->key, r->key_len, bytes, i, error, sizeof error),
                         RESTORE_REFUSED);
        restore_free(&restore);
        free(bytes);
    }
    outbox_fini(&box);
    config_free(&config);
}

static void a_changelog_without_birth_is_refused(void **state) {
    (void)state;
    struct config *config = load_company();
    struct task_setup setup = setup_of(config);
    struct restore *restore = restore_new(&setup);
    struct restored restored;
    char error[256];
    assert_int_equal(restore_finish(restore, &restored, error, sizeof error), RESTORE_REFUSED);
    struct task *task = task_new(&setup);
    changelog_write(task, NULL, 0);
    const struct out_record *r = &task_outbox(task)->records[0];
    assert_int_equal(restore_apply(restore, r->key, r->key_len, r->value, r->value_len, error, sizeof error),
                     RESTORE_REFUSED);
    assert_non_null(strstr(error, "birth"));
    task_free(&task);
    restore_free(&restore);
    config_free(&config);
}

/* ---- what no task wrote, found by tests/fuzz/fuzz_changelog.c
 * ------------------------------------------------------------------------------------------------- */

/* Why the log is refused; "" if it is not. */
static const char *refusal(const struct log *log, const struct task_setup *setup) {
    static char error[256];
    struct restored restored = {0};
    struct restore *restore = restore_new(setup);
    enum restore_result result = RESTORE_OK;
    for (size_t i = 0; i < log->count && result == RESTORE_OK; i++)
        result = restore_apply(restore, log->records[i].key, log->records[i].key_len, log->records[i].value,
                               log->records[i].value_len, error, sizeof error);
    if (result == RESTORE_OK)
        result = restore_finish(restore, &restored, error, sizeof error);
    if (result == RESTORE_OK)
        error[0] = '\0';
    restore_free(&restore);
    task_free(&restored.task);
    free(restored.positions);
    return error;
}

/* The log of a task of a few hundred records, written now and then and compacted; enough for nulled deltas.
 */
static struct log written_log(const struct task_setup *setup) {
    struct log log = {0};
    struct task *task = task_new(setup);
    struct birth birth = {0, 1, setup->segments, setup->hash_seed, setup->complete_from, {0}};
    unsigned state = 3;
    int64_t clock_ms = INT64_C(1672700000000);
    changelog_write_birth(task_outbox(task), &birth);
    log_append(&log, task_outbox(task));
    for (unsigned i = 0; i < 400; i++) {
        struct record record;
        struct task_verdict verdict;
        make_record(&record, &state, i, &clock_ms);
        outbox_clear(task_outbox(task));
        task_apply(task, &record.input, 1, &verdict);
        if (i % 5 > 0)
            continue;
        struct position position = {TOPIC_SWIPES, 0, i + 1, {clock_ms}};
        changelog_write(task, &position, 1);
        log_append(&log, task_outbox(task));
    }
    task_free(&task);
    log_compact(&log);
    return log;
}

/* A record that is gone would leave people out, or as they were before it. */
static void a_changelog_with_a_gap_is_refused(void **state) {
    (void)state;
    struct config *config = load_company();
    struct task_setup setup = setup_of(config);
    struct log log = written_log(&setup);
    unsigned deltas = 0, snapshots = 0;
    assert_string_equal(refusal(&log, &setup), "");
    for (size_t i = 0; i < log.count; i++) {
        struct kept *gone = &log.records[i], whole = *gone;
        deltas += whole.key[0] == 'd';
        snapshots += whole.key[0] == 's';
        if (whole.key[0] == 'c') /* what was never asserted and what is lost look alike */
            continue;
        *gone = (struct kept){.key = whole.key, .key_len = whole.key_len};
        if (refusal(&log, &setup)[0] == '\0')
            fail_msg("nobody misses %.*s", (int)whole.key_len, whole.key);
        *gone = whole;
    }
    assert_true(deltas > 1 && snapshots > 1);
    log_free(&log);
    config_free(&config);
}

static void log_add_block(struct log *log, const char *key, const struct block_header *header,
                          const struct block_writer *payload) {
    struct kept kept = {copy_bytes(key, strlen(key)), malloc(BLOCK_HEADER_BYTES + payload->used), strlen(key),
                        BLOCK_HEADER_BYTES + payload->used};
    assert_non_null(kept.value);
    block_frame(kept.value, header, payload->bytes, payload->used);
    log->records = realloc(log->records, (log->count + 1) * sizeof *log->records);
    assert_non_null(log->records);
    log->records[log->count++] = kept;
    free(payload->bytes);
}

static struct log born_log(const struct task_setup *setup) {
    struct log log = {0};
    struct outbox box;
    struct birth birth = {0, 1, setup->segments, setup->hash_seed, setup->complete_from, {0}};
    outbox_init(&box);
    changelog_write_birth(&box, &birth);
    log_append(&log, &box);
    outbox_fini(&box);
    return log;
}

/* The numbers of a task record, by their place in it. */
enum { CLOCK, COMPLETE_FROM, OLDEST_DELTA, NEXT_SEGMENT, DEBT, CLOSES_DONE, NUMBERS };

static const char *refusal_of_numbers(const struct task_setup *setup, const int64_t numbers[NUMBERS],
                                      uint64_t next_delta) {
    struct log log = born_log(setup);
    struct block_writer w = {0};
    block_put_int(&w, numbers[CLOCK]);
    block_put_int(&w, numbers[COMPLETE_FROM]);
    block_put_raw(&w, setup->rules->hash, sizeof setup->rules->hash);
    block_put_uint(&w, (uint64_t)numbers[OLDEST_DELTA]);
    block_put_uint(&w, (uint64_t)numbers[NEXT_SEGMENT]);
    block_put_int(&w, numbers[DEBT]);
    block_put_uint(&w, (uint64_t)numbers[CLOSES_DONE]);
    log_add_block(&log, "task", &(struct block_header){BLOCK_TASK, 1, next_delta, 0}, &w);
    const char *why = refusal(&log, setup);
    log_free(&log);
    return why;
}

static void numbers_that_no_task_wrote_are_refused(void **state) {
    (void)state;
    struct config *config = load_company();
    struct task_setup setup = setup_of(config);
    const int64_t sound[NUMBERS] = {INT64_C(1672700000000), 19359, 1, 0, -5000, 3};
    static const struct {
        int which;
        int64_t number;
    } wrong[] = {{CLOCK, INT64_MAX},         {CLOCK, INT64_MIN + 1},
                 {COMPLETE_FROM, INT32_MIN}, {COMPLETE_FROM, 1 << 30},
                 {COMPLETE_FROM, INT64_MAX}, {OLDEST_DELTA, 0},
                 {OLDEST_DELTA, 2},          {OLDEST_DELTA, INT64_MAX},
                 {NEXT_SEGMENT, 8},          {NEXT_SEGMENT, INT64_C(1) << 32},
                 {DEBT, INT64_MAX},          {DEBT, INT64_MIN}};
    assert_string_equal(refusal_of_numbers(&setup, sound, 1), "");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t numbers[NUMBERS];
        memcpy(numbers, sound, sizeof numbers);
        numbers[wrong[i].which] = wrong[i].number;
        if (refusal_of_numbers(&setup, numbers, 1)[0] == '\0')
            fail_msg("%lld is taken for number %d", (long long)wrong[i].number, wrong[i].which);
    }
    assert_string_not_equal(refusal_of_numbers(&setup, sound, UINT64_MAX), "");
    config_free(&config);
}

/* One person as no task would write them: where `roster` records stand, or a status, or a day. */
static const char *refusal_of_person(const struct task_setup *setup, uint64_t status, int64_t known_on,
                                     uint64_t seq, unsigned roster) {
    struct log log = born_log(setup);
    struct block_writer w = {0};
    const uint64_t days[2] = {0};
    block_put_uint(&w, 1);
    block_put_text(&w, "office-3d", 9);
    block_put_uint(&w, ENTRY_WHOLE);
    block_put_text(&w, "p1", 2);
    block_put_int(&w, 19400);
    block_put_raw(&w, days, sizeof days);
    block_put_uint(&w, status);
    block_put_int(&w, INT64_C(1672700000000));
    for (int i = 0; i < 2; i++) /* topic, partition */
        block_put_uint(&w, 0);
    block_put_int(&w, 0);
    block_put_int(&w, known_on);
    block_put_uint(&w, seq);
    block_put_int(&w, 19400);
    for (int i = 0; i < 2; i++) /* stage and seq of the case */
        block_put_uint(&w, 0);
    block_put_uint(&w, roster);
    for (unsigned i = 0; i < roster; i++) {
        block_put_int(&w, (int64_t)i);
        for (int j = 0; j < 2; j++)
            block_put_int(&w, INT32_MIN);
        block_put_uint(&w, 0);
        for (int j = 0; j < 2; j++) /* expects the office; policy 1 of the names */
            block_put_uint(&w, 1);
        for (int j = 0; j < 3; j++)
            block_put_uint(&w, 0);
    }
    block_put_uint(&w, 0);
    log_add_block(&log, "d1", &(struct block_header){BLOCK_DELTA, 1, 2, 1}, &w);
    struct block_writer t = {0};
    block_put_int(&t, INT64_C(1677000000000));
    block_put_int(&t, 19359);
    block_put_raw(&t, setup->rules->hash, sizeof setup->rules->hash);
    block_put_uint(&t, 1);
    for (int i = 0; i < 3; i++) /* next segment, debt, closes done */
        block_put_uint(&t, 0);
    log_add_block(&log, "task", &(struct block_header){BLOCK_TASK, 1, 2, 0}, &t);
    const char *why = refusal(&log, setup);
    log_free(&log);
    return why;
}

static void a_person_that_no_task_wrote_is_refused(void **state) {
    (void)state;
    struct config *config = load_company();
    struct task_setup setup = setup_of(config);
    assert_string_equal(refusal_of_person(&setup, 3, 19400, 1, 2), "");
    assert_string_not_equal(refusal_of_person(&setup, 7, 19400, 1, 2), "");
    assert_string_not_equal(refusal_of_person(&setup, 256 + 3, 19400, 1, 2), "");
    assert_string_not_equal(refusal_of_person(&setup, 3, INT32_MIN, 1, 2), "");
    assert_string_not_equal(refusal_of_person(&setup, 3, (INT64_C(1) << 32) + 19400, 1, 2), "");
    assert_string_not_equal(refusal_of_person(&setup, 3, 19400, 0, 2), "");
    assert_string_not_equal(refusal_of_person(&setup, 3, 19400, INT64_C(1) << 32, 2), "");
    assert_string_not_equal(refusal_of_person(&setup, 3, 19400, 1, 70000), "");
    config_free(&config);
}

/* Whoever nothing is written of while more days go by than a ledger has. */
static void a_year_without_records(void **state) {
    (void)state;
    struct config *config = load_company();
    struct task_setup setup = setup_of(config);
    struct log changelog = born_log(&setup);
    struct log states[2] = {{0}, {0}};
    struct restored restored;
    unsigned dice = 5;
    int64_t clock_ms = INT64_C(1672700000000);
    struct task *tasks[2] = {restore_from(&changelog, &setup, &restored), NULL};
    free(restored.positions);
    for (unsigned i = 0; i < 600; i++) {
        struct record record;
        struct task_verdict verdict;
        make_record(&record, &dice, i, &clock_ms);
        task_apply(tasks[0], &record.input, 1, &verdict);
    }
    size_t before = 0;
    for (unsigned i = 0; i < 2; i++) { /* all that time changes it changes in the first half */
        clock_ms += 200 * INT64_C(86400000);
        task_advance(tasks[0], (arrival_time){clock_ms});
        before = changelog.count;
        if (i == 0)
            changelog_write_whole(tasks[0]);
        outbox_clear(task_outbox(tasks[0]));
        changelog_write(tasks[0], NULL, 0);
        log_append(&changelog, task_outbox(tasks[0]));
    }
    assert_int_equal(changelog.count, before + 1); /* the task record alone */
    outbox_clear(task_outbox(tasks[0]));
    tasks[1] = restore_from(&changelog, &setup, &restored);
    for (unsigned i = 0; i < 2; i++) {
        unsigned same_dice = 6;
        int64_t ms = clock_ms;
        for (unsigned person = 0; person < PEOPLE; person++) { /* whose record tells the open day */
            struct record record = {.input = {.topic = TOPIC_ROSTER, .offset = person, .arrival = {ms}}};
            struct task_verdict verdict;
            snprintf(record.value, sizeof record.value, "{\"employee_id\":\"p%u\",\"expectation\":\"none\"}",
                     person);
            record.input.value = record.value;
            record.input.value_len = strlen(record.value);
            task_apply(tasks[i], &record.input, 1, &verdict);
        }
        for (unsigned j = 0; j < 900; j++) {
            struct record record;
            struct task_verdict verdict;
            make_record(&record, &same_dice, j, &ms);
            task_apply(tasks[i], &record.input, 1, &verdict);
        }
        append_states(&states[i], task_outbox(tasks[i]));
        task_free(&tasks[i]);
        free(i ? restored.positions : NULL);
    }
    assert_same(&states[0], &states[1]);
    log_free(&states[0]);
    log_free(&states[1]);
    log_free(&changelog);
    config_free(&config);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(restart_at_every_record),
    cmocka_unit_test(restart_now_and_then_without_compaction),
    cmocka_unit_test(restart_now_and_then_after_compaction),
    cmocka_unit_test(what_was_not_committed_is_overruled),
    cmocka_unit_test(a_block_that_is_not_sound_is_refused),
    cmocka_unit_test(a_changelog_without_birth_is_refused),
    cmocka_unit_test(a_changelog_with_a_gap_is_refused),
    cmocka_unit_test(numbers_that_no_task_wrote_are_refused),
    cmocka_unit_test(a_person_that_no_task_wrote_is_refused),
    cmocka_unit_test(a_year_without_records),
};

UNIT_TEST_MAIN(tests)
