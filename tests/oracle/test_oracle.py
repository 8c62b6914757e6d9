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
        self.add("swipes", at if isinstance(at, str) else None, occurred_at=at, **fields)

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


class Generator(unittest.TestCase):
    def test_one_seed_gives_the_same_files(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in "ab":
                generate.generate(3, "full", os.path.join(folder, name))
            for name in ("rollcall.yaml", "policies.yaml", "sites.yaml", "args.json", "in.ndjson"):
                with open(os.path.join(folder, "a", name), "rb") as a, open(os.path.join(folder, "b", name), "rb") as b:
                    self.assertEqual(a.read(), b.read(), name)


class Comparison(unittest.TestCase):
    """A comparer that finds nothing would look like success."""

    def setUp(self):
        with tempfile.TemporaryDirectory() as folder:
            args = generate.generate(3, "line", folder)
            files = [os.path.join(folder, name) for name in args["files"]]
            result = oracle.replay(company_module.load(folder), files, args["until"], args["guard"])
        self.expected, self.rejects = result.records, result.rejects
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
        actual = [{"reason": r["reasons"][0], "detail": "", "file": r["file"], "line": r["line"], "value": ""}
                  for r in self.rejects]
        compare.compare_rejects(self.rejects, actual)
        for change in ({"line": 99999}, {"reason": "clock_ahead"}, {"file": "x"}):
            with self.assertRaises(compare.Difference):
                compare.compare_rejects(self.rejects, [{**actual[0], **change}] + actual[1:])
        with self.assertRaises(compare.Difference):
            compare.compare_rejects(self.rejects, actual[1:])


if __name__ == "__main__":
    unittest.main()
