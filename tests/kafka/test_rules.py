"""What only a running daemon meets: rules that change between two starts, and a wave that the guard holds back."""

import datetime

import company
import harness

DAY = datetime.timedelta(days=1)


def run_to_the_end(site):
    with site.daemon() as daemon:
        company.wait_settled(site)
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
        return daemon.stderr()


def last_by_employee(states):
    last = {}
    for record in states:
        last[record["employee_id"]] = record
        if record.get("tombstone"):
            del last[record["employee_id"]]
    return last


def test_other_policies_at_a_restart():
    """F is evaluated for everybody under the new policies, and what differs is published with cause `policy`: afterwards
    everybody has the status that the new policies give on the same days."""
    site = company.deploy(harness.shared_node())
    run_to_the_end(site)
    company.verify(site)
    before = site.states()
    text = (site.directory / "policies.yaml").read_text()
    harness.check("required_days: 3" in text, "the company's policies ask for 3 days")
    (site.directory / "policies.yaml").write_text(text.replace("required_days: 3", "required_days: 1"))
    run_to_the_end(site)
    after = site.states()
    new = after[len(before):] if after[:len(before)] == before else [r for r in after if r not in before]
    changed = [record for record in new if record["cause"] == "policy"]
    harness.check(len(changed) > 20, f"only {len(changed)} records with cause policy")
    harness.check(all(record["supersedes"] is None for record in changed), "a change of rules corrects nothing")
    harness.check_sequences(after)
    now, wanted = last_by_employee(after), last_by_employee(site.replay("--until", harness.rfc3339(
        round((harness.time.time() - company.CLOCK_SKEW_S) * 1000))))
    differing = [who for who in now.keys() | wanted.keys() if now[who]["status"] != wanted[who]["status"]]
    harness.check(not differing, f"{len(differing)} differ, as {differing[:3]}")
    print(f"{len(changed)} of {len(now)} people have another status under the new policies")


def wave(people):
    """People who come every workday for five weeks, and then all at once no more."""
    monday = datetime.date.today() - datetime.timedelta(days=datetime.date.today().weekday()) - 9 * 7 * DAY
    at = lambda day, hour: f"{day}T{hour:02}:00:00.000Z"
    lines = [{"topic": "roster", "employee_id": f"E{i}", "home_site": "BER01", "arrived_at": at(monday, 1)}
             for i in range(people)]
    for week in range(9):
        for weekday in range(5):
            day = monday + week * 7 * DAY + weekday * DAY
            if day >= datetime.date.today():
                continue
            for i in range(people):
                if week < 5 or i == 0:
                    lines.append({"topic": "swipes", "employee_id": f"E{i}", "site_id": "BER01", "occurred_at": at(day, 8),
                                  "arrived_at": at(day, 9)})
    return monday, lines


def test_the_guard_holds_until_it_is_released():
    """All but one of a site stop coming at once: nobody is called non_compliant, progress says how many are held, a restart
    remembers it, and a release publishes what F says. The same as replay --guard, record for record."""
    people = 30
    site = harness.Deployment(harness.shared_node(), partitions=1, create_time=True)
    monday, lines = wave(people)
    site.configure(harness._merged(site.config, {"time": {"complete_from": str(monday)}, "guard": {"min_people": 5}}))
    site.init()
    site.feed(lines)
    said = run_to_the_end(site)
    harness.check(f'event=held partition=0 group="BER01"' in said or "event=held partition=0 group=BER01" in said,
                  f"the log names the site: {said[-2000:]}")
    states = site.states()
    harness.check(not [r for r in states if r["status"] == "non_compliant"], "the guard lets nobody be called non_compliant")
    held = [record.json()["held"] for record in site.node.consume(site.topics["progress"])]
    harness.check(held[-1] == people - 1, f"progress says {held[-1]} are held")
    now = harness.rfc3339(round((harness.time.time() - company.CLOCK_SKEW_S) * 1000))
    site.feed([{"topic": "calendar", "site_id": "BER01", "kind": "release", "arrived_at": now}])
    run_to_the_end(site)
    states = site.states()
    released = [r for r in states if r["status"] == "non_compliant"]
    harness.check(len(released) == people - 1 and {r["cause"] for r in released} == {"calendar"}, "a release publishes them")
    harness.compare_states(states, site.replay("--guard", "--until", now))


if __name__ == "__main__":
    harness.main(globals())
