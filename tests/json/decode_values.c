/* For check.py: values on standard input, each behind a line `topic length`; a line of answer for each: what
 * its decoder says, what a library parser says of it as JSON (`json`, `other`, or `silent`), and the reasons
 * that the slow reading of SPEC 2 allows (tests/unit/expect.h). A swipe is decoded with a hint and without.
 */
#include "check.h"
#include "decode.h"
#include "expect.h"
#include "json_oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct swipe_fields fields = {"employee_id", "occurred_at", "site_id", "result", "direction"};

struct answer {
    enum reason reason;
    reason_set expected;
};

static struct answer ask_swipe(const char *value, size_t len) {
    static struct swipe_hint hint;
    struct swipe swipe;
    struct reject_detail detail;
    struct answer answer = {.reason = decode_swipe(&fields, NULL, value, len, &swipe, &detail)};
    for (int i = 0; i < 2; i++) /* the first time it may be learned, the second known */
        CHECK(decode_swipe(&fields, &hint, value, len, &swipe, &detail) == answer.reason);
    answer.expected = expect_swipe(value, len, &swipe);
    return answer;
}

static struct answer ask(const char *topic, const char *value, size_t len) {
    struct roster_record roster;
    struct leave_record leave;
    struct calendar_record calendar;
    struct decision_record decision;
    struct reject_detail detail;
    if (strcmp(topic, "swipes") == 0)
        return ask_swipe(value, len);
    if (strcmp(topic, "roster") == 0)
        return (struct answer){decode_roster(value, len, &roster, &detail),
                               expect_roster(value, len, &roster)};
    if (strcmp(topic, "leave") == 0)
        return (struct answer){decode_leave(value, len, &leave, &detail), expect_leave(value, len, &leave)};
    if (strcmp(topic, "calendar") == 0)
        return (struct answer){decode_calendar(value, len, &calendar, &detail),
                               expect_calendar(value, len, &calendar)};
    CHECK(strcmp(topic, "decisions") == 0);
    return (struct answer){decode_decision(value, len, &decision, &detail),
                           expect_decision(value, len, &decision)};
}

int main(void) {
    char topic[16];
    size_t len;
    while (scanf("%15s %zu", topic, &len) == 2 && getchar() == '\n') {
        char *value = malloc(len ? len : 1); /* of exactly its size: for the address sanitizer */
        CHECK(value != NULL && fread(value, 1, len, stdin) == len);
        struct answer answer = ask(topic, value, len);
        enum oracle_verdict verdict = oracle_read(value, len, JSON_DEPTH_MAX, NULL, 0, NULL);
        printf("%s %s", reason_name(answer.reason),
               verdict == ORACLE_ACCEPTED  ? "json"
               : verdict == ORACLE_REFUSED ? "other"
                                           : "silent");
        for (enum reason reason = 0; reason < REASON_COUNT; reason++)
            if (reasons_contain(answer.expected, reason))
                printf(" %s", reason_name(reason));
        printf("\n");
        free(value);
    }
    return feof(stdin) && !ferror(stdout) ? 0 : 1;
}
