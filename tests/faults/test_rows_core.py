"""Rows of the fault catalogue that are about the daemon's own doings (docs/reliability.md)."""

import datetime
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time

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
    company.run_to_end(site)
    company.verify(site)


def test_row_04_poll_pause_beyond_max_poll_interval():
    """A worker that was stuck for longer than the group waits: what it holds is thrown away, it joins again."""
    slow = {"fetch.message.max.bytes": 1000, "fetch.min.bytes": 1000000, "fetch.wait.max.ms": 100}
    site = company.deploy(harness.shared_node(), people=200, days=40, partitions=2, feed=False,
                          kafka={"max.poll.interval.ms": 10000, "session.timeout.ms": 6000, **slow})
    site.feed(site.lines, batch=70)
    with site.daemon(environment={"ROLLCALL_FAULT": "before_send_offsets:stop:10:14000,after_poll:stop:40:14000"}) as daemon:
        daemon.wait_line("stop at pass 10 of before_send_offsets")
        daemon.wait_line("event=transaction_error .*call=send_offsets", 60)
        daemon.wait_line("stop at pass 40 of after_poll", 60)
        company.wait_settled(site, 200)
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
        said = daemon.stderr()
    harness.check(len(re.findall("event=revoked .*lost=true", said)) == 2, f"lost twice, once in a transaction:\n{said}")
    company.verify(site)


def closed_until(site, partition):
    """The newest day that the partition's last progress record calls closed."""
    last = [record for record in site.node.consume(site.topics["progress"]) if record.key == str(partition)][-1]
    return max(last.json()["closed"].values())


def cpu_share(daemon, seconds):
    def spent():
        fields = (harness.pathlib.Path("/proc") / str(daemon.process.pid) / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = spent()
    time.sleep(seconds)
    return (spent() - before) / seconds


def test_no_core_is_dumped():
    """Ids and secrets are in the memory of the daemon; a program that is like it but for that leaves a core here."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    os.chdir(harness.TEST_DIR)

    def dumps(process):
        os.kill(process.pid, signal.SIGSEGV)
        return os.WCOREDUMP(os.waitpid(process.pid, 0)[1])

    if not dumps(subprocess.Popen(["sleep", "60"])):
        print("this machine dumps no cores at all", file=sys.stderr)
        sys.exit(harness.SKIPPED)
    site = company.deploy(harness.shared_node(), people=60, days=30)
    with site.daemon() as daemon:
        daemon.wait_line("event=ready")
        dumped = dumps(daemon.process)
        daemon.process.returncode = -signal.SIGSEGV  # it was waited for here
    harness.check(not dumped, "no core")


def test_row_24_upstream_transaction_hangs():
    """Behind the log's last record a transaction of somebody else is open: nothing is closed by the wall clock, and somebody is
    told. It is aborted in the end: nobody sees its records, and the offsets that it took are passed over."""
    site = company.deploy(harness.shared_node(), people=60, days=30, partitions=2, feed=False)
    limit = harness.rfc3339(round((time.time() - 10 * 86400) * 1000))
    site.lines = [line for line in site.lines if line["arrived_at"] < limit]
    site.feed(site.lines)
    somebody = next(line["employee_id"] for line in site.lines if line["topic"] == "swipes")
    stray = [harness.Record(key=somebody, partition=0, timestamp=harness.milliseconds(limit) + n, value=json.dumps(
        {"employee_id": somebody, "occurred_at": limit, "site_id": "nowhere"})) for n in range(3)]
    site.node.produce(site.topics["swipes"], stray, transaction=site.name, end="leave")
    yesterday = str(datetime.date.today() - datetime.timedelta(days=4))
    with site.daemon() as daemon:
        daemon.wait_line(r"event=input_undecided .*topic=\S+\.swipes partition=0 .*behind=[34] ", 60)
        share = cpu_share(daemon, 5)
        harness.check(share < 0.2, f"{share} of a core while waiting")
        harness.check(closed_until(site, 1) >= yesterday, "the other partition's days are closed by the wall clock")
        harness.check(closed_until(site, 0) <= limit[:10], f"its own are not: {closed_until(site, 0)}")
        # Whoever takes the id ends what was open under it.
        site.node.produce(site.topics["swipes"], stray[:1], transaction=site.name, end="abort")
        daemon.wait_line("event=input_decided .*partition=0", 30)
        company.wait_settled(site)
        harness.check(closed_until(site, 0) >= yesterday, "closed when it is decided")
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
        harness.check(len(re.findall("event=input_undecided", daemon.stderr())) == 1, "told once a minute")
        read = company.counts(daemon.stderr())["read"]
    harness.check(read == company.to_read(site), f"{read} of {company.to_read(site)} records: nothing aborted is seen")
    company.verify(site)


if __name__ == "__main__":
    harness.main(globals())
