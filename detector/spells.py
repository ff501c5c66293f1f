"""Spells: the rows of one person within one step of the event clock.

Facts change at full hours and the model looks at steps, so inside a spell nothing can depend on
the order among people: a page is taken in spell by spell where it would cost too much by row.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from detector import workhours

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
_NEVER: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Ragged:
    """Some rows of each spell: those of spell `n` are `rows[bounds[n]:bounds[n + 1]]`."""

    rows: Sequence[int]
    bounds: Sequence[int]

    def of(self, spell: int) -> Sequence[int]:
        """The rows of one spell in log order."""
        return self.rows[self.bounds[spell] : self.bounds[spell + 1]]


@dataclass(frozen=True, slots=True)
class Firsts:
    """What each spell shows first in its page and hour, in log order: flat lists, cut by `bounds`.

    Only rows that teach and come in time. `days` are the days of the events since 1970; `prompt`
    says whether the row is part of the hour in which it came. A value of kind `slot` is null: it
    needs the person's zone, and is there once for every quarter of an hour.
    """

    kinds: Sequence[int]
    values: Sequence[str | None]
    rows: Sequence[int]
    days: Sequence[int]
    prompt: Sequence[bool]
    bounds: Sequence[int]

    def of(self, spell: int) -> Iterator[tuple[int, str | None, int, int, bool]]:
        """Kind, value, row, day and promptness of each thing that one spell shows first."""
        start, end = self.bounds[spell], self.bounds[spell + 1]
        return zip(
            self.kinds[start:end],
            self.values[start:end],
            self.rows[start:end],
            self.days[start:end],
            self.prompt[start:end],
            strict=True,
        )


@dataclass(frozen=True, slots=True)
class Spells:
    """The spells of a page in order of their first rows. Lists have one entry a spell."""

    names: Sequence[str]
    starts: Sequence[int]
    taught: Sequence[int]
    """How many of its events teach."""
    newest: Sequence[int]
    """Time of the newest event that teaches."""
    first_taught: Sequence[int]
    """Time of the event that teaches first."""
    firsts: Firsts
    taken: Ragged
    """Rows of the spell that are part of the hour in which they came."""
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


def spells(words: pl.DataFrame, flags: Flags, kinds: Sequence[str]) -> Spells:
    """Cut a page into spells; `words` are the columns that observations are made of.

    `kinds` are the columns of the kinds of values, in their order; the kind after them is `slot`.
    """
    codes = words["person"].cast(pl.Categorical).to_physical().cast(pl.Int64).fill_null(-1)
    person = codes.to_numpy()
    rows = np.flatnonzero((person >= 0) & flags.in_time)
    rows, edges = _cut(rows, person, flags.steps)
    starts = rows[edges[:-1]]
    teaches, times = flags.teaches[rows], words["time_us"].to_numpy()[rows]
    prompt = flags.prompt[rows]
    marks, emails = words["marks"].to_numpy(), words["user.email"].is_not_null().to_numpy()

    def some(mask: np.ndarray) -> Ragged:
        return Ragged(rows[mask].tolist(), _bounds(mask, edges))

    taught = _reduced(np.add, teaches.astype(np.int64), edges)
    return Spells(
        names=words["person"].gather(starts).to_list(),
        starts=starts.tolist(),
        taught=taught,
        newest=_reduced(np.maximum, np.where(teaches, times, 0), edges),
        first_taught=_first_times(times, teaches, edges, taught),
        firsts=_firsts(words, flags, kinds, (rows, edges)),
        taken=some(prompt),
        earliest=_reduced(np.minimum, np.where(prompt, times, _NEVER), edges),
        latest=_reduced(np.maximum, np.where(prompt, times, 0), edges),
        marked=some(prompt & (marks[rows] > 0)),
        told=some(emails[rows]),
    )


def _bounds(mask: np.ndarray, edges: np.ndarray) -> list[int]:
    found: list[int] = np.concatenate(([0], np.cumsum(mask)))[edges].tolist()
    return found


def _first_times(
    times: np.ndarray, teaches: np.ndarray, edges: np.ndarray, taught: list[int]
) -> list[int]:
    """The time of the first event of each spell that teaches; 0 where none does."""
    place = np.concatenate(([0], np.cumsum(teaches)))[edges[:-1]]
    lessons = np.append(times[teaches], 0)
    found: list[int] = np.where(np.array(taught) > 0, lessons[place], 0).tolist()
    return found


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


def _firsts(
    words: pl.DataFrame, flags: Flags, kinds: Sequence[str], cut: tuple[np.ndarray, np.ndarray]
) -> Firsts:
    """What the spells show first; `cut` are the rows spell by spell and the edges between them."""
    rows, edges = cut
    shows = _shown_first(words, flags, kinds, rows)
    places, which = np.nonzero(shows)
    shown = rows[places]
    values = np.empty(len(which), dtype=object)
    for kind, name in enumerate(kinds):
        mine = np.flatnonzero(which == kind)
        values[mine] = words[name].gather(shown[mine]).to_list()
    counts = np.concatenate(([0], np.cumsum(shows.sum(axis=1))))
    return Firsts(
        kinds=which.tolist(),
        values=values.tolist(),
        rows=shown.tolist(),
        days=(words["time_us"].to_numpy()[shown] // DAY_US).tolist(),
        prompt=flags.prompt[shown].tolist(),
        bounds=counts[edges].tolist(),
    )


def _shown_first(
    words: pl.DataFrame, flags: Flags, kinds: Sequence[str], rows: np.ndarray
) -> np.ndarray:
    """For each of `rows` and each kind whether the row shows it first for its person and hour.

    Values are told apart by hashes of 64 bits together with person and hour.
    """
    shows = np.zeros((len(rows), len(kinds) + 1), dtype=bool)
    teaching = np.flatnonzero(flags.teaches[rows])
    part = words[rows[teaching]]
    hours = (flags.clocks[rows[teaching]] // HOUR_US).astype(np.uint64)
    who = part["person"].hash().to_numpy() + hours * _ODD
    quarters = part["time_us"] // workhours.QUARTER_US
    for kind, values in enumerate([*(part[name] for name in kinds), quarters]):
        key = pl.Series(values.hash().to_numpy() ^ (who * _ODD))
        shows[teaching, kind] = (key.is_first_distinct() & values.is_not_null()).to_numpy()
    return shows


_ODD: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
"""2^64 over the golden ratio, odd: multiplying by it spreads hashes."""
