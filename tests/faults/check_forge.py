"""Corrupts a folder of evidence as a broken daemon or broker would have left it: dumps, segment files and ends together, so that
nothing but the fault itself can be noticed."""

import json
import pathlib
import re
import struct

import log_segments
from log_segments import BLOCK_HEADER, HEADER, HEADER_BYTES

FIELDS = ("base", "length", "leader_epoch", "magic", "crc", "attributes", "last_delta", "first_timestamp", "timestamp",
          "producer", "epoch", "sequence", "count")
MARKERS = {"abort": 0, "commit": 1}


def varint(number):
    number = number << 1 ^ number >> 63
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(found) + bytes([number])


def counted(data):
    return varint(-1) if data is None else varint(len(data)) + data


def batch_of(base, records, **fields):
    """The bytes of an uncompressed batch; records: [(key, value)]."""
    body = b""
    for delta, (key, value) in enumerate(records):
        record = b"\0" + varint(0) + varint(delta) + counted(key) + counted(value) + varint(0)
        body += varint(len(record)) + record
    values = {"base": base, "length": 0, "leader_epoch": 0, "magic": 2, "crc": 0, "attributes": 0, "last_delta": len(records) - 1,
              "first_timestamp": 0, "timestamp": 0, "producer": -1, "epoch": -1, "sequence": -1, "count": len(records), **fields}
    return sealed(values, body)


def sealed(values, body):
    values = {**values, "length": HEADER_BYTES - 12 + len(body), "crc": 0}
    data = HEADER.pack(*values.values()) + body
    crc = log_segments.crc32c(data[log_segments.CRC_FROM:])
    return data[:17] + struct.pack(">I", crc) + data[21:]


class RawLog:
    """One partition's segment file as a list of batches; each a dict of its header and its body."""

    def __init__(self, folder, topic, partition):
        self.file = next(iter(sorted((pathlib.Path(folder) / "brokers" / "1" / f"{topic}-{partition}").glob("*.log"))))
        data, at, self.batches = self.file.read_bytes(), 0, []
        while at + HEADER_BYTES <= len(data):
            values = dict(zip(FIELDS, HEADER.unpack_from(data, at)))
            end = at + 12 + values["length"]
            self.batches.append((values, data[at + HEADER_BYTES:end]))
            at = end

    def save(self):
        self.file.write_bytes(b"".join(sealed(values, body) for values, body in self.batches))

    def end(self):
        values = self.batches[-1][0]
        return values["base"] + values["last_delta"] + 1

    def append(self, data):
        self.batches.append((dict(zip(FIELDS, HEADER.unpack_from(data, 0))), data[HEADER_BYTES:]))

    def data(self):
        """(number, header) of the batches that are no markers."""
        return [(n, values) for n, (values, _) in enumerate(self.batches) if not values["attributes"] & log_segments.CONTROL]

    def markers(self):
        return [(n, values) for n, (values, _) in enumerate(self.batches) if values["attributes"] & log_segments.CONTROL]

    def batch_at(self, offset):
        return next(n for n, v in self.data() if v["base"] <= offset <= v["base"] + v["last_delta"])

    def set_marker(self, number, verdict):
        values, _ = self.batches[number]
        self.batches[number] = values, marker_body(verdict)


def marker_body(verdict):
    record = b"\0" + varint(0) + varint(0) + counted(struct.pack(">hh", 0, MARKERS[verdict])) + counted(struct.pack(">hi", 0, 0)) + varint(0)
    return varint(len(record)) + record


def task_with(value, **fields):
    """A task record with another batch number."""
    head = list(BLOCK_HEADER.unpack_from(value))
    head[3] = fields["batch"]
    return BLOCK_HEADER.pack(*head) + value[BLOCK_HEADER.size:]


class Forge:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.run = self.json("run.json")
        self.topics, self.group = self.run["topics"], self.run["group"]

    # Files -------------------------------------------------------------------------------------------------------

    def json(self, name):
        return json.loads((self.folder / name).read_text())

    def edit_json(self, name, edit):
        content = self.json(name)
        edit(content)
        (self.folder / name).write_text(json.dumps(content))

    def lines(self, name):
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def write_lines(self, name, lines):
        (self.folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))

    def edit_lines(self, name, edit):
        """edit gets the list and changes it."""
        lines = self.lines(name)
        edit(lines)
        self.write_lines(name, lines)

    def edit_text(self, name, old, new, count=1):
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new, count))

    def logs(self):
        return sorted(path.relative_to(self.folder) for path in (self.folder / "logs").glob("*.log"))

    # Records -----------------------------------------------------------------------------------------------------

    def dump(self, name, kind="committed"):
        return f"outputs/{name}.{kind}.jsonl"

    def messages(self, name):
        return self.lines(self.dump(name))

    def edit_record(self, name, message, edit):
        """In both dumps. (Data batches are compressed, and it is the dumps that their contents are read from.)"""
        for kind in ("committed", "uncommitted"):
            def change(lines):
                for line in lines:
                    if (line["partition"], line["offset"]) == (message["partition"], message["offset"]):
                        edit(line)
            self.edit_lines(self.dump(name, kind), change)

    def edit_value(self, name, message, edit):
        def change(line):
            value = json.loads(line["value"])
            edit(value)
            line["value"] = json.dumps(value)
        self.edit_record(name, message, change)

    def drop_record(self, name, message):
        """As if it had never been written: in the batch there is one less, as after compaction."""
        for kind in ("committed", "uncommitted"):
            self.edit_lines(self.dump(name, kind), lambda lines: lines.__setitem__(slice(None), [
                line for line in lines if (line["partition"], line["offset"]) != (message["partition"], message["offset"])]))
        log = self.log(name, message["partition"])
        log.batches[log.batch_at(message["offset"])][0]["count"] -= 1
        log.save()

    def people(self, name="state"):
        """{employee: its messages}."""
        found = {}
        for message in self.messages(name):
            found.setdefault(message["key"], []).append(message)
        return found

    def with_records(self, least):
        """The messages of somebody who has so many."""
        return next(messages for messages in self.people().values() if len(messages) >= least)

    # Logs --------------------------------------------------------------------------------------------------------

    def log(self, name, partition):
        return RawLog(self.folder, self.topics[name], partition)

    def offsets_log(self):
        return RawLog(self.folder, "__consumer_offsets", 0)

    def set_end(self, name, partition, end, lso=None):
        where = f"{self.topics[name]}/{partition}"
        self.edit_json("ends.json", lambda ends: ends[where].update(high=end, lso=end if lso is None else lso))

    def commits(self):
        """The batches of offsets in the log of the coordinator: [(number, header, {(topic, partition): offset})]."""
        log, found = self.offsets_log(), []
        for number, values in log.data():
            batch = log_segments.Batch(values["base"], 0, 0, 0, values["attributes"], 0, 0, 0, 0, 0, values["count"], log.batches[number][1])
            offsets = {}
            for _, key, value in log_segments.records_of(batch):
                commit = log_segments.offset_commit(key, value)
                if commit and commit[0][0] == self.group and commit[1]:
                    offsets[commit[0][1:]] = commit[1][0]
            if offsets:
                found.append((number, values, offsets))
        return found

    def edit_offsets(self, which, change):
        """Rewrites the offsets of one commit; change gets {(input, partition): offset}."""
        number, values, offsets = self.commits()[which]
        name_of = {real: name for name, real in self.topics.items()}
        offsets = {(name_of[topic], partition): offset for (topic, partition), offset in offsets.items()}
        change(offsets)
        log = self.offsets_log()
        base = values["base"]
        data = batch_of(base, [self.offset_record(*place, offset) for place, offset in offsets.items()], **{
            name: values[name] for name in ("attributes", "timestamp", "first_timestamp", "producer", "epoch", "sequence")})
        log.batches[number] = dict(zip(FIELDS, HEADER.unpack_from(data, 0))), data[HEADER_BYTES:]
        log.save()

    def offset_record(self, name, partition, offset, metadata=""):
        def text(word):
            return struct.pack(">h", len(word)) + word.encode()
        key = struct.pack(">h", 1) + text(self.group) + text(self.topics[name]) + struct.pack(">i", partition)
        value = struct.pack(">hqi", 3, offset, -1) + text(metadata) + struct.pack(">q", 0)
        return key, value

    def append_batch(self, name, partition, messages, verdict, **fields):
        """Messages (as in a dump, without place) at the end of an output, and their marker."""
        log = RawLog(self.folder, "__consumer_offsets", 0) if name is None else self.log(name, partition)
        attributes = log_segments.TRANSACTIONAL if fields["producer"] >= 0 else 0
        base = log.end()
        records = messages if name is None else [(raw(m["key"], m), raw(m["value"], m)) for m in messages]
        log.append(batch_of(base, records, attributes=attributes, **fields))
        end = base + len(messages)
        if verdict:
            marker = batch_of(end, [(b"", b"")], attributes=log_segments.TRANSACTIONAL | log_segments.CONTROL,
                              **{**fields, "timestamp": fields["timestamp"] + 5, "first_timestamp": fields["timestamp"] + 5, "sequence": -1})
            log.append(marker)
            log.set_marker(len(log.batches) - 1, verdict)
            end += 1
        log.save()
        if name is None:
            return
        placed = [{**m, "partition": partition, "offset": base + n, "timestamp": fields["timestamp"]} for n, m in enumerate(messages)]
        plain = fields["producer"] < 0
        for kind in ("committed", "uncommitted") if verdict == "commit" or plain else ("uncommitted",):
            self.edit_lines(self.dump(name, kind), lambda lines: lines.extend(placed))
        self.set_end(name, partition, end, base if verdict is None and not plain else None)

    def last_marker_time(self):
        """Of all logs: on a busy machine a marker is written long after what it ends."""
        ours = "|".join(re.escape(self.topics[name]) for name in ("state", "rejects", "progress", "changelog"))
        logs = [self.offsets_log()] + [RawLog(self.folder, *place.rsplit("/", 1)) for place in self.json("ends.json")
                                       if re.fullmatch(f"({ours})/[0-9]+", place)]
        return max(values["timestamp"] for log in logs for _, values in log.markers())

    def append_transaction(self, outputs, verdict="commit", offsets=True, **fields):
        """One more transaction of the last producer, with a task record of each task: outputs is {(name, partition): messages}."""
        _, values, last = max(self.commits(), key=lambda commit: commit[1]["base"])
        time = self.last_marker_time() + 20
        fields = {"producer": values["producer"], "epoch": values["epoch"], "timestamp": time, "first_timestamp": time,
                  "sequence": 1000, **fields}
        name_of = {real: name for name, real in self.topics.items()}
        newest = {}
        for message in self.messages("changelog"):
            if message["key"] == "task":
                newest[message["partition"]] = message
        outputs = dict(outputs)
        if offsets:
            for partition, message in newest.items():
                value = raw(message["value"], message)
                batch = log_segments.task_record(value)["batch"] + 1
                outputs["changelog", partition] = [{**message, "binary": True, "value": task_with(value, batch=batch).decode("latin-1")}]
            ends = {(name_of[topic], partition): offset for number, v, found in self.commits() for (topic, partition), offset in found.items()}
            self.append_batch(None, 0, [self.offset_record(*place, offset) for place, offset in ends.items()], verdict, **fields)
        for (name, partition), messages in outputs.items():
            self.append_batch(name, partition, messages, verdict, **fields)
        if verdict == "commit" and offsets and last:
            self.edit_json("run.json", lambda run: run.update(ended=run["ended"] + 100))


def raw(text, message):
    return None if text is None else text.encode("latin-1" if message.get("binary") else "utf-8")
