#!/usr/bin/env python3
"""One company told in two ways must be answered in one way: which way, each test says. No expected output is needed, so the
companies may be as awkward as the oracle's generator makes them; those of `rollcall generate` are the realistic ones.

The program under test is named by the environment variable ROLLCALL.
"""

import copy
import random
import tempfile
import unittest

import company_log
from calendar_days import format_instant, parse_instant
from company_log import Event
from form import read_line
from task import Ignored, Rejected, Task

SEEDS = range(1001, 1009)
DAY = 86_400_000
# each a zone and a name of the same rules
ALIASES = [("America/Los_Angeles", "US/Pacific"), ("America/New_York", "US/Eastern"), ("Europe/London", "GB"),
           ("Asia/Tokyo", "Japan"), ("Asia/Kolkata", "Asia/Calcutta"), ("Asia/Kathmandu", "Asia/Katmandu"),
           ("America/St_Johns", "Canada/Newfoundland"),
           ("Africa/Cairo", "Egypt"), ("Australia/Lord_Howe", "Australia/LHI"), ("Australia/Sydney", "Australia/NSW"),
           ("Pacific/Pago_Pago", "US/Samoa"), ("Pacific/Chatham", "NZ-CHAT"), ("America/Havana", "Cuba"), ("Asia/Tehran", "Iran"),
           ("America/Santiago", "Chile/Continental"), ("Pacific/Kwajalein", "Kwajalein"), ("UTC", "Etc/UTC")]
SWAPPED = {**dict(ALIASES), **{alias: zone for zone, alias in ALIASES}}
EAST, WEST, HOURS_BETWEEN = "Etc/GMT-3", "Etc/GMT+8", 11


def replace_text(value, names):
    """A copy of some JSON in which texts have other names."""
    if isinstance(value, dict):
        return {key: replace_text(member, names) for key, member in value.items()}
    if isinstance(value, list):
        return [replace_text(member, names) for member in value]
    return names.get(value, value) if isinstance(value, str) else value


def instant_of(text):
    return parse_instant(text)[0]


class Watched(Task):
    """The oracle, telling what a record did."""

    def __init__(self, rules, guard):
        super().__init__(rules, guard)
        self.causes, self.closes = [], 0

    def close(self, day, people, as_of):
        self.closes += 1
        super().close(day, people, as_of)

    def change(self, people, cause, alter):
        self.causes.append(cause)
        super().change(people, cause, alter)


def blocks_of_open_swipes(log):
    """Lists of positions: swipes of open days, of people who were known, with no close and no other effect among them."""
    task, blocks, block, known, closes = Watched(log.rules, log.guard), [], [], set(), None
    for number, event in enumerate(log.events):
        task.causes, before = [], set(task.people)
        line = read_line(log.line_of(event), log.rules)
        try:
            task.apply(line, event.arrival)
        except (Ignored, Rejected):
            pass
        if closes != task.closes or line.topic != "swipes" or task.causes == ["late_swipe"]:
            blocks.append(block)
            block, closes, known = [], task.closes, before & set(task.people)
        if line.topic == "swipes" and task.causes == ["swipe"] and line.fields["employee_id"] in known:
            block.append(number)
    return [block for block in blocks + [block] if len(block) > 1]


def without_the_way(people):
    """The records of each employee without what depends on which swipe of an open day came first."""
    def left(record):
        way = ("effective_on", "as_of", "week") if record.get("cause") == "swipe" else ()
        return {key: value for key, value in record.items() if key not in way and key != "status_since"}
    return {employee: [left(record) for record in records] for employee, records in people.items()}


class Metamorphic(unittest.TestCase):
    maxDiff = 4000

    def companies(self):
        for seed in [*SEEDS, None]:
            with tempfile.TemporaryDirectory(prefix="rollcall-") as folder:
                log = company_log.random_company(seed, folder) if seed else company_log.realistic_company(folder)
            self.seed = seed or "realistic"             # for messages
            yield log, random.Random(self.seed)

    def same(self, expected, actual):
        self.assertTrue(expected)
        for employee in sorted(set(expected) | set(actual)):
            self.assertEqual(expected.get(employee), actual.get(employee), "company %s, employee %r" % (self.seed, employee))

    def test_split_batches_change_nothing(self):
        for log, _ in self.companies():
            once = log.replay(extra=["--batch", "64"])
            for batch in ("1", "7", "256"):
                self.assertEqual(once, log.replay(extra=["--batch", batch]))

    def test_split_files_change_nothing(self):
        """Each line in a file of its own choice; those of one instant together, for their order among files is another."""
        for log, rnd in self.companies():
            shares, share, last = [[] for _ in range(5)], None, None
            for event in log.events:
                if event.arrival != last:
                    share, last = rnd.choice(shares), event.arrival
                share.append(event)
            self.same(log.replay()[0], log.replay(shares=shares)[0])

    def test_an_idle_file_changes_nothing(self):
        """It has no line, or only early ones; it holds nobody up."""
        for log, _ in self.companies():
            expected = log.replay()[0]
            self.same(expected, log.replay(empty=["a", "z"])[0])
            early = [event for event in log.events if event.arrival == log.events[0].arrival]
            for shares in ([early, log.events[len(early):]], [log.events[len(early):], early]):
                self.same(expected, log.replay(shares=shares)[0])

    def test_a_ticking_clock_changes_nothing(self):
        """Every six hours a line that is ignored: each close is done when it is due, and says what it would say days later."""
        tick = {"topic": "roster", "employee_id": "nobody", "tombstone": True}
        for log, _ in self.companies():
            ticks = [Event(at, tick) for at in range(log.events[0].arrival, log.events[-1].arrival, DAY // 4)]
            events = sorted(log.events + ticks, key=lambda event: event.arrival)
            self.same(log.replay()[0], log.replay(events)[0])

    def test_doubled_swipes_change_nothing(self):
        """Each swipe comes twice in a row, and the oracle knows no difference either."""
        for log, _ in self.companies():
            twice = [copy_of for event in log.events for copy_of in [event] * (2 if event.record["topic"] == "swipes" else 1)]
            self.same(log.replay()[0], log.replay(twice)[0])

    def test_swipes_delivered_again_later_change_nothing(self):
        """Some hours or days later, late or too late; not after a roster record, which may date or accept them otherwise."""
        for log, rnd in self.companies():
            rosters, more = {}, []
            for event in log.events:
                if event.record["topic"] == "roster":
                    rosters.setdefault(log.employee_of(event.record), []).append(event.arrival)
            applied = self.applied_swipes(log)
            for number, event in enumerate(log.events):
                again = event.arrival + rnd.randint(0, 20 * DAY)
                later = [at for at in rosters.get(log.employee_of(event.record), []) if event.arrival <= at <= again]
                if number in applied and again <= log.events[-1].arrival and not later and rnd.random() < 0.3:
                    more.append(Event(again, event.record))
            events = sorted(log.events + more, key=lambda event: event.arrival)
            self.same(log.replay()[0], log.replay(events)[0])

    def applied_swipes(self, log):
        """The positions of the swipes that were not ignored or rejected, by the oracle."""
        task, found = Watched(log.rules, log.guard), set()
        for number, event in enumerate(log.events):
            try:
                task.apply(read_line(log.line_of(event), log.rules), event.arrival)
            except (Ignored, Rejected):
                continue
            if event.record["topic"] == "swipes":
                found.add(number)
        return found

    def test_open_days_may_arrive_in_any_order(self):
        """Swipes of open days arrive later, together and in any order, as long as nothing else happens until then. Which of them
        lifts somebody may be another one; what follows for the person, and every record of a close, may not."""
        moved = 0
        for log, rnd in self.companies():
            events = []
            last_of = {number: block for block in blocks_of_open_swipes(log) for number in block}
            for number, event in enumerate(log.events):
                block = last_of.get(number)
                if block is None:
                    events.append(event)
                elif number == block[-1]:
                    events += [Event(event.arrival, log.events[other].record) for other in rnd.sample(block, len(block))]
                    moved += len(block)
            self.same(without_the_way(log.replay()[0]), without_the_way(log.replay(events)[0]))
        self.assertGreater(moved, 500)

    def test_zones_of_the_same_rules_may_be_swapped(self):
        """Every zone that has another name is called by that: only the names are others."""
        for log, _ in self.companies():
            other = copy.copy(log)
            log.settings.setdefault("time", {}).setdefault("default_zone", "UTC")
            other.settings, other.sites = replace_text(log.settings, SWAPPED), replace_text(log.sites, SWAPPED)
            other.events = [Event(e.arrival, {key: value if key == log.name_of(e.record) else replace_text(value, SWAPPED)
                                              for key, value in e.record.items()}) for e in log.events]
            self.same(replace_text(log.replay()[0], SWAPPED), other.replay()[0])

    def test_the_whole_world_may_move(self):
        """All in one zone without summer time, and the same 11 hours earlier in another: the same dates, other instants."""
        shift = HOURS_BETWEEN * 3_600_000
        for log, _ in self.companies():
            log = self.moved_to(log, WEST)
            log.events = [e for e in log.events if e.arrival >= shift and self.occurred(log, e) >= shift]
            other = self.moved_to(log, EAST)
            name = log.rules.fields.get("occurred_at", "occurred_at")
            other.events = [Event(e.arrival - shift, {**e.record, name: e.record[name] - shift} if name in e.record else e.record)
                            for e in other.events]
            if log.until:
                until = instant_of(log.until)
                log.until, other.until = format_instant(until), format_instant(until - shift)
            self.same(self.earlier(log.replay()[0], shift), other.replay()[0])

    def moved_to(self, log, zone):
        """The company with that zone everywhere, its swipes without an offset."""
        other = copy.copy(log)
        other.settings, other.sites = copy.deepcopy(log.settings), copy.deepcopy(log.sites)
        other.settings.setdefault("time", {})["default_zone"] = zone
        for site in other.sites["sites"].values():
            site["zone"] = zone
        name, events = log.rules.fields.get("occurred_at", "occurred_at"), []
        for event in log.events:
            record = dict(event.record)
            if record.get("home_zone"):
                record["home_zone"] = zone
            if record["topic"] == "swipes":
                record[name] = self.occurred(log, event)
            if record["topic"] == "calendar" and record["site_id"] in log.rules.sites or record["topic"] != "calendar":
                events.append(Event(event.arrival, record))
        other.events = events
        return other

    def occurred(self, log, event):
        """The instant of a swipe; of other records that of their arrival."""
        if event.record["topic"] != "swipes":
            return event.arrival
        return read_line(log.line_of(event), log.rules).fields["occurred_at"][0]

    def earlier(self, people, shift):
        """What is said of a world in the west, of the one in the east."""
        def moved(key, value):
            if key == "zone":
                return EAST
            if key in ("as_of", "known_at"):
                return format_instant(instant_of(value) - shift)
            return value
        return {employee: [{key: moved(key, value) for key, value in record.items()} for record in records]
                for employee, records in people.items()}

    def test_strangers_out_of_scope_change_nothing(self):
        """Five more people of whom nothing is expected, with the swipes, leave and decisions of others."""
        for log, rnd in self.companies():
            strangers = ["stranger %d" % number for number in range(5)]
            first = log.events[0].arrival
            events = [Event(first, {"topic": "roster", "employee_id": name, "expectation": "none"}) for name in strangers]
            for event in log.events:
                events.append(event)
                if event.record["topic"] in ("swipes", "leave", "decisions") and rnd.random() < 0.2:
                    events.append(Event(event.arrival, {**event.record, log.name_of(event.record): rnd.choice(strangers)}))
            people = log.replay(events[5:6] + events[:5] + events[6:])[0]
            for name in strangers:
                self.assertEqual([record["status"] for record in people.pop(name)], ["out_of_scope"])
            self.same(log.replay()[0], people)

    def test_people_may_have_other_names(self):
        """Each id is another: in no order that matters, in no table by chance."""
        for log, rnd in self.companies():
            names = sorted({log.employee_of(event.record) for event in log.events} - {None})
            renamed = dict(zip(names, rnd.sample(["%x" % (0x5eed * number) for number in range(1, 1000)], len(names))))
            events = []
            for event in log.events:
                record = dict(event.record)
                if log.employee_of(record):
                    record[log.name_of(record)] = renamed[log.employee_of(record)]
                if record.get("decided_by") in renamed:
                    record["decided_by"] = renamed[record["decided_by"]]
                events.append(Event(event.arrival, record))
            expected = {renamed[employee]: [{**record, "employee_id": renamed[employee]} for record in records]
                        for employee, records in log.replay()[0].items()}
            self.same(expected, log.replay(events)[0])


if __name__ == "__main__":
    unittest.main()
