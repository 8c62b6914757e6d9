/* `rollcall explain`: one person's status, from the days to the words (SPEC 8). Main thread. */
#include "explain.h"

#include "check.h"
#include "commands.h"
#include "sink.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char help[] =
    "usage: rollcall explain -c FILE --employee ID [OPTION...] FILE...\n"
    "\n"
    "Reads a log as `rollcall replay` does and tells of one person at its end: the status, the days\n"
    "it rests on, the arithmetic of the judged week, the rule in words, what would change the status\n"
    "and when, and every state record of the person.\n"
    "\n"
    "  -c, --config FILE   rollcall.yaml; its kafka and topics are not needed\n"
    "  --employee ID       whom\n"
    "  --until T           after the last line, let the clock run to T (as 2023-05-15T11:00:00Z)\n"
    "  --json              the same as one JSON object (docs/schema/explain.v1.json)\n"
    "  --guard             hold sudden waves of adverse changes back, as `run` does\n"
    "  --set KEY=VALUE     in place of a value of the configuration, as time.settle=12h; repeatable\n"
    "  --help              print this\n"
    "\n"
    "Exit codes: 0, 1 nobody of that id is known or a file could not be read or written, 64 usage,\n"
    "78 configuration.\n";

struct options {
    struct log_arguments log;
    struct short_text employee;
    bool is_json, has_guard;
};

static bool take_employee(struct options *options) {
    size_t len = strlen(optarg);
    if (len == 0 || len > ID_BYTES_MAX) {
        fprintf(stderr, "rollcall: --employee takes an id of 1 to %d bytes\n", ID_BYTES_MAX);
        return false;
    }
    options->employee.len = (uint8_t)len;
    memcpy(options->employee.bytes, optarg, len);
    return true;
}

static bool read_option(struct options *options, int option) {
    switch (option) {
    case 'e':
        return take_employee(options);
    case 'j':
        options->is_json = true;
        return true;
    case 'g':
        options->has_guard = true;
        return true;
    default:
        return log_arguments_take(&options->log, option);
    }
}

static bool read_options(struct options *options, int argc, char **argv) {
    static const struct option names[] = {CONFIG_OPTION,
                                          LOG_UNTIL_OPTION,
                                          SET_OPTION,
                                          {"employee", required_argument, NULL, 'e'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"guard", no_argument, NULL, 'g'},
                                          {0}};
    *options = (struct options){0};
    for (int option; (option = getopt_long(argc, argv, CONFIG_SHORT_OPTIONS, names, NULL)) != -1;)
        if (!read_option(options, option))
            return false;
    if (options->employee.len == 0)
        fprintf(stderr, "rollcall: explain needs --employee ID\n");
    return options->employee.len > 0 && log_arguments_finish(&options->log, "explain", argc, argv);
}

static void say_unknown(const struct options *options, const struct person_log *log) {
    uint64_t rejected = 0;
    for (enum reason reason = 0; reason < REASON_COUNT; reason++)
        rejected += reason_kind(reason) == REASON_KIND_REJECTED ? log->reasons[reason] : 0;
    fprintf(stderr, "rollcall: nobody of the id '%.*s' is known at the end of this log",
            options->employee.len, options->employee.bytes);
    if (log->was_forgotten)
        fprintf(stderr, ": a tombstone had them forgotten");
    else if (rejected > 0)
        fprintf(stderr, ": %" PRIu64 " %s, as %s", rejected,
                rejected == 1 ? "record names it and was rejected"
                              : "records name it and were rejected, the last",
                reason_name(log->rejects[log->rejects_count - 1].reason));
    fputc('\n', stderr);
}

static void explain(struct explanation *e) {
    inspect_ahead(e->task, &e->look, CALENDAR_AHEAD, &e->near, &e->near_days);
    explain_tell_rule(e);
    explain_draw_days(e);
    explain_look_ahead(e);
    explain_put_in_words(e);
}

static void sentences_fini(struct sentences *sentences) {
    for (size_t i = 0; i < sentences->count; i++)
        free(sentences->list[i]);
}

/* The text is made whole before it is written, so that a failed write cannot go unnoticed. */
static bool write_explanation(const struct explanation *e, bool is_json, struct sink *sink) {
    struct terminal terminal;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CHECK(out != NULL);
    terminal_init(&terminal, stdout);
    terminal.out = out;
    if (is_json)
        explain_print_json(e, out);
    else
        explain_print(e, &terminal);
    CHECK(fclose(out) == 0);
    sink_write(sink, text, len);
    free(text);
    return sink_close(sink);
}

static bool run(const struct options *options, const struct config *config, struct history *history,
                struct explanation *e, struct task *task, struct sink *sink) {
    if (!explain_read_log(task, &config->fields, &options->employee, &options->log, options->has_guard,
                          history, &e->log))
        return false;
    if (!inspect_person(task, &options->employee, &e->look)) {
        say_unknown(options, &e->log);
        return false;
    }
    explain(e);
    return write_explanation(e, options->is_json, sink);
}

static int explain_files(const struct options *options, const struct config *config) {
    struct history *history = history_open(options->log.files, options->log.files_count, &config->fields);
    struct explanation *e = xcalloc(1, sizeof *e);
    struct sink sink;
    int code = EXIT_FAILURE;
    if (history != NULL && sink_open(&sink, NULL)) {
        struct task *task =
            log_task_new(&config->rules, &config->fields, "rollcall-explain", options->has_guard);
        e->rules = &config->rules;
        e->task = task;
        code = run(options, config, history, e, task, &sink) ? EX_OK : EXIT_FAILURE;
        task_free(&task);
    }
    sentences_fini(&e->policy);
    sentences_fini(&e->why);
    sentences_fini(&e->outlook);
    person_log_fini(&e->log);
    free(e);
    history_close(&history);
    return code;
}

int explain_command(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return EX_OK;
    }
    struct options options;
    if (!read_options(&options, argc, argv)) {
        fprintf(stderr, "rollcall explain --help says more.\n");
        return EX_USAGE;
    }
    struct config *config = log_arguments_config(&options.log);
    if (config == NULL)
        return EX_CONFIG;
    int code = explain_files(&options, config);
    config_free(&config);
    return code;
}
