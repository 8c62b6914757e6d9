"""A small run with a kill and a graceful end, recorded as tests/faults/run does it: what test_check.py corrupts."""

import json
import os
import pathlib
import shutil
import signal
import threading
import time

import company
import harness

CLOCK_SKEW_MS = 300_000         # the default of time.clock_skew
DRAIN_S = 60
CANARY = "canary-7f3a9c"        # what a secret looks like to the checker
SLOW = {"fetch.message.max.bytes": 1000, "fetch.min.bytes": 1000000, "fetch.wait.max.ms": 50, "session.timeout.ms": 6000}


def now():
    return time.time_ns() // 1_000_000


class Recorder:
    def __init__(self, site, folder):
        self.site, self.folder = site, pathlib.Path(folder)
        for name in ("config", "logs", "inputs", "outputs", "brokers", "proc"):
            (self.folder / name).mkdir(parents=True)
        self.lines = {"events": [], "offsets": [], "resources": []}
        self.incarnation, self.daemon = 0, None
        self.topics = [site.topics[name] for name in harness.INPUTS if name != "calendar"]
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def event(self, name, **more):
        self.lines["events"].append({"t": now(), "event": name, **more})
        return self.lines["events"][-1]["t"]

    def watch(self):
        while not self.ending.wait(0.1):
            found = self.site.node.offsets(self.site.group, *self.topics)
            self.lines["offsets"].append({"t": now(), "offsets": {f"{t}/{p}": offset for (t, p), offset in found.items()}})
            daemon = self.daemon
            try:
                pid = daemon.process.pid
                status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
                self.lines["resources"].append({"t": now(), "member": "a", "pid": pid, "rss_kb": int(status["VmRSS"].split()[0]),
                                                "fds": len(os.listdir(f"/proc/{pid}/fd")), "threads": int(status["Threads"])})
            except (AttributeError, KeyError, OSError):
                pass                # not there yet, or not any more

    def start(self):
        self.incarnation += 1
        daemon = self.site.daemon("--set", "kafka.group.instance.id=a")
        daemon.log = self.folder / "logs" / f"a-{self.incarnation}.log"
        daemon.start()
        self.event("start", member="a", incarnation=self.incarnation, pid=daemon.process.pid)
        self.daemon = daemon
        harness.wait_until(lambda: daemon.log.stat().st_size > 0, 30, "a line of the daemon")
        for name in ("cmdline", "environ"):
            shutil.copyfile(f"/proc/{daemon.process.pid}/{name}", self.folder / "proc" / f"a-{self.incarnation}.{name}")

    def end(self, number, code):
        self.daemon.signal(number)
        found = self.daemon.wait()
        self.event("exit", member="a", incarnation=self.incarnation, pid=self.daemon.process.pid, code=found, expected=[code])

    def conclude(self, **run):
        self.ending.set()
        self.thread.join()
        for name, lines in self.lines.items():
            (self.folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        site = self.site
        for name in ("rollcall.yaml", "policies.yaml", "sites.yaml"):
            shutil.copy(site.directory / name, self.folder / "config")
        ends = {}
        for name in harness.INPUTS + harness.OUTPUTS:
            kinds = ("committed", "uncommitted") if name in harness.OUTPUTS else ("committed",)
            for kind in kinds:
                file = f"outputs/{name}.{kind}.jsonl" if name in harness.OUTPUTS else f"inputs/{name}.jsonl"
                lines = site.node.kt("consume", site.topics[name], "--isolation", f"read_{kind}")
                (self.folder / file).write_text("".join(line + "\n" for line in lines))
            stable = site.node.watermarks(site.topics[name], "read_committed")
            for partition, (low, high) in site.node.watermarks(site.topics[name]).items():
                ends[f"{site.topics[name]}/{partition}"] = {"low": low, "high": high, "lso": stable[partition][1]}
        (self.folder / "ends.json").write_text(json.dumps(ends))
        (self.folder / "run.json").write_text(json.dumps({
            "format": 1, "seed": 1, "partitions": site.partitions, "calendar_partitions": 1, "brokers": 1, "group": site.group,
            "topics": site.topics, "drain_s": DRAIN_S, "budgets": {"rss_kb": 1_000_000, "fds": 200, "threads": 60},
            "canaries": [CANARY], "members": ["a"], **run}))


def committed(site):
    topics = [site.topics[name] for name in harness.INPUTS if name != "calendar"]
    return sum(n or 0 for n in site.node.offsets(site.group, *topics).values())


def record(folder, delivery="exactly_once", people=24, days=30):
    """The folder of a run over a few people and days: killed in the middle, stopped, started again, and stopped at the end."""
    with harness.Node() as node:
        site = company.deploy(node, people=people, days=days, partitions=2, feed=False, kafka=SLOW, delivery=delivery)
        wrong = [{"topic": "swipes", "employee_id": "E1000001", "occurred_at": when, "arrived_at": site.lines[n]["arrived_at"]}
                 for n, when in ((400, "yesterday"), (600, "2199-01-01T00:00:00Z"))]
        site.lines = sorted(site.lines + wrong, key=lambda line: line["arrived_at"])
        site.feed(site.lines, batch=70)
        recorder = Recorder(site, folder)
        started = now()
        recorder.start()
        for share, number, code in ((0.2, signal.SIGKILL, -9), (0.5, signal.SIGTERM, 0)):
            harness.wait_until(lambda: committed(site) > share * len(site.lines), 60, "some progress", every=0.02)
            if code:
                recorder.event("fault", kind="kill", target="a")
            recorder.end(number, code)
            recorder.start()
        healed = recorder.event("healed")
        company.wait_settled(site)
        settled = recorder.event("settled")
        recorder.end(signal.SIGTERM, 0)
        recorder.conclude(seconds=round((now() - started) / 1000), faults=["kill"], delivery=delivery, started=started,
                          healed=healed, settled=settled, ended=now(), until=settled - CLOCK_SKEW_MS)
        node.stop()
        shutil.copytree(node.directory / "data", pathlib.Path(folder) / "brokers" / "1")
        shutil.rmtree(site.directory)
