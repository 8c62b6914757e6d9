/* Writing the changelog (changelog.h). Owner: the task's worker.
 *
 * People are packed with varints; names of policies, sites, zones and managers stand at the head of each
 * block. */
#include "block.h"
#include "task_state.h"

#include "check.h"

#include "pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a record costs beside its block: a snapshot of an empty segment is not free. */
#define RECORD_OVERHEAD_BYTES 64
/* What one person can take in a block: PERSON_RECORDS_MAX of each kind, with ids of ID_BYTES_MAX bytes. */
#define PERSON_BYTES_MAX (PERSON_RECORDS_MAX * 4 * (ID_BYTES_MAX + 24))
/* People packed at once: what is known of them is on its way from memory by then. */
#define PACK_BATCH 32

_Static_assert(PERSON_BYTES_MAX < BLOCK_BYTES_MAX / 2, "everybody fits a block");
_Static_assert(CLOSURES_MAX * 16 < BLOCK_BYTES_MAX, "so do the closures of a site");

/* ---- names of a block
 * ------------------------------------------------------------------------------------------ */

/* Few: linear search behind the last hit would do for policies and zones, but managers are many. Keyed by
 * kind and the runtime index, both small numbers; open addressing. */
struct name_table {
    struct block_writer texts;
    uint64_t *keys;
    uint32_t *numbers;
    uint32_t size, count;
};

enum name_kind { NAME_POLICY = 1, NAME_SITE, NAME_ZONE, NAME_MANAGER };

static void name_table_grow(struct name_table *names) {
    uint32_t old_size = names->size;
    uint64_t *keys = names->keys;
    uint32_t *numbers = names->numbers;
    names->size = old_size ? 2 * old_size : 256;
    names->keys = xcalloc(names->size, sizeof *names->keys);
    names->numbers = xcalloc(names->size, sizeof *names->numbers);
    for (uint32_t i = 0; i < old_size; i++) {
        if (keys[i] == 0)
            continue;
        uint32_t at = (uint32_t)(keys[i] * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (names->size - 1);
        while (names->keys[at])
            at = (at + 1) & (names->size - 1);
        names->keys[at] = keys[i];
        names->numbers[at] = numbers[i];
    }
    free(keys);
    free(numbers);
}

/* The number of a name in this block, from 1. */
static uint32_t name_number(struct name_table *names, enum name_kind kind, uint32_t index, const char *text,
                            size_t len) {
    if (2 * (names->count + 1) > names->size)
        name_table_grow(names);
    uint64_t key = (uint64_t)kind << 32 | index;
    uint32_t at = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (names->size - 1);
    for (; names->keys[at]; at = (at + 1) & (names->size - 1))
        if (names->keys[at] == key)
            return names->numbers[at];
    names->keys[at] = key;
    names->numbers[at] = ++names->count;
    block_put_text(&names->texts, text, len);
    return names->count;
}

static void name_table_fini(struct name_table *names) {
    free(names->texts.bytes);
    free(names->keys);
    free(names->numbers);
}

/* ---- entries
 * --------------------------------------------------------------------------------------------------- */

struct people_block {
    struct name_table names;
    struct block_writer entries;
    uint32_t count;
};

static void pack_roster(const struct task *task, struct people_block *block,
                        const struct roster_entry *entry) {
    struct block_writer *w = &block->entries;
    const struct rules *rules = task->rules;
    block_put_int(w, entry->effective_on.n);
    block_put_int(w, entry->hired_on.n);
    block_put_int(w, entry->left_on.n);
    block_put_uint(w, entry->workdays);
    block_put_uint(w, entry->expects_office);
    const struct short_text *policy = &rules->policies.list[entry->policy].id;
    block_put_uint(w, name_number(&block->names, NAME_POLICY, entry->policy, policy->bytes, policy->len));
    const struct short_text *site = entry->site == SITE_NONE ? NULL : &rules->sites.list[entry->site].id;
    block_put_uint(w, site ? name_number(&block->names, NAME_SITE, entry->site, site->bytes, site->len) : 0);
    const char *zone = entry->zone == ZONE_NONE ? NULL : zones_name(rules->zones, entry->zone);
    block_put_uint(w, zone ? name_number(&block->names, NAME_ZONE, entry->zone, zone, strlen(zone)) : 0);
    const struct short_text *manager = names_text(task->people, entry->manager);
    block_put_uint(
        w,
        manager ? name_number(&block->names, NAME_MANAGER, entry->manager, manager->bytes, manager->len) : 0);
}

static void pack_case(const struct case_file *file, struct block_writer *w) {
    block_put_uint(w, file->gate);
    block_put_int(w, file->approved_until.n);
    block_put_uint(w, file->grounds[0]);
    block_put_uint(w, file->grounds[1]);
    block_put_uint(w, file->is_retracted);
}

static void pack_adverse(const struct case_file *file, struct block_writer *w) {
    block_put_uint(w, file->adverse_count);
    for (unsigned i = 0; i < file->adverse_count; i++) {
        block_put_uint(w, file->adverse[i].seq);
        block_put_int(w, file->adverse[i].effective_on.n);
        block_put_uint(w, file->adverse[i].is_superseded);
    }
}

static void pack_leaves(const struct leave *leaves, struct block_writer *w) {
    uint64_t count = 0;
    for (const struct leave *leave = leaves; leave; leave = leave->next)
        count++;
    block_put_uint(w, count);
    for (const struct leave *leave = leaves; leave; leave = leave->next) {
        block_put_text(w, leave->id, leave->id_len);
        block_put_int(w, leave->from.n);
        block_put_int(w, leave->to.n);
        block_put_uint(w, leave->effect);
    }
}

static void pack_decisions(const struct decision *decisions, struct block_writer *w) {
    uint64_t count = 0;
    for (const struct decision *decision = decisions; decision; decision = decision->next)
        count++;
    block_put_uint(w, count);
    for (const struct decision *decision = decisions; decision; decision = decision->next) {
        block_put_text(w, decision->id, decision->id_len);
        block_put_uint(w, decision->kind);
        block_put_int(w, decision->from.n);
        block_put_int(w, decision->to.n);
        block_put_uint(w, (decision->is_in_force ? DECISION_IN_FORCE : 0u) |
                              (decision->is_remembered ? DECISION_REMEMBERED : 0u));
    }
}

static void pack_hold(const struct hold *hold, struct block_writer *w) {
    block_put_text(w, hold->group.bytes, hold->group.len);
    block_put_text(w, hold->policy.bytes, hold->policy.len);
    block_put_int(w, hold->version.n);
    block_put_uint(w, hold->week.is_set);
    block_put_int(w, hold->week.from.n);
    block_put_uint(w, hold->week.present);
    block_put_uint(w, hold->week.required);
    block_put_uint(w, hold->week.workable);
    block_put_uint(w, hold->week.days);
}

static unsigned more_of(const struct person_more *more) {
    if (more == NULL)
        return 0;
    return (more->told_late && *more->told_late ? MORE_TOLD_LATE : 0u) |
           (more->case_file ? MORE_ADVERSE | MORE_CASE : 0u) | (more->leaves ? MORE_LEAVE : 0u) |
           (more->decisions ? MORE_DECISIONS : 0u) | (more->dispute_is_open ? MORE_DISPUTE : 0u) |
           (more->hold ? MORE_HOLD : 0u);
}

static void pack_more(const struct person_more *more, struct block_writer *w) {
    unsigned has = more_of(more);
    block_put_uint(w, has);
    if (has & MORE_TOLD_LATE)
        block_put_raw(w, more->told_late, sizeof *more->told_late);
    if (has & MORE_ADVERSE)
        pack_adverse(more->case_file, w);
    if (has & MORE_CASE)
        pack_case(more->case_file, w);
    if (has & MORE_LEAVE)
        pack_leaves(more->leaves, w);
    if (has & MORE_DECISIONS)
        pack_decisions(more->decisions, w);
    if (has & MORE_HOLD)
        pack_hold(more->hold, w);
}

static void pack_days(struct block_writer *w, enum entry_kind kind, const struct short_text *id,
                      const struct slot_value *value) {
    block_put_uint(w, kind);
    block_put_text(w, id->bytes, id->len);
    if (kind == ENTRY_ERASED)
        return;
    block_put_int(w, value->closed);
    block_put_raw(w, value->days, sizeof value->days);
}

static void pack_whole(const struct task *task, struct people_block *block, const struct subject *subject) {
    struct block_writer *w = &block->entries;
    const struct person *person = subject->person;
    pack_days(w, ENTRY_WHOLE, &subject->id, &subject->value);
    block_put_uint(w, subject->value.status);
    block_put_int(w, person->known_at.ms);
    block_put_uint(w, person->known_topic);
    block_put_uint(w, person->known_partition);
    block_put_int(w, person->known_offset);
    block_put_int(w, person->known_on.n);
    block_put_uint(w, person->seq);
    block_put_int(w, person->status_since.n);
    const struct case_file *file = person->more ? person->more->case_file : NULL;
    block_put_uint(w, file ? file->stage : STAGE_NONE);
    block_put_uint(w, file ? file->seq : 0);
    size_t count;
    const struct roster_entry *roster = person_roster(person, &count);
    block_put_uint(w, count);
    for (size_t i = 0; i < count; i++)
        pack_roster(task, block, &roster[i]);
    pack_more(person->more, w);
}

/* ---- blocks
 * ---------------------------------------------------------------------------------------------------- */

static void add_record(struct outbox *box, const char *key, size_t key_len, const char *value,
                       size_t value_len) {
    struct out_record *record = outbox_add(box, OUTPUT_CHANGELOG);
    record->key_len = key_len;
    record->key = outbox_copy(box, key, key_len);
    record->value = value;
    record->value_len = value_len;
}

static size_t add_block(struct outbox *box, const char *key, size_t key_len,
                        const struct block_header *header, const char *payload, size_t payload_len) {
    char *bytes = outbox_take(box, BLOCK_HEADER_BYTES + payload_len);
    block_frame(bytes, header, payload, payload_len);
    add_record(box, key, key_len, bytes, BLOCK_HEADER_BYTES + payload_len);
    return BLOCK_HEADER_BYTES + payload_len + RECORD_OVERHEAD_BYTES;
}

/* Writes the block and empties it for the next one. Returns the bytes written. */
static size_t finish_people_block(struct task *task, const char *key, const struct block_header *header,
                                  struct people_block *block) {
    struct block_writer payload = {0};
    block_put_uint(&payload, block->names.count);
    block_put_raw(&payload, block->names.texts.bytes, block->names.texts.used);
    block_put_raw(&payload, block->entries.bytes, block->entries.used);
    size_t bytes = add_block(&task->outbox, key, strlen(key), header, payload.bytes, payload.used);
    free(payload.bytes);
    name_table_fini(&block->names);
    free(block->entries.bytes);
    *block = (struct people_block){0};
    return bytes;
}

/* Whoever comes next has room, with all the records that are kept of one person (PERSON_RECORDS_MAX). */
static bool block_is_full(const struct people_block *block) {
    return block->entries.used + block->names.texts.used > BLOCK_BYTES_MAX - PERSON_BYTES_MAX;
}

static void write_delta(struct task *task, struct people_block *block) {
    if (block->count == 0)
        return;
    struct changelog_state *log = &task->changelog;
    char key[32];
    uint64_t number = log->next_delta++;
    snprintf(key, sizeof key, "d%llu", (unsigned long long)number);
    struct block_header header = {BLOCK_DELTA, number, log->next_delta, block->count};
    log->debt_bytes += (int64_t)finish_people_block(task, key, &header, block);
}

/* Packs one changed person; somebody noted twice is packed once, since the first time takes the mark away. */
static void pack_changed(struct task *task, struct people_block *block, const struct short_text *id,
                         uint64_t hash) {
    struct table_slot *slot = table_find(task->table, id->bytes, id->len, hash);
    if (slot == NULL) {
        pack_days(&block->entries, ENTRY_ERASED, id, NULL);
        block->count++;
        return;
    }
    struct slot_value value;
    table_get(slot, &value);
    if (!(value.flags & SLOT_DIRTY))
        return;
    if (value.flags & SLOT_DIRTY_WHOLE) {
        struct subject subject;
        subject_load(task, slot, &subject);
        pack_whole(task, block, &subject);
    } else {
        pack_days(&block->entries, ENTRY_DAYS, id, &value);
    }
    block->count++;
    value.flags &= (uint8_t) ~(SLOT_DIRTY | SLOT_DIRTY_WHOLE);
    table_set(slot, &value);
}

static void write_deltas(struct task *task) {
    struct changelog_state *log = &task->changelog;
    struct people_block block = {0};
    struct short_text ids[PACK_BATCH];
    uint64_t hashes[PACK_BATCH];
    for (size_t at = 0; at < log->dirty_used;) {
        size_t count = 0;
        for (; count < PACK_BATCH && at < log->dirty_used; count++) {
            ids[count].len = (uint8_t)log->dirty[at];
            memcpy(ids[count].bytes, log->dirty + at + 1, ids[count].len);
            at += 1u + ids[count].len;
            hashes[count] = table_hash(task->table, ids[count].bytes, ids[count].len);
            table_prefetch_home(task->table, hashes[count]);
        }
        for (size_t i = 0; i < count; i++)
            table_prefetch(task->table, hashes[i]);
        for (size_t i = 0; i < count; i++) {
            pack_changed(task, &block, &ids[i], hashes[i]);
            if (block_is_full(&block))
                write_delta(task, &block);
        }
    }
    write_delta(task, &block);
    log->dirty_used = 0;
}

/* False if the range is too large for one block. */
static bool pack_range(struct task *task, struct people_block *block, uint32_t index, uint32_t ranges) {
    struct subjects_walk walk = {.index = index, .ranges = ranges};
    for (size_t count; (count = subjects_next(task, &walk)) > 0; block->count += (uint32_t)count)
        for (size_t i = 0; i < count; i++) {
            struct subject subject;
            if (block_is_full(block))
                return false;
            subject_load(task, walk.slots[i], &subject);
            pack_whole(task, block, &subject);
        }
    return true;
}

/* One of so many equal ranges of hash values, halved until it fits a block. Each block replaces what was said
 * of its own range and no other, so that blocks of different cuts may stand beside each other in the log. */
static size_t write_range(struct task *task, uint32_t index, uint32_t ranges) {
    struct people_block block = {0};
    if (!pack_range(task, &block, index, ranges)) {
        name_table_fini(&block.names);
        free(block.entries.bytes);
        CHECK(ranges <= UINT32_MAX / 2);
        return write_range(task, 2 * index, 2 * ranges) + write_range(task, 2 * index + 1, 2 * ranges);
    }
    bool is_segment = ranges == task->setup.segments;
    char key[32];
    if (is_segment)
        snprintf(key, sizeof key, "s%u", index);
    else
        snprintf(key, sizeof key, "s%u/%u", index, ranges);
    uint64_t number = is_segment ? index : (uint64_t)ranges << 32 | index;
    struct block_header header = {BLOCK_SNAPSHOT, number, task->changelog.next_delta, block.count};
    return finish_people_block(task, key, &header, &block);
}

/* Snapshots in rotation until they have kept up with the deltas' bytes: so the changelog costs at most twice
 * its deltas, an idle task writes nothing, and what a restart reads is bounded by a few times the state. */
static void write_snapshots(struct task *task) {
    struct changelog_state *log = &task->changelog;
    uint32_t written = 0, all = task->setup.segments;
    for (; written < all && (log->is_to_be_whole || log->debt_bytes > 0); written++) {
        uint32_t segment = log->next_segment;
        log->debt_bytes -= (int64_t)write_range(task, segment, task->setup.segments);
        log->segment_delta[segment] = log->next_delta;
        log->next_segment = (segment + 1) & (task->setup.segments - 1);
    }
    if (written == all) /* nothing is owed when everything was said again */
        log->debt_bytes = 0;
    log->is_to_be_whole = false;
    /* Deltas that every segment's snapshot has seen are no longer needed. */
    uint64_t needed = log->segment_delta[log->next_segment];
    for (; log->oldest_delta < needed; log->oldest_delta++) {
        char key[32];
        snprintf(key, sizeof key, "d%llu", (unsigned long long)log->oldest_delta);
        add_record(&task->outbox, key, strlen(key), NULL, 0);
    }
}

void changelog_mark_site(struct task *task, uint16_t site) {
    struct changelog_state *log = &task->changelog;
    if (!task->setup.has_changelog)
        return;
    if (log->dirty_sites_count == log->dirty_sites_capacity) {
        log->dirty_sites_capacity = log->dirty_sites_capacity ? 2 * log->dirty_sites_capacity : 64;
        log->dirty_sites = xrealloc(log->dirty_sites, log->dirty_sites_capacity, sizeof *log->dirty_sites);
    }
    log->dirty_sites[log->dirty_sites_count++] = site;
}

void changelog_write_whole(struct task *task) {
    task->changelog.is_to_be_whole = true;
    for (uint32_t site = 0; site < task->rules->sites.count; site++)
        changelog_mark_site(task, (uint16_t)site);
}

static void write_closures(struct task *task) {
    struct changelog_state *log = &task->changelog;
    for (size_t i = 0; i < log->dirty_sites_count; i++) {
        uint16_t site = log->dirty_sites[i];
        const struct short_text *id = &task->rules->sites.list[site].id;
        const struct closure *list = closures_list(task->closures[site]);
        size_t count = closures_count(task->closures[site]);
        struct block_writer w = {0};
        block_put_text(&w, id->bytes, id->len);
        for (size_t j = 0; j < count; j++) {
            block_put_uint(&w, list[j].kind);
            block_put_int(&w, list[j].from.n);
            block_put_int(&w, list[j].to.n);
        }
        struct block_header header = {BLOCK_CLOSURES, 0, log->next_delta, (uint32_t)count};
        char key[1 + ID_BYTES_MAX];
        key[0] = 'c';
        memcpy(key + 1, id->bytes, id->len);
        add_block(&task->outbox, key, 1u + id->len, &header, w.bytes, w.used);
        free(w.bytes);
    }
    log->dirty_sites_count = 0;
}

static void write_task_record(struct task *task, const struct position *positions, size_t count) {
    struct changelog_state *log = &task->changelog;
    struct block_writer w = {0};
    block_put_int(&w, task->clock.ms);
    block_put_int(&w, task->complete_from.n);
    block_put_raw(&w, task->rules->hash, sizeof task->rules->hash);
    block_put_uint(&w, log->oldest_delta);
    block_put_uint(&w, log->next_segment);
    block_put_int(&w, log->debt_bytes);
    block_put_uint(&w, task->closes_done);
    for (size_t i = 0; i < count; i++) {
        block_put_uint(&w, (uint64_t)positions[i].topic);
        block_put_int(&w, positions[i].partition);
        block_put_int(&w, positions[i].offset);
        block_put_int(&w, positions[i].arrival.ms);
    }
    struct block_header header = {BLOCK_TASK, ++log->batch, log->next_delta, (uint32_t)count};
    add_block(&task->outbox, "task", strlen("task"), &header, w.bytes, w.used);
    free(w.bytes);
}

void changelog_write(struct task *task, const struct position *positions, size_t positions_count) {
    CHECK(task->setup.has_changelog);
    write_closures(task);
    write_deltas(task);
    write_snapshots(task);
    write_task_record(task, positions, positions_count);
}

void changelog_write_birth(struct outbox *box, const struct birth *birth) {
    CHECK(birth->segments && (birth->segments & (birth->segments - 1)) == 0);
    struct block_writer w = {0};
    block_put_uint(&w, birth->partition);
    block_put_uint(&w, birth->partitions);
    block_put_uint(&w, birth->segments);
    block_put_uint(&w, birth->hash_seed);
    block_put_int(&w, birth->complete_from.n);
    block_put_int(&w, birth->created.ms);
    struct block_header header = {BLOCK_BIRTH, birth->partition, 1, 1};
    add_block(box, "born", strlen("born"), &header, w.bytes, w.used);
    free(w.bytes);
}
