"""The evidence folder of a run, as it was read, and the list of what was found wrong with it (README.md)."""

import dataclasses
import json
import pathlib
import sys

import log_segments

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "oracle"))

import calendar_days  # noqa: E402  of the oracle
import company as company_module  # noqa: E402

INPUTS = log_segments.INPUTS
EMPLOYEE_INPUTS = INPUTS[1:]
OUTPUTS = ("state", "rejects", "progress", "changelog")
SHOWN = 20

INVARIANTS = {
    "evidence": "the folder is whole, and the logs in it are sound",
    "I1": "the last state record of everybody is the oracle's",
    "I2": "read_committed shows each record of the oracle exactly once, and nothing else",
    "I3": "seq from 1 by 1, in the order of offsets",
    "I4": "every output has a real cause, below the offsets that its transaction commits",
    "I5": "nothing below a committed offset lacks its effect",
    "I6": "committed offsets never fall, are all explained, and end at the end",
    "I7": "what a transaction put out is what the oracle says for its range of inputs",
    "I8": "nothing aborted or undecided is visible, no transaction is torn or open",
    "I9": "ownership of a partition moves forward only",
    "I10": "a key has one output partition, that of its inputs",
    "I11": "each reject exactly once, for a right reason; read = applied + ignored + rejected",
    "I12": "the changelog stands where the offsets stand, and a restart finds all of it",
    "I13": "the faulted run ends as an unfaulted one",
    "I14": "after healing everything is done in time",
    "I15": "memory, descriptors and threads stay in their budgets",
    "I16": "no secret and no employee id in a log, a command line or an environment",
    "I17": "each fault moves its metric",
    "I18": "every end is one that was to be expected, no sanitizer says anything",
    "I19": "a graceful stop has committed what it processed",
    "I20": "the table holds no key twice",
    "I21": "what is done again comes out the same",
    "I22": "outputs fit their schemas and headers",
    "I23": "workers, batches and instances make no difference",
    "I24": "nobody is judged on an open day",
    "progress": "progress records say how far the days are closed",
}


class Findings:
    """What was looked at and what was wrong, by invariant."""

    def __init__(self):
        self.checked = dict.fromkeys(INVARIANTS, 0)
        self.violations = {name: [] for name in INVARIANTS}
        self.count = dict.fromkeys(INVARIANTS, 0)
        self.why = dict.fromkeys(INVARIANTS, "")

    def look(self, name, number=1):
        self.checked[name] += number

    def violate(self, name, text):
        self.count[name] += 1
        if len(self.violations[name]) < SHOWN:
            self.violations[name].append(text)

    def check(self, name, holds, text):
        """text: a string, or a function that makes one."""
        self.look(name)
        if not holds:
            self.violate(name, text() if callable(text) else text)
        return holds

    def skip(self, name, why):
        if why not in self.why[name]:
            self.why[name] = f"{self.why[name]}; {why}" if self.why[name] else why

    def verdict(self, name):
        if self.count[name]:
            return "violated"
        return "holds" if self.checked[name] else "not_applicable"


class Broken(Exception):
    """The folder is not one that can be judged."""


@dataclasses.dataclass(slots=True)
class Message:
    """A record as a consumer saw it."""
    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: list

    def header(self, name):
        return next((value for key, value in reversed(self.headers) if key == name), None)

    def content(self):
        return self.key, self.value, self.headers


def read_lines(path, may_be_cut=False):
    lines = path.read_text(encoding="utf-8").split("\n")
    if lines[-1] and not may_be_cut:
        raise Broken(f"{path.name}: the last line is cut off")
    found = []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            found.append(json.loads(line))
        except ValueError:
            if may_be_cut and number == len(lines):
                break
            raise Broken(f"{path.name}:{number}: no JSON") from None
    return found


def read_messages(path):
    found = []
    for line in read_lines(path):
        encoding = "latin-1" if line.get("binary") else "utf-8"

        def raw(text):
            return None if text is None else text.encode(encoding)

        found.append(Message(line["partition"], line["offset"], line["timestamp"], raw(line["key"]), raw(line["value"]),
                             [(name, raw(value)) for name, value in line["headers"]]))
    return sorted(found, key=lambda m: (m.partition, m.offset))


class Evidence:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        try:
            self.read()
        except (OSError, KeyError, TypeError, ValueError, log_segments.BadLog) as error:
            raise Broken(f"{type(error).__name__}: {error}") from error

    def read(self):
        folder = self.folder
        self.run = json.loads((folder / "run.json").read_text())
        if self.run["format"] != 1:
            raise Broken(f"format {self.run['format']} is not known")
        self.company = company_module.load(str(folder / "config"))
        self.topics = self.run["topics"]
        self.name_of = {real: name for name, real in self.topics.items()}
        self.partitions = self.run["partitions"]
        self.is_exact = self.run["delivery"] == "exactly_once"
        self.events = read_lines(folder / "events.jsonl")
        # While no broker answers, a sample says why instead.
        self.samples = read_lines(folder / "offsets.jsonl", may_be_cut=True)  # with those that had no answer
        self.offsets = [s for s in self.samples if "offsets" in s]
        self.resources = read_lines(folder / "resources.jsonl", may_be_cut=True)
        self.ends = json.loads((folder / "ends.json").read_text())
        self.logs = {self.incarnation_of(p): p.read_text(errors="replace") for p in sorted((folder / "logs").glob("*.log"))}
        self.inputs = {name: read_messages(folder / "inputs" / f"{name}.jsonl") for name in INPUTS}
        self.committed, self.uncommitted = (
            {name: read_messages(folder / "outputs" / f"{name}.{kind}.jsonl") for name in OUTPUTS}
            for kind in ("committed", "uncommitted"))
        self.skew = self.company.clock_skew
        self.clock_was_moved = any(e.get("kind") == "clock" for e in self.events if e["event"] == "fault")

    @staticmethod
    def incarnation_of(path):
        member, _, number = path.stem.rpartition("-")
        return member, int(number)

    def place(self, name, partition, offset):
        return f"{self.topics[name]}/{partition}@{offset}"

    def incarnations(self):
        """[{member, incarnation, start, end, code, expected}], in order of time."""
        found = {}
        for event in self.events:
            key = event.get("member"), event.get("incarnation")
            if event["event"] == "start":
                found[key] = {"member": key[0], "incarnation": key[1], "start": event["t"], "pid": event["pid"], "end": None, "code": None,
                              "expected": []}
            elif event["event"] == "exit" and key in found:
                found[key].update(end=event["t"], code=event["code"], expected=event["expected"])
        return list(found.values())


def milliseconds(text):
    found = calendar_days.parse_instant(text)
    return found[0] if found else None
