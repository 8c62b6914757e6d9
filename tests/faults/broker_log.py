"""The broker's own files, read as they lie on disk: who wrote what, which no client is told.

Record batches of format 2, uncompressed, as the broker writes them to its internal topics."""

import dataclasses
import struct

import harness

BATCH = struct.Struct(">qiibIhiqqqhii")  # base offset ... number of records
CONTROL, TRANSACTIONAL = 0x20, 0x10


@dataclasses.dataclass
class Batch:
    offset: int
    producer: int  # -1: none
    epoch: int
    is_control: bool
    records: list  # of (key, value), bytes or None


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


def _field(data, at):
    size, at = _varint(data, at)
    return (None, at) if size < 0 else (data[at:at + size], at + size)


def _records(data, count):
    at, found = 0, []
    for _ in range(count):
        size, at = _varint(data, at)
        end = at + size
        at += 1  # attributes
        for _ in range(2):  # timestamp, offset
            _, at = _varint(data, at)
        key, at = _field(data, at)
        value, at = _field(data, at)
        found.append((key, value))
        at = end
    return found


def batches(node, topic, partition):
    """All batches of a partition, in the order of the log."""
    found = []
    for file in sorted((node.directory / "data" / f"{topic}-{partition}").glob("*.log")):
        data, at = file.read_bytes(), 0
        while at + BATCH.size <= len(data):
            base, size, _, magic, _, attributes, _, _, _, producer, epoch, _, count = BATCH.unpack_from(data, at)
            end = at + 12 + size
            if size == 0 or end > len(data):
                break  # preallocated, or just being written
            harness.check(magic == 2 and attributes & 7 == 0, f"{file}: batch at {base} of format {magic}, {attributes:#x}")
            found.append(Batch(base, producer, epoch, bool(attributes & CONTROL),
                               _records(data[at + BATCH.size:end], count)))
            at = end
    return found


def _string(data, at):
    (size,) = struct.unpack_from(">h", data, at)
    return data[at + 2:at + 2 + size].decode(), at + 2 + size


def committers(node, group):
    """[(generation, {(topic, partition): set of producer ids that committed it in a transaction})], as the coordinator of the
    group has taken it on: a group's generation is in the same log as its offsets."""
    found = [(0, {})]
    for batch in batches(node, "__consumer_offsets", 0):
        for key, value in batch.records:
            if batch.is_control or key is None or len(key) < 4:
                continue
            (version,) = struct.unpack_from(">h", key)
            name, at = _string(key, 2)
            if name != group:
                continue
            if version == 2 and value is not None:
                (layout,) = struct.unpack_from(">h", value)
                harness.check(layout <= 3, f"a group record of layout {layout}")
                _, after = _string(value, 2)  # the kind of protocol
                (generation,) = struct.unpack_from(">i", value, after)
                if generation != found[-1][0]:
                    found.append((generation, {}))
            elif version in (0, 1) and value is not None:
                topic, at = _string(key, at)
                (partition,) = struct.unpack_from(">i", key, at)
                found[-1][1].setdefault((topic, partition), set()).add(batch.producer)
    return found


def check_one_committer_a_generation(node, group):
    """Fails unless each partition was committed by one producer in each generation; how many generations committed anything."""
    generations = [(number, owners) for number, owners in committers(node, group) if owners]
    for number, owners in generations:
        for place, producers in owners.items():
            harness.check(len(producers) == 1 and -1 not in producers, f"generation {number}: {place} by {producers}")
    numbers = [number for number, _ in generations]
    harness.check(numbers == sorted(set(numbers)), f"the generations come in turn: {numbers}")
    return len(generations)
