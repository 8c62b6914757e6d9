"""The watchdog: a worker that is stuck ends the process with 75 and says where it stood; one that waits for brokers, or was
stopped with its process, does not."""

import re
import socket
import time

import company
import harness


def stuck(site, point, **environment):
    """A run that hangs at the point; what it said."""
    faults = {"ROLLCALL_FAULT": f"{point}:stop:2:120000", "ROLLCALL_WATCHDOG": "3000:100000", **environment}
    with site.daemon(environment=faults) as daemon:
        harness.check(daemon.wait() == 75, f"ends with {daemon.process.returncode}")
        return daemon.stderr()


def settle(site):
    company.run_to_end(site)
    company.verify(site)


def test_a_stuck_worker_ends_the_process():
    site = company.deploy(harness.shared_node(), people=60, days=30)
    said = stuck(site, "after_poll")
    harness.check(re.search(r'level=error event=stalled .*why=no_beat doing="applying records" .*for_ms=3\d\d\d', said), said)
    stack = said[said.index("event=stalled"):]
    for name in ("fault_point_pass", "intake_step"):
        harness.check(f"({name}+" in stack, f"the stack names {name}:\n{stack}")
    said = stuck(site, "before_commit")
    harness.check(re.search(r'event=stalled .*left="a batch that is not committed"', said), said)
    harness.check("(transaction_commit+" in said, said)
    settle(site)


def test_a_stopped_process_is_not_stuck():
    """It has not looked either, while it was stopped."""
    site = company.deploy(harness.shared_node(), people=60, days=30)
    with site.daemon(environment={"ROLLCALL_WATCHDOG": "2000:3000"}) as daemon:
        daemon.wait_line("event=running")
        daemon.pause()
        time.sleep(6)
        daemon.resume()
        company.wait_settled(site)
        daemon.sigterm()
        harness.check(daemon.wait() == 0, "SIGTERM ends with 0")
        harness.check("stalled" not in daemon.stderr(), "is not taken for stuck")
    company.verify(site)


def test_own_node_an_outage_is_no_standstill():
    """Calls return, and are made again: that is a beat. But with something to do and no progress the second limit counts."""
    with harness.Node() as node:
        site = company.deploy(node, people=60, days=30)
        with site.daemon(environment={"ROLLCALL_WATCHDOG": "13000:100000"}) as daemon:
            daemon.wait_line("event=running")
            company.wait_settled(site)
            node.pause()
            time.sleep(20)
            node.resume()
            site.feed([{**site.lines[-1], "arrived_at": harness.rfc3339(round(time.time() * 1000))}])
            site.wait_caught_up()
            daemon.sigterm()
            harness.check(daemon.wait() == 0, f"SIGTERM ends with 0:\n{daemon.stderr()}")
        slow = {"ROLLCALL_WATCHDOG": "60000:5000", "ROLLCALL_FAULT": "before_send_offsets:stop:1:2000"}
        with site.daemon(environment=slow) as daemon:
            daemon.wait_line("event=running")
            site.feed([{**site.lines[-1], "arrived_at": harness.rfc3339(round(time.time() * 1000))}])
            daemon.wait_line("stop at pass 1 of before_send_offsets")
            node.pause()
            harness.check(daemon.wait() == 75, f"ends with {daemon.process.returncode}")
            harness.check("why=no_progress" in daemon.stderr(), daemon.stderr())
            node.resume()
        site.lines += [site.lines[-1]] * 2
        with site.daemon() as daemon:
            site.wait_caught_up()
            daemon.sigterm()
            harness.check(daemon.wait() == 0, "SIGTERM ends with 0")


def test_systemd_is_fed():
    site = company.deploy(harness.shared_node(), people=60, days=30)
    address = site.directory / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(address))
        notify.settimeout(30)
        environment = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "1000000", "ROLLCALL_WATCHDOG": "3000:100000",
                       "ROLLCALL_FAULT": "in_revoke:stop:1:120000"}
        with site.daemon(environment=environment) as daemon:
            said = []
            while said.count("WATCHDOG=1") < 8 or "READY=1" not in said:
                said.append(notify.recv(4096).decode())
            begun = time.monotonic()
            while said[-1] != "WATCHDOG=1" or time.monotonic() - begun < 3:
                said.append(notify.recv(4096).decode())
            fed = said.count("WATCHDOG=1") / (time.monotonic() - begun)
            daemon.sigterm()  # hangs in the revocation: beats stop, and so does the process
            harness.check(daemon.wait() == 75, f"ends with {daemon.process.returncode}")
        harness.check(2 < fed, f"fed {fed} times a second, twice would do")
    settle(site)


def test_a_service_manager_that_does_not_listen():
    """Its socket is full: the daemon goes on, and hears SIGTERM."""
    site = company.deploy(harness.shared_node(), people=60, days=30)
    address = site.directory / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as full:
        notify.bind(str(address))
        full.setblocking(False)
        try:
            while True:
                full.sendto(b"STATUS=busy", str(address))
        except BlockingIOError:
            pass
        with site.daemon(environment={"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "1000000"}) as daemon:
            daemon.wait_line("event=ready")
            site.wait_caught_up()
            notify.settimeout(10)
            while notify.recv(4096) != b"READY=1":  # as soon as it listens
                pass
            daemon.sigterm()
            harness.check(daemon.wait(20) == 0, "SIGTERM ends with 0")
    settle(site)


if __name__ == "__main__":
    harness.main(globals())
