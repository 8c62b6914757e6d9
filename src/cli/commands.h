/* The subcommands: each takes its own name as argv[0] and returns the exit code (SPEC 8). Main thread. */
#ifndef ROLLCALL_COMMANDS_H
#define ROLLCALL_COMMANDS_H

#define COMMAND(name, help) int name##_command(int argc, char **argv);
#include "commands.def"
#undef COMMAND

#endif
