#!/usr/bin/env python3
"""Asks everybody what becomes of the values of corpus.txt: check.py DECODE_VALUES ROLLCALL GROUP...

For each value the verdict of the table must be that of
  - its decoder (decode_values.c), with a hint and without;
  - a library parser: it is JSON or it is not, whatever else it may lack; and of a slow reading of SPEC 2 over it;
  - the oracle's reading of a line (tests/oracle/form.py), which is Python's parser;
  - `rollcall replay --rejects`, where the value can be a line: it has no line feed, and is no larger with its topic.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "oracle"))
import form  # noqa: E402

FORM = {"too_large", "bad_json", "missing_field", "bad_field"}
ARRIVED = "2023-03-06T12:00:00Z"
CONFIG = {"policies": "policies.yaml", "sites": "sites.yaml", "people": {"unknown": "default_policy"},
          "time": {"complete_from": "2023-01-02"}}
POLICIES = {"policies": [{"id": "office-3d", "versions": [{"effective_on": "2022-01-01"}]}]}
SITES = {"sites": {"SEA": {"zone": "America/Los_Angeles"}}}


class Company:
    fields = {}


class Row:
    def __init__(self, group, topic, verdict, name, value):
        self.group, self.topic, self.verdict, self.name, self.value = group, topic, verdict, name, value


def unescaped(raw):
    def part(match):
        return bytes([int(match[1], 16)]) if match[1] else int(match[2]) * unescaped(match[3])

    return re.sub(rb"%(?:([0-9a-f]{2})|\(([0-9]+):([^)]*)\))", part, raw)


def read_table(path):
    forms, rows, names = {}, [], set()
    group = form_name = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("= "):
            _, name, topic, text = line.split(None, 3)
            forms[name] = topic, text
        elif match := re.fullmatch(r"\[(\w+)\] (\w+)", line):
            group, form_name = match[1], match[2]
        else:
            verdict, name, text = line.split(None, 2)
            if verdict not in FORM | {"applied"} or (group, form_name, name) in names:
                sys.exit(f"{path}:{number}: no verdict, or a name that is there twice")
            names.add((group, form_name, name))
            topic, around = forms[form_name]
            rows.append(Row(group, topic, verdict, f"{form_name}/{name}", unescaped(around.replace("@", text).encode())))
    return rows


def line_of(row):
    """The value as a line of replay, or None if it cannot be one."""
    head = b'"topic":"%s","arrived_at":"%s"' % (row.topic.encode(), ARRIVED.encode())
    match = re.match(rb"[ \t\r]*\{", row.value)
    line = row.value
    if match:
        rest = row.value[match.end():]
        line = match[0] + head + (b"" if rest.lstrip(b" \t\r").startswith(b"}") else b",") + rest
    is_larger = len(line) > form.MAX_BYTES >= len(row.value)
    return None if b"\n" in line or is_larger else line


def from_decoders(program, rows):
    asked = b"".join(b"%s %d\n%s" % (row.topic.encode(), len(row.value), row.value) for row in rows)
    done = subprocess.run([program], input=asked, capture_output=True)
    answers = [line.split() for line in done.stdout.decode().splitlines()]
    if done.returncode or len(answers) != len(rows):
        sys.exit(f"{program} ended with {done.returncode} after {len(answers)} of {len(rows)} values\n{done.stderr.decode()}")
    for row, (reason, parser, *expected) in zip(rows, answers):
        yield row, "the decoder", {reason}
        if row.verdict != "too_large":  # nobody looks into it then
            if parser != "silent":
                yield row, "the library parser", {row.verdict if (parser == "json") == (row.verdict != "bad_json") else parser}
        if expected:
            yield row, "the slow reading", set(expected)


def from_oracle(rows):
    for row in rows:
        line = line_of(row)
        if line is not None:
            yield row, "the oracle", form.read_line(line, Company).faults or {"applied"}


def from_replay(rollcall, rows):
    rows = [(row, line) for row in rows if (line := line_of(row)) is not None]
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        for name, content in ("rollcall", CONFIG), ("policies", POLICIES), ("sites", SITES):
            (directory / f"{name}.yaml").write_text(json.dumps(content))
        (directory / "in.ndjson").write_bytes(b"".join(line + b"\n" for _, line in rows))
        subprocess.run([rollcall, "replay", "-c", directory / "rollcall.yaml", "--rejects", directory / "rejects",
                        directory / "in.ndjson"], check=True, capture_output=True, timeout=60)
        rejects = [json.loads(line) for line in (directory / "rejects").read_text().split("\n")[:-1]]
    reasons = {reject["line"]: reject["reason"] for reject in rejects}
    for number, (row, _) in enumerate(rows, 1):  # what was refused for more than its form is of the right form
        reason = reasons.get(number, "applied")
        yield row, "replay", {reason if reason in FORM else "applied"}


def main():
    program, rollcall, *groups = sys.argv[1:]
    rows = [row for row in read_table(HERE / "corpus.txt") if row.group in groups]
    if not rows:
        sys.exit(f"nothing was checked: no group {groups}")
    asked, wrong = 0, 0
    for row, who, said in [*from_decoders(program, rows), *from_oracle(rows), *from_replay(rollcall, rows)]:
        asked += 1
        if row.verdict not in said:
            wrong += 1
            print(f"{row.group}: {row.name}: {who} says {' or '.join(sorted(said))}, not {row.verdict}: {row.value[:120]!r}")
    print(f"{len(rows)} values, {asked} answers, {wrong} of them wrong")
    sys.exit(1 if wrong else 0)


main()
