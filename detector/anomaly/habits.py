"""What is usual for people in numbers, and the new items of their last hours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from detector.workhours import DAY_US

MEMORY: Final = 0.07
"""Weight of the newest active hour in a person's usual numbers (half-life of ten hours)."""
SOFT: Final = 0.3
"""Added to a standard deviation of log(1 + n): a tenth of an item more is nothing odd."""
MOST_TAUGHT: Final = 2.0
"""Standard deviations above the usual beyond which an hour teaches no more: who does twice as much
each day would else become usual by the spread alone."""
COUNTED: Final = ("new_items", "new_items_day", "new_items_week", "extracted", "volume", "failed")
"""The features that compare a number with the person's usual one."""
USUAL: Final = 2 * len(COUNTED)
_BEGINNING: Final = (0.0, 0.25) * len(COUNTED)
"""Means and variances of somebody who is not known."""

_NEVER: Final = 2**62


class Recent(msgspec.Struct):
    """The new items of closed hours, oldest first, as columns: when an hour closed, whose it was
    (a line of the habits), and how many there were."""

    clocks: np.ndarray = msgspec.field(default_factory=lambda: np.empty(0, np.int64))
    owners: np.ndarray = msgspec.field(default_factory=lambda: np.empty(0, np.int32))
    counts: np.ndarray = msgspec.field(default_factory=lambda: np.empty(0, np.int32))

    def until(self, clock: int) -> int:
        """How many entries closed until then."""
        return int(np.searchsorted(self.clocks, clock, side="right"))

    def append(self, clock: int, owners: np.ndarray, counts: np.ndarray) -> None:
        """Add the entries of an hour that closed at `clock`."""
        self.clocks = np.append(self.clocks, np.full(len(owners), clock))
        self.owners = np.append(self.owners, owners.astype(np.int32))
        self.counts = np.append(self.counts, counts.astype(np.int32))

    def drop(self, places: np.ndarray) -> None:
        """Let entries go."""
        self.clocks = np.delete(self.clocks, places)
        self.owners = np.delete(self.owners, places)
        self.counts = np.delete(self.counts, places)


class Habits(msgspec.Struct):
    """What is usual for people, a line a person; `lines` finds it.

    `usual` are of each in `COUNTED`, in an active hour, the moving mean and variance of
    log(1 + n), one after the other. `week` are the new items of the seven days until a person's
    last active hour closed, and `recent` what is behind that.
    """

    lines: dict[str, int] = {}
    usual: np.ndarray = msgspec.field(default_factory=lambda: np.empty((0, USUAL)))
    week: np.ndarray = msgspec.field(default_factory=lambda: np.empty(0))
    recent: Recent = msgspec.field(default_factory=Recent)

    def opening(self, names: Sequence[str], times: np.ndarray) -> np.ndarray:
        """What is known of people whose hours open at these times, a row a person.

        New items of the 24 hours before and of the week, then what is usual.
        """
        found = [self.lines.get(name, -1) for name in names]
        known = np.array([place for place, line in enumerate(found) if line >= 0], dtype=np.int64)
        rows = np.empty((len(names), 2 + USUAL))
        rows[:] = (0.0, 0.0, *_BEGINNING)
        if len(known):
            lines = np.array(found)[known]
            rows[known, 0] = self._day(lines, times[known] - DAY_US)
            rows[known, 1], rows[known, 2:] = self.week[lines], self.usual[lines]
        return rows

    def _day(self, lines: np.ndarray, since: np.ndarray) -> np.ndarray:
        """The new items of lines in the hours that closed after a moment."""
        low, recent = self.recent.until(int(since.min())), self.recent
        owners, counts = recent.owners[low:], recent.counts[low:]
        after = np.full(len(self.week), _NEVER)
        after[lines] = since
        mine = recent.clocks[low:] > after[owners]
        days = np.bincount(owners[mine], counts[mine], minlength=len(self.week))
        return np.asarray(days[lines])

    def learn(self, names: Sequence[str], counts: np.ndarray, clock: int) -> None:
        """Let hours that ended at `clock` become part of what is usual: how many of each counted
        thing there were, a row a person."""
        lines, new = self._found(names), counts[:, 0]
        usual = self.usual[lines].reshape(len(lines), len(COUNTED), 2)
        self.usual[lines] = moved(usual, np.log1p(counts)).reshape(len(lines), USUAL)
        self.week[lines] += new
        some = np.flatnonzero(new)
        self.recent.append(clock, lines[some], new[some])
        self._drop_older(lines, clock - 7 * DAY_US)

    def _found(self, names: Sequence[str]) -> np.ndarray:
        """The lines of people; who has none yet gets one."""
        before = len(self.lines)
        lines = [self.lines.setdefault(name, len(self.lines)) for name in names]
        fresh = len(self.lines) - before
        if fresh:
            self.usual = np.concatenate((self.usual, np.tile(_BEGINNING, (fresh, 1))))
            self.week = np.concatenate((self.week, np.zeros(fresh)))
        return np.array(lines, dtype=np.int64)

    def _drop_older(self, lines: np.ndarray, oldest: int) -> None:
        """Let go what is too old of these people: of who is away the last week is kept."""
        recent = self.recent
        aged = recent.until(oldest)
        active = np.zeros(len(self.week), dtype=bool)
        active[lines] = True
        gone = np.flatnonzero(active[recent.owners[:aged]])
        if not len(gone):
            return
        np.subtract.at(self.week, recent.owners[gone], recent.counts[gone])
        recent.drop(gone)


def moved(usual: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Moving means and variances, of shape (n, quantities, 2), after one more hour."""
    most = MOST_TAUGHT * np.sqrt(usual[:, :, 1]) + SOFT
    away = np.minimum(counts - usual[:, :, 0], most)
    mean = usual[:, :, 0] + MEMORY * away
    variance = (1 - MEMORY) * (usual[:, :, 1] + MEMORY * away * away)
    return np.stack((mean, variance), axis=2)
