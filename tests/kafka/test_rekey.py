"""`rollcall rekey` on a real broker: each source record once in the target, keyed, or once in the rejects, whatever happens."""

import collections
import json
import random
import time

import company
import harness
import midway
from midway import SLOW

FIELDS = {"employee_id": "person", "occurred_at": "at", "site_id": "where"}


def deploy(source_partitions=3, partitions=4, create_time=False, node=None, **config):
    """A Deployment whose badges come in `site.source`, which no key orders, in words of their own."""
    site = harness.Deployment(node or harness.shared_node(), partitions=partitions, create_time=create_time,
                              config={"fields": FIELDS, "workers": 2, **config})
    site.init()
    site.source = f"{site.name}.source"
    site.node.create(site.source, source_partitions, **{"retention.ms": -1, "segment.ms": 2**40})
    return site


def badge(i, person, **more):
    return harness.Record(key=more.pop("key", f"reader-{i % 7}"), value=json.dumps(
        {"person": person, "at": "2023-05-01T12:00:00Z", "n": i, **more}), headers=[("source", f"panel-{i % 3}")])


def rekey(site, *arguments):
    """To the end of what is there; what it counted."""
    with site.daemon("--from", site.source, "--until-end", *arguments, command="rekey") as daemon:
        harness.check(daemon.wait() == 0, f"--until-end ends with 0:\n{daemon.stderr()}")
        return totals(daemon.stderr())


def totals(said):
    found = harness.re.findall(r"event=totals read=(\d+) written=(\d+) rejected=(\d+)", said)
    harness.check(found, f"no totals:\n{said[-2000:]}")
    return tuple(map(int, found[-1]))


def key_of(record):
    return str(record.json()["person"])


def raw(text):
    return text.encode() if isinstance(text, str) else text


def what(record):
    """What a record says, without its place."""
    return raw(record.value), tuple((name, raw(value)) for name, value in record.headers)


def murmur2(data):
    """Kafka's own, from its description: what Java's default partitioner computes of a key."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(data)) & mask
    for i in range(0, len(data) - len(data) % 4, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    tail = data[len(data) - len(data) % 4:]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def check_target(site, sent, partitions=4):
    """Exactly the records of `sent`, each with its key, in the partition of the key."""
    written = site.node.consume(site.topics["swipes"])
    missing = collections.Counter(map(what, sent)) - collections.Counter(map(what, written))
    extra = collections.Counter(map(what, written)) - collections.Counter(map(what, sent))
    harness.check(not missing and not extra, f"{sum(missing.values())} missing, {sum(extra.values())} too many")
    for record in written:
        harness.check(raw(record.key) == raw(key_of(record)), f"{record}")
        home = (murmur2(raw(record.key)) & 0x7FFFFFFF) % partitions
        harness.check(record.partition == home, f"{record} is not in {home}")
        harness.check(record.timestamp_type == "log_append", f"{record}")
    return written


def test_each_record_once_with_its_key():
    """Ids as text and as integers, with and without headers; the source's keys are forgotten, its order is not."""
    site = deploy()
    people = [f"E{i}" for i in range(40)] + list(range(1000, 1020)) + ["Zoë", "a b", "\\u0041"]
    sent = [badge(i, people[i % len(people)]) for i in range(3000)]
    for i in range(0, len(sent), 11):
        sent[i].headers = []
    sent[0].headers = [("a", None), ("a", b"\x00\xff"), ("a", "")]
    site.node.produce(site.source, sent)
    harness.check(rekey(site) == (len(sent), len(sent), 0), "all are written")
    written = check_target(site, sent)
    order = collections.defaultdict(list)
    for record in written:
        order[raw(record.key), record.json()["n"] % 7].append(record.json()["n"])
    harness.check(all(found == sorted(found) for found in order.values()), "one reader's order is kept")
    harness.check(rekey(site) == (0, 0, 0), "a second run finds nothing to do")


def test_what_cannot_be_keyed_is_rejected():
    site = deploy(source_partitions=1)
    good = badge(0, "E1")
    large = badge(1, "E1", filler="x" * 70000)
    values = [b"", b"{", b"null", b"\xff", json.dumps({"at": 1}), json.dumps({"person": None}), json.dumps({"person": ""}),
              json.dumps({"person": 1.5}), json.dumps({"person": "x" * 65}), '{"person":"E1","person":"E1"}', large.value, None]
    bad = [harness.Record(key=f"k{i}", value=value, headers=[("h", str(i))]) for i, value in enumerate(values)]
    crowded = harness.Record(key="k", value=good.value, headers=[("h", "y" * 60000)] * 3)
    site.node.produce(site.source, [good, *bad, crowded, good])
    harness.check(rekey(site) == (15, 2, 13), "the sums")
    check_target(site, [good, good])
    rejects = site.rejects()
    reasons = [raw(record.header("rollcall-reason")).decode() for record in sorted(rejects, key=lambda r: int(raw(r.header("rollcall-offset"))))]
    harness.check(reasons == ["bad_json"] * 4 + ["missing_field"] * 2 + ["bad_field"] * 3 + ["bad_json", "too_large", "bad_json",
                                                                                           "too_large"], f"{reasons}")
    for record in rejects:
        original = [good, *bad, crowded, good][int(raw(record.header("rollcall-offset")))]
        harness.check((raw(record.key), raw(record.value)) == (raw(original.key), raw(original.value)), f"{record}")
        harness.check(raw(record.header("rollcall-topic")) == raw(site.source), f"{record}")
        harness.check(record.header("rollcall-detail"), f"{record}")
    crowded = [record for record in rejects if record.key == "k"]
    harness.check(len(crowded) == 1 and crowded[0].header("rollcall-headers-left-out") == "1", f"{[r.key for r in rejects]}")


def feed_slowly(site, count):
    """Batches of a few records, so that a fetch returns few."""
    sent = [badge(i, f"E{i % 500}") for i in range(count)]
    bad = [harness.Record(key="k", value="{", headers=[("n", str(i))]) for i in range(20)]
    site.node.produce(site.source, sent[:count // 2] + bad + sent[count // 2:], batch=20)
    return sent, bad


def committed(site):
    return sum(n or 0 for n in site.node.offsets(site.group + ".rekey", site.source).values())


def wait_for_progress(site, beyond):
    return midway.wait_for_progress(site, beyond, committed=committed)


def check_all_done(site, sent, bad):
    check_target(site, sent)
    rejects = collections.Counter(record.header("n") for record in site.rejects())
    harness.check(rejects == collections.Counter(str(i) for i in range(len(bad))), f"{rejects}")


def test_sigkill_five_times():
    site = deploy(kafka=SLOW)
    sent, bad = feed_slowly(site, 6000)
    dice = random.Random(3)
    with site.daemon("--from", site.source, "--until-end", command="rekey") as daemon:
        wait_for_progress(site, 0)
        for _ in range(5):
            time.sleep(dice.uniform(0.0, 0.3))
            daemon.sigkill()
            before = committed(site)
            daemon.start()
            wait_for_progress(site, before)
        harness.check(before < 0.9 * len(sent), f"struck midway: {before} of {len(sent)} at the last kill")
        harness.check(daemon.wait() == 0, "it comes to its end")
    check_all_done(site, sent, bad)


def test_two_processes_share_the_work():
    """One joins midway and leaves by SIGTERM; the other does the rest."""
    site = deploy(source_partitions=4, kafka=SLOW, workers=1)
    sent, bad = feed_slowly(site, 6000)
    one = site.daemon("--from", site.source, "--set", "kafka.group.instance.id=one", "--until-end", command="rekey")
    two = site.daemon("--from", site.source, "--set", "kafka.group.instance.id=two", command="rekey")
    with one:
        wait_for_progress(site, 0)
        with two:
            two.wait_line("event=assigned worker=two-0 partitions=2")
            wait_for_progress(site, committed(site) + 200)
            two.sigterm()
            harness.check(two.wait() == 0, "SIGTERM ends with 0")
        harness.check(one.wait() == 0, "the other comes to the end")
    check_all_done(site, sent, bad)
    shares = [totals(daemon.stderr())[0] for daemon in (one, two)]
    harness.check(min(shares) > 0 and sum(shares) == len(sent) + len(bad), f"{shares}: nothing was done twice")


def test_another_instance_of_the_same_name():
    """The older one is fenced: 76, and nothing is twice."""
    site = deploy(kafka=SLOW)
    sent, bad = feed_slowly(site, 3000)
    older = site.daemon("--from", site.source, command="rekey")
    with older:
        wait_for_progress(site, 0)
        newer = rekey(site)[0]
        harness.check(older.wait() == 76, f"{older.stderr()}")
        harness.check(0 < newer == len(sent) + len(bad) - totals(older.stderr())[0], "the newer one does the rest")
    check_all_done(site, sent, bad)


def test_at_least_once():
    """Without transactions: nothing is missing after SIGKILLs, and what was not struck is there once."""
    site = deploy(kafka=SLOW, delivery="at_least_once")
    sent, bad = feed_slowly(site, 2000)
    with site.daemon("--from", site.source, command="rekey") as daemon:
        wait_for_progress(site, 0)
        daemon.sigkill()
        daemon.start()
        wait_for_progress(site, committed(site))
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
    once = deploy(delivery="at_least_once")
    once.node.produce(once.source, sent[:200])
    harness.check(rekey(once) == (200, 200, 0), "without a crash each is written")
    check_target(once, sent[:200])
    rekey(site)
    for isolation in ("read_committed", "read_uncommitted"):
        written = collections.Counter(map(what, site.node.consume(site.topics["swipes"], isolation)))
        harness.check(set(written) == set(map(what, sent)), "nothing is missing")
    harness.check({record.header("n") for record in site.rejects()} == {str(i) for i in range(len(bad))}, "no reject is")


def has_coordinator(site):
    try:
        return committed(site) > 0
    except harness.Failure:
        return False


def test_own_node_killed_and_paused():
    """The broker dies, comes back, and later hangs for longer than a request may take: nothing is lost, nothing is twice."""
    with harness.Node() as node:
        site = deploy(node=node, kafka={**SLOW, "socket.timeout.ms": 3000})
        sent, bad = feed_slowly(site, 3500)
        with site.daemon("--from", site.source, "--until-end", command="rekey") as daemon:
            before = wait_for_progress(site, 300)
            node.kill()
            time.sleep(1)
            node.start()
            harness.wait_until(lambda: has_coordinator(site), 30, "a coordinator of the group")
            before = wait_for_progress(site, before + 300)
            node.pause()
            time.sleep(5)
            node.resume()
            wait_for_progress(site, before + 300)
            harness.check(daemon.wait(90) == 0, "it comes to its end")
        check_all_done(site, sent, bad)


def test_aborted_and_open_transactions_of_the_source():
    """What was aborted is never written; what is open is waited for."""
    site = deploy(source_partitions=1)
    good = [badge(i, f"E{i}") for i in range(30)]
    site.node.produce(site.source, good[:10])
    site.node.produce(site.source, [badge(90, "E90")] * 5, transaction=f"{site.name}-a", end="abort")
    site.node.produce(site.source, good[10:20], transaction=f"{site.name}-b")
    site.node.produce(site.source, [badge(91, "E91")], transaction=f"{site.name}-c", end="leave")
    site.node.produce(site.source, good[20:])
    with site.daemon("--from", site.source, "--until-end", command="rekey") as daemon:
        wait_for_progress(site, 15)
        harness.check(daemon.process.poll() is None, "the end is not known yet")
        site.node.produce(site.source, [badge(92, "E92")], transaction=f"{site.name}-c", end="abort")  # aborts the open one, too
        harness.check(daemon.wait() == 0, "then it is")
    check_target(site, good)


def test_months_come_out_in_the_order_they_happened():
    """A backlog in partitions of very different lengths: by arrival, not partition by partition."""
    site = deploy(create_time=True, partitions=1, workers=1, time={"allow_create_time": True})
    start = harness.milliseconds("2023-01-01T00:00:00Z")
    for partition, count in enumerate((2000, 300, 20)):
        site.node.produce(site.source, [
            harness.Record(None, badge(i, "E1").value, partition=partition, timestamp=start + i * (600_000_000 // count))
            for i in range(count)], batch=50)
    harness.check(rekey(site)[1] == 2320, "all are written")
    stamps = [record.timestamp for record in site.node.consume(site.topics["swipes"])]
    harness.check(stamps == sorted(stamps) and len(stamps) == 2320, "with the stamps and in the order of the source")


def test_a_stamp_from_the_future():
    """No broker would take it on: it must not stop the rest."""
    site = deploy(create_time=True, source_partitions=1, time={"allow_create_time": True})
    ahead = round(time.time() * 1000) + 1_800_000
    site.node.produce(site.source, [harness.Record("k", badge(0, "E1").value), harness.Record("k", badge(1, "E1").value, timestamp=ahead)])
    harness.check(rekey(site) == (2, 1, 1), "one of them")
    harness.check(site.rejects()[0].header("rollcall-reason") == "clock_ahead", "the other says why")


def test_the_second_stage_counts_what_the_first_has_keyed():
    """rekey and run together, live: the state is what replay makes of the keyed topic."""
    site = deploy()
    now = harness.rfc3339(round(time.time() * 1000) - 60000)
    with site.daemon("--from", site.source, command="rekey") as first, site.daemon() as second:
        site.node.produce(site.source, [badge(i, f"E{i % 30}", at=now, where="SEA33") for i in range(300)])
        harness.wait_until(lambda: committed(site) >= 300, 30, "all keyed")
        site.wait_caught_up()
        for daemon in (first, second):
            daemon.sigterm()
            harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
        harness.check(company.counts(second.stderr())["applied"] == 300, "all were applied")
    harness.check(harness.compare_states(site.states(), site.replay()) == 30, "everybody is known")


def test_refusals():
    site = deploy(source_partitions=1)
    plain = f"{site.name}.plain"
    site.node.create(plain, 1)

    def refused(word, *arguments, code=78, **options):
        with site.daemon(*arguments, command="rekey", **options) as daemon:
            harness.check(daemon.wait() == code, f"{arguments}: {daemon.process.returncode}, not {code}\n{daemon.stderr()}")
            harness.check(word in daemon.stderr().strip().splitlines()[-1], f"'{word}' is not said:\n{daemon.stderr()}")

    refused("no topic", "--from", f"{site.name}.nowhere")
    refused("no topic", "--from", site.source, "--to", f"{site.name}.nowhere")
    refused("both the source and the target", "--from", site.source, "--to", site.source)
    refused("an output", "--from", site.topics["rejects"])
    refused("an output", "--from", site.source, "--to", site.topics["state"])
    refused("LogAppendTime", "--from", site.source, "--to", plain)
    refused("", code=64)
    refused("", "--from", "a topic", code=64)
    site.node.produce(site.source, [badge(i, "E1") for i in range(20)])
    rekey(site)
    site.node.produce(site.source, [badge(i, "E1") for i in range(20)])
    site.node.delete_records(site.source, 0, 30)
    refused("has lost records 20 to 29", "--from", site.source)


if __name__ == "__main__":
    harness.main(globals())
