/* `rollcall whatif`: who would have a different status under another policy file (SPEC 8). One pass over the
 * log feeds two tasks that differ in nothing but the policies. Main thread. */
#include "check.h"
#include "commands.h"
#include "encode.h"
#include "inspect.h"
#include "line_batch.h"
#include "log_arguments.h"
#include "sink.h"
#include "terminal.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char help[] =
    "usage: rollcall whatif -c FILE --policies OTHER.yaml [OPTION...] FILE...\n"
    "\n"
    "Reads a log as `rollcall replay` does, once, judges everybody by today's policies and by those\n"
    "of another file, and writes a line to standard output for each person whose status at the end of\n"
    "the log differs, in the order of ids:\n"
    "\n"
    "  {\"employee_id\":\"E1\",\"status\":\"compliant\",\"other_status\":\"at_risk\"}\n"
    "\n"
    "A status is null if the person is not known under these policies: a roster record that names a\n"
    "policy which the file lacks is rejected there. How many have which status under either goes to\n"
    "standard error.\n"
    "\n"
    "  -c, --config FILE   rollcall.yaml; its kafka and topics are not needed\n"
    "  --policies FILE     the other policy file; sites and times are those of rollcall.yaml\n"
    "  --until T           after the last line, let the clock run to T (as 2023-05-15T11:00:00Z)\n"
    "  --set KEY=VALUE     in place of a value of the configuration, as time.settle=12h; repeatable\n"
    "  --help              print this\n"
    "\n"
    "Exit codes: 0, 1 a file could not be read or written, 64 usage, 78 configuration.\n";

#define SIDES (STATUS_COUNT + 1) /* STATUS_NONE: not known */

enum { TODAY, OTHER };

struct difference {
    struct short_text id;
    enum status status, other_status;
};

struct whatif {
    struct task *tasks[2];
    struct line_batch batch;
    struct task_verdict verdicts[LINE_BATCH_MAX];
    uint64_t reasons[2][REASON_COUNT];
    uint64_t lines;

    uint64_t table[SIDES][SIDES]; /* people by status and other status */
    struct difference *differences;
    size_t count, capacity;
};

/* ---- the log ---- */

static void apply_batch(struct whatif *whatif) {
    struct line_batch *batch = &whatif->batch;
    for (int side = TODAY; side <= OTHER; side++) {
        task_apply(whatif->tasks[side], batch->inputs, batch->count, whatif->verdicts);
        for (size_t i = 0; i < batch->count; i++)
            whatif->reasons[side][whatif->verdicts[i].reason]++;
        outbox_clear(task_outbox(whatif->tasks[side]));
    }
    whatif->lines += batch->count;
    line_batch_clear(batch);
}

static bool read_log(struct whatif *whatif, const struct log_arguments *arguments, struct history *history) {
    struct history_record record;
    while (history_next(history, &record)) {
        if (line_batch_add(&whatif->batch, &record))
            continue;
        apply_batch(whatif);
        CHECK(line_batch_add(&whatif->batch, &record));
    }
    apply_batch(whatif);
    for (int side = TODAY; side <= OTHER && arguments->has_until; side++)
        task_advance(whatif->tasks[side], arguments->until);
    return !history_failed(history);
}

/* ---- who differs ---- */

static void note(struct whatif *whatif, const struct short_text *id, enum status status,
                 enum status other_status) {
    whatif->table[status][other_status]++;
    if (status == other_status)
        return;
    if (whatif->count == whatif->capacity) {
        whatif->capacity = whatif->capacity ? 2 * whatif->capacity : 1024;
        whatif->differences = xrealloc(whatif->differences, whatif->capacity, sizeof whatif->differences[0]);
    }
    whatif->differences[whatif->count++] = (struct difference){*id, status, other_status};
}

static int compare_ids(const void *left, const void *right) {
    const struct short_text *a = &((const struct difference *)left)->id;
    const struct short_text *b = &((const struct difference *)right)->id;
    int order = memcmp(a->bytes, b->bytes, a->len < b->len ? a->len : b->len);
    return order ? order : (int)a->len - (int)b->len;
}

static void compare_tasks(struct whatif *whatif) {
    struct person_status person;
    for (struct people_walk walk = {0}; inspect_next(whatif->tasks[TODAY], &walk, &person);)
        note(whatif, &person.id, person.status, inspect_status(whatif->tasks[OTHER], &person.id));
    for (struct people_walk walk = {0}; inspect_next(whatif->tasks[OTHER], &walk, &person);)
        if (inspect_status(whatif->tasks[TODAY], &person.id) == STATUS_NONE)
            note(whatif, &person.id, STATUS_NONE, person.status);
    if (whatif->count > 0)
        qsort(whatif->differences, whatif->count, sizeof whatif->differences[0], compare_ids);
}

static char *put_status(char *at, const char *name, enum status status) {
    bool is_known = status != STATUS_NONE;
    const char *quote = is_known ? "\"" : "";
    at = stpcpy(stpcpy(stpcpy(at, name), quote), is_known ? status_name(status) : "null");
    return stpcpy(at, quote);
}

static void write_differences(const struct whatif *whatif, struct sink *sink) {
    char line[6 * ID_BYTES_MAX + 128];
    for (size_t i = 0; i < whatif->count; i++) {
        const struct difference *difference = &whatif->differences[i];
        char *at = stpcpy(line, "{\"employee_id\":");
        at += encode_json_string(at, difference->id.bytes, difference->id.len);
        at = put_status(at, ",\"status\":", difference->status);
        at = put_status(at, ",\"other_status\":", difference->other_status);
        at = stpcpy(at, "}\n");
        sink_write(sink, line, (size_t)(at - line));
    }
}

/* ---- the summary ---- */

/* Adverse statuses first, so that what matters stands in one corner. */
static const struct {
    enum status status;
    const char *name, *above, *below; /* whole, and in the two lines over a column */
} sides[SIDES] = {{STATUS_NON_COMPLIANT, "non_compliant", "non_", "compliant"},
                  {STATUS_AT_RISK, "at_risk", "", "at_risk"},
                  {STATUS_COMPLIANT, "compliant", "", "compliant"},
                  {STATUS_UNRATED, "unrated", "", "unrated"},
                  {STATUS_EXEMPT, "exempt", "", "exempt"},
                  {STATUS_NOT_IN_FORCE, "not_in_force", "not_in_", "force"},
                  {STATUS_OUT_OF_SCOPE, "out_of_scope", "out_of_", "scope"},
                  {STATUS_NONE, "not known", "not", "known"}};

/* What a status holds against somebody; -1 for one that says nothing of presence, better or worse. */
static int standing(int status) {
    switch (status) {
    case STATUS_NON_COMPLIANT:
        return 0;
    case STATUS_AT_RISK:
        return 1;
    case STATUS_COMPLIANT:
    case STATUS_UNRATED:
        return 2;
    default:
        return -1;
    }
}

static uint64_t sum_of(const struct whatif *whatif, int side, enum status status) {
    uint64_t sum = 0;
    for (int i = 0; i < SIDES; i++)
        sum += side == TODAY ? whatif->table[status][i] : whatif->table[i][status];
    return sum;
}

static void print_cell(uint64_t people) {
    char number[COUNT_TEXT_BYTES];
    fprintf(stderr, "%10s", people > 0 ? count_text(people, number) : ".");
}

static void print_row(const struct whatif *whatif, enum status status, const char *name) {
    fprintf(stderr, "  %-13s", name);
    for (int i = 0; i < SIDES; i++)
        if (sum_of(whatif, OTHER, sides[i].status) > 0)
            print_cell(whatif->table[status][sides[i].status]);
    print_cell(sum_of(whatif, TODAY, status));
    fputc('\n', stderr);
}

static void print_table(const struct whatif *whatif) {
    uint64_t all = 0;
    fprintf(stderr, "People by status under today's policies (rows) and the others (columns):\n\n%15s", "");
    for (int i = 0; i < SIDES; i++)
        if (sum_of(whatif, OTHER, sides[i].status) > 0)
            fprintf(stderr, "%10s", sides[i].above);
    fprintf(stderr, "\n%15s", "");
    for (int i = 0; i < SIDES; i++)
        if (sum_of(whatif, OTHER, sides[i].status) > 0)
            fprintf(stderr, "%10s", sides[i].below);
    fprintf(stderr, "%10s\n", "sum");
    for (int i = 0; i < SIDES; i++)
        if (sum_of(whatif, TODAY, sides[i].status) > 0)
            print_row(whatif, sides[i].status, sides[i].name);
    fprintf(stderr, "  %-13s", "sum");
    for (int i = 0; i < SIDES; i++) {
        uint64_t sum = sum_of(whatif, OTHER, sides[i].status);
        all += sum;
        if (sum > 0)
            print_cell(sum);
    }
    print_cell(all);
    fputs("\n\n", stderr);
}

static void print_sums(const struct whatif *whatif) {
    uint64_t same = 0, gain = 0, lose = 0, other = 0;
    for (int from = 0; from < SIDES; from++)
        for (int to = 0; to < SIDES; to++) {
            bool is_compared = standing(from) >= 0 && standing(to) >= 0;
            int change = is_compared ? standing(to) - standing(from) : 0;
            uint64_t *sum = from == to ? &same : change > 0 ? &gain : change < 0 ? &lose : &other;
            *sum += whatif->table[from][to];
        }
    char number[COUNT_TEXT_BYTES];
    fprintf(stderr, "  %10s would gain: no longer non_compliant, or no longer at_risk\n",
            count_text(gain, number));
    fprintf(stderr, "  %10s would lose: at_risk or non_compliant, and better today\n",
            count_text(lose, number));
    fprintf(stderr, "  %10s would have another status that is neither better nor worse\n",
            count_text(other, number));
    fprintf(stderr, "  %10s have the same status under both\n\n", count_text(same, number));
}

/* Records that count under one file and not under the other. */
static void print_reasons(const struct whatif *whatif) {
    char lines[COUNT_TEXT_BYTES], today[COUNT_TEXT_BYTES], other[COUNT_TEXT_BYTES];
    fprintf(stderr, "%s lines read", count_text(whatif->lines, lines));
    const char *separator = "; treated differently:\n";
    for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
        if (whatif->reasons[TODAY][reason] == whatif->reasons[OTHER][reason])
            continue;
        fprintf(stderr, "%s  %-15s %10s today, %s under the others: %s", separator, reason_name(reason),
                count_text(whatif->reasons[TODAY][reason], today),
                count_text(whatif->reasons[OTHER][reason], other), reason_text(reason));
        separator = "\n";
    }
    fputc('\n', stderr);
}

/* ---- the command ---- */

struct options {
    struct log_arguments log;
    const char *policies;
};

static bool read_options(struct options *options, int argc, char **argv) {
    static const struct option names[] = {
        CONFIG_OPTION, LOG_UNTIL_OPTION, SET_OPTION, {"policies", required_argument, NULL, 'p'}, {0}};
    *options = (struct options){0};
    for (int option; (option = getopt_long(argc, argv, CONFIG_SHORT_OPTIONS, names, NULL)) != -1;) {
        if (option == 'p')
            options->policies = optarg;
        else if (!log_arguments_take(&options->log, option))
            return false;
    }
    if (options->policies == NULL)
        fprintf(stderr, "rollcall: whatif needs --policies FILE\n");
    return options->policies != NULL && log_arguments_finish(&options->log, "whatif", argc, argv);
}

static bool run(struct whatif *whatif, const struct log_arguments *arguments, struct history *history,
                struct sink *sink) {
    bool is_whole = read_log(whatif, arguments, history);
    if (is_whole) {
        compare_tasks(whatif);
        write_differences(whatif, sink);
        print_table(whatif);
        print_sums(whatif);
        print_reasons(whatif);
    }
    return sink_close(sink) && is_whole;
}

static int compare_policies(const struct options *options, const struct config *config,
                            const struct policies *policies) {
    struct rules other = config->rules;
    other.policies = *policies;
    struct history *history = history_open(options->log.files, options->log.files_count, &config->fields);
    struct whatif *whatif = xcalloc(1, sizeof *whatif);
    struct sink sink;
    int code = EXIT_FAILURE;
    whatif->batch.limit = LINE_BATCH_USUAL;
    if (history != NULL && sink_open(&sink, NULL)) {
        whatif->tasks[TODAY] = log_task_new(&config->rules, &config->fields, "rollcall-whatif", false);
        whatif->tasks[OTHER] = log_task_new(&other, &config->fields, "rollcall-whatif", false);
        code = run(whatif, &options->log, history, &sink) ? EX_OK : EXIT_FAILURE;
        task_free(&whatif->tasks[OTHER]);
        task_free(&whatif->tasks[TODAY]);
    }
    free(whatif->differences);
    free(whatif);
    history_close(&history);
    return code;
}

int whatif_command(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return EX_OK;
    }
    struct options options;
    if (!read_options(&options, argc, argv)) {
        fprintf(stderr, "rollcall whatif --help says more.\n");
        return EX_USAGE;
    }
    struct config *config = log_arguments_config(&options.log);
    struct policies *policies = config != NULL ? config_load_policies(options.policies, stderr) : NULL;
    int code = EX_CONFIG;
    if (policies != NULL)
        code = compare_policies(&options, config, policies);
    config_free_policies(&policies);
    config_free(&config);
    return code;
}
