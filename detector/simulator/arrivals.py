"""What the API will show, and when: an item of a feed with the moment of its arrival."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any


@dataclass(frozen=True, slots=True)
class Arrival:
    """One item of one feed and the moment from which the API serves it."""

    arrived: datetime
    feed: str
    item: dict[str, Any]


def in_order(arrivals: list[Arrival]) -> tuple[Arrival, ...]:
    """The arrivals by their moment; equal moments keep the order they were written in."""
    return tuple(sorted(arrivals, key=attrgetter("arrived")))
