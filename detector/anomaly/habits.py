"""What is usual for people in numbers, and the new items of their last hours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from detector.workhours import DAY_US

MEMORY: Final = 0.07
"""Weight of the newest active hour in a person's usual numbers (half-life of ten hours)."""
COUNTED: Final = ("new_items", "new_items_day", "new_items_week", "extracted", "volume", "failed")
"""The features that compare a number with the person's usual one."""
USUAL: Final = 2 * len(COUNTED)
_BEGINNING: Final = (0.0, 0.25) * len(COUNTED)
"""Means and variances of somebody who is not known."""
RECENT: Final = np.dtype([("clock", np.int64), ("who", np.int32), ("count", np.int32)])
"""The new items of an hour: the clock at which it closed, whose they are, how many."""


class Habits(msgspec.Struct):
    """What is usual for people, a line a person; `lines` finds it.

    `usual` are of each in `COUNTED`, in an active hour, the moving mean and variance of
    log(1 + n), one after the other. `week` are the new items of the seven days until a person's
    last active hour closed, and `recent` the hours behind that, oldest first.
    """

    lines: dict[str, int] = {}
    usual: np.ndarray = msgspec.field(default_factory=lambda: np.empty((0, USUAL)))
    week: np.ndarray = msgspec.field(default_factory=lambda: np.empty(0))
    recent: np.ndarray = msgspec.field(default_factory=lambda: np.empty(0, RECENT))

    def opening(self, names: Sequence[str], times: np.ndarray) -> np.ndarray:
        """What is known of people whose hours open at these times, a row a person.

        New items of the 24 hours before and of the week, then what is usual.
        """
        found = np.array([self.lines.get(name, -1) for name in names], dtype=np.int64)
        rows = np.zeros((len(names), 2 + USUAL))
        rows[:, 2:] = _BEGINNING
        known, lines = found >= 0, found[found >= 0]
        rows[known, 0] = self._day(lines, times[known] - DAY_US)
        rows[known, 1], rows[known, 2:] = self.week[lines], self.usual[lines]
        return rows

    def _day(self, lines: np.ndarray, since: np.ndarray) -> np.ndarray:
        """The new items of lines in the hours that closed after a moment."""
        if not len(lines):
            return np.empty(0)
        recent = self.recent[np.searchsorted(self.recent["clock"], since.min(), side="right") :]
        after = np.full(len(self.week), np.iinfo(np.int64).max)
        after[lines] = since
        mine = recent[recent["clock"] > after[recent["who"]]]
        counts = np.bincount(mine["who"], mine["count"], minlength=len(self.week))
        return np.asarray(counts[lines])

    def learn(self, names: Sequence[str], counts: np.ndarray, clock: int) -> None:
        """Let hours that ended at `clock` become part of what is usual: how many of each counted
        thing there were, a row a person."""
        lines, new = self._found(names), counts[:, 0]
        usual = self.usual[lines].reshape(len(lines), len(COUNTED), 2)
        self.usual[lines] = moved(usual, np.log1p(counts)).reshape(len(lines), USUAL)
        self.week[lines] += new
        some = np.flatnonzero(new)
        added = np.empty(len(some), RECENT)
        added["clock"], added["who"], added["count"] = clock, lines[some], new[some]
        self.recent = np.concatenate((self._drop_older(lines, clock - 7 * DAY_US), added))

    def _found(self, names: Sequence[str]) -> np.ndarray:
        """The lines of people; who has none yet gets one."""
        before = len(self.lines)
        lines = [self.lines.setdefault(name, len(self.lines)) for name in names]
        fresh = len(self.lines) - before
        if fresh:
            self.usual = np.concatenate((self.usual, np.tile(_BEGINNING, (fresh, 1))))
            self.week = np.concatenate((self.week, np.zeros(fresh)))
        return np.array(lines, dtype=np.int64)

    def _drop_older(self, lines: np.ndarray, oldest: int) -> np.ndarray:
        """The hours that are left once those of these people that are too old are gone."""
        aged = self.recent[: np.searchsorted(self.recent["clock"], oldest, side="right")]
        active = np.zeros(len(self.week), dtype=bool)
        active[lines] = True
        gone = active[aged["who"]]
        np.subtract.at(self.week, aged["who"][gone], aged["count"][gone])
        return np.concatenate((aged[~gone], self.recent[len(aged) :]))


def moved(usual: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Moving means and variances, of shape (n, quantities, 2), after one more hour."""
    away = counts - usual[:, :, 0]
    mean = usual[:, :, 0] + MEMORY * away
    variance = (1 - MEMORY) * (usual[:, :, 1] + MEMORY * away * away)
    return np.stack((mean, variance), axis=2)
