/* What a task refuses because of how a record came, which files cannot show (SPEC 2): keys, null values, and
 * records that the driver has refused already. Each moves the clock, is counted, and makes nobody known. */
#include "task.h"

#include "config_fixture.h"

#define NOON 1682942400000 /* 2023-05-01T12:00:00Z */

struct world {
    struct loaded loaded;
    struct task *task;
};

static struct world world_new(void) {
    struct world world = {.loaded = load((struct load){.settings = SETTINGS})};
    assert_string_equal(world.loaded.text, "");
    struct task_setup setup = {.rules = &world.loaded.config->rules,
                               .fields = &world.loaded.config->fields,
                               .employees = 16,
                               .segments = 1,
                               .complete_from = DAY_NONE,
                               .source = "test"};
    world.task = task_new(&setup);
    return world;
}

static void world_free(struct world *world) {
    task_free(&world->task);
    unload(&world->loaded);
}

static struct task_input input_of(enum topic topic, const char *key, const char *value) {
    return (struct task_input){.topic = topic,
                               .arrival = {NOON},
                               .has_key = true,
                               .key = key,
                               .key_len = key ? strlen(key) : 0,
                               .value = value,
                               .value_len = value ? strlen(value) : 0};
}

static void expect_ending(struct world *world, struct task_input input, enum reason reason,
                          const char *detail) {
    struct task_verdict verdict;
    uint64_t before = task_counts(world->task, input.topic)[reason];
    task_apply(world->task, &input, 1, &verdict);
    assert_string_equal(reason_name(verdict.reason), reason_name(reason));
    if (detail)
        assert_string_equal(verdict.detail.text, detail);
    assert_int_equal(task_counts(world->task, input.topic)[reason], before + 1);
}

#define PERSON "\"employee_id\":\"E1\""
static const struct {
    enum topic topic;
    const char *value;
} keyed[] = {
    {TOPIC_ROSTER, "{" PERSON "}"},
    {TOPIC_SWIPES, "{" PERSON ",\"occurred_at\":\"2023-05-01T09:00:00Z\"}"},
    {TOPIC_LEAVE,
     "{" PERSON ",\"leave_id\":\"L\",\"from\":\"2023-05-01\",\"to\":\"2023-05-02\",\"effect\":\"excuse\"}"},
    {TOPIC_DECISIONS,
     "{" PERSON
     ",\"decision_id\":\"D\",\"kind\":\"dispute_opened\",\"decided_by\":\"H\",\"decided_by_role\":\"hr\","
     "\"decided_at\":\"2023-05-01T09:00:00Z\"}"},
    {TOPIC_CALENDAR, "{\"site_id\":\"SEA33\",\"kind\":\"release\"}"},
};

/* The key must be the field, byte for byte: otherwise two owners would each know half of a person. */
static void a_key_that_is_not_the_field(void **state) {
    (void)state;
    static const char *const wrong[] = {"E2", "E", "E11", "e1", "E1 ", "\"E1\"", "SEA3", "SEA333", "", NULL};
    struct world world = world_new();
    for (size_t t = 0; t < sizeof keyed / sizeof keyed[0]; t++)
        for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++)
            expect_ending(&world, input_of(keyed[t].topic, wrong[k], keyed[t].value), REASON_key_mismatch,
                          "the message key is not the field that the topic is keyed by");
    assert_int_equal(task_people(world.task), 0);
    assert_int_equal(task_outbox(world.task)->count, 0);
    assert_int_equal(task_clock(world.task).ms, NOON);
    for (size_t t = 0; t < sizeof keyed / sizeof keyed[0]; t++)
        expect_ending(
            &world,
            input_of(keyed[t].topic, keyed[t].topic == TOPIC_CALENDAR ? "SEA33" : "E1", keyed[t].value),
            REASON_applied, NULL);
    assert_int_equal(task_people(world.task), 1);
    world_free(&world);
}

static void the_key_of_an_integer_is_its_text(void **state) {
    (void)state;
    struct world world = world_new();
    expect_ending(&world, input_of(TOPIC_ROSTER, "7", "{\"employee_id\":7}"), REASON_applied, NULL);
    expect_ending(&world, input_of(TOPIC_ROSTER, "0", "{\"employee_id\":-0}"), REASON_applied, NULL);
    expect_ending(&world, input_of(TOPIC_ROSTER, "-0", "{\"employee_id\":-0}"), REASON_key_mismatch, NULL);
    expect_ending(&world, input_of(TOPIC_ROSTER, "07", "{\"employee_id\":7}"), REASON_key_mismatch, NULL);
    world_free(&world);
}

/* Form, then the key, then what the record names (SPEC 2, checks). */
static void the_key_is_checked_after_the_form(void **state) {
    (void)state;
    struct world world = world_new();
    expect_ending(&world, input_of(TOPIC_ROSTER, "E2", "{" PERSON ",\"policy\":5}"), REASON_bad_field, NULL);
    expect_ending(&world, input_of(TOPIC_ROSTER, "E2", "{" PERSON ",\"home_zone\":\"Mars\"}"),
                  REASON_bad_field, NULL);
    expect_ending(&world, input_of(TOPIC_ROSTER, "E2", "{" PERSON ",\"policy\":\"q\"}"), REASON_key_mismatch,
                  NULL);
    expect_ending(&world, input_of(TOPIC_ROSTER, "E1", "{" PERSON ",\"policy\":\"q\",\"home_site\":\"X\"}"),
                  REASON_unknown_policy, NULL);
    expect_ending(&world, input_of(TOPIC_CALENDAR, "X", "{\"site_id\":\"Y\",\"kind\":\"release\"}"),
                  REASON_key_mismatch, NULL);
    expect_ending(&world, input_of(TOPIC_CALENDAR, "Y", "{\"site_id\":\"Y\",\"kind\":\"release\"}"),
                  REASON_unknown_site, NULL);
    for (size_t t = 1; t < 4; t++) { /* people.unknown is reject */
        expect_ending(&world, input_of(keyed[t].topic, "E2", keyed[t].value), REASON_key_mismatch, NULL);
        expect_ending(&world, input_of(keyed[t].topic, "E1", keyed[t].value), REASON_unknown_employee, NULL);
    }
    world_free(&world);
}

static void a_null_value_is_a_tombstone_of_the_roster_only(void **state) {
    (void)state;
    struct world world = world_new();
    static const enum topic others[] = {TOPIC_SWIPES, TOPIC_LEAVE, TOPIC_CALENDAR, TOPIC_DECISIONS};
    for (size_t t = 0; t < sizeof others / sizeof others[0]; t++)
        expect_ending(&world, input_of(others[t], "E1", NULL), REASON_bad_json, "no value");
    expect_ending(&world, input_of(TOPIC_ROSTER, NULL, NULL), REASON_bad_field,
                  "key: a null value forgets the person of the key, and this is no employee_id");
    expect_ending(&world, input_of(TOPIC_ROSTER, "", NULL), REASON_bad_field, NULL);
    expect_ending(&world, input_of(TOPIC_ROSTER, "E1", NULL), REASON_forget_of_nobody, NULL);
    expect_ending(&world, input_of(TOPIC_ROSTER, "E1", keyed[0].value), REASON_applied, NULL);
    expect_ending(&world, input_of(TOPIC_ROSTER, "E1", NULL), REASON_applied, NULL);
    assert_int_equal(task_people(world.task), 0);
    world_free(&world);
}

/* The driver has seen that a stamp lies too far ahead; the record itself would be fine. */
static void what_the_driver_refused_is_counted_and_no_more(void **state) {
    (void)state;
    struct world world = world_new();
    struct task_input input = input_of(TOPIC_ROSTER, "E1", keyed[0].value);
    input.refused = REASON_clock_ahead;
    input.refused_detail = "too far";
    expect_ending(&world, input, REASON_clock_ahead, "too far");
    assert_int_equal(task_people(world.task), 0);
    assert_int_equal(task_outbox(world.task)->count, 0);
    world_free(&world);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_key_that_is_not_the_field),
    cmocka_unit_test(the_key_of_an_integer_is_its_text),
    cmocka_unit_test(the_key_is_checked_after_the_form),
    cmocka_unit_test(a_null_value_is_a_tombstone_of_the_roster_only),
    cmocka_unit_test(what_the_driver_refused_is_counted_and_no_more),
};

UNIT_TEST_MAIN(tests)
