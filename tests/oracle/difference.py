"""What two implementations publish about the same people, compared field by field."""

import collections
import json
import re

PRIVATE = "_supersedes_seq"
OWN = ("id", "supersedes", PRIVATE)             # compared by what they refer to


class Difference(Exception):
    def __init__(self, text, employee=None):
        super().__init__(text)
        self.employee = employee


def by_employee(records):
    people = collections.OrderedDict()
    for record in records:
        people.setdefault(record["employee_id"], []).append(record)
    return people


def side_by_side(expected, actual):
    lines = ["    %-18s %-60s %s" % ("", "oracle", "rollcall")]
    for key in list(expected) + [key for key in actual if key not in expected]:
        left, right = (json.dumps(r.get(key, "-"), ensure_ascii=False) for r in (expected, actual))
        mark = " " if left == right or key in OWN else "*"
        lines.append("  %s %-18s %-60s %s" % (mark, key, left, right))
    return "\n".join(lines)


def comparable(record):
    """A record without what is the implementation's own."""
    kept = {key: value for key, value in record.items() if key not in OWN}
    if "policy" in kept:
        kept["policy"] = {key: value for key, value in kept["policy"].items() if key != "hash"}
    return kept


def compare_person(employee, expected, actual):
    ids = {}                                    # seq -> id, since the person became known
    for number, wanted in enumerate(expected):
        if number >= len(actual):
            raise Difference("record %d is missing:\n%s" % (number + 1, json.dumps(wanted, ensure_ascii=False)), employee)
        got = actual[number]
        if comparable(wanted) != comparable(got):
            raise Difference("record %d differs:\n%s" % (number + 1, side_by_side(wanted, got)), employee)
        if [key for key in wanted if key != PRIVATE] != list(got):
            raise Difference("record %d has its fields in another order: %s" % (number + 1, list(got)), employee)
        if got.get("tombstone"):
            ids = {}
            continue
        if not re.fullmatch("[0-9a-f]{64}", got["policy"]["hash"] or ""):
            raise Difference("record %d: policy.hash is %r" % (number + 1, got["policy"]["hash"]), employee)
        if not isinstance(got["id"], str) or not got["id"]:
            raise Difference("record %d: id is %r" % (number + 1, got["id"]), employee)
        if got["supersedes"] != (ids[wanted[PRIVATE]] if wanted[PRIVATE] else None):
            raise Difference("record %d supersedes %r; it must be the id of seq %r, %r\n%s" % (
                number + 1, got["supersedes"], wanted[PRIVATE], ids.get(wanted[PRIVATE]), side_by_side(wanted, got)),
                employee)
        ids[got["seq"]] = got["id"]
    if len(actual) > len(expected):
        raise Difference("record %d is one too many:\n%s" % (
            len(expected) + 1, json.dumps(actual[len(expected)], ensure_ascii=False)), employee)


def compare_records(expected, actual):
    wanted, got = by_employee(expected), by_employee(actual)
    for employee in wanted:
        compare_person(employee, wanted[employee], got.get(employee, []))
    for employee in got:
        if employee not in wanted:
            raise Difference("nobody knows this person, but there are %d records" % len(got[employee]), employee)
    ids = collections.Counter(record["id"] for record in actual if "id" in record)
    repeated = [name for name, count in ids.items() if count > 1]
    if repeated:
        raise Difference("id %s comes %d times" % (repeated[0], ids[repeated[0]]))
