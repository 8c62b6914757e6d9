"""`rollcall release` on a real broker."""

import json

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


def test_refusals():
    site = harness.Deployment(harness.shared_node())
    site.run("release", check_code=64)
    site.run("release", "--site", "SEA34", check_code=64)
    site.run("release", "--site", "x" * 300, check_code=64)
    site.run("release", "--site", "SEA33", check_code=78)  # there is no topic yet
    site.run("release", "--site", "SEA33", "--set", "topics.calendar=null", check_code=78)


if __name__ == "__main__":
    harness.main(globals())
