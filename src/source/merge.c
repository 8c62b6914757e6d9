/* See merge.h. Each input is a ring of records; a pop finds the smallest head, the bound that the next
 * smallest head sets, and takes the run of records below it. With five or a few dozen inputs a scan beats a
 * heap, and it is paid once a run, not once a record. Owner of the task only. */
#include "merge.h"

#include "check.h"

#include <stdlib.h>

struct input {
    enum topic topic;
    int32_t partition;
    arrival_time arrival; /* largest pushed */
    int64_t read_to;      /* everything below has been pushed or does not exist */
    int64_t marked_to;    /* read_to when the asking began */
    int64_t released_to;  /* marked_to of the last asking that was answered */
    int64_t end;          /* what it answered; INT64_MAX: never asked */
    struct merge_record *ring;
    size_t mask;       /* capacity - 1 */
    size_t head, tail; /* free-running */
};

struct merge {
    struct input *inputs;
    size_t count;
    arrival_time settled;
    /* The largest place of the order that came out: what is below is behind. */
    struct place {
        arrival_time arrival;
        enum topic topic;
        int32_t partition;
    } last;
    uint64_t behind;
};

#define RING_CAPACITY_MIN 64

static bool place_less(struct place a, struct place b) {
    if (a.arrival.ms != b.arrival.ms)
        return a.arrival.ms < b.arrival.ms;
    if (a.topic != b.topic)
        return a.topic < b.topic;
    return a.partition < b.partition;
}

static bool has_head(const struct input *in) {
    return in->head != in->tail;
}

static const struct merge_record *head_of(const struct input *in) {
    return &in->ring[in->head & in->mask];
}

static struct place place_of_head(const struct input *in) {
    return (struct place){head_of(in)->arrival, in->topic, in->partition};
}

static bool is_released(const struct merge *m, const struct input *in, const struct merge_record *record) {
    return record->offset < in->released_to || record->arrival.ms <= m->settled.ms;
}

struct merge *merge_new(void) {
    struct merge *m = xcalloc(1, sizeof *m);
    m->settled.ms = INT64_MIN;
    m->last.arrival.ms = INT64_MIN;
    return m;
}

void merge_free(struct merge **merge, void (*drop)(void *context, size_t input, void *message),
                void *context) {
    struct merge *m = *merge;
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->count; i++) {
        struct input *in = &m->inputs[i];
        for (; has_head(in); in->head++)
            drop(context, i, head_of(in)->message);
        free(in->ring);
    }
    free(m->inputs);
    free(m);
    *merge = NULL;
}

size_t merge_add_input(struct merge *m, enum topic topic, int32_t partition, int64_t offset,
                       arrival_time arrival) {
    m->inputs = xrealloc(m->inputs, m->count + 1, sizeof *m->inputs);
    m->inputs[m->count] = (struct input){
        .topic = topic,
        .partition = partition,
        .arrival = arrival,
        .read_to = offset,
        .marked_to = offset,
        .released_to = offset,
        .end = INT64_MAX,
        .ring = xcalloc(RING_CAPACITY_MIN, sizeof(struct merge_record)),
        .mask = RING_CAPACITY_MIN - 1,
    };
    return m->count++;
}

static void make_room(struct input *in, size_t count) {
    size_t held = in->tail - in->head, capacity = in->mask + 1, wanted = capacity;
    while (wanted - held < count)
        wanted *= 2;
    if (wanted == capacity)
        return;
    struct merge_record *ring = xcalloc(wanted, sizeof *ring);
    for (size_t i = 0; i < held; i++)
        ring[i] = in->ring[(in->head + i) & in->mask];
    free(in->ring);
    in->ring = ring;
    in->mask = wanted - 1;
    in->head = 0;
    in->tail = held;
}

void merge_push(struct merge *m, size_t input, const struct merge_record *records, size_t count) {
    CHECK(input < m->count);
    struct input *in = &m->inputs[input];
    make_room(in, count);
    for (size_t i = 0; i < count; i++) {
        struct merge_record *slot = &in->ring[in->tail++ & in->mask];
        *slot = records[i];
        CHECK(slot->offset >= in->read_to);
        in->read_to = slot->offset + 1;
        if (slot->arrival.ms < in->arrival.ms)
            slot->arrival = in->arrival;
        in->arrival = slot->arrival;
    }
}

void merge_read_to(struct merge *m, size_t input, int64_t offset) {
    CHECK(input < m->count);
    if (offset > m->inputs[input].read_to)
        m->inputs[input].read_to = offset;
}

void merge_mark(struct merge *m) {
    for (size_t i = 0; i < m->count; i++)
        m->inputs[i].marked_to = m->inputs[i].read_to;
}

void merge_confirm(struct merge *m, const int64_t *ends, arrival_time settled) {
    for (size_t i = 0; i < m->count; i++) {
        m->inputs[i].released_to = m->inputs[i].marked_to;
        m->inputs[i].end = ends[i];
    }
    m->settled = settled;
}

void merge_advance(struct merge *m, arrival_time clock) {
    struct place place = {clock, TOPIC_CALENDAR, INT32_MIN};
    if (place_less(m->last, place))
        m->last = place;
}

size_t merge_pending(const struct merge *m, size_t input) {
    CHECK(input < m->count);
    return m->inputs[input].tail - m->inputs[input].head;
}

int64_t merge_position(const struct merge *m, size_t input) {
    CHECK(input < m->count);
    return m->inputs[input].read_to;
}

bool merge_waits_for(const struct merge *m, size_t input) {
    CHECK(input < m->count);
    const struct input *in = &m->inputs[input];
    return !has_head(in) && in->read_to < in->end;
}

/* The input with the smallest head, and the bound below which its records may run: the smallest head of the
 * others.
 */
static enum merge_state find_next(const struct merge *m, struct input **next, struct place *bound) {
    struct input *first = NULL;
    struct place first_place = {{INT64_MAX}, TOPIC_COUNT, INT32_MAX};
    *bound = first_place;
    for (size_t i = 0; i < m->count; i++) {
        struct input *in = &m->inputs[i];
        if (!has_head(in)) {
            if (in->read_to < in->end)
                return MERGE_WAITS;
            continue;
        }
        struct place place = place_of_head(in);
        if (place_less(place, first_place)) {
            *bound = first_place;
            first = in;
            first_place = place;
        } else if (place_less(place, *bound)) {
            *bound = place;
        }
    }
    *next = first;
    if (first == NULL)
        return MERGE_AT_END;
    return is_released(m, first, head_of(first)) ? MERGE_READY : MERGE_UNCONFIRMED;
}

enum merge_state merge_state(const struct merge *m) {
    struct input *next;
    struct place bound;
    return find_next(m, &next, &bound);
}

size_t merge_pop(struct merge *m, struct merge_record *out, size_t *input, size_t max) {
    struct input *in;
    struct place bound;
    if (find_next(m, &in, &bound) != MERGE_READY)
        return 0;
    *input = (size_t)(in - m->inputs);
    size_t taken = 0;
    for (; taken < max && has_head(in); taken++, in->head++) {
        const struct merge_record *record = head_of(in);
        struct place place = {record->arrival, in->topic, in->partition};
        if (!place_less(place, bound) || !is_released(m, in, record))
            break;
        if (place_less(place, m->last))
            m->behind++;
        else
            m->last = place;
        out[taken] = *record;
    }
    return taken;
}

uint64_t merge_behind(const struct merge *m) {
    return m->behind;
}
