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

bool log_arguments_take(struct log_arguments *arguments, int option) {
    return option == 'u' ? take_until(arguments) : config_arguments_take(&arguments->config, option);
}

bool log_arguments_finish(struct log_arguments *arguments, const char *command, int argc, char **argv) {
    arguments->files = argv + optind;
    arguments->files_count = (size_t)(argc - optind);
    if (arguments->config.path == NULL || arguments->files_count == 0) {
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
    return config_arguments_load(&arguments->config, CONFIG_FOR_REPLAY, false);
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
