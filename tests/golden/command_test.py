#!/usr/bin/env python3
"""What `rollcall replay`, `rollcall whatif`, `rollcall generate` and `rollcall check` promise as commands: usage, exit codes, files, counts, failed writes.

The program under test is named by the environment variable ROLLCALL.
"""

import datetime
import json
import os
import re
import resource
import subprocess
import unittest

from command import CONFIG, FAILURE, OK, ROLLCALL, USAGE, Folder, run

GENERATE = ["generate", "--from", "2023-05-01", "--to", "2023-06-04", "--people"]


def roster(employee, arrived_at):
    return b'{"topic":"roster","arrived_at":"%s","employee_id":"%s","home_site":"SEA33"}\n' % (
        arrived_at.encode(), employee.encode())


def counts(errors):
    rows = [line.split() for line in errors.splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) > 2 and row[1].isdigit()}


class Commands(Folder):
    def setUp(self):
        super().setUp()
        code, _, errors = run(GENERATE + ["10", "-o", os.devnull, "--config", self.folder])
        self.assertEqual(code, OK, errors)
        self.config = self.path("rollcall.yaml")

    def replay(self, args, stdin=b"", **more):
        return run(["replay", "-c", self.config] + args, stdin, **more)

    def check(self, wanted, args, stdin=b"", say="", **more):
        code, out, errors = self.replay(args, stdin, **more)
        self.assertEqual(code, wanted, errors)
        self.assertIn(say, errors)
        return out, errors

    # usage and exit codes

    def test_rekey_usage_errors(self):
        self.assertEqual(run(["rekey", "--help"])[0], OK)
        self.assertEqual(run(["rekey", "-c", self.config])[0], USAGE)
        self.assertEqual(run(["rekey", "--from", "badges"])[0], USAGE)
        for name in ("", ".", "a topic", "x" * 250):
            code, _, errors = run(["rekey", "-c", self.config, "--from", name])
            self.assertEqual(code, USAGE, name)
            self.assertIn("--from", errors)
        code, _, errors = run(["rekey", "-c", self.config, "--from", "badges"])
        self.assertEqual(code, CONFIG)
        self.assertIn("kafka", errors)

    def test_release_usage_errors(self):
        self.assertEqual(run(["release", "--help"])[0], OK)
        self.assertEqual(run(["release", "-c", self.config])[0], USAGE)
        self.assertEqual(run(["release", "-c", self.config, "--site", "SEA33"])[0], CONFIG)
        with_kafka = ["release", "-c", self.config, "--set", "kafka.bootstrap.servers=127.0.0.1:1", "--set", "kafka.group.id=g",
                      "--set", "time.complete_from=2023-05-01", "--site"]
        code, _, errors = run(with_kafka + ["NOWHERE"])
        self.assertEqual(code, USAGE, errors)
        self.assertIn("'NOWHERE' is neither a site of", errors)
        code, _, errors = run(with_kafka + ["SEA33", "--set", "topics.calendar=null"])
        self.assertEqual(code, CONFIG, errors)
        self.assertIn("topics.calendar is null", errors)

    def test_replay_usage_errors(self):
        log = self.write("in.ndjson", b"")
        self.assertEqual(run(["replay", log])[0], USAGE)
        self.check(USAGE, [])
        self.check(USAGE, ["--nonsense", log])
        self.check(USAGE, ["--until", "tomorrow", log], say="--until")
        self.check(USAGE, ["--batch", "0", log], say="--batch")
        self.check(USAGE, ["--rejects", "-", log], say="--rejects")
        self.check(USAGE, ["-", "-"], say="once")

    def test_replay_help_is_not_an_error(self):
        code, out, errors = run(["replay", "--help"])
        self.assertEqual((code, errors), (OK, ""))
        self.assertIn(b"U+FFFD", out)

    def test_replay_missing_file(self):
        self.check(FAILURE, [self.path("nowhere.ndjson")], say="nowhere.ndjson")
        self.check(FAILURE, [self.folder], say=self.folder)

    def test_replay_broken_config(self):
        self.write("rollcall.yaml", b"people: {unknown: perhaps}\n")
        self.check(CONFIG, [self.write("in.ndjson", b"")], say="rollcall.yaml:1")

    def test_replay_set(self):
        log = self.write("in.ndjson", roster("E1", "2023-05-01T12:00:00Z"))
        self.check(OK, ["--set", "time.settle=12h", log])
        self.check(CONFIG, ["--set", "time.settle=never", log])

    # the log

    def test_replay_standard_input(self):
        lines = roster("E1", "2023-05-01T12:00:00Z") + b"nonsense\n"
        from_file = self.check(OK, [self.write("in.ndjson", lines)])
        from_stdin = self.check(OK, ["-"], lines)
        self.assertEqual(from_file, from_stdin)
        self.assertEqual(counts(from_stdin[1]), {"applied": 1, "bad_json": 1, "sum": 2})

    def test_replay_nothing(self):
        out, errors = self.check(OK, [self.write("in.ndjson", b"")])
        self.assertEqual((out, counts(errors)), (b"", {"applied": 0, "sum": 0}))

    def test_replay_last_line_without_newline(self):
        out, errors = self.check(OK, ["-"], roster("E1", "2023-05-01T12:00:00Z").rstrip(b"\n"))
        self.assertEqual(counts(errors), {"applied": 1, "sum": 1})
        self.assertTrue(out.endswith(b"}\n"))

    def test_replay_white_space_is_a_line(self):
        _, errors = self.check(OK, ["-"], roster("E1", "2023-05-01T12:00:00Z") + b"\n \t\r\n")
        self.assertEqual(counts(errors), {"applied": 1, "bad_json": 2, "sum": 3})

    def test_replay_files_are_merged(self):
        """One log cut into files by topic and by person gives the same records for each person."""
        _, log, _ = run(GENERATE + ["40"])
        lines = log.splitlines(keepends=True)
        whole, _ = self.check(OK, [self.write("in.ndjson", log)])
        parts = [[], [], []]
        for line in lines:
            topic = json.loads(line)["topic"]
            parts[0 if topic != "swipes" else 1 + int(json.loads(line)["employee_id"][1:]) % 2].append(line)
        names = [self.write("part%d" % i, b"".join(part)) for i, part in enumerate(parts)]
        merged, errors = self.check(OK, names)
        strip = lambda out: sorted(line.partition(b'"employee_id"')[2] for line in out.splitlines())
        self.assertEqual(strip(merged), strip(whole))
        self.assertEqual(counts(errors)["sum"], len(lines))

    def test_replay_too_large_line(self):
        """It is counted, cut in the rejects, and never held whole: 300 MB pass through less memory."""
        head = b'{"topic":"roster","arrived_at":"2023-05-01T12:00:00Z","employee_id":"'
        fits = head + b"E1" + b'","x":"' + b"x" * (65536 - len(head) - 11) + b'"}'
        self.assertEqual(len(fits), 65536)
        _, errors = self.check(OK, ["-"], fits + b"\n" + fits + b" \n")
        self.assertEqual(counts(errors), {"applied": 1, "too_large": 1, "sum": 2})
        limit = 200 << 20
        with open(self.path("long.ndjson"), "wb") as file:
            file.write(b'{"x":"')
            for _ in range(300):
                file.write(b"y" * (1 << 20))
            file.write(b'"}\n' + roster("E1", "2023-05-01T12:00:00Z"))
        preexec = None if os.environ.get("ROLLCALL_SANITIZE") else (    # a sanitizer's shadow memory is no limit of ours
            lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)))
        _, errors = self.check(OK, ["--rejects", self.path("rejects"), self.path("long.ndjson")], preexec_fn=preexec)
        self.assertEqual(counts(errors), {"applied": 1, "too_large": 1, "sum": 2})
        reject = json.loads(self.read("rejects"))
        self.assertEqual((reject["reason"], reject["file"], reject["line"]), ("too_large", self.path("long.ndjson"), 1))
        self.assertEqual(len(reject["value"]), 65536)
        self.assertIn(str(300 * (1 << 20) + 8), reject["detail"])

    def test_replay_too_many(self):
        """A sender that has gone mad is told so; what it said until then can still be replaced and cancelled."""
        at = "2023-05-01T12:00:00Z"
        lines = [roster("E1", at)]

        def leave(number, **more):
            lines.append(json.dumps({"topic": "leave", "arrived_at": at, "employee_id": "E1", "leave_id": "L%d" % number,
                                     "from": "2023-06-01", "to": "2023-06-02", "effect": "excuse", **more}).encode() + b"\n")

        for number in [*range(1000), 1000, 5]:
            leave(number)
        leave(5, op="cancel")
        leave(1000)
        _, errors = self.check(OK, ["--rejects", self.path("rejects"), "-"], b"".join(lines))
        self.assertEqual(counts(errors), {"applied": 1004, "too_many": 1, "sum": 1005})
        reject = json.loads(self.read("rejects"))
        self.assertEqual((reject["reason"], reject["file"], reject["line"]), ("too_many", "-", 1002))
        self.assertIn("leave", reject["detail"])

    def test_replay_too_many_of_each_kind(self):
        """1,000 roster records and decisions in force of a person, 10,000 closures of a site, and not one more."""
        day = lambda number: str(datetime.date(2030, 1, 1) + datetime.timedelta(days=number))
        head = {"arrived_at": "2023-05-01T12:00:00Z"}
        decision = {"topic": "decisions", "employee_id": "E1", "kind": "exemption", "decided_by": "HR1", "decided_by_role": "hr",
                    "decided_at": "2023-05-01T12:00:00Z", "from": "2030-01-01", "to": "2030-01-02"}
        lines = [{"topic": "roster", "employee_id": "E1", "effective_on": day(number)} for number in range(1001)]
        lines += [{**decision, "decision_id": "D%d" % number} for number in range(1001)]
        lines += [{"topic": "calendar", "site_id": "SEA33", "kind": "closed", "from": day(number), "to": day(number)}
                  for number in range(10001)]
        self.write("sites.yaml", b"sites: {SEA33: {zone: America/Los_Angeles}}\n")
        text = "".join(json.dumps({**head, **line}) + "\n" for line in lines).encode()
        _, errors = self.check(OK, ["--rejects", self.path("rejects"), "-"], text)
        self.assertEqual(counts(errors), {"applied": 12000, "too_many": 3, "sum": 12003})
        rejects = [json.loads(line) for line in self.read("rejects").splitlines()]
        self.assertEqual([(reject["line"], reject["detail"].partition(":")[0]) for reject in rejects],
                         [(1001, "effective_on"), (2002, "decision_id"), (12003, "site_id")])

    def test_replay_rejects_are_utf8(self):
        line = b'{"topic":"\xff\xc0\x80 \xe2\x82\xac \xed\xa0\x80 \xf0\x9f\x98\x80 \xe2\x82"} \x01\\'
        self.check(OK, ["--rejects", self.path("rejects"), "-"], line)
        reject = json.loads(self.read("rejects").decode("utf-8"))
        self.assertEqual(list(reject), ["reason", "detail", "file", "line", "value"])
        self.assertEqual((reject["reason"], reject["file"], reject["line"]), ("bad_json", "-", 1))
        bad = "\ufffd"
        self.assertEqual(reject["value"], '{"topic":"' + bad * 3 + " \u20ac " + bad * 3 + " \U0001f600 " + bad * 2 +
                         '"} \x01\\')

    def test_replay_without_any_clock(self):
        """Lines without a time before the first one that has one: refused; their form comes first."""
        lines = b'{"topic":"roster","employee_id":"E1"}\n{"topic":"roster"}\n{"topic":"calendar","site_id":"SEA33",' \
            b'"kind":"closed","from":"2023-05-01","to":"2023-05-01"}\n{"topic":"roster","employee_id":"E1",' \
            b'"tombstone":true}\n'
        out, errors = self.check(OK, ["-"], lines)
        self.assertEqual((out, counts(errors)), (b"", {"applied": 0, "missing_field": 1, "no_clock": 3, "sum": 4}))

    def test_replay_until_moves_the_clock(self):
        log = self.write("in.ndjson", roster("E1", "2023-04-30T12:00:00Z"))
        self.assertEqual(len(self.check(OK, [log])[0].splitlines()), 1)
        late, _ = self.check(OK, ["--until", "2023-06-01T00:00:00Z", log])
        self.assertEqual([json.loads(line)["status"] for line in late.splitlines()],
                         ["not_in_force", "unrated", "at_risk", "non_compliant"])

    def test_replay_batches_do_not_matter(self):
        _, log, _ = run(GENERATE + ["60", "--seed", "3"])
        name = self.write("in.ndjson", log)
        whole = self.check(OK, [name])
        for batch in ("1", "7", "32", "256"):
            self.assertEqual(self.check(OK, ["--batch", batch, name]), whole)

    # failed writes

    def test_replay_full_disk(self):
        log = self.write("in.ndjson", roster("E1", "2023-05-01T12:00:00Z") + b"nonsense\n")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([ROLLCALL, "replay", "-c", self.config, log], stdout=full, stderr=subprocess.PIPE,
                                  check=False)
        self.assertEqual(done.returncode, FAILURE)
        self.assertIn(b"No space left", done.stderr)
        self.check(FAILURE, ["--rejects", "/dev/full", log], say="/dev/full")
        self.check(FAILURE, ["--rejects", self.path("no/folder"), log], say="no/folder")

    def test_replay_closed_pipe(self):
        _, log, _ = run(GENERATE + ["60"])
        name = self.write("in.ndjson", log)
        read_end, write_end = os.pipe()
        os.close(read_end)
        done = subprocess.run([ROLLCALL, "replay", "-c", self.config, name], stdout=write_end, stderr=subprocess.PIPE,
                              check=False)
        os.close(write_end)
        self.assertEqual(done.returncode, FAILURE)
        self.assertIn(b"Broken pipe", done.stderr)

    # generate

    def test_generate_usage_errors(self):
        self.assertEqual(run(["generate"])[0], USAGE)
        self.assertEqual(run(GENERATE + ["0"])[0], USAGE)
        self.assertEqual(run(GENERATE + ["10", "file"])[0], USAGE)
        self.assertEqual(run(["generate", "--people", "10", "--from", "2023-05-02", "--to", "2023-05-01"])[0], USAGE)
        self.assertEqual(run(["generate", "--people", "10", "--from", "2023-02-29", "--to", "2023-05-01"])[0], USAGE)
        self.assertEqual(run(GENERATE + ["10", "-o", "/dev/full"])[0], FAILURE)

    def test_generate_is_deterministic_and_streams(self):
        code, first, _ = run(GENERATE + ["200"])
        self.assertEqual(code, OK)
        run(GENERATE + ["200", "-o", self.path("again")])
        self.assertEqual(self.read("again"), first)
        self.assertNotEqual(run(GENERATE + ["200", "--seed", "2"])[1], first)
        arrivals = [json.loads(line)["arrived_at"] for line in first.splitlines()]
        self.assertEqual(arrivals, sorted(arrivals))

    def test_generated_log_is_of_right_form(self):
        """Nothing is rejected for its form, and what is rejected at all is rare."""
        _, log, _ = run(GENERATE + ["1000", "--config", self.folder])
        out, errors = self.check(OK, [self.write("in.ndjson", log)])
        found = counts(errors)
        total = found.pop("sum")
        self.assertEqual(total, len(log.splitlines()))
        self.assertLessEqual(set(found), {"applied", "not_accepted", "site_not_counted", "future", "too_late"})
        self.assertGreater(found["applied"], total * 0.99)
        statuses = {json.loads(line).get("status") for line in out.splitlines()}
        self.assertLessEqual({"out_of_scope", "unrated", "compliant", "at_risk", "non_compliant"}, statuses)

    # whatif

    OTHER = (b"policies:\n- {id: office-2d, versions: [{effective_on: 2023-05-01, required_days: 2}]}\n"
             b"- {id: office-3d, versions: [{effective_on: 2023-05-01, required_days: 4, accept: [entered, granted]}]}\n")

    def whatif(self, wanted, other, args, stdin=b"", **more):
        name = self.write("other.yaml", other)
        code, out, errors = run(["whatif", "-c", self.config, "--policies", name] + args, stdin, **more)
        self.assertEqual(code, wanted, errors)
        return out, errors

    def statuses_at_end(self, config, args):
        """The last status of everybody whom a replay knows at its end."""
        code, out, errors = run(["replay", "-c", config] + args)
        self.assertEqual(code, OK, errors)
        people = {}
        for record in map(json.loads, out.splitlines()):
            people[record["employee_id"]] = record.get("status")  # None: a tombstone
        return {employee: status for employee, status in people.items() if status}

    def test_whatif_usage_errors(self):
        log = self.write("in.ndjson", b"")
        self.assertEqual(run(["whatif", "-c", self.config, log])[0], USAGE)
        self.assertEqual(run(["whatif", "--policies", self.path("policies.yaml"), log])[0], USAGE)
        self.whatif(USAGE, self.OTHER, [])
        self.whatif(USAGE, self.OTHER, ["--until", "tomorrow", log])
        self.whatif(USAGE, self.OTHER, ["--employee", "E1", log])
        self.assertEqual(run(["whatif", "--help"])[0], OK)
        _, errors = self.whatif(CONFIG, b"policies: [{id: x}]\n", [log])
        self.assertIn("other.yaml:1: ", errors)
        self.whatif(FAILURE, self.OTHER, [self.path("nowhere.ndjson")])

    def test_whatif_is_two_replays(self):
        """Those who differ at the end of a replay under either file are told, and nobody else."""
        _, log, _ = run(GENERATE + ["400", "--config", self.folder])
        log = self.write("in.ndjson", log)
        out, errors = self.whatif(OK, self.OTHER, ["--until", "2023-06-06T00:00:00Z", log])
        told = [json.loads(line) for line in out.splitlines()]
        today = self.statuses_at_end(self.config, ["--until", "2023-06-06T00:00:00Z", log])
        other = self.statuses_at_end(self.config, ["--set", "policies=other.yaml", "--until", "2023-06-06T00:00:00Z", log])
        wanted = [{"employee_id": employee, "status": today.get(employee), "other_status": other.get(employee)}
                  for employee in sorted(set(today) | set(other)) if today.get(employee) != other.get(employee)]
        self.assertEqual(told, wanted)
        self.assertGreater(len({tuple(sorted(difference.items())[1:]) for difference in told}), 2)

        self.assertRegex(errors, r"(?m)^ +sum .* %d$" % len(set(today) | set(other)))
        rank = {"non_compliant": 0, "at_risk": 1, "compliant": 2, "unrated": 2}
        change = [rank[row["other_status"]] - rank[row["status"]] for row in wanted
                  if row["status"] in rank and row["other_status"] in rank]
        self.assertIn("%d would gain" % sum(c > 0 for c in change), errors)
        self.assertIn("%d would lose" % sum(c < 0 for c in change), errors)
        self.assertIn("%d have the same status under both" % (len(set(today) | set(other)) - len(wanted)), errors)

    def test_whatif_same_policies(self):
        _, log, _ = run(GENERATE + ["100", "--config", self.folder])
        out, errors = self.whatif(OK, self.read("policies.yaml"), ["-"], log)
        self.assertEqual(out, b"")
        self.assertNotIn("treated differently", errors)

    def test_whatif_counts_what_the_other_file_cannot_read(self):
        """A roster record may name a policy that the other file lacks: that person is not known there."""
        lines = (b'{"topic":"roster","arrived_at":"2023-05-01T12:00:00Z","employee_id":"E\\"1","policy":"office-2d"}\n' +
                 roster("E2", "2023-05-01T12:00:00Z") + b'{"topic":"roster","employee_id":"E2","policy":"office-2d"}\n')
        other = b"policies: [{id: office-3d, versions: [{effective_on: 2023-04-01}]}]\n"
        out, errors = self.whatif(OK, other, ["-"], lines)
        self.assertEqual([json.loads(line) for line in out.splitlines()],
                         [{"employee_id": 'E"1', "status": "not_in_force", "other_status": None},
                          {"employee_id": "E2", "status": "not_in_force", "other_status": "unrated"}])
        self.assertRegex(errors, r"unknown_policy +0 today, 2 under the others")
        self.assertRegex(errors, r"(?m)^ +not_in_force +1 +1 +2$")

    def test_whatif_full_disk(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([ROLLCALL, "whatif", "-c", self.config, "--policies", self.write("other.yaml", self.OTHER), "-"],
                                  input=roster("E1", "2023-05-01T12:00:00Z"), stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, OK, "nothing was to be written")
        name = self.write("in.ndjson", roster("E1", "2023-05-20T12:00:00Z"))
        later = b"policies: [{id: office-3d, versions: [{effective_on: 2023-07-01}]}]\n"
        with open("/dev/full", "wb") as full:
            done = subprocess.run([ROLLCALL, "whatif", "-c", self.config, "--policies", self.write("other.yaml", later), name],
                                  stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, FAILURE)
        self.assertIn(b"No space left", done.stderr)

    # check

    def test_check_usage_errors(self):
        self.assertEqual(run(["check"])[0], USAGE)
        self.assertEqual(run(["check", self.config])[0], USAGE)
        self.assertEqual(run(["check", "-c", self.config, "more"])[0], USAGE)
        self.assertEqual(run(["check", "-c", self.config, "--nonsense"])[0], USAGE)
        self.assertEqual(run(["check", "--help"])[0], OK)

    def test_check_generated_configuration(self):
        code, out, errors = run(["check", "-c", self.config])
        self.assertEqual(code, OK, errors)
        self.assertIn(b"(default): ", out)

    def test_check_shipped_configuration(self):
        shipped = os.path.join(os.path.dirname(__file__), "..", "..", "config", "rollcall.yaml")
        code, out, errors = run(["check", "-c", shipped])
        self.assertEqual((code, errors), (OK, ""))
        self.assertIn(b"policy office-3d (default): 1 version, from 2023-05-01; hash ", out)
        self.assertIn(b"sites: 5 in 4 zones, 1 of them not counted", out)
        people = re.search(rb"employees: 1500000 at \d+ bytes: (\d+) MiB", out)
        memory = re.search(rb"memory: at most (\d+) MiB: the employees, and (\d+) MiB for each of (\d+) workers", out)
        total, worker, workers = map(int, memory.groups())
        self.assertEqual(total, int(people[1]) + worker * workers)

    def test_check_names_every_error(self):
        self.write("policies.yaml", b"policies:\n- id: p\n  versions:\n  - required_days: 9\n")
        code, out, errors = run(["check", "-c", self.config, "--set", "time.settle=3d", "--set", "workers=0"])
        self.assertEqual((code, out), (CONFIG, b""))
        for place in ["policies.yaml:4: required_days: ", "policies.yaml:4: effective_on is missing",
                      "--set: time.settle: ", "--set: workers: "]:
            self.assertIn(place, errors)

    # demo

    def demo(self, *args):
        environment = dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm")
        code, out, errors = run(["demo", "--people", "400", "--weeks", "8"] + list(args), env=environment, timeout=100)
        self.assertEqual((code, errors), (OK, ""))
        return out.decode("utf-8").splitlines()

    def test_demo_usage_errors(self):
        self.assertEqual(run(["demo", "--people", "1"])[0], USAGE)
        self.assertEqual(run(["demo", "--weeks", "2"])[0], USAGE)
        self.assertEqual(run(["demo", "--people", "30000", "--weeks", "26"])[0], USAGE)
        self.assertEqual(run(["demo", "now"])[0], USAGE)

    def test_demo_tells_what_is_true(self):
        """It fits the terminal, says what it is, and the drawn days are those of the arithmetic."""
        lines = self.demo()
        self.assertEqual([line for line in lines if len(line) > 80 or "\033" in line], [])
        self.assertIn("made up", "\n".join(lines[:3]))
        read, sent = re.search(r"read +([\d,]+) +of ([\d,]+): the calendar", "\n".join(lines)).groups()
        self.assertEqual(read, sent)
        strips = [number for number, line in enumerate(lines) if "\u2514" in line]
        self.assertGreater(len(strips), 0)
        for number in strips:
            begin, end = lines[number].index("\u2514"), lines[number].index("\u2518")
            present = int(re.search(r"(\d) of \d", lines[number]).group(1))
            days = [(column, mark) for column, mark in enumerate(lines[number - 1]) if mark != " "]
            drawn = [column for place, (column, mark) in enumerate(days)
                     if begin <= column <= end and mark == "\u25a0" and place % 7 < 5]
            self.assertEqual(len(drawn), present, "\n".join(lines[number - 2:number + 2]))
            self.assertIn("%d of" % present, lines[number + 1])

    def test_demo_agrees_with_replay(self):
        """Over one log, workers on a broker and replay on a file say the same of everybody; but the workers have also
        closed the days that the wall clock closes."""
        self.demo("--keep", self.folder)
        out, errors = self.check(OK, [self.path("log.ndjson")])

        def histories(data):
            people = {}
            for line in data.splitlines():
                record = json.loads(line)
                if not record.get("tombstone"):
                    del record["id"]
                    people.setdefault(record["employee_id"], []).append(record)
            return people

        replayed, published = histories(out), histories(self.read("state.ndjson"))
        self.assertEqual(set(replayed), set(published))
        for employee, records in replayed.items():
            self.assertEqual(published[employee][:len(records)], records)
            self.assertLessEqual({record["cause"] for record in published[employee][len(records):]}, {"day_close"})
        self.assertGreater(sum(map(len, replayed.values())), 400)


if __name__ == "__main__":
    unittest.main()
