/* See config_arguments.h. Main thread. */
#include "config_arguments.h"

#include <getopt.h>

bool config_arguments_take(struct config_arguments *arguments, int option) {
    if (option == 'c') {
        arguments->path = optarg;
        return true;
    }
    if (option != 's')
        return false;
    if (arguments->sets_count == SETS_MAX) {
        fprintf(stderr, "rollcall: more than %d times --set\n", SETS_MAX);
        return false;
    }
    arguments->sets[arguments->sets_count++] = optarg;
    return true;
}

struct config *config_arguments_load(const struct config_arguments *arguments, enum config_use use,
                                     bool warn) {
    return config_load(arguments->path, arguments->sets, arguments->sets_count, use, warn, stderr);
}
