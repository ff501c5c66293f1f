"""Ways: where a person was lately, and the journeys between those places."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import msgspec

from detector import networks
from detector.facts import Facts
from detector.observations import PLACE
from detector.rule_types.journeys import Leg, Point, leg
from detector.workhours import DAY_US

MOST_POINTS: Final = 32
KEEP_US: Final = 8 * DAY_US
"""Points are kept a day longer than events may be late."""
FAMILIAR_DAYS: Final = 3
ANONYMISERS: Final = (networks.VPN, "relay", "tor", "satellite")


class Way(msgspec.Struct):
    """One person's last points in order of time, and the hops that were seen and not judged bad."""

    points: list[Point] = []
    hops: list[str] = []
    signins: int = 0

    def journeys(
        self, point: Point, facts: Facts, name: str, least_km: float
    ) -> Iterator[list[Leg | None]]:
        """The legs to a point, and those from it to later points if it came late.

        A point is compared with the one before it and with the last trusted one before that. Null
        stands for legs without coordinates, and for those that are surely shorter than `least_km`.
        """
        at = self._place_of(point)
        if at:
            starts = (self.points[at - 1], self._last_trusted(at - 1, facts, name))
            yield [
                leg(start, point, least_km) for start in starts if start and _apart(start, point)
            ]
        if at == len(self.points):
            return
        after = self.points[at:]
        yield [leg(point, after[0], least_km)]
        if _is_trusted(facts, name, point):
            for between, end in pairwise(after):
                yield [leg(point, end, least_km)]
                if _is_trusted(facts, name, between):
                    return

    def insert(self, point: Point) -> None:
        """Let a sign-in be one of the last points; what is too old or too much goes."""
        self.signins += 1
        # An anonymiser's place says nothing, so it never becomes a point to measure from.
        if point.latitude is None or point.kind in ANONYMISERS:
            return
        points = self.points
        points.insert(self._place_of(point), point)
        oldest = points[-1].time - KEEP_US
        while len(points) > MOST_POINTS or points[0].time < oldest:
            del points[0]

    def _place_of(self, point: Point) -> int:
        """Where among the points, which are in order of time, one comes to stand."""
        points = self.points
        if not points or points[-1].time < point.time:
            return len(points)
        return bisect_left(points, (point.time, point.seq), key=lambda old: (old.time, old.seq))

    def _last_trusted(self, before: int, facts: Facts, name: str) -> Point | None:
        for at in range(before - 1, -1, -1):
            if _is_trusted(facts, name, self.points[at]):
                return self.points[at]
        return None


def days_at(facts: Facts, name: str, point: Point) -> int:
    """On how many days the person is known to have been at a point's place."""
    return facts.days(name, PLACE, point.place) if point.place else 0


def _is_trusted(facts: Facts, name: str, point: Point) -> bool:
    return days_at(facts, name, point) >= FAMILIAR_DAYS


def _apart(start: Point, end: Point) -> bool:
    return start.latitude != end.latitude or start.longitude != end.longitude
