"""Local time: which hour of whose week an instant falls into."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
QUARTER_US: Final = HOUR_US // 4
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SLOTS: Final = tuple(f"{day} {hour:02}" for day in _DAYS for hour in range(24))
"""The hours of a local week."""


@cache
def zone(name: str) -> ZoneInfo | None:
    """The IANA zone of that name, null if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def instant(us: int) -> datetime:
    """The UTC time of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=us)


def microseconds(time: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (time - EPOCH) // timedelta(microseconds=1)


def local(name: str, us: int) -> datetime:
    """The local time in the zone `name`; in UTC if there is no such zone."""
    return instant(us).astimezone(zone(name) or UTC)


@lru_cache(maxsize=262_144)
def _week_hour(name: str, quarter: int) -> int:
    time = local(name, quarter * QUARTER_US)
    return time.weekday() * 24 + time.hour


def slot(name: str, us: int) -> str:
    """The hour of the local week.

    >>> slot("Europe/Paris", 0)
    'Thu 01'
    """
    return SLOTS[week_hour(name, us)]


def week_hour(name: str, us: int) -> int:
    """The place in SLOTS of the hour of the local week."""
    # No zone of today is off by anything but quarters of an hour, so a quarter has one answer.
    return _week_hour(name, us // QUARTER_US)


@cache
def neighbours(name: str) -> tuple[str, str, str]:
    """A slot with the one before and the one after, round the week.

    >>> neighbours("Mon 00")
    ('Sun 23', 'Mon 00', 'Mon 01')
    """
    place = _DAYS.index(name[:3]) * 24 + int(name[4:])
    before, after = (place - 1) % 168, (place + 1) % 168
    return (
        f"{_DAYS[before // 24]} {before % 24:02}",
        name,
        f"{_DAYS[after // 24]} {after % 24:02}",
    )


def week(days: Mapping[str, int]) -> str:
    """A digit for each hour of the week from Monday 00, given the days on which it was active.

    >>> week({"Mon 09": 3})[:12]
    '000000000300'
    """
    return "".join(str(min(9, days.get(slot, 0))) for slot in SLOTS)
