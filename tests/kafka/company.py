"""The company of the end-to-end tests: made by `rollcall generate`, fed into the topics of a Deployment.

The log ends today and its topics are stamped by the sender (CreateTime), so that weeks of days close within seconds and the
wall clock, which closes what is due at the end of the log, has nothing more to do than a replay with --until."""

import datetime
import json
import random
import subprocess
import time

import harness

CLOCK_SKEW_S = 300  # the default of time.clock_skew

KINDS = [("attendance_credit", "hr"), ("attendance_credit", "security"), ("attendance_void", "hr"), ("exemption", "vp"),
         ("vp_approval", "vp"), ("vp_approval", "manager"), ("revoke", "hr"), ("dispute_opened", "employee"),
         ("dispute_closed", "hr"), ("verbal_warning", "manager"), ("written_warning", "hr"), ("case_closed", "hr")]


def decisions(lines, seed):
    """What HR, managers and vice presidents decide about some of them, in any order, at any time: many are refused."""
    dice = random.Random(seed)
    people = sorted({line["employee_id"] for line in lines if line["topic"] == "roster"})
    times = [line["arrived_at"] for line in lines]
    made = []
    for number in range(len(people)):
        who, arrived = dice.choice(people[:len(people) // 4 + 1]), times[dice.randrange(len(times))]
        kind, role = dice.choice(KINDS)
        day = datetime.date.fromisoformat(arrived[:10]) - datetime.timedelta(days=dice.randrange(9))
        made.append({"topic": "decisions", "arrived_at": arrived, "employee_id": who, "decision_id": f"D{number}",
                     "kind": kind, "decided_by": "HR1", "decided_by_role": role, "decided_at": arrived,
                     "day": str(day), "from": str(day), "to": str(day + datetime.timedelta(days=dice.randrange(5))),
                     "expires_on": str(day + datetime.timedelta(days=20)), "revokes": f"D{dice.randrange(number + 1)}"})
    return made


def closures(lines, seed):
    """Closed days and holds of the sites, told before, after and while people are judged on them; some are taken back."""
    dice = random.Random(seed)
    sites = sorted({line["home_site"] for line in lines if line["topic"] == "roster" and line.get("home_site")})
    times = [line["arrived_at"] for line in lines]
    made = []
    for _ in range(30):
        arrived = times[dice.randrange(len(times))]
        day = datetime.date.fromisoformat(arrived[:10]) + datetime.timedelta(days=dice.randrange(-9, 4))
        made.append({"topic": "calendar", "arrived_at": arrived, "site_id": dice.choice(sites), "kind": dice.choice(["closed", "hold"]),
                     "from": str(day), "to": str(day + datetime.timedelta(days=dice.randrange(3)))})
        if dice.randrange(2):
            later = times[dice.randrange(len(times))]
            made.append({**made[-1], "op": "cancel", "arrived_at": max(later, arrived)})
    return made


def last_days(days):
    """(first, last) of so many days, the last of them today."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return today - datetime.timedelta(days=days), today


def generated(people, days, seed, directory):
    """(lines, first day) of a generated log of the last `days` days."""
    first, today = last_days(days)
    log = directory / "generated.ndjson"
    subprocess.run([harness.ROLLCALL, "generate", "--people", str(people), "--from", str(first), "--to", str(today),
                    "--seed", str(seed), "-o", log, "--config", directory], check=True, capture_output=True)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    lines = sorted(lines + decisions(lines, seed) + closures(lines, seed), key=lambda line: line["arrived_at"])
    # Nothing from the future: the broker's clock and ours would have to agree on when it arrives.
    limit = harness.rfc3339(round((time.time() - CLOCK_SKEW_S) * 1000))
    return [line for line in lines if line["arrived_at"] < limit], first


def configure(site, people, first, config):
    """Makes the site's configuration one for a generated company whose log begins on the day `first`."""
    base = {**site.config, "employees": people, "people": {"unknown": "out_of_scope"},
            "guard": {"max_adverse_ratio": 1},  # a wave is counted in a partition, and replay has one task for all
            "time": {"complete_from": str(first), "allow_create_time": True, "default_zone": "America/Los_Angeles"}}
    site.configure(harness._merged(base, config))


def deploy(node, people=300, days=40, seed=1, partitions=4, feed=True, **config):
    """A Deployment with its log: `site.lines`, fed unless feed=False. `config` is merged into its configuration."""
    site = harness.Deployment(node, partitions=partitions, create_time=True)
    site.partitions = partitions
    site.lines, first = generated(people, days, seed, site.directory)  # also writes policies.yaml and sites.yaml
    configure(site, people, first, config)
    site.init()
    if feed:
        site.feed(site.lines)
    return site


def to_read(site):
    """Records that the workers have to read: the calendar is read by the task of every partition."""
    return len(site.lines) + (site.partitions - 1) * sum(line["topic"] == "calendar" for line in site.lines)


def wait_settled(site, timeout=90):
    """Until the log is committed and the wall clock has closed what is due: nothing new in the state topic for a while."""
    site.wait_caught_up(timeout)
    seen = [None, time.monotonic()]

    def quiet():
        ends = site.node.watermarks(site.topics["state"])
        if ends != seen[0]:
            seen[:] = [ends, time.monotonic()]
        return time.monotonic() - seen[1] > 1.5

    harness.wait_until(quiet, timeout, "a quiet state topic")


def run_to_end(site, timeout=90):
    """A daemon that does all there is to do, and stops as it should."""
    with site.daemon() as daemon:
        daemon.wait_line("event=running")
        wait_settled(site, timeout)
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")


def counts(said):
    """What `run` prints at its end: {"read": ..., reason: ...}; the reasons add up to what was read."""
    found = {reason: int(n) for reason, n in harness.re.findall(r"event=count reason=(\w+) records=(\d+)", said)}
    totals = harness.re.search(r"event=totals read=(\d+) applied=(\d+) ignored=(\d+) rejected=(\d+) sum=(\d+)", said)
    harness.check(totals, f"no totals:\n{said[-2000:]}")
    read, applied, ignored, rejected, total = map(int, totals.groups())
    harness.check(read == total == applied + ignored + rejected == sum(found.values()), f"{found} do not add up: {totals[0]}")
    return {"read": read, "rejected": rejected, **found}


def verify(site):
    """What read_committed shows is what `rollcall replay` makes of the same log, record for record."""
    until = harness.rfc3339(round((time.time() - CLOCK_SKEW_S) * 1000))
    states = site.states()
    harness.check_sequences(states)
    return harness.compare_states(states, site.replay("--until", until))
