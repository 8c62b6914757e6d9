#!/usr/bin/env python3
"""Style as a test: what a reviewer would otherwise have to say again. Each check is one CTest entry, style.NAME."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCES = sorted(p for d in ("src", "include", "tests", "bench") for p in (ROOT / d).rglob("*") if p.suffix in (".c", ".h", ".cc"))
LONGEST_FUNCTION = 70
LONGEST_LINE = 130

BANNED = {
    r"\b(gets|strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atof|alloca|mktemp|tmpnam)\s*\(": "unbounded, or without errors",
    r"\b(localtime|gmtime|mktime|strptime|tzset)(_r)?\s*\(": "dates are src/calendar's",
    r"\b(pthread_cancel|signal)\s*\(": "threads are joined, signals are waited for",
    r"\brand\s*\(": "shared state",
    r"\bvolatile\b": "not an atomic",
    r"\batomic_thread_fence\b": "ThreadSanitizer does not see it",
    r"\batomic_(load|store|exchange|fetch_(add|sub|or|and|xor)|compare_exchange_(weak|strong))\s*\(": "name the order: _explicit",
}


def code_of(path):
    """The text with comments and strings blanked, line by line as it was."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, path.read_text(), flags=re.S)


def banned_calls():
    """In the program itself: a test may compare with libc, and may fail loudly."""
    for path in SOURCES:
        if "tests" in path.parts:
            continue
        for number, line in enumerate(code_of(path).splitlines(), 1):
            for pattern, why in BANNED.items():
                found = re.search(pattern, line)
                if found:
                    yield f"{path.relative_to(ROOT)}:{number}: {found.group(0).strip('( ')}: {why}"


def purpose():
    """Each file opens with its purpose."""
    for path in SOURCES:
        if not path.read_text().startswith("/*"):
            yield f"{path.relative_to(ROOT)}:1: opens without saying what it is for"


def function_length():
    for path in SOURCES:
        lines = code_of(path).splitlines()
        start = None
        for number, line in enumerate(lines, 1):
            if start is None and line.endswith("{") and not line.startswith("    ") and ")" in line:
                start = number
            if start is not None and line.startswith("}"):
                if number - start > LONGEST_FUNCTION:
                    yield f"{path.relative_to(ROOT)}:{start}: {number - start} lines, more than {LONGEST_FUNCTION}"
                start = None


def line_length():
    for path in SOURCES:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if len(line) > LONGEST_LINE:
                yield f"{path.relative_to(ROOT)}:{number}: {len(line)} columns"


def acquire_and_release_named():
    """Each acquire or release names its partner in a comment, on its line or the ones before."""
    for path in SOURCES:
        if "tests" in path.parts:
            continue
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if re.search(r"memory_order_(acquire|release|acq_rel|seq_cst)", line):
                near = "\n".join(lines[max(0, number - 4):number + 2])
                if "/*" not in near and "*/" not in near:
                    yield f"{path.relative_to(ROOT)}:{number + 1}: an order without its partner's name"


def format():
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *map(str, SOURCES)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        yield from (line for line in done.stderr.splitlines() if "error:" in line)


def self_contained():
    """Nothing names a place that only the developers have."""
    pattern = re.compile(r"\.\./shared|/work/|\bTODO\b|\bFIXME\b")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split("\n")
    for name in filter(None, listed):
        path = ROOT / name
        if not path.is_file() or path.resolve() == pathlib.Path(__file__).resolve():
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                yield f"{name}:{number}: {pattern.search(line).group(0)}"


CHECKS = {c.__name__: c for c in
          (banned_calls, purpose, function_length, line_length, acquire_and_release_named, format, self_contained)}


def main():
    if len(SOURCES) < 20:
        sys.exit(f"only {len(SOURCES)} sources below {ROOT}: nothing was checked")
    faults = [fault for name in sys.argv[1:] or CHECKS for fault in CHECKS[name]()]
    print("\n".join(faults))
    sys.exit(1 if faults else 0)


main()
