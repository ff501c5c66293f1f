"""The hours of the local week in which the rows of a page lie, in the zones of their people.

Each is there once for a person, an hour of the event clock and an hour of the week.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from detector import workhours
from detector.numbering import first_rows
from detector.observations import Observations
from detector.workhours import HOUR_US, QUARTER_US, SLOTS


class Slots:
    """Who was active in which hour of the week: `pairs` of a person and a slot, shown by `rows`.

    A pair is numbered by when it was first asked for; `who` are places among the page's people,
    `slots` places in `workhours.SLOTS`. `zones` are those of the page's people.
    """

    def __init__(self, page: Observations, zones: Sequence[str]) -> None:
        self._rows = page.firsts.moments
        self._who = page.who[self._rows]
        self._quarters = page.time_us[self._rows] // QUARTER_US
        hours = page.clock_us[self._rows] // HOUR_US
        self._hours = hours - hours[:1]
        self._zones = list(zones)
        self._numbers = np.full(len(zones) * len(SLOTS), -1, dtype=np.int64)
        self.who, self.slots = np.empty((2, 0), dtype=np.int64)
        self.rows, self.pairs = self._lie_in(np.arange(len(self._rows)))

    def move(self, zones: Mapping[int, str], start: int) -> bool:
        """Let some of the page's people be in a zone from a row on, at which an hour of the clock
        begins; false if these are no other zones."""
        moved = [person for person, zone in zones.items() if self._zones[person] != zone]
        for person in moved:
            self._zones[person] = zones[person]
        if not moved:
            return False
        gone = np.zeros(len(self._zones), dtype=bool)
        gone[moved] = True
        kept = ~gone[self._who[np.searchsorted(self._rows, self.rows)]] | (self.rows < start)
        rows, pairs = self._lie_in(np.flatnonzero(gone[self._who] & (self._rows >= start)))
        rows, pairs = np.append(self.rows[kept], rows), np.append(self.pairs[kept], pairs)
        order = np.argsort(rows)
        self.rows, self.pairs = rows[order], pairs[order]
        return True

    def _lie_in(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of some of the rows those that show an hour of the week first, and the pair of each."""
        who = self._who[at]
        spots = who * len(SLOTS) + self._week_hours(who, self._quarters[at])
        first = first_rows(self._hours[at] * len(self._numbers) + spots)
        first = np.flatnonzero(first == np.arange(len(at)))
        return self._rows[at[first]], self._numbered(spots[first])

    def _week_hours(self, who: np.ndarray, quarters: np.ndarray) -> np.ndarray:
        """The hour of the week of each quarter of an hour: reckoned once for a zone and a quarter."""
        zones = {zone: number for number, zone in enumerate(dict.fromkeys(self._zones))}
        zone = np.array([zones[each] for each in self._zones], dtype=np.int64)[who]
        distinct, place = np.unique(zone << 32 | quarters, return_inverse=True)
        names = [*zones]
        hours = [
            workhours.week_hour(names[key >> 32], (key & 0xFFFF_FFFF) * QUARTER_US)
            for key in distinct.tolist()
        ]
        return np.array(hours, dtype=np.int64)[place]

    def _numbered(self, spots: np.ndarray) -> np.ndarray:
        new = np.unique(spots[self._numbers[spots] < 0])
        self._numbers[new] = np.arange(len(new)) + len(self.who)
        self.who = np.append(self.who, new // len(SLOTS))
        self.slots = np.append(self.slots, new % len(SLOTS))
        pairs: np.ndarray = self._numbers[spots]
        return pairs
