/* See demo_print.h. Everything fits in 80 columns. */
#include "demo_print.h"

#include <inttypes.h>
#include <string.h>

#define COLUMNS     80
#define INDENT      2
#define PLOT_ROWS   10
#define PLOT_MARGIN 11 /* columns left of the plot */

static const struct {
    const char *name;
    enum ink ink;
    const char *texture; /* without colours */
    const char *ascii;
} looks[STATUS_COUNT] = {
    [STATUS_OUT_OF_SCOPE] = {"out of scope", INK_GRAY, " ", " "},
    [STATUS_NOT_IN_FORCE] = {"not in force", INK_GRAY, " ", " "},
    [STATUS_EXEMPT] = {"exempt", INK_GRAY, " ", " "},
    [STATUS_UNRATED] = {"unrated", INK_GRAY, "·", "."},
    [STATUS_COMPLIANT] = {"compliant", INK_GREEN, "░", "+"},
    [STATUS_AT_RISK] = {"at risk", INK_YELLOW, "▒", "o"},
    [STATUS_NON_COMPLIANT] = {"non-compliant", INK_RED, "█", "#"},
};

/* The order of rows and, from below, of the plot. */
static const enum status in_scope[] = {STATUS_NON_COMPLIANT, STATUS_AT_RISK, STATUS_COMPLIANT,
                                       STATUS_UNRATED};
#define IN_SCOPE (sizeof in_scope / sizeof in_scope[0])

/* Columns of UTF-8 text of single width. */
static int width_of(const char *text) {
    int width = 0;
    for (; *text; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

void demo_print_heading(const struct terminal *t, const char *text, const char *note) {
    int room = COLUMNS - 2 * INDENT - width_of(text) - width_of(note);
    fprintf(t->out, "\n%*s", INDENT, "");
    terminal_ink(t, INK_BOLD);
    fputs(text, t->out);
    terminal_ink(t, INK_PLAIN);
    terminal_ink(t, INK_DIM);
    fprintf(t->out, "%*s%s", room, "", note);
    terminal_ink(t, INK_PLAIN);
    fputs("\n\n", t->out);
}

/* ---- who stands where ---- */

static void print_status(const struct terminal *t, const struct story *story, enum status status,
                         uint64_t all) {
    char number[COUNT_TEXT_BYTES];
    double share = (double)story->statuses[status] / (double)(all ? all : 1);
    fprintf(t->out, "    ");
    terminal_ink(t, looks[status].ink);
    fprintf(t->out, "%-14s", looks[status].name);
    terminal_ink(t, INK_PLAIN);
    fprintf(t->out, "%9s %5.1f %%  ", count_text(story->statuses[status], number), 100 * share);
    terminal_ink(t, looks[status].ink);
    terminal_bar(t, share, 40);
    terminal_ink(t, INK_PLAIN);
    fputc('\n', t->out);
}

void demo_print_statuses(const struct terminal *t, const struct story *story, int64_t now_ms) {
    static const enum status rows[] = {STATUS_COMPLIANT, STATUS_AT_RISK,      STATUS_NON_COMPLIANT,
                                       STATUS_UNRATED,   STATUS_OUT_OF_SCOPE, STATUS_NOT_IN_FORCE,
                                       STATUS_EXEMPT};
    uint64_t all = 0;
    char now[INSTANT_TEXT_BYTES], note[64];
    for (int status = 0; status < STATUS_COUNT; status++)
        all += story->statuses[status];
    instant_print(now_ms, now);
    snprintf(note, sizeof note, "as of %.10s %.5s UTC", now, now + 11);
    demo_print_heading(t, "Where everybody stands", note);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (story->statuses[rows[i]] > 0)
            print_status(t, story, rows[i], all);
    char number[COUNT_TEXT_BYTES];
    fprintf(t->out, "    %-14s%9s\n", "people", count_text(all, number));
}

/* ---- how it developed ---- */

/* What a column has in the cell whose lowest eighth is `low`: the status there, and up to which eighth, and
 * the status above that. */
struct cell {
    enum status lower, upper;
    unsigned eighths; /* of `lower` */
};

static struct cell cell_at(const int64_t counts[STATUS_COUNT], unsigned low) {
    int64_t all = 0, sum = 0;
    struct cell cell = {STATUS_UNRATED, STATUS_UNRATED, 8};
    unsigned from = low, widest = 0;
    for (size_t i = 0; i < IN_SCOPE; i++)
        all += counts[in_scope[i]];
    for (size_t i = 0; i < IN_SCOPE && all > 0; i++) {
        sum += counts[in_scope[i]];
        unsigned top = (unsigned)((sum * PLOT_ROWS * 8 + all / 2) / all);
        unsigned end = top < low + 8 ? top : low + 8;
        if (end <= from)
            continue;
        if (from == low) {
            cell = (struct cell){in_scope[i], in_scope[i], end - from};
        } else if (end - from > widest) { /* one boundary can be drawn: the widest of the others wins */
            cell.upper = in_scope[i];
            widest = end - from;
        }
        from = end;
    }
    return cell;
}

static void print_cell(const struct terminal *t, struct cell cell, unsigned width) {
    if (!t->has_utf8 || !t->has_color) {
        enum status status = cell.eighths >= 4 ? cell.lower : cell.upper;
        terminal_ink(t, looks[status].ink);
        terminal_repeat(t, t->has_utf8 ? looks[status].texture : looks[status].ascii, width);
    } else if (cell.eighths == 8 || cell.lower == cell.upper) {
        terminal_ink(t, looks[cell.lower].ink);
        terminal_repeat(t, "█", width);
    } else {
        terminal_ink_on(t, looks[cell.lower].ink, looks[cell.upper].ink);
        terminal_repeat(t, terminal_lower_block(cell.eighths), width);
    }
    terminal_ink(t, INK_PLAIN);
}

/* One row of numbers below the plot, in the columns' places. */
static void print_numbers(const struct terminal *t, const struct story *story, enum status status,
                          unsigned slot) {
    char number[COUNT_TEXT_BYTES];
    terminal_ink(t, looks[status].ink);
    fprintf(t->out, "%*s", PLOT_MARGIN - 1, status == STATUS_AT_RISK ? "at risk" : "non-comp");
    for (unsigned i = 0; i < story->weeks_count; i++)
        fprintf(t->out, "%*s", (int)slot, count_text((uint64_t)story->weeks[i].statuses[status], number));
    terminal_ink(t, INK_PLAIN);
    fputc('\n', t->out);
}

static void print_labels(const struct terminal *t, const struct story *story, unsigned slot) {
    unsigned step = slot >= 6 ? 1 : slot >= 3 ? 2 : 3;
    fprintf(t->out, "%*s", PLOT_MARGIN - 1, "week of");
    for (unsigned i = 0; i < story->weeks_count; i++) {
        char text[CIVIL_TEXT_BYTES] = "     now";
        if (!day_is_none(story->weeks[i].monday))
            civil_print(story->weeks[i].monday, text);
        bool is_shown = i % step == (story->weeks_count - 1) % step;
        if (is_shown)
            fprintf(t->out, "%*s", (int)(i < step ? slot * (i + 1) : slot * step), text + 5);
    }
    fputc('\n', t->out);
}

static void print_legend(const struct terminal *t) {
    fprintf(t->out, "%*s", PLOT_MARGIN, "");
    for (size_t i = IN_SCOPE; i-- > 0;) {
        print_cell(t, (struct cell){in_scope[i], in_scope[i], 8}, 2);
        fprintf(t->out, " %s%s", looks[in_scope[i]].name, i > 0 ? "   " : "");
    }
    fputs("\n\n", t->out);
}

void demo_print_weeks(const struct terminal *t, const struct story *story) {
    unsigned slot = (COLUMNS - PLOT_MARGIN - INDENT) / story->weeks_count;
    unsigned width = slot > 4 ? slot - 2 : slot > 1 ? slot - 1 : 1;
    demo_print_heading(t, "How it developed", "of the people in scope, when each week was closed");
    print_legend(t);
    for (unsigned row = 0; row < PLOT_ROWS; row++) {
        static const char *const marks[] = {[0] = "100 %", [PLOT_ROWS / 2] = "50 %", [PLOT_ROWS - 1] = ""};
        terminal_ink(t, INK_DIM);
        fprintf(t->out, "%*s", PLOT_MARGIN - 1, marks[row] ? marks[row] : "");
        terminal_ink(t, INK_PLAIN);
        for (unsigned i = 0; i < story->weeks_count; i++) {
            fprintf(t->out, "%*s", (int)(slot - width), "");
            print_cell(t, cell_at(story->weeks[i].statuses, (PLOT_ROWS - 1 - row) * 8), width);
        }
        fputc('\n', t->out);
    }
    print_labels(t, story, slot);
    if (slot >= 6) {
        print_numbers(t, story, STATUS_AT_RISK, slot);
        print_numbers(t, story, STATUS_NON_COMPLIANT, slot);
    }
}

/* ---- three people ---- */

#define STRIP_COLUMN 4 /* where the first day stands */

static unsigned column_of(unsigned day) {
    return STRIP_COLUMN + day * 2 + day / WEEK_DAYS * 2;
}

static void print_day(const struct terminal *t, const struct strip *strip, unsigned day) {
    civil_day date = day_plus(strip->monday, (int32_t)day);
    bool is_present = strip->present >> day & 1;
    if (is_present) {
        terminal_ink(t, INK_GREEN);
        fputs(t->has_utf8 ? "■" : "#", t->out);
    } else if (strip->excused >> day & 1 && day_weekday(date) < 5) {
        terminal_ink(t, INK_DIM);
        fputc('~', t->out);
    } else if (date.n > strip->today.n) {
        fputc(' ', t->out);
    } else if (day_weekday(date) >= 5) {
        terminal_ink(t, INK_DIM);
        fputs(t->has_utf8 ? "·" : ".", t->out);
    } else if (date.n > strip->closed.n) {
        terminal_ink(t, INK_DIM);
        fputc('?', t->out);
    } else {
        fputs(t->has_utf8 ? "□" : "-", t->out);
    }
    terminal_ink(t, INK_PLAIN);
}

/* The judged week, drawn below its days. */
static void print_bracket(const struct terminal *t, const struct story_person *person,
                          const struct strip *strip) {
    const struct change_week *week = &person->week;
    if (!week->is_set || week->from.n < strip->monday.n ||
        week->to.n >= strip->monday.n + STRIP_WEEKS * WEEK_DAYS)
        return;
    char text[32];
    unsigned begin = column_of((unsigned)(week->from.n - strip->monday.n));
    unsigned end = column_of((unsigned)(week->to.n - strip->monday.n));
    int len = snprintf(text, sizeof text, " %u of %u ", week->present, week->required);
    unsigned left = (end - begin - 1 - (unsigned)len) / 2, right = end - begin - 1 - (unsigned)len - left;
    fprintf(t->out, "%*s", (int)begin, "");
    terminal_ink(t, looks[person->status].ink);
    fputs(t->has_utf8 ? "└" : "\\", t->out);
    terminal_repeat(t, t->has_utf8 ? "─" : "_", left);
    fputs(text, t->out);
    terminal_repeat(t, t->has_utf8 ? "─" : "_", right);
    fputs(t->has_utf8 ? "┘" : "/", t->out);
    terminal_ink(t, INK_PLAIN);
    fputc('\n', t->out);
}

static void print_strip(const struct terminal *t, const struct story_person *person,
                        const struct strip *strip) {
    fprintf(t->out, "%*s", STRIP_COLUMN, "");
    for (unsigned week = 0; week < STRIP_WEEKS; week++) {
        char monday[CIVIL_TEXT_BYTES];
        civil_print(day_plus(strip->monday, (int32_t)week * WEEK_DAYS), monday);
        terminal_ink(t, INK_DIM);
        fprintf(t->out, "Mon %-12s", monday + 5);
        terminal_ink(t, INK_PLAIN);
    }
    fprintf(t->out, "\n%*s", STRIP_COLUMN, "");
    for (unsigned day = 0; day < STRIP_WEEKS * WEEK_DAYS; day++) {
        print_day(t, strip, day);
        fputs(day % WEEK_DAYS == WEEK_DAYS - 1 ? "   " : " ", t->out);
    }
    fputc('\n', t->out);
    print_bracket(t, person, strip);
}

static void print_path(const struct terminal *t, const struct story_person *person) {
    fprintf(t->out, "    ");
    for (unsigned i = 0; i < person->path_count; i++) {
        char since[CIVIL_TEXT_BYTES];
        civil_print(person->path[i].since, since);
        if (i > 0)
            fputs(t->has_utf8 ? " → " : " > ", t->out);
        terminal_ink(t, looks[person->path[i].status].ink);
        fputs(looks[person->path[i].status].name, t->out);
        terminal_ink(t, INK_PLAIN);
        fprintf(t->out, " %s", since + 5);
    }
    fputc('\n', t->out);
}

/* The arithmetic of the status in words. */
static void print_words(const struct terminal *t, const struct story_person *person,
                        unsigned tolerance_days) {
    char from[CIVIL_TEXT_BYTES], to[CIVIL_TEXT_BYTES], on[CIVIL_TEXT_BYTES];
    civil_print(person->week.from, from);
    civil_print(person->week.to, to);
    civil_print(person->effective_on, on);
    fprintf(t->out, "    %u of %u required days in the week %s to %s", person->week.present,
            person->week.required, from, to + 5);
    if (person->status == STATUS_NON_COMPLIANT) {
        fprintf(t->out, ", and too few in the\n    weeks ending on each of the %u days before.",
                tolerance_days);
        fprintf(t->out, " Told: the person%s%s.\n", person->manager[0] ? " and " : "", person->manager);
        fprintf(t->out, "    A promotion would need a VP's approval. What follows, people decide.\n");
    } else if (person->status == STATUS_AT_RISK) {
        fprintf(t->out, ":\n    a warning. It takes %u short weeks, each a day later, to be non-compliant.\n",
                tolerance_days + 1);
    } else if (person->cause == CAUSE_SWIPE) {
        fprintf(t->out, ":\n    the swipe on %s lifted the status at once: no close was needed.\n", on);
    } else {
        fprintf(t->out, ".\n");
    }
}

void demo_print_people(const struct terminal *t, const struct story_person *const *chosen,
                       const struct strip *strips, unsigned tolerance_days) {
    demo_print_heading(t, "Three of them",
                       t->has_utf8 ? "■ present □ absent ~ leave, closed · weekend ? open"
                                   : "# present - absent ~ leave, closed . weekend ? open");
    for (size_t i = 0; i < STORY_CHOSEN; i++) {
        const struct story_person *person = chosen[i];
        if (person == NULL)
            continue;
        char since[CIVIL_TEXT_BYTES];
        civil_print(person->since, since);
        fprintf(t->out, "  ");
        terminal_ink(t, INK_BOLD);
        fprintf(t->out, "%s", person->id);
        terminal_ink(t, INK_PLAIN);
        fprintf(t->out, "  ");
        terminal_ink(t, looks[person->status].ink);
        fprintf(t->out, "%s", looks[person->status].name);
        terminal_ink(t, INK_PLAIN);
        fprintf(t->out, " since %s  ", since);
        terminal_ink(t, INK_DIM);
        fprintf(t->out, "%s\n", person->zone);
        terminal_ink(t, INK_PLAIN);
        print_strip(t, person, &strips[i]);
        print_words(t, person, tolerance_days);
        print_path(t, person);
        if (i + 1 < STORY_CHOSEN)
            fputc('\n', t->out);
    }
}

/* ---- what was counted ---- */

static void print_reasons(const struct terminal *t, const struct demo_totals *totals, enum reason_kind kind,
                          const char *word) {
    uint64_t sum = 0;
    char number[COUNT_TEXT_BYTES];
    for (enum reason reason = 0; reason < REASON_COUNT; reason++)
        sum += reason_kind(reason) == kind ? totals->reasons[reason] : 0;
    fprintf(t->out, "    %-14s%12s", word, count_text(sum, number));
    const char *separator = "    ";
    for (enum reason reason = 0; reason < REASON_COUNT && kind != REASON_KIND_APPLIED; reason++)
        if (reason_kind(reason) == kind && totals->reasons[reason] > 0) {
            fprintf(t->out, "%s%s %s", separator, reason_name(reason),
                    count_text(totals->reasons[reason], number));
            separator = ", ";
        }
    fputc('\n', t->out);
}

void demo_print_counts(const struct terminal *t, const struct story *story,
                       const struct demo_totals *totals) {
    char a[COUNT_TEXT_BYTES], b[COUNT_TEXT_BYTES];
    demo_print_heading(t, "Every record accounted for", "");
    print_reasons(t, totals, REASON_KIND_APPLIED, "applied");
    print_reasons(t, totals, REASON_KIND_IGNORED, "ignored");
    print_reasons(t, totals, REASON_KIND_REJECTED, "rejected");
    fprintf(t->out, "    %-14s%12s    of %s: the calendar once a partition\n", "read",
            count_text(totals->read, a), count_text(demo_totals_to_read(totals), b));
    fprintf(t->out, "    %-14s%12s    in compliance.state; ", "state records",
            count_text(story->records + story->tombstones, a));
    fprintf(t->out, "%s changed a status\n", count_text(story->changes, b));
    double seconds = totals->seconds > 0.001 ? totals->seconds : 0.001;
    fprintf(t->out, "    %-14s%12s    a second: %.1f s, %" PRIu32 " workers, %" PRIu32 " partitions\n",
            "speed", count_text((uint64_t)((double)totals->read / seconds), a), totals->seconds,
            totals->workers, totals->partitions);
}
