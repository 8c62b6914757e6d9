"""The brokers' logs against the rest: transactions, committed offsets, who owned what (I4 to I9, I12, I19, I21)."""

import bisect
import collections
import dataclasses
import re

import log_segments
from check_evidence import EMPLOYEE_INPUTS, INPUTS, OUTPUTS, milliseconds
from log_lines import log_events
from log_segments import COMMIT

RECORDS_WITH_CRC = ("state", "rejects", "progress")     # the changelog is large, and has checksums of its own
SAME_TIME_MS = 50                                       # between two records of one transaction, by the clock of their sender


@dataclasses.dataclass
class Commit:
    """One commit of offsets of the group, with all that its transaction wrote; `order` is where it took effect."""
    producer: int
    epoch: int
    time: int                       # at which the broker took the offsets
    offsets: dict                   # (topic, partition): (offset, metadata)
    verdict: str                    # commit, abort, None: undecided; at least once: commit
    order: int = None
    decided: int = None             # the time of the marker
    pieces: list = dataclasses.field(default_factory=list)
    transactional: bool = True
    upto: dict = dataclasses.field(default_factory=dict)    # partition p: the steps of task p that are committed by then
    since: dict = dataclasses.field(default_factory=dict)   # and those that were before
    tasks: dict = dataclasses.field(default_factory=dict)   # partition p: its task record

    def __str__(self):
        return f"the transaction of producer {self.producer} epoch {self.epoch} that sent its offsets at {self.time}"


class Logs:
    """What the segment files hold of the group and of rollcall's outputs."""

    def __init__(self, evidence, findings):
        self.evidence, self.findings = evidence, findings
        self.brokers = evidence.folder / "brokers"
        self.partitions = {}        # (output, partition): batches
        self.pieces = {}            # (output, partition): pieces, in the order of their ends
        self.plain = {}             # (output, partition): batches outside of transactions
        self.commits = []           # in the order of their effect; undecided ones last
        self.ids = log_segments.transactional_ids(self.brokers)
        for name in OUTPUTS:
            self.read_output(name)
        self.read_offsets()
        self.births = {producer for producer, name in self.ids.items() if name == f"{evidence.run['group']}-init"}
        if evidence.is_exact:
            self.link()

    def longest(self, directories, with_crc):
        """The batches of the replica that has most, which the others must agree with."""
        copies = sorted((log_segments.read_partition(d, with_crc) for d in directories), key=lambda c: c[-1].last if c else -1)
        known = {batch.base: batch for batch in copies[-1]}
        for copy in copies[:-1]:
            for batch in copy:
                other = known.get(batch.base)
                if other and (other.last, other.producer, other.epoch, other.crc) != (batch.last, batch.producer, batch.epoch, batch.crc):
                    self.findings.violate("evidence", f"{directories[0].name}@{batch.base}: the replicas differ")
        return copies[-1]

    def read_output(self, name):
        topic = self.evidence.topics[name]
        for (_, partition), directories in log_segments.replicas(self.brokers, re.escape(topic)).items():
            batches = self.longest(directories, name in RECORDS_WITH_CRC)
            self.partitions[name, partition] = batches
            self.pieces[name, partition], self.plain[name, partition] = log_segments.pieces_of(topic, partition, batches)

    def read_offsets(self):
        group, inputs = self.evidence.run["group"], {self.evidence.topics[name] for name in EMPLOYEE_INPUTS}
        found = []

        def offsets_of(batches):
            offsets = {}
            for batch in batches:
                for _, key, value in log_segments.records_of(batch):
                    commit = log_segments.offset_commit(key, value)
                    if commit and commit[0][0] == group and commit[0][1] in inputs:
                        offsets[commit[0][1:]] = commit[1]
            return offsets

        for directories in log_segments.replicas(self.brokers, "__consumer_offsets").values():
            batches = self.longest(directories, True)
            pieces, plain = log_segments.pieces_of("__consumer_offsets", 0, batches)
            for piece in pieces:
                offsets = offsets_of(piece.batches)
                if offsets:
                    found.append(Commit(piece.producer, piece.epoch, piece.timestamp, offsets, piece.verdict,
                                        piece.marker.base if piece.marker else None,
                                        piece.marker.timestamp if piece.marker else None))
            for batch in plain:
                offsets = offsets_of([batch])
                if offsets:
                    found.append(Commit(-1, -1, batch.timestamp, offsets, COMMIT, batch.base, batch.timestamp, transactional=False))
        self.commits = sorted(found, key=lambda c: (c.order is None, c.order))

    def link(self):
        """Gives each piece to its transaction. A producer's transactions follow each other, and the markers of one are written
        after it sent its offsets and before the next one could; all of these times are the brokers'."""
        self.loose = []
        of_producer = collections.defaultdict(list)
        for commit in self.commits:
            of_producer[commit.producer].append(commit)
        for commits in of_producer.values():
            commits.sort(key=lambda c: c.time)
        later = []
        for (name, partition), pieces in self.pieces.items():
            for piece in pieces:
                if piece.producer in self.births:
                    continue
                commit = self.candidate(of_producer[piece.producer], piece)
                has_one = commit and any((p.topic, p.partition) == (piece.topic, piece.partition) for p in commit.pieces)
                # Aborted under a newer epoch: the next owner began one, and was struck before it sent any offsets.
                is_next = commit and piece.verdict != COMMIT and piece.epoch > commit.epoch
                if commit and piece.verdict == commit.verdict and not has_one and not is_next:
                    commit.pieces.append(piece)
                    self.findings.check("I9", piece.epoch == commit.epoch,
                                        f"{piece.topic}/{partition}@{piece.first}..{piece.last}: epoch {piece.epoch} in {commit}")
                else:
                    later.append((commit, piece, has_one))
        for commit, piece, has_one in later:
            self.place_odd(commit, piece, has_one)

    @staticmethod
    def candidate(commits, piece):
        if piece.marker is None:
            return commits[-1] if commits and commits[-1].verdict is None else None
        at = bisect.bisect_right([c.time for c in commits], piece.marker.timestamp) - 1
        return commits[at] if at >= 0 else None

    def place_odd(self, commit, piece, has_one):
        """A piece whose transaction is not plain to see: torn, or of a transaction that never sent offsets."""
        where = f"{piece.topic}/{piece.partition}@{piece.first}..{piece.last}"
        near = commit and (not commit.pieces or any(piece.first_timestamp <= p.timestamp + SAME_TIME_MS and
                                                    piece.timestamp >= p.first_timestamp - SAME_TIME_MS for p in commit.pieces))
        if near and piece.epoch == commit.epoch and not has_one:
            self.findings.violate("I8", f"{where}: torn: {piece.verdict or 'undecided'} here, and {commit.verdict or 'undecided'} for {commit}")
            commit.pieces.append(piece)
        elif piece.verdict == COMMIT:
            self.findings.violate("I4", f"{where}: committed by producer {piece.producer} epoch {piece.epoch} without offsets")
            self.loose.append(piece)
        elif piece.verdict is None:
            self.findings.violate("I8", f"{where}: undecided at the end, producer {piece.producer} epoch {piece.epoch}")

    def visible(self, name, partition):
        """(ranges of offsets that read_committed must show, those that it must not)."""
        shown = [(b.base, b.last) for b in self.plain.get((name, partition), [])]
        hidden = []
        for piece in self.pieces.get((name, partition), []):
            (shown if piece.verdict == COMMIT else hidden).extend((b.base, b.last) for b in piece.batches)
        return sorted(shown), sorted(hidden)

    def counted(self):
        """The commits that took effect."""
        return [commit for commit in self.commits if commit.verdict == COMMIT]


class Ranges:
    def __init__(self, ranges):
        self.ranges = ranges
        self.starts = [first for first, _ in ranges]

    def __contains__(self, offset):
        at = bisect.bisect_right(self.starts, offset) - 1
        return at >= 0 and offset <= self.ranges[at][1]


# --- is what was consumed what the logs hold? ---------------------------------------------------------------------------------


def check_visible(evidence, findings, logs):
    """I8, and that no dump was cut short: each record of the log is in the dumps, where it belongs."""
    for name in OUTPUTS:
        seen = {kind: collections.defaultdict(set) for kind in ("committed", "uncommitted")}
        for kind, messages in (("committed", evidence.committed[name]), ("uncommitted", evidence.uncommitted[name])):
            for message in messages:
                seen[kind][message.partition].add(message.offset)
        for partition in {p for n, p in logs.partitions if n == name} | seen["committed"].keys():
            check_partition(evidence, findings, logs, name, partition, seen["committed"][partition], seen["uncommitted"][partition])


def check_partition(evidence, findings, logs, name, partition, committed, uncommitted):
    shown, hidden = (Ranges(r) for r in logs.visible(name, partition))
    for offset in sorted(committed):
        findings.check("I8", offset in shown, lambda: "%s: visible, but %s" % (
            evidence.place(name, partition, offset), "aborted or undecided" if offset in hidden else "in no transaction of the log"))
    missing = [o for o in sorted(uncommitted) if o in shown and o not in committed]
    for offset in missing:
        findings.violate("I8", f"{evidence.place(name, partition, offset)}: committed, but not visible")
    batches = logs.partitions.get((name, partition), [])
    stored = sum(b.count for b in batches if not b.is_control)
    findings.check("evidence", stored == len(uncommitted) or name == "changelog",     # which is compacted while it runs
                   f"{evidence.topics[name]}/{partition}: {stored} records in the log, {len(uncommitted)} in the dump")
    end = evidence.ends.get(f"{evidence.topics[name]}/{partition}")
    last = batches[-1].last + 1 if batches else 0
    findings.check("evidence", end is not None and end["high"] == last,
                   f"{evidence.topics[name]}/{partition}: the log ends at {last}, ends.json says {end}")
    if end:
        findings.check("I8", end["lso"] == end["high"],
                       f"{evidence.topics[name]}/{partition}: a transaction is open at the end: LSO {end['lso']}, end {end['high']}")
    if evidence.is_exact and name != "changelog":
        for batch in logs.plain.get((name, partition), []):
            findings.violate("I8", f"{evidence.place(name, partition, batch.base)}: written outside of any transaction")


def check_undecided(_evidence, findings, logs):
    for commit in logs.commits:
        findings.check("I8", commit.verdict is not None, f"undecided at the end: {commit}")


# --- the offsets ------------------------------------------------------------------------------------------------------------


def check_offsets(evidence, findings, logs):
    """I6: as the log has them, as they were asked for, and where they end."""
    history = collections.defaultdict(list)
    for commit in logs.counted():
        for place, value in commit.offsets.items():
            where = f"{place[0]}/{place[1]}"
            if value is None:
                findings.violate("I6", f"{where}: the committed offset was deleted")
                continue
            before = history[where][-1] if history[where] else 0
            findings.check("I6", value[0] >= before, f"{where}: committed {value[0]} after {before}, by {commit}")
            history[where].append(value[0])
    check_samples(evidence, findings, history)
    for name in EMPLOYEE_INPUTS:
        for partition in range(evidence.partitions):
            where = f"{evidence.topics[name]}/{partition}"
            end = evidence.ends.get(where)
            if end is None:
                findings.violate("evidence", f"{where}: no end is known")
                continue
            last = history[where][-1] if history[where] else 0
            findings.check("I6", last == end["high"], f"{where}: committed {last} at the end, the log ends at {end['high']}")
            findings.check("I6", end["lso"] == end["high"], f"{where}: an open transaction in the input: LSO {end['lso']}, end {end['high']}")


def check_samples(evidence, findings, history):
    """Sampled offsets are asked for without waiting for open transactions, and so a broker shows them as of its high watermark.
    Just up again it knows an old one, or none, for some 100 ms (KAFKA-15910); one of several that stood still answers for a moment
    as the coordinator that it was. So an offset may fall after the samples that found no coordinator, until it is back."""
    sets, seen = {where: set(values) for where, values in history.items()}, {}
    may_fall = False
    for sample in evidence.samples:
        offsets = sample.get("offsets")
        if offsets is None:
            may_fall = True
            continue
        may_fall = may_fall or evidence.run["brokers"] > 1
        has_fallen = False
        for where, offset in offsets.items():
            before, number = seen.get(where, -1), -1 if offset is None else offset
            is_known = number < 0 or number in sets.get(where, ())
            findings.check("I6", is_known, f"{where}: {number} at {sample['t']} was never committed")
            findings.check("I6", may_fall or number >= before, f"{where}: {offset} at {sample['t']}, {before} before")
            has_fallen = has_fallen or number < before
            seen[where] = max(number, before)
        may_fall = may_fall and has_fallen


# --- what belongs to which commit --------------------------------------------------------------------------------------------


def take_task_records(evidence, findings, logs):
    """The task record of each commit and partition: of its transaction, or the last one below the mark."""
    records = collections.defaultdict(list)
    for message in evidence.committed["changelog"]:
        if message.key == b"task" and message.value is not None:
            try:
                records[message.partition].append((message.offset, log_segments.task_record(message.value)))
            except (log_segments.BadLog, IndexError, KeyError) as error:
                findings.violate("I12", f"{evidence.place('changelog', message.partition, message.offset)}: {error}")
    for commit in logs.counted():
        for partition in {p for _, p in commit.offsets}:
            if commit.transactional:
                piece = next((p for p in commit.pieces if p.topic == evidence.topics["changelog"] and p.partition == partition), None)
                mine = [record for offset, record in records[partition] if piece and piece.holds(offset)]
            else:
                mark = mark_of(commit.offsets.get((evidence.topics["swipes"], partition)))
                mine = [record for offset, record in records[partition] if offset < mark]
            if mine:
                commit.tasks[partition] = mine[-1]


def mark_of(value):
    match = re.fullmatch(r"rollcall changelog (\d+)", (value[1] if value else None) or "")
    return int(match[1]) if match else -1


def find_steps(evidence, findings, logs, tasks):
    """How far each commit is in the order of each task, and that what it covers is a beginning of that order (I5)."""
    places = {}
    for partition, steps in tasks.items():
        index = collections.defaultdict(lambda: ([], []))
        largest = collections.defaultdict(int)
        for number, record in enumerate(steps.records):
            offsets, numbers = index[record.topic, record.partition]
            offsets.append(record.offset)
            largest[record.topic, record.partition] = max(largest[record.topic, record.partition], number + 1)
            numbers.append(largest[record.topic, record.partition])
        places[partition] = index
    before = dict.fromkeys(tasks, 0)
    for commit in logs.counted():
        for partition in sorted({p for _, p in commit.offsets} & tasks.keys()):
            covered = covered_records(evidence, commit, partition, places[partition])
            if covered is None:
                commit.upto[partition] = commit.since[partition] = before[partition]
                continue
            count, upto = covered
            if evidence.is_exact:
                findings.check("I5", count == upto, lambda: "task %d: %s covers %d records, but not the first %d of the order: %s is left out" % (
                    partition, commit, count, upto, first_left_out(evidence, commit, partition, tasks[partition])))
            commit.since[partition], commit.upto[partition] = before[partition], max(upto, before[partition])
            before[partition] = commit.upto[partition]
    return before


def offset_in(evidence, commit, partition, name, number):
    """Up to where an input of the task is committed."""
    if name == "calendar":
        task = commit.tasks.get(partition)
        return task["positions"].get(("calendar", number), (0, None))[0] if task else None
    value = commit.offsets.get((evidence.topics[name], number))
    return value[0] if value else 0


def covered_records(evidence, commit, partition, index):
    count = upto = 0
    for (name, number), (offsets, numbers) in index.items():
        offset = offset_in(evidence, commit, partition, name, number)
        if offset is None:
            return None
        at = bisect.bisect_left(offsets, offset)
        count += at
        upto = max(upto, numbers[at - 1] if at else 0)
    return count, upto


def first_left_out(evidence, commit, partition, steps):
    for record in steps.records:
        offset = offset_in(evidence, commit, partition, record.topic, record.partition)
        if offset is not None and record.offset >= offset:
            return evidence.place(record.topic, record.partition, record.offset)
    return "nothing"


# --- outputs of transactions -------------------------------------------------------------------------------------------------


def check_ranges(evidence, findings, logs, tasks, caused):
    """I4, I5, I7. caused: [(output, message, task, step, may be early)], from the comparison with the oracle."""
    if not evidence.is_exact:
        check_order_of_flushes(evidence, findings, logs, tasks, caused)
        return
    finder = {}
    for commit in logs.counted():
        for piece in commit.pieces:
            finder.setdefault((piece.topic, piece.partition), []).append((piece.first, piece, commit))
    for pieces in finder.values():
        pieces.sort(key=lambda entry: entry[0])
    for name, message, partition, step, may_be_early in caused:
        place = evidence.place(name, message.partition, message.offset)
        commit = commit_at(finder, evidence.topics[name], message.partition, message.offset)
        if not findings.check("I4", commit is not None, f"{place}: in no committed transaction with offsets"):
            continue
        if not findings.check("I4", partition in commit.upto, f"{place}: {commit} commits no offsets of task {partition}, whose inputs cause it"):
            continue
        upto, since, last = commit.upto[partition], commit.since[partition], len(tasks[partition].records)
        cause = cause_of(evidence, tasks[partition], step)
        early = not (may_be_early or step >= last == upto or step < last and is_below(evidence, commit, partition, tasks[partition].records[step]))
        findings.check("I4", not early, f"{place}: its cause {cause} is not below the offsets that {commit} commits (step {step}, committed {upto})")
        late = step < since
        findings.check("I5", not late, f"{place}: its cause {cause} was committed before {commit} (step {step}, committed before {since})")
        findings.check("I7", not early and not late, f"{place}: {commit} is about steps {since} to {upto - 1} of task {partition}, not {step}")


def check_missing(evidence, findings, logs, tasks, missing):
    """I5, I7: what the oracle puts out for what is committed, and nobody put out."""
    for partition, step, text in missing:
        commit = next((c for c in logs.counted() if c.since.get(partition, 0) <= step < c.upto.get(partition, 0)), None)
        if commit or step >= len(tasks[partition].records):
            cause = cause_of(evidence, tasks[partition], step)
            findings.violate("I5", f"{text}: missing, though its cause {cause} is committed")
        if commit and evidence.is_exact:
            findings.violate("I7", f"{text}: missing in {commit}")


def commit_at(finder, topic, partition, offset):
    pieces = finder.get((topic, partition), [])
    at = bisect.bisect_right(pieces, offset, key=lambda entry: entry[0]) - 1
    while at >= 0:
        if pieces[at][1].holds(offset):
            return pieces[at][2]
        at -= 1                     # pieces of several producers may lie in one another
    return None


def is_below(evidence, commit, partition, record):
    offset = offset_in(evidence, commit, partition, record.topic, record.partition)
    return offset is not None and record.offset < offset


def cause_of(evidence, steps, step):
    if step >= len(steps.records):
        return "a close by the wall clock"
    record = steps.records[step]
    return evidence.place(record.topic, record.partition, record.offset)


def check_order_of_flushes(evidence, findings, logs, tasks, caused):
    """At least once: when offsets were committed, what they stand for had been written (by the clock of the records)."""
    findings.skip("I7", "at_least_once has no transactions")
    if evidence.clock_was_moved:
        findings.skip("I5", "the clock that stamps records was moved")
    times = collections.defaultdict(lambda: ([], []))
    for commit in logs.counted():
        for partition, upto in commit.upto.items():
            times[partition][0].append(upto)
            times[partition][1].append(commit.time)
    for name, message, partition, step, _ in caused:
        place = evidence.place(name, message.partition, message.offset)
        upto, time = times[partition]
        at = bisect.bisect_right(upto, step)
        is_last = step >= len(tasks[partition].records)
        findings.check("I4", at < len(upto) or is_last, f"{place}: its cause {cause_of(evidence, tasks[partition], step)} was never committed")
        if at < len(upto) and not evidence.clock_was_moved:
            findings.check("I5", message.timestamp <= time[at],
                           f"{place}: written at {message.timestamp}, its cause was committed at {time[at]}")


# --- ownership ---------------------------------------------------------------------------------------------------------------


def check_ownership(evidence, findings, logs):
    """I9: epochs of a producer only rise, committed transactions of different owners do not overlap in what only the owner
    writes, and each batch of a task follows the one before it: nobody commits from a state that is not the newest."""
    if not evidence.is_exact:
        findings.skip("I9", "at_least_once fences nobody; what comes of it is in I2")
        return
    for (name, partition), pieces in logs.pieces.items():
        where = f"{evidence.topics[name]}/{partition}"
        newest = {}
        for batch in logs.partitions[name, partition]:
            if batch.producer < 0:
                continue
            findings.check("I9", batch.epoch >= newest.get(batch.producer, 0),
                           f"{where}@{batch.base}: epoch {batch.epoch} of producer {batch.producer} after epoch {newest.get(batch.producer)}")
            newest[batch.producer] = max(batch.epoch, newest.get(batch.producer, 0))
        if name == "changelog" or name == "state" and state_is_cut_alike(evidence):
            committed = sorted((p for p in pieces if p.verdict == COMMIT), key=lambda p: p.first)
            for one, other in zip(committed, committed[1:]):
                findings.check("I9", other.first > one.marker.base, lambda: "%s: producer %d wrote %d..%d while producer %d, which wrote from %d on, was not done before %d" % (
                    where, other.producer, other.first, other.last, one.producer, one.first, one.marker.base))
    check_batches(evidence, findings, logs)


def state_is_cut_alike(evidence):
    topic = evidence.topics["state"]
    return sum(place.rpartition("/")[0] == topic for place in evidence.ends) == evidence.partitions


def check_batches(evidence, findings, logs):
    before = {}
    for commit in logs.counted():
        for partition, task in sorted(commit.tasks.items()):
            batch, positions = before.get(partition, (0, {}))
            findings.check("I9", task["batch"] == batch + 1,
                           f"{evidence.topics['changelog']}/{partition}: batch {task['batch']} after {batch}, by {commit}")
            for place, (offset, _) in task["positions"].items():
                last = positions.get(place, (0, None))[0]
                findings.check("I9", offset >= last, f"task {partition}: {place[0]}/{place[1]} at {offset} after {last}, by {commit}")
            before[partition] = task["batch"], task["positions"]


# --- the changelog -----------------------------------------------------------------------------------------------------------


def check_changelog(evidence, findings, logs, tasks):
    """I12: the task record says what the offsets say, and the restart found everybody."""
    final = {}
    for commit in logs.counted():
        for partition in sorted({p for _, p in commit.offsets} & tasks.keys()):
            task = commit.tasks.get(partition)
            if task is None:
                if commit.transactional:
                    findings.violate("I12", f"task {partition}: no task record in {commit}")
                continue
            final[partition] = task
            check_end_unseen(findings, commit, partition, tasks[partition], task)
            if not evidence.is_exact:
                continue
            for name in EMPLOYEE_INPUTS:
                value = commit.offsets.get((evidence.topics[name], partition))
                recorded = task["positions"].get((name, partition), (None,))[0]
                findings.check("I12", value is not None and value[0] == recorded,
                               f"{evidence.topics[name]}/{partition}: committed {value and value[0]}, the changelog says {recorded}: {commit}")
            check_clock(evidence, findings, commit, partition, tasks[partition], task)
    for partition in tasks:
        task = final.get(partition)
        if not findings.check("I12", task is not None, f"task {partition}: no task record was ever committed"):
            continue
        for name in INPUTS:
            numbers = range(evidence.run.get("calendar_partitions", 1)) if name == "calendar" else [partition]
            for number in numbers:
                end = evidence.ends.get(f"{evidence.topics[name]}/{number}", {"high": 0})["high"]
                found = task["positions"].get((name, number), (0,))[0]
                findings.check("I12", found == end, f"task {partition}: the changelog ends at {evidence.topics[name]}/{number} {found}, the log at {end}")
    if evidence.is_exact:
        check_restores(evidence, findings, logs, tasks)


def check_end_unseen(findings, commit, partition, steps, task):
    """Where days were closed by the wall clock before the log was over, the oracle does not know when. Either the end of the
    inputs was there to be seen, and nothing of this run can be compared, or the daemon closes days too early."""
    places = {(record.topic, record.partition): record.offset for record in steps.records}
    left = [place for place, last in places.items() if task["positions"].get(place, (0, None))[0] <= last]
    newest = max((arrival for _, arrival in task["positions"].values()), default=0)
    if left and not any(text.startswith(f"task {partition}: the wall clock") for text in findings.violations["evidence"]):
        findings.check("evidence", task["clock"] <= newest or newest < 0,
                       f"task {partition}: the wall clock ({task['clock']}) closed days while {left[0]} was not read to its end: {commit}")


def check_clock(evidence, findings, commit, partition, steps, task):
    """The clock is the largest arrival applied, or, at the end of the inputs, a wall clock of before the commit."""
    upto = commit.upto.get(partition, 0)
    clock = steps.clocks[upto - 1] if upto else None
    by_wall = commit.time - evidence.skew
    good = clock is None or task["clock"] == clock or clock < task["clock"] and (task["clock"] <= by_wall or evidence.clock_was_moved)
    findings.check("I12", good, f"task {partition}: clock {task['clock']} in the changelog, {clock} by the records up to there: {commit}")


def check_restores(evidence, findings, logs, tasks):
    """`event=running people=N` after a restore: what the oracle knows at the offsets that were restored."""
    taken = collections.defaultdict(list)
    for commit in logs.counted():
        for partition, upto in commit.upto.items():
            taken[partition].append((commit.decided, upto))
    for (member, number), text in evidence.logs.items():
        for line in log_events(text):
            if line.get("event") != "running" or evidence.clock_was_moved:
                continue
            partition, at = int(line["partition"]), milliseconds(line["ts"])
            upto = max((upto for decided, upto in taken[partition] if decided <= at), default=0)
            people = tasks[partition].people[upto - 1] if upto else 0
            findings.check("I12", int(line["people"]) == people,
                           f"{member}-{number}: task {partition} runs with {line['people']} people; at its offsets the oracle knows {people}")


# --- who committed what --------------------------------------------------------------------------------------------------------


def incarnation_of(evidence, logs, commit, incarnations):
    """The incarnation that made a commit, or None where two could have."""
    alive = [i for i in incarnations if i["start"] <= commit.time <= (i["end"] or float("inf"))]
    name = logs.ids.get(commit.producer)
    if name:
        alive = [i for i in alive if re.fullmatch(re.escape(f"{evidence.run['group']}-{i['member']}") + r"-\d+", name)]
    return alive[0] if len(alive) == 1 else None


def totals_of(text):
    """(counts by reason, totals) that a graceful end prints, or None."""
    counts, totals = {}, None
    for line in log_events(text):
        if line.get("event") == "count":
            counts[line["reason"]] = int(line["records"])
        elif line.get("event") == "totals":
            totals = {key: int(value) for key, value in line.items() if value.isdigit()}
    return (counts, totals) if totals else None


ORACLE_WORDS = {"site_does_not_count": "site_not_counted", "tombstone_of_nobody": "forget_of_nobody"}
IGNORED = {"not_accepted", "site_not_counted", "repeat", "cancel_of_nothing", "forget_of_nobody"}


def check_stops(evidence, findings, logs, tasks):
    """I11 and I19: what a graceful end says it read is what it had committed, and its counts are the oracle's for that."""
    incarnations = evidence.incarnations()
    done, doubtful = collections.defaultdict(lambda: collections.Counter()), set()
    for commit in logs.counted():
        owner = incarnation_of(evidence, logs, commit, incarnations)
        alive = [i for i in incarnations if i["start"] <= commit.time <= (i["end"] or float("inf"))]
        if owner is None:
            doubtful |= {(i["member"], i["incarnation"]) for i in alive}
            continue
        for partition, upto in commit.upto.items():
            for kind, reasons in tasks[partition].verdicts[commit.since[partition]:upto]:
                key = kind if kind != "ignored" else ORACLE_WORDS.get(reasons[0], reasons[0])
                done[owner["member"], owner["incarnation"]][key] += 1
    for key, text in evidence.logs.items():
        found = totals_of(text)
        incarnation = next((i for i in incarnations if (i["member"], i["incarnation"]) == key), None)
        if found is None or incarnation is None:
            has_worked = "event=starting" in text  # it had reached the cluster before it was stopped
            if incarnation and incarnation["end"] and incarnation["code"] == 0 and has_worked:
                findings.violate("I19", f"{key[0]}-{key[1]}: ended with 0 and says no totals")
            continue
        counts, totals = found
        who = f"{key[0]}-{key[1]}"
        check_sums(findings, who, counts, totals)
        if totals.get("behind_clock"):
            findings.skip("I2", f"{who} applied {totals['behind_clock']} records behind the clock")
        if incarnation["code"] == 0 and key not in doubtful:
            check_stop(findings, who, text, counts, totals, done[key])


def check_sums(findings, who, counts, totals):
    parts = totals["applied"] + totals["ignored"] + totals["rejected"]
    findings.check("I11", totals["read"] == totals["sum"] == parts == sum(counts.values()),
                   f"{who}: read {totals['read']}, sum {totals['sum']}, applied + ignored + rejected {parts}, counts {sum(counts.values())}")
    ignored = sum(number for reason, number in counts.items() if reason in IGNORED)
    findings.check("I11", counts.get("applied", 0) == totals["applied"] and ignored == totals["ignored"],
                   f"{who}: the counts {counts} are not the totals {totals}")


def check_stop(findings, who, text, counts, totals, done):
    """What was applied and not committed is lost to this process only where its partitions were taken, or its producer."""
    lost = re.search(r"event=(revoked\b[^\n]*lost=true|starts_over|batch_sent_again|kept_task_is_stale)", text)
    committed = sum(done.values())
    findings.check("I19", totals["read"] == committed or lost and totals["read"] >= committed,
                   f"{who}: read {totals['read']} records, committed {committed}")
    if lost:
        return
    expected = {("rejected" if key == "rejected" else key): number for key, number in done.items()}
    said = {reason: n for reason, n in counts.items() if reason == "applied" or reason in IGNORED}
    said["rejected"] = totals["rejected"]
    for key in sorted(expected.keys() | said.keys()):
        findings.check("I11", expected.get(key, 0) == said.get(key, 0),
                       f"{who}: {key} {said.get(key, 0)}, the oracle says {expected.get(key, 0)} for what it committed")


# --- what is done again --------------------------------------------------------------------------------------------------------


def check_again(evidence, findings, logs):
    """I21: what was aborted and came again came the same. (Progress and changelog are of their moment.)"""
    if not evidence.is_exact:
        return                      # repeats are compared in I2
    for name, identity in (("state", state_identity), ("rejects", reject_identity)):
        committed = {identity(m): m for m in evidence.committed[name]}
        shown = {(m.partition, m.offset) for m in evidence.committed[name]}
        for message in evidence.uncommitted[name]:
            again = committed.get(identity(message))
            if (message.partition, message.offset) in shown or identity(message) is None:
                continue
            place = evidence.place(name, message.partition, message.offset)
            if findings.check("I21", again is not None, f"{place}: was aborted, and never came again"):
                findings.check("I21", again.content() == message.content(),
                               f"{place}: was aborted, and came again otherwise at {evidence.place(name, again.partition, again.offset)}")


def state_identity(message):
    return message.key, message.header("ce_id")


def reject_identity(message):
    return tuple(message.header(f"rollcall-{part}") for part in ("topic", "partition", "offset"))
