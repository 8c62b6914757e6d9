"""The form of a line (SPEC 2): a record with typed fields, or the set of its faults.

With several faults of form each reason is right, so all of them are collected.
"""

import json

from calendar_days import WEEKDAYS, ZONE_NAMES, parse_date, parse_instant

MAX_BYTES = 64 * 1024
MAX_DEPTH = 64
LAST_MS = parse_instant("2199-12-31T23:59:59.999Z")[0]
TOPICS = ["calendar", "roster", "leave", "decisions", "swipes"]

ROLES = ["manager", "hr", "vp", "security", "employee"]
LASTING = ["attendance_credit", "attendance_void", "exemption", "vp_approval"]     # what can be revoked
ROLES_OF_KIND = {
    "attendance_credit": {"hr", "security"}, "attendance_void": {"hr", "security"}, "exemption": {"hr", "vp"},
    "vp_approval": {"vp"}, "revoke": set(), "dispute_opened": set(ROLES), "dispute_closed": {"hr"},
    "verbal_warning": {"manager", "hr"}, "written_warning": {"manager", "hr"}, "case_closed": {"hr"},
}


class Pairs(list):
    """A JSON object as the list of its members, so that a key that comes twice is seen."""


class Number(str):
    """A JSON number as it is written."""


class Line:
    """What a line says, whatever becomes of it."""

    def __init__(self):
        self.faults = set()
        self.topic = None
        self.own_arrival = None         # of the line alone; the reader of the file knows what came before
        self.fields = {}


def strings_and_depth(value):
    """Every string within a JSON value, and how deep the value is nested."""
    if isinstance(value, Pairs):
        strings = [key for key, _ in value]
        parts = [strings_and_depth(member) for _, member in value]
    elif isinstance(value, list):
        strings = []
        parts = [strings_and_depth(member) for member in value]
    else:
        return ([value] if isinstance(value, str) else []), 0
    for inner, _ in parts:
        strings = strings + inner
    return strings, 1 + max([depth for _, depth in parts], default=0)


def refuse(word):
    raise ValueError(word)              # NaN and Infinity are not JSON


def parse_object(raw):
    """The members of the one JSON object in raw, or None. Numbers stay text."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=Pairs, parse_int=Number, parse_float=Number,
                           parse_constant=refuse)
        strings, depth = strings_and_depth(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, Pairs) or depth > MAX_DEPTH:
        return None
    if any(0xD800 <= ord(char) <= 0xDFFF for string in strings for char in string):
        return None
    members = dict(value)
    return members if len(members) == len(value) else None


def is_text(value):
    return isinstance(value, str) and not isinstance(value, Number)


def integer_of(value):
    """The text of a JSON integer without a meaningless sign, or None."""
    if not isinstance(value, Number) or any(char in value for char in ".eE"):
        return None
    return "0" if value == "-0" else str(value)


class Form:
    """Reads fields one by one, notes faults. A null field is an absent one."""

    def __init__(self, members, line, names=None):
        self.members, self.line, self.names = members, line, names or {}

    def take(self, name, read, required=False):
        value = self.members.get(self.names.get(name, name))
        if value is None:
            if required:
                self.line.faults.add("missing_field")
            self.line.fields[name] = None
            return None
        result = read(value)
        if result is None:
            self.line.faults.add("bad_field")
        self.line.fields[name] = result
        return result

    def days(self):
        """The fields from and to."""
        first, last = self.take("from", parse_date_text, True), self.take("to", parse_date_text, True)
        if first and last and last < first:
            self.line.faults.add("bad_field")


def parse_date_text(value):
    return parse_date(value) if is_text(value) else None


def read_id(value):
    return str(value) if is_text(value) and 1 <= len(value.encode("utf-8")) <= 64 else None


def read_employee(value):
    text = integer_of(value)
    if text is not None:
        return text if len(text) <= 64 else None
    return read_id(value)


def read_instant(value):
    return parse_instant(value) if is_text(value) else None


def read_occurred(value):
    """(milliseconds, offset as written or None)."""
    text = integer_of(value)
    if text is not None:
        return (int(text), None) if len(text) <= 15 and 0 <= int(text) <= LAST_MS else None
    return read_instant(value)


def read_text(value):
    return str(value) if is_text(value) else None


def read_word(*words):
    return lambda value: str(value) if is_text(value) and value in words else None


def read_zone(value):
    return str(value) if is_text(value) and value in ZONE_NAMES else None


def read_workdays(value):
    if not isinstance(value, list) or isinstance(value, Pairs) or not value:
        return None
    if not all(is_text(day) and day in WEEKDAYS for day in value):
        return None
    return frozenset(WEEKDAYS.index(day) for day in value)


def read_swipe(form):
    form.take("employee_id", read_employee, True)
    occurred = form.take("occurred_at", read_occurred, True)
    form.take("site_id", read_id)
    form.take("result", read_text)
    form.take("direction", read_word("in", "out", "unknown"))
    if occurred and form.line.own_arrival is None:
        form.line.own_arrival = occurred[0]


def read_roster(form):
    form.take("employee_id", read_employee, True)
    if form.members.get("tombstone") is True:
        form.line.fields["tombstone"] = True
        return
    form.line.fields["tombstone"] = False
    form.take("expectation", read_word("office", "none"))
    form.take("policy", read_id)
    form.take("home_site", read_id)
    form.take("home_zone", read_zone)
    form.take("manager_id", read_id)
    form.take("hired_on", parse_date_text)
    form.take("left_on", parse_date_text)
    form.take("workdays", read_workdays)
    form.take("effective_on", parse_date_text)


def read_leave(form):
    form.take("employee_id", read_employee, True)
    form.take("leave_id", read_id, True)
    if form.take("op", read_word("assert", "cancel")) != "cancel":
        form.days()
        form.take("effect", read_word("excuse", "credit"), True)


def read_calendar(form):
    form.take("site_id", read_id, True)
    if form.take("kind", read_word("closed", "hold", "release"), True) != "release":
        form.take("op", read_word("assert", "cancel"))
        form.days()


def read_decision(form):
    form.take("employee_id", read_employee, True)
    form.take("decision_id", read_id, True)
    kind = form.take("kind", read_word(*ROLES_OF_KIND), True)
    form.take("decided_by", read_id, True)
    form.take("decided_by_role", read_word(*ROLES), True)
    form.take("decided_at", read_instant, True)
    if kind in ("attendance_credit", "attendance_void"):
        form.take("day", parse_date_text, True)
    if kind == "exemption":
        form.days()
    if kind == "vp_approval":
        form.take("expires_on", parse_date_text, True)
    if kind == "revoke":
        form.take("revokes", read_id, True)


READERS = {"swipes": read_swipe, "roster": read_roster, "leave": read_leave, "calendar": read_calendar,
           "decisions": read_decision}


def read_line(raw, company):
    """The Line of one line of a file (without its line feed)."""
    line = Line()
    if len(raw) > MAX_BYTES:
        line.faults.add("too_large")
    members = parse_object(raw)
    if members is None:
        line.faults.add("bad_json")
    if line.faults:
        return line                     # it has no arrival of its own
    form = Form(members, line)
    form.take("topic", read_word(*TOPICS), True)
    form.take("arrived_at", read_instant)
    line.topic, arrived = line.fields["topic"], line.fields["arrived_at"]
    if arrived:
        line.own_arrival = arrived[0]
    bad_arrival = members.get("arrived_at") is not None and not arrived
    if line.topic:
        names = company.fields if line.topic == "swipes" else None
        READERS[line.topic](Form(members, line, names))
    if bad_arrival:
        line.own_arrival = None         # it moves no clock, not even by its occurred_at
    return line
