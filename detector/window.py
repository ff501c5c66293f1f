"""The rolling window: the frames of the last days, and the ids of every event ever admitted.

Admission costs the same whatever the window holds: frames are appended and dropped whole,
ids are kept in a few sorted arrays that grow by a factor of eight.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from detector import events, raws
from detector.numbering import first_rows

KEPT: Final = (
    "event.seq",
    "event.feed",
    "event.time",
    "event.action",
    "event.category",
    "person",
    "object.type",
    "session.id",
    "device.id",
    "client.app_name",
    "source.ip",
    "source.country",
    "source.city",
    "vault.id",
    "item.id",
)
"""Columns that the window holds; text as categories, so that a row takes about 60 bytes."""

_GROWTH: Final = 8
_MANY: Final = 100_000
CATEGORIES: Final = [
    name for name in KEPT if events.SCHEMA[name] == events.TEXT and name != "item.id"
]


class SeenIds:
    """Which event ids were admitted, each with a hash of its content (64 bits each)."""

    def __init__(self) -> None:
        self._levels: list[tuple[np.ndarray, np.ndarray]] = []

    def __len__(self) -> int:
        return sum(len(ids) for ids, _ in self._levels)

    def copy(self) -> SeenIds:
        """The same ids, to which others may be added; the arrays are shared, none ever changes."""
        made = SeenIds()
        made._levels = [*self._levels]
        return made

    def find(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each id whether it is known, and the content hash it is known under (else 0)."""
        known = np.zeros(len(ids), dtype=bool)
        contents = np.zeros(len(ids), dtype=np.uint64)
        # In order, what is looked for next lies near to what was looked for last.
        order = np.argsort(ids)
        ascending = ids[order]
        for level_ids, level_contents in self._levels:
            at = np.minimum(np.searchsorted(level_ids, ascending), len(level_ids) - 1)
            hit = np.flatnonzero(level_ids[at] == ascending)
            known[order[hit]] = True
            contents[order[hit]] = level_contents[at[hit]]
        return known, contents

    def add(self, ids: np.ndarray, contents: np.ndarray) -> None:
        """Remember new ids; none of them may be known."""
        if not len(ids):
            return
        self._levels.append((ids, contents))
        while len(self._levels) > 1 and len(self._levels[-2][0]) < _GROWTH * len(
            self._levels[-1][0]
        ):
            last, before = self._levels.pop(), self._levels.pop()
            self._levels.append(
                (np.concatenate((before[0], last[0])), np.concatenate((before[1], last[1])))
            )
        self._levels[-1] = _sorted(*self._levels[-1])


def _sorted(ids: np.ndarray, contents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(ids) < _MANY:
        order = np.argsort(ids)
        return ids[order], contents[order]
    # Half the time of numpy, and on both cores; for a page its fixed cost would be too much.
    both = pl.DataFrame({"id": ids, "content": contents}).sort("id")
    return both["id"].to_numpy(), both["content"].to_numpy()


def keys(frame: pl.DataFrame) -> np.ndarray:
    """The 64-bit key of each row's (feed, uuid): the same in every version, for it is stored."""
    whole = pl.concat_str("event.feed", "event.id", separator="\0", ignore_nulls=True)
    return contents(frame.select(whole.cast(pl.Binary)).to_series().to_list())


class Window:
    """The frames of the last `span` of event time, oldest first."""

    def __init__(self, span: timedelta) -> None:
        self.span = span
        self.seen = SeenIds()
        self._frames: list[tuple[datetime, pl.DataFrame]] = []
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def copy(self) -> Window:
        """A window that holds the same and goes its own way."""
        made = Window(self.span)
        made.seen, made._frames, made._rows = self.seen.copy(), [*self._frames], self._rows
        return made

    def fresh(self, frame: pl.DataFrame, contents: np.ndarray) -> tuple[np.ndarray, int]:
        """Rows of `frame` whose id was not admitted before (and that are the first in it).

        Also how many of the others came with another content than the one that was admitted.
        Remembers the ids.
        """
        ids = keys(frame)
        known, old = self.seen.find(ids)
        first = first_rows(ids)
        rows = np.flatnonzero((first == np.arange(len(ids))) & ~known)
        admitted = np.where(known, old, contents[first])
        changed = int(np.count_nonzero(admitted != contents))
        self.seen.add(ids[rows], contents[rows])
        return rows, changed

    def admit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Append fresh rows, and return them as they are kept: the columns of `KEPT`.

        After a restart the rows are given as they were stored, with at least these.
        """
        slim = frame.select(KEPT).with_columns(pl.col(CATEGORIES).cast(pl.Categorical))
        newest = frame["event.time"].max()
        if isinstance(newest, datetime):
            self._frames.append((newest, slim))
        self._rows += frame.height
        return slim

    def evict(self, clock: datetime) -> None:
        """Drop the oldest frames whose newest event left the window."""
        start = clock - self.span
        gone = 0
        for newest, frame in self._frames:
            if newest >= start:
                break
            gone += 1
            self._rows -= frame.height
        del self._frames[:gone]

    def frame(self) -> pl.DataFrame:
        """The whole window as one frame with the columns of `KEPT`."""
        if not self._frames:
            return pl.DataFrame(schema={name: events.SCHEMA[name] for name in KEPT})
        return pl.concat([frame for _, frame in self._frames])


def contents(items: Sequence[bytes]) -> np.ndarray:
    """A 64-bit hash of each raw item, by which a changed copy of a known event is told."""
    return raws.hashes(items)
