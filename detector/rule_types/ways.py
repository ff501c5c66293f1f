"""Ways: where a person was lately, and the journeys between those places."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Final

import msgspec
import numpy as np

from detector import networks
from detector.facts import Facts
from detector.observations import PLACE
from detector.rule_types.journeys import DEGREE_KM, Leg, Point, leg
from detector.workhours import DAY_US

MOST_POINTS: Final = 32
KEEP_US: Final = 8 * DAY_US
"""Points are kept a day longer than events may be late."""
FAMILIAR_DAYS: Final = 3
ANONYMISERS: Final = (networks.VPN, "relay", "tor", "satellite")
NARROW_KM: Final = 100.0
"""A box that is no wider than this is as good when points have gone."""
_by_time: Final = attrgetter("time", "seq")

Box = tuple[float, float, float, float]
"""Southernmost and westernmost, northernmost and easternmost degree of points; nan if there are none."""
NOWHERE: Final = (math.nan, math.nan, math.nan, math.nan)


class Way(msgspec.Struct, dict=True):
    """One person's last points in order of time, and the hops that were seen and not judged bad."""

    points: list[Point] = []
    hops: list[str] = []
    signins: int = 0

    def __post_init__(self) -> None:
        """Make what is not stored: a box that holds all points, null until it is asked for."""
        self.box: Box | None = None

    def around(self) -> Box:
        """A box that holds all points that have coordinates."""
        if self.box is None:
            self.box = _around(self.points)
        return self.box

    def forget(self, clock: int) -> None:
        """Drop points that are too old to matter; a box that is wide may be narrower now."""
        if self.points and self.points[-1].time < clock - KEEP_US - DAY_US:
            self.points = []
        if self.box is not None and not width_km(self.box) < NARROW_KM:
            self.box = None

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
        return bisect_left(points, _by_time(point), key=_by_time)

    def _last_trusted(self, before: int, facts: Facts, name: str) -> Point | None:
        for at in range(before - 1, -1, -1):
            if _is_trusted(facts, name, self.points[at]):
                return self.points[at]
        return None


def days_at(facts: Facts, name: str, point: Point) -> int:
    """On how many days the person is known to have been at a point's place."""
    return facts.days(name, PLACE, point.place) if point.place else 0


def around(ways: Sequence[Way], points: Sequence[Point], starts: np.ndarray) -> list[Box]:
    """The box around each way and its new points; `starts` says where among `points` those begin."""
    if not ways:
        return []
    boxes = np.array([way.around() for way in ways])
    where = np.array([(each.latitude, each.longitude) for each in points], dtype=np.float64)
    low = np.fmin(boxes[:, :2], np.fmin.reduceat(where, starts))
    high = np.fmax(boxes[:, 2:], np.fmax.reduceat(where, starts))
    return [*zip(*low.T.tolist(), *high.T.tolist(), strict=True)]


def width_km(box: Box) -> float:
    """What no two points in a box can be further apart than; nan where there is none."""
    south, west, north, east = box
    return (north - south + (east - west)) * DEGREE_KM


def _around(points: Sequence[Point]) -> Box:
    where = [(point.latitude, point.longitude) for point in points]
    known = [(north, east) for north, east in where if north is not None and east is not None]
    if not known:
        return NOWHERE
    north, east = zip(*known, strict=True)
    return min(north), min(east), max(north), max(east)


def _is_trusted(facts: Facts, name: str, point: Point) -> bool:
    return days_at(facts, name, point) >= FAMILIAR_DAYS


def _apart(start: Point, end: Point) -> bool:
    return start.latitude != end.latitude or start.longitude != end.longitude
