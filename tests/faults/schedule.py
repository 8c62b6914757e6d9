"""What goes wrong, when and where: a pure function of the seed and the shape of the run, made before anything is started.

Two runs of one seed have the same faults at the same times. What the threads of four programs make of them is up to the
machine, so a violation may need a few runs of its seed to come again; the evidence of the first is kept in any case."""

import dataclasses
import random

# Shorter than in production, so that a fault of seconds is one that outlasts them.
SESSION_S = 6.0
TRANSACTION_S = 4.0
PROPERTIES = {"session.timeout.ms": int(SESSION_S * 1000), "transaction.timeout.ms": int(TRANSACTION_S * 1000),
              "max.poll.interval.ms": 30000, "socket.timeout.ms": 3000, "heartbeat.interval.ms": 1000,
              "socket.connection.setup.timeout.ms": 2000, "reconnect.backoff.max.ms": 1000}

# The moments in a worker at which it can be struck (src/base/fault_point.c has the list that counts).
POINTS = ("after_poll", "before_produce", "after_produce", "before_send_offsets", "after_send_offsets", "before_commit",
          "after_commit", "in_revoke", "in_restore", "in_close")

# Requests of which a transaction is made; its end is the one that matters most.
REQUESTS = ("Produce", "AddPartitionsToTxn", "AddOffsetsToTxn", "TxnOffsetCommit", "EndTxn", "EndTxn", "EndTxn")


@dataclasses.dataclass(frozen=True)
class Setting:
    """The shape of a run that faults are drawn for."""

    members: int
    brokers: int
    seconds: float = None  # the faults end then, or
    kills: int = None      # when so many SIGKILLs were dealt
    gap: float = 1.5       # seconds between the beginnings of two faults, on average


def member_kill(dice, setting):
    return {"member": dice.randrange(setting.members), "away": dice.choice([0.0, 0.0, 0.2, 1.0])}


def member_term(dice, setting):
    return {"member": dice.randrange(setting.members), "away": dice.choice([0.0, 0.5])}


def member_stop(dice, setting):
    return {"member": dice.randrange(setting.members), "seconds": dice.choice([1.0, TRANSACTION_S + 2, SESSION_S + 3])}


def member_away(dice, setting):
    """Leaves the group and comes back: partitions move, twice."""
    return {"member": dice.randrange(setting.members), "away": dice.uniform(2, SESSION_S + 2)}


def member_point(dice, setting):
    """Dies of itself at one of the worker's moments, or stands still there."""
    action = dice.choice(["kill", "kill", "kill", "stop"])
    spec = f"{dice.choice(POINTS)}:{action}:{dice.choice([1, 2, 3, 10])}"
    return {"member": dice.randrange(setting.members), "spec": spec + (f":{dice.choice([500, 5000])}" if action == "stop" else "")}


def broker_kill(dice, setting):
    return {"broker": dice.randrange(setting.brokers), "seconds": dice.choice([0.0, 0.0, 1.0, 3.0])}


def broker_pause(dice, setting):
    return {"broker": dice.randrange(setting.brokers), "seconds": dice.choice([0.5, 2.0, 4.0])}


def brokers_in_turn(dice, setting):
    """Each is restarted, one after the other: every coordinator moves, at least once."""
    return {"first": dice.randrange(setting.brokers)}


def network_cut(dice, setting):
    return {"broker": dice.randrange(setting.brokers), "mode": dice.choice(["refuse", "blackhole", "reset"]),
            "seconds": dice.choice([0.2, 1.0, 4.0])}


def network_request(dice, setting):
    """One request of a transaction, or its answer, is lost or late."""
    return {"action": dice.choice(["drop", "apply_then_cut", "delay", "delay_answer", "hold_past"]),
            "request": dice.choice(REQUESTS), "wait": dice.choice([0.5, 2.0, 4.0])}


def clock_step(dice, setting):
    return {"member": dice.randrange(setting.members), "offset": dice.choice([-3600, -30, -5, 5, 30, 3600])}


@dataclasses.dataclass(frozen=True)
class Kind:
    draw: object
    weight: int
    group: str           # member, broker or network: `--faults broker` means all of them
    lasts: float = 0.0   # besides its own seconds: no fault of a broker or the network begins before it is over
    brokers: int = 1     # needed for it


KINDS = {
    "kill": Kind(member_kill, 12, "member"),
    "term": Kind(member_term, 3, "member"),
    "stop": Kind(member_stop, 1, "member"),
    "away": Kind(member_away, 1, "member"),
    "twin": Kind(lambda dice, setting: {"member": dice.randrange(setting.members)}, 1, "member"),
    "point": Kind(member_point, 6, "member"),
    "clock": Kind(clock_step, 1, "clock"),
    "broker_kill": Kind(broker_kill, 3, "broker", lasts=6.0),
    "broker_pause": Kind(broker_pause, 2, "broker", lasts=2.0),
    "brokers_in_turn": Kind(brokers_in_turn, 1, "broker", lasts=20.0, brokers=3),
    "cut": Kind(network_cut, 2, "network", lasts=1.0),
    "request": Kind(network_request, 6, "network"),
}


def kinds_of(words):
    """The kinds that a list of names and groups means: kill,broker"""
    found = {name for word in words for name, kind in KINDS.items() if word in (name, kind.group, "all")}
    unknown = [word for word in words if word != "all" and word not in KINDS and word not in {k.group for k in KINDS.values()}]
    if unknown:
        raise ValueError(f"no such fault: {', '.join(unknown)}; there are {', '.join(KINDS)}, and the groups member, clock, "
                         "broker, network, all")
    return sorted(found)


def is_kill(fault):
    return fault["kind"] == "kill" or fault["kind"] == "point" and ":kill:" in fault["spec"]


def draw(seed, names, setting):
    """[{"at": seconds from the start, "kind", ...}] in order of time."""
    dice = random.Random(seed)
    names = [name for name in names if KINDS[name].brokers <= setting.brokers]
    faults, at, outage_until, kills = [], 2.0, 0.0, 0
    while (setting.kills is None or kills < setting.kills) and (setting.seconds is None or at < setting.seconds):
        name = dice.choices(names, [KINDS[n].weight for n in names])[0]
        kind = KINDS[name]
        fault = {"at": round(at, 2), "kind": name, **kind.draw(dice, setting)}
        at += dice.uniform(0.4, 1.6) * setting.gap
        if kind.lasts > 0:
            if fault["at"] < outage_until:  # one outage of a broker at a time: with more, nobody promises anything
                continue
            outage_until = fault["at"] + fault.get("seconds", 0.0) + kind.lasts
        faults.append(fault)
        kills += is_kill(fault)
    return faults
