/* Reading the changelog back (changelog.h). Owner: the worker that will own the task.
 *
 * Blocks are applied in offset order as they come. The slots hold what was true when each block was written;
 * only restore_finish, which knows the clock, moves everybody to it: the closes in between were judged and
 * published before, so nothing is evaluated here. Everything read is distrusted: a refusal says why, and no
 * task comes of it. */
#include "block.h"
#include "pack.h"
#include "task_state.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No instant and no date that a broker or SPEC 2 can give lies beyond; sums of those within are far from
 * overflow. */
#define DAY_BOUND        1000000
#define MS_BOUND         (DAY_BOUND * INT64_C(86400000))
#define DEBT_BOUND       (INT64_C(1) << 40)
#define SEQ_BOUND        INT32_MAX /* nobody has had so many records: it does not come round to 0 */
#define HELD_BYTES       ((size_t)16 * 1024 * 1024)
#define HOMES_APART_DAYS 4 /* more than the closed days of any two zones are */

/* A delta block that was found sound and is not applied yet. */
struct held_entry {
    uint32_t at, segment; /* in the payload; of the table */
};
struct held_delta {
    struct held_delta *next;
    uint64_t record; /* which of the partition's it is */
    struct held_entry *entries;
    uint32_t count, payload_len;
    char payload[];
};

struct restore {
    struct task_setup setup;
    struct task *task; /* from the birth record on */
    struct birth birth;
    struct restored result;
    uint8_t rules_hash[32];
    bool *awaits_snapshot; /* [segments] a delta spoke of somebody whose earlier records are compacted away */
    uint64_t *deltas;      /* numbers of the delta blocks that were read */
    size_t deltas_count, deltas_capacity;
    struct held_delta *held, *held_last; /* in the order of the partition */
    size_t held_bytes, held_most;
    uint64_t *told_by; /* [segments] the last record that told the whole segment; 0: none */
};

static size_t held_size(size_t payload_len, uint32_t count) {
    return sizeof(struct held_delta) + payload_len + count * sizeof(struct held_entry);
}

struct restore *restore_new(const struct task_setup *setup) {
    struct restore *restore = xcalloc(1, sizeof *restore);
    restore->setup = *setup;
    restore->setup.has_changelog = true;
    restore->held_most = HELD_BYTES;
    return restore;
}

void restore_limit_held(struct restore *restore, size_t bytes) {
    restore->held_most = bytes;
}

static void drop_held(struct restore *restore) {
    struct held_delta *held = restore->held;
    restore->held = held->next;
    restore->held_bytes -= held_size(held->payload_len, held->count);
    free(held->entries);
    free(held);
}

void restore_free(struct restore **restore) {
    if (*restore == NULL)
        return;
    task_free(&(*restore)->task);
    free((*restore)->result.positions);
    free((*restore)->awaits_snapshot);
    free((*restore)->deltas);
    while ((*restore)->held)
        drop_held(*restore);
    free((*restore)->told_by);
    free(*restore);
    *restore = NULL;
}

static enum restore_result refuse(char *error, size_t error_size, const char *why) {
    snprintf(error, error_size, "%s", why);
    return RESTORE_REFUSED;
}

/* ---- values within their bounds: anything else was not written by us
 * ---------------------------------------------- */

/* Into whoever reads a person, whose reader then is in registers. */
#define INLINE inline __attribute__((always_inline))

static INLINE uint64_t get_most(struct block_reader *r, uint64_t most) {
    uint64_t number = block_get_uint(r);
    if (number > most)
        block_fail(r);
    return r->failed ? 0 : number;
}

static INLINE int64_t get_between(struct block_reader *r, int64_t least, int64_t most) {
    int64_t number = block_get_int(r);
    if (number < least || number > most)
        block_fail(r);
    return r->failed ? 0 : number;
}

static INLINE civil_day get_day(struct block_reader *r) {
    return (civil_day){(int32_t)get_between(r, -DAY_BOUND, DAY_BOUND)};
}

/* Or DAY_NONE. */
static INLINE civil_day get_day_or_none(struct block_reader *r) {
    int64_t day = block_get_int(r);
    if (day != INT32_MIN && (day < -DAY_BOUND || day > DAY_BOUND))
        block_fail(r);
    return r->failed ? DAY_NONE : (civil_day){(int32_t)day};
}

static void get_days(struct block_reader *r, civil_day *from, civil_day *to) {
    *from = get_day(r);
    *to = get_day(r);
    if (from->n > to->n)
        block_fail(r);
}

/* Or NO_CLOCK. */
static INLINE int64_t get_ms(struct block_reader *r) {
    int64_t ms = block_get_int(r);
    if (ms != NO_CLOCK && (ms < -MS_BOUND || ms > MS_BOUND))
        block_fail(r);
    return r->failed ? NO_CLOCK : ms;
}

/* Of 1 to 64 bytes, or of none where there may be none. */
static struct short_text get_text(struct block_reader *r, size_t least) {
    struct short_text text = {0};
    size_t len;
    const char *bytes = block_get_text(r, ID_BYTES_MAX, &len);
    if (len < least)
        block_fail(r);
    if (r->failed)
        return text;
    text.len = (uint8_t)len;
    memcpy(text.bytes, bytes, len);
    return text;
}

/* ---- birth and task records
 * ------------------------------------------------------------------------------------ */

static enum restore_result apply_birth(struct restore *restore, struct block_reader *r, char *error,
                                       size_t error_size) {
    struct birth birth = {
        .partition = (uint32_t)get_most(r, UINT32_MAX),
        .partitions = (uint32_t)get_most(r, UINT32_MAX),
        .segments = (uint32_t)get_most(r, 1u << 20),
        .hash_seed = block_get_uint(r),
    };
    birth.complete_from = get_day_or_none(r);
    birth.created.ms = get_ms(r);
    if (r->failed || r->at != r->end || birth.segments == 0 || (birth.segments & (birth.segments - 1)) != 0)
        return refuse(error, error_size, "the birth record makes no sense");
    if (restore->task)
        return refuse(error, error_size, "a second birth record");
    restore->birth = birth;
    restore->setup.hash_seed = birth.hash_seed;
    restore->setup.segments = birth.segments;
    restore->setup.complete_from = birth.complete_from;
    restore->task = task_new(&restore->setup);
    restore->awaits_snapshot = xcalloc(birth.segments, sizeof *restore->awaits_snapshot);
    restore->told_by = xcalloc(birth.segments, sizeof *restore->told_by);
    return RESTORE_OK;
}

static enum restore_result apply_task(struct restore *restore, const struct block_header *header,
                                      struct block_reader *r, char *error, size_t error_size) {
    struct task *task = restore->task;
    struct changelog_state *log = &task->changelog;
    struct restored *result = &restore->result;
    task->clock.ms = get_ms(r);
    task->complete_from = get_day_or_none(r);
    block_get_raw(r, restore->rules_hash, sizeof restore->rules_hash);
    if (task->clock.ms != NO_CLOCK && day_is_none(task->complete_from))
        block_fail(r); /* known from the first arrival at the latest */
    log->batch = result->batch = header->number;
    log->next_delta = header->delta;
    log->oldest_delta = block_get_uint(r);
    log->next_segment = (uint32_t)get_most(r, restore->setup.segments - 1);
    log->debt_bytes = get_between(r, -DEBT_BOUND, DEBT_BOUND);
    task->closes_done = block_get_uint(r);
    if (header->count > TOPIC_COUNT * PARTITIONS_MAX)
        return refuse(error, error_size, "the task record has too many positions");
    result->positions = xrealloc(result->positions, header->count, sizeof *result->positions);
    result->positions_count = header->count;
    for (uint32_t i = 0; i < header->count; i++) {
        struct position *position = &result->positions[i];
        position->topic = (enum topic)get_most(r, TOPIC_COUNT - 1);
        position->partition = (int32_t)get_between(r, 0, INT32_MAX);
        position->offset = get_between(r, 0, INT64_MAX);
        position->arrival.ms = get_ms(r);
    }
    result->has_task_record = true;
    if (r->failed || r->at != r->end)
        return refuse(error, error_size, "the task record makes no sense");
    return RESTORE_OK;
}

/* ---- people
 * ---------------------------------------------------------------------------------------------------- */

/* A name at the head of a block, and what it stands for here: looked up once, not for each person. */
struct block_name {
    const char *text;
    uint8_t len;
    bool is_policy, is_site, is_zone; /* looked up as such */
    uint16_t policy, site, zone;
    uint32_t manager; /* as such, also if it names something else; 0: not looked up */
    uint32_t kept;    /* references to it that are the block's */
};

/* A segment, or a part of one: the index-th of so many equal ranges of hash values. */
struct range {
    uint32_t index, ranges;
};

struct people_reader {
    struct restore *restore;
    struct block_reader *r;
    const struct range *range; /* of a snapshot; NULL: of a delta */
    bool is_check;             /* nothing is applied */
    uint32_t references;       /* to one name, at most: it takes a byte each */
    struct block_name *names;  /* [1..count] */
    uint64_t names_count;
    const char *why; /* what the configuration lacks */
};

/* An entry that was read and is not applied yet. */
struct entry {
    enum entry_kind kind;
    const char *id;
    size_t len;
    uint64_t hash;
    struct slot_value value;
    struct person person; /* of a whole one */
};

/* NULL if there is none, which number 0 says. */
static INLINE struct block_name *get_name(struct people_reader *reader, struct block_reader *r) {
    uint64_t number = block_get_uint(r);
    if (number > reader->names_count) {
        block_fail(r);
        return NULL;
    }
    return number ? &reader->names[number] : NULL;
}

static INLINE void get_policy(struct people_reader *reader, struct block_reader *r,
                              struct roster_entry *entry) {
    struct block_name *name = get_name(reader, r);
    if (name && !name->is_policy) {
        int policy = policies_find(&reader->restore->task->rules->policies, name->text, name->len);
        name->is_policy = policy >= 0;
        name->policy = (uint16_t)policy;
    }
    if (name && name->is_policy)
        entry->policy = name->policy;
    else
        reader->why = "somebody's roster record names a policy that is gone from the policy file";
}

static INLINE void get_home(struct people_reader *reader, struct block_reader *r,
                            struct roster_entry *entry) {
    const struct rules *rules = reader->restore->task->rules;
    struct block_name *site = get_name(reader, r), *zone = get_name(reader, r);
    if (site && !site->is_site) {
        site->site = sites_find(&rules->sites, site->text, site->len);
        site->is_site = site->site != SITE_NONE;
        if (!site->is_site)
            reader->why = "somebody's roster record names a site that is gone from the site file";
    }
    if (zone && !zone->is_zone) {
        zone->zone = zones_find(rules->zones, zone->text, zone->len);
        zone->is_zone = zone->zone != ZONE_NONE;
        if (!zone->is_zone)
            reader->why = "somebody's roster record names a zone that is gone from the tz database";
    }
    entry->site = site ? site->site : SITE_NONE;
    entry->zone = zone ? zone->zone : ZONE_NONE;
}

/* With as many references as the block has room for people: one by one, each would be a miss of the cache. */
static void take_name(struct people_reader *reader, struct block_name *name) {
    struct people *people = reader->restore->task->people;
    name->manager = names_take(people, name->text, name->len);
    name->kept = reader->references + 1;
    names_keep(people, name->manager, reader->references);
}

static INLINE void get_manager(struct people_reader *reader, struct block_reader *r,
                               struct roster_entry *entry) {
    struct block_name *name = get_name(reader, r);
    if (name == NULL || reader->is_check)
        return;
    if (name->manager == 0)
        take_name(reader, name);
    entry->manager = name->manager;
    name->kept--;
}

static INLINE void get_roster_entry(struct people_reader *reader, struct block_reader *r,
                                    struct roster_entry *entry) {
    *entry = (struct roster_entry){.site = SITE_NONE, .zone = ZONE_NONE};
    entry->effective_on = get_day(r);
    entry->hired_on = get_day_or_none(r);
    entry->left_on = get_day_or_none(r);
    entry->workdays = (uint8_t)get_most(r, (1u << WEEK_DAYS) - 1);
    entry->expects_office = get_most(r, 1) != 0;
    get_policy(reader, r, entry);
    get_home(reader, r, entry);
    get_manager(reader, r, entry);
}

/* `closed` is c: nobody is judged on a day to come. */
static void get_adverse(struct block_reader *r, struct people *people, struct person *person,
                        int32_t closed) {
    uint64_t count = get_most(r, ADVERSE_RECORDS_MAX);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t seq = (uint32_t)get_most(r, UINT32_MAX);
        civil_day effective_on = get_day(r);
        if (effective_on.n > closed)
            block_fail(r);
        person_add_adverse(people, person, seq, effective_on);
        person->more->case_file->adverse[i].is_superseded = get_most(r, 1) != 0;
    }
}

static void get_case(struct block_reader *r, struct case_file *file) {
    file->gate = (uint8_t)get_most(r, GATE_VP_APPROVAL_REQUIRED);
    file->approved_until = get_day_or_none(r);
    file->grounds[0] = (uint32_t)get_most(r, UINT32_MAX);
    file->grounds[1] = (uint32_t)get_most(r, UINT32_MAX);
    file->is_retracted = get_most(r, 1) != 0;
}

static void get_leaves(struct block_reader *r, struct people *people, struct person *person) {
    uint64_t count = get_most(r, 2 * PERSON_RECORDS_MAX);
    for (uint64_t i = 0; i < count && !r->failed; i++) {
        struct leave_record record = {.leave_id = get_text(r, 1)};
        get_days(r, &record.from, &record.to);
        record.effect = (enum leave_effect)get_most(r, LEAVE_CREDIT);
        if (!r->failed)
            person_put_leave(people, person, &record, (civil_day){INT32_MIN});
    }
}

/* What covers days says which; what is neither in force nor remembered would have been forgotten. */
static bool is_sound_decision(const struct decision *decision) {
    if (!decision->is_in_force)
        return decision->is_remembered;
    return decision->kind <= DECISION_VP_APPROVAL && !day_is_none(decision->to) &&
           decision->from.n <= decision->to.n &&
           (decision->kind == DECISION_VP_APPROVAL || !day_is_none(decision->from));
}

static void get_decisions(struct block_reader *r, struct people *people, struct person *person) {
    uint64_t count = get_most(r, PERSON_RECORDS_MAX + DECISIONS_KEPT_MAX);
    for (uint64_t i = 0; i < count && !r->failed; i++) {
        struct short_text id = get_text(r, 1);
        struct decision *decision = person_add_decision(people, person, id.bytes, id.len);
        decision->kind = (uint8_t)get_most(r, DECISION_CASE_CLOSED);
        decision->from = get_day_or_none(r);
        decision->to = get_day_or_none(r);
        uint64_t bits = get_most(r, DECISION_IN_FORCE | DECISION_REMEMBERED);
        decision->is_in_force = (bits & DECISION_IN_FORCE) != 0;
        decision->is_remembered = (bits & DECISION_REMEMBERED) != 0;
        if (!is_sound_decision(decision))
            block_fail(r);
    }
}

static void get_hold(struct block_reader *r, struct hold *hold) {
    hold->group = get_text(r, 1);
    hold->policy = get_text(r, 1);
    hold->version = get_day_or_none(r);
    hold->week.is_set = get_most(r, 1) != 0;
    hold->week.from = get_day_or_none(r);
    if (hold->week.is_set && day_is_none(hold->week.from))
        block_fail(r);
    hold->week.to = day_plus(hold->week.from, WEEK_DAYS - 1);
    hold->week.present = (uint8_t)get_most(r, WEEK_DAYS);
    hold->week.required = (uint8_t)get_most(r, WEEK_DAYS);
    hold->week.workable = (uint8_t)get_most(r, WEEK_DAYS);
    hold->week.days = (uint8_t)get_most(r, (1u << WEEK_DAYS) - 1);
}

static void get_more(struct people_reader *reader, struct person *person, int32_t closed,
                     enum case_stage stage, uint32_t case_seq) {
    struct block_reader *r = reader->r;
    struct people *people = reader->restore->task->people;
    uint64_t has = get_most(r, MORE_ALL);
    if (stage != STAGE_NONE && !(has & (MORE_ADVERSE | MORE_CASE)))
        block_fail(r);
    if (has & MORE_TOLD_LATE)
        block_get_raw(r, person_told_late(people, person), sizeof *person->more->told_late);
    if (has & MORE_ADVERSE)
        get_adverse(r, people, person, closed);
    if (has & (MORE_ADVERSE | MORE_CASE)) {
        struct case_file *file = person_case(people, person);
        file->stage = (uint8_t)stage;
        file->seq = case_seq;
        /* Version 1 knew no approvals. */
        file->gate = stage == STAGE_NONE ? GATE_CLEAR : GATE_VP_APPROVAL_REQUIRED;
        if (has & MORE_CASE)
            get_case(r, file);
    }
    if (has & MORE_LEAVE)
        get_leaves(r, people, person);
    if (has & MORE_DECISIONS)
        get_decisions(r, people, person);
    if (has & MORE_DISPUTE)
        person_more(people, person)->dispute_is_open = true;
    if (has & MORE_HOLD)
        get_hold(r, person_hold(people, person));
}

/* Reads a whole person into a fresh record; the slot's value is set by the caller. */
static void get_whole(struct people_reader *reader, struct slot_value *value, struct person *person) {
    struct block_reader in = *reader->r, *r = &in;
    struct people *people = reader->restore->task->people;
    value->status = (uint8_t)get_most(r, STATUS_COUNT - 1);
    person->known_at.ms = get_ms(r);
    person->known_topic = (uint8_t)get_most(r, TOPIC_COUNT - 1);
    person->known_partition = (uint16_t)get_most(r, UINT16_MAX);
    person->known_offset = block_get_int(r);
    person->known_on = get_day(r);
    person->seq = (uint32_t)get_most(r, SEQ_BOUND);
    person->status_since = get_day(r);
    enum case_stage stage = (enum case_stage)get_most(r, STAGE_WRITTEN_WARNING);
    uint32_t case_seq = (uint32_t)get_most(r, UINT32_MAX);
    uint64_t count = get_most(r, 2 * PERSON_RECORDS_MAX);
    for (uint64_t i = 0; i < count && !r->failed && reader->why == NULL; i++) {
        struct roster_entry entry;
        get_roster_entry(reader, r, &entry);
        person_put_roster(people, person, &entry);
    }
    *reader->r = in;
    get_more(reader, person, value->closed, stage, case_seq);
    if (person->seq == 0)
        block_fail(reader->r);
}

static void drop(struct task *task, struct table_slot *slot) {
    struct slot_value value;
    table_get(slot, &value);
    people_remove(task->people, value.person);
    table_erase(task->table, slot);
}

/* Equal ranges of hash values, as table_next_in_range walks them. */
static uint32_t segment_of(uint64_t hash, uint32_t segments) {
    return (uint32_t)((day_bits)hash * segments >> 64);
}

static void get_entry(struct people_reader *reader, struct entry *entry) {
    struct block_reader *r = reader->r;
    uint64_t kind = block_get_uint(r);
    *entry = (struct entry){.kind = (enum entry_kind)kind};
    entry->id = block_get_text(r, ID_BYTES_MAX, &entry->len);
    if (r->failed || entry->len == 0 || kind < ENTRY_WHOLE || kind > ENTRY_ERASED ||
        (reader->range && kind != ENTRY_WHOLE)) {
        block_fail(r);
        return;
    }
    entry->hash = table_hash(reader->restore->task->table, entry->id, entry->len);
    if (reader->range && segment_of(entry->hash, reader->range->ranges) != reader->range->index)
        block_fail(r);
    if (!reader->is_check)
        table_prefetch_home(reader->restore->task->table, entry->hash);
    if (kind == ENTRY_ERASED)
        return;
    entry->value.closed = get_day(r).n;
    block_get_raw(r, entry->value.days, sizeof entry->value.days);
    if (kind == ENTRY_WHOLE && !r->failed)
        get_whole(reader, &entry->value, &entry->person);
}

/* The id may be there with an older state: the whole record replaces it. */
static void apply_whole(struct task *task, struct entry *entry, struct table_slot *slot) {
    if (slot) {
        struct slot_value known;
        table_get(slot, &known);
        entry->value.person = known.person;
        people_replace(task->people, known.person, &entry->person);
        table_set(slot, &entry->value);
    } else {
        entry->value.person = people_add(task->people);
        *people_get(task->people, entry->value.person) = entry->person;
        table_insert(task->table, entry->id, entry->len, entry->hash, &entry->value);
    }
}

static void apply_days(struct task *task, const struct entry *entry, struct table_slot *slot) {
    struct slot_value known;
    table_get(slot, &known);
    while (known.closed < entry->value.closed) { /* the other rings slide along */
        unsigned place = slot_close_day(&known);
        struct person_more *more = people_get(task->people, known.person)->more;
        if (more && more->told_late)
            *more->told_late &= ~days_bit(place);
    }
    memcpy(known.days, entry->value.days, sizeof known.days);
    table_set(slot, &known);
}

static void apply_entry(struct restore *restore, struct entry *entry) {
    struct task *task = restore->task;
    struct table_slot *slot = table_find(task->table, entry->id, entry->len, entry->hash);
    if (entry->kind == ENTRY_WHOLE)
        apply_whole(task, entry, slot);
    else if (slot && entry->kind == ENTRY_DAYS)
        apply_days(task, entry, slot);
    else if (slot)
        drop(task, slot);
    else if (entry->kind == ENTRY_DAYS)
        /* Compaction has removed what came before, since a snapshot behind this block tells it all. */
        restore->awaits_snapshot[segment_of(entry->hash, restore->setup.segments)] = true;
    /* else somebody who came and went within one transaction */
}

/* ---- ranges of a snapshot ---- */

static void clear_range(struct task *task, struct range range) {
    for (struct table_slot *slot = table_next_in_range(task->table, range.index, range.ranges, NULL); slot;
         slot = table_next_in_range(task->table, range.index, range.ranges, slot))
        drop(task, slot);
}

/* Those who are there already are about to be read anew, in the order in which they lie. Returns how many. */
static uint32_t prefetch_range(const struct task *task, struct range range) {
    uint32_t count = 0;
    for (struct table_slot *slot = table_next_in_range(task->table, range.index, range.ranges, NULL); slot;
         slot = table_next_in_range(task->table, range.index, range.ranges, slot)) {
        struct slot_value value;
        table_get(slot, &value);
        people_prefetch(task->people, value.person);
        count++;
    }
    return count;
}

/* What the number of a snapshot says. */
static struct range range_of(const struct restore *restore, uint64_t number) {
    uint32_t ranges = (uint32_t)(number >> 32);
    return (struct range){(uint32_t)number, ranges ? ranges : restore->setup.segments};
}

static bool is_range(const struct restore *restore, struct range range) {
    uint32_t segments = restore->setup.segments;
    return range.index < range.ranges && range.ranges >= segments && (range.ranges & (range.ranges - 1)) == 0;
}

/* The whole segment is told, or its last part: the others stand before it in the same transaction. */
static void note_snapshot(struct restore *restore, struct range range, uint64_t delta) {
    uint32_t parts = range.ranges / restore->setup.segments;
    if (parts == 1)
        restore->told_by[range.index] = restore->result.records;
    if (range.index % parts != parts - 1)
        return;
    restore->task->changelog.segment_delta[range.index / parts] = delta;
    restore->awaits_snapshot[range.index / parts] = false;
}

static void note_delta(struct restore *restore, uint64_t number) {
    if (restore->deltas_count == restore->deltas_capacity) {
        restore->deltas_capacity = restore->deltas_capacity ? 2 * restore->deltas_capacity : 256;
        restore->deltas = xrealloc(restore->deltas, restore->deltas_capacity, sizeof *restore->deltas);
    }
    restore->deltas[restore->deltas_count++] = number;
}

#define NAMES_BATCH 64 /* looked up at once, to hide the cost of memory */

static void take_names(struct people_reader *reader, struct block_name *names, size_t count) {
    struct people *people = reader->restore->task->people;
    uint32_t at[NAMES_BATCH];
    for (size_t i = 0; i < count; i++)
        at[i] = names_prefetch(people, names[i].text, names[i].len);
    for (size_t i = 0; i < count; i++)
        at[i] = names_prefetch_place(people, at[i]);
    for (size_t i = 0; i < count; i++)
        names_prefetch_name(people, at[i]);
    for (size_t i = 0; i < count; i++)
        take_name(reader, &names[i]);
}

static void get_names(struct people_reader *reader) {
    struct block_reader *r = reader->r;
    reader->references = (uint32_t)(r->end - r->at);
    uint64_t count = reader->names_count = get_most(r, reader->references);
    reader->names = xcalloc(count + 1, sizeof *reader->names);
    for (uint64_t i = 1; i <= count; i++) {
        size_t len;
        reader->names[i].text = block_get_text(r, ID_BYTES_MAX, &len);
        reader->names[i].len = (uint8_t)len;
        if (len == 0)
            block_fail(r);
    }
}

/* All of them, if most will be asked for. */
static void take_all_names(struct people_reader *reader) {
    for (uint64_t i = 1; i <= reader->names_count && !reader->r->failed; i += NAMES_BATCH)
        take_names(reader, &reader->names[i],
                   reader->names_count + 1 - i < NAMES_BATCH ? reader->names_count + 1 - i : NAMES_BATCH);
}

static void end_names(struct people_reader *reader) {
    struct people *people = reader->restore->task->people;
    for (uint64_t i = 1; i <= reader->names_count; i++) {
        const struct block_name *name = &reader->names[i];
        if (name->manager)
            names_drop(people, name->manager, name->kept);
    }
    free(reader->names);
}

#define ENTRY_BATCH 32 /* read ahead of being applied: their slots are on their way from memory by then */

static bool is_refused(const struct people_reader *reader) {
    return reader->r->failed || reader->why;
}

static void apply_batch(struct restore *restore, struct entry *batch, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        table_prefetch(restore->task->table, batch[i].hash);
    for (uint32_t i = 0; i < count; i++)
        apply_entry(restore, &batch[i]);
}

static void apply_entries(struct people_reader *reader, uint32_t count) {
    struct entry batch[ENTRY_BATCH];
    while (count > 0 && !is_refused(reader)) {
        uint32_t had = 0;
        while (had < ENTRY_BATCH && had < count && !is_refused(reader))
            get_entry(reader, &batch[had++]);
        if (is_refused(reader))
            for (uint32_t i = 0; i < had; i++)
                person_empty(reader->restore->task->people, &batch[i].person);
        else
            apply_batch(reader->restore, batch, had);
        count -= had;
    }
}

/* ---- deltas, which wait for the snapshots behind them
 *
 * Of the people in deltas most are told again by the snapshots that follow in rotation: to put them into the
 * table one by one, each where the cache is not, would be in vain. So a delta is read when it comes, which
 * finds it sound or not, and waits, within bounds of memory; what a snapshot has told meanwhile is left out.
 */

static void apply_delta(struct restore *restore, const struct held_delta *held) {
    struct block_reader r = {.at = held->payload, .end = held->payload + held->payload_len};
    struct people_reader reader = {.restore = restore, .r = &r};
    struct entry batch[ENTRY_BATCH];
    uint32_t had = 0;
    get_names(&reader);
    for (uint32_t i = 0; i < held->count; i++) {
        if (restore->told_by[held->entries[i].segment] > held->record)
            continue;
        r.at = held->payload + held->entries[i].at;
        get_entry(&reader, &batch[had++]);
        if (had == ENTRY_BATCH) {
            apply_batch(restore, batch, had);
            had = 0;
        }
    }
    apply_batch(restore, batch, had);
    end_names(&reader);
    CHECK(!is_refused(&reader)); /* it was read before */
}

static void apply_held(struct restore *restore) {
    for (; restore->held; drop_held(restore))
        apply_delta(restore, restore->held);
}

static struct held_delta *new_held(const struct restore *restore, const struct block_reader *r,
                                   uint32_t count) {
    uint32_t len = (uint32_t)(r->end - r->at);
    struct held_delta *held = xrealloc(NULL, sizeof *held + len, 1);
    *held = (struct held_delta){.record = restore->result.records, .payload_len = len, .count = count};
    held->entries = xcalloc(count, sizeof *held->entries);
    memcpy(held->payload, r->at, len);
    return held;
}

static void hold(struct restore *restore, struct held_delta *held) {
    if (restore->held)
        restore->held_last->next = held;
    else
        restore->held = held;
    restore->held_last = held;
    restore->held_bytes += held_size(held->payload_len, held->count);
    if (restore->held_bytes > restore->held_most)
        apply_held(restore);
}

static void check_delta(struct people_reader *reader, uint32_t count) {
    struct restore *restore = reader->restore;
    struct block_reader *r = reader->r;
    if (count > (size_t)(r->end - r->at)) {
        block_fail(r);
        return;
    }
    struct held_delta *held = new_held(restore, r, count);
    const char *payload = r->at;
    reader->is_check = true;
    get_names(reader);
    for (uint32_t i = 0; i < count && !is_refused(reader); i++) {
        struct entry entry;
        held->entries[i].at = (uint32_t)(r->at - payload);
        get_entry(reader, &entry);
        held->entries[i].segment = segment_of(entry.hash, restore->setup.segments);
        person_empty(restore->task->people, &entry.person);
    }
    end_names(reader);
    if (is_refused(reader) || r->at != r->end) {
        free(held->entries);
        free(held);
    } else {
        hold(restore, held);
    }
}

/* A snapshot is the full content of its range: whoever is not in it is gone. That is rare, since deltas tell
 * of the erased, too: then the range is emptied and read once more. */
static void apply_snapshot(struct people_reader *reader, uint32_t count) {
    struct task *task = reader->restore->task;
    get_names(reader);
    take_all_names(reader);
    const char *entries = reader->r->at;
    uint32_t others = table_count(task->table) - prefetch_range(task, *reader->range);
    apply_entries(reader, count);
    if (!is_refused(reader) && table_count(task->table) - others != count) {
        clear_range(task, *reader->range);
        reader->r->at = entries;
        apply_entries(reader, count);
    }
    end_names(reader);
}

static enum restore_result apply_people(struct restore *restore, const struct block_header *header,
                                        struct block_reader *r, char *error, size_t error_size) {
    struct people_reader reader = {.restore = restore, .r = r};
    struct range range = range_of(restore, header->number);
    if (header->kind == BLOCK_DELTA) {
        check_delta(&reader, header->count);
    } else {
        reader.range = &range;
        if (range.ranges != restore->setup.segments)
            apply_held(restore); /* it tells a part of a segment */
        apply_snapshot(&reader, header->count);
    }
    if (reader.why)
        return refuse(error, error_size, reader.why);
    if (r->failed || r->at != r->end)
        return refuse(error, error_size, "the entries of the block make no sense");
    if (header->kind == BLOCK_SNAPSHOT)
        note_snapshot(restore, range, header->delta);
    else
        note_delta(restore, header->number);
    return RESTORE_OK;
}

/* ---- closures
 * -------------------------------------------------------------------------------------------------- */

static enum restore_result apply_closures(struct restore *restore, const struct block_header *header,
                                          const char *key, size_t key_len, struct block_reader *r,
                                          char *error, size_t error_size) {
    struct task *task = restore->task;
    struct short_text id = get_text(r, 1);
    if (r->failed || key_len != 1u + id.len || memcmp(key + 1, id.bytes, id.len) != 0)
        return refuse(error, error_size, "the block does not belong to its key");
    struct closures *closures = NULL;
    for (uint32_t i = 0; i < header->count && i < CLOSURES_MAX && !r->failed; i++) {
        struct closure closure = {.kind = (uint8_t)get_most(r, CALENDAR_HOLD)};
        get_days(r, &closure.from, &closure.to);
        if (closures_contain(closures, &closure))
            block_fail(r);
        struct closures *more = closures_with(closures, &closure);
        free(closures);
        closures = more;
    }
    uint16_t site = sites_find(&task->rules->sites, id.bytes, id.len);
    /* Of a site that is gone from the site file nothing is kept here; the record stays in the changelog for
     * the day that the site comes back. */
    bool is_sound = !r->failed && r->at == r->end;
    if (is_sound && site != SITE_NONE) {
        free(task->closures[site]);
        task->closures[site] = closures;
        return RESTORE_OK;
    }
    free(closures);
    return is_sound ? RESTORE_OK : refuse(error, error_size, "the closures of a site make no sense");
}

/* ---- records and the end
 * --------------------------------------------------------------------------------------- */

static bool is_key(const char *key, size_t key_len, const struct block_header *header) {
    char expected[32];
    unsigned long long number = header->number;
    switch (header->kind) {
    case BLOCK_BIRTH:
        snprintf(expected, sizeof expected, "born");
        break;
    case BLOCK_TASK:
        snprintf(expected, sizeof expected, "task");
        break;
    case BLOCK_DELTA:
        snprintf(expected, sizeof expected, "d%llu", number);
        break;
    case BLOCK_SNAPSHOT:
        if (number >> 32)
            snprintf(expected, sizeof expected, "s%llu/%llu", number & UINT32_MAX, number >> 32);
        else
            snprintf(expected, sizeof expected, "s%llu", number);
        break;
    case BLOCK_CLOSURES:
        return key_len > 0 && key[0] == 'c'; /* and the site's name, which the block holds */
    }
    return strlen(expected) == key_len && memcmp(expected, key, key_len) == 0;
}

enum restore_result restore_apply(struct restore *restore, const char *key, size_t key_len, const char *value,
                                  size_t value_len, char *error, size_t error_size) {
    restore->result.records++;
    restore->result.bytes += key_len + value_len;
    if (value == NULL)
        return RESTORE_OK; /* a delta that is no longer needed */
    struct block_header header;
    struct block_reader payload;
    const char *why;
    if (!block_open(value, value_len, &header, &payload, &why))
        return refuse(error, error_size, why);
    if (header.kind < BLOCK_BIRTH || header.kind > BLOCK_CLOSURES)
        return refuse(error, error_size, "a block of an unknown kind");
    if (!is_key(key, key_len, &header))
        return refuse(error, error_size, "the block does not belong to its key");
    if (header.kind == BLOCK_BIRTH)
        return apply_birth(restore, &payload, error, error_size);
    if (restore->task == NULL)
        return refuse(error, error_size, "the first record is not a birth record: the beginning is lost");
    if (header.kind == BLOCK_TASK)
        return apply_task(restore, &header, &payload, error, error_size);
    if (header.kind == BLOCK_CLOSURES)
        return apply_closures(restore, &header, key, key_len, &payload, error, error_size);
    if (header.kind == BLOCK_SNAPSHOT && !is_range(restore, range_of(restore, header.number)))
        return refuse(error, error_size, "a snapshot of a segment that does not exist");
    return apply_people(restore, &header, &payload, error, error_size);
}

static int compare_numbers(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* What the last transaction says must be there: the deltas that it had not nulled, and of each segment a
 * snapshot that knows those which it had. */
static const char *find_gap(struct restore *restore) {
    struct changelog_state *log = &restore->task->changelog;
    uint64_t found = 0;
    if (restore->deltas_count > 0)
        qsort(restore->deltas, restore->deltas_count, sizeof *restore->deltas, compare_numbers);
    for (size_t i = 0; i < restore->deltas_count; i++)
        found += restore->deltas[i] >= log->oldest_delta && restore->deltas[i] < log->next_delta &&
                 (i == 0 || restore->deltas[i] != restore->deltas[i - 1]);
    if (log->oldest_delta == 0 || log->oldest_delta > log->next_delta ||
        found != log->next_delta - log->oldest_delta)
        return "delta blocks are missing that the task record counts on: a part of the changelog is lost";
    for (uint32_t i = 0; i < restore->setup.segments; i++) {
        if (log->oldest_delta > 1 && log->segment_delta[i] < log->oldest_delta)
            return "snapshots are missing that the task record counts on: a part of the changelog is lost";
        if (log->segment_delta[i] > log->next_delta)
            log->segment_delta[i] = log->next_delta; /* of a batch that is done again, with these numbers */
    }
    return NULL;
}

/* Nothing is left of a ledger when so many days went by. No two homes are that many days apart, so that the
 * rest of the way is gone day by day, in whatever zone the person's home is by then. */
static void skip_days(struct task *task, struct subject *subject) {
    int32_t closed = closes_home(task, subject->value.zone)->closed.n - HOMES_APART_DAYS;
    if (closed - subject->value.closed < LEDGER_DAYS)
        return;
    subject->value.closed = closed - 1;
    subject->value.days[0] = subject->value.days[1] = 0;
    if (subject->person->more && subject->person->more->told_late)
        *subject->person->more->told_late = DAYS_NONE;
    subject_close_day(task, subject);
}

/* Moves everybody to the clock: the closes since a person's last block changed nothing but c and the window.
 */
static void settle_people(struct task *task) {
    struct subjects_walk walk = {.ranges = 1};
    for (size_t count; (count = subjects_next(task, &walk)) > 0;)
        for (size_t i = 0; i < count; i++) {
            struct subject subject;
            subject_load(task, walk.slots[i], &subject);
            subject_refresh_open_day(task, &subject);
            skip_days(task, &subject);
            while (subject.value.closed < closes_home(task, subject.value.zone)->closed.n)
                subject_close_day(task, &subject);
            subject.value.flags |= subject_quiet_flag(task, &subject);
            task->held += subject.person->more && subject.person->more->hold;
            task->statuses[subject.value.status]++;
            subject_store(&subject);
        }
}

enum restore_result restore_finish(struct restore *restore, struct restored *out, char *error,
                                   size_t error_size) {
    if (restore->task == NULL)
        return refuse(error, error_size, "there is no birth record");
    struct task *task = restore->task;
    apply_held(restore);
    if (!day_is_none(restore->birth.complete_from) && !day_is_none(task->rules->complete_from) &&
        restore->birth.complete_from.n != task->rules->complete_from.n)
        return refuse(error, error_size,
                      "time.complete_from differs from the one that `rollcall init` recorded");
    if ((!restore->result.has_task_record || task->clock.ms == NO_CLOCK) && table_count(task->table) > 0)
        return refuse(error, error_size, "there are people but no task record with a clock");
    const char *gap = restore->result.has_task_record ? find_gap(restore) : NULL;
    if (gap)
        return refuse(error, error_size, gap);
    for (uint32_t i = 0; i < restore->setup.segments; i++)
        if (restore->awaits_snapshot[i])
            return refuse(error, error_size, "a delta block changes somebody of whom nothing else tells");
    if (task->clock.ms != NO_CLOCK)
        settle_people(task);
    *out = restore->result;
    out->task = task;
    out->birth = restore->birth;
    out->rules_changed = restore->result.has_task_record &&
                         memcmp(restore->rules_hash, task->rules->hash, sizeof restore->rules_hash) != 0;
    restore->task = NULL;
    restore->result.positions = NULL;
    return RESTORE_OK;
}
