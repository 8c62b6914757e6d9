/* see sink.h. */
#include "sink.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define BUFFER_BYTES (256 * 1024)

bool sink_open(struct sink *sink, const char *path) {
    bool is_stdout = path == NULL || strcmp(path, "-") == 0;
    *sink = (struct sink){.file = stdout, .name = is_stdout ? "standard output" : path};
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    if (!is_stdout)
        sink->file = fopen(path, "we");
    if (sink->file == NULL) {
        fprintf(stderr, "rollcall: cannot open %s: %s\n", path, strerror(errno));
        return false;
    }
    setvbuf(sink->file, NULL, _IOFBF, BUFFER_BYTES);
    return true;
}

void sink_write(struct sink *sink, const char *bytes, size_t len) {
    if (sink->error == 0 && fwrite_unlocked(bytes, 1, len, sink->file) != len)
        sink->error = errno;
}

bool sink_close(struct sink *sink) {
    if (sink->error == 0 && fflush(sink->file) != 0)
        sink->error = errno;
    if (fclose(sink->file) != 0 && sink->error == 0)
        sink->error = errno;
    sink->file = NULL;
    if (sink->error != 0)
        fprintf(stderr, "rollcall: cannot write to %s: %s\n", sink->name, strerror(sink->error));
    return sink->error == 0;
}
