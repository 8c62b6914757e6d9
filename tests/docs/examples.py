"""The worked examples of docs/specification.md: each an ```example block of inputs, and behind it the table of all records that follow.

The notation is explained on the page ("How to read the examples"); what it stands for is fed to `rollcall replay`."""

import datetime
import json
import pathlib
import re
import subprocess
import tempfile

YEAR = 2021
MONTHS = {"Jan": 1, "Feb": 2, "Mar": 3}
DATE = r"\d\d? (?:Jan|Feb|Mar)"
EMPTY = "–"


def date_of(text):
    day, month = text.split()
    return datetime.date(YEAR, MONTHS[month], int(day))


def instant_of(text):
    """`9 Feb 12:00` as RFC 3339."""
    date, time = text.rsplit(" ", 1)
    return f"{date_of(date)}T{time}:00Z"


def dates_of(text):
    """`1-3, 8 Feb, 1 Mar`: a month holds for what stands before it."""
    found = []
    for days, month in re.findall(r"([\d, -]+?) (Jan|Feb|Mar)", text):
        for part in days.replace(" ", "").strip(",").split(","):
            first, _, last = part.partition("-")
            found += [datetime.date(YEAR, MONTHS[month], day) for day in range(int(first), int(last or first) + 1)]
    return found


class Example:
    def __init__(self, title, block, table="| |\n| |"):
        self.title = title
        self.lines = []  # (arrival, text, reason of the reject or None)
        self.policies = {}
        self.config, self.arguments, self.people = "", [], ["E1"]
        for line in block.splitlines():
            self.read(line)
        self.policies = self.policies or {"office-3d": [""]}
        for person in self.people:
            self.add(f"{YEAR}-01-31T12:00:00Z", "roster", {"employee_id": person, "home_site": "LON"}, None)
        self.lines.sort(key=lambda line: line[0])
        rows = [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in table.splitlines()]
        self.columns, self.rows = rows[0], rows[2:]

    def add(self, arrival, topic, record, reason):
        record = {"topic": topic, "arrived_at": arrival, **record}
        if topic != "calendar":
            record.setdefault("employee_id", "E1")
        if topic == "decisions":
            record.setdefault("decided_at", arrival)
        self.lines.append((arrival, json.dumps(record), reason))

    def read(self, line):
        line, _, reason = line.partition(" -> ")
        record = re.fullmatch(rf"({DATE} \d\d:\d\d) (\w+) (\{{.*\}})", line)
        word, _, rest = line.partition(":")
        rest = rest.strip()
        if record:
            self.add(instant_of(record[1]), record[2], json.loads(record[3]), reason.strip() or None)
        elif word.startswith("swipes"):
            for person in word[len("swipes of "):].replace(" ", "").split(",") if word != "swipes" else ["E1"]:
                for day in dates_of(rest):
                    self.add(f"{day}T09:00:00Z", "swipes", {"employee_id": person, "occurred_at": f"{day}T09:00:00Z", "site_id": "LON"}, None)
        elif word == "rules":
            self.policies["office-3d"] = [rest]
        elif word.startswith("policy "):
            self.policies.setdefault(word.split()[1], []).append(rest)
        elif word == "people":
            self.people = [] if rest == "none" else rest.replace(" ", "").split(",")
        elif word == "until":
            self.arguments += ["--until", instant_of(rest)]
        elif word == "guard":
            self.config = f"guard: {rest}\n"
            self.arguments.append("--guard")
        else:
            raise AssertionError(f"{self.title}: not a line of the notation: {line}")

    def policy_file(self, base):
        """Each policy has the versions that the example gives it, with what `base` (of the page) says besides."""
        text = "policies:\n"
        for name, versions in self.policies.items():
            text += f"  - id: {name}\n    versions:\n"
            for version in versions:
                given = re.findall(r"(\w+):", re.sub(r"\{.*?\}(?=,|$)|\[.*?\]", "", version))
                rest = [f"{key}: {value}" for key, value in base if key not in given]
                text += "      - {" + ", ".join(filter(None, [version, *rest])) + "}\n"
        return text

    def write(self, folder, files, base):
        """The files of a replay."""
        for name, text in files.items():
            (folder / name).write_text(text + (self.config if name == "rollcall.yaml" else ""))
        (folder / "policies.yaml").write_text(self.policy_file(base))
        (folder / "log.ndjson").write_text("".join(line[1] + "\n" for line in self.lines))

    def run(self, program, files, base):
        """The lines of the records, and the rejected lines with their reasons."""
        with tempfile.TemporaryDirectory() as directory:
            folder = pathlib.Path(directory)
            self.write(folder, files, base)
            done = subprocess.run([program, "replay", "-c", folder / "rollcall.yaml", *self.arguments, "--rejects", folder / "rejects",
                                   folder / "log.ndjson"], capture_output=True, check=False)
            if done.returncode != 0:
                raise AssertionError(f"{self.title}: {done.stderr.decode()}")
            rejects = [json.loads(line) for line in (folder / "rejects").read_text().splitlines()]
        return done.stdout.decode().splitlines(), [(each["line"], each["reason"]) for each in rejects]

    def faults(self, lines, rejects):
        """How the table differs from what the program says, as texts."""
        records = [json.loads(line) for line in lines]
        wanted = [(number, line[2]) for number, line in enumerate(self.lines, 1) if line[2]]
        found = [] if rejects == wanted else [f"rejected are {rejects}, not {wanted}"]
        seqs = {record["id"]: record["seq"] for record in records if "id" in record}
        told = [record for record in records if record.get("seq") != 1 or record["status"] != "unrated"]
        if "employee_id" in self.columns:
            told.sort(key=lambda record: (record["as_of"], record["employee_id"], record["seq"]))
        cells = [[cell(record, column, seqs) for column in self.columns] for record in told]
        rows = [[None if column == "why" else value for column, value in zip(self.columns, row)] for row in self.rows]
        return found + ([] if cells == rows else ["the records are", *map(as_row, cells), "and not", *map(as_row, rows)])


def as_row(cells):
    return "| " + " | ".join(cell or "" for cell in cells) + " |"


def short_date(text):
    date = datetime.date.fromisoformat(text[:10])
    month = next(name for name, number in MONTHS.items() if number == date.month)
    return f"{date.day} {month}"


def cell(record, column, seqs):
    """A field as the tables write it."""
    if column == "why":
        return None
    value = record
    for key in column.split("."):
        value = value[key] if value is not None else None
    if column == "supersedes":
        value = value and f"the one with seq {seqs[value]}"
    if column == "week" and value:
        return f"{value['present']} of {value['required']}"
    if column == "as_of":
        return f"{short_date(value)} {value[11:16]}"
    if isinstance(value, list):
        return ", ".join(short_date(item) if column == "week.days" else item for item in value) or EMPTY
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return short_date(value)
    return EMPTY if value is None else str(value)


# ---- the page


def blocks(text, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.M | re.S)


def read(text):
    """The examples of a page: (files of the configuration, what each version says, examples)."""
    found = re.findall(r"^```example\n(.*?)^```\n+((?:\|[^\n]*\n)+)", text, re.M | re.S)
    assert len(found) == len(blocks(text, "example")), "an example without a table"
    titles = [re.findall(r"^\*Example: ([^*]+)\*|^#+ (.*)$", text[:text.index(block)], re.M)[-1] for block, _ in found]
    (config,) = [body for body in blocks(text, "yaml") if body.startswith("# rollcall.yaml")]
    parts = re.split(r"^# (\w+\.yaml).*\n", config, flags=re.M)[1:]
    files = dict(zip(parts[::2], parts[1::2]))
    base = re.findall(r"^[ -]+(\w+): (.*?) *(?:#.*)?$", files.pop("policies.yaml"), re.M)
    base = [(key, value) for key, value in base if key != "id"]
    return files, base, [Example("".join(title), block, table) for title, (block, table) in zip(titles, found)]
