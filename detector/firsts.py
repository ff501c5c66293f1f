"""What the rows of a page show first for their person and hour of the event clock.

Facts change at full hours only, so what somebody shows twice within one counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from detector import workhours
from detector.workhours import HOUR_US

_ODD: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
"""2^64 over the golden ratio, odd: multiplying by it spreads hashes."""


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
    """Values that rows show first, in log order: parallel lists. Only rows that teach.

    A value of the last kind, `slot`, is null: it needs the person's zone, and is there once for
    every quarter of an hour.
    """

    rows: np.ndarray
    kinds: np.ndarray
    values: Sequence[str | None]

    def within(self, start: int, end: int) -> Firsts:
        """Those of rows `start` to `end`."""
        low, high = np.searchsorted(self.rows, (start, end))
        return Firsts(self.rows[low:high], self.kinds[low:high], self.values[low:high])


def firsts(words: pl.DataFrame, who: np.ndarray, flags: Flags, kinds: Sequence[str]) -> Firsts:
    """What the rows of a page show first; `who` numbers the people, -1 is nobody.

    `kinds` are the columns of the kinds of values in their order; the kind after them is `slot`.
    Values are told apart by hashes of 64 bits together with person and hour.
    """
    rows = np.flatnonzero(flags.teaches & (who >= 0))
    part = words[rows]
    hours = (flags.clocks[rows] // HOUR_US).astype(np.uint64)
    owner = (who[rows].astype(np.uint64) + (hours << np.uint64(32))) * _ODD
    quarters = part["time_us"] // workhours.QUARTER_US
    shows = np.zeros((len(rows), len(kinds) + 1), dtype=bool)
    for kind, values in enumerate([*(part[name] for name in kinds), quarters]):
        key = pl.Series(values.hash().to_numpy() ^ owner)
        shows[:, kind] = (key.is_first_distinct() & values.is_not_null()).to_numpy()
    places, which = np.nonzero(shows)
    shown = np.empty(len(which), dtype=object)
    for kind, name in enumerate(kinds):
        mine = np.flatnonzero(which == kind)
        shown[mine] = part[name].gather(places[mine]).to_list()
    return Firsts(rows[places], which, shown.tolist())


def numbered(people: pl.Series) -> tuple[list[str], np.ndarray]:
    """The distinct people in order of their first row, and the number of each row's, -1: nobody."""
    names = people.drop_nulls().unique(maintain_order=True)
    numbers = pl.Series(np.arange(len(names)))
    codes = people.replace_strict(names, numbers, default=-1, return_dtype=pl.Int64)
    return names.to_list(), codes.to_numpy()


def tellings(words: pl.DataFrame, who: np.ndarray, flags: Flags) -> np.ndarray:
    """Rows in which a person's e-mail or name is another than in the person's row before."""
    rows = np.flatnonzero(flags.in_time & (who >= 0) & words["user.email"].is_not_null().to_numpy())
    said = words[rows]
    told = said["user.email"].hash().to_numpy() * _ODD ^ said["user.name"].hash().to_numpy()
    order = np.argsort(who[rows], kind="stable")
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (np.diff(who[rows][order]) != 0) | (told[order][1:] != told[order][:-1])
    return np.sort(rows[order][new])
