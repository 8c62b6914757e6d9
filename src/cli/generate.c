/* `rollcall generate`: the log of a made-up company, as `rollcall replay` reads it (SPEC 8). Main thread. */
#include "arguments.h"
#include "commands.h"
#include "company_files.h"
#include "sink.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char help[] =
    "usage: rollcall generate --people N --from D --to D [OPTION...]\n"
    "\n"
    "Writes the log of a made-up company as NDJSON, in order of arrival, as `rollcall replay` reads it: a "
    "roster of N\n"
    "people at six sites in three zones (and some contractors who are not on it), then the swipes of the "
    "days D to D,\n"
    "with habits, trips, leave, holidays, joiners, leavers and movers, and with the faults of real feeds: "
    "late, doubled,\n"
    "denied and misdated swipes. The same options give the same log, byte for byte. Nobody in it is real.\n"
    "\n"
    "  --people N     1 to 5000000\n"
    "  --from D       the first day, 1970-02-01 or later\n"
    "  --to D         the last day, at most ten years later; the log ends when it is over in the last zone\n"
    "  --seed S       another company (default 1)\n"
    "  -o FILE        write there instead of standard output\n"
    "  --config DIR   also write rollcall.yaml, policies.yaml and sites.yaml that fit, to this folder\n"
    "  --help         print this\n";

struct options {
    struct company_setup setup;
    const char *file, *config;
};

static bool read_option(struct options *options, int option) {
    uint64_t number;
    switch (option) {
    case 'p':
        if (!argument_number("--people", optarg, 1, COMPANY_PEOPLE_MAX, &number))
            return false;
        options->setup.people = (uint32_t)number;
        return true;
    case 'f':
        return argument_date("--from", optarg, &options->setup.from);
    case 't':
        return argument_date("--to", optarg, &options->setup.to);
    case 's':
        return argument_number("--seed", optarg, 0, UINT64_MAX, &options->setup.seed);
    case 'o':
        options->file = optarg;
        return true;
    case 'c':
        options->config = optarg;
        return true;
    default:
        return false;
    }
}

static bool read_options(struct options *options, int argc, char **argv) {
    static const struct option names[] = {{"people", required_argument, NULL, 'p'},
                                          {"from", required_argument, NULL, 'f'},
                                          {"to", required_argument, NULL, 't'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"config", required_argument, NULL, 'c'},
                                          {0}};
    *options = (struct options){.setup = {.from = DAY_NONE, .to = DAY_NONE, .seed = 1}};
    for (int option; (option = getopt_long(argc, argv, "o:", names, NULL)) != -1;)
        if (!read_option(options, option))
            return false;
    const struct company_setup *setup = &options->setup;
    if (optind < argc || setup->people == 0 || day_is_none(setup->from) || day_is_none(setup->to)) {
        fprintf(stderr, "rollcall: generate needs --people, --from and --to, and nothing else\n");
        return false;
    }
    if (setup->from.n < COMPANY_FROM_MIN || setup->to.n < setup->from.n || setup->to.n > COMPANY_TO_MAX ||
        setup->to.n - setup->from.n >= COMPANY_DAYS_MAX) {
        fprintf(stderr, "rollcall: --from must be 1970-02-01 or later, --to not before it, nor ten years "
                        "later, nor after 2199-05-04\n");
        return false;
    }
    return true;
}

static bool write_log(struct company *company, const char *path) {
    struct sink sink;
    if (!sink_open(&sink, path))
        return false;
    struct company_record record;
    while (sink.error == 0 && company_next(company, &record)) {
        char line[COMPANY_LINE_BYTES];
        sink_write(&sink, line, company_print_line(company, &record, line));
    }
    return sink_close(&sink);
}

int generate_command(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return EX_OK;
    }
    struct options options;
    if (!read_options(&options, argc, argv)) {
        fprintf(stderr, "rollcall generate --help says more.\n");
        return EX_USAGE;
    }
    char error[256];
    struct zones *zones = zones_load(NULL, 0, error, sizeof error);
    if (zones == NULL) {
        fprintf(stderr, "rollcall: %s\n", error);
        return EX_CONFIG;
    }
    int code = EXIT_FAILURE;
    options.setup.end_ms = company_end_of_day(zones, options.setup.to);
    struct company *company = company_new(&options.setup, zones);
    if (company == NULL)
        fprintf(stderr, "rollcall: the installed time zones lack one of the company's\n");
    else if ((options.config == NULL || company_files_write(&options.setup, options.config)) &&
             write_log(company, options.file))
        code = EX_OK;
    company_free(&company);
    zones_free(&zones);
    return code;
}
