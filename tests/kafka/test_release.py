"""`rollcall release` on a real broker."""

import datetime
import json

import company
import harness


def test_a_site_and_a_zone():
    site = harness.Deployment(harness.shared_node(), partitions=1)
    site.init()
    harness.check("released SEA33" in site.run("release", "--site", "SEA33"), "it says so")
    site.run("release", "--site", "Europe/Berlin")
    found = site.node.consume(site.topics["calendar"])
    harness.check([(r.key, json.loads(r.value)) for r in found] ==
                  [(s, {"site_id": s, "kind": "release"}) for s in ("SEA33", "Europe/Berlin")], f"{found}")
    with site.daemon() as daemon:
        daemon.wait_line("event=ready")
        harness.wait_until(lambda: site.node.watermarks(site.topics["progress"]) is not None, 5)
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "the daemon reads them")
    harness.check(site.rejects() == [], "and rejects none")


def log_of_a_wave():
    """A dozen people of one site who come for three weeks, and then none of them is seen any more: a broken reader, by the guard."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    first = today - datetime.timedelta(days=42)
    at = lambda day, clock: f"{first + datetime.timedelta(days=day)}T{clock}Z"
    people = [f"E{i}" for i in range(12)]
    lines = [{"topic": "roster", "employee_id": person, "home_site": "SEA33", "arrived_at": at(0, "08:00:00.000")} for person in people]
    for day in range(1, 22):
        lines += [{"topic": "swipes", "employee_id": person, "site_id": "SEA33", "occurred_at": at(day, "18:00:00"),
                   "arrived_at": at(day, "18:00:01.000")} for person in people]
    return lines, str(first)


def test_what_was_held_is_published():
    lines, first = log_of_a_wave()
    site = harness.Deployment(harness.shared_node(), partitions=1, create_time=True, config={
        "time": {"complete_from": first, "allow_create_time": True}, "guard": {"max_adverse_ratio": 0.9, "min_people": 10}})  # 10 / 0.9: the site is a group of its own
    site.init()
    site.feed(lines)
    with site.daemon() as daemon:
        company.wait_settled(site)
        held = [state for state in site.states() if state["status"] == "non_compliant"]
        harness.check(held == [] and site.node.consume(site.topics["progress"])[-1].json()["held"] == 12, f"{held}")
        site.run("release", "--site", "BER01")  # of another site
        site.run("release", "--site", "SEA33")
        released = lambda: [state for state in site.states() if state["status"] == "non_compliant"]
        harness.wait_until(lambda: len(released()) == 12, 30, "twelve verdicts")
        harness.check({state["cause"] for state in released()} == {"calendar"}, f"{released()[0]}")
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")


def test_refusals():
    site = harness.Deployment(harness.shared_node())
    site.run("release", check_code=64)
    site.run("release", "--site", "SEA34", check_code=64)
    site.run("release", "--site", "x" * 300, check_code=64)
    site.run("release", "--site", "SEA33", check_code=78)  # there is no topic yet
    site.run("release", "--site", "SEA33", "--set", "topics.calendar=null", check_code=78)


if __name__ == "__main__":
    harness.main(globals())
