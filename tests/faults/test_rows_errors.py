"""Row 18 of the fault catalogue: each error that a broker can answer to each request, injected by the proxy. Either the broker
never saw the request ("refused"), or it has done what was asked and says otherwise ("applied"). The daemon reads a log and is
struck again and again on the way. What it does about each is in the tables, as an Outcome or as the code and the words with
which it ends; the next one then goes on where it was. In every case the changes that are committed have no gap and none is
there twice, after each blow, and in the end they are those of `rollcall replay`."""

import enum
import threading
import time

import answers
import company
import harness
import midway
import proxy
import test_rows_network as network

REFUSED, APPLIED = "answer", "rewrite"
STARTS_IN_A_ROW = 4  # one below what ends a process with 75 (src/worker/again.c)
DAEMONS = 6  # at most, side by side, each with a share of the blows
BLOWS = 4  # of one daemon at least
FENCED, FAILURE, CONFIGURATION = 76, 1, 78


class Outcome(enum.Flag):
    GOES_ON = enum.auto()  # librdkafka asks again, and no transaction is lost
    ABORTS = enum.auto()  # the transaction is given up and its records are sent again
    REJOINS = enum.auto()  # the partitions are taken, and given again; a transaction is given up
    STARTS_OVER = enum.auto()  # new handles, and a restore from the changelog


GOES_ON, ABORTS, REJOINS, STARTS_OVER = Outcome


class Struck:
    """A daemon with a log of its own, behind the proxy that all share."""

    def __init__(self, node, net, name):
        self.node, self.net, self.name = node, net, name
        self.faults, self.blows, self.compared, self.starts = [], 0, 0, 0
        self.offsets = {}  # the largest that were sent to be committed
        self.daemon = None

    def deploy(self):
        self.site = network.deploy(self.node, self.net, batch=12, people=100, days=28, kafka={"heartbeat.interval.ms": 100})
        self.daemon = self.site.daemon("--set", f"kafka.group.instance.id={self.name}")
        self.daemon.log.touch()
        self.net.add("delay", "TxnOffsetCommit", client=f"^{self.name}-", when=self.note_offsets)

    def note_offsets(self, request):
        for topic in answers.read_request(request)["topics"]:
            for of in topic["partitions"]:
                place = topic["name"], of["partition"]
                self.offsets[place] = max(of["offset"], self.offsets.get(place, 0))
        return False

    def is_alive(self):
        return self.daemon and self.daemon.process and self.daemon.process.poll() is None

    def stop(self):
        if self.is_alive():
            self.daemon.sigterm()
            code = self.daemon.wait(30)
            harness.check(code == 0, f"{self.name}: SIGTERM ended with {code}")

    def start(self):
        self.daemon.start()
        self.starts = 0

    def wait_for_commits(self):
        """Until it has ended, or the one batch has followed the other twice: then the first of them is committed."""
        for _ in range(2):
            at = sum(self.offsets.values())
            harness.wait_until(lambda: not self.is_alive() or sum(self.offsets.values()) > at, 60, "a new batch", every=0.02)

    def outcome(self, said):
        text = self.daemon.stderr()[said:]
        if not self.is_alive():
            return self.daemon.process.returncode, text.strip().splitlines()[-1]
        events = (("starts_over", STARTS_OVER), ("revoked", REJOINS), ("batch_sent_again", ABORTS))
        return next((outcome for event, outcome in events if f"event={event}" in text), GOES_ON)

    def strike(self, blow):
        if blow.at_start or self.starts == STARTS_IN_A_ROW:
            self.stop()
        if not blow.at_start and not self.is_alive():
            self.start()
            self.wait_for_commits()
        said = len(self.daemon.stderr())
        rules = [self.net.add(kind, request, client=f"^{self.name}-", rewrite=answers.refusal(code), when=when)
                 for kind, request, code, when in blow.rules()]
        if blow.at_start:
            self.start()
        try:
            for rule in rules:
                rule.wait_struck(1, 30)
        finally:
            self.net.remove(*rules)
        self.wait_for_commits()
        found = self.outcome(said)
        self.starts += found == STARTS_OVER
        harness.check(blow.is_expected(found), f"found {found}, expected {blow.expected}")
        self.blows += 1
        states = self.site.states()
        if states:
            harness.check_sequences(states)

    def strike_all(self, blows):
        self.deploy()
        for blow in blows:
            began, verdict = time.monotonic(), blow.expected
            try:
                self.strike(blow)
            except harness.Failure as failure:
                verdict = f"FAILED: {failure}"
                self.faults.append(f"{blow}: {failure}")
            print(f"{time.monotonic() - began:5.1f} s  {blow}: {verdict}\n", end="", flush=True)
        self.stop()
        with self.site.daemon(*midway.FAST, "--set", f"kafka.group.instance.id={self.name}") as daemon:
            company.wait_settled(self.site, 120)
            midway.stop(daemon)
        self.compared = company.verify(self.site)


class Blow:
    def __init__(self, kind, request, code, expected, at_start, when, in_an_abort):
        self.kind, self.request, self.code, self.expected, self.at_start = kind, request, code, expected, at_start
        self.when, self.in_an_abort = when, in_an_abort

    def __str__(self):
        return f"{self.request} {'refused' if self.kind == REFUSED else 'applied, and answered'} with {self.code}"

    def is_expected(self, found):
        if isinstance(found, Outcome):
            return isinstance(self.expected, Outcome) and found in self.expected
        return isinstance(self.expected, tuple) and found[0] == self.expected[0] and self.expected[1] in found[1]

    def rules(self):
        if self.in_an_abort:
            yield REFUSED, "TxnOffsetCommit", "ILLEGAL_GENERATION", None
        yield self.kind, self.request, self.code, self.when


def run_share(struck, blows):
    try:
        struck.strike_all(blows)
    except Exception as error:  # told by the case, in the main thread
        struck.faults.append(f"{struck.name}: {type(error).__name__}: {error}")
    finally:
        if struck.is_alive():
            struck.daemon.sigkill()


def each_error(request, table, at_start=False, when=None, in_an_abort=False):
    """`table`: {what is expected: names of errors}; each is struck in both ways."""
    blows = []
    for expected, names in table.items():
        blows += [Blow(kind, request, code, expected, at_start, when, in_an_abort)
                  for kind in (REFUSED, APPLIED) for code in names.split()]
    blows.sort(key=lambda blow: blow.expected == STARTS_OVER)  # these take long: so each share has as many
    with harness.Node(proxied=True) as node, proxy.Proxy(node) as net:
        shares = min(DAEMONS, len(blows) // BLOWS)
        strucks = [Struck(node, net, name) for name in "abcdef"[:shares]]
        threads = [threading.Thread(target=run_share, args=(struck, blows[i::shares])) for i, struck in enumerate(strucks)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        faults = [fault for struck in strucks for fault in struck.faults]
        harness.check(not faults, "\n".join([f"{len(faults)} of {len(blows)} failed:"] + faults))
        done = sum(struck.blows for struck in strucks)
        harness.check(done == len(blows), f"{done} of {len(blows)} blows")
        print(f"{done} blows, {sum(struck.compared for struck in strucks)} records compared")


# --- transactions ---------------------------------------------------------------------------------------------------------


def test_row_18_own_node_produce():
    each_error("Produce", {
        GOES_ON: "UNKNOWN_TOPIC_OR_PARTITION LEADER_NOT_AVAILABLE NOT_LEADER_OR_FOLLOWER REQUEST_TIMED_OUT NOT_ENOUGH_REPLICAS "
                 "NOT_ENOUGH_REPLICAS_AFTER_APPEND KAFKA_STORAGE_ERROR",
        ABORTS: "UNKNOWN_SERVER_ERROR CORRUPT_MESSAGE INVALID_TOPIC_EXCEPTION RECORD_LIST_TOO_LARGE TOPIC_AUTHORIZATION_FAILED "
                "INVALID_TIMESTAMP POLICY_VIOLATION INVALID_TXN_STATE INVALID_PRODUCER_ID_MAPPING "
                "TRANSACTIONAL_ID_AUTHORIZATION_FAILED UNKNOWN_PRODUCER_ID FENCED_LEADER_EPOCH INVALID_RECORD TRANSACTION_ABORTABLE",
        STARTS_OVER: "OUT_OF_ORDER_SEQUENCE_NUMBER INVALID_PRODUCER_EPOCH",
        ABORTS | STARTS_OVER: "PRODUCER_FENCED",  # whether that is noticed by the next record or by the commit
        (CONFIGURATION, "max.message.bytes"): "MESSAGE_TOO_LARGE",
    })


def test_row_18_own_node_add_partitions():
    each_error("AddPartitionsToTxn", {
        GOES_ON: "COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR CONCURRENT_TRANSACTIONS "
                 "UNKNOWN_TOPIC_OR_PARTITION",
        ABORTS: "UNKNOWN_SERVER_ERROR REQUEST_TIMED_OUT TOPIC_AUTHORIZATION_FAILED OPERATION_NOT_ATTEMPTED UNKNOWN_PRODUCER_ID "
                "INVALID_PRODUCER_ID_MAPPING TRANSACTION_COORDINATOR_FENCED TRANSACTION_ABORTABLE",
        STARTS_OVER: "INVALID_PRODUCER_EPOCH PRODUCER_FENCED INVALID_TXN_STATE TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
    })


def test_row_18_own_node_add_offsets():
    each_error("AddOffsetsToTxn", {
        GOES_ON: "COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR CONCURRENT_TRANSACTIONS REQUEST_TIMED_OUT",
        ABORTS: "UNKNOWN_SERVER_ERROR GROUP_AUTHORIZATION_FAILED UNKNOWN_PRODUCER_ID INVALID_PRODUCER_ID_MAPPING "
                "TRANSACTION_COORDINATOR_FENCED TRANSACTION_ABORTABLE",
        STARTS_OVER: "INVALID_PRODUCER_EPOCH PRODUCER_FENCED INVALID_TXN_STATE TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
    })


def test_row_18_own_node_offsets():
    each_error("TxnOffsetCommit", {
        GOES_ON: "COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR CONCURRENT_TRANSACTIONS REQUEST_TIMED_OUT "
                 "UNKNOWN_TOPIC_OR_PARTITION",
        ABORTS: "UNKNOWN_SERVER_ERROR ILLEGAL_GENERATION UNKNOWN_MEMBER_ID REBALANCE_IN_PROGRESS FENCED_INSTANCE_ID "
                "INVALID_COMMIT_OFFSET_SIZE TOPIC_AUTHORIZATION_FAILED GROUP_AUTHORIZATION_FAILED UNKNOWN_PRODUCER_ID "
                "TRANSACTION_ABORTABLE",
        STARTS_OVER: "INVALID_PRODUCER_EPOCH PRODUCER_FENCED INVALID_TXN_STATE INVALID_PRODUCER_ID_MAPPING "
                     "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
    })


def is_commit(request):
    return request.transaction_end()[3]


ENDS_REPEATED = "COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR CONCURRENT_TRANSACTIONS"
ENDS_REFUSED = ("UNKNOWN_SERVER_ERROR REQUEST_TIMED_OUT INVALID_TXN_STATE INVALID_PRODUCER_ID_MAPPING UNKNOWN_PRODUCER_ID "
                "TRANSACTION_COORDINATOR_FENCED TRANSACTIONAL_ID_AUTHORIZATION_FAILED TRANSACTION_ABORTABLE")
ENDS_FENCED = "INVALID_PRODUCER_EPOCH PRODUCER_FENCED"


def test_row_18_own_node_commits():
    """Of a commit that was answered with what calls for an abort nobody knows whether it happened: nothing is sent again."""
    each_error("EndTxn", {GOES_ON: ENDS_REPEATED, STARTS_OVER: ENDS_REFUSED + " " + ENDS_FENCED}, when=is_commit)


def test_row_18_own_node_aborts():
    """In doubt its producer is not used again, whose successor decides."""
    each_error("EndTxn", {ABORTS: ENDS_REPEATED + " " + ENDS_REFUSED, STARTS_OVER: ENDS_FENCED},
               when=lambda request: not is_commit(request), in_an_abort=True)


def test_row_18_own_node_producer_ids():
    each_error("InitProducerId", {
        GOES_ON: "UNKNOWN_SERVER_ERROR COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR REQUEST_TIMED_OUT "
                 "CONCURRENT_TRANSACTIONS TRANSACTION_COORDINATOR_FENCED",
        (FENCED, "another instance uses the transactional id"): "INVALID_PRODUCER_EPOCH PRODUCER_FENCED",
        (FAILURE, "transactions cannot be used"):
            "INVALID_TRANSACTION_TIMEOUT TRANSACTIONAL_ID_AUTHORIZATION_FAILED CLUSTER_AUTHORIZATION_FAILED",
    }, at_start=True)


# --- coordinators and the group -------------------------------------------------------------------------------------------


def coordinator(kind):
    return lambda request: answers.read_request(request)["kind"] == kind


def test_row_18_own_node_coordinators_of_transactions():
    each_error("FindCoordinator", {
        GOES_ON: "UNKNOWN_SERVER_ERROR COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE REQUEST_TIMED_OUT",
        (FAILURE, "transactions cannot be used"): "TRANSACTIONAL_ID_AUTHORIZATION_FAILED CLUSTER_AUTHORIZATION_FAILED",
    }, at_start=True, when=coordinator(1))


def test_row_18_own_node_coordinators_of_groups():
    each_error("FindCoordinator", {
        GOES_ON: "UNKNOWN_SERVER_ERROR COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE REQUEST_TIMED_OUT INVALID_GROUP_ID "
                 "GROUP_AUTHORIZATION_FAILED",
    }, at_start=True, when=coordinator(0))


def test_row_18_own_node_joins():
    each_error("JoinGroup", {
        GOES_ON: "UNKNOWN_SERVER_ERROR COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR "
                 "INCONSISTENT_GROUP_PROTOCOL INVALID_GROUP_ID UNKNOWN_MEMBER_ID INVALID_SESSION_TIMEOUT REBALANCE_IN_PROGRESS "
                 "GROUP_AUTHORIZATION_FAILED GROUP_MAX_SIZE_REACHED",
        STARTS_OVER: "FENCED_INSTANCE_ID",
    }, at_start=True)


def test_row_18_own_node_syncs():
    each_error("SyncGroup", {
        GOES_ON: "UNKNOWN_SERVER_ERROR COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR ILLEGAL_GENERATION "
                 "UNKNOWN_MEMBER_ID REBALANCE_IN_PROGRESS INCONSISTENT_GROUP_PROTOCOL GROUP_AUTHORIZATION_FAILED",
        STARTS_OVER: "FENCED_INSTANCE_ID",
    }, at_start=True)


def test_row_18_own_node_heartbeats():
    each_error("Heartbeat", {
        GOES_ON: "UNKNOWN_SERVER_ERROR COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR "
                 "GROUP_AUTHORIZATION_FAILED",
        REJOINS: "ILLEGAL_GENERATION UNKNOWN_MEMBER_ID REBALANCE_IN_PROGRESS",
        STARTS_OVER: "FENCED_INSTANCE_ID",
    })


def test_row_18_own_node_offsets_that_are_asked_for():
    each_error("OffsetFetch", {
        GOES_ON: "UNKNOWN_SERVER_ERROR COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR ILLEGAL_GENERATION "
                 "UNKNOWN_MEMBER_ID GROUP_AUTHORIZATION_FAILED UNKNOWN_TOPIC_OR_PARTITION TOPIC_AUTHORIZATION_FAILED "
                 "UNSTABLE_OFFSET_COMMIT",
    }, at_start=True)


if __name__ == "__main__":
    harness.main(globals())
