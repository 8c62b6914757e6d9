/* See people.h. Owner: the task's worker. Chunks never move, so that a person's pointer stays valid while
 * others come; removed indexes are chained through the record and given out again. */
#include "people.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define CHUNK_PEOPLE 4096

struct name {
    struct short_text text;
    uint32_t references; /* 0: free */
    uint32_t next_free;
};

struct people {
    struct person **chunks;
    uint32_t chunks_count, count; /* indexes given out so far, removed ones included */
    uint32_t free_index;          /* chain of removed ones, + 1; 0 ends it */
    uint64_t more_bytes;

    struct name *names; /* [0] is not used */
    uint32_t names_count, names_capacity, free_name;
    uint32_t *name_index; /* open addressing over names, 0 is empty */
    uint32_t name_index_size, names_live;
};

struct people *people_new(void) {
    struct people *people = xcalloc(1, sizeof *people);
    people->names_count = 1;
    return people;
}

struct person *people_get(const struct people *people, uint32_t index) {
    return &people->chunks[index / CHUNK_PEOPLE][index % CHUNK_PEOPLE];
}

void people_prefetch(const struct people *people, uint32_t index) {
    const struct person *person = people_get(people, index);
    __builtin_prefetch(person);
    __builtin_prefetch((const char *)person + 64);
}

static void free_more(struct people *people, struct person *person) {
    if (person->more == NULL)
        return;
    people->more_bytes -= sizeof *person->more + person->more->roster_capacity * sizeof *person->more->roster;
    free(person->more->roster);
    free(person->more);
    person->more = NULL;
}

void people_free(struct people **people) {
    struct people *p = *people;
    if (p == NULL)
        return;
    for (uint32_t i = 0; i < p->count; i++)
        free_more(p, people_get(p, i));
    for (uint32_t i = 0; i < p->chunks_count; i++)
        free(p->chunks[i]);
    free(p->chunks);
    free(p->names);
    free(p->name_index);
    free(p);
    *people = NULL;
}

uint32_t people_add(struct people *people) {
    if (people->free_index) {
        uint32_t index = people->free_index - 1;
        struct person *person = people_get(people, index);
        people->free_index = person->seq;
        *person = (struct person){0};
        return index;
    }
    if (people->count == people->chunks_count * CHUNK_PEOPLE) {
        people->chunks = xrealloc(people->chunks, people->chunks_count + 1, sizeof *people->chunks);
        people->chunks[people->chunks_count++] = xcalloc(CHUNK_PEOPLE, sizeof(struct person));
    }
    return people->count++;
}

void people_remove(struct people *people, uint32_t index) {
    struct person *person = people_get(people, index);
    size_t count;
    const struct roster_entry *roster = person_roster(person, &count);
    for (size_t i = 0; i < count; i++)
        names_release(people, roster[i].manager);
    free_more(people, person);
    *person = (struct person){.seq = people->free_index};
    people->free_index = index + 1;
}

uint64_t people_memory_bytes(const struct people *people) {
    return (uint64_t)people->chunks_count * CHUNK_PEOPLE * sizeof(struct person) + people->more_bytes +
           (uint64_t)people->names_capacity * sizeof(struct name) + (uint64_t)people->name_index_size * 4;
}

/* ---- roster
 * ---------------------------------------------------------------------------------------------------- */

const struct roster_entry *person_roster(const struct person *person, size_t *count) {
    *count = person->roster_count;
    return person->roster_count > 1 ? person->more->roster : &person->only;
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
    if (person->more == NULL) {
        person->more = xcalloc(1, sizeof *person->more);
        people->more_bytes += sizeof *person->more;
    }
    return person->more;
}

static void reserve_roster(struct people *people, struct person_more *more, uint32_t count) {
    CHECK(count <= UINT16_MAX);
    if (more->roster_capacity >= count)
        return;
    uint32_t capacity = more->roster_capacity ? 2u * more->roster_capacity : 4;
    capacity = capacity > UINT16_MAX ? UINT16_MAX : capacity;
    more->roster = xrealloc(more->roster, capacity, sizeof *more->roster);
    people->more_bytes += (capacity - more->roster_capacity) * sizeof *more->roster;
    more->roster_capacity = (uint16_t)capacity;
}

void person_put_roster(struct people *people, struct person *person, const struct roster_entry *entry) {
    size_t count = person->roster_count, at = 0;
    struct roster_entry *roster = count > 1 ? person->more->roster : &person->only;
    while (at < count && roster[at].effective_on.n < entry->effective_on.n)
        at++;
    if (at < count && roster[at].effective_on.n == entry->effective_on.n) {
        names_release(people, roster[at].manager);
        roster[at] = *entry;
        return;
    }
    if (count == 0) {
        person->only = *entry;
        person->roster_count = 1;
        return;
    }
    struct person_more *more = person_more(people, person);
    reserve_roster(people, more, (uint32_t)count + 1);
    if (count == 1)
        more->roster[0] = person->only;
    memmove(more->roster + at + 1, more->roster + at, (count - at) * sizeof *more->roster);
    more->roster[at] = *entry;
    person->roster_count++;
}

void person_prune_roster(struct people *people, struct person *person, civil_day first) {
    while (person->roster_count > 1 && person->more->roster[1].effective_on.n <= first.n) {
        struct roster_entry *roster = person->more->roster;
        names_release(people, roster[0].manager);
        person->roster_count--;
        memmove(roster, roster + 1, person->roster_count * sizeof *roster);
        if (person->roster_count == 1)
            person->only = roster[0];
    }
}

void person_add_adverse(struct person_more *more, uint32_t seq, civil_day effective_on) {
    if (more->adverse_count == ADVERSE_RECORDS_MAX) {
        memmove(more->adverse, more->adverse + 1, (ADVERSE_RECORDS_MAX - 1) * sizeof more->adverse[0]);
        more->adverse_count--;
    }
    more->adverse[more->adverse_count++] = (struct adverse_record){.seq = seq, .effective_on = effective_on};
}

/* ---- names
 * ----------------------------------------------------------------------------------------------------- */

static uint32_t *find_name(const struct people *people, const char *text, size_t len) {
    uint32_t mask = people->name_index_size - 1;
    uint32_t at = (uint32_t)XXH3_64bits(text, len) & mask;
    for (;; at = (at + 1) & mask) {
        uint32_t name = people->name_index[at];
        if (name == 0)
            break;
        const struct short_text *other = &people->names[name].text;
        if (other->len == len && memcmp(other->bytes, text, len) == 0)
            break;
    }
    return &people->name_index[at];
}

/* Rebuilds the index over the names in use, at a load of at most one half. */
static void index_names(struct people *people, uint32_t size) {
    free(people->name_index);
    people->name_index = xcalloc(size, sizeof *people->name_index);
    people->name_index_size = size;
    for (uint32_t i = 1; i < people->names_count; i++)
        if (people->names[i].references)
            *find_name(people, people->names[i].text.bytes, people->names[i].text.len) = i;
}

/* Empties a place of the index and moves up those behind it that would no longer be found. */
static void unindex_name(struct people *people, uint32_t *place) {
    uint32_t mask = people->name_index_size - 1, hole = (uint32_t)(place - people->name_index);
    people->name_index[hole] = 0;
    for (uint32_t at = (hole + 1) & mask; people->name_index[at]; at = (at + 1) & mask) {
        uint32_t name = people->name_index[at];
        const struct short_text *text = &people->names[name].text;
        uint32_t home = (uint32_t)XXH3_64bits(text->bytes, text->len) & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        people->name_index[hole] = name;
        people->name_index[at] = 0;
        hole = at;
    }
}

static uint32_t new_name(struct people *people) {
    if (people->free_name) {
        uint32_t name = people->free_name;
        people->free_name = people->names[name].next_free;
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
    uint32_t *place = find_name(people, text, len);
    if (*place) {
        people->names[*place].references++;
        return *place;
    }
    uint32_t name = new_name(people);
    people->names[name] = (struct name){.references = 1, .text = {.len = (uint8_t)len}};
    memcpy(people->names[name].text.bytes, text, len);
    people->names_live++;
    *place = name;
    return name;
}

void names_release(struct people *people, uint32_t name) {
    if (name == 0 || --people->names[name].references > 0)
        return;
    unindex_name(people, find_name(people, people->names[name].text.bytes, people->names[name].text.len));
    people->names[name].next_free = people->free_name;
    people->free_name = name;
    people->names_live--;
}

const struct short_text *names_text(const struct people *people, uint32_t name) {
    return name == 0 ? NULL : &people->names[name].text;
}
