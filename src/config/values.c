/* One value of each kind: what it may be, in words, and its reading (options.h). */
#include "options.h"

#include "check.h"
#include "civil.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX       7
#define TOPIC_BYTES_MAX 249 /* Kafka's own limit */
#define PATH_BYTES_MAX  4095
#define HOST_BYTES_MAX  253
#define MINUTE_MS       (60 * 1000)
#define HOUR_MS         (60 * MINUTE_MS)

/* By kind, in the order of the enum or bits that they stand for. */
static const char *const words[][WORDS_MAX + 1] = {
    [KIND_WEEKDAY] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"},
    [KIND_WEEKDAYS] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"},
    [KIND_DELIVERY] = {"exactly_once", "at_least_once"},
    [KIND_UNKNOWN_PEOPLE] = {"default_policy", "out_of_scope", "reject"},
    [KIND_PRORATION] = {"ratio", "ratio_down", "cap"},
    [KIND_RULE_TYPE] = {"sliding", "weekly", "k_of_n"},
    [KIND_COMBINE] = {"and", "or"},
};

static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
#define UNITS_COUNT (sizeof units / sizeof units[0])

static struct option_words one_of(const char *before, enum option_kind kind) {
    struct option_words out;
    size_t used = (size_t)snprintf(out.text, sizeof out.text, "%s", before);
    for (size_t i = 0; words[kind][i] != NULL; i++) {
        used += (size_t)snprintf(out.text + used, sizeof out.text - used, "%s%s", i > 0 ? ", " : "",
                                 words[kind][i]);
        CHECK(used < sizeof out.text);
    }
    return out;
}

static struct option_words allowed_number(const struct option *o) {
    struct option_words out;
    if (o->kind == KIND_DURATION)
        snprintf(out.text, sizeof out.text, "an integer and ms, s, m, h or d, at most %" PRId64 "h",
                 o->high / HOUR_MS);
    else if (o->kind == KIND_TIME_OF_DAY)
        snprintf(out.text, sizeof out.text, "HH:MM, 00:00 to %02" PRId64 ":00", o->high / HOUR_MS);
    else
        snprintf(out.text, sizeof out.text, "%s, %" PRId64 " to %" PRId64,
                 o->kind == KIND_RATIO ? "a number" : "an integer", o->low, o->high);
    return out;
}

struct option_words option_allowed(const struct option *o) {
    struct option_words out;
    char *text = out.text;
    size_t size = sizeof out.text;
    switch (o->kind) {
    case KIND_INTEGER:
    case KIND_RATIO:
    case KIND_DURATION:
    case KIND_TIME_OF_DAY:
        return allowed_number(o);
    case KIND_GROUP:
        snprintf(text, size, "a map or list, see docs/configuration.md");
        break;
    case KIND_BOOLEAN:
        snprintf(text, size, "true or false");
        break;
    case KIND_DATE:
        snprintf(text, size, "a date YYYY-MM-DD, years %d to %d", YEAR_MIN, YEAR_MAX);
        break;
    case KIND_ZONE:
        snprintf(text, size, "the name of a zone of the installed tz database");
        break;
    case KIND_PATH:
        snprintf(text, size, "a path");
        break;
    case KIND_TOPIC:
    case KIND_TOPIC_OR_NULL:
        snprintf(text, size, "a topic name of 1 to %d letters, digits, '.', '_' and '-'%s", TOPIC_BYTES_MAX,
                 o->kind == KIND_TOPIC ? "" : ", or null");
        break;
    case KIND_ADDRESS:
        snprintf(text, size, "host:port with a port from 1 to 65535, or null");
        break;
    case KIND_FIELD:
    case KIND_ID:
        snprintf(text, size, "a text of 1 to %d bytes", ID_BYTES_MAX);
        break;
    case KIND_WEEKDAYS:
        return one_of("a list of one or more of: ", o->kind);
    case KIND_ACCEPT:
        snprintf(text, size, "a list of at most %d texts of 1 to %d bytes", ACCEPT_WORDS_MAX, ID_BYTES_MAX);
        break;
    case KIND_TERMS:
        snprintf(text, size, "a list of 1 to %d maps {short: S, of: N} with S <= N", K_OF_N_TERMS_MAX);
        break;
    default:
        return one_of("one of: ", o->kind);
    }
    return out;
}

static void store_integer(void *field, size_t size, int64_t value) {
    switch (size) {
    case 1:
        *(uint8_t *)field = (uint8_t)value;
        break;
    case 2:
        *(uint16_t *)field = (uint16_t)value;
        break;
    case 4:
        memcpy(field, &(int32_t){(int32_t)value}, 4);
        break;
    default:
        CHECK(size == 8);
        *(int64_t *)field = value;
    }
}

static bool store_text(const struct node *node, size_t len_max, char **field) {
    if (!node_is_text(node, 1, len_max))
        return false;
    free(*field);
    *field = xstrdup(node->text);
    return true;
}

static bool store_null(char **field) {
    free(*field);
    *field = NULL;
    return true;
}

static int word_index(enum option_kind kind, const struct node *node) {
    for (int i = 0; node->kind == NODE_SCALAR && words[kind][i] != NULL; i++)
        if (node->len == strlen(words[kind][i]) && memcmp(node->text, words[kind][i], node->len) == 0)
            return i;
    return -1;
}

static bool digits(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return len > 0;
}

bool option_read_integer(const char *text, size_t len, int64_t low, int64_t high, int64_t *out) {
    bool is_negative = len > 0 && text[0] == '-';
    text += is_negative;
    len -= is_negative;
    if (!digits(text, len) || (len > 1 && text[0] == '0') || len > 18)
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value * 10 + (text[i] - '0');
    *out = is_negative ? -value : value;
    return *out >= low && *out <= high;
}

static bool read_ratio(const struct node *node, const struct option *o, double *out) {
    if (node->kind != NODE_SCALAR || !node->is_plain)
        return false;
    const char *point = memchr(node->text, '.', node->len);
    size_t whole = point != NULL ? (size_t)(point - node->text) : node->len;
    if (!digits(node->text, whole) || (point != NULL && !digits(point + 1, node->len - whole - 1)))
        return false;
    double value = strtod(node->text, NULL);
    if (value < (double)o->low || value > (double)o->high)
        return false;
    *out = value;
    return true;
}

static bool read_duration(const struct node *node, const struct option *o, int64_t *ms) {
    if (node->kind != NODE_SCALAR)
        return false;
    size_t number = 0;
    while (number < node->len && node->text[number] >= '0' && node->text[number] <= '9')
        number++;
    int64_t value;
    if (!option_read_integer(node->text, number, 0, o->high, &value))
        return false;
    for (size_t i = 0; i < UNITS_COUNT; i++)
        if (node->len - number == strlen(units[i].name) &&
            memcmp(node->text + number, units[i].name, node->len - number) == 0) {
            *ms = value * units[i].ms; /* both fit 32 bits */
            return *ms >= o->low && *ms <= o->high;
        }
    return false;
}

bool option_read_time_of_day(const struct node *node, int64_t high_ms, int64_t *ms) {
    const char *text = node->text;
    if (node->kind != NODE_SCALAR || node->len != 5 || !digits(text, 2) || text[2] != ':' ||
        !digits(text + 3, 2))
        return false;
    int hours = (text[0] - '0') * 10 + text[1] - '0', minutes = (text[3] - '0') * 10 + text[4] - '0';
    *ms = (int64_t)(hours * 60 + minutes) * MINUTE_MS;
    return minutes < 60 && *ms <= high_ms;
}

bool option_read_id(const struct node *node, struct short_text *out) {
    if (node->kind != NODE_SCALAR || node_is_null(node) || node->len < 1 || node->len > ID_BYTES_MAX)
        return false;
    *out = (struct short_text){.len = (uint8_t)node->len};
    memcpy(out->bytes, node->text, node->len);
    return true;
}

int option_compare_ids(const void *a, const void *b) {
    const struct short_text *x = a, *y = b;
    int by_bytes = memcmp(x->bytes, y->bytes, x->len < y->len ? x->len : y->len);
    return by_bytes != 0 ? by_bytes : (int)x->len - (int)y->len;
}

char *option_path(const char *directory, const char *path) {
    char *whole;
    CHECK(asprintf(&whole, "%s%s", *path == '/' ? "" : directory, path) >= 0);
    return whole;
}

static bool is_topic(const struct node *node) {
    if (!node_is_text(node, 1, TOPIC_BYTES_MAX) || strcmp(node->text, ".") == 0 ||
        strcmp(node->text, "..") == 0)
        return false;
    return strspn(node->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
           node->len;
}

static bool is_address(const struct node *node) {
    if (!node_is_text(node, 1, HOST_BYTES_MAX + 8))
        return false;
    const char *colon = strrchr(node->text, ':');
    size_t host = colon != NULL ? (size_t)(colon - node->text) : 0;
    bool is_ipv6 = host > 2 && node->text[0] == '[' && node->text[host - 1] == ']';
    int64_t port;
    return host > 0 && (is_ipv6 || memchr(node->text, ':', host) == NULL) &&
           strcspn(node->text, " \t\r\n/") == node->len &&
           option_read_integer(colon + 1, node->len - host - 1, 1, 65535, &port);
}

static bool store_weekdays(const struct node *list, uint8_t *out, const struct node **wrong) {
    if (list->kind != NODE_LIST || list->count == 0)
        return false;
    unsigned days = 0;
    for (const struct node *n = list->first; n != NULL; n = n->next) {
        int day = word_index(KIND_WEEKDAYS, n);
        if (day < 0) {
            *wrong = n;
            return false;
        }
        days |= 1u << day;
    }
    *out = (uint8_t)days;
    return true;
}

/* A word that stands there twice is one. */
static bool store_accept(const struct node *list, struct policy_version *out, const struct node **wrong) {
    if (list->kind != NODE_LIST)
        return false;
    out->accept_count = 0;
    for (const struct node *n = list->first; n != NULL; n = n->next) {
        struct short_text word;
        *wrong = n;
        if (!option_read_id(n, &word))
            return false;
        bool is_new = true;
        for (unsigned i = 0; i < out->accept_count; i++)
            is_new &= memcmp(&out->accept[i], &word, sizeof word) != 0;
        if (is_new && out->accept_count == ACCEPT_WORDS_MAX)
            return false;
        if (is_new)
            out->accept[out->accept_count++] = word;
    }
    return true;
}

static bool store_terms(struct reader *reader, const struct node *list, struct policy_version *out,
                        const struct node **wrong) {
    if (list->kind != NODE_LIST || list->count == 0 || list->count > K_OF_N_TERMS_MAX)
        return false;
    out->terms_count = 0;
    for (const struct node *n = list->first; n != NULL; n = n->next) {
        struct k_of_n_term *term = &out->terms[out->terms_count++];
        *term = (struct k_of_n_term){0};
        *wrong = n;
        if (n->kind != NODE_MAP)
            return false;
        options_read(reader, SCOPE_TERM, "", n, n, term);
        if (term->of_weeks > 0 && term->short_weeks > term->of_weeks)
            return false;
    }
    return true;
}

static bool store_word(const struct option *o, const struct node *node, void *field) {
    int index = word_index(o->kind, node);
    if (index >= 0)
        store_integer(field, o->size, index);
    return index >= 0;
}

static bool store_zone(struct reader *reader, const struct node *node, uint16_t *field) {
    uint16_t zone = node->kind == NODE_SCALAR ? zones_find(reader->zones, node->text, node->len) : ZONE_NONE;
    if (zone != ZONE_NONE)
        *field = zone;
    return zone != ZONE_NONE;
}

static bool store_number(const struct option *o, const struct node *node, void *field) {
    int64_t value = 0;
    bool is_right;
    if (o->kind == KIND_DURATION)
        is_right = read_duration(node, o, &value);
    else if (o->kind == KIND_TIME_OF_DAY)
        is_right = option_read_time_of_day(node, o->high, &value);
    else if (o->kind == KIND_BOOLEAN)
        is_right = node->kind == NODE_SCALAR && node->is_plain &&
                   ((value = strcmp(node->text, "true") == 0) || strcmp(node->text, "false") == 0);
    else
        is_right = node->kind == NODE_SCALAR && node->is_plain &&
                   option_read_integer(node->text, node->len, o->low, o->high, &value);
    if (is_right)
        store_integer(field, o->size, value);
    return is_right;
}

bool option_store(struct reader *reader, const struct option *o, const struct node *node, void *base,
                  const struct node **wrong) {
    void *field = (char *)base + o->offset;
    *wrong = node;
    switch (o->kind) {
    case KIND_GROUP:
        return true;
    case KIND_BOOLEAN:
    case KIND_INTEGER:
    case KIND_DURATION:
    case KIND_TIME_OF_DAY:
        return store_number(o, node, field);
    case KIND_RATIO:
        return read_ratio(node, o, field);
    case KIND_DATE:
        return node->kind == NODE_SCALAR && civil_parse(node->text, node->len, field);
    case KIND_ZONE:
        return store_zone(reader, node, field);
    case KIND_PATH:
        return store_text(node, PATH_BYTES_MAX, field);
    case KIND_TOPIC_OR_NULL:
        if (node_is_null(node))
            return store_null(field);
        __attribute__((fallthrough));
    case KIND_TOPIC:
        return is_topic(node) && store_text(node, TOPIC_BYTES_MAX, field);
    case KIND_ADDRESS:
        return node_is_null(node) ? store_null(field) : is_address(node) && store_text(node, SIZE_MAX, field);
    case KIND_FIELD:
        if (!node_is_text(node, 1, ID_BYTES_MAX))
            return false;
        memcpy(field, node->text, node->len + 1);
        return true;
    case KIND_ID:
        return option_read_id(node, field);
    case KIND_WEEKDAYS:
        return store_weekdays(node, field, wrong);
    case KIND_ACCEPT:
        return store_accept(node, base, wrong);
    case KIND_TERMS:
        return store_terms(reader, node, base, wrong);
    default:
        return store_word(o, node, field);
    }
}
