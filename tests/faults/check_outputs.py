"""What rollcall put out against the oracle (I1 to I3, I10, I11, I13, I22, I24, progress)."""

import collections
import concurrent.futures
import importlib.util
import itertools
import json
import os
from datetime import date, timedelta

import check_evidence
import topics as oracle_topics
from check_evidence import HERE, INPUTS, milliseconds
from difference import comparable

DOCS = HERE.parent.parent / "docs"


# --- the oracle --------------------------------------------------------------------------------------------------------------


def _task(folder, partition, records, until, at_most, latest):
    company = check_evidence.company_module.load(folder)
    records = [oracle_topics.Record(*fields) for fields in records]
    return partition, oracle_topics.step_through(company, records, until, at_most, latest)


def run_oracle(evidence):
    """{partition: Steps}: one task each, over the inputs as they lie in the broker."""
    run = evidence.run
    until = run.get("until") or run["ended"] - evidence.skew
    moved = [int(1000 * e.get("offset", 0)) for e in evidence.events if e["event"] == "fault" and e.get("kind") == "clock"]
    at_most = max(until, run["ended"] - evidence.skew + max(moved, default=0))
    records = {partition: [] for partition in range(evidence.partitions)}
    for name in INPUTS:
        for message in evidence.inputs[name]:
            fields = name, message.partition, message.offset, message.timestamp, message.key, message.value
            for partition in records if name == "calendar" else [message.partition]:
                records[partition].append(fields)
    latest = run["ended"] + evidence.skew
    folder = str(evidence.folder / "config")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        done = [pool.submit(_task, folder, p, fields, until, at_most, latest) for p, fields in records.items()]
        return dict(future.result() for future in done)


def expected_lives(steps):
    """{employee: [(step, record)]} of a task."""
    found = collections.defaultdict(list)
    for step, record in steps.published:
        found[record["employee_id"]].append((step, record))
    return found


# --- state -------------------------------------------------------------------------------------------------------------------


class State:
    """A committed state record beside what it says."""

    def __init__(self, message, value):
        self.message, self.value = message, value


def read_state(evidence, findings):
    """The committed state records by employee, without repeats (at least once), in the order of partition and offset."""
    found, first = collections.defaultdict(list), {}
    for message in evidence.committed["state"]:
        place = evidence.place("state", message.partition, message.offset)
        try:
            employee = message.key.decode()
            value = {"employee_id": employee, "tombstone": True} if message.value is None else json.loads(message.value)
            known = (employee, message.header("ce_id"))
            employee, value["employee_id"]
        except (AttributeError, KeyError, TypeError, ValueError):
            findings.violate("I22", f"{place}: no state record: {message.value!r:.200}")
            continue
        findings.check("I10", value["employee_id"] == employee, f"{place}: the key is {employee}, the record about {value['employee_id']}")
        if known in first and not evidence.is_exact:
            findings.check("I2", first[known].content() == message.content(), f"{place}: a repeat that is not the same as "
                           f"{evidence.place('state', first[known].partition, first[known].offset)}")
            findings.check("I21", first[known].content() == message.content(), f"{place}: a repeat that is not the same")
            continue
        first.setdefault(known, message)
        found[employee].append(State(message, value))
    return found


def check_state(evidence, findings, tasks):
    """I1, I2, I3, I10, I13. Returns what each record was caused by, and what is missing: (partition, step, text)."""
    actual = read_state(evidence, findings)
    caused, missing, known = [], [], set()
    for partition, steps in tasks.items():
        last = len(steps.records)
        for employee, expected in expected_lives(steps).items():
            known.add(employee)
            got = actual.get(employee, [])
            check_partitions(evidence, findings, employee, partition, got)
            check_person(evidence, findings, employee, expected, got, last)
            find_causes(evidence, expected, got, partition, last, caused, missing)
    for employee, got in actual.items():
        check_seq(evidence, findings, employee, got)
        if employee not in known:
            place = evidence.place("state", got[0].message.partition, got[0].message.offset)
            for name in ("I1", "I2"):
                findings.violate(name, f"{place}: {len(got)} records of {employee}, whom the oracle does not know")
    check_ids(evidence, findings, actual)
    return actual, caused, missing


def check_partitions(evidence, findings, employee, partition, got):
    places = sorted({state.message.partition for state in got})
    findings.check("I10", len(places) <= 1, f"{evidence.topics['state']}: {employee} is in the partitions {places}")
    if sum(place.rpartition("/")[0] == evidence.topics["state"] for place in evidence.ends) == evidence.partitions:
        findings.check("I10", places in ([], [partition]), f"{evidence.topics['state']}: {employee} is in {places}, the inputs in {partition}")


def describe(expected, got):
    parts = [f"{key}: expected {json.dumps(expected.get(key))}, found {json.dumps(got.get(key))}"
             for key in dict.fromkeys([*expected, *got]) if expected.get(key) != got.get(key)]
    return "; ".join(parts)


def difference(expected, got, id_of):
    """In which fields a record differs from the oracle's, as text; None if it does not. id_of: seq -> id, in this life."""
    wanted, found = comparable(expected), comparable(got)
    if wanted != found:
        return describe(wanted, found)
    if not got.get("tombstone"):
        superseded = id_of.get(expected["_supersedes_seq"]) if expected["_supersedes_seq"] else None
        if got["supersedes"] != superseded:
            return f"supersedes: expected {superseded} (seq {expected['_supersedes_seq']}), found {got['supersedes']}"
    return None


def check_person(evidence, findings, employee, expected, got, last):
    """`last`: the step of `until`; what the oracle says behind that may be there or not."""
    ids, good = {}, True
    for (step, wanted), state in itertools.zip_longest(expected, got, fillvalue=(None, None)):
        if state == (None, None):
            if step > last:
                break
            findings.violate("I2", f"{evidence.topics['state']}: {employee} seq {wanted.get('seq')}: missing; expected "
                                   f"{wanted.get('status', 'a tombstone')}, {wanted.get('cause')}, as of {wanted.get('as_of')}")
            good = False
            break
        place = evidence.place("state", state.message.partition, state.message.offset)
        findings.look("I2")
        if wanted is None:
            findings.violate("I2", f"{place}: {employee} seq {state.value.get('seq')}: one more than the oracle has")
            good = False
            break
        differs = difference(wanted, state.value, ids)
        if differs:
            findings.violate("I2", f"{place}: {employee} seq {state.value.get('seq')}: {differs}")
            good = False
            break
        ids = {} if state.value.get("tombstone") else {**ids, state.value["seq"]: state.value["id"]}
    newest = [record for step, record in expected if step <= last][-1:] + [record for step, record in expected if step > last]
    if newest:
        final = got[-1] if got else None
        findings.check("I1", final is not None and any(comparable(record) == comparable(final.value) for record in newest), lambda: (
            f"{evidence.topics['state']}: {employee}: the last record: " + (describe(comparable(newest[0]), comparable(final.value)) if final
                                                                             else "missing")))
    findings.check("I13", good, f"{evidence.topics['state']}: {employee} has other records than without faults")


def identity(record, tombstones):
    return ("tombstone", tombstones) if record.get("tombstone") else (record["known_at"], record["seq"])


def find_causes(evidence, expected, got, partition, last, caused, missing):
    """Pairs what is there with the oracle's records by (known_at, seq), so that one fault does not hide all others."""
    steps, tombstones = {}, 0
    for step, record in expected:
        early = record.get("cause") == "day_close"
        steps[identity(record, tombstones)] = step, early, record
        tombstones += bool(record.get("tombstone"))
    tombstones, found = 0, set()
    for state in got:
        try:
            name = identity(state.value, tombstones)
        except KeyError:
            continue
        tombstones += bool(state.value.get("tombstone"))
        if name in steps:
            found.add(name)
            step, is_close, record = steps[name]
            # A close may be done by the wall clock before the record that would have made it due.
            early = is_close and milliseconds(record["as_of"]) <= state.message.timestamp - evidence.skew and step >= last
            caused.append(("state", state.message, partition, step, early))
    for name, (step, _, record) in steps.items():
        if name not in found and step <= last:
            missing.append((partition, step, f"{evidence.topics['state']}: {record['employee_id']} seq {record.get('seq')}"))


def check_seq(evidence, findings, employee, got):
    wanted, known_at, newest = 1, None, ""
    for state in got:
        value, place = state.value, evidence.place("state", state.message.partition, state.message.offset)
        if value.get("tombstone"):
            wanted, newest, known_at = 1, known_at or newest, None
            continue
        findings.check("I3", value.get("seq") == wanted, f"{place}: {employee}: expected seq {wanted}, found {value.get('seq')}")
        if wanted == 1:
            findings.check("I3", value.get("known_at", "") >= newest, f"{place}: {employee}: known_at {value.get('known_at')} after {newest}")
        else:
            findings.check("I3", value.get("known_at") == known_at, f"{place}: {employee}: expected known_at {known_at}, found {value.get('known_at')}")
        known_at = value.get("known_at")
        wanted = (value.get("seq") or 0) + 1


def check_ids(evidence, findings, actual):
    """SPEC 6: each id once; one configuration has one hash for each policy."""
    seen, hashes = {}, {}
    for states in actual.values():
        for state in states:
            name = state.value.get("id")
            if name is None:
                continue
            place = evidence.place("state", state.message.partition, state.message.offset)
            findings.check("I2", name not in seen, f"{place}: id {name} is also that of {seen.get(name)}")
            seen[name] = place
            policy = state.value.get("policy")
            if isinstance(policy, dict):
                known = hashes.setdefault(policy.get("id"), policy.get("hash"))
                findings.check("I2", policy.get("hash") == known, f"{place}: policy {policy.get('id')} has the hash {policy.get('hash')}, and {known}")


# --- rejects -----------------------------------------------------------------------------------------------------------------


def check_rejects(evidence, findings, tasks):
    """I11. Returns (caused, missing), as check_state does."""
    inputs = {(name, m.partition, m.offset): m for name in INPUTS for m in evidence.inputs[name]}
    wanted, caused, missing, seen = {}, [], [], {}
    for partition, steps in tasks.items():
        for step, (kind, reasons) in enumerate(steps.verdicts):
            record = steps.records[step]
            if kind == oracle_topics.REJECTED and (record.topic != "calendar" or partition == 0):
                wanted[record.place()] = reasons, partition, step
    for message in evidence.committed["rejects"]:
        place = evidence.place("rejects", message.partition, message.offset)
        try:
            topic, number, offset = (message.header(f"rollcall-{part}").decode() for part in ("topic", "partition", "offset"))
            source = evidence.name_of[topic], int(number), int(offset)
            reason = message.header("rollcall-reason").decode()
        except (AttributeError, KeyError, ValueError):
            findings.violate("I22", f"{place}: headers that name no input: {message.headers!r:.300}")
            continue
        text = f"{place}: {evidence.place(*source)}"
        if source in seen:
            same = seen[source].content() == message.content()
            findings.check("I11", not evidence.is_exact and same, f"{text}: rejected twice" + ("" if same else ", not the same"))
            continue
        seen[source] = message
        if not findings.check("I11", source in wanted, f"{text}: rejected as {reason}; the oracle takes it"):
            continue
        reasons, partition, step = wanted[source]
        findings.check("I11", reason in reasons, f"{text}: expected {' or '.join(reasons)}, found {reason}")
        check_original(findings, text, inputs[source], message)
        caused.append(("rejects", message, partition, step, False))
    for source, (reasons, partition, step) in wanted.items():
        if source not in seen:
            findings.violate("I11", f"{evidence.place(*source)}: not rejected; expected {' or '.join(reasons)}")
            missing.append((partition, step, f"{evidence.topics['rejects']}: the reject of {evidence.place(*source)}"))
    findings.check("I13", wanted.keys() == seen.keys(), f"{evidence.topics['rejects']}: other rejects than without faults")
    return caused, missing


def check_original(findings, text, source, reject):
    own = ("rollcall-reason", "rollcall-detail", "rollcall-topic", "rollcall-partition", "rollcall-offset")
    cut = reject.header("rollcall-cut-from") is not None or reject.header("rollcall-headers-left-out") is not None
    theirs = [header for header in reject.headers if header[0] not in own]
    same = (source.key, source.value, source.headers) == (reject.key, reject.value, theirs)
    findings.check("I22", same or cut, f"{text}: not with the key, value and headers that came in")


# --- schemas and headers -----------------------------------------------------------------------------------------------------


def load_schema_checker():
    spec = importlib.util.spec_from_file_location("docs_schema", HERE.parent / "docs" / "schema.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_schemas(evidence, findings):
    checker = load_schema_checker()
    for name in ("state", "progress"):
        schema = json.loads((DOCS / "schema" / f"{name}.v1.json").read_text())
        for message in evidence.committed[name]:
            if message.value is None and name == "state":
                continue
            place = evidence.place(name, message.partition, message.offset)
            try:
                faults = checker.faults(schema, schema, json.loads(message.value), "")
            except (TypeError, ValueError) as error:
                faults = [str(error)]
            findings.check("I22", not faults, lambda: f"{place}: {'; '.join(faults[:3])}")
    for message in evidence.committed["state"]:
        place = evidence.place("state", message.partition, message.offset)
        check_headers(evidence, findings, place, message)


def check_headers(evidence, findings, place, message):
    try:
        value = json.loads(message.value) if message.value is not None else None
    except ValueError:
        return                          # said already
    wanted = {"ce_specversion": "1.0", "ce_source": f"/rollcall/{evidence.run['group']}", "ce_type": "rollcall.state.v1",
              "ce_subject": message.key.decode() if message.key else None, "content-type": "application/json"}
    if isinstance(value, dict):
        wanted |= {"ce_id": value.get("id"), "ce_time": value.get("as_of")}
    for name, expected in wanted.items():
        found = message.header(name)
        findings.check("I22", found is not None and found.decode(errors="replace") == expected, f"{place}: header {name}: expected {expected}, found {found}")


# --- open days ---------------------------------------------------------------------------------------------------------------


def check_open_days(evidence, findings, tasks, actual):
    """I24: an adverse record is about a day that was over, settled, and known to be so."""
    zones, held = collections.defaultdict(set), 0
    for name in ("roster",):
        for message in evidence.inputs[name]:
            line = oracle_topics.read_record(name, message.key, message.value, evidence.company)
            if not line.faults and not line.fields.get("tombstone"):
                site = evidence.company.sites.get(line.fields["home_site"])
                zones[line.fields["employee_id"]].add(line.fields["home_zone"] or (site.zone if site else evidence.company.default_zone))
    company = evidence.company
    for employee, states in actual.items():
        for state in states:
            value, place = state.value, evidence.place("state", state.message.partition, state.message.offset)
            if value.get("status") not in ("at_risk", "non_compliant") or value["status"] == value.get("previous_status"):
                continue
            try:
                day, as_of = date.fromisoformat(value["effective_on"]), milliseconds(value["as_of"])
                week_to = date.fromisoformat(value["week"]["to"])
            except (KeyError, TypeError, ValueError):
                continue                # I22 says so
            due = min(check_evidence.calendar_days.day_over(day, zone, company.day_starts_at)
                      for zone in zones[employee] | {value["zone"], company.default_zone}) + company.settle
            findings.check("I24", due <= as_of, f"{place}: {employee} is {value['status']} on {day}, which closes at {due}, as of {as_of}")
            findings.check("I24", week_to <= day, f"{place}: {employee} is {value['status']} by a week to {week_to}, on {day}")
            if not evidence.clock_was_moved:
                findings.check("I24", as_of <= state.message.timestamp,
                               f"{place}: {employee} is {value['status']} as of {as_of}, said at {state.message.timestamp}, before that")
    held = sum(steps.holds for steps in tasks.values())
    if held:
        findings.look("I24", held)      # whoever published one of them is found by I2


# --- progress ----------------------------------------------------------------------------------------------------------------


def last_closed(company, zone, clock):
    """The last day whose close is due by a clock."""
    day = company_day = check_evidence.calendar_days.day_of(clock, zone, company.day_starts_at)
    while check_evidence.calendar_days.day_over(day, zone, company.day_starts_at) + company.settle > clock:
        day -= timedelta(days=1)
    return day if day <= company_day else company_day


def check_progress(evidence, findings, tasks):
    """Each record by itself, that nothing goes back, and that the last one says what the oracle says."""
    newest = {}
    for message in sorted(evidence.committed["progress"], key=lambda m: (m.partition, m.offset)):
        place = evidence.place("progress", message.partition, message.offset)
        try:
            value = json.loads(message.value)
            partition, clock, closed = value["partition"], milliseconds(value["arrival_clock"]), value["closed"]
        except (KeyError, TypeError, ValueError):
            findings.violate("I22", f"{place}: no progress record")
            continue
        findings.check("progress", message.key == b"%d" % partition and partition in tasks, f"{place}: key {message.key}, partition {partition}")
        for zone, day in closed.items() if clock else ():
            expected = str(last_closed(evidence.company, zone, clock))
            findings.check("progress", day == expected, f"{place}: {zone}: expected {expected} at {value['arrival_clock']}, found {day}")
        before = newest.get(partition)
        if before and evidence.is_exact:
            findings.check("progress", (clock or 0) >= before[0], f"{place}: the clock goes back to {value['arrival_clock']}")
            for zone, day in closed.items():
                findings.check("progress", day >= before[1].get(zone, day), f"{place}: {zone} goes back from {before[1].get(zone)} to {day}")
        newest[partition] = clock or 0, closed, place
    for partition, steps in tasks.items():
        if not steps.people or not steps.people[-1]:
            continue
        if not findings.check("progress", partition in newest, f"{evidence.topics['progress']}: nothing of partition {partition}"):
            continue
        clock, closed, place = newest[partition]
        last = len(steps.records)
        findings.check("I13", clock >= steps.clocks[last - 1] and set(closed) >= set(steps.zones[0]),
                       f"{place}: the last of partition {partition} says {clock} and {sorted(closed)}; expected at least {steps.clocks[last - 1]} "
                       f"and {steps.zones[0]}")
        for zone in steps.zones[0]:
            expected = str(last_closed(evidence.company, zone, steps.clocks[last]))
            findings.check("progress", closed.get(zone, "") >= expected, f"{place}: {zone}: expected {expected} at the end, found {closed.get(zone)}")
