/* The hashes of policies and rules, and the warnings of what is legal but unwise. */
#include "config_fixture.h"

#include <openssl/evp.h>

static void sha256_hex(const char *text, char hex[65]) {
    uint8_t hash[32];
    assert_int_equal(EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL), 1);
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
}

static void expect_policy_hash(const char *policies, const char *canonical) {
    char hex[65];
    sha256_hex(canonical, hex);
    struct loaded loaded = load((struct load){.policies = policies});
    assert_string_equal(loaded.text, "");
    assert_string_equal(loaded.config->rules.policies.list[0].hash, hex);
    unload(&loaded);
}

/* The texts of docs/configuration.md, made by hand. */
static void a_policys_hash_is_that_of_its_canonical_text(void **state) {
    (void)state;
    expect_policy_hash("policies: [{id: office-3d, versions: [{effective_on: 2023-05-01}]}]",
                       "rollcall.policy.v1\n"
                       "id 9:office-3d\n"
                       "effective_on 2023-05-01\n"
                       "required_days 3\n"
                       "workdays mon tue wed thu fri\n"
                       "weekends_count false\n"
                       "accept 7:granted 15:granted_entered\n"
                       "grace_days 7\n"
                       "proration ratio\n"
                       "rule sliding tolerance_days 6\n");
    expect_policy_hash(
        "policies:\n"
        "- versions:\n"
        "  - {rule: {type: weekly, week_starts_on: sat}, effective_on: 2024-06-30, proration: cap}\n"
        "  - {effective_on: 2023-05-01, required_days: 5, workdays: [sun, mon], weekends_count: true,\n"
        "     accept: [b, a, ab], grace_days: 14, proration: ratio_down,\n"
        "     rule: {type: k_of_n, terms: [{short: 5, of: 8}, {short: 3, of: 4}], combine: or}}\n"
        "  id: \"a\\nb\"\n",
        "rollcall.policy.v1\n"
        "id 3:a\nb\n"
        "effective_on 2023-05-01\n"
        "required_days 5\n"
        "workdays mon sun\n"
        "weekends_count true\n"
        "accept 1:a 2:ab 1:b\n"
        "grace_days 14\n"
        "proration ratio_down\n"
        "rule k_of_n week_starts_on mon terms 5/8 3/4 combine or\n"
        "effective_on 2024-06-30\n"
        "required_days 3\n"
        "workdays mon tue wed thu fri\n"
        "weekends_count false\n"
        "accept 7:granted 15:granted_entered\n"
        "grace_days 7\n"
        "proration cap\n"
        "rule weekly week_starts_on sat\n");
}

static void the_rules_hash_is_that_of_its_canonical_text(void **state) {
    (void)state;
    struct loaded loaded = load((struct load){
        .sites = "sites: {WH: {counts: false, zone: Asia/Tokyo}, A: {zone: UTC}}",
        .sets = {"time.settle=30h", "time.complete_from=2023-06-01", "time.default_zone=Europe/London"}});
    assert_string_equal(loaded.text, "");
    char text[1024], expected[65], hex[65];
    snprintf(text, sizeof text,
             "rollcall.rules.v1\n"
             "policy %s 1:p\n"
             "site UTC true 1:A\n"
             "site Asia/Tokyo false 2:WH\n"
             "settle_ms 108000000\n"
             "lateness_days 14\n"
             "clock_skew_ms 300000\n"
             "day_starts_at_ms 0\n"
             "default_zone Europe/London\n"
             "complete_from 2023-06-01\n"
             "allow_create_time false\n",
             loaded.config->rules.policies.list[0].hash);
    sha256_hex(text, expected);
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", loaded.config->rules.hash[i]);
    assert_string_equal(hex, expected);
    unload(&loaded);
}

static void the_rules_hash_covers_policies_sites_and_time(void **state) {
    (void)state;
    struct loaded first = load((struct load){0});
    const struct {
        struct load load;
        bool is_same;
    } cases[] = {
        {{.settings = "{people: {unknown: reject}, time: {settle: 1d}, sites: s.yaml, policies: p.yaml}"},
         true},
        {{.sets = {"people.unknown=default_policy", "guard.min_people=1", "employees=5",
                   "delivery=at_least_once"}},
         true},
        {{.sets = {"time.settle=25h"}}, false},
        {{.sets = {"time.lateness_days=15"}}, false},
        {{.sets = {"time.clock_skew=6m"}}, false},
        {{.sets = {"time.day_starts_at=04:00"}}, false},
        {{.sets = {"time.default_zone=Etc/UTC"}}, false},
        {{.sets = {"time.complete_from=2023-05-01"}}, false},
        {{.sets = {"time.allow_create_time=true"}}, false},
        {{.policies = "policies: [{id: q, versions: [{effective_on: 2023-05-01}]}]"}, false},
        {{.policies = "policies: [{id: p, versions: [{effective_on: 2023-05-02}]}]"}, false},
        {{.sites = "sites: {}"}, false},
        {{.sites = "sites: {SEA33: {zone: US/Pacific}}"}, false},
        {{.sites = "sites: {SEA33: {zone: America/Los_Angeles, counts: false}}"}, false},
        {{.sites = "sites: {SEA33: {zone: America/Los_Angeles, counts: true}}"}, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct loaded other = load(cases[i].load);
        assert_string_equal(other.text, "");
        if ((memcmp(other.config->rules.hash, first.config->rules.hash, 32) == 0) != cases[i].is_same)
            fail_msg("case %zu", i);
        unload(&other);
    }
    unload(&first);
}

static void the_default_policy_is_in_the_rules_hash(void **state) {
    (void)state;
    static const char *const orders[] = {"policies: [{id: p, versions: [{effective_on: 2023-05-01}]}, {id: "
                                         "q, versions: [{effective_on: 2023-05-01}]}]",
                                         "policies: [{id: q, versions: [{effective_on: 2023-05-01}]}, {id: "
                                         "p, versions: [{effective_on: 2023-05-01}]}]"};
    struct loaded a = load((struct load){.policies = orders[0]}),
                  b = load((struct load){.policies = orders[1]});
    assert_string_equal(a.config->rules.policies.list[0].hash, b.config->rules.policies.list[1].hash);
    assert_memory_not_equal(a.config->rules.hash, b.config->rules.hash, 32);
    unload(&a);
    unload(&b);
}

static void what_is_unwise_is_warned_of(void **state) {
    (void)state;
    static const struct {
        const char *set, *warning; /* NULL: none */
    } cases[] = {
        {"time.settle=11h", "time.settle: less than 12h: "},
        {"time.settle=12h", NULL},
        {"time.lateness_days=1", "time.lateness_days: less than 2: "},
        {"time.lateness_days=2", NULL},
        {"time.clock_skew=0s", "time.clock_skew: 0: "},
        {"time.clock_skew=1ms", NULL},
        {"time.complete_from=2199-01-01", "time.complete_from: in the future: "},
        {"time.allow_create_time=true", "time.allow_create_time: true: "},
        {"guard.max_adverse_ratio=1", "guard.max_adverse_ratio: 1 switches the guard off: "},
        {"guard.max_adverse_ratio=0.99", NULL},
        {"delivery=at_least_once", "delivery: at_least_once: "},
        {"http=0.0.0.0:9464", "http: not a loopback address"},
        {"http=[::1]:9464", NULL},
        {"http=localhost:9464", NULL},
        {"http=null", NULL},
        {"kafka.queued.min.messages=99999", "kafka.queued.min.messages: less than 100000: "},
        {"kafka.queued.min.messages=100000", NULL},
        {"kafka.queued.max.messages.kbytes=65535", "kafka.queued.max.messages.kbytes: less than 65536: "},
        {"kafka.security.protocol=SASL_PLAINTEXT", "kafka.security.protocol: sasl_plaintext "},
        {"kafka.security.protocol=sasl_ssl", NULL},
        {"kafka.ssl.endpoint.identification.algorithm=none",
         "kafka.ssl.endpoint.identification.algorithm: none "},
        {"kafka.transaction.timeout.ms=45000", "kafka.transaction.timeout.ms: not below "},
        {"kafka.transaction.timeout.ms=44999", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct loaded loaded =
            load((struct load){.settings = RUN, .sets = {cases[i].set}, .use = CONFIG_FOR_RUN, .warn = true});
        assert_non_null(loaded.config);
        bool is_warned = strstr(loaded.text, ": warning: ") != NULL;
        if (is_warned != (cases[i].warning != NULL) ||
            (is_warned && strstr(loaded.text, cases[i].warning) == NULL))
            fail_msg("%s: %s", cases[i].set, loaded.text);
        unload(&loaded);
        loaded = load((struct load){.settings = RUN, .sets = {cases[i].set}, .use = CONFIG_FOR_RUN});
        assert_string_equal(loaded.text, ""); /* only when asked for */
        unload(&loaded);
    }
}

static void more_workers_than_cores_are_warned_of(void **state) {
    (void)state;
    if (sysconf(_SC_NPROCESSORS_ONLN) >= WORKERS_MAX)
        skip();
    struct loaded loaded = load((struct load){.sets = {"workers=64"}, .warn = true});
    assert_string_equal(loaded.text, "--set: warning: workers: more than there are cores\n");
    unload(&loaded);
}

static void unwise_policies_and_sites_are_warned_of(void **state) {
    (void)state;
    static const char policies[] = "policies:\n"
                                   "- id: p\n"
                                   "  versions:\n"
                                   "  - effective_on: 2023-05-01\n"
                                   "    required_days: 0\n"
                                   "    rule: {tolerance_days: 0}\n"
                                   "  - effective_on: 2023-06-01\n"
                                   "    accept: []\n"
                                   "    required_days: 6\n"
                                   "  - {effective_on: 2023-07-01, required_days: 6, proration: cap}\n"
                                   "  - {effective_on: 2023-08-01, required_days: 6, weekends_count: true}\n"
                                   "  - {effective_on: 2199-01-01}\n"
                                   "- id: q\n"
                                   "  versions: [{effective_on: 2023-05-02}]\n"
                                   "- id: r\n"
                                   "  versions: [{effective_on: 2023-05-01}]\n";
    expect((struct load){.settings = RUN,
                         .policies = policies,
                         .sites = "sites:\n  Europe/Oslo: {zone: Europe/London}\n",
                         .warn = true},
           "p.yaml:5: warning: required_days: 0 makes everybody compliant\n"
           "p.yaml:6: warning: rule: tolerance_days 0 is the strict daily reading: Monday to Wednesday, then "
           "Wednesday to "
           "Friday, is non_compliant in between\n"
           "p.yaml:8: warning: accept: an empty list: no swipe proves presence\n"
           "p.yaml:9: warning: required_days: more than the 5 days of a week that can count: nobody can meet "
           "it\n"
           "p.yaml:12: warning: effective_on: more than two years ahead\n"
           "p.yaml:13: warning: no version of this policy is in force at time.complete_from: until its first "
           "one its "
           "people are not_in_force\n"
           "s.yaml:2: warning: 'Europe/Oslo' is also the name of a zone: a release of it releases both\n");
    expect((struct load){.settings = "policies: p.yaml\npeople: {unknown: reject}\n", .warn = true},
           "r.yaml:1: warning: no sites: no site is known, so each swipe is dated by the home zone or its "
           "own offset\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_policys_hash_is_that_of_its_canonical_text),
    cmocka_unit_test(the_rules_hash_is_that_of_its_canonical_text),
    cmocka_unit_test(the_rules_hash_covers_policies_sites_and_time),
    cmocka_unit_test(the_default_policy_is_in_the_rules_hash),
    cmocka_unit_test(what_is_unwise_is_warned_of),
    cmocka_unit_test(more_workers_than_cores_are_warned_of),
    cmocka_unit_test(unwise_policies_and_sites_are_warned_of),
};

UNIT_TEST_MAIN(tests)
