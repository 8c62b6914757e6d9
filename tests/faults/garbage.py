"""Records that no task can use, of many kinds, and what must become of them."""

import itertools
import json

import harness

HOSTILE = ["\x1b[31mred\x1b[0m", "two\nlines", "%n%s%x", "a\r\tb", "'; drop", "\u202e", "x\u2028y", "\"quoted\"", "E" * 64]


def record(dice, number, **more):
    """A Record; one in ten may be large."""
    key = f"G{number}"
    swipe = {"employee_id": key, "occurred_at": "2023-05-01T12:00:00Z"}
    depth, is_large = dice.randrange(1, 60000 if number % 10 == 0 else 60), number % 10 == 0
    key, value = dice.choice([
        lambda: (key, b""), lambda: (key, None), lambda: (key, dice.randbytes(dice.randrange(400))),
        lambda: (key, json.dumps(swipe)[:-1]), lambda: (key, json.dumps({**swipe, "occurred_at": "yesterday"})),
        lambda: (key, json.dumps({**swipe, "employee_id": key + "x"})), lambda: (None, json.dumps(swipe)),
        lambda: (key, "[" * depth), lambda: (key, json.dumps({"employee_id": key})),
        lambda: (key, json.dumps({**swipe, "x": "y" * 70000}) if is_large else "{"), lambda: (dice.choice(HOSTILE), json.dumps(swipe)),
        lambda: (dice.choice(HOSTILE), json.dumps({**swipe, "employee_id": dice.choice(HOSTILE), "direction": "up"})),
    ])()
    return harness.Record(key, value, **more)


def raw(text):
    return text.encode() if isinstance(text, str) else text


def check_rejects(site, sent, topic="swipes", earlier=()):
    """Each record of this input is among the rejects (or `earlier` ones, of a topic of the same name), once, with its key and value.
    No more of them is kept than a number each: an hour has millions."""
    found = {}
    for reject in itertools.chain(earlier, site.node.stream(site.topics["rejects"])):
        if raw(reject.header("rollcall-topic")) != raw(site.topics[topic]):  # the headers of what is binary are, too
            continue
        place = int(reject.header("rollcall-partition")), int(reject.header("rollcall-offset"))
        harness.check(place not in found, f"{place} is rejected twice")
        is_cut = raw(reject.header("rollcall-reason")) == b"too_large"
        found[place] = hash((raw(reject.key or ""), None if is_cut else raw(reject.value))), is_cut
    harness.check(len(found) == sent, f"{len(found)} rejects of {sent}")
    for record in site.node.stream(site.topics[topic]):
        digest, is_cut = found.pop((record.partition, record.offset))
        harness.check(digest == hash((raw(record.key or ""), None if is_cut else raw(record.value))),
                      f"{record.partition}, {record.offset}: key and value are the record's")
    harness.check(not found, f"rejects of nothing: {list(found)[:5]}")
