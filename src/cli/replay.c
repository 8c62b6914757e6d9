/* `rollcall replay`: a log from files through a task, without Kafka (SPEC 5, 8). Main thread. */
#include "arguments.h"
#include "check.h"
#include "commands.h"
#include "encode.h"
#include "line_batch.h"
#include "log_arguments.h"
#include "reject_file.h"
#include "sink.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char help[] =
    "usage: rollcall replay -c FILE [OPTION...] FILE...\n"
    "\n"
    "Reads records as NDJSON, one a line, and writes state records as NDJSON to standard output. Each line "
    "carries the\n"
    "\"topic\" that it would have come from (swipes, roster, ...) and may carry \"arrived_at\"; without it, "
    "a swipe\n"
    "arrives when it occurred, any other line with the line before it. Several files are merged by arrival. "
    "'-' is\n"
    "standard input.\n"
    "\n"
    "  -c, --config FILE   rollcall.yaml; its kafka and topics are not needed\n"
    "  --until T           after the last line, let the clock run to T (as 2023-05-15T11:00:00Z)\n"
    "  --rejects FILE      write what was rejected there, as "
    "{\"reason\",\"detail\",\"file\",\"line\",\"value\"}: `value`\n"
    "                      is the line as text, bytes that are not UTF-8 replaced by U+FFFD, cut after 64 "
    "KiB\n"
    "  --set KEY=VALUE     in place of a value of the configuration, as time.settle=12h; repeatable\n"
    "  --guard             hold sudden waves of adverse changes back, as `run` does (guard in the "
    "configuration)\n"
    "  --batch N           lines applied at once, 1 to 256 (64); for tests, the records do not depend on it\n"
    "  --help              print this\n"
    "\n"
    "How many lines were applied, ignored and rejected, by reason, goes to standard error. A line that is "
    "not valid is a\n"
    "reject, not a failure. Exit codes: 0, 1 a file could not be read or written, 64 usage, 78 "
    "configuration.\n";

struct options {
    struct log_arguments log;
    const char *rejects;
    bool has_guard;
    size_t batch;
};

struct replay {
    struct task *task;
    struct sink sink;
    struct reject_file *rejects; /* or NULL */
    uint64_t counts[REASON_COUNT];
    uint64_t lines;
    struct line_batch batch;
    struct task_verdict verdicts[LINE_BATCH_MAX];
};

static bool read_option(struct options *options, int option) {
    uint64_t number;
    switch (option) {
    case 'r':
        options->rejects = optarg;
        if (strcmp(optarg, "-") == 0)
            fprintf(stderr, "rollcall: --rejects takes a file; state records go to standard output\n");
        return strcmp(optarg, "-") != 0;
    case 'g':
        options->has_guard = true;
        return true;
    case 'b':
        if (!argument_number("--batch", optarg, 1, LINE_BATCH_MAX, &number))
            return false;
        options->batch = (size_t)number;
        return true;
    default:
        return log_arguments_take(&options->log, option);
    }
}

static bool read_options(struct options *options, int argc, char **argv) {
    static const struct option names[] = {CONFIG_OPTION,
                                          LOG_UNTIL_OPTION,
                                          SET_OPTION,
                                          {"rejects", required_argument, NULL, 'r'},
                                          {"guard", no_argument, NULL, 'g'},
                                          {"batch", required_argument, NULL, 'b'},
                                          {0}};
    *options = (struct options){.batch = LINE_BATCH_USUAL};
    for (int option; (option = getopt_long(argc, argv, CONFIG_SHORT_OPTIONS, names, NULL)) != -1;)
        if (!read_option(options, option))
            return false;
    return log_arguments_finish(&options->log, "replay", argc, argv);
}

static void write_state(struct sink *sink, const struct out_record *record) {
    static const char head[] = "{\"schema\":\"rollcall.state.v1\",\"employee_id\":";
    static const char tail[] = ",\"tombstone\":true}\n";
    if (record->value != NULL) {
        sink_write(sink, record->value, record->value_len);
        sink_write(sink, "\n", 1);
        return;
    }
    char key[6 * ID_BYTES_MAX + 2];
    sink_write(sink, head, sizeof head - 1);
    sink_write(sink, key, encode_json_string(key, record->key, record->key_len));
    sink_write(sink, tail, sizeof tail - 1);
}

static void write_outbox(struct replay *replay) {
    struct outbox *outbox = task_outbox(replay->task);
    for (size_t i = 0; i < outbox->count; i++)
        if (outbox->records[i].output == OUTPUT_STATE)
            write_state(&replay->sink, &outbox->records[i]);
    outbox_clear(outbox);
}

static void apply_batch(struct replay *replay) {
    struct line_batch *batch = &replay->batch;
    task_apply(replay->task, batch->inputs, batch->count, replay->verdicts);
    for (size_t i = 0; i < batch->count; i++) {
        enum reason reason = replay->verdicts[i].reason;
        const struct kept_line *line = &batch->lines[i];
        replay->counts[reason]++;
        if (replay->rejects != NULL && reason_kind(reason) == REASON_KIND_REJECTED)
            reject_file_write(replay->rejects, reason, replay->verdicts[i].detail.text, line->file,
                              batch->inputs[i].offset, line->bytes, line->len);
    }
    line_batch_clear(batch);
    write_outbox(replay);
}

static void print_counts(const struct replay *replay) {
    static const char *const kinds[] = {[REASON_KIND_APPLIED] = "",
                                        [REASON_KIND_IGNORED] = "ignored: ",
                                        [REASON_KIND_REJECTED] = "rejected: "};
    uint64_t sum = 0;
    for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
        sum += replay->counts[reason];
        if (replay->counts[reason] > 0 || reason == REASON_applied)
            fprintf(stderr, "%-16s %12" PRIu64 "  %s%s\n", reason_name(reason), replay->counts[reason],
                    kinds[reason_kind(reason)], reason_text(reason));
    }
    fprintf(stderr, "%-16s %12" PRIu64 "  of %" PRIu64 " lines read\n", "sum", sum, replay->lines);
    CHECK(sum == replay->lines);
}

/* True if the whole log was read and everything written. */
static bool run(struct replay *replay, const struct options *options, struct history *history) {
    struct history_record record;
    while (replay->sink.error == 0 && history_next(history, &record)) {
        replay->lines++;
        if (line_batch_add(&replay->batch, &record))
            continue;
        apply_batch(replay);
        CHECK(line_batch_add(&replay->batch, &record));
    }
    apply_batch(replay);
    if (options->log.has_until && !history_failed(history)) {
        task_advance(replay->task, options->log.until);
        write_outbox(replay);
    }
    print_counts(replay);
    bool is_written = sink_close(&replay->sink);
    return reject_file_close(&replay->rejects) && is_written && !history_failed(history);
}

static int replay_files(const struct options *options, const struct config *config) {
    struct history *history = history_open(options->log.files, options->log.files_count, &config->fields);
    struct replay *replay = xcalloc(1, sizeof *replay);
    int code = EXIT_FAILURE;
    replay->batch.limit = options->batch;
    if (history != NULL && sink_open(&replay->sink, NULL) &&
        (options->rejects == NULL || (replay->rejects = reject_file_open(options->rejects)) != NULL)) {
        replay->task = log_task_new(&config->rules, &config->fields, "rollcall-replay", options->has_guard);
        code = run(replay, options, history) ? EX_OK : EXIT_FAILURE;
        task_free(&replay->task);
    }
    free(replay);
    history_close(&history);
    return code;
}

int replay_command(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return EX_OK;
    }
    struct options options;
    if (!read_options(&options, argc, argv)) {
        fprintf(stderr, "rollcall replay --help says more.\n");
        return EX_USAGE;
    }
    struct config *config = log_arguments_config(&options.log);
    if (config == NULL)
        return EX_CONFIG;
    int code = replay_files(&options, config);
    config_free(&config);
    return code;
}
