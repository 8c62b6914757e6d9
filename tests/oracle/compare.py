#!/usr/bin/env python3
"""Runs rollcall replay and the oracle on the same random companies and compares what they say, field by field.

compare.py --rollcall PATH --seeds A..B [--scope line|rules|full] [--keep DIR] [--coverage FILE]

Ends with a table of what the seeds covered, which coverage.py adds up over several runs. Exits 1 at any difference, and when nothing was compared.
--dry runs the oracle alone, to see what a range of seeds covers.
"""

import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import company as company_module
import generate
import oracle
from difference import PRIVATE, Difference, compare_records

RERUN_EVERY = 20                                # of these seeds the output must be the same bytes twice
TIMEOUT_SECONDS = 120
SHOWN_LINES = 150
VALUE_SHOWN = 30_000                            # characters of a value, at least


def compare_value(place, raw, value):
    """value is the line as it came, where that can be said in JSON; of one that is too large, a beginning."""
    try:
        text = raw.decode("utf-8") if raw is not None else value
    except UnicodeDecodeError:
        return
    if len(text) > VALUE_SHOWN:
        value, text = value[:VALUE_SHOWN], text[:VALUE_SHOWN]
    if value != text:
        raise Difference("%s:%d: value is %.2000r, the line is %.2000r" % (place + (value, text)))


def compare_rejects(expected, actual):
    wanted = {(reject["file"], reject["line"]): reject for reject in expected}
    got = {}
    for reject in actual:
        if list(reject) != ["reason", "detail", "file", "line", "value"]:
            raise Difference("a reject has the fields %s" % list(reject))
        place = reject["file"], reject["line"]
        if place in got:
            raise Difference("line %s:%d is rejected twice" % place)
        got[place] = reject["reason"]
        compare_value(place, wanted[place]["value"] if place in wanted else None, reject["value"])
    for place in sorted(set(wanted) | set(got), key=lambda p: (p[1], p[0])):
        right = wanted[place]["reasons"] if place in wanted else ["(applied or ignored)"]
        reason = got.get(place, "(applied or ignored)")
        if reason not in right:
            raise Difference("%s:%d: the oracle says %s, rollcall says %s" % (place + (" or ".join(right), reason)))


def compare_counts(actual, errors):
    """The count of each reason is somewhere on standard error."""
    counts = collections.Counter(reject["reason"] for reject in actual)
    for reason, count in counts.items():
        if not re.search(r"\b%s\b[^\n]*\b%d\b|\b%d\b[^\n]*\b%s\b" % (reason, count, count, reason), errors):
            raise Difference("standard error does not say %s %d:\n%s" % (reason, count, errors))


def parse_lines(data):
    return [json.loads(line) for line in data.decode("utf-8").split("\n") if line]


def run_rollcall(program, folder, args, files):
    rejects = os.path.join(folder, "rejects.ndjson")
    command = [program, "replay", "-c", os.path.join(folder, "rollcall.yaml"), "--rejects", rejects]
    if args["until"]:
        command += ["--until", args["until"]]
    if args["guard"]:
        command += ["--guard"]
    done = subprocess.run(command + files, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
    errors = done.stderr.decode("utf-8", "replace")
    if done.returncode != 0:
        raise Difference("exit code %d\n%s\n%s" % (done.returncode, " ".join(command + files), errors))
    with open(rejects, "rb") as file:
        return done.stdout, file.read(), errors


def lines_of(employee, files, company):
    """The input lines about a person, and those of the calendar, for a message."""
    found = []
    for name in files:
        for _, number, raw, line in oracle.read_file(name, company):
            if line.fields.get("employee_id") == employee or line.topic == "calendar":
                found.append("%6d %s" % (number, raw[:600].decode("utf-8", "replace")))
    if len(found) > SHOWN_LINES:
        found[SHOWN_LINES // 2:-SHOWN_LINES // 2] = ["   ... %d lines left out" % (len(found) - SHOWN_LINES)]
    return "\n".join(found)


def rule_of(record, company):
    versions = company.policies[record["policy"]["id"]].versions
    return [v.rule for v in versions if str(v.effective_on) == record["policy"]["version"]][0]


def kinds_of(record, before):
    """What a record is an example of; before: the person's record before it."""
    bad = record["status"] == "non_compliant"
    kinds = []
    if before and record["status"] == "compliant" != before["status"] and record["cause"] != "day_close" and \
            record["week"]["to"] == record["effective_on"] and record["week"]["present"] == record["week"]["required"]:
        kinds.append("lift, probably")
    if record[PRIVATE]:
        kinds.append("correction, the verdict stands" if bad else "correction, now " + record["status"])
        if before[PRIVATE] and before["as_of"] == record["as_of"] and before["cause"] == record["cause"]:
            kinds.append("correction, another one of the same input")
    if before and bad and before["status"] != "non_compliant" and record["cause"] != "day_close":
        kinds.append("enters non_compliant by " + record["cause"])
    if before and record["status"] == before["status"] and record["case"] != before["case"]:
        kinds.append("only the case changes")
    if before and record["status"] == before["status"] and record["promotion"] != before["promotion"]:
        kinds.append("only the gate changes, by " + record["cause"])
    return kinds


class Coverage:
    def __init__(self):
        self.counts = collections.defaultdict(collections.Counter)
        self.seeds = self.lines = self.records = self.differences = 0

    def add(self, result, company):
        self.lines += result.lines
        self.records += len(result.records)
        count = self.counts
        for reject in result.rejects:
            count["reject"][" or ".join(reject["reasons"])] += 1
        for why, number in result.ignored.items():
            count["ignored"][why] += number
        count["guard"]["held"] += result.holds
        before = {}
        for record in result.records:
            if record.get("tombstone"):
                count["tombstone"][""] += 1
                continue
            count["status"][record["status"]] += 1
            count["cause"][record["cause"]] += 1
            count["gate"][record["promotion"]["gate"]] += 1
            count["stage"][record["case"]["stage"]] += 1
            count["basis"][str(record["case"]["basis"])] += 1
            count["human_action"][str(record["human_action"])] += 1
            count["notify"]["+".join(record["notify"]) or "nobody"] += 1
            count["corrected_status"][str(record["corrected_status"])] += 1
            if record["week"]:
                count["rule"][rule_of(record, company)] += 1
            for kind in kinds_of(record, before.get(record["employee_id"])):
                count["kind of change"][kind] += 1
            before[record["employee_id"]] = record

    def write(self, name):
        with open(name, "w", encoding="utf-8") as file:
            json.dump({"seeds": self.seeds, "lines": self.lines, "records": self.records,
                       "differences": self.differences, "counts": self.counts}, file)

    def read(self, name):
        with open(name, encoding="utf-8") as file:
            other = json.load(file)
        self.seeds += other["seeds"]
        self.lines += other["lines"]
        self.records += other["records"]
        self.differences += other["differences"]
        for group, counter in other["counts"].items():
            self.counts[group].update(counter)

    def show(self):
        print("%d seeds, %d lines, %d records, %d differences" % (
            self.seeds, self.lines, self.records, self.differences))
        for group, counter in self.counts.items():
            print("  %-17s %s" % (group, ", ".join("%s %d" % item for item in sorted(counter.items()))))


def compare_seed(seed, options, folder, coverage):
    args = generate.generate(seed, options.scope, folder)
    files = [os.path.join(folder, name) for name in args["files"]]
    company = company_module.load(folder)
    expected = oracle.replay(company, files, args["until"], args["guard"])
    coverage.add(expected, company)
    if options.dry:
        return
    try:
        out, rejected, errors = run_rollcall(options.rollcall, folder, args, files)
        actual_rejects = parse_lines(rejected)
        compare_rejects(expected.rejects, actual_rejects)
        compare_counts(actual_rejects, errors)
        compare_records(expected.records, parse_lines(out))
        if seed % RERUN_EVERY == 0 and run_rollcall(options.rollcall, folder, args, files)[:2] != (out, rejected):
            raise Difference("a second run says something else")
    except (Difference, subprocess.TimeoutExpired, ValueError) as found:
        coverage.differences += 1
        print("seed %d (%s): %s" % (seed, options.scope, found))
        employee = getattr(found, "employee", None)
        if employee is not None:
            print("  of employee %r; the lines about this person:\n%s" % (employee, lines_of(employee, files, company)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rollcall")
    parser.add_argument("--seeds", required=True, help="A..B, both included")
    parser.add_argument("--scope", choices=["line", "rules", "full"], default="full")
    parser.add_argument("--keep", help="the folder in which the companies are kept")
    parser.add_argument("--coverage", metavar="FILE", help="write the table there, for coverage.py")
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--max-differences", type=int, default=5)
    options = parser.parse_args()
    if not options.dry and not options.rollcall:
        parser.error("--rollcall is needed")
    first, _, last = options.seeds.partition("..")
    coverage = Coverage()
    for seed in range(int(first), int(last or first) + 1):
        folder = os.path.join(options.keep, "seed-%d" % seed) if options.keep else tempfile.mkdtemp(prefix="rollcall-")
        try:
            compare_seed(seed, options, folder, coverage)
        finally:
            if not options.keep:
                shutil.rmtree(folder)
        coverage.seeds += 1
        if coverage.differences >= options.max_differences:
            print("enough differences: stopped")
            break
    coverage.show()
    if options.coverage:
        coverage.write(options.coverage)
    return 1 if coverage.differences or coverage.records == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
