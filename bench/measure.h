/* Interleaved repetitions of several single-threaded subjects in one process: only their ratios mean
 * anything, since times move with the machine's other work. Times are the thread's CPU time, which leaves out
 * most of it.
 *
 * A repetition during which other processes used the CPUs is repeated; if a quiet one never comes, the least
 * disturbed counts and the result is called inconclusive. The first subject runs twice in each round: what
 * its two medians differ by is what the machine does to any ratio. */
#ifndef ROLLCALL_BENCH_MEASURE_H
#define ROLLCALL_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

#define MEASURE_REPETITIONS_MAX 31

struct measure_subject {
    const char *name;
    void (*prepare)(void *context); /* not measured, before each repetition; NULL: nothing */
    void (*run)(void *context);
    void *context;
    double seconds[MEASURE_REPETITIONS_MAX]; /* out */
    double median;                           /* out */
};

struct measure_quality {
    unsigned runs, loud; /* loud: no quiet repetition came */
    double again;        /* the first subject against itself */
};

struct measure_quality measure_interleaved(struct measure_subject *subjects, size_t count,
                                           unsigned repetitions);

/* One row of the table of run.py. */
struct measure_row {
    const char *what;
    double value;
    const char *unit;
    const char *target; /* "<= 1.5", or "" for none */
};
/* As one line of JSON. */
void measure_print(const struct measure_row *rows, size_t count, const struct measure_quality *quality);

#endif
