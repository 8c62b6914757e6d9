/* The calendar is keyed by site, so every worker reads all of it, outside the group; where a task stands in
 * it is in the task's own changelog record (SPEC 5). Worker thread. */
#ifndef ROLLCALL_CALENDAR_FEED_H
#define ROLLCALL_CALENDAR_FEED_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

struct calendar_feed;
struct worker;
struct lane;

/* NULL if no calendar is read. */
struct calendar_feed *calendar_feed_new(struct worker *w);
void calendar_feed_free(struct calendar_feed **feed);
/* A lane starts running: what it has not read yet will be read, again if others have read it before. */
void calendar_feed_join(struct calendar_feed *feed, struct lane *lane);
/* Hands what has come to the lanes; true if there was something. */
bool calendar_feed_step(struct calendar_feed *feed, struct worker *w);

/* A record of it in a lane's merge: shared by the lanes, freed when the last has released it. */
const rd_kafka_message_t *calendar_message(const void *shared);
void calendar_release(void *shared);

#endif
