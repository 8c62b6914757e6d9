#!/usr/bin/env python3
"""Runs one golden case: run.py ROLLCALL CASE_DIR. See README.md for what a case is made of."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

BATCHES = ["64", "1", "7", "256"]
BASE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "base")


def fail(text):
    sys.exit("%s: %s" % (os.path.basename(sys.argv[2].rstrip("/")), text))


def prepare(case, folder):
    """Copies a case to a folder; the configuration that it does not bring is that of base/."""
    for source in (BASE, case):
        for name in os.listdir(source):
            shutil.copy(os.path.join(source, name), folder)


def read_lines(name):
    """The JSON lines of a file of the case; lines that begin with # explain. None if there is no such file."""
    if not os.path.exists(name):
        return None
    with open(name, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip() and not line.startswith("#")]


def mismatch(expected, actual, path=""):
    """Where `actual` lacks what `expected` says: objects may have more members, everything else must be equal."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            if key not in actual:
                return "%s.%s is absent" % (path, key)
            found = mismatch(value, actual[key], "%s.%s" % (path, key))
            if found:
                return found
        return None
    if expected != actual or isinstance(expected, bool) != isinstance(actual, bool):
        return "%s is %s, not %s" % (path or "it", json.dumps(actual), json.dumps(expected))
    return None


def compare(what, expected, actual):
    for number, wanted in enumerate(expected):
        if number >= len(actual):
            fail("%s %d is missing: %s" % (what, number + 1, json.dumps(wanted)))
        found = mismatch(wanted, actual[number])
        if found:
            fail("%s %d: %s\n%s" % (what, number + 1, found, json.dumps(actual[number])))
    if len(actual) > len(expected):
        fail("%s %d is one too many: %s" % (what, len(expected) + 1, json.dumps(actual[len(expected)])))


def by_employee(records):
    """The records of each person, in order. `supersedes_seq` is added: the seq of the record that `supersedes` names."""
    people = {}
    seqs = {None: None}
    for record in records:
        if "id" in record:
            seqs[record["id"]] = record["seq"]
            record["supersedes_seq"] = seqs.get(record["supersedes"], "nobody's")
        people.setdefault(record["employee_id"], []).append(record)
    return people


def replay(rollcall, batch):
    inputs = sorted(name for name in os.listdir(".") if re.fullmatch(r"in\d*\.ndjson", name))
    args = open("args", encoding="utf-8").read().split("\n") if os.path.exists("args") else []
    with tempfile.NamedTemporaryFile() as rejects:
        done = subprocess.run([rollcall, "replay", "-c", "rollcall.yaml", "--batch", batch, "--rejects", rejects.name]
                              + [arg for arg in args if arg] + inputs, capture_output=True, check=False, timeout=30)
        if done.returncode != 0:
            fail("exit code %d\n%s" % (done.returncode, done.stderr.decode()))
        return done.stdout, rejects.read(), done.stderr.decode(), inputs


def parse(data):
    return [json.loads(line) for line in data.decode("utf-8").splitlines()]


def check_counts(errors, inputs):
    """Every line ends in exactly one count; a file `counts` says which."""
    counts = {word: int(number) for word, number in re.findall(r"^(\w+) +(\d+) ", errors, re.M)}
    total = counts.pop("sum")
    lines = 0
    for name in inputs:
        with open(name, "rb") as file:
            lines += sum(1 for _ in file)
    if total != lines or sum(counts.values()) != lines:
        fail("%d lines, but\n%s" % (lines, errors))
    if os.path.exists("counts"):
        with open("counts", encoding="utf-8") as file:
            wanted = {word: int(number) for word, number in (line.split() for line in file)}
        if {word: number for word, number in counts.items() if number} != wanted:
            fail("the counts are\n%s" % errors)


def check(rollcall):
    out, rejected, errors, inputs = replay(rollcall, BATCHES[0])
    records = by_employee(parse(out))
    expected = {}
    for record in read_lines("expected.ndjson"):
        expected.setdefault(record["employee_id"], []).append(record)
    for employee in sorted(set(records) | set(expected)):
        compare("record of %s" % employee, expected.get(employee, []), records.get(employee, []))
    compare("reject", read_lines("expected_rejects.ndjson") or [], parse(rejected))
    check_counts(errors, inputs)
    for batch in BATCHES[1:]:
        again, rejected_again, _, _ = replay(rollcall, batch)
        if by_employee(parse(again)) != records or rejected_again != rejected:
            fail("with --batch %s the records are others" % batch)


def main():
    rollcall = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="rollcall-golden-") as folder:
        prepare(sys.argv[2], folder)
        os.chdir(folder)
        check(rollcall)
        os.chdir("/")


if __name__ == "__main__":
    main()
