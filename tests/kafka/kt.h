/* kt: what both halves of the tool share. One thread; nothing here is used by rollcall itself. */
#ifndef ROLLCALL_TESTS_KT_H
#define ROLLCALL_TESTS_KT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

/* The command line, split: what follows the command without leading dashes is an operand. */
struct kt {
    const char *bootstrap;
    char **operands;
    int operand_count;
    int timeout_ms;          /* of everything that waits for the broker */
    const char *isolation;   /* read_committed or read_uncommitted */
    const char *format;      /* of `consume`: json or value */
    const char *transaction; /* of `produce` and `feed`: a transactional id, or NULL */
    const char *end;         /* of `produce` with one: commit, abort or leave */
    bool escaped;            /* of `produce` and `feed`: fields use backslash escapes */
    int every_ms;            /* of `watch-offsets` */
    char **properties;       /* -X name=value, as given */
    int property_count;
};

/* Ends the program: 75 if the broker could not be asked, else 1. Skips exit handlers, because the client's
 * threads may be in any state. */
_Noreturn void kt_fail(rd_kafka_resp_err_t err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void kt_usage(void);

/* A configuration with the properties that every command shares; the client takes it over. */
rd_kafka_conf_t *kt_conf_new(const struct kt *kt);
void kt_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value);
rd_kafka_t *kt_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf);
/* A consumer of `group` that never joins it. Its last poll or close is the caller's; so is its end. */
rd_kafka_t *kt_consumer_new(const struct kt *kt, const char *group);

/* Number of partitions with a leader, -1 while the topic is unknown; *err_out: why. */
int kt_partition_count(rd_kafka_t *rk, const char *topic, int timeout_ms, rd_kafka_resp_err_t *err_out);
/* The same for a topic that has to exist. */
int kt_partition_count_known(const struct kt *kt, rd_kafka_t *rk, const char *topic);

long long kt_number(const char *text, long long least, long long most);

/* One line of `produce`, which is overwritten. Ends the program if it has not the form of one. */
rd_kafka_resp_err_t kt_send_line(const struct kt *kt, rd_kafka_t *rk, const char *topic, char *line,
                                 long number);
/* As JSON, NULL as null. In a binary record every byte above 0x7f becomes one code point, so that nothing is
 * lost. */
void kt_print_string(const void *bytes, size_t length, bool binary);

void kt_produce(const struct kt *kt);
void kt_consume(const struct kt *kt);
void kt_feed(const struct kt *kt);
void kt_watch_offsets(const struct kt *kt);

#endif
