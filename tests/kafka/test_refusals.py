"""What must not look like a first start: each contradiction between changelog, offsets and topics ends with 78 and a message
that says what to do."""

import harness
from refusals import EX_CONFIG, refused, stopped_site


def once_empty(change, *arguments):
    """Changes the group's offsets as soon as it has no member."""

    def changed():
        try:
            change(*arguments)
        except harness.Failure as failure:
            return "kt" not in str(failure)
        return True

    harness.wait_until(changed, 30, "a group without members", every=0.5)


def offset_of(site, topic, partition=0):
    return site.node.offsets(site.group, site.topics[topic])[site.topics[topic], partition]


def test_never_initialised():
    site = harness.Deployment(harness.shared_node(), partitions=2)
    refused(site, "rollcall init")


def test_lost_changelog():
    site = stopped_site(partitions=2)
    site.node.delete(site.topics["changelog"])
    harness.wait_until(lambda: not topic_exists(site, "changelog"), 20, "the topic gone")
    site.node.create(site.topics["changelog"], 2, **{"cleanup.policy": "compact"})
    refused(site, site.topics["changelog"], "changelog")
    site.run("init", check_code=EX_CONFIG)  # init does not paper over it either


def topic_exists(site, name):
    try:
        site.node.watermarks(site.topics[name])
    except harness.Failure:
        return False
    return True


def test_deleted_offsets():
    site = stopped_site(partitions=2)
    offset, offset_of_other = offset_of(site, "swipes"), offset_of(site, "swipes", 1)
    once_empty(site.node.delete_offsets, site.group, site.topics["swipes"])
    refused(site, site.topics["swipes"], "no committed offset", "offsets were deleted")
    once_empty(site.node.set_offsets, site.group, site.topics["swipes"], 0, offset)
    site.node.set_offsets(site.group, site.topics["swipes"], 1, offset_of_other)
    with site.daemon() as daemon:  # what the message advises helps
        daemon.wait_line("event=ready")
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "it runs again")


def test_offsets_set_back():
    site = stopped_site(partitions=2)
    offset = offset_of(site, "swipes")
    once_empty(site.node.set_offsets, site.group, site.topics["swipes"], 0, offset - 7)
    refused(site, site.topics["swipes"], offset, offset - 7)


def test_offsets_set_forward():
    site = stopped_site(partitions=2)
    offset = offset_of(site, "swipes")
    site.feed([{"topic": "swipes", "employee_id": f"X{i}", "occurred_at": "2023-05-01T12:00:00Z",
                "arrived_at": site.lines[-1]["arrived_at"]} for i in range(60)])
    once_empty(site.node.set_offsets, site.group, site.topics["swipes"], 0, offset + 7)
    refused(site, site.topics["swipes"], offset, offset + 7)


def test_changed_partition_count():
    site = stopped_site(partitions=2)
    site.node.add_partitions(site.topics["swipes"], 3)
    refused(site, site.topics["swipes"], 3, 2)
    for topic in ("roster", "leave", "decisions", "state", "changelog"):
        site.node.add_partitions(site.topics[topic], 3)
    refused(site, site.topics["changelog"])
    site.run("init", check_code=EX_CONFIG)  # nor does init give the new partitions a birth


def test_input_lost_to_retention():
    """Records behind our position are gone: what they said can never be known."""
    site = stopped_site(partitions=2)
    site.feed([{"topic": "swipes", "employee_id": f"X{i}", "occurred_at": "2023-05-01T12:00:00Z",
                "arrived_at": site.lines[-1]["arrived_at"]} for i in range(60)])
    high = site.node.watermarks(site.topics["swipes"])[0][1]
    site.node.delete_records(site.topics["swipes"], 0, high)
    refused(site, site.topics["swipes"], offset_of(site, "swipes"))


def test_a_record_with_its_senders_time():
    """CreateTime where it is not allowed: the arrival clock would be the clock of whoever sends."""
    site = harness.Deployment(harness.shared_node(), partitions=1, create_time=True)
    site.init()
    site.configure({**site.config, "time": {"complete_from": "2023-01-01"}})
    site.feed([{"topic": "swipes", "employee_id": "E1", "occurred_at": "2023-05-01T12:00:00Z",
                "arrived_at": "2023-05-01T12:00:01Z"}])
    refused(site, "LogAppendTime", "allow_create_time")


if __name__ == "__main__":
    harness.main(globals())
