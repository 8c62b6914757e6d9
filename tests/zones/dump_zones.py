"""Dumps time zones as `zdump -v` prints them, for compare_zdump.

    dump_zones.py zdump ZDUMP FROM UNTIL OUT     every zone of the tz database, by zdump itself
    dump_zones.py zoneinfo FROM UNTIL OUT        one zone for each rule of a footer, by Python's zoneinfo
    dump_zones.py made ZDUMP FROM UNTIL OUT TREE zones with rules that the database lacks, written to TREE

zdump needs seconds for each 68 years, zoneinfo about as long for one zone's 160: so the far years are checked for a
sample, in which every rule that goes on into them occurs.
"""

import datetime
import os
import struct
import subprocess
import sys
import zoneinfo

UTC = datetime.timezone.utc

# Rules that no zone has today, but a file may. zdump reads them as TZ strings, without a file (zoneinfo takes the
# form n for the day before). They stay within their year: at its ends libc looks at one year's dates only
# (test_zone.c has what lies beyond).
MADE = [
    "<+0330>-3:30<+0430>,J80/0,J264/0",
    "ABC3DEF,J60/2,J300",
    "ABC3DEF,59/2,299/2",
    "ABC3DEF,J59/24:00:00,J60/26",
    "WXY-9:30:15WXZ-10:45:30,M4.5.0/1:02:03,M10.1.6/-1:30",
    "<-11>+11<-0930>9:30,M3.2.6/167,M11.1.0/-167",
    "NOR8SOU7:15,M10.5.0/-5,M2.4.4/50",
    "XXX-14YYY-13,M4.5.5/0,M9.5.4/24",
    "AAA24BBB,M2.5.1,M6.5.2",
    "AAA-24BBB-24:30,M2.1.1,M7.5.2",
]


def tree():
    return os.environ.get("TZDIR") or "/usr/share/zoneinfo"


def footers():
    """Name and footer of every zone of the tree."""
    for folder, folders, files in os.walk(tree(), followlinks=True):
        at_top = os.path.relpath(folder, tree()) == "."
        if at_top:
            folders[:] = [name for name in folders if name not in ("posix", "right")]
        for name in files:
            path = os.path.join(folder, name)
            if (at_top and name in ("localtime", "posixrules")) or not os.path.exists(path):
                continue
            with open(path, "rb") as file:
                data = file.read()
            if data.startswith(b"TZif"):
                yield os.path.relpath(path, tree()), data.rstrip(b"\n").rpartition(b"\n")[2].decode()


def offset_s(zone, at):
    return round(datetime.datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset().total_seconds())


def print_instant(out, name, at, offset):
    utc = datetime.datetime.fromtimestamp(at, UTC).strftime("%a %b %d %H:%M:%S %Y UT")
    print(f"{name}  {utc} = local gmtoff={offset}", file=out)


def dump(out, name, zone, start, until):
    """Looks at every half day, then halves the interval in which the offset changes."""
    step = 12 * 3600
    before = offset_s(zone, start)
    print_instant(out, name, start, before)
    for at in range(start, until - step, step):
        after = offset_s(zone, at + step)
        if after != before:
            low, high = at, at + step
            while high - low > 1:
                middle = (low + high) // 2
                if offset_s(zone, middle) == before:
                    low = middle
                else:
                    high = middle
            print_instant(out, name, low, before)
            print_instant(out, name, high, after)
            before = after


def year_start(year):
    return int(datetime.datetime(int(year), 1, 1, tzinfo=UTC).timestamp())


def write_made(folder):
    """A file for each made rule: one type of time, no transitions, the rule in the footer."""
    os.makedirs(folder, exist_ok=True)
    header = b"TZif2" + bytes(15) + struct.pack(">6I", 0, 0, 0, 0, 1, 4)
    data = struct.pack(">iBB", 0, 0, 0) + b"UTC\0"
    for number, rule in enumerate(MADE):
        with open(os.path.join(folder, f"Made{number}"), "wb") as file:
            file.write(header + data + header + data + b"\n" + rule.encode() + b"\n")


def dump_made(program, start, until, path, folder):
    write_made(folder)
    with open(path, "w") as out:
        for number, rule in enumerate(MADE):
            text = subprocess.run([program, "-v", "-c", f"{start},{until}", rule], stdout=subprocess.PIPE, check=True,
                                  encoding="ascii").stdout
            out.write(text.replace(rule, f"Made{number}"))


def dump_database(program, start, until, path):
    names = sorted(name for name, _ in footers())
    with open(path, "w") as out:
        subprocess.run([program, "-v", "-c", f"{start},{until}", *names], stdout=out, check=True)


def dump_sample(start, until, path):
    names = sorted({footer: name for name, footer in sorted(footers()) if "," in footer}.values())
    names += ["Asia/Kolkata", "Asia/Kathmandu", "Pacific/Apia", "Etc/UTC"]
    zoneinfo.reset_tzpath([os.path.abspath(tree())])
    with open(path, "w") as out:
        for name in names:
            dump(out, name, zoneinfo.ZoneInfo(name), year_start(start), year_start(until))


{"zdump": dump_database, "zoneinfo": dump_sample, "made": dump_made}[sys.argv[1]](*sys.argv[2:])
