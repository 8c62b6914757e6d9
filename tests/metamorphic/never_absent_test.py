#!/usr/bin/env python3
"""Nobody is called absent by mistake: each record that says at_risk or non_compliant is followed back to the log.

From the raw lines that were told before it, and from nothing that was computed, it is asked of every day on which the record
rests whether it may be held against the person: was it over and closed, in scope, a workday, not excused, not held, told in
time, not before complete_from, the ledger, the person's start or the end of grace; and whether a day of presence is missing.
This is no second implementation: where a line leaves open which day a swipe is of, both are allowed.

The program under test is named by the environment variable ROLLCALL.
"""

import random
import tempfile
import unittest
from datetime import timedelta

import company_log
from calendar_days import ONE_DAY, day_of, days, is_skipped, parse_date, parse_instant
from company_log import Event
from form import LASTING, read_line

SEEDS = {"first": range(2001, 2016), "second": range(2016, 2031), "third": range(2031, 2046)}
LEDGER_BACK, LEDGER_AHEAD, REMEMBERED = timedelta(days=122), timedelta(days=5), 32
BEFORE_THE_CHECK = ("unknown_employee", "future")        # a decision so rejected is not remembered


class Wrong(AssertionError):
    pass


class Judged:
    """What can be said of a week: why it may not be held against the person (or None), and its numbers."""

    def __init__(self, version, workable, required, surely, possibly, excuse):
        self.version, self.workable, self.required, self.excuse = version, workable, required, excuse
        self.surely, self.possibly = surely, possibly       # days of presence

    def is_met(self):
        return self.version is not None and self.excuse is None and len(self.surely) >= self.required

    def is_short(self):
        return self.version is not None and self.excuse is None and len(self.surely) < self.required


class Evidence:
    """What the log had said of a person when a record was made."""

    def __init__(self, log, lines, record, born):
        self.log, self.rules, self.record = log, log.rules, record
        self.c = parse_date(record["effective_on"])
        self.as_of = parse_instant(record["as_of"])[0]
        self.known_on = self.date(parse_instant(born["known_at"])[0], born["zone"])
        self.first_day, self.last_day = self.c - LEDGER_BACK, self.c + LEDGER_AHEAD
        self.roster, self.leaves, self.in_force, self.closures = {}, {}, {}, set()
        self.told_late, self.swipes, self.remembered = set(), [], []
        for arrival, line, reject in lines:
            getattr(self, "take_" + line.topic)(line.fields, arrival, reject)

    def date(self, instant, zone):
        return day_of(instant, zone, self.rules.day_starts_at)

    # the log, line by line

    def take_roster(self, fields, arrival, reject):
        if reject:
            return
        zone = fields["home_zone"] or (self.rules.sites[fields["home_site"]].zone if fields["home_site"] else None)
        on = fields["effective_on"] or self.date(arrival, zone or self.rules.default_zone)
        before = self.duties() if self.roster or self.remembered or self.swipes or self.leaves else None
        self.roster[on] = dict(fields, zone=zone)
        if before:                      # days that are surely before the date of the clock, wherever the home is
            today = min(self.date(arrival, zone) for zone in self.zones())
            after = self.duties()
            self.told_late |= {day for day in after if day < today and after[day] != before[day]}

    def duties(self):
        return {day: (self.out_of_scope(day), self.policy_of(day).id, self.own_workdays(day))
                for day in days(self.first_day, self.last_day)}

    def take_leave(self, fields, arrival, reject):
        if not reject and fields["op"] == "cancel":
            self.leaves.pop(fields["leave_id"], None)
        elif not reject:
            self.leaves[fields["leave_id"]] = fields

    def take_calendar(self, fields, arrival, reject):
        if not reject and fields["kind"] != "release":
            closure = fields["site_id"], fields["kind"], fields["from"], fields["to"]
            (self.closures.discard if fields["op"] == "cancel" else self.closures.add)(closure)

    def take_decisions(self, fields, arrival, reject):
        if reject in BEFORE_THE_CHECK or fields["decision_id"] in self.remembered:
            return
        self.remembered = (self.remembered + [fields["decision_id"]])[-REMEMBERED:]
        if not reject and fields["kind"] in LASTING:
            self.in_force[fields["decision_id"]] = fields
        elif not reject and fields["kind"] == "revoke":
            del self.in_force[fields["revokes"]]

    def take_swipes(self, fields, arrival, reject):
        if reject:
            return
        instant, offset = fields["occurred_at"]
        site = self.rules.sites.get(fields["site_id"])
        if site:
            zones = {site.zone}
        else:
            zones = {record["zone"] or offset or self.rules.default_zone for record in self.roster.values()}
            zones = zones or {offset or self.rules.default_zone}
        dates = {self.date(instant, zone) for zone in zones}
        if site and not site.counts:
            return
        result = "granted" if fields["result"] is None else fields["result"]
        accepted = {result in (self.policy_of(day).version_on(day) or self.policy_of(day).versions[0]).accept for day in dates}
        if accepted != {False}:
            self.swipes.append((dates, len(dates) == 1 and accepted == {True}))

    # days

    def record_of(self, day):
        return self.roster[max((on for on in self.roster if on <= day), default=min(self.roster))] if self.roster else None

    def zones(self):
        """Wherever the home may have been."""
        return {record["zone"] or self.rules.default_zone for record in self.roster.values()} | {self.rules.default_zone}

    def home_zone(self, day):
        record = self.record_of(day)
        return record and record["zone"] or self.rules.default_zone

    def policy_of(self, day):
        record = self.record_of(day)
        return self.rules.policies[record and record["policy"] or self.rules.first_policy]

    def own_workdays(self, day):
        record = self.record_of(day)
        return record["workdays"] if record else None

    def out_of_scope(self, day):
        record = self.record_of(day)
        if record is None:
            return self.rules.unknown != "default_policy"
        left, hired = record["left_on"], record["hired_on"]
        return record["expectation"] == "none" or bool(left and left <= day) or bool(hired and day < hired)

    def decided(self, kind):
        return [decision for decision in self.in_force.values() if decision["kind"] == kind]

    def in_scope(self, day):
        exempt = any(decision["from"] <= day <= decision["to"] for decision in self.decided("exemption"))
        return not self.out_of_scope(day) and not exempt and self.policy_of(day).version_on(day) is not None

    def home_is(self, kind, day):
        record = self.record_of(day)
        return any(record and record["home_site"] == site and kind == what and first <= day <= last
                   for site, what, first, last in self.closures)

    def on_leave(self, effect, day):
        return any(leave["effect"] == effect and leave["from"] <= day <= leave["to"] for leave in self.leaves.values())

    def may_be_expected(self, day, version):
        own = self.own_workdays(day)
        workday = day.weekday() in (version.workdays if own is None else own)
        excused = self.on_leave("excuse", day) or self.home_is("closed", day) or self.home_is("hold", day)
        return self.in_scope(day) and workday and not excused and not is_skipped(day, self.home_zone(day))

    def swiped(self, day, surely):
        void = any(decision["day"] == day for decision in self.decided("attendance_void"))
        return not void and any(day in dates and (sure or not surely) for dates, sure in self.swipes)

    def present(self, day, surely):
        if not self.first_day <= day <= self.last_day:
            return False
        credited = self.on_leave("credit", day) or any(decision["day"] == day for decision in self.decided("attendance_credit"))
        return credited or self.swiped(day, surely)

    # weeks

    def complete_from(self):
        return self.rules.complete_from or self.date(self.log.events[0].arrival, self.rules.default_zone) + ONE_DAY

    def first_judged_day(self):
        begin = self.first_day
        for day in days(self.first_day, self.c):
            if not self.in_scope(day) or day <= self.known_on:
                begin = day + ONE_DAY
        version = self.policy_of(begin).version_on(begin)
        return max(self.first_day, self.complete_from(), begin + timedelta(days=version.grace_days if version else 0))

    def week(self, last):
        first = last - 6 * ONE_DAY
        version = self.policy_of(first).version_on(first)
        if version is None:
            return Judged(None, 0, 0, [], [], "no version is in force")
        seven = days(first, last)
        countable = [day for day in seven if version.weekends_count or day.weekday() in version.workdays
                     or day.weekday() in (self.own_workdays(day) or ())]
        workable = sum(1 for day in seven if self.may_be_expected(day, version))
        exactly = version.required_days * workable / len(version.workdays)
        required = {"ratio": -int(-exactly // 1), "ratio_down": int(exactly), "cap": workable}[version.proration]
        required = min(version.required_days, required)
        surely = [day for day in countable if self.present(day, True)]
        possibly = [day for day in countable if self.present(day, False)]
        excuse = None
        if first < self.first_judged_day():
            excuse = "it begins before %s" % self.first_judged_day()
        elif workable == 0:
            excuse = "no day is workable"
        elif len(possibly) < required and any(self.home_is("hold", day) for day in seven):
            excuse = "a day is on hold"
        elif len(possibly) < required and self.told_late & set(seven):
            excuse = "a day was told late"
        return Judged(version, workable, required, surely, possibly, excuse)

    # the record

    def demand(self, holds, *words):
        if not holds:
            raise Wrong(" ".join(str(word) for word in words) + "\n%s" % self.record)

    def check(self):
        settled = self.as_of - self.rules.settle
        self.demand(any(self.date(settled, zone) > self.c for zone in self.zones()), self.c, "was not over")
        self.demand(self.in_scope(self.c + ONE_DAY), "nothing is expected of this person")
        told = self.record["week"]
        last = parse_date(told["to"])
        week = self.week(last)
        self.demand(last <= self.c and week.version, "the week is open, or under no version")
        self.demand((self.record["policy"]["id"], self.record["policy"]["version"]) ==
                    (self.policy_of(last - 6 * ONE_DAY).id, str(week.version.effective_on)), "judged by another policy")
        self.demand((told["workable"], told["required"]) == (week.workable, week.required), week.workable, week.required)
        listed = [parse_date(day) for day in told["days"]]
        self.demand(len(listed) == told["present"], "another number than of days")
        self.demand(set(week.surely) <= set(listed) <= set(week.possibly), "present on", week.surely)
        self.demand(week.excuse is None, "the week is neutral:", week.excuse)
        rule = self.week(self.c).version
        self.demand(rule, "no rule on", self.c)
        getattr(self, "check_" + rule.rule)(rule, last, week)

    def check_sliding(self, rule, last, week):
        self.demand(week.is_short(), "the week is met")
        for day in days(last + ONE_DAY, self.c):
            self.demand(not self.week(day).is_met(), "the week that ended on", day, "was met")
        if self.record["status"] == "non_compliant":
            for back in range(rule.tolerance_days + 1):
                row = self.week(last - timedelta(days=back))
                self.demand(row.is_short(), "not short: the week to", last - timedelta(days=back), row.excuse)
        for day in days(self.c + ONE_DAY, self.last_day):
            lifting = self.swiped(day, True) or any(d["day"] == day for d in self.decided("attendance_credit"))
            open_week = self.week(day)
            self.demand(not (lifting and open_week.is_met() and open_week.version.rule == "sliding"), day, "lifts")

    def calendar_weeks(self, rule, count=14):
        """The last days of weeks up to c, newest first."""
        last = self.c
        while (last + ONE_DAY).weekday() != rule.week_starts_on:
            last -= ONE_DAY
        return [last - timedelta(days=7 * back) for back in range(count)]

    def check_weekly(self, rule, last, week):
        ends = self.calendar_weeks(rule)
        self.demand(last in ends and week.is_short(), "the week is none of the last 14, or met")
        for newer in ends[:ends.index(last)]:
            self.demand(not self.week(newer).is_met(), "the week that ended on", newer, "was met")

    def check_k_of_n(self, rule, last, week):
        weeks = [self.week(end) for end in self.calendar_weeks(rule)]
        judged = [each for each in weeks if each.is_met() or each.is_short()]
        holds = [sum(1 for each in judged[:of] if each.is_short()) >= short for short, of in rule.terms]
        self.demand(all(holds) if rule.combine == "and" else any(holds), "the terms hold as", holds)


def parts_of(log, rejects, employee):
    """(arrival, line, reason of a reject or None) of each line about a person, and of the calendar."""
    reasons = {reject["line"]: reject["reason"] for reject in rejects}
    found = []
    for number, event in enumerate(log.events, 1):
        if event.record["topic"] == "calendar" or log.employee_of(event.record) == employee:
            found.append((event.arrival, read_line(log.line_of(event), log.rules), reasons.get(number)))
    return found


def told_before(log, parts, record, born):
    """The lines that were applied when a record was made."""
    as_of, begin = parse_instant(record["as_of"])[0], parse_instant(born["known_at"])[0]
    lines = [part for part in parts if part[0] < as_of and (part[0] >= begin or part[1].topic == "calendar")]
    now = [part for part in parts if part[0] == as_of]
    if now and record["cause"] == "day_close":                  # the close was before it, unless it moved the home
        c = parse_date(record["effective_on"])
        before = Evidence(log, lines, record, born) if lines else None
        due_now = before and before.date(as_of - log.rules.settle - 1, before.home_zone(c)) <= c
        now = [part for part in now if part[1].topic == "roster" and not due_now]
    return lines + now


def evidences(log):
    """An Evidence for each record that says at_risk or non_compliant."""
    people, rejects = log.replay()
    for employee, records in people.items():
        born, parts = None, parts_of(log, rejects, employee)
        for record in records:
            if record.get("tombstone"):
                continue
            born = record if record["seq"] == 1 else born
            if record["status"] in ("at_risk", "non_compliant"):
                yield Evidence(log, told_before(log, parts, record, born), record, born)


class NeverAbsent(unittest.TestCase):
    def check_companies(self, seeds):
        checked = 0
        for seed in seeds:
            with tempfile.TemporaryDirectory(prefix="rollcall-") as folder:
                log = company_log.random_company(seed, folder).spread()
            log.guard = False                                   # what is held rests on older evidence
            for evidence in evidences(log):
                with self.subTest(seed=seed, employee=evidence.record["employee_id"], seq=evidence.record["seq"]):
                    evidence.check()
                checked += 1
        self.assertGreater(checked, 100)

    def test_random_companies_first(self):
        self.check_companies(SEEDS["first"])

    def test_random_companies_second(self):
        self.check_companies(SEEDS["second"])

    def test_random_companies_third(self):
        self.check_companies(SEEDS["third"])

    def test_a_realistic_company(self):
        with tempfile.TemporaryDirectory(prefix="rollcall-") as folder:
            log = company_log.realistic_company(folder, people=60).spread()
        checked = [evidence.check() for evidence in evidences(log)]
        self.assertGreater(len(checked), 30)

    def test_what_was_overlooked_is_found(self):
        """Had the log said one thing more before the record, the record would be wrong: so this test can fail."""
        with tempfile.TemporaryDirectory(prefix="rollcall-") as folder:
            log = company_log.realistic_company(folder, people=60).spread()
        rnd, found = random.Random(1), 0
        for evidence in evidences(log):
            if evidence.record["status"] != "non_compliant":
                continue
            week, employee = evidence.record["week"], evidence.record["employee_id"]
            expected = [day for day in days(parse_date(week["from"]), parse_date(week["to"]))
                        if evidence.may_be_expected(day, evidence.week(parse_date(week["to"])).version)]
            absent = [str(day) for day in expected if str(day) not in week["days"]]
            day, site = rnd.choice(absent), evidence.record_of(evidence.c)["home_site"]
            person = {"employee_id": employee}
            leave = {"topic": "leave", **person, "leave_id": "x"}
            for record in ({**leave, "from": day, "to": day, "effect": "excuse"},
                           {**leave, "from": week["from"], "to": week["to"], "effect": "credit"},
                           {"topic": "calendar", "site_id": site, "kind": "hold", "from": week["to"], "to": week["to"]},
                           {"topic": "calendar", "site_id": site, "kind": "closed", "from": day, "to": day},
                           {"topic": "roster", **person, "home_site": site, "effective_on": day, "workdays": ["sun"]},
                           {"topic": "decisions", **person, "decision_id": "x", "kind": "exemption", "from": day, "to": day,
                            "decided_by": "x", "decided_by_role": "hr", "decided_at": "2023-01-01T00:00:00Z"},
                           {"topic": "swipes", **person, "site_id": site, "occurred_at": day + "T12:00:00Z"}):
                line = read_line(log.line_of(Event(evidence.as_of, record)), log.rules)
                parts = parts_of(log, [], employee)
                told = [part for part in parts if part[0] < evidence.as_of] + [(evidence.as_of - 1, line, None)]
                born = {"known_at": evidence.record["known_at"], "zone": evidence.record["zone"]}
                with self.subTest(record=record), self.assertRaises(Wrong):
                    Evidence(log, told, evidence.record, born).check()
            found += 1
            if found == 5:
                break
        self.assertEqual(found, 5)


if __name__ == "__main__":
    unittest.main()
