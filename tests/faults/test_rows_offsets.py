"""Offsets that the group's coordinator says, and that are not those of the changelog (row 13 of the fault catalogue); and offsets
that come to it while the partitions go (row 9)."""

import time

import answers
import harness
import midway
import test_rows_network as network

CONFIGURATION = 78


def set_back(values):
    """A coordinator that stood still knows only of what was committed before."""
    for topic in values["topics"]:
        for of in topic["partitions"]:
            of["offset"] = max(of["offset"] - 5, 0)


def come_some_way(site):
    """A daemon that has, and has stopped."""
    daemon = site.daemon()
    with daemon:
        network.wait_for_progress(site, share=0.2)
        midway.stop(daemon)
    return daemon


def test_row_13_own_node_older_offsets_for_a_while():
    """Two answers are old, and the third is not: they are doubted, and it goes on where it was."""
    with network.behind_a_proxy(batch=40, people=150) as (_, net, site):
        come_some_way(site)
        rule = net.add("rewrite", "OffsetFetch", times=2, rewrite=answers.edit(set_back))
        with site.daemon() as daemon:
            rule.wait_struck(2)
            network.wait_for_progress(site, network.committed(site))
            network.check_midway(site)
            harness.check("event=offsets_doubted" in daemon.stderr(), "doubted")
            print(f"{midway.finish(site, daemon)} records compared")


def test_row_13_own_node_older_offsets_that_stay():
    """They are not followed, nor is anything written; and when they are right again, nothing is missing or twice."""
    with network.behind_a_proxy(batch=40, people=150) as (node, net, site):
        come_some_way(site)
        rule = net.add("rewrite", "OffsetFetch", times=None, rewrite=answers.edit(set_back))
        ends = {name: node.watermarks(site.topics[name]) for name in harness.OUTPUTS}
        with site.daemon() as daemon:
            midway.ended_with(daemon, CONFIGURATION, "would be applied twice", "Somebody has reset the offsets")
            harness.check("event=offsets_doubted" in daemon.stderr() and rule.struck > 10, f"asked {rule.struck} times for 10 s")
        harness.check(ends == {name: node.watermarks(site.topics[name]) for name in harness.OUTPUTS}, "nothing was written")
        network.check_midway(site)
        net.remove(rule)
        print(f"{midway.finish(site)} records compared")


def lost_while_offsets_are_sent(seconds, socket_ms):
    """The coordinator has taken the offsets of a batch, its answer is `seconds` late, and so are the heartbeats: another member
    is given the partitions meanwhile."""
    times = {"session.timeout.ms": 6000, "transaction.timeout.ms": 30000, "socket.timeout.ms": socket_ms}
    with network.behind_a_proxy(batch=30, kafka=times) as (node, net, site):
        with site.daemon("--set", "kafka.group.instance.id=first") as first, \
                site.daemon("--set", "kafka.group.instance.id=second", "--set", f"kafka.bootstrap.servers={node.address}",
                            "--set", f"http=127.0.0.1:{harness.free_port()}") as second:
            for daemon in (first, second):
                daemon.wait_line("event=running", 60)
            network.wait_for_progress(site, network.committed(site))
            net.add("delay", "Heartbeat", client="^first-0$", seconds=seconds)
            rule = net.add("delay_answer", "TxnOffsetCommit", client="^first-0$", seconds=seconds)
            rule.wait_struck()
            began = time.monotonic()
            second.wait_line("event=assigned .*partitions=2(.|\\n)*event=assigned .*partitions=4", 60)
            harness.check(time.monotonic() - began < seconds, "the answer is still under way")
            first.wait_line("event=revoked .*lost=true|event=starts_over", 60)
            network.check_midway(site)
            said = first.stderr()
            print(f"{midway.finish(site, second, first)} records compared")
    return said


def test_row_09_own_node_lost_while_offsets_are_sent():
    """The new owner waits for the transaction, which is then committed."""
    said = lost_while_offsets_are_sent(10.0, socket_ms=25000)
    harness.check("event=batch_sent_again" not in said and "event=starts_over" not in said, "what had been sent was committed")


def test_row_09_own_node_lost_while_offsets_are_sent_again():
    """The answer comes too late, so the offsets are sent again, by one that is no member any more: refused, and given up."""
    said = lost_while_offsets_are_sent(20.0, socket_ms=9000)
    harness.check("call=send_offsets" in said, "refused")


if __name__ == "__main__":
    harness.main(globals())
