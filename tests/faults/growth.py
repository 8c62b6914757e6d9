"""Whether a process that runs on and on needs more and more. Pure functions of samples: {"t": ms, name: number, ...}.

Memory comes in steps: a member that gets partitions restores their people, reads ahead of them what had piled up, and keeps what
it freed for the next time. That is no leak, however large; it is for the stated bound to limit it. What grows on, with nothing
more to hold than before, is one. So only that counts which comes after a member first had the most partitions that it ever had;
of that only what was never given back, which a sawtooth is; and it must have grown in either half, which a step has not."""

import datetime
import itertools
import math
import statistics

SETTLE_S = 60       # from the assignment until all is restored, and what had piled up is read
LIFE_S = 60         # less is too short to say anything
STEADY_S = 600      # from then on the slope is looked at, and a step is none: more than ever may have piled up
WINDOW_S = 30
SLOPE_PER_HOUR = 0.01
# What may come in a short life all the same, and in how long a life soever.
STEP = {"rss_kb": 16_384, "fds": 20, "threads": 4}
NOISE = {"rss_kb": 4096, "fds": 1, "threads": 1}
STEP_SHARE = 0.25


def had_most_since(events):
    """When (ms) the member came to own the most partitions that it ever had, for the first time; None if it never owned any.
    events: the lines of its log as {key: value}."""
    owned, most, since = {}, 0, None
    for event in events:
        if event.get("event") in ("assigned", "revoked"):
            owned[event["worker"]] = int(event["partitions"]) if event["event"] == "assigned" else 0
            if sum(owned.values()) > most:
                most = sum(owned.values())
                since = datetime.datetime.fromisoformat(event["ts"].replace("Z", "+00:00")).timestamp() * 1000
    return since


def steady(samples, since):
    """The samples from which on nothing more is to be expected."""
    return [s for s in samples if since is not None and s["t"] >= since + 1000 * SETTLE_S]


def seconds_of(samples):
    return (samples[-1]["t"] - samples[0]["t"]) / 1000 if samples else 0.0


def slope_per_hour(samples, name):
    """Of what is had from then on, always; the lesser of the median slopes in the two halves."""
    points, floor = [], math.inf
    for at, group in itertools.groupby(reversed(samples), lambda s: s["t"] // (1000 * WINDOW_S)):
        floor = min(floor, min(s[name] for s in group))
        points.append((at * WINDOW_S / 3600, floor))
    half = len(points) // 2
    return min((statistics.median((y - b) / (x - a) for (x, y), (a, b) in itertools.combinations(part, 2))
                for part in (points[:half], points[half:]) if len(part) > 1), default=0.0)


def grows(samples, name):
    """In words, or None: it does not. Samples of a member that had_most_since before them."""
    seconds = seconds_of(samples)
    if seconds < LIFE_S or len(samples) < 20:
        return None
    values, quarter = [s[name] for s in samples], len(samples) // 4
    before, after = statistics.median(values[quarter:2 * quarter]), statistics.median(values[-quarter:])
    slope, hours = slope_per_hour(samples, name), seconds / 3600
    if seconds < STEADY_S and after - before > max(STEP_SHARE * before, STEP[name]):
        return f"{name} grows from {before:.0f} to {after:.0f} in {seconds:.0f} s"
    if seconds >= STEADY_S and slope * hours > max(SLOPE_PER_HOUR * hours * after, NOISE[name]):
        return f"{name} grows by {slope:.0f} an hour, for {seconds:.0f} s, of {after:.0f}"
    return None
