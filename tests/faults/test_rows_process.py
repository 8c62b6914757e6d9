"""Rows 1, 2, 3, 8, 10 and 15 of the fault catalogue: what happens to the process. On a real broker; each test checks that the
fault struck when it should, and in the end that read_committed shows what replay makes of the same log, record for record."""

import itertools
import os
import random
import re
import signal
import time

import broker_log
import company
import harness
import midway

FENCED, TEMPFAIL, FORCED = 76, 75, 2

# --- 1: SIGKILL ----------------------------------------------------------------------------------------------------------

KILLS = int(os.environ.get("ROLLCALL_KILLS", "3"))  # at each point; 20 and more where there is time
KILLS_A_LOG = 30  # so many it takes to read it
# At which pass at most: at the first nothing is done yet, and each pass of a transaction is some 100 ms of the log.
PASSES = {"after_poll": 40, "before_produce": 25, "after_produce": 25, "before_send_offsets": 4, "after_send_offsets": 4,
          "before_commit": 4, "after_commit": 4, "in_restore": 30, "in_close": 6, "in_revoke": 1}


def kill_at(site, daemon, point, nth):
    """Starts it, and has it killed there; how many records were committed at that moment."""
    before = len(daemon.stderr())
    daemon.environment = {"ROLLCALL_FAULT": f"{point}:kill:{nth}"}
    daemon.start()
    if point == "in_revoke":
        midway.wait_for_progress(site, midway.committed(site))
        daemon.sigterm()
    harness.check(daemon.wait() == -signal.SIGKILL, f"{point} {nth}: {daemon.process.returncode}")
    harness.check(f"fault: kill at pass {nth} of {point}\n" in daemon.stderr()[before:], f"struck at pass {nth} of {point}")
    at = midway.committed(site)
    harness.check(at < 0.95 * midway.total(site), f"struck midway: {at} of {midway.total(site)}")
    return at


def test_row_01_killed_again_and_again_at_each_fault_point():
    """In a random order, at random passes of the point; what each leaves is where the next begins."""
    dice = random.Random(1)
    blows = [point for point in sorted(PASSES) for _ in range(KILLS)]
    dice.shuffle(blows)
    for first in range(0, len(blows), KILLS_A_LOG):
        site = midway.deploy(people=250, days=40, workers=2, kafka={"fetch.wait.max.ms": 20})
        daemon, at = site.daemon(), [0]
        daemon.log.touch()
        for point in blows[first:first + KILLS_A_LOG]:
            at.append(kill_at(site, daemon, point, dice.randint(1, PASSES[point])))
            harness.check(at[-1] >= at[-2], f"what is committed stays: {at}")
        harness.check(len(set(at)) > len(at) // 3, f"in different places: {at}")
        print(f"{midway.finish(site)} records compared; committed at each kill: {at}")


# --- 2: SIGTERM ----------------------------------------------------------------------------------------------------------


def test_row_02_sigterm_in_start_restore_and_batch():
    """Whenever it comes: exit code 0, and what was read is read once, in all processes together."""
    site = midway.deploy(workers=2)
    read = []
    with site.daemon() as daemon:
        midway.wait_for_progress(site, share=0.2)
        read.append(midway.stop(daemon))
        for moment in ("warning", "warning", "event=starting", "event=starting"):  # it reads its files; it asks for producer ids
            before = len(daemon.stderr())
            daemon.start()
            harness.wait_until(lambda: moment in daemon.stderr()[before:], what=moment, every=0.001)
            harness.check("event=assigned" not in daemon.stderr()[before:], "struck in the start")
            harness.check(midway.stop_code(daemon) == 0 and "event=assigned" not in daemon.stderr()[before:], "and ended there")
        for _ in range(2):
            before = len(daemon.stderr())
            daemon.start()
            harness.wait_until(lambda: "event=assigned" in daemon.stderr()[before:], what="an assignment", every=0.005)
            time.sleep(2 * midway.FETCH_MS / 1000)
            harness.check(midway.last_run(daemon).count("event=running") < 4, "struck in the restore")
            read.append(midway.stop(daemon))
        midway.check_midway(site)
        daemon.start()
        company.wait_settled(site, 120)
        read.append(midway.stop(daemon))
    harness.check(sum(read) == company.to_read(site), f"{read} of {company.to_read(site)} records")
    print(f"{company.verify(site)} records compared")


def test_row_02_sigterm_in_a_rebalance():
    """The group has taken its partitions for another one that joins, and waits for a third that hangs."""
    site = midway.deploy(workers=1)
    read = []
    first, second, third = (site.daemon("--set", f"kafka.group.instance.id={name}") for name in ("first", "second", "third"))
    with first, second:
        second.wait_line("event=running")
        midway.wait_for_progress(site, midway.committed(site))
        second.pause()
        with third:
            before = first.stderr().count("event=assigned")
            harness.wait_until(lambda: first.stderr().count("event=revoked") >= before, what="a rebalance")
            midway.check_midway(site)
            read.append(midway.stop(first))
            harness.check(first.stderr().count("event=assigned") == before, "it was in the rebalance until its end")
            harness.check("event=assigned" not in third.stderr(), "so is the other one")
            read.append(midway.stop(third))
            second.resume()
        first.start()
        midway.wait_for_progress(site, midway.committed(site))
        company.wait_settled(site, 120)
        read += [midway.stop(first), midway.stop(second)]
    harness.check(sum(read) == company.to_read(site), f"{read} of {company.to_read(site)} records")
    print(f"{company.verify(site)} records compared")


def test_own_node_row_02_sigterm_in_an_outage():
    """The broker hangs: at the start the end is clean; in a batch, which can neither be committed nor given up in time, it is
    75 after 25 s, and 2 at once with a second signal. Nothing is lost or twice in any case."""
    with harness.Node() as node:
        site = midway.deploy(node, workers=2)
        with site.daemon() as daemon:
            midway.wait_for_progress(site, share=0.1)
            node.pause()
            time.sleep(1)
            began = time.monotonic()
            daemon.sigterm()
            midway.ended_with(daemon, TEMPFAIL, "could not finish in time", within=30)
            harness.check(time.monotonic() - began > 20, "it has tried")

            daemon.start()  # the broker still hangs
            harness.wait_until(lambda: daemon.stderr().count("event=broker_not_reached") > 0, what="the outage is noticed")
            harness.check(midway.stop_code(daemon) == 0, "stopped before it had begun")

            node.resume()
            daemon.start()
            midway.wait_for_progress(site, midway.committed(site), share=0.3)
            midway.check_midway(site)
            node.pause()
            time.sleep(1)
            daemon.sigterm()
            harness.wait_until(lambda: "event=stopping" in midway.last_run(daemon), what="the first signal is taken")
            began = time.monotonic()
            daemon.sigterm()
            midway.ended_with(daemon, FORCED, "second signal", within=5)
            harness.check(time.monotonic() - began < 2, "at once")
            node.resume()
        print(f"{midway.finish(site)} records compared")


def test_row_02_sigterm_twice():
    site = midway.deploy(workers=2)
    dice = random.Random(2)
    codes = []
    with site.daemon() as daemon:
        for _ in range(6):
            midway.wait_for_progress(site, midway.committed(site))
            daemon.sigterm()
            time.sleep(dice.uniform(0.0, 0.1))
            daemon.sigterm()
            codes.append(daemon.wait(30))
            midway.check_midway(site)
            daemon.start()
            daemon.wait_line("event=running")
    compared = midway.finish(site)
    harness.check(set(codes) <= {0, FORCED} and FORCED in codes, f"{codes}")
    print(f"{compared} records compared; codes {codes}")


# --- 3: SIGSTOP ----------------------------------------------------------------------------------------------------------

SHORT = {"session.timeout.ms": 3000, "heartbeat.interval.ms": 500, "transaction.timeout.ms": 2500}


def stop_between_transactions(site, daemon):
    while True:
        daemon.pause()
        if not midway.open_transactions(site):
            return
        daemon.resume()


def test_row_03_stopped_until_its_partitions_have_moved():
    """Between two transactions: it comes back as one that owns nothing, joins again and goes on."""
    site = midway.deploy(workers=1, kafka=SHORT)
    first = site.daemon("--set", "kafka.group.instance.id=first")
    second = site.daemon("--set", "kafka.group.instance.id=second")
    with first, second:
        second.wait_line("event=running")
        for stopped, other in ((first, second), (second, first)):
            midway.wait_for_progress(site, midway.committed(site))
            owned = other.stderr().count("event=running")
            stop_between_transactions(site, stopped)
            lost = stopped.stderr().count("lost=true")
            harness.wait_until(lambda: other.stderr().count("event=running") >= owned + 4, 30, "the other one owns all")
            midway.wait_for_progress(site, midway.committed(site))
            midway.check_midway(site)
            stopped.resume()
            harness.wait_until(lambda: stopped.stderr().count("lost=true") > lost, 30, "it is told that it has lost its partitions")
        print(f"{midway.finish(site, first, second)} records compared")


def test_row_03_stopped_in_a_transaction_until_that_has_timed_out():
    """The broker has aborted what was written and fenced the producer: nothing of it is visible. Nobody has taken its place, so
    the worker goes on with a new one."""
    site = midway.deploy(workers=1, kafka={**SHORT, "session.timeout.ms": 20000})
    with site.daemon() as daemon:
        for count in (1, 2):
            midway.wait_for_progress(site, midway.committed(site))
            midway.stop_in_a_transaction(site, daemon)
            midway.check_midway(site)
            before = midway.committed(site)
            harness.wait_until(lambda: not midway.open_transactions(site), 30, "the broker aborts it")
            harness.check(midway.committed(site) == before, "nothing of it counts")
            daemon.resume()
            midway.wait_for_progress(site, before)
            harness.check(daemon.stderr().count("event=starts_over") == count, "with a new producer")
        print(f"{midway.finish(site, daemon)} records compared")


def test_row_03_stopped_in_a_transaction_until_its_partitions_have_moved():
    """What it had written is aborted, another instance publishes the same; the one that comes back shows nothing, joins again
    and goes on."""
    site = midway.deploy(workers=1, kafka=SHORT)
    first = site.daemon("--set", "kafka.group.instance.id=first")
    second = site.daemon("--set", "kafka.group.instance.id=second")
    with first, second:
        second.wait_line("event=running")
        owned = second.stderr().count("event=running")
        midway.stop_in_a_transaction(site, first)
        harness.wait_until(lambda: second.stderr().count("event=running") >= owned + 4, 30, "the other one owns all")
        midway.wait_for_progress(site, midway.committed(site))
        midway.check_midway(site)
        first.resume()
        first.wait_line("event=starts_over(.*\n)*.*event=running", 30)
        print(f"{midway.finish(site, first, second)} records compared")


def test_row_03_stopped_in_a_transaction_until_it_was_replaced():
    """By another one of its name, which has decided its transaction: the one that comes back finds its place taken."""
    site = midway.deploy(workers=1)
    older, newer = site.daemon(), site.daemon()
    with older:
        midway.wait_for_progress(site)
        midway.stop_in_a_transaction(site, older)
        with newer:
            newer.wait_line("event=ready")
            midway.wait_for_progress(site, midway.committed(site))
            midway.check_midway(site)
            older.resume()
            midway.ended_with(older, FENCED, "fenced: another instance uses")
            print(f"{midway.finish(site, newer)} records compared")


def test_row_03_stopped_between_transactions_until_it_was_replaced():
    """For longer than its session, so that it does not know any more which member it was: the one of its name that came
    meanwhile is the one that goes on."""
    site = midway.deploy(workers=1, kafka=SHORT)
    older, newer = site.daemon(), site.daemon()
    with older:
        midway.wait_for_progress(site)
        stop_between_transactions(site, older)
        with newer:
            newer.wait_line("event=ready")
            midway.wait_for_progress(site, midway.committed(site))
            time.sleep(SHORT["session.timeout.ms"] / 1000)
            midway.check_midway(site)
            older.resume()
            midway.ended_with(older, FENCED, "fenced: another instance uses")
            print(f"{midway.finish(site, newer)} records compared")


# --- 8: a group that is never at rest --------------------------------------------------------------------------------------


def test_row_08_one_to_three_instances_join_and_leave_every_two_seconds():
    """Some leave by SIGTERM, some by SIGKILL, and names come back. In each generation of the group one producer alone has
    committed a partition, in the words of the broker's own log."""
    site = midway.deploy(people=300, batch=25, workers=1, partitions=6, kafka={"session.timeout.ms": 2000, "heartbeat.interval.ms": 300})
    names = itertools.cycle(["a", "b", "c", "d", "e"])
    dice = random.Random(8)
    alive, gone, joined = [], [], 0
    until = time.monotonic() + 30
    try:
        while time.monotonic() < until:
            if len(alive) < 3 and (len(alive) < 2 or dice.randrange(2)):
                alive.append(site.daemon("--set", f"kafka.group.instance.id={next(names)}"))
                alive[-1].start()
                joined += 1
            else:
                leaves = alive.pop(dice.randrange(len(alive)))
                if dice.randrange(3):
                    harness.check(midway.stop_code(leaves) == 0, f"SIGTERM:\n{leaves.stderr()[-1000:]}")
                else:
                    leaves.sigkill()
                gone.append(leaves)
            time.sleep(2)
            harness.check(all(daemon.process.poll() is None for daemon in alive), "nobody ends by itself")
        midway.check_midway(site)
        compared = midway.finish(site, *alive, timeout=150)
    finally:
        for daemon in alive:
            if daemon.process.poll() is None:
                daemon.sigkill()
    generations = broker_log.check_one_committer_a_generation(site.node, site.group)
    harness.check(joined >= 6 and generations >= 6, f"{joined} joined, {generations} generations have committed")
    print(f"{compared} records compared; {joined} joined, {len(gone)} left, {generations} generations have committed")


# --- 10: two of one name ---------------------------------------------------------------------------------------------------


def test_row_10_two_of_one_name():
    """The same group.instance.id, and so the same transactional ids: the older one ends with 76, which no service manager
    restarts; the newer one goes on. While it works, and while it has nothing to do."""
    unit = (harness.ROOT / "deploy" / "rollcall.service").read_text()
    (line,) = [line for line in unit.splitlines() if line.startswith("RestartPreventExitStatus=")]
    harness.check(str(FENCED) in line.split("=")[1].split(), f"the unit does not restart it: {line}")
    site = midway.deploy(workers=2)
    daemons = [site.daemon() for _ in range(4)]
    try:
        daemons[0].start()
        for older, newer in zip(daemons, daemons[1:]):
            if newer is daemons[-1]:
                midway.check_midway(site)
                company.wait_settled(site, 120)
            else:
                midway.wait_for_progress(site, midway.committed(site), share=0.1)
            newer.start()
            midway.ended_with(older, FENCED, "fenced: another instance uses", within=30)
            newer.wait_line("event=ready")
        compared = midway.finish(site, daemons[-1])
    finally:
        for daemon in daemons:
            if daemon.process is not None and daemon.process.poll() is None:
                daemon.sigkill()
    print(f"{compared} records compared")


def test_row_10_replaced_while_it_joins():
    """A member that has not answered yet keeps the group from dealing out its partitions; meanwhile two of one name come, one
    after the other. The older one is told that it is fenced before it was ever told which member it is."""
    site = midway.deploy(workers=1, kafka={"session.timeout.ms": 10000})
    silent = site.daemon("--set", "kafka.group.instance.id=silent")
    older, newer = (site.daemon("--set", "kafka.group.instance.id=twin") for _ in range(2))
    with silent:
        midway.wait_for_progress(site)
        silent.pause()
        with older:
            harness.wait_until(lambda: "twin-0" in site.node.members(site.group), 8, "it joins")
            with newer:
                midway.ended_with(older, FENCED, "fenced: another instance uses", within=8)
                harness.check("event=assigned" not in older.stderr(), "it was still joining")
                silent.resume()
                newer.wait_line("event=running")
                print(f"{midway.finish(site, newer, silent)} records compared")


# --- 15: restores ----------------------------------------------------------------------------------------------------------


def test_row_15_a_restore_longer_than_the_poll_interval():
    """It is done beside the polling: nobody is thrown out of the group, whose generation stays."""
    site = midway.deploy(workers=1, days=45, kafka={"max.poll.interval.ms": 6000})  # the second goes on meanwhile
    first = site.daemon("--set", "kafka.group.instance.id=first")
    second = site.daemon("--set", "kafka.group.instance.id=second")
    with first, second:
        second.wait_line("event=running")
        midway.wait_for_progress(site, share=0.3)
        midway.stop(first)
        said, other_said = len(first.stderr()), len(second.stderr())
        first.arguments += ("--set", "kafka.fetch.wait.max.ms=300")
        first.start()  # within its session: still a member
        harness.wait_until(lambda: "event=ready" in first.stderr()[said:], 60, "the restore")
        midway.check_midway(site)
        took = max(int(ms) for ms in re.findall(r"restore_ms=(\d+)", first.stderr()[said:]))
        harness.check(took > 6500, f"the restore took {took} ms")
        harness.check("event=revoked" not in first.stderr()[said:] + second.stderr()[other_said:], "no rebalance")
        midway.wait_for_progress(site, midway.committed(site))
        harness.check("MAXPOLL" not in first.stderr(), "librdkafka did not miss it either")
        print(f"{midway.finish(site, first, second)} records compared; restored in {took} ms")


def test_row_15_killed_in_restore_again_and_again():
    """Each start begins anew with it, and none of them changes anything."""
    site = midway.deploy(workers=2, kafka={"fetch.wait.max.ms": 20})
    with site.daemon() as daemon:
        midway.wait_for_progress(site, share=0.3)
        daemon.sigkill()
        ends = site.node.watermarks(site.topics["changelog"], "read_committed")
        blocks = sum(high for _, high in ends.values()) // 2  # every other offset is a marker's
        at = None
        for nth in (1, 2, blocks // 4, blocks // 2, 1):
            struck = kill_at(site, daemon, "in_restore", nth)
            harness.check(at in (None, struck), f"nothing is committed: {struck}")
            at = struck
    midway.check_midway(site)
    print(f"{midway.finish(site)} records compared")


def test_row_15_the_last_owner_left_its_transaction_open():
    """Its successor has another name, so nothing ends the transaction but its timeout. Until then the end of the changelog, and
    then the offsets too, are not known; they are waited for."""
    site = midway.deploy(workers=1, kafka={"session.timeout.ms": 3000, "heartbeat.interval.ms": 500, "transaction.timeout.ms": 9000})
    for name, point in (("a", "before_send_offsets"), ("b", "before_commit")):
        owner = site.daemon("--set", f"kafka.group.instance.id={name}", environment={"ROLLCALL_FAULT": f"{point}:stop:15:60000"})
        with owner:
            owner.wait_line(f"fault: stop at pass 15 of {point}", 60)
            torn = harness.wait_until(lambda: midway.open_transactions(site), 10, "an open transaction")
            time.sleep(0.5)  # all of it has arrived
            owner.sigkill()
        before = midway.check_midway(site)
        heir = site.daemon("--set", f"kafka.group.instance.id={name}-heir")
        with heir:
            heir.wait_line("event=assigned", 30)
            waited = time.monotonic()
            while midway.open_transactions(site):
                running = {int(p) for p in re.findall(r"event=running.*partition=(\d+)", heir.stderr())}
                harness.check(midway.open_transactions(site) == [] or not running & set(torn), f"{running} run, {torn} are torn")
                time.sleep(0.1)
            waited = time.monotonic() - waited
            harness.check(waited > 2, f"the transaction was open for {waited} s after the partitions had moved")
            midway.wait_for_progress(site, before)
            midway.check_midway(site)
            midway.stop(heir)
        time.sleep(3.5)  # the heir's session, too
    print(f"{midway.finish(site)} records compared")


if __name__ == "__main__":
    harness.main(globals())
