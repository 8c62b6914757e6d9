"""Rows 12, 13, 19 and 28 of the fault catalogue: what happens to topics, offsets, permissions and feeds. On a real broker; each
test checks that the fault struck when it should, and what is documented: an alarm of its own and no guess, or the same records
as replay."""

import datetime
import re
import time

import acl
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


def test_row_12_an_input_topic_is_made_anew_while_it_runs():
    """Its offsets will mean other records: neither from 0 nor from where it stood does anything of them count. At rest, midway, and
    while it does not look. (Filled beyond the old end within a moment it could not be told: docs/operations.md.)"""
    for name, at_rest, is_paused in (("swipes", True, False), ("roster", False, False), ("swipes", True, True)):
        site = midway.deploy(workers=1, kafka=SOON)
        with site.daemon(*(midway.FAST if at_rest else ())) as daemon:
            if at_rest:
                company.wait_settled(site)
            else:
                midway.wait_for_progress(site, share=0.3)
                midway.check_midway(site)
            if is_paused:
                daemon.pause()
            site.node.delete(site.topics[name])
            site.node.create(site.topics[name], site.partitions, **{"message.timestamp.type": "CreateTime", "retention.ms": -1})
            at = harness.milliseconds(site.lines[-1]["arrived_at"])
            site.node.produce(site.topics[name], [harness.Record(f"N{i}", '{"employee_id":"N%d"}' % i, i % site.partitions, at)
                                                  for i in range(site.partitions)])
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


# --- 19: permissions ----------------------------------------------------------------------------------------------------------


class GuardedNode(harness.Node):
    """A broker that asks who is there: the tests are superusers on the listener without a name, the daemon is User:rollcall on
    another one, and may do what it was given."""

    def start(self):
        super().start()
        if hasattr(self, "guarded"):
            return
        self.stop()
        self.guarded = f"127.0.0.1:{harness.free_port()}"
        controller = f"127.0.0.1:{int(self.address.split(':')[1]) + 1}"
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule"
        self.settings = {
            "listeners": f"CLIENT://{self.address},CONTROLLER://{controller},GUARDED://{self.guarded}",
            "advertised.listeners": f"CLIENT://{self.address},GUARDED://{self.guarded}",
            "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_PLAINTEXT",
            "listener.name.guarded.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.guarded.plain.sasl.jaas.config": f'{plain} required user_rollcall="a-word";',
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }
        super().start()


def permissions(site):
    """Those of docs/operations.md, and no others."""
    read = [*harness.INPUTS, "changelog"]
    return ([("topic", site.topics[name], "read") for name in read] +
            [("topic", site.topics[name], "write") for name in harness.OUTPUTS] +
            [("group", site.group, "read"), ("transactional-id", f"{site.group}-*", "write")])


def guarded(node):
    site = midway.deploy(node, workers=1, kafka=SOON)  # made by the superuser
    word = site.directory / "password"
    word.write_text("a-word")
    word.chmod(0o400)
    site.configure(harness._merged(site.config, {"kafka": {
        "bootstrap.servers": node.guarded, "security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN",
        "sasl.username": "rollcall", "sasl.password.file": str(word)}}))
    for permission in permissions(site):
        acl.allow(node.address, "User:rollcall", *permission)
    return site


def taken_and_given_back(*names):
    """One permission after the other is taken while it runs. Nothing is committed meanwhile; given back, it goes on where it was,
    by itself or by a restart, as a service manager does after 1 and 75."""
    with GuardedNode() as node:
        site = guarded(node)
        with site.daemon() as daemon:
            for name in names:
                midway.wait_for_progress(site, midway.committed(site))
                taken = [p for p in permissions(site) if name in (p[0], p[1].rsplit(".", 1)[-1])][-1]  # to write it, if it may
                said = len(daemon.stderr())
                acl.take(node.address, "User:rollcall", *taken)
                harness.wait_until(lambda: "AUTHORIZATION_FAILED" in daemon.stderr()[said:] or "uthorization failed" in
                                   daemon.stderr()[said:], 30, f"{name}: that it is told")
                time.sleep(1)
                before = frozen(site)
                time.sleep(4)
                harness.check(frozen(site) == before, f"{name}: it stands still")
                midway.check_midway(site)
                acl.allow(node.address, "User:rollcall", *taken)
                if daemon.process.poll() is not None:
                    harness.check(daemon.process.returncode in (1, 75), f"{name}: ended with {daemon.process.returncode}")
                    daemon.start()
                midway.wait_for_progress(site, sum(n or 0 for n in before[0].values()))
        print(f"{midway.finish(site)} records compared")


def test_own_node_row_19_of_inputs():
    taken_and_given_back("swipes", "roster")


def test_own_node_row_19_of_outputs():
    taken_and_given_back("state", "changelog")


def test_own_node_row_19_of_the_group():
    taken_and_given_back("group")


def test_own_node_row_19_of_transactional_ids():
    taken_and_given_back("transactional-id")


# --- 28: nothing comes ----------------------------------------------------------------------------------------------------------


def lines_of(first, days, people, days_with_swipes):
    """People of one site, on the roster from the first day on, who swipe on those days (numbers from 0)."""
    at = lambda day, clock: f"{first + datetime.timedelta(days=day)}T{clock}.000Z"
    lines = [{"topic": "roster", "employee_id": person, "home_site": "BER01", "arrived_at": at(0, "06:00:00")} for person in people]
    for day in range(1, days):
        lines += [{"topic": "swipes", "employee_id": person, "site_id": "BER01", "occurred_at": at(day, "08:00:00"),
                   "arrived_at": at(day, "08:00:01")} for person in people if day in days_with_swipes(person)]
    return lines


def deploy_lines(lines, first, partitions=1, **config):
    site = harness.Deployment(harness.shared_node(), partitions=partitions, create_time=True, config={
        "time": {"complete_from": str(first), "allow_create_time": True}, "guard": {"max_adverse_ratio": 1}, **config})
    site.partitions, site.lines = partitions, lines
    site.init()
    return site


def weeks_ago(weeks):
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return today - datetime.timedelta(days=today.weekday() + 7 * weeks)


def test_row_28_idle_partitions():
    """One partition never holds anything, another one nothing but a roster: neither holds up the rest, and the days of whoever is
    in them close."""
    first = weeks_ago(6)
    days = (datetime.datetime.now(datetime.timezone.utc).date() - first).days  # up to yesterday
    present, absent = ["E0", "E1", "E2"], ["E3", "E4"]
    lines = lines_of(first, days, present, lambda _: range(days)) + lines_of(first, days, absent, lambda _: ())
    site = deploy_lines(lines, first, partitions=12)
    site.feed(lines)
    used = {record.partition for record in site.node.consume(site.topics["roster"])}
    swiped = {record.partition for record in site.node.consume(site.topics["swipes"])}
    harness.check(used - swiped and len(used) < 12, f"{used} hold somebody, {swiped} a swipe")
    with site.daemon() as daemon:
        company.wait_settled(site)
        midway.stop(daemon)
    company.verify(site)
    last = {state["employee_id"]: state["status"] for state in site.states()}
    harness.check(last == {**dict.fromkeys(present, "compliant"), **dict.fromkeys(absent, "non_compliant")}, f"{last}")
    closed = {int(r.key): r.json()["closed"].get("Europe/Berlin") for r in site.node.consume(site.topics["progress"])}
    yesterday = datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days=3)
    harness.check({p for p, day in closed.items() if day and day >= str(yesterday)} >= used, f"{closed}")


def test_row_28_three_days_down():
    """The log goes on while nobody reads it. Each day is judged on what came in its time, and nobody is called absent for the
    days in between."""
    first = weeks_ago(5)
    people = [f"E{i}" for i in range(40)]
    lines = lines_of(first, 35, people, lambda person: range(17 + int(person[1:]) % 9))  # and then no more
    down = f"{first + datetime.timedelta(days=24)}T12:00:00.000Z"
    up = f"{first + datetime.timedelta(days=27)}T12:00:00.000Z"
    site = deploy_lines(lines, first, partitions=2)
    site.feed([line for line in lines if line["arrived_at"] < down])
    # An open transaction at the end of each partition: the log is not read to its end, so no wall clock closes its days.
    hold = harness.unique("hold")
    site.node.produce(site.topics["swipes"], [harness.Record("X", "{}", p, harness.milliseconds(down)) for p in range(2)],
                      transaction=hold, end="leave")
    with site.daemon() as daemon:
        daemon.wait_line("event=ready")
        harness.wait_until(lambda: len(site.states()) >= len(people), 30, "everybody is known")
        at = [None, 0.0]

        def quiet():
            if (now := midway.committed(site)) != at[0]:
                at[:] = [now, time.monotonic()]
            return time.monotonic() - at[1] > 1.5

        harness.wait_until(quiet, 30, "all that can be read is read")
        midway.stop(daemon)
    before = site.states()
    harness.check(max(state["as_of"] for state in before) < down, "it has judged nothing of later days")
    site.node.produce(site.topics["swipes"], [], transaction=hold)  # taken back
    site.feed([line for line in lines if line["arrived_at"] >= down])
    with site.daemon() as daemon:
        company.wait_settled(site)
        midway.stop(daemon)
    compared = company.verify(site)
    since = [state for state in site.states() if state not in before and state["as_of"] <= up]
    harness.check(len({state["as_of"] for state in since}) >= 2, f"days that closed while it was down: {since}")
    print(f"{compared} records compared, {len(since)} of the days in between")


def test_row_28_the_feed_of_one_site_is_dead():
    """None of its people is called absent: the wave is held, and told. The others are judged; a late delivery mends it."""
    first = weeks_ago(6)
    alive, dead = [f"A{i}" for i in range(15)], [f"D{i}" for i in range(15)]
    at_work = lambda person: range(42) if person[0] == "A" else range(25)
    lines = lines_of(first, 42, alive + dead, at_work)
    for line in lines:
        if line["employee_id"][0] == "A":
            line.update({"home_site": "SEA33"} if line["topic"] == "roster" else {"site_id": "SEA33"})
    site = deploy_lines(lines, first, guard={"max_adverse_ratio": 0.8, "min_people": 10})  # each site is a group of its own
    site.feed(lines)
    with site.daemon() as daemon:
        company.wait_settled(site)
        midway.stop(daemon)
    held = re.findall(r"event=held partition=0 group=\"?([\w/]+)\"? .*people=(\d+)", daemon.stderr())
    harness.check(held == [("BER01", "15")], f"held: {held}")
    now = harness.rfc3339(round((time.time() - company.CLOCK_SKEW_S) * 1000))
    states = site.states()
    harness.check(not [state for state in states if state["status"] == "non_compliant"], "nobody is called absent")
    print(f"{harness.compare_states(states, site.replay('--guard', '--until', now))} records compared")


if __name__ == "__main__":
    harness.main(globals())
