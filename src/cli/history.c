/* See history.h. */
#include "history.h"

#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_ARRIVAL INT64_MIN

struct history_file {
    const char *name;
    struct ndjson *ndjson;
    int64_t arrival_ms; /* the largest so far */
    bool has_line;      /* those below are the next line */
    struct ndjson_line line;
    struct envelope envelope;
    enum reason refused;
    struct reject_detail detail;
};

struct history {
    const struct swipe_fields *fields;
    struct history_file *files;
    size_t count;
    struct history_file *current, *rival; /* whose line is next, and whose would be without it (or NULL) */
    bool is_begun, has_failed;
};

static enum reason decode_record(const struct history *history, struct history_file *file,
                                 event_time *occurred_at) {
    union {
        struct swipe swipe;
        struct roster_record roster;
        struct leave_record leave;
        struct calendar_record calendar;
        struct decision_record decision;
    } record;
    const char *line = file->line.bytes;
    size_t len = file->line.len;
    enum reason reason;
    *occurred_at = EVENT_TIME_NONE;
    switch (file->envelope.topic) {
    case TOPIC_SWIPES:
        reason = decode_swipe(history->fields, NULL, line, len, &record.swipe, &file->detail);
        *occurred_at = record.swipe.occurred_at;
        return reason;
    case TOPIC_ROSTER:
        return file->envelope.is_tombstone ? REASON_applied
                                           : decode_roster(line, len, &record.roster, &file->detail);
    case TOPIC_LEAVE:
        return decode_leave(line, len, &record.leave, &file->detail);
    case TOPIC_CALENDAR:
        return decode_calendar(line, len, &record.calendar, &file->detail);
    case TOPIC_DECISIONS:
        return decode_decision(line, len, &record.decision, &file->detail);
    case TOPIC_COUNT:
        break;
    }
    return REASON_applied;
}

/* When the line arrives, and whether it is refused before the task sees it. */
static void date_line(const struct history *history, struct history_file *file) {
    int64_t own_ms = NO_ARRIVAL;
    if (file->line.full_len > file->line.len) {
        file->refused = REASON_too_large;
        snprintf(file->detail.text, sizeof file->detail.text, "the line has %llu bytes",
                 (unsigned long long)file->line.full_len);
        return;
    }
    file->refused = decode_envelope(file->line.bytes, file->line.len, &file->envelope, &file->detail);
    if (file->envelope.has_arrived_at) {
        own_ms = file->envelope.arrived_at.ms;
    } else if (file->refused == REASON_applied &&
               (file->envelope.topic == TOPIC_SWIPES || file->arrival_ms == NO_ARRIVAL)) {
        event_time occurred_at;
        file->refused = decode_record(history, file, &occurred_at);
        own_ms = occurred_at.ms;
    }
    if (own_ms > file->arrival_ms)
        file->arrival_ms = own_ms;
    if (file->arrival_ms == NO_ARRIVAL && file->refused == REASON_applied) {
        file->refused = REASON_no_clock;
        snprintf(file->detail.text, sizeof file->detail.text,
                 "neither arrived_at, nor a line before it that says when it arrived");
    }
}

static bool load_line(struct history *history, struct history_file *file) {
    enum ndjson_result result = ndjson_next(file->ndjson, &file->line);
    file->has_line = result == NDJSON_LINE;
    if (result == NDJSON_ERROR) {
        fprintf(stderr, "rollcall: cannot read %s: %s\n", file->name, strerror(errno));
        history->has_failed = true;
        return false;
    }
    if (file->has_line) {
        file->envelope = (struct envelope){.topic = TOPIC_COUNT};
        date_line(history, file);
    }
    return true;
}

static bool is_before(const struct history_file *a, const struct history_file *b) {
    if (b == NULL || !b->has_line)
        return true;
    return a->arrival_ms < b->arrival_ms || (a->arrival_ms == b->arrival_ms && a < b);
}

static void choose_file(struct history *history) {
    history->current = history->rival = NULL;
    for (struct history_file *file = history->files; file < history->files + history->count; file++) {
        if (!file->has_line)
            continue;
        if (is_before(file, history->current)) {
            history->rival = history->current;
            history->current = file;
        } else if (is_before(file, history->rival)) {
            history->rival = file;
        }
    }
}

/* Makes `current` the file whose line is next, NULL at the end. Files of several days seldom overlap: mostly
 * the same file goes on, and only its rival must be looked at. */
static bool advance(struct history *history) {
    if (history->is_begun) {
        if (!load_line(history, history->current))
            return false;
        if (history->current->has_line && is_before(history->current, history->rival))
            return true;
    } else {
        history->is_begun = true;
        for (size_t i = 0; i < history->count; i++)
            if (!load_line(history, &history->files[i]))
                return false;
    }
    choose_file(history);
    return history->current != NULL;
}

bool history_next(struct history *history, struct history_record *out) {
    if (history->has_failed || !advance(history))
        return false;
    const struct history_file *file = history->current;
    const struct envelope *envelope = &file->envelope;
    *out = (struct history_record){.line = file->line, .file = file->name};
    out->input = (struct task_input){
        .topic = envelope->topic == TOPIC_COUNT ? TOPIC_SWIPES : envelope->topic, /* refused, of no topic */
        .partition = (int32_t)(file - history->files),
        .offset = file->line.number,
        .arrival = {file->arrival_ms},
        .value = file->line.bytes,
        .value_len = file->line.len,
        .refused = file->refused,
    };
    if (file->refused != REASON_applied) {
        out->input.refused_detail = file->detail.text;
    } else if (envelope->is_tombstone) {
        out->input.has_key = true;
        out->input.key = envelope->employee.bytes;
        out->input.key_len = envelope->employee.len;
        out->input.value = NULL;
        out->input.value_len = 0;
    }
    return true;
}

bool history_failed(const struct history *history) {
    return history->has_failed;
}

struct history *history_open(char *const *names, size_t count, const struct swipe_fields *fields) {
    struct history *history = xcalloc(1, sizeof *history);
    history->fields = fields;
    history->files = xcalloc(count, sizeof *history->files);
    for (; history->count < count; history->count++) {
        struct history_file *file = &history->files[history->count];
        *file = (struct history_file){.name = names[history->count], .arrival_ms = NO_ARRIVAL};
        file->ndjson = ndjson_open(file->name);
        if (file->ndjson == NULL) {
            fprintf(stderr, "rollcall: cannot open %s: %s\n", file->name, strerror(errno));
            history_close(&history);
            return NULL;
        }
    }
    return history;
}

void history_close(struct history **history) {
    if (*history == NULL)
        return;
    for (size_t i = 0; i < (*history)->count; i++)
        ndjson_close(&(*history)->files[i].ndjson);
    free((*history)->files);
    free(*history);
    *history = NULL;
}
