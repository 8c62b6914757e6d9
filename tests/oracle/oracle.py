#!/usr/bin/env python3
"""A slow and obvious second rollcall replay, written from the specification alone.

oracle.py --config DIR_OR_FILE [--until T] [--guard] [--rejects FILE] FILE...

Prints state records as rollcall replay does, but `id`, `policy.hash` and `supersedes` are null: these are the
implementation's own. `_supersedes_seq` is the seq of the record that `supersedes` must name.
"""

import argparse
import json
import sys

import company as company_module
from calendar_days import parse_instant
from form import read_line
from task import Ignored, Rejected, Task


class Result:
    def __init__(self):
        self.records = []
        self.rejects = []               # {"reasons": every right one, "file", "line", "value"}
        self.ignored = {}
        self.holds = 0
        self.lines = 0


def read_file(name, company):
    """(arrival or None, number, raw, Line) of each line. The arrival never goes back within a file."""
    with open(name, "rb") as file:
        data = file.read()
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    arrival = None
    found = []
    for number, raw in enumerate(lines, 1):
        line = read_line(raw, company)
        if line.own_arrival is not None and (arrival is None or line.own_arrival > arrival):
            arrival = line.own_arrival
        found.append((arrival, number, raw, line))
    return found


def replay(company, files, until=None, guard=False):
    """What rollcall replay must do with these files."""
    task, result = Task(company, guard), Result()
    queue = []
    for order, name in enumerate(files):
        for arrival, number, raw, line in read_file(name, company):
            at = arrival if arrival is not None else float("-inf")
            queue.append((at, order, number, name, raw, line, arrival))
    for _, _, number, name, raw, line, arrival in sorted(queue, key=lambda entry: entry[:3]):
        result.lines += 1
        try:
            task.apply(line, arrival)
        except Rejected as rejected:
            result.rejects.append({"reasons": sorted(rejected.reasons), "file": name, "line": number, "value": raw})
        except Ignored:
            pass
    if until is not None and task.clock is not None:
        task.move_clock(parse_instant(until)[0])
    result.records, result.ignored, result.holds = task.records, task.ignored, task.holds
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", required=True)
    parser.add_argument("--until")
    parser.add_argument("--guard", action="store_true")
    parser.add_argument("--rejects")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    result = replay(company_module.load(args.config), args.files, args.until, args.guard)
    for record in result.records:
        print(json.dumps(record, separators=(",", ":"), ensure_ascii=False))
    if args.rejects:
        with open(args.rejects, "w", encoding="utf-8") as file:
            for reject in result.rejects:
                line = {"reason": reject["reasons"][0], "detail": " or ".join(reject["reasons"]),
                        "file": reject["file"], "line": reject["line"],
                        "value": reject["value"].decode("utf-8", "replace")}
                print(json.dumps(line, separators=(",", ":"), ensure_ascii=False), file=file)
    counts = {}
    for reject in result.rejects:
        counts[reject["reasons"][0]] = counts.get(reject["reasons"][0], 0) + 1
    for reason in sorted(counts):
        print(reason, counts[reason], file=sys.stderr)
    for reason in sorted(result.ignored):
        print("ignored:" + reason, result.ignored[reason], file=sys.stderr)


if __name__ == "__main__":
    main()
