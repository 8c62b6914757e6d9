"""Rows 12, 13, 19 and 28 of the fault catalogue: what happens to topics, offsets, permissions and feeds. On a real broker; each
test checks that the fault struck when it should, and what is documented: an alarm of its own and no guess, or the same records
as replay."""

import datetime
import re
import time

import company
import harness
import midway

CONFIG = 78
SOON = {"topic.metadata.refresh.interval.ms": 1000}  # how soon the client hears of it; a minute by default


def frozen(site, partition=None):
    """What a daemon that has ended must leave as it is: of all partitions, or of the one that is struck."""
    offsets = site.node.offsets(site.group, *midway.employee_topics(site))
    states = site.node.consume(site.topics["state"])
    return ({place: offset for place, offset in offsets.items() if partition in (None, place[1])},
            [record.value for record in states if partition in (None, record.partition)])


def check_stopped_for_good(site, *words, partition=None):
    """A restart finds the same, and nothing moves."""
    before = frozen(site, partition)
    with site.daemon() as daemon:
        midway.ended_with(daemon, CONFIG, *words)
    harness.check(frozen(site, partition) == before, "nothing was committed or published by it")


# --- 12: topics that change under it ----------------------------------------------------------------------------------------


def test_row_12_partitions_are_added_while_it_runs():
    """To one of the topics, or to all: keys have moved, so it stops."""
    for topics, then in ((["swipes"], "topics about employees and the changelog must be cut alike"),
                         (["roster", "leave", "decisions", "changelog", "state", "swipes"], "it has no birth record")):
        site = midway.deploy(workers=2, kafka=SOON)
        with site.daemon() as daemon:
            midway.wait_for_progress(site, share=0.1)
            midway.check_midway(site)
            for name in topics:
                site.node.add_partitions(site.topics[name], site.partitions + 1)
            midway.ended_with(daemon, CONFIG, "partition counts must be equal")
        harness.check_sequences(site.states())
        check_stopped_for_good(site, then)
        site.run("init", check_code=CONFIG)  # which gives none to the new one


def remade(site, name, records):
    """The topic deleted and made again, with these records."""
    settings = {"message.timestamp.type": "CreateTime", "retention.ms": -1}
    site.node.delete(site.topics[name])
    site.node.create(site.topics[name], site.partitions, **settings)
    site.node.produce(site.topics[name], records)


def test_row_12_an_input_topic_is_made_anew_while_it_runs():
    """Its offsets mean other records now: neither from 0 nor from where it stood does anything of them count. At rest, midway,
    and while it does not look."""
    for name, at_rest, copies, is_paused in (("swipes", True, 2, False), ("roster", False, 2, False), ("swipes", True, 0, True)):
        site = midway.deploy(workers=1, kafka=SOON)
        arguments = midway.FAST if at_rest else ()
        with site.daemon(*arguments) as daemon:
            if at_rest:
                company.wait_settled(site)
            else:
                midway.wait_for_progress(site, share=0.3)
                midway.check_midway(site)
            others = [harness.Record(f"N{i}", '{"employee_id":"N%d","occurred_at":"%s"}' % (i, site.lines[-1]["arrived_at"]), i % site.partitions,
                                     harness.milliseconds(site.lines[-1]["arrived_at"])) for i in range(copies * len(site.lines))]
            if is_paused:
                daemon.pause()
            remade(site, name, others)
            if is_paused:
                daemon.resume()
            midway.ended_with(daemon, CONFIG, site.topics[name])
        states = site.states()
        harness.check_sequences(states)
        harness.check(not any(state["employee_id"].startswith("N") for state in states), "nothing of the new topic was applied")
        check_stopped_for_good(site)


# --- 13: offsets that lie -----------------------------------------------------------------------------------------------------


def once_empty(change, *arguments):
    """Changes the group's offsets as soon as it has no member."""

    def changed():
        try:
            change(*arguments)
        except harness.Failure:
            return False
        return True

    harness.wait_until(changed, 30, "a group without members", every=0.5)


def stopped_midway(**config):
    site = midway.deploy(workers=1, kafka={"session.timeout.ms": 3000, "heartbeat.interval.ms": 500}, **config)
    with site.daemon() as daemon:
        midway.wait_for_progress(site, share=0.3)
        midway.stop(daemon)
    midway.check_midway(site)
    return site


def partly_read(site):
    """A partition of the swipes, where it is committed, and its ends."""
    offsets = site.node.offsets(site.group, site.topics["swipes"])
    for partition, (low, high) in site.node.watermarks(site.topics["swipes"]).items():
        at = offsets[site.topics["swipes"], partition] or 0
        if low + 10 < at < high - 10:
            return partition, at, low, high
    raise harness.Failure(f"no partition is read in part: {offsets}")


def test_row_13_the_log_is_cut_while_it_runs():
    """Retention takes records that it has not read: it stops, and a restart reports the range."""
    site = midway.deploy(workers=1)
    with site.daemon() as daemon:
        midway.wait_for_progress(site, share=0.2)
        daemon.pause()  # slower than the retention
        for partition, (_, high) in site.node.watermarks(site.topics["swipes"]).items():
            site.node.delete_records(site.topics["swipes"], partition, high)
        midway.check_midway(site)
        daemon.resume()
        midway.ended_with(daemon, CONFIG, site.topics["swipes"], "is not in the log any more")
    harness.check_sequences(site.states())
    check_stopped_for_good(site, "input is lost", "records ", " were removed before they were applied")


def test_row_13_offsets_beyond_the_log_behind_it_and_gone():
    """Out of range, before and behind; and those of a topic whose group has expired."""
    site = stopped_midway()
    swipes, (partition, at, low, high) = site.topics["swipes"], partly_read(site)
    once_empty(site.node.set_offsets, site.group, swipes, partition, high + 1)
    check_stopped_for_good(site, f"stands at offset {high + 1}", f"the log ends at {high}", partition=partition)
    for wrong, words in ((at + 5, ("would be lost", f"records {at} to {at + 4}")), (at - 5, ("applied twice", f"records {at - 5} to {at - 1}")),
                         (low, ("applied twice", f"records {low} to {at - 1}"))):
        once_empty(site.node.set_offsets, site.group, swipes, partition, wrong)
        check_stopped_for_good(site, f"[{partition}]: group '{site.group}' is committed at offset {wrong}", *words,
                               partition=partition)
    offsets = site.node.offsets(site.group, *midway.employee_topics(site))
    once_empty(site.node.delete_group, site.group)
    check_stopped_for_good(site, "no committed offset", "offsets were deleted")
    for place, offset in {**offsets, (swipes, partition): at}.items():  # what the messages advise
        if offset is not None:
            once_empty(site.node.set_offsets, site.group, *place, offset)
    print(f"{midway.finish(site)} records compared")


def test_row_13_offsets_set_back_without_transactions():
    """`at_least_once`: what the changelog knows already is read and passed over."""
    site = stopped_midway(delivery="at_least_once")
    for topic in midway.employee_topics(site):
        for partition in range(site.partitions):
            offset = site.node.offsets(site.group, topic)[topic, partition]
            if offset:
                once_empty(site.node.set_offsets, site.group, topic, partition, offset // 2)
    back = midway.committed(site)
    with site.daemon() as daemon:
        midway.wait_for_progress(site, back)
        midway.check_midway(site)
        midway.stop(daemon)
    print(f"{midway.finish(site)} records compared; set back to {back}")


if __name__ == "__main__":
    harness.main(globals())
