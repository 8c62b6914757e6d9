"""Civil days (SPEC 3): which date an instant has in a zone, when a date is over, which dates a zone skips.

Instants are integer milliseconds since 1970 in UTC, days are datetime.date. Nothing here is clever: a zone is
looked at hour by hour, and a change of its offset is then found to the second.
"""

import functools
import re
import zoneinfo
from datetime import date, datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1)
ONE_DAY = timedelta(days=1)
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
FIRST_YEAR, LAST_YEAR = 1970, 2199
ZONE_NAMES = zoneinfo.available_timezones()


def days(first, last):
    """The dates from first to last, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@functools.lru_cache(maxsize=None)
def zone_named(name):
    return zoneinfo.ZoneInfo(name)


def ms_of_utc(clock):
    """Milliseconds of a naive datetime that is in UTC."""
    return (clock - EPOCH) // timedelta(milliseconds=1)


def local_clock(ms, zone):
    """What the clocks of the zone show, as a naive datetime. zone: a name, or a timedelta (a fixed offset)."""
    utc = EPOCH + timedelta(milliseconds=ms)
    if isinstance(zone, timedelta):
        return utc + zone
    return utc.replace(tzinfo=timezone.utc).astimezone(zone_named(zone)).replace(tzinfo=None)


def day_of(ms, zone, day_starts_at):
    """The date that the local clock shows day_starts_at earlier on that clock."""
    return (local_clock(ms, zone) - day_starts_at).date()


def offset_at(utc, zone):
    return utc.replace(tzinfo=timezone.utc).astimezone(zone_named(zone)).utcoffset()


def stretches(zone, begin, end):
    """The time from begin to end (naive, UTC) cut where the offset of the zone changes: [(begin, end, offset)]."""
    pieces = []
    at, offset = begin, offset_at(begin, zone)
    step = begin
    while step < end:
        after = min(step + timedelta(hours=1), end)
        if offset_at(after, zone) != offset:
            low, high = step, after                     # the offset at low is the old one, at high it is not
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
                if offset_at(middle, zone) == offset:
                    low = middle
                else:
                    high = middle
            pieces.append((at, high, offset))
            at, offset = high, offset_at(high, zone)
        step = after
    pieces.append((at, end, offset))
    return pieces


@functools.lru_cache(maxsize=None)
def day_over(day, zone, day_starts_at):
    """The first instant from which on the date in the zone is later than day."""
    limit = datetime.combine(day, datetime.min.time()) + ONE_DAY + day_starts_at
    margin = timedelta(hours=18)                        # no zone is further from UTC than that
    over = None
    for begin, end, offset in stretches(zone, limit - margin, limit + margin):
        if begin + offset < limit:                      # the clock still shows the day, or an earlier one, here
            over = min(end, limit - offset)
    return ms_of_utc(over)


@functools.lru_cache(maxsize=None)
def is_skipped(day, zone):
    """Whether the calendar of the zone leaves the date out (day_starts_at plays no part in that)."""
    begin = datetime.combine(day, datetime.min.time())
    margin = timedelta(hours=18)
    for start, end, offset in stretches(zone, begin - margin, begin + ONE_DAY + margin):
        if start + offset < begin + ONE_DAY and end + offset > begin:
            return False
    return True


def parse_date(text):
    """A date of a record, or None."""
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
                     r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))")


def parse_instant(text):
    """(milliseconds, the offset as written) of an RFC 3339 text, or None."""
    match = INSTANT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    day = parse_date(match[1])
    hour, minute, second = int(match[2]), int(match[3]), int(match[4])
    if day is None or hour > 23 or minute > 59 or second > 59:
        return None
    offset = timedelta(0)
    if match[6]:
        if int(match[7]) > 23 or int(match[8]) > 59:
            return None
        offset = timedelta(hours=int(match[7]), minutes=int(match[8]))
        if match[6] == "-":
            offset = -offset
    millisecond = int(((match[5] or "") + "000")[:3])
    clock = datetime(day.year, day.month, day.day, hour, minute, second)
    return ms_of_utc(clock - offset) + millisecond, offset


def format_instant(ms):
    clock = EPOCH + timedelta(milliseconds=ms)
    return clock.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (ms % 1000)
