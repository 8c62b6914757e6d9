/* See group_commit.h. rd_kafka_commit would wait within librdkafka, for minutes if the coordinator is away,
 * and the watchdog could not tell that from a call that never returns. */
#include "group_commit.h"

#include "event_log.h"
#include "fault_point.h"

#define LOOK_MS 1000

static rd_kafka_resp_err_t wait_for_answer(rd_kafka_queue_t *queue, struct beat *beat,
                                           bool (*has_failed)(void *owner), void *owner) {
    rd_kafka_event_t *event;
    do {
        beat_step(beat, "commit of the offsets");
        event = rd_kafka_queue_poll(queue, LOOK_MS);
    } while (event == NULL && !has_failed(owner));
    rd_kafka_resp_err_t err = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event)
        rd_kafka_event_destroy(event);
    return err;
}

rd_kafka_resp_err_t group_commit(rd_kafka_t *group, const rd_kafka_topic_partition_list_t *offsets,
                                 struct beat *beat, bool (*has_failed)(void *owner), void *owner) {
    FAULT_POINT(before_commit);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(group);
    rd_kafka_resp_err_t err = rd_kafka_commit_queue(group, offsets, queue, NULL, NULL);
    if (!err)
        err = wait_for_answer(queue, beat, has_failed, owner);
    rd_kafka_queue_destroy(queue);
    FAULT_POINT(after_commit);
    if (err)
        log_event(LOG_LEVEL_WARN, "commit_error", "worker=%s code=%s", beat->name, rd_kafka_err2name(err));
    return err;
}
