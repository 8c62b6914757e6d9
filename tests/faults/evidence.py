"""The folder that a run leaves behind (README.md beside this file): everything that its verdict rests on."""

import json
import os
import pathlib
import shutil
import threading
import time

import harness

OFFSETS_MS, RESOURCES_S = 100, 1.0


def now_ms():
    return time.time_ns() // 1_000_000


class Evidence:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for name in ("config", "logs", "inputs", "outputs", "brokers", "proc"):
            (self.folder / name).mkdir(parents=True)
        self.lock = threading.Lock()
        self.events = open(self.folder / "events.jsonl", "w")
        self.resources = open(self.folder / "resources.jsonl", "w")
        self.alive = {}  # pid: member
        self.ending = threading.Event()

    def event(self, name, **details):
        with self.lock:
            if name == "exit":
                self.alive.pop(details["pid"], None)
            self.events.write(json.dumps({"t": now_ms(), "event": name, **details}) + "\n")
            self.events.flush()

    def log_of(self, member, incarnation):
        return self.folder / "logs" / f"{member}-{incarnation}.log"

    # While it runs -----------------------------------------------------------------------------------------------

    def note_process(self, member, incarnation, pid):
        for name in ("cmdline", "environ"):
            try:
                (self.folder / "proc" / f"{member}-{incarnation}.{name}").write_bytes(pathlib.Path(f"/proc/{pid}/{name}").read_bytes())
            except OSError:
                pass  # struck down before it could be looked at
        with self.lock:
            self.alive[pid] = member

    def watch(self, site):
        """Samples committed offsets and resources until finish()."""
        topics = [site.topics[name] for name in harness.INPUTS if name != "calendar"]
        self.offsets = harness.OffsetsWatch(site.node, site.group, topics, self.folder / "offsets.jsonl", OFFSETS_MS)
        self.sampler = threading.Thread(target=self._sample, daemon=True)
        self.sampler.start()

    def _sample(self):
        while not self.ending.wait(RESOURCES_S):
            with self.lock:
                alive = dict(self.alive)
            for pid, member in alive.items():
                try:
                    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
                    self.resources.write(json.dumps({
                        "t": now_ms(), "member": member, "pid": pid, "rss_kb": int(status["VmRSS"].split()[0]),
                        "fds": len(os.listdir(f"/proc/{pid}/fd")), "threads": int(status["Threads"])}) + "\n")
                except (OSError, KeyError):
                    pass  # it has just ended

    def committed(self):
        """The last sample of committed offsets: {"topic/partition": offset}."""
        found = {}
        for line in (self.folder / "offsets.jsonl").read_bytes()[-20000:].splitlines()[-3:]:
            try:
                found = json.loads(line).get("offsets") or found
            except ValueError:
                pass  # a line of which only the end was read, or is not all there yet
        return found

    # When it is over ---------------------------------------------------------------------------------------------

    def finish_watching(self):
        self.ending.set()
        self.sampler.join()
        self.offsets.stop()
        self.resources.close()

    def collect_topics(self, site):
        for name in ("rollcall.yaml", "policies.yaml", "sites.yaml"):
            shutil.copy(site.directory / name, self.folder / "config")
        for name in harness.INPUTS:
            self._consume(site, name, f"inputs/{name}.jsonl", "read_committed")
        for name in harness.OUTPUTS:
            self._consume(site, name, f"outputs/{name}.committed.jsonl", "read_committed")
            self._consume(site, name, f"outputs/{name}.uncommitted.jsonl", "read_uncommitted")
        ends = {}
        for name in harness.INPUTS + harness.OUTPUTS:
            stable = site.node.watermarks(site.topics[name], "read_committed")
            for partition, (low, high) in site.node.watermarks(site.topics[name]).items():
                ends[f"{site.topics[name]}/{partition}"] = {"low": low, "high": high, "lso": stable[partition][1]}
        (self.folder / "ends.json").write_text(json.dumps(ends, indent=1))

    def _consume(self, site, name, file, isolation):
        lines = site.node.kt("consume", site.topics[name], "--isolation", isolation)
        (self.folder / file).write_text("".join(line + "\n" for line in lines))

    def collect_brokers(self, nodes):
        """Their data, once they have ended."""
        for number, node in enumerate(nodes, 1):
            shutil.move(node.directory / "data", self.folder / "brokers" / str(number))

    def conclude(self, run):
        self.events.close()
        (self.folder / "run.json").write_text(json.dumps({"format": 1, **run}, indent=1))
