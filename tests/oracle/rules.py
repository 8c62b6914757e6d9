"""F (SPEC 4): the status of one person, computed from nothing but the lists and a last closed day."""

from datetime import timedelta

from calendar_days import ONE_DAY, days, is_skipped
from people import Verdict

SLIDING_WEEKS = 98
CALENDAR_WEEKS = 14
NEUTRAL, MET, SHORT = "neutral", "met", "short"


class Week:
    """What a week of 7 days in a row comes to."""

    def __init__(self, last):
        self.first, self.last = last - timedelta(days=6), last
        self.policy, self.version = None, None
        self.present_days, self.workable, self.required = [], 0, 0
        self.outcome = NEUTRAL

    def text(self):
        return {"from": str(self.first), "to": str(self.last), "present": len(self.present_days),
                "required": self.required, "workable": self.workable, "days": [str(day) for day in self.present_days]}


def required_days(version, workable):
    wanted, whole = version.required_days, len(version.workdays)
    if version.proration == "cap":
        return min(wanted, workable)
    if version.proration == "ratio_down":
        return min(wanted, wanted * workable // whole)
    return min(wanted, (wanted * workable + whole - 1) // whole)


class View:
    """The ledger of a person as it stands now, seen with c as the last closed day.

    The person's own c fixes the ledger; the c of the view is another one when an earlier verdict is looked at again.
    """

    def __init__(self, person, c, company, closures, complete_from):
        self.person, self.c, self.company = person, c, company
        self.closures, self.complete_from = closures, complete_from
        self.ledger_start, self.ledger_end = person.ledger_start(), person.ledger_end()
        self.records, self.scopes, self.weeks = {}, {}, {}      # what was found already, within this one view
        self.first_judged = None

    # days

    def record_of(self, day):
        if day not in self.records:
            self.records[day] = self.person.record_of(day)
        return self.records[day]

    def home_site(self, day):
        record = self.record_of(day)
        return record.home_site if record else None

    def policy_of(self, day):
        record = self.record_of(day)
        return self.company.policies[record.policy if record else self.company.first_policy]

    def out_of_scope(self, day):
        record = self.record_of(day)
        if record is None:
            return self.company.unknown == "out_of_scope"
        if not record.office:
            return True
        return bool(record.left_on and day >= record.left_on or record.hired_on and day < record.hired_on)

    def scope(self, day):
        """A status that is no judgement, or None: in scope."""
        if day not in self.scopes:
            if self.out_of_scope(day):
                self.scopes[day] = "out_of_scope"
            elif self.person.exempt(day):
                self.scopes[day] = "exempt"
            elif self.policy_of(day).version_on(day) is None:
                self.scopes[day] = "not_in_force"
            else:
                self.scopes[day] = None
        return self.scopes[day]

    def in_ledger(self, day):
        return self.ledger_start <= day <= self.ledger_end

    def swiped(self, day):
        return self.in_ledger(day) and day in self.person.swiped and not self.person.has_void(day)

    def present(self, day):
        if not self.in_ledger(day):
            return False
        return self.person.on_leave("credit", day) or self.person.has_credit(day) or self.swiped(day)

    def own_workdays(self, day):
        record = self.record_of(day)
        return record.workdays if record else None

    def countable(self, day, version):
        own = self.own_workdays(day)
        return day.weekday() in version.workdays or bool(own and day.weekday() in own) or version.weekends_count

    def on_hold(self, day):
        site = self.home_site(day)
        return site is not None and self.closures.covers(site, "hold", day)

    def excused(self, day):
        site = self.home_site(day)
        closed = site is not None and self.closures.covers(site, "closed", day)
        return self.person.on_leave("excuse", day) or closed or self.on_hold(day)

    def expected(self, day, version):
        own = self.own_workdays(day)
        if self.scope(day) is not None:
            return False
        if day.weekday() not in (own if own is not None else version.workdays):
            return False
        return not self.excused(day) and not is_skipped(day, self.person.home_zone(day, self.company))

    # weeks

    def start(self):
        """s: where the present stretch in scope begins."""
        day = self.c
        while day >= self.ledger_start:
            if self.scope(day) is not None or day <= self.person.known_on:
                return day + ONE_DAY
            day -= ONE_DAY
        return self.ledger_start

    def first_judged_day(self):
        """No week that begins before this day is judged."""
        if self.first_judged is None:
            start = self.start()
            version = self.policy_of(start).version_on(start)
            grace = version.grace_days if version else 0        # without one the start is an open day: nothing is judged
            self.first_judged = max(self.ledger_start, self.complete_from, start + timedelta(days=grace))
        return self.first_judged

    def week(self, last):
        """W(last)."""
        if last not in self.weeks:
            self.weeks[last] = self.judge_week(Week(last))
        return self.weeks[last]

    def judge_week(self, week):
        policy = self.policy_of(week.first)
        version = policy.version_on(week.first)
        if version is None:
            return week
        week.policy, week.version = policy.id, version
        if week.first < self.first_judged_day():
            return week
        seven = days(week.first, week.last)
        week.present_days = [day for day in seven if self.countable(day, version) and self.present(day)]
        week.workable = len([day for day in seven if self.expected(day, version)])
        week.required = required_days(version, week.workable)
        if week.workable == 0:
            return week
        if len(week.present_days) >= week.required:
            week.outcome = MET
        elif not any(self.on_hold(day) or day in self.person.told_late for day in seven):
            week.outcome = SHORT
        return week

    # the rule

    def rule(self):
        """(status, the week that it rests on or None) by the rule at c."""
        version = self.week(self.c).version
        if version is None:
            return "unrated", None
        if version.rule == "sliding":
            return self.sliding(version)
        if version.rule == "weekly":
            return self.weekly(version)
        return self.k_of_n(version)

    def sliding(self, version):
        for back in range(SLIDING_WEEKS):
            last = self.c - timedelta(days=back)
            newest = self.week(last)
            if newest.outcome == MET:
                return "compliant", newest
            if newest.outcome == SHORT:
                row = [self.week(last - timedelta(days=n)) for n in range(version.tolerance_days + 1)]
                return "non_compliant" if all(week.outcome == SHORT for week in row) else "at_risk", newest
        return "unrated", None

    def judged_calendar_weeks(self, version):
        """Those of the last 14 calendar weeks up to c that are not neutral, newest first."""
        last = self.c
        while (last + ONE_DAY).weekday() != version.week_starts_on:
            last -= ONE_DAY
        weeks = [self.week(last - timedelta(days=7 * n)) for n in range(CALENDAR_WEEKS)]
        return [week for week in weeks if week.outcome != NEUTRAL]

    def weekly(self, version):
        weeks = self.judged_calendar_weeks(version)
        if not weeks:
            return "unrated", None
        return "compliant" if weeks[0].outcome == MET else "non_compliant", weeks[0]

    def k_of_n(self, version):
        weeks = self.judged_calendar_weeks(version)
        hold = [len([week for week in weeks[:of] if week.outcome == SHORT]) >= short for short, of in version.terms]
        if all(hold) if version.combine == "and" else any(hold):
            return "non_compliant", weeks[0]
        if len(weeks) < max(of for _, of in version.terms):
            return "unrated", None
        return "compliant", weeks[0]

    # the answer

    def f(self):
        """(F, the week that it rests on or None), without the lift."""
        scope = self.scope(self.c + ONE_DAY)
        return (scope, None) if scope else self.rule()

    def lifting_day(self):
        """The latest open day whose week is met by the sliding rule, or None."""
        closed = self.week(self.c).version
        if closed is None or closed.rule != "sliding":
            return None
        for day in reversed(days(self.c + ONE_DAY, self.ledger_end)):
            if self.swiped(day) or self.person.has_credit(day):
                week = self.week(day)
                if week.outcome == MET and week.version.rule == "sliding":
                    return day
        return None

    def verdict(self):
        status, week = self.f()
        effective_on = self.c
        if status in ("out_of_scope", "not_in_force", "exempt"):
            effective_on = self.c + ONE_DAY
        elif status in ("at_risk", "non_compliant"):
            lifting = self.lifting_day()
            if lifting:
                status, week, effective_on = "compliant", self.week(lifting), lifting
        if week is not None:
            return Verdict(status, effective_on, week.policy, week.version.effective_on, week.text())
        policy = self.policy_of(self.c + ONE_DAY)
        version = policy.version_on(self.c + ONE_DAY)
        return Verdict(status, effective_on, policy.id, version.effective_on if version else None)
