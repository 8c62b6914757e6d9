"""The hand that strikes: a schedule's faults, done to members and brokers, each with its healing."""

import collections
import concurrent.futures
import threading
import time

import schedule


class Strikes:
    def __init__(self, cluster, members, evidence, net=None):
        self.cluster, self.members, self.evidence = cluster, members, evidence
        self.net = net  # the proxy before the brokers, if there is one
        self.struck = collections.Counter()
        self.outage = threading.Lock()  # one at a time, however long a broker takes to come back

    def play(self, faults, began):
        """Returns when the last one has healed. Faults overlap, as faults do."""
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            jobs = []
            for fault in faults:
                time.sleep(max(0.0, began + fault["at"] - time.monotonic()))
                jobs.append(pool.submit(self._strike, fault))
            for job in jobs:
                job.result()

    def summary(self):
        return ", ".join(f"{n} {kind}" for kind, n in sorted(self.struck.items())) or "nothing"

    def _strike(self, fault):
        details = {name: value for name, value in fault.items() if name not in ("at", "kind")}
        if schedule.KINDS[fault["kind"]].lasts == 0:
            self._do(fault["kind"], details)
            return
        with self.outage:
            self._do(fault["kind"], details)
            self.cluster.wait_in_sync(60)

    def _do(self, kind, details):
        self.evidence.event("fault", kind=kind, **details)
        if getattr(self, "do_" + kind)(**details):
            self.struck[kind] += 1
        else:
            self.evidence.event("missed", kind=kind, **details)  # whom it was for was not there

    def do_kill(self, member, away):
        return self.members[member].kill(away)

    def do_term(self, member, away):
        return self.members[member].term(away)

    do_away = do_term

    def do_stop(self, member, seconds):
        stopped = self.members[member].pause()
        if stopped:
            time.sleep(seconds)
            self.members[member].resume(stopped)
        return stopped is not None

    def do_twin(self, member):
        return self.members[member].twin()

    def do_point(self, member, spec):
        return self.members[member].arm(spec)

    def do_clock(self, member, offset):
        self.members[member].set_clock(offset)
        return True

    def do_broker_kill(self, broker, seconds):
        self.cluster.nodes[broker].kill()
        time.sleep(seconds)
        self.cluster.nodes[broker].start()
        return True

    def do_broker_pause(self, broker, seconds):
        self.cluster.nodes[broker].pause()
        time.sleep(seconds)
        self.cluster.nodes[broker].resume()
        return True

    def do_brokers_in_turn(self, first):
        for i in range(len(self.cluster.nodes)):
            self.do_broker_kill((first + i) % len(self.cluster.nodes), 0.5)
            time.sleep(1.0)
        return True


    def do_cut(self, broker, mode, seconds):
        if mode == "reset":
            self.net.reset(broker)
        elif mode == "refuse":
            self.net.refuse(broker)
            time.sleep(seconds)
            self.net.accept(broker)
        else:
            self.net.blackhole(broker)
            time.sleep(seconds)
            self.net.heal(broker)
        return True

    def do_request(self, action, request, wait):
        """Of the daemons' producers alone: those of the feed do not pass here."""
        rule = self.net.add(action, request, seconds=wait, cut=None)
        time.sleep(wait + 2.0)
        self.net.remove(rule)
        return rule.struck > 0
