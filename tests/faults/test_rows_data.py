"""Rows of the fault catalogue that are about what stands in the topics (docs/reliability.md): changelogs that are not what
the last owner left, and inputs that are garbage. What tests/kafka/test_refusals.py and test_delivery.py ask is not asked
again: a changelog that is gone, one that was cut at its end, offsets that were set."""

import base64
import json
import os
import pathlib
import random
import re
import struct
import time

import company
import garbage
import growth
import harness
import memory
import midway
import proxy
import refusals
from garbage import HOSTILE, raw
from refusals import EX_CONFIG, stopped_site

GARBAGE_PER_S = 1000
OPERATIONS = (harness.ROOT / "docs" / "operations.md").read_text()
FIXTURES = pathlib.Path(__file__).resolve().parent / "fixtures"
VERSION = 4  # where in a block its version stands (src/task/block.h)


# --- changelogs ---------------------------------------------------------------------------------------------------------


def changelog_of(site):
    """{offset: (key, value)} of partition 0, as it would be without what newer records of the same key replaced."""
    records = {record.offset: (raw(record.key), raw(record.value)) for record in site.node.consume(site.topics["changelog"])}
    newest = {key: offset for offset, (key, _) in records.items()}
    return {offset: record for offset, record in records.items() if newest[record[0]] == offset}


def put_changelog(site, records, end, **config):
    """A changelog of these records at these offsets, in a topic of a new name. Between them stands what says nothing."""
    name = harness.unique(f"{site.name}.changelog")
    site.node.create(name, 1, **{"cleanup.policy": "compact", "retention.ms": -1, **config})
    nothing = (b"d0", None)
    site.node.produce(name, [harness.Record(*records.get(offset, nothing), partition=0) for offset in range(end)])
    site.topics = {**site.topics, "changelog": name}
    site.configure({**site.config, "topics": site.topics})


def refused(site, *words):
    """It has not begun to work either; what it says of a record, docs/operations.md explains."""
    said = refusals.refused(site, *words)
    harness.check("event=running" not in said, f"it ran on it:\n{said}")
    at_a_record = re.search(r" offset \d+: (.*)", said.strip().splitlines()[-1])
    harness.check(at_a_record is None or at_a_record[1] in OPERATIONS, f"docs/operations.md does not say what to do:\n{said}")


def runs(site):
    with site.daemon() as daemon:
        daemon.wait_line("event=running")
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "it runs, and ends with 0")


def kinds(records):
    """The offset of one record of each kind: born, task, d, s."""
    found = {}
    for offset, (key, value) in records.items():
        if value:
            found[key if key in (b"born", b"task") else key[:1]] = offset
    harness.check({b"born", b"task", b"d", b"s"} <= found.keys(), f"a changelog with each kind: {found}")
    return found


def place(site, offset):
    return f"{site.topics['changelog']}[0] offset {offset}"


def with_value(records, offset, change):
    key, value = records[offset]
    return {**records, offset: (key, change(value))}


def flipped(value):
    at = len(value) - 3
    return value[:at] + bytes([value[at] ^ 4]) + value[at + 1:]


def test_row_07_a_changelog_of_a_newer_version():
    site = stopped_site()
    records = changelog_of(site)
    end = max(records) + 2
    newer = struct.pack("<H", 1 + struct.unpack_from("<H", records[0][1], VERSION)[0])
    for offset in kinds(records).values():
        put_changelog(site, with_value(records, offset, lambda value: value[:VERSION] + newer + value[VERSION + 2:]), end)
        refused(site, place(site, offset), "newer version of rollcall")
    put_changelog(site, records, end)
    runs(site)


def test_row_07_a_changelog_of_version_1_is_read():
    """fixtures/changelog_v1.json: what a daemon of before leave and decisions left of these inputs."""
    fixture = json.loads((FIXTURES / "changelog_v1.json").read_text())
    records = {record["offset"]: (record["key"].encode(), base64.b64decode(record["value"])) for record in fixture["changelog"]}
    harness.check(all(value[VERSION:VERSION + 2] == b"\1\0" for _, value in records.values()), "they are of version 1")
    settings = {"time": {"complete_from": "2023-01-02", "allow_create_time": True, "default_zone": "UTC", "settle": "24h"},
                "guard": {"max_adverse_ratio": 1}, "kafka": {"session.timeout.ms": 6000}}
    site = harness.Deployment(harness.shared_node(), partitions=1, create_time=True, config=settings)
    site.run("init")
    site.feed(fixture["lines"])
    put_changelog(site, records, max(records) + 2)
    for topic in "roster", "leave", "decisions", "swipes":
        site.node.set_offsets(site.group, site.topics[topic], 0, sum(line["topic"] == topic for line in fixture["lines"]))
    now = harness.rfc3339(round((time.time() - company.CLOCK_SKEW_S) * 1000))
    decision = {"topic": "decisions", "arrived_at": now, "decided_by": "H1", "decided_at": now}
    site.feed([{**decision, "employee_id": "E0", "decision_id": "a", "kind": "dispute_opened", "decided_by_role": "hr"},
               {**decision, "employee_id": "E2", "decision_id": "b", "kind": "vp_approval", "decided_by_role": "vp",
                "expires_on": "2199-12-31"},
               {"topic": "roster", "arrived_at": now, "employee_id": "E3", "expectation": "none",
                "effective_on": "2023-06-01"},
               {"topic": "roster", "arrived_at": now, "employee_id": "E4", "tombstone": True}])
    with site.daemon() as daemon:
        daemon.wait_line("event=running .*people=6")
        site.wait_caught_up()
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")

    def told(states):
        """By employee and seq; what an id is made of differs between offsets and lines."""
        return {(state["employee_id"], state.get("seq")): {**state, "schema": None, "id": None, "supersedes": None} for state in states}

    expected = {who: state for who, state in told(site.replay()).items()
                if who[1] is None or who[1] > fixture["published"].get(who[0], 0)}
    published = told(site.states())
    harness.check(published.keys() == expected.keys() and {"E0", "E2", "E3", "E4"} == {who for who, _ in published},
                  f"published {published.keys()}, expected {expected.keys()}")
    for who, state in published.items():
        harness.check(state == expected[who], f"{who}: published {state}\nexpected {expected[who]}")


def test_row_14_a_damaged_block():
    """Each kind, with a bit that has turned over; then cut short, and empty."""
    site = stopped_site()
    records = changelog_of(site)
    end = max(records) + 2
    for offset in kinds(records).values():
        put_changelog(site, with_value(records, offset, flipped), end)
        refused(site, place(site, offset), "checksum")
    task = kinds(records)[b"task"]
    put_changelog(site, with_value(records, task, lambda value: value[:-1]), end)
    refused(site, place(site, task), "cut off")
    put_changelog(site, with_value(records, task, lambda value: b""), end)
    refused(site, place(site, task), "not a block")
    put_changelog(site, records, end)  # what the message advises helps
    runs(site)


def test_row_14_a_foreign_record():
    """Somebody else writes to the topic, or it was restored under wrong keys."""
    site = stopped_site()
    records = changelog_of(site)
    end, offsets = max(records) + 2, kinds(records)
    free = next(offset for offset in range(end) if offset not in records)
    delta, snapshot = offsets[b"d"], offsets[b"s"]
    for key, value, word in [(b"d1", b'{"employee_id":"E1"}', "not a block"), (b"E1", b"", "not a block"),
                             (b"d999", records[delta][1], "key"), (b"s0", records[delta][1], "key"),
                             (b"task", records[snapshot][1], "key"), (b"", records[delta][1], "key"),
                             (b"born", records[0][1], "second birth record")]:
        put_changelog(site, {**records, free: (key, value)}, end)
        refused(site, place(site, free), word)
    put_changelog(site, {**records, free: (b"whatever", None)}, end)  # a null value says nothing
    runs(site)


def test_row_14_records_are_missing():
    """Lost in the midst: the birth, a delta, a snapshot. Nothing of the rest is used."""
    site = stopped_site()
    records = changelog_of(site)
    end, offsets = max(records) + 2, kinds(records)
    for kind, word in (b"d", "delta blocks are missing"), (b"born", "birth"), (b"task", "task record"):
        put_changelog(site, {offset: record for offset, record in records.items() if offset != offsets[kind]}, end)
        refused(site, site.topics["changelog"], word)
    put_changelog(site, {}, end)
    refused(site, site.topics["changelog"], "birth")


def test_row_14_a_topic_that_loses_records():
    """`init` does not accept what would delete by age; `run` may not ask, and misses what is gone."""
    site = stopped_site()
    records = changelog_of(site)
    for policy in "delete", "compact,delete":
        put_changelog(site, records, max(records) + 2, **{"cleanup.policy": policy})
        site.run("init", check_code=EX_CONFIG)
    put_changelog(site, records, max(records) + 2, **{"cleanup.policy": "delete"})
    site.node.delete_records(site.topics["changelog"], 0, 2)
    refused(site, site.topics["changelog"], "the beginning is lost")


def test_row_14_the_changelog_of_another_partition():
    """Two partitions that were restored crosswise."""
    site = stopped_site(partitions=2)
    crossed = harness.unique(f"{site.name}.changelog")
    site.node.create(crossed, 2, **{"cleanup.policy": "compact"})
    records = site.node.consume(site.topics["changelog"])
    ends = {partition: high for partition, (_, high) in site.node.watermarks(site.topics["changelog"]).items()}
    for partition in 0, 1:
        there = {record.offset: record for record in records if record.partition == partition}
        site.node.produce(crossed, [
            harness.Record(raw(there[offset].key), there[offset].value, partition=1 - partition) if offset in there
            else harness.Record("d0", None, partition=1 - partition) for offset in range(max(ends.values()))])
    site.topics = {**site.topics, "changelog": crossed}
    site.configure({**site.config, "topics": site.topics})
    refused(site, crossed, "born as partition")


# --- garbage ------------------------------------------------------------------------------------------------------------

def check_log(said):
    """One event a line, in printable characters."""
    for line in said.splitlines():
        harness.check(all(" " <= char <= "~" for char in line), f"what came in stands in the log: {line!r}")
        harness.check(line.startswith("ts=") or ": warning: " in line, f"a line that nobody wrote: {line!r}")


def test_row_33_nothing_but_garbage():
    """A thousand records a second for as long as ROLLCALL_GARBAGE_SECONDS says. An hour is run by hand, with a node that is there
    (see harness.py): ROLLCALL_GARBAGE_SECONDS=3600 python3 tests/faults/test_rows_data.py row_33_nothing_but_garbage"""
    seconds = float(os.environ.get("ROLLCALL_GARBAGE_SECONDS", "25"))
    site = harness.Deployment(harness.shared_node(), partitions=2)
    site.init()
    dice, sent, samples = random.Random(33), 0, []
    with site.daemon() as daemon, harness.Feeder(site.node, **{"compression.type": "lz4"}) as feeder:
        daemon.wait_line("event=ready")
        began = time.monotonic()
        while (now := time.monotonic()) - began < seconds:
            feeder.feed([(site.topics["swipes"], garbage.record(dice, sent + i)) for i in range(GARBAGE_PER_S // 2)])
            sent += GARBAGE_PER_S // 2
            samples.append({"t": 1000 * (now - began), "rss_kb": memory.resident_kb(daemon)})
            time.sleep(max(0.0, began + sent / GARBAGE_PER_S - time.monotonic()))
        site.wait_caught_up()
        peak, bound, since = memory.peak_kb(daemon), memory.bound_kb(site), growth.slope_per_hour(samples, "rss_kb")
        print(f"{sent} records in {seconds:.0f} s; at most {peak} kB, of {bound}; {samples[len(samples) // 3]['rss_kb']} kB after a third, "
              f"{samples[-1]['rss_kb']} at the end, by {since:.0f} kB an hour")
        harness.check(peak <= bound, f"{peak} kB at most, {bound} kB are promised")
        settled = max(sample["rss_kb"] for sample in samples[:len(samples) // 3])
        harness.check(peak < settled * 1.25 + 8192, f"memory grew from {settled} to {peak} kB")
        harness.check(growth.grows(samples[len(samples) // 3:], "rss_kb") is None, "memory grows on")
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
        found = company.counts(daemon.stderr())
        harness.check(found["read"] == found["rejected"] == sent, f"all of {sent} rejected: {found}")
        check_log(daemon.stderr())
    garbage.check_rejects(site, sent)
    harness.check(not site.states(), "nobody is known")


def test_row_31_hostile_ids_in_the_log():
    """They are ids like any other: published as they are, and never written to the log as they are."""
    site = harness.Deployment(harness.shared_node(), partitions=1)
    site.init()
    swipe = {"topic": "swipes", "occurred_at": harness.rfc3339(round(time.time() * 1000))}
    site.feed([{**swipe, "employee_id": who, "site_id": who} for who in HOSTILE])
    site.feed([{**swipe, "employee_id": who, "direction": who} for who in HOSTILE])
    site.feed([{"topic": "calendar", "site_id": who, "kind": "release"} for who in HOSTILE])
    with site.daemon() as daemon:
        site.wait_caught_up()
        harness.wait_until(lambda: len(site.rejects()) == 2 * len(HOSTILE), 30, "the rejects")
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
        check_log(daemon.stderr())
    harness.check({state["employee_id"] for state in site.states()} == set(HOSTILE), "they are known by their own ids")


def test_own_node_row_33_the_rejects_topic_is_away():
    """Deleted under a running daemon: it says which topic, drops nothing, and goes on when the topic is back."""
    with harness.Node(settings={"auto.create.topics.enable": "false"}) as node:
        site = harness.Deployment(node, partitions=1, config={"kafka": {"session.timeout.ms": 6000}})
        site.init()
        dice = random.Random(34)
        with site.daemon() as daemon:
            daemon.wait_line("event=ready")
            node.produce(site.topics["swipes"], [garbage.record(dice, i) for i in range(50)])
            site.wait_caught_up()
            first = site.rejects()
            node.delete(site.topics["rejects"])
            node.produce(site.topics["swipes"], [garbage.record(dice, i) for i in range(50, 100)])
            time.sleep(8)
            committed = node.offsets(site.group, site.topics["swipes"])[site.topics["swipes"], 0]
            harness.check(committed == 50, f"committed {committed}: what was never written is not done with")
            # librdkafka may wait for the topic until the transaction is over, and tells the first topic of a batch alone.
            harness.wait_until(lambda: site.topics["rejects"] in daemon.stderr(), 150, "it names the topic")
            node.create(site.topics["rejects"], 1)
            harness.wait_until(lambda: len(site.rejects()) == 50, 60, "the other rejects")
            site.wait_caught_up()
            daemon.sigterm()
            harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
        garbage.check_rejects(site, 100, earlier=first)


def test_own_node_row_24_older_offsets_again():
    """Fetches are answered with what earlier ones had: records that were read already are dropped, and asked for again is what was
    not. (The same partitions must have been asked: their frames are of one length.)"""
    with harness.Node(proxied=True) as node, proxy.Proxy(node) as net:
        site = midway.deploy(node, workers=1, kafka={"bootstrap.servers": net.address})
        earlier, dice, struck = {}, random.Random(24), []

        def again(request, payload):
            asked = request.client, len(request.frame)
            known = earlier.setdefault(asked, payload) if len(payload) > 1500 else earlier.get(asked)
            if known in (None, payload) or dice.random() < 0.7:
                return payload
            struck.append(asked)
            return payload[:4] + known[4:]

        rule = net.add("rewrite", "Fetch", times=None, rewrite=again, when=lambda request: not request.client.endswith("-reader"))
        with site.daemon() as daemon:
            harness.wait_until(lambda: len(struck) > 40, 60, "forty old answers")
            midway.check_midway(site)
            net.remove(rule)
            company.wait_settled(site)
            read = midway.stop(daemon)
            harness.check(read == company.to_read(site), f"{read} of {company.to_read(site)} records are read once")
        print(f"{company.verify(site)} records compared, {len(struck)} old answers")


if __name__ == "__main__":
    harness.main(globals())
