"""What a daemon may need, and what it has needed."""

import pathlib
import re


def bound_kb(site):
    """What `rollcall check` promises for the site's configuration."""
    return 1024 * int(re.search(r"^memory: at most (\d+) MiB", site.run("check"), re.M)[1])


def _status_kb(pid, name):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", status, re.M)[1])


def resident_kb(daemon):
    return _status_kb(daemon.process.pid, "VmRSS")


def peak_kb(daemon):
    """The most that it has had."""
    return _status_kb(daemon.process.pid, "VmHWM")
