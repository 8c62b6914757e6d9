"""Runs the benchmarks, one after the other, and prints one table. Started by run.sh; README.md says what is measured and how.

Only ratios within one set of runs mean anything: a set is null, null again, subjects, one after the other, and a ratio is the
median of the sets. The two nulls say what the machine's noise is: where their ratio is outside 0.97 to 1.03, or no run was
quiet, the verdict is `inconclusive`, not `missed`."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import time
import zoneinfo

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = pathlib.Path(os.environ.get("ROLLCALL_BUILD", ROOT / "build" / "release"))
WORK = BUILD / "bench" / "work"
NODE = ROOT / "tests" / "kafka" / "node"
PARTITIONS = 8
BROKER_CORE, CLIENT_CORE = 0, 1
NULL_RANGE = (0.97, 1.03)
FOREIGN_SHARE, FOREIGN_SECONDS = 0.08, 0.05  # of the time that went by, that others may have used
TRIES = 3  # of a run that was disturbed; then the least disturbed counts, and says so
TICK = os.sysconf("SC_CLK_TCK")
ZONES = ("America/Los_Angeles", "Europe/Berlin")


def say(text):
    print(f"{datetime.datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


# --- the machine --------------------------------------------------------------------------------------------------------


def busy_seconds():
    """CPU time of everything: user, nice, system, irq, softirq, steal."""
    fields = [int(n) for n in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICK


def cpu_seconds(pid):
    """CPU time of a process with all its threads."""
    return time.clock_gettime((~pid << 3) | 2)  # CPUCLOCK_SCHED, as clock_getcpuclockid makes it


def pinned(core):
    return lambda: os.sched_setaffinity(0, {core})


class Gate:
    """What others used of the CPUs while a measurement ran: all but us, our children and the broker."""

    def __init__(self, broker):
        self.broker = broker

    def own(self):
        times = os.times()
        broker = cpu_seconds(self.broker) if self.broker else 0
        return times.user + times.system + times.children_user + times.children_system + broker

    def measure(self, run):
        """run() until a quiet one; its result, a dict, gets `foreign_share` and `quiet`."""
        best = None
        for _ in range(TRIES):
            busy, own, began = busy_seconds(), self.own(), time.monotonic()
            result = run()
            took = time.monotonic() - began
            foreign = max(0.0, busy_seconds() - busy - (self.own() - own))
            result["foreign_share"] = foreign / took
            result["quiet"] = foreign <= max(FOREIGN_SECONDS, FOREIGN_SHARE * took)
            if best is None or result["foreign_share"] < best["foreign_share"]:
                best = result
            if result["quiet"]:
                break
        return best


# --- results ------------------------------------------------------------------------------------------------------------


class Rows:
    """The table: what was measured, against what, and whether that is enough."""

    def __init__(self):
        self.rows = []

    def add(self, bench, what, value, unit="ratio", target=None, sound=True, why=""):
        """`target`: (">=", 0.75), ("<=", 1), or None: told, not judged."""
        verdict = "-"
        if target:
            met = value >= target[1] if target[0] == ">=" else value <= target[1]
            verdict = "met" if met else "missed"
        if not sound:
            verdict = f"inconclusive: {why}"
        self.rows.append({"bench": bench, "what": what, "value": value, "unit": unit,
                          "target": f"{target[0]} {target[1]}" if target else "", "verdict": verdict})

    def print(self):
        head = {"bench": "benchmark", "what": "what", "value": "value", "unit": "unit", "target": "target", "verdict": "verdict"}
        shown = [head] + [{**row, "value": f"{row['value']:.3g}" if abs(row["value"]) >= 10 else f"{row['value']:.2f}"} for row in self.rows]
        widths = {key: max(len(row[key]) for row in shown) for key in head}
        for row in shown:
            line = "  ".join(row[key].rjust(widths[key]) if key == "value" else row[key].ljust(widths[key]) for key in head)
            print(line.rstrip())


def program(name, *arguments, core=CLIENT_CORE, beside=None):
    """Runs one to its end, or to that of the process `beside`, and returns the JSON of its last line."""
    words = [BUILD / "bench" / f"bench_{name}", *map(str, arguments)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=pinned(core)) as process:
        while beside and process.poll() is None:
            if beside.poll() is not None:
                process.kill()
                sys.exit(f"rollcall ended with {beside.returncode} while bench_{name} was running, see {WORK}/*/run.log")
            time.sleep(0.02)
        out, err = process.communicate()
    if process.returncode:
        sys.exit(f"bench_{name} ended with {process.returncode}: {err}")
    last = out.strip().rsplit("\n", 1)[-1]
    return json.loads(last) if last.startswith("{") else {"said": last}


# --- on a real broker ---------------------------------------------------------------------------------------------------


class Broker:
    """One node with data on disk, all its threads on a core of their own."""

    def __init__(self, directory):
        self.directory = directory

    def __enter__(self):
        settings = ["log.retention.hours=-1", "log.segment.bytes=268435456", "group.max.session.timeout.ms=1800000"]
        options = [word for setting in settings for word in ("--set", setting)]
        started = subprocess.run([NODE, "start", self.directory, "--fresh", "--owner", str(os.getpid()), *options],
                                 stdout=subprocess.PIPE, text=True)
        if started.returncode:
            sys.exit(started.returncode)
        self.address = started.stdout.strip()
        self.pid = int((self.directory / "pid").read_text())
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            os.sched_setaffinity(int(thread), {BROKER_CORE})
        return self

    def __exit__(self, kind, value, trace):
        subprocess.run([NODE, "kill", self.directory], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)


def calm_settle(now):
    """Hours of `settle` with which no day closes soon in either zone: a close in a run would be measured with it."""
    def hours_to_close(settle):
        distances = []
        for zone in ZONES:
            local = now.astimezone(zoneinfo.ZoneInfo(zone))
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
            since = (local - midnight).total_seconds() / 3600
            distances.append((settle - since) % 24)
        return min(distances)
    return max(range(24, 48), key=hours_to_close)


class Line:
    """The company of the end-to-end benchmarks on one broker: configuration, saved state, preloaded swipes."""

    def __init__(self, broker, options, name, compression="none", live=False, swipes=True):
        self.broker, self.options, self.gate = broker, options, Gate(broker.pid)
        self.directory = WORK / name
        self.directory.mkdir(parents=True)
        self.serial = 0
        now = datetime.datetime.now(datetime.timezone.utc)
        self.configure(calm_settle(now), "1h" if live else "1s")
        self.company = ["--people", options.employees, "--partitions", PARTITIONS, "--swipes", options.events,
                        "--reference", int(now.timestamp() * 1000)]
        self.state = self.directory / "state"
        say(f"{name}: building the state of {options.employees} people")
        program("state", *self.arguments(), "--mode", "build", "--file", self.state)
        program("state", *self.arguments(), "--mode", "put")
        if not swipes:
            return
        say(f"{name}: writing {options.events} swipes")
        say(program("preload", *self.arguments(), "--compression", compression)["said"])

    def configure(self, settle, clock_skew):
        sites = {"SEA33": ZONES[0], "BER01": ZONES[1], "SFO02": ZONES[0], "MUC07": ZONES[1]}
        files = {
            "policies.yaml": {"policies": [{"id": "office-3d", "versions": [{"effective_on": "2023-01-01", "weekends_count": True}]}]},
            "sites.yaml": {"sites": {site: {"zone": zone} for site, zone in sites.items()}},
            "rollcall.yaml": {
                "kafka": {"bootstrap.servers": self.broker.address, "group.id": self.directory.name},
                "topics": {topic: f"{self.directory.name}.{topic}" for topic in
                           ("swipes", "roster", "leave", "calendar", "decisions", "state", "rejects", "progress", "changelog")},
                "policies": "policies.yaml", "sites": "sites.yaml",
                "time": {"complete_from": "2023-01-01", "settle": f"{settle}h", "clock_skew": clock_skew},
                "people": {"unknown": "out_of_scope"}, "employees": self.options.employees, "workers": 1, "http": None,
            },
        }
        for name, content in files.items():
            (self.directory / name).write_text(json.dumps(content, indent=1))  # JSON is YAML

    def arguments(self, sets=()):
        return ["-c", self.directory / "rollcall.yaml", *(word for s in sets for word in ("--set", s)), *self.company]

    def consume(self, mode):
        return program("consume", *self.arguments(), "--mode", mode, "--file", self.state)

    def daemon(self, empty=False):
        """CPU and wall seconds from the start of `rollcall run` on the saved state until all swipes are committed; with
        `empty` there are none: what starting costs."""
        self.serial += 1
        name = f"{self.directory.name}.run{self.serial}"
        sets = [f"kafka.group.id={name}", f"topics.changelog={name}.changelog"] + ([f"topics.swipes={name}.swipes"] if empty else [])
        arguments = self.arguments(sets)
        program("state", *arguments, "--mode", "put", "--file", self.state, core=BROKER_CORE)
        with open(self.directory / "run.log", "w+") as log:
            began = time.monotonic()
            process = subprocess.Popen([BUILD / "rollcall", "run", "-c", arguments[1], *arguments[2:2 + 2 * len(sets)]], stderr=log,
                                       preexec_fn=pinned(CLIENT_CORE))
            if empty:
                while "event=ready" not in (self.directory / "run.log").read_text():
                    if process.poll() is not None:
                        sys.exit(f"rollcall run ended with {process.returncode}, see {self.directory}/run.log")
                    time.sleep(0.02)
                result = {"cpu_s": cpu_seconds(process.pid), "at": time.monotonic()}
            else:
                result = program("watch", *arguments, "--pid", process.pid, core=BROKER_CORE, beside=process)
            process.send_signal(signal.SIGTERM)
            if process.wait() != 0:
                sys.exit(f"rollcall run ended with {process.returncode}, see {self.directory}/run.log")
        if not empty and f"read={self.options.events} " not in (self.directory / "run.log").read_text():
            sys.exit(f"rollcall run did not read {self.options.events} records, see {self.directory}/run.log")
        program("state", *arguments, "--mode", "drop", core=BROKER_CORE)
        return {"cpu_s": result["cpu_s"], "wall_s": result["at"] - began}


def median_ratio(over, under, key):
    return statistics.median(o[key] for o in over) / statistics.median(u[key] for u in under)


def judge_noise(runs, key):
    """(sound, why): whether the sets resolve anything."""
    null = median_ratio(runs["null"], runs["null again"], key)
    if not NULL_RANGE[0] <= null <= NULL_RANGE[1]:
        return False, f"null against null {null:.2f}"
    loud = sum(not run["quiet"] for subject in runs.values() for run in subject)
    total = sum(len(subject) for subject in runs.values())
    return (True, "") if 2 * loud < total else (False, f"{loud} of {total} runs disturbed by other processes")


def measure_line(line, rows, record, name, subjects):
    """`subjects`: name -> function giving cpu_s and wall_s."""
    gate, options = line.gate, line.options
    line.consume("null")  # warm-up
    runs = {"null": [], "null again": [], **{subject: [] for subject in subjects}, "start": []}
    for number in range(options.sets):
        for subject in ("null", "null again"):
            runs[subject].append(gate.measure(lambda: line.consume("null")))
        for subject, run in subjects.items():
            runs[subject].append(gate.measure(run))
        if "exactly_once" in subjects:
            runs["start"].append(gate.measure(lambda: line.daemon(empty=True)))
        say(f"{name}: set {number + 1} of {options.sets}: " + ", ".join(
            f"{subject} {r[-1]['cpu_s'] / options.events * 1e9:.0f} ns ({r[-1]['foreign_share']:.0%} foreign)" for subject, r in runs.items() if r))
    record[name] = runs
    for key in ("cpu_s", "wall_s"):
        if runs["start"]:  # what a start costs is not the swipes'
            start = statistics.median(run[key] for run in runs["start"])
            runs["exactly_once"] = [{**run, key: run[key] - start} for run in runs["exactly_once"]]
        unit = "events per CPU-second, of null" if key == "cpu_s" else "events per second, of null"
        sound, why = judge_noise(runs, key)
        for subject in subjects:
            target = (">=", 0.75) if subject == "exactly_once" and key == "cpu_s" else None
            rows.add(name, subject, median_ratio(runs["null"] + runs["null again"], runs[subject], key), unit, target, sound, why)
        if key == "cpu_s":
            rows.add(name, "null consumer", statistics.median(r[key] for r in runs["null"]) / options.events * 1e9, "ns CPU an event")


def bench_line(options, rows, record):
    with Broker(WORK / "node") as broker:
        line = Line(broker, options, "line")
        measure_line(line, rows, record, "line", {"not published": lambda: line.consume("apply"), "exactly_once": line.daemon})


# --- in memory, but for the changelog's records -------------------------------------------------------------------------


def add_rows(rows, record, name, result):
    """What a program measured by itself: rows with ratios, and whether the machine was quiet."""
    record[name] = result
    sound = 0.97 <= result["again"] <= 1.03
    for row in result["rows"]:
        sign, _, limit = row["target"].partition(" ")
        rows.add(name, row["what"], row["value"], row["unit"], (sign, float(limit)) if limit else None, sound,
                 f"the same twice {result['again']:.2f}")


def bench_in_memory(name, *arguments):
    def bench(options, rows, record):
        say(f"{name}: measuring")
        add_rows(rows, record, name, program(name, *arguments))

    return bench


def bench_close(options, rows, record):
    directory = WORK / "close"
    directory.mkdir(parents=True)
    files = {
        "policies.yaml": {"policies": [{"id": "office-3d", "versions": [{"effective_on": "2023-01-01", "weekends_count": True}]}]},
        "sites.yaml": {"sites": {"SEA33": {"zone": ZONES[0]}}},
        "rollcall.yaml": {"policies": "policies.yaml", "sites": "sites.yaml", "time": {"complete_from": "2023-01-01"},
                          "people": {"unknown": "out_of_scope"}},
    }
    for name, content in files.items():
        (directory / name).write_text(json.dumps(content, indent=1))
    bench_in_memory("close", directory / "rollcall.yaml", options.employees)(options, rows, record)


def bench_changelog(options, rows, record):
    with Broker(WORK / "changelog-node") as broker:
        small = argparse.Namespace(**{**vars(options), "employees": min(options.employees, 400_000),
                                      "events": min(options.events, 3_000_000)})
        line = Line(broker, small, "changelog")
        say("changelog: measuring")
        add_rows(rows, record, "changelog", program("changelog", *line.arguments()))


def bench_restore(options, rows, record):
    """From a changelog on the broker to tasks that could run, against reading it."""
    with Broker(WORK / "restore-node") as broker:
        line = Line(broker, options, "restore", swipes=False)
        program("state", *line.arguments(), "--mode", "put", "--file", line.state)
        program("restore", *line.arguments(), "--mode", "put")
        runs = {"null": [], "null again": [], "records": [], "restore": []}
        modes = {"null": "null", "null again": "null", "records": "records", "restore": "restore"}
        for mode in dict.fromkeys(modes.values()):  # warm-up
            program("restore", *line.arguments(), "--mode", mode)
        for number in range(options.sets):
            for subject, mode in modes.items():
                runs[subject].append(line.gate.measure(lambda: program("restore", *line.arguments(), "--mode", mode)))
            say(f"restore: set {number + 1} of {options.sets}: " + ", ".join(
                f"{subject} {r[-1]['cpu_s']:.2f} s CPU, {r[-1]['wall_s']:.2f} s" for subject, r in runs.items()))
        if runs["restore"][0]["people"] != options.employees:
            sys.exit(f"{runs['restore'][0]['people']} people were restored, not {options.employees}")
        record["restore"] = runs
        for key, unit in ("cpu_s", "people per CPU-second"), ("wall_s", "people per second"):
            sound, why = judge_noise(runs, key)
            rows.add("restore", "of null, the same changelog", median_ratio(runs["null"] + runs["null again"], runs["restore"], key),
                     unit, (">=", 0.8), sound, why)
            rows.add("restore", "of null, a record a person", median_ratio(runs["records"], runs["restore"], key), unit, None, sound, why)
        rows.add("restore", "CPU", statistics.median(r["cpu_s"] for r in runs["restore"]) / options.employees * 1e9, "ns a person")
        rows.add("restore", "changelog", runs["restore"][0]["bytes"] / options.employees, "bytes a person")


BENCHES = {"line": bench_line, "restore": bench_restore, "changelog": bench_changelog, "decode": bench_in_memory("decode"),
           "table": bench_in_memory("table"), "judge": bench_in_memory("judge"), "close": bench_close}


def read_options():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", choices=BENCHES)
    parser.add_argument("--events", type=int)
    parser.add_argument("--employees", type=int)
    parser.add_argument("--sets", type=int)
    options = parser.parse_args()
    options.events = options.events or (1_000_000 if options.quick else 12_000_000)
    options.employees = options.employees or (150_000 if options.quick else 1_500_000)
    options.sets = options.sets or (3 if options.quick else 7)
    if options.events > 10 * options.employees:
        parser.error("at most ten events for each employee")
    return options


def main():
    options = read_options()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    rows, record = Rows(), {}
    for name in options.only or BENCHES:
        BENCHES[name](options, rows, record)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    now = datetime.datetime.now(datetime.timezone.utc)
    out = results / f"{now:%Y%m%dT%H%M%SZ}.json"
    out.write_text(json.dumps({"at": now.isoformat(), "events": options.events, "employees": options.employees, "sets": options.sets,
                               "machine": platform.platform(), "cores": os.cpu_count(), "rows": rows.rows, "runs": record}, indent=1))
    shutil.rmtree(WORK, ignore_errors=True)
    rows.print()
    say(f"written: {out}")


main()
