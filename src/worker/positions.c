/* See positions.h. Each refusal names topic, partition, both offsets, the range, and the ways out. */
#include "positions.h"

#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK       "rollcall changelog "
#define MARK_BYTES 64

bool positions_fit_the_log(struct outcome *outcome, const char *topic, int32_t partition, int64_t committed,
                           int64_t low, int64_t high) {
    if (committed < 0)
        return true;
    if (committed < low) {
        outcome_fail(
            outcome, EX_CONFIG,
            "%s[%" PRId32 "]: input is lost: the group stands at offset %" PRId64
            ", the log begins at %" PRId64 ", so records %" PRId64 " to %" PRId64
            " were removed before they were applied. Retention must be longer than any outage. To go on "
            "without them, stop all instances and begin anew with a new group, an empty changelog and "
            "time.complete_from behind the gap",
            topic, partition, committed, low, committed, low - 1);
        return false;
    }
    if (committed > high) {
        outcome_fail(
            outcome, EX_CONFIG,
            "%s[%" PRId32 "]: the group stands at offset %" PRId64 ", but the log ends at %" PRId64
            ": the topic was made anew or cut, or the offset was set forward. Restore the topic, or begin "
            "anew with a new group and an empty changelog",
            topic, partition, committed, high);
        return false;
    }
    return true;
}

static void refuse_without_offset(struct outcome *outcome, const struct position_claim *c) {
    outcome_fail(
        outcome, EX_CONFIG,
        "%s[%" PRId32 "]: group '%s' has no committed offset, but the changelog stands at offset %" PRId64
        ": the offsets were deleted, and records up to %" PRId64
        " would be applied twice. Set the offset again (kafka-consumer-groups --group %s --topic %s:%" PRId32
        " --reset-offsets --to-offset %" PRId64 " --execute), or begin anew with an empty changelog",
        c->topic, c->partition, c->group, c->recorded->offset, c->recorded->offset - 1, c->group, c->topic,
        c->partition, c->recorded->offset);
}

static void refuse_without_record(struct outcome *outcome, const struct position_claim *c) {
    outcome_fail(outcome, EX_CONFIG,
                 "%s[%" PRId32 "]: group '%s' is committed at offset %" PRId64
                 ", but the changelog does not know it%s: what came of the records before %" PRId64
                 " would be lost. Restore the changelog topic, or begin anew with a new group",
                 c->topic, c->partition, c->group, c->committed,
                 c->has_task_record ? "" : " (it holds a birth record and no state)", c->committed);
}

static void refuse_difference(struct outcome *outcome, const struct position_claim *c) {
    bool is_back = c->committed < c->recorded->offset;
    int64_t from = is_back ? c->committed : c->recorded->offset;
    int64_t to = (is_back ? c->recorded->offset : c->committed) - 1;
    outcome_fail(outcome, EX_CONFIG,
                 "%s[%" PRId32 "]: group '%s' is committed at offset %" PRId64
                 ", the changelog stands at %" PRId64 ": records %" PRId64 " to %" PRId64
                 " would be %s. Somebody has reset the offsets or changed the "
                 "changelog. Set the offset back (kafka-consumer-groups --group %s --topic %s:%" PRId32
                 " --reset-offsets --to-offset %" PRId64
                 " --execute), or begin anew with a new group and an empty changelog",
                 c->topic, c->partition, c->group, c->committed, c->recorded->offset, from, to,
                 is_back ? "applied twice" : "lost", c->group, c->topic, c->partition, c->recorded->offset);
}

bool positions_agree(struct outcome *outcome, const struct position_claim *c) {
    bool has_offset = c->committed >= 0;
    if (!has_offset && c->recorded == NULL)
        return true; /* the first run, or an input that is read from now on */
    if (!has_offset) {
        refuse_without_offset(outcome, c);
        return false;
    }
    if (c->recorded == NULL && c->is_marked && !c->has_task_record)
        return true; /* the commit itself says that the changelog held a birth record and no more */
    if (c->recorded == NULL) {
        refuse_without_record(outcome, c);
        return false;
    }
    if (c->committed == c->recorded->offset || (c->may_repeat && c->committed < c->recorded->offset))
        return true;
    refuse_difference(outcome, c);
    return false;
}

char *positions_write_mark(int64_t changelog_end) {
    char text[MARK_BYTES];
    snprintf(text, sizeof text, MARK "%" PRId64, changelog_end);
    return xstrdup(text);
}

int64_t positions_read_mark(const void *metadata, size_t size) {
    char text[MARK_BYTES], *end;
    if (metadata == NULL || size >= sizeof text || size <= strlen(MARK) ||
        memcmp(metadata, MARK, strlen(MARK)) != 0)
        return -1;
    memcpy(text, metadata, size);
    text[size] = '\0';
    int64_t offset = strtoll(text + strlen(MARK), &end, 10);
    return *end == '\0' && offset >= 0 ? offset : -1;
}
