"""The checker checked: a good run passes, and for each invariant a run that breaks it does not.

Each case takes a recorded run (check_recorder.py), does one thing to it, and says which invariants must notice. Without
arguments: all cases; `record FOLDER` records the two runs, which is what the CTest fixture does."""

import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "kafka")]
sys.dont_write_bytecode = True

import growth  # noqa: E402
from check_forge import Forge  # noqa: E402
from check_recorder import CANARY, record  # noqa: E402
from log_lines import log_events  # noqa: E402

FOLDER = pathlib.Path(os.environ.get("ROLLCALL_EVIDENCE", "/tmp/rollcall-evidence"))
SKIPPED = 75
IGNORED = {"not_accepted", "site_not_counted", "repeat", "cancel_of_nothing", "forget_of_nobody"}
DELIVERIES = ("exactly_once", "at_least_once")


def verdict_of(folder):
    """(exit code, verdict, what was printed)."""
    done = subprocess.run([HERE / "check", folder], capture_output=True, text=True)
    file = pathlib.Path(folder) / "verdict.json"
    return done.returncode, json.loads(file.read_text()) if file.exists() else None, done.stdout + done.stderr


def violated(verdict):
    return {name for name, one in verdict["invariants"].items() if one["verdict"] == "violated"}


def judge(spoil, *expected, delivery="exactly_once", and_nothing_else=False):
    """Spoils a copy of the good run; exactly these, or at least these, must be violated. None expected: it must pass."""
    with tempfile.TemporaryDirectory(prefix="rollcall-check-") as scratch:
        folder = pathlib.Path(scratch) / "run"
        shutil.copytree(FOLDER / delivery, folder)
        spoil(Forge(folder))
        code, verdict, said = verdict_of(folder)
        found = violated(verdict)
        if expected:
            assert code == 1 and not verdict["ok"], f"it passes:\n{said}"
            assert set(expected) <= found, f"{sorted(set(expected) - found)} holds:\n{said}"
            assert "evidence" in expected or "evidence" not in found, f"the folder itself is found wanting:\n{said}"
            assert not and_nothing_else or found == set(expected), f"{sorted(found - set(expected))} too:\n{said}"
        else:
            assert code == 0 and verdict["ok"], f"it fails:\n{said}"
        return verdict


def only(spoil, *expected, **more):
    return judge(spoil, *expected, and_nothing_else=True, **more)


# --- what must pass ------------------------------------------------------------------------------------------------------------


def test_good():
    for delivery in DELIVERIES:
        verdict = judge(lambda forge: None, delivery=delivery)
        idle = {name for name, one in verdict["invariants"].items() if one["verdict"] == "not_applicable"}
        allowed = {"I17", "I20", "I21", "I23"} | ({"I7", "I9"} if delivery == "at_least_once" else set())
        assert idle <= allowed, f"{sorted(idle - allowed)} was not looked at"
        assert all(one["why"] for one in verdict["invariants"].values() if one["verdict"] == "not_applicable")


def test_aborted_and_sent_again_passes():
    """The last record of somebody, aborted once before."""
    verdict = judge(lambda forge: forge.append_transaction({("state", m["partition"]): [m] for m in forge.with_records(1)[-1:]}, "abort"))
    assert verdict["invariants"]["I21"]["checked"] > 0


def test_repeats_of_at_least_once_pass():
    def spoil(forge):
        message = forge.with_records(2)[-1]
        forge.append_batch("state", message["partition"], [message], None, producer=-1, epoch=-1, sequence=-1,
                           timestamp=message["timestamp"], first_timestamp=message["timestamp"])
    assert judge(spoil, delivery="at_least_once")["invariants"]["I21"]["checked"] > 0


# --- what proves nothing -------------------------------------------------------------------------------------------------------


def test_an_empty_folder_fails():
    with tempfile.TemporaryDirectory() as folder:
        code, verdict, _ = verdict_of(folder)
        assert code == 1 and violated(verdict) == {"evidence"}
    assert verdict_of("/nowhere")[0] == 64


def test_no_records_fail():
    """A run in which nothing happened: no daemon, no record."""
    def spoil(forge):
        for file in [*forge.folder.glob("*.jsonl"), *forge.folder.glob("*/*.jsonl"), *forge.folder.glob("logs/*")]:
            file.write_text("") if file.suffix == ".jsonl" else file.unlink()
        shutil.rmtree(forge.folder / "brokers")
        forge.edit_json("ends.json", lambda ends: [end.update(low=0, high=0, lso=0) for end in ends.values()])
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "run"
        shutil.copytree(FOLDER / "exactly_once", folder)
        spoil(Forge(folder))
        code, verdict, said = verdict_of(folder)
        assert code == 1 and {"I1", "I2", "I4", "I22"} <= set(verdict["nothing_checked"]), said


def test_each_file_is_needed():
    for name in ("run.json", "events.jsonl", "offsets.jsonl", "resources.jsonl", "ends.json", "config/policies.yaml",
                 "inputs/swipes.jsonl", "outputs/state.committed.jsonl", "outputs/state.uncommitted.jsonl"):
        judge(lambda forge: (forge.folder / name).unlink(), "evidence")


def test_without_the_logs_of_brokers_it_fails():
    judge(lambda forge: shutil.rmtree(forge.folder / "brokers"), "evidence")


def test_a_dump_cut_short():
    judge(lambda forge: [forge.edit_lines(forge.dump("state", kind), lambda lines: lines.pop()) for kind in ("committed", "uncommitted")],
          "evidence", "I2", "I1")
    judge(lambda forge: (lambda path: path.write_text(path.read_text()[:-10]))(forge.folder / forge.dump("state")), "evidence")


def test_a_bad_checksum():
    def spoil(forge):
        log = forge.log("state", 0)
        data = bytearray(log.file.read_bytes())
        data[80] ^= 1
        log.file.write_bytes(data)
    judge(spoil, "evidence")


# --- I1, I2, I3 ----------------------------------------------------------------------------------------------------------------


def test_i1_the_last_record_is_another():
    only(lambda forge: forge.edit_value("state", forge.with_records(3)[-1], lambda v: v.update(manager_id="someone")), "I1", "I2", "I13")


def test_i2_a_record_is_lost():
    judge(lambda forge: forge.drop_record("state", forge.with_records(3)[1]), "I2", "I3", "I5", "I7", "I13")


def test_i2_the_last_record_is_lost():
    judge(lambda forge: forge.drop_record("state", forge.with_records(3)[-1]), "I1", "I2", "I5", "I7", "I13")


def test_i2_a_record_comes_twice():
    judge(lambda forge: forge.append_transaction({("state", m["partition"]): [m] for m in forge.with_records(3)[-1:]}), "I2", "I3", "I7")


def test_i2_a_record_too_many():
    def spoil(forge):
        message = forge.with_records(3)[-1]
        value = json.loads(message["value"])
        value.update(seq=value["seq"] + 1, id="0" * 32, previous_status=value["status"])
        forge.append_transaction({("state", message["partition"]): [{**message, "value": json.dumps(value)}]})
    judge(spoil, "I2", "I1")


def test_i2_somebody_whom_nobody_knows():
    def spoil(forge):
        message = forge.with_records(1)[0]
        value = {**json.loads(message["value"]), "employee_id": "X9999", "id": "0" * 32}
        forge.append_transaction({("state", message["partition"]): [{**message, "key": "X9999", "value": json.dumps(value)}]})
    judge(spoil, "I1", "I2")


def test_i2_each_field_counts():
    """Here the comparison alone, since there are many."""
    import check_outputs
    value = json.loads(adverse(Forge(FOLDER / "exactly_once"))["value"])
    expected = {**value, "id": None, "supersedes": None, "_supersedes_seq": None}
    assert value["supersedes"] is None and check_outputs.difference(expected, value, {}) is None
    for field in value:
        if field != "id":               # each is to be there once: see below
            wrong = {"id": "?", "version": None, "hash": value["policy"]["hash"]} if field == "policy" else "?"
            assert check_outputs.difference(expected, {**value, field: wrong}, {}), f"another {field} is not seen"
    assert check_outputs.difference(expected, {**value, "added": 1}, {})
    assert check_outputs.difference({**expected, "_supersedes_seq": 2}, value, {2: "0" * 32})
    judge(lambda forge: forge.edit_value("state", adverse(forge), lambda v: v.update(manager_id="?")), "I2")
    judge(lambda forge: forge.edit_value("state", adverse(forge), lambda v: v["policy"].update(hash="0" * 64)), "I2")


def test_i2_an_id_comes_twice():
    def spoil(forge):
        one, other = forge.with_records(2)[:2]
        forge.edit_value("state", other, lambda v: v.update(id=json.loads(one["value"])["id"]))
    judge(spoil, "I2")


def test_i3_two_records_are_swapped():
    def spoil(forge):
        one, other = forge.with_records(3)[:2]
        forge.edit_record("state", one, lambda line: line.update(value=other["value"], headers=other["headers"]))
        forge.edit_record("state", other, lambda line: line.update(value=one["value"], headers=one["headers"]))
    judge(spoil, "I3", "I2")


def test_i3_a_wrong_seq():
    judge(lambda forge: forge.edit_value("state", forge.with_records(3)[1], lambda v: v.update(seq=v["seq"] + 1)), "I3", "I2")


# --- I4, I5, I6, I7 ------------------------------------------------------------------------------------------------------------


def test_i4_outputs_without_offsets():
    """A zombie's commit: data, and no offsets to say for what."""
    judge(lambda forge: forge.append_transaction({("state", m["partition"]): [m] for m in forge.with_records(1)[-1:]}, offsets=False,
                                                 producer=77), "I4")


def with_outputs(forge):
    """The first commit whose transaction has state records."""
    logs = [forge.log("state", p) for p in range(forge.run["partitions"])]
    starts = sorted(values["timestamp"] for log in logs for _, values in log.data())
    return next(n for n, (_, values, _) in enumerate(forge.commits()) if values["timestamp"] >= starts[0])


def test_i4_offsets_that_are_too_low():
    def spoil(forge):
        forge.edit_offsets(with_outputs(forge), lambda offsets: offsets.update({place: 0 for place in offsets}))
    judge(spoil, "I4", "I7", "I12")


def test_i5_offsets_that_are_too_high():
    """Records are committed that had no effect yet; that comes in a later transaction."""
    def spoil(forge):
        last = {}
        for _, _, offsets in forge.commits():
            last.update(offsets)
        by_name = {(name, p): last.get((real, p), 0) for name, real in forge.topics.items() for p in range(forge.run["partitions"])}
        forge.edit_offsets(with_outputs(forge), lambda offsets: offsets.update({place: by_name[place] for place in offsets}))
    judge(spoil, "I5", "I7", "I12", "I6")


def test_i5_commit_plus_one():
    def spoil(forge):
        forge.edit_offsets(with_outputs(forge), lambda offsets: offsets.update({
            place: offset + 1 for place, offset in offsets.items() if place[0] == "swipes"}))
    judge(spoil, "I12")


def test_i6_the_last_commit_plus_one():
    def spoil(forge):
        forge.edit_offsets(-1, lambda offsets: offsets.update({place: offset + 1 for place, offset in offsets.items()}))
    judge(spoil, "I6", "I12")


def test_i6_an_offset_falls():
    def spoil(forge):
        highest = {}
        for number, (_, _, offsets) in enumerate(forge.commits()):
            if any(highest.get(place) for place in offsets):
                return forge.edit_offsets(number, lambda offsets: offsets.update({place: 0 for place in offsets}))
            highest.update(offsets)
        raise AssertionError("no partition was committed twice")
    judge(spoil, "I6")


def change_sample(forge, change):
    def edit(lines):
        sample = lines[len(lines) // 2]["offsets"]
        place = next(place for place, offset in sample.items() if offset and ".swipes/" in place)
        sample[place] = change(sample[place])
    forge.edit_lines("offsets.jsonl", edit)


def test_i6_a_sample_that_was_never_committed():
    only(lambda forge: change_sample(forge, lambda offset: offset - 1), "I6")


def test_i6_a_sample_without_an_offset():
    only(lambda forge: change_sample(forge, lambda offset: None), "I6")


def coordinator_away(forge, back_after):
    """No answer, then none of the offsets as if the broker had just come up; it has them again after so many samples."""
    def edit(lines):
        at = len(lines) // 2
        lines.insert(at, {"t": lines[at]["t"] - 1, "error": "NOT_COORDINATOR"})
        for line in lines[at + 1:at + 3]:
            line["offsets"] = {place: None for place in line["offsets"]}
        if back_after > 2:
            place = next(place for place, offset in lines[at + back_after + 1]["offsets"].items() if offset)
            lines[at + back_after + 1]["offsets"][place] = None
    forge.edit_lines("offsets.jsonl", edit)


def test_i6_samples_of_a_coordinator_that_has_just_come_up():
    judge(lambda forge: coordinator_away(forge, 2))


def test_i6_a_sample_falls_after_the_coordinator_was_back():
    only(lambda forge: coordinator_away(forge, 4), "I6")


def test_i6_the_end_is_not_reached():
    def spoil(forge):
        where = f"{forge.topics['swipes']}/0"
        forge.edit_json("ends.json", lambda ends: ends[where].update(high=ends[where]["high"] + 1, lso=ends[where]["high"] + 1))
    only(spoil, "I6", "I12", "I14")


def test_i7_an_effect_comes_a_transaction_late():
    def spoil(forge):
        message = forge.with_records(3)[-1]
        forge.drop_record("state", message)
        forge.append_transaction({("state", message["partition"]): [message]})
    judge(spoil, "I5", "I7")


# --- I8, I9 --------------------------------------------------------------------------------------------------------------------


def flip(log, number):
    log.set_marker(log.markers()[number][0], "abort")
    log.save()


def test_i8_aborted_data_is_visible():
    """A transaction is aborted in all of its partitions, and was shown all the same."""
    def spoil(forge):
        message = forge.messages("state")[-1]
        forge.append_transaction({("state", message["partition"]): [message]}, "abort")
        forge.edit_lines(forge.dump("state"), lambda lines: lines.append(forge.lines(forge.dump("state", "uncommitted"))[-1]))
    judge(spoil, "I8")


def test_i8_a_torn_transaction():
    judge(lambda forge: flip(forge.log("state", 0), 1), "I8")
    judge(lambda forge: flip(forge.log("changelog", 1), 2), "I8")
    try:
        judge(lambda forge: flip(forge.offsets_log(), 1), "I8")
    except AssertionError:  # it was its producer's only transaction until the next marker: then its outputs have no offsets
        judge(lambda forge: flip(forge.offsets_log(), 1), "I4", "I6")


def test_i8_a_marker_is_missing():
    def spoil(forge):
        log = forge.log("state", 1)
        number, values = log.markers()[-1]
        del log.batches[number]
        log.save()
        forge.set_end("state", 1, values["base"], log.data()[-1][1]["base"])
    judge(spoil, "I8")


def test_i8_a_transaction_is_open_at_the_end():
    judge(lambda forge: forge.append_transaction({("state", m["partition"]): [m] for m in forge.with_records(1)[-1:]}, None), "I8")


def test_i8_written_outside_of_a_transaction():
    def spoil(forge):
        log = forge.log("state", 0)
        number, values = log.data()[0]
        values.update(attributes=values["attributes"] & ~0x10)
        log.save()
    judge(spoil, "I8")


def test_i8_a_committed_record_is_hidden():
    judge(lambda forge: forge.edit_lines(forge.dump("state"), lambda lines: lines.pop(3)), "I8", "I2")


def test_i9_a_late_epoch():
    """Data of an epoch that was over, in a transaction of the next one."""
    for name in ("state", "changelog"):
        def spoil(forge):
            log = forge.log(name, 1)
            log.data()[-1][1]["epoch"] -= 1
            log.save()
        judge(spoil, "I9")


def test_i9_two_owners_at_once():
    """The second begins to write before the first is done."""
    def spoil(forge):
        log = forge.log("changelog", 1)
        data, marker = log.data()[-1], log.markers()[-2]
        first, second = log.batches[marker[0]][0], log.batches[data[0]][0]
        second.update(producer=99, base=first["base"])
        first["base"] = second["base"] + second["last_delta"] + 1
        log.batches[marker[0]], log.batches[data[0]] = log.batches[data[0]], log.batches[marker[0]]
        log.batches[-1][0].update(producer=99)
        log.save()
    judge(spoil, "I9")


def test_i9_a_batch_from_an_old_state():
    def spoil(forge):
        tasks = [m for m in forge.messages("changelog") if m["key"] == "task" and m["partition"] == 0]

        def edit(line):
            value = bytearray(line["value"].encode("latin-1" if line.get("binary") else "utf-8"))
            value[8] -= 1
            line.update(binary=True, value=bytes(value).decode("latin-1"))
        forge.edit_record("changelog", tasks[-1], edit)
    only(spoil, "I9")


# --- I10, I11, I12, I13 --------------------------------------------------------------------------------------------------------


def test_i10_a_key_in_two_partitions():
    judge(lambda forge: forge.append_transaction({("state", 1 - m["partition"]): [m] for m in forge.with_records(1)[-1:]}), "I10")


def test_i10_a_key_that_is_not_the_employee():
    judge(lambda forge: forge.edit_record("state", forge.with_records(1)[0], lambda line: line.update(key="other")), "I10", "I2")


def test_i11_a_reject_is_lost():
    only(lambda forge: forge.drop_record("rejects", forge.messages("rejects")[0]), "I11", "I13", "I5", "I7")


def test_i11_a_reject_comes_twice():
    only(lambda forge: forge.append_transaction({("rejects", m["partition"]): [m] for m in forge.messages("rejects")[:1]}), "I11")


def set_header(line, name, value):
    line["headers"] = [[key, value if key == name else old] for key, old in line["headers"]]


def test_i11_a_wrong_reason():
    only(lambda forge: forge.edit_record("rejects", forge.messages("rejects")[0], lambda line: set_header(line, "rollcall-reason", "too_many")),
         "I11")


def test_i11_a_good_record_is_rejected():
    def spoil(forge):
        swipe = next(m for m in forge.lines("inputs/swipes.jsonl") if "E1" in m["key"])
        place = {"topic": forge.topics["swipes"], "partition": swipe["partition"], "offset": swipe["offset"]}
        headers = swipe["headers"] + [[f"rollcall-{name}", str(value)] for name, value in {"reason": "future", "detail": "", **place}.items()]
        forge.append_transaction({("rejects", 0): [{**swipe, "headers": headers}]})
    judge(spoil, "I11")


def graceful(forge):
    """The log of the graceful end that has read most."""
    logs = [str(name) for name in forge.logs() if "event=totals" in (forge.folder / name).read_text()]
    return max(logs, key=lambda name: int(totals(forge, name)[1]["read"]))


def totals(forge, name):
    """(the line, what it says)."""
    line = next(line for line in (forge.folder / name).read_text().splitlines() if "event=totals" in line)
    return line, dict(pair.split("=", 1) for pair in line.split() if "=" in pair)


def shift(forge, line_with, **changes):
    """Adds to numbers in the line of the graceful end that has this text."""
    path = forge.folder / graceful(forge)
    line = next(line for line in path.read_text().splitlines() if line_with in line)
    changed = line
    for name, more in changes.items():
        changed = re.sub(rf" {name}=(\d+)", lambda m: f" {name}={int(m[1]) + more}", changed)
    assert changed != line
    path.write_text(path.read_text().replace(line, changed))


def a_reason(forge):
    """One for which the graceful end has counted rejects."""
    found = re.findall(r"event=count reason=(\w+)", (forge.folder / graceful(forge)).read_text())
    return next(reason for reason in found if reason not in IGNORED | {"applied"})


def test_i11_counts_that_do_not_add_up():
    only(lambda forge: shift(forge, "event=totals", rejected=1), "I11")


def test_i11_counts_that_lie():
    """They add up: one that was rejected is said to have been applied."""
    def spoil(forge):
        shift(forge, "event=totals", applied=1, rejected=-1)
        shift(forge, "reason=applied ", records=1)
        shift(forge, f"reason={a_reason(forge)} ", records=-1)
    only(spoil, "I11")


def test_i12_a_restart_that_found_too_few():
    def spoil(forge):
        name = str(forge.logs()[-1])
        people = (forge.folder / name).read_text().split("event=running")[1].split("people=")[1].split()[0]
        forge.edit_text(name, f"people={people} held", f"people={int(people) - 1} held")
    only(spoil, "I12")


def test_i12_the_changelog_lacks_a_batch():
    def spoil(forge):
        tasks = [m for m in forge.messages("changelog") if m["key"] == "task" and m["partition"] == 0]
        for kind in ("committed", "uncommitted"):
            forge.edit_lines(forge.dump("changelog", kind), lambda lines: lines.__setitem__(slice(None), [
                line for line in lines if (line["partition"], line["offset"]) != (0, tasks[-1]["offset"])]))
    judge(spoil, "I12")


def test_i13_the_last_progress_is_lost():
    def spoil(forge):
        for message in forge.messages("progress"):
            if message["key"] == "0":
                forge.drop_record("progress", message)
    judge(spoil, "progress")


# --- I14 to I19 ----------------------------------------------------------------------------------------------------------------


def test_i14_healing_takes_too_long():
    only(lambda forge: forge.edit_json("run.json", lambda run: run.update(drain_s=0)), "I14")


def test_i14_a_lag_at_the_end():
    def spoil(forge):
        lines = forge.lines("offsets.jsonl")
        forge.write_lines("offsets.jsonl", lines[:len(lines) // 3])
    only(spoil, "I14")


def test_i15_over_budget():
    for name in ("rss_kb", "fds", "threads"):
        only(lambda forge: forge.edit_json("run.json", lambda run: run["budgets"].update({name: 1})), "I15")


def test_i15_memory_grows():
    for seconds, per_second in ((120, 2000), (3600, 20)):
        def spoil(forge):
            forge.edit_json("run.json", lambda run: run["budgets"].update(rss_kb=10_000_000))
            last = forge.lines("resources.jsonl")[-1]
            forge.write_lines("resources.jsonl", [{**last, "t": last["t"] + 1000 * s, "rss_kb": 50_000 + per_second * s}
                                                  for s in range(0, seconds, max(1, seconds // 600))])
        only(spoil, "I15")


def memory_of(kb_at, seconds=1800):
    """Samples of a process that has so much at each second, with what any process has of ups and downs."""
    dice = random.Random(1)
    return [{"t": 1000 * s, "rss_kb": round(kb_at(s)) + dice.randrange(500)} for s in range(seconds)]


def test_i15_what_is_a_leak():
    """A megabyte a minute, in a process that is large already: seen in half an hour, and in the ten minutes after a takeover."""
    for seconds in (1800, 660):
        assert growth.grows(memory_of(lambda s: 700_000 + 1024 * s / 60, seconds), "rss_kb")
        assert growth.grows(memory_of(lambda s: 700_000 + 1024 * (s // 60) + 10_000 * (s % 45 > 30), seconds), "rss_kb")
    assert growth.grows(memory_of(lambda s: 100_000 + 1000 * s, 120), "rss_kb")
    assert growth.grows([{"t": 1000 * s, "fds": 40 + s // 60} for s in range(1800)], "fds")


def test_i15_what_is_no_leak():
    """As it is, with teeth, short and long, a single step, and less than before."""
    for kb_at in (lambda s: 700_000, lambda s: 700_000 + 2000 * (s % 45), lambda s: 700_000 + 500 * (s % 290),
                  lambda s: 700_000 + 300_000 * (s > 1000), lambda s: 700_000 - 1024 * s / 60):
        assert growth.grows(memory_of(kb_at), "rss_kb") is None
    assert growth.grows([{"t": 1000 * s, "fds": 40 + s % 7} for s in range(1800)], "fds") is None


def test_i15_a_takeover_is_no_leak():
    """Of two members one gets all partitions after 15 minutes, and memory with them; a leak after that is one."""
    log = "".join(f"ts=1970-01-01T00:{second // 60:02d}:{second % 60:02d}.000Z level=info event={event} worker={worker} partitions={n}\n"
                  for second, event, worker, n in ((0, "assigned", "b-0", 1), (0, "assigned", "b-1", 1), (400, "revoked", "b-0", 1),
                                                   (401, "assigned", "b-0", 1), (900, "revoked", "b-0", 1), (900, "assigned", "b-0", 2),
                                                   (901, "assigned", "b-1", 2), (1300, "revoked", "b-0", 2), (1301, "assigned", "b-0", 2)))
    since = growth.had_most_since(log_events(log))
    assert since == 901_000

    def takes_over(then):
        return memory_of(lambda s: 675_000 if s < 905 else 900_000 if s < 915 else 1_200_000 + then(s))

    flat, leak = takes_over(lambda s: 0), takes_over(lambda s: 1024 * (s - 915) / 60)
    assert growth.grows(growth.steady(flat, since), "rss_kb") is None
    assert growth.grows(growth.steady(leak, since), "rss_kb")
    short = [s for s in flat if 700_000 < s["t"] < 1_200_000]
    assert growth.grows(short, "rss_kb") and growth.grows(growth.steady(short, since), "rss_kb") is None
    assert not growth.steady(flat, growth.had_most_since([]))


def test_i16_a_secret_is_told():
    names = ("logs/a-1.log", "proc/a-1.cmdline", "proc/a-2.environ")

    def spoil(forge, word):
        for name in names:
            path = forge.folder / name
            path.write_bytes(b"ts=2026-01-01T00:00:00.000Z level=info event=x text=%s\n" % word.encode() + path.read_bytes())
    for word in (lambda forge: CANARY, lambda forge: forge.messages("state")[0]["key"]):
        assert only(lambda forge: spoil(forge, word(forge)), "I16")["invariants"]["I16"]["violated"] == len(names)


def edit_exit(forge, number, edit):
    def change(lines):
        event = [line for line in lines if line["event"] == "exit"][number]
        edit(lines, event)
    forge.edit_lines("events.jsonl", change)


def test_i18_an_exit_code():
    for number, code in ((0, -11), (1, 78), (2, 1)):
        judge(lambda forge: edit_exit(forge, number, lambda lines, event: event.update(code=code)), "I18")


def test_i18_a_process_that_never_ended():
    judge(lambda forge: edit_exit(forge, -1, lambda lines, event: lines.remove(event)), "I18")


def test_i18_a_sanitizer_speaks():
    for word in ("==1==ERROR: AddressSanitizer: heap-use-after-free", "x.c:1:2: runtime error: overflow", "WARNING: ThreadSanitizer: data race"):
        only(lambda forge: (lambda path: path.write_text(path.read_text() + word + "\n"))(forge.folder / "logs" / "a-1.log"), "I18")


def test_i19_read_more_than_committed():
    def spoil(forge):
        shift(forge, "event=totals", read=7, applied=7, sum=7)
        shift(forge, "reason=applied ", records=7)
    only(spoil, "I19", "I11")


def test_i19_a_graceful_end_without_totals():
    only(lambda forge: forge.edit_text(graceful(forge), totals(forge, graceful(forge))[0] + "\n", ""), "I19")


# --- I21, I22, I24, progress -----------------------------------------------------------------------------------------------------


def test_i21_it_came_again_otherwise():
    def spoil(forge):
        message = forge.with_records(2)[-1]
        forge.append_transaction({("state", message["partition"]): [{**message, "value": message["value"].replace("}", " }", 1)}]}, "abort")
    only(spoil, "I21")


def test_i21_a_repeat_of_at_least_once_is_another():
    def spoil(forge):
        message = forge.with_records(2)[-1]
        other = {**message, "value": message["value"].replace("}", " }", 1)}
        forge.append_batch("state", message["partition"], [other], None, producer=-1, epoch=-1, sequence=-1,
                           timestamp=message["timestamp"], first_timestamp=message["timestamp"])
    only(spoil, "I2", "I21", delivery="at_least_once")


def test_at_least_once_loses_nothing():
    judge(lambda forge: forge.drop_record("state", forge.with_records(3)[1]), "I2", "I3", "I5", delivery="at_least_once")


def test_at_least_once_commits_before_it_writes():
    def spoil(forge):
        for message in forge.messages("state")[:10]:
            forge.edit_record("state", message, lambda line: line.update(timestamp=line["timestamp"] + 600_000))
    only(spoil, "I5", delivery="at_least_once")


def test_i22_an_unknown_word():
    judge(lambda forge: forge.edit_value("state", forge.with_records(3)[0], lambda v: v.update(status="maybe")), "I22")


def test_i22_a_field_is_missing():
    judge(lambda forge: forge.edit_value("state", forge.with_records(3)[0], lambda v: v.pop("human_action")), "I22")


def test_i22_no_json():
    judge(lambda forge: forge.edit_record("state", forge.with_records(3)[0], lambda line: line.update(value="{")), "I22")


def test_i22_a_header():
    names = ("ce_id", "ce_source", "ce_time", "ce_subject", "ce_type", "ce_specversion", "content-type")

    def spoil(forge):
        for message, name in zip(forge.messages("state"), names):
            forge.edit_record("state", message, lambda line: set_header(line, name, "x"))
    said = judge(spoil, "I22")["invariants"]["I22"]["violations"]
    assert all(any(f"header {name}:" in text for text in said) for name in names), said


def test_i22_a_reject_with_another_value():
    only(lambda forge: forge.edit_record("rejects", forge.messages("rejects")[0], lambda line: line.update(value="{}")), "I22")


def adverse(forge):
    return next(m for m in forge.messages("state") if '"status":"at_risk"' in m["value"] or '"status":"non_compliant"' in m["value"])


def test_i24_judged_on_an_open_day():
    judge(lambda forge: forge.edit_value("state", adverse(forge), lambda v: v.update(as_of=v["effective_on"] + "T20:00:00.000Z")), "I24", "I2")


def test_i24_judged_before_its_time():
    judge(lambda forge: forge.edit_record("state", adverse(forge), lambda line: line.update(timestamp=0)), "I24")


def test_progress_that_runs_ahead():
    def ahead(value):
        value["closed"] = {zone: "2199-01-01" for zone in value["closed"]}
    judge(lambda forge: forge.edit_value("progress", forge.messages("progress")[-1], ahead), "progress")


def test_progress_that_goes_back():
    judge(lambda forge: forge.edit_value("progress", forge.messages("progress")[-1], lambda v: v.update(arrival_clock="1990-01-01T00:00:00.000Z")),
          "progress", "I13")


def main():
    if sys.argv[1:2] == ["record"]:
        for delivery in DELIVERIES:
            shutil.rmtree(FOLDER / delivery, ignore_errors=True)
            record(FOLDER / delivery, delivery)
        return 0
    if not (FOLDER / DELIVERIES[-1] / "run.json").exists():
        print(f"no recorded run in {FOLDER}: skipped (see the test faults.check.record)", file=sys.stderr)
        return 1 if os.environ.get("ROLLCALL_REQUIRE_KAFKA") == "1" else SKIPPED
    cases = {name[len("test_"):]: case for name, case in globals().items() if name.startswith("test_")}
    failed = []
    for name in sys.argv[1:] or cases:
        try:
            cases[name]()
            print(f"passed {name}")
        except Exception:
            traceback.print_exc(limit=-3)
            print(f"FAILED {name}", file=sys.stderr)
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
