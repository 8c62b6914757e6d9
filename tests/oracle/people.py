"""What is kept of a person: the lists that came in, and what was published. And the closures of the sites."""

from datetime import timedelta

LEDGER_DAYS = 128
LEDGER_AHEAD = 5                        # the ledger ends with c + 5
REMEMBERED_DECISIONS = 32
REMEMBERED_VERDICTS = 8


class Closures:
    """The calendar topic: what is asserted for each site."""

    def __init__(self):
        self.asserted = set()           # (site, kind, from, to)

    def covers(self, site, kind, day):
        return any(s == site and k == kind and first <= day <= last for s, k, first, last in self.asserted)


class RosterRecord:
    def __init__(self, fields, company):
        self.office = fields["expectation"] != "none"
        self.policy = fields["policy"] or company.first_policy
        self.home_site = fields["home_site"]
        self.home_zone = fields["home_zone"]
        self.manager_id = fields["manager_id"]
        self.hired_on = fields["hired_on"]
        self.left_on = fields["left_on"]
        self.workdays = fields["workdays"]

    def named_zone(self, company):
        """The home zone that the record names, or None."""
        if self.home_zone:
            return self.home_zone
        return company.sites[self.home_site].zone if self.home_site else None


class Verdict:
    """What can be said of a person at some c."""

    def __init__(self, status, effective_on, policy, version, week=None):
        self.status, self.effective_on = status, effective_on
        self.policy, self.version = policy, version     # an id, and a date or None
        self.week = week


class Entered:
    """A record that entered non_compliant."""

    def __init__(self, seq, effective_on):
        self.seq, self.effective_on = seq, effective_on
        self.superseded = False


class Case:
    def __init__(self):
        self.stage, self.basis, self.seq = "none", None, None
        self.grounds = []               # the verdicts that the warnings rest on, by seq

    def text(self):
        return {"stage": self.stage, "basis": self.basis, "seq": self.seq}


class Person:
    def __init__(self, employee_id):
        self.id = employee_id
        self.known_at = None            # the clock at the record that made the person known
        self.known_on = None            # its date in the home zone
        self.c = None                   # the last closed day
        self.roster = {}                # effective_on -> RosterRecord
        self.leaves = {}                # leave_id -> fields of the leave record
        self.swiped = set()             # days with an accepted swipe
        self.in_force = {}              # decision_id -> fields, of the four lasting kinds
        self.remembered = []            # the last 32 different decision_ids that came to the check
        self.dispute_open = False
        self.told_late = set()          # days
        self.held = None                # the group of the guard that holds a verdict back
        # published
        self.seq = 0
        self.last = None                # the last record
        self.kept = None                # what it rests on, while the guard holds a verdict back
        self.entered = []               # the last 8 records that entered non_compliant
        self.case = Case()

    def ledger_start(self):
        return self.c + timedelta(days=LEDGER_AHEAD - LEDGER_DAYS + 1)

    def ledger_end(self):
        return self.c + timedelta(days=LEDGER_AHEAD)

    def record_of(self, day):
        """The roster record of a day, or None without any."""
        if not self.roster:
            return None
        return self.roster[max((date for date in self.roster if date <= day), default=min(self.roster))]

    def home_zone(self, day, company):
        record = self.record_of(day)
        return (record.named_zone(company) if record else None) or company.default_zone

    def home_site(self, day):
        record = self.record_of(day)
        return record.home_site if record else None

    def decisions(self, kind):
        return [decision for decision in self.in_force.values() if decision["kind"] == kind]

    def on_leave(self, effect, day):
        return any(leave["effect"] == effect and leave["from"] <= day <= leave["to"] for leave in self.leaves.values())

    def exempt(self, day):
        return any(d["from"] <= day <= d["to"] for d in self.decisions("exemption"))

    def has_credit(self, day):
        return any(d["day"] == day for d in self.decisions("attendance_credit"))

    def has_void(self, day):
        return any(d["day"] == day for d in self.decisions("attendance_void"))

    def approval_ends(self):
        """The expires_on of the approval in force, or None."""
        approvals = self.decisions("vp_approval")
        return approvals[0]["expires_on"] if approvals else None
