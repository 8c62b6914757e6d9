/* Waits until the group of the configuration has committed --swipes records of the swipes topic, then prints
 * the CPU time that process --pid has used by then, and the monotonic time, as one line of JSON. Does not
 * join the group: it asks for the offsets, as any administrator may. */
#include "setup.h"

#include "check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define EVERY_MS      20
#define SECONDS_MAX   300
#define ANSWER_MS_MAX 10000

static uint64_t committed(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list) {
    uint64_t sum = 0;
    if (rd_kafka_committed(rk, list, ANSWER_MS_MAX) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    for (int i = 0; i < list->cnt; i++)
        if (!list->elems[i].err && list->elems[i].offset > 0)
            sum += (uint64_t)list->elems[i].offset;
    return sum;
}

int main(int argc, char **argv) {
    struct setup setup;
    setup_read(&setup, argc, argv);
    rd_kafka_t *rk = setup_open(&setup, HANDLE_GROUP, "bench-watch");
    rd_kafka_topic_partition_list_t *list =
        setup_partitions(&setup, setup.config->topics[TOPIC_SWIPES], RD_KAFKA_OFFSET_INVALID);
    double until = setup_wall_seconds() + SECONDS_MAX;
    while (committed(rk, list) < setup.stream.swipes) {
        if (setup_wall_seconds() > until)
            setup_fail("not committed within %d s", SECONDS_MAX);
        nanosleep(&(struct timespec){.tv_nsec = EVERY_MS * 1000000L}, NULL);
    }
    printf("{\"cpu_s\": %.6f, \"at\": %.6f}\n", setup_cpu_seconds(setup.pid), setup_wall_seconds());
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
    setup_free(&setup);
    return 0;
}
