#!/usr/bin/env python3
"""The records of docs/output.md, one for each kind of change: what is pasted is what the stories of stories/ make the program print.

ROLLCALL=... RESTART=... records.py writes them into the page anew; the test of docs_test.py only compares."""

import json
import os
import pathlib
import re
import subprocess
import tempfile

import examples

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STORIES = pathlib.Path(__file__).resolve().parent / "stories"
PAGE = ROOT / "docs" / "output.md"
NEXT = (("tolerance_days: 6}", "tolerance_days: 6}, required_days: 4"),)  # the policies at the restart
BREAKS = ("known_at", "status", "cause", "supersedes", "policy", "week", "promotion", "manager_id")


def lines_after_restart(story, files, base):
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory)
        story.write(folder, files, base)
        text = (folder / "policies.yaml").read_text()
        for old, new in NEXT:
            text = text.replace(old, new)
        (folder / "next-policies.yaml").write_text(text)
        (folder / "next.yaml").write_text((folder / "rollcall.yaml").read_text().replace("policies.yaml", "next-policies.yaml"))
        done = subprocess.run([os.environ["RESTART"], folder / "rollcall.yaml", folder / "next.yaml", folder / "log.ndjson"],
                              capture_output=True, check=True)
    return [line for line in done.stdout.decode().splitlines() if '"cause":"policy"' in line]


def printed():
    """All lines that the stories make the program print."""
    files, base, _ = examples.read((ROOT / "docs" / "specification.md").read_text(encoding="utf-8"))
    found = []
    for name in ("changes", "wave"):
        story = examples.Example(name, (STORIES / f"{name}.txt").read_text())
        lines, rejects = story.run(os.environ["ROLLCALL"], files, base)
        assert rejects == [], rejects
        found += lines
        if name == "changes":
            found += lines_after_restart(story, files, base)
    return found


def laid_out(line):
    """A record as the page breaks it."""
    for key in BREAKS:
        line = re.sub(rf',("{key}":)', r",\n \1", line, count=1)
    return line + "\n"


def name_of(line):
    record = json.loads(line)
    return f"{record['employee_id']} {record.get('seq', 'tombstone')}"


def written(page):
    """The page with its records as they are printed: each stands behind a comment that names it, `<!-- record E1 3 -->`."""
    lines = {name_of(line): line for line in printed()}
    return re.sub(r"(<!-- record (.*?) -->\n+```json\n).*?(```)", lambda found: found[1] + laid_out(lines[found[2]]) + found[3],
                  page, flags=re.S)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
