/* `rollcall version`: what was built, and with which library. Main thread. */
#include "commands.h"
#include "fault_point.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <sysexits.h>

int version_command(int argc, char **argv) {
    (void)argc;
    (void)argv;
    printf("rollcall %s, librdkafka %s%s\n", ROLLCALL_VERSION, rd_kafka_version_str(), FAULT_POINTS_NOTE);
    return EX_OK;
}
