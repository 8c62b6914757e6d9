/* `rollcall run`: the daemon (SPEC 8). The main thread only waits for signals; the work is the workers'. */
#include "check.h"
#include "commands.h"
#include "config_arguments.h"
#include "daemon.h"
#include "event_log.h"
#include "memory.h"
#include "service_manager.h"
#include "signals.h"
#include "watch.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: rollcall run -c FILE [--set KEY=VALUE]...\n"
    "\n"
    "Reads the inputs from Kafka, publishes what changes, until SIGTERM or SIGINT: then the batch is "
    "finished and\n"
    "committed. A second signal stops at once; nothing is lost then either, the batch is done again.\n"
    "\n"
    "  -c, --config FILE   rollcall.yaml\n"
    "  --set KEY=VALUE     in place of a value of the configuration, as workers=4; repeatable\n"
    "  --help              print this\n"
    "\n"
    "Exit codes: 0 stopped by a signal, 1 failure, 2 stopped by a second signal, 64 usage, 75 the cluster "
    "cannot be\n"
    "reached, the last batch could not be committed or a worker is stuck, 76 another instance with the same\n"
    "group.instance.id took over, 78 configuration, or the data contradicts itself (the last line says what "
    "would be lost). Do not "
    "restart on 76\n"
    "and 78.\n";

struct options {
    struct config_arguments config;
};

static bool read_options(struct options *options, int argc, char **argv) {
    static const struct option names[] = {CONFIG_OPTION, SET_OPTION, {0}};
    for (int option; (option = getopt_long(argc, argv, CONFIG_SHORT_OPTIONS, names, NULL)) != -1;)
        if (!config_arguments_take(&options->config, option))
            return false;
    return options->config.path != NULL && optind == argc;
}

static void print_totals(const struct worker_progress *totals) {
    struct reason_sums sums = watch_tell_counts(totals->reasons);
    log_event(LOG_LEVEL_INFO, "totals",
              "read=%" PRIu64 " applied=%" PRIu64 " ignored=%" PRIu64 " rejected=%" PRIu64 " sum=%" PRIu64
              " state_records=%" PRIu64 " behind_clock=%" PRIu64,
              totals->records, sums.applied, sums.ignored, sums.rejected, sums.all, totals->state_records,
              totals->behind_clock);
    CHECK(sums.all == totals->records); /* applied + ignored + rejected = read (SPEC 6) */
}

/* ---- what the main thread does with the daemon ---- */

struct watch {
    struct daemon *daemon;
    bool is_ready, is_told;
};

static bool has_ended(const void *watch) {
    return daemon_has_ended(((const struct watch *)watch)->daemon);
}

static void stop(void *watch) {
    daemon_stop_shared(((struct watch *)watch)->daemon);
}

static void look(void *opaque) {
    struct watch *watch = opaque;
    struct daemon_progress progress;
    daemon_progress(watch->daemon, &progress);
    if (!watch->is_ready && progress.is_ready) {
        watch->is_ready = true;
        log_event(LOG_LEVEL_INFO, "ready", "partitions=%" PRIu32 " people=%" PRIu64, progress.sum.running,
                  progress.sum.people);
    }
    if (watch->is_ready && !watch->is_told)
        watch->is_told = service_tell("READY=1");
}

static int run(const struct config *config) {
    struct outcome outcome = OUTCOME_INITIALIZER;
    struct daemon_setup setup = {.handles = {.config = config}};
    struct cluster_shape shape;
    if (cluster_check(&setup.handles, signals_came, &outcome, &shape)) {
        struct worker_progress totals;
        setup.watchdog = watchdog_new();
        struct watch watch = {.daemon = daemon_start(&setup, &shape, &outcome)};
        watch_until_end(&(struct watched){&outcome, setup.watchdog, &watch, has_ended, stop, look});
        daemon_finish(&watch.daemon, &totals);
        watchdog_free(&setup.watchdog);
        print_totals(&totals);
    }
    if (outcome_code(&outcome) != 0)
        fprintf(stderr, "rollcall: %s\n", outcome.text);
    return outcome_code(&outcome);
}

int run_command(int argc, char **argv) {
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
    int code = run(config);
    config_free(&config);
    return code;
}
