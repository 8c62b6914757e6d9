"""Rows of the fault catalogue that ask what is kept in memory (docs/reliability.md): more than can be worked off, or nowhere to put
what comes of it. It must wait in the broker. In each there is more of it than the bound that `rollcall check` prints would hold; the
member stays in the group, nothing is dropped, and each reject is there once."""

import datetime
import json
import random
import subprocess
import threading
import time

import broker_log
import company
import feed
import garbage
import harness
import memory
import proxy

PARTITIONS = 4


def large_company(node, people, days, **kafka):
    """(site, its log as a file): days that are over everywhere, judged by nobody's clock but the log's."""
    site = harness.Deployment(node, partitions=PARTITIONS, create_time=True)
    site.partitions = PARTITIONS
    first, today = company.last_days(days + 2)
    log = site.directory / "generated.ndjson"
    subprocess.run([harness.ROLLCALL, "generate", "--people", str(people), "--from", str(first),
                    "--to", str(today - datetime.timedelta(days=2)), "-o", log, "--config", site.directory],
                   check=True, capture_output=True)
    company.configure(site, people, first, {"workers": 1, "kafka": kafka})
    site.init()
    return site, log


def verify(site, log):
    """As company.verify, but of a log that is too large to be read back."""
    until = harness.rfc3339(round((time.time() - company.CLOCK_SKEW_S) * 1000))
    states = site.states()
    harness.check_sequences(states)
    replayed = [json.loads(line) for line in site.run("replay", "--until", until, log, timeout=300).splitlines()]
    return harness.compare_states(states, replayed)


class Lag(threading.Thread):
    """How many records lie behind the committed offsets, again and again."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self.site, self.most, self.is_over = site, 0, threading.Event()
        self.start()

    def run(self):
        while not self.is_over.wait(0.5):
            self.most = max(self.most, lag(self.site))


def lag(site):
    committed = site.node.offsets(site.group, site.topics["swipes"])
    ends = site.node.watermarks(site.topics["swipes"], "read_committed")
    return sum(high - (committed[site.topics["swipes"], partition] or 0) for partition, (_, high) in ends.items())


def check_held(site, daemon):
    """While it still runs: it has kept to the bound, and the group has never had to share out anything again."""
    peak, bound = memory.peak_kb(daemon), memory.bound_kb(site)
    print(f"at most {peak} kB of {bound} kB")
    harness.check(peak <= bound, f"{peak} kB at most, {bound} kB are promised")
    generations = [number for number, _ in broker_log.committers(site.node, site.group) if number]
    harness.check(generations == [1], f"it stayed in the group: generations {generations}")


def stop(daemon):
    daemon.sigterm()
    harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
    return company.counts(daemon.stderr())


def test_row_22_own_node_burst_of_ten_times_the_rate():
    """Ten thousand a second, then ten times as many for as long as it takes to have two million. The end of the log is out of
    sight, as in any feed."""
    chunk, steady = 2500, 32  # of a quarter of a second
    with harness.Node() as node:
        site, log = large_company(node, people=40_000, days=24)
        with open(log, encoding="utf-8") as lines:
            chunks = list(feed.chunks_of_sizes(feed.kt_lines(site, lines), [chunk] * steady + [10 * chunk]))
        burst = sum(count for _, _, count in chunks[steady:])
        harness.check(burst > 1_800_000, f"a burst of {burst} records")
        feeder = feed.LineFeed(site, chunks, 0.25)
        with site.daemon() as daemon:
            daemon.wait_line("event=ready")
            feeder.start()
            began = time.monotonic()
            harness.wait_until(lambda: feeder.fed >= chunk * steady, 60, "the steady feed")
            times = [time.monotonic() - began]
            watch = Lag(site)
            feeder.wait()
            times.append(time.monotonic() - began - times[0])
            rates = [chunk * steady / times[0], burst / times[1]]
            print(f"{rates[0]:.0f} records/s, then {rates[1]:.0f} for {times[1]:.0f} s")
            harness.check(rates[1] > 4 * rates[0], "the machine can feed it no burst")
            company.wait_settled(site, 200)
            watch.is_over.set()
            print(f"{watch.most} records behind at most; none {time.monotonic() - began - sum(times):.0f} s after the feed")
            harness.check(lag(site) == 0, "the lag is gone")
            check_held(site, daemon)
            stop(daemon)
        print(f"{verify(site, log)} records compared")


def padded(lines, dice):
    """With something in them that nobody reads and nobody can compress: what is read ahead is limited by its bytes, too."""
    noise = dice.randbytes(1 << 20).hex()
    for at, line in lines:
        start = dice.randrange(len(noise) - 800)
        yield at, line[:-2] + f',"pad":"{noise[start:start + 800]}"}}\n'


def feed_all(site, lines):
    """Those, in transactions of many; how many there were, and the first and last arrival."""
    number, arrivals = 0, []
    with harness.Feeder(site.node, **{"compression.type": "lz4", "linger.ms": 20}) as feeder:
        for first, text, count in feed.chunks_of_sizes(lines, [100_000]):
            feeder.begin()
            feeder.write(text)
            harness.check(feeder.commit(120)["ok"], "it is fed")
            number += count
            arrivals.append(first)
    return number, arrivals[0], arrivals[-1]


def check_waits_in_the_broker(site, daemon, backlog):
    """It stops fetching: what it has stands still, while much of the backlog is not done."""

    def stands_still():
        before = memory.resident_kb(daemon)
        time.sleep(5)
        return memory.resident_kb(daemon) <= before + 1024

    harness.wait_until(stands_still, 60, "an end of what is read ahead")
    behind = lag(site)
    print(f"{behind} of {backlog} records wait, {memory.resident_kb(daemon)} kB stand still")
    harness.check(behind > 0.5 * backlog, f"only {behind} of {backlog} wait: nothing was in the way")


def bad_decisions(count, timestamp=lambda i: None):
    dice = random.Random(count)
    return [garbage.record(dice, i, timestamp=timestamp(i)) for i in range(count)]


def test_row_22_own_node_slow_outputs_and_a_backlog():
    """A company's days, a gigabyte of them, with rejects among them, while outputs go at 50 kB/s."""
    patient = {"transaction.timeout.ms": 60000, "session.timeout.ms": 61000, "socket.timeout.ms": 30000}
    with harness.Node(proxied=True) as node, proxy.Proxy(node) as net:
        site, log = large_company(node, people=20_000, days=20, **patient, **{"bootstrap.servers": net.address})
        with open(log, encoding="utf-8") as lines:
            fed, first, last = feed_all(site, padded(feed.kt_lines(site, lines), random.Random(22)))
        bad = bad_decisions(2000, lambda i: first + i * (last - first) // 2000)
        node.produce(site.topics["decisions"], bad)
        slow = net.add("slow", "Produce", times=None, rate=50_000)
        with site.daemon() as daemon:
            slow.wait_struck(5, 60)
            time.sleep(20)
            check_waits_in_the_broker(site, daemon, fed)
            net.remove(slow)
            company.wait_settled(site, 300)
            check_held(site, daemon)
            stop(daemon)
        garbage.check_rejects(site, len(bad), "decisions")
        print(f"{verify(site, log)} records compared")


def swipes_of_today(site, number):
    """Lines for `kt feed`, stamped by the broker: of a thousand people, a kilobyte each."""
    now, topic = harness.rfc3339(round(time.time() * 1000)), site.topics["swipes"]
    plain = ((0, f'{topic}\t-\t-\tE{n % 1000}\t{{"employee_id":"E{n % 1000}","occurred_at":"{now}"}}\n') for n in range(number))
    return padded(plain, random.Random(number))


def test_row_22_own_node_rejects_topic_away_and_a_backlog():
    """A gigabyte of swipes while some decisions that are refused can be put nowhere, since the rejects topic was deleted.
    When the topic is back each reject is there once, and all that waited is applied."""
    backlog, bad = 1_200_000, bad_decisions(200)
    with harness.Node(settings={"auto.create.topics.enable": "false"}) as node:
        site = harness.Deployment(node, partitions=2)
        site.init()
        with site.daemon() as daemon:
            daemon.wait_line("event=ready")
            node.produce(site.topics["decisions"], bad[:100])
            site.wait_caught_up()
            earlier = site.rejects()
            node.delete(site.topics["rejects"])
            node.produce(site.topics["decisions"], bad[100:])
            feed_all(site, swipes_of_today(site, backlog))
            check_waits_in_the_broker(site, daemon, backlog)
            node.create(site.topics["rejects"], 2)
            site.wait_caught_up(200)
            check_held(site, daemon)
            stop(daemon)
        garbage.check_rejects(site, len(bad), "decisions", earlier)
        harness.check(len({state["employee_id"] for state in site.states()}) == 1000, "everybody is known")
        harness.check_sequences(site.states())


def test_row_24_own_node_upstream_transaction_hangs_and_a_backlog():
    """Somebody else's transaction is open in one partition, and 300,000 swipes come behind it. It is told; the other partition goes
    on; when it is decided all that waited is applied."""
    backlog = 300_000
    with harness.Node() as node:
        site = harness.Deployment(node, partitions=2)
        site.init()
        with site.daemon() as daemon:
            daemon.wait_line("event=ready")
            stray = [harness.Record("E1", "{}", partition=0)]
            node.produce(site.topics["swipes"], stray, transaction=site.name, end="leave")
            feed_all(site, swipes_of_today(site, backlog))
            daemon.wait_line(r"event=input_undecided .*topic=\S+\.swipes partition=0 ", 60)
            ends = node.watermarks(site.topics["swipes"])

            def committed(partition):
                return node.offsets(site.group, site.topics["swipes"])[site.topics["swipes"], partition] or 0

            harness.wait_until(lambda: committed(1) == ends[1][1], 60, "the other partition goes on")
            resident = memory.resident_kb(daemon)
            time.sleep(10)
            harness.check(committed(0) == 0, "nothing behind it is read")
            harness.check(memory.resident_kb(daemon) < resident * 1.05 + 8192, "it piles up")
            node.produce(site.topics["swipes"], stray, transaction=site.name, end="abort")
            site.wait_caught_up(120)
            check_held(site, daemon)
            found = stop(daemon)
        harness.check(found["read"] == backlog and found["rejected"] == 0, f"{found}: {backlog} good")
        harness.check_sequences(site.states())


if __name__ == "__main__":
    harness.main(globals())
