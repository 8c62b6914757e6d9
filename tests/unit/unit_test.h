/* The main of a unit test: runs the case named on the command line, or all. A name that matches nothing
 * fails. */
#ifndef ROLLCALL_UNIT_TEST_H
#define ROLLCALL_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define UNIT_TEST_MAIN(tests)                                                                                \
    int main(int argc, char **argv) {                                                                        \
        if (argc > 1) {                                                                                      \
            size_t found = 0;                                                                                \
            for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)                                      \
                found += strcmp(tests[i].name, argv[1]) == 0;                                                \
            if (found != 1) {                                                                                \
                fprintf(stderr, "no such case: %s\n", argv[1]);                                              \
                return 1;                                                                                    \
            }                                                                                                \
            cmocka_set_test_filter(argv[1]);                                                                 \
        }                                                                                                    \
        return cmocka_run_group_tests(tests, NULL, NULL);                                                    \
    }

#endif
