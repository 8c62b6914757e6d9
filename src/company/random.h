/* Random numbers that are a function of what they are for: seed, person, day. No generator's state is carried
 * from one day to the next, so nothing depends on the order of generation, and integers only, so that one
 * seed gives one log on every machine (splitmix64; Steele, Lea, Flood 2014). Pure; any thread. */
#ifndef ROLLCALL_RANDOM_H
#define ROLLCALL_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_mix(uint64_t x) {
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* The stream that belongs to (seed, who, what). */
static inline struct random random_for(uint64_t seed, uint64_t who, uint64_t what) {
    uint64_t mixed = random_mix(seed + UINT64_C(0x9e3779b97f4a7c15));
    mixed = random_mix(mixed ^ (who * UINT64_C(0xd6e8feb86659fd93)));
    return (struct random){random_mix(mixed ^ (what * UINT64_C(0xa0761d6478bd642f)))};
}

static inline uint64_t random_next(struct random *random) {
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    return random_mix(random->state);
}

/* 0 to n - 1. */
static inline uint32_t random_below(struct random *random, uint32_t n) {
    return (uint32_t)(((random_next(random) >> 32) * n) >> 32);
}

/* low to high, both included. */
static inline int32_t random_between(struct random *random, int32_t low, int32_t high) {
    return low + (int32_t)random_below(random, (uint32_t)(high - low) + 1);
}

/* True so many times in a million. */
static inline bool random_chance(struct random *random, uint32_t per_million) {
    return random_below(random, 1000000) < per_million;
}

#endif
