#!/usr/bin/env python3
"""Random small companies, made to be awkward: few people, many events, odd zones, and every fault that a line can have.

generate.py --seed N --out DIR [--scope line|rules|full]

Writes rollcall.yaml, policies.yaml, sites.yaml (JSON, which is YAML), the input files, and args.json with what else
replay is to be called with. One seed always gives the same files.
"""

import argparse
import json
import os
import random
from datetime import date, datetime, timedelta

from calendar_days import EPOCH, WEEKDAYS, ms_of_utc, offset_at

ZONES = ["UTC", "America/Los_Angeles", "America/New_York", "Europe/London", "Europe/Berlin", "Asia/Tokyo",
         "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Africa/Cairo", "Africa/Casablanca",
         "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Pago_Pago",
         "Pacific/Chatham", "America/Havana", "America/Asuncion", "Asia/Tehran", "Asia/Beirut", "America/Santiago",
         "Asia/Gaza", "Atlantic/Azores", "America/Scoresbysund", "Antarctica/Troll", "US/Pacific", "Etc/GMT+12"]
# where the calendar itself does something odd, with the zones in which it does
MOMENTS = [(date(2011, 12, 5), ["Pacific/Apia", "Pacific/Fakaofo", "Pacific/Pago_Pago"]),
           (date(1994, 12, 1), ["Pacific/Kiritimati", "Pacific/Enderbury"]),
           (date(1993, 8, 1), ["Pacific/Kwajalein"]),
           (date(2018, 10, 20), ["America/Sao_Paulo", "America/Asuncion"]),
           (date(2019, 2, 1), ["America/Sao_Paulo", "Asia/Gaza"]),
           (date(2024, 4, 10), ["Africa/Cairo", "Asia/Beirut"]),
           (date(2024, 10, 15), ["Africa/Cairo", "Australia/Lord_Howe", "America/Havana"]),
           (date(2020, 12, 14), ["Europe/London", "America/St_Johns"]),
           (date(2024, 2, 12), ["Europe/Berlin", "America/Los_Angeles"]),
           (date(2024, 12, 16), ["America/Los_Angeles", "Asia/Kolkata"]),
           (date(2025, 3, 1), ["America/Scoresbysund", "America/New_York"]),
           (date(2038, 1, 4), ["Europe/Berlin", "America/Los_Angeles", "Africa/Casablanca"]),
           (date(2150, 3, 1), ["Europe/London", "Australia/Lord_Howe"]),
           (date(1971, 12, 20), ["Africa/Monrovia", "America/St_Johns"])]
STEP = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
RESULTS = ["granted", "granted_entered", "GRANTED", "denied", "granted ", "door_granted", ""]
OFFSETS = ["Z", "+00:00", "-00:00", "+05:45", "-09:30", "+14:00", "-12:00", "+23:59", "-23:59", "+01:00", "z"]


class Raw:
    """Bytes that are put into a line as they are."""

    def __init__(self, text):
        self.text = text


class Company:
    def __init__(self, seed, scope):
        self.random = random.Random("rollcall %d %s" % (seed, scope))
        self.full, self.all_rules = scope == "full", scope != "line"
        rnd = self.random
        self.crowd = self.full and rnd.random() < 0.25          # for the guard: many people, one habit
        begin, odd = rnd.choice(MOMENTS) if rnd.random() < 0.5 else (date(2023, 1, 1) + self.some_days(0, 800), [])
        self.begin = begin - self.some_days(0, 10)
        self.flapper = self.full and not self.crowd and rnd.random() < 0.12     # for the last 8 verdicts: somebody in and out
        length = rnd.choice([12, 30, 60, 60, 100, 100, 180, 260, 330])
        if self.flapper:
            length = rnd.choice([100, 130, 180])
        if self.crowd:
            length = rnd.choice([30, 60, 90])
        self.end = self.begin + timedelta(days=length)
        if odd:                                                 # the odd date comes early, in the middle or late
            shift = timedelta(days=rnd.choice([0, 0, max(0, length - 45), length // 2]))
            self.begin, self.end = self.begin - shift, self.end - shift
        self.begin = max(self.begin, date(1970, 1, 20))
        self.zones = odd + rnd.sample(ZONES, rnd.randint(1, 4))
        self.day_starts = rnd.choice([0, 0, 0, 4 * 60, 7 * 60, 12 * 60, 90])
        self.events = []                                        # (arrival, line)
        self.decision_ids, self.leave_ids, self.closures = [], [], []
        self.configure()
        self.people = self.names()

    # small choices

    def some_days(self, low, high):
        return timedelta(days=self.random.randint(low, high))

    def chance(self, probability):
        return self.random.random() < probability

    def a_day(self, low=-5, high=5):
        return self.begin + timedelta(days=self.random.randint(low, (self.end - self.begin).days + high))

    def an_instant(self, day, zone):
        """A time of a day in a zone, often a border: midnight, where the day starts, a change of the clock."""
        rnd = self.random
        kind = rnd.random()
        if kind < 0.70:
            second = rnd.randint(7 * 3600, 19 * 3600)
        elif kind < 0.85:
            second = rnd.choice([0, self.day_starts * 60]) + rnd.choice([-3600, -1, 0, 1, 3599])
        else:
            second = rnd.randint(0, 86399)
        local = datetime(day.year, day.month, day.day) + timedelta(seconds=second)
        utc = local - offset_at(local, zone)
        return ms_of_utc(utc) + rnd.choice([0, 0, 0, 1, 500, 999])

    # configuration

    def version(self, day):
        rnd = self.random
        version = {"effective_on": str(day)}
        if self.chance(0.7):
            version["required_days"] = rnd.choice([0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 5, 7])
        if self.chance(0.3):
            version["workdays"] = rnd.choice([["mon", "tue", "wed", "thu", "fri"], ["sun", "mon", "tue", "wed", "thu"],
                                              ["mon", "wed", "fri"], ["sat"], WEEKDAYS, ["tue", "wed", "thu", "fri"]])
        if self.chance(0.3):
            version["weekends_count"] = self.chance(0.6)
        if self.chance(0.4):
            version["accept"] = rnd.choice([["granted"], ["granted_entered"], ["granted", "granted_entered", "GRANTED"],
                                            ["door_granted", "granted"]])
        if self.chance(0.7):
            version["grace_days"] = rnd.choice([0, 0, 1, 3, 7, 14])
        if self.chance(0.6):
            version["proration"] = rnd.choice(["ratio", "ratio_down", "cap"])
        version["rule"] = self.rule()
        if version["rule"] == {"type": "sliding"} and self.chance(0.3):
            del version["rule"]
        return version

    def rule(self):
        rnd = self.random
        kind = rnd.choice(["sliding", "sliding", "weekly", "k_of_n"]) if self.all_rules else "sliding"
        rule = {"type": kind}
        if kind == "sliding":
            if self.chance(0.75):
                rule["tolerance_days"] = rnd.choice([0, 0, 1, 3, 6, 6, 13, 30, 60])
        elif self.chance(0.7):
            rule["week_starts_on"] = rnd.choice(WEEKDAYS)
        if kind == "k_of_n":
            if self.chance(0.8):
                terms = []
                for _ in range(rnd.randint(1, 3)):
                    of = rnd.choice([1, 2, 3, 4, 5, 8, 14])
                    terms.append({"short": rnd.randint(1, of), "of": of})
                rule["terms"] = terms
            if self.chance(0.7):
                rule["combine"] = rnd.choice(["and", "or"])
        return rule

    def configure(self):
        rnd = self.random
        self.policies = []
        for number in range(rnd.choice([1, 1, 2, 3])):
            first = self.begin + timedelta(days=rnd.choice([-400, -200, -30, -30, 0, 10, 40]))
            dates = {first} | {self.a_day(-40, 20) for _ in range(rnd.choice([0, 0, 1, 1, 2, 3]))}
            if self.chance(0.1):                                # a new version every few days
                middle = self.a_day()
                dates |= {middle + self.some_days(-20, 20) for _ in range(8)}
            if self.flapper and number == 0:
                dates = {first}
            versions = [self.version(day) for day in sorted(dates)]
            if self.flapper and number == 0:
                versions = [{"effective_on": str(first), "required_days": 1, "workdays": WEEKDAYS, "grace_days": 0,
                             "rule": {"type": "sliding", "tolerance_days": 0}}]
            self.policies.append({"id": rnd.choice(["office-3d", "p", "ligne à grande vitesse", "Z" * 64]) + str(number)
                                  if number else "office-3d", "versions": versions})
            self.policies[-1]["id"] = self.policies[-1]["id"][:60] + str(number)
        names = ["SEA33", "WH01", "S", "münchen-1", "X" * 64, "LON 7"][:rnd.randint(1, 6)]
        self.sites = {}
        for name in names:
            self.sites[name] = {"zone": rnd.choice(self.zones)}
            if self.chance(0.15):
                self.sites[name]["counts"] = False
            elif self.chance(0.1):
                self.sites[name]["counts"] = True
        self.default_zone = rnd.choice(self.zones + ["UTC"])
        time = {"settle": rnd.choice(["24h", "24h", "1d", "12h", "48h", "36h", "90m", "1s"]),
                "lateness_days": rnd.choice([14, 14, 14, 7, 3, 1]),
                "clock_skew": rnd.choice(["5m", "5m", "1s", "1h"]),
                "day_starts_at": "%02d:%02d" % divmod(self.day_starts, 60), "default_zone": self.default_zone}
        for key, usual in (("settle", "24h"), ("lateness_days", 14), ("clock_skew", "5m"), ("day_starts_at", "00:00"),
                           ("default_zone", "UTC")):
            if time[key] == usual and self.chance(0.5):
                del time[key]
        if self.chance(0.6):
            time["complete_from"] = str(self.begin + timedelta(days=rnd.choice([-200, -30, -7, 0, 0, 3, 20])))
        self.unknown = rnd.choice(["default_policy", "default_policy", "out_of_scope", "reject"])
        self.settings = {"policies": "policies.yaml", "sites": "sites.yaml", "time": time,
                         "people": {"unknown": self.unknown}, "employees": 1000}
        self.fields = {}
        if self.chance(0.25):
            self.fields = {"employee_id": "personId"}
            if self.chance(0.5):
                self.fields.update({"occurred_at": "swipe time", "result": "employee_id2", "site_id": "ort"})
            self.settings["fields"] = self.fields
        if self.full:
            self.settings["guard"] = {"max_adverse_ratio": rnd.choice([0.1, 0.2, 0.3, 0.5, 0, 0.999, 1]),
                                      "min_people": rnd.choice([2, 2, 3, 4])}

    def names(self):
        rnd = self.random
        pool = ["E1", "E1234567", "0", "-7", "007", "9007199254740993", "ÅÄÖ", "a" * 64, "é" * 32, "quote\"back\\slash",
                "tab\tand\nline", "👩‍💻", "e1", " ", "null"]
        if self.chance(0.2):
            pool += ["nul\0inside"]
        if self.crowd:
            pool = ["C%03d" % n for n in range(100)]
        count = rnd.randint(8, 30) if self.crowd else rnd.randint(1, 6)
        people = {}
        for name in rnd.sample(pool, count):
            zone = rnd.choice(self.zones)
            people[name] = {"zone": zone, "site": rnd.choice(list(self.sites) + [None]),
                            "level": rnd.choice([0.05, 0.3, 0.5, 0.7, 0.9]), "loud": rnd.choice([1, 1, 2, 4])}
            if self.crowd and self.chance(0.8):
                people[name].update({"site": list(self.sites)[0], "zone": self.zones[0], "level": 0.95})
        return people

    # lines

    def written(self, ms, zone):
        """An instant as one of the ways to write it."""
        rnd = self.random
        if self.chance(0.25):
            return ms if ms >= 0 else 0
        if self.chance(0.5):
            utc = EPOCH + timedelta(milliseconds=ms)
            seconds = offset_at(utc, zone).total_seconds()
            minutes = int(seconds // 60)
            offset = "%s%02d:%02d" % ("-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60)
        else:
            offset = rnd.choice(OFFSETS)
            minutes = 0
            if offset not in "Zz":
                minutes = (int(offset[1:3]) * 60 + int(offset[4:])) * (-1 if offset[0] == "-" else 1)
        local = EPOCH + timedelta(milliseconds=ms, minutes=minutes)
        if not 1970 <= local.year <= 2199:
            return ms if ms >= 0 else 0
        text = local.strftime("%Y-%m-%d") + rnd.choice("TTTt") + local.strftime("%H:%M:%S")
        if ms % 1000 or self.chance(0.3):
            text += ".%03d" % (ms % 1000)
            text += rnd.choice(["", "", "999999", "0", "4" * 20])
            if ms % 1000 == 500 and text.endswith(".500") and self.chance(0.5):
                text = text[:-2]
        return text + offset

    def stamp(self, ms):
        """An arrived_at."""
        utc = EPOCH + timedelta(milliseconds=ms)
        if self.chance(0.9) or not 1971 <= utc.year <= 2198:
            return utc.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (ms % 1000)
        return (utc + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%dT%H:%M:%S.") + "%03d+05:30" % (ms % 1000)

    def employee(self, name):
        """An id as a string or, if it looks like one, as an integer."""
        if name in ("0", "-7", "9007199254740993") and self.chance(0.5):
            return Raw("-0" if name == "0" and self.chance(0.5) else name)
        return name

    def add(self, arrival, line):
        self.events.append((arrival, line))

    def delay(self):
        """From the event to its arrival."""
        rnd = self.random
        kind = rnd.random()
        if kind < 0.80:
            return rnd.randint(0, 5 * STEP["m"])
        if kind < 0.90:
            return rnd.randint(0, 30 * STEP["h"])
        if kind < 0.97:
            return rnd.randint(0, 17 * STEP["d"])
        if kind < 0.99:
            return -rnd.randint(0, 7 * STEP["m"])               # an early one: the reader's clock is fast
        return rnd.choice([-3 * STEP["d"], 41 * STEP["d"], 120 * STEP["d"], 130 * STEP["d"]])

    def swipe(self, name, day):
        rnd = self.random
        person = self.people[name]
        site = person["site"]
        kind = rnd.random()
        if kind < 0.15:
            site = rnd.choice(list(self.sites))
        elif kind < 0.22:
            site = "no such site"
        elif kind < 0.30:
            site = None
        zone = self.sites[site]["zone"] if site in self.sites else person["zone"]
        instant = self.an_instant(day, zone)
        line = {"topic": "swipes", "employee_id": self.employee(name), "occurred_at": self.written(instant, zone)}
        if self.chance(0.003):
            line["occurred_at"] = max(instant, 0) // 1000       # seconds where milliseconds are meant: in 1970
        if site is not None or self.chance(0.1):
            line["site_id"] = site
        if self.chance(0.4):
            line["result"] = rnd.choice(RESULTS) if self.chance(0.4) else "granted"
        if self.chance(0.3):
            line["direction"] = rnd.choice(["in", "out", "unknown", None])
        if self.chance(0.1):
            line["event_id"] = rnd.choice([7, "x", None, [1, {"a": [], "a ": 1}], {"employee_id": "E1"}, 1e300, False])
        if self.chance(0.03):
            line["reader_id"] = Raw(rnd.choice(["[" * 63 + "]" * 63, '{"a":1,"a":2}', "-0.0e-0", "1E400", '"\\ud83d\\ude00"',
                                                "[" * 62 + "{}" + "]" * 62]))
        arrival = instant + self.delay()
        self.add(arrival, line)
        if self.chance(0.05):                                   # the same again, later
            self.add(arrival + rnd.randint(0, 20 * STEP["d"]), dict(line))

    def roster(self, name, day, first=False):
        rnd = self.random
        person = self.people[name]
        line = {"topic": "roster", "employee_id": self.employee(name)}
        arrival = self.an_instant(day, person["zone"])
        if not first and self.chance(0.08):
            line["tombstone"] = True
            self.add(arrival, line)
            return
        if self.chance(0.2):
            line["expectation"] = rnd.choice(["office", "none", "office", None])
        if self.chance(0.35):
            line["policy"] = rnd.choice(self.policies)["id"]
        site, zone = person["site"], person["zone"]
        if not first and self.chance(0.35):                     # a move
            site, zone = rnd.choice(list(self.sites) + [None]), rnd.choice(self.zones)
            if self.chance(0.5):
                person["site"], person["zone"] = site, zone
        if site is not None:
            line["home_site"] = site
        if self.chance(0.5):
            line["home_zone"] = zone
        if self.chance(0.4):
            line["manager_id"] = rnd.choice(["M1", "M2", "ÅÄÖ", None])
        if self.chance(0.15):
            line["hired_on"] = str(day + self.some_days(-40, 20))
        if self.chance(0.1):
            line["left_on"] = str(day + self.some_days(-20, 60))
        if self.chance(0.25):
            line["workdays"] = rnd.choice([["mon", "tue", "wed"], ["sat", "sun"], ["mon", "tue", "wed", "thu", "fri"], ["fri"],
                                           WEEKDAYS, ["thu", "mon"]])
        if self.chance(0.03):
            line[rnd.choice(["policy", "home_site"])] = "unheard of"
        if self.chance(0.05):
            line["tombstone"] = rnd.choice([False, None])
        if self.chance(0.5):
            line["effective_on"] = str(day + timedelta(days=rnd.choice([0, 0, 1, 2, 7, 30, -1, -3, -10, -40, -100, -140])))
        self.add(arrival, line)
        if self.chance(0.1):
            self.add(arrival + rnd.randint(0, 10 * STEP["d"]), dict(line))

    # faults of lines

    def spoil(self, line):
        """A copy of a line with a fault that its form or a name in it has."""
        rnd = self.random
        line = dict(line)
        keys = [key for key in line if key != "arrived_at"]
        bad = {"employee_id": [Raw("1.5"), Raw("1e3"), "", "b" * 65, "é" * 33, True, [], {}, Raw("1" * 65)],
               "occurred_at": ["2024-01-01 10:00:00Z", "2024-02-30T10:00:00Z", "2024-01-01T10:00:60Z", "2024-01-01T10:00:00",
                               "2024-01-01T24:00:00Z", "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "", "yesterday",
                               "2024-01-01T10:00Z", "2024-01-01T10:00:00.Z", "2024-01-01T10:00:00+24:00",
                               "2024-01-01T10:00:00+0100", "2024-01-01T10:00:00,5Z", "2024-1-01T10:00:00Z", Raw("-1"),
                               Raw("7258118400000"), Raw("1.7e12"), Raw("1700000000000.5"), True, " 2024-01-01T10:00:00Z",
                               "2024-01-01T10:00:00Z ", "2024-13-01T10:00:00Z", "2024-01-01T10:60:00Z", "2024-01-01T10:00:00+01:60",
                               "２024-01-01T10:00:00Z", Raw("99999999999999999999999")],
               "site_id": ["", "s" * 65, 5, [], False], "result": [0, True, ["granted"], {}],
               "direction": ["sideways", 1, "", "IN"], "topic": ["swipe", "", 3, "Roster", []],
               "expectation": ["", "Office", 1, "remote"], "policy": ["", 4, "p" * 65], "home_site": ["", 4, [], "h" * 65],
               "home_zone": ["Mars/Olympus", "", 3, "+01:00", "america/los_angeles", "../UTC"], "manager_id": ["", 9, "m" * 65],
               "hired_on": ["2024-02-30", "20240101", 20240101, "2024-1-1", "", "2024-01-01T00:00:00Z"],
               "left_on": ["2023-02-29", "never", True], "effective_on": ["2024-00-10", "today", 5, " 2024-01-01"],
               "workdays": [[], ["monday"], "mon", ["mon", 2], [None], {}, ["Mon"]],
               "leave_id": ["", 1, "l" * 65], "from": ["2024-02-30", 1], "to": ["", "x"], "effect": ["", "excused", 1],
               "op": ["replace", "", 2], "kind": ["", "vacation", 7], "decision_id": ["", 1, "d" * 65],
               "decided_by": ["", 1, "d" * 65], "decided_by_role": ["ceo", "", "HR", 1], "day": ["2024-02-30", 3],
               "decided_at": ["2024-01-01", "x", ""], "expires_on": ["", "soon"], "revokes": ["", 5]}
        needed = {"swipes": ["employee_id", "occurred_at"], "roster": ["employee_id"], "leave": ["employee_id", "leave_id"],
                  "calendar": ["site_id", "kind"],
                  "decisions": ["employee_id", "decision_id", "kind", "decided_by", "decided_by_role", "decided_at"]}
        kind = rnd.random()
        if kind < 0.25:
            key = rnd.choice(needed[line["topic"]] + ["topic"])
            if self.chance(0.5):
                line.pop(key, None)
            else:
                line[key] = None
        elif kind < 0.70:
            optional = {"swipes": ["site_id", "result", "direction"],
                        "roster": ["policy", "home_site", "home_zone", "workdays", "hired_on", "left_on", "effective_on",
                                   "expectation", "manager_id"]}.get(line["topic"], [])
            if line.get("tombstone") or line.get("op") == "cancel":
                optional, keys = [], ["employee_id", "topic"]
            if line.get("kind") == "release":
                keys = ["site_id", "topic"]
            choice = [key for key in keys + optional if key in bad]
            key = rnd.choice(choice)
            line[key] = rnd.choice(bad[key])
        elif kind < 0.80 and line["topic"] == "roster" and not line.get("tombstone"):
            line[rnd.choice(["policy", "home_site"])] = "unheard of"
        elif kind < 0.85:
            line["pad"] = rnd.choice(["x" * 65000, "x" * 65000, "y" * 66000, "é" * 33000])
        else:
            return Raw(self.broken(self.text(line)))
        return line

    def broken(self, text):
        """The text of a line, no longer JSON."""
        rnd = self.random
        kind = rnd.randint(0, 15)
        inside = text[:-1] + ","
        if kind == 0:
            return text[:rnd.randint(0, len(text) - 1)]
        if kind == 1:
            return text + rnd.choice(["x", "}", ",", "{}", "\\"])
        if kind == 2:
            return "[" + text + "]"
        return [text.replace('"', "'"), inside + "}", inside + '"n":NaN}', inside + '"topic":"swipes"}',
                inside + '"s":"\\ud800"}', inside + '"s":"\\udc00\\ud800"}', inside + '"\\ud83d":1}',
                inside + '"n":[01]}', inside + '"deep":' + "[" * 64 + "]" * 64 + "}", inside + '"s":"\x01"}',
                inside + '"n":+1}', inside + '"n":1.}', inside + '"s":"\\x41"}'][kind - 3]

    def text(self, line):
        """A line as JSON text, in one of the ways to write it."""
        rnd = self.random
        if isinstance(line, Raw):
            return line.text
        keys = list(line)
        if self.chance(0.3):
            rnd.shuffle(keys)
        ascii_only, space = self.chance(0.5), rnd.choice(["", "", "", " ", "\t"])
        parts = []
        for key in keys:
            name = self.fields.get(key, key) if line.get("topic") == "swipes" else key
            value = line[key]
            value = value.text if isinstance(value, Raw) else json.dumps(value, ensure_ascii=ascii_only)
            written = json.dumps(name, ensure_ascii=ascii_only)
            if self.chance(0.01):
                written = '"' + "".join("\\u%04x" % ord(char) if ord(char) < 0x10000 else char for char in name) + '"'
            parts.append(written + space + ":" + space + value)
        return space + "{" + ",".join(parts) + "}" + rnd.choice(["", "", space, "\r"])

    def raw_bytes(self, line):
        text = self.text(line)
        data = text.encode("utf-8", "surrogatepass")
        if isinstance(line, Raw) and self.chance(0.1):
            return data[:5] + self.random.choice([b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"]) + data[5:]
        return data

    # the whole

    def live(self):
        """What happens, day by day."""
        rnd = self.random
        whole = (self.end - self.begin).days
        gaps = [(self.a_day(), rnd.randint(1, 20)) for _ in range(rnd.choice([0, 1, 2]))]
        busy = min(1.0, 60 / whole + 0.35)
        for name in self.people:
            if self.chance(0.75):
                late = rnd.choice([0, 0, 0, rnd.randint(0, whole)])
                self.roster(name, self.begin + timedelta(days=late), first=True)
            for _ in range(rnd.choice([0, 1, 2, 4]) if not self.crowd else rnd.choice([0, 0, 0, 1])):
                self.roster(name, self.a_day())
        for offset in range(whole):
            day = self.begin + timedelta(days=offset)
            if any(first <= day <= first + timedelta(days=length) for first, length in gaps):
                continue
            for name, person in self.people.items():
                if self.chance(0.02):
                    person["level"] = rnd.choice([0.05, 0.3, 0.5, 0.7, 0.9])
                if self.chance(person["level"] if day.weekday() < 5 else person["level"] / 3):
                    for _ in range(rnd.randint(1, person["loud"]) if self.chance(busy) else 1):
                        self.swipe(name, day)
        if self.full:
            self.live_fully(whole)

    # leave, calendar and decisions

    def emit(self, topic, day, zone, line):
        """Adds a line that arrives on a day, sometimes again later, sometimes with a fault of its own."""
        self.add(self.an_instant(day, zone), {"topic": topic, **line})
        if self.chance(0.06):
            self.add(self.an_instant(day + self.some_days(0, 12), zone), {"topic": topic, **line})

    def span(self, day):
        """from and to, around a day or far from it."""
        rnd = self.random
        first = day + timedelta(days=rnd.choice([0, 0, 1, 5, -3, -7, -10, -20, -35, -60, -119, -122, -130, -150]))
        last = first + timedelta(days=rnd.choice([0, 0, 1, 4, 6, 10, 30, 200]))
        first = max(first, date(1970, 1, 1))
        return {"from": str(first), "to": str(max(last, first))}

    def leave(self, name, day, effect=None, span=None):
        rnd = self.random
        line = {"employee_id": self.employee(name)}
        if self.leave_ids and self.chance(0.35) and span is None:
            line["leave_id"] = rnd.choice(self.leave_ids[-5:])
            if self.chance(0.7):
                line["op"] = "cancel"
                if self.chance(0.3):                            # of a cancel nothing else is looked at
                    line.update({"from": rnd.choice([7, "x", "2024-01-01"]), "to": "2023-01-01", "effect": []})
                self.emit("leave", day, self.people[name]["zone"], line)
                return
        else:
            line["leave_id"] = "L%d" % len(self.leave_ids)
        self.leave_ids.append(line["leave_id"])
        line.update(span or self.span(day))
        line["effect"] = effect or rnd.choice(["excuse", "credit"])
        if self.chance(0.3):
            line["op"] = rnd.choice(["assert", None])
        self.emit("leave", day, self.people[name]["zone"], line)

    def calendar(self, day, kind=None, span=None, site=None):
        rnd = self.random
        site = site or rnd.choice(list(self.sites))
        kind = kind or rnd.choice(["closed", "closed", "hold", "hold", "release"])
        line = {"site_id": site, "kind": kind}
        if kind == "release":
            if self.chance(0.5):
                line["site_id"] = rnd.choice(self.zones)
            if self.chance(0.2):
                line.update({"op": 7, "from": "x"})             # not looked at
        elif self.closures and self.chance(0.4) and span is None:
            line = dict(rnd.choice(self.closures[-6:]))
            line["op"] = rnd.choice(["cancel", "cancel", "assert"])
            if self.chance(0.2):
                line["kind"] = "hold" if line["kind"] == "closed" else "closed"
        else:
            line.update(span or self.span(day))
            self.closures.append(dict(line))
            if self.chance(0.2):
                line["op"] = "assert"
        if self.chance(0.03):
            line["site_id"] = rnd.choice(["unheard of", "UTC", "Europe/Berlin"])
        self.emit("calendar", day, self.default_zone, line)

    ROLES = {"attendance_credit": ["hr", "security"], "attendance_void": ["hr", "security"], "exemption": ["hr", "vp"],
             "vp_approval": ["vp"], "revoke": ["hr", "hr", "vp", "security"], "dispute_opened": ["employee", "manager", "hr"],
             "dispute_closed": ["hr"], "verbal_warning": ["manager", "hr"], "written_warning": ["manager", "hr"],
             "case_closed": ["hr"]}
    KINDS = list(ROLES) + ["attendance_credit", "attendance_void", "revoke", "verbal_warning", "verbal_warning",
                           "written_warning", "vp_approval"]

    def decision(self, name, decided_on, kind=None, **fields):
        rnd = self.random
        kind = kind or rnd.choice(self.KINDS)
        mine = [i for person, i in self.decision_ids if person == name]
        decision_id = "D%d" % len(self.decision_ids)
        if mine and self.chance(0.10):
            decision_id = rnd.choice(mine if self.chance(0.5) else mine[-3:])
        line = {"employee_id": self.employee(name), "decision_id": decision_id, "kind": kind,
                "decided_by": name if self.chance(0.04) else "boss", "decided_by_role": rnd.choice(self.ROLES[kind]),
                "decided_at": "%sT12:00:00Z" % decided_on}
        if self.chance(0.05):
            line["decided_by_role"] = rnd.choice(["manager", "hr", "vp", "security", "employee"])
        if kind in ("attendance_credit", "attendance_void"):
            back = rnd.choice([0, 1, 1, 2, 3, 5, 8, 13, 20, 60, 122, 124, 130])
            line["day"] = str(decided_on - timedelta(days=back if self.chance(0.9) else -rnd.randint(1, 6)))
            if line["day"] < "1970":
                line["day"] = "1970-01-01"
        if kind == "exemption":
            line.update(self.span(decided_on))
        if kind == "vp_approval":
            line["expires_on"] = str(decided_on + timedelta(days=rnd.choice([-3, -1, 0, 1, 3, 10, 60])))
        if kind == "revoke":
            line["revokes"] = rnd.choice(mine[-4:] if mine and self.chance(0.9) else ["nothing"])
        line.update(fields)
        self.decision_ids.append((name, decision_id))
        self.emit("decisions", decided_on, self.people[name]["zone"], line)

    def repair(self, name, day):
        """Something that changes days which have been judged: the stuff of corrections. Sometimes taken back."""
        rnd = self.random
        back = rnd.randint(3, 45)
        span = {"from": str(day - timedelta(days=back)), "to": str(day - timedelta(days=rnd.randint(0, 2)))}
        kind = rnd.choice(["excuse", "credit", "hold", "closed", "credits", "exemption", "roster"])
        zone = self.people[name]["zone"]
        if kind in ("excuse", "credit"):
            self.leave(name, day, kind, span)
            if self.chance(0.3):
                self.emit("leave", day + self.some_days(1, 20), zone,
                          {"employee_id": name, "leave_id": self.leave_ids[-1], "op": "cancel"})
        elif kind in ("hold", "closed"):
            site = self.people[name]["site"] or rnd.choice(list(self.sites))
            self.calendar(day, kind, span, site)
            if self.chance(0.4):
                self.emit("calendar", day + self.some_days(1, 20), zone, {"site_id": site, "kind": kind, **span, "op": "cancel"})
        elif kind == "credits":
            for n in rnd.sample(range(min(back, 20)), min(back, rnd.randint(2, 9))):
                self.decision(name, day, "attendance_credit", day=str(day - timedelta(days=n)))
        elif kind == "exemption":
            self.decision(name, day, "exemption", **span)
        else:
            self.roster(name, day)

    def live_fully(self, whole):
        rnd = self.random
        if self.crowd:
            self.outage(whole)
        if self.flapper:
            self.flap()
        rate = rnd.choice([0.02, 0.08, 0.2]) if not self.crowd else 0.02
        repairs = rnd.choice([0.0, 0.02, 0.06]) if not self.crowd else 0.005
        chatty = rnd.choice(list(self.people)) if self.chance(0.3) else None     # more than 32 decisions
        for offset in range(whole):
            day = self.begin + timedelta(days=offset)
            for name in self.people:
                if self.chance(rate * 0.4):
                    self.leave(name, day)
                if self.chance(0.5 if name == chatty else rate):
                    self.decision(name, day)
                if self.chance(repairs):
                    self.repair(name, day)
            if self.chance(rate * 0.5):
                self.calendar(day)

    def flap(self):
        """Somebody who enters non_compliant again and again, and then had leave all the time."""
        rnd = self.random
        name = {"employee_id": "in and out"}
        noon = ms_of_utc(datetime(self.begin.year, self.begin.month, self.begin.day, 12))
        self.add(noon, {"topic": "roster", **name, "home_zone": "UTC", "policy": self.policies[0]["id"]})
        at, end = noon, noon + (self.end - self.begin).days * STEP["d"]
        warned, number = self.chance(0.5), 0
        while at < end:
            at += rnd.choice([8, 11, 11, 12]) * STEP["d"]
            self.add(at, {"topic": "swipes", **name, "occurred_at": at})
            number += 1
            if warned and self.chance(0.7):
                kind = rnd.choice(["verbal_warning", "verbal_warning", "written_warning", "written_warning", "case_closed"])
                line = {"decision_id": "F%d" % number, "kind": kind, "decided_by": "H", "decided_by_role": "hr",
                        "decided_at": "2024-01-01T00:00:00Z"}
                self.add(at - rnd.randint(1, 60) * STEP["h"], {"topic": "decisions", **name, **line})
            if warned and self.chance(0.2):
                self.was_on_leave(at + rnd.randint(0, 96) * STEP["h"], name, number, rnd.randint(3, 40), rnd.randint(2, 9))
        for _ in range(rnd.randint(1, 2)):
            number += 1
            self.was_on_leave(end - rnd.randint(0, 8) * STEP["d"], name, number, rnd.randint(60, 130), 300)

    def was_on_leave(self, at, name, number, back, length):
        """Says so some days later."""
        first = max(date(1970, 1, 1), (EPOCH + timedelta(milliseconds=at)).date() - timedelta(days=back))
        self.add(at, {"topic": "leave", **name, "leave_id": "F%d" % number, "from": str(first),
                      "to": str(first + timedelta(days=length)), "effect": "excuse"})

    def outage(self, whole):
        """Everybody comes, then the readers of a site fail; some of what they held back arrives later."""
        rnd = self.random
        site = list(self.sites)[0]
        first = self.begin + timedelta(days=rnd.randint(min(10, whole - 2), whole - 1))
        last = first + self.some_days(6, 25)
        until = ms_of_utc(datetime(last.year, last.month, last.day)) + rnd.randint(0, STEP["d"])
        kept = []
        for arrival, line in self.events:
            at = (EPOCH + timedelta(milliseconds=arrival)).date()
            if line["topic"] == "swipes" and first <= at <= last and self.chance(0.95):
                if self.chance(0.5):
                    kept.append((max(arrival, until), line))
            else:
                kept.append((arrival, line))
        self.events = kept
        if self.chance(0.5):
            self.calendar(last + self.some_days(-3, 3), "hold", {"from": str(first), "to": str(last)}, site)
        for _ in range(rnd.randint(0, 3)):
            self.calendar(last + self.some_days(-8, 8), "release", site=site)

    def lines(self):
        """The lines in the order of the file, as bytes."""
        rnd = self.random
        self.live()
        self.events.sort(key=lambda event: event[0])
        mode = rnd.choice(["all", "all", "most", "few"])        # how many lines carry an arrived_at
        faults = rnd.choice([0, 0.02, 0.1])
        lines = []
        if self.chance(0.3):                                    # first lines without a clock
            lines += [self.raw_bytes({"topic": "roster", "employee_id": "E1"}), b"{", self.raw_bytes({"topic": "roster"})]
        for arrival, line in self.events:
            line = dict(line)
            carried = {"all": 1, "most": 0.8, "few": 0.1}[mode]
            if self.chance(carried) or (line["topic"] != "swipes" and self.chance(0.7)):
                if self.chance(0.03):
                    arrival -= rnd.randint(0, 3 * STEP["d"])    # the clock of this one went back
                line["arrived_at"] = self.stamp(max(arrival, 0))
            if self.chance(faults):
                spoilt = self.spoil(line)
                if not isinstance(spoilt, Raw) and self.chance(0.05):
                    spoilt["arrived_at"] = rnd.choice(["x", "2024-01-01", 1700000000000, "", [], "2024-01-01T10:00:60Z"])
                lines.append(self.raw_bytes(spoilt))
                if self.chance(0.5):
                    continue
            lines.append(self.raw_bytes(line))
        return lines

    def arguments(self):
        args = {"until": None, "guard": self.full and (self.crowd or self.chance(0.2)), "files": ["in.ndjson"]}
        if self.full and self.chance(0.15):
            args["files"].append("in2.ndjson")
        if self.chance(0.6):
            until = ms_of_utc(datetime(self.end.year, self.end.month, self.end.day))
            until += self.random.choice([0, 3, 10, 40, 140, -5]) * STEP["d"] + self.random.randint(0, STEP["d"])
            args["until"] = self.stamp(until)
        return args


def generate(seed, scope, out):
    company = Company(seed, scope)
    os.makedirs(out, exist_ok=True)
    lines = company.lines()
    args = company.arguments()
    for name, content in (("rollcall.yaml", company.settings), ("policies.yaml", {"policies": company.policies}),
                          ("sites.yaml", {"sites": company.sites}), ("args.json", args)):
        with open(os.path.join(out, name), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, ensure_ascii=False)
            file.write("\n")
    shares = [[] for _ in args["files"]]
    for line in lines:
        company.random.choice(shares).append(line)
    for name, share in zip(args["files"], shares):
        with open(os.path.join(out, name), "wb") as file:
            file.write(b"".join(line + b"\n" for line in share))
    return args


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--scope", choices=["line", "rules", "full"], default="full")
    args = parser.parse_args()
    generate(args.seed, args.scope, args.out)


if __name__ == "__main__":
    main()
