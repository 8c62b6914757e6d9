/* Offsets, changelog and log must agree: which disagreements stop the daemon, and that it says what is at
 * stake. */
#include "unit_test.h"

#include "positions.h"

static struct position recorded_at(int64_t offset) {
    return (struct position){.topic = TOPIC_ROSTER, .partition = 3, .offset = offset, .arrival = {0}};
}

static void assert_refused(bool agrees, struct outcome *outcome, const char *const *words) {
    assert_false(agrees);
    assert_int_equal(outcome_code(outcome), EX_CONFIG);
    for (; *words; words++)
        if (strstr(outcome->text, *words) == NULL)
            fail_msg("'%s' is not in: %s", *words, outcome->text);
}

static bool agree(struct outcome *outcome, int64_t committed, const struct position *recorded,
                  bool may_repeat) {
    struct position_claim claim = {.group = "g",
                                   .topic = "hr.roster",
                                   .partition = 3,
                                   .committed = committed,
                                   .recorded = recorded,
                                   .has_task_record = recorded != NULL,
                                   .may_repeat = may_repeat};
    return positions_agree(outcome, &claim);
}

static void equal_offsets_agree(void **state) {
    (void)state;
    struct outcome outcome = OUTCOME_INITIALIZER;
    struct position recorded = recorded_at(150);
    assert_true(agree(&outcome, 150, &recorded, false));
    assert_true(agree(&outcome, -1001, NULL, false));   /* the first run */
    assert_true(agree(&outcome, 120, &recorded, true)); /* at least once: the changelog may be ahead */
    assert_int_equal(outcome_code(&outcome), 0);
}

static void an_offset_set_back_is_refused(void **state) {
    (void)state;
    struct outcome outcome = OUTCOME_INITIALIZER;
    struct position recorded = recorded_at(150);
    static const char *const words[] = {"hr.roster[3]", "120", "150", "120 to 149", "applied twice", NULL};
    assert_refused(agree(&outcome, 120, &recorded, false), &outcome, words);
}

static void an_offset_set_forward_is_refused(void **state) {
    (void)state;
    struct position recorded = recorded_at(150);
    static const char *const words[] = {"hr.roster[3]", "150 to 199", "lost", NULL};
    struct outcome outcome = OUTCOME_INITIALIZER;
    assert_refused(agree(&outcome, 200, &recorded, false), &outcome, words);
    struct outcome repeating = OUTCOME_INITIALIZER; /* also where records may be repeated */
    assert_refused(agree(&repeating, 200, &recorded, true), &repeating, words);
}

static void deleted_offsets_are_refused(void **state) {
    (void)state;
    struct outcome outcome = OUTCOME_INITIALIZER;
    struct position recorded = recorded_at(150);
    static const char *const words[] = {"hr.roster[3]", "no committed offset", "150", NULL};
    assert_refused(agree(&outcome, -1001, &recorded, false), &outcome, words);
}

static void offsets_without_a_changelog_are_refused(void **state) {
    (void)state;
    struct outcome outcome = OUTCOME_INITIALIZER;
    static const char *const words[] = {"hr.roster[3]", "offset 150", "birth record and no state", NULL};
    assert_refused(agree(&outcome, 150, NULL, false), &outcome, words);
}

static void a_log_that_lost_what_is_next_is_refused(void **state) {
    (void)state;
    struct outcome outcome = OUTCOME_INITIALIZER;
    assert_true(positions_fit_the_log(&outcome, "badge.swipes", 0, 100, 100, 100));
    assert_true(positions_fit_the_log(&outcome, "badge.swipes", 0, -1001, 100, 200));
    assert_int_equal(outcome_code(&outcome), 0);
    static const char *const lost[] = {"badge.swipes[0]", "input is lost", "99 to 109", NULL};
    assert_refused(positions_fit_the_log(&outcome, "badge.swipes", 0, 99, 110, 200), &outcome, lost);
    struct outcome shorter = OUTCOME_INITIALIZER;
    static const char *const cut[] = {"badge.swipes[0]", "201", "ends at 200", NULL};
    assert_refused(positions_fit_the_log(&shorter, "badge.swipes", 0, 201, 110, 200), &shorter, cut);
}

static void the_first_failure_is_reported(void **state) {
    (void)state;
    struct outcome outcome = OUTCOME_INITIALIZER;
    outcome_fail(&outcome, EXIT_FENCED, "first %d", 1);
    outcome_fail(&outcome, EX_CONFIG, "second");
    assert_int_equal(outcome_code(&outcome), EXIT_FENCED);
    assert_string_equal(outcome.text, "first 1");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(equal_offsets_agree),
    cmocka_unit_test(an_offset_set_back_is_refused),
    cmocka_unit_test(an_offset_set_forward_is_refused),
    cmocka_unit_test(deleted_offsets_are_refused),
    cmocka_unit_test(offsets_without_a_changelog_are_refused),
    cmocka_unit_test(a_log_that_lost_what_is_next_is_refused),
    cmocka_unit_test(the_first_failure_is_reported),
};
UNIT_TEST_MAIN(tests)
