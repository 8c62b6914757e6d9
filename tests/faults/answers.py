"""Kafka's requests and answers as dictionaries, in the versions that librdkafka 2.0.2 uses: for the proxy's rules `answer` and
`rewrite`.

    net.add("answer", "EndTxn", rewrite=answers.refusal("NOT_COORDINATOR"))    # the broker never saw it
    net.add("rewrite", "EndTxn", rewrite=answers.refusal("NOT_COORDINATOR"))   # the broker has done it, and says that
    net.add("rewrite", "OffsetFetch", rewrite=answers.edit(change))            # change(the answer), in place

A schema is a list of (field, type); the type of an array is the schema of its elements, or the one type of them. Flexible
versions have short lengths and tags behind each structure (KIP-482)."""

import struct

import harness

CODES = {
    "NONE": 0, "UNKNOWN_SERVER_ERROR": -1, "CORRUPT_MESSAGE": 2, "UNKNOWN_TOPIC_OR_PARTITION": 3, "LEADER_NOT_AVAILABLE": 5,
    "NOT_LEADER_OR_FOLLOWER": 6, "REQUEST_TIMED_OUT": 7, "BROKER_NOT_AVAILABLE": 8, "MESSAGE_TOO_LARGE": 10,
    "NETWORK_EXCEPTION": 13, "COORDINATOR_LOAD_IN_PROGRESS": 14, "COORDINATOR_NOT_AVAILABLE": 15, "NOT_COORDINATOR": 16,
    "INVALID_TOPIC_EXCEPTION": 17, "RECORD_LIST_TOO_LARGE": 18, "NOT_ENOUGH_REPLICAS": 19,
    "NOT_ENOUGH_REPLICAS_AFTER_APPEND": 20, "ILLEGAL_GENERATION": 22, "INCONSISTENT_GROUP_PROTOCOL": 23, "INVALID_GROUP_ID": 24,
    "UNKNOWN_MEMBER_ID": 25, "INVALID_SESSION_TIMEOUT": 26, "REBALANCE_IN_PROGRESS": 27, "INVALID_COMMIT_OFFSET_SIZE": 28,
    "TOPIC_AUTHORIZATION_FAILED": 29, "GROUP_AUTHORIZATION_FAILED": 30, "CLUSTER_AUTHORIZATION_FAILED": 31,
    "INVALID_TIMESTAMP": 32, "POLICY_VIOLATION": 44, "OUT_OF_ORDER_SEQUENCE_NUMBER": 45, "DUPLICATE_SEQUENCE_NUMBER": 46,
    "INVALID_PRODUCER_EPOCH": 47, "INVALID_TXN_STATE": 48, "INVALID_PRODUCER_ID_MAPPING": 49, "INVALID_TRANSACTION_TIMEOUT": 50,
    "CONCURRENT_TRANSACTIONS": 51, "TRANSACTION_COORDINATOR_FENCED": 52, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED": 53,
    "OPERATION_NOT_ATTEMPTED": 55, "KAFKA_STORAGE_ERROR": 56, "UNKNOWN_PRODUCER_ID": 59, "FENCED_LEADER_EPOCH": 74,
    "MEMBER_ID_REQUIRED": 79, "GROUP_MAX_SIZE_REACHED": 81, "FENCED_INSTANCE_ID": 82, "INVALID_RECORD": 87,
    "UNSTABLE_OFFSET_COMMIT": 88, "THROTTLING_QUOTA_EXCEEDED": 89, "PRODUCER_FENCED": 90, "TRANSACTION_ABORTABLE": 120,
}

I8, I16, I32, I64 = ">b", ">h", ">i", ">q"
STRING, BYTES = "string", "bytes"  # None is null


def _topics(*of_a_partition):
    return [("topics", [("name", STRING), ("partitions", list(of_a_partition))])]


PRODUCER = [("producer_id", I64), ("epoch", I16)]
PLAIN = [("throttle", I32), ("error", I16)]
# (name, version): (is it flexible, the request or None where nobody needs it, its answer)
SCHEMAS = {
    ("Produce", 7): (
        False,
        [("transactional_id", STRING), ("acks", I16), ("timeout", I32)] + _topics(("partition", I32), ("records", BYTES)),
        _topics(("partition", I32), ("error", I16), ("base_offset", I64), ("time", I64), ("log_start", I64)) + [("throttle", I32)]),
    ("AddPartitionsToTxn", 0): (
        False,
        [("transactional_id", STRING)] + PRODUCER + [("topics", [("name", STRING), ("partitions", I32)])],
        [("throttle", I32)] + _topics(("partition", I32), ("error", I16))),
    ("AddOffsetsToTxn", 0): (False, None, PLAIN),
    ("EndTxn", 1): (False, [("transactional_id", STRING)] + PRODUCER + [("is_commit", I8)], PLAIN),
    ("TxnOffsetCommit", 3): (
        True,
        [("transactional_id", STRING), ("group", STRING)] + PRODUCER + [("generation", I32), ("member", STRING), ("instance", STRING)]
        + _topics(("partition", I32), ("offset", I64), ("leader_epoch", I32), ("metadata", STRING)),
        [("throttle", I32)] + _topics(("partition", I32), ("error", I16))),
    ("InitProducerId", 4): (True, None, PLAIN + PRODUCER),
    ("FindCoordinator", 2): (
        False, [("key", STRING), ("kind", I8)], PLAIN + [("text", STRING), ("node", I32), ("host", STRING), ("port", I32)]),
    ("JoinGroup", 5): (
        False, None,
        PLAIN + [("generation", I32), ("protocol", STRING), ("leader", STRING), ("member", STRING),
                 ("members", [("member", STRING), ("instance", STRING), ("metadata", BYTES)])]),
    ("SyncGroup", 3): (False, None, PLAIN + [("assignment", BYTES)]),
    ("Heartbeat", 3): (False, None, PLAIN),
    ("OffsetFetch", 7): (
        True,
        [("group", STRING), ("topics", [("name", STRING), ("partitions", I32)]), ("only_stable", I8)],
        [("throttle", I32)] + _topics(("partition", I32), ("offset", I64), ("leader_epoch", I32), ("metadata", STRING), ("error", I16))
        + [("error", I16)]),
    ("OffsetCommit", 7): (
        False,
        [("group", STRING), ("generation", I32), ("member", STRING), ("instance", STRING)]
        + _topics(("partition", I32), ("offset", I64), ("leader_epoch", I32), ("metadata", STRING)),
        [("throttle", I32)] + _topics(("partition", I32), ("error", I16))),
}
# An answer to a request of all partitions that says what is wrong with one; of a fetch of offsets everything else is said once.
OF_A_PARTITION = {"UNKNOWN_TOPIC_OR_PARTITION", "TOPIC_AUTHORIZATION_FAILED", "UNSTABLE_OFFSET_COMMIT"}
NOTHING = {"base_offset": -1, "time": -1, "log_start": -1, "producer_id": -1, "epoch": -1, "node": -1, "port": -1, "generation": -1,
           "offset": -1, "leader_epoch": -1, "text": None, "metadata": None, "assignment": b"", "members": [], "topics": []}


class _Reader:
    def __init__(self, data, at, is_flexible):
        self.data, self.at, self.is_flexible = data, at, is_flexible

    def number(self, form):
        value, = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def unsigned(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def length(self, form):
        return self.unsigned() - 1 if self.is_flexible else self.number(form)

    def tags(self):
        for _ in range(self.unsigned() if self.is_flexible else 0):
            self.unsigned()
            self.at += self.unsigned()

    def value(self, kind):
        if isinstance(kind, str) and kind.startswith(">"):
            return self.number(kind)
        if kind in (STRING, BYTES):
            length = self.length(I16 if kind == STRING else I32)
            if length < 0:
                return None
            self.at += length
            raw = self.data[self.at - length:self.at]
            return raw.decode() if kind == STRING else raw
        raise ValueError(kind)

    def structure(self, schema):
        found = {}
        for name, kind in schema:
            if isinstance(kind, list) or name == "partitions":
                element = (lambda: self.structure(kind)) if isinstance(kind, list) else (lambda: self.value(kind))
                found[name] = [element() for _ in range(self.length(I32))]
            else:
                found[name] = self.value(kind)
        self.tags()
        return found


class _Writer:
    def __init__(self, is_flexible):
        self.out, self.is_flexible = bytearray(), is_flexible

    def unsigned(self, value):
        while value > 127:
            self.out.append(value & 127 | 128)
            value >>= 7
        self.out.append(value)

    def length(self, form, value):
        if self.is_flexible:
            self.unsigned(value + 1)
        else:
            self.out += struct.pack(form, value)

    def value(self, kind, value):
        if kind in (STRING, BYTES):
            raw = value.encode() if isinstance(value, str) else value
            self.length(I16 if kind == STRING else I32, -1 if raw is None else len(raw))
            self.out += raw or b""
        else:
            self.out += struct.pack(kind, value)

    def structure(self, schema, values):
        for name, kind in schema:
            value = values.get(name, NOTHING.get(name, "" if kind == STRING else 0))
            if isinstance(kind, list):
                self.length(I32, len(value))
                for element in value:
                    self.structure(kind, element)
            else:
                self.value(kind, value)
        if self.is_flexible:
            self.unsigned(0)


def _schema(request):
    harness.check((request.name, request.version) in SCHEMAS, f"not known here: {request.name} version {request.version}")
    return SCHEMAS[request.name, request.version]


def read_request(request):
    is_flexible, schema, _ = _schema(request)
    reader = _Reader(request.frame, 14 + len(request.client.encode()), is_flexible)
    reader.tags()  # of the header
    return reader.structure(schema)


def read_answer(request, payload):
    is_flexible, _, schema = _schema(request)
    reader = _Reader(payload, 4, is_flexible)
    reader.tags()
    found = reader.structure(schema)
    harness.check(reader.at == len(payload), f"{request.name}: {len(payload) - reader.at} bytes of the answer are left")
    return found


def write_answer(request, values):
    is_flexible, _, schema = _schema(request)
    writer = _Writer(is_flexible)
    writer.out += struct.pack(I32, request.correlation) + (b"\0" if is_flexible else b"")
    writer.structure(schema, values)
    return bytes(writer.out)


def refusal(name):
    """What a broker says that refuses it with this error, all of it if it is of several partitions. (What it really said, if it
    did, has to be what we know how to write.)"""
    code = CODES[name]

    def answer(request, payload):
        if payload is not None:
            harness.check(write_answer(request, read_answer(request, payload)) == payload, f"{request.name}: {payload}")
        _, _, answered = _schema(request)
        topics = []
        if ("error", I16) not in answered or (request.name == "OffsetFetch" and name in OF_A_PARTITION):
            topics = [{"name": topic["name"],
                       "partitions": [{"partition": p if isinstance(p, int) else p["partition"], "error": code}
                                      for p in topic["partitions"]]}
                      for topic in read_request(request)["topics"]]
        return write_answer(request, {"topics": topics, "error": 0 if topics else code})

    return answer


def edit(change):
    """The broker's answer, of which change(answer) has altered what it likes."""

    def answer(request, payload):
        values = read_answer(request, payload)
        change(values)
        return write_answer(request, values)

    return answer
