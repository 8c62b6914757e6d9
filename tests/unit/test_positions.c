/* Offsets, changelog and log must agree: which disagreements stop the daemon, and that it says what is at
 * stake. */
#include "unit_test.h"

#include "positions.h"

#include <stdlib.h>

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

static void a_mark_is_read_back(void **state) {
    (void)state;
    static const int64_t offsets[] = {0, 1, 4711, INT64_MAX};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        char *mark = positions_write_mark(offsets[i]);
        assert_int_equal(positions_read_mark(mark, strlen(mark)), offsets[i]);
        free(mark);
    }
    static const char *const others[] = {"",
                                         "set by hand",
                                         "rollcall changelog ",
                                         "rollcall changelog x",
                                         "rollcall changelog -3",
                                         "rollcall changelog 12 34",
                                         "rollcall changelog 1111111111111111111111111111111111111111111111"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(positions_read_mark(others[i], strlen(others[i])), -1);
    assert_int_equal(positions_read_mark(NULL, 0), -1);
}

/* The first batch of all was struck before its commit: offsets without a task record are no contradiction if
 * the commit says how long the changelog was. */
static void a_marked_commit_before_the_first_batch_agrees(void **state) {
    (void)state;
    struct outcome outcome = OUTCOME_INITIALIZER;
    struct position_claim claim = {
        .group = "g", .topic = "badge.swipes", .partition = 0, .committed = 7, .is_marked = true};
    assert_true(positions_agree(&outcome, &claim));
    struct position recorded = recorded_at(9);
    claim.recorded = &recorded;
    claim.has_task_record = true;
    static const char *const words[] = {"badge.swipes[0]", "7 to 8", "applied twice", NULL};
    assert_refused(positions_agree(&outcome, &claim), &outcome, words);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(equal_offsets_agree),
    cmocka_unit_test(an_offset_set_back_is_refused),
    cmocka_unit_test(an_offset_set_forward_is_refused),
    cmocka_unit_test(deleted_offsets_are_refused),
    cmocka_unit_test(offsets_without_a_changelog_are_refused),
    cmocka_unit_test(a_log_that_lost_what_is_next_is_refused),
    cmocka_unit_test(the_first_failure_is_reported),
    cmocka_unit_test(a_mark_is_read_back),
    cmocka_unit_test(a_marked_commit_before_the_first_batch_agrees),
};
UNIT_TEST_MAIN(tests)
