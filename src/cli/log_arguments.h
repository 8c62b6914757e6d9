/* The arguments of the commands that read a log from files: replay, whatif, explain. Main thread. */
#ifndef ROLLCALL_LOG_ARGUMENTS_H
#define ROLLCALL_LOG_ARGUMENTS_H

#include "config_arguments.h"
#include "history.h"

struct log_arguments {
    struct config_arguments config;
    bool has_until;
    arrival_time until;
    char **files;
    size_t files_count;
};

/* The rows for getopt_long are these, and those of config_arguments.h, whose short options are all. */
#define LOG_UNTIL_OPTION                                                                                     \
    { "until", required_argument, NULL, 'u' }

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
