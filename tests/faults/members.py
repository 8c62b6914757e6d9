"""The daemons of a run, each under something like a service manager: it starts again what has ended, as a unit with
Restart=always would, and keeps the books: which incarnation ended how, and whether that was to be expected."""

import os
import queue
import signal
import struct
import subprocess
import threading
import time

import harness

WALL_CLOCK = harness.BUILD / "tests" / "faults" / "wall_clock.so"  # wall_clock.c
STOP_S = 30       # in which SIGTERM must have ended it
RESTART_S = 0.2   # from an end to the next start, if the fault says nothing else
FORCED, TEMPORARY, FENCED = 2, 75, 76


class Incarnation:
    """One process, from its start to its end."""

    def __init__(self, member, number, environment):
        self.member, self.number = member, number
        # Codes that it may end with, by what was done to it.
        self.expected = {-signal.SIGKILL} if ":kill:" in environment.get("ROLLCALL_FAULT", "") else set()
        self.is_stopping = False
        site, evidence = member.site, member.evidence
        with open(evidence.log_of(member.name, number), "wb") as log:
            self.process = subprocess.Popen(
                [harness.ROLLCALL, "run", "-c", site.config_file, "--set", f"kafka.group.instance.id={member.name}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, preexec_fn=harness.die_with_parent)
        evidence.event("start", member=member.name, incarnation=number, pid=self.process.pid)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        self.member.evidence.note_process(self.member.name, self.number, self.process.pid)
        self.process.wait()
        self.member.ended(self)


class Member(threading.Thread):
    """One instance of `rollcall run`, with all its incarnations. The thread is the one that starts them: a process asks to
    die with the thread that made it."""

    def __init__(self, site, name, evidence, has_clock, codes_now):
        super().__init__(daemon=True)
        self.site, self.name, self.evidence = site, name, evidence
        self.codes_now = codes_now  # what anybody may end with, given what is wrong with the cluster
        self.lock = threading.RLock()
        self.orders = queue.Queue()  # seconds to wait before the next start; None: no more
        self.count = 0
        self.current = None
        self.is_wanted = True
        self.away_s, self.next_environment = RESTART_S, {}
        self.clock_file = evidence.folder / f"{name}.clock" if has_clock else None
        self.set_clock(0)
        self.orders.put(0.0)

    def set_clock(self, offset_s):
        if self.clock_file:
            with open(self.clock_file, "r+b" if self.clock_file.exists() else "wb") as file:  # in its place: it is mapped
                file.write(struct.pack("=q", offset_s * 1_000_000_000))

    def _environment(self):
        environment = {**os.environ, **self.next_environment}
        if self.clock_file:
            environment.update(LD_PRELOAD=str(WALL_CLOCK), ROLLCALL_CLOCK=str(self.clock_file))
        self.next_environment = {}
        return environment

    def run(self):
        while (wait_s := self.orders.get()) is not None:
            time.sleep(wait_s)
            with self.lock:
                if self.is_wanted:
                    self.count += 1
                    self.current = Incarnation(self, self.count, self._environment())

    def ended(self, incarnation):
        with self.lock:
            allowed = incarnation.expected | self.codes_now()
            if incarnation.is_stopping and "event=starting" not in self.evidence.log_of(self.name, incarnation.number).read_text():
                allowed = allowed | {-signal.SIGTERM}  # before it was a program that could catch it
            self.evidence.event("exit", member=self.name, incarnation=incarnation.number, pid=incarnation.process.pid,
                                code=incarnation.process.returncode, expected=sorted(allowed))
            if incarnation is self.current and self.is_wanted:  # the older of twins does not come back
                self.orders.put(self.away_s)
                self.away_s = RESTART_S

    # Faults: each returns whether it struck -----------------------------------------------------------------------

    def is_alive(self):
        return self.current is not None and self.current.process.poll() is None

    def _signal(self, number, *codes):
        with self.lock:
            if not self.is_alive():
                return False
            self.current.expected.update(codes)
            self.current.process.send_signal(number)
            return True

    def kill(self, away=RESTART_S, environment=None):
        with self.lock:
            struck = self._signal(signal.SIGKILL, -signal.SIGKILL)
            if struck:
                self.away_s, self.next_environment = away, environment or {}
            return struck

    def term(self, away=RESTART_S):
        with self.lock:
            is_second = self.current is not None and self.current.is_stopping
            struck = self._signal(signal.SIGTERM, FORCED if is_second else 0)
            if struck:
                self.away_s, self.current.is_stopping = away, True
            return struck

    def pause(self):
        """Whom resume() is to wake: by then another may have taken the name."""
        with self.lock:
            # Its transaction may be aborted under it meanwhile, and its name taken.
            return self.current if self._signal(signal.SIGSTOP, FENCED) else None

    @staticmethod
    def resume(incarnation):
        if incarnation.process.poll() is None:
            incarnation.process.send_signal(signal.SIGCONT)

    def arm(self, spec):
        """Its next incarnation is struck at a moment of its own."""
        return self.kill(0.0, {"ROLLCALL_FAULT": spec})

    def twin(self):
        """A second process under the same name: the older one is fenced."""
        with self.lock:
            if not self._signal(0, FENCED):
                return False
            self.orders.put(0.0)
            return True

    def stop(self):
        """The end of the run: the last exit code."""
        with self.lock:
            self.is_wanted = False
        self.term()
        harness.wait_until(lambda: not self.is_alive(), STOP_S, f"the end of {self.name} after SIGTERM")
        self.orders.put(None)  # not before: with the thread its process would go
        self.join()
        return self.current.process.returncode
