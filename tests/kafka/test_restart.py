"""Restarts and rebalances on a real broker: no record lost, doubled, reordered or invented."""

import random
import time

import company
import harness
import midway
from midway import committed, wait_for_progress


def deploy_slow(**config):
    return midway.deploy(people=400, days=40, batch=70, **config)


def test_sigkill_ten_times():
    """Static membership: a killed worker that comes back under its name owns its partitions again without a rebalance."""
    site = deploy_slow(workers=2)
    dice = random.Random(7)
    costs = []
    with site.daemon() as daemon:
        wait_for_progress(site, 0)
        for _ in range(10):
            time.sleep(dice.uniform(0.0, 0.3))
            daemon.sigkill()
            before, start = committed(site), time.monotonic()
            daemon.start()
            wait_for_progress(site, before)
            costs.append(time.monotonic() - start)
        harness.check(before < 0.9 * len(site.lines), f"struck midway: {before} of {len(site.lines)} at the last kill")
        company.wait_settled(site, timeout=200)
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
    compared = company.verify(site)
    costs.sort()
    print(f"{compared} records compared; from restart to the first commit: median {costs[5]:.2f} s, most {costs[-1]:.2f} s")


def test_sigterm_midway():
    """A stop is graceful: what was read is committed, and nothing is processed again."""
    site = deploy_slow(workers=2)
    read = []
    for share in (0.2, 0.5, 1.0):
        with site.daemon() as daemon:
            wait_for_progress(site, sum(read), share)
            if share == 1.0:
                company.wait_settled(site, timeout=200)
            daemon.sigterm()
            harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
            read.append(company.counts(daemon.stderr())["read"])
    company.verify(site)
    harness.check(read[0] < len(site.lines) and sum(read) == company.to_read(site), f"{read} of {company.to_read(site)} records")


def test_two_processes_one_joins_and_leaves():
    site = deploy_slow(workers=1)
    first = site.daemon("--set", "kafka.group.instance.id=first")
    second = site.daemon("--set", "kafka.group.instance.id=second")
    with first:
        wait_for_progress(site, 0)
        with second:
            second.wait_line("event=running", 60)
            at = wait_for_progress(site, committed(site), 0.2)
            second.sigterm()
            harness.check(second.wait() == 0, "SIGTERM ends with 0")
            harness.check(company.counts(second.stderr())["read"] > 0, "the one that joined has done something")
        harness.check(at < 0.9 * len(site.lines), "left midway")
        company.wait_settled(site, timeout=200)
        first.sigterm()
        harness.check(first.wait() == 0, "SIGTERM ends with 0")
    read = sum(company.counts(daemon.stderr())["read"] for daemon in (first, second))
    harness.check(read == company.to_read(site), f"{read} records read, {company.to_read(site)} are there")
    print(f"{company.verify(site)} records compared")


if __name__ == "__main__":
    harness.main(globals())
