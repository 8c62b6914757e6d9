#!/usr/bin/env python3
"""What `rollcall explain` promises: the same story as replay, exact words, futures that come true.

The program under test is named by the environment variable ROLLCALL.
"""

import datetime
import json
import os
import pty
import re
import subprocess
import sys
import unittest
import zoneinfo

from command import CONFIG, FAILURE, OK, ROLLCALL, USAGE, Folder, run

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "explain")
UNTIL = "2023-07-12T20:00:00Z"  # of the cases
GENERATE = ["generate", "--from", "2023-05-01", "--to", "2023-08-06", "--people", "300"]
RULES = {"sliding": "{type: sliding, tolerance_days: 6}",
         "weekly": "{type: weekly, week_starts_on: sun}",
         "k_of_n": "{type: k_of_n, week_starts_on: wed, terms: [{short: 4, of: 6}, {short: 2, of: 3}], combine: or}"}


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def text_of(moment):
    return moment.astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def noon_of(date, zone, day_starts_at):
    """12 hours before the day is over; day_starts_at in minutes."""
    next_day = datetime.date.fromisoformat(date) + datetime.timedelta(days=1)
    over = datetime.datetime.combine(next_day, datetime.time(*divmod(day_starts_at, 60)), zoneinfo.ZoneInfo(zone))
    return over.astimezone(datetime.timezone.utc) - datetime.timedelta(hours=12)


def changes_behind(history, records, until):
    """What changed the status since the history, as the outlook tells it."""
    changes, status = [], history[-1]["status"]
    for record in records[len(history):]:
        if record["status"] != status and record["as_of"] <= until:
            changes.append((record["status"], record["effective_on"], record["cause"], record["as_of"]))
        status = record["status"]
    return changes


class Explain(Folder):
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.config = self.path("rollcall.yaml")

    def succeed(self, args, stdin=b""):
        code, out, errors = run(args, stdin)
        self.assertEqual(code, OK, errors)
        return out

    def explain(self, employee, args):
        return json.loads(self.succeed(["explain", "-c", self.config, "--json", "--employee=" + employee] + args))

    def replay(self, args, stdin=b""):
        people = {}
        for line in self.succeed(["replay", "-c", self.config] + args, stdin).splitlines():
            record = json.loads(line)
            if record.get("tombstone"):
                people.pop(record["employee_id"], None)
            else:
                people.setdefault(record["employee_id"], []).append(record)
        return people

    # a company that was made up by hand: explain/expected/PERSON.txt is what is printed of each

    def case(self, employee, more=(), **environment):
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm", **environment}
        code, out, errors = run(["explain", "-c", os.path.join(CASES, "rollcall.yaml"), "--until", UNTIL, "--employee", employee,
                                 *more, os.path.join(CASES, "in.ndjson")], env=environment)
        self.assertEqual((code, errors), (OK, ""))
        return out.decode("utf-8")

    def check_text(self, name):
        employee, _, locale = name.partition(".")
        text = self.case(employee, LC_ALL=locale) if locale else self.case(employee)
        path = os.path.join(CASES, "expected", name + ".txt")
        if os.environ.get("ROLLCALL_REWRITE"):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(text, file.read())
        self.assertEqual([line for line in text.splitlines() if len(line) > 80 or "\033" in line], [])

    def test_text_of_compliant(self):
        self.check_text("compliant")

    def test_text_of_at_risk(self):
        self.check_text("at_risk")

    def test_text_of_non_compliant(self):
        self.check_text("non_compliant")

    def test_text_of_lifted(self):
        """Not compliant by the closed days; today's swipe lifts it."""
        self.check_text("lifted")

    def test_text_of_corrected(self):
        """A verdict that was taken back; records that were ignored and rejected."""
        self.check_text("corrected")

    def test_text_of_left(self):
        self.check_text("left")

    def test_text_of_joined(self):
        """Unrated in the days of grace."""
        self.check_text("joined")

    def test_text_of_three_days(self):
        """Own workdays, fewer than the policy's."""
        self.check_text("three_days")

    def test_text_of_autumn(self):
        """A policy that is not in force yet."""
        self.check_text("autumn")

    def test_text_of_told_late(self):
        self.check_text("told_late")

    def test_text_of_excused(self):
        """Leave, a holiday and a hold."""
        self.check_text("excused")

    def test_text_of_credited(self):
        """By leave and by decision; and a swipe that was voided."""
        self.check_text("credited")

    def test_text_of_exempt(self):
        self.check_text("exempt")

    def test_text_of_case(self):
        """A warning, an approval, an open dispute."""
        self.check_text("case")

    def test_text_of_weekly(self):
        self.check_text("weekly")

    def test_text_of_k_of_n(self):
        self.check_text("k_of_n")

    def test_text_without_utf8(self):
        self.check_text("excused.C")
        self.assertTrue(self.case("credited", LC_ALL="C").isascii())

    def test_text_on_a_terminal(self):
        """Colours there, and the same text without them; none with NO_COLOR."""
        command = [ROLLCALL, "explain", "-c", os.path.join(CASES, "rollcall.yaml"), "--until", UNTIL, "--employee", "case",
                   os.path.join(CASES, "in.ndjson")]

        def shown(**more):
            master, slave = pty.openpty()
            done = subprocess.run(command, stdout=slave, check=True, env=dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm", **more))
            os.close(slave)
            text = b""
            while True:
                try:
                    part = os.read(master, 65536)
                except OSError:
                    part = b""
                if not part:
                    break
                text += part
            os.close(master)
            self.assertEqual(done.returncode, OK)
            return text.decode("utf-8").replace("\r\n", "\n")

        plain = self.case("case")
        self.assertEqual(shown(NO_COLOR="1"), plain)
        self.assertIn("\033[31m", shown())
        self.assertEqual(re.sub("\033\\[\\d+m", "", shown()), plain)

    # who is not there

    def check_unknown(self, employee, say):
        code, out, errors = run(["explain", "-c", os.path.join(CASES, "rollcall.yaml"), "--employee", employee,
                                 os.path.join(CASES, "in.ndjson")])
        self.assertEqual((code, out), (FAILURE, b""))
        self.assertEqual(errors, "rollcall: nobody of the id '%s' is known at the end of this log%s\n" % (employee, say))

    def test_nobody(self):
        self.check_unknown("nobody", "")
        self.check_unknown("cas", "")
        self.check_unknown("stranger", ": 1 record names it and was rejected, as unknown_employee")
        self.check_unknown("forgotten", ": a tombstone had them forgotten")

    def test_usage_errors(self):
        log, config = os.path.join(CASES, "in.ndjson"), os.path.join(CASES, "rollcall.yaml")
        self.assertEqual(run(["explain", "-c", config, log])[0], USAGE)
        self.assertEqual(run(["explain", "--employee", "case", log])[0], USAGE)
        self.assertEqual(run(["explain", "-c", config, "--employee", "case"])[0], USAGE)
        self.assertEqual(run(["explain", "-c", config, "--employee", "", log])[0], USAGE)
        self.assertEqual(run(["explain", "-c", config, "--employee", "x" * 65, log])[0], USAGE)
        self.assertEqual(run(["explain", "-c", config, "--employee", "case", "--until", "now", log])[0], USAGE)
        self.assertEqual(run(["explain", "--help"])[0], OK)
        self.assertEqual(run(["explain", "-c", log, "--employee", "case", log])[0], CONFIG)
        self.assertEqual(run(["explain", "-c", config, "--employee", "case", os.path.join(CASES, "nowhere")])[0], FAILURE)

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([ROLLCALL, "explain", "-c", os.path.join(CASES, "rollcall.yaml"), "--employee", "case",
                                   os.path.join(CASES, "in.ndjson")], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, FAILURE)
        self.assertIn(b"No space left", done.stderr)

    def test_ids_of_any_form(self):
        """An id may need escapes, or be an integer; a line that only mentions it is not about the person."""
        self.write("policies.yaml", b"policies: [{id: p, versions: [{effective_on: 2023-04-01}]}]\n")
        self.write("rollcall.yaml", b"policies: policies.yaml\npeople: {unknown: reject}\nfields: {employee_id: badge}\n")
        lines = (b'{"topic":"roster","arrived_at":"2023-05-01T12:00:00Z","employee_id":"\\u0031\\u0032"}\n'
                 b'{"topic":"roster","employee_id":"12\\"\\u00e9"}\n{"topic":"roster","employee_id":"3","manager_id":"12"}\n'
                 b'{"topic":"swipes","badge":12,"occurred_at":"2023-05-02T12:00:00Z","result":"12"}\n'
                 b'{"topic":"swipes","badge":3,"employee_id":"12","occurred_at":"2023-05-02T12:00:00Z"}\n'
                 b'{"topic":"swipes","badge":"12\\"\\u00e9","occurred_at":"2023-05-02T12:00:00Z"}\n'
                 b'{"topic":"swipes","badge":"12","occurred_at":"2023-05-02T12:00:00"}\n12\n')
        log = self.write("in.ndjson", lines)
        twelve = self.explain("12", [log])
        self.assertEqual(twelve["records"], {"applied": 1, "ignored": {"not_accepted": 1}, "rejected": {"bad_field": 1}})
        self.assertEqual([(reject["reason"], reject["line"]) for reject in twelve["last_rejects"]], [("bad_field", 7)])
        quoted = self.explain('12"\u00e9', [log])
        self.assertEqual((quoted["employee_id"], quoted["records"]["applied"]), ('12"\u00e9', 2))

    def test_guard_holds_a_verdict(self):
        """A whole site would turn non_compliant at one close: held, told, and let go by a release."""
        self.write("policies.yaml", b"policies: [{id: p, versions: [{effective_on: 2023-04-01, rule: {type: weekly}}]}]\n")
        self.write("sites.yaml", b"sites: {SEA33: {zone: UTC}}\n")
        self.write("rollcall.yaml", b"policies: policies.yaml\nsites: sites.yaml\npeople: {unknown: reject}\n"
                   b"time: {complete_from: 2023-05-01}\n")
        lines = [{"topic": "roster", "arrived_at": "2023-04-30T12:00:00Z", "employee_id": "E%d" % i, "home_site": "SEA33"}
                 for i in range(60)]
        lines += [{"topic": "swipes", "employee_id": "E%d" % i, "site_id": "SEA33", "occurred_at": "2023-05-%02dT12:00:00Z" % day}
                  for day in (8, 9, 10) for i in range(60)]
        log = self.write("in.ndjson", "".join(json.dumps(line) + "\n" for line in lines).encode())
        held = self.explain("E7", ["--guard", "--until", "2023-05-23T00:00:00Z", log])
        self.assertEqual((held["status"], held["held_in"], held["week"]["result"]), ("compliant", "SEA33", "short"))
        self.assertIn("release --site SEA33", held["words"]["why"][0])
        self.assertEqual(held["outlook"]["if_nothing"]["changes"], [])
        plain = self.explain("E7", ["--until", "2023-05-23T00:00:00Z", log])
        self.assertEqual((plain["status"], plain["held_in"]), ("non_compliant", None))
        release = self.write("release.ndjson", b'{"topic":"calendar","arrived_at":"2023-05-23T00:00:00Z","site_id":"SEA33","kind":'
                             b'"release"}\n')
        freed = self.explain("E7", ["--guard", log, release])
        self.assertEqual((freed["status"], freed["held_in"]), ("non_compliant", None))

    # the futures come true

    def company(self, rule, clock):
        """A company's log up to an instant; and fifty people of every status."""
        log = self.succeed(GENERATE + ["--config", self.folder]).splitlines(keepends=True)
        version = "versions: [{effective_on: 2023-05-01, grace_days: 2, rule: %s, required_days: %s}]"
        self.write("policies.yaml", "\n".join(
            ["policies:"] + ["- {id: office-%sd, %s}" % (days, version % (RULES[rule], days)) for days in "32"]).encode())
        name = self.write("in.ndjson", b"".join(line for line in log if json.loads(line)["arrived_at"] <= clock))
        by_status = {}
        for employee, records in self.replay(["--until", clock, name]).items():
            by_status.setdefault(records[-1]["status"], []).append(employee)
        chosen = []
        while len(chosen) < 50:
            for people in by_status.values():
                if people:
                    chosen.append(people.pop())
        return name, chosen[:50]

    def agree(self, told, future, records, until):
        predicted = [(change["status"], change["effective_on"], change["by"], change["at"]) for change in future["changes"]]
        predicted = [change for change in predicted if change[3] <= until]
        came = changes_behind(told["history"], records, until)
        self.assertEqual(predicted, came[:4], (told["employee_id"], told["status"], future))
        return predicted

    def check_futures(self, args, files, chosen, days, day_starts_at=0, names=("employee_id", "occurred_at")):
        """What is said of the two futures is what replay says once they are there. Returns the changes of either."""
        told = {employee: self.explain(employee, args + files) for employee in chosen}
        clock = instant(told[chosen[0]]["clock"])
        until = text_of(clock + datetime.timedelta(days=days))
        of_nothing, of_presence, swipes = [], [], []
        replayed = self.replay(["--until", until] + files)
        for employee, person in told.items():
            self.assertEqual(person["history"], replayed[employee][:len(person["history"])])
            self.assertEqual(person["status"], person["history"][-1]["status"])
            of_nothing += self.agree(person, person["outlook"]["if_nothing"], replayed[employee], until)
            for date in person["outlook"]["if_present"]["present_on"]:
                at = text_of(max(noon_of(date, person["zone"], day_starts_at), clock))
                swipes.append({"topic": "swipes", "arrived_at": at, names[0]: employee, names[1]: at})
        swipes.sort(key=lambda swipe: swipe["arrived_at"])
        future = self.write("future.ndjson", "".join(json.dumps(swipe) + "\n" for swipe in swipes).encode())
        replayed = self.replay(["--until", until] + files + [future])
        for employee, person in told.items():
            of_presence += self.agree(person, person["outlook"]["if_present"], replayed[employee], until)
        return of_nothing, of_presence

    def check_rule(self, rule):
        clock = "2023-07-20T10:30:00.000Z"
        log, chosen = self.company(rule, clock)
        of_nothing, of_presence = self.check_futures(["--until", clock], [log], chosen, 80)
        self.assertGreater(len(of_nothing), 15)
        self.assertGreater(len(of_presence), 10)
        self.assertEqual("swipe" in {change[2] for change in of_presence}, rule == "sliding")

    def test_futures_come_true_sliding(self):
        self.check_rule("sliding")

    def test_futures_come_true_weekly(self):
        self.check_rule("weekly")

    def test_futures_come_true_k_of_n(self):
        self.check_rule("k_of_n")

    def test_futures_come_true_in_awkward_companies(self):
        """Moves, versions, leave and exemptions that are known already, odd zones, days that start late: the oracle's."""
        sys.path.insert(0, os.path.join(os.path.dirname(CASES), "..", "oracle"))
        import generate
        seen = []
        for seed in [*range(1, 11), 48]:  # 48: a move to another zone shifts a close that matters
            made = generate.generate(seed, "full", self.folder)
            config, policies = (json.loads(self.read(name)) for name in ("rollcall.yaml", "policies.yaml"))
            for version in (version for policy in policies["policies"] for version in policy["versions"]):
                version.pop("accept", None)  # the swipes to come are of a plain kind
            self.write("policies.yaml", json.dumps(policies).encode())
            hours, minutes = config.get("time", {}).get("day_starts_at", "00:00").split(":")
            fields = config.get("fields", {})
            names = [fields.get(name, name) for name in ("employee_id", "occurred_at")]
            args = ["--until", made["until"]] if made["until"] else []
            files = [self.path(name) for name in made["files"]]
            chosen = sorted(self.replay(args + files), reverse=True)[:12]
            if chosen:
                seen += sum(self.check_futures(args, files, chosen, 70, 60 * int(hours) + int(minutes), names), [])
        self.assertGreater(len(seen), 50)


if __name__ == "__main__":
    unittest.main()
