"""`delivery: at_least_once` on a real broker: no transactions anywhere; what a crash lets happen twice is the same twice."""

import random
import signal
import time

import company
import harness
import midway
from midway import check_midway, committed, wait_for_progress


def deploy(node=None, feed=True, **more):
    """feed=False: slow enough to be struck midway. The whole log is there beforehand in any case."""
    config = {"delivery": "at_least_once", "people": 300, "days": 40, "partitions": 2, **more}
    if feed:
        return company.deploy(node or harness.shared_node(), **config)
    return midway.deploy(node, batch=70, **{"workers": 1, **config})


def without_repeats(site):
    """The state records as a consumer has them that knows each by (employee, known_at, seq); how many came again."""
    first, states, repeats = {}, [], 0
    for record in site.node.consume(site.topics["state"], "read_uncommitted"):
        state = record.json()
        identity = state["employee_id"], state["known_at"], state["seq"]
        if identity in first:
            repeats += 1
            harness.check((record.value, record.headers) == first[identity], f"another repeat:\n{record}\n{first[identity]}")
        else:
            first[identity] = record.value, record.headers
            states.append(state)
    return states, repeats


def verify(site):
    """What is published, but for repeats, is what replay makes of the log. How many were compared, and how many repeats."""
    until = harness.rfc3339(round((time.time() - company.CLOCK_SKEW_S) * 1000))
    states, repeats = without_repeats(site)
    harness.check_sequences(states)
    return harness.compare_states(states, site.replay("--until", until)), repeats


def check_without_transactions(site):
    """A marker of a transaction would take an offset of its own."""
    for output in ("state", "rejects", "progress"):
        records = site.node.consume(site.topics[output], "read_uncommitted")
        ends = site.node.watermarks(site.topics[output])
        harness.check(sum(high for _, high in ends.values()) == len(records), f"{output}: {len(records)} records, {ends}")


def stop(daemon):
    daemon.sigterm()
    harness.check(daemon.wait() == 0, "SIGTERM ends with 0")


def test_without_a_crash_nothing_is_twice():
    site = deploy(people=150, days=30, workers=2, partitions=4)
    for _ in range(2):  # a restart is no crash
        with site.daemon() as daemon:
            company.wait_settled(site)
            stop(daemon)
            harness.check("changelog_written_whole" not in daemon.stderr(), "nothing was left behind")
    compared, repeats = verify(site)
    harness.check(compared > 150 and repeats == 0, f"{compared} compared, {repeats} repeats")
    check_without_transactions(site)


def test_sigkill_eight_times():
    site = deploy(people=250, days=35, feed=False, workers=2)
    dice = random.Random(11)
    with site.daemon() as daemon:
        for _ in range(8):
            before = committed(site)
            wait_for_progress(site, before)
            time.sleep(dice.uniform(0.0, 0.2))
            daemon.sigkill()
            daemon.start()
        harness.check(before < 0.9 * len(site.lines), f"struck midway: {before} of {len(site.lines)} at the last kill")
        company.wait_settled(site, timeout=120)
        stop(daemon)
        whole = daemon.stderr().count("changelog_written_whole")
    compared, repeats = verify(site)
    check_without_transactions(site)
    print(f"{compared} records compared, {repeats} repeats; {whole} times something was left behind in the changelog")


def leave_behind(site, partition=0):
    """What a crash between the changelog and its commit leaves, made worse: an old state of everything, and an old task record."""
    records = [record for record in site.node.consume(site.topics["changelog"]) if record.partition == partition]
    blocks = [record for record in records if record.value is not None and key_of(record)[:1] in (b"d", b"s", b"t")]
    harness.check(len(blocks) > 6, f"only {len(blocks)} blocks")
    site.node.produce(site.topics["changelog"], [
        harness.Record(record.key, record.value, partition=partition) for record in blocks[:len(blocks) // 2]])


def key_of(record):
    return record.key if isinstance(record.key, bytes) else record.key.encode()


def finish(site, daemon):
    company.wait_settled(site, timeout=120)
    stop(daemon)
    return verify(site)


def test_what_was_not_committed_means_nothing():
    """Old blocks behind the last commit: passed over at the restart, and overruled for the restarts after it."""
    site = deploy(feed=False, people=150, days=30, partitions=1)
    with site.daemon() as daemon:
        wait_for_progress(site, 0, 0.2)
        daemon.sigkill()
        leave_behind(site)
        daemon.start()
        daemon.wait_line("changelog_written_whole")
        wait_for_progress(site, committed(site), 0.4)
        daemon.sigkill()
        check_midway(site)
        daemon.start()  # reads the old blocks, and what overrules them
        print("%d records compared, %d repeats" % finish(site, daemon))


def test_struck_in_the_first_batch_of_all():
    """The mark is committed, and then blocks of people lie behind the birth record, without a task record or with one."""
    with (other := deploy(people=60, days=25, partitions=1)).daemon() as daemon:
        wait_for_progress(other, 0)
        daemon.sigkill()
    born, *blocks = other.node.consume(other.topics["changelog"])
    harness.check(key_of(born) == b"born", f"{born}")
    first = next(i for i, record in enumerate(blocks) if key_of(record) == b"task")
    harness.check(first > 0, "blocks before the task record")
    for written in (blocks[:first], blocks[:first + 1]):
        site = deploy(people=60, days=25, partitions=1)  # the same company
        site.node.produce(site.topics["changelog"], [harness.Record(r.key, r.value, partition=0) for r in written])
        for name in ("roster", "leave", "decisions", "swipes"):
            site.node.set_offsets(site.group, site.topics[name], 0, 0, *(["rollcall changelog 1"] if name == "swipes" else []))
        with site.daemon() as daemon:
            daemon.wait_line("changelog_written_whole")
            print("%d records compared, %d repeats" % finish(site, daemon))


def test_another_writer_of_the_changelog():
    """An instance that has lost its partitions, and does not know it: what it writes is found and undone."""
    site = deploy(feed=False, people=150, days=30, partitions=1)
    with site.daemon() as daemon:
        wait_for_progress(site, 0, 0.2)
        leave_behind(site)
        daemon.wait_line("event=starts_over .*somebody else has written to the changelog")
        check_midway(site)
        daemon.wait_line("changelog_written_whole")
        print("%d records compared, %d repeats" % finish(site, daemon))


def test_from_one_delivery_to_the_other_and_back():
    site = deploy(feed=False, people=120, days=30)
    for share, delivery in ((0.15, "exactly_once"), (0.3, "at_least_once"), (0.45, "at_least_once"), (0.6, "exactly_once")):
        with site.daemon("--set", f"delivery={delivery}") as daemon:
            wait_for_progress(site, committed(site), share)
            daemon.sigkill()
    check_midway(site)
    with site.daemon() as daemon:
        print("%d records compared, %d repeats" % finish(site, daemon))


def test_own_node_what_comes_twice_is_the_same():
    """The daemon dies while its outputs are on their way to a broker that hangs: they are written, and were never committed."""
    with harness.Node() as node:
        site = deploy(node, feed=False, people=250, days=30)
        with site.daemon() as daemon:
            for blow in range(15):  # at least three, and on until one of them has struck between output and commit
                wait_for_progress(site, committed(site))
                if blow >= 3 and without_repeats(site)[1] > 0:
                    break
                node.pause()
                time.sleep(0.5)
                daemon.signal(signal.SIGSTOP)  # its outputs have left, and it cannot go on to the commit
                node.resume()
                time.sleep(0.5)
                daemon.sigkill()
                daemon.start()
            compared, repeats = finish(site, daemon)
        harness.check(repeats > 0, "something came twice")
        check_without_transactions(site)
        print(f"{compared} records compared, {repeats} repeats")


def test_a_changelog_that_was_cut():
    """The commit says how long it was."""
    site = deploy(people=40, days=20, partitions=1)
    with site.daemon() as daemon:
        company.wait_settled(site)
        stop(daemon)
    records = [harness.Record(r.key, r.value, partition=0) for r in site.node.consume(site.topics["changelog"])]
    site.node.delete(site.topics["changelog"])
    site.node.create(site.topics["changelog"], 1, **{"cleanup.policy": "compact"})
    site.node.produce(site.topics["changelog"], records[:-2])
    with site.daemon() as daemon:
        harness.check(daemon.wait() == 78, f"{daemon.stderr()}")
        harness.check("it was cut" in daemon.stderr().splitlines()[-1], f"{daemon.stderr()}")


if __name__ == "__main__":
    harness.main(globals())
