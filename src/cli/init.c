/* `rollcall init`: prepares a cluster once (SPEC 7). Main thread. */
#include "arguments.h"
#include "cluster.h"
#include "commands.h"
#include "config_arguments.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS_DEFAULT 8
#define REPLICATION_MAX    32

static const char help[] =
    "usage: rollcall init -c FILE [OPTION...]\n"
    "\n"
    "Prepares a cluster: makes the topics that are missing, refuses those that are there and contradict, and "
    "writes\n"
    "into each empty changelog partition the record by which its task is born. Run it once; again, it "
    "changes nothing.\n"
    "\n"
    "  -c, --config FILE   rollcall.yaml\n"
    "  --partitions N      of topics about employees, if there is no swipes topic yet (8)\n"
    "  --replication R     of topics that are made; without it the broker's default\n"
    "  --set KEY=VALUE     in place of a value of the configuration; repeatable\n"
    "  --help              print this\n"
    "\n"
    "Exit codes: 0, 64 usage, 75 the cluster cannot be reached, 76 another init took over, 78 configuration, "
    "or what is\n"
    "there contradicts.\n";

struct options {
    struct config_arguments config;
    uint32_t partitions;
    int replication;
};

static bool read_option(struct options *options, int option) {
    uint64_t number;
    switch (option) {
    case 'p':
        if (!argument_number("--partitions", optarg, 1, PARTITIONS_MAX, &number))
            return false;
        options->partitions = (uint32_t)number;
        return true;
    case 'r':
        if (!argument_number("--replication", optarg, 1, REPLICATION_MAX, &number))
            return false;
        options->replication = (int)number;
        return true;
    default:
        return config_arguments_take(&options->config, option);
    }
}

static bool read_options(struct options *options, int argc, char **argv) {
    static const struct option names[] = {CONFIG_OPTION,
                                          {"partitions", required_argument, NULL, 'p'},
                                          {"replication", required_argument, NULL, 'r'},
                                          SET_OPTION,
                                          {0}};
    for (int option; (option = getopt_long(argc, argv, CONFIG_SHORT_OPTIONS, names, NULL)) != -1;)
        if (!read_option(options, option))
            return false;
    return options->config.path != NULL && optind == argc;
}

static int init(const struct config *config, const struct options *options) {
    struct outcome outcome = OUTCOME_INITIALIZER;
    struct handle_setup handles = {.config = config};
    struct cluster_shape shape;
    struct births births;
    if (cluster_make_topics(&handles, &outcome, options->partitions, options->replication) &&
        cluster_check(&handles, NULL, &outcome, &shape) &&
        cluster_write_births(&handles, &outcome, &shape, &births))
        printf("%" PRIu32 " partitions: %" PRIu32 " tasks born, %" PRIu32 " were born before\n",
               shape.partitions, births.written, births.found);
    if (outcome_code(&outcome) != 0)
        fprintf(stderr, "rollcall: %s\n", outcome.text);
    return outcome_code(&outcome);
}

int init_command(int argc, char **argv) {
    struct options options = {.partitions = PARTITIONS_DEFAULT, .replication = -1};
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
    int code = init(config, &options);
    config_free(&config);
    return code;
}
