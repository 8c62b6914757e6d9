/* See arguments.h. */
#include "arguments.h"

#include "civil.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool argument_number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *out) {
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    bool is_number = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
    if (!is_number || *out < low || *out > high) {
        fprintf(stderr, "rollcall: %s takes a number from %" PRIu64 " to %" PRIu64 ", not '%s'\n", option,
                low, high, text);
        return false;
    }
    return true;
}

bool argument_date(const char *option, const char *text, civil_day *out) {
    if (!civil_parse(text, strlen(text), out)) {
        fprintf(stderr, "rollcall: %s takes a date as 2023-05-01, not '%s'\n", option, text);
        return false;
    }
    return true;
}
