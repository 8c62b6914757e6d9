/* See service_manager.h. libsystemd has the same, and waits for as long as nobody reads what it sends: the
 * thread that looks after all others, and that hears SIGTERM, would stand still with its service manager. */
#include "service_manager.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define SEND_MS_MAX 100

bool service_tell(const char *state) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *name = getenv("NOTIFY_SOCKET");
    size_t len = name ? strlen(name) : 0;
    if (len < 2 || len >= sizeof to.sun_path || (name[0] != '/' && name[0] != '@'))
        return true;
    memcpy(to.sun_path, name, len);
    if (name[0] == '@') /* an abstract name */
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){.tv_usec = SEND_MS_MAX * 1000},
               sizeof(struct timeval));
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    bool is_busy = sent < 0 && (errno == EAGAIN || errno == EINTR);
    close(fd);
    return !is_busy;
}

int64_t service_watchdog_ms(void) {
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (usec == NULL || (pid && strtoll(pid, NULL, 10) != getpid()))
        return 0;
    long long number = strtoll(usec, NULL, 10);
    return number > 0 ? number / 1000 : 0;
}
