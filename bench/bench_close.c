/* The close of a day for 1.5 million people of one zone in one task: task_advance over midnight, everybody
 * judged. The floor reads every slot and every side record, in the same way, and judges nobody. Between two
 * closes the swipes of the next day are applied, which is not measured. Most come on three days a week; one
 * in ten comes as it happens, so that about 1 % change their status.
 *
 * One in five has leave, one in twenty a decision. Also the memory that the people take: growth of the
 * resident set while they are made known, over their number.
 *
 * bench_close CONFIG [PEOPLE]: prints one line of JSON. */
#include "measure.h"

#include "check.h"
#include "civil.h"
#include "outbox.h"
#include "people.h"
#include "stream.h"
#include "table.h"
#include "task.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define REPETITIONS  7u
#define HISTORY_DAYS 32
#define JOINING_DAYS                                                                                         \
    14u /* not all at once: a first verdict on everybody in one close would be measured as memory */
#define BATCH     64
#define PREFETCH  32u
#define DAY_MS    86400000
#define FIRST_DAY 20000

struct bench {
    const struct config *config;
    uint32_t people;
    struct task *task;
    struct table *table; /* of the floor: as many slots and side records */
    struct people *side;
    uint16_t zone;
    civil_day day;   /* the next one to be closed */
    uint32_t joined; /* of JOINING_DAYS */
    uint64_t random, sink, records, closes;
    struct task_input inputs[BATCH];
    struct task_verdict verdicts[BATCH];
    char values[BATCH][STREAM_VALUE_MAX], ids[BATCH][STREAM_ID_MAX];
    size_t batched;
};

static double resident_bytes(void) {
    unsigned long pages = 0;
    malloc_trim(0);
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL);
    CHECK(fscanf(file, "%*u %lu", &pages) == 1);
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static int64_t noon_ms(const struct bench *b, civil_day day) {
    return zone_day_over_ms(b->config->rules.zones, b->zone, day) - 12 * 3600000;
}

static int64_t due_ms(const struct bench *b) {
    return zone_day_over_ms(b->config->rules.zones, b->zone, b->day) + b->config->rules.settle_ms;
}

static void apply(struct bench *b) {
    task_apply(b->task, b->inputs, b->batched, b->verdicts);
    for (size_t i = 0; i < b->batched; i++)
        CHECK(b->verdicts[i].reason == REASON_applied);
    b->batched = 0;
    outbox_clear(task_outbox(b->task));
}

static int write_value(enum topic topic, uint32_t person, int64_t arrival_ms, char *out) {
    char from[CIVIL_TEXT_BYTES], to[CIVIL_TEXT_BYTES];
    civil_day day = {(int32_t)(arrival_ms / DAY_MS)};
    int len = snprintf(out, STREAM_VALUE_MAX, "{\"employee_id\":\"E%07u\",", person);
    char *rest = out + len;
    size_t room = STREAM_VALUE_MAX - (size_t)len;
    switch (topic) {
    case TOPIC_ROSTER:
        return len +
               snprintf(rest, room, "\"home_site\":\"SEA33\",\"manager_id\":\"E%07u\"}", person / 10 * 10);
    case TOPIC_LEAVE:
        civil_print(day_plus(day, 3), from);
        civil_print(day_plus(day, 7), to);
        return len + snprintf(rest, room,
                              "\"leave_id\":\"L%08u\",\"effect\":\"excuse\",\"from\":\"%s\",\"to\":\"%s\"}",
                              person, from, to);
    case TOPIC_DECISIONS:
        civil_print(day, from);
        return len +
               snprintf(rest, room,
                        "\"decision_id\":\"D%08u\",\"kind\":\"attendance_credit\",\"decided_by\":\"HR1\","
                        "\"decided_by_role\":\"hr\",\"decided_at\":\"%sT12:00:00Z\",\"day\":\"%s\"}",
                        person, from, from);
    default:
        return len +
               snprintf(rest, room, "\"occurred_at\":%lld,\"site_id\":\"SEA33\"}", (long long)arrival_ms);
    }
}

static void add(struct bench *b, enum topic topic, uint32_t person, int64_t arrival_ms) {
    char *value = b->values[b->batched], *id = b->ids[b->batched];
    size_t id_len = stream_write_id(person, id);
    int len = write_value(topic, person, arrival_ms, value);
    b->inputs[b->batched] = (struct task_input){
        .topic = topic,
        .arrival = {arrival_ms},
        .has_key = true,
        .key = id,
        .key_len = id_len,
        .value = value,
        .value_len = (size_t)len,
        .refused = REASON_applied,
    };
    if (++b->batched == BATCH)
        apply(b);
}

static bool comes(struct bench *b, uint32_t person, civil_day day) {
    uint64_t own = person, habit = stream_draw(&own);
    if (habit % 10 == 0)
        return stream_draw(&b->random) % 7 < 3;
    unsigned in_week = (unsigned)((habit >> 32) + (uint64_t)day.n) % 7;
    return in_week == 0 || in_week == 2 || in_week == 4;
}

/* Swipes of the day that is closed next; the clock stays before its close. */
static void live_a_day(void *context) {
    struct bench *b = context;
    for (uint32_t person = 0; person < b->people; person++)
        if (person % JOINING_DAYS < b->joined && comes(b, person, b->day))
            add(b, TOPIC_SWIPES, person, noon_ms(b, b->day));
    apply(b);
}

static void close_day(void *context) {
    struct bench *b = context;
    uint64_t before = task_closes_done(b->task);
    task_advance(b->task, (arrival_time){due_ms(b)});
    CHECK(task_closes_done(b->task) == before + 1);
    b->records += task_outbox(b->task)->count;
    b->closes++;
    outbox_clear(task_outbox(b->task));
    b->day = day_plus(b->day, 1);
}

static void read_all(void *context) {
    struct bench *b = context;
    uint32_t batch[PREFETCH];
    size_t count = 0;
    for (struct table_slot *slot = NULL; (slot = table_next(b->table, slot));) {
        struct slot_value value;
        table_get(slot, &value);
        b->sink += value.days[0];
        people_prefetch(b->side, value.person);
        batch[count++] = value.person;
        if (count < PREFETCH)
            continue;
        for (; count; count--)
            b->sink += (uint64_t)people_get(b->side, batch[count - 1])->known_on.n;
    }
}

static void make_floor(struct bench *b) {
    b->table = table_new(b->people, 1);
    b->side = people_new();
    for (uint32_t person = 0; person < b->people; person++) {
        char id[STREAM_ID_MAX];
        size_t len = stream_write_id(person, id);
        struct slot_value value = {.closed = 1, .person = people_add(b->side)};
        table_insert(b->table, id, len, table_hash(b->table, id, len), &value);
    }
}

static void join(struct bench *b, int64_t arrival_ms) {
    for (uint32_t person = b->joined; person < b->people; person += JOINING_DAYS)
        add(b, TOPIC_ROSTER, person, arrival_ms);
    /* By the ids, so that those who join on one day have them as often as others. */
    for (uint32_t person = b->joined; person < b->people; person += JOINING_DAYS) {
        if (person / JOINING_DAYS % 5 == 0)
            add(b, TOPIC_LEAVE, person, arrival_ms);
        if (person / JOINING_DAYS % 20 == 1)
            add(b, TOPIC_DECISIONS, person, arrival_ms);
    }
    apply(b);
    b->joined++;
}

static void make_task(struct bench *b) {
    struct task_setup setup = {.rules = &b->config->rules,
                               .fields = &b->config->fields,
                               .employees = b->people,
                               .hash_seed = 1,
                               .segments = 1024,
                               .complete_from = b->config->rules.complete_from,
                               .source = "/bench",
                               .has_guard = true};
    b->task = task_new(&setup);
    join(b, noon_ms(b, (civil_day){FIRST_DAY}));
    b->day = (civil_day){FIRST_DAY - 4};
    while (due_ms(b) < task_next_close(b->task).ms)
        b->day = day_plus(b->day, 1);
    while (b->day.n < FIRST_DAY + HISTORY_DAYS) {
        if (b->joined < JOINING_DAYS)
            join(b, noon_ms(b, b->day));
        live_a_day(b);
        close_day(b);
    }
    b->records = b->closes = 0;
}

int main(int argc, char **argv) {
    if (argc < 2)
        return EX_USAGE;
    struct config *config = config_load(argv[1], NULL, 0, CONFIG_FOR_REPLAY, false, stderr);
    if (config == NULL)
        return EX_CONFIG;
    struct bench *b = xcalloc(1, sizeof *b);
    b->config = config;
    b->people = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1500000;
    b->zone = zones_find(config->rules.zones, "America/Los_Angeles", strlen("America/Los_Angeles"));
    double before = resident_bytes();
    make_task(b);
    double each = (resident_bytes() - before) / b->people;
    make_floor(b);
    struct measure_subject s[] = {{.run = read_all, .context = b},
                                  {.prepare = live_a_day, .run = close_day, .context = b}};
    struct measure_quality quality = measure_interleaved(s, sizeof s / sizeof s[0], REPETITIONS);
    const struct measure_row rows[] = {
        {"a day, everybody judged", s[1].median / s[0].median, "time of reading slots and side records", ""},
        {"a day, everybody judged", s[1].median / b->people * 1e9, "ns a person", ""},
        {"a day, everybody judged", s[1].median * 1e3, "ms", ""},
        {"records published by it", (double)b->records / (double)b->closes / b->people, "of the people", ""},
        {"memory", each, "bytes of the resident set a person", ""},
        {"memory", each * 1500000 / 1e6, "MB for 1.5 million people", "< 300"},
        {"memory", each / MEMORY_PER_EMPLOYEE_BYTES, "of what limits.h sums up", "<= 1"},
    };
    measure_print(rows, sizeof rows / sizeof rows[0], &quality);
    people_free(&b->side);
    table_free(&b->table);
    task_free(&b->task);
    free(b);
    config_free(&config);
    return 0;
}
