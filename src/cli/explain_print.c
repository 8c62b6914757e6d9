/* An explanation for a person at a terminal (explain.h): 80 columns; colour adds nothing that is not also
 * said or drawn. */
#include "explain.h"

#include "civil.h"

#include <inttypes.h>
#include <string.h>

#define COLUMNS 80
#define INDENT  2
#define LABEL   10

static const enum ink status_inks[STATUS_COUNT] = {
    [STATUS_OUT_OF_SCOPE] = INK_GRAY, [STATUS_NOT_IN_FORCE] = INK_GRAY, [STATUS_EXEMPT] = INK_GRAY,
    [STATUS_UNRATED] = INK_PLAIN,     [STATUS_COMPLIANT] = INK_GREEN,   [STATUS_AT_RISK] = INK_YELLOW,
    [STATUS_NON_COMPLIANT] = INK_RED};

static const struct {
    const char *glyph, *ascii;
    enum ink ink;
    const char *text;
} looks[DAY_KIND_COUNT] = {
#define DAY_KIND(name, glyph, ascii, ink, text) {glyph, ascii, ink, text},
#include "day_kinds.def"
#undef DAY_KIND
};

static void heading(const struct terminal *t, const char *text) {
    fputc('\n', t->out);
    terminal_ink(t, INK_BOLD);
    fputs(text, t->out);
    terminal_ink(t, INK_PLAIN);
    fputs("\n\n", t->out);
}

static void in_ink(const struct terminal *t, enum ink ink, const char *text) {
    terminal_ink(t, ink);
    fputs(text, t->out);
    terminal_ink(t, INK_PLAIN);
}

/* Columns of UTF-8 text of single width. */
static int width_of(const char *text, size_t len) {
    int width = 0;
    for (size_t i = 0; i < len; i++)
        width += (text[i] & 0xc0) != 0x80;
    return width;
}

/* Whether a line may not end before `word`: inside of a date as "Mon 8 May", or of a sum. */
static bool is_tight(const char *word) {
    static const char weekdays[] = "Mon Tue Wed Thu Fri Sat Sun";
    static const char months[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
    char before[4] = "", after[4] = "";
    memcpy(before, word - 4, 3);
    memcpy(after, word, strnlen(word, 3));
    bool is_digit = word[0] >= '0' && word[0] <= '9', was_digit = word[-2] >= '0' && word[-2] <= '9';
    bool is_date = (is_digit && (strstr(weekdays, before) || strstr(months, before))) ||
                   (was_digit && strlen(after) == 3 && strstr(months, after));
    bool is_sum = (word[1] == ' ' && strchr("x/=", word[0])) || (word[-3] == ' ' && strchr("x/=", word[-2]));
    return is_date || is_sum;
}

/* Text in lines of at most 80 columns behind `column` that are taken; the further lines begin at `hang`. */
static void print_hanging(const struct terminal *t, int column, int hang, const char *text) {
    for (const char *word = text; *word;) {
        size_t len = strcspn(word, " ");
        while (word[len] == ' ' && word + len - text > 4 && is_tight(word + len + 1))
            len += 1 + strcspn(word + len + 1, " ");
        int width = width_of(word, len);
        if (word != text && column + 1 + width > COLUMNS)
            column = fprintf(t->out, "\n%*s", hang, "") - 1;
        else if (word != text)
            column += fprintf(t->out, " ");
        fwrite(word, 1, len, t->out);
        column += width;
        word += len;
        word += *word == ' ';
    }
    fputc('\n', t->out);
}

/* A paragraph; what begins with "- " hangs. */
static void print_wrapped(const struct terminal *t, const char *text) {
    int column = fprintf(t->out, "%*s", INDENT, "");
    print_hanging(t, column, strncmp(text, "- ", 2) == 0 ? INDENT + 2 : INDENT, text);
}

static void print_sentences(const struct terminal *t, const struct sentences *sentences) {
    for (size_t i = 0; i < sentences->count; i++)
        print_wrapped(t, sentences->list[i]);
}

/* An id that may hold any character, with control characters made visible. */
static void print_id(const struct terminal *t, const struct short_text *id) {
    for (unsigned i = 0; i < id->len; i++)
        fputc((unsigned char)id->bytes[i] < 0x20 || id->bytes[i] == 0x7f ? '?' : id->bytes[i], t->out);
}

/* ---- who ---- */

static void print_clock(const struct explanation *e, const struct terminal *t) {
    const struct person_look *look = &e->look;
    int year = year_of(look->today);
    char now[INSTANT_TEXT_BYTES];
    instant_print(task_clock(e->task).ms, now);
    fprintf(t->out, "  %-*s%.10s %.5s UTC\n", LABEL, "Clock", now, now + 11);
    fprintf(t->out, "  %-*s%s in %s\n", LABEL, "Today", day_in_words(look->today, year).text,
            zones_name(e->rules->zones, look->zone));
    fprintf(t->out, "  %-*sup to %s; later days are open and held against nobody\n", LABEL, "Closed",
            day_in_words(look->closed, year).text);
}

static void print_text(const struct terminal *t, const char *label, const struct short_text *text) {
    fprintf(t->out, "  %-*s", LABEL, label);
    print_id(t, text);
    fputc('\n', t->out);
}

/* ", left on Sat 18 Apr", or nothing. */
static void append_date(char *text, size_t size, const char *what, civil_day day, int year) {
    size_t len = strlen(text);
    if (!day_is_none(day))
        snprintf(text + len, size - len, ", %s %s", what, day_in_words(day, year).text);
}

/* What the record of the open day says, but for what is told elsewhere. */
static void print_roster(const struct explanation *e, const struct terminal *t) {
    const struct roster_entry *entry = e->look.entry;
    int year = year_of(e->look.today);
    char text[256] = "no record";
    if (entry) {
        snprintf(text, sizeof text, "record of %s%s", day_in_words(entry->effective_on, year).text,
                 entry->expects_office ? "" : ", no presence is expected");
        append_date(text, sizeof text, "hired on", entry->hired_on, year);
        append_date(text, sizeof text, "left on", entry->left_on, year);
    }
    size_t len = strlen(text);
    if (entry && entry->workdays)
        snprintf(text + len, sizeof text - len, "; own workdays %s", weekdays_in_words(entry->workdays).text);
    int column = fprintf(t->out, "  %-*s", LABEL, "Roster");
    print_hanging(t, column, column, text);
}

static void print_person(const struct explanation *e, const struct terminal *t) {
    const struct person_look *look = &e->look;
    terminal_ink(t, INK_BOLD);
    print_id(t, &look->id);
    terminal_ink(t, INK_PLAIN);
    fputs(look->id.len > COLUMNS / 2 ? "\n" : "  ", t->out);
    in_ink(t, status_inks[look->status], status_name(look->status));
    fprintf(t->out, " since %s\n\n", day_in_words(look->status_since, INT32_MIN).text);
    print_clock(e, t);
    print_roster(e, t);
    if (look->site)
        print_text(t, "Home", look->site);
    if (look->manager)
        print_text(t, "Manager", look->manager);
}

/* ---- days ---- */

struct judged_span {
    bool is_set;
    civil_day from, to;
};

static struct judged_span judged_span_of(const struct explanation *e) {
    const struct judged_week *week = &e->look.verdict.week;
    civil_day from = day_plus(e->look.view.first, week->start);
    return (struct judged_span){week->is_set, from, day_plus(from, WEEK_DAYS - 1)};
}

static void print_day(const struct terminal *t, civil_day day, enum day_kind kind, struct judged_span span) {
    fputc(span.is_set && day.n == span.from.n ? '[' : ' ', t->out);
    in_ink(t, looks[kind].ink, t->has_utf8 ? looks[kind].glyph : looks[kind].ascii);
    fputc(span.is_set && day.n == span.to.n ? ']' : ' ', t->out);
}

static void print_result(const struct explanation *e, const struct terminal *t,
                         const struct calendar_week *row) {
    const struct week_told *told = &row->week.told;
    const struct judged_week *week = &told->week;
    if (told->result == WEEK_NEUTRAL && (row->is_over || week->workable == 0))
        fprintf(t->out, "  not judged: %s", week_neutral_text(e, told->why));
    else
        fprintf(t->out, "  %u of %u%s", week->present, week->required,
                !row->is_over                ? " so far"
                : told->result == WEEK_SHORT ? "  short"
                                             : "  met");
}

static void print_legend(const struct terminal *t, const bool seen[DAY_KIND_COUNT]) {
    int column = 0;
    for (int kind = 0; kind < DAY_KIND_COUNT; kind++) {
        if (!seen[kind] || looks[kind].text[0] == '\0')
            continue;
        int width = 2 + (int)strlen(looks[kind].text);
        if (column == 0 || column + 3 + width > COLUMNS)
            column = fprintf(t->out, "\n%*s", INDENT, "") - 1;
        else
            column += fprintf(t->out, "   ");
        in_ink(t, looks[kind].ink, t->has_utf8 ? looks[kind].glyph : looks[kind].ascii);
        fprintf(t->out, " %s", looks[kind].text);
        column += width;
    }
    fputc('\n', t->out);
}

static void print_days(const struct explanation *e, const struct terminal *t) {
    bool seen[DAY_KIND_COUNT] = {false};
    struct judged_span span = judged_span_of(e);
    heading(t, "Days");
    fprintf(t->out, "%*s", INDENT + 13, "");
    for (int i = 0; i < WEEK_DAYS; i++) {
        struct day_text day = day_in_words(day_plus(e->calendar[0].week.from, i), 0);
        fprintf(t->out, " %.2s", day.text);
    }
    fputc('\n', t->out);
    for (size_t i = 0; i < e->calendar_count; i++) {
        const struct calendar_week *row = &e->calendar[i];
        struct day_text from = day_in_words(row->week.from, INT32_MIN);
        fprintf(t->out, "%*s%11s  ", INDENT, "", from.text + 4);
        for (int day = 0; day < WEEK_DAYS; day++) {
            seen[row->kinds[day]] = true;
            print_day(t, day_plus(row->week.from, day), row->kinds[day], span);
        }
        print_result(e, t, row);
        fputc('\n', t->out);
    }
    print_legend(t, seen);
    if (span.is_set)
        fprintf(t->out, "  [ ] the judged week; \"2 of 3\": present on 2 of 3 required days\n");
}

/* ---- what follows from it, and what was before ---- */

static void print_case(const struct explanation *e, const struct terminal *t) {
    const struct state_told *state = &e->log.states[e->log.states_count - 1];
    heading(t, "Case and promotion");
    fprintf(t->out, "  %-*s%s", LABEL, "Promotion", state->gate);
    if (state->approved_until[0])
        fprintf(t->out, " until %s", state->approved_until);
    fprintf(t->out, "\n  %-*s%s", LABEL, "Case", state->stage);
    if (state->basis[0])
        fprintf(t->out, ", since record %s, basis %s", state->case_seq, state->basis);
    fprintf(t->out, "\n  %-*s%s", LABEL, "Dispute", e->look.dispute_is_open ? "open" : "none open");
    if (e->look.held_in) {
        fprintf(t->out, "\n  %-*sholds the verdict back, group ", LABEL, "Guard");
        print_id(t, e->look.held_in);
    }
    fprintf(t->out, "\n  %-*s%s\n", LABEL, "Action", state->action[0] ? state->action : "nothing is due");
}

static uint64_t seq_of(const struct person_log *log, const char *id) {
    for (size_t i = 0; i < log->states_count; i++)
        if (strcmp(log->states[i].id, id) == 0)
            return log->states[i].seq;
    return 0;
}

/* What a record says besides its status: a correction, or why there is one though the status is the same. */
static void print_remark(const struct person_log *log, size_t i, const struct terminal *t) {
    const struct state_told *state = &log->states[i], *before = i > 0 ? &log->states[i - 1] : NULL;
    static const int indent = INDENT + 24;
    if (state->supersedes[0])
        fprintf(t->out, "%*stakes back record %" PRIu64 ": %s then\n", indent, "",
                seq_of(log, state->supersedes), state->corrected_status);
    if (before == NULL || strcmp(before->status, state->status) != 0)
        return;
    if (strcmp(before->stage, state->stage) != 0)
        fprintf(t->out, "%*scase: %s\n", indent, "", state->stage);
    if (strcmp(before->gate, state->gate) != 0)
        fprintf(t->out, "%*spromotion: %s%s%s\n", indent, "", state->gate,
                state->approved_until[0] ? " until " : "", state->approved_until);
}

static void print_history(const struct explanation *e, const struct terminal *t) {
    heading(t, "State records");
    fprintf(t->out, "  %4s  %-16s  %-13s  %-11s  %s\n", "seq", "as of (UTC)", "status", "cause",
            "effective on");
    for (size_t i = 0; i < e->log.states_count; i++) {
        const struct state_told *state = &e->log.states[i];
        fprintf(t->out, "  %4" PRIu64 "  %.10s %.5s  %-13s  %-11s  %s\n", state->seq, state->as_of,
                state->as_of + 11, state->status, state->cause, state->effective_on);
        print_remark(&e->log, i, t);
    }
}

/* "rejected 3: bad_field 2, too_late 1" */
static void print_reasons(const struct explanation *e, const struct terminal *t, enum reason_kind kind,
                          const char *word) {
    char number[COUNT_TEXT_BYTES], text[REASON_COUNT * 48];
    uint64_t sum = 0;
    for (enum reason reason = 0; reason < REASON_COUNT; reason++)
        sum += reason_kind(reason) == kind ? e->log.reasons[reason] : 0;
    int len = snprintf(text, sizeof text, "%s %s", word, count_text(sum, number));
    const char *separator = ": ";
    for (enum reason reason = 0; reason < REASON_COUNT && kind != REASON_KIND_APPLIED; reason++)
        if (reason_kind(reason) == kind && e->log.reasons[reason] > 0) {
            len += snprintf(text + len, sizeof text - (size_t)len, "%s%s %s", separator, reason_name(reason),
                            count_text(e->log.reasons[reason], number));
            separator = ", ";
        }
    print_wrapped(t, text);
}

/* The name without its folders. */
static const char *file_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static void print_records(const struct explanation *e, const struct terminal *t) {
    heading(t, "Records that name the person");
    print_reasons(e, t, REASON_KIND_APPLIED, "applied");
    print_reasons(e, t, REASON_KIND_IGNORED, "ignored");
    print_reasons(e, t, REASON_KIND_REJECTED, "rejected");
    for (size_t i = 0; i < e->log.rejects_count; i++) {
        const struct reject_told *reject = &e->log.rejects[i];
        char text[DETAIL_BYTES_MAX + 128];
        snprintf(text, sizeof text, "- %s, line %" PRId64 " of %s: %s", reason_name(reject->reason),
                 reject->line, file_of(reject->file), reject->detail.text);
        print_wrapped(t, text);
    }
}

void explain_print(const struct explanation *e, const struct terminal *t) {
    print_person(e, t);
    print_days(e, t);
    heading(t, "Why");
    print_sentences(t, &e->why);
    print_sentences(t, &e->policy);
    heading(t, "What would change it");
    print_sentences(t, &e->outlook);
    print_case(e, t);
    print_history(e, t);
    print_records(e, t);
}
