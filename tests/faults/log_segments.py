"""A broker's log as it lies on disk: segment files read byte by byte, and what transactions they add up to.

Written from the format of Kafka's record batches (magic 2), of its control records and of the records of __consumer_offsets;
it asks no client library, so that it sees what a client would hide: aborted and undecided data, markers, epochs.
"""

import dataclasses
import pathlib
import re
import struct

HEADER = struct.Struct(">qiibIhiqqqhii")     # of a batch: up to and with the number of records
HEADER_BYTES = HEADER.size                   # 61
CRC_FROM = 21                                # the checksum is over everything from the attributes on
TRANSACTIONAL, CONTROL, COMPRESSED = 0x10, 0x20, 0x07
ABORT, COMMIT = "abort", "commit"


class BadLog(Exception):
    """A log that no broker writes."""


def _crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


CRC_TABLE = _crc_table()


def crc32c(data):
    crc, table = 0xFFFFFFFF, CRC_TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


@dataclasses.dataclass(slots=True)
class Batch:
    base: int
    last: int
    leader_epoch: int
    crc: int
    attributes: int
    first_timestamp: int
    timestamp: int                   # the largest
    producer: int                    # -1: none
    epoch: int
    sequence: int
    count: int
    body: bytes                      # the records, as they are stored
    marker: str = None               # of a control batch: commit or abort
    coordinator_epoch: int = None

    @property
    def is_transactional(self):
        return bool(self.attributes & TRANSACTIONAL)

    @property
    def is_control(self):
        return bool(self.attributes & CONTROL)


def unsigned_varint(data, at):
    shift = number = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def varint(data, at):
    number, at = unsigned_varint(data, at)
    return number >> 1 ^ -(number & 1), at


def field(data, at):
    length, at = varint(data, at)
    return (None, at) if length < 0 else (data[at:at + length], at + length)


def records_of(batch):
    """(offset, key, value) of an uncompressed batch."""
    if batch.attributes & COMPRESSED:
        raise BadLog(f"offset {batch.base}: compressed")
    data, at, found = batch.body, 0, []
    for _ in range(batch.count):
        length, at = varint(data, at)
        end = at + length
        _, inner = varint(data, at + 1)                 # behind the attributes: the timestamp's difference
        delta, inner = varint(data, inner)
        key, inner = field(data, inner)
        value, inner = field(data, inner)
        found.append((batch.base + delta, key, value))
        at = end
    return found


def batches_of(data, with_crc):
    """The batches of one segment file. A batch that is cut off at the end is what a killed broker leaves."""
    at, found = 0, []
    while at + HEADER_BYTES <= len(data):
        (base, length, leader_epoch, magic, crc, attributes, last_delta, first_ts, last_ts, producer, epoch, sequence,
         count) = HEADER.unpack_from(data, at)
        end = at + 12 + length
        if length <= 0 or end > len(data):
            break
        if magic != 2:
            raise BadLog(f"offset {base}: magic {magic}")
        if with_crc and crc32c(data[at + CRC_FROM:end]) != crc:
            raise BadLog(f"offset {base}: the checksum is wrong")
        batch = Batch(base, base + last_delta, leader_epoch, crc, attributes, first_ts, last_ts, producer, epoch, sequence,
                      count, data[at + HEADER_BYTES:end])
        if batch.is_control:
            _, key, value = records_of(batch)[0]
            kind = struct.unpack_from(">hh", key)[1]
            batch.marker = {0: ABORT, 1: COMMIT}.get(kind)      # others speak of leaders and snapshots
            if batch.marker:
                batch.coordinator_epoch = struct.unpack_from(">hi", value)[1]
        found.append(batch)
        at = end
    return found


def read_partition(directory, with_crc=True):
    """All batches of a partition's directory, in order."""
    found = []
    for file in sorted(pathlib.Path(directory).glob("*.log")):
        found += batches_of(file.read_bytes(), with_crc)
    last = -1
    for batch in found:
        if batch.base <= last:
            raise BadLog(f"{directory}: offset {batch.base} behind {last}")
        last = batch.last
    return found


def replicas(brokers, topic_pattern):
    """{(topic, partition): [directories]} of the partitions whose topic matches, over all brokers."""
    found = {}
    for broker in sorted(pathlib.Path(brokers).iterdir()) if pathlib.Path(brokers).is_dir() else []:
        for directory in sorted(broker.iterdir()):
            match = re.fullmatch(r"(.+)-(\d+)", directory.name)
            if match and directory.is_dir() and re.fullmatch(topic_pattern, match[1]):
                found.setdefault((match[1], int(match[2])), []).append(directory)
    return found


@dataclasses.dataclass(slots=True)
class Piece:
    """What one transaction wrote to one partition."""
    topic: str
    partition: int
    producer: int
    epoch: int
    batches: list
    verdict: str = None              # commit, abort, None: undecided
    marker: object = None            # the control batch

    @property
    def first(self):
        return self.batches[0].base

    @property
    def last(self):
        return self.batches[-1].last

    @property
    def first_timestamp(self):
        return min(batch.first_timestamp for batch in self.batches)

    @property
    def timestamp(self):
        return max(batch.timestamp for batch in self.batches)

    def holds(self, offset):
        return any(batch.base <= offset <= batch.last for batch in self.batches)


def pieces_of(topic, partition, batches):
    """(pieces in the order of their ends, batches outside of transactions). A marker ends what its producer has open, as it
    does for a broker, whatever its epoch: a new instance aborts with an epoch of its own."""
    opened, ended, plain = {}, [], []
    for batch in batches:
        if batch.is_control:
            piece = opened.pop(batch.producer, None) if batch.marker else None
            if piece:
                piece.verdict, piece.marker = batch.marker, batch
                ended.append(piece)
        elif batch.is_transactional:
            piece = opened.setdefault(batch.producer, Piece(topic, partition, batch.producer, batch.epoch, []))
            piece.batches.append(batch)
        else:
            plain.append(batch)
    return ended + list(opened.values()), plain


# --- __consumer_offsets and __transaction_state ---------------------------------------------------------------------------


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        found = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return found[0]

    def text(self):
        length = self.take("h")
        return None if length < 0 else self.raw(length)

    def compact(self):
        number, self.at = unsigned_varint(self.data, self.at)
        return None if number == 0 else self.raw(number - 1)

    def raw(self, length):
        self.at += length
        return self.data[self.at - length:self.at].decode("utf-8", "replace")


def offset_commit(key, value):
    """((group, topic, partition), (offset, metadata) or None if it is deleted) of a record of __consumer_offsets, None for
    one that is no commit."""
    reader = Reader(key)
    if reader.take("h") not in (0, 1):
        return None
    name = reader.text(), reader.text(), reader.take("i")
    if value is None:
        return name, None
    reader = Reader(value)
    version = reader.take("h")
    offset = reader.take("q")
    if version >= 3:
        reader.take("i")                                # the leader's epoch
    return name, (offset, reader.compact() if version >= 4 else reader.text())


def group_generation(key, value):
    """(group, its generation, or None if the group is gone) of a record of __consumer_offsets, None for one that is of no group."""
    reader = Reader(key)
    if reader.take("h") != 2:
        return None
    group = reader.text()
    if value is None:
        return group, None
    reader = Reader(value)
    layout = reader.take("h")
    if layout > 3:
        raise BadLog(f"a group record of layout {layout}")
    reader.text()                                       # the kind of protocol
    return group, reader.take("i")


def transactional_ids(brokers):
    """{producer id: transactional id}."""
    found = {}
    for directories in replicas(brokers, "__transaction_state").values():
        for directory in directories:
            for batch in read_partition(directory, with_crc=False):
                for _, key, value in [] if batch.is_control else records_of(batch):
                    reader = Reader(key)
                    if reader.take("h") == 0 and value is not None:
                        found[struct.unpack_from(">hq", value)[1]] = reader.text()
    return found


# --- rollcall's changelog ---------------------------------------------------------------------------------------------------


INPUTS = ("calendar", "roster", "leave", "decisions", "swipes")
BLOCK_HEADER = struct.Struct("<4sHHQQIIQ")
TASK_BLOCK = 2


def task_record(value):
    """{"batch", "clock", "positions": {(input, partition): (offset, arrival)}} of the changelog's record `task` (src/task/block.h)."""
    magic, _, kind, number, _, count, length, _ = BLOCK_HEADER.unpack_from(value)
    if magic != b"RCB1" or kind != TASK_BLOCK or length != len(value) - BLOCK_HEADER.size:
        raise BadLog("no task record")
    at = BLOCK_HEADER.size

    def unsigned():
        nonlocal at
        number, at = unsigned_varint(value, at)
        return number

    def signed():
        nonlocal at
        number, at = varint(value, at)
        return number

    clock = signed()
    signed()                                            # complete_from
    at += 32                                            # the hash of the rules
    for _ in range(2):
        unsigned()                                      # the oldest delta, the next segment
    signed()                                            # debt
    unsigned()                                          # closes done
    positions = {}
    for _ in range(count):
        topic, partition, offset, arrival = unsigned(), signed(), signed(), signed()
        positions[INPUTS[topic], partition] = offset, arrival
    if at != len(value):
        raise BadLog("a task record with something behind it")
    return {"batch": number, "clock": clock, "positions": positions}
