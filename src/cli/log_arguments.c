/* See log_arguments.h. */
#include "log_arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define PEOPLE_EXPECTED 4096 /* at first: most logs that are replayed are small, and a table grows */

static bool take_until(struct log_arguments *arguments) {
    int32_t offset_s;
    arguments->has_until = rfc3339_parse(optarg, strlen(optarg), &arguments->until.ms, &offset_s);
    if (!arguments->has_until)
        fprintf(stderr, "rollcall: --until takes an instant as 2023-05-15T11:00:00Z, not '%s'\n", optarg);
    return arguments->has_until;
}

static bool take_set(struct log_arguments *arguments) {
    if (arguments->sets_count == LOG_SETS_MAX) {
        fprintf(stderr, "rollcall: more than %d times --set\n", LOG_SETS_MAX);
        return false;
    }
    arguments->sets[arguments->sets_count++] = optarg;
    return true;
}

bool log_arguments_take(struct log_arguments *arguments, int option) {
    switch (option) {
    case 'c':
        arguments->config = optarg;
        return true;
    case 'u':
        return take_until(arguments);
    case 's':
        return take_set(arguments);
    default:
        return false;
    }
}

bool log_arguments_finish(struct log_arguments *arguments, const char *command, int argc, char **argv) {
    arguments->files = argv + optind;
    arguments->files_count = (size_t)(argc - optind);
    if (arguments->config == NULL || arguments->files_count == 0) {
        fprintf(stderr, "rollcall: %s needs -c FILE and at least one file of lines\n", command);
        return false;
    }
    size_t stdins = 0;
    for (size_t i = 0; i < arguments->files_count; i++)
        stdins += strcmp(arguments->files[i], "-") == 0;
    if (stdins > 1)
        fprintf(stderr, "rollcall: standard input can be read only once\n");
    return stdins <= 1;
}

struct config *log_arguments_config(const struct log_arguments *arguments) {
    return config_load(arguments->config, arguments->sets, arguments->sets_count, CONFIG_FOR_REPLAY, false,
                       stderr);
}

struct task *log_task_new(const struct rules *rules, const struct swipe_fields *fields, const char *source,
                          bool has_guard) {
    const struct task_setup setup = {
        .rules = rules,
        .fields = fields,
        .employees = PEOPLE_EXPECTED,
        .hash_seed = 1, /* the same log gives the same order of records */
        .segments = 1,
        .complete_from = rules->complete_from,
        .source = source,
        .has_guard = has_guard,
    };
    return task_new(&setup);
}
