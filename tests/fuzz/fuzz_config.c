/* Any bytes as each of the three files of the configuration: nothing may crash, leak or hang, what is printed
 * is one line of plain text a problem, and what is accepted keeps the promises of policy.h. */
#include "check.h"
#include "policies.h"
#include "rules_hash.h"
#include "settings.h"
#include "sites.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_policies(const struct policies *policies) {
    CHECK(policies->count > 0);
    for (uint32_t i = 0; i < policies->count; i++) {
        const struct policy *p = &policies->list[i];
        CHECK(policies_find(policies, p->id.bytes, p->id.len) == (int)i);
        CHECK(p->id.len > 0 && strlen(p->hash) == 64 && p->versions_count > 0);
        for (uint32_t j = 0; j < p->versions_count; j++) {
            const struct policy_version *v = &p->versions[j];
            CHECK(j == 0 || p->versions[j - 1].effective_on.n < v->effective_on.n);
            CHECK(v->required_days <= WEEK_DAYS && v->workdays > 0 && v->workdays < 128);
            CHECK(v->grace_days <= GRACE_DAYS_MAX && v->tolerance_days <= TOLERANCE_DAYS_MAX);
            CHECK(v->terms_count > 0 && v->terms_count <= K_OF_N_TERMS_MAX && v->week_starts_on < WEEK_DAYS);
            for (unsigned k = 0; k < v->terms_count; k++)
                CHECK(v->terms[k].short_weeks > 0 && v->terms[k].short_weeks <= v->terms[k].of_weeks &&
                      v->terms[k].of_weeks <= CALENDAR_WEEKS_MAX);
        }
    }
}

static void check_sites(const struct sites *sites, const struct zones *zones) {
    for (uint32_t i = 0; i < sites->count; i++) {
        CHECK(sites_find(sites, sites->list[i].id.bytes, sites->list[i].id.len) == i);
        CHECK(sites->list[i].zone < zones_count(zones));
    }
}

static void check_settings(const struct config *config) {
    const struct rules *r = &config->rules;
    CHECK(r->settle_ms >= 0 && r->settle_ms <= SETTLE_MS_MAX && r->clock_skew_ms <= CLOCK_SKEW_MS_MAX);
    CHECK(r->lateness_days >= 0 && r->lateness_days <= LATENESS_DAYS_MAX);
    CHECK(r->guard_max_adverse_ratio >= 0 && r->guard_max_adverse_ratio <= 1);
    CHECK(config->workers >= 1 && config->workers <= WORKERS_MAX && config->employees >= 1);
    CHECK(config->topics[TOPIC_SWIPES] != NULL && config->policies_path != NULL);
}

static void check_problems(struct reader *reader) {
    for (uint32_t i = 0; i < reader->problems.count; i++)
        for (const char *at = reader->problems.list[i].text; *at != '\0'; at++)
            CHECK(*at >= ' ' && *at <= '~');
    problems_fini(&reader->problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct zones *zones;
    char error[256];
    if (zones == NULL)
        zones = zones_load(NULL, 0, error, sizeof error);
    CHECK(zones != NULL);
    struct reader reader = {.zones = zones, .use = CONFIG_FOR_REPLAY};
    struct node *root = document_parse("fuzz", (const char *)data, size, &reader.problems);
    bool is_sound = reader.problems.errors == 0; /* what is there twice is refused here, and read */
    CHECK(root != NULL || !is_sound);
    check_problems(&reader);
    if (root != NULL) {
        struct config *config = xcalloc(1, sizeof *config);
        policies_read(&reader, root, (civil_day){0}, &config->rules.policies);
        if (is_sound && reader.problems.errors == 0)
            check_policies(&config->rules.policies);
        check_problems(&reader);
        sites_read(&reader, root, &config->rules.sites);
        if (is_sound && reader.problems.errors == 0)
            check_sites(&config->rules.sites, zones);
        check_problems(&reader);
        if (root->kind == NODE_MAP)
            settings_read(&reader, root, "", config);
        if (root->kind == NODE_MAP && reader.problems.errors == 0)
            check_settings(config);
        check_problems(&reader);
        config_free(&config);
    }
    node_free(&root);
    return 0;
}
