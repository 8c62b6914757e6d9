"""The log of a company, fed while the daemons run: weeks of days in minutes, in transactions, and between them some that are
aborted.

At the end of its inputs a daemon closes days by the wall clock (SPEC 5), and the wall clock is weeks ahead of a log that is
fed in minutes. So the end must not be seen before the end: two producers take turns, and each opens its transaction, with a
record in every partition, before the other commits. What lies between the last record that a daemon may read and the end of
the log always holds one that it will have to read. What is aborted has a producer of its own: if the open end were aborted,
all that there was when the daemon last asked would have been read."""

import json
import threading
import time

import harness

CHUNK_S = 0.25   # from one commit to the next
OUTAGE_S = 180   # that a feed waits for brokers


class Feed(threading.Thread):
    """Feeds `site.lines` within `seconds`, without pauses once hurry() was called. The end stays open until release()."""

    def __init__(self, site, seconds, dice):
        super().__init__(daemon=True)
        self.site = site
        self.dice = dice
        self.pause_s = CHUNK_S
        records = list(site.records(site.lines))
        count = max(2, int(seconds / CHUNK_S))
        self.chunks = [records[i * len(records) // count:(i + 1) * len(records) // count] for i in range(count)]
        self.chunks = [chunk for chunk in self.chunks if chunk]
        self.producers = [harness.Feeder(site.node, f"{site.name}-feed-{i}") for i in (0, 1)]
        self.aborter = harness.Feeder(site.node, f"{site.name}-feed-aborted")
        self.turn = 0
        self.aborted = 0
        self.failure = None
        self.may_end = threading.Event()
        self._open([], self.chunks[0][0][1].timestamp)  # before anybody reads

    def hurry(self):
        self.pause_s = 0.0

    def release(self):
        self.may_end.set()

    def _open(self, records, timestamp):
        """Begins a transaction that has a record in every partition of the swipes. That record is no swipe: it is refused,
        which is as good as any other to be read exactly once."""
        producer = self.producers[self.turn % 2]
        producer.begin()
        for partition in range(self.site.partitions):
            producer.send(self.site.topics["swipes"], harness.Record(
                key=f"turn-{partition}", value=json.dumps({"turn": self.turn}), partition=partition, timestamp=timestamp))
        for topic, record in records:
            producer.send(topic, record)
        producer.flush(OUTAGE_S)
        self.turn += 1

    def _commit_previous(self):
        """The transaction before the one that was opened last."""
        answer = self.producers[self.turn % 2].commit(OUTAGE_S)
        harness.check(answer["ok"], f"the open end of the log was aborted, days may have been closed by the wall clock: {answer}")

    def _abort_some(self, chunk):
        """Records that nobody must ever see: copies of those that are fed, which would count twice."""
        self.aborter.begin()
        for topic, record in chunk:
            self.aborter.send(topic, record)
        self.aborter.flush(OUTAGE_S)
        self.aborter.abort(OUTAGE_S)
        self.aborted += 1

    def run(self):
        try:
            self._feed()
        except Exception as failure:  # whoever waits for the end has to know
            self.failure = failure

    def _feed(self):
        for chunk in [*self.chunks, []]:
            self._open(chunk, (chunk or self.chunks[-1])[0][1].timestamp)
            if self.dice.random() < 0.1:
                self._abort_some(chunk)
            self._commit_previous()
            if self.pause_s:
                self.may_end.wait(self.pause_s)
        self.may_end.wait()
        self.producers[(self.turn + 1) % 2].abort(OUTAGE_S)  # the open end: from here on the wall clock closes days
        for producer in (*self.producers, self.aborter):
            producer.close()
