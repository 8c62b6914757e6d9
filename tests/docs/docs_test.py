#!/usr/bin/env python3
"""The pages of docs/ against the program: records fit the published schemas, pasted records are what is really printed, tables of
words are complete, links lead somewhere."""

import concurrent.futures
import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import examples
import records
import schema

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"
CASES = GOLDEN / "cases"
sys.path.append(str(GOLDEN))
from run import prepare  # how a golden case is laid out

GENERATE = ["--people", "200", "--from", "2023-05-01", "--to", "2023-07-31"]  # as docs/output.md says


def page(name):
    return (ROOT / name).read_text(encoding="utf-8")


def schema_of(name):
    return json.loads(page(f"docs/schema/{name}.json"))


def rollcall(*arguments):
    done = subprocess.run([os.environ["ROLLCALL"], *map(str, arguments)], capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"rollcall {arguments[0]}: {done.returncode}\n{done.stderr.decode()}")
    return done.stdout.decode("utf-8").splitlines()


def replay_of_case(case):
    arguments = (case / "args").read_text().split() if (case / "args").exists() else []
    with tempfile.TemporaryDirectory() as directory:
        prepare(case, directory)
        return rollcall("replay", "-c", pathlib.Path(directory) / "rollcall.yaml", "--set", "employees=100", *arguments,
                        *sorted(case.glob("in*.ndjson")))


def replay_of_company():
    with tempfile.TemporaryDirectory() as directory:
        log = pathlib.Path(directory) / "log.ndjson"
        rollcall("generate", *GENERATE, "--config", directory, "-o", log)
        return rollcall("replay", "-c", pathlib.Path(directory) / "rollcall.yaml", log)


def json_blocks(text):
    """The ```json blocks of a page, each joined to one line."""
    return ["".join(line.strip() for line in block.splitlines()) for block in re.findall(r"^```json\n(.*?)^```", text, re.M | re.S)]


def literals(code):
    """The texts of C code: adjacent literals are one, and each text is a list of what stands between its conversions."""
    code = re.sub(r'PRI[a-z]\d+', '"~"', code)
    texts = ["".join(re.findall(r'"((?:[^"\\]|\\.)*)"', run)) for run in re.findall(r'(?:"(?:[^"\\]|\\.)*"\s*)+', code)]
    return [re.split(r"%\.?\d*[a-z]*~?", text.replace('\\"', '"')) for text in texts]


def calls(path, name):
    """The calls of a function in a C file, and assignments to a variable."""
    text = r'(?:[^;"]|"(?:[^"\\]|\\.)*")*;'
    return re.findall(rf"\b{name}\({text}|\b{name} = {text}", (ROOT / "src" / path).read_text(encoding="utf-8"))


def squeezed(text):
    return re.sub(r"\s+", " ", text.replace("`", ""))


class Docs(unittest.TestCase):
    maxDiff = None

    # ---- records and schemas

    def test_state_records_fit_the_schema(self):
        state = schema_of("state.v1")
        cases = sorted(case for case in CASES.iterdir() if case.is_dir())
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            lines = [line for lines in pool.map(replay_of_case, cases) for line in lines]
        lines += replay_of_company()
        records = [json.loads(line) for line in lines]
        states = [record for record in records if not record.get("tombstone")]
        for record in states:
            self.assertEqual(schema.faults(state, state, record), [], record)
            week = record["week"]
            self.assertTrue(week is None or week["present"] == len(week["days"]), record)
        self.assertGreater(len(states), 500)
        for status in ("out_of_scope", "not_in_force", "exempt", "unrated", "compliant", "at_risk", "non_compliant"):
            self.assertIn(status, {record["status"] for record in states})
        self.assertTrue(any(record["supersedes"] for record in states))
        self.assertEqual(set(state["required"]), set(state["properties"]), "each field is always there")
        self.assertEqual({key for record in states for key in record}, set(state["properties"]))

    def test_schema_refuses_what_is_wrong(self):
        """The check above can fail: each of these changes of a real record is refused, and an added field is not."""
        state = schema_of("state.v1")
        case = CASES / "late_swipe_takes_back_a_verdict"
        unrated, adverse, correction = [json.loads(line) for line in replay_of_case(case)[:3]]
        adverse["more"] = {"in": "a later version"}
        self.assertEqual(schema.faults(state, state, adverse), [])
        wrong = [(adverse, path, value) for path, value in (
            (["status"], "absent"), (["seq"], 0), (["seq"], True), (["seq"], 2.5), (["id"], "a719"), (["as_of"], "2023-05-09T07:00:00Z"),
            (["effective_on"], None), (["week"], None), (["week", "present"], 8), (["week", "days"], ["2023-05-01"] * 2),
            (["promotion", "gate"], "clear"), (["case", "stage"], "none"), (["case", "basis"], None), (["notify"], ["manager"]),
            (["previous_status"], None), (["policy", "version"], None), (["manager_id"], 9), (["employee_id"], ""))]
        wrong += [(correction, ["corrected_status"], None), (correction, ["corrected_status"], "non_compliant"), (correction, ["notify"], []),
                  (correction, ["supersedes"], None), (unrated, ["week"], adverse["week"]), (unrated, ["previous_status"], "compliant")]
        for record, path, value in wrong:
            changed = copy.deepcopy(record)
            place = changed
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
            self.assertNotEqual(schema.faults(state, state, changed), [], (path, value))
        for field in state["required"]:
            changed = {key: value for key, value in adverse.items() if key != field}
            self.assertNotEqual(schema.faults(state, state, changed), [], field)

    def test_explanations_fit_the_schema(self):
        """Of people in every state, by every rule; and each field of the schema is seen."""
        explained = schema_of("explain.v1")
        state = schema_of("state.v1")
        folder = ROOT / "tests" / "golden" / "explain"
        statuses, kinds, fields = set(), set(), set()
        for path in sorted((folder / "expected").glob("*.txt")):
            person = path.name.split(".")[0]
            (line,) = rollcall("explain", "-c", folder / "rollcall.yaml", "--until", "2023-07-12T20:00:00Z", "--json",
                               "--employee", person, folder / "in.ndjson")
            record = json.loads(line)
            self.assertEqual(schema.faults(explained, explained, record), [], person)
            for published in record["history"]:
                self.assertEqual(schema.faults(state, state, published), [], person)
            self.assertEqual(set(record), set(explained["properties"]))
            statuses.add(record["status"])
            kinds |= {day["kind"] for day in record["days"]}
            fields |= {*record["policy"], *(record["rule_at_closed"] or {}), *record["weeks"][-1], *record["outlook"]["if_nothing"]}
        self.assertEqual(statuses, set(state["$defs"]["status"]["enum"]))
        self.assertEqual(set(explained["properties"]["days"]["items"]["properties"]["kind"]["enum"]) - kinds, {"skipped"})
        self.assertLessEqual({"terms", "short_in_a_row", "judged_weeks", "proration", "expected", "present_on"}, fields)

    def test_pasted_explanation_is_printed(self):
        (pasted,) = re.findall(r"^```text\n(.*?)^```", page("docs/explain.md"), re.M | re.S)
        self.assertEqual(pasted, page("tests/golden/explain/expected/credited.txt"))

    def test_pasted_record_is_printed(self):
        text = page("docs/output.md")
        self.assertIn("rollcall generate " + " ".join(GENERATE), text)
        pasted = next(block for block in json_blocks(text) if "rollcall.state.v1" in block)
        self.assertIn(pasted, replay_of_company())

    def test_each_kind_of_change_is_printed(self):
        """Letter by letter, ids and hashes included; records.py writes them anew."""
        text = page("docs/output.md")
        pasted = [json.loads(block) for block in json_blocks(text) if "rollcall.state.v1" in block][1:]
        self.assertEqual(len(pasted), text.count("<!-- record "))
        self.assertEqual({record.get("cause") for record in pasted}, set(schema_of("state.v1")["properties"]["cause"]["enum"]) | {None})
        self.assertEqual(records.written(text), text)

    def test_pasted_progress_fits_the_schema(self):
        progress = schema_of("progress.v1")
        for name in ("docs/output.md", "docs/specification.md"):
            pasted = [block for block in json_blocks(page(name)) if "rollcall.progress.v1" in block]
            self.assertEqual(len(pasted), 1, name)
            self.assertEqual(schema.faults(progress, progress, json.loads(pasted[0])), [])

    def test_examples_are_what_happens(self):
        files, base, found = examples.read(page("docs/specification.md"))
        self.assertGreater(len(found), 15)
        for example in found:
            with self.subTest(example.title):
                self.assertEqual(example.faults(*example.run(os.environ["ROLLCALL"], files, base)), [])

    def test_examples_can_be_wrong(self):
        """The check above can fail: a changed field, a missing and a further record, a reject that is none, each is told."""
        files, base, found = examples.read(page("docs/specification.md"))
        example = next(example for example in found if "corrected_status" in example.columns)
        lines, rejects = example.run(os.environ["ROLLCALL"], files, base)
        self.assertEqual(example.faults(lines, rejects), [])
        changed = lines[-1].replace('"corrected_status":"compliant"', '"corrected_status":"unrated"')
        self.assertNotEqual(changed, lines[-1])
        for wrong in (lines[:-1], lines + lines[-1:], lines[:-1] + [changed]):
            self.assertNotEqual(example.faults(wrong, rejects), [])
        self.assertNotEqual(example.faults(lines, rejects[1:]), [])

    # ---- words

    def test_reasons_are_all_explained(self):
        """The table of SPEC 2 is reasons.def: kind and meaning."""
        rows = re.findall(r'^REASON\((\w+), (\w+), "(.*)"\)', page("include/rollcall/reasons.def"), re.M)
        wanted = {name: (kind.lower(), text) for kind, name, text in rows if kind != "APPLIED"}
        table = re.findall(r"^\| `(\w+)` \| (rejected|ignored) \| ([^|]+?) \|", page("docs/specification.md"), re.M)
        told = {name: (kind, text.replace("`", "")) for name, kind, text in table}
        self.assertEqual(set(told), set(wanted))
        for name, (kind, text) in wanted.items():
            self.assertEqual(told[name][0], kind, name)
            self.assertTrue(told[name][1].startswith(text), (name, told[name][1], text))

    def test_commands_are_as_told(self):
        """The table of SPEC 8 is commands.def."""
        there = re.findall(r"^COMMAND\((\w+),", page("src/cli/commands.def"), re.M)
        _, table = page("docs/specification.md").split("| command | what it does |")
        self.assertEqual(sorted(re.findall(r"^\| `(\w+)[^`]*` \|", table, re.M)), sorted(there))

    def test_refusals_are_explained(self):
        """Each message that ends the program with 78, but for those of the configuration's own reader, is in operations.md."""
        told = squeezed(page("docs/operations.md"))
        sources = [f"{stage}/{path.name}" for stage in ("worker", "rekey") for path in sorted((ROOT / "src" / stage).glob("*.c"))]
        refusals = [call for path in sources for call in calls(path, "outcome_fail") if "EX_CONFIG" in call]
        refusals += calls("worker/restorer.c", "refuse") + calls("task/changelog_read.c", "refuse")
        refusals += calls("task/changelog_read.c", "why") + calls("task/block.c", "why")
        messages = {squeezed(part).strip(": [];(,'-") for call in refusals for text in literals(call) for part in text}
        messages = {message for message in messages if len(message) > 8}
        self.assertGreater(len(messages), 40)
        missing = {message for message in messages if re.split(r"[.:;,)] ?", message)[0][:60] not in told}
        self.assertEqual(missing, set())

    def test_log_events_are_explained(self):
        told = set(re.findall(r"`(\w+)`", page("docs/operations.md")))
        events = {event for path in (ROOT / "src").rglob("*.c") if path.name != "event_log.c"
                  for event in re.findall(r'\blog_event\([^;]*?"(\w+)",', path.read_text(encoding="utf-8"))}
        self.assertGreater(len(events), 20)
        self.assertEqual(events - told, set())

    # ---- links

    def test_links_lead_somewhere(self):
        pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "tests").rglob("*.md")]
        for path in pages:
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
                self.assertTrue((path.parent / target).exists(), f"{path.name} links to {target}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
