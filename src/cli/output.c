/* See output.h. */
#include "output.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define BUFFER_BYTES (256 * 1024)

bool output_open(struct output *output, const char *path) {
    bool is_stdout = path == NULL || strcmp(path, "-") == 0;
    *output = (struct output){.file = stdout, .name = is_stdout ? "standard output" : path};
    signal(SIGPIPE, SIG_IGN);
    if (!is_stdout)
        output->file = fopen(path, "we");
    if (output->file == NULL) {
        fprintf(stderr, "rollcall: cannot open %s: %s\n", path, strerror(errno));
        return false;
    }
    setvbuf(output->file, NULL, _IOFBF, BUFFER_BYTES);
    return true;
}

void output_write(struct output *output, const char *bytes, size_t len) {
    if (output->error == 0 && fwrite_unlocked(bytes, 1, len, output->file) != len)
        output->error = errno;
}

bool output_close(struct output *output) {
    if (output->error == 0 && fflush(output->file) != 0)
        output->error = errno;
    if (fclose(output->file) != 0 && output->error == 0)
        output->error = errno;
    output->file = NULL;
    if (output->error != 0)
        fprintf(stderr, "rollcall: cannot write to %s: %s\n", output->name, strerror(output->error));
    return output->error == 0;
}
