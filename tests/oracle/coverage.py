#!/usr/bin/env python3
"""Adds up what several runs of compare.py covered, prints it, and fails if something of SPEC was never reached.

coverage.py FILE...

A comparison of companies in which nothing happens proves nothing: so each status, cause, gate, stage, basis, action, kind of
correction and reason must have come at least once. What replay cannot reach is tested elsewhere: cause `policy` (a restart
under other rules) and the reasons that only Kafka or a sender gone mad can make (key_mismatch, clock_ahead, too_many).
"""

import sys

import compare

MUST = {
    "status": "out_of_scope not_in_force exempt unrated compliant at_risk non_compliant",
    "cause": "swipe day_close late_swipe leave calendar roster decision",
    "gate": "clear pending vp_approved vp_approval_required",
    "stage": "none manager_aware verbal_warning written_warning",
    "basis": "None standing retracted",
    "human_action": "None basis_retracted resolve_dispute review_with_employee",
    "notify": "nobody employee employee+manager",
    "corrected_status": "out_of_scope exempt unrated compliant at_risk",
    "rule": "sliding weekly k_of_n",
    "reject": "too_large bad_json missing_field bad_field unknown_policy unknown_site unknown_employee future wrong_role "
              "self_decision out_of_order too_late beyond_horizon no_clock",
    "ignored": "not_accepted site_does_not_count repeat cancel_of_nothing tombstone_of_nobody",
    "guard": "held",
    "kind of change": ["lift, probably", "correction, the verdict stands", "correction, another one of the same input",
                       "only the case changes", "only the gate changes, by day_close", "only the gate changes, by decision",
                       "enters non_compliant by decision", "enters non_compliant by leave",
                       "enters non_compliant by calendar", "enters non_compliant by roster"],
}


def main():
    coverage = compare.Coverage()
    for name in sys.argv[1:]:
        coverage.read(name)
    coverage.show()
    missing = []
    for group, names in MUST.items():
        for name in names.split() if isinstance(names, str) else names:
            if not coverage.counts[group][name]:
                missing.append("%s: %s" % (group, name))
    for what in missing:
        print("never reached: " + what)
    return 1 if missing or coverage.differences or not coverage.seeds else 0


if __name__ == "__main__":
    sys.exit(main())
