"""A TCP proxy before brokers that knows Kafka's frames, and does to single requests and answers what networks do to them.

    with harness.Node(proxied=True) as node, proxy.Proxy(node) as net:
        ...                                      # whoever bootstraps from net.address never gets around it
        rule = net.add("apply_then_cut", "EndTxn", client="^rollcall-1$")
        rule.wait_struck()

A rule is (action, names of requests, ...): see Proxy.add. Rules are asked in the order in which they were added, and the first
that strikes has the request. The actions:

    drop            the connection is cut before the broker sees the request
    apply_then_cut  the broker gets it; its answer is swallowed and the connection is cut
    delay           it is held for `seconds`, and with it what comes behind it on the connection
    hold_past       the client's connection is cut after `cut` seconds (None: when the client gives up), and the broker gets the
                    request after `seconds`, on the connection to it that it had: what a router does that held a packet
    delay_answer    the answer is held for `seconds`
    rewrite         the answer is rewrite(request, payload), which begins with the correlation id
    answer          the broker does not see the request; the answer is rewrite(request, None). (answers.py writes them.)
    slow            all that strikes shares a line of `rate` bytes a second

And to everybody: refuse() and accept(), blackhole() and heal(), latency(), reset(). All may be called by any thread. What was
done is in .events, newest last, and counted in .counts; .requests counts what was asked, by name. The proxy runs in a thread."""

import asyncio
import collections
import dataclasses
import random
import re
import socket
import struct
import threading
import time

import harness

REQUESTS = {
    0: "Produce", 1: "Fetch", 2: "ListOffsets", 3: "Metadata", 8: "OffsetCommit", 9: "OffsetFetch", 10: "FindCoordinator",
    11: "JoinGroup", 12: "Heartbeat", 13: "LeaveGroup", 14: "SyncGroup", 18: "ApiVersions", 19: "CreateTopics",
    20: "DeleteTopics", 22: "InitProducerId", 23: "OffsetForLeaderEpoch", 24: "AddPartitionsToTxn", 25: "AddOffsetsToTxn",
    26: "EndTxn", 28: "TxnOffsetCommit", 32: "DescribeConfigs",
}
ACTIONS = ("drop", "apply_then_cut", "delay", "hold_past", "delay_answer", "rewrite", "answer", "slow")

TO_BROKER, TO_CLIENT = "to_broker", "to_client"
WAITING_FRAMES = 16  # in one direction of a connection; then the sender feels it


@dataclasses.dataclass
class Request:
    key: int
    version: int
    correlation: int
    client: str  # its client.id
    frame: bytes  # length included

    @property
    def name(self):
        return REQUESTS.get(self.key, str(self.key))

    def transaction_end(self):
        """(transactional id, producer id, epoch, is it a commit) of an EndTxn in the form that librdkafka sends."""
        harness.check(self.name == "EndTxn" and self.version < 3, f"not readable here: {self.name} version {self.version}")
        at = 14 + len(self.client.encode())
        length, = struct.unpack_from(">h", self.frame, at)
        identity = self.frame[at + 2:at + 2 + length].decode()
        return (identity, *struct.unpack_from(">qh?", self.frame, at + 2 + length))


def parse_request(frame):
    key, version, correlation, length = struct.unpack_from(">hhih", frame, 4)
    return Request(key, version, correlation, frame[14:14 + max(length, 0)].decode(errors="replace"), frame)


def error_of(request, payload):
    """The error code in the answer to an EndTxn, or the first one in that to a Produce; None for others."""
    if request.name == "EndTxn":
        return struct.unpack_from(">h", payload, 8)[0]
    if request.name == "Produce":
        length, = struct.unpack_from(">h", payload, 8)  # behind the correlation id and the number of topics
        return struct.unpack_from(">h", payload, 10 + length + 4 + 4)[0]  # number of partitions, partition
    return None


class Rule:
    def __init__(self, action, requests, client, skip, times, probability, seed, seconds, cut, rate, rewrite, when):
        self.action, self.requests, self.client = action, requests, re.compile(client)
        self.skip, self.times, self.probability, self.dice = skip, times, probability, random.Random(seed)
        self.seconds, self.cut, self.rate, self.rewrite, self.when = seconds, cut, rate, rewrite, when
        self.matched = self.struck = 0
        self.line_is_free = 0.0  # of `slow`: from then on

    def strikes(self, request):
        if (self.requests and request.name not in self.requests) or not self.client.search(request.client):
            return False
        if self.when and not self.when(request):
            return False
        self.matched += 1
        if self.matched <= self.skip or (self.times is not None and self.struck >= self.times):
            return False
        if self.dice.random() >= self.probability:
            return False
        self.struck += 1
        return True

    def wait_struck(self, times=1, timeout=30):
        what = f"{self.action} {'/'.join(self.requests) or 'anything'} struck {times} times"
        harness.wait_until(lambda: self.struck >= times, timeout, what, every=0.01)


class Proxy:
    """Before the brokers of a Node or Cluster that is `proxied`; a context manager. `broker` in rules and events is the index
    of a node."""

    def __init__(self, node):
        self.routes = node.proxied
        self.address = ",".join(f"127.0.0.1:{port}" for port, _ in self.routes)
        self.events, self.counts, self.requests = [], collections.Counter(), collections.Counter()
        self.delay = {TO_BROKER: 0.0, TO_CLIENT: 0.0}
        self._rules = []
        self._lock = threading.Lock()  # of the rules, events and counts
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._servers, self._connections = {}, set()
        self._open = {}  # by (broker, direction): set while bytes may pass

    def __enter__(self):
        self._thread.start()
        for broker in range(len(self.routes)):
            for direction in (TO_BROKER, TO_CLIENT):
                self._open[broker, direction] = self._call(self._event)
        self.accept()
        return self

    def __exit__(self, kind, value, trace):
        self.refuse()
        self._call(self._cancel_all)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if kind is not None:
            print("the proxy's last events: " + "".join(f"\n  {event}" for event in self.events[-20:]))

    # Rules -----------------------------------------------------------------------------------------------------------

    def add(self, action, *requests, client="", skip=0, times=1, probability=1.0, seed=0, seconds=0.0, cut=0.0, rate=0,
            rewrite=None, when=None):
        """A Rule on requests of these names (none: all) of clients whose client.id has a match of the expression `client` and,
        if there is `when`, for which when(request) is true. It passes over `skip` of them and strikes each of the next ones
        with the probability, `times` times at most (None: for ever)."""
        harness.check(action in ACTIONS, f"no action {action}")
        harness.check(set(requests) <= set(REQUESTS.values()), f"one of {requests} is not known")
        rule = Rule(action, requests, client, skip, times, probability, seed, seconds, cut, rate, rewrite, when)
        with self._lock:
            self._rules.append(rule)
        return rule

    def remove(self, *rules):
        """Those, or all. What has been struck stays so."""
        with self._lock:
            self._rules = [rule for rule in self._rules if rules and rule not in rules]

    # Everybody -------------------------------------------------------------------------------------------------------

    def refuse(self, broker=None):
        """From now on nobody is let in, and who is in is thrown out."""
        self._note("refuse", broker=broker)
        self._call(self._refuse, self._each(broker))

    def accept(self, broker=None):
        self._note("accept", broker=broker)
        self._call(self._accept, self._each(broker))

    def blackhole(self, broker=None, directions=(TO_BROKER, TO_CLIENT)):
        """Connections stay, and new ones are made, but nothing gets through until heal()."""
        self._note("blackhole", broker=broker)
        self._call(self._set_open, self._each(broker), directions, False)

    def heal(self, broker=None):
        """What was on its way goes on."""
        self._note("heal", broker=broker)
        self._call(self._set_open, self._each(broker), (TO_BROKER, TO_CLIENT), True)

    def latency(self, seconds, directions=(TO_BROKER, TO_CLIENT)):
        """For every frame in these directions, from now on."""
        self._note("latency", seconds=seconds)
        for direction in directions:
            self.delay[direction] = seconds

    def reset(self, broker=None):
        """Cuts every connection; how many there were."""
        cut = self._call(self._reset, self._each(broker))
        self._note("reset", broker=broker, connections=cut)
        return cut

    def connections(self):
        return self._call(self._count)

    # In the thread of the loop ---------------------------------------------------------------------------------------

    def _call(self, function, *arguments):
        """Runs a coroutine function there; what it returned."""
        return asyncio.run_coroutine_threadsafe(function(*arguments), self._loop).result(30)

    def _each(self, broker):
        return range(len(self.routes)) if broker is None else (broker,)

    def _note(self, action, **details):
        with self._lock:
            self.counts[action] += 1
            self.events.append({"t": time.time_ns() // 1_000_000, "action": action, **details})

    def _rule_for(self, request):
        with self._lock:
            self.requests[request.name] += 1
            return next((rule for rule in self._rules if rule.strikes(request)), None)

    async def _event(self):
        event = asyncio.Event()
        event.set()
        return event

    async def _count(self):
        return len(self._connections)

    async def _accept(self, brokers):
        for broker in brokers:
            if broker in self._servers:
                continue

            async def serve(reader, writer, broker=broker):
                await _Connection(self, broker, reader, writer).run()

            self._servers[broker] = await asyncio.start_server(
                serve, "127.0.0.1", self.routes[broker][0], limit=1 << 20, reuse_address=True)

    async def _refuse(self, brokers):
        for broker in brokers:
            if broker in self._servers:
                self._servers.pop(broker).close()
        await self._reset(brokers)

    async def _reset(self, brokers):
        struck = [connection for connection in self._connections if connection.broker in brokers]
        for connection in struck:
            connection.cut()
        return len(struck)

    async def _set_open(self, brokers, directions, is_open):
        for broker in brokers:
            for direction in directions:
                event = self._open[broker, direction]
                event.set() if is_open else event.clear()

    async def _cancel_all(self):
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _cut(writer):
    """With a reset, as somebody does who has forgotten the connection."""
    sock = writer.get_extra_info("socket")
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass  # it is closed
    writer.transport.abort()


class _Connection:
    """A client's connection and the one to the broker that it is passed on by. Of each direction one task reads frames and one
    writes them, when their time has come and the way is open."""

    def __init__(self, proxy, broker, client_reader, client):
        self.proxy, self.broker, self.client_reader, self.client = proxy, broker, client_reader, client
        self.upstream_reader = self.upstream = None
        self.asked = {}  # by correlation id: (Request, the Rule that has struck it)
        self.queues = {direction: asyncio.Queue(WAITING_FRAMES) for direction in (TO_BROKER, TO_CLIENT)}
        self.is_detached = False  # the broker's side outlives the client's: hold_past
        self.tasks = []

    async def run(self):
        try:
            self.upstream_reader, self.upstream = await asyncio.open_connection(
                "127.0.0.1", self.proxy.routes[self.broker][1], limit=1 << 20)
        except OSError:  # the broker is down: so are we, for this client
            _cut(self.client)
            return
        self.proxy._connections.add(self)
        self.tasks = [asyncio.ensure_future(part) for part in (
            self._read(self.client_reader, self._requested, TO_BROKER), self._write(self.upstream, TO_BROKER),
            self._read(self.upstream_reader, self._answered, TO_CLIENT), self._write(self.client, TO_CLIENT))]
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.proxy._connections.discard(self)
        self.client.close()
        self.upstream.close()

    def cut(self):
        _cut(self.client)
        if not self.is_detached:
            _cut(self.upstream)
            for task in self.tasks:
                task.cancel()

    async def _read(self, reader, handle, direction):
        try:
            while True:
                head = await reader.readexactly(4)
                await handle(head + await reader.readexactly(struct.unpack(">i", head)[0]))
        except (asyncio.IncompleteReadError, OSError):
            if direction == TO_CLIENT or not self.is_detached:
                await self._put(direction, None)

    async def _put(self, direction, frame, seconds=0.0):
        await self.queues[direction].put((time.monotonic() + self.proxy.delay[direction] + seconds, frame))

    async def _write(self, writer, direction):
        while True:
            due, frame = await self.queues[direction].get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self.proxy._open[self.broker, direction].wait()
            if frame is None:
                writer.close()
                return
            try:
                writer.write(frame)
                await writer.drain()
            except OSError:
                if not self.is_detached:
                    self.cut()

    async def _requested(self, frame):
        request = parse_request(frame)
        if self.is_detached:
            return
        rule = self.proxy._rule_for(request)
        self.asked[request.correlation] = request, rule
        if not rule:
            await self._put(TO_BROKER, frame)
            return
        self.proxy._note(rule.action, broker=self.broker, request=request.name, client=request.client,
                         correlation=request.correlation)
        if rule.action == "drop":
            self.cut()
        elif rule.action == "answer":
            del self.asked[request.correlation]
            await self._answer(rule.rewrite(request, None))
        elif rule.action == "hold_past":
            self.is_detached = True
            self.tasks.append(asyncio.ensure_future(self._deliver_late(request, rule)))
        elif rule.action == "slow":
            start = max(time.monotonic(), rule.line_is_free)
            rule.line_is_free = start + len(frame) / rule.rate
            await self._put(TO_BROKER, frame, rule.line_is_free - time.monotonic())
        else:
            await self._put(TO_BROKER, frame, rule.seconds if rule.action == "delay" else 0.0)

    async def _deliver_late(self, request, rule):
        async def give_up():
            await asyncio.sleep(rule.cut)
            _cut(self.client)

        waiting = None if rule.cut is None else asyncio.ensure_future(give_up())
        await asyncio.sleep(rule.seconds)
        if waiting:
            await waiting
        self.proxy._note("delivered_late", broker=self.broker, request=request.name, correlation=request.correlation)
        await self._put(TO_BROKER, request.frame)

    async def _answer(self, payload):
        await self._put(TO_CLIENT, struct.pack(">i", len(payload)) + payload)

    async def _answered(self, frame):
        correlation, = struct.unpack_from(">i", frame, 4)
        request, rule = self.asked.pop(correlation, (None, None))
        action = rule.action if rule else None
        if action == "apply_then_cut":
            self.proxy._note("swallowed", broker=self.broker, request=request.name, correlation=correlation)
            self.cut()
        elif action == "hold_past":
            self.proxy._note("late_answer", broker=self.broker, request=request.name, correlation=correlation,
                             error=error_of(request, frame[4:]))
            self.is_detached = False
            self.cut()
        elif action == "rewrite":
            await self._answer(rule.rewrite(request, frame[4:]))
        else:
            await self._put(TO_CLIENT, frame, rule.seconds if action == "delay_answer" else 0.0)
