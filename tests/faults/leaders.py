"""Moves the leaders of partitions between brokers that hold copies: two requests that kt's library does not know, written out."""

import itertools
import socket
import struct

import harness

ALTER_PARTITION_REASSIGNMENTS, ELECT_LEADERS = 45, 43
REASSIGNED, ELECTED = 0, 2  # versions of the two: both with compact fields
NOT_NEEDED = 84  # it leads already


def _compact(items):
    return bytes([len(items) + 1]) + b"".join(items)  # a length below 127 takes one byte


def _string(text):
    return bytes([len(text) + 1]) + text.encode()


def _ask(address, key, version, body):
    """What follows the header of the answer."""
    host, port = address.split(":")
    request = struct.pack(">hhih", key, version, 1, 7) + b"leaders" + b"\0" + body
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as answer:
            return answer.read(struct.unpack(">i", answer.read(4))[0])[5:]


def _error(answer):
    return struct.unpack_from(">h", answer, 4)[0]  # behind the throttle time


def move(cluster, topics, leader):
    """Partition p of each topic of {name: number of partitions} is led by the node with the index (leader + p) % nodes from now
    on. Copies stay where they are; only their order, and with it who is preferred, is another one."""
    count, names = len(cluster.nodes), sorted(topics)
    harness.check(len(names) < 100 and max(topics.values()) < 100, "more than these short forms can say")

    def order(partition):
        return [struct.pack(">i", (leader + partition + i) % count + 1) for i in range(count)]

    reassigned = _compact([_string(name) + _compact([
        struct.pack(">i", p) + _compact(order(p)) + b"\0" for p in range(topics[name])]) + b"\0" for name in names])
    elected = _compact([_string(name) + _compact([struct.pack(">i", p) for p in range(topics[name])]) + b"\0" for name in names])
    address = cluster.nodes[0].address
    answer = _ask(address, ALTER_PARTITION_REASSIGNMENTS, REASSIGNED, struct.pack(">i", 30000) + reassigned + b"\0")
    harness.check(_error(answer) == 0, f"the order of copies was refused: {answer}")
    answer = _ask(address, ELECT_LEADERS, ELECTED, b"\0" + elected + struct.pack(">i", 30000) + b"\0")
    harness.check(_error(answer) in (0, NOT_NEEDED), f"the election was refused: {answer}")
