/* See kafka.h. No message here holds a value: the section is where secrets are written by mistake. */
#include "kafka.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROPERTY_BYTES_MAX 4096
#define SECRET_BYTES_MAX   4096

const struct kafka_row kafka_rows[] = {
#define KAFKA_INTEGER(name, client, low, high) {KAFKA_ROW_INTEGER, name, KAFKA_##client, low, high, NULL},
#define KAFKA_WORD(name, client, words)        {KAFKA_ROW_WORD, name, KAFKA_##client, 0, 0, words},
#define KAFKA_TEXT(name, client)               {KAFKA_ROW_TEXT, name, KAFKA_##client, 0, 0, NULL},
#define KAFKA_SECRET(name, client)             {KAFKA_ROW_SECRET, name, KAFKA_##client, 0, 0, NULL},
#define KAFKA_REFUSED(name, reason)            {KAFKA_ROW_REFUSED, name, KAFKA_BOTH, 0, 0, reason},
#include "kafka.def"
#undef KAFKA_INTEGER
#undef KAFKA_WORD
#undef KAFKA_TEXT
#undef KAFKA_SECRET
#undef KAFKA_REFUSED
};
const size_t kafka_rows_count = sizeof kafka_rows / sizeof kafka_rows[0];

static const struct kafka_row *find_row(const char *name, size_t len) {
    for (size_t i = 0; i < kafka_rows_count; i++)
        if (strlen(kafka_rows[i].name) == len && memcmp(kafka_rows[i].name, name, len) == 0)
            return &kafka_rows[i];
    return NULL;
}

static bool has_word(const char *words, const char *text, size_t len) {
    for (const char *word = words; *word != '\0'; word += strspn(word, " ")) {
        size_t n = strcspn(word, " ");
        if (n == len && strncasecmp(word, text, n) == 0)
            return true;
        word += n;
    }
    return false;
}

/* NULL, or what the value should have been. */
static const char *wrong_value(const struct kafka_row *row, const struct node *node, char *buffer,
                               size_t size) {
    int64_t number;
    bool is_text = node_is_text(node, 1, PROPERTY_BYTES_MAX);
    if (row->kind == KAFKA_ROW_INTEGER &&
        !(is_text && option_read_integer(node->text, node->len, row->low, row->high, &number)))
        snprintf(buffer, size, "an integer, %" PRId64 " to %" PRId64, row->low, row->high);
    else if (row->kind == KAFKA_ROW_WORD && !(is_text && has_word(row->text, node->text, node->len)))
        snprintf(buffer, size, "one of: %s", row->text);
    else if (!is_text)
        snprintf(buffer, size, "a text of 1 to %d bytes", PROPERTY_BYTES_MAX);
    else
        return NULL;
    return buffer;
}

/* The content of an open file without its last line's end, or NULL and why. */
static char *read_secret(int fd, const char **why) {
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        *why = "is not a file";
        return NULL;
    }
    if (status.st_mode & 0177) {
        *why = "may be read by others: its mode must be 0600 or 0400";
        return NULL;
    }
    char *text = xcalloc(SECRET_BYTES_MAX + 2, 1);
    ssize_t got, len = 0;
    while ((got = read(fd, text + len, (size_t)(SECRET_BYTES_MAX + 1 - len))) > 0)
        len += got;
    bool is_too_long = len > SECRET_BYTES_MAX;
    if (got == 0 && len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    if (got == 0 && len > 0 && text[len - 1] == '\r')
        text[--len] = '\0';
    if (got == 0 && len > 0 && !is_too_long && memchr(text, '\0', (size_t)len) == NULL)
        return text;
    *why = got != 0 ? "cannot be read" : "must hold 1 to 4096 bytes without NUL";
    explicit_bzero(text, SECRET_BYTES_MAX + 2);
    free(text);
    return NULL;
}

static void add_property(struct config *config, const struct kafka_row *row, char *value) {
    config->kafka = xrealloc(config->kafka, config->kafka_count + 1, sizeof *config->kafka);
    config->kafka[config->kafka_count++] = (struct kafka_property){xstrdup(row->name), value};
}

static void read_secret_property(struct reader *reader, const struct kafka_row *row, const struct node *node,
                                 const char *directory, struct config *config) {
    struct problems *problems = &reader->problems;
    if (!node_is_text(node, 1, PROPERTY_BYTES_MAX)) {
        problems_error(problems, node->file, node->line, "kafka.%s.file: expected a path", row->name);
        return;
    }
    if (reader->use == CONFIG_FOR_REPLAY)
        return; /* it needs no secret, so it opens none */
    char *path = option_path(directory, node->text);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const char *why = fd < 0 ? strerror(errno) : NULL;
    char *secret = fd < 0 ? NULL : read_secret(fd, &why);
    if (secret != NULL)
        add_property(config, row, secret);
    else
        problems_error(problems, node->file, node->line, "kafka.%s.file: the file %s%s", row->name,
                       fd < 0 ? "cannot be opened: " : "", why);
    if (fd >= 0)
        close(fd);
    free(path);
}

static void read_property(struct reader *reader, const struct node *node, const char *directory,
                          struct config *config) {
    static const char suffix[] = ".file";
    const size_t suffix_len = sizeof suffix - 1;
    struct problems *problems = &reader->problems;
    const char *name = node->key->text;
    size_t len = node->key->len;
    if (len > suffix_len && memcmp(name + len - suffix_len, suffix, suffix_len) == 0) {
        const struct kafka_row *secret = find_row(name, len - suffix_len);
        if (secret != NULL && secret->kind == KAFKA_ROW_SECRET) {
            read_secret_property(reader, secret, node, directory, config);
            return;
        }
    }
    const struct kafka_row *row = find_row(name, len);
    char buffer[128];
    const char *expected;
    if (row == NULL)
        problems_error(problems, node->key->file, node->key->line,
                       "kafka.%s: not among the properties that may be set; allowed: those listed in "
                       "docs/configuration.md",
                       printable_text(name, len).text);
    else if (row->kind == KAFKA_ROW_REFUSED)
        problems_error(problems, node->key->file, node->key->line, "kafka.%s may not be set: %s", row->name,
                       row->text);
    else if (row->kind == KAFKA_ROW_SECRET)
        problems_error(problems, node->key->file, node->key->line,
                       "kafka.%s: secrets are not written here; allowed: kafka.%s.file, the path of a file "
                       "with mode 0600 or 0400",
                       row->name, row->name);
    else if ((expected = wrong_value(row, node, buffer, sizeof buffer)) != NULL)
        problems_error(problems, node->file, node->line, "kafka.%s: expected %s", row->name, expected);
    else
        add_property(config, row, xstrdup(node->text));
}

static int64_t number_of(const struct config *config, const char *name, int64_t fallback) {
    for (uint32_t i = 0; i < config->kafka_count; i++)
        if (strcmp(config->kafka[i].name, name) == 0)
            return strtoll(config->kafka[i].value, NULL, 10);
    return fallback;
}

static bool value_is(const struct node *section, const char *name, const char *value) {
    const struct node *node = node_find(section, name);
    return node != NULL && node_is_text(node, 1, PROPERTY_BYTES_MAX) && strcasecmp(node->text, value) == 0;
}

/* Legal one by one, but not together, or unwise. The fallbacks are what rollcall sets itself. */
static void check_together(struct reader *reader, const struct node *section, const struct config *config) {
    struct problems *p = &reader->problems;
    int64_t session = number_of(config, "session.timeout.ms", 45000);
    if (number_of(config, "max.poll.interval.ms", 300000) < session)
        problems_error(p, section->file, section->line,
                       "kafka.max.poll.interval.ms: must not be less than kafka.session.timeout.ms");
    if (number_of(config, "transaction.timeout.ms", 30000) >= session)
        problems_warn(p, section->file, section->line,
                      "kafka.transaction.timeout.ms: not below kafka.session.timeout.ms: a partition's next "
                      "owner waits for its last owner's transaction");
    static const struct {
        const char *name;
        int64_t low;
    } queues[] = {{"queued.min.messages", 100000}, {"queued.max.messages.kbytes", 65536}};
    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++) {
        const struct node *node = node_find(section, queues[i].name);
        if (node != NULL && number_of(config, queues[i].name, queues[i].low) < queues[i].low)
            problems_warn(p, node->file, node->line,
                          "kafka.%s: less than %" PRId64
                          ": when the queue holds less than a second of traffic, "
                          "fetching stops for up to a second at a time",
                          queues[i].name, queues[i].low);
    }
    if (value_is(section, "security.protocol", "sasl_plaintext"))
        problems_warn(p, section->file, section->line,
                      "kafka.security.protocol: sasl_plaintext sends records, and with PLAIN the password, "
                      "unencrypted");
    if (value_is(section, "ssl.endpoint.identification.algorithm", "none"))
        problems_warn(
            p, section->file, section->line,
            "kafka.ssl.endpoint.identification.algorithm: none lets any holder of a certificate be the "
            "broker");
}

void kafka_read(struct reader *reader, const struct node *section, const char *directory,
                struct config *config) {
    for (const struct node *n = section->first; n != NULL; n = n->next)
        read_property(reader, n, directory, config);
    static const char *const needed[] = {"bootstrap.servers", "group.id"};
    for (size_t i = 0; reader->use == CONFIG_FOR_RUN && i < sizeof needed / sizeof needed[0]; i++)
        if (node_find(section, needed[i]) == NULL)
            problems_error(&reader->problems, section->file, section->line,
                           "kafka.%s is missing: expected a text", needed[i]);
    check_together(reader, section, config);
}
