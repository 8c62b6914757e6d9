/* `rollcall check`: everything that is wrong with the configuration, policies and sites, or unwise in them;
 * if nothing is wrong, what it comes to. Main thread. */
#include "commands.h"

#include "check.h"
#include "civil.h"
#include "config_arguments.h"
#include "problems.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>

static const char help[] =
    "usage: rollcall check -c FILE [--set KEY=VALUE]...\n"
    "\n"
    "Checks the configuration and the policy and site files that it names. Every error is printed as\n"
    "'file:line: what is wrong', what is legal but unwise as 'file:line: warning: ...'. Without a kafka\n"
    "section it is checked as replay reads it.\n"
    "\n"
    "  -c, --config FILE   rollcall.yaml\n"
    "  --set KEY=VALUE     in place of a value of the configuration, as time.settle=12h; repeatable\n"
    "  --help              print this\n"
    "\n"
    "Exit codes: 0 nothing is wrong, 64 usage, 78 configuration.\n";

static void print_policies(const struct policies *policies) {
    for (uint32_t i = 0; i < policies->count; i++) {
        const struct policy *policy = &policies->list[i];
        printf("policy %s%s: %u version%s, from", printable_text(policy->id.bytes, policy->id.len).text,
               i == 0 ? " (default)" : "", policy->versions_count, policy->versions_count == 1 ? "" : "s");
        for (uint32_t j = 0; j < policy->versions_count; j++) {
            char day[CIVIL_TEXT_BYTES];
            civil_print(policy->versions[j].effective_on, day);
            printf("%s %s", j > 0 ? "," : "", day);
        }
        printf("; hash %s\n", policy->hash);
    }
}

static void print_sites(const struct rules *rules) {
    const struct sites *sites = &rules->sites;
    uint32_t zones = 0, not_counted = 0;
    bool seen[ZONES_MAX] = {false};
    for (uint32_t i = 0; i < sites->count; i++) {
        zones += !seen[sites->list[i].zone];
        seen[sites->list[i].zone] = true;
        not_counted += !sites->list[i].counts;
    }
    printf("sites: %u in %u zone%s, %u of them not counted; tz database %s\n", sites->count, zones,
           zones == 1 ? "" : "s", not_counted, zones_version(rules->zones));
}

static void print_summary(const struct config *config) {
    print_policies(&config->rules.policies);
    print_sites(&config->rules);
    printf("employees: %" PRIu32 " at %d bytes: %" PRIu64 " MiB\n", config->employees,
           MEMORY_PER_EMPLOYEE_BYTES, (uint64_t)config->employees * MEMORY_PER_EMPLOYEE_BYTES >> 20);
    printf("memory: at most %" PRIu64 " MiB: the employees, and %d MiB for each of %" PRIu32 " workers\n",
           ((uint64_t)config->employees * MEMORY_PER_EMPLOYEE_BYTES >> 20) +
               (uint64_t)config->workers * MEMORY_PER_WORKER_MIB,
           MEMORY_PER_WORKER_MIB, config->workers);
}

struct arguments {
    struct config_arguments config;
    bool wants_help;
};

static bool read_arguments(int argc, char **argv, struct arguments *out) {
    static const struct option names[] = {
        CONFIG_OPTION, SET_OPTION, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, CONFIG_SHORT_OPTIONS "h", names, NULL)) != -1;) {
        if (option == 'h')
            out->wants_help = true;
        else if (!config_arguments_take(&out->config, option))
            return false;
    }
    return out->wants_help || (out->config.path != NULL && optind == argc);
}

int check_command(int argc, char **argv) {
    struct arguments arguments = {0};
    if (!read_arguments(argc, argv, &arguments)) {
        fputs(help, stderr);
        return EX_USAGE;
    }
    if (arguments.wants_help)
        return fputs(help, stdout) < 0 ? EXIT_FAILURE : EX_OK;
    struct config *config = config_arguments_load(&arguments.config, CONFIG_FOR_CHECK, true);
    if (config == NULL)
        return EX_CONFIG;
    print_summary(config);
    config_free(&config);
    return EX_OK;
}
