/* See measure.h. One thread. */
#include "measure.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TRIES           6    /* of one repetition */
#define FOREIGN_SECONDS 0.03 /* of CPU time of others are noise below this */
#define FOREIGN_SHARE   0.04 /* or below this share of the time that went by */

static double seconds_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* CPU time of all processes: user, nice, system, irq, softirq and steal of the first line of /proc/stat. */
static double busy_seconds(void) {
    unsigned long long t[8] = {0};
    FILE *stat = fopen("/proc/stat", "r");
    CHECK(stat != NULL);
    int got = fscanf(stat, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3], &t[4],
                     &t[5], &t[6], &t[7]);
    fclose(stat);
    CHECK(got == 8);
    return (double)(t[0] + t[1] + t[2] + t[5] + t[6] + t[7]) / (double)sysconf(_SC_CLK_TCK);
}

static bool repetition(struct measure_subject *subject, double *seconds) {
    double least = 1e300;
    for (unsigned i = 0; i < TRIES; i++) {
        double busy = busy_seconds(), own = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
        double start = seconds_of(CLOCK_MONOTONIC), used = seconds_of(CLOCK_THREAD_CPUTIME_ID);
        subject->run(subject->context);
        used = seconds_of(CLOCK_THREAD_CPUTIME_ID) - used;
        double took = seconds_of(CLOCK_MONOTONIC) - start;
        double foreign = busy_seconds() - busy - (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - own);
        if (foreign / took < least) {
            least = foreign / took;
            *seconds = used;
        }
        if (foreign <= FOREIGN_SECONDS || foreign <= FOREIGN_SHARE * took)
            return true;
    }
    return false;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bool measure_interleaved(struct measure_subject *subjects, size_t count, unsigned repetitions) {
    CHECK(repetitions > 0 && repetitions <= MEASURE_REPETITIONS_MAX);
    bool quiet = true;
    for (unsigned r = 0; r < repetitions; r++)
        for (size_t i = 0; i < count; i++)
            quiet &= repetition(&subjects[i], &subjects[i].seconds[r]);
    for (size_t i = 0; i < count; i++) {
        qsort(subjects[i].seconds, repetitions, sizeof subjects[i].seconds[0], by_size);
        subjects[i].median = subjects[i].seconds[repetitions / 2];
    }
    return quiet;
}
