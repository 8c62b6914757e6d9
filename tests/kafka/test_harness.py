"""The tools of these tests, tested: what kt, node and the verdicts say is what later tests believe."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import harness
from harness import Record


def _fails(call, *arguments):
    try:
        call(*arguments)
    except AssertionError as failure:
        return str(failure)
    raise AssertionError(f"{call.__name__} accepted {arguments}")


def test_records_come_back_as_they_went():
    node, topic = harness.shared_node(), harness.unique("round-trip")
    node.create(topic, 2, **{"message.timestamp.type": "CreateTime", "retention.ms": -1})
    sent = [
        Record("plain", '{"a":"tab \\t quote \\" Grüße 🙂"}', 0, 1_600_000_000_000),
        Record("a\tb\\N\n", "\\N is text here, \\x41 too\r\n\x00", 0, 5),
        Record(None, None, 1, 1_600_000_000_001, [("h", "v=w"), ("h", "x\ty"), ("null", None), ("empty", "")]),
        Record(b"\xff\xc0\xaf", b"\xed\xa0\x80\x00", 1, 1_600_000_000_002, [("b", b"\x80")]),
        Record("", "", 1, 1_600_000_000_003),
    ]
    node.produce(topic, sent)
    got = node.consume(topic)
    assert [r.offset for r in got] == [0, 1, 0, 1, 2], got
    assert {r.timestamp_type for r in got} == {"create"}, got
    for one, other in zip(sent, got):
        one.offset, one.timestamp_type = other.offset, "create"
    assert got == sent, got


def test_append_time_is_the_brokers():
    node, topic = harness.shared_node(), harness.unique("append-time")
    node.create(topic, 1, **{"message.timestamp.type": "LogAppendTime"})
    before = time.time_ns() // 1_000_000
    node.produce(topic, [Record("k", "v", 0, 1000)])
    (record,) = node.consume(topic)
    assert record.timestamp_type == "log_append" and before <= record.timestamp <= time.time_ns() // 1_000_000, record
    assert node.config(topic)["message.timestamp.type"] == "LogAppendTime"


def test_a_key_always_has_the_same_partition():
    node, topic = harness.shared_node(), harness.unique("by-key")
    node.create(topic, 4)
    node.produce(topic, [Record(f"E{i % 50}", str(i)) for i in range(200)])
    partitions = {}
    for record in node.consume(topic):
        partitions.setdefault(record.key, set()).add(record.partition)
    assert len(partitions) == 50 and all(len(p) == 1 for p in partitions.values()), partitions
    assert {p for one in partitions.values() for p in one} == {0, 1, 2, 3}, partitions
    # Java's murmur2 of these bytes: whoever produces with Kafka's own client lands on the same partition.
    assert partitions["E0"] == {_murmur2_partition(b"E0", 4)} and partitions["E7"] == {_murmur2_partition(b"E7", 4)}


def _murmur2_partition(data, count):
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
    if data[whole:]:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return ((h ^ h >> 15) & 0x7FFFFFFF) % count


def test_only_committed_transactions_are_seen():
    node, topic, tid = harness.shared_node(), harness.unique("transactions"), harness.unique("tid")
    node.create(topic, 1)
    for end in ("commit", "abort", "leave"):
        node.produce(topic, [Record("k", end, 0)], transaction=tid, end=end)
    assert [r.value for r in node.consume(topic)] == ["commit"]
    assert [r.value for r in node.consume(topic, "read_uncommitted")] == ["commit", "abort", "leave"]
    end, stable = node.watermarks(topic)[0][1], node.watermarks(topic, "read_committed")[0][1]
    assert (end, stable) == (5, 4), (end, stable)  # a marker behind each of the first two, then what is open
    node.produce(topic, [Record("k", "again", 0)], transaction=tid)  # the same id: what it left open is aborted first
    assert [r.value for r in node.consume(topic)] == ["commit", "again"]


def test_a_feeder_sends_transactions():
    node, topic = harness.shared_node(), harness.unique("fed")
    node.create(topic, 1, **{"message.timestamp.type": "CreateTime", "retention.ms": -1})
    with harness.Feeder(node) as feeder:
        assert feeder.feed([(topic, Record("k", f"tab\t{i}", 0, 1_600_000_000_000 + i)) for i in range(3)]) == 1
        feeder.begin()
        feeder.send(topic, Record("k", "aborted", 0))
        assert feeder.abort()["ok"]
        feeder.begin()
        feeder.send(topic, Record("k", "x" * 2_000_000, 0), Record("k", "with it", 0))
        answer = feeder.commit()
        assert not answer["ok"] and "large" in answer["error"], answer
        feeder.feed([(topic, Record("k", None, 0, 7, [("h", "v")]))])
        feeder.begin()
        feeder.send(topic, Record("k", "never committed", 0))
    committed = node.consume(topic)
    assert [r.value for r in committed] == ["tab\t0", "tab\t1", "tab\t2", None], committed
    assert [r.timestamp for r in committed] == [1_600_000_000_000, 1_600_000_000_001, 1_600_000_000_002, 7], committed
    assert committed[3].headers == [("h", "v")] and node.watermarks(topic)[0][1] == node.watermarks(topic, "read_committed")[0][1]
    with harness.Feeder(node) as feeder:
        feeder.send(topic, Record("k", "outside a transaction", 0))
        assert "outside a transaction" in _fails(feeder.commit)


def test_own_node_feeder_and_watch_outlive_an_outage():
    with harness.Node() as node:
        node.create("t", 2)
        watch = harness.OffsetsWatch(node, "g", ["t"], node.directory / "offsets.jsonl", every_ms=50)
        with watch, harness.Feeder(node) as feeder:
            feeder.feed([("t", Record("k", "1", 0))])
            feeder.begin()
            feeder.send("t", Record("k", "2", 0))
            node.kill()
            feeder.process.stdin.write(b"commit\n")
            feeder.process.stdin.flush()
            harness.wait_until(lambda: "error" in watch.lines()[-1], 15, "a watch without a broker")
            node.start()
            assert json.loads(feeder.process.stdout.readline())["ok"]
            node.pause()
            time.sleep(6)  # longer than a request may take
            node.resume()
            feeder.feed([("t", Record("k", "3", 0))])
            node.set_offsets("g", "t", 1, 5)
            seen = {"t/0": None, "t/1": 5}
            harness.wait_until(lambda: watch.lines()[-1].get("offsets") == seen, 15, f"{seen} in {watch.path}")
        times = [line["t"] for line in watch.lines()]
        assert watch.lines()[0]["offsets"] == {"t/0": None, "t/1": None} and times == sorted(times)
        assert [r.value for r in node.consume("t")] == ["1", "2", "3"]


def test_offsets_are_set_and_removed():
    node, topic, group = harness.shared_node(), harness.unique("offsets"), harness.unique("group")
    node.create(topic, 2)
    node.produce(topic, [Record("k", str(i), 0) for i in range(3)])
    assert node.offsets(group, topic) == {(topic, 0): None, (topic, 1): None}
    node.set_offsets(group, topic, 0, 2)
    assert node.offsets(group, topic) == {(topic, 0): 2, (topic, 1): None}
    node.delete_offsets(group, topic)
    assert node.offsets(group, topic) == {(topic, 0): None, (topic, 1): None}
    node.set_offsets(group, topic, 0, 1)
    node.delete_group(group)
    assert node.offsets(group, topic) == {(topic, 0): None, (topic, 1): None}
    assert "does not exist" in _fails(node.delete_group, group)


def test_topics_grow_lose_records_and_go():
    node, topic = harness.shared_node(), harness.unique("topic")
    node.create(topic, 1)
    assert "already exists" in _fails(node.create, topic, 1)
    node.produce(topic, [Record("k", str(i), 0) for i in range(5)])
    node.delete_records(topic, 0, 3)
    assert node.watermarks(topic) == {0: (3, 5)} and [r.value for r in node.consume(topic)] == ["3", "4"]
    node.add_partitions(topic, 3)
    assert sorted(node.watermarks(topic)) == [0, 1, 2]
    node.delete(topic)
    assert "Unknown topic" in _fails(node.consume, topic)


def test_the_verdicts_find_a_fault():
    """Each kind of corruption must be seen: a checker that lets one pass is worse than none."""
    run = [_state("E1", 1), _state("E2", 1), _state("E1", 2), _state("E1", 3, supersedes="E1/2"),
           {"employee_id": "E2", "tombstone": True}, _state("E2", 1, life=2)]
    other = [{**s, "id": "line-" + s["id"], "supersedes": s["supersedes"] and "line-" + s["supersedes"]} if "id" in s else s
             for s in run]
    assert harness.compare_states(run, other) == 6
    harness.check_sequences(run)
    _fails(harness.compare_states, [], [])
    _fails(harness.check_sequences, [])
    for i in range(len(run)):
        _fails(harness.compare_states, run[:i] + run[i + 1:], other)
        _fails(harness.compare_states, run[:i] + [run[i]] + run[i:], other)
        if "status" in run[i]:
            _fails(harness.compare_states, run[:i] + [{**run[i], "status": "unrated"}] + run[i + 1:], other)
            _fails(harness.check_sequences, run[:i] + [run[i]] + run[i:])
    _fails(harness.compare_states, [run[2], run[1], run[0], *run[3:]], other)
    _fails(harness.compare_states, run[:3] + [{**run[3], "supersedes": "E1/1"}] + run[4:], other)
    _fails(harness.compare_states, run[:3] + [{**run[3], "supersedes": "nobody"}] + run[4:], other)
    _fails(harness.check_sequences, run[:2] + run[3:])


def _state(employee, seq, supersedes=None, life=1):
    return {"employee_id": employee, "seq": seq, "id": f"{employee}/{seq}" + ("" if life == 1 else f"/{life}"),
            "status": "compliant", "supersedes": supersedes}


def test_the_input_log_is_in_the_order_of_application():
    site = harness.Deployment(harness.shared_node(), partitions=2, create_time=True)
    site.feed([
        {"topic": "swipes", "employee_id": "E1", "occurred_at": 1, "arrived_at": "2026-01-01T00:00:02.000Z"},
        {"topic": "swipes", "employee_id": "E1", "occurred_at": 2, "arrived_at": "2026-01-01T00:00:01.500Z"},
        {"topic": "roster", "employee_id": "E1", "arrived_at": "2026-01-01T00:00:02.000Z"},
        {"topic": "roster", "employee_id": "E1", "tombstone": True, "arrived_at": "2026-01-01T00:00:03.000Z"},
        {"topic": "calendar", "site_id": "BER01", "kind": "closed", "from": "2026-01-01", "to": "2026-01-01",
         "arrived_at": "2026-01-01T00:00:02.000Z"},
    ])
    lines = list(map(json.loads, site.input_log()))
    assert [(line["topic"], line["arrived_at"][17:23]) for line in lines] == [
        ("calendar", "02.000"), ("roster", "02.000"), ("swipes", "02.000"), ("swipes", "02.000"), ("roster", "03.000")], lines
    assert [line.get("occurred_at") for line in lines] == [None, None, 1, 2, None], lines
    assert lines[4] == {"topic": "roster", "arrived_at": "2026-01-01T00:00:03.000Z", "employee_id": "E1", "tombstone": True}


def test_what_is_fed_can_be_replayed():
    site = harness.Deployment(harness.shared_node(), partitions=2, create_time=True)
    days = [f"2023-05-{day:02d}" for day in range(1, 31)]
    site.feed([{"topic": "swipes", "employee_id": who, "occurred_at": f"{day}T09:00:00-07:00", "site_id": "SEA33",
                "arrived_at": f"{day}T16:00:01.000Z"} for day in days for who in ("E1", "E2")])
    assert len(site.input_log()) == 60
    states = site.replay("--until", "2023-06-01T00:00:00Z")
    harness.check_sequences(states)
    assert {state["employee_id"]: state["status"] for state in states} == {"E1": "compliant", "E2": "compliant"}, states
    assert harness.compare_states(states, site.replay("--until", "2023-06-01T00:00:00Z")) == len(states)
    _fails(harness.compare_states, states, site.replay("--until", "2023-07-01T00:00:00Z"))  # nobody came in June


# --- with a node of one's own -------------------------------------------------------------------------------------------


def test_own_node_survives_what_tests_do_to_it():
    with harness.Node(settings={"log.retention.hours": 1000}) as node:
        assert "log.retention.hours = 1000" in node.log()
        address = node.address
        node.create("t", 1)
        node.produce("t", [Record("k", "1", 0)])
        node.kill()
        _fails(node.kt, "wait", "--timeout", "1")
        node.start()
        assert node.address == address
        node.produce("t", [Record("k", "2", 0)])
        node.pause()
        _fails(node.kt, "wait", "--timeout", "1")
        node.resume()
        node.produce("t", [Record("k", "3", 0)])
        node.stop()
        node.stop()
        node.start()
        assert [r.value for r in node.consume("t")] == ["1", "2", "3"]


def test_own_node_two_at_once():
    with harness.Node() as one, harness.Node() as other:
        assert one.address != other.address
        one.create("only-here", 1)
        _fails(other.watermarks, "only-here")
        taken = one.address.split(":")[1]
        third = harness.TEST_DIR / harness.unique("third")
        refused = subprocess.run([harness.NODE, "start", third, "--port", taken], capture_output=True, text=True)
        assert refused.returncode == 1 and "in use" in refused.stderr, refused
        shutil.rmtree(third)


def test_own_node_three_that_stand_in_for_each_other():
    with harness.Cluster() as cluster:
        cluster.create("t", 3)
        assert cluster.config("t")["min.insync.replicas"] == "2"
        one, two, three = cluster.nodes
        said = []
        for strike, heal in ((one.kill, one.start), (two.pause, two.resume), (three.stop, three.start)):
            strike()
            said.append(strike.__name__)
            # 4.1.0 can forget to answer when the last copy that it waits for is given up: what is asked again is answered.
            lines = "".join(f"{partition}\t-\tk\t{said[-1]}\n" for partition in range(3))
            cluster.kt("produce", "t", "--timeout", 100, "-X", "request.timeout.ms=3000", stdin=lines.encode())
            assert [r.value for r in cluster.consume("t")] == 3 * said
            heal()
            cluster.wait_in_sync()
        cluster.stop()
        _fails(cluster.kt, "wait", "--timeout", "1")
        cluster.start()
        assert [r.value for r in cluster.consume("t")] == 3 * said


def test_own_node_a_cluster_of_one():
    with harness.Cluster(1, proxied=True) as cluster:
        cluster.create("t", 1)
        cluster.nodes[0].kill()
        cluster.start()
        assert cluster.watermarks("t") == {0: (0, 0)} and "Kafka Server started" in cluster.log()
        (named, served), = cluster.proxied
        seen = subprocess.run([harness.KT, f"127.0.0.1:{served}", "watermarks", "t", "--timeout", "2"], capture_output=True)
        assert seen.returncode == 75, seen  # it was told of a port where nobody listens
        assert str(named - 3) in cluster.address and named == served + 1


def test_own_node_dies_with_its_owner():
    owner = subprocess.Popen(["sleep", "600"], preexec_fn=harness.die_with_parent)
    with harness.Node(owner=owner.pid) as node:
        broker = int((node.directory / "pid").read_text())
        assert _runs(broker)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        harness.wait_until(lambda: not _runs(broker), 10, "the broker's end")


def test_own_node_stale_pid_is_nobodys():
    directory = harness.TEST_DIR / harness.unique("stale")
    with harness.Node(directory) as node:
        node.kill()
        (directory / "pid").write_text(f"{os.getpid()}\n")  # as if this pid had been given out again
        node.stop()
        (directory / "pid").write_text(f"{os.getpid()}\n")
        _fails(node.kill)
        node.start()


def _runs(pid):
    try:
        return b"kafka.Kafka" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    harness.main(globals())
