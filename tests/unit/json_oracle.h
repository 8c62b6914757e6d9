/* A library parser's word on a JSON text, brought to the rules of SPEC 2 (json_oracle.cc). */
#ifndef ROLLCALL_JSON_ORACLE_H
#define ROLLCALL_JSON_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum oracle_kind { ORACLE_ABSENT, ORACLE_STRING, ORACLE_NUMBER, ORACLE_BOOLEAN, ORACLE_OBJECT, ORACLE_ARRAY };

#define ORACLE_TEXT_MAX (64 * 1024)

struct oracle_value {
    enum oracle_kind kind; /* ORACLE_ABSENT also for null */
    size_t len; /* of a string without escapes, of a number as written; of an array the strings in it,
                   a newline behind each, `?` for what is none */
    char text[ORACLE_TEXT_MAX];
};

enum oracle_verdict {
    ORACLE_REFUSED,
    ORACLE_ACCEPTED,
    ORACLE_SILENT, /* there is a number beyond the range of a double, which is no fault but ends its reading
                    */
};

/* Accepted if the text is one valid object, nested at most `depth_max` deep, without a repeated key at its
 * top level; then values[i] is the member called names[i]. Texts of values longer than ORACLE_TEXT_MAX are
 * cut. */
enum oracle_verdict oracle_read(const char *text, size_t len, unsigned depth_max, const char *const *names,
                                size_t count, struct oracle_value *values);

#ifdef __cplusplus
}
#endif

#endif
