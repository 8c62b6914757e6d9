#!/usr/bin/env python3
"""Cases worked out by hand from the specification: they keep the oracle honest, as the oracle keeps rollcall."""

import json
import os
import shutil
import sys
import tempfile
import unittest
from datetime import date, timedelta

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import calendar_days                    # noqa: E402
import company as company_module        # noqa: E402
import compare                          # noqa: E402
import form                             # noqa: E402
import generate                         # noqa: E402
import oracle                           # noqa: E402
import plain_yaml                       # noqa: E402
import topics                           # noqa: E402

LA = "America/Los_Angeles"
WEEKLY = {"type": "weekly", "week_starts_on": "mon"}


def ms(text):
    return calendar_days.parse_instant(text)[0]


def day(text):
    return date.fromisoformat(text)


class Scene(unittest.TestCase):
    """A folder with a company; lines are added, then played."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rollcall-oracle-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.lines = []
        self.version = {"effective_on": "2000-01-01", "grace_days": 0, "rule": WEEKLY}
        self.versions = [self.version]
        self.time = {"default_zone": LA, "complete_from": "2023-05-01"}
        self.settings = {"people": {"unknown": "default_policy"}}
        self.sites = {"SEA": {"zone": LA}, "LON": {"zone": "Europe/London"}, "CAFE": {"zone": LA, "counts": False}}
        self.other_policies = []

    def add(self, topic, arrived_at, **fields):
        fields = {"from" if key == "from_" else key: value for key, value in fields.items()}
        self.lines.append(json.dumps({"topic": topic, "arrived_at": arrived_at, "employee_id": "E", **fields}))

    def swipe(self, at, **fields):
        self.add("swipes", at, **{"occurred_at": at, **fields})

    def swipe_days(self, *days, hour="18:00:00Z", **fields):
        for text in days:
            self.swipe("%sT%s" % (text, hour), **fields)

    def known(self, at="2023-04-30T20:00:00Z", **fields):
        """Makes E known on Sunday 30 April 2023, so that the week of Monday 1 May is the first judged."""
        self.add("roster", at, **{"home_zone": LA, **fields})

    def decide(self, at, kind, role="hr", by="H", **fields):
        self.add("decisions", at, kind=kind, decided_by=by, decided_by_role=role, decided_at=at,
                 **{"decision_id": "d%d" % len(self.lines), **fields})

    def play(self, until=None, guard=False, files=None):
        policies = [{"id": "p", "versions": self.versions}] + self.other_policies
        for name, content in (("rollcall.yaml", {"policies": "policies.yaml", "sites": "sites.yaml", "time": self.time,
                                                 **self.settings}),
                              ("policies.yaml", {"policies": policies}), ("sites.yaml", {"sites": self.sites})):
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                json.dump(content, file)
        names = []
        for number, lines in enumerate(files or [self.lines]):
            names.append(os.path.join(self.folder, "%d.ndjson" % number))
            with open(names[-1], "wb") as file:
                file.write(b"".join((x if isinstance(x, bytes) else x.encode()) + b"\n" for x in lines))
        self.result = oracle.replay(company_module.load(self.folder), names, until, guard)
        return self.result.records

    def story(self, until=None, guard=False):
        """(status, cause, effective_on) of each record."""
        return [(r["status"], r["cause"], r["effective_on"]) for r in self.play(until, guard)]

    def reasons(self, until=None):
        self.play(until)
        return [(reject["line"], *reject["reasons"]) for reject in self.result.rejects]

    def last_week(self, until):
        week = self.play(until)[-1]["week"]
        return week["present"], week["required"]


class Days(unittest.TestCase):
    def test_a_day_is_over_at_midnight_there(self):
        over = calendar_days.day_over(day("2023-05-14"), LA, timedelta(0))
        self.assertEqual(calendar_days.format_instant(over), "2023-05-15T07:00:00.000Z")

    def test_a_day_starts_at_four(self):
        four = timedelta(hours=4)
        self.assertEqual(calendar_days.day_of(ms("2023-05-15T10:59:59Z"), LA, four), day("2023-05-14"))
        self.assertEqual(calendar_days.day_of(ms("2023-05-15T11:00:00Z"), LA, four), day("2023-05-15"))
        over = calendar_days.day_over(day("2023-05-14"), LA, four)
        self.assertEqual(calendar_days.format_instant(over), "2023-05-15T11:00:00.000Z")

    def test_samoa_skips_a_date(self):
        self.assertTrue(calendar_days.is_skipped(day("2011-12-30"), "Pacific/Apia"))
        self.assertFalse(calendar_days.is_skipped(day("2011-12-29"), "Pacific/Apia"))
        self.assertFalse(calendar_days.is_skipped(day("2011-12-31"), "Pacific/Apia"))
        over = [calendar_days.day_over(day(text), "Pacific/Apia", timedelta(0)) for text in ("2011-12-29", "2011-12-30")]
        self.assertEqual([calendar_days.format_instant(at) for at in over], ["2011-12-30T10:00:00.000Z"] * 2)

    def test_a_midnight_that_comes_twice_ends_the_day_the_second_time(self):
        over = calendar_days.day_over(day("2019-02-16"), "America/Sao_Paulo", timedelta(0))
        self.assertEqual(calendar_days.format_instant(over), "2019-02-17T03:00:00.000Z")

    def test_a_midnight_that_never_comes(self):
        over = calendar_days.day_over(day("2024-04-25"), "Africa/Cairo", timedelta(0))
        self.assertEqual(calendar_days.format_instant(over), "2024-04-25T22:00:00.000Z")

    def test_instants(self):
        self.assertEqual(calendar_days.parse_instant("2023-05-01t00:00:00.9999+05:30"),
                         (ms("2023-04-30T18:30:00.999Z"), timedelta(hours=5, minutes=30)))
        for text in ("2023-05-01 00:00:00Z", "2023-05-01T00:00:60Z", "2023-05-01T00:00:00", "1969-12-31T23:59:59-01:00",
                     "2200-01-01T00:00:00+01:00", "2023-02-29T00:00:00Z", "2023-05-01T24:00:00Z", "2023-05-01T00:00:00.Z"):
            self.assertIsNone(calendar_days.parse_instant(text), text)
        self.assertEqual(calendar_days.parse_instant("1970-01-01T00:00:00+01:00")[0], -3_600_000)


class Forms(unittest.TestCase):
    def faults(self, text):
        class Plain:
            fields = {}
        raw = text if isinstance(text, bytes) else text.encode("utf-8")
        return sorted(form.read_line(raw, Plain()).faults)

    def test_json(self):
        good = '{"topic":"swipes","employee_id":7,"occurred_at":1,"x":%s}'
        for value in ("1E400", "[" * 63 + "]" * 63, '{"a":1,"a":1}', '"\\ud83d\\ude00"', "null"):
            self.assertEqual(self.faults(good % value), [], value)
        for value in ("NaN", "[" * 64 + "]" * 64, '"\\ud83d"', "01", "+1", "1.", '"\x01"', "'a'", "[1,]", '1,"x":1',
                      '1,"\\u0078":1', ""):
            self.assertEqual(self.faults(good % value), ["bad_json"], value)
        for raw in (b"", b"[]", b"7", b"{}x", b'\xef\xbb\xbf{}', b'{"x":"\xff"}', b'{"x":"\xed\xa0\x80"}'):
            self.assertEqual(self.faults(raw), ["bad_json"], raw)

    def test_size(self):
        frame = '{"topic":"swipes","employee_id":7,"occurred_at":1,"x":"%s"}'
        room = 65536 - len(frame % "")
        self.assertEqual(self.faults(frame % ("x" * room)), [])
        self.assertEqual(self.faults(frame % ("x" * (room + 1))), ["too_large"])

    def test_fields(self):
        good = {"topic": "swipes", "employee_id": "E", "occurred_at": 0}
        for change in ({}, {"site_id": None}, {"result": ""}, {"direction": "in"}, {"event_id": {}},
                       {"employee_id": "é" * 32}, {"employee_id": -12}, {"occurred_at": 7258118399999}):
            self.assertEqual(self.faults(json.dumps({**good, **change})), [], change)
        for change in ({"site_id": ""}, {"result": 1}, {"direction": "up"}, {"employee_id": "é" * 33}, {"employee_id": 1.0},
                       {"occurred_at": -1}, {"occurred_at": 7258118400000}, {"topic": "x"}, {"arrived_at": 0}):
            self.assertEqual(self.faults(json.dumps({**good, **change})), ["bad_field"], change)
        for key in good:
            self.assertEqual(self.faults(json.dumps({**good, key: None})), ["missing_field"], key)

    def test_an_integer_id_is_its_text(self):
        for written, text in (("-0", "0"), ("12345678901234567890123", "12345678901234567890123"), ("-7", "-7")):
            self.assertEqual(form.read_employee(form.Number(written)), text)


class Weekly(Scene):
    """The base of the scenarios: calendar weeks from Monday, 3 days, Los Angeles."""

    def setUp(self):
        super().setUp()
        self.known()

    def test_one_record_for_each_change_and_none_for_a_week_that_changes_nothing(self):
        self.swipe_days("2023-05-01", "2023-05-02", "2023-05-03", "2023-05-08", "2023-05-09", "2023-05-10", "2023-05-15",
                        "2023-05-22", "2023-05-23", "2023-05-24")
        self.assertEqual(self.story("2023-06-01T00:00:00Z"), [
            ("unrated", "roster", "2023-04-28"), ("compliant", "day_close", "2023-05-07"),
            ("non_compliant", "day_close", "2023-05-21"), ("compliant", "day_close", "2023-05-28")])
        bad = self.result.records[2]
        self.assertEqual(bad["as_of"], "2023-05-23T07:00:00.000Z")
        self.assertEqual(bad["week"], {"from": "2023-05-15", "to": "2023-05-21", "present": 1, "required": 3, "workable": 5,
                                       "days": ["2023-05-15"]})
        self.assertEqual(bad["case"], {"stage": "manager_aware", "basis": "standing", "seq": 3})
        self.assertEqual(bad["promotion"], {"gate": "vp_approval_required", "approved_until": None})
        self.assertEqual((bad["notify"], bad["human_action"]), (["employee", "manager"], "review_with_employee"))
        self.assertEqual(self.result.records[3]["notify"], ["employee", "manager"])
        self.assertEqual(self.result.records[3]["case"]["stage"], "none")

    def test_swipes_of_one_day_count_once(self):
        self.swipe_days("2023-05-01", "2023-05-01", "2023-05-02", "2023-05-02", "2023-05-01")
        self.assertEqual(self.last_week("2023-05-09T08:00:00Z"), (2, 3))

    def test_what_is_not_accepted_does_not_count(self):
        self.swipe_days("2023-05-01", "2023-05-02")
        self.swipe("2023-05-03T18:00:00Z", result="denied")
        self.swipe("2023-05-03T18:00:00Z", site_id="CAFE")
        self.assertEqual(self.last_week("2023-05-09T08:00:00Z"), (2, 3))
        self.assertEqual(self.result.ignored, {"not_accepted": 1, "site_does_not_count": 1})

    def test_late_evenings_belong_to_the_local_day(self):
        self.swipe_days("2023-05-02", "2023-05-04", "2023-05-06", hour="06:30:00Z")      # Mon, Wed, Fri 23:30
        self.assertEqual(self.last_week("2023-05-09T08:00:00Z"), (3, 3))
        self.assertEqual(self.result.records[-1]["week"]["days"], ["2023-05-01", "2023-05-03", "2023-05-05"])

    def test_the_offset_is_believed_only_where_nothing_better_is_known_and_it_is_not_zero(self):
        self.lines = []                                                                  # a stranger
        self.swipe("2023-05-02T01:00:00+09:00")                                          # the offset as written
        self.swipe("2023-05-03T01:00:00Z")                                               # default zone: the 2nd, again
        self.swipe("2023-05-04T02:00:00+09:00", site_id="SEA")                           # the site: the 3rd
        self.add("roster", "2023-05-03T18:00:00Z", home_site="LON")
        self.swipe("2023-05-04T23:30:00Z")                                               # home: the 5th
        self.swipe("2023-05-06T00:30:00+09:00", site_id="?")                             # home: the 5th
        self.version["required_days"] = 1
        self.time["complete_from"] = "2023-01-01"
        self.play("2023-05-14T00:00:00Z")
        company = company_module.load(self.folder)
        task = oracle.Task(company)
        for arrival, _, _, line in oracle.read_file(os.path.join(self.folder, "0.ndjson"), company):
            task.apply(line, arrival)
        self.assertEqual(sorted(map(str, task.people["E"].swiped)), ["2023-05-02", "2023-05-03", "2023-05-05"])

    def test_proration(self):
        self.add("calendar", "2023-05-01T10:00:00Z", site_id="SEA", kind="closed", from_="2023-05-01", to="2023-05-02")
        self.lines[0] = self.lines[0].replace('"home_zone"', '"home_site": "SEA", "home_zone"')
        self.swipe_days("2023-05-03", "2023-05-04")
        self.assertEqual(self.last_week("2023-05-09T08:00:00Z"), (2, 2))                 # ceil(3 * 3 / 5)
        self.version["proration"] = "cap"
        self.assertEqual(self.last_week("2023-05-09T08:00:00Z"), (2, 3))
        self.version["proration"] = "ratio_down"
        self.assertEqual(self.last_week("2023-05-09T08:00:00Z"), (2, 1))

    def test_workdays_of_the_person_over_those_of_the_version(self):
        self.lines = []
        self.known(workdays=["mon", "tue", "wed"])
        self.swipe_days("2023-05-01", "2023-05-02")
        self.assertEqual(self.last_week("2023-05-09T08:00:00Z"), (2, 2))


class Sliding(Scene):
    def setUp(self):
        super().setUp()
        self.version["rule"] = {"type": "sliding", "tolerance_days": 6}
        self.known()

    def test_a_low_stretch_warns_first_and_a_swipe_lifts_within_the_day(self):
        self.swipe_days("2023-05-01", "2023-05-02", "2023-05-03")
        self.swipe_days("2023-05-23", "2023-05-24", "2023-05-25")
        # W(07), the first judged, is met, and so are W(08) .. : Mon-Wed leave the week one by one from the 8th on
        self.assertEqual(self.story("2023-05-25T19:00:00Z"), [
            ("unrated", "roster", "2023-04-28"), ("compliant", "day_close", "2023-05-07"),
            ("at_risk", "day_close", "2023-05-08"), ("non_compliant", "day_close", "2023-05-14"),
            ("compliant", "swipe", "2023-05-25")])
        lifted = self.result.records[-1]
        self.assertEqual((lifted["as_of"], lifted["status_since"]), ("2023-05-25T18:00:00.000Z", "2023-05-25"))
        self.assertEqual((lifted["week"]["from"], lifted["week"]["to"]), ("2023-05-19", "2023-05-25"))

    def test_monday_to_wednesday_then_wednesday_to_friday(self):
        self.swipe_days("2023-05-01", "2023-05-02", "2023-05-03", "2023-05-10", "2023-05-11", "2023-05-12")
        for tolerance, low in ((0, "non_compliant"), (6, "at_risk")):
            self.version["rule"]["tolerance_days"] = tolerance
            self.assertEqual(self.story("2023-05-15T00:00:00Z")[1:], [
                ("compliant", "day_close", "2023-05-07"), (low, "day_close", "2023-05-08"),
                ("compliant", "swipe", "2023-05-12")])
        self.version["rule"] = WEEKLY
        self.assertEqual(self.story("2023-05-17T00:00:00Z")[1:], [("compliant", "day_close", "2023-05-07")])

    def test_a_lift_ends_when_its_swipe_is_void(self):
        self.swipe_days("2023-05-01", "2023-05-02", "2023-05-03", "2023-05-10", "2023-05-11", "2023-05-12")
        self.decide("2023-05-12T19:00:00Z", "attendance_void", day="2023-05-12")
        self.assertEqual(self.story()[-1], ("at_risk", "decision", "2023-05-10"))

    def test_a_holiday_week_ends_a_row_of_short_weeks(self):
        self.version["rule"]["tolerance_days"] = 2
        self.add("leave", "2023-05-01T12:00:00Z", leave_id="L", from_="2023-05-02", to="2023-05-08", effect="excuse")
        # W(08) has no obligation. W(09) to W(11): ceil(3 n / 5) of 1, 2, 3 workable days, all short; W(07) is before them
        self.assertEqual(self.story("2023-05-31T00:00:00Z")[1:], [
            ("at_risk", "day_close", "2023-05-07"), ("non_compliant", "day_close", "2023-05-11")])

    def test_the_last_eight_verdicts_are_corrected_and_no_more(self):
        self.version["rule"]["tolerance_days"] = 0
        self.version["required_days"] = 1
        # present on every other Wednesday: the week without one is low for a while, ten times
        wednesdays = [day("2023-05-03") + timedelta(days=9 * n) for n in range(12)]
        for wednesday in wednesdays:
            self.version["workdays"] = calendar_days.WEEKDAYS
            self.swipe("%sT18:00:00Z" % wednesday)
        self.add("leave", "2023-08-12T12:00:00Z", leave_id="L", from_="2023-05-01", to="2023-08-10", effect="excuse")
        records = self.play()
        entered = [r["seq"] for r in records if r["status"] == "non_compliant" != r["previous_status"]]
        corrections = [r["_supersedes_seq"] for r in records if r["_supersedes_seq"]]
        self.assertGreater(len(entered), 8)
        self.assertEqual(corrections, entered[-8:])

    def test_without_tolerance_one_week_is_enough(self):
        self.version["rule"] = {"type": "sliding", "tolerance_days": 0}
        self.swipe_days("2023-05-01", "2023-05-02", "2023-05-03")
        self.assertEqual(self.story("2023-05-10T08:00:00Z")[-1], ("non_compliant", "day_close", "2023-05-08"))

    def test_grace_keeps_the_first_weeks_neutral(self):
        self.version["grace_days"] = 14                  # s is 1 May, the first week that counts begins on the 15th
        self.assertEqual(self.story("2023-06-10T08:00:00Z")[1:], [
            ("at_risk", "day_close", "2023-05-21"), ("non_compliant", "day_close", "2023-05-27")])

    def test_a_stricter_version_never_judges_days_before_it(self):
        self.versions.append({**self.version, "effective_on": "2023-05-15", "required_days": 5})
        for week in (1, 8, 15, 22):
            self.swipe_days(*("2023-05-%02d" % (week + n) for n in range(3)))
        story = self.story("2023-06-01T08:00:00Z")
        self.assertEqual(story[2], ("at_risk", "day_close", "2023-05-21"))
        self.assertEqual(self.result.records[2]["policy"]["version"], "2023-05-15")

    def test_late_and_too_late(self):
        self.time["default_zone"] = "UTC"
        self.swipe("2023-05-20T18:00:00Z")
        self.add("swipes", "2023-05-20T18:00:00Z", occurred_at="2023-05-06T18:00:00Z")
        self.add("swipes", "2023-05-20T18:00:00Z", occurred_at="2023-05-05T18:00:00Z")
        self.add("swipes", "2023-05-20T18:00:00Z", occurred_at="2023-05-21T18:00:00Z")
        self.assertEqual(self.reasons(), [(4, "too_late"), (5, "future")])

    def test_a_late_swipe_corrects(self):
        self.version["rule"] = {"type": "sliding", "tolerance_days": 0}
        self.swipe_days("2023-05-01", "2023-05-02")
        self.add("swipes", "2023-05-10T00:00:00Z", occurred_at="2023-05-05T18:00:00Z")
        self.assertEqual(self.story(), [
            ("unrated", "roster", "2023-04-28"), ("non_compliant", "day_close", "2023-05-07"),
            ("compliant", "late_swipe", "2023-05-07")])
        correction = self.result.records[-1]
        self.assertEqual((correction["_supersedes_seq"], correction["corrected_status"]), (2, "compliant"))

    def test_tombstone_and_return(self):
        self.add("roster", "2023-05-03T18:00:00Z", tombstone=True)
        self.add("roster", "2023-05-03T18:00:00Z", tombstone=True)
        self.swipe("2023-05-04T18:00:00Z")
        records = self.play()
        self.assertEqual(records[1], {"schema": "rollcall.state.v1", "employee_id": "E", "tombstone": True})
        self.assertEqual([r.get("seq") for r in records], [1, None, 1])
        self.assertEqual(records[2]["known_at"], "2023-05-04T18:00:00.000Z")


class Order(Scene):
    def test_arrivals(self):
        self.lines = ['{"topic":"roster","employee_id":"A"}',                              # no clock yet
                      '{"topic":"roster"}', '{',
                      '{"topic":"swipes","employee_id":"A","occurred_at":"2023-05-02T10:00:00Z"}',
                      '{"topic":"roster","employee_id":"B"}',
                      '{"topic":"roster","employee_id":"C","arrived_at":"2023-05-01T10:00:00Z"}',
                      '{"topic":"roster","employee_id":"D","arrived_at":"soon"}']
        self.assertEqual(self.reasons(), [(1, "no_clock"), (2, "missing_field"), (3, "bad_json"), (7, "bad_field")])
        self.assertEqual({r["known_at"] for r in self.result.records}, {"2023-05-02T10:00:00.000Z"})

    def test_files_are_merged_by_arrival(self):
        first = ['{"topic":"swipes","employee_id":"A","occurred_at":"2023-05-0%dT10:00:00Z"}' % n for n in (2, 4)]
        second = ['{"topic":"swipes","employee_id":"B","occurred_at":"2023-05-0%dT10:00:00Z"}' % n for n in (1, 2)]
        self.assertEqual([r["employee_id"] for r in self.play(files=[first, second])], ["B", "A"])

    def test_complete_from_is_the_day_after_the_first_arrival(self):
        del self.time["complete_from"]
        self.version["rule"] = {"type": "sliding", "tolerance_days": 0}
        self.known()
        # s and complete_from are both 1 May
        self.assertEqual(self.story("2023-06-01T00:00:00Z")[1], ("non_compliant", "day_close", "2023-05-07"))

    def test_several_closes_at_once_are_each_judged_on_their_day(self):
        self.version["rule"] = {"type": "sliding", "tolerance_days": 2}
        self.known()
        self.swipe_days("2023-05-01", "2023-05-02", "2023-05-03")
        self.assertEqual([(r["status"], r["as_of"]) for r in self.play("2023-07-01T00:00:00Z")[1:]], [
            ("compliant", "2023-05-09T07:00:00.000Z"), ("at_risk", "2023-05-10T07:00:00.000Z"),
            ("non_compliant", "2023-05-12T07:00:00.000Z")])


class Judged(Scene):
    """More of the scenarios: leave, closures, corrections, starts. Weekly, 3 days, from Monday 1 May 2023."""

    def setUp(self):
        super().setUp()
        self.known(home_site="SEA")

    def excuse(self, at, first, last, effect="excuse", leave_id="L", **fields):
        self.add("leave", at, leave_id=leave_id, from_=first, to=last, effect=effect, **fields)

    def closure(self, at, kind, first, last, **fields):
        self.add("calendar", at, site_id="SEA", kind=kind, from_=first, to=last, **fields)

    def test_monday_in_kolkata_is_sunday_in_utc(self):
        self.sites["BLR"] = {"zone": "Asia/Kolkata"}
        self.swipe("2023-05-07T23:00:00Z", site_id="BLR")
        self.swipe_days("2023-05-09", "2023-05-10")
        self.assertEqual(self.last_week("2023-05-16T08:00:00Z"), (3, 3))

    def test_a_leap_day(self):
        self.swipe_days("2024-02-26", "2024-02-29", "2024-03-01")
        self.assertEqual(self.last_week("2024-03-05T09:00:00Z"), (3, 3))

    def test_excused_and_credited_days(self):
        self.excuse("2023-05-01T10:00:00Z", "2023-05-01", "2023-05-02")
        self.swipe_days("2023-05-03", "2023-05-04")
        self.excuse("2023-05-08T10:00:00Z", "2023-05-09", "2023-05-10", "credit", "M")
        self.swipe_days("2023-05-08")
        self.assertEqual(self.last_week("2023-05-09T08:00:00Z"), (2, 2))
        self.assertEqual(self.last_week("2023-05-16T08:00:00Z"), (2, 2))                 # compliant as before: no record
        self.assertEqual(len(self.result.records), 2)

    def test_a_week_off_leaves_the_verdict_where_it_was(self):
        self.excuse("2023-05-01T10:00:00Z", "2023-05-08", "2023-05-14")
        self.assertEqual([r["effective_on"] for r in self.play("2023-05-16T08:00:00Z")], ["2023-04-28", "2023-05-07"])

    def test_leave_for_a_short_week_after_another_short_week(self):
        self.excuse("2023-05-17T12:00:00Z", "2023-05-01", "2023-05-07")
        records = self.play()
        self.assertEqual(len(records), 3)
        last = records[-1]
        self.assertEqual((last["status"], last["_supersedes_seq"], last["corrected_status"], last["status_since"]),
                         ("non_compliant", 2, "unrated", "2023-05-15"))
        self.assertEqual((last["case"]["seq"], last["notify"], last["week"]["to"]), (3, ["employee", "manager"], "2023-05-14"))

    def test_each_is_superseded_once_and_a_correction_that_stays_is_a_verdict_of_its_own(self):
        self.excuse("2023-05-17T12:00:00Z", "2023-05-01", "2023-05-07")
        self.excuse("2023-05-17T13:00:00Z", "2023-05-01", "2023-05-07", op="cancel")
        self.excuse("2023-05-17T14:00:00Z", "2023-05-01", "2023-05-07")
        self.excuse("2023-05-17T15:00:00Z", "2023-05-01", "2023-05-14", leave_id="M")
        self.assertEqual([(r["status"], r["_supersedes_seq"], r["corrected_status"]) for r in self.play()[1:]], [
            ("non_compliant", None, None), ("non_compliant", 2, "unrated"), ("unrated", 3, "unrated")])

    def test_eight_days_late_and_forty_one(self):
        self.swipe_days("2023-05-01", "2023-05-02")
        self.add("swipes", "2023-05-11T18:00:00Z", occurred_at="2023-05-03T18:00:00Z")
        self.add("swipes", "2023-06-13T18:00:00Z", occurred_at="2023-05-03T18:00:00Z", employee_id="F")
        self.assertEqual([(r["status"], r["cause"]) for r in self.play() if r["employee_id"] == "E"][:3],
                         [("unrated", "roster"), ("non_compliant", "day_close"), ("compliant", "late_swipe")])
        self.assertEqual([reject["reasons"] for reject in self.result.rejects], [["too_late"]])

    def test_credit_and_void(self):
        self.swipe_days("2023-05-01", "2023-05-02", "2023-05-03")
        self.decide("2023-05-10T12:00:00Z", "attendance_void", day="2023-05-03", decision_id="v")
        self.decide("2023-05-10T13:00:00Z", "attendance_credit", day="2023-05-04", decision_id="c")
        self.decide("2023-05-10T14:00:00Z", "revoke", revokes="c")
        self.decide("2023-05-10T15:00:00Z", "revoke", revokes="v")
        self.decide("2023-05-10T16:00:00Z", "revoke", revokes="v", decision_id="r")
        self.assertEqual([(status, cause) for status, cause, _ in self.story()[1:]], [
            ("compliant", "day_close"), ("non_compliant", "decision"), ("compliant", "decision"),
            ("non_compliant", "decision"), ("compliant", "decision")])
        self.assertEqual([r["_supersedes_seq"] for r in self.result.records], [None, None, None, 3, None, 5])
        self.assertEqual([r["reasons"] for r in self.result.rejects], [["out_of_order"]])

    def test_hired_on_a_wednesday(self):
        self.lines = []
        self.known(hired_on="2023-05-10")
        self.assertEqual(self.story("2023-05-31T00:00:00Z"), [
            ("out_of_scope", "roster", "2023-04-29"), ("unrated", "day_close", "2023-05-09"),
            ("non_compliant", "day_close", "2023-05-21")])

    def test_left_in_the_middle_of_a_week(self):
        self.swipe_days("2023-05-01", "2023-05-02", "2023-05-03")
        self.add("roster", "2023-05-09T12:00:00Z", home_site="SEA", left_on="2023-05-11")
        self.assertEqual(self.story("2023-05-31T00:00:00Z")[1:], [
            ("compliant", "day_close", "2023-05-07"), ("out_of_scope", "day_close", "2023-05-11")])

    def test_an_exemption_ends_on_a_thursday(self):
        self.version["grace_days"] = 3
        self.decide("2023-05-01T12:00:00Z", "exemption", **{"from": "2023-05-02", "to": "2023-05-11"})
        # s is Friday 12 May, grace runs to the 14th, the week of Monday the 15th is judged
        self.assertEqual(self.story("2023-06-01T00:00:00Z")[1:], [
            ("exempt", "day_close", "2023-05-02"), ("unrated", "day_close", "2023-05-11"),
            ("non_compliant", "day_close", "2023-05-21")])

    def test_a_night_shift(self):
        self.time["day_starts_at"] = "07:00"
        self.swipe("2023-05-02T05:00:00Z")                       # Monday 22:00
        self.swipe("2023-05-02T13:00:00Z")                       # Tuesday 06:00
        self.assertEqual(self.last_week("2023-05-10T08:00:00Z")[0], 1)

    def test_a_version_in_the_middle_of_a_week(self):
        self.versions.append({**self.version, "effective_on": "2023-05-04", "required_days": 5})
        self.swipe_days("2023-05-01", "2023-05-02", "2023-05-03", "2023-05-08", "2023-05-09", "2023-05-10")
        records = self.play("2023-06-01T00:00:00Z")
        self.assertEqual([(r["status"], r["week"] and r["week"]["required"], r["policy"]["version"]) for r in records], [
            ("unrated", None, "2000-01-01"), ("compliant", 3, "2000-01-01"), ("non_compliant", 5, "2023-05-04")])

    def test_a_hold_until_it_is_cancelled(self):
        self.closure("2023-05-08T12:00:00Z", "hold", "2023-05-03", "2023-05-03")
        self.closure("2023-05-17T12:00:00Z", "hold", "2023-05-03", "2023-05-04", op="cancel")     # of nothing
        self.closure("2023-05-17T13:00:00Z", "hold", "2023-05-03", "2023-05-03", op="cancel")
        self.swipe_days("2023-05-08", "2023-05-09", "2023-05-10")
        self.lines.sort(key=lambda line: json.loads(line)["arrived_at"] or json.loads(line)["occurred_at"])
        self.assertEqual(self.story("2023-05-09T08:00:00Z"), [("unrated", "roster", "2023-04-28"),
                                                              ("compliant", "day_close", "2023-05-14")])
        self.assertEqual(self.result.ignored, {"cancel_of_nothing": 1})

    def test_a_hold_makes_room_for_old_swipes(self):
        self.add("swipes", "2023-06-13T18:00:00Z", occurred_at="2023-05-03T18:00:00Z")
        self.closure("2023-06-13T18:00:00Z", "hold", "2023-05-03", "2023-05-03")
        self.add("swipes", "2023-06-13T18:00:00Z", occurred_at="2023-05-03T18:00:00Z")
        self.add("swipes", "2023-06-13T18:00:00Z", occurred_at="2023-05-04T18:00:00Z")
        self.assertEqual(self.reasons(), [(2, "too_late"), (5, "too_late")])

    def test_told_late(self):
        self.lines = []
        self.known(expectation="none")
        # on the 17th: since the 1st you were expected. Nobody is held to that before the 17th.
        self.add("roster", "2023-05-17T19:00:00Z", home_site="SEA", effective_on="2023-04-30")
        self.assertEqual(self.story("2023-06-01T00:00:00Z"), [
            ("out_of_scope", "roster", "2023-04-29"), ("unrated", "roster", "2023-05-15"),
            ("non_compliant", "day_close", "2023-05-28")])

    def test_a_record_that_repeats_the_duties_excuses_nobody(self):
        self.add("roster", "2023-05-17T19:00:00Z", home_site="LON", manager_id="M", policy="p", effective_on="2023-04-30")
        self.assertEqual([(r["status"], r["zone"], r["manager_id"]) for r in self.play("2023-06-01T00:00:00Z")],
                         [("unrated", LA, None), ("non_compliant", LA, None)])

    def test_a_day_that_samoa_skipped(self):
        self.sites["APW"] = {"zone": "Pacific/Apia"}
        self.time["complete_from"] = "2011-12-26"
        self.lines = ['{"topic":"roster","employee_id":"E","home_site":"APW","arrived_at":"2011-12-20T00:00:00Z"}']
        records = self.play("2012-01-04T00:00:00Z")
        self.assertEqual([(r["effective_on"], r["as_of"]) for r in records[1:]], [("2012-01-01", "2012-01-02T10:00:00.000Z")])
        self.assertEqual((records[-1]["week"]["workable"], records[-1]["week"]["required"]), (4, 3))

    def test_k_of_n(self):
        self.version["rule"] = {"type": "k_of_n", "terms": [{"short": 3, "of": 4}, {"short": 2, "of": 2}], "combine": "and"}
        met = [2]                                                # the second of six weeks
        for week in met:
            first = day("2023-05-01") + timedelta(days=7 * (week - 1))
            self.swipe_days(*(str(first + timedelta(days=n)) for n in range(3)))
        until = "2023-06-20T00:00:00Z"
        self.assertEqual(self.story(until)[1:], [("non_compliant", "day_close", "2023-05-28")])      # short, met, short, short
        self.version["rule"]["combine"] = "or"                   # two short in a row
        self.assertEqual(self.story(until)[1:], [("non_compliant", "day_close", "2023-05-28")])
        self.version["rule"]["terms"] = [{"short": 4, "of": 5}, {"short": 4, "of": 4}]
        self.assertEqual(self.story(until)[1:], [("non_compliant", "day_close", "2023-06-04")])      # 4 of 5
        self.version["rule"]["combine"] = "and"
        self.assertEqual(self.story(until)[1:], [("compliant", "day_close", "2023-06-04"),
                                                 ("non_compliant", "day_close", "2023-06-11")])      # 3 to 6 are short

    def test_a_move_makes_closes_due(self):
        self.swipe_days("2023-05-01", "2023-05-02")
        # at 12:00Z on the 8th Los Angeles has closed the 6th; in Kiritimati the 7th was over at 10:00Z, and with settle 1s
        self.time["settle"] = "1s"
        self.add("roster", "2023-05-08T05:00:00Z", home_zone="Pacific/Kiritimati", effective_on="2023-05-01")
        records = self.play()
        self.assertEqual([(r["status"], r["effective_on"], r["as_of"], r["zone"]) for r in records[1:]], [
            ("non_compliant", "2023-05-07", "2023-05-08T05:00:00.000Z", "Pacific/Kiritimati")])


class Decided(Scene):
    """E is non_compliant from the close of Sunday 7 May 2023 (in the morning of the 9th) on."""

    def setUp(self):
        super().setUp()
        self.known()

    def states(self, until=None):
        return [(r["case"]["stage"], r["case"]["basis"], r["case"]["seq"], r["promotion"]["gate"], r["human_action"])
                for r in self.play(until)]

    def test_warnings_in_their_order(self):
        self.decide("2023-05-08T12:00:00Z", "verbal_warning", "manager", "M")            # stage none
        self.decide("2023-05-09T12:00:00Z", "written_warning", "manager", "M")           # before the verbal one
        self.decide("2023-05-09T12:00:00Z", "verbal_warning", "vp", "V")
        self.decide("2023-05-09T12:00:00Z", "verbal_warning", "manager", "E")
        self.decide("2023-05-09T12:00:00Z", "verbal_warning", "manager", "M")
        self.decide("2023-05-09T12:00:00Z", "verbal_warning", "manager", "M")
        self.decide("2023-05-10T12:00:00Z", "written_warning")
        self.decide("2023-05-10T12:00:00Z", "case_closed")
        self.assertEqual(self.states(), [
            ("none", None, None, "clear", None),
            ("manager_aware", "standing", 2, "vp_approval_required", "review_with_employee"),
            ("verbal_warning", "standing", 2, "vp_approval_required", "review_with_employee"),
            ("written_warning", "standing", 2, "vp_approval_required", "review_with_employee"),
            ("manager_aware", "standing", 5, "vp_approval_required", "review_with_employee")])
        self.assertEqual([(r["line"], *r["reasons"]) for r in self.result.rejects], [
            (2, "out_of_order"), (3, "out_of_order"), (4, "wrong_role"), (5, "self_decision"), (7, "out_of_order")])
        self.assertEqual([r["notify"] for r in self.result.records[2:]], [[], [], []])

    def test_a_warning_whose_ground_is_taken_away(self):
        self.decide("2023-05-09T12:00:00Z", "verbal_warning")
        self.add("leave", "2023-05-10T12:00:00Z", leave_id="L", from_="2023-05-01", to="2023-05-07", effect="excuse")
        self.decide("2023-05-10T13:00:00Z", "written_warning")
        self.decide("2023-05-10T14:00:00Z", "case_closed")
        self.assertEqual(self.states()[2:], [
            ("verbal_warning", "standing", 2, "vp_approval_required", "review_with_employee"),
            ("verbal_warning", "retracted", 2, "clear", "basis_retracted"), ("none", None, None, "clear", None)])
        self.assertEqual([(r["line"], *r["reasons"]) for r in self.result.rejects], [(4, "out_of_order")])

    def test_a_written_warning_has_a_ground_of_its_own(self):
        self.decide("2023-05-09T12:00:00Z", "verbal_warning")
        self.swipe_days("2023-05-09", "2023-05-10", "2023-05-11")
        self.decide("2023-05-23T12:00:00Z", "written_warning")
        self.add("leave", "2023-05-24T12:00:00Z", leave_id="L", from_="2023-05-15", to="2023-05-21", effect="excuse")
        self.assertEqual(self.states()[3:], [
            ("verbal_warning", "standing", 2, "clear", None),
            ("verbal_warning", "standing", 2, "vp_approval_required", "review_with_employee"),
            ("written_warning", "standing", 2, "vp_approval_required", "review_with_employee"),
            ("written_warning", "retracted", 2, "clear", "basis_retracted")])
        self.assertEqual(self.result.records[-1]["_supersedes_seq"], 5)

    def test_a_warning_stays_when_the_status_does_not(self):
        self.decide("2023-05-09T12:00:00Z", "verbal_warning")
        self.swipe_days("2023-05-09", "2023-05-10", "2023-05-11")
        self.assertEqual(self.states("2023-06-01T00:00:00Z")[3:], [
            ("verbal_warning", "standing", 2, "clear", None),
            ("verbal_warning", "standing", 2, "vp_approval_required", "review_with_employee")])

    def test_gates(self):
        self.decide("2023-05-09T12:00:00Z", "vp_approval", "manager", "M", expires_on="2023-05-12")
        self.decide("2023-05-09T12:00:00Z", "vp_approval", "vp", "V", expires_on="2023-05-12", decision_id="a")
        self.decide("2023-05-09T13:00:00Z", "dispute_opened", "employee", "E")
        self.decide("2023-05-09T14:00:00Z", "dispute_opened", "employee", "E")
        self.decide("2023-05-09T15:00:00Z", "dispute_closed", "manager", "M")
        self.decide("2023-05-09T16:00:00Z", "dispute_closed")
        self.decide("2023-05-09T17:00:00Z", "dispute_closed")
        records = self.play("2023-06-01T00:00:00Z")
        self.assertEqual([(r["promotion"]["gate"], r["promotion"]["approved_until"], r["cause"]) for r in records[1:]], [
            ("vp_approval_required", None, "day_close"), ("vp_approved", "2023-05-12", "decision"),
            ("pending", None, "decision"), ("vp_approved", "2023-05-12", "decision"),
            ("vp_approval_required", None, "day_close")])
        self.assertEqual(records[-1]["effective_on"], "2023-05-12")
        self.assertEqual([r["human_action"] for r in records[2:5]],
                         ["review_with_employee", "resolve_dispute", "review_with_employee"])
        self.assertEqual([(r["line"], *r["reasons"]) for r in self.result.rejects],
                         [(2, "wrong_role"), (6, "wrong_role"), (8, "out_of_order")])

    def test_a_replaced_approval_cannot_be_revoked(self):
        self.decide("2023-05-09T12:00:00Z", "vp_approval", "vp", "V", expires_on="2023-06-12", decision_id="a")
        self.decide("2023-05-09T12:00:00Z", "vp_approval", "vp", "V", expires_on="2023-06-10", decision_id="b")
        self.decide("2023-05-09T12:00:00Z", "revoke", "vp", "V", revokes="a")
        self.decide("2023-05-09T12:00:00Z", "revoke", "hr", "V", revokes="b")
        self.decide("2023-05-09T12:00:00Z", "revoke", "vp", "V", revokes="b")
        self.assertEqual([r["promotion"]["approved_until"] for r in self.play()[1:]], [None, "2023-06-12", "2023-06-10", None])
        self.assertEqual([(r["line"], *r["reasons"]) for r in self.result.rejects], [(4, "out_of_order"), (5, "wrong_role")])

    def test_repeats(self):
        self.decide("2023-05-09T12:00:00Z", "attendance_credit", day="2023-05-01", decision_id="x")
        self.decide("2023-05-09T12:00:00Z", "exemption", "security", decision_id="x", **{"from": "2023-05-01", "to": "2023-05-02"})
        for n in range(31):
            self.decide("2023-05-09T12:00:00Z", "dispute_closed", decision_id="n%d" % n)
        self.decide("2023-05-09T12:00:00Z", "attendance_credit", day="2023-05-02", decision_id="x")   # the last of the 32
        self.decide("2023-05-09T12:00:00Z", "dispute_closed", decision_id="n31")
        self.decide("2023-05-09T12:00:00Z", "attendance_credit", day="2023-05-03", decision_id="x")   # still in force
        reasons = self.reasons()
        self.assertEqual(self.result.ignored, {"repeat": 2})
        self.assertEqual(len(reasons), 33)
        self.assertEqual(reasons[-1], (37, "out_of_order"))

    def test_a_credit_for_tomorrow(self):
        self.decide("2023-05-10T06:00:00Z", "attendance_credit", day="2023-05-10")                    # the 9th, 23:00
        self.decide("2023-05-10T08:00:00Z", "attendance_credit", day="2023-05-10", decision_id="d1")
        self.assertEqual(self.reasons(), [(2, "future")])

    def test_beyond_the_horizon(self):
        # on 1 September c is 30 August (LA, 24 h, 12:00Z), the ledger begins 122 days earlier, on 30 April
        self.swipe("2023-09-01T12:00:00Z")
        self.decide("2023-09-01T12:00:00Z", "attendance_credit", day="2023-04-29")
        self.decide("2023-09-01T12:00:00Z", "attendance_credit", day="2023-04-30")
        self.add("leave", "2023-09-01T12:00:00Z", leave_id="L", from_="2023-04-01", to="2023-04-29", effect="excuse")
        self.add("leave", "2023-09-01T12:00:00Z", leave_id="L", from_="2023-04-01", to="2023-04-30", effect="excuse")
        self.decide("2023-09-01T12:00:00Z", "exemption", **{"from": "2023-04-01", "to": "2023-04-29"})
        self.assertEqual(self.reasons(), [(3, "beyond_horizon"), (5, "beyond_horizon"), (7, "beyond_horizon")])


class Unknown(Scene):
    def knows(self):
        self.play()
        return [r["employee_id"] for r in self.result.records], [r["reasons"][0] for r in self.result.rejects]

    def test_what_is_rejected_or_ignored_makes_nobody_known(self):
        self.swipe("2023-05-10T12:00:00Z", employee_id="A", result="denied")
        self.add("swipes", "2023-05-10T12:00:00Z", employee_id="B", occurred_at="2023-04-01T00:00:00Z")
        self.add("leave", "2023-05-10T12:00:00Z", employee_id="C", leave_id="L", op="cancel", effect=7)
        self.decide("2023-05-10T12:00:00Z", "case_closed", employee_id="D")
        self.decide("2023-05-10T12:00:00Z", "dispute_opened", employee_id="F")
        self.assertEqual(self.knows(), (["F"], ["too_late", "out_of_order"]))

    def test_reject(self):
        self.settings["people"]["unknown"] = "reject"
        self.swipe("2023-05-10T12:00:00Z", occurred_at="2023-06-10T12:00:00Z", result="denied")
        self.add("leave", "2023-05-10T12:00:00Z", leave_id="L", op="cancel")
        self.add("roster", "2023-05-10T12:00:00Z", policy="q", home_site="?")
        self.add("roster", "2023-05-10T12:00:00Z", home_site="?")
        self.add("roster", "2023-05-10T12:00:00Z", effective_on="2024-01-01")
        self.swipe("2023-05-10T12:00:00Z")
        self.add("calendar", "2023-05-10T12:00:00Z", site_id="Europe/Berlin", kind="closed", from_="2023-05-10", to="2023-05-10")
        self.add("calendar", "2023-05-10T12:00:00Z", site_id="Europe/Berlin", kind="release")
        self.assertEqual(self.knows(), (["E"], ["unknown_employee"] * 2 + ["unknown_policy", "unknown_site", "unknown_site"]))

    def test_out_of_scope_until_there_is_a_roster(self):
        self.settings["people"]["unknown"] = "out_of_scope"
        self.swipe("2023-05-01T18:00:00Z")
        self.add("roster", "2023-05-03T18:00:00Z", home_zone=LA)
        self.assertEqual([r["status"] for r in self.play()], ["out_of_scope", "unrated"])


class Guard(Scene):
    """Ten people of one site, all good, then the readers fail."""

    def setUp(self):
        super().setUp()
        self.version["rule"] = {"type": "sliding", "tolerance_days": 0}
        self.settings["guard"] = {"max_adverse_ratio": 0.5, "min_people": 3}
        self.people = ["P%d" % n for n in range(10)]
        for name in self.people:
            self.known(employee_id=name, home_site="SEA")
        for text in ("2023-05-01", "2023-05-02", "2023-05-03"):
            for name in self.people:
                self.swipe(text + "T18:00:00Z", employee_id=name)

    def finals(self, until, guard=True):
        final = {}
        for record in self.play(until, guard):
            final[record["employee_id"]] = record["status"], record["cause"]
        return [final[name] for name in self.people]

    def test_many_at_once_are_held_and_released(self):
        until = "2023-05-12T08:00:00Z"
        self.assertEqual(self.finals(until, guard=False), [("non_compliant", "day_close")] * 10)
        self.assertEqual(self.finals(until), [("compliant", "day_close")] * 10)
        self.assertEqual(self.result.holds, 10)
        self.swipe("2023-05-11T18:00:00Z", employee_id="P0", occurred_at="2023-05-04T18:00:00Z")     # repaired
        self.add("calendar", "2023-05-11T19:00:00Z", site_id="LON", kind="release")
        self.assertEqual(self.finals(until), [("compliant", "day_close")] * 10)
        self.add("calendar", "2023-05-11T20:00:00Z", site_id="SEA", kind="release")
        self.assertEqual(self.finals(until)[1:], [("non_compliant", "calendar")] * 9)

    def test_half_of_them_is_not_more_than_half(self):
        for name in self.people[:5]:
            self.swipe("2023-05-08T18:00:00Z", employee_id=name)
        self.assertEqual(self.finals("2023-05-10T08:00:00Z"), [("compliant", "day_close")] * 5 +
                         [("non_compliant", "day_close")] * 5)

    def test_small_sites_form_one_group_for_each_zone(self):
        self.settings["guard"] = {"max_adverse_ratio": 0.2, "min_people": 3}            # fewer than 15 people
        self.add("calendar", "2023-05-11T20:00:00Z", site_id="SEA", kind="release")
        self.assertEqual(self.finals("2023-05-12T08:00:00Z"), [("compliant", "day_close")] * 10)
        self.add("calendar", "2023-05-11T20:00:00Z", site_id=LA, kind="release")
        self.assertEqual(self.finals("2023-05-12T08:00:00Z"), [("non_compliant", "calendar")] * 10)


class Generator(unittest.TestCase):
    def test_one_seed_gives_the_same_files(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in "ab":
                generate.generate(3, "full", os.path.join(folder, name))
            for name in ("rollcall.yaml", "policies.yaml", "sites.yaml", "args.json", "in.ndjson"):
                with open(os.path.join(folder, "a", name), "rb") as a, open(os.path.join(folder, "b", name), "rb") as b:
                    self.assertEqual(a.read(), b.read(), name)


class Metamorphosis(unittest.TestCase):
    """What must not matter, on random companies."""

    def records(self, folder, files, args):
        return oracle.replay(company_module.load(folder), files, args["until"], args["guard"]).records

    def test_swipes_that_come_twice_change_nothing(self):
        for seed in range(40, 43):
            with tempfile.TemporaryDirectory() as folder:
                args = generate.generate(seed, "full", folder)
                files = [os.path.join(folder, name) for name in args["files"]]
                plain = self.records(folder, files, args)
                for name in files:
                    with open(name, "rb") as file:
                        lines = file.read().split(b"\n")[:-1]
                    company = company_module.load(folder)
                    with open(name, "wb") as file:
                        for line in lines:
                            again = form.read_line(line, company).topic == "swipes"
                            file.write((line + b"\n") * (2 if again else 1))
                self.assertEqual(self.records(folder, files, args), plain, seed)


class Comparison(unittest.TestCase):
    """A comparer that finds nothing would look like success."""

    def setUp(self):
        for seed in range(100):                         # the first company about which there is enough to say
            with tempfile.TemporaryDirectory() as folder:
                args = generate.generate(seed, "line", folder)
                files = [os.path.join(folder, name) for name in args["files"]]
                result = oracle.replay(company_module.load(folder), files, args["until"], args["guard"])
            self.expected, self.rejects = result.records, result.rejects
            if len(self.expected) > 3 and self.rejects:
                break
        self.actual = json.loads(json.dumps(self.expected))
        ids = {}
        for number, record in enumerate(self.actual):
            if "seq" in record:
                ids[record["employee_id"], record["known_at"], record["seq"]] = record["id"] = "i%d" % number
                record["policy"]["hash"] = "0" * 64
                seq = record.pop("_supersedes_seq")
                record["supersedes"] = ids[record["employee_id"], record["known_at"], seq] if seq else None

    def test_the_same_is_the_same(self):
        self.assertGreater(len(self.actual), 3)
        compare.compare_records(self.expected, self.actual)

    def differs(self):
        with self.assertRaises(compare.Difference):
            compare.compare_records(self.expected, self.actual)

    def test_every_field_is_compared(self):
        for key in self.actual[0]:
            if key not in ("employee_id", "id"):                # an id is the implementation's own: see below
                kept = self.actual[0][key]
                self.actual[0][key] = {} if key == "policy" else "?"
                with self.subTest(key), self.assertRaises((compare.Difference, KeyError)):
                    compare.compare_records(self.expected, self.actual)
                self.actual[0][key] = kept

    def test_a_record_too_few(self):
        self.actual.pop()
        self.differs()

    def test_a_record_too_many(self):
        self.actual.append(self.actual[-1])
        self.differs()

    def test_an_id_that_is_none(self):
        self.actual[0]["id"] = None
        self.differs()

    def test_one_id_twice(self):
        self.actual[0]["id"] = self.actual[1]["id"]
        self.differs()

    def test_rejects(self):
        self.assertTrue(self.rejects)
        actual = [{"reason": r["reasons"][0], "detail": "", "file": r["file"], "line": r["line"],
                   "value": r["value"].decode("utf-8", "replace")}
                  for r in self.rejects]
        compare.compare_rejects(self.rejects, actual)
        for change in ({"line": 99999}, {"reason": "clock_ahead"}, {"file": "x"}, {"value": "x"}):
            with self.assertRaises(compare.Difference):
                compare.compare_rejects(self.rejects, [{**actual[0], **change}] + actual[1:])
        with self.assertRaises(compare.Difference):
            compare.compare_rejects(self.rejects, actual[1:])


class Topics(unittest.TestCase):
    """What only a topic can say: keys, null values, arrivals by partition."""

    def setUp(self):
        self.company = company_module.Company(
            {"people": {"unknown": "default_policy"}, "time": {"complete_from": "2021-01-01"}},
            {"policies": [{"id": "p", "versions": [{"effective_on": "2020-01-01"}]}]}, {"sites": {"LON": {"zone": "Europe/London"}}})

    def faults(self, topic, key, value):
        return topics.read_record(topic, key, value, self.company).faults

    def test_keys(self):
        swipe = b'{"employee_id":7,"occurred_at":"2021-02-01T09:00:00Z"}'
        self.assertEqual(self.faults("swipes", b"7", swipe), set())
        for key in (b"8", b"", None, b"7 "):
            self.assertEqual(self.faults("swipes", key, swipe), {"key_mismatch"})
        self.assertEqual(self.faults("swipes", b"8", b'{"employee_id":7}'), {"missing_field"})       # form comes first
        self.assertEqual(self.faults("calendar", b"PAR", b'{"site_id":"LON","kind":"release"}'), {"key_mismatch"})

    def test_null_values(self):
        self.assertEqual(self.faults("swipes", b"7", None), {"bad_json"})
        self.assertEqual(self.faults("roster", b"7", None), set())
        for key in (None, b"", b"x" * 65, b"\xff"):
            self.assertEqual(self.faults("roster", key, None), {"bad_field"})
        line = topics.read_record("roster", b"7", b'{"employee_id":"7","tombstone":true}', self.company)
        self.assertFalse(line.fields["tombstone"])                      # a field that means something in a file alone

    def test_order(self):
        records = [topics.Record("swipes", 0, 0, 50, b"", b""), topics.Record("swipes", 0, 1, 40, b"", b""),
                   topics.Record("roster", 0, 0, 50, b"", b""), topics.Record("calendar", 1, 0, 45, b"", b""),
                   topics.Record("swipes", 0, 2, 999, b"", b"")]
        self.assertEqual([r.place() for r in topics.in_order(records, latest=100)],
                         [("calendar", 1, 0), ("roster", 0, 0), ("swipes", 0, 0), ("swipes", 0, 1), ("swipes", 0, 2)])
        self.assertEqual([r.arrival for r in topics.in_order(records, latest=100)], [45, 50, 50, 50, 50])

    def test_steps(self):
        def swipe(offset, text):
            value = '{"employee_id":"E1","site_id":"LON","occurred_at":"%s"}' % text
            return topics.Record("swipes", 0, offset, ms(text), b"E1", value.encode())
        records = [swipe(0, "2021-02-01T09:00:00Z"), swipe(1, "2021-02-01T10:00:00Z"), swipe(2, "2021-03-03T09:00:00Z")]
        records.append(topics.Record("swipes", 0, 3, ms("2021-03-03T10:00:00Z"), b"E1", b"{"))
        steps = topics.step_through(self.company, records, ms("2021-03-20T00:00:00Z"), ms("2021-03-20T00:00:00Z"))
        self.assertEqual([kind for kind, _ in steps.verdicts], ["applied", "applied", "applied", "rejected"])
        self.assertEqual(steps.people, [1] * 6)
        self.assertEqual([step for step, _ in steps.published][:2], [0, 2])    # known; the closes that the third made due
        self.assertEqual(steps.clocks[-1], ms("2021-03-20T00:00:00Z"))


class PlainYaml(unittest.TestCase):
    def test_like_json(self):
        text = """# a comment
a: {b: 1, c: [x, 'it''s', "q\\"t"], d: {}}   # another
list:
  - id: one     # with more
    when: 2023-05-01
    url: http://h:1/x#y
  - id: two
    deep:
    - [1, 2]
    - - nested
empty:
yes: true
"""
        self.assertEqual(plain_yaml.load(text), {
            "a": {"b": 1, "c": ["x", "it's", 'q"t'], "d": {}},
            "list": [{"id": "one", "when": "2023-05-01", "url": "http://h:1/x#y"}, {"id": "two", "deep": [[1, 2], ["nested"]]}],
            "empty": None, "yes": True})
        self.assertEqual(plain_yaml.load('{"a": [1.5, null]}'), {"a": [1.5, None]})

    def test_what_is_not_plain(self):
        for text in ("a: &x 1", "a: *x", "a: |\n  text", "a: 1\n   b: 2", "a: {b: 1} c", "- a\nb: 1"):
            with self.subTest(text), self.assertRaises((ValueError, IndexError)):
                plain_yaml.load(text)


if __name__ == "__main__":
    unittest.main()
