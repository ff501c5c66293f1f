"""Items of a feed in, rows of their leaves out: texts and times as columns, parts as numbers.

Two paths: a strict typed decode of each item (msgspec); an item that fails it is read again
leaf by leaf, keeps what is right, and is set aside only if it has no uuid or no time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

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


@dataclass(frozen=True, slots=True)
class Flaw:
    """An item that is not as it should be: the reason, and whether it had to be set aside."""

    feed: str
    index: int
    reason: str
    raw: bytes
    set_aside: bool


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


class Shaper:
    """Shapes the items of one feed, page after page; a part that repeats is decoded once."""

    def __init__(self, feed: str) -> None:
        self.feed = feed
        self._plain = _plain(feed)
        self._parts = parts(feed)
        self._is_long = False

    def take(self, items: Sequence[bytes]) -> Rows:
        """The rows of raw items."""
        found = self._outlines(items)
        broken = [index for index, each in enumerate(found) if each is None]
        kept, leaves = self._leaves(found)
        broken += kept[self._broken(leaves)].tolist()
        flaws: list[Flaw] = []
        if broken:
            flaws = [self._mend(index, items[index], found) for index in sorted(broken)]
            kept, leaves = self._leaves(found)
        self._is_long |= max(map(len, items), default=0) > LONGEST_TEXT
        return self._with_identity(items, leaves, kept, flaws)

    def frame(self, leaves: pl.DataFrame, received: pl.Series) -> pl.DataFrame:
        """Rows with the columns of `events.SCHEMA`, received at these times."""
        made = frames.frame(self.feed, leaves, self._parts, received)
        return (
            made.with_columns(pl.col(pl.String).str.head(LONGEST_TEXT)) if self._is_long else made
        )

    def _outlines(self, items: Iterable[bytes]) -> list[msgspec.Struct | None]:
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

    def _leaves(self, found: Sequence[msgspec.Struct | None]) -> tuple[np.ndarray, pl.DataFrame]:
        """Which items have an outline, and the leaves of these."""
        whole = [each for each in found if each is not None]
        kept = np.arange(len(found))
        if len(whole) < len(found):
            kept = kept[[each is not None for each in found]]
        plain = {
            name: series(list(map(attrgetter(name), whole)), dtype)
            for name, dtype in self._plain.items()
        }
        numbers = {name: pl.Series(part.take(whole)) for name, part in self._parts.items()}
        return kept, pl.DataFrame(plain | numbers)

    def _broken(self, leaves: pl.DataFrame) -> list[int]:
        """The rows with a part that cannot be read."""
        found = {row for name, part in self._parts.items() for row in part.broken(leaves[name])}
        return sorted(found)

    def _mend(self, index: int, raw: bytes, found: list[msgspec.Struct | None]) -> Flaw:
        """Read a broken item leaf by leaf; what can be kept of it becomes its outline."""
        good, reason = readable(self.feed, raw)
        found[index] = None
        if good is not None:
            found[index] = outline(self.feed, msgspec.json.encode(good))
        return Flaw(self.feed, index, reason, raw, set_aside=good is None)

    def _with_identity(
        self, items: Sequence[bytes], leaves: pl.DataFrame, kept: np.ndarray, flaws: list[Flaw]
    ) -> Rows:
        """Set aside the rows whose uuid is empty or too long or whose time could not be read."""
        has_time = leaves["timestamp"].is_not_null()
        good = has_time & leaves["uuid"].str.len_bytes().is_between(1, 200)
        if good.all():
            return Rows(leaves, kept, tuple(flaws))
        for row in (~good).arg_true():
            reason = "uuid: empty or too long" if has_time[row] else "timestamp: not a time"
            index = int(kept[row])
            flaws.append(Flaw(self.feed, index, reason, items[index], set_aside=True))
        flaws.sort(key=lambda flaw: flaw.index)
        return Rows(leaves.filter(good), kept[good.to_numpy()], tuple(flaws))
