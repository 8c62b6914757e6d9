/* A producer: its handle, its transactions, and what their errors ask for (SPEC 7). `run` has one a worker,
 * `rekey` one a thread. Everything is called by the thread that owns it; librdkafka's own threads touch
 * the atomics alone. */
#ifndef ROLLCALL_PRODUCER_H
#define ROLLCALL_PRODUCER_H

#include "beat.h"
#include "handles.h"
#include "kafka_error.h"
#include "outbox.h"
#include "outcome.h"

#include <stdatomic.h>

struct producer_setup {
    struct handle_setup handles;
    struct outcome *outcome; /* borrowed */
    const char *name;        /* the client.id, and of whom the log and the last words speak; borrowed */
    const char *group;       /* with `name` it makes the transactional.id; borrowed */
    bool is_exact;           /* transactional */
    /* Asked while waiting for the broker: it is of no use any more. */
    bool (*has_failed)(void *owner);
    struct beat *beat;       /* of the thread; NULL: nobody watches */
    const atomic_bool *stop; /* ends the wait for a producer id; borrowed */
    /* A record with a tag is in the log at this offset; or NULL. */
    void (*delivered)(void *owner, uintptr_t tag, int64_t offset);
    void *owner;
};

struct producer {
    struct producer_setup setup;
    struct handle_callbacks callbacks;
    rd_kafka_t *rk;             /* NULL: closed */
    uint64_t failed_deliveries; /* the owner sets it to zero before a batch */
    bool is_open;               /* a transaction has begun, and is not known to have ended */
    /* Set by librdkafka's threads: a transactional request ended in a timeout or a lost connection, so it may
     * still act later, in the next transaction of the same producer. */
    atomic_bool is_suspect;
    _Atomic uint64_t ends_sent; /* by the same: requests to end a transaction */
};

/* Before anything else. `p` must not move. */
void producer_init(struct producer *p, const struct producer_setup *setup);
/* Makes the handle and, if transactional, fences what is left of an earlier instance and decides its
 * transaction: so it comes before a group is joined. Waits for the broker, at most so long; then, or if it is
 * refused, the outcome is set. */
bool producer_open(struct producer *p, int64_t patience_ms);
void producer_close(struct producer *p);
/* A new handle in place of a suspect one: a new epoch makes what is still under way harmless. */
bool producer_renew_suspect(struct producer *p);
/* A topic's first message after a start is a second late unless its metadata is there before. */
void producer_prime(struct producer *p, const char *topic);

/* Where a record goes. */
struct destination {
    const char *topic;
    int32_t partition; /* RD_KAFKA_PARTITION_UA: by the key, as Java does */
    uintptr_t tag;     /* of a record whose delivery is reported; 0: of none */
};
/* Copies the record, and waits while the queue is full. A refusal is ERROR_CLASS_ABORT: librdkafka would let
 * the transaction commit without it. */
enum error_class producer_send(struct producer *p, const struct destination *to,
                               const struct out_record *record);
/* The same with headers as librdkafka has them, which are its own after a success (NULL: none), and a time
 * stamp (0: now). */
enum error_class producer_send_message(struct producer *p, const struct destination *to,
                                       const struct out_record *record, rd_kafka_headers_t *headers,
                                       int64_t timestamp_ms);

enum transaction_end {
    TRANSACTION_COMMITTED,
    TRANSACTION_ABORTED, /* certainly not committed: it is to be sent again, or dropped */
    TRANSACTION_UNKNOWN, /* committed or not: only what is in the log tells */
    TRANSACTION_FENCED,  /* another instance has taken our place; the outcome is set */
};

/* One transaction: what `write` sends, with producer_send, and these offsets of the group. Each call is made
 * again while that is what its errors ask for. */
enum transaction_end producer_transact(struct producer *p, rd_kafka_t *group,
                                       const rd_kafka_topic_partition_list_t *offsets,
                                       enum error_class (*write)(void *owner), void *owner);

/* Without transactions: until everything that was sent is acknowledged. False: something is not. */
bool producer_flush(struct producer *p);

/* Asks the broker whether somebody else has taken the transactional id; `topic` is one of the group's inputs.
 * Outside a transaction; false where the end of the last one is not known, because then it cannot tell. */
bool producer_is_fenced(struct producer *p, rd_kafka_t *group, const char *topic);

#endif
