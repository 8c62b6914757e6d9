/* Picks the subcommand, nothing else (SPEC 8). */
#include "commands.h"
#include "event_log.h"
#include "fault_point.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
#define COMMAND(name, help) {#name, name##_command, help},
#include "commands.def"
#undef COMMAND
};

static void print_usage(FILE *out) {
    fprintf(out, "usage: rollcall COMMAND [OPTION...]\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    fprintf(out, "\nrollcall COMMAND --help says more.\n");
}

/* Nobody shall take a process that a test may kill for another. */
static bool arm_faults(void) {
#ifdef ROLLCALL_FAULT_POINTS
    const char *spec = getenv("ROLLCALL_FAULT");
    char error[512];
    if (!fault_points_arm(spec, error, sizeof error)) {
        fprintf(stderr, "rollcall: %s\n", error);
        return false;
    }
    if (spec)
        log_event(LOG_LEVEL_WARN, "faults_armed", "faults=%s", log_quote(spec).text);
#endif
    return true;
}

int main(int argc, char **argv) {
    if (!arm_faults())
        return EX_USAGE;
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        print_usage(stdout);
        return EX_OK;
    }
    for (size_t i = 0; argc >= 2 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (argc >= 2)
        fprintf(stderr, "rollcall: there is no command '%s'\n", argv[1]);
    print_usage(stderr);
    return EX_USAGE;
}
