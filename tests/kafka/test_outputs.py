"""What docs/output.md promises consumers, on a real broker: values that fit the published schemas, headers, partitions, and the
original of each reject."""

import json
import sys

import company
import harness

sys.path.append(str(harness.ROOT / "tests" / "docs"))
import schema  # noqa: E402

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def run_to_the_end(site):
    with site.daemon() as daemon:
        company.wait_settled(site)
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")


def check_fits(name, records):
    root = json.loads((harness.ROOT / "docs" / "schema" / f"{name}.json").read_text())
    for record in records:
        faults = schema.faults(root, root, record)
        harness.check(not faults, f"{faults}\n{record}")


def test_a_company_fits_the_schemas():
    """And state lies where the inputs of the person are."""
    site = company.deploy(harness.shared_node(), people=150, days=40)
    run_to_the_end(site)
    states = [record for record in site.node.consume(site.topics["state"]) if record.value is not None]
    harness.check(len(states) > 150, f"{len(states)} state records")
    check_fits("state.v1", [record.json() for record in states])
    progress = site.node.consume(site.topics["progress"])
    check_fits("progress.v1", [record.json() for record in progress])
    harness.check({record.key for record in progress} == {"0", "1", "2", "3"}, "the key is the partition")
    harness.check(all(str(record.json()["partition"]) == record.key for record in progress), "and so is the value")
    home = {record.key: record.partition for record in site.node.consume(site.topics["swipes"])}
    both = [record for record in states if record.key in home]
    harness.check(both and all(home[record.key] == record.partition for record in both), "state beside the swipes")


def test_headers():
    """CloudEvents of states and tombstones, the trace of the input that caused them."""
    site = harness.Deployment(harness.shared_node(), partitions=1, config={"people": {"unknown": "out_of_scope"}})
    site.init()
    roster = site.topics["roster"]
    site.node.produce(roster, [harness.Record("E1", '{"employee_id":"E1"}', headers=[("traceparent", TRACE)]),
                               harness.Record("E2", '{"employee_id":"E2"}'), harness.Record("E1", None)])
    run_to_the_end(site)
    first, other, tombstone = site.node.consume(site.topics["state"])
    for record in (first, other, tombstone):
        headers = dict(record.headers)
        harness.check(headers["ce_specversion"] == "1.0" and headers["ce_type"] == "rollcall.state.v1", f"{headers}")
        harness.check(headers["ce_source"] == f"/rollcall/{site.group}", f"{headers}")
        harness.check(headers["ce_subject"] == record.key and headers["content-type"] == "application/json", f"{headers}")
        harness.check(headers.get("traceparent") == (TRACE if record is first else None), f"{headers}")
    for record in (first, other):
        harness.check(record.header("ce_id") == record.json()["id"], "ce_id is the id")
        harness.check(record.header("ce_time") == record.json()["as_of"], "ce_time is as_of")
    harness.check(tombstone.key == "E1" and tombstone.value is None, "a tombstone is a null value")
    harness.check(tombstone.header("ce_id") != first.header("ce_id"), "with an id of its own")


def test_rejects_keep_the_original():
    site = harness.Deployment(harness.shared_node(), partitions=2)
    site.init()
    swipe = harness.Record("E1", '{"employee_id":"E1"}', headers=[("source", "reader-7"), ("source", "again")])
    closure = harness.Record("SEA33", '{"site_id":"SEA33","kind":"holiday"}')
    site.node.produce(site.topics["swipes"], [swipe])
    site.node.produce(site.topics["calendar"], [closure])
    run_to_the_end(site)
    by_topic = {}
    for reject in site.rejects():
        by_topic.setdefault(reject.header("rollcall-topic"), []).append(reject)
    (reject,) = by_topic[site.topics["swipes"]]
    harness.check((reject.key, reject.value, reject.headers[:2]) == (swipe.key, swipe.value, swipe.headers), f"{reject}")
    harness.check(reject.header("rollcall-reason") == "missing_field", f"{reject}")
    harness.check(reject.header("rollcall-detail") == "occurred_at: absent or null", f"{reject}")
    harness.check(reject.header("rollcall-offset") == "0", f"{reject}")
    (reject,) = by_topic[site.topics["calendar"]]  # told once, though each task reads the calendar for itself
    harness.check((reject.key, reject.value) == (closure.key, closure.value), f"{reject}")


if __name__ == "__main__":
    harness.main(globals())
