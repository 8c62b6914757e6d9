"""The log of a company, fed while the daemons run: weeks of days in minutes, in transactions, and between them some that are
aborted.

At the end of its inputs a daemon closes days by the wall clock (SPEC 5), and the wall clock is weeks ahead of a log that is
fed in minutes. So the end must not be seen before the end: two producers take turns, and each opens its transaction, with a
record in every partition, before the other commits. What lies between the last record that a daemon may read and the end of
the log always holds one that it will have to read. What is aborted has a producer of its own: if the open end were aborted,
all that there was when the daemon last asked would have been read."""

import itertools
import json
import re
import threading
import time

import harness

CHUNK_S = 0.25   # from one commit to the next
OUTAGE_S = 180   # that a feed waits for brokers
LINE = re.compile(r'\{"topic":"(\w+)","arrived_at":"([^"]+)",(.*)\}$')
KEY = re.compile(r'"(?:employee_id|site_id)":"([^"]+)"')


class OpenEnd(threading.Thread):
    """The two producers. `failure`: why the thread has ended early."""

    def __init__(self, site, first_timestamp, **properties):
        super().__init__(daemon=True)
        self.site = site
        self.producers = [harness.Feeder(site.node, f"{site.name}-feed-{i}", **properties) for i in (0, 1)]
        self.turn = 0
        self.failure = None
        self._open(first_timestamp)  # before anybody reads

    def _open(self, timestamp, send=lambda producer: None):
        """Begins a transaction that has a record in every partition of the swipes, and what is sent. That record is no swipe: it
        is refused, which is as good as any other to be read exactly once."""
        producer = self.producers[self.turn % 2]
        producer.begin()
        for partition in range(self.site.partitions):
            producer.send(self.site.topics["swipes"], harness.Record(
                key=f"turn-{partition}", value=json.dumps({"turn": self.turn}), partition=partition, timestamp=timestamp))
        send(producer)
        producer.flush(OUTAGE_S)
        self.turn += 1

    def _commit_previous(self):
        """The transaction before the one that was opened last."""
        answer = self.producers[self.turn % 2].commit(OUTAGE_S)
        harness.check(answer["ok"], f"the open end of the log was aborted, days may have been closed by the wall clock: {answer}")

    def _close(self):
        """Aborts the open end: from here on the wall clock closes days."""
        self.producers[(self.turn + 1) % 2].abort(OUTAGE_S)
        for producer in self.producers:
            producer.close()

    def run(self):
        try:
            self._feed()
        except Exception as failure:
            self.failure = failure

    def wait(self):
        """Until it has fed everything."""
        self.join()
        if self.failure:
            raise self.failure


class Feed(OpenEnd):
    """Feeds `site.lines` within `seconds`, without pauses once hurry() was called. The end stays open until release()."""

    def __init__(self, site, seconds, dice):
        self.dice = dice
        self.pause_s = CHUNK_S
        records = list(site.records(site.lines))
        count = max(2, int(seconds / CHUNK_S))
        self.chunks = [records[i * len(records) // count:(i + 1) * len(records) // count] for i in range(count)]
        self.chunks = [chunk for chunk in self.chunks if chunk]
        self.aborter = harness.Feeder(site.node, f"{site.name}-feed-aborted")
        self.aborted = 0
        self.may_end = threading.Event()
        super().__init__(site, self.chunks[0][0][1].timestamp)

    def hurry(self):
        self.pause_s = 0.0

    def release(self):
        self.may_end.set()

    def _abort_some(self, chunk):
        """Records that nobody must ever see: copies of those that are fed, which would count twice."""
        self.aborter.begin()
        for topic, record in chunk:
            self.aborter.send(topic, record)
        self.aborter.flush(OUTAGE_S)
        self.aborter.abort(OUTAGE_S)
        self.aborted += 1

    def _feed(self):
        for chunk in [*self.chunks, []]:
            self._open((chunk or self.chunks[-1])[0][1].timestamp,
                       lambda producer, chunk=chunk: [producer.send(topic, record) for topic, record in chunk])
            if self.dice.random() < 0.1:
                self._abort_some(chunk)
            self._commit_previous()
            if self.pause_s:
                self.may_end.wait(self.pause_s)
        self.may_end.wait()
        self._close()
        self.aborter.close()


class LineFeed(OpenEnd):
    """Feeds what a company of many has, of which nobody makes objects: chunks of (first arrival, what `kt feed` reads, how many
    records), one in `pause_s`, or later if the machine cannot do it. `fed`: the records so far."""

    def __init__(self, site, chunks, pause_s):
        self.chunks, self.pause_s, self.fed = iter(chunks), pause_s, 0
        self.first = next(self.chunks)
        super().__init__(site, self.first[0], **{"compression.type": "lz4", "linger.ms": 5})

    def _feed_one(self, first, text, count):
        self._open(first, lambda producer: producer.write(text))
        self._commit_previous()
        self.fed += count

    def _feed(self):
        due, first = time.monotonic(), None
        for first, text, count in itertools.chain([self.first], self.chunks):
            self._feed_one(first, text, count)
            due += self.pause_s
            time.sleep(max(0.0, due - time.monotonic()))
        self._feed_one(first, b"", 0)
        self._close()


# --- lines of `rollcall generate` ----------------------------------------------------------------------------------------


class Milliseconds:
    """Of an RFC 3339 text; the last minute is remembered."""

    def __init__(self):
        self.minute, self.ms = "", 0

    def __call__(self, text):
        if text[:16] != self.minute:
            self.minute, self.ms = text[:16], harness.milliseconds(text[:16] + ":00Z")
        return self.ms + int(text[17:19]) * 1000 + int(text[20:23])


def kt_lines(site, lines):
    """(arrival in ms, the line for `kt feed`) of each."""
    milliseconds, topics = Milliseconds(), site.topics
    for line in lines:
        topic, arrived, rest = LINE.match(line).groups()
        at = milliseconds(arrived)
        value = "\\N" if rest.endswith('"tombstone":true') else f"{{{rest}}}"
        yield at, f"{topics[topic]}\t-\t{at}\t{KEY.search(rest)[1]}\t{value}\n"


def _chunk(lines):
    return lines[0][0], "".join(line for _, line in lines).encode(), len(lines)


def chunks_of_time(lines, step_ms):
    """A chunk of what arrived in each stretch of time; none where nothing did."""
    for _, group in itertools.groupby(lines, lambda line: line[0] // step_ms):
        yield _chunk(list(group))


def chunks_of_sizes(lines, sizes):
    """Chunks of so many lines; the last size is that of all that follow."""
    lines = iter(lines)
    for size in itertools.chain(sizes, itertools.repeat(sizes[-1])):
        chunk = list(itertools.islice(lines, size))
        if not chunk:
            return
        yield _chunk(chunk)
