/* The table made from options.def, and the reader of a map by its rows. Main thread. */
#ifndef ROLLCALL_OPTIONS_H
#define ROLLCALL_OPTIONS_H

#include "config.h"
#include "document.h"

/* What the readers of the three files share. */
struct reader {
    struct problems problems;
    const struct zones *zones;
    enum config_use use;
    civil_day today; /* for what is warned of */
};

enum option_scope {
    SCOPE_CONFIG,
    SCOPE_POLICIES_FILE,
    SCOPE_POLICY,
    SCOPE_VERSION,
    SCOPE_RULE,
    SCOPE_TERM,
    SCOPE_SITES_FILE,
    SCOPE_SITE,
};

enum option_kind {
    KIND_GROUP, /* a map or list with a reader of its own */
    KIND_BOOLEAN,
    KIND_INTEGER,
    KIND_RATIO,
    KIND_DURATION,    /* int64_t, ms */
    KIND_TIME_OF_DAY, /* int32_t, ms */
    KIND_DATE,
    KIND_ZONE,
    KIND_PATH,          /* char * */
    KIND_TOPIC,         /* char * */
    KIND_TOPIC_OR_NULL, /* char * */
    KIND_ADDRESS,       /* char *, NULL for null */
    KIND_FIELD,         /* char[ID_BYTES_MAX + 1] */
    KIND_ID,            /* struct short_text */
    KIND_WEEKDAYS,      /* uint8_t, a bit each */
    KIND_ACCEPT,        /* struct policy_version */
    KIND_TERMS,         /* struct policy_version */
    /* One of some words; the value is its place among them. */
    KIND_WEEKDAY,
    KIND_DELIVERY,
    KIND_UNKNOWN_PEOPLE,
    KIND_PRORATION,
    KIND_RULE_TYPE,
    KIND_COMBINE,
};

enum option_need { NEED_OPTIONAL, NEED_REQUIRED, NEED_FOR_RUN };

struct option {
    enum option_scope scope;
    const char *section, *key;
    enum option_kind kind;
    size_t offset, size; /* of the field in the struct of the scope */
    const char *fallback;
    int64_t low, high;
    enum option_need need;
    const char *reason;
};

extern const struct option options[];
extern const size_t options_count;

/* Gives every field of the scope its default. */
void options_set_defaults(struct reader *reader, enum option_scope scope, void *base);
/* Reads the members of `map` (NULL: absent) that rows of this scope and section name; what is missing is
 * an error at `where`. Unknown keys are errors. */
void options_read(struct reader *reader, enum option_scope scope, const char *section, const struct node *map,
                  const struct node *where, void *base);
const struct option *options_find(enum option_scope scope, const char *section, const char *key);

/* What the value may be, in words. */
struct option_words {
    char text[160];
};
struct option_words option_allowed(const struct option *option);
/* "section.key", or the key alone. */
struct option_words option_title(const struct option *option);

/* Writes the value to its field. False if it is not allowed; `wrong` is then the node that is not. */
bool option_store(struct reader *reader, const struct option *option, const struct node *node, void *base,
                  const struct node **wrong);
/* "HH:MM". */
bool option_read_time_of_day(const struct node *node, int64_t high_ms, int64_t *ms);
/* 1 to 64 bytes of a text. */
bool option_read_id(const struct node *node, struct short_text *out);
/* By bytes; for qsort of short_texts, or of structs that begin with one. */
int option_compare_ids(const void *a, const void *b);
/* The path as one would open it: what is relative begins in `directory` ("" or something that ends in '/').
 * The caller frees it. */
char *option_path(const char *directory, const char *path);
/* A decimal integer in the range. */
bool option_read_integer(const char *text, size_t len, int64_t low, int64_t high, int64_t *out);

#endif
