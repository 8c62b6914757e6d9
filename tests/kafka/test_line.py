"""The line on a real broker: what `rollcall run` publishes is what `rollcall replay` makes of the same log."""

import company
import harness


def run_to_the_end(site, *arguments):
    with site.daemon(*arguments) as daemon:
        company.wait_settled(site)
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
        return daemon.stderr()


def test_four_partitions():
    site = company.deploy(harness.shared_node())
    said = run_to_the_end(site)
    compared = company.verify(site)
    print(f"{compared} records compared")
    harness.check(compared > 300, "everybody has a record")
    harness.check(company.counts(said)["read"] == company.to_read(site), "every record was read once")


def test_one_two_and_four_workers():
    """The same log with 1, 2 and 4 workers: byte-identical records for each employee."""
    found = []
    lines = None
    for workers in (1, 2, 4):
        site = company.deploy(harness.shared_node(), people=150, days=30, workers=workers)
        lines = lines or site.lines
        harness.check(site.lines == lines, "the same company each time")
        run_to_the_end(site)
        company.verify(site)
        by_employee = {}
        for record in site.node.consume(site.topics["state"]):
            by_employee.setdefault(record.key, []).append(record.value)
        found.append(by_employee)
    harness.check(found[0] == found[1] == found[2], "the number of workers shows in the records")


def test_roster_and_swipes_interleaved_within_one_batch():
    """Arrivals of roster and swipes alternate by milliseconds: a merge that lets a swipe pass a roster record shows."""
    site = harness.Deployment(harness.shared_node(), partitions=1, create_time=True)
    site.configure({**site.config, "people": {"unknown": "reject"}})
    site.init()
    start = harness.milliseconds("2023-05-01T12:00:00Z")
    lines = []
    for i in range(400):
        at = lambda ms: harness.rfc3339(start + i * 1000 + ms)
        swipe = {"topic": "swipes", "employee_id": f"E{i}", "occurred_at": at(0)}
        lines += [{**swipe, "arrived_at": at(1)},  # refused: not on the roster yet
                  {"topic": "roster", "employee_id": f"E{i}", "home_site": "SEA33", "arrived_at": at(2)},
                  {**swipe, "arrived_at": at(2)},  # the same arrival: roster goes first
                  {"topic": "roster", "employee_id": f"E{i}", "tombstone": True, "arrived_at": at(3 if i % 3 == 0 else 900)},
                  {**swipe, "arrived_at": at(4)}]  # refused for every third
    site.feed(sorted(lines, key=lambda line: line["arrived_at"]))
    run_to_the_end(site)
    rejected = [record.header("rollcall-reason") for record in site.rejects()]
    harness.check(rejected == ["unknown_employee"] * (400 + 134), f"{len(rejected)} rejects: {sorted(set(rejected))}")
    harness.check(harness.compare_states(site.states(), site.replay()) == 800, "a record and a tombstone for everybody")


def test_every_record_ends_somewhere():
    """Any bytes in any topic: applied, ignored with a counted reason, or in the rejects; the counts add up."""
    site = harness.Deployment(harness.shared_node(), partitions=2)
    site.init()
    swipe = '{"employee_id":"E1","occurred_at":"2023-05-01T12:00:00Z"}'
    garbage = [b"", b"{", b"null", b"[]", b"\x00\xff", b"\xef\xbb\xbf{}", b'{"employee_id":1}', swipe.encode() + b"x",
               b"[" * 70000, b'{"employee_id":"E1","employee_id":"E1"}']
    records = [harness.Record(key="E1", value=value) for value in garbage]
    records += [harness.Record(key="E1", value=None), harness.Record(key=None, value=swipe),
                harness.Record(key="E2", value=swipe), harness.Record(key="E1", value=swipe)]
    site.node.produce(site.topics["swipes"], records)
    records_of_roster = [r for r in records if r.key is not None]  # a broker keeps nothing without a key in a compacted topic
    site.node.produce(site.topics["roster"], records_of_roster)
    for name in ("leave", "decisions", "calendar"):
        site.node.produce(site.topics[name], records)
    said = run_to_the_end(site)
    rejects = site.rejects()
    counts = company.counts(said)
    # swipes, leave, decisions, and the calendar twice: by the task of each partition
    harness.check(counts["read"] == 5 * len(records) + len(records_of_roster), f"{counts}")
    # all of the calendar is refused, by both tasks, and written once
    harness.check(counts["rejected"] - len(records) == len(rejects), f"{counts}: {len(rejects)} in the topic")
    places = {(r.header("rollcall-topic"), r.header("rollcall-partition"), r.header("rollcall-offset")) for r in rejects}
    harness.check(len(places) == len(rejects), "each reject has its place")
    mismatches = {r.header("rollcall-topic") for r in rejects if r.header("rollcall-reason") == "key_mismatch"}
    harness.check(mismatches == {site.topics["swipes"], site.topics["roster"]}, f"a foreign key is told: {mismatches}")
    harness.check(all(r.header("rollcall-reason") and r.header("rollcall-detail") for r in rejects), "and its reason")


def test_create_time_is_refused():
    site = harness.Deployment(harness.shared_node(), partitions=1, create_time=True)
    site.configure({**site.config, "time": {"complete_from": "2023-01-01"}})
    site.run("init", check_code=78)


if __name__ == "__main__":
    harness.main(globals())
