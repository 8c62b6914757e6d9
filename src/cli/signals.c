/* See signals.h. Main thread. */
#include "signals.h"

#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

static sigset_t watched_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

/* A closed standard error is no reason to die. */
void signals_block(void) {
    sigset_t blocked = watched_signals();
    sigaddset(&blocked, SIGPIPE);
    CHECK(pthread_sigmask(SIG_BLOCK, &blocked, NULL) == 0);
}

int signals_wait(int wait_ms) {
    sigset_t signals = watched_signals();
    struct timespec wait = {.tv_nsec = wait_ms * 1000000L};
    int number = sigtimedwait(&signals, NULL, &wait);
    return number > 0 ? number : 0;
}

bool signals_came(void) {
    return signals_wait(0) != 0;
}
