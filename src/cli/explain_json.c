/* An explanation for a program (explain.h): one JSON object, as docs/schema/explain.v1.json describes it. */
#include "explain.h"

#include "check.h"
#include "civil.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void put_string(FILE *out, const char *text, size_t len) {
    char *quoted = xcalloc(6 * len + 2, 1);
    fwrite(quoted, 1, encode_json_string(quoted, text, len), out);
    free(quoted);
}

static void put_text(FILE *out, const char *name, const char *text, size_t len) {
    fprintf(out, "\"%s\":", name);
    put_string(out, text, len);
}

static void put_id(FILE *out, const char *name, const struct short_text *id) {
    if (id)
        put_text(out, name, id->bytes, id->len);
    else
        fprintf(out, "\"%s\":null", name);
}

static void put_word(FILE *out, const char *name, const char *word) {
    if (word && word[0])
        fprintf(out, "\"%s\":\"%s\"", name, word);
    else
        fprintf(out, "\"%s\":null", name);
}

static void put_date(FILE *out, const char *name, civil_day day) {
    char text[CIVIL_TEXT_BYTES] = "";
    if (!day_is_none(day))
        civil_print(day, text);
    put_word(out, name, text);
}

static void put_instant(FILE *out, const char *name, int64_t ms) {
    char text[INSTANT_TEXT_BYTES];
    instant_print(ms, text);
    put_word(out, name, text);
}

static void put_bool(FILE *out, const char *name, bool value) {
    fprintf(out, "\"%s\":%s", name, value ? "true" : "false");
}

static void put_week_dates(FILE *out, const char *name, civil_day from, unsigned bits) {
    const char *separator = "";
    fprintf(out, "\"%s\":[", name);
    for (int i = 0; i < WEEK_DAYS; i++)
        if (bits >> i & 1) {
            char text[CIVIL_TEXT_BYTES];
            civil_print(day_plus(from, i), text);
            fprintf(out, "%s\"%s\"", separator, text);
            separator = ",";
        }
    fputc(']', out);
}

static const char *const weekday_words[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static void put_weekdays(FILE *out, const char *name, uint8_t weekdays) {
    const char *separator = "";
    fprintf(out, "\"%s\":[", name);
    for (unsigned i = 0; i < WEEK_DAYS; i++)
        if (weekdays >> i & 1) {
            fprintf(out, "%s\"%s\"", separator, weekday_words[i]);
            separator = ",";
        }
    fputc(']', out);
}

static void put_roster(FILE *out, const struct roster_entry *entry) {
    fputs("\"roster\":", out);
    if (entry == NULL) {
        fputs("null", out);
        return;
    }
    fputc('{', out);
    put_date(out, "effective_on", entry->effective_on);
    fprintf(out, ",\"expectation\":\"%s\",", entry->expects_office ? "office" : "none");
    put_date(out, "hired_on", entry->hired_on);
    fputc(',', out);
    put_date(out, "left_on", entry->left_on);
    fputc(',', out);
    put_weekdays(out, "workdays", entry->workdays);
    fputc('}', out);
}

/* ---- policy and rule ---- */

static void put_rule_of(FILE *out, const struct policy_version *version) {
    static const char *const types[] = {
        [RULE_SLIDING] = "sliding", [RULE_WEEKLY] = "weekly", [RULE_K_OF_N] = "k_of_n"};
    fprintf(out, "\"rule\":{\"type\":\"%s\"", types[version->rule]);
    if (version->rule == RULE_SLIDING)
        fprintf(out, ",\"tolerance_days\":%u", version->tolerance_days);
    else
        fprintf(out, ",\"week_starts_on\":\"%s\"", weekday_words[version->week_starts_on]);
    if (version->rule == RULE_K_OF_N)
        fprintf(out, ",\"combine\":\"%s\"", version->terms_any ? "or" : "and");
    fputc('}', out);
}

static void put_policy(FILE *out, const struct explanation *e) {
    static const char *const prorations[] = {"ratio", "ratio_down", "cap"};
    const struct policy_version *version = e->look.verdict.version;
    fputs("\"policy\":{", out);
    put_id(out, "id", &e->look.verdict.policy->id);
    fputc(',', out);
    put_date(out, "version", version ? version->effective_on : DAY_NONE);
    fputc(',', out);
    put_word(out, "hash", e->look.verdict.policy->hash);
    if (version) {
        fprintf(out, ",\"required_days\":%u,", version->required_days);
        put_weekdays(out, "workdays", version->workdays);
        fputc(',', out);
        put_bool(out, "weekends_count", version->weekends_count);
        fprintf(out, ",\"proration\":\"%s\",\"grace_days\":%u,", prorations[version->proration],
                version->grace_days);
        put_rule_of(out, version);
    }
    fputc('}', out);
}

static void put_week(FILE *out, const struct week_at *week, bool is_over) {
    static const char *const results[] = {"neutral", "short", "met"};
    static const char *const reasons[] = {
        "no_version", "nothing_workable", "before_complete_from", "before_start", "grace", "in_doubt", NULL};
    const struct week_told *told = &week->told;
    fputc('{', out);
    put_date(out, "from", week->from);
    fputc(',', out);
    put_date(out, "to", day_plus(week->from, WEEK_DAYS - 1));
    fputc(',', out);
    put_word(out, "result", is_over ? results[told->result] : "open");
    fputc(',', out);
    put_word(out, "neutral_because", is_over ? reasons[told->why] : NULL);
    if (told->week.is_set) {
        fprintf(out, ",\"present\":%u,\"required\":%u,\"workable\":%u,", told->week.present,
                told->week.required, told->week.workable);
        put_week_dates(out, "days", week->from, told->week.days);
        fputc(',', out);
        put_week_dates(out, "expected", week->from, told->expected);
    }
    fputc('}', out);
}

static void put_judged_week(FILE *out, const struct explanation *e) {
    const struct judged_week *week = &e->look.verdict.week;
    fputs("\"week\":", out);
    if (!week->is_set) {
        fputs("null", out);
        return;
    }
    struct week_at at = explain_week(e, day_plus(e->look.view.first, week->start));
    put_week(out, &at, true);
}

static void put_rule(FILE *out, const struct explanation *e) {
    const struct rule_told *rule = &e->rule;
    fputs("\"rule_at_closed\":", out);
    if (rule->version == NULL) {
        fputs("null", out);
        return;
    }
    fputc('{', out);
    put_date(out, "version", rule->version->effective_on);
    fputc(',', out);
    put_rule_of(out, rule->version);
    fputc(',', out);
    put_word(out, "status", status_name(rule->status));
    if (rule->version->rule == RULE_SLIDING)
        fprintf(out, ",\"short_in_a_row\":%u,\"of\":%u", rule->row, rule->version->tolerance_days + 1u);
    else
        fprintf(out, ",\"judged_weeks\":%u", rule->weeks_count);
    if (rule->version->rule == RULE_K_OF_N) {
        fputs(",\"terms\":[", out);
        for (unsigned i = 0; i < rule->version->terms_count; i++) {
            fprintf(out, "%s{\"short\":%u,\"of\":%u,\"found\":%u,", i ? "," : "",
                    rule->version->terms[i].short_weeks, rule->version->terms[i].of_weeks,
                    rule->terms[i].found);
            put_bool(out, "holds", rule->terms[i].holds);
            fputc('}', out);
        }
        fputc(']', out);
    }
    fputc('}', out);
}

/* ---- days and futures ---- */

static void put_calendar(FILE *out, const struct explanation *e) {
    fputs("\"weeks\":[", out);
    for (size_t i = 0; i < e->calendar_count; i++) {
        if (i)
            fputc(',', out);
        put_week(out, &e->calendar[i].week, e->calendar[i].is_over);
    }
    fputs("],\"days\":[", out);
    const char *separator = "";
    for (size_t i = 0; i < e->calendar_count * WEEK_DAYS; i++) {
        const struct calendar_week *row = &e->calendar[i / WEEK_DAYS];
        enum day_kind kind = (enum day_kind)row->kinds[i % WEEK_DAYS];
        if (kind == DAY_ahead)
            continue;
        fprintf(out, "%s{", separator);
        put_date(out, "date", day_plus(row->week.from, (int32_t)(i % WEEK_DAYS)));
        fputc(',', out);
        put_word(out, "kind", day_kind_name(kind));
        fputc('}', out);
        separator = ",";
    }
    fputc(']', out);
}

static void put_future(FILE *out, const char *name, const struct future *future) {
    fprintf(out, "\"%s\":{\"changes\":[", name);
    for (size_t i = 0; i < future->changes_count; i++) {
        const struct change_ahead *change = &future->changes[i];
        fputs(i ? ",{" : "{", out);
        put_word(out, "status", status_name(change->status));
        fputc(',', out);
        put_date(out, "effective_on", change->effective_on);
        fputc(',', out);
        put_word(out, "by", change->is_by_swipe ? "swipe" : "day_close");
        fputc(',', out);
        put_date(out, "day", change->day);
        fputc(',', out);
        put_instant(out, "at", change->at_ms);
        fputc('}', out);
    }
    fputs("],", out);
    put_date(out, "tried_until", future->until);
    fputs(",\"present_on\":[", out);
    for (size_t i = 0; i < future->days_count; i++) {
        char text[CIVIL_TEXT_BYTES];
        civil_print(future->days[i], text);
        fprintf(out, "%s\"%s\"", i ? "," : "", text);
    }
    fputs("]}", out);
}

/* ---- case, records, words ---- */

static void put_case(FILE *out, const struct explanation *e) {
    const struct state_told *state = &e->log.states[e->log.states_count - 1];
    fputs("\"promotion\":{", out);
    put_word(out, "gate", state->gate);
    fputc(',', out);
    put_word(out, "approved_until", state->approved_until);
    fputs("},\"case\":{", out);
    put_word(out, "stage", state->stage);
    fputc(',', out);
    put_word(out, "basis", state->basis);
    fprintf(out, ",\"seq\":%s},", state->case_seq[0] ? state->case_seq : "null");
    put_bool(out, "dispute_open", e->look.dispute_is_open);
    fputc(',', out);
    put_id(out, "held_in", e->look.held_in);
    fputc(',', out);
    put_word(out, "human_action", state->action);
}

static void put_reasons(FILE *out, const struct person_log *log, const char *name, enum reason_kind kind) {
    const char *separator = "";
    fprintf(out, "\"%s\":{", name);
    for (enum reason reason = 0; reason < REASON_COUNT; reason++)
        if (reason_kind(reason) == kind && log->reasons[reason] > 0) {
            fprintf(out, "%s\"%s\":%" PRIu64, separator, reason_name(reason), log->reasons[reason]);
            separator = ",";
        }
    fputc('}', out);
}

static void put_records(FILE *out, const struct person_log *log) {
    fprintf(out, "\"records\":{\"applied\":%" PRIu64 ",", log->reasons[REASON_applied]);
    put_reasons(out, log, "ignored", REASON_KIND_IGNORED);
    fputc(',', out);
    put_reasons(out, log, "rejected", REASON_KIND_REJECTED);
    fputs("},\"last_rejects\":[", out);
    for (size_t i = 0; i < log->rejects_count; i++) {
        const struct reject_told *reject = &log->rejects[i];
        fputs(i ? ",{" : "{", out);
        put_word(out, "reason", reason_name(reject->reason));
        fputc(',', out);
        put_text(out, "detail", reject->detail.text, strlen(reject->detail.text));
        fputc(',', out);
        put_text(out, "file", reject->file, strlen(reject->file));
        fprintf(out, ",\"line\":%" PRId64 "}", reject->line);
    }
    fputs("],\"history\":[", out);
    for (size_t i = 0; i < log->states_count; i++) {
        if (i)
            fputc(',', out);
        fwrite(log->states[i].text, 1, log->states[i].len, out);
    }
    fputc(']', out);
}

static void put_sentences(FILE *out, const char *name, const struct sentences *sentences) {
    fprintf(out, "\"%s\":[", name);
    for (size_t i = 0; i < sentences->count; i++) {
        if (i)
            fputc(',', out);
        put_string(out, sentences->list[i], strlen(sentences->list[i]));
    }
    fputc(']', out);
}

static void put_person(FILE *out, const struct explanation *e) {
    const struct person_look *look = &e->look;
    put_id(out, "employee_id", &look->id);
    fputc(',', out);
    put_instant(out, "clock", task_clock(e->task).ms);
    fputc(',', out);
    put_word(out, "zone", zones_name(e->rules->zones, look->zone));
    fputc(',', out);
    put_date(out, "today", look->today);
    fputc(',', out);
    put_date(out, "closed", look->closed);
    fputc(',', out);
    put_word(out, "status", status_name(look->status));
    fputc(',', out);
    put_date(out, "status_since", look->status_since);
    fputc(',', out);
    put_date(out, "effective_on", look->verdict.effective_on);
    fputc(',', out);
    put_roster(out, look->entry);
    fputc(',', out);
    put_id(out, "home_site", look->site);
    fputc(',', out);
    put_id(out, "manager_id", look->manager);
    fputc(',', out);
    put_date(out, "known_on", look->known_on);
    fputs(",\"judging\":{", out);
    put_date(out, "start", e->start.start);
    fputc(',', out);
    put_date(out, "after_grace", e->start.after_grace);
    fputc(',', out);
    put_date(out, "complete_from", e->start.complete_from);
    fputc('}', out);
}

void explain_print_json(const struct explanation *e, FILE *out) {
    fputs("{\"schema\":\"rollcall.explain.v1\",", out);
    put_person(out, e);
    fputc(',', out);
    put_policy(out, e);
    fputc(',', out);
    put_judged_week(out, e);
    fputc(',', out);
    put_rule(out, e);
    fputc(',', out);
    put_calendar(out, e);
    fputs(",\"outlook\":{", out);
    put_future(out, "if_nothing", &e->if_nothing);
    fputc(',', out);
    put_future(out, "if_present", &e->if_present);
    fputs("},\"words\":{", out);
    put_sentences(out, "why", &e->why);
    fputc(',', out);
    put_sentences(out, "policy", &e->policy);
    fputc(',', out);
    put_sentences(out, "outlook", &e->outlook);
    fputs("},", out);
    put_case(out, e);
    fputc(',', out);
    put_records(out, &e->log);
    fputs("}\n", out);
}
