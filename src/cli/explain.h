/* What `rollcall explain` knows of a person before it says a word (SPEC 8). The command gathers it in this
 * order: the log, the rule, the days, the futures, the words; explain_print.c and explain_json.c then say the
 * same thing to a person and to a program. Main thread. */
#ifndef ROLLCALL_EXPLAIN_H
#define ROLLCALL_EXPLAIN_H

#include "inspect.h"
#include "log_arguments.h"
#include "terminal.h"

/* ---- explain_log.c: what the log said of the person ---- */

/* A state record as it was published, and the fields of it that are told one by one. */
struct state_told {
    char *text;
    size_t len;
    char id[33], status[16], cause[16], effective_on[16], as_of[32];
    char supersedes[33], corrected_status[16]; /* empty: null */
    char gate[24], approved_until[16], stage[24], basis[16], case_seq[16], action[32];
    uint64_t seq;
};

#define REJECTS_TOLD 5

struct reject_told {
    enum reason reason;
    struct reject_detail detail;
    const char *file;
    int64_t line;
};

struct person_log {
    struct state_told *states; /* since the person became known, or known anew */
    size_t states_count, states_capacity;
    uint64_t reasons[REASON_COUNT];           /* records that name the person, by how they ended */
    struct reject_told rejects[REJECTS_TOLD]; /* the last, in their order */
    size_t rejects_count;
    bool was_forgotten; /* by a tombstone, whatever came behind it */
};

/* Feeds the task with what concerns the person and moves its clock by all the rest; with the guard, which
 * looks at everybody, with all. False if a file cannot be read. */
bool explain_read_log(struct task *task, const struct swipe_fields *fields, const struct short_text *id,
                      const struct log_arguments *arguments, bool has_guard, struct history *history,
                      struct person_log *log);
void person_log_fini(struct person_log *log);

/* ---- explain_rule.c: the rule at c, by the closed days ---- */

struct week_at {
    civil_day from;
    struct week_told told;
};

struct term_told {
    unsigned found; /* short weeks among the newest */
    bool holds;
};

struct rule_told {
    const struct policy_version *version; /* of W(c); NULL: none, or not in scope */
    enum status status;                   /* what the rule says, before a swipe of an open day may lift it */
    bool has_week;
    struct week_at newest;                    /* the newest judged week, if there is one */
    unsigned row;                             /* sliding: short weeks in a row up to it, no more than count */
    bool has_stopper;                         /* the row is no longer, because of ... */
    struct week_at stopper;                   /* ... the week before its first, which is not short */
    struct week_at weeks[CALENDAR_WEEKS_MAX]; /* weekly, k_of_n: the judged ones, newest first */
    unsigned weeks_count;
    struct term_told terms[K_OF_N_TERMS_MAX];
};

/* ---- explain_days.c: the days as a calendar ---- */

enum day_kind {
#define DAY_KIND(name, glyph, ascii, ink, text) DAY_##name,
#include "day_kinds.def"
#undef DAY_KIND
    DAY_KIND_COUNT
};

struct calendar_week {
    struct week_at week;
    bool is_over; /* all its days are closed */
    uint8_t kinds[WEEK_DAYS];
};

#define CALENDAR_ROWS_MAX (CALENDAR_WEEKS_MAX + 2)

/* ---- explain_outlook.c: what would change the status ---- */

struct change_ahead {
    enum status status;
    civil_day effective_on;
    bool is_by_swipe;
    civil_day day; /* the day whose close, or the swipe of which, does it */
    int64_t at_ms; /* the close is due then; the swipe is assumed then */
};

#define CHANGES_AHEAD_MAX 4
#define CLOSES_AHEAD      98

struct future {
    struct change_ahead changes[CHANGES_AHEAD_MAX]; /* in their order */
    size_t changes_count;
    civil_day days[CLOSES_AHEAD + WEEK_DAYS]; /* of assumed presence */
    size_t days_count;
    civil_day until; /* the last day whose close was tried */
};

/* ---- explain_words.c ---- */

#define SENTENCES_MAX 32

struct sentences {
    char *list[SENTENCES_MAX];
    size_t count;
};

/* ---- the whole ---- */

struct explanation {
    const struct rules *rules;
    const struct task *task;
    struct person_log log;
    struct person_look look;
    struct view near; /* as of CALENDAR_AHEAD closes later: holds all days of the calendar */
    struct person_days near_days;
    struct judging_start start;
    struct rule_told rule;
    struct calendar_week calendar[CALENDAR_ROWS_MAX];
    size_t calendar_count;
    struct future if_nothing, if_present;
    struct sentences policy, why, outlook;
};

#define CALENDAR_AHEAD WEEK_DAYS

void explain_tell_rule(struct explanation *explanation);
void explain_draw_days(struct explanation *explanation);
void explain_look_ahead(struct explanation *explanation);
void explain_put_in_words(struct explanation *explanation);
void explain_print(const struct explanation *explanation, const struct terminal *terminal);
void explain_print_json(const struct explanation *explanation, FILE *out);

/* What keeps a day of the view's window from being expected, by the version in effect on it: DAY_absent if it
 * is expected. */
enum day_kind explain_excuse(const struct view *view, const struct person_days *days, civil_day day);
/* The week that begins on `from`, as F judges it at c. */
struct week_at explain_week(const struct explanation *explanation, civil_day from);
const char *day_kind_name(enum day_kind kind);
/* What is said of a week that is not judged: "no workable day". */
const char *week_neutral_text(const struct explanation *explanation, enum week_neutral why);

/* "Mon 8 May", with the year if `year` is another. */
struct day_text {
    char text[24];
};
struct day_text day_in_words(civil_day day, int year);
int year_of(civil_day day);
/* "Mon, Tue" */
struct weekdays_text {
    char text[40];
};
struct weekdays_text weekdays_in_words(uint8_t weekdays);

#endif
