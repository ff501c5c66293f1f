"""The items of one feed on a shelf: in order of arrival, found by position and event time."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from typing import Any

import numpy as np

from detector.simulator.arrivals import Arrival
from detector.simulator.cursors import Position


class Shelf:
    """One feed. The order is that of arrival; the times filter on event time."""

    __slots__ = ("_arrived", "_items", "_times")

    def __init__(self, arrivals: list[Arrival]) -> None:
        self._items = [arrival.item for arrival in arrivals]
        self._arrived = [arrival.arrived for arrival in arrivals]
        self._times = np.array([microseconds(item) for item in self._items], dtype=np.int64)

    def page(
        self, position: Position, now: datetime, oldest: int
    ) -> tuple[list[dict[str, Any]], int, bool]:
        """The items after a position that have arrived, the next position, and if there is more."""
        visible = bisect_right(self._arrived, now)
        start = max(position.start, oldest)
        found: list[int] = []
        at, step = position.at, 4 * position.limit
        while at < visible and len(found) <= position.limit:
            times = self._times[at : min(at + step, visible)]
            matches = np.flatnonzero((times >= start) & (times < position.end))
            found.extend((matches + at).tolist())
            at, step = min(at + step, visible), step * 2
        more = len(found) > position.limit
        chosen = found[: position.limit]
        after = chosen[-1] + 1 if more else max(position.at, visible)
        return [self._items[index] for index in chosen], after, more


def microseconds(item: dict[str, Any]) -> int:
    """The event time of an item in microseconds since 1970."""
    moment = datetime.fromisoformat(str(item["timestamp"]))
    return round(moment.timestamp() * 1e6)
