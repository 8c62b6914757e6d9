"""What the end-to-end tests on a real Kafka broker share. Python's standard library only.

A test file is tests/kafka/test_NAME.py; each of its functions `def test_CASE():` is one CTest entry, kafka.NAME.CASE.
It ends in

    if __name__ == "__main__":
        harness.main(globals())

and has one line in CMakeLists.txt beside this file: rollcall_kafka_tests(NAME). By hand, with the tree built:

    ctest --preset dev -R kafka.NAME                        # starts the node and stops it, as a CTest fixture
    tests/kafka/node start build/dev/kafka-node && python3 tests/kafka/test_NAME.py CASE

A test looks like this:

    def test_a_swipe_is_counted():
        site = harness.Deployment(harness.shared_node(), partitions=2)
        site.init()
        with site.daemon() as daemon:
            site.feed([{"topic": "swipes", "employee_id": "E1", "occurred_at": "..."}])
            site.wait_caught_up()
            daemon.sigterm()
            assert daemon.wait() == 0
        harness.compare_states(site.states(), site.replay())

The parts:

  shared_node()   the broker of this CTest run. Other tests use it at the same time: never stop it, and take names from
                  unique() (a Deployment does). Where there is no broker because Maven Central could not be reached, the
                  test ends with code 75, which CTest reports as skipped.
  Node()          a broker of one's own, for tests that kill, stop or pause it; a context manager.
  Cluster()       three of them, or as many as it is told.
  Feeder          a producer of transactions that outlives the brokers' troubles; OffsetsWatch: what a group commits, ten
                  times a second.
  Node's methods  create, delete, produce, consume, offsets, set_offsets, ...: the broker through `kt`.
  Record          one Kafka record, in or out.
  Deployment      one rollcall installation: a directory with its configuration, topics and group of its own names.
                  init(), feed(), daemon(), run(), states(), rejects(), replay(), wait_caught_up().
  Daemon          one `rollcall run`: wait_ready, wait_line, sigterm, sigkill, pause, resume, wait, stderr, http.
  compare_states  record for record, for each employee; check_sequences: seq from 1 without a gap.
  wait_until      polls a condition; the only way to wait in a test.

Files of a test live under ${ROLLCALL_TEST_DIR:-build/dev/kafka-tests}; they are removed when the test passes and kept, with a
note where, when it fails. A process started here dies with the test, also if that is killed.
"""

import copy
import ctypes
import dataclasses
import datetime
import itertools
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("ROLLCALL_BUILD", ROOT / "build" / "dev"))
ROLLCALL = BUILD / "rollcall"
KT = BUILD / "tests" / "kafka" / "kt"
NODE = HERE / "node"
SHARED_NODE_DIR = BUILD / "kafka-node"
TEST_DIR = pathlib.Path(os.environ.get("ROLLCALL_TEST_DIR", BUILD / "kafka-tests"))

SKIPPED = 75  # also what `node` says when Maven Central cannot be reached

# SPEC 5: records of one arrival are applied in this order of topics.
INPUTS = ("calendar", "roster", "leave", "decisions", "swipes")
OUTPUTS = ("state", "rejects", "progress", "changelog")


class Failure(AssertionError):
    """A test's own verdict, with all that a reader needs in its text."""


def check(condition, message):
    if not condition:
        raise Failure(message)


def wait_until(condition, timeout=30.0, what="the condition", every=0.05):
    """Polls until condition() is true and returns what it returned."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        check(time.monotonic() < deadline, f"{what}: not within {timeout} s")
        time.sleep(every)


_serial = itertools.count(1)


def unique(name):
    """A topic or group name that no other test, and no other run on this node, uses."""
    return f"{name}-{os.getpid()}-{time.time_ns() // 1_000_000 % 10_000_000}-{next(_serial)}"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def die_with_parent():
    """A preexec_fn of subprocess: the process does not outlive the test, however that ends."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


# --- the broker ---------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Record:
    """A Kafka record. Text is str, null is None; what is not UTF-8 is bytes. To produce one, partition None means by the
    hash of the key, timestamp None now. The fields after headers are only set on what was consumed."""

    key: object = None
    value: object = None
    partition: int = None
    timestamp: int = None
    headers: list = dataclasses.field(default_factory=list)  # of (name, value)
    offset: int = None
    timestamp_type: str = None  # create, log_append

    def json(self):
        return json.loads(self.value)

    def header(self, name):
        """The value of the last header of that name, None without one."""
        return dict(self.headers).get(name)


def _escape(value):
    if value is None:
        return b"\\N"
    raw = value if isinstance(value, bytes) else value.encode()
    return b"".join(b"\\x%02x" % b if b < 32 or b == 92 else bytes([b]) for b in raw)


def _line(record):
    columns = [
        b"-" if record.partition is None else b"%d" % record.partition,
        b"-" if record.timestamp is None else b"%d" % record.timestamp,
        _escape(record.key),
        _escape(record.value),
    ]
    for name, value in record.headers:
        columns.append(name.encode() + (b"" if value is None else b"=" + _escape(value)))
    return b"\t".join(columns) + b"\n"


def _record(line):
    found = json.loads(line)

    def text(s):
        return s.encode("latin-1") if s is not None and found.get("binary") else s

    return Record(
        key=text(found["key"]),
        value=text(found["value"]),
        partition=found["partition"],
        timestamp=found["timestamp"],
        headers=[(name, text(value)) for name, value in found["headers"]],
        offset=found["offset"],
        timestamp_type=found["timestamp_type"],
    )


class Node:
    """A broker: tests/kafka/node for its life, kt for what it holds. A context manager that starts and ends it. proxied:
    see `proxied` below."""

    def __init__(self, directory=None, settings=None, owner=None, proxied=False):
        self.directory = pathlib.Path(directory or TEST_DIR / unique("node"))
        self.settings = settings or {}
        self.owner = owner or os.getpid()  # the process whose end is the broker's too
        self.address = None  # host:port, the same after a restart
        self._first_options = ["--proxied"] if proxied else []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        self._node("stop")
        if kind is None:
            shutil.rmtree(self.directory)
        else:
            print(f"the broker's files are kept: {self.directory}", file=sys.stderr)

    def at(self, address):
        """The same, as whoever bootstraps from that address sees it."""
        other = copy.copy(self)
        other.address = address
        return other

    @property
    def proxied(self):
        """[(port that the broker names to those who come by it, where it serves them)]: a proxy listens on the first and
        passes on to the second, and whoever bootstraps from the first never sees another way. kt goes around it."""
        ports = [int(address.split(":")[1]) for address in self.address.split(",")]
        return [(port + 3, port + 2) for port in ports]

    def _node(self, command, *arguments):
        done = subprocess.run([NODE, command, self.directory, *arguments], stdout=subprocess.PIPE, text=True)
        if done.returncode == SKIPPED:
            sys.exit(SKIPPED)
        check(done.returncode == 0, f"node {command} ended with {done.returncode}")
        return done.stdout.strip()

    def start(self):
        """Starts it, also again after stop() or kill(); returns when it serves clients."""
        settings = [word for name, value in self.settings.items() for word in ("--set", f"{name}={value}")]
        self.settings = {}  # they stay in the node's directory
        self.address = self._node("start", "--owner", str(self.owner), *self._first_options, *settings)

    def stop(self):
        self._node("stop")

    def kill(self):
        self._node("kill")

    def pause(self):
        self._node("pause")

    def resume(self):
        self._node("resume")

    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    def kt(self, command, *arguments, stdin=b""):
        """One kt command; its output lines. Fails if kt does."""
        words = [KT, self.address, command, *map(str, arguments)]
        done = subprocess.run(words, input=stdin, capture_output=True)
        check(done.returncode == 0, f"kt {command} {arguments}: {done.returncode}, {done.stderr.decode(errors='replace')}")
        return done.stdout.decode().split("\n")[:-1]  # a line separator of Unicode ends no line

    def create(self, topic, partitions=1, **config):
        """node.create("t", 4, **{"cleanup.policy": "compact"}); returns when each partition has a leader."""
        self.kt("create", topic, partitions, *(f"{name}={value}" for name, value in config.items()))

    def delete(self, topic):
        self.kt("delete", topic)

    def add_partitions(self, topic, total):
        self.kt("add-partitions", topic, total)

    def delete_records(self, topic, partition, before):
        self.kt("delete-records", topic, partition, before)

    def config(self, topic):
        return json.loads(self.kt("config", topic)[0])

    def produce(self, topic, records, transaction=None, end="commit", batch=None):
        """In order and acknowledged. With a transactional id all of it is one transaction; end: commit, abort, or leave
        (open, as a crash does: it ends at its timeout, or when the id is used again). batch: records in a batch at most,
        which is the least that a fetch returns."""
        options = ["--transaction", transaction, "--end", end] if transaction else []
        options += ["-X", f"batch.num.messages={batch}"] if batch else []
        self.kt("produce", topic, "--escaped", *options, stdin=b"".join(map(_line, records)))

    def consume(self, topic, isolation="read_committed"):
        """All that is there now, in the order (partition, offset)."""
        return sorted(self.stream(topic, isolation), key=lambda record: (record.partition, record.offset))

    def stream(self, topic, isolation="read_committed"):
        """The same, one by one and in the order of each partition: for more than there is memory for."""
        return map(_record, self.lines(topic, isolation))

    def lines(self, topic, isolation="read_committed"):
        """What `kt consume` prints, line by line."""
        words = [KT, self.address, "consume", topic, "--isolation", isolation]
        consume = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        for line in consume.stdout:
            yield line.decode()
        why = consume.stderr.read().decode(errors="replace")
        check(consume.wait() == 0, f"kt consume {topic}: {consume.returncode}, {why}")

    def watermarks(self, topic, isolation="read_uncommitted"):
        """{partition: (first offset, offset after the last)}; with read_committed the end of what is committed."""
        found = map(json.loads, self.kt("watermarks", topic, "--isolation", isolation))
        return {f["partition"]: (f["low"], f["high"]) for f in found}

    def offsets(self, group, *topics):
        """{(topic, partition): committed offset, None if there is none}. A broker that has just come back may not know yet that
        it is the coordinator, or who leads the partitions: it is asked again."""

        def answer():
            try:
                lines = self.kt("offsets", group, *topics, "--isolation", "read_uncommitted")
            except Failure as failure:
                if "coordinator" not in str(failure).lower():
                    raise
                return None
            found = {(f["topic"], f["partition"]): f["offset"] for f in map(json.loads, lines)}
            return (found,) if {topic for topic, _ in found} == set(topics) else None

        return wait_until(answer, 30, f"the offsets of {group}", every=0.1)[0]

    def set_offsets(self, group, topic, partition, offset, metadata=None):
        """The group must have no member."""
        self.kt("set-offsets", group, topic, partition, offset, *([] if metadata is None else [metadata]))

    def delete_offsets(self, group, topic):
        self.kt("delete-offsets", group, topic)

    def members(self, group):
        """client.id of each member of the group, also of those that are still joining."""
        return self.kt("members", group)

    def delete_group(self, group):
        self.kt("delete-group", group)


class Feeder:
    """`kt feed`: a producer with a transactional id that lives through what a test does to the brokers. A context manager."""

    def __init__(self, node, transaction=None, **properties):
        self.transaction = transaction or unique("feeder")
        words = [KT, node.address, "feed", "--transaction", self.transaction, "--escaped"]
        words += [word for name, value in properties.items() for word in ("-X", f"{name}={value}")]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.process.kill()
        self.close()

    def begin(self):
        self._say(b"begin\n")

    def send(self, topic, *records):
        for record in records:
            self._say(topic.encode() + b"\t" + _line(record))

    def write(self, lines):
        """Records as `kt feed` reads them, made by whoever has no time for objects."""
        self._say(lines)

    def flush(self, timeout=60):
        """Until what was sent is in the log, though not committed."""
        return self._end(b"flush\n", timeout)

    def commit(self, timeout=60):
        """The answer: {"t", "ok"}, or with ok False "error": it was aborted, and is to be sent again."""
        return self._end(b"commit\n", timeout)

    def abort(self, timeout=60):
        return self._end(b"abort\n", timeout)

    def feed(self, records, timeout=60):
        """Pairs of topic and Record in one transaction, again until it is committed; how often it was sent. Also what was
        aborted is in the log, for read_uncommitted."""
        for times in itertools.count(1):
            self.begin()
            for topic, record in records:
                self.send(topic, record)
            if self.commit(timeout)["ok"]:
                return times

    def close(self):
        """An open transaction is aborted."""
        self.process.stdin.close()
        self.process.wait()

    def _say(self, line):
        try:
            self.process.stdin.write(line)
        except BrokenPipeError:
            raise self._ended() from None

    def _ended(self):
        return Failure(f"kt feed ended with {self.process.wait()}: {self.process.stderr.read().decode(errors='replace')}")

    def _end(self, command, timeout):
        try:
            self._say(command)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None
        check(select.select([self.process.stdout], [], [], timeout)[0], f"kt feed: no answer within {timeout} s")
        line = self.process.stdout.readline()
        if not line:
            raise self._ended()
        return json.loads(line)


class OffsetsWatch:
    """`kt watch-offsets` into a file: {"t": ms, "offsets": {"topic/partition": offset or None}} or {"t", "error"} a line."""

    def __init__(self, node, group, topics, path, every_ms=100):
        self.path = pathlib.Path(path)
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(
                [KT, node.address, "watch-offsets", group, *topics, "--every", str(every_ms), "--isolation", "read_uncommitted"],
                stdin=subprocess.PIPE, stdout=out, preexec_fn=die_with_parent)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()

    def lines(self):
        """Those that are there now."""
        whole, _, _ = self.path.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def stop(self):
        check(self.process.poll() is None, f"kt watch-offsets has ended by itself, with {self.process.returncode}")
        self.process.stdin.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:  # it is asking a broker that is away
            self.process.kill()
            self.process.wait()


class Cluster(Node):
    """Brokers that hold copies of each other's topics (as many as there are, at most three, of which two must be in sync);
    .nodes are Nodes, each with a life of its own. What is done to a Cluster is done to all of them at once; what is asked of
    it, whoever of them is there answers."""

    def __init__(self, brokers=3, directory=None, settings=None, owner=None, proxied=False):
        super().__init__(directory, settings, owner, proxied)
        self._first_options += ["--brokers", str(brokers)]
        self.nodes = [Node(self.directory / str(i + 1), owner=self.owner) for i in range(brokers)]

    def start(self):
        super().start()
        for node, address in zip(self.nodes, self.address.split(",")):
            node.address = address

    def wait_in_sync(self, timeout=30):
        """Until each partition has as many copies in sync as there are brokers, so that one more may be struck. (One that has
        just come back has not got there; if it goes again at once, what is acknowledged meanwhile may hang until the next
        record.)"""
        self.kt("wait", min(len(self.nodes), 3), "--timeout", timeout)

    def log(self):
        return "".join(node.log() for node in self.nodes)


def shared_node():
    """The node that the CTest fixture has started. Its end is not the test's business."""
    address = SHARED_NODE_DIR / "address"
    if not address.exists():
        print("no Kafka node: skipped (see the test kafka.node_up)", file=sys.stderr)
        sys.exit(1 if os.environ.get("ROLLCALL_REQUIRE_KAFKA") == "1" else SKIPPED)
    node = Node(SHARED_NODE_DIR)
    node.address = address.read_text().strip()
    return node


# --- rollcall -----------------------------------------------------------------------------------------------------------

OFFICE_3D = {"policies": [{"id": "office-3d", "versions": [{"effective_on": "2023-01-01"}]}]}
SITES = {"sites": {"SEA33": {"zone": "America/Los_Angeles"}, "BER01": {"zone": "Europe/Berlin"}}}


def _merged(base, changes):
    """Sections are merged, everything else is replaced."""
    both = dict(base)
    for name, value in changes.items():
        nested = isinstance(value, dict) and isinstance(base.get(name), dict)
        both[name] = _merged(base[name], value) if nested else value
    return both


class Deployment:
    """One rollcall installation: configuration, topics and group that nobody else uses. `config` is merged into the
    configuration, section by section. With partitions the input topics are made here (LogAppendTime, or CreateTime with
    create_time=True: arrivals are then the timestamps that feed() gives); without, that is left to init()."""

    def __init__(self, node, partitions=None, create_time=False, config=None, policies=OFFICE_3D, sites=SITES):
        self.node = node
        self.name = unique("rollcall")
        self.group = self.name
        self.topics = {name: f"{self.name}.{name}" for name in INPUTS + OUTPUTS}
        self.directory = TEST_DIR / self.name
        self.directory.mkdir(parents=True)
        _kept.append(self.directory)
        time_section = {"complete_from": "2023-01-01"}
        if create_time:
            time_section["allow_create_time"] = True
        base = {
            "kafka": {"bootstrap.servers": node.address, "group.id": self.group},
            "topics": self.topics,
            "policies": "policies.yaml",
            "sites": "sites.yaml",
            "time": time_section,
            "people": {"unknown": "default_policy"},
            "employees": 10000,
            "workers": 1,
            "http": f"127.0.0.1:{free_port()}",
        }
        self._write("policies.yaml", policies)
        self._write("sites.yaml", sites)
        self.configure(_merged(base, config or {}))
        if partitions:
            stamp = "CreateTime" if create_time else "LogAppendTime"
            for name in INPUTS:
                compacted = {"cleanup.policy": "compact"} if name == "roster" else {}
                self.node.create(
                    self.topics[name],
                    1 if name == "calendar" else partitions,
                    # weeks of timestamps in one segment: a fetch from an older one is answered at once
                    **{"message.timestamp.type": stamp, "retention.ms": -1, "segment.ms": 2**40, **compacted},
                )

    def _write(self, name, content):
        (self.directory / name).write_text(json.dumps(content, indent=1))  # JSON is YAML

    @property
    def config_file(self):
        return self.directory / "rollcall.yaml"

    def configure(self, config):
        """Replaces the whole configuration."""
        self.config = config
        self._write("rollcall.yaml", config)

    def run(self, command, *arguments, stdin=None, check_code=0, timeout=60):
        """`rollcall COMMAND -c this configuration ARGUMENTS`, to its end; what it printed."""
        done = subprocess.run(
            [ROLLCALL, command, "-c", self.config_file, *map(str, arguments)],
            input=stdin, capture_output=True, text=True, timeout=timeout, preexec_fn=die_with_parent)
        check(done.returncode == check_code,
              f"rollcall {command} ended with {done.returncode}, not {check_code}:\n{done.stderr}")
        return done.stdout

    def init(self):
        return self.run("init")

    def daemon(self, *arguments, environment=None, command="run"):
        """A Daemon, to be started with `with` or start(). Arguments go behind `run -c FILE`."""
        return Daemon(self, arguments, environment, command)

    # Inputs ------------------------------------------------------------------------------------------------------

    def feed(self, lines, batch=None):
        """Produces objects as `replay` reads them: each names its topic, the key is its employee or site. On a
        deployment with create_time, arrived_at (RFC 3339) becomes the timestamp."""
        by_topic = {}
        for topic, record in self.records(lines):
            by_topic.setdefault(topic, []).append(record)
        for topic, records in by_topic.items():
            self.node.produce(topic, records, batch=batch)

    def records(self, lines):
        """Such lines as pairs of a real topic and a Record, in their order: for Feeder.feed."""
        for line in lines:
            value = {name: v for name, v in line.items() if name not in ("topic", "arrived_at", "tombstone")}
            key = line["site_id"] if line["topic"] == "calendar" else str(line["employee_id"])
            arrived = line.get("arrived_at")
            yield self.topics[line["topic"]], Record(
                key=key,
                value=None if line.get("tombstone") else json.dumps(value),
                timestamp=None if arrived is None else milliseconds(arrived))

    def input_log(self, wanted=lambda name, line: True):
        """Everything in the input topics, as the lines of a file for `replay` in the order of SPEC 5. Values are taken
        over as they are, so this is for inputs whose values are JSON objects. wanted: of a name and a line of `kt consume`,
        where all would be too much."""
        entries = []
        for rank, name in enumerate(INPUTS):
            if self.config["topics"].get(name) is None:
                continue
            arrivals = {}  # by partition: the largest timestamp so far
            for line in self.node.lines(self.topics[name]):
                if not wanted(name, line):
                    continue
                record = _record(line)
                arrival = max(record.timestamp, arrivals.get(record.partition, 0))
                arrivals[record.partition] = arrival
                head = {"topic": name, "arrived_at": rfc3339(arrival)}
                if record.value is None:
                    line = json.dumps({**head, "employee_id": record.key, "tombstone": True})
                else:
                    rest = record.value.strip()[1:].lstrip()
                    line = json.dumps(head)[:-1] + ("" if rest.startswith("}") else ", ") + rest
                entries.append(((arrival, rank, record.partition, record.offset), line))
        return [line for _, line in sorted(entries)]

    # Outputs -----------------------------------------------------------------------------------------------------

    def states(self):
        """What the state topic shows a read_committed consumer: its objects, in the order of each partition. A tombstone
        is {"employee_id": ..., "tombstone": True}."""
        return [
            {"employee_id": record.key, "tombstone": True} if record.value is None else record.json()
            for record in self.node.consume(self.topics["state"])
        ]

    def rejects(self):
        """The Records of the rejects topic; their reason is header("rollcall-reason")."""
        return self.node.consume(self.topics["rejects"])

    def replay(self, *arguments, lines=None):
        """The state objects that `rollcall replay` gives for the same log (or for `lines`), with the same
        configuration. Closes by the wall clock are asked for with "--until", T."""
        log = self.directory / "input.ndjson"
        log.write_text("".join(line + "\n" for line in (self.input_log() if lines is None else lines)))
        return [json.loads(line) for line in self.run("replay", *arguments, log).splitlines()]

    def wait_caught_up(self, timeout=60):
        """Until the group has committed everything in the topics about employees."""
        topics = [self.topics[name] for name in INPUTS if name != "calendar" and self.config["topics"].get(name)]

        def caught_up():
            committed = self.node.offsets(self.group, *topics)
            return all(
                high == low or (committed[topic, partition] or 0) >= high
                for topic in topics
                for partition, (low, high) in self.node.watermarks(topic).items())

        wait_until(caught_up, timeout, "everything committed", every=0.1)


class Daemon:
    """One `rollcall run` (or rekey). As a context manager it is started, and killed if it still runs at the end."""

    def __init__(self, deployment, arguments=(), environment=None, command="run"):
        self.deployment = deployment
        self.command = command
        self.arguments = arguments
        self.environment = environment or {}
        self.process = None
        self.log = deployment.directory / f"{unique('daemon')}.stderr"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.sigkill()
        if kind is not None:
            tail = "\n".join(self.stderr().splitlines()[-30:])
            print(f"--- end of what the daemon said ({self.log}), code {self.process.returncode}\n{tail}", file=sys.stderr)

    def start(self):
        """Also again, after it has ended: stderr() then has both."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [ROLLCALL, self.command, "-c", self.deployment.config_file, *map(str, self.arguments)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **self.environment},
                preexec_fn=die_with_parent)

    def stderr(self):
        return self.log.read_text(errors="replace")

    def wait_line(self, pattern, timeout=30):
        """Until a line that matches the regular expression was printed; the match."""

        def found():
            match = re.search(pattern, self.stderr(), re.MULTILINE)
            check(match or self.process.poll() is None,
                  f"the daemon ended with {self.process.returncode} without a line {pattern!r}:\n{self.stderr()}")
            return match

        return wait_until(found, timeout, f"a line {pattern!r}")

    def http(self, path):
        """(status, body) of a GET on the address in the configuration; (None, reason) while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://{self.deployment.config['http']}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return None, str(error)

    def wait_ready(self, timeout=30):
        """Until /readyz says so."""

        def ready():
            check(self.process.poll() is None, f"the daemon ended with {self.process.returncode}:\n{self.stderr()}")
            return self.http("/readyz")[0] == 200

        wait_until(ready, timeout, "/readyz")

    def metrics(self):
        """{'name{labels}': value} of /metrics."""
        status, text = self.http("/metrics")
        check(status == 200, f"/metrics: {status} {text}")
        samples = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    def signal(self, number):
        self.process.send_signal(number)

    def sigterm(self):
        self.signal(signal.SIGTERM)

    def sigkill(self):
        """Returns when it is gone."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def wait(self, timeout=60):
        """Its exit code; negative: the signal that ended it."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"the daemon still runs after {timeout} s") from None


# --- verdicts -----------------------------------------------------------------------------------------------------------


def rfc3339(ms):
    instant = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def milliseconds(text):
    instant = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(instant.timestamp() * 1000)


def _by_employee(states):
    """{employee: its records}. An id is a function of where its person became known, an offset here and a line there:
    it is left out, and `supersedes` becomes the seq of the record that it names."""
    found, seq_of = {}, {}
    for state in states:
        employee = state["employee_id"]
        if state.get("tombstone"):
            found.setdefault(employee, []).append({"tombstone": True})
            continue
        seq_of[employee, state["id"]] = state["seq"]
        one = {name: value for name, value in state.items() if name != "id"}
        if one["supersedes"] is not None:
            named = seq_of.get((employee, one["supersedes"]))
            check(named is not None, f"{employee} seq {one['seq']} supersedes {one['supersedes']}, which never was")
            one["supersedes"] = {"seq": named}
        found.setdefault(employee, []).append(one)
    return found


def compare_states(consumed, replayed, ignore=()):
    """Fails unless both have the same records, in the same order, for each employee (`ignore`: fields that may differ).
    Returns how many were compared; an empty run proves nothing and fails."""
    left, right = _by_employee(consumed), _by_employee(replayed)
    faults = []
    for employee in sorted(left.keys() | right.keys()):
        pairs = itertools.zip_longest(left.get(employee, []), right.get(employee, []))
        for number, (ours, theirs) in enumerate(pairs, 1):
            if ours is None or theirs is None:
                faults.append(f"{employee}: record {number} only {'replayed' if ours is None else 'consumed'}: {ours or theirs}")
                break
            differing = sorted(n for n in ours.keys() | theirs.keys() if n not in ignore and ours.get(n) != theirs.get(n))
            if differing:
                faults.append(f"{employee}: record {number} differs: " + "; ".join(
                    f"{n}: consumed {ours.get(n)!r}, replayed {theirs.get(n)!r}" for n in differing))
                break
    check(not faults, f"{len(faults)} employees differ, the first:\n" + "\n".join(faults[:10]))
    check(consumed, "there are no state records to compare")
    return len(consumed)


def check_sequences(states):
    """SPEC 6: for each employee seq starts at 1 and rises by 1, and starts again only after a tombstone; ids are unique.
    This is what finds a change that was lost or shown twice."""
    expected, ids = {}, set()
    for state in states:
        employee = state["employee_id"]
        if state.get("tombstone"):
            expected.pop(employee, None)
            continue
        want = expected.get(employee, 1)
        check(state["seq"] == want, f"{employee}: seq {state['seq']} where {want} is next")
        check(state["id"] not in ids, f"{employee}: id {state['id']} twice")
        ids.add(state["id"])
        expected[employee] = want + 1
    check(states, "there are no state records to check")


# --- running ------------------------------------------------------------------------------------------------------------

_kept = []  # directories that are removed when the test passes


def main(names):
    """Runs the cases named on the command line, or all; the exit code is CTest's."""
    cases = {name[len("test_"):]: case for name, case in names.items() if name.startswith("test_") and callable(case)}
    failed = 0
    for name in sys.argv[1:] or cases:
        _kept.clear()
        try:
            cases[name]()
        except Exception:  # a verdict or a fault of the test: both fail it
            traceback.print_exc()
            print(f"FAILED {name}" + "".join(f"\nkept: {directory}" for directory in _kept), file=sys.stderr)
            failed += 1
        else:
            print(f"passed {name}")
            for directory in _kept:
                shutil.rmtree(directory, ignore_errors=True)
    sys.exit(1 if failed else 0)
