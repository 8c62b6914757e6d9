/* The library parsers that were found when this was built, reading swipes the way each does it best. */
#ifndef ROLLCALL_DECODE_LIBRARIES_H
#define ROLLCALL_DECODE_LIBRARIES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LIBRARIES_MAX 4

struct library_input {
    const char *text;
    size_t len;
};

struct library {
    const char *name;
    uint64_t (*decode)(const struct library_input *inputs,
                       size_t count); /* a sum, so that nothing is left out */
};

extern const struct library libraries[];
extern const size_t libraries_count;

#ifdef __cplusplus
}
#endif

#endif
