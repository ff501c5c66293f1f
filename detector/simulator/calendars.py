"""Wall clocks: when a local hour of a simulated day happens, in seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

HOUR: Final = 3600.0
DAY: Final = 86_400.0
_HOLIDAYS: Final = {
    "CA": ((1, 1), (4, 3), (5, 18), (7, 1), (9, 7), (12, 25)),
    "US": ((1, 1), (1, 19), (5, 25), (7, 3), (9, 7), (11, 26), (12, 25)),
    "GB": ((1, 1), (4, 3), (4, 6), (5, 4), (5, 25), (12, 25)),
    "DE": ((1, 1), (4, 3), (4, 6), (5, 1), (10, 3), (12, 25), (12, 26)),
    "NL": ((1, 1), (4, 6), (4, 27), (12, 25), (12, 26)),
    "FR": ((1, 1), (4, 6), (5, 1), (7, 14), (12, 25)),
    "PL": ((1, 1), (4, 6), (5, 1), (11, 11), (12, 25)),
    "IN": ((1, 26), (3, 4), (8, 15), (10, 2)),
    "SG": ((1, 1), (4, 3), (5, 1), (8, 9), (12, 25)),
    "AU": ((1, 1), (1, 26), (4, 3), (4, 6), (12, 25)),
    "IE": ((1, 1), (3, 17), (4, 6), (5, 4), (12, 25)),
}


@dataclass(frozen=True, slots=True)
class Calendar:
    """The simulated days. Day 0 is the UTC date on which the plan starts."""

    first: date
    days: int
    _midnights: dict[tuple[str, int], float] = field(default_factory=dict, repr=False)

    def local(self, zone: str, day: int, hour: float) -> float:
        """The moment at which clocks of a zone show `hour` on a day; hours may exceed 24.

        Counted from noon, so that the hour is right on days on which clocks change at night.
        """
        midnight = self._midnights.get((zone, day))
        if midnight is None:
            noon = datetime.combine(self.first + timedelta(days=day), datetime.min.time())
            noon = noon.replace(hour=12, tzinfo=ZoneInfo(zone))
            midnight = self._midnights[zone, day] = noon.timestamp() - 12 * HOUR
        return midnight + hour * HOUR

    def weekday(self, day: int) -> int:
        """0 is Monday."""
        return (self.first.weekday() + day) % 7

    def is_workday(self, day: int, code: str) -> bool:
        """Whether offices of a country are open."""
        then = self.first + timedelta(days=day)
        return self.weekday(day) < 5 and (then.month, then.day) not in _HOLIDAYS.get(code, ())


def calendar_of(start: datetime, days: int) -> Calendar:
    """The calendar of a plan."""
    return Calendar(start.astimezone(UTC).date(), days)
