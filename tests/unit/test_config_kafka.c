/* The kafka section: the allow-list against librdkafka itself, and that no secret is taken inline or printed.
 */
#include "config_fixture.h"
#include "kafka.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>

static void expect_known(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char error[256];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK &&
        strstr(error, "not supported in this build") == NULL)
        fail_msg("%s: %s", name, error);
}

/* What we let through, librdkafka takes. */
static void librdkafka_knows_what_is_allowed(void **state) {
    (void)state;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < kafka_rows_count; i++) {
        const struct kafka_row *row = &kafka_rows[i];
        char value[32], words[64];
        switch (row->kind) {
        case KAFKA_ROW_INTEGER:
            snprintf(value, sizeof value, "%" PRId64, row->low);
            expect_known(conf, row->name, value);
            snprintf(value, sizeof value, "%" PRId64, row->high);
            expect_known(conf, row->name, value);
            break;
        case KAFKA_ROW_WORD:
            snprintf(words, sizeof words, "%s", row->text);
            for (char *rest, *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
                expect_known(conf, row->name, word);
            break;
        case KAFKA_ROW_TEXT:
        case KAFKA_ROW_SECRET:
            expect_known(conf, row->name, strcmp(row->name, "debug") == 0 ? "broker" : "text");
            break;
        case KAFKA_ROW_REFUSED:
            assert_true(strlen(row->text) > 0);
        }
    }
    rd_kafka_conf_destroy(conf);
}

static void each_property_has_its_range(void **state) {
    (void)state;
    for (size_t i = 0; i < kafka_rows_count; i++) {
        const struct kafka_row *row = &kafka_rows[i];
        if (row->kind != KAFKA_ROW_INTEGER)
            continue;
        for (int end = 0; end < 4; end++) {
            int64_t value = end < 2 ? row->low - end : row->high + end - 2;
            char set[128];
            snprintf(set, sizeof set, "kafka.%s=%" PRId64, row->name, value);
            /* one bound of it is that of another property */
            bool is_poll = strcmp(row->name, "max.poll.interval.ms") == 0 ||
                           strcmp(row->name, "session.timeout.ms") == 0;
            struct loaded loaded = load((struct load){
                .sets = {set, is_poll ? "kafka.heartbeat.interval.ms=1" : NULL,
                         strcmp(row->name, "max.poll.interval.ms") == 0 ? "kafka.session.timeout.ms=1" : NULL,
                         NULL}});
            bool is_refused = strstr(loaded.text, ": expected an integer, ") != NULL;
            assert_true(is_refused == (end % 2 == 1));
            unload(&loaded);
        }
    }
}

static void wrong_values_are_refused(void **state) {
    (void)state;
    expect((struct load){.settings = SETTINGS "kafka:\n"
                                              "  linger.ms: soon\n"
                                              "  batch.size: 0x10\n"
                                              "  compression.type: rar\n"
                                              "  socket.keepalive.enable: yes\n"
                                              "  client.id: ''\n"
                                              "  group.id: null\n"
                                              "  bootstrap.servers: [a, b]\n"
                                              "  sasl: {password: p}\n"
                                              "  nosuch: 1\n"},
           "r.yaml:5: kafka.linger.ms: expected an integer, 0 to 900000\n"
           "r.yaml:6: kafka.batch.size: expected an integer, 1 to 2147483647\n"
           "r.yaml:7: kafka.compression.type: expected one of: none gzip snappy lz4 zstd\n"
           "r.yaml:8: kafka.socket.keepalive.enable: expected one of: true false\n"
           "r.yaml:9: kafka.client.id: expected a text of 1 to 4096 bytes\n"
           "r.yaml:10: kafka.group.id: expected a text of 1 to 4096 bytes\n"
           "r.yaml:11: kafka.bootstrap.servers: expected a text of 1 to 4096 bytes\n"
           "r.yaml:12: kafka.sasl: not among the properties that may be set; allowed: those listed in "
           "docs/configuration.md\n"
           "r.yaml:13: kafka.nosuch: not among the properties that may be set; allowed: those listed in "
           "docs/configuration.md\n");
    expect_fine(
        (struct load){.settings = SETTINGS "kafka: {compression.type: LZ4, linger.ms: '5', client.id: 7}\n"});
    expect((struct load){.settings =
                             SETTINGS "kafka: {session.timeout.ms: 45000,\n max.poll.interval.ms: 44999}\n"},
           "r.yaml:4: kafka.max.poll.interval.ms: must not be less than kafka.session.timeout.ms\n");
    expect_fine((struct load){.settings = SETTINGS
                              "kafka: {session.timeout.ms: 45000,\n max.poll.interval.ms: 45000}\n"});
}

static void what_guards_correctness_is_refused(void **state) {
    (void)state;
    /* named in the specification of the task: these must never become settable */
    static const char *const names[] = {"enable.auto.commit",
                                        "isolation.level",
                                        "transactional.id",
                                        "enable.idempotence",
                                        "auto.offset.reset",
                                        "enable.partition.eof",
                                        "partition.assignment.strategy",
                                        "plugin.library.paths",
                                        "ssl.engine.location",
                                        "ssl.providers",
                                        "acks",
                                        "check.crcs",
                                        "enable.ssl.certificate.verification",
                                        "sasl.kerberos.kinit.cmd",
                                        "allow.auto.create.topics"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char set[128], expected[128];
        snprintf(set, sizeof set, "kafka.%s=true", names[i]);
        snprintf(expected, sizeof expected, "--set: kafka.%s may not be set: ", names[i]);
        struct loaded loaded = load((struct load){.sets = {set}});
        assert_null(loaded.config);
        assert_non_null(strstr(loaded.text, expected));
        unload(&loaded);
    }
}

#define CANARY "c4n4ry-p4ssw0rd"

/* Wherever a secret can be written by mistake, it is refused and not printed. */
static void no_secret_is_printed(void **state) {
    (void)state;
    static const char *const sections[] = {
        "kafka: {sasl.password: " CANARY "}\n",
        "kafka: {ssl.key.password: '" CANARY "'}\n",
        "kafka: {sasl.password: [" CANARY "]}\n",
        "kafka: {sasl.password: {x: " CANARY "}}\n",
        "kafka: {sasl.password.file: " CANARY "}\n",
        "kafka: {sasl.password.file: [" CANARY "]}\n",
        "kafka: {linger.ms: " CANARY "}\n",
        "kafka: {compression.type: " CANARY "}\n",
        "kafka: {nosuch: " CANARY "}\n",
        "kafka: {isolation.level: " CANARY "}\n",
        "kafka: " CANARY "\n",
        "kafka: [" CANARY "]\n",
        "kafka: &a " CANARY "\n",
        "kafka: {sasl.password: !" CANARY " x}\n",
        "kafka: {sasl.password: *" CANARY "}\n",
        "kafka: {sasl.password: \"" CANARY "\n",
        "kafka:\n  sasl.password: a: " CANARY "\n",
        "http: " CANARY "\n",
        "time: {settle: " CANARY "}\n",
    };
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        char settings[256];
        snprintf(settings, sizeof settings, SETTINGS "%s", sections[i]);
        struct loaded loaded = load((struct load){.settings = settings, .use = CONFIG_FOR_RUN, .warn = true});
        if (loaded.config != NULL || strstr(loaded.text, CANARY) != NULL)
            fail_msg("%s: %s", sections[i], loaded.text);
        unload(&loaded);
    }
    struct loaded loaded = load((struct load){.sets = {"kafka.sasl.password=" CANARY}});
    assert_string_equal(loaded.text, "--set: kafka.sasl.password: secrets are not written here; allowed: "
                                     "kafka.sasl.password.file, the path of a file with mode 0600 or 0400\n");
    unload(&loaded);
}

#define SECRET_SETTINGS                                                                                      \
    SETTINGS "time: {complete_from: 2023-05-01}\nkafka:\n  bootstrap.servers: b\n  group.id: g\n  "          \
             "sasl.password.file: secret\n"

static void secrets_are_read_from_files(void **state) {
    (void)state;
    static const struct {
        const char *content, *secret; /* NULL: refused */
        mode_t mode;
    } cases[] = {
        {"hunter2\n", "hunter2", 0600},
        {"hunter2", "hunter2", 0400},
        {"hunter2\r\n", "hunter2", 0600},
        {" two words \n\n", " two words \n", 0600},
        {"hunter2\n", NULL, 0640},
        {"hunter2\n", NULL, 0604},
        {"hunter2\n", NULL, 0700},
        {"\n", NULL, 0600},
        {"", NULL, 0600},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct loaded loaded = load((struct load){.settings = SECRET_SETTINGS,
                                                  .secret = cases[i].content,
                                                  .mode = cases[i].mode,
                                                  .use = CONFIG_FOR_RUN});
        assert_true((loaded.config != NULL) == (cases[i].secret != NULL));
        if (loaded.config != NULL) {
            assert_int_equal(loaded.config->kafka_count, 3);
            assert_string_equal(loaded.config->kafka[2].name, "sasl.password");
            assert_string_equal(loaded.config->kafka[2].value, cases[i].secret);
        } else {
            assert_non_null(strstr(loaded.text, "r.yaml:8: kafka.sasl.password.file: the file "));
        }
        unload(&loaded);
    }
    for (size_t size = 4096; size <= 4097; size++) {
        char content[4098] = "";
        memset(content, 'x', size);
        struct loaded loaded =
            load((struct load){.settings = SECRET_SETTINGS, .secret = content, .use = CONFIG_FOR_RUN});
        assert_true((loaded.config != NULL) == (size == 4096));
        unload(&loaded);
    }
    expect((struct load){.settings = SECRET_SETTINGS, .use = CONFIG_FOR_RUN},
           "r.yaml:8: kafka.sasl.password.file: the file cannot be opened: No such file or directory\n");
    expect((struct load){.settings = SECRET_SETTINGS,
                         .sets = {"kafka.sasl.password.file=/"},
                         .use = CONFIG_FOR_RUN},
           "--set: kafka.sasl.password.file: the file is not a file\n");
    /* replay needs no secret and opens none; only the form is checked */
    expect_fine((struct load){.settings = SECRET_SETTINGS, .use = CONFIG_FOR_REPLAY});
    expect((struct load){.sets = {"kafka.sasl.password.file="}},
           "--set: kafka.sasl.password.file: expected a path\n");
    expect((struct load){.sets = {"kafka.linger.ms.file=x"}},
           "--set: kafka.linger.ms.file: not among the properties that may be set; allowed: those listed in "
           "docs/configuration.md\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(librdkafka_knows_what_is_allowed),
    cmocka_unit_test(each_property_has_its_range),
    cmocka_unit_test(wrong_values_are_refused),
    cmocka_unit_test(what_guards_correctness_is_refused),
    cmocka_unit_test(no_secret_is_printed),
    cmocka_unit_test(secrets_are_read_from_files),
};

UNIT_TEST_MAIN(tests)
