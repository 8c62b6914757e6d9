"""The configuration (SPEC 4 and 8): policies, sites and settings. Read from JSON or plain YAML."""

import os
from datetime import date, timedelta
from fractions import Fraction

import plain_yaml
from calendar_days import WEEKDAYS

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def parse_duration(text):
    number = text.rstrip("msdh")
    return int(number) * UNITS[text[len(number):]]


class Version:
    """One version of a policy. What it leaves out has the default."""

    def __init__(self, text):
        self.effective_on = date.fromisoformat(text["effective_on"])
        self.required_days = text.get("required_days", 3)
        self.workdays = {WEEKDAYS.index(name) for name in text.get("workdays", WEEKDAYS[:5])}
        self.weekends_count = text.get("weekends_count", False)
        self.accept = set(text.get("accept", ["granted", "granted_entered"]))
        self.grace_days = text.get("grace_days", 7)
        self.proration = text.get("proration", "ratio")
        rule = text.get("rule", {"type": "sliding"})
        self.rule = rule["type"]
        self.tolerance_days = rule.get("tolerance_days", 6)
        self.week_starts_on = WEEKDAYS.index(rule.get("week_starts_on", "mon"))
        terms = rule.get("terms", [{"short": 5, "of": 8}, {"short": 3, "of": 4}])
        self.terms = [(term["short"], term["of"]) for term in terms]
        self.combine = rule.get("combine", "and")


class Policy:
    def __init__(self, text):
        self.id = text["id"]
        self.versions = sorted((Version(v) for v in text["versions"]), key=lambda v: v.effective_on)

    def version_on(self, day):
        """The version effective on a day, or None."""
        found = None
        for version in self.versions:
            if version.effective_on <= day:
                found = version
        return found


class Site:
    def __init__(self, text):
        self.zone = text["zone"]
        self.counts = text.get("counts", True)


class Company:
    def __init__(self, settings, policies, sites):
        self.policies = {p["id"]: Policy(p) for p in policies["policies"]}
        self.first_policy = policies["policies"][0]["id"]
        self.sites = {name: Site(s) for name, s in (sites.get("sites") or {}).items()}
        self.unknown = settings["people"]["unknown"]
        self.fields = settings.get("fields") or {}
        time = settings.get("time") or {}
        self.settle = parse_duration(time.get("settle", "24h"))
        self.lateness_days = time.get("lateness_days", 14)
        self.clock_skew = parse_duration(time.get("clock_skew", "5m"))
        hours, minutes = time.get("day_starts_at", "00:00").split(":")
        self.day_starts_at = timedelta(hours=int(hours), minutes=int(minutes))
        self.default_zone = time.get("default_zone", "UTC")
        self.complete_from = date.fromisoformat(time["complete_from"]) if time.get("complete_from") else None
        guard = settings.get("guard") or {}
        self.max_adverse_ratio = Fraction(str(guard.get("max_adverse_ratio", "0.2")))
        self.min_people = guard.get("min_people", 10)


def load(path):
    """The company of a folder with a rollcall.yaml, or of such a file."""
    if os.path.isdir(path):
        path = os.path.join(path, "rollcall.yaml")

    def read(name):
        with open(os.path.join(os.path.dirname(path), name), encoding="utf-8") as file:
            return plain_yaml.load(file.read())

    settings = read(os.path.basename(path))
    return Company(settings, read(settings["policies"]), read(settings["sites"]))
