/* See fault_point.h. What is armed is written before there are threads, and read only afterwards.
 * Empty where there are no fault points. */
#include "fault_point.h"

#ifdef ROLLCALL_FAULT_POINTS

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FAULTS_MAX     16
#define SPEC_BYTES_MAX 1024

enum action { ACTION_KILL, ACTION_ABORT, ACTION_TERM, ACTION_STOP, ACTION_COUNT };

struct fault {
    enum fault_point point;
    enum action action;
    uint64_t nth;
    uint64_t ms; /* of ACTION_STOP */
};

static const char *const points[] = {
#define FAULT_POINT_ROW(name) #name,
    FAULT_POINT_ROWS
#undef FAULT_POINT_ROW
};
static const char *const actions[] = {"kill", "abort", "term", "stop"};

static struct fault faults[FAULTS_MAX];
static size_t faults_count;
static _Atomic uint64_t passes[FAULT_POINT_COUNT];

/* ---- arming ---- */

static size_t find(const char *const *names, size_t count, const char *name) {
    size_t i = 0;
    while (i < count && strcmp(names[i], name) != 0)
        i++;
    return i;
}

static bool take_number(char *text, uint64_t *number) {
    char *end;
    if (text == NULL || *text < '0' || *text > '9')
        return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0' && *number > 0;
}

/* One "point:action:nth[:ms]"; cuts it up. */
static const char *take_fault(char *text, struct fault *out) {
    char *rest = text;
    const char *point = strsep(&rest, ":"), *action = strsep(&rest, ":");
    char *nth = strsep(&rest, ":");
    *out = (struct fault){.point = (enum fault_point)find(points, FAULT_POINT_COUNT, point)};
    if (out->point == FAULT_POINT_COUNT)
        return "there is no such point";
    out->action = action ? (enum action)find(actions, ACTION_COUNT, action) : ACTION_COUNT;
    if (out->action == ACTION_COUNT)
        return "the action is kill, abort, term or stop";
    if (!take_number(nth, &out->nth))
        return "the pass is a number from 1";
    if (out->action == ACTION_STOP ? !take_number(rest, &out->ms) : rest != NULL)
        return "milliseconds are for stop, which needs them";
    return NULL;
}

bool fault_points_arm(const char *spec, char *error, size_t error_size) {
    char copy[SPEC_BYTES_MAX], one[SPEC_BYTES_MAX], *rest = copy, *text;
    faults_count = 0;
    if (spec == NULL)
        return true;
    if (strlen(spec) >= sizeof copy) {
        snprintf(error, error_size, "ROLLCALL_FAULT is longer than %d bytes", SPEC_BYTES_MAX - 1);
        return false;
    }
    memcpy(copy, spec, strlen(spec) + 1);
    while ((text = strsep(&rest, ",")) != NULL) {
        memcpy(one, text, strlen(text) + 1);
        const char *fault = faults_count == FAULTS_MAX ? "too many" : take_fault(text, &faults[faults_count]);
        if (fault) {
            faults_count = 0;
            snprintf(error, error_size, "ROLLCALL_FAULT: '%s': %s", one, fault);
            return false;
        }
        faults_count++;
    }
    return true;
}

/* ---- passing ---- */

static void sleep_ms(uint64_t ms) {
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0) {
    }
}

static void strike(const struct fault *fault) {
    char line[160];
    int len = snprintf(line, sizeof line, "rollcall: fault: %s at pass %llu of %s\n", actions[fault->action],
                       (unsigned long long)fault->nth, points[fault->point]);
    ssize_t written = write(STDERR_FILENO, line, (size_t)len);
    (void)written;
    switch (fault->action) {
    case ACTION_KILL:
        kill(getpid(), SIGKILL);
        return;
    case ACTION_TERM:
        kill(getpid(), SIGTERM);
        return;
    case ACTION_STOP:
        sleep_ms(fault->ms);
        return;
    case ACTION_ABORT:
    case ACTION_COUNT:
        abort();
    }
}

void fault_point_pass(enum fault_point point) {
    if (faults_count == 0)
        return;
    uint64_t pass = 1 + atomic_fetch_add_explicit(&passes[point], 1, memory_order_relaxed);
    for (size_t i = 0; i < faults_count; i++)
        if (faults[i].point == point && faults[i].nth == pass)
            strike(&faults[i]);
}

#endif
