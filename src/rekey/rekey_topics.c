/* What rekey looks at before it reads: that its topics are there, that they are different ones, and that the
 * broker stamps the target (SPEC 2, 5). Main thread. */
#include "rekey.h"

#include "cluster.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

#define ASK_MS 30000

/* Records that come back as input would go round for ever. */
static bool are_different(const struct rekey_setup *setup, struct outcome *outcome) {
    if (strcmp(setup->from, setup->to) == 0)
        outcome_fail(outcome, EX_CONFIG, "%s is both the source and the target: rekey needs two topics",
                     setup->from);
    for (enum output output = 0; output < OUTPUT_COUNT; output++) {
        const char *name = setup->config->outputs[output];
        if (strcmp(setup->from, name) == 0 || strcmp(setup->to, name) == 0)
            outcome_fail(outcome, EX_CONFIG,
                         "%s is an output of rollcall: it is neither a source nor a target of rekey", name);
    }
    return outcome_code(outcome) == 0;
}

static bool are_there(const struct rekey_setup *setup, bool (*is_interrupted)(void), struct outcome *outcome,
                      uint32_t *partitions) {
    const char *names[] = {setup->from, setup->to, setup->config->outputs[OUTPUT_REJECTS]};
    uint32_t counts[3];
    struct handle_setup handles = {.config = setup->config};
    if (!cluster_count_partitions(&handles, is_interrupted, outcome, names, counts, 3))
        return false;
    *partitions = counts[0];
    if (counts[0] == 0)
        outcome_fail(outcome, EX_CONFIG, "there is no topic %s that rekey could read", names[0]);
    for (size_t i = 1; i < 3; i++)
        if (counts[i] == 0)
            outcome_fail(outcome, EX_CONFIG, "there is no topic %s: `rollcall init` makes what is missing",
                         names[i]);
    return outcome_code(outcome) == 0;
}

/* With a sender's time the arrival clock of `run` would be the senders'. */
static bool is_stamped(const struct rekey_setup *setup, struct outcome *outcome) {
    char stamps[64];
    struct handle_setup handles = {.config = setup->config};
    if (setup->config->rules.allow_create_time)
        return true;
    if (!cluster_topic_property(&handles, outcome, setup->to, "message.timestamp.type", stamps,
                                sizeof stamps))
        return false;
    if (strcmp(stamps, "LogAppendTime") != 0)
        outcome_fail(
            outcome, EX_CONFIG,
            "%s has message.timestamp.type=%s and must have LogAppendTime (or time.allow_create_time: true)",
            setup->to, stamps);
    return outcome_code(outcome) == 0;
}

static bool ask_ends(const struct rekey_setup *setup, struct outcome *outcome, struct rekey_source *source) {
    struct handle_setup handles = {.config = setup->config};
    rd_kafka_t *clock = handle_new(&handles, HANDLE_CLOCK, "rollcall-rekey-ends", NULL, NULL, outcome);
    if (clock == NULL)
        return false;
    source->lows = xcalloc(source->partitions, sizeof *source->lows);
    source->ends = xcalloc(source->partitions, sizeof *source->ends);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (uint32_t p = 0; p < source->partitions && !err; p++)
        err = rd_kafka_query_watermark_offsets(clock, setup->from, (int32_t)p, &source->lows[p],
                                               &source->ends[p], ASK_MS);
    rd_kafka_destroy(clock);
    if (err)
        outcome_fail(outcome, EX_TEMPFAIL, "the ends of %s could not be read for %d s: %s", setup->from,
                     ASK_MS / 1000, rd_kafka_err2str(err));
    return !err;
}

bool rekey_check(const struct rekey_setup *setup, bool (*is_interrupted)(void), struct outcome *outcome,
                 struct rekey_source *source) {
    *source = (struct rekey_source){0};
    return are_different(setup, outcome) && are_there(setup, is_interrupted, outcome, &source->partitions) &&
           is_stamped(setup, outcome) && ask_ends(setup, outcome, source);
}
