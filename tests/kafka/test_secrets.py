"""What must not be told: passwords and keys, and who the people are. Canaries stand for them; nothing that a command prints,
and nothing that the machine shows of a running one, may hold one. (The names of keys in a file are told, when they are wrong.) (Core dumps: tests/faults/test_rows_core.py.)"""

import json
import os
import pathlib
import socket
import subprocess
import time

import harness

EX_CONFIG = 78
PASSWORD = "cANARY-of-a-password-\"'%n\\é"
WRONG = "cANARY-of-a-wrong-password"
PERSON = "cANARY-person"  # of employees, managers, decisions, keys
CANARY = "cANARY"


def no_canary(text, where):
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    at = text.find(CANARY)
    harness.check(at < 0, f"{where} tells: {text[max(0, at - 300):at + 100]}")


def three_free_ports():
    """The first of three in a row."""
    while True:
        first = harness.free_port()
        try:
            for port in first, first + 1, first + 2:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            pass


class SecretNode(harness.Node):
    """A broker that also listens for those who know the password; kt comes without one."""

    def __init__(self):
        port = three_free_ports()
        jaas = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
        properties = {
            "listeners": f"CLIENT://127.0.0.1:{port},SASL://127.0.0.1:{port + 2},CONTROLLER://127.0.0.1:{port + 1}",
            "advertised.listeners": f"CLIENT://127.0.0.1:{port},SASL://127.0.0.1:{port + 2}",
            "listener.security.protocol.map": "CLIENT:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl.plain.sasl.jaas.config":
                "org.apache.kafka.common.security.plain.PlainLoginModule required "
                f'username="broker" password="broker" user_rollcall="{jaas}";'.replace("\\", "\\\\").encode(
                    "unicode_escape").decode().replace("\\\\", "\\").replace("\\xe9", "\\u00e9"),
        }
        super().__init__(settings=properties)
        self._first_options += ["--port", str(port)]
        self.sasl_address = f"127.0.0.1:{port + 2}"


def secret_file(site, name, text, mode=0o600):
    path = site.directory / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return str(path)


def deploy(node, password=PASSWORD, **kafka):
    """An installation that comes by the listener for those who know the password, and says of it all that librdkafka can."""
    site = harness.Deployment(node, partitions=2, config={"kafka": {
        "bootstrap.servers": node.sasl_address, "security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN",
        "sasl.username": "rollcall", "debug": "all", "log_level": 7, **kafka}})
    site.configure({**site.config, "kafka": {**site.config["kafka"],
                                             "sasl.password.file": secret_file(site, "password", password)}})
    return site


def commands(site, *which):
    """What these commands say, to their ends; {command: (code, all that it printed)}."""
    more = {"release": ["--site", "SEA33"], "rekey": ["--from", f"{site.name}.source", "--until-end"]}
    said = {}
    for command in which:
        done = subprocess.run([harness.ROLLCALL, command, "-c", site.config_file, *more.get(command, [])],
                              capture_output=True, timeout=100, preexec_fn=harness.die_with_parent)
        said[command] = done.returncode, done.stdout + done.stderr
    return said


def look_at(process):
    """What others can see of it."""
    of = pathlib.Path(f"/proc/{process.pid}")
    for name in "cmdline", "environ", "comm", "status", "limits", "mountinfo":
        no_canary((of / name).read_bytes(), f"/proc/PID/{name}")
    for thread in (of / "task").iterdir():
        no_canary((thread / "comm").read_bytes(), "the name of a thread")


def faulty_records(site):
    """Records of each topic about somebody: sound ones, and ones with something wrong with them."""
    now = harness.rfc3339(round(time.time() * 1000))
    for i in range(40):
        who = f"{PERSON}-{i}"
        swipe = {"employee_id": who, "occurred_at": now, "site_id": who}
        decision = {"employee_id": who, "decision_id": who, "decided_by": who, "decided_by_role": "hr", "decided_at": now}
        for topic, value in [
                ("swipes", swipe), ("swipes", {**swipe, "direction": who}), ("swipes", {**swipe, "occurred_at": who}),
                ("swipes", {**swipe, who: [who] * 3, "employee_id": None}), ("swipes", {**swipe, "employee_id": who + "x"}),
                ("roster", {"employee_id": who, "manager_id": who}), ("roster", {"employee_id": who, "policy": who}),
                ("roster", {"employee_id": who, "home_zone": who}), ("roster", {"employee_id": who, "workdays": [who]}),
                ("leave", {"employee_id": who, "leave_id": who, "from": who, "to": who, "effect": who}),
                ("leave", {"employee_id": who, "leave_id": who, "op": "cancel"}),
                ("decisions", {**decision, "kind": who}), ("decisions", {**decision, "kind": "case_closed"}),
                ("decisions", {**decision, "kind": "revoke", "revokes": who, "decided_by": "H1"}),
                ("decisions", {**decision, "kind": "dispute_opened"})]:
            yield topic, harness.Record(who, json.dumps(value))
        for broken in f'{{"employee_id":"{who}', f"{who}", f'{{"{who}":1,"{who}":2}}':
            yield "swipes", harness.Record(who, broken, headers=[(PERSON, who)])


def test_own_node_with_a_broker_that_knows_the_password():
    """The whole life of a daemon at librdkafka's most talkative, with sound records and others, and a broker that goes away."""
    with SecretNode() as node:
        site = deploy(node)
        node.create(f"{site.name}.source", 2)
        by_topic = {}
        for topic, record in faulty_records(site):
            by_topic.setdefault(topic, []).append(record)
        for command, (code, said) in commands(site, "check", "init").items():
            harness.check(code == 0, f"{command} ended with {code}: {said[-800:]}")
            no_canary(said, command)
        node.produce(f"{site.name}.source", by_topic["swipes"])
        with site.daemon() as daemon:
            daemon.wait_line("event=ready")
            for topic, records in by_topic.items():
                node.produce(site.topics[topic], records)
            site.wait_caught_up()
            look_at(daemon.process)
            node.pause()
            time.sleep(3)
            node.resume()
            node.produce(site.topics["swipes"], by_topic["swipes"])
            site.wait_caught_up()
            harness.check(CANARY in str(site.states()) and CANARY in str(site.rejects()), "they are in the topics")
            for command, (code, said) in commands(site, "release", "rekey").items():
                harness.check(code == 0, f"{command} ended with {code}: {said[-800:]}")
                no_canary(said, command)
            daemon.sigterm()
            harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
            said = daemon.stderr()
            harness.check("facility=SASL" in said or "SASL" in said, "librdkafka was told to talk, and did")
            no_canary(said, "run")


def test_own_node_with_a_wrong_password():
    """It is refused at the door, and says so, and what it knocked with is not repeated."""
    with SecretNode() as node:
        site = deploy(node, WRONG, **{"reconnect.backoff.max.ms": 200})
        with site.daemon() as daemon:
            daemon.wait_line("(?i)authentication")
            look_at(daemon.process)
            daemon.sigterm()
            daemon.wait()
            no_canary(daemon.stderr(), "run")
        process = subprocess.Popen([harness.ROLLCALL, "init", "-c", site.config_file], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, preexec_fn=harness.die_with_parent)
        time.sleep(3)
        if process.poll() is None:
            look_at(process)
            process.terminate()
        no_canary(process.communicate(timeout=30)[0], "init")


def all_refuse(site, why, *words):
    for command, (code, said) in commands(site, "check", "init", "run", "release", "rekey").items():
        harness.check(code == EX_CONFIG, f"{why}: {command} ended with {code}: {said.decode(errors='replace')[-800:]}")
        no_canary(said, f"{why}: {command}")
        for word in words:
            harness.check(word.encode() in said, f"{why}: {command} does not say '{word}': {said.decode(errors='replace')}")


def test_files_that_are_no_secrets():
    """Modes that let others read, and contents that cannot be passed on."""
    site = harness.Deployment(harness.shared_node())
    base = site.config
    with_file = lambda path: site.configure({**base, "kafka": {**base["kafka"], "sasl.password.file": path}})
    for mode in 0o644, 0o640, 0o604, 0o666, 0o620, 0o700:
        with_file(secret_file(site, f"mode-{mode:o}", PASSWORD, mode))
        refusal = dict(commands(site, "run", "init"))
        for command, (code, said) in refusal.items():
            harness.check(code == EX_CONFIG, f"mode {mode:o}: {command} ended with {code}")
            no_canary(said, f"mode {mode:o}: {command}")
    for name, text in ("empty", ""), ("large", CANARY * 4096), ("nul", f"{CANARY}\0{CANARY}"), ("lines", f"{CANARY}\n\n"):
        with_file(secret_file(site, name, text))
        for command, (code, said) in commands(site, "run", "init").items():
            harness.check(code != 0 or name == "lines", f"{name}: {command} ended with {code}")
            no_canary(said, f"{name}: {command}")


def test_secrets_where_they_must_not_stand():
    """Inline, in the place of something else, or in a file that cannot be read: the line is named, what stands there is not."""
    site = harness.Deployment(harness.shared_node())
    base = site.config
    for name in ("sasl.password", "ssl.key.password", "ssl.keystore.password", "ssl.key.pem", "sasl.oauthbearer.client.secret",
                 "sasl.oauthbearer.config", "no.such.property"):
        site.configure({**base, "kafka": {**base["kafka"], name: PASSWORD}})
        all_refuse(site, name, "rollcall.yaml:")
    for section, name in [("time", "settle"), ("time", "complete_from"), ("time", "default_zone"), ("people", "unknown"),
                          ("guard", "max_adverse_ratio"), ("kafka", "debug"), ("kafka", "security.protocol"),
                          ("kafka", "session.timeout.ms"), ("fields", "site_id"), ("topics", "swipes"), (None, "delivery"),
                          (None, "workers"), (None, "http"), (None, "no.such.section")]:
        wrong = [CANARY, {"x": CANARY}]
        site.configure({**base, section: {**base.get(section, {}), name: wrong}} if section else {**base, name: wrong})
        all_refuse(site, f"{section}.{name}", "rollcall.yaml:")
    text = json.dumps(base, indent=1)
    for broken in (text[:-20] + PASSWORD, f"kafka: {{sasl.password: {CANARY}\n  {CANARY}", f"a: *{CANARY}\n", CANARY,
                   f"a: &{CANARY} 1\n", f"a: !{CANARY} 1\n", f"\t{CANARY}", f"a: {CANARY}\x01", f"- {CANARY}"):
        site.config_file.write_text(broken)
        all_refuse(site, f"text {broken[:30]!r}", "rollcall.yaml:")
    site.configure(base)
    for name in "policies.yaml", "sites.yaml":
        sound = (site.directory / name).read_text()
        (site.directory / name).write_text(sound[:-8] + CANARY)
        all_refuse(site, name, f"{name}:")
        (site.directory / name).write_text(sound)


def test_set_and_the_environment():
    """Whoever passes a secret where it does not belong has shown it already; it is refused, and not repeated."""
    site = harness.Deployment(harness.shared_node())
    for option in f"kafka.sasl.password={PASSWORD}", f"time.settle={CANARY}", f"no.such.key={CANARY}", f"kafka.debug={CANARY}":
        done = subprocess.run([harness.ROLLCALL, "run", "-c", site.config_file, "--set", option], capture_output=True, timeout=60)
        harness.check(done.returncode in (64, EX_CONFIG), f"{option} ended with {done.returncode}")
        no_canary(done.stderr + done.stdout, f"run --set {option}")
    site.init()
    with site.daemon(environment={"ROLLCALL_PASSWORD": "x", "SASL_PASSWORD": "y"}) as daemon:
        daemon.wait_line("event=ready")
        shown = pathlib.Path(f"/proc/{daemon.process.pid}/environ").read_bytes().split(b"\0")
        own = {name.encode() for name in os.environ} | {b"ROLLCALL_PASSWORD", b"SASL_PASSWORD"}
        harness.check({entry.split(b"=")[0] for entry in shown if entry} <= own, f"it adds nothing to its environment: {shown}")
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")


if __name__ == "__main__":
    harness.main(globals())
