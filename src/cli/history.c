/* See log.h. */
#include "log.h"

#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_ARRIVAL INT64_MIN

struct log_file {
    const char *name;
    struct ndjson *ndjson;
    int64_t arrival_ms; /* the largest so far */
    bool has_line;      /* those below are the next line */
    struct ndjson_line line;
    struct envelope envelope;
    enum reason refused;
    struct reject_detail detail;
};

struct log {
    const struct swipe_fields *fields;
    struct log_file *files;
    size_t count;
    struct log_file *current, *rival; /* whose line is next, and whose would be without it (or NULL) */
    bool is_begun, has_failed;
};

static enum reason decode_record(const struct log *log, struct log_file *file, event_time *occurred_at) {
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
        reason = decode_swipe(log->fields, NULL, line, len, &record.swipe, &file->detail);
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
static void date_line(const struct log *log, struct log_file *file) {
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
        file->refused = decode_record(log, file, &occurred_at);
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

static bool load_line(struct log *log, struct log_file *file) {
    enum ndjson_result result = ndjson_next(file->ndjson, &file->line);
    file->has_line = result == NDJSON_LINE;
    if (result == NDJSON_ERROR) {
        fprintf(stderr, "rollcall: cannot read %s: %s\n", file->name, strerror(errno));
        log->has_failed = true;
        return false;
    }
    if (file->has_line) {
        file->envelope = (struct envelope){.topic = TOPIC_COUNT};
        date_line(log, file);
    }
    return true;
}

static bool is_before(const struct log_file *a, const struct log_file *b) {
    if (b == NULL || !b->has_line)
        return true;
    return a->arrival_ms < b->arrival_ms || (a->arrival_ms == b->arrival_ms && a < b);
}

static void choose_file(struct log *log) {
    log->current = log->rival = NULL;
    for (struct log_file *file = log->files; file < log->files + log->count; file++) {
        if (!file->has_line)
            continue;
        if (is_before(file, log->current)) {
            log->rival = log->current;
            log->current = file;
        } else if (is_before(file, log->rival)) {
            log->rival = file;
        }
    }
}

/* Makes `current` the file whose line is next, NULL at the end. Files of several days seldom overlap: mostly
 * the same file goes on, and only its rival must be looked at. */
static bool advance(struct log *log) {
    if (log->is_begun) {
        if (!load_line(log, log->current))
            return false;
        if (log->current->has_line && is_before(log->current, log->rival))
            return true;
    } else {
        log->is_begun = true;
        for (size_t i = 0; i < log->count; i++)
            if (!load_line(log, &log->files[i]))
                return false;
    }
    choose_file(log);
    return log->current != NULL;
}

bool log_next(struct log *log, struct log_record *out) {
    if (log->has_failed || !advance(log))
        return false;
    const struct log_file *file = log->current;
    const struct envelope *envelope = &file->envelope;
    *out = (struct log_record){.line = file->line, .file = file->name};
    out->input = (struct task_input){
        .topic = envelope->topic == TOPIC_COUNT ? TOPIC_SWIPES : envelope->topic, /* refused, of no topic */
        .partition = (int32_t)(file - log->files),
        .offset = file->line.number,
        .arrival = {file->arrival_ms},
        .value = file->line.bytes,
        .value_len = file->line.len,
        .refused = file->refused,
    };
    if (file->refused != REASON_applied) {
        out->input.refused_detail = file->detail;
    } else if (envelope->is_tombstone) {
        out->input.has_key = true;
        out->input.key = envelope->employee.bytes;
        out->input.key_len = envelope->employee.len;
        out->input.value = NULL;
        out->input.value_len = 0;
    }
    return true;
}

bool log_failed(const struct log *log) {
    return log->has_failed;
}

struct log *log_open(char *const *names, size_t count, const struct swipe_fields *fields) {
    struct log *log = xcalloc(1, sizeof *log);
    log->fields = fields;
    log->files = xcalloc(count, sizeof *log->files);
    for (; log->count < count; log->count++) {
        struct log_file *file = &log->files[log->count];
        *file = (struct log_file){.name = names[log->count], .arrival_ms = NO_ARRIVAL};
        file->ndjson = ndjson_open(file->name);
        if (file->ndjson == NULL) {
            fprintf(stderr, "rollcall: cannot open %s: %s\n", file->name, strerror(errno));
            log_close(&log);
            return NULL;
        }
    }
    return log;
}

void log_close(struct log **log) {
    if (*log == NULL)
        return;
    for (size_t i = 0; i < (*log)->count; i++)
        ndjson_close(&(*log)->files[i].ndjson);
    free((*log)->files);
    free(*log);
    *log = NULL;
}
