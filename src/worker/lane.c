/* See lane.h. Owner: the worker. */
#include "lane.h"

#include "calendar_feed.h"
#include "check.h"

#include <stdlib.h>

struct lane *lane_new(int32_t partition, size_t inputs_count) {
    struct lane *lane = xcalloc(1, sizeof *lane);
    lane->partition = partition;
    lane->inputs_count = inputs_count;
    lane->inputs = xcalloc(inputs_count, sizeof *lane->inputs);
    lane->ends = xcalloc(inputs_count, sizeof *lane->ends);
    lane->asked_at.ms = INT64_MIN;
    lane->changelog_committed = -1;
    for (size_t i = 0; i < inputs_count; i++)
        lane->inputs[i].eof_at = -1;
    return lane;
}

const rd_kafka_message_t *lane_message(const struct lane *lane, size_t input,
                                       const struct merge_record *record) {
    return lane->inputs[input].queue ? record->message : calendar_message(record->message);
}

void lane_release_message(const struct lane *lane, size_t input, void *message) {
    if (lane->inputs[input].queue)
        rd_kafka_message_destroy(message);
    else
        calendar_release(message);
}

static void drop_message(void *context, size_t input, void *message) {
    lane_release_message(context, input, message);
}

void lane_park(struct lane *lane) {
    merge_free(&lane->merge, drop_message, lane);
    for (size_t i = 0; i < lane->inputs_count; i++) {
        if (lane->inputs[i].queue)
            rd_kafka_queue_destroy(lane->inputs[i].queue);
        lane->inputs[i] = (struct lane_input){.committed = RD_KAFKA_OFFSET_INVALID, .eof_at = -1};
    }
    lane->asked_at.ms = INT64_MIN;
    lane->is_stale = lane->is_leaderless = false;
    lane->undecided = (struct undecided){0};
    lane->state = LANE_PARKED;
}

void lane_free(struct lane **lane) {
    struct lane *l = *lane;
    if (l == NULL)
        return;
    lane_park(l);
    restore_free(&l->restore);
    task_free(&l->task);
    free(l->inputs);
    free(l->ends);
    free(l->positions);
    free(l);
    *lane = NULL;
}
