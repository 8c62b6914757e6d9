/* See people.h. Owner: the task's worker. Chunks never move, so that a person's pointer stays valid while
 * others come; removed indexes are chained through the record and given out again. */
#include "people.h"

#include "check.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define CHUNK_PEOPLE  4096
#define SINGLE_CHUNKS 8 /* then so many are made at once, as one huge page */

/* Allocated no longer than its text is. */
struct name {
    uint32_t references;
    struct short_text text;
};

#define NAME_BYTES(len) (offsetof(struct name, text.bytes) + (len))

/* A place in the list of names. */
union name_place {
    struct name *name;
    uintptr_t next_free; /* of a place that is not in use, and odd: 2 x its number + 1 */
};

/* Where a name is, and enough of its hash to pass by other names unread. 0 is an empty place. */
struct name_entry {
    uint32_t hash, name;
};

struct people {
    struct person **chunks;
    uint32_t chunks_count, count; /* indexes given out so far, removed ones included */
    uint32_t free_index;          /* chain of removed ones, + 1; 0 ends it */
    uint64_t more_bytes;

    union name_place *names; /* [0] is not used */
    uint32_t names_count, names_capacity, free_name;
    struct name_entry *name_index; /* open addressing */
    uint32_t name_index_size, names_live;
};

#define CHUNK_BYTES (CHUNK_PEOPLE * sizeof(struct person))

static uint32_t chunks_at_once(uint32_t have) {
    return have < SINGLE_CHUNKS ? 1 : SINGLE_CHUNKS;
}

struct people *people_new(void) {
    struct people *people = xcalloc(1, sizeof *people);
    people->names_count = 1;
    return people;
}

struct person *people_get(const struct people *people, uint32_t index) {
    return &people->chunks[index / CHUNK_PEOPLE][index % CHUNK_PEOPLE];
}

void people_prefetch(const struct people *people, uint32_t index) {
    __builtin_prefetch(people_get(people, index));
}

void people_prefetch_more(const struct people *people, uint32_t index) {
    __builtin_prefetch(people_get(people, index)->more); /* of NULL it does nothing */
}

void people_prefetch_lists(const struct people *people, uint32_t index) {
    const struct person_more *more = people_get(people, index)->more;
    if (more == NULL)
        return;
    __builtin_prefetch(more->leaves);
    __builtin_prefetch(more->decisions);
    __builtin_prefetch(more->case_file);
}

static bool is_id(const char *id, size_t len, const struct short_text *other) {
    return len == other->len && memcmp(id, other->bytes, len) == 0;
}

static bool is_free(const struct people *people, uint32_t name) {
    return people->names[name].next_free & 1;
}

static size_t size_of_case(const struct case_file *file) {
    return sizeof *file + file->adverse_capacity * sizeof file->adverse[0];
}

static void *take(struct people *people, size_t bytes) {
    people->more_bytes += bytes;
    return xcalloc(1, bytes);
}

static void give_back(struct people *people, void *block, size_t bytes) {
    if (block)
        people->more_bytes -= bytes;
    free(block);
}

static void free_leave(struct people *people, struct leave *leave) {
    give_back(people, leave, sizeof *leave + leave->id_len);
}

static void free_decision(struct people *people, struct decision *decision) {
    give_back(people, decision, sizeof *decision + decision->id_len);
}

static void free_more(struct people *people, struct person *person) {
    struct person_more *more = person->more;
    if (more == NULL)
        return;
    for (struct leave *leave = more->leaves, *next; leave; leave = next) {
        next = leave->next;
        free_leave(people, leave);
    }
    for (struct decision *decision = more->decisions, *next; decision; decision = next) {
        next = decision->next;
        free_decision(people, decision);
    }
    if (more->case_file)
        give_back(people, more->case_file, size_of_case(more->case_file));
    give_back(people, more->hold, sizeof *more->hold);
    give_back(people, more->told_late, sizeof *more->told_late);
    give_back(people, more->roster, more->roster_capacity * sizeof *more->roster);
    give_back(people, more, sizeof *more);
    person->more = NULL;
}

void people_free(struct people **people) {
    struct people *p = *people;
    if (p == NULL)
        return;
    for (uint32_t i = 0; i < p->count; i++)
        free_more(p, people_get(p, i));
    for (uint32_t i = 0; i < p->chunks_count; i += chunks_at_once(i))
        memory_unmap(p->chunks[i], chunks_at_once(i) * CHUNK_BYTES);
    free(p->chunks);
    for (uint32_t i = 1; i < p->names_count; i++)
        if (!is_free(p, i))
            free(p->names[i].name);
    free(p->names);
    free(p->name_index);
    free(p);
    *people = NULL;
}

static void add_chunks(struct people *people) {
    uint32_t count = chunks_at_once(people->chunks_count);
    people->chunks = xrealloc(people->chunks, people->chunks_count + count, sizeof *people->chunks);
    struct person *pages = memory_map(count * CHUNK_BYTES);
    for (uint32_t i = 0; i < count; i++)
        people->chunks[people->chunks_count++] = pages + i * CHUNK_PEOPLE;
}

uint32_t people_add(struct people *people) {
    if (people->free_index) {
        uint32_t index = people->free_index - 1;
        struct person *person = people_get(people, index);
        people->free_index = person->seq;
        *person = (struct person){0};
        return index;
    }
    if (people->count == people->chunks_count * CHUNK_PEOPLE)
        add_chunks(people);
    return people->count++;
}

void person_empty(struct people *people, struct person *person) {
    size_t count;
    const struct roster_entry *roster = person_roster(person, &count);
    for (size_t i = 0; i < count; i++)
        names_release(people, roster[i].manager);
    free_more(people, person);
}

void people_remove(struct people *people, uint32_t index) {
    struct person *person = people_get(people, index);
    person_empty(people, person);
    *person = (struct person){.seq = people->free_index};
    people->free_index = index + 1;
}

void people_replace(struct people *people, uint32_t index, const struct person *person) {
    struct person *known = people_get(people, index);
    person_empty(people, known);
    *known = *person;
}

uint64_t people_memory_bytes(const struct people *people) {
    return (uint64_t)people->chunks_count * CHUNK_BYTES + people->more_bytes +
           (uint64_t)people->names_capacity * sizeof *people->names +
           (uint64_t)people->name_index_size * sizeof *people->name_index;
}

/* ---- roster
 * ---------------------------------------------------------------------------------------------------- */

const struct roster_entry *person_roster(const struct person *person, size_t *count) {
    *count = person->roster == ROSTER_MORE ? person->more->roster_count : person->roster;
    return person->roster == ROSTER_MORE ? person->more->roster : &person->only;
}

const struct roster_entry *person_roster_of(const struct person *person, civil_day x) {
    size_t count;
    const struct roster_entry *roster = person_roster(person, &count);
    if (count == 0)
        return NULL;
    size_t i = count - 1;
    while (i > 0 && roster[i].effective_on.n > x.n)
        i--;
    return &roster[i];
}

struct person_more *person_more(struct people *people, struct person *person) {
    if (person->more == NULL)
        person->more = take(people, sizeof *person->more);
    return person->more;
}

static void reserve_roster(struct people *people, struct person_more *more, uint32_t count) {
    CHECK(count <= UINT16_MAX);
    if (more->roster_capacity >= count)
        return;
    uint32_t capacity = more->roster_capacity ? 2u * more->roster_capacity : 2;
    capacity = capacity > UINT16_MAX ? UINT16_MAX : capacity;
    more->roster = xrealloc(more->roster, capacity, sizeof *more->roster);
    people->more_bytes += (capacity - more->roster_capacity) * sizeof *more->roster;
    more->roster_capacity = (uint16_t)capacity;
}

void person_put_roster(struct people *people, struct person *person, const struct roster_entry *entry) {
    size_t count, at = 0;
    person_roster(person, &count);
    struct roster_entry *roster = person->roster == ROSTER_MORE ? person->more->roster : &person->only;
    while (at < count && roster[at].effective_on.n < entry->effective_on.n)
        at++;
    if (at < count && roster[at].effective_on.n == entry->effective_on.n) {
        names_release(people, roster[at].manager);
        roster[at] = *entry;
        return;
    }
    if (count == 0) {
        person->only = *entry;
        person->roster = ROSTER_ONE;
        return;
    }
    struct person_more *more = person_more(people, person);
    reserve_roster(people, more, (uint32_t)count + 1);
    if (count == 1)
        more->roster[0] = person->only;
    memmove(more->roster + at + 1, more->roster + at, (count - at) * sizeof *more->roster);
    more->roster[at] = *entry;
    more->roster_count = (uint16_t)(count + 1);
    person->roster = ROSTER_MORE;
}

void person_prune_roster(struct people *people, struct person *person, civil_day first) {
    struct person_more *more = person->more;
    while (person->roster == ROSTER_MORE && more->roster[1].effective_on.n <= first.n) {
        names_release(people, more->roster[0].manager);
        more->roster_count--;
        memmove(more->roster, more->roster + 1, more->roster_count * sizeof *more->roster);
        if (more->roster_count == 1) {
            person->only = more->roster[0];
            person->roster = ROSTER_ONE;
        }
    }
}

day_bits *person_told_late(struct people *people, struct person *person) {
    struct person_more *more = person_more(people, person);
    if (more->told_late == NULL)
        more->told_late = take(people, sizeof *more->told_late);
    return more->told_late;
}

/* ---- leave
 * ----------------------------------------------------------------------------------------------------- */

const struct leave *person_find_leave(const struct person *person, const struct short_text *id) {
    const struct leave *leave = person->more ? person->more->leaves : NULL;
    while (leave && !is_id(leave->id, leave->id_len, id))
        leave = leave->next;
    return leave;
}

void person_put_leave(struct people *people, struct person *person, const struct leave_record *record,
                      civil_day ledger) {
    struct leave **link = &person_more(people, person)->leaves;
    while (*link) {
        struct leave *leave = *link;
        if (leave->to.n < ledger.n || is_id(leave->id, leave->id_len, &record->leave_id)) {
            *link = leave->next;
            free_leave(people, leave);
        } else {
            link = &leave->next;
        }
    }
    struct leave *leave = take(people, sizeof *leave + record->leave_id.len);
    leave->from = record->from;
    leave->to = record->to;
    leave->effect = (uint8_t)record->effect;
    leave->id_len = record->leave_id.len;
    memcpy(leave->id, record->leave_id.bytes, leave->id_len);
    *link = leave;
}

void person_drop_leave(struct people *people, struct person *person, const struct short_text *id) {
    struct leave **link = &person->more->leaves;
    while (!is_id((*link)->id, (*link)->id_len, id))
        link = &(*link)->next;
    struct leave *leave = *link;
    *link = leave->next;
    free_leave(people, leave);
}

/* ---- decisions and the case
 * ------------------------------------------------------------------------------------ */

struct decision *person_find_decision(const struct person *person, const struct short_text *id) {
    struct decision *decision = person->more ? person->more->decisions : NULL;
    while (decision && !is_id(decision->id, decision->id_len, id))
        decision = decision->next;
    return decision;
}

struct decision *person_add_decision(struct people *people, struct person *person, const char *id,
                                     size_t len) {
    struct decision **link = &person_more(people, person)->decisions;
    while (*link)
        link = &(*link)->next;
    struct decision *decision = *link = take(people, sizeof *decision + len);
    decision->id_len = (uint8_t)len;
    memcpy(decision->id, id, len);
    return decision;
}

struct decision *person_remember_decision(struct people *people, struct person *person,
                                          const struct short_text *id) {
    struct decision **link = &person_more(people, person)->decisions, *found = NULL;
    unsigned remembered = 0;
    while (*link) { /* takes out the one of that id: it goes to the end */
        struct decision *decision = *link;
        if (is_id(decision->id, decision->id_len, id)) {
            *link = decision->next;
            decision->next = NULL;
            found = decision;
        } else {
            remembered += decision->is_remembered;
            link = &decision->next;
        }
    }
    if (found)
        *link = found;
    else
        found = person_add_decision(people, person, id->bytes, id->len);
    found->is_remembered = true;
    if (remembered < DECISIONS_KEPT_MAX)
        return found;
    for (link = &person->more->decisions; !(*link)->is_remembered;)
        link = &(*link)->next;
    struct decision *oldest = *link;
    oldest->is_remembered = false;
    if (!oldest->is_in_force) {
        *link = oldest->next;
        free_decision(people, oldest);
    }
    return found;
}

void person_end_decision(struct people *people, struct person *person, struct decision *decision) {
    decision->is_in_force = false;
    if (decision->is_remembered)
        return;
    struct decision **link = &person->more->decisions;
    while (*link != decision)
        link = &(*link)->next;
    *link = decision->next;
    free_decision(people, decision);
}

struct case_file *person_case(struct people *people, struct person *person) {
    struct person_more *more = person_more(people, person);
    if (more->case_file == NULL) {
        more->case_file = take(people, sizeof *more->case_file);
        more->case_file->approved_until = DAY_NONE;
    }
    return more->case_file;
}

void person_add_adverse(struct people *people, struct person *person, uint32_t seq, civil_day effective_on) {
    struct case_file *file = person_case(people, person);
    if (file->adverse_count == ADVERSE_RECORDS_MAX) {
        memmove(file->adverse, file->adverse + 1, (ADVERSE_RECORDS_MAX - 1) * sizeof file->adverse[0]);
        file->adverse_count--;
    } else if (file->adverse_count == file->adverse_capacity) {
        people->more_bytes -= size_of_case(file);
        uint8_t capacity = file->adverse_capacity ? (uint8_t)(2 * file->adverse_capacity) : 1;
        file = xrealloc(file, 1, sizeof *file + capacity * sizeof file->adverse[0]);
        file->adverse_capacity = capacity;
        people->more_bytes += size_of_case(file);
        person->more->case_file = file;
    }
    file->adverse[file->adverse_count++] = (struct adverse_record){.seq = seq, .effective_on = effective_on};
}

struct hold *person_hold(struct people *people, struct person *person) {
    struct person_more *more = person_more(people, person);
    if (more->hold == NULL)
        more->hold = take(people, sizeof *more->hold);
    return more->hold;
}

void person_drop_hold(struct people *people, struct person *person) {
    give_back(people, person->more->hold, sizeof *person->more->hold);
    person->more->hold = NULL;
}

/* ---- names
 * ----------------------------------------------------------------------------------------------------- */

static uint32_t hash_name(const char *text, size_t len) {
    return (uint32_t)XXH3_64bits(text, len);
}

static struct name_entry *find_name(const struct people *people, const char *text, size_t len,
                                    uint32_t hash) {
    uint32_t mask = people->name_index_size - 1;
    for (uint32_t at = hash & mask;; at = (at + 1) & mask) {
        struct name_entry *entry = &people->name_index[at];
        if (entry->name == 0 || (entry->hash == hash && is_id(text, len, names_text(people, entry->name))))
            return entry;
    }
}

/* Rebuilds the index at a load of at most one half. */
static void index_names(struct people *people, uint32_t size) {
    struct name_entry *old = people->name_index;
    uint32_t old_size = people->name_index_size, mask = size - 1;
    people->name_index = xcalloc(size, sizeof *people->name_index);
    people->name_index_size = size;
    for (uint32_t i = 0; i < old_size; i++) {
        if (old[i].name == 0)
            continue;
        uint32_t at = old[i].hash & mask;
        while (people->name_index[at].name)
            at = (at + 1) & mask;
        people->name_index[at] = old[i];
    }
    free(old);
}

/* Empties a place of the index and moves up those behind it that would no longer be found. */
static void unindex_name(struct people *people, struct name_entry *entry) {
    uint32_t mask = people->name_index_size - 1, hole = (uint32_t)(entry - people->name_index);
    people->name_index[hole] = (struct name_entry){0};
    for (uint32_t at = (hole + 1) & mask; people->name_index[at].name; at = (at + 1) & mask) {
        struct name_entry moved = people->name_index[at];
        if (((at - moved.hash) & mask) < ((at - hole) & mask))
            continue;
        people->name_index[hole] = moved;
        people->name_index[at] = (struct name_entry){0};
        hole = at;
    }
}

static uint32_t new_name(struct people *people) {
    if (people->free_name) {
        uint32_t name = people->free_name;
        people->free_name = (uint32_t)(people->names[name].next_free / 2);
        return name;
    }
    if (people->names_count >= people->names_capacity) {
        people->names_capacity = people->names_capacity ? 2 * people->names_capacity : 64;
        people->names = xrealloc(people->names, people->names_capacity, sizeof *people->names);
    }
    return people->names_count++;
}

uint32_t names_take(struct people *people, const char *text, size_t len) {
    if (len == 0)
        return 0;
    CHECK(len <= ID_BYTES_MAX);
    if (people->names_live * 2 >= people->name_index_size)
        index_names(people, people->name_index_size ? 2 * people->name_index_size : 128);
    uint32_t hash = hash_name(text, len);
    struct name_entry *entry = find_name(people, text, len, hash);
    if (entry->name) {
        people->names[entry->name].name->references++;
        return entry->name;
    }
    uint32_t name = new_name(people);
    struct name *made = people->names[name].name = take(people, NAME_BYTES(len));
    made->references = 1;
    made->text.len = (uint8_t)len;
    memcpy(made->text.bytes, text, len);
    people->names_live++;
    *entry = (struct name_entry){hash, name};
    return name;
}

uint32_t names_prefetch(const struct people *people, const char *text, size_t len) {
    uint32_t hash = hash_name(text, len);
    if (people->name_index_size)
        __builtin_prefetch(&people->name_index[hash & (people->name_index_size - 1)]);
    return hash;
}

uint32_t names_prefetch_place(const struct people *people, uint32_t hash) {
    if (people->name_index_size == 0)
        return 0;
    uint32_t mask = people->name_index_size - 1, at = hash & mask;
    while (people->name_index[at].name && people->name_index[at].hash != hash)
        at = (at + 1) & mask;
    uint32_t name = people->name_index[at].name;
    __builtin_prefetch(&people->names[name]);
    return name;
}

void names_prefetch_name(const struct people *people, uint32_t name) {
    if (name)
        __builtin_prefetch(people->names[name].name);
}

void names_keep(struct people *people, uint32_t name, uint32_t references) {
    people->names[name].name->references += references;
}

void names_drop(struct people *people, uint32_t name, uint32_t references) {
    people->names[name].name->references -= references;
    if (people->names[name].name->references > 0)
        return;
    const struct short_text *text = names_text(people, name);
    unindex_name(people, find_name(people, text->bytes, text->len, hash_name(text->bytes, text->len)));
    give_back(people, people->names[name].name, NAME_BYTES(text->len));
    people->names[name].next_free = 2 * (uintptr_t)people->free_name + 1;
    people->free_name = name;
    people->names_live--;
}

void names_release(struct people *people, uint32_t name) {
    if (name)
        names_drop(people, name, 1);
}

const struct short_text *names_text(const struct people *people, uint32_t name) {
    return name == 0 ? NULL : &people->names[name].name->text;
}
