"""The daemons as processes: when they were done, what they used, what they said, how they ended (I14, I15, I16, I18)."""

import collections
import json
import re

import growth
from check_evidence import EMPLOYEE_INPUTS, milliseconds
from log_lines import log_events

PROGRESS_S = 60             # SPEC 6: a progress record at least every minute
SHORTEST_ID = 4             # a shorter employee id is found in any text
SANITIZERS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "WARNING: ThreadSanitizer",
              "rollcall: internal error", "Assertion `", "malloc(): ", "free(): ", "double free")


def check_healing(evidence, findings):
    """I14."""
    run = evidence.run
    healed, settled, drain = run["healed"], run["settled"], 1000 * run["drain_s"]
    findings.check("I14", settled - healed <= drain, f"settled {settled - healed} ms after healing, more than {drain}")
    last = evidence.offsets[-1]["offsets"] if evidence.offsets else {}
    for name in EMPLOYEE_INPUTS:
        for partition in range(evidence.partitions):
            where = f"{evidence.topics[name]}/{partition}"
            high, offset = evidence.ends.get(where, {"high": 0})["high"], last.get(where)
            findings.check("I14", (offset or 0) == high, f"{where}: lag {high - (offset or 0)} at the end")
            reached = next((s["t"] for s in evidence.offsets if (s["offsets"].get(where) or 0) == high), None)
            findings.check("I14", reached is not None and reached <= healed + drain,
                           f"{where}: {high} was committed at {reached}, {drain} ms after healing is {healed + drain}")
    check_silence(evidence, findings, healed, drain)


def check_silence(evidence, findings, healed, drain):
    if evidence.clock_was_moved:
        return
    told = collections.defaultdict(list)
    for message in evidence.committed["progress"]:
        told[message.key].append(message.timestamp)
    for key, times in told.items():
        for one, other in zip([healed] + [t for t in sorted(times) if t > healed],
                              [t for t in sorted(times) if t > healed] + [evidence.run["settled"]]):
            findings.check("I14", other - one <= 1000 * PROGRESS_S + drain,
                           f"{evidence.topics['progress']}: nothing of partition {key.decode()} from {one} to {other}")


def check_resources(evidence, findings):
    """I15."""
    lives, began = collections.defaultdict(list), had_most_since(evidence)
    for sample in evidence.resources:
        lives[sample["member"], sample["pid"]].append(sample)
        for name, most in evidence.run["budgets"].items():
            if name in sample:
                findings.check("I15", sample[name] <= most, f"{sample['member']} ({sample['pid']}) at {sample['t']}: {name} {sample[name]}, budget {most}")
    for (member, pid), samples in lives.items():
        found = growth.grows(growth.steady(samples, began.get(pid)), "rss_kb")
        findings.check("I15", found is None, f"{member} ({pid}): {found}")


def had_most_since(evidence):
    """{pid: ms}. Where the clock was moved, the times of the log are not those of the samples: from the start, then."""
    return {one["pid"]: one["start"] if evidence.clock_was_moved else
            growth.had_most_since(log_events(evidence.logs.get((one["member"], one["incarnation"]), "")))
            for one in evidence.incarnations()}


def secrets_of(evidence):
    """(words that must not come, canaries)."""
    ids = set()
    for message in evidence.inputs["roster"]:
        try:
            ids.add(message.key.decode() if message.value is None else str(json.loads(message.value)["employee_id"]))
        except (AttributeError, KeyError, TypeError, ValueError):
            pass                    # a bad record
    return {name for name in ids if len(name) >= SHORTEST_ID and not name.isdigit()}, evidence.run["canaries"]


def check_secrets(evidence, findings):
    """I16."""
    ids, canaries = secrets_of(evidence)
    odd = [name for name in ids if not re.fullmatch(r"\w+", name)]
    texts = {f"logs/{member}-{number}.log": text for (member, number), text in evidence.logs.items()}
    for path in sorted((evidence.folder / "proc").glob("*")):
        texts[f"proc/{path.name}"] = path.read_bytes().decode(errors="replace")
    for name, text in texts.items():
        found = [canary for canary in canaries if canary in text]
        found += sorted(ids.intersection(re.findall(r"\w+", text))) + [one for one in odd if one in text]
        findings.check("I16", not found, f"{name}: {', '.join(found[:5])}")
    if not ids or not canaries:
        findings.skip("I16", "no canaries, or no ids on the roster: less was looked for")


def check_ends(evidence, findings):
    """I18."""
    for one in evidence.incarnations():
        who = f"{one['member']}-{one['incarnation']}"
        if findings.check("I18", one["end"] is not None, f"{who}: was started and never ended"):
            findings.check("I18", one["code"] in one["expected"], f"{who}: exit code {one['code']}, expected {one['expected']}")
        findings.check("evidence", (one["member"], one["incarnation"]) in evidence.logs, f"{who}: no log")
    for (member, number), text in evidence.logs.items():
        for word in SANITIZERS:
            for line in [line for line in text.splitlines() if word in line][:1]:
                findings.violate("I18", f"{member}-{number}: {line[:200]}")
        findings.look("I18")


def check_log_lines(evidence, findings):
    """The log is whole lines in order of time, or the counts in it are worth nothing."""
    for (member, number), text in evidence.logs.items():
        times = [milliseconds(line["ts"]) for line in log_events(text)]
        if not evidence.clock_was_moved:
            backwards = next((a for a, b in zip(times, times[1:]) if a and b and b < a - 1000), None)
            findings.check("evidence", backwards is None, f"logs/{member}-{number}.log: time goes back after {backwards}")
