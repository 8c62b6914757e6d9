"""Permissions, as two requests of Kafka's protocol: the client library of the tests (2.0.2) knows no transactional ids there."""

import socket
import struct

import harness

CREATE, DELETE, VERSION = 30, 31, 1
TYPES = {"topic": 2, "group": 3, "transactional-id": 5}
OPERATIONS = {"read": 3, "write": 4}
LITERAL, PREFIXED = 3, 4
ALLOW = 3


def _text(text):
    return struct.pack(">h", len(text)) + text.encode()


def _ask(address, key, body):
    host, port = address.split(":")
    request = struct.pack(">hhi", key, VERSION, 1) + _text("tests") + body
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        stream = connection.makefile("rb")
        return stream.read(struct.unpack(">i", stream.read(4))[0])


def change(address, key, principal, kind, name, operation):
    """`name*`: all that begin so."""
    pattern = PREFIXED if name.endswith("*") else LITERAL
    one = (struct.pack(">b", TYPES[kind]) + _text(name.rstrip("*")) + struct.pack(">b", pattern) + _text(principal) + _text("*") +
           struct.pack(">bb", OPERATIONS[operation], ALLOW))
    answer = _ask(address, key, struct.pack(">i", 1) + one)
    count, error = struct.unpack_from(">ih", answer, 8)  # behind the correlation id and the throttle
    harness.check(count == 1 and error == 0, f"{kind} {name}: error {error}")


def allow(address, principal, kind, name, operation):
    change(address, CREATE, principal, kind, name, operation)


def take(address, principal, kind, name, operation):
    change(address, DELETE, principal, kind, name, operation)
