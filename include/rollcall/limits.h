/* Every maximum of the program, and what follows from them. The sum of memory per employee is at the end. */
#ifndef ROLLCALL_LIMITS_H
#define ROLLCALL_LIMITS_H

#include <stdint.h>

/* Input (SPEC 2) */
#define VALUE_BYTES_MAX  (64 * 1024) /* a record's value, or a line of replay without its newline */
#define ID_BYTES_MAX     64          /* every id, the employee's included */
#define JSON_DEPTH_MAX   64          /* nested objects and arrays, the outermost one counted */
#define DETAIL_BYTES_MAX 256         /* a reject's detail, cut there */
#define YEAR_MIN         1970        /* of an instant as written */
#define YEAR_MAX         2199

/* Days and rules (SPEC 3, 4) */
#define LEDGER_DAYS          128 /* the ledger: a ring of this many day bits */
#define LEDGER_AHEAD_DAYS    5   /* the ledger ends with c + this */
#define WEEK_DAYS            7
#define SLIDING_LOOK_BACK    97 /* the newest judged week of the sliding rule ends at c - this or later */
#define CALENDAR_WEEKS_MAX   14 /* weekly and k_of_n look at this many calendar weeks */
#define TOLERANCE_DAYS_MAX   60
#define GRACE_DAYS_MAX       14
#define LATENESS_DAYS_MAX    100 /* an applied late swipe must lie in the ledger */
#define SETTLE_MS_MAX        (48 * 3600 * 1000)
#define CLOCK_SKEW_MS_MAX    (3600 * 1000)
#define DAY_STARTS_AT_MS_MAX (12 * 3600 * 1000)
#define ADVERSE_RECORDS_MAX                                                                                  \
    8 /* records that entered non_compliant which a correction can supersede (SPEC 5) */
#define DECISIONS_KEPT_MAX 32 /* repeats are recognised among the last so many decisions (SPEC 2) */
/* Of one person, each: roster records and leave that still matter, decisions in force. More would be a sender
 * gone mad, and would not fit a block of the changelog. */
#define PERSON_RECORDS_MAX 1000
#define CLOSURES_MAX       10000 /* days closed or on hold asserted of one site, likewise */

/* Configuration */
#define CONFIG_BYTES_MAX  (1024 * 1024)
#define CONFIG_DEPTH_MAX  16
#define CONFIG_ERRORS_MAX 100 /* then one line says that there are more */
#define POLICIES_MAX      1000
#define VERSIONS_MAX      200 /* of one policy */
#define ACCEPT_WORDS_MAX  64  /* of one version */
#define K_OF_N_TERMS_MAX  8
#define SITES_MAX         60000
#define ZONES_MAX         1000 /* names in the tz database, links included; 2025b has 597 */
#define WORKERS_MAX       64
#define EMPLOYEES_MAX     20000000

/* Kafka */
#define PARTITIONS_MAX  4096
#define BLOCK_BYTES_MAX (768 * 1024) /* a changelog block; below the broker's default message.max.bytes */
#define HEADERS_MAX     32           /* of an input record, kept in a reject */
#define HEADER_BYTES_MAX                                                                                     \
    (128 * 1024) /* of them together: with them a block still fits into a record of 1,000,000 bytes */

/* Memory per employee, what a worker holds beside the client library's queues:
 *
 *   65 / 0.75  a slot of the ledger table and its tag, at the load when `employees` people are known
 *   64         the side record with one roster record (ledger/people.h)
 *   37         what hangs off people: 64 bytes for each of one in three (with leave, a decision, a case, a
 *              second roster record), 48 for the leave of one in five, twice 48 for what is decided of one
 *              in twenty; malloc's own share included
 *   9          the name of a manager, shared by ten
 *
 * `rollcall check` prints the sum for the configured `employees`. */
#define MEMORY_PER_EMPLOYEE_BYTES (65 * 4 / 3 + 64 + 37 + 9)

/* Memory per worker, what it holds at most beside the people, whatever comes:
 *
 *   256  swipes that librdkafka has fetched and nobody has applied (worker/handles.c)
 *   215  what librdkafka itself needs for half a million of them, 450 bytes each: its limit does not count it
 *   256  blocks of changelogs, in a restore: half fetched, half deltas that wait for the snapshots behind
 * them 297  the other topics; fetches that were on their way when a queue was full, up to 1 MiB a partition
 * before they are unpacked; what is in the merge, the outboxes and the producer; threads
 *
 * What malloc gets back it keeps for the next burst (base/memory.h), so a process that has seen them all
 * stays at the sum of the peaks. With more than 20 partitions of a topic a worker reads further ahead.
 * `rollcall check` prints the sum. */
#define MEMORY_PER_WORKER_MIB 1024

_Static_assert(SLIDING_LOOK_BACK + WEEK_DAYS + LEDGER_AHEAD_DAYS <= LEDGER_DAYS,
               "all judged weeks lie in the ledger");
_Static_assert(CALENDAR_WEEKS_MAX *WEEK_DAYS + WEEK_DAYS + LEDGER_AHEAD_DAYS <= LEDGER_DAYS,
               "so do calendar weeks");
_Static_assert(LATENESS_DAYS_MAX + 8 + LEDGER_AHEAD_DAYS <= LEDGER_DAYS,
               "late swipes that apply lie in the ledger");
_Static_assert(ID_BYTES_MAX < UINT8_MAX, "lengths of ids are bytes");

#endif
