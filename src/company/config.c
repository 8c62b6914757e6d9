/* The configuration that fits a made-up company. */
#include "parts.h"

void company_write_rollcall_yaml(const struct company_setup *setup, FILE *out) {
    char from[CIVIL_TEXT_BYTES];
    civil_print(setup->from, from);
    fprintf(out,
            "# Written by `rollcall generate` for a made-up company of %u people.\n"
            "policies: policies.yaml\n"
            "sites: sites.yaml\n"
            "employees: %u\n"
            "time:\n"
            "  complete_from: %s           # the generated log is whole from this day on\n"
            "  default_zone: America/Los_Angeles\n"
            "people:\n"
            "  unknown: out_of_scope               # contractors have badges, but no roster record\n",
            setup->people, setup->people + setup->people / 100 + 1, from);
}

void company_write_policies_yaml(const struct company_setup *setup, FILE *out) {
    char from[CIVIL_TEXT_BYTES];
    civil_print(setup->from, from);
    fprintf(out,
            "policies:\n"
            "  - id: %s\n"
            "    versions:\n"
            "      - effective_on: %s\n"
            "        required_days: 3\n"
            "  - id: %s\n"
            "    versions:\n"
            "      - effective_on: %s\n"
            "        required_days: 2\n",
            company_policy_ids[0], from, company_policy_ids[1], from);
}

void company_write_sites_yaml(const struct company_setup *setup, FILE *out) {
    (void)setup; /* every company has the same sites */
    fprintf(out, "sites:\n");
    for (unsigned site = 0; site < SITES; site++) {
        const struct place *place = &company_places[site];
        if (place->is_listed)
            fprintf(out, "  %s: {zone: %s%s}\n", place->id, place->zone,
                    place->counts ? "" : ", counts: false");
    }
}
