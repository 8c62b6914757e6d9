/* `rollcall run`: the daemon (SPEC 8). The main thread only waits for signals; the work is the workers'. */
#include "check.h"
#include "clocks.h"
#include "commands.h"
#include "config_arguments.h"
#include "daemon.h"
#include "event_log.h"
#include "signals.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define WATCH_MS    100
#define STOP_MS_MAX 25000 /* from a signal to the end; a service manager kills after 30 s or later */

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
    "reached or the last batch could not be committed, 76 another instance with the same group.instance.id "
    "took over,\n"
    "78 configuration, or the data contradicts itself (the last line says what would be lost). Do not "
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
    uint64_t sums[REASON_KIND_REJECTED + 1] = {0}, sum = 0;
    for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
        sums[reason_kind(reason)] += totals->reasons[reason];
        sum += totals->reasons[reason];
        if (totals->reasons[reason])
            log_event(LOG_LEVEL_INFO, "count", "reason=%s records=%" PRIu64, reason_name(reason),
                      totals->reasons[reason]);
    }
    log_event(LOG_LEVEL_INFO, "totals",
              "read=%" PRIu64 " applied=%" PRIu64 " ignored=%" PRIu64 " rejected=%" PRIu64 " sum=%" PRIu64
              " state_records=%" PRIu64 " behind_clock=%" PRIu64,
              totals->records, sums[REASON_KIND_APPLIED], sums[REASON_KIND_IGNORED],
              sums[REASON_KIND_REJECTED], sum, totals->state_records, totals->behind_clock);
    CHECK(sum == totals->records); /* applied + ignored + rejected = read (SPEC 6) */
}

/* librdkafka may hang for ever in a broken cluster; what is not committed is done again after a restart. */
_Noreturn static void give_up(struct outcome *outcome, int code, const char *why) {
    if (outcome_code(outcome) != 0)
        fprintf(stderr, "rollcall: %s\n", outcome->text);
    else
        fprintf(stderr, "rollcall: %s\n", why);
    _exit(outcome_code(outcome) != 0 ? outcome_code(outcome) : code);
}

/* Returns when all workers have ended: by a signal, or because one failed. */
static void watch(struct daemon *daemon, struct outcome *outcome) {
    int64_t stopping_since = 0;
    bool is_ready = false;
    while (!daemon_has_ended(daemon)) {
        int signal_number = signals_wait(WATCH_MS);
        if (signal_number > 0 && stopping_since != 0)
            give_up(outcome, EXIT_FORCED, "stopped by a second signal; the last batch will be done again");
        if (stopping_since == 0 && (signal_number > 0 || outcome_code(outcome) != 0)) {
            log_event(LOG_LEVEL_INFO, "stopping", "signal=%d", signal_number);
            sd_notify(0, "STOPPING=1");
            stopping_since = monotonic_ms();
            daemon_stop_shared(daemon);
        }
        if (stopping_since != 0 && monotonic_ms() - stopping_since > STOP_MS_MAX)
            give_up(outcome, EX_TEMPFAIL, "could not finish in time; the last batch will be done again");
        struct daemon_progress progress;
        daemon_progress(daemon, &progress);
        if (!is_ready && progress.is_ready) {
            is_ready = true;
            log_event(LOG_LEVEL_INFO, "ready", "partitions=%" PRIu32 " people=%" PRIu64, progress.sum.running,
                      progress.sum.people);
            sd_notify(0, "READY=1");
        }
    }
}

static int run(const struct config *config) {
    struct outcome outcome = OUTCOME_INITIALIZER;
    struct daemon_setup setup = {.handles = {.config = config}};
    struct cluster_shape shape;
    signals_block();
    if (cluster_check(&setup.handles, signals_came, &outcome, &shape)) {
        struct worker_progress totals;
        struct daemon *daemon = daemon_start(&setup, &shape, &outcome);
        watch(daemon, &outcome);
        daemon_finish(&daemon, &totals);
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
    struct config *config = config_arguments_load(&options.config, CONFIG_FOR_RUN, true);
    if (config == NULL)
        return EX_CONFIG;
    int code = run(config);
    config_free(&config);
    return code;
}
