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
        if (subject->prepare)
            subject->prepare(subject->context);
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

static double median_of(double *seconds, unsigned count) {
    qsort(seconds, count, sizeof *seconds, by_size);
    return seconds[count / 2];
}

struct measure_quality measure_interleaved(struct measure_subject *subjects, size_t count,
                                           unsigned repetitions) {
    CHECK(count > 0 && repetitions > 0 && repetitions <= MEASURE_REPETITIONS_MAX);
    struct measure_quality quality = {.runs = (unsigned)(count + 1) * repetitions};
    double again[MEASURE_REPETITIONS_MAX];
    for (unsigned r = 0; r < repetitions; r++) {
        for (size_t i = 0; i < count; i++)
            quality.loud += !repetition(&subjects[i], &subjects[i].seconds[r]);
        quality.loud += !repetition(&subjects[0], &again[r]);
    }
    for (size_t i = 0; i < count; i++)
        subjects[i].median = median_of(subjects[i].seconds, repetitions);
    quality.again = median_of(again, repetitions) / subjects[0].median;
    return quality;
}

void measure_print(const struct measure_row *rows, size_t count, const struct measure_quality *quality) {
    printf("{\"runs\": %u, \"loud\": %u, \"again\": %.4f, \"rows\": [", quality->runs, quality->loud,
           quality->again);
    for (size_t i = 0; i < count; i++)
        printf("%s{\"what\": \"%s\", \"value\": %.4f, \"unit\": \"%s\", \"target\": \"%s\"}", i ? ", " : "",
               rows[i].what, rows[i].value, rows[i].unit, rows[i].target);
    printf("]}\n");
}
