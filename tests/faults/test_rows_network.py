"""Rows of the fault catalogue that strike brokers and the network before them (docs/reliability.md). In each the fault is seen to
have struck, and what a read_committed consumer then sees is what `rollcall replay` makes of the same log."""

import contextlib
import os
import time

import company
import harness
import leaders
import midway
import proxy

# Small fetches, each as long on its way as the broker may wait: slow enough to be struck midway. Short times, so that a fault
# need not last long to be longer than them.
SLOW = {"fetch.message.max.bytes": 1000, "fetch.min.bytes": 1000000, "fetch.wait.max.ms": 100, "session.timeout.ms": 12000,
        "transaction.timeout.ms": 10000, "socket.timeout.ms": 4000}

OUTAGE_SECONDS = float(os.environ.get("ROLLCALL_OUTAGE_SECONDS", "60"))  # of one test; 600 by hand

INVALID_PRODUCER_EPOCH, PRODUCER_FENCED = 47, 90  # a broker's answers


def deploy(node, net=None, batch=70, people=250, days=35, kafka=None, **config):
    kafka = {**SLOW, **(kafka or {})}
    if net:
        kafka["bootstrap.servers"] = net.address
    site = company.deploy(node, people=people, days=days, feed=False, kafka=kafka, **config)
    site.feed(site.lines, batch=batch)  # a fetch returns one batch a partition
    return site


@contextlib.contextmanager
def behind_a_proxy(**more):
    """(node, proxy, site): a broker, all of whose connections to the daemon go through the proxy."""
    with harness.Node(proxied=True) as node, proxy.Proxy(node) as net:
        yield node, net, deploy(node, net, **more)


@contextlib.contextmanager
def three_behind_proxies(**more):
    with harness.Cluster(proxied=True) as cluster, proxy.Proxy(cluster) as net:
        yield cluster, net, deploy(cluster, net, **more)


def committed(site):
    topics = [site.topics[name] for name in harness.INPUTS if name != "calendar"]

    def ask():
        try:
            return [sum(n or 0 for n in site.node.offsets(site.group, *topics).values())]
        except harness.Failure:  # a coordinator that has just come, or come back
            return None

    return harness.wait_until(ask, 60, "the group's offsets")[0]


def wait_for_progress(site, beyond=0, share=0.0, timeout=60):
    least = max(beyond + 1, share * sum(line["topic"] != "calendar" for line in site.lines))
    harness.wait_until(lambda: committed(site) >= least, timeout, f"{least} records committed")
    return committed(site)


def check_midway(site):
    harness.check(committed(site) < 0.95 * len(site.lines), f"struck midway: {committed(site)} of {len(site.lines)}")


def finish(site, *daemons, timeout=120):
    """Healed: everything is done within the time, the daemons stop as they should, and nothing is lost or invented."""
    company.wait_settled(site, timeout)
    for daemon in daemons:
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
    print(f"{company.verify(site)} records compared")


def renewals(daemon):
    return daemon.stderr().count("event=producer_renewed")


def memory_kb(daemon):
    """The most that it has had."""
    with open(f"/proc/{daemon.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


# --- answers and requests that are lost or late ---------------------------------------------------------------------------


def struck_now_and_then(action, request, times, renewed):
    """`times` of these requests, at random, from early in the log on. The client is back at once: else it waits longer after
    each, and beyond what a transaction may take."""
    with behind_a_proxy(batch=20, people=150, kafka={"reconnect.backoff.max.ms": 300}) as (_, net, site):
        rule = net.add(action, request, skip=3, times=times, probability=0.4, seed=17)
        with site.daemon() as daemon:
            rule.wait_struck(times, 90)
            check_midway(site)
            print(f"{midway.finish(site, daemon)} records compared")
            harness.check(renewals(daemon) >= renewed, f"a producer in doubt is not used again: {renewals(daemon)} renewed")


def test_row_17_own_node_answers_to_produce_are_lost():
    struck_now_and_then("apply_then_cut", "Produce", 100, renewed=4)  # several of one batch, too


def test_row_17_own_node_answers_to_commits_are_lost():
    struck_now_and_then("apply_then_cut", "EndTxn", 30, renewed=15)


def test_row_17_own_node_commits_are_lost():
    struck_now_and_then("drop", "EndTxn", 30, renewed=15)


def late(request):
    """Requests that reach the broker after their retry, when the next transaction may be open: refused, since they are of an
    older epoch (KAFKA-17754; what would happen otherwise is seen in test_proxy.py)."""
    with behind_a_proxy(batch=40) as (_, net, site):
        with site.daemon() as daemon:
            for _ in range(4):
                wait_for_progress(site, committed(site))
                rule = net.add("hold_past", request, seconds=1.5)
                rule.wait_struck()
            check_midway(site)
            harness.wait_until(lambda: net.counts["late_answer"] == 4, 30, "four late answers")
            finish(site, daemon)
            errors = [event["error"] for event in net.events if event["action"] == "late_answer"]
            harness.check(set(errors) <= {INVALID_PRODUCER_EPOCH, PRODUCER_FENCED}, f"the broker refused them: {errors}")
            harness.check(renewals(daemon) >= 4, f"{renewals(daemon)} producers renewed")


def test_row_17_own_node_commits_arrive_after_their_retry():
    late("EndTxn")


def test_row_17_own_node_records_arrive_after_their_retry():
    late("Produce")


# --- rebalances in a batch ------------------------------------------------------------------------------------------------


def test_row_09_own_node_rebalance_between_offsets_and_commit():
    """The offsets are with the broker and the commit is on its way when another member joins."""
    with behind_a_proxy(batch=30, people=150) as (_, net, site):
        with site.daemon("--set", "kafka.group.instance.id=first") as first:
            wait_for_progress(site)
            rule = net.add("delay", "EndTxn", seconds=3.0)
            rule.wait_struck()
            with site.daemon("--set", "kafka.group.instance.id=second") as second:
                second.wait_line("event=running", 60)
                first.wait_line("event=revoked", 60)
                wait_for_progress(site, committed(site))
                check_midway(site)
                finish(site, second, first)


def test_row_09_own_node_partitions_lost_in_a_batch():
    """A line goes dead while the broker is to take the offsets of a batch, until the group has given the partitions away: what had
    been sent is not committed, and the other member does it again."""
    times = {"session.timeout.ms": 6000, "transaction.timeout.ms": 20000, "socket.timeout.ms": 15000}
    with behind_a_proxy(batch=30, kafka=times) as (node, net, site):
        with site.daemon("--set", "kafka.group.instance.id=first") as first, \
                site.daemon("--set", "kafka.group.instance.id=second", "--set", f"kafka.bootstrap.servers={node.address}",
                            "--set", f"http=127.0.0.1:{harness.free_port()}") as second:
            for daemon in (first, second):
                daemon.wait_line("event=running", 60)
            net.add("delay", "TxnOffsetCommit", seconds=0.5).wait_struck()
            net.blackhole()
            second.wait_line("event=assigned .*partitions=2(.|\\n)*event=assigned .*partitions=4", 60)
            net.heal()
            first.wait_line("event=revoked .*lost=true", 60)
            finish(site, second, first)
            harness.check("call=send_offsets" in first.stderr(), "its offsets were refused")


# --- brokers and coordinators that go away --------------------------------------------------------------------------------


def test_row_11_own_node_coordinator_killed_in_a_commit():
    """Twice, each time another broker: the coordinator of transactions, while a commit is on its way to it."""
    with three_behind_proxies(batch=12, people=150) as (cluster, net, site):
        with site.daemon() as daemon:
            for _ in range(2):
                wait_for_progress(site, committed(site))
                rule = net.add("delay", "EndTxn", seconds=1.0)
                rule.wait_struck()
                coordinator = cluster.nodes[net.events[-1]["broker"]]
                coordinator.kill()
                at, start = committed(site), time.monotonic()
                wait_for_progress(site, at, timeout=30)
                print(f"{time.monotonic() - start:.1f} s without a commit")
                coordinator.start()
                cluster.wait_in_sync()
            check_midway(site)
            finish(site, daemon)


def test_row_11_own_node_no_coordinator_for_20_s():
    """In a commit two of three go away: nobody is left who may answer."""
    with three_behind_proxies(batch=30, people=150) as (cluster, net, site):
        with site.daemon() as daemon:
            wait_for_progress(site)
            rule = net.add("delay", "EndTxn", seconds=1.0)
            rule.wait_struck()
            first = net.events[-1]["broker"]
            away = [cluster.nodes[first], cluster.nodes[(first + 1) % 3]]
            for node in away:
                node.kill()
            time.sleep(20)
            harness.check(daemon.process.poll() is None, "it waits")
            cluster.start()
            check_midway(site)
            finish(site, daemon)


def test_row_16_own_node_broker_killed_for_5_s_and_20_s():
    with harness.Node() as node:
        site = deploy(node, batch=40, kafka={"session.timeout.ms": 45000, "transaction.timeout.ms": 30000})
        with site.daemon() as daemon:
            for seconds in (5, 20):
                wait_for_progress(site, committed(site))
                node.kill()
                time.sleep(seconds)
                harness.check(daemon.process.poll() is None, "it waits")
                node.start()
            check_midway(site)
            harness.check(memory_kb(daemon) < 300_000, f"{memory_kb(daemon)} kB at most")
            finish(site, daemon)


def test_row_16_own_node_broker_killed_for_60_s():
    """Or for as long as ROLLCALL_OUTAGE_SECONDS says."""
    with harness.Node() as node:
        site = deploy(node, batch=40, kafka={"session.timeout.ms": 45000, "transaction.timeout.ms": 30000})
        with site.daemon() as daemon:
            wait_for_progress(site, committed(site))
            node.kill()
            cpu = cpu_seconds(daemon)
            time.sleep(OUTAGE_SECONDS)
            harness.check(cpu_seconds(daemon) - cpu < 0.1 * OUTAGE_SECONDS, "it does not spin")
            harness.check(daemon.process.poll() is None, "it waits")
            node.start()
            wait_for_progress(site, committed(site))
            check_midway(site)
            harness.check(memory_kb(daemon) < 300_000, f"{memory_kb(daemon)} kB at most")
            print(f"{midway.finish(site, daemon)} records compared")


def test_row_16_own_node_all_three_away_at_once():
    with three_behind_proxies(batch=30, people=150) as (cluster, net, site):
        with site.daemon() as daemon:
            for seconds in (1, 20):
                wait_for_progress(site, committed(site))
                net.add("delay", "EndTxn", seconds=1.0).wait_struck()
                cluster.kill()
                time.sleep(seconds)
                harness.check(daemon.process.poll() is None, "it waits")
                cluster.start()
            check_midway(site)
            finish(site, daemon)


def test_row_16_own_node_outages_longer_than_sessions_and_transactions():
    """Each in a commit: the broker has ended the transaction when it answers again, and the client has given up its place in the
    group. Nobody else has come, so nobody is fenced."""
    with behind_a_proxy(batch=20, people=150) as (node, net, site):
        with site.daemon() as daemon:
            for _ in range(2):
                wait_for_progress(site, committed(site))
                net.add("delay", "EndTxn", seconds=0.5).wait_struck()
                node.kill()
                time.sleep(15)
                node.start()
            check_midway(site)
            finish(site, daemon)
            harness.check("code=_FENCED" in daemon.stderr(), "the transaction was ended by the broker")


def test_row_16_own_node_one_of_three_goes_and_the_others_go_on():
    with three_behind_proxies(batch=10, people=150) as (cluster, net, site):
        with site.daemon() as daemon:
            for node in cluster.nodes:
                wait_for_progress(site, committed(site))
                node.kill()
                wait_for_progress(site, committed(site), timeout=30)
                node.start()
                cluster.wait_in_sync()
            check_midway(site)
            finish(site, daemon)


def test_row_16_own_node_leaders_move_each_second():
    """Of inputs and outputs, of the group's offsets and of the transactions: 20 times."""
    with harness.Cluster() as cluster:
        site = deploy(cluster, batch=20, people=150)
        with site.daemon() as daemon:
            wait_for_progress(site)
            topics = {site.topics[name]: 1 if name == "calendar" else site.partitions for name in harness.INPUTS + harness.OUTPUTS}
            topics.update({"__consumer_offsets": 1, "__transaction_state": 1})
            for i in range(20):
                leaders.move(cluster, topics, i % 3)
                time.sleep(1)
            moved = sum(line.count("Leader __transaction_state-0 ") for line in cluster.log().splitlines())
            harness.check(moved >= 20, f"the coordinator moved {moved} times")
            check_midway(site)
            finish(site, daemon)


# --- lines that are bad ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def midway_on_a_network(**more):
    """(network, site, daemon): the daemon is midway before and after what is done to its network, and comes to the end."""
    with behind_a_proxy(**more) as (_, net, site), site.daemon() as daemon:
        wait_for_progress(site)
        yield net, site, daemon
        check_midway(site)
        net.latency(0)
        net.heal()
        finish(site, daemon)


def test_row_21_own_node_connections_are_reset():
    with midway_on_a_network(batch=30, people=150) as (net, _, _):
        cut = 0
        for _ in range(15):
            time.sleep(0.5)
            cut += net.reset()
        harness.check(cut > 30, f"only {cut} connections cut")


def test_row_21_own_node_half_a_second_each_way():
    with midway_on_a_network(batch=30, people=150) as (net, site, _):
        net.latency(0.25)
        at = committed(site)
        time.sleep(20)
        harness.check(committed(site) > at, "it goes on, slowly")


def test_row_21_own_node_half_open_for_20_s():
    """Connections stay open, and nobody answers: longer than requests, transactions and sessions may take."""
    with midway_on_a_network() as (net, _, daemon):
        net.blackhole()
        cpu = cpu_seconds(daemon)
        time.sleep(20)
        harness.check(cpu_seconds(daemon) - cpu < 3, f"it does not spin: {cpu_seconds(daemon) - cpu:.1f} s of processor time")
        harness.check(daemon.process.poll() is None, "it waits")


def cpu_seconds(daemon):
    with open(f"/proc/{daemon.process.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


# --- outputs --------------------------------------------------------------------------------------------------------------


def test_row_22_own_node_slow_outputs():
    """For 30 s outputs go at 8 kB/s: the input waits, in the broker and not in memory."""
    with behind_a_proxy(kafka={"transaction.timeout.ms": 60000, "session.timeout.ms": 61000, "socket.timeout.ms": 30000},
                        people=400) as (_, net, site):
        slow = net.add("slow", "Produce", times=None, rate=8_000)
        with site.daemon() as daemon:
            slow.wait_struck(5, 60)
            time.sleep(30)
            check_midway(site)
            harness.check(memory_kb(daemon) < 300_000, f"{memory_kb(daemon)} kB at most")
            net.remove(slow)
            finish(site, daemon)
            harness.check("event=revoked" not in daemon.stderr().partition("event=stopping")[0], "it stayed in the group")


def test_row_22_own_node_output_topic_away():
    """The rejects topic is deleted under the daemon, and made again after a while."""
    with harness.Node() as node:
        site = deploy(node, batch=40)
        with site.daemon() as daemon:
            wait_for_progress(site)
            before = site.rejects()
            node.delete(site.topics["rejects"])
            time.sleep(8)
            check_midway(site)
            node.create(site.topics["rejects"], site.partitions)
            finish(site, daemon)
            print(f"{len(before)} rejects before, {len(site.rejects())} after")


def test_row_22_own_node_message_too_large():
    """For the state topic: that is the configuration's fault. Once it is mended the daemon goes on, and nothing is missing."""
    with harness.Node() as node:
        site = deploy(node, people=60)
        state, partitions = site.topics["state"], site.partitions
        node.delete(state)
        node.create(state, partitions, **{"max.message.bytes": 200})
        with site.daemon() as daemon:
            harness.check(daemon.wait() == 78, "a contradiction that a restart does not mend")
            said = daemon.stderr().splitlines()[-1]
            harness.check(state in said and "max.message.bytes" in said, said)
        harness.check(node.consume(state) == [] and node.consume(state, "read_uncommitted") == [], "nothing got through")
        node.delete(state)
        node.create(state, partitions)
        with site.daemon() as daemon:
            daemon.wait_line("event=running")
            finish(site, daemon)


if __name__ == "__main__":
    harness.main(globals())
