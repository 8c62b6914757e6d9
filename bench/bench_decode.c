/* The decoder of swipes against the library parsers that are installed, and against touching every byte.
 *
 * The swipes are 196 bytes of JSON with seven members, as one system writes them: values differ, some in
 * length, and the keys always stand in the same order; or each swipe has an order of its own. They are
 * decoded with a hint, as the task does it, and without. The libraries read the same members into the same
 * struct, the time with our own parser; of repeated keys and of the form of ids they see nothing. Instants
 * alone: against strptime and sscanf.
 *
 * Prints one line of JSON. */
#include "check.h"
#include "decode.h"
#include "decode_libraries.h"
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SWIPES      16384
#define PASSES      4 /* over all of them, a repetition */
#define REPETITIONS 11
#define MEMBERS     7
#define SPACE       256 /* of a swipe, at most */

static const struct swipe_fields fields = {"employee_id", "occurred_at", "site_id", "result", "direction"};

struct corpus {
    struct library_input inputs[SWIPES];
    char bytes[SWIPES * SPACE];
    size_t len;
    struct swipe_hint hint;
    uint64_t sink;
};

static uint64_t random_state = 1;

static unsigned draw(unsigned limit) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((random_state >> 33) % limit);
}

static void write_members(char members[MEMBERS][SPACE]) {
    static const char *const sites[] = {"SEA33", "NYC01", "LON4", "BLR12"};
    snprintf(members[0], SPACE, "\"event_id\":\"%08x-%04x-4%03x-%04x-%012x\"", draw(1u << 31), draw(1u << 16),
             draw(1u << 12), draw(1u << 16), draw(1u << 31));
    snprintf(members[1], SPACE, "\"employee_id\":\"E%07u\"", draw(1500000));
    snprintf(members[2], SPACE, "\"occurred_at\":\"2023-%02u-%02uT%02u:%02u:%02u.%03u-07:00\"", 1 + draw(12),
             1 + draw(28), draw(24), draw(60), draw(60), draw(1000));
    snprintf(members[3], SPACE, "\"site_id\":\"%s\"", sites[draw(4)]);
    snprintf(members[4], SPACE, "\"reader_id\":\"R-%u\"", draw(1000));
    snprintf(members[5], SPACE, "\"result\":\"%s\"", draw(20) ? "granted" : "denied");
    snprintf(members[6], SPACE, "\"direction\":\"%s\"", draw(2) ? "in" : "out");
}

static struct corpus *corpus_new(bool is_shuffled) {
    struct corpus *corpus = xcalloc(1, sizeof *corpus);
    for (size_t i = 0; i < SWIPES; i++) {
        char members[MEMBERS][SPACE], *text = corpus->bytes + corpus->len;
        unsigned order[MEMBERS] = {0, 1, 2, 3, 4, 5, 6};
        int len = 0;
        write_members(members);
        for (unsigned left = MEMBERS; is_shuffled && left > 1; left--) {
            unsigned other = draw(left), swapped = order[left - 1];
            order[left - 1] = order[other];
            order[other] = swapped;
        }
        for (unsigned m = 0; m < MEMBERS; m++)
            len += snprintf(text + len, SPACE - (size_t)len, "%c%s", m ? ',' : '{', members[order[m]]);
        text[len++] = '}';
        corpus->inputs[i] = (struct library_input){.text = text, .len = (size_t)len};
        corpus->len += (size_t)len;
    }
    return corpus;
}

static void decode(struct corpus *corpus, struct swipe_hint *hint) {
    struct swipe swipe;
    struct reject_detail detail;
    for (size_t i = 0; i < SWIPES * PASSES; i++) {
        const struct library_input *input = &corpus->inputs[i % SWIPES];
        CHECK(decode_swipe(&fields, hint, input->text, input->len, &swipe, &detail) == REASON_applied);
        corpus->sink +=
            (uint64_t)swipe.occurred_at.ms + swipe.employee.len + swipe.site.len + swipe.result.len;
    }
}

static void run_with_hint(void *context) {
    struct corpus *corpus = context;
    decode(corpus, &corpus->hint);
}

static void run_without_hint(void *context) {
    decode(context, NULL);
}

static void run_floor(void *context) {
    struct corpus *corpus = context;
    for (size_t pass = 0; pass < PASSES; pass++)
        for (size_t i = 0; i + 8 <= corpus->len; i += 8) {
            uint64_t word;
            memcpy(&word, corpus->bytes + i, sizeof word);
            corpus->sink += word;
        }
}

struct library_run {
    const struct library *library;
    struct corpus *corpus;
};

static void run_library(void *context) {
    struct library_run *run = context;
    for (size_t pass = 0; pass < PASSES; pass++)
        run->corpus->sink += run->library->decode(run->corpus->inputs, SWIPES);
}

/* Instants */

static const char *instant_of(const struct corpus *corpus, size_t i) {
    return strstr(corpus->inputs[i].text, "\"2023-") + 1;
}

#define INSTANT_BYTES 29 /* 2023-03-01T09:00:00.000-07:00 */

static void run_rfc3339(void *context) {
    struct corpus *corpus = context;
    for (size_t i = 0; i < SWIPES; i++) {
        int64_t ms;
        int32_t offset_s;
        CHECK(rfc3339_parse(instant_of(corpus, i), INSTANT_BYTES, &ms, &offset_s));
        corpus->sink += (uint64_t)ms;
    }
}

/* What finding the instants costs: taken off from each. */
static void run_find(void *context) {
    struct corpus *corpus = context;
    for (size_t i = 0; i < SWIPES; i++)
        corpus->sink += (uint64_t)*instant_of(corpus, i);
}

static void run_strptime(void *context) {
    struct corpus *corpus = context;
    char *(*const parse)(const char *, const char *, struct tm *) = strptime;
    for (size_t i = 0; i < SWIPES; i++) {
        struct tm tm = {0};
        char *end = parse(instant_of(corpus, i), "%Y-%m-%dT%H:%M:%S", &tm);
        CHECK(end != NULL);
        long ms = strtol(end + 1, &end, 10);
        CHECK(parse(end, "%z", &tm) != NULL);
        long offset_s = tm.tm_gmtoff;
        corpus->sink += (uint64_t)((timegm(&tm) - offset_s) * 1000 + ms);
    }
}

static void run_sscanf(void *context) {
    struct corpus *corpus = context;
    for (size_t i = 0; i < SWIPES; i++) {
        struct tm tm = {0};
        char text[INSTANT_BYTES + 1], sign;
        int ms, hours, minutes;
        memcpy(text, instant_of(corpus, i), INSTANT_BYTES);
        text[INSTANT_BYTES] = '\0';
        CHECK(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3d%c%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                     &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms, &sign, &hours, &minutes) == 10);
        tm.tm_year -= 1900;
        tm.tm_mon--;
        corpus->sink +=
            (uint64_t)((timegm(&tm) + (sign == '-' ? 60 : -60) * (hours * 60 + minutes)) * 1000 + ms);
    }
}

enum { HINT, NO_HINT, SHUFFLED_HINT, SHUFFLED_NO_HINT, FLOOR, FIND, RFC3339, STRPTIME, SSCANF, LIBRARY };

/* Targets of the libraries: what a schema and an expected order of keys have to be worth. */
static void print_rows(const struct measure_subject *s, size_t count, const struct measure_quality *quality) {
    const double ns = 1e9 / (SWIPES * PASSES);
    double rfc3339 = s[RFC3339].median - s[FIND].median;
    struct measure_row rows[8 + 2 * LIBRARIES_MAX] = {
        {"keys in one order", s[HINT].median * ns, "ns", ""},
        {"keys in any order", s[SHUFFLED_HINT].median * ns, "ns", ""},
        {"keys in one order", s[HINT].median / s[FLOOR].median, "time of touching every byte", ""},
        {"without a hint", s[NO_HINT].median / s[HINT].median, "time of one with a hint", ""},
        {"instants, by strptime", (s[STRPTIME].median - s[FIND].median) / rfc3339, "time of ours", ">= 6"},
        {"instants, by sscanf", (s[SSCANF].median - s[FIND].median) / rfc3339, "time of ours", ">= 20"},
    };
    size_t used = 6;
    char what[2 * LIBRARIES_MAX][64];
    for (size_t i = LIBRARY; i < count; i++) {
        bool any_order = (i - LIBRARY) % 2;
        double ours = s[any_order ? SHUFFLED_HINT : HINT].median;
        bool is_simdjson = strcmp(s[i].name, "simdjson") == 0, is_yyjson = strcmp(s[i].name, "yyjson") == 0;
        snprintf(what[i - LIBRARY], sizeof what[0], "%s, keys in %s order", s[i].name,
                 any_order ? "any" : "one");
        const char *target = any_order     ? (is_yyjson ? ">= 1.3" : "")
                             : is_yyjson   ? ">= 3"
                             : is_simdjson ? ">= 2.3"
                                           : "";
        rows[used++] = (struct measure_row){what[i - LIBRARY], s[i].median / ours, "time of ours", target};
    }
    measure_print(rows, used, quality);
}

int main(void) {
    struct corpus *alike = corpus_new(false), *shuffled = corpus_new(true);
    struct library_run runs[2 * LIBRARIES_MAX];
    struct measure_subject s[LIBRARY + 2 * LIBRARIES_MAX] = {
        [HINT] = {.name = "like the last", .run = run_with_hint, .context = alike},
        [NO_HINT] = {.name = "without hint", .run = run_without_hint, .context = alike},
        [SHUFFLED_HINT] = {.name = "keys in any order", .run = run_with_hint, .context = shuffled},
        [SHUFFLED_NO_HINT] = {.name = "the same without hint", .run = run_without_hint, .context = shuffled},
        [FLOOR] = {.name = "touch every byte", .run = run_floor, .context = alike},
        [FIND] = {.name = "find", .run = run_find, .context = alike},
        [RFC3339] = {.name = "rfc3339_parse", .run = run_rfc3339, .context = alike},
        [STRPTIME] = {.name = "strptime", .run = run_strptime, .context = alike},
        [SSCANF] = {.name = "sscanf", .run = run_sscanf, .context = alike},
    };
    size_t count = LIBRARY;
    for (size_t i = 0; i < libraries_count; i++)
        for (size_t k = 0; k < 2; k++, count++) {
            runs[2 * i + k] = (struct library_run){.library = &libraries[i], .corpus = k ? shuffled : alike};
            s[count] = (struct measure_subject){
                .name = libraries[i].name, .run = run_library, .context = &runs[2 * i + k]};
        }
    struct measure_quality quality = measure_interleaved(s, count, REPETITIONS);
    print_rows(s, count, &quality);
    bool is_odd = alike->sink == shuffled->sink; /* so that none of the work is for nothing */
    free(alike);
    free(shuffled);
    return is_odd;
}
