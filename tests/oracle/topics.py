"""The oracle over Kafka topics instead of files: one task, its records by (partition, offset), what each of them led to.

What a file cannot say and a topic can (SPEC 2, 5): a key that is not that of the value, a null value, arrivals by partition.
"""

from calendar_days import ONE_DAY
from form import MAX_BYTES, READERS, Form, Line, parse_object, read_employee, read_id
from task import Ignored, Rejected, Task

ORDER = ["calendar", "roster", "leave", "decisions", "swipes"]      # of records of one arrival
APPLIED, IGNORED, REJECTED = "applied", "ignored", "rejected"


def read_tombstone(key, line):
    """A null value of the roster: the key is all there is of it."""
    try:
        employee = read_id(key.decode("utf-8")) if key else None
    except UnicodeDecodeError:
        employee = None
    if employee is None:
        line.faults.add("bad_field")
    line.fields = {"employee_id": employee, "tombstone": True}


def read_record(topic, key, value, company):
    """The Line of a record; key and value are bytes or None."""
    line = Line()
    line.topic = topic
    if value is None and topic == "roster":
        read_tombstone(key, line)
        return line
    if value is not None and len(value) > MAX_BYTES:
        line.faults.add("too_large")
    members = parse_object(value) if value is not None else None
    if members is None:
        line.faults.add("bad_json")
    if line.faults:
        return line
    members.pop("tombstone", None)      # of a file's line; here a field like any other that is not known
    READERS[topic](Form(members, line, company.fields if topic == "swipes" else None))
    owner = line.fields["site_id" if topic == "calendar" else "employee_id"]
    if not line.faults and (key is None or key != owner.encode("utf-8")):
        line.faults.add("key_mismatch")
    return line


class Record:
    """A record of an input partition. `arrival` is set by in_order."""

    def __init__(self, topic, partition, offset, timestamp, key, value):
        self.topic, self.partition, self.offset = topic, partition, offset
        self.timestamp, self.key, self.value = timestamp, key, value
        self.arrival = None

    def place(self):
        return self.topic, self.partition, self.offset


def in_order(records, latest=None):
    """The records of a task in the order in which they are applied. What is stamped later than `latest` moves nothing:
    its arrival is that of what came before it."""
    largest = {}
    for record in sorted(records, key=lambda r: (r.topic, r.partition, r.offset)):
        partition = record.topic, record.partition
        stamp = float("-inf") if latest is not None and record.timestamp > latest else record.timestamp
        record.arrival = max(stamp, largest.get(partition, stamp))
        largest[partition] = record.arrival
    return sorted(records, key=lambda r: (r.arrival, ORDER.index(r.topic), r.partition, r.offset))


class QuickTask(Task):
    """The same task without looking at everybody for each record: it knows when the next close is due, and that a swipe for a day
    that was swiped already leaves the ledger as it was."""

    next_due = None                     # None: somebody came, moved or was closed since it was looked up

    def move_clock(self, instant):
        if self.next_due is None:
            self.next_due = min((self.due(p.c + ONE_DAY, p.home_zone(p.c + ONE_DAY, self.company))
                                 for p in self.people.values()), default=float("inf"))
        super().move_clock(instant)

    def close_days(self, until):
        if until >= self.next_due:
            super().close_days(until)
            self.next_due = None

    def change(self, people, cause, alter):
        if cause in ("swipe", "late_swipe") and people[0].id in self.people:
            person = people[0]
            before = person.swiped
            person.swiped = set(before)
            alter()
            if person.swiped == before:
                return
            person.swiped = before
        else:
            self.next_due = None
        super().change(people, cause, alter)


class Steps:
    """What the records of one task lead to. A step is a record with the closes that it makes due; behind the last one are
    a step for `until` and one for `at_most`."""

    def __init__(self):
        self.records = []               # in the order of the steps
        self.verdicts = []              # of each: (applied, ignored or rejected, the right reasons)
        self.published = []             # (step, state record)
        self.people = []                # known after each step
        self.clocks = []                # the arrival clock after each step
        self.zones = []                 # home zones in use, at the end and at until
        self.holds = 0


def step_through(company, records, until, at_most, latest=None):
    """The records of one task and its calendar, applied; then the clock goes to `until` (milliseconds), where the wall clock
    had certainly closed what was due, and to `at_most`, which it cannot have passed."""
    task, steps = QuickTask(company, guard=True), Steps()
    steps.records = in_order(records, latest)

    def done(step):
        steps.published += [(step, record) for record in task.records]
        task.records = []
        steps.people.append(len(task.people))
        steps.clocks.append(task.clock)

    for step, record in enumerate(steps.records):
        line = read_record(record.topic, record.key, record.value, company)
        if latest is not None and record.timestamp > latest:
            line.faults = {"clock_ahead"}
        try:
            task.apply(line, record.arrival if record.arrival > float("-inf") else task.clock)
            steps.verdicts.append((APPLIED, ()))
        except Rejected as rejected:
            steps.verdicts.append((REJECTED, tuple(sorted(rejected.reasons))))
        except Ignored as ignored:
            steps.verdicts.append((IGNORED, ignored.args))
        done(step)
    for step, clock in enumerate((until, at_most), len(steps.records)):
        if task.clock is not None:
            task.move_clock(clock)
        done(step)
        steps.zones.append(sorted({p.home_zone(p.c + ONE_DAY, company) for p in task.people.values()}))
    steps.holds = task.holds
    return steps
