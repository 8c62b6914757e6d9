"""A small run with a kill and a graceful end, recorded as tests/faults/run does it: what test_check.py corrupts."""

import shutil
import signal

import company
import evidence as evidence_module
import harness
import midway
from evidence import now_ms

DRAIN_S = 60
CANARY = "canary-7f3a9c"        # what a secret looks like to the checker
BUDGETS = {"rss_kb": 1_000_000, "fds": 200, "threads": 60}


class Recorder:
    """One member, and the evidence of it."""

    def __init__(self, site, folder):
        self.site, self.evidence = site, evidence_module.Evidence(folder)
        self.incarnation, self.daemon = 0, None
        self.evidence.watch(site)

    def start(self):
        self.incarnation += 1
        self.daemon = self.site.daemon("--set", "kafka.group.instance.id=a")
        self.daemon.log = self.evidence.log_of("a", self.incarnation)
        self.daemon.start()
        pid = self.daemon.process.pid
        self.evidence.event("start", member="a", incarnation=self.incarnation, pid=pid)
        harness.wait_until(lambda: self.daemon.log.stat().st_size > 0, 30, "a line of the daemon")
        self.evidence.note_process("a", self.incarnation, pid)

    def end(self, number, code):
        self.daemon.signal(number)
        found = self.daemon.wait()
        self.evidence.event("exit", member="a", incarnation=self.incarnation, pid=self.daemon.process.pid, code=found, expected=[code])


def record(folder, delivery="exactly_once", people=24, days=30):
    """The folder of a run over a few people and days: killed in the middle, stopped, started again, and stopped at the end."""
    with harness.Node() as node:
        site = company.deploy(node, people=people, days=days, partitions=2, feed=False, kafka={**midway.SLOW, "fetch.wait.max.ms": 50},
                              delivery=delivery)
        wrong = [{"topic": "swipes", "employee_id": "E1000001", "occurred_at": when, "arrived_at": site.lines[n]["arrived_at"]}
                 for n, when in ((400, "yesterday"), (600, "2199-01-01T00:00:00Z"))]
        site.lines = sorted(site.lines + wrong, key=lambda line: line["arrived_at"])
        site.feed(site.lines, batch=70)
        recorder = Recorder(site, folder)
        evidence, started = recorder.evidence, now_ms()
        recorder.start()
        for share, number, code in ((0.2, signal.SIGKILL, -9), (0.5, signal.SIGTERM, 0)):
            midway.wait_for_progress(site, share=share)
            if code:
                evidence.event("fault", kind="kill", target="a")
            recorder.end(number, code)
            recorder.start()
        evidence.event("healed")
        healed = now_ms()
        company.wait_settled(site)
        evidence.event("settled")
        settled = now_ms()
        recorder.end(signal.SIGTERM, 0)
        evidence.finish_watching()
        evidence.collect_topics(site)
        node.stop()
        evidence.collect_brokers([node])
        evidence.conclude({
            "seed": 1, "seconds": round((now_ms() - started) / 1000), "faults": ["kill"], "delivery": delivery, "started": started,
            "partitions": site.partitions, "calendar_partitions": 1, "brokers": 1, "group": site.group, "topics": site.topics,
            "healed": healed, "settled": settled, "ended": now_ms(), "until": settled - company.CLOCK_SKEW_S * 1000,
            "drain_s": DRAIN_S, "budgets": BUDGETS, "canaries": [CANARY], "members": ["a"]})
        shutil.rmtree(site.directory)
