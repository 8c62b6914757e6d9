/* Preloaded, it moves a process's wall clock by what stands in the file of ROLLCALL_CLOCK: nanoseconds, as an
 * int64_t that may change at any time. The monotonic clock stays. Any thread.
 *
 * Waits until a moment of the wall clock are turned back into the machine's time, or a clock that is an hour
 * behind would end each of librdkafka's waits at once (libfaketime does not know cnd_timedwait). As they
 * begin, that is: a step during a wait does not prolong it. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

enum { SECOND_NS = 1000000000 };

static const _Atomic int64_t *moved_by;
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_cnd_timedwait)(cnd_t *, mtx_t *, const struct timespec *);

static void look_up(void) {
    if (real_clock_gettime)
        return;
    /* The one way to a function that POSIX knows. */
    *(void **)&real_cnd_timedwait = dlsym(RTLD_NEXT, "cnd_timedwait");
    *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
}

__attribute__((constructor)) static void begin(void) {
    look_up();
    const char *path = getenv("ROLLCALL_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *map = mmap(NULL, sizeof *moved_by, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (map != MAP_FAILED)
        moved_by = map;
}

static void move(struct timespec *at, int direction) {
    int64_t by = moved_by ? direction * atomic_load_explicit(moved_by, memory_order_relaxed) : 0;
    int64_t ns = at->tv_nsec + by % SECOND_NS;
    at->tv_sec += by / SECOND_NS + (ns >= SECOND_NS) - (ns < 0);
    at->tv_nsec = (ns + SECOND_NS) % SECOND_NS;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    look_up();
    int result = real_clock_gettime(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        move(now, 1);
    return result;
}

int timespec_get(struct timespec *now, int base) {
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, now) == 0 ? base : 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec at;
    int result = clock_gettime(CLOCK_REALTIME, &at);
    now->tv_sec = at.tv_sec;
    now->tv_usec = at.tv_nsec / 1000;
    return result;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until) {
    struct timespec at = *until;
    move(&at, -1);
    return real_cnd_timedwait(condition, mutex, &at);
}
