#!/usr/bin/env python3
"""The examples of config/examples: `check` finds nothing wrong with them, and a week of each system's events, in its own words, comes
to what tests/golden/examples says: SYSTEM.json holds the last record of each person (the fields that matter), the counts, and the
reason of each rejected line.

The program under test is named by the environment variable ROLLCALL.
"""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import run

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "config" / "examples"
EXPECTED = pathlib.Path(__file__).resolve().parent / "examples"
ROLLCALL = os.path.abspath(os.environ.get("ROLLCALL", "build/dev/rollcall"))


def rollcall(*arguments):
    return subprocess.run([ROLLCALL, *map(str, arguments)], cwd=EXAMPLES, capture_output=True, check=False, text=True)


class Examples(unittest.TestCase):
    maxDiff = None

    def check_system(self, system):
        expected = json.loads((EXPECTED / f"{system}.json").read_text(encoding="utf-8"))
        checked = rollcall("check", "-c", f"{system}.yaml")
        self.assertEqual((checked.returncode, checked.stderr), (0, ""), "no error, and no warning")
        # as the head of the file says it is called
        command = re.search(r"rollcall (replay -c .*)", (EXAMPLES / f"{system}.yaml").read_text(encoding="utf-8")).group(1).split()
        with tempfile.NamedTemporaryFile() as rejects:
            done = rollcall(*command, "--rejects", rejects.name)
            self.assertEqual(done.returncode, 0, done.stderr)
            rejected = {str(reject["line"]): reject["reason"] for reject in run.parse(rejects.read())}
        self.assertEqual(rejected, expected["rejected"])
        counts = {word: int(number) for word, number in re.findall(r"^(\w+) +(\d+) ", done.stderr, re.M)}
        self.assertEqual(counts, expected["counts"])
        last = {record["employee_id"]: record for record in map(json.loads, done.stdout.splitlines())}
        self.assertEqual(set(last), set(expected["last"]))
        for employee, wanted in expected["last"].items():
            self.assertIsNone(run.mismatch(wanted, last[employee]), employee)

    def test_kisi(self):
        """Integers for people, no site, and the want of an error for a grant; a swipe at 01:30 UTC is of the evening before."""
        self.check_system("kisi")

    def test_verkada(self):
        """Flattened names, milliseconds, words of direction that nobody reads; seconds since 1970 end as too_late."""
        self.check_system("verkada")

    def test_onvif(self):
        """Topics for results, access points for sites: one in New York dates its swipe by its own midnight."""
        self.check_system("onvif")

    def test_every_example_is_here(self):
        systems = {path.name.split(".")[0] for path in EXAMPLES.iterdir()}
        self.assertEqual(systems, {path.stem for path in EXPECTED.iterdir()})
        told = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
        for system in systems:
            self.assertIn(f"config/examples/{system}.yaml", told)


if __name__ == "__main__":
    unittest.main()
