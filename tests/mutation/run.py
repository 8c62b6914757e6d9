#!/usr/bin/env python3
"""Makes deliberate mistakes in a copy of the sources, one at a time, and tells which test catches each.

run.py [--only NAME ...] [--jobs N] [--list]

The mistakes are those of mutants.toml; its head says what makes a good one. Each is built, and tried by the tests in order of
their speed, up to the first that fails: unit tests, golden cases, the oracle on twenty companies. Exits 1 if one survives or
does not build. --list changes and builds nothing: it says where each mistake is made, and exits 1 if a text to find does not
stand in its file exactly once.

The copy, with its build, stays in build/mutation for the next time.
"""

import argparse
import concurrent.futures
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COPIES = ROOT / "build" / "mutation"
UNIT_TESTS = ["test_judge", "test_changelog"]    # those that see the code of mutants.toml
UNIT_TIMEOUT_SECONDS = 60
ORACLE_SEEDS = "1..20"
ORACLE_TIMEOUT_SECONDS = 600
FIELDS = {"name", "file", "find", "replace", "breaks", "spec"}

sys.path.insert(0, str(ROOT / "tests" / "golden"))
import run as golden                    # noqa: E402


def read_mutants():
    with open(HERE / "mutants.toml", "rb") as file:
        return tomllib.load(file)["mutant"]


def faults_of_list(mutants):
    names = [mutant.get("name") for mutant in mutants]
    for mutant in mutants:
        if set(mutant) != FIELDS or not all(mutant[field] or field == "replace" for field in FIELDS):
            yield "%s: has the fields %s" % (mutant.get("name"), ", ".join(sorted(mutant)))
            continue
        if names.count(mutant["name"]) > 1:
            yield "%s: is a name twice" % mutant["name"]
        found = (ROOT / mutant["file"]).read_text().count(mutant["find"])
        if found != 1:
            yield "%s: its text stands in %s %d times" % (mutant["name"], mutant["file"], found)
        if mutant["find"] == mutant["replace"]:
            yield "%s: replaces a text by itself" % mutant["name"]


def show_list(mutants):
    for mutant in mutants:
        text = (ROOT / mutant["file"]).read_text()
        line = text[:max(0, text.find(mutant["find"]))].count("\n") + 1
        print("%-46s %s:%d\n    SPEC %s: %s" % (mutant["name"], mutant["file"], line, mutant["spec"], mutant["breaks"]))


# ---- the copy

class Copy:
    """A copy of the tree with a build directory of its own."""

    def __init__(self, number):
        self.root = COPIES / str(number)
        self.build = self.root / "build" / "dev"
        self.rollcall = self.build / "rollcall"

    def refresh(self):
        """Only what differs is written, so that only that is built again."""
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                                stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
        for name in filter(None, listed):
            source, target = ROOT / name, self.root / name
            if not source.is_file():
                continue
            data = source.read_bytes()
            if not target.exists() or target.read_bytes() != data:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        if not (self.build / "build.ninja").exists():
            subprocess.run(["cmake", "--preset", "dev"], cwd=self.root, stdout=subprocess.DEVNULL, check=True)

    def make(self):
        """None, or what the compiler said."""
        done = subprocess.run(["ninja", "-C", self.build, "rollcall"] + UNIT_TESTS, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        return done.stdout.decode(errors="replace") if done.returncode else None


# ---- the tests: each says which one failed, or None

def failed_unit_test(copy):
    for name in UNIT_TESTS:
        try:
            done = subprocess.run([copy.build / "tests" / "unit" / name], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=UNIT_TIMEOUT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return "unit %s (does not end)" % name
        if done.returncode:
            case = re.search(rb"\[  FAILED  \] (\w+)", done.stdout)
            return "unit %s.%s" % (name[len("test_"):], case.group(1).decode() if case else "(crash)")
    return None


def failed_golden_case(copy):
    golden.BATCHES = golden.BATCHES[:1]
    for case in sorted((ROOT / "tests" / "golden" / "cases").iterdir()):
        sys.argv = [sys.argv[0], str(copy.rollcall), str(case)]
        try:
            golden.main()
        except (SystemExit, subprocess.TimeoutExpired, ValueError, KeyError):
            return "golden %s" % case.name
        finally:
            os.chdir(ROOT)              # the case ran in a folder that is gone
    return None


def failed_oracle_seed(copy):
    command = [sys.executable, ROOT / "tests" / "oracle" / "compare.py", "--rollcall", copy.rollcall,
               "--seeds", ORACLE_SEEDS, "--scope", "full", "--max-differences", "1"]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=ORACLE_TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "oracle (does not end)"
    if done.returncode == 0:
        return None
    seed = re.search(rb"^seed (\d+)", done.stdout, re.M)
    return "oracle seed %s" % (seed.group(1).decode() if seed else "(crash)")


def failed_test(copy):
    return failed_unit_test(copy) or failed_golden_case(copy) or failed_oracle_seed(copy)


# ---- one mutant

def take_copy(numbers):
    global own_copy                     # of this process
    own_copy = Copy(numbers.get())
    own_copy.refresh()


def try_mutant(mutant):
    """The test that caught it, None if none did, or ("error", why); and the seconds it took."""
    started = time.monotonic()
    path = own_copy.root / mutant["file"]
    text = path.read_text()
    try:
        path.write_text(text.replace(mutant["find"], mutant["replace"]))
        trouble = own_copy.make()
        result = ("error", trouble) if trouble else failed_test(own_copy)
    finally:
        path.write_text(text)
    return result, time.monotonic() - started


def try_nothing():
    """The tests without a mistake: what fails then catches nothing."""
    trouble = own_copy.make()
    if trouble:
        return "the build:\n" + trouble
    return failed_test(own_copy)


def report(mutant, result, seconds):
    if isinstance(result, tuple):
        print(result[1])
        result = "ERROR: does not build"
    print("%-46s %-74s %5.1f s" % (mutant["name"], result or "SURVIVES: SPEC %(spec)s: %(breaks)s" % mutant, seconds),
          flush=True)


def try_all(mutants, jobs):
    numbers = multiprocessing.Queue()
    for number in range(jobs):
        numbers.put(number)
    caught = []
    with concurrent.futures.ProcessPoolExecutor(jobs, initializer=take_copy, initargs=(numbers,)) as pool:
        fault = pool.submit(try_nothing).result()
        if fault:
            sys.exit("without any mistake, this fails: %s" % fault)
        waiting = [(mutant, pool.submit(try_mutant, mutant)) for mutant in mutants]
        for mutant, future in waiting:
            result, seconds = future.result()
            report(mutant, result, seconds)
            if isinstance(result, str):
                caught.append(result)
    fast = sum(not by.startswith("oracle") for by in caught)
    print("%d of %d caught" % (len(caught), len(mutants)))
    print("%d of %d by unit tests or golden cases, without the oracle" % (fast, len(mutants)))
    return 0 if len(caught) == len(mutants) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="NAME", nargs="+", help="these mutants alone")
    parser.add_argument("--jobs", metavar="N", type=int, default=1, help="copies of the tree to work in at once")
    parser.add_argument("--list", action="store_true", help="check and show the list")
    options = parser.parse_args()
    mutants = read_mutants()
    faults = list(faults_of_list(mutants))
    if faults:
        sys.exit("\n".join(faults))
    if options.list:
        show_list(mutants)
        return 0
    unknown = set(options.only or []) - {mutant["name"] for mutant in mutants}
    if unknown:
        sys.exit("no such mutant: %s" % ", ".join(sorted(unknown)))
    os.nice(10)
    return try_all([mutant for mutant in mutants if not options.only or mutant["name"] in options.only], options.jobs)


if __name__ == "__main__":
    sys.exit(main())
