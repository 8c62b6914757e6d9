"""The proxy, tested: each rule does to a real broker's traffic what it says, and nothing else."""

import contextlib
import struct
import time

import answers
import harness
import proxy
from harness import Record


@contextlib.contextmanager
def fed_through_a_proxy():
    """(proxy, node, a Feeder behind the proxy whose producer id it has, the topic "t")."""
    with harness.Node(proxied=True) as node, proxy.Proxy(node) as net:
        node.create("t", 1)
        with harness.Feeder(node.at(net.address)) as feeder:
            feeder.feed([("t", Record("k", "first", 0))])
            yield net, node, feeder


def send(feeder, *values):
    feeder.begin()
    feeder.send("t", *(Record("k", value, 0) for value in values))


def values(node, isolation="read_committed"):
    return [record.value for record in node.consume("t", isolation)]


def timed(call, *arguments):
    start = time.monotonic()
    result = call(*arguments)
    return time.monotonic() - start, result


def actions(net):
    return [event["action"] for event in net.events if event["action"] != "accept"]


def test_own_node_cut_before_and_cut_after():
    with fed_through_a_proxy() as (net, node, feeder):
        for action in ("drop", "apply_then_cut"):
            for request in ("Produce", "AddPartitionsToTxn", "EndTxn"):
                before = net.requests[request]
                rule = net.add(action, request, client="^kt$")
                send(feeder, f"{action} {request}")
                assert feeder.commit()["ok"]
                assert rule.struck == 1 and net.requests[request] == before + 2, net.events
        assert net.counts["drop"] == net.counts["apply_then_cut"] == net.counts["swallowed"] == 3
        assert values(node) == ["first"] + [f"{action} {request}" for action in ("drop", "apply_then_cut")
                                            for request in ("Produce", "AddPartitionsToTxn", "EndTxn")]


def test_own_node_which_requests_are_struck():
    with fed_through_a_proxy() as (net, node, feeder):
        nobody = net.add("drop", client="^somebody-else$")
        commits = net.add("drop", "EndTxn", when=lambda request: request.transaction_end()[3])
        send(feeder, "aborted")
        assert feeder.abort()["ok"] and commits.matched == 0
        third = net.add("delay", "Produce", skip=2, seconds=1.5)
        seconds = []
        for i in range(4):
            send(feeder, str(i))
            seconds.append(timed(feeder.commit)[0])
        assert nobody.matched == 0 and (commits.matched, commits.struck) == (5, 1) and (third.matched, third.struck) == (4, 1)
        assert seconds[1] < 1.5 < seconds[2], seconds
        net.remove(commits)
        dice = net.add("drop", "EndTxn", times=None, probability=0.3, seed=3)
        for i in range(20):
            send(feeder, f"dice {i}")
            assert feeder.commit()["ok"]
        assert dice.matched == 20 + dice.struck and 3 <= dice.struck <= 20, (dice.matched, dice.struck)
        assert values(node) == ["first", "0", "1", "2", "3"] + [f"dice {i}" for i in range(20)]


def test_own_node_delays_and_rewritten_answers():
    def not_yet(request, payload):
        return payload[:8] + struct.pack(">h", 51)  # CONCURRENT_TRANSACTIONS

    with fed_through_a_proxy() as (net, node, feeder):
        for action in ("delay", "delay_answer"):
            net.add(action, "EndTxn", seconds=1.0)
            send(feeder, action)
            seconds, answer = timed(feeder.commit)
            assert answer["ok"] and 1.0 < seconds < 3.0, seconds
        before = net.requests["EndTxn"]
        net.add("rewrite", "EndTxn", rewrite=not_yet)
        send(feeder, "rewritten")
        assert feeder.commit()["ok"] and net.requests["EndTxn"] == before + 2, net.events
        assert values(node) == ["first", "delay", "delay_answer", "rewritten"]


def test_own_node_answers_that_no_broker_has_given():
    """Read and written again they are the same, byte for byte; a refusal means what it says, whether the broker saw the request
    or not."""
    same = []

    def written_again(request, payload):
        same.append(answers.edit(lambda values: None)(request, payload) == payload)
        return payload

    with fed_through_a_proxy() as (net, node, feeder):
        rule = net.add("rewrite", "Produce", "AddPartitionsToTxn", "EndTxn", times=None, rewrite=written_again)
        send(feeder, "second")
        assert feeder.commit()["ok"] and len(same) == rule.struck >= 3 and all(same), same
        net.remove()
        seen = ["first", "second"]
        for action in ("answer", "rewrite"):
            before = net.requests["EndTxn"]
            rule = net.add(action, "EndTxn", rewrite=answers.refusal("COORDINATOR_LOAD_IN_PROGRESS"))
            send(feeder, action)
            assert feeder.commit()["ok"] and rule.struck == 1 and net.requests["EndTxn"] == before + 2, net.events
            seen.append(action)
        for request, code, words in (("Produce", "POLICY_VIOLATION", "policy"), ("AddPartitionsToTxn", "TOPIC_AUTHORIZATION_FAILED", "authorization")):
            rule = net.add("answer", request, rewrite=answers.refusal(code))
            send(feeder, f"refused {request}")
            answer = feeder.commit()
            assert not answer["ok"] and words in answer["error"].lower() and rule.struck == 1, answer
        assert values(node) == seen


def test_own_node_a_request_that_comes_too_late():
    """A commit of one transaction that its retry has overtaken acts on the next one, which is still open (KAFKA-17754). It is
    what rollcall defends itself against, and kt does not."""
    with fed_through_a_proxy() as (net, node, feeder):
        rule = net.add("hold_past", "EndTxn", seconds=3.0)
        send(feeder, "second")
        seconds, answer = timed(feeder.commit)
        assert answer["ok"] and seconds < 2.5 and rule.struck == 1, (seconds, answer)
        send(feeder, "third, open")
        feeder.process.stdin.flush()
        harness.wait_until(lambda: net.counts["late_answer"] == 1, 10, "the late answer")
        assert actions(net) == ["hold_past", "delivered_late", "late_answer"] and net.events[-1]["error"] == 0, net.events
        harness.wait_until(lambda: values(node) == ["first", "second", "third, open"], 5, "a commit that nobody has asked for")


def test_own_node_a_slow_line():
    with fed_through_a_proxy() as (net, node, feeder):
        rule = net.add("slow", "Produce", times=None, rate=100_000)
        send(feeder, *("%050000d" % i for i in range(6)))
        seconds, answer = timed(feeder.commit)
        assert answer["ok"] and seconds > 2.5, seconds
        net.remove(rule)
        send(feeder, "%0300000d" % 7)
        assert timed(feeder.commit)[0] < 1.5
        assert [len(value) for value in values(node)] == [5] + 6 * [50000] + [300000]


def test_own_node_the_whole_network():
    with fed_through_a_proxy() as (net, node, feeder):
        behind = node.at(net.address)
        behind.kt("wait")
        net.refuse()
        assert net.connections() == 0
        assert timed(_fails, behind)[0] < 5
        net.accept()
        behind.kt("wait")

        quick = timed(behind.kt, "wait")[0]
        net.latency(0.4)
        slow = timed(behind.kt, "wait")[0]
        assert slow > quick + 0.8, (quick, slow)
        net.latency(0.0)

        send(feeder, "second")
        assert net.connections() > 0 and net.reset() > 0
        assert feeder.commit()["ok"]

        net.blackhole()
        before = net.requests["ApiVersions"]
        assert timed(_fails, behind)[0] > 1.5
        assert net.requests["ApiVersions"] > before  # it was let in
        send(feeder, "third")
        feeder.process.stdin.write(b"commit\n")
        feeder.process.stdin.flush()
        time.sleep(1)
        assert values(node) == ["first", "second"]
        net.heal()
        harness.wait_until(lambda: values(node) == ["first", "second", "third"], 20, "what had been on its way")


def _fails(behind):
    try:
        behind.kt("wait", "--timeout", "2")
    except harness.Failure:
        return
    raise harness.Failure("it got through")


def test_own_node_three_brokers():
    """Leaders are found behind the proxy, and one of them can be cut off."""
    with harness.Cluster(proxied=True) as cluster, proxy.Proxy(cluster) as net:
        cluster.create("t", 3)
        behind = cluster.at(net.address)
        behind.produce("t", [Record("k", str(partition), partition) for partition in range(3)])
        assert [record.value for record in behind.consume("t")] == ["0", "1", "2"]
        net.add("delay", "Produce", times=None)
        behind.produce("t", [Record("k", str(partition), partition) for partition in range(3)])
        assert {event["broker"] for event in net.events if event["action"] == "delay"} == {0, 1, 2}
        net.refuse(broker=1)
        assert len(cluster.consume("t")) == 6  # around it
        behind.kt("wait")
        try:
            behind.kt("consume", "t", "--timeout", "3")
        except harness.Failure:
            pass
        else:
            raise harness.Failure("the leader of a partition was cut off")


if __name__ == "__main__":
    harness.main(globals())
