/* See rules_hash.h. */
#include "rules_hash.h"

#include "check.h"
#include "civil.h"
#include "options.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* A text of its own in memory, digested at the end. */
struct canon {
    char *text;
    size_t len;
    FILE *out;
};

static struct canon *canon_new(void) {
    struct canon *canon = xcalloc(1, sizeof *canon);
    canon->out = open_memstream(&canon->text, &canon->len);
    CHECK(canon->out != NULL);
    return canon;
}

static void canon_digest(struct canon **canon, uint8_t hash[32]) {
    CHECK(fclose((*canon)->out) == 0);
    CHECK(EVP_Digest((*canon)->text, (*canon)->len, hash, NULL, EVP_sha256(), NULL) == 1);
    free((*canon)->text);
    free(*canon);
    *canon = NULL;
}

/* With its length before it: an id may hold any character. */
static void put_text(FILE *out, const struct short_text *text) {
    fprintf(out, " %u:", text->len);
    fwrite(text->bytes, 1, text->len, out);
}

static void put_day(FILE *out, const char *name, civil_day day) {
    char text[CIVIL_TEXT_BYTES] = "-";
    if (!day_is_none(day))
        civil_print(day, text);
    fprintf(out, "%s %s\n", name, text);
}

static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static void put_rule(FILE *out, const struct policy_version *v) {
    if (v->rule == RULE_SLIDING)
        fprintf(out, "rule sliding tolerance_days %u\n", v->tolerance_days);
    else if (v->rule == RULE_WEEKLY)
        fprintf(out, "rule weekly week_starts_on %s\n", weekdays[v->week_starts_on]);
    else {
        fprintf(out, "rule k_of_n week_starts_on %s terms", weekdays[v->week_starts_on]);
        for (unsigned i = 0; i < v->terms_count; i++)
            fprintf(out, " %u/%u", v->terms[i].short_weeks, v->terms[i].of_weeks);
        fprintf(out, " combine %s\n", v->terms_any ? "or" : "and");
    }
}

static void put_version(FILE *out, const struct policy_version *v) {
    static const char *const prorations[] = {"ratio", "ratio_down", "cap"};
    put_day(out, "effective_on", v->effective_on);
    fprintf(out, "required_days %u\nworkdays", v->required_days);
    for (unsigned i = 0; i < WEEK_DAYS; i++)
        if (v->workdays >> i & 1)
            fprintf(out, " %s", weekdays[i]);
    fprintf(out, "\nweekends_count %s\naccept", v->weekends_count ? "true" : "false");
    struct short_text accept[ACCEPT_WORDS_MAX];
    memcpy(accept, v->accept, sizeof accept);
    qsort(accept, v->accept_count, sizeof accept[0], option_compare_ids);
    for (unsigned i = 0; i < v->accept_count; i++)
        put_text(out, &accept[i]);
    fprintf(out, "\ngrace_days %u\nproration %s\n", v->grace_days, prorations[v->proration]);
    put_rule(out, v);
}

void policy_hash(const struct policy *policy, char hex[65]) {
    struct canon *canon = canon_new();
    fprintf(canon->out, "rollcall.policy.v1\nid");
    put_text(canon->out, &policy->id);
    fputc('\n', canon->out);
    for (uint32_t i = 0; i < policy->versions_count; i++)
        put_version(canon->out, &policy->versions[i]);
    uint8_t hash[32];
    canon_digest(&canon, hash);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
}

void rules_hash(const struct rules *rules, uint8_t hash[32]) {
    struct canon *canon = canon_new();
    FILE *out = canon->out;
    fprintf(out, "rollcall.rules.v1\n");
    for (uint32_t i = 0; i < rules->policies.count; i++) {
        fprintf(out, "policy %s", rules->policies.list[i].hash);
        put_text(out, &rules->policies.list[i].id);
        fputc('\n', out);
    }
    for (uint32_t i = 0; i < rules->sites.count; i++) {
        const struct site *site = &rules->sites.list[i];
        fprintf(out, "site %s %s", zones_name(rules->zones, site->zone), site->counts ? "true" : "false");
        put_text(out, &site->id);
        fputc('\n', out);
    }
    fprintf(out,
            "settle_ms %" PRId64 "\nlateness_days %" PRId32 "\nclock_skew_ms %" PRId64
            "\nday_starts_at_ms %" PRId32 "\ndefault_zone %s\n",
            rules->settle_ms, rules->lateness_days, rules->clock_skew_ms, rules->day_starts_at_ms,
            zones_name(rules->zones, rules->default_zone));
    put_day(out, "complete_from", rules->complete_from);
    fprintf(out, "allow_create_time %s\n", rules->allow_create_time ? "true" : "false");
    canon_digest(&canon, hash);
}
