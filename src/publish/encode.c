/* See encode.h. Owned by the worker of the task. The record is written once, front to back, into memory of
 * the outbox whose size is bounded beforehand: every part has a fixed maximum. */
#include "encode.h"

#include "check.h"
#include "civil.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define STATE_SCHEMA "rollcall.state.v1"

/* Four ids that may be escaped to six bytes a byte, dates and words: see encode_state. */
#define STATE_BYTES_MAX 4096

struct writer {
    char *start, *at, *end;
};

static void put(struct writer *w, const char *text, size_t len) {
    CHECK((size_t)(w->end - w->at) >= len);
    memcpy(w->at, text, len);
    w->at += len;
}

static void put_text(struct writer *w, const char *text) {
    put(w, text, strlen(text));
}

static void put_word(struct writer *w, const char *name, const char *word) {
    put_text(w, name);
    put_text(w, "\"");
    put_text(w, word);
    put_text(w, "\"");
}

static void put_word_or_null(struct writer *w, const char *name, const char *word) {
    if (word)
        put_word(w, name, word);
    else {
        put_text(w, name);
        put_text(w, "null");
    }
}

static void put_date(struct writer *w, const char *name, civil_day day) {
    char text[CIVIL_TEXT_BYTES];
    if (!day_is_none(day))
        civil_print(day, text);
    put_word_or_null(w, name, day_is_none(day) ? NULL : text);
}

static void put_instant(struct writer *w, const char *name, int64_t ms) {
    char text[INSTANT_TEXT_BYTES];
    instant_print(ms, text);
    put_word(w, name, text);
}

static void put_number(struct writer *w, const char *name, uint64_t n) {
    char text[24];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    put_text(w, name);
    put(w, text, (size_t)len);
}

size_t encode_json_string(char *out, const char *text, size_t len) {
    static const char hex[] = "0123456789abcdef";
    char *at = out;
    *at++ = '"';
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            *at++ = '\\';
            *at++ = (char)c;
        } else if (c < 0x20 || c == 0x7f) {
            memcpy(at, "\\u00", 4);
            at[4] = hex[c >> 4];
            at[5] = hex[c & 15];
            at += 6;
        } else {
            *at++ = (char)c;
        }
    }
    *at++ = '"';
    return (size_t)(at - out);
}

static void put_id(struct writer *w, const char *name, const struct short_text *id) {
    put_text(w, name);
    if (id == NULL || id->len == 0) {
        put_text(w, "null");
        return;
    }
    CHECK(w->end - w->at >= 6 * ID_BYTES_MAX + 2);
    w->at += encode_json_string(w->at, id->bytes, id->len);
}

void encode_state_id(const struct short_text *employee, const struct record_place *place, uint32_t seq,
                     char out[STATE_ID_BYTES]) {
    unsigned char bytes[1 + ID_BYTES_MAX + 1 + 4 + 8 + 4];
    size_t n = 0;
    bytes[n++] = employee->len;
    memcpy(bytes + n, employee->bytes, employee->len);
    n += employee->len;
    bytes[n++] = (unsigned char)place->topic;
    for (int i = 0; i < 4; i++)
        bytes[n++] = (unsigned char)((uint32_t)place->partition >> 8 * i);
    for (int i = 0; i < 8; i++)
        bytes[n++] = (unsigned char)((uint64_t)place->offset >> 8 * i);
    for (int i = 0; i < 4; i++)
        bytes[n++] = (unsigned char)(seq >> 8 * i);
    XXH128_hash_t hash = XXH3_128bits(bytes, n);
    snprintf(out, STATE_ID_BYTES, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}

static const char *gate_word(enum promotion_gate gate) {
    static const char *const words[] = {"clear", "pending", "vp_approved", "vp_approval_required"};
    return words[gate];
}
static const char *stage_word(enum case_stage stage) {
    static const char *const words[] = {"none", "manager_aware", "verbal_warning", "written_warning"};
    return words[stage];
}
static const char *basis_word(enum case_basis basis) {
    static const char *const words[] = {NULL, "standing", "retracted"};
    return words[basis];
}
static const char *action_word(enum human_action action) {
    static const char *const words[] = {NULL, "basis_retracted", "resolve_dispute", "review_with_employee"};
    return words[action];
}
static const char *notify_list(enum notify notify) {
    static const char *const lists[] = {"[]", "[\"employee\"]", "[\"employee\",\"manager\"]"};
    return lists[notify];
}

static void put_week(struct writer *w, const struct change_week *week) {
    if (!week->is_set) {
        put_text(w, ",\"week\":null");
        return;
    }
    put_date(w, ",\"week\":{\"from\":", week->from);
    put_date(w, ",\"to\":", week->to);
    put_number(w, ",\"present\":", week->present);
    put_number(w, ",\"required\":", week->required);
    put_number(w, ",\"workable\":", week->workable);
    put_text(w, ",\"days\":[");
    const char *comma = "";
    for (int i = 0; i < WEEK_DAYS; i++)
        if (week->days & 1u << i) {
            put_date(w, comma, day_plus(week->from, i));
            comma = ",";
        }
    put_text(w, "]}");
}

static void put_state(struct writer *w, const struct change *c, const char *id) {
    put_text(w, "{\"schema\":\"" STATE_SCHEMA "\"");
    put_word(w, ",\"id\":", id);
    put_id(w, ",\"employee_id\":", c->employee);
    put_instant(w, ",\"known_at\":", c->known_at.ms);
    put_number(w, ",\"seq\":", c->seq);
    put_word(w, ",\"status\":", status_name(c->status));
    put_word_or_null(w, ",\"previous_status\":",
                     c->previous_status == STATUS_NONE ? NULL : status_name(c->previous_status));
    put_date(w, ",\"status_since\":", c->status_since);
    put_word(w, ",\"cause\":", cause_name(c->cause));
    put_date(w, ",\"effective_on\":", c->effective_on);
    put_instant(w, ",\"as_of\":", c->as_of.ms);
    put_word(w, ",\"zone\":", c->zone);
    char superseded[STATE_ID_BYTES];
    if (c->supersedes_seq)
        encode_state_id(c->employee, &c->known_at_place, c->supersedes_seq, superseded);
    put_word_or_null(w, ",\"supersedes\":", c->supersedes_seq ? superseded : NULL);
    put_word_or_null(w,
                     ",\"corrected_status\":", c->supersedes_seq ? status_name(c->corrected_status) : NULL);
    put_id(w, ",\"policy\":{\"id\":", c->policy_id);
    put_date(w, ",\"version\":", c->policy_version);
    put_word(w, ",\"hash\":", c->policy_hash);
    put_text(w, "}");
    put_week(w, &c->week);
    put_word(w, ",\"promotion\":{\"gate\":", gate_word(c->gate));
    put_date(w, ",\"approved_until\":", c->approved_until);
    put_word(w, "},\"case\":{\"stage\":", stage_word(c->stage));
    put_word_or_null(w, ",\"basis\":", basis_word(c->basis));
    if (c->case_seq)
        put_number(w, ",\"seq\":", c->case_seq);
    else
        put_text(w, ",\"seq\":null");
    put_id(w, "},\"manager_id\":", c->manager);
    put_text(w, ",\"notify\":");
    put_text(w, notify_list(c->notify));
    put_word_or_null(w, ",\"human_action\":", action_word(c->action));
    put_text(w, "}");
}

/* CloudEvents 1.0, binary mode: attributes are headers. ce_subject is the employee id, as the key is. */
static void add_headers(struct outbox *box, struct out_record *record, const char *id, arrival_time as_of,
                        const char *source, const char *type, struct trace_parent trace) {
    char time[INSTANT_TEXT_BYTES];
    instant_print(as_of.ms, time);
    const struct out_header headers[] = {
        {"ce_specversion", "1.0", 3},
        {"ce_id", outbox_copy(box, id, strlen(id)), strlen(id)},
        {"ce_source", source, strlen(source)},
        {"ce_type", type, strlen(type)},
        {"ce_time", outbox_copy(box, time, INSTANT_TEXT_BYTES - 1), INSTANT_TEXT_BYTES - 1},
        {"ce_subject", record->key, record->key_len},
        {"content-type", "application/json", 16},
        {"traceparent", trace.len ? outbox_copy(box, trace.text, trace.len) : "", trace.len},
    };
    record->headers_count = sizeof headers / sizeof headers[0] - (trace.len == 0);
    record->headers = (const struct out_header *)(const void *)outbox_copy(box, headers, sizeof headers);
}

void encode_state(struct outbox *box, const struct change *change, const char *source,
                  struct trace_parent trace) {
    char id[STATE_ID_BYTES];
    encode_state_id(change->employee, &change->known_at_place, change->seq, id);
    char text[STATE_BYTES_MAX];
    struct writer w = {text, text, text + sizeof text};
    put_state(&w, change, id);

    struct out_record *record = outbox_add(box, OUTPUT_STATE);
    record->key_len = change->employee->len;
    record->key = outbox_copy(box, change->employee->bytes, record->key_len);
    record->value_len = (size_t)(w.at - w.start);
    record->value = outbox_copy(box, text, record->value_len);
    add_headers(box, record, id, change->as_of, source, STATE_SCHEMA, trace);
}

void encode_tombstone(struct outbox *box, const struct short_text *employee, const struct record_place *place,
                      arrival_time as_of, const char *source, struct trace_parent trace) {
    char id[STATE_ID_BYTES];
    encode_state_id(employee, place, 0, id); /* no state record has seq 0 */
    struct out_record *record = outbox_add(box, OUTPUT_STATE);
    record->key_len = employee->len;
    record->key = outbox_copy(box, employee->bytes, record->key_len);
    add_headers(box, record, id, as_of, source, STATE_SCHEMA, trace);
}

void encode_progress(struct outbox *box, int32_t partition, arrival_time clock,
                     const struct zone_closed *zones, size_t zones_count, uint64_t held) {
    size_t size = 256 + zones_count * (ID_BYTES_MAX + CIVIL_TEXT_BYTES + 8);
    char *text = outbox_take(box, size);
    struct writer w = {text, text, text + size};
    put_text(&w, "{\"schema\":\"rollcall.progress.v1\"");
    put_number(&w, ",\"partition\":", (uint64_t)partition);
    put_instant(&w, ",\"arrival_clock\":", clock.ms);
    put_text(&w, ",\"closed\":{");
    for (size_t i = 0; i < zones_count; i++) {
        put_word(&w, i ? "," : "", zones[i].zone);
        put_date(&w, ":", zones[i].closed);
    }
    put_number(&w, "},\"held\":", held);
    put_text(&w, "}");

    char key[16];
    struct out_record *record = outbox_add(box, OUTPUT_PROGRESS);
    record->key_len = (size_t)snprintf(key, sizeof key, "%d", partition);
    record->key = outbox_copy(box, key, record->key_len);
    record->value = text;
    record->value_len = (size_t)(w.at - w.start);
}
