"""Spells: the rows of one person within one step of the event clock.

Facts change at full hours and the model looks at steps, so inside a spell nothing can depend on
the order among people: a page is taken in spell by spell where it would cost too much by row.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from detector import workhours

HOUR_US: Final = 3_600_000_000
SHOWS_WHERE, SHOWS_WHAT, SHOWS_ITEM, SHOWS_SLOT = 1, 2, 4, 8
"""What a row may show first: bits of `Spells.novelty`."""
_NEVER: Final = np.iinfo(np.int64).max
_BUNDLES: Final = (
    (SHOWS_WHERE, ("source.country", "place", "network", "device.id", "client")),
    (SHOWS_WHAT, ("vault.id", "deed")),
    (SHOWS_ITEM, ("item.id",)),
    (SHOWS_SLOT, ("quarter",)),
)


@dataclass(frozen=True, slots=True)
class Ragged:
    """Some rows of each spell: those of spell `n` are `rows[bounds[n]:bounds[n + 1]]`."""

    rows: Sequence[int]
    bounds: Sequence[int]

    def of(self, spell: int) -> Sequence[int]:
        """The rows of one spell in log order."""
        return self.rows[self.bounds[spell] : self.bounds[spell + 1]]


@dataclass(frozen=True, slots=True)
class Spells:
    """The spells of a page in order of their first rows. Lists have one entry a spell."""

    names: Sequence[str]
    starts: Sequence[int]
    taught: Sequence[int]
    """How many of its events teach."""
    newest: Sequence[int]
    """Time of the newest event that teaches."""
    novel: Ragged
    """Rows that teach and show something first in this page and hour, see `novelty`."""
    novelty: Sequence[int]
    """Bits for each row of the page."""
    prompt: Sequence[bool]
    """Whether each row of the page is part of the hour in which it came."""
    taken: Ragged
    """Rows of the spell that are."""
    earliest: Sequence[int]
    """Time of the earliest of them."""
    latest: Sequence[int]
    marked: Ragged
    """Rows taken that are something to the model."""
    told: Ragged
    """Rows that tell the person's e-mail."""

    def within(self, start: int, end: int) -> range:
        """The spells that begin in rows `start` to `end`."""
        return range(bisect_left(self.starts, start), bisect_left(self.starts, end))


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


def spells(words: pl.DataFrame, flags: Flags) -> Spells:
    """Cut a page into spells; `words` are the columns that observations are made of."""
    codes = words["person"].cast(pl.Categorical).to_physical().cast(pl.Int64).fill_null(-1)
    person = codes.to_numpy()
    rows = np.flatnonzero((person >= 0) & flags.in_time)
    rows, edges = _cut(rows, person, flags.steps)
    starts = rows[edges[:-1]]
    novelty = _novelty(words, flags)
    teaches, times = flags.teaches[rows], words["time_us"].to_numpy()[rows]
    prompt = flags.prompt[rows]
    marks, emails = words["marks"].to_numpy(), words["user.email"].is_not_null().to_numpy()

    def some(mask: np.ndarray) -> Ragged:
        bounds = np.concatenate(([0], np.cumsum(mask)))[edges]
        return Ragged(rows[mask].tolist(), bounds.tolist())

    return Spells(
        names=words["person"].gather(starts).to_list(),
        starts=starts.tolist(),
        taught=_reduced(np.add, teaches.astype(np.int64), edges),
        newest=_reduced(np.maximum, np.where(teaches, times, 0), edges),
        novel=some(novelty[rows] > 0),
        novelty=novelty.tolist(),
        prompt=flags.prompt.tolist(),
        taken=some(prompt),
        earliest=_reduced(np.minimum, np.where(prompt, times, _NEVER), edges),
        latest=_reduced(np.maximum, np.where(prompt, times, 0), edges),
        marked=some(prompt & (marks[rows] > 0)),
        told=some(emails[rows]),
    )


def _cut(rows: np.ndarray, person: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows spell by spell, each in log order, and the edges between spells."""
    order = rows[np.lexsort((person[rows], steps[rows]))]
    new = (np.diff(person[order]) != 0) | (np.diff(steps[order]) != 0)
    first = np.concatenate(([0], np.flatnonzero(new) + 1)) if len(order) else np.empty(0, np.int64)
    spell = np.repeat(order[first], np.diff(np.append(first, len(order))))
    # Named by its first row, a spell has its place whatever the numbers of people are.
    ranked = np.argsort(spell, kind="stable")
    spell = spell[ranked]
    edges = np.flatnonzero(np.diff(spell)) + 1
    ends = [0, *edges.tolist(), len(spell)] if len(spell) else [0]
    return order[ranked], np.array(ends, dtype=np.int64)


def _reduced(how: np.ufunc, values: np.ndarray, edges: np.ndarray) -> list[int]:
    return how.reduceat(values, edges[:-1]).tolist() if len(values) else []


def _novelty(words: pl.DataFrame, flags: Flags) -> np.ndarray:
    """For each row that teaches in time, what it shows first for its person and hour."""
    found = np.zeros(words.height, dtype=np.int64)
    rows = np.flatnonzero(flags.teaches & flags.in_time)
    hours = pl.Series("clock", flags.clocks[rows] // HOUR_US)
    quarters = (pl.col("time_us") // workhours.QUARTER_US).alias("quarter")
    part = words[rows].with_columns(hours, quarters)
    firsts = part.select(
        pl.struct("clock", "person", *columns).is_first_distinct().cast(pl.Int64).alias(str(bit))
        for bit, columns in _BUNDLES
    )
    for bit, _ in _BUNDLES:
        found[rows] |= bit * firsts[str(bit)].to_numpy()
    return found
