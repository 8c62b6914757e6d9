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

#define CLOSED_DAY_BOUND 1000000 /* no instant of SPEC 2 has a day beyond */

struct restore {
    struct task_setup setup;
    struct task *task; /* from the birth record on */
    struct birth birth;
    struct restored result;
    uint8_t rules_hash[32];
    bool *awaits_snapshot; /* [segments] a delta spoke of somebody whose earlier records are compacted away */
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
    free(*restore);
    *restore = NULL;
}

static enum restore_result refuse(char *error, size_t error_size, const char *why) {
    snprintf(error, error_size, "%s", why);
    return RESTORE_REFUSED;
}

/* ---- birth and task records
 * ------------------------------------------------------------------------------------ */

static enum restore_result apply_birth(struct restore *restore, struct block_reader *r, char *error,
                                       size_t error_size) {
    struct birth birth = {
        .partition = (uint32_t)block_get_uint(r),
        .partitions = (uint32_t)block_get_uint(r),
        .segments = (uint32_t)block_get_uint(r),
        .hash_seed = block_get_uint(r),
    };
    birth.complete_from.n = (int32_t)block_get_int(r);
    birth.created.ms = block_get_int(r);
    if (r->failed || r->at != r->end || birth.segments == 0 || birth.segments > 1u << 20 ||
        (birth.segments & (birth.segments - 1)) != 0)
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
    task->clock.ms = block_get_int(r);
    task->complete_from.n = (int32_t)block_get_int(r);
    block_get_raw(r, restore->rules_hash, sizeof restore->rules_hash);
    log->batch = result->batch = header->number;
    log->next_delta = header->delta;
    log->oldest_delta = block_get_uint(r);
    log->next_segment = (uint32_t)block_get_uint(r) & (restore->setup.segments - 1);
    log->debt_bytes = block_get_int(r);
    task->closes_done = block_get_uint(r);
    if (header->count > TOPIC_COUNT * PARTITIONS_MAX)
        return refuse(error, error_size, "the task record has too many positions");
    result->positions = xrealloc(result->positions, header->count, sizeof *result->positions);
    result->positions_count = header->count;
    bool is_sound = true;
    for (uint32_t i = 0; i < header->count; i++) {
        struct position *position = &result->positions[i];
        uint64_t topic = block_get_uint(r);
        is_sound = is_sound && topic < TOPIC_COUNT;
        position->topic = (enum topic)topic;
        position->partition = (int32_t)block_get_int(r);
        position->offset = block_get_int(r);
        position->arrival.ms = block_get_int(r);
    }
    result->has_task_record = true;
    if (r->failed || r->at != r->end || !is_sound)
        return refuse(error, error_size, "the task record makes no sense");
    return RESTORE_OK;
}

/* ---- people
 * ---------------------------------------------------------------------------------------------------- */

struct block_name {
    const char *text;
    size_t len;
};

struct people_reader {
    struct restore *restore;
    struct block_reader *r;
    struct block_name *names; /* [1..count] */
    uint64_t names_count;
    const char *why; /* what the configuration lacks */
};

static const struct block_name *get_name(struct people_reader *reader) {
    uint64_t number = block_get_uint(reader->r);
    if (number > reader->names_count) {
        reader->r->failed = true;
        return NULL;
    }
    return number ? &reader->names[number] : NULL;
}

static void get_roster_entry(struct people_reader *reader, struct roster_entry *entry) {
    struct block_reader *r = reader->r;
    struct task *task = reader->restore->task;
    *entry = (struct roster_entry){.site = SITE_NONE, .zone = ZONE_NONE};
    entry->effective_on.n = (int32_t)block_get_int(r);
    entry->hired_on.n = (int32_t)block_get_int(r);
    entry->left_on.n = (int32_t)block_get_int(r);
    entry->workdays = (uint8_t)block_get_uint(r);
    entry->expects_office = block_get_uint(r) != 0;
    const struct block_name *name = get_name(reader);
    int policy = name ? policies_find(&task->rules->policies, name->text, name->len) : -1;
    if (policy < 0)
        reader->why = "somebody's roster record names a policy that is gone from the policy file";
    else
        entry->policy = (uint16_t)policy;
    if ((name = get_name(reader)) != NULL) {
        entry->site = sites_find(&task->rules->sites, name->text, name->len);
        if (entry->site == SITE_NONE)
            reader->why = "somebody's roster record names a site that is gone from the site file";
    }
    if ((name = get_name(reader)) != NULL) {
        entry->zone = zones_find(task->rules->zones, name->text, name->len);
        if (entry->zone == ZONE_NONE)
            reader->why = "somebody's roster record names a zone that is gone from the tz database";
    }
    if ((name = get_name(reader)) != NULL && name->len <= ID_BYTES_MAX)
        entry->manager = names_take(task->people, name->text, name->len);
}

static void get_more(struct people_reader *reader, struct person *person) {
    struct block_reader *r = reader->r;
    uint64_t has = block_get_uint(r);
    if (has == 0)
        return;
    struct person_more *more = person_more(reader->restore->task->people, person);
    if (has & MORE_TOLD_LATE)
        block_get_raw(r, &more->told_late, sizeof more->told_late);
    if (!(has & MORE_ADVERSE))
        return;
    uint64_t count = block_get_uint(r);
    if (count > ADVERSE_RECORDS_MAX) {
        r->failed = true;
        return;
    }
    more->adverse_count = (uint8_t)count;
    for (uint64_t i = 0; i < count; i++) {
        more->adverse[i].seq = (uint32_t)block_get_uint(r);
        more->adverse[i].effective_on.n = (int32_t)block_get_int(r);
        more->adverse[i].is_superseded = block_get_uint(r) != 0;
    }
}

/* Reads a whole person into a fresh record; the slot's value is set by the caller. */
static void get_whole(struct people_reader *reader, struct slot_value *value, struct person *person) {
    struct block_reader *r = reader->r;
    struct people *people = reader->restore->task->people;
    value->status = (uint8_t)block_get_uint(r);
    person->known_at.ms = block_get_int(r);
    person->known_topic = (uint8_t)block_get_uint(r);
    person->known_partition = (uint16_t)block_get_uint(r);
    person->known_offset = block_get_int(r);
    person->known_on.n = (int32_t)block_get_int(r);
    person->seq = (uint32_t)block_get_uint(r);
    person->status_since.n = (int32_t)block_get_int(r);
    person->stage = (uint8_t)block_get_uint(r);
    person->case_seq = (uint32_t)block_get_uint(r);
    uint64_t count = block_get_uint(r);
    for (uint64_t i = 0; i < count && !r->failed && reader->why == NULL; i++) {
        struct roster_entry entry;
        get_roster_entry(reader, &entry);
        person_put_roster(people, person, &entry);
    }
    get_more(reader, person);
    if (value->status >= STATUS_COUNT || person->known_topic >= TOPIC_COUNT ||
        person->stage > STAGE_WRITTEN_WARNING)
        r->failed = true;
}

static void drop(struct task *task, struct table_slot *slot) {
    struct slot_value value;
    table_get(slot, &value);
    people_remove(task->people, value.person);
    table_erase(task->table, slot);
}

/* The id may be there with an older state: the whole record replaces it. */
static void put_whole(struct people_reader *reader, const char *id, size_t len, struct slot_value *value) {
    struct task *task = reader->restore->task;
    uint64_t hash = table_hash(task->table, id, len);
    struct table_slot *slot = table_find(task->table, id, len, hash);
    if (slot)
        drop(task, slot);
    value->person = people_add(task->people);
    get_whole(reader, value, people_get(task->people, value->person));
    table_insert(task->table, id, len, hash, value);
}

/* Equal ranges of hash values, as table_next_in_range walks them. */
static uint32_t segment_of(uint64_t hash, uint32_t segments) {
    return (uint32_t)((day_bits)hash * segments >> 64);
}

static void apply_entry(struct people_reader *reader) {
    struct block_reader *r = reader->r;
    struct task *task = reader->restore->task;
    uint64_t kind = block_get_uint(r);
    size_t len;
    const char *id = block_get_text(r, ID_BYTES_MAX, &len);
    if (r->failed || len == 0 || kind < ENTRY_WHOLE || kind > ENTRY_ERASED) {
        r->failed = true;
        return;
    }
    struct slot_value value = {0};
    if (kind != ENTRY_ERASED) {
        int64_t closed = block_get_int(r);
        r->failed = r->failed || closed < -CLOSED_DAY_BOUND || closed > CLOSED_DAY_BOUND;
        value.closed = (int32_t)closed;
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
            if (more)
                more->told_late &= ~days_bit(place);
        }
        memcpy(known.days, value.days, sizeof known.days);
        table_set(slot, &known);
    }
}

/* A snapshot is the full content of its segment: whoever is not in it is gone. */
static void clear_segment(struct task *task, uint32_t segment) {
    uint32_t segments = task->setup.segments;
    for (struct table_slot *slot = table_next_in_range(task->table, segment, segments, NULL); slot;) {
        drop(task, slot);
        slot = table_next_in_range(task->table, segment, segments, slot);
    }
}

static enum restore_result apply_people(struct restore *restore, const struct block_header *header,
                                        struct block_reader *r, char *error, size_t error_size) {
    struct people_reader reader = {.restore = restore, .r = r};
    reader.names_count = block_get_uint(r);
    if (reader.names_count > (uint64_t)(r->end - r->at))
        return refuse(error, error_size, "a block with more names than bytes");
    reader.names = xcalloc(reader.names_count + 1, sizeof *reader.names);
    for (uint64_t i = 1; i <= reader.names_count; i++)
        reader.names[i].text = block_get_text(r, ID_BYTES_MAX, &reader.names[i].len);
    if (header->kind == BLOCK_SNAPSHOT)
        clear_segment(restore->task, (uint32_t)header->number);
    for (uint32_t i = 0; i < header->count && !r->failed && reader.why == NULL; i++)
        apply_entry(&reader);
    free(reader.names);
    if (reader.why)
        return refuse(error, error_size, reader.why);
    if (r->failed || r->at != r->end)
        return refuse(error, error_size, "the entries of the block make no sense");
    if (header->kind == BLOCK_SNAPSHOT) {
        restore->task->changelog.segment_delta[header->number] = header->delta;
        restore->awaits_snapshot[header->number] = false;
    }
    return RESTORE_OK;
}

/* ---- records and the end
 * --------------------------------------------------------------------------------------- */

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
    char expected[32];
    switch (header.kind) {
    case BLOCK_BIRTH:
        snprintf(expected, sizeof expected, "born");
        break;
    case BLOCK_TASK:
        snprintf(expected, sizeof expected, "task");
        break;
    case BLOCK_DELTA:
        snprintf(expected, sizeof expected, "d%llu", (unsigned long long)header.number);
        break;
    case BLOCK_SNAPSHOT:
        snprintf(expected, sizeof expected, "s%llu", (unsigned long long)header.number);
        break;
    default:
        return refuse(error, error_size, "a block of an unknown kind");
    }
    if (strlen(expected) != key_len || memcmp(expected, key, key_len) != 0)
        return refuse(error, error_size, "the block does not belong to its key");
    if (header.kind == BLOCK_BIRTH)
        return apply_birth(restore, &payload, error, error_size);
    if (restore->task == NULL)
        return refuse(error, error_size, "the first record is not a birth record: the beginning is lost");
    if (header.kind == BLOCK_TASK)
        return apply_task(restore, &header, &payload, error, error_size);
    if (header.kind == BLOCK_SNAPSHOT && header.number >= restore->setup.segments)
        return refuse(error, error_size, "a snapshot of a segment that does not exist");
    return apply_people(restore, &header, &payload, error, error_size);
}

/* Moves everybody to the clock: the closes since a person's last block changed nothing but c and the window.
 */
static void settle_people(struct task *task) {
    for (struct table_slot *slot = table_next(task->table, NULL); slot;
         slot = table_next(task->table, slot)) {
        struct subject subject;
        subject_load(task, slot, &subject);
        subject_refresh_open_day(task, &subject);
        while (subject.value.closed < closes_home(task, subject.value.zone)->closed.n)
            subject_close_day(task, &subject);
        subject.value.flags |= subject_quiet_flag(task, &subject);
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
    if (!restore->result.has_task_record && table_count(task->table) > 0)
        return refuse(error, error_size, "there are people but no task record");
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
