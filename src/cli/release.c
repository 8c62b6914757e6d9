/* `rollcall release`: tells the daemon, by the calendar, that what the guard holds back for a site (or for
 * the people without one in a zone) may be published (SPEC 5). Main thread. */
#include "cluster.h"
#include "commands.h"
#include "config_arguments.h"
#include "encode.h"
#include "producer.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: rollcall release -c FILE --site S [--set KEY=VALUE]...\n"
    "\n"
    "Lets what the guard holds back for a site be published: writes a release to the calendar topic and "
    "waits until\n"
    "the brokers have it. People without a home site are released by the name of their home zone.\n"
    "\n"
    "  -c, --config FILE   rollcall.yaml\n"
    "  --site S            a site of the site file, or a zone\n"
    "  --set KEY=VALUE     in place of a value of the configuration; repeatable\n"
    "  --help              print this\n"
    "\n"
    "Exit codes: 0 the brokers have it, 1 they refused it, 64 usage, or no such site, 75 the cluster cannot "
    "be "
    "reached,\n"
    "78 configuration, or no calendar is read.\n";

struct options {
    struct config_arguments config;
    const char *site;
};

static bool read_option(struct options *options, int option) {
    switch (option) {
    case 'S':
        options->site = optarg;
        return true;
    default:
        return config_arguments_take(&options->config, option);
    }
}

static bool read_options(struct options *options, int argc, char **argv) {
    static const struct option names[] = {
        CONFIG_OPTION, {"site", required_argument, NULL, 'S'}, SET_OPTION, {0}};
    for (int option; (option = getopt_long(argc, argv, CONFIG_SHORT_OPTIONS, names, NULL)) != -1;)
        if (!read_option(options, option))
            return false;
    return options->config.path != NULL && options->site != NULL && optind == argc;
}

/* SPEC 2: a release is of a site of the site file or of a zone. */
static bool is_known(const struct config *config, const char *site) {
    size_t len = strlen(site);
    if (sites_find(&config->rules.sites, site, len) != SITE_NONE)
        return true;
    if (zones_find(config->rules.zones, site, len) != ZONE_NONE)
        return true;
    fprintf(stderr, "rollcall: '%s' is neither a site of %s nor a zone\n", site,
            config->sites_path ? config->sites_path : "a site file (none is configured)");
    return false;
}

/* What the callbacks of the producer know. */
struct work {
    struct outcome outcome;
    atomic_bool stop;
    int64_t offset; /* of the record; negative: not there */
};

static bool has_failed(void *owner) {
    struct work *work = owner;
    return outcome_code(&work->outcome) != 0;
}

static void delivered(void *owner, uintptr_t tag, int64_t offset) {
    struct work *work = owner;
    (void)tag;
    work->offset = offset;
}

static bool topic_is_there(const struct handle_setup *handles, struct outcome *outcome, const char *topic) {
    uint32_t partitions;
    if (!cluster_count_partitions(handles, NULL, outcome, &topic, &partitions, 1))
        return false;
    if (partitions == 0)
        outcome_fail(outcome, EX_CONFIG, "there is no topic %s: `rollcall init` makes what is missing",
                     topic);
    return partitions > 0;
}

static void write_release(struct work *work, struct producer *producer, const char *topic, const char *site) {
    char value[6 * ID_BYTES_MAX + 64] = "{\"site_id\":";
    size_t len = strlen(value);
    len += encode_json_string(value + len, site, strlen(site));
    len += (size_t)snprintf(value + len, sizeof value - len, ",\"kind\":\"release\"}");
    struct destination to = {.topic = topic, .partition = RD_KAFKA_PARTITION_UA, .tag = 1};
    struct out_record record = {.key = site, .key_len = strlen(site), .value = value, .value_len = len};
    if (producer_send(producer, &to, &record) == ERROR_CLASS_NONE && producer_flush(producer) &&
        work->offset >= 0)
        return;
    if (producer->failed_deliveries > 0)
        outcome_fail(&work->outcome, EXIT_FAILURE,
                     "%s did not take the release: the line above says why. Nothing is released", topic);
    else
        outcome_fail(&work->outcome, EX_TEMPFAIL,
                     "the brokers did not answer: whether the release was written is not known. Write it "
                     "again: twice does no harm");
}

static int release(const struct config *config, const char *site) {
    struct work work = {.outcome = OUTCOME_INITIALIZER, .offset = -1};
    const char *topic = config->topics[TOPIC_CALENDAR];
    struct producer_setup setup = {
        .handles = {.config = config},
        .outcome = &work.outcome,
        .name = "rollcall-release",
        .group = "",
        .has_failed = has_failed,
        .stop = &work.stop,
        .delivered = delivered,
        .owner = &work,
    };
    struct producer producer;
    producer_init(&producer, &setup);
    if (topic_is_there(&setup.handles, &work.outcome, topic) && producer_open(&producer, 0))
        write_release(&work, &producer, topic, site);
    producer_close(&producer);
    if (outcome_code(&work.outcome) != 0)
        fprintf(stderr, "rollcall: %s\n", work.outcome.text);
    else
        printf("released %s: written to %s at offset %" PRId64
               "; what is held back for it is published when the daemon has read this\n",
               site, topic, work.offset);
    return outcome_code(&work.outcome);
}

int release_command(int argc, char **argv) {
    struct options options = {0};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return EX_OK;
    }
    if (!read_options(&options, argc, argv)) {
        fputs(help, stderr);
        return EX_USAGE;
    }
    struct config *config = config_arguments_load(&options.config, CONFIG_FOR_RUN, false);
    if (config == NULL)
        return EX_CONFIG;
    int code = EX_OK;
    if (config->topics[TOPIC_CALENDAR] == NULL) {
        fputs("rollcall: topics.calendar is null: no daemon would read the release\n", stderr);
        code = EX_CONFIG;
    } else if (!is_known(config, options.site)) {
        code = EX_USAGE;
    } else {
        code = release(config, options.site);
    }
    config_free(&config);
    return code;
}
