"""What the rows of a page show first for their person and hour of the event clock.

Facts change at full hours only, so what somebody shows twice within one counts once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from detector import workhours
from detector.numbering import ODD, first_rows, together
from detector.pairs import Pairs
from detector.workhours import HOUR_US


@dataclass(frozen=True, slots=True)
class Flags:
    """What is true of each row of a page, by the event clock."""

    clocks: np.ndarray
    steps: np.ndarray
    """Number of the clock's step."""
    in_time: np.ndarray
    """Neither too late nor too far ahead for anything but rules on single events."""
    prompt: np.ndarray
    """Part of the hour in which it came."""
    teaches: np.ndarray
    """Teaches what is usual for its person, and came in time for that."""


@dataclass(frozen=True, slots=True)
class Firsts:
    """Pairs that rows show first in their hour, in log order: parallel lists. Only rows that teach.

    `moments` are rows that show their person first in the hour and a quarter of an hour.
    """

    rows: np.ndarray
    pairs: np.ndarray
    moments: np.ndarray

    def within(self, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows among `start` to `end`, and their pairs."""
        low, high = np.searchsorted(self.rows, (start, end))
        return self.rows[low:high], self.pairs[low:high]


def firsts(times: np.ndarray, who: np.ndarray, flags: Flags, pairs: Pairs) -> Firsts:
    """What the rows of a page show first; `times` are microseconds, `who` numbers the people."""
    rows = np.flatnonzero(flags.teaches & (who >= 0))
    hours = flags.clocks[rows] // HOUR_US
    hours -= hours[:1]
    shown = pairs.at[:, rows]
    shows = np.empty((len(rows), len(shown)), dtype=bool)
    for kind, each in enumerate(shown):
        shows[:, kind] = _is_first(each + 1 + hours * (len(pairs) + 1)) & (each >= 0)
    moments, _ = together([times[rows] // workhours.QUARTER_US, who[rows], hours])
    places, kinds = np.divmod(np.flatnonzero(shows), len(shown))
    return Firsts(rows[places], shown[kinds, places], rows[_is_first(moments)])


def _is_first(keys: np.ndarray) -> np.ndarray:
    """Whether each row is the first with its key."""
    is_first: np.ndarray = first_rows(keys) == np.arange(len(keys))
    return is_first


def tellings(frame: pl.DataFrame, who: np.ndarray, flags: Flags) -> np.ndarray:
    """Rows in which a person's e-mail or name is another than in the person's row before."""
    email, name = frame["user.email"], frame["user.name"]
    rows = np.flatnonzero(flags.in_time & (who >= 0) & email.is_not_null().to_numpy())
    told = (email.hash().to_numpy() * ODD ^ name.hash().to_numpy())[rows]
    order = np.argsort(who[rows], kind="stable")
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (np.diff(who[rows][order]) != 0) | (told[order][1:] != told[order][:-1])
    return np.sort(rows[order][new])
