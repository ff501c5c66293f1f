"""Items of a feed in, rows of their leaves out: texts and times as columns, parts as numbers.

Two paths: a strict typed decode of each item (msgspec); an item that fails it is read again
leaf by leaf, keeps what is right, and is set aside only if it has no uuid or no time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from detector import events
from detector.sources import frames
from detector.sources.leaves import series
from detector.sources.mending import readable
from detector.sources.parts import UNREADABLE, outline, outlines, parts

LONGEST_TEXT: Final = 2_000
"""Characters of a text that a row keeps; the raw record keeps all."""
_LONGEST_ID: Final = 200
"""Bytes of a uuid."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """An item that is not as it should be: the reason, and whether it had to be set aside.

    `raw` is empty where the item stays in its file, in the line that `index` says.
    """

    feed: str
    index: int
    reason: str
    set_aside: bool
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Rows:
    """The leaves of items as columns, with which of the items each row is, and the flaws.

    A part (user, client, place ...) is a column of the numbers that `Shaper.frame` knows.
    """

    leaves: pl.DataFrame
    kept: np.ndarray
    flaws: tuple[Flaw, ...]


def _plain(feed: str) -> dict[str, pl.DataType]:
    """The leaves of a feed's items that are in no part, with the dtype of their column."""
    named = [(leaf, column.dtype) for column in events.COLUMNS for leaf in column.raw.get(feed, ())]
    return {leaf: dtype for leaf, dtype in named if "." not in leaf}


@dataclass
class _Taken:
    """What was read so far: how many items, which are kept, their leaves and numbers of parts."""

    plain: dict[str, list[Any]]
    numbers: dict[str, list[np.ndarray]]
    count: int = 0
    kept: list[np.ndarray] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)


class Shaper:
    """Shapes the items of one feed, page after page; a part that repeats is decoded once."""

    def __init__(self, feed: str) -> None:
        self.feed = feed
        self._plain = _plain(feed)
        self._parts = parts(feed)
        self._is_long = False

    def take(self, chunks: Iterable[Sequence[bytes]]) -> Rows:
        """The rows of raw items, all chunks together; flaws are without the raw item.

        A chunk is done with, and let go, before the next is asked for, while the caches hold it.
        """
        taken = _Taken({name: [] for name in self._plain}, {name: [] for name in self._parts})
        for items in chunks:
            self._add(items, taken)
        plain = {name: series(taken.plain[name], dtype) for name, dtype in self._plain.items()}
        numbers = {
            name: pl.Series(_joined(found, np.uint32)) for name, found in taken.numbers.items()
        }
        return self._with_identity(pl.DataFrame(plain | numbers), taken)

    def frame(self, leaves: pl.DataFrame, received: pl.Series) -> pl.DataFrame:
        """Rows with the columns of `events.SCHEMA`, received at these times."""
        made = frames.frame(self.feed, leaves, self._parts, received)
        if self._is_long:
            return made.with_columns(pl.col(pl.String).str.head(LONGEST_TEXT))
        return made

    def _add(self, items: Sequence[bytes], taken: _Taken) -> None:
        before, taken.count = taken.count, taken.count + len(items)
        kept = np.arange(before, taken.count)
        found = self._outlines(items)
        whole = [each for each in found if each is not None]
        numbers = self._numbers(whole)
        broken = self._broken(found, whole, numbers)
        if broken:
            for index in broken:
                found[index] = self._mended(before + index, items[index], taken.flaws)
            kept = kept[[each is not None for each in found]]
            whole = [each for each in found if each is not None]
            numbers = self._numbers(whole)
        taken.kept.append(kept)
        for name, values in taken.plain.items():
            values.extend(map(attrgetter(name), whole))
        for name, each in numbers.items():
            taken.numbers[name].append(each)
        self._is_long |= max(map(len, items), default=0) > LONGEST_TEXT

    def _numbers(self, whole: Sequence[msgspec.Struct]) -> dict[str, np.ndarray]:
        return {name: part.take(whole) for name, part in self._parts.items()}

    def _outlines(self, items: Sequence[bytes]) -> list[msgspec.Struct | None]:
        """The outline of each item, null where it cannot be read."""
        try:
            return [*outlines(self.feed, items)]
        except UNREADABLE:
            return [self._outline(raw) for raw in items]

    def _outline(self, raw: bytes) -> msgspec.Struct | None:
        try:
            return outline(self.feed, raw)
        except UNREADABLE:
            return None

    def _broken(
        self,
        found: Sequence[msgspec.Struct | None],
        whole: Sequence[msgspec.Struct],
        numbers: Mapping[str, np.ndarray],
    ) -> list[int]:
        """The items without an outline, or with a part that cannot be read."""
        rows = {row for name, part in self._parts.items() for row in part.broken(numbers[name])}
        if not rows and len(whole) == len(found):
            return []
        kept = [index for index, each in enumerate(found) if each is not None]
        missing = [index for index, each in enumerate(found) if each is None]
        return sorted([*missing, *(kept[row] for row in rows)])

    def _mended(self, index: int, raw: bytes, flaws: list[Flaw]) -> msgspec.Struct | None:
        """Read a broken item leaf by leaf: the outline of what can be kept of it, if anything."""
        good, reason = readable(self.feed, raw)
        flaws.append(Flaw(self.feed, index, reason, set_aside=good is None))
        return None if good is None else outline(self.feed, msgspec.json.encode(good))

    def _with_identity(self, leaves: pl.DataFrame, taken: _Taken) -> Rows:
        """Set aside the rows whose uuid is empty or too long or whose time could not be read."""
        kept, flaws = _joined(taken.kept, np.int64), taken.flaws
        lengths = leaves["uuid"].str.len_bytes().to_numpy()
        good = (lengths >= 1) & (lengths <= _LONGEST_ID)
        if good.all() and not leaves["timestamp"].null_count():
            return Rows(leaves, kept, tuple(flaws))
        has_time = leaves["timestamp"].is_not_null().to_numpy()
        good &= has_time
        for row in np.flatnonzero(~good).tolist():
            reason = "uuid: empty or too long" if has_time[row] else "timestamp: not a time"
            flaws.append(Flaw(self.feed, int(kept[row]), reason, set_aside=True))
        flaws.sort(key=lambda flaw: flaw.index)
        return Rows(leaves.filter(good), kept[good], tuple(flaws))


def _joined(found: Sequence[np.ndarray], dtype: type[np.generic]) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype=dtype), *found])
