/* `rollcall demo`: the whole thing on an embedded broker with a made-up company (SPEC 8): the log goes into a
 * broker, the workers of `run` read it, and what they published is read back and told. The company's log ends
 * now, because the workers close days by the wall clock once they have read everything. Main thread. */
#include "arguments.h"
#include "clocks.h"
#include "commands.h"
#include "company_files.h"
#include "daemon.h"
#include "demo_broker.h"
#include "demo_print.h"
#include "demo_story.h"
#include "event_log.h"
#include "sink.h"
#include "terminal.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PEOPLE_DEFAULT   5000
#define PEOPLE_MIN       100
#define PEOPLE_MAX       30000
#define WEEKS_DEFAULT    10
#define WEEKS_MIN        8
#define WEEKS_MAX        26
#define PERSON_WEEKS_MAX 250000 /* the embedded broker keeps everything in memory: 2 GB */
#define WORKERS          2
#define BAR_CELLS        24
#define DAY_MS           INT64_C(86400000)

/* Compressed, records of the company take about 60 bytes; a partition of the embedded broker holds 5 MiB. */
#define RECORDS_PER_PARTITION 40000
#define PARTITIONS_MIN        8

static const char help[] =
    "usage: rollcall demo [OPTION...]\n"
    "\n"
    "Shows rollcall at work, in about a quarter of a minute: a broker within this process, the log of a "
    "made-up company\n"
    "in three time zones, two workers of `rollcall run`, and a summary of what they published. It needs no "
    "Kafka, and\n"
    "leaves nothing behind. Nobody in it is real.\n"
    "\n"
    "  --people N   100 to 30000 (5000)\n"
    "  --weeks W    8 to 26 weeks that end now (10)\n"
    "  --seed S     another company (1)\n"
    "  --keep DIR   keep the configuration, the log and the state records there, for `rollcall replay`\n"
    "  --help       print this\n"
    "\n"
    "Colours and block characters are used if the terminal and the "
    "locale have them and NO_COLOR is not "
    "set.\n";

struct demo {
    struct terminal terminal;
    struct company_setup setup;
    const char *keep; /* or NULL */
    int64_t now_ms;
    struct config *config;
    struct demo_broker *broker;
    struct story story;
    struct sink kept_states;
    struct demo_totals totals;
};

static bool read_options(struct demo *demo, uint64_t *weeks, int argc, char **argv) {
    static const struct option names[] = {{"people", required_argument, NULL, 'p'},
                                          {"weeks", required_argument, NULL, 'w'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"keep", required_argument, NULL, 'k'},
                                          {0}};
    uint64_t people = PEOPLE_DEFAULT;
    demo->setup.seed = 1;
    *weeks = WEEKS_DEFAULT;
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        bool is_right = option != '?';
        if (option == 'p')
            is_right = argument_number("--people", optarg, PEOPLE_MIN, PEOPLE_MAX, &people);
        else if (option == 'w')
            is_right = argument_number("--weeks", optarg, WEEKS_MIN, WEEKS_MAX, weeks);
        else if (option == 's')
            is_right = argument_number("--seed", optarg, 0, UINT64_MAX, &demo->setup.seed);
        else
            demo->keep = optarg;
        if (!is_right)
            return false;
    }
    demo->setup.people = (uint32_t)people;
    if (people * *weeks > PERSON_WEEKS_MAX) {
        fprintf(
            stderr,
            "rollcall: people x weeks may be %d at most: the embedded broker keeps everything in memory\n",
            PERSON_WEEKS_MAX);
        return false;
    }
    if (optind < argc)
        fprintf(stderr, "rollcall: demo takes no argument '%s'\n", argv[optind]);
    return optind == argc;
}

/* So many whole weeks, and the one that has begun. */
static void choose_days(struct demo *demo, uint64_t weeks) {
    demo->now_ms = wall_now().ms;
    civil_day today = {(int32_t)(demo->now_ms / DAY_MS)};
    demo->setup.from = day_plus(today, -(int32_t)(day_weekday(today) + weeks * WEEK_DAYS));
    demo->setup.to = day_plus(today, 1); /* it has begun east of here */
    demo->setup.end_ms = demo->now_ms;
}

/* ---- progress ---- */

static double seconds_now(void) {
    return (double)monotonic_ms() / 1000;
}

struct progress {
    const struct terminal *terminal;
    const char *label;
    uint64_t total;
    double begun, shown; /* seconds */
    uint64_t quarter;    /* told last, without a terminal */
};

static struct progress progress_begin(const struct demo *demo, const char *label) {
    return (struct progress){&demo->terminal, label, demo->totals.sent, seconds_now(), 0, 0};
}

static void draw_progress(struct progress *p, uint64_t done) {
    const struct terminal *t = p->terminal;
    char number[COUNT_TEXT_BYTES];
    double share = p->total ? (double)done / (double)p->total : 1;
    fprintf(t->out, "%s  %-18s ", t->is_tty ? "\r" : "", p->label);
    if (t->is_tty) {
        terminal_ink(t, INK_GREEN);
        unsigned cells = terminal_bar(t, share, BAR_CELLS);
        terminal_ink(t, INK_DIM);
        terminal_repeat(t, t->has_utf8 ? "░" : ".", BAR_CELLS - cells);
        terminal_ink(t, INK_PLAIN);
    }
    fprintf(t->out, " %3u %%  %11s records %5.1f s", (unsigned)(100 * share), count_text(done, number),
            seconds_now() - p->begun);
    if (!t->is_tty)
        fputc('\n', t->out);
    fflush(t->out);
}

/* Ten times a second on a terminal; at each quarter, as a line, elsewhere. */
static void progress_show(struct progress *p, uint64_t done) {
    double now = seconds_now();
    uint64_t quarter = p->total ? done * 4 / p->total : 4;
    bool is_due = p->terminal->is_tty ? now - p->shown > 0.1 : quarter > p->quarter && quarter < 4;
    if (!is_due)
        return;
    p->shown = now;
    p->quarter = quarter;
    draw_progress(p, done);
}

static void progress_end(struct progress *p, uint64_t done) {
    draw_progress(p, done);
    if (p->terminal->is_tty)
        fputc('\n', p->terminal->out);
}

/* ---- the acts ---- */

static struct config *load_config(struct demo *demo) {
    char folder[] = "/tmp/rollcall-demo.XXXXXX", path[4096], bootstrap[256];
    const char *used = demo->keep ? demo->keep : mkdtemp(folder);
    if (used == NULL) {
        fprintf(stderr, "rollcall: cannot make a folder in /tmp: %s\n", strerror(errno));
        return NULL;
    }
    snprintf(bootstrap, sizeof bootstrap, "kafka.bootstrap.servers=%s", demo_broker_address(demo->broker));
    const char *const sets[] = {bootstrap, "kafka.group.id=" DEMO_GROUP, "workers=2",
                                "time.allow_create_time=true"};
    struct config *config = NULL;
    if (company_files_write(&demo->setup, used) &&
        snprintf(path, sizeof path, "%s/rollcall.yaml", used) < (int)sizeof path)
        config = config_load(path, sets, sizeof sets / sizeof sets[0], CONFIG_FOR_RUN, false, stderr);
    if (demo->keep == NULL)
        company_files_remove(used);
    return config;
}

static void count_records(struct demo *demo, struct company *company) {
    struct company_record record;
    while (company_next(company, &record)) {
        demo->totals.sent++;
        demo->totals.calendar += record.topic == TOPIC_CALENDAR;
    }
}

/* The log goes to the broker and, if it is kept, to a file. */
static bool send_log(struct demo *demo) {
    struct company *company = company_new(&demo->setup, demo->config->rules.zones);
    struct progress progress = progress_begin(demo, "filling the broker");
    struct company_record record;
    struct sink kept;
    char path[4096], line[COMPANY_LINE_BYTES];
    uint64_t sent = 0;
    bool is_right = true;
    if (demo->keep) {
        snprintf(path, sizeof path, "%s/log.ndjson", demo->keep);
        is_right = sink_open(&kept, path);
    }
    while (is_right && company_next(company, &record)) {
        if (demo->keep)
            sink_write(&kept, line, company_print_line(company, &record, line));
        is_right = demo_broker_send(demo->broker, &record);
        if (++sent % 1024 == 0)
            progress_show(&progress, sent);
    }
    is_right = is_right && demo_broker_flush(demo->broker);
    if (is_right)
        progress_end(&progress, sent);
    company_free(&company);
    return is_right && (demo->keep == NULL || sink_close(&kept));
}

static void wait_until_read(struct demo *demo, struct daemon *daemon, struct outcome *outcome) {
    struct progress progress = progress_begin(demo, "workers join");
    struct daemon_progress now = {0};
    double begun = 0;
    bool is_joined = false;
    while (!now.caught_up && outcome_code(outcome) == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        daemon_progress(daemon, &now);
        if (now.sum.has_assignment && !is_joined) {
            is_joined = true;
            demo_broker_answer_late(demo->broker, false);
        }
        if (now.sum.records > 0 && begun == 0) {
            begun = seconds_now();
            progress.label = "workers read";
        }
        progress_show(&progress, now.sum.records);
    }
    demo->totals.seconds = seconds_now() - begun;
    demo->totals.memory_bytes = now.sum.memory_bytes;
    progress_end(&progress, now.sum.records);
}

/* Fetches that find nothing wait for all of fetch.wait.max.ms, and a busy machine must not cost a membership.
 */
static const struct kafka_property for_the_broker[] = {
    {(char *)(uintptr_t) "session.timeout.ms", (char *)(uintptr_t) "30000"},
    {(char *)(uintptr_t) "fetch.wait.max.ms", (char *)(uintptr_t) "10"},
};

static bool work(struct demo *demo) {
    struct outcome outcome = OUTCOME_INITIALIZER;
    const struct daemon_setup setup = {
        .handles = {.config = demo->config, .extra = for_the_broker, .extra_count = 2},
        .has_dynamic_members = true,
        .reports_the_end = true};
    struct cluster_shape shape;
    struct births births;
    struct daemon *daemon = NULL;
    if (cluster_check(&setup.handles, NULL, &outcome, &shape) &&
        cluster_write_births(&setup.handles, &outcome, &shape, &births)) {
        demo_broker_answer_late(demo->broker, true);
        daemon = daemon_start(&setup, &shape, &outcome);
    }
    if (daemon != NULL) {
        struct worker_progress totals;
        wait_until_read(demo, daemon, &outcome);
        daemon_stop_shared(daemon);
        daemon_finish(&daemon, &totals);
        demo->totals.read = totals.records;
        demo->totals.written = totals.state_records;
        memcpy(demo->totals.reasons, totals.reasons, sizeof totals.reasons);
    }
    if (outcome_code(&outcome) != 0)
        fprintf(stderr, "rollcall: %s\n", outcome.text);
    return outcome_code(&outcome) == 0;
}

static void take_state(const struct demo_output *record, void *opaque) {
    struct demo *demo = opaque;
    story_add(record, &demo->story);
    if (demo->keep && record->value) {
        sink_write(&demo->kept_states, record->value, record->value_len);
        sink_write(&demo->kept_states, "\n", 1);
    }
}

static void take_reject(const struct demo_output *record, void *opaque) {
    struct demo *demo = opaque;
    (void)record;
    demo->totals.rejects_read++;
}

static bool read_back(struct demo *demo) {
    char path[4096];
    if (demo->keep) {
        snprintf(path, sizeof path, "%s/state.ndjson", demo->keep);
        if (!sink_open(&demo->kept_states, path))
            return false;
    }
    return demo_broker_read(demo->broker, OUTPUT_STATE, take_state, demo) &&
           demo_broker_read(demo->broker, OUTPUT_REJECTS, take_reject, demo) &&
           (demo->keep == NULL || sink_close(&demo->kept_states));
}

/* A demo whose numbers do not add up must not look as if they did. */
static bool adds_up(const struct demo *demo) {
    const struct demo_totals *totals = &demo->totals;
    uint64_t ended = 0, rejected = 0;
    for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
        ended += totals->reasons[reason];
        rejected += reason_kind(reason) == REASON_KIND_REJECTED ? totals->reasons[reason] : 0;
    }
    const struct {
        const char *what;
        uint64_t a, b;
    } pairs[] = {
        {"records to be read and read", demo_totals_to_read(totals), totals->read},
        {"records read and accounted for", totals->read, ended},
        {"rejects written and read back", rejected, totals->rejects_read},
        {"state records written and read back", totals->written,
         demo->story.records + demo->story.tombstones},
        {"state records that could not be read, and none", demo->story.broken, 0},
    };
    bool is_right = true;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].a != pairs[i].b) {
            fprintf(stderr, "rollcall: %s differ: %" PRIu64 ", %" PRIu64 "\n", pairs[i].what, pairs[i].a,
                    pairs[i].b);
            is_right = false;
        }
    if (demo_broker_lost(demo->broker)) {
        fprintf(stderr, "rollcall: the embedded broker has dropped records\n");
        is_right = false;
    }
    return is_right;
}

static void print_summary(const struct demo *demo) {
    const struct story_person *chosen[STORY_CHOSEN];
    struct strip strips[STORY_CHOSEN] = {0};
    story_choose(&demo->story, chosen);
    story_draw_strips(&demo->setup, demo->config, chosen, STORY_CHOSEN, demo->now_ms, strips);
    demo_print_statuses(&demo->terminal, &demo->story, demo->now_ms);
    demo_print_weeks(&demo->terminal, &demo->story);
    demo_print_people(&demo->terminal, chosen, strips,
                      demo->config->rules.policies.list[0].versions[0].tolerance_days);
    demo_print_counts(&demo->terminal, &demo->story, &demo->totals);
    const char *folder = demo->keep ? demo->keep : "DIR", *who = "ID";
    for (size_t i = STORY_CHOSEN; i > 0; i--)
        who = chosen[i - 1] ? chosen[i - 1]->id : who;
    printf("\n  Next: %srollcall explain -c %s/rollcall.yaml \\\n          --employee %s %s/log.ndjson\n",
           demo->keep ? "" : "rollcall demo --keep DIR, then ", folder, who, folder);
}

static void print_opening(const struct demo *demo, uint32_t contractors) {
    char people[COUNT_TEXT_BYTES], from[CIVIL_TEXT_BYTES];
    civil_print(demo->setup.from, from);
    demo_print_heading(&demo->terminal, "rollcall demo", "all data is made up: nobody in it is real");
    printf("  %s people and %" PRIu32 " contractors at 6 sites in 3 zones, %s to now.\n"
           "  Of most, 3 days a week in the office are required, of some 2, of a few none.\n\n",
           count_text(demo->setup.people, people), contractors, from);
}

static bool play(struct demo *demo) {
    demo->broker = demo_broker_new();
    demo->config = demo->broker ? load_config(demo) : NULL;
    struct company *company = demo->config ? company_new(&demo->setup, demo->config->rules.zones) : NULL;
    if (company == NULL)
        return false;
    print_opening(demo, company_people_count(company) - demo->setup.people);
    count_records(demo, company);
    demo->totals.workers = WORKERS;
    demo->totals.partitions = (uint32_t)(demo->totals.sent / RECORDS_PER_PARTITION + 1);
    if (demo->totals.partitions < PARTITIONS_MIN)
        demo->totals.partitions = PARTITIONS_MIN;
    story_init(&demo->story, company, demo->setup.from, &demo->config->rules, demo->now_ms);
    bool is_right = demo_broker_make_topics(demo->broker, demo->config, demo->totals.partitions) &&
                    send_log(demo) && work(demo) && read_back(demo) && adds_up(demo);
    if (is_right)
        print_summary(demo);
    company_free(&company);
    return is_right;
}

int demo_command(int argc, char **argv) {
    struct demo demo = {0};
    uint64_t weeks;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return EX_OK;
    }
    if (!read_options(&demo, &weeks, argc, argv)) {
        fprintf(stderr, "rollcall demo --help says more.\n");
        return EX_USAGE;
    }
    log_set_level(LOG_LEVEL_ERROR);
    terminal_init(&demo.terminal, stdout);
    choose_days(&demo, weeks);
    bool is_right = play(&demo);
    story_fini(&demo.story);
    demo_broker_free(&demo.broker);
    config_free(&demo.config);
    return is_right && fflush(stdout) == 0 ? EX_OK : EXIT_FAILURE;
}
