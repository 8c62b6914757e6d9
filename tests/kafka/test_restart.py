"""Restarts and rebalances on a real broker: no record lost, doubled, reordered or invented."""

import random
import time

import company
import harness


def feed_slowly(site, lines, chunks, between):
    """Feeds the log in so many parts; `between(i)` runs after each."""
    size = len(lines) // chunks + 1
    for i in range(chunks):
        site.feed(lines[i * size:(i + 1) * size])
        between(i)


def committed(site):
    return sum(n or 0 for n in site.node.offsets(site.group, site.topics["swipes"], site.topics["roster"]).values())


def test_sigkill_ten_times():
    """Static membership: a killed worker that comes back under its name owns its partitions again without a rebalance."""
    site = company.deploy(harness.shared_node(), people=400, days=40, feed=False, workers=2)
    dice = random.Random(7)
    costs = []
    with site.daemon() as daemon:
        def kill_and_restart(_):
            time.sleep(dice.uniform(0.05, 0.6))
            daemon.sigkill()
            before, start = committed(site), time.monotonic()
            daemon.start()
            harness.wait_until(lambda: committed(site) > before, 60, "a commit after the restart", every=0.02)
            costs.append(time.monotonic() - start)

        feed_slowly(site, site.lines, 10, kill_and_restart)
        company.wait_settled(site)
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
    compared = company.verify(site)
    costs.sort()
    print(f"{compared} records compared; from restart to the first commit: median {costs[5]:.2f} s, most {costs[-1]:.2f} s")


def test_sigterm_midway():
    """A stop is graceful: what was processed is committed, and nothing is processed again."""
    site = company.deploy(harness.shared_node(), people=400, days=40, feed=False, workers=2)
    half = len(site.lines) // 2
    read = 0
    for part in (site.lines[:half], site.lines[half:]):
        with site.daemon() as daemon:
            site.feed(part)
            harness.wait_until(lambda: committed(site) > 0, 60, "a first commit")
            if part is not site.lines[:half]:
                company.wait_settled(site)
            daemon.sigterm()
            harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
            read += int(harness.re.findall(r"read=(\d+) applied", daemon.stderr())[-1])
    company.verify(site)
    harness.check(read == len(site.lines), f"{read} records were read, {len(site.lines)} were there")


def test_two_processes_one_joins_and_leaves():
    site = company.deploy(harness.shared_node(), people=400, days=40, feed=False, workers=1)
    first = site.daemon("--set", "kafka.group.instance.id=first")
    second = site.daemon("--set", "kafka.group.instance.id=second")
    with first:
        def join_and_leave(i):
            if i == 2:
                second.start()
                second.wait_line("event=assigned", 60)
            if i == 5:
                second.sigterm()
                harness.check(second.wait() == 0, "SIGTERM ends with 0")

        feed_slowly(site, site.lines, 8, join_and_leave)
        company.wait_settled(site, timeout=120)
        first.sigterm()
        harness.check(first.wait() == 0, "SIGTERM ends with 0")
    print(f"{company.verify(site)} records compared")


if __name__ == "__main__":
    harness.main(globals())
