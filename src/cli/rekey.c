/* `rollcall rekey`: the first stage, for topics that are not keyed by employee (SPEC 7). The main thread only
 * waits for signals; the work is that of the threads of src/rekey. */
#include "rekey.h"
#include "commands.h"
#include "config_arguments.h"
#include "event_log.h"
#include "memory.h"
#include "service_manager.h"
#include "signals.h"
#include "watch.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC_BYTES_MAX 249

static const char help[] =
    "usage: rollcall rekey -c FILE --from TOPIC [--to TOPIC] [--until-end] [--set KEY=VALUE]...\n"
    "\n"
    "Reads a topic of swipes that is not keyed by employee and writes it again, value and headers "
    "unchanged, keyed by\n"
    "the employee that the value names, until SIGTERM or SIGINT: then what was taken is committed. What it "
    "cannot key\n"
    "goes to the rejects topic. A second signal stops at once; nothing is lost then either, the batch is "
    "done again.\n"
    "\n"
    "  -c, --config FILE   rollcall.yaml; its `fields` say what the source calls an employee\n"
    "  --from TOPIC        the source\n"
    "  --to TOPIC          the target (topics.swipes)\n"
    "  --until-end         stop when all that is in the source now is written\n"
    "  --set KEY=VALUE     in place of a value of the configuration, as workers=4; repeatable\n"
    "  --help              print this\n"
    "\n"
    "Exit codes: 0 stopped by a signal, or at the end; 1 failure, 2 stopped by a second signal, 64 usage, 75 "
    "the cluster\n"
    "cannot be reached or the last batch could not be committed, 76 another instance with the same\n"
    "group.instance.id took over, 78 configuration, or the topics contradict it. Do not restart on 76 and "
    "78.\n";

struct options {
    struct config_arguments config;
    const char *from, *to;
    bool stops_at_end;
};

static bool is_topic(const char *option, const char *text) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(text);
    if (len > 0 && len <= TOPIC_BYTES_MAX && strspn(text, allowed) == len && strcmp(text, ".") != 0 &&
        strcmp(text, "..") != 0)
        return true;
    fprintf(stderr, "rollcall: %s takes a topic name of 1 to %d letters, digits, '.', '_' and '-'\n", option,
            TOPIC_BYTES_MAX);
    return false;
}

static bool read_option(struct options *options, int option) {
    switch (option) {
    case 'f':
        options->from = optarg;
        return is_topic("--from", optarg);
    case 't':
        options->to = optarg;
        return is_topic("--to", optarg);
    case 'e':
        options->stops_at_end = true;
        return true;
    default:
        return config_arguments_take(&options->config, option);
    }
}

static bool read_options(struct options *options, int argc, char **argv) {
    static const struct option names[] = {CONFIG_OPTION,
                                          {"from", required_argument, NULL, 'f'},
                                          {"to", required_argument, NULL, 't'},
                                          {"until-end", no_argument, NULL, 'e'},
                                          SET_OPTION,
                                          {0}};
    for (int option; (option = getopt_long(argc, argv, CONFIG_SHORT_OPTIONS, names, NULL)) != -1;)
        if (!read_option(options, option))
            return false;
    return options->config.path != NULL && options->from != NULL && optind == argc;
}

static void print_totals(const struct rekey_totals *totals) {
    struct reason_sums sums = watch_tell_counts(totals->reasons);
    log_event(LOG_LEVEL_INFO, "totals", "read=%" PRIu64 " written=%" PRIu64 " rejected=%" PRIu64, sums.all,
              totals->reasons[REASON_applied], sums.all - totals->reasons[REASON_applied]);
}

/* ---- what the main thread does with the threads ---- */

static bool has_ended(const void *rekey) {
    return rekey_has_ended(rekey);
}

static void stop(void *rekey) {
    rekey_stop_shared(rekey);
}

static int rekey(const struct config *config, const struct options *options) {
    struct outcome outcome = OUTCOME_INITIALIZER;
    struct rekey_setup setup = {
        .config = config,
        .from = options->from,
        .to = options->to ? options->to : config->topics[TOPIC_SWIPES],
        .stops_at_end = options->stops_at_end,
    };
    struct rekey_source source;
    if (rekey_check(&setup, signals_came, &outcome, &source)) {
        struct rekey_totals totals;
        setup.watchdog = watchdog_new();
        struct rekey *rekey = rekey_start(&setup, &source, &outcome);
        service_tell("READY=1");
        watch_until_end(&(struct watched){&outcome, setup.watchdog, rekey, has_ended, stop, NULL});
        rekey_finish(&rekey, &totals);
        watchdog_free(&setup.watchdog);
        print_totals(&totals);
    }
    free(source.lows);
    free(source.ends);
    if (outcome_code(&outcome) != 0)
        fprintf(stderr, "rollcall: %s\n", outcome.text);
    return outcome_code(&outcome);
}

int rekey_command(int argc, char **argv) {
    struct options options = {0};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return EX_OK;
    }
    if (!read_options(&options, argc, argv)) {
        fputs(help, stderr);
        return EX_USAGE;
    }
    memory_keep_private();
    signals_block(); /* from here on a stop is graceful, also while the configuration is read */
    struct config *config = config_arguments_load(&options.config, CONFIG_FOR_RUN, true);
    if (config == NULL)
        return EX_CONFIG;
    int code = rekey(config, &options);
    config_free(&config);
    return code;
}
