"""Pages of the feeds on their way in: held to the slowest feed, released in order of event time.

In back-fill and catch-up a feed must not run ahead of another by days, or behaviours would see
tomorrow's sign-ins beside yesterday's changes. A drained or broken feed holds nothing back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import polars as pl

from detector import workhours
from detector.events import FEEDS
from detector.ports import Page
from detector.sources import merging
from detector.sources.records import Flaw, shape


@dataclass
class _Buffer:
    """Rows of one feed that are not released yet, and the cursor behind them."""

    frames: list[pl.DataFrame] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    cursor: str | None = None
    moved: bool = False
    drained: bool = False
    broken: bool = False


@dataclass(frozen=True)
class Batch:
    """Rows of all feeds in order of event time, and what may be committed with them.

    `cursors` names only feeds whose fetched rows are all in this or in an earlier batch.
    """

    frame: pl.DataFrame
    raws: tuple[bytes, ...]
    flaws: tuple[Flaw, ...]
    cursors: dict[str, tuple[str, datetime | None]]


class Intake:
    """What was fetched in one round of polling and is not committed yet."""

    def __init__(self, feeds: tuple[str, ...], cursors: Mapping[str, str] | None = None) -> None:
        stored = cursors or {}
        self._buffers: dict[str, _Buffer] = {
            feed: _Buffer(cursor=stored.get(feed)) for feed in FEEDS if feed in feeds
        }

    def wanted(self) -> tuple[str, ...]:
        """Feeds of which another page is needed before anything can go on."""
        return tuple(
            feed
            for feed, buffer in self._buffers.items()
            if not (buffer.drained or buffer.broken or buffer.frames)
        )

    def cursor(self, feed: str) -> str | None:
        """The cursor behind the last page that was taken, else the stored one, else null."""
        return self._buffers[feed].cursor

    def is_drained(self) -> bool:
        """Whether a feed was read to its end in this round: only then time may pass."""
        return any(buffer.drained for buffer in self._buffers.values())

    def drained(self) -> tuple[str, ...]:
        """The feeds that were read to their end in this round."""
        return tuple(feed for feed, buffer in self._buffers.items() if buffer.drained)

    def take(self, page: Page, received: datetime) -> None:
        """Shape a page and hold its rows."""
        buffer = self._buffers[page.feed]
        shaped = shape(page.feed, page.items, received)
        if shaped.frame.height:
            buffer.frames.append(shaped.frame)
            buffer.raws.extend(shaped.raws)
        buffer.flaws.extend(shaped.flaws)
        buffer.moved = buffer.moved or page.cursor != buffer.cursor
        buffer.cursor, buffer.drained = page.cursor, not page.has_more

    def give_up(self, feed: str) -> None:
        """A broken feed holds the others back no longer in this round."""
        self._buffers[feed].broken = True

    def release(self, now: datetime) -> Batch | None:
        """The rows up to the slowest feed, null if nothing may go on and no cursor moved."""
        if self.wanted():
            return None
        parts = {feed: _held(buffer, now) for feed, buffer in self._buffers.items()}
        waiting = [
            keys[-1]
            for feed, (_, keys) in parts.items()
            if len(keys) and not (self._buffers[feed].drained or self._buffers[feed].broken)
        ]
        horizon = min(waiting, default=np.iinfo(np.int64).max)
        frames, keys, raws, flaws, cursors = [], [], [], [], {}
        for feed, (frame, key) in parts.items():
            count = int(np.searchsorted(key, horizon, side="right"))
            buffer = self._buffers[feed]
            frames.append(frame[:count])
            keys.append(key[:count])
            raws += buffer.raws[:count]
            if count == frame.height:
                flaws += buffer.flaws
                buffer.flaws = []
                if buffer.moved and buffer.cursor is not None:
                    newest = workhours.instant(int(key[-1])) if count else None
                    cursors[feed] = (buffer.cursor, newest)
                    buffer.moved = False
            buffer.frames = [frame[count:]] if count < frame.height else []
            buffer.raws = buffer.raws[count:]
        order = merging.order(keys)
        if not (len(order) or flaws or cursors):
            return None
        merged = pl.concat(frames, rechunk=True)[order]
        return Batch(merged, tuple(raws[place] for place in order), tuple(flaws), cursors)


def _held(buffer: _Buffer, now: datetime) -> tuple[pl.DataFrame, np.ndarray]:
    if not buffer.frames:
        empty = shape(FEEDS[0], (), now).frame
        return empty, np.empty(0, dtype=np.int64)
    frame = pl.concat(buffer.frames)
    times = frame["event.time"].dt.timestamp("us").to_numpy()
    # What is dated after its receipt says nothing about how far the feed has come.
    return frame, merging.keys(np.minimum(times, workhours.microseconds(now)))
