/* The arguments of the commands that read a log from files: replay, whatif, explain. Main thread. */
#ifndef ROLLCALL_LOG_ARGUMENTS_H
#define ROLLCALL_LOG_ARGUMENTS_H

#include "config.h"
#include "history.h"

#define LOG_SETS_MAX 64

struct log_arguments {
    const char *config;
    bool has_until;
    arrival_time until;
    const char *sets[LOG_SETS_MAX];
    size_t sets_count;
    char **files;
    size_t files_count;
};

/* Their rows for getopt_long, and its short options. */
#define LOG_SHORT_OPTIONS "c:"
#define LOG_CONFIG_OPTION                                                                                    \
    { "config", required_argument, NULL, 'c' }
#define LOG_UNTIL_OPTION                                                                                     \
    { "until", required_argument, NULL, 'u' }
#define LOG_SET_OPTION                                                                                       \
    { "set", required_argument, NULL, 's' }

/* Takes optarg if the option is one of them; false if it is another, or with a message if its value is wrong.
 */
bool log_arguments_take(struct log_arguments *arguments, int option);
/* What is left are the files (SPEC 8); false, with a message, if there is no configuration, no file, or
 * standard input twice. */
bool log_arguments_finish(struct log_arguments *arguments, const char *command, int argc, char **argv);

/* The configuration, its errors printed: NULL is exit code 78. */
struct config *log_arguments_config(const struct log_arguments *arguments);
/* The task of a log that begins with its first line. */
struct task *log_task_new(const struct rules *rules, const struct swipe_fields *fields, const char *source,
                          bool has_guard);

#endif
