"""A deployment that is slow enough to be struck midway, and how far it has come.

The whole log is in the topics beforehand, since at the end of the log the wall clock closes all days up to today; small
fetches, each as long on its way as the broker may wait, hold the daemon up (restores, too)."""

import time

import company
import harness

FETCH_MS = 100
FAST = ("--set", "kafka.fetch.message.max.bytes=1048576", "--set", "kafka.fetch.min.bytes=1", "--set", "kafka.fetch.wait.max.ms=50")
SLOW = {"fetch.message.max.bytes": 1000, "fetch.min.bytes": 1000000, "fetch.wait.max.ms": FETCH_MS, "session.timeout.ms": 6000}


def deploy(node=None, batch=40, kafka=None, **config):
    """A fetch returns one batch of at most `batch` records, so a worker reads that many in FETCH_MS."""
    config = {"people": 150, "days": 30, "workers": 2, **config}
    site = company.deploy(node or harness.shared_node(), feed=False, kafka={**SLOW, **(kafka or {})}, **config)
    site.feed(site.lines, batch=batch)
    return site


def employee_topics(site):
    return [site.topics[name] for name in harness.INPUTS if name != "calendar"]


def total(site):
    return sum(line["topic"] != "calendar" for line in site.lines)


def committed(site):
    return sum(n or 0 for n in site.node.offsets(site.group, *employee_topics(site)).values())


def wait_for_progress(site, beyond=0, share=0.0, timeout=90, committed=committed):
    """Until more than `beyond` records, and this share of all, are committed; how many are."""
    least = max(beyond + 1, share * total(site) if share else 0)
    harness.wait_until(lambda: committed(site) >= least, timeout, f"{least} records committed", every=0.02)
    return committed(site)


def check_midway(site):
    at = committed(site)
    harness.check(0 < at < 0.95 * total(site), f"struck midway: {at} of {total(site)} are committed")
    return at


def stop(daemon, within=30):
    """SIGTERM; how much it had read."""
    daemon.sigterm()
    code = daemon.wait(within)
    harness.check(code == 0, f"SIGTERM ended with {code}")
    return company.counts(last_run(daemon))["read"]


def finish(site, *daemons, timeout=120):
    """Graceful stops, the rest of the log at full speed, and the verdict; how many records were compared."""
    for daemon in daemons:
        stop(daemon)
    with site.daemon(*FAST) as daemon:
        company.wait_settled(site, timeout)
        stop(daemon)
    return company.verify(site)


def last_run(daemon):
    """What it has said since it was started last."""
    said = daemon.stderr()
    return said[max(said.rfind("event=starting"), 0):]


def ended_with(daemon, code, *words, within=60):
    """The daemon ends by itself with this code, and its last line holds these words."""
    found = daemon.wait(within)
    last = (daemon.stderr().strip().splitlines() or [""])[-1]
    harness.check(found == code, f"ended with {found}, not {code}: {last}")
    for word in words:
        harness.check(str(word) in last, f"'{word}' is not in the last line: {last}")


def open_transactions(site):
    """Partitions of the changelog in which something is written and neither committed nor aborted."""
    ends = site.node.watermarks(site.topics["changelog"])
    stable = site.node.watermarks(site.topics["changelog"], "read_committed")
    return [partition for partition, (_, end) in ends.items() if stable[partition][1] < end]


def stop_in_a_transaction(site, daemon, timeout=60):
    """SIGSTOP at a moment when the daemon has written and not committed; which partitions that concerns."""

    def struck():
        daemon.pause()
        found = set(open_transactions(site))
        if found:  # not one that was just about to end, nor another instance's
            time.sleep(0.5)
            found &= set(open_transactions(site))
        if not found:
            daemon.resume()
        return found

    return harness.wait_until(struck, timeout, "an open transaction", every=0.007)


def stop_code(daemon, within=30):
    daemon.sigterm()
    return daemon.wait(within)
