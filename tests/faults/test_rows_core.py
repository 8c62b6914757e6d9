"""Rows of the fault catalogue that are about the daemon's own doings (docs/reliability.md)."""

import re

import company
import harness


def fault_points():
    header = (harness.ROOT / "src" / "base" / "fault_point.h").read_text()
    return re.findall(r"^    FAULT_POINT_ROW\((\w+)\)", header, re.M)


def test_row_01_killed_at_each_fault_point():
    """Once at each, one after the other, over one log: what each run leaves is where the next begins."""
    site = company.deploy(harness.shared_node(), people=60, days=30)
    points = fault_points()
    harness.check(len(points) == 10, f"the points, of which in_revoke is last passed at a stop: {points}")
    for point in sorted(points, key=lambda point: point == "in_revoke"):
        with site.daemon(environment={"ROLLCALL_FAULT": f"{point}:kill:1"}) as daemon:
            if point == "in_revoke":
                company.wait_settled(site)
                daemon.sigterm()
            harness.check(daemon.wait() == -9, f"killed at {point}")
            harness.check(f"kill at pass 1 of {point}" in daemon.stderr(), f"{point} struck")
    with site.daemon() as daemon:
        daemon.wait_line("event=running")
        company.wait_settled(site)
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
    company.verify(site)


if __name__ == "__main__":
    harness.main(globals())
