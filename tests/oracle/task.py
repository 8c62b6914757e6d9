"""The order of things (SPEC 2, 5 and 6): lines in, state records and rejects out."""

from datetime import timedelta
from fractions import Fraction

from calendar_days import ONE_DAY, ZONE_NAMES, day_of, day_over, days, format_instant
from form import LASTING, ROLES_OF_KIND
from people import REMEMBERED_DECISIONS, REMEMBERED_VERDICTS, Closures, Entered, Person, RosterRecord
from rules import View

SCHEMA = "rollcall.state.v1"


class Rejected(Exception):
    """Raised by a check; the reasons are those that are right."""

    def __init__(self, *reasons):
        super().__init__(*reasons)
        self.reasons = set(reasons)


class Ignored(Exception):
    """Raised for what is counted and changes nothing."""


class Task:
    def __init__(self, company, guard=False):
        self.company, self.guard = company, guard
        self.ratio = Fraction(str(company.max_adverse_ratio))   # as it is written, not as a float
        self.people = {}
        self.closures = Closures()
        self.clock = None
        self.complete_from = company.complete_from
        self.records = []               # state records and tombstones, in the order of publication
        self.ignored = {}
        self.holds = 0                  # adverse changes that the guard held

    # time

    def date_of(self, ms, zone):
        return day_of(ms, zone, self.company.day_starts_at)

    def due(self, day, zone):
        """The instant at which a day closes."""
        return day_over(day, zone, self.company.day_starts_at) + self.company.settle

    def last_due_day(self, zone_of_day):
        """The last day whose close is due by the clock."""
        day = self.date_of(self.clock, zone_of_day(self.date_of(self.clock, self.company.default_zone))) + 2 * ONE_DAY
        while self.due(day, zone_of_day(day)) > self.clock:
            day -= ONE_DAY
        return day

    def move_clock(self, instant):
        if self.clock is None:
            self.clock = instant
            if self.complete_from is None:
                self.complete_from = self.date_of(instant, self.company.default_zone) + ONE_DAY
        if instant > self.clock:
            self.close_days(instant)
            self.clock = instant

    def close_days(self, until):
        """Every close that is due by then, in the order in which they are due; each person's days in order."""
        while True:
            due = {}
            for person in self.people.values():
                day = person.c + ONE_DAY
                zone = person.home_zone(day, self.company)
                instant = self.due(day, zone)
                if instant <= until:
                    due.setdefault((instant, day, zone), []).append(person)
            if not due:
                return
            instant, day, zone = min(due)
            self.close(day, due[instant, day, zone], instant)

    def close(self, day, people, as_of):
        for person in people:
            person.c = day
        if self.guard and self.company.max_adverse_ratio < 1:
            self.hold_back(day, people)
        for person in people:
            self.publish(person, "day_close", as_of)

    # the guard

    def groups_on(self, day):
        """The group of each person: a home site or, for those without one or of a small one, a home zone."""
        size = {}
        for person in self.people.values():
            site = person.home_site(day)
            size[site] = size.get(site, 0) + 1
        groups = {}
        for person in self.people.values():
            site = person.home_site(day)
            small = site is None or size[site] * self.ratio < self.company.min_people
            groups[person.id] = person.home_zone(day, self.company) if small else site
        return groups

    def hold_back(self, day, people):
        groups = self.groups_on(day)
        adverse = {}
        for person in people:
            newly = person.last["status"] != "non_compliant" and not person.held
            if newly and self.view(person).verdict().status == "non_compliant":
                adverse.setdefault(groups[person.id], []).append(person)
        for group, struck in adverse.items():
            members = [p for p in self.people.values() if groups[p.id] == group and self.view(p).scope(day) is None]
            if len(struck) >= self.company.min_people and len(struck) > self.ratio * len(members):
                for person in struck:
                    person.held = group
                    person.kept = self.published_until_now(person, day)
                    self.holds += 1

    def published_until_now(self, person, day):
        """What the published status of somebody who is held rests on: F of the day before."""
        verdict = self.view(person, day - ONE_DAY).verdict()
        if verdict.status != person.last["status"]:
            verdict.week = None
        return verdict

    # lines

    def apply(self, line, arrival):
        """Applies a line. Raises Rejected or Ignored."""
        if arrival is not None:
            self.move_clock(arrival)
        if line.faults:
            raise Rejected(*line.faults)
        if arrival is None:
            raise Rejected("no_clock")
        getattr(self, "apply_" + line.topic)(line.fields, arrival)

    def ignore(self, why):
        self.ignored[why] = self.ignored.get(why, 0) + 1
        raise Ignored(why)

    def view(self, person, c=None):
        return View(person, c or person.c, self.company, self.closures, self.complete_from)

    def find(self, employee_id):
        """The person, or None for one who is not known yet. Checks people.unknown."""
        person = self.people.get(employee_id)
        if self.company.unknown == "reject" and (person is None or not person.roster):
            raise Rejected("unknown_employee")
        return person

    def newcomer(self, employee_id):
        """Somebody who is about to become known; not among the people yet."""
        person = Person(employee_id)
        self.place(person)
        return person

    def place(self, person):
        """Sets what a person has from the moment of becoming known."""
        person.c = self.last_due_day(lambda day: person.home_zone(day, self.company))
        person.known_at = self.clock
        person.known_on = self.date_of(self.clock, person.home_zone(person.c + ONE_DAY, self.company))

    def change(self, people, cause, alter):
        """Applies an input to the ledgers of some people (alter does it) and publishes what follows."""
        before = {}
        for person in people:
            before[person.id] = [e for e in person.entered
                                 if not e.superseded and self.view(person, e.effective_on).f()[0] == "non_compliant"]
        alter()
        for person in people:
            self.people[person.id] = person
            corrected = []
            for entered in before[person.id]:
                now = self.view(person, entered.effective_on).f()[0]
                if now != "non_compliant":
                    corrected.append((entered, now))
            self.publish(person, cause, self.clock, corrected)

    def apply_swipes(self, fields, arrival):
        person = self.find(fields["employee_id"]) or self.newcomer(fields["employee_id"])
        home = person.home_zone(person.c + ONE_DAY, self.company)
        site = self.company.sites.get(fields["site_id"])
        instant, offset = fields["occurred_at"]
        record = person.record_of(person.c + ONE_DAY)
        if site:
            zone = site.zone
        elif record and record.named_zone(self.company):
            zone = home
        else:
            zone = offset or self.company.default_zone      # None or zero: nothing that can be believed
        day = self.date_of(instant, zone)
        if day > self.date_of(arrival + self.company.clock_skew, zone):
            raise Rejected("future")

        record = person.record_of(day)
        policy = self.company.policies[record.policy if record else self.company.first_policy]
        version = policy.version_on(day) or policy.versions[0]
        if ("granted" if fields["result"] is None else fields["result"]) not in version.accept:
            self.ignore("not_accepted")
        if site and not site.counts:
            self.ignore("site_does_not_count")

        cause = "swipe"
        if day <= person.c:
            cause = "late_swipe"
            recent = self.date_of(arrival, home) - day <= timedelta(days=self.company.lateness_days)
            on_hold = any(s is not None and self.closures.covers(s, "hold", day)
                          for s in (fields["site_id"], person.home_site(day)))
            if not recent and not (on_hold and day >= person.ledger_start()):
                raise Rejected("too_late")
        self.change([person], cause, lambda: person.swiped.add(day))

    def apply_roster(self, fields, arrival):
        employee_id = fields["employee_id"]
        person = self.people.get(employee_id)
        if fields["tombstone"]:
            if person is None:
                self.ignore("tombstone_of_nobody")
            del self.people[employee_id]
            self.records.append({"schema": SCHEMA, "employee_id": employee_id, "tombstone": True})
            return
        if fields["policy"] is not None and fields["policy"] not in self.company.policies:
            raise Rejected("unknown_policy")
        if fields["home_site"] is not None and fields["home_site"] not in self.company.sites:
            raise Rejected("unknown_site")
        record = RosterRecord(fields, self.company)
        zone = record.named_zone(self.company) or self.company.default_zone
        effective_on = fields["effective_on"] or self.date_of(arrival, zone)
        if person is None:
            person = Person(employee_id)
            person.roster[effective_on] = record
            self.place(person)
            self.change([person], "roster", lambda: None)
        else:
            self.change([person], "roster", lambda: self.take_record(person, effective_on, record))
            self.close_after_move(person)

    def duties(self, person, ledger):
        view = self.view(person)
        return {day: (view.out_of_scope(day), view.policy_of(day).id, view.own_workdays(day)) for day in ledger}

    def take_record(self, person, effective_on, record):
        ledger = days(person.ledger_start(), person.ledger_end())
        before = self.duties(person, ledger)
        person.roster[effective_on] = record
        after = self.duties(person, ledger)
        today = self.date_of(self.clock, person.home_zone(person.c + ONE_DAY, self.company))
        person.told_late |= {day for day in ledger if day < today and before[day] != after[day]}

    def close_after_move(self, person):
        """The closes that became due because the home moved: as_of the clock."""
        while True:
            day = person.c + ONE_DAY
            if self.due(day, person.home_zone(day, self.company)) > self.clock:
                return
            self.close(day, [person], self.clock)

    def apply_leave(self, fields, arrival):
        known = self.find(fields["employee_id"])
        if fields["op"] == "cancel":
            if known is None or fields["leave_id"] not in known.leaves:
                self.ignore("cancel_of_nothing")
            self.change([known], "leave", lambda: known.leaves.pop(fields["leave_id"]))
            return
        person = known or self.newcomer(fields["employee_id"])
        if fields["to"] < person.ledger_start():
            raise Rejected("beyond_horizon")
        self.change([person], "leave", lambda: person.leaves.update({fields["leave_id"]: fields}))

    def apply_calendar(self, fields, arrival):
        site, kind = fields["site_id"], fields["kind"]
        if site not in self.company.sites and not (kind == "release" and site in ZONE_NAMES):
            raise Rejected("unknown_site")
        if kind == "release":
            self.change(list(self.people.values()), "calendar", lambda: self.release(site))
            return
        closure = (site, kind, fields["from"], fields["to"])
        if fields["op"] == "cancel":
            if closure not in self.closures.asserted:
                self.ignore("cancel_of_nothing")
            alter = lambda: self.closures.asserted.remove(closure)
        else:
            alter = lambda: self.closures.asserted.add(closure)
        self.change(list(self.people.values()), "calendar", alter)

    def release(self, group):
        for person in self.people.values():
            if person.held == group:
                person.held = None

    def apply_decisions(self, fields, arrival):
        known = self.find(fields["employee_id"])
        person = known or self.newcomer(fields["employee_id"])
        kind, decision_id = fields["kind"], fields["decision_id"]
        today = self.date_of(self.clock, person.home_zone(person.c + ONE_DAY, self.company))
        if kind == "attendance_credit" and fields["day"] > today:
            raise Rejected("future")
        if decision_id in person.remembered:
            self.ignore("repeat")
        person.remembered = (person.remembered + [decision_id])[-REMEMBERED_DECISIONS:]

        roles = ROLES_OF_KIND[kind]
        if kind == "revoke":
            if fields["revokes"] not in person.in_force:
                raise Rejected("out_of_order")
            roles = ROLES_OF_KIND[person.in_force[fields["revokes"]]["kind"]]
        if fields["decided_by_role"] not in roles:
            raise Rejected("wrong_role")
        if fields["decided_by"] == person.id and kind != "dispute_opened":
            raise Rejected("self_decision")
        self.check_order(person, kind, decision_id)
        last_day = fields.get("day") or fields.get("to")
        if last_day and last_day < person.ledger_start():
            raise Rejected("beyond_horizon")
        self.change([person], "decision", lambda: self.take_decision(person, fields))

    def check_order(self, person, kind, decision_id):
        case = person.case
        wrong = False
        if kind in LASTING:
            wrong = decision_id in person.in_force
        elif kind == "dispute_closed":
            wrong = not person.dispute_open
        elif kind == "verbal_warning":
            wrong = case.stage != "manager_aware"
        elif kind == "written_warning":
            wrong = (case.stage != "verbal_warning" or case.basis != "standing"
                     or person.last["status"] != "non_compliant")
        elif kind == "case_closed":
            wrong = case.stage == "none"
        if wrong:
            raise Rejected("out_of_order")

    def take_decision(self, person, fields):
        kind, case = fields["kind"], person.case
        if kind == "vp_approval":
            person.in_force = {i: d for i, d in person.in_force.items() if d["kind"] != "vp_approval"}
        if kind in LASTING:
            person.in_force[fields["decision_id"]] = fields
        elif kind == "revoke":
            del person.in_force[fields["revokes"]]
        elif kind == "dispute_opened":
            person.dispute_open = True
        elif kind == "dispute_closed":
            person.dispute_open = False
        elif kind in ("verbal_warning", "written_warning"):
            case.stage = kind
            case.grounds.append(person.entered[-1].seq)
        elif kind == "case_closed":
            case.stage, case.basis, case.seq, case.grounds = "none", None, None, []

    # publication

    def publish(self, person, cause, as_of, corrected=()):
        """One record for each correction, or one if status, promotion or case changed."""
        view = self.view(person)
        if person.held and view.f()[0] != "non_compliant":
            person.held = None
        verdict = view.verdict()
        if person.held and verdict.status == "non_compliant":
            kept, status = person.kept, person.last["status"]
            scope = status in ("out_of_scope", "not_in_force", "exempt")
            verdict.status, verdict.effective_on = status, person.c + ONE_DAY if scope else person.c
            verdict.policy, verdict.version, verdict.week = kept.policy, kept.version, kept.week
        promotion = self.promotion(person, verdict.status)
        last = person.last
        if corrected:
            for number, (entered, now) in enumerate(corrected, 1):
                self.make_record(person, verdict, promotion, cause, as_of, entered, now, number == len(corrected))
        elif (last is None or last["status"] != verdict.status or last["promotion"] != promotion
              or last["case"] != person.case.text()):
            self.make_record(person, verdict, promotion, cause, as_of)

    def promotion(self, person, status):
        expires_on = person.approval_ends()
        gate, until = "clear", None
        if status == "non_compliant":
            if person.dispute_open:
                gate = "pending"
            elif expires_on and expires_on > person.c:
                gate, until = "vp_approved", str(expires_on)
            else:
                gate = "vp_approval_required"
        return {"gate": gate, "approved_until": until}

    def make_record(self, person, verdict, promotion, cause, as_of, supersedes=None, corrected_status=None,
                    last_of_corrections=False):
        person.seq += 1
        previous = person.last["status"] if person.last else None
        status, case = verdict.status, person.case
        enters = status == "non_compliant" and (previous != "non_compliant" or last_of_corrections)

        if supersedes:
            supersedes.superseded = True
            if supersedes.seq in case.grounds:
                case.basis = "retracted"
        if status != "non_compliant" and case.stage == "manager_aware":
            case.stage, case.basis, case.seq = "none", None, None
        if status == "non_compliant" and case.stage == "none":
            case.stage, case.basis, case.seq = "manager_aware", "standing", person.seq
        if enters and case.stage == "manager_aware":
            case.seq = person.seq
        if enters:
            person.entered = (person.entered + [Entered(person.seq, verdict.effective_on)])[-REMEMBERED_VERDICTS:]

        same = person.last is not None and previous == status and not enters
        since = person.last["status_since"] if same else str(verdict.effective_on)
        notify = []
        if supersedes or (status == "non_compliant") != (previous == "non_compliant"):
            notify = ["employee", "manager"]
        elif status == "at_risk" and previous != "at_risk":
            notify = ["employee"]
        action = None
        if case.basis == "retracted":
            action = "basis_retracted"
        elif person.dispute_open:
            action = "resolve_dispute"
        elif status == "non_compliant":
            action = "review_with_employee"

        record_of_o = person.record_of(person.c + ONE_DAY)
        person.kept = verdict
        person.last = {
            "schema": SCHEMA, "id": None, "employee_id": person.id, "known_at": format_instant(person.known_at),
            "seq": person.seq, "status": status, "previous_status": previous, "status_since": since, "cause": cause,
            "effective_on": str(verdict.effective_on), "as_of": format_instant(as_of),
            "zone": person.home_zone(person.c + ONE_DAY, self.company), "supersedes": None,
            "corrected_status": corrected_status,
            "policy": {"id": verdict.policy, "version": str(verdict.version) if verdict.version else None, "hash": None},
            "week": verdict.week, "promotion": promotion, "case": case.text(),
            "manager_id": record_of_o.manager_id if record_of_o else None, "notify": notify, "human_action": action,
            "_supersedes_seq": supersedes.seq if supersedes else None,
        }
        self.records.append(person.last)
