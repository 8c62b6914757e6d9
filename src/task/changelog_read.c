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
#define HOMES_APART_DAYS 4 /* more than the closed days of any two zones are */

struct restore {
    struct task_setup setup;
    struct task *task; /* from the birth record on */
    struct birth birth;
    struct restored result;
    uint8_t rules_hash[32];
    bool *awaits_snapshot; /* [segments] a delta spoke of somebody whose earlier records are compacted away */
    uint64_t *deltas;      /* numbers of the delta blocks that were read */
    size_t deltas_count, deltas_capacity;
};

struct restore *restore_new(const struct task_setup *setup) {
    struct restore *restore = xcalloc(1, sizeof *restore);
    restore->setup = *setup;
    restore->setup.has_changelog = true;
    return restore;
}

void restore_free(struct restore **restore) {
    if (*restore == NULL)
        return;
    task_free(&(*restore)->task);
    free((*restore)->result.positions);
    free((*restore)->awaits_snapshot);
    free((*restore)->deltas);
    free(*restore);
    *restore = NULL;
}

static enum restore_result refuse(char *error, size_t error_size, const char *why) {
    snprintf(error, error_size, "%s", why);
    return RESTORE_REFUSED;
}

/* ---- values within their bounds: anything else was not written by us
 * ---------------------------------------------- */

static uint64_t get_most(struct block_reader *r, uint64_t most) {
    uint64_t number = block_get_uint(r);
    if (number > most)
        r->failed = true;
    return r->failed ? 0 : number;
}

static int64_t get_between(struct block_reader *r, int64_t least, int64_t most) {
    int64_t number = block_get_int(r);
    if (number < least || number > most)
        r->failed = true;
    return r->failed ? 0 : number;
}

static civil_day get_day(struct block_reader *r) {
    return (civil_day){(int32_t)get_between(r, -DAY_BOUND, DAY_BOUND)};
}

/* Or DAY_NONE. */
static civil_day get_day_or_none(struct block_reader *r) {
    int64_t day = block_get_int(r);
    if (day != INT32_MIN && (day < -DAY_BOUND || day > DAY_BOUND))
        r->failed = true;
    return r->failed ? DAY_NONE : (civil_day){(int32_t)day};
}

static void get_days(struct block_reader *r, civil_day *from, civil_day *to) {
    *from = get_day(r);
    *to = get_day(r);
    if (from->n > to->n)
        r->failed = true;
}

/* Or NO_CLOCK. */
static int64_t get_ms(struct block_reader *r) {
    int64_t ms = block_get_int(r);
    if (ms != NO_CLOCK && (ms < -MS_BOUND || ms > MS_BOUND))
        r->failed = true;
    return r->failed ? NO_CLOCK : ms;
}

/* Of 1 to 64 bytes, or of none where there may be none. */
static struct short_text get_text(struct block_reader *r, size_t least) {
    struct short_text text = {0};
    size_t len;
    const char *bytes = block_get_text(r, ID_BYTES_MAX, &len);
    if (len < least)
        r->failed = true;
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
        r->failed = true; /* known from the first arrival at the latest */
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
    uint32_t manager; /* as such; the block has a reference to it, also if it names something else */
};

/* A segment, or a part of one: the index-th of so many equal ranges of hash values. */
struct range {
    uint32_t index, ranges;
};

struct people_reader {
    struct restore *restore;
    struct block_reader *r;
    const struct range *range; /* of a snapshot; NULL: of a delta */
    struct block_name *names;  /* [1..count] */
    uint64_t names_count;
    uint32_t spare_manager; /* whom the person in hand named before; a reference; 0: nobody */
    const char *why;        /* what the configuration lacks */
};

/* NULL if there is none, which number 0 says. */
static struct block_name *get_name(struct people_reader *reader) {
    uint64_t number = block_get_uint(reader->r);
    if (number > reader->names_count) {
        reader->r->failed = true;
        return NULL;
    }
    return number ? &reader->names[number] : NULL;
}

static void get_policy(struct people_reader *reader, struct roster_entry *entry) {
    struct block_name *name = get_name(reader);
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

static void get_home(struct people_reader *reader, struct roster_entry *entry) {
    const struct rules *rules = reader->restore->task->rules;
    struct block_name *site = get_name(reader), *zone = get_name(reader);
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

/* Most people keep their manager: then the reference that the record had is passed on, and nothing is
 * touched. */
static void get_manager(struct people_reader *reader, struct roster_entry *entry) {
    struct block_name *name = get_name(reader);
    if (name == NULL)
        return;
    entry->manager = name->manager;
    if (reader->spare_manager == name->manager)
        reader->spare_manager = 0;
    else
        names_keep(reader->restore->task->people, name->manager);
}

static void get_roster_entry(struct people_reader *reader, struct roster_entry *entry) {
    struct block_reader *r = reader->r;
    *entry = (struct roster_entry){.site = SITE_NONE, .zone = ZONE_NONE};
    entry->effective_on = get_day(r);
    entry->hired_on = get_day_or_none(r);
    entry->left_on = get_day_or_none(r);
    entry->workdays = (uint8_t)get_most(r, (1u << WEEK_DAYS) - 1);
    entry->expects_office = get_most(r, 1) != 0;
    get_policy(reader, entry);
    get_home(reader, entry);
    get_manager(reader, entry);
}

/* `closed` is c: nobody is judged on a day to come. */
static void get_adverse(struct block_reader *r, struct people *people, struct person *person,
                        int32_t closed) {
    uint64_t count = get_most(r, ADVERSE_RECORDS_MAX);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t seq = (uint32_t)get_most(r, UINT32_MAX);
        civil_day effective_on = get_day(r);
        if (effective_on.n > closed)
            r->failed = true;
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
            r->failed = true;
    }
}

static void get_hold(struct block_reader *r, struct hold *hold) {
    hold->group = get_text(r, 1);
    hold->policy = get_text(r, 1);
    hold->version = get_day_or_none(r);
    hold->week.is_set = get_most(r, 1) != 0;
    hold->week.from = get_day_or_none(r);
    if (hold->week.is_set && day_is_none(hold->week.from))
        r->failed = true;
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
        r->failed = true;
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
    struct block_reader *r = reader->r;
    struct people *people = reader->restore->task->people;
    value->status = (uint8_t)get_most(r, STATUS_COUNT - 1);
    person->known_at.ms = get_ms(r);
    person->known_topic = (uint8_t)get_most(r, TOPIC_COUNT - 1);
    person->known_partition = (uint16_t)get_most(r, UINT16_MAX);
    person->known_offset = block_get_int(r);
    person->known_on = get_day(r);
    person->seq = (uint32_t)get_most(r, UINT32_MAX);
    person->status_since = get_day(r);
    enum case_stage stage = (enum case_stage)get_most(r, STAGE_WRITTEN_WARNING);
    uint32_t case_seq = (uint32_t)get_most(r, UINT32_MAX);
    uint64_t count = get_most(r, 2 * PERSON_RECORDS_MAX);
    for (uint64_t i = 0; i < count && !r->failed && reader->why == NULL; i++) {
        struct roster_entry entry;
        get_roster_entry(reader, &entry);
        person_put_roster(people, person, &entry);
    }
    get_more(reader, person, value->closed, stage, case_seq);
    if (person->seq == 0)
        r->failed = true;
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

/* The id may be there with an older state: the whole record replaces it. */
static void put_whole(struct people_reader *reader, const char *id, size_t len, struct slot_value *value) {
    struct task *task = reader->restore->task;
    uint64_t hash = table_hash(task->table, id, len);
    if (reader->range && segment_of(hash, reader->range->ranges) != reader->range->index) {
        reader->r->failed = true;
        return;
    }
    struct table_slot *slot = table_find(task->table, id, len, hash);
    if (slot) {
        struct slot_value known;
        table_get(slot, &known);
        value->person = known.person;
        reader->spare_manager = people_renew(task->people, known.person);
    } else {
        value->person = people_add(task->people);
    }
    get_whole(reader, value, people_get(task->people, value->person));
    names_release(task->people, reader->spare_manager);
    reader->spare_manager = 0;
    if (slot)
        table_set(slot, value);
    else
        table_insert(task->table, id, len, hash, value);
}

static void apply_entry(struct people_reader *reader) {
    struct block_reader *r = reader->r;
    struct task *task = reader->restore->task;
    uint64_t kind = block_get_uint(r);
    size_t len;
    const char *id = block_get_text(r, ID_BYTES_MAX, &len);
    if (r->failed || len == 0 || kind < ENTRY_WHOLE || kind > ENTRY_ERASED ||
        (reader->range && kind != ENTRY_WHOLE)) {
        r->failed = true;
        return;
    }
    struct slot_value value = {0};
    if (kind != ENTRY_ERASED) {
        value.closed = get_day(r).n;
        block_get_raw(r, value.days, sizeof value.days);
    }
    if (r->failed)
        return;
    if (kind == ENTRY_WHOLE) {
        put_whole(reader, id, len, &value);
        return;
    }
    uint64_t hash = table_hash(task->table, id, len);
    struct table_slot *slot = table_find(task->table, id, len, hash);
    if (kind == ENTRY_ERASED) {
        if (slot) /* else somebody who came and went within one transaction */
            drop(task, slot);
    } else if (slot == NULL) {
        /* Compaction has removed what came before, since a snapshot behind this block tells it all. */
        reader->restore->awaits_snapshot[segment_of(hash, reader->restore->setup.segments)] = true;
    } else {
        struct slot_value known;
        table_get(slot, &known);
        struct person_more *more = people_get(task->people, known.person)->more;
        while (known.closed < value.closed) { /* the other rings slide along */
            unsigned place = slot_close_day(&known);
            if (more && more->told_late)
                *more->told_late &= ~days_bit(place);
        }
        memcpy(known.days, value.days, sizeof known.days);
        table_set(slot, &known);
    }
}

/* ---- ranges of a snapshot ---- */

static void clear_range(struct task *task, struct range range) {
    for (struct table_slot *slot = table_next_in_range(task->table, range.index, range.ranges, NULL); slot;
         slot = table_next_in_range(task->table, range.index, range.ranges, slot))
        drop(task, slot);
}

/* Those who are there already are about to be read anew, in the order in which they lie. */
static void prefetch_range(const struct task *task, struct range range) {
    for (struct table_slot *slot = table_next_in_range(task->table, range.index, range.ranges, NULL); slot;
         slot = table_next_in_range(task->table, range.index, range.ranges, slot)) {
        struct slot_value value;
        table_get(slot, &value);
        people_prefetch(task->people, value.person);
    }
}

static uint32_t count_range(const struct task *task, struct range range) {
    uint32_t count = 0;
    for (struct table_slot *slot = table_next_in_range(task->table, range.index, range.ranges, NULL); slot;
         slot = table_next_in_range(task->table, range.index, range.ranges, slot))
        count++;
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

static void take_names(struct people *people, struct block_name *names, size_t count) {
    uint32_t at[NAMES_BATCH];
    for (size_t i = 0; i < count; i++)
        at[i] = names_prefetch(people, names[i].text, names[i].len);
    for (size_t i = 0; i < count; i++)
        names_prefetch_place(people, at[i]);
    for (size_t i = 0; i < count; i++)
        names_prefetch_name(people, at[i]);
    for (size_t i = 0; i < count; i++)
        names[i].manager = names_take(people, names[i].text, names[i].len);
}

static void get_names(struct people_reader *reader) {
    struct block_reader *r = reader->r;
    uint64_t count = reader->names_count = get_most(r, (uint64_t)(r->end - r->at));
    reader->names = xcalloc(count + 1, sizeof *reader->names);
    for (uint64_t i = 1; i <= count; i++) {
        size_t len;
        reader->names[i].text = block_get_text(r, ID_BYTES_MAX, &len);
        reader->names[i].len = (uint8_t)len;
        r->failed = r->failed || len == 0;
    }
    for (uint64_t i = 1; i <= count && !r->failed; i += NAMES_BATCH)
        take_names(reader->restore->task->people, &reader->names[i],
                   count + 1 - i < NAMES_BATCH ? count + 1 - i : NAMES_BATCH);
}

static void end_names(struct people_reader *reader) {
    for (uint64_t i = 1; i <= reader->names_count; i++)
        names_release(reader->restore->task->people, reader->names[i].manager);
    free(reader->names);
}

static void apply_entries(struct people_reader *reader, uint32_t count) {
    for (uint32_t i = 0; i < count && !reader->r->failed && reader->why == NULL; i++)
        apply_entry(reader);
}

/* A snapshot is the full content of its range: whoever is not in it is gone. That is rare, since deltas tell
 * of the erased, too: then the range is emptied and read once more. */
static void apply_snapshot(struct people_reader *reader, uint32_t count) {
    struct task *task = reader->restore->task;
    const char *entries = reader->r->at;
    prefetch_range(task, *reader->range);
    apply_entries(reader, count);
    if (reader->r->failed || reader->why || count_range(task, *reader->range) == count)
        return;
    clear_range(task, *reader->range);
    reader->r->at = entries;
    apply_entries(reader, count);
}

static enum restore_result apply_people(struct restore *restore, const struct block_header *header,
                                        struct block_reader *r, char *error, size_t error_size) {
    struct people_reader reader = {.restore = restore, .r = r};
    struct range range = range_of(restore, header->number);
    get_names(&reader);
    if (header->kind == BLOCK_SNAPSHOT) {
        reader.range = &range;
        apply_snapshot(&reader, header->count);
    } else {
        apply_entries(&reader, header->count);
    }
    end_names(&reader);
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
            r->failed = true;
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
