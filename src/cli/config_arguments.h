/* -c FILE and --set KEY=VALUE, which every command that reads a configuration takes. Main thread. */
#ifndef ROLLCALL_CONFIG_ARGUMENTS_H
#define ROLLCALL_CONFIG_ARGUMENTS_H

#include "config.h"

#define SETS_MAX 64

struct config_arguments {
    const char *path; /* NULL: not given */
    const char *sets[SETS_MAX];
    size_t sets_count;
};

/* Their rows for getopt_long, and its short options. */
#define CONFIG_SHORT_OPTIONS "c:"
#define CONFIG_OPTION                                                                                        \
    { "config", required_argument, NULL, 'c' }
#define SET_OPTION                                                                                           \
    { "set", required_argument, NULL, 's' }

/* Takes optarg if the option is one of them; false if it is another, or, with a message, if there are too
 * many. */
bool config_arguments_take(struct config_arguments *arguments, int option);
/* Every error is printed: NULL is exit code 78. What is unwise too, if `warn`. */
struct config *config_arguments_load(const struct config_arguments *arguments, enum config_use use,
                                     bool warn);

#endif
