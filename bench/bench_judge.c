/* judge(), the status of one person on one day: 98 sliding weeks at once. Against the floor, a read of the
 * view that it judges. Prints one line of JSON. */
#include "measure.h"

#include "check.h"
#include "judge.h"

#include <stdint.h>
#include <stdlib.h>

#define PEOPLE      4096u
#define ROUNDS      100u
#define REPETITIONS 15u
#define CLOSED      20000 /* a day */

struct bench {
    struct view *views;
    uint64_t sink;
};

static struct policy_version version = {
    .required_days = 3,
    .workdays = 0x1f,
    .grace_days = 7,
    .rule = RULE_SLIDING,
    .tolerance_days = 6,
};

static void run_judge(void *context) {
    struct bench *b = context;
    for (unsigned round = 0; round < ROUNDS; round++)
        for (uint32_t i = 0; i < PEOPLE; i++) {
            struct verdict verdict;
            judge(&b->views[i], (civil_day){CLOSED}, true, &verdict);
            b->sink += (uint64_t)verdict.status + verdict.week.present;
        }
}

static void run_floor(void *context) {
    struct bench *b = context;
    for (unsigned round = 0; round < ROUNDS; round++)
        for (uint32_t i = 0; i < PEOPLE; i++) {
            const struct view *view = &b->views[i];
            day_bits sum = view->present ^ view->lifting ^ view->excused ^ view->doubtful ^ view->skipped ^
                           view->out_of_scope ^ view->exempt;
            b->sink += (uint64_t)sum ^ (uint64_t)view->known_on.n ^ view->eras[0].to;
        }
}

static void fill(struct view *view, uint64_t random, const struct policy *policy) {
    civil_day first = ledger_first((civil_day){CLOSED});
    *view = (struct view){
        .first = first, .known_on = day_plus(first, -10), .complete_from = day_plus(first, -10)};
    for (unsigned day = 0; day < LEDGER_DAYS - LEDGER_AHEAD_DAYS; day++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        if (random >> 32 < UINT64_C(0xffffffff) * 4 / 7) /* on the edge of three days in five */
            view->present |= days_bit(day);
    }
    view->lifting = view->present;
    view->eras_count = 1;
    view->eras[0] =
        (struct era){.from = 0, .to = LEDGER_DAYS - 1, .policy = policy, .version = &policy->versions[0]};
}

int main(void) {
    struct policy policy = {.versions_count = 1, .versions = &version};
    struct bench b = {.views = xcalloc(PEOPLE, sizeof *b.views)};
    for (uint32_t i = 0; i < PEOPLE; i++)
        fill(&b.views[i], i + 1, &policy);
    struct measure_subject s[] = {{.run = run_floor, .context = &b}, {.run = run_judge, .context = &b}};
    struct measure_quality quality = measure_interleaved(s, sizeof s / sizeof s[0], REPETITIONS);
    double each = 1e9 / PEOPLE / ROUNDS;
    const struct measure_row rows[] = {
        {"98 sliding weeks of a person", s[1].median * each, "ns", ""},
        {"98 sliding weeks of a person", s[1].median / s[0].median, "time of reading the view", ""},
    };
    measure_print(rows, sizeof rows / sizeof rows[0], &quality);
    free(b.views);
    return (int)(b.sink == 1);
}
