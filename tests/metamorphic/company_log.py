"""A company as a list of events that can be told to rollcall in another way: its configuration as JSON, and its log as pairs
of an arrival and a record. Lines with a fault of form are left out, each other line says when it arrived."""

import collections
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "oracle"))

import company as company_module        # noqa: E402
import generate                         # noqa: E402
import oracle                           # noqa: E402
from calendar_days import format_instant    # noqa: E402

ROLLCALL = os.path.abspath(os.environ.get("ROLLCALL", "build/dev/rollcall"))
NOT_LOOKED_AT = ("reader_id", "event_id")       # any JSON, also what Python cannot write again
Event = collections.namedtuple("Event", "arrival record")


class CompanyLog:
    def __init__(self, folder, files, until=None, guard=False):
        def read(name):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                return json.load(file)

        self.settings, self.policies, self.sites = read("rollcall.yaml"), read("policies.yaml"), read("sites.yaml")
        self.until, self.guard = until, guard
        self.rules = company_module.load(folder)
        self.events = list(self.events_of([os.path.join(folder, name) for name in files]))

    def events_of(self, files):
        found = []
        for order, name in enumerate(files):
            for arrival, number, raw, line in oracle.read_file(name, self.rules):
                if not line.faults and arrival is not None:
                    found.append((arrival, order, number, json.loads(raw)))
        for arrival, _, _, record in sorted(found, key=lambda entry: entry[:3]):
            yield Event(arrival, {key: value for key, value in record.items() if key not in NOT_LOOKED_AT})

    def spread(self):
        """No two records arrive at once: then an instant names one of them."""
        last = self.events[0].arrival - 1
        for number, event in enumerate(self.events):
            last = max(last + 1, event.arrival)
            self.events[number] = event._replace(arrival=last)
        return self

    # records

    def name_of(self, record):
        """The field that holds the employee of a record."""
        return self.rules.fields.get("employee_id", "employee_id") if record["topic"] == "swipes" else "employee_id"

    def employee_of(self, record):
        value = record.get(self.name_of(record))
        return None if value is None else str(value)

    def line_of(self, event):
        return json.dumps({**event.record, "arrived_at": format_instant(event.arrival)}, ensure_ascii=False).encode() + b"\n"

    # replay

    def replay(self, events=None, shares=None, until="its own", extra=(), empty=()):
        """What rollcall says: (the records of each employee, the rejects). `shares` are the events of several files; a file with
        a name in `empty` is told too, and has no line."""
        shares = shares or [self.events if events is None else events]
        with tempfile.TemporaryDirectory(prefix="rollcall-") as folder:
            for name, content in (("rollcall.yaml", self.settings), ("policies.yaml", self.policies),
                                  ("sites.yaml", self.sites)):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    json.dump(content, file)
            names = ["in%d.ndjson" % number for number in range(len(shares))]
            for name, share in [*zip(names, shares), *((name, []) for name in empty)]:
                with open(os.path.join(folder, name), "wb") as file:
                    file.writelines(self.line_of(event) for event in share)
            command = [ROLLCALL, "replay", "-c", "rollcall.yaml", "--rejects", "rejects", *extra]
            until = self.until if until == "its own" else until
            command += (["--until", until] if until else []) + (["--guard"] if self.guard else [])
            done = subprocess.run(command + sorted([*names, *empty]), cwd=folder, capture_output=True, check=False)
            if done.returncode != 0:
                raise AssertionError("exit code %d\n%s" % (done.returncode, done.stderr.decode()))
            with open(os.path.join(folder, "rejects"), encoding="utf-8") as file:
                rejects = [json.loads(line) for line in file]
        return by_employee(done.stdout), rejects


def by_employee(out):
    """The records of each employee in order. An id depends on lines, so `supersedes` says a seq here."""
    people, seqs = {}, {None: None}
    for line in out.decode("utf-8").splitlines():
        record = json.loads(line)
        if "id" in record:
            seqs[record.pop("id")] = record["seq"]
            record["supersedes"] = seqs[record["supersedes"]]
        people.setdefault(record["employee_id"], []).append(record)
    return people


def random_company(seed, folder):
    args = generate.generate(seed, "full", folder)
    return CompanyLog(folder, args["files"], args["until"], args["guard"])


def realistic_company(folder, people=20, begin="2023-05-01", end="2023-08-31", seed=1):
    """What `rollcall generate` makes, its configuration as JSON."""
    subprocess.run([ROLLCALL, "generate", "--people", str(people), "--from", begin, "--to", end, "--seed", str(seed),
                    "--config", folder, "-o", os.path.join(folder, "in.ndjson")], check=True, capture_output=True)

    def text_of(name):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            return file.read()

    sites = {name: {"zone": zone, "counts": not counts} for name, zone, counts in
             re.findall(r"^  (\S+): \{zone: ([^,}]+)(, counts: false)?\}$", text_of("sites.yaml"), re.M)}
    version = r"- id: (\S+)\n +versions:\n +- effective_on: (\S+)\n +required_days: (\d+)\n"
    policies = [{"id": name, "versions": [{"effective_on": day, "required_days": int(required)}]}
                for name, day, required in re.findall(version, text_of("policies.yaml"))]
    settings = {"policies": "policies.yaml", "sites": "sites.yaml", "employees": 1000, "people": {"unknown": "out_of_scope"},
                "time": {"complete_from": begin, "default_zone": "America/Los_Angeles"}}
    for name, content in (("rollcall.yaml", settings), ("policies.yaml", {"policies": policies}),
                          ("sites.yaml", {"sites": sites})):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(content, file)
    return CompanyLog(folder, ["in.ndjson"])
