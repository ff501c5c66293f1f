"""Raw items in, rows of the event schema out, and every broken item with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl

from detector import events
from detector.sources.leaves import constant
from detector.sources.shaping import Flaw, Shaper


@dataclass(frozen=True, slots=True)
class Shaped:
    """Rows of the event schema (without seq), the raw bytes of each row, and the flaws.

    `frame` has the columns of `events.SCHEMA`; `event.seq` is null until admission.
    """

    frame: pl.DataFrame
    raws: tuple[bytes, ...]
    flaws: tuple[Flaw, ...]


def shape(feed: str, items: Sequence[bytes], received: datetime | Sequence[datetime]) -> Shaped:
    """Shape the raw `items` of one feed, received at one time or at one time each (UTC)."""
    shaper = Shaper(feed)
    rows = shaper.take([items])
    frame = shaper.frame(rows.leaves, _arrivals(received, rows.kept))
    flaws = tuple(replace(flaw, raw=items[flaw.index]) for flaw in rows.flaws)
    return Shaped(frame, tuple(items[index] for index in rows.kept.tolist()), flaws)


def _arrivals(received: datetime | Sequence[datetime], kept: np.ndarray) -> pl.Series:
    if isinstance(received, datetime):
        return constant(received, events.TIME, len(kept))
    return pl.Series([received[index] for index in kept.tolist()], dtype=events.TIME)


__all__ = ["Flaw", "Shaped", "shape"]
