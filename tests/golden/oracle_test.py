#!/usr/bin/env python3
"""The golden cases against the oracle: oracle_test.py [CASE...]. What was derived by hand and what was written as a program say
the same, or one of the two has read the specification wrongly.
"""

import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "oracle"))

import company as company_module        # noqa: E402
import oracle                           # noqa: E402
import run                              # noqa: E402


def arguments():
    words = open("args", encoding="utf-8").read().split("\n") if os.path.exists("args") else []
    until = words[words.index("--until") + 1] if "--until" in words else None
    return until, "--guard" in words


def expected_of(record):
    """A record without what is the implementation's own."""
    return {key: value for key, value in record.items() if key not in ("id", "supersedes")}


def differences(case):
    """What the oracle says otherwise."""
    with tempfile.TemporaryDirectory(prefix="rollcall-golden-") as folder:
        run.prepare(case, folder)
        os.chdir(folder)
        company = company_module.load(folder)
        until, guard = arguments()
        inputs = sorted(name for name in os.listdir(".") if name.startswith("in") and name.endswith(".ndjson"))
        result = oracle.replay(company, inputs, until, guard)
        expected, rejects = run.read_lines("expected.ndjson"), run.read_lines("expected_rejects.ndjson") or []
        os.chdir("/")
    found = []
    actual = {}
    for record in result.records:
        record = dict(record, supersedes_seq=record.get("_supersedes_seq"))
        actual.setdefault(record["employee_id"], []).append(record)
    wanted = {}
    for record in expected:
        wanted.setdefault(record["employee_id"], []).append(expected_of(record))
    for employee in sorted(set(actual) | set(wanted)):
        ours, theirs = wanted.get(employee, []), actual.get(employee, [])
        for number in range(max(len(ours), len(theirs))):
            if number >= len(theirs):
                found.append("%s: no record %d" % (employee, number + 1))
            elif number >= len(ours):
                found.append("%s: one more record: %s" % (employee, json.dumps(theirs[number])))
            else:
                where = run.mismatch(ours[number], theirs[number])
                if where:
                    found.append("%s: record %d: %s\n    %s" % (employee, number + 1, where, json.dumps(theirs[number])))
    places = {(reject["file"], reject["line"]): reject["reasons"] for reject in result.rejects}
    for reject in rejects:
        right = places.pop((reject["file"], reject["line"]), ["(no reject)"])
        if reject["reason"] not in right:
            found.append("line %d is %s, not %s" % (reject["line"], " or ".join(right), reject["reason"]))
    found += ["line %d is rejected: %s" % (place[1], " or ".join(right)) for place, right in places.items()]
    return found


def main():
    cases = os.path.join(HERE, "cases")
    names = sys.argv[1:] or sorted(os.listdir(cases))
    wrong = 0
    for name in names:
        found = differences(os.path.join(cases, name))
        if found:
            wrong += 1
            print("%s:\n  %s" % (name, "\n  ".join(found)))
    print("%d cases compared, %d differ" % (len(names), wrong))
    return 1 if wrong or not names else 0


if __name__ == "__main__":
    sys.exit(main())
