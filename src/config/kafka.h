/* The kafka section: librdkafka properties by an allow-list (kafka.def). Main thread. */
#ifndef ROLLCALL_KAFKA_H
#define ROLLCALL_KAFKA_H

#include "options.h"

/* The handles that know a property: librdkafka complains of the others. */
enum kafka_client { KAFKA_BOTH, KAFKA_CONSUMER, KAFKA_PRODUCER };

enum kafka_row_kind {
    KAFKA_ROW_INTEGER,
    KAFKA_ROW_WORD,
    KAFKA_ROW_TEXT,
    KAFKA_ROW_SECRET,
    KAFKA_ROW_REFUSED
};

struct kafka_row {
    enum kafka_row_kind kind;
    const char *name;
    enum kafka_client client;
    int64_t low, high;
    const char *text; /* the words, or the reason of a refusal */
};

extern const struct kafka_row kafka_rows[];
extern const size_t kafka_rows_count;

/* `section` is a map. `directory` is what relative paths of secrets begin with: "" or something that ends in
 * '/'. */
void kafka_read(struct reader *reader, const struct node *section, const char *directory,
                struct config *config);

#endif
