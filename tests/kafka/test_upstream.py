"""Transactions that somebody else has left open: before them all is read, behind them nothing, and the log says so."""

import company
import harness


def test_a_calendar_that_is_undecided():
    """All tasks read it, so all wait; one tells."""
    site = company.deploy(harness.shared_node(), people=60, days=30, partitions=2)
    closed = [harness.Record(key="SEA33", value='{"site_id":"SEA33","kind":"closed","from":"2023-05-01","to":"2023-05-01"}')]
    site.node.produce(site.topics["calendar"], closed, transaction=site.name, end="leave")
    with site.daemon("--set", "workers=1") as daemon:
        daemon.wait_line(r"event=input_undecided .*topic=\S+\.calendar", 60)
        site.node.produce(site.topics["calendar"], closed, transaction=site.name, end="commit")
        daemon.wait_line("event=input_decided", 30)
        company.wait_settled(site)
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
        harness.check(daemon.stderr().count("event=input_undecided") == 1, "each task waits, one tells")
        read = company.counts(daemon.stderr())["read"]
    harness.check(read == company.to_read(site) + 2, f"{read} read: the committed one is, by both tasks; the aborted one is not")
    company.verify(site)


def test_a_changelog_that_is_undecided():
    """The last owner died in a transaction that the group's offsets do not know of, and its successor has another name."""
    site = company.deploy(harness.shared_node(), people=60, days=30, partitions=2,
                          kafka={"session.timeout.ms": 6000, "transaction.timeout.ms": 15000})
    first = site.daemon("--set", "kafka.group.instance.id=first",
                        environment={"ROLLCALL_FAULT": "before_send_offsets:stop:1:60000"})
    with first:
        first.wait_line("stop at pass 1 of before_send_offsets")
        high = lambda isolation: site.node.watermarks(site.topics["changelog"], isolation)
        harness.wait_until(lambda: high("read_uncommitted") != high("read_committed"), 30, "an open transaction")
        first.sigkill()
    with site.daemon("--set", "kafka.group.instance.id=second") as second:
        second.wait_line("event=changelog_undecided", 60)
        company.wait_settled(site)
        second.sigterm()
        harness.check(second.wait() == 0, "SIGTERM ends with 0")
    company.verify(site)


if __name__ == "__main__":
    harness.main(globals())
