/* What the files of this stage share: the task's state and the person in hand. Nobody else includes this. */
#ifndef ROLLCALL_TASK_STATE_H
#define ROLLCALL_TASK_STATE_H

#include "changelog.h"
#include "closures.h"
#include "inspect.h"
#include "judge.h"
#include "people.h"
#include "table.h"
#include "task.h"

/* Bits of slot_value.flags. */
enum {
    SLOT_ON_ROSTER = 1,  /* there is a roster record */
    SLOT_NAMES_HOME = 2, /* the record of the open day names a home zone, itself or by its site */
    SLOT_QUIET = 4, /* no day to come can change the status before the next record about the person does */
    SLOT_DIRTY = 8, /* in the list of the changed since the last changelog_write */
    SLOT_DIRTY_WHOLE = 16, /* more than the days changed */
};

/* Day closes of one zone that is somebody's home (SPEC 5). */
struct home_zone {
    uint16_t zone;
    civil_day closed; /* the last day whose close is due by the clock */
    int64_t due_ms;   /* when the next one is */
};

/* Where the changelog's delta blocks and snapshots stand. */
struct changelog_state {
    uint64_t batch;
    uint64_t next_delta, oldest_delta; /* numbers; [oldest, next) are not nulled yet */
    uint32_t next_segment;             /* the one whose snapshot is the oldest */
    uint64_t *segment_delta; /* [segments] deltas below this number are in the snapshot of the segment */
    int64_t debt_bytes;      /* delta bytes not yet matched by snapshots */
    bool is_to_be_whole;     /* the next write says everything again */
    char *dirty;             /* the changed: length and bytes of each id */
    size_t dirty_used, dirty_capacity;
    uint16_t *dirty_sites; /* those whose closures changed; one may stand there twice */
    size_t dirty_sites_count, dirty_sites_capacity;
};

struct task {
    struct task_setup setup;
    const struct rules *rules;
    struct table *table;
    struct people *people;
    struct outbox outbox;
    arrival_time clock;
    civil_day complete_from; /* DAY_NONE until the first arrival */

    struct home_zone *homes; /* zones in use */
    uint32_t homes_count;
    uint16_t *home_of_zone; /* [zones] index into homes + 1; 0: not in use */
    int64_t next_due_ms;
    uint64_t closes_done;

    struct closures **closures; /* [sites] what the calendar says of each */
    uint32_t held;              /* people whose verdict the guard holds back */
    struct wave *waves;         /* since somebody was last told */
    size_t waves_count, waves_capacity;
    struct closing *closings; /* for whom a close changes something (closes.c) */
    size_t closings_capacity;

    bool accept_is_uniform; /* every version of every policy accepts the same words */
    uint64_t counts[TOPIC_COUNT][REASON_COUNT];
    uint64_t statuses[STATUS_COUNT];
    struct changelog_state changelog;
    struct swipe *swipes; /* [TASK_BATCH] decoded ahead */
    struct swipe_hint hint;
};

#define TASK_BATCH 64
#define NO_CLOCK   INT64_MIN

/* The person in hand: a copy of the slot that is written back by subject_store. */
struct subject {
    struct table_slot *slot;
    struct slot_value value;
    struct person *person;
    struct short_text id;
};

/* What a record or a close says of itself to the records it causes. */
struct occasion {
    enum cause cause;
    arrival_time as_of;
    struct trace_source trace;
};

static inline struct trace_parent occasion_trace(const struct occasion *occasion) {
    return occasion->trace.find ? occasion->trace.find(occasion->trace.record)
                                : (struct trace_parent){NULL, 0};
}

/* ---- subject.c: the person in hand
 * --------------------------------------------------------------------------- */

void subject_load(const struct task *task, struct table_slot *slot, struct subject *out);
void subject_store(struct subject *subject);
/* Starts loading what hangs off people whose own records are on their way (people_prefetch). */
void subjects_prefetch(const struct task *task, struct table_slot *const *slots, size_t count);
#define SUBJECTS_BATCH 32 /* so many at once hide the cost of memory */
/* A walk over everybody, or over one of so many equal ranges of hash values (0 of 1: everybody). Fills
 * `slots` with the next ones, what hangs off them on its way from memory, and returns how many: less than a
 * batch at the end. Nobody may be made known or forgotten meanwhile. */
struct subjects_walk {
    uint32_t index, ranges;
    const struct table_slot *last; /* NULL: begins */
    struct table_slot *slots[SUBJECTS_BATCH];
};
size_t subjects_next(const struct task *task, struct subjects_walk *walk);
/* Notes that the changelog must tell of the site's closures. */
void changelog_mark_site(struct task *task, uint16_t site);
void slot_set_day(struct slot_value *value, civil_day day);
/* Notes that the changelog must tell of the person: days only, or everything. */
void subject_mark(struct task *task, struct subject *subject, bool whole);
/* Home zone of a day by the person's records (SPEC 3). */
uint16_t home_zone_of(const struct rules *rules, const struct roster_entry *entry, bool *is_named);
uint16_t subject_zone_of(const struct task *task, const struct subject *subject, civil_day day);
/* Brings what the slot says of the open day (zone, flags) up to date with the roster. */
void subject_refresh_open_day(struct task *task, struct subject *subject);
/* Closes day c + 1: moves c and the ledger's window, publishes nothing. The slot alone is enough for somebody
 * quiet; returns the place in the rings whose day left the ledger. */
unsigned slot_close_day(struct slot_value *value);
void subject_close_day(struct task *task, struct subject *subject);
/* Makes somebody known (SPEC 2, people): c is the last day whose close is due. The caller has put the roster
 * record in, if there is one, through `entry`. */
void subject_make_known(struct task *task, const struct task_input *input, const struct short_text *id,
                        uint64_t hash, const struct roster_entry *entry, struct subject *out);
void subject_forget(struct task *task, struct subject *subject, const struct occasion *occasion);
/* Out of scope of the rules by roster, or by people.unknown without one. */
bool is_out_of_scope(const struct rules *rules, const struct roster_entry *entry, civil_day day);
/* The start of what may be known of somebody without being on the roster: false, with the reason set, if
 * people.unknown refuses it. `slot` NULL: not known. */
bool is_welcome(const struct task *task, const struct table_slot *slot, struct reject_detail *detail);
/* Whom a record of leave or a decision is about: `slot` is NULL if nobody knows them, and may become known.
 */
enum reason employee_find(const struct task *task, const struct task_input *input,
                          const struct short_text *id, uint64_t *hash, struct table_slot **slot,
                          struct reject_detail *detail);
/* Policy of a roster record, or of somebody without one. */
const struct policy *policy_of(const struct rules *rules, const struct roster_entry *entry);
const struct policy_version *version_on(const struct policy *policy, civil_day day);

/* ---- view.c: what is known of a person, as sets of days
 * --------------------------------------------------------- */

void subject_view(const struct task *task, const struct subject *subject, struct view *view);
/* The same, and what it was made of. */
void subject_view_of(const struct task *task, const struct subject *subject, struct view *view,
                     struct person_days *days);
/* Scope of SPEC 4, without the view. */
bool subject_is_in_scope(const struct task *task, const struct subject *subject, civil_day day);

/* ---- publish.c: F now against what was last published
 * -------------------------------------------------------- */

/* What is to be published of a person now: F, or what the guard lets stand in its place. */
struct finding {
    enum status status;
    civil_day effective_on;
    const struct short_text *policy_id;
    const char *policy_hash;
    civil_day policy_version; /* DAY_NONE: none */
    struct change_week week;
};

/* A correction that a record carries (SPEC 5). */
struct supersession {
    uint32_t seq; /* 0: none */
    enum status corrected_status;
    bool counts_as_entering; /* the last one while today's status is non_compliant */
};

/* F now; the guard's mark goes if it says something else. */
void subject_find(struct task *task, struct subject *subject, struct finding *out);
void finding_of(const struct view *view, const struct verdict *verdict, struct finding *out);
/* Publishes what changed (SPEC 6). `is_due`: a record is due in any case: somebody became known, or the case
 * changed. */
void subject_reconsider(struct task *task, struct subject *subject, const struct occasion *occasion,
                        bool is_due);
/* Makes one state record of the finding, and what it changes in the person. */
void subject_publish(struct task *task, struct subject *subject, const struct finding *finding,
                     const struct supersession *superseded, const struct occasion *occasion);
/* The published gate can change by a day's close alone: an approval ends. */
bool subject_gate_differs(const struct subject *subject, enum status status);

/* SLOT_QUIET or 0, by the published status and the roster. */
uint8_t subject_quiet_flag(const struct task *task, const struct subject *subject);

/* ---- corrections.c: SPEC 5. They span an input: noted before it, published after it together with today's
 * status. */

struct corrections {
    unsigned was_adverse; /* bit i: F at adverse record i was non_compliant before the input */
};
void corrections_note(const struct task *task, const struct subject *subject, struct corrections *out);
void subject_reconsider_past(struct task *task, struct subject *subject, const struct corrections *before,
                             const struct occasion *occasion, bool is_due);

/* ---- guard.c: sudden waves of adverse changes are held back (SPEC 5)
 * -------------------------------------------- */

/* One person in a close that is being done. */
struct closing {
    struct table_slot *slot;
    bool turns_adverse; /* newly non_compliant */
};

/* Marks those that the guard holds back in the close of `day`. */
void guard_hold_back(struct task *task, const struct closing *closings, size_t count, civil_day day);
/* Clears the marks of a group, and publishes what F then says. */
void guard_release(struct task *task, const struct short_text *group, const struct occasion *occasion);
/* The finding that stands for a verdict that is held back. */
void guard_finding(const struct task *task, const struct subject *subject, struct finding *out);
/* A record was published of somebody who is held. */
void guard_keep(struct hold *hold, const struct finding *finding);

/* ---- closes.c
 * ------------------------------------------------------------------------------------------------ */

struct home_zone *closes_home(struct task *task, uint16_t zone);
/* The last day whose close is due by the clock, for somebody with these records (NULL: none). */
civil_day closes_last_due(struct task *task, const struct person *person);
int64_t closes_due_ms(const struct task *task, uint16_t zone, civil_day day);
/* Does the closes of one person that became due because the home moved, as of the clock. */
void closes_catch_up(struct task *task, struct table_slot *slot);
/* Does all closes due by task->clock. */
void closes_run(struct task *task);

/* ---- one file an input
 * --------------------------------------------------------------------------------------- */

enum reason swipe_apply(struct task *task, const struct task_input *input, const struct swipe *swipe,
                        uint64_t hash, struct reject_detail *detail);
enum reason roster_apply(struct task *task, const struct task_input *input, struct reject_detail *detail);
enum reason leave_apply(struct task *task, const struct task_input *input, struct reject_detail *detail);
enum reason calendar_apply(struct task *task, const struct task_input *input, struct reject_detail *detail);
enum reason decision_apply(struct task *task, const struct task_input *input, struct reject_detail *detail);

enum reason key_check(const struct task_input *input, const struct short_text *id,
                      struct reject_detail *detail);
void reject_detail_set(struct reject_detail *detail, const char *text);

#endif
