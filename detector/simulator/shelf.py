"""The items of one feed on a shelf: in order of arrival, found by position and event time."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from typing import Any

import numpy as np

from detector.simulator.arrivals import Arrival
from detector.simulator.cursors import Position

Served = tuple[list[dict[str, Any]], int, bool]
"""The items of a page, the position behind it, and whether there is more."""


class Shelf:
    """One feed. The order is that of arrival; the times filter on event time."""

    __slots__ = ("_arrived", "_items", "_times")

    def __init__(self, arrivals: list[Arrival]) -> None:
        self._items = [arrival.item for arrival in arrivals]
        self._arrived = [arrival.arrived for arrival in arrivals]
        self._times = np.array([microseconds(item) for item in self._items], dtype=np.int64)

    def page(self, position: Position, now: datetime, oldest: int) -> Served:
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


class KeysetShelf:
    """One feed in order of event time: a position is the time of the last item that was served.

    What arrives later with an earlier time is passed over, as a search engine's keyset does.
    """

    __slots__ = ("_arrived", "_items", "_keys", "_times")

    def __init__(self, arrivals: list[Arrival]) -> None:
        ordered = sorted(arrivals, key=lambda arrival: microseconds(arrival.item))
        self._items = [arrival.item for arrival in ordered]
        self._arrived = np.array([arrival.arrived.timestamp() for arrival in ordered])
        self._times = np.array([microseconds(item) for item in self._items], dtype=np.int64)
        # Distinct: items of one microsecond are told apart by their order.
        rank = np.arange(len(ordered)) - np.searchsorted(self._times, self._times)
        self._keys = self._times * 1000 + rank

    def page(self, position: Position, now: datetime, oldest: int) -> Served:
        """The items after a position that have arrived, the next position, and if there is more."""
        start = int(np.searchsorted(self._keys, position.at, side="right"))
        wanted = (self._arrived[start:] <= now.timestamp()) & (
            (self._times[start:] >= max(position.start, oldest))
            & (self._times[start:] < position.end)
        )
        found = np.flatnonzero(wanted)[: position.limit + 1] + start
        chosen = found[: position.limit].tolist()
        after = int(self._keys[chosen[-1]]) if chosen else position.at
        return [self._items[index] for index in chosen], after, len(found) > position.limit


def microseconds(item: dict[str, Any]) -> int:
    """The event time of an item in microseconds since 1970."""
    moment = datetime.fromisoformat(str(item["timestamp"]))
    return round(moment.timestamp() * 1e6)
