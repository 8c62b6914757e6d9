/* Interleaved repetitions of several single-threaded subjects in one process: only their ratios mean
 * anything, since times move with the machine's other work. Times are the thread's CPU time, which leaves out
 * most of it.
 *
 * A repetition during which other processes used the CPUs is repeated; if a quiet one never comes, the least
 * disturbed counts and the result is called inconclusive. */
#ifndef ROLLCALL_MEASURE_H
#define ROLLCALL_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

#define MEASURE_REPETITIONS_MAX 31

struct measure_subject {
    const char *name;
    void (*run)(void *context);
    void *context;
    double seconds[MEASURE_REPETITIONS_MAX]; /* out */
    double median;                           /* out */
};

/* False if some repetition never was quiet. */
bool measure_interleaved(struct measure_subject *subjects, size_t count, unsigned repetitions);

#endif
