/* The merge against the obvious way to do it: all records of a log sorted by (arrival, topic, partition,
 * offset). */
#include "unit_test.h"

#include "merge.h"

#include <stdlib.h>

#define INPUTS_MAX  8
#define RECORDS_MAX 4000

/* One record of the modelled log; `id` names it, `stamp` is its Kafka timestamp. */
struct logged {
    size_t input;
    enum topic topic;
    int32_t partition;
    int64_t offset;
    int64_t stamp, arrival;
    size_t id;
};

struct log {
    size_t inputs;
    enum topic topics[INPUTS_MAX];
    int32_t partitions[INPUTS_MAX];
    struct logged records[RECORDS_MAX];
    size_t count;
    int64_t next_offset[INPUTS_MAX]; /* the log's end */
    int64_t largest[INPUTS_MAX];
};

static uint64_t seed_state;

static uint64_t next_random(void) {
    seed_state ^= seed_state << 13;
    seed_state ^= seed_state >> 7;
    seed_state ^= seed_state << 17;
    return seed_state;
}

static size_t below(size_t limit) {
    return (size_t)(next_random() % limit);
}

static int compare(const void *left, const void *right) {
    const struct logged *a = left, *b = right;
    if (a->arrival != b->arrival)
        return a->arrival < b->arrival ? -1 : 1;
    if (a->topic != b->topic)
        return a->topic < b->topic ? -1 : 1;
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static void set_up_inputs(struct log *log, struct merge *merge) {
    static const enum topic topics[INPUTS_MAX] = {TOPIC_SWIPES,   TOPIC_CALENDAR, TOPIC_ROSTER,
                                                  TOPIC_CALENDAR, TOPIC_LEAVE,    TOPIC_DECISIONS,
                                                  TOPIC_CALENDAR, TOPIC_SWIPES};
    static const int32_t partitions[INPUTS_MAX] = {3, 1, 3, 0, 3, 3, 2, 4};
    log->inputs = 1 + below(INPUTS_MAX);
    for (size_t i = 0; i < log->inputs; i++) {
        log->topics[i] = topics[i];
        log->partitions[i] = partitions[i];
        log->next_offset[i] = (int64_t)below(5);
        log->largest[i] = INT64_MIN;
        assert_int_equal(
            merge_add_input(merge, topics[i], partitions[i], log->next_offset[i], (arrival_time){INT64_MIN}),
            i);
    }
}

static struct logged *append(struct log *log, size_t input, int64_t stamp) {
    struct logged *r = &log->records[log->count];
    log->next_offset[input] += below(10) == 0 ? 2 : 0; /* a marker, a compacted record */
    if (stamp > log->largest[input])
        log->largest[input] = stamp;
    *r = (struct logged){input,
                         log->topics[input],
                         log->partitions[input],
                         log->next_offset[input]++,
                         stamp,
                         log->largest[input],
                         log->count};
    log->count++;
    return r;
}

static void push_one(struct merge *merge, struct logged *r) {
    merge_push(merge, r->input, &(struct merge_record){r->offset, {r->stamp}, r, false}, 1);
}

/* Pops what there is; checks that each record carries its own arrival; returns the new count of `out`. */
static size_t pop_all(struct merge *merge, const struct logged **out, size_t count) {
    struct merge_record popped[7];
    size_t input, n;
    while ((n = merge_pop(merge, popped, &input, 1 + below(7))) > 0)
        for (size_t i = 0; i < n; i++) {
            const struct logged *r = popped[i].message;
            assert_int_equal(r->input, input);
            assert_int_equal(r->offset, popped[i].offset);
            assert_int_equal(r->arrival, popped[i].arrival.ms);
            out[count++] = r;
        }
    return count;
}

static void must_not_drop(void *context, size_t input, void *message) {
    (void)context;
    (void)input;
    (void)message;
    fail();
}

static struct log the_log;
static const struct logged *came_out[RECORDS_MAX];

static void assert_sorted(const struct log *log) {
    static struct logged sorted[RECORDS_MAX];
    memcpy(sorted, log->records, log->count * sizeof sorted[0]);
    qsort(sorted, log->count, sizeof sorted[0], compare);
    for (size_t i = 0; i < log->count; i++)
        assert_int_equal(came_out[i]->id, sorted[i].id);
}

/* A log that does not grow, pushed in any interleaving of its inputs: the order is that of a sort. */
static void any_interleaving_gives_the_sorted_order(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        seed_state = seed * 0x9e3779b97f4a7c15u;
        struct log *log = &the_log;
        struct merge *merge = merge_new();
        log->count = 0;
        set_up_inputs(log, merge);
        size_t total = below(RECORDS_MAX), next[INPUTS_MAX] = {0}, done = 0, pushed = 0;
        for (size_t i = 0; i < total; i++)
            append(log, below(log->inputs), (int64_t)below(400)); /* ties, and stamps that fall */
        int64_t ends[INPUTS_MAX];
        memcpy(ends, log->next_offset, sizeof ends);
        if (below(2) == 0)
            merge_confirm(merge, ends, (arrival_time){INT64_MAX});
        while (pushed < total) {
            size_t input = below(log->inputs);
            for (size_t burst = 1 + below(100); burst > 0; burst--) {
                while (next[input] < total && log->records[next[input]].input != input)
                    next[input]++;
                if (next[input] == total)
                    break;
                push_one(merge, &log->records[next[input]++]);
                pushed++;
            }
            done = pop_all(merge, came_out, done);
            if (below(4) == 0) {
                merge_mark(merge);
                merge_confirm(merge, ends, (arrival_time){INT64_MIN});
            }
        }
        for (size_t i = 0; i < log->inputs; i++)
            merge_read_to(merge, i, ends[i]);
        merge_mark(merge);
        merge_confirm(merge, ends, (arrival_time){INT64_MIN});
        done = pop_all(merge, came_out, done);
        assert_int_equal(done, total);
        assert_int_equal(merge_state(merge), MERGE_AT_END);
        assert_sorted(log);
        merge_free(&merge, must_not_drop, NULL);
        assert_null(merge);
    }
}

/* A log that grows while it is read, stamped by one clock: each step appends, reads some, or asks. */
static void a_growing_log_gives_the_sorted_order(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        seed_state = seed * 0xd1342543de82ef95u;
        struct log *log = &the_log;
        struct merge *merge = merge_new();
        log->count = 0;
        set_up_inputs(log, merge);
        size_t total = 1 + below(RECORDS_MAX - 1), next[INPUTS_MAX] = {0}, done = 0;
        int64_t clock = 1000;
        bool grows = true;
        while (done < total) {
            size_t input = below(log->inputs);
            clock += below(3) == 0;
            switch (below(grows ? 5 : 3)) {
            case 0: /* read a burst of one input */
            case 1:
                for (size_t burst = 1 + below(60); burst > 0; burst--) {
                    while (next[input] < log->count && log->records[next[input]].input != input)
                        next[input]++;
                    if (next[input] == log->count) {
                        merge_read_to(merge, input, log->next_offset[input]);
                        break;
                    }
                    push_one(merge, &log->records[next[input]++]);
                }
                break;
            case 2: { /* ask: records that are appended later are stamped later, or at the same millisecond */
                merge_mark(merge);
                int64_t ends[INPUTS_MAX];
                memcpy(ends, log->next_offset, sizeof ends);
                merge_confirm(merge, ends, (arrival_time){below(2) ? clock - 1 : INT64_MIN});
                clock++;
                break;
            }
            default:
                for (size_t burst = 1 + below(60); burst > 0 && log->count < total; burst--)
                    append(log, below(log->inputs), clock);
                grows = log->count < total;
            }
            done = pop_all(merge, came_out, done);
        }
        assert_int_equal(merge_behind(merge), 0);
        assert_sorted(log);
        merge_free(&merge, must_not_drop, NULL);
    }
}

/* The ends of two inputs, asked and answered. */
static void ask(struct merge *merge, int64_t first, int64_t second) {
    merge_mark(merge);
    merge_confirm(merge, (int64_t[]){first, second}, (arrival_time){INT64_MIN});
}

static struct merge *swipes_and_roster(size_t *swipes, size_t *roster) {
    struct merge *merge = merge_new();
    *swipes = merge_add_input(merge, TOPIC_SWIPES, 0, 0, (arrival_time){INT64_MIN});
    *roster = merge_add_input(merge, TOPIC_ROSTER, 0, 10, (arrival_time){INT64_MIN});
    return merge;
}

static void push_stamped(struct merge *merge, size_t input, int64_t offset, int64_t stamp) {
    merge_push(merge, input, &(struct merge_record){offset, {stamp}, NULL, false}, 1);
}

static void an_input_that_is_not_read_to_its_end_blocks(void **state) {
    (void)state;
    struct merge_record out[4];
    size_t swipes, roster, from;
    struct merge *merge = swipes_and_roster(&swipes, &roster);
    push_stamped(merge, swipes, 0, 100);
    assert_int_equal(merge_state(merge), MERGE_WAITS);
    ask(merge, 1, 12);
    assert_true(merge_waits_for(merge, roster));
    assert_false(merge_waits_for(merge, swipes));
    assert_int_equal(merge_pop(merge, out, &from, 4), 0);
    push_stamped(merge, roster, 10, 100); /* the same arrival: the roster comes first */
    assert_int_equal(merge_pop(merge, out, &from, 4), 0);
    assert_int_equal(merge_state(merge), MERGE_UNCONFIRMED); /* read after the asking */
    ask(merge, 1, 12);
    assert_int_equal(merge_pop(merge, out, &from, 4), 1);
    assert_int_equal(from, roster);
    assert_int_equal(merge_state(merge), MERGE_WAITS); /* offset 11 is still to come */
    merge_read_to(merge, roster, 12);                  /* it was a transaction marker */
    assert_int_equal(merge_pop(merge, out, &from, 4), 1);
    assert_int_equal(from, swipes);
    assert_int_equal(merge_state(merge), MERGE_AT_END);
    assert_int_equal(merge_behind(merge), 0);
    merge_free(&merge, must_not_drop, NULL);
}

static void what_is_read_after_the_asking_waits_for_the_next(void **state) {
    (void)state;
    struct merge_record out[4];
    size_t swipes, roster, from;
    struct merge *merge = swipes_and_roster(&swipes, &roster);
    push_stamped(merge, swipes, 0, 100);
    ask(merge, 2, 10);
    push_stamped(merge, swipes, 1, 101);
    assert_int_equal(merge_pop(merge, out, &from, 4), 1);
    assert_int_equal(merge_state(merge), MERGE_UNCONFIRMED);
    ask(merge, 2, 10);
    assert_int_equal(merge_pop(merge, out, &from, 4), 1);
    /* But not what is stamped before the asking by more than clocks may differ. */
    merge_mark(merge);
    merge_confirm(merge, (int64_t[]){2, 10}, (arrival_time){200});
    push_stamped(merge, swipes, 2, 200);
    push_stamped(merge, swipes, 3, 201);
    assert_int_equal(merge_pop(merge, out, &from, 4), 1);
    assert_int_equal(out[0].offset, 2);
    ask(merge, 4, 10);
    assert_int_equal(merge_pop(merge, out, &from, 4), 1);
    merge_free(&merge, must_not_drop, NULL);
}

static void records_behind_are_counted_and_come_out(void **state) {
    (void)state;
    struct merge_record out[4];
    size_t swipes, roster, from;
    struct merge *merge = swipes_and_roster(&swipes, &roster);
    push_stamped(merge, swipes, 0, 100);
    ask(merge, 1, 10);
    assert_int_equal(merge_pop(merge, out, &from, 4), 1);
    push_stamped(merge, roster, 10, 100); /* belongs before the swipe */
    push_stamped(merge, roster, 11, 101);
    ask(merge, 1, 12);
    assert_int_equal(merge_pop(merge, out, &from, 4), 2);
    assert_int_equal(merge_behind(merge), 1);
    merge_advance(merge, (arrival_time){500});
    push_stamped(merge, swipes, 1, 499);
    push_stamped(merge, swipes, 2, 500);
    ask(merge, 3, 12);
    assert_int_equal(merge_pop(merge, out, &from, 4), 2);
    assert_int_equal(merge_behind(merge), 2);
    merge_free(&merge, must_not_drop, NULL);
}

static void count_dropped(void *dropped, size_t input, void *message) {
    assert_int_equal(input, 0);
    *(int *)dropped += *(int *)message;
}

static void what_is_held_is_dropped_when_freed(void **state) {
    (void)state;
    struct merge *merge = merge_new();
    merge_add_input(merge, TOPIC_SWIPES, 0, 0, (arrival_time){50});
    int one = 1;
    struct merge_record records[100], out[3];
    for (int i = 0; i < 100; i++)
        records[i] = (struct merge_record){i, {i}, &one, i == 1};
    merge_push(merge, 0, records, 100);
    assert_int_equal(merge_pending(merge, 0), 100);
    assert_int_equal(merge_position(merge, 0), 100);
    merge_mark(merge);
    merge_confirm(merge, (int64_t[]){100}, (arrival_time){INT64_MIN});
    size_t from;
    assert_int_equal(merge_pop(merge, out, &from, 3), 3);
    assert_int_equal(out[2].arrival.ms, 50); /* monotone from what came before the first record */
    assert_true(out[1].is_refused);
    int dropped = 0;
    merge_free(&merge, count_dropped, &dropped);
    assert_int_equal(dropped, 97);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(any_interleaving_gives_the_sorted_order),
    cmocka_unit_test(a_growing_log_gives_the_sorted_order),
    cmocka_unit_test(an_input_that_is_not_read_to_its_end_blocks),
    cmocka_unit_test(what_is_read_after_the_asking_waits_for_the_next),
    cmocka_unit_test(records_behind_are_counted_and_come_out),
    cmocka_unit_test(what_is_held_is_dropped_when_freed),
};
UNIT_TEST_MAIN(tests)
