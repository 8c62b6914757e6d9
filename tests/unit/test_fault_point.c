/* What a test arms is what strikes; what it misspells is refused. */
#include "unit_test.h"

#include "fault_point.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool arm(const char *spec, char error[static 256]) {
    return fault_points_arm(spec, error, 256);
}

static void what_makes_no_sense_is_refused(void **state) {
    (void)state;
    static const char *const specs[] = {"",
                                        "after_pull:kill:1",
                                        "after_poll",
                                        "after_poll:hang:1",
                                        "after_poll:kill",
                                        "after_poll:kill:0",
                                        "after_poll:kill:x",
                                        "after_poll:kill:-1",
                                        "after_poll:kill:1:5",
                                        "after_poll:kill:1:",
                                        "after_poll:stop:1",
                                        "after_poll:stop:1:0",
                                        "after_poll:stop:1:5:6",
                                        "after_poll:kill:1,",
                                        "after_poll:kill:1,in_close:kil:1"};
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        char error[256] = "";
        assert_false(arm(specs[i], error));
        assert_non_null(strstr(error, "ROLLCALL_FAULT"));
    }
    char error[256];
    assert_true(arm(NULL, error));
    assert_true(
        arm("before_commit:kill:1000000,in_close:abort:7,in_revoke:term:3,in_restore:stop:1:60000", error));
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void it_strikes_once_at_its_pass(void **state) {
    (void)state;
    char error[256];
    assert_true(arm("after_poll:stop:3:200", error));
    for (int pass = 1; pass <= 10; pass++) {
        int64_t begun = now_ms();
        FAULT_POINT(before_commit);
        FAULT_POINT(after_poll);
        assert_int_equal(now_ms() - begun >= 200, pass == 3);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_makes_no_sense_is_refused),
    cmocka_unit_test(it_strikes_once_at_its_pass),
};
UNIT_TEST_MAIN(tests)
