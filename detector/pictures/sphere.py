"""The globe and its flat map: great circles, and Miller's projection.

Miller's cylindrical projection looks as people know maps, and unlike Mercator's it reaches
the poles, which great circles come near to. Degrees in and out.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

Point = tuple[float, float]
"""Longitude and latitude, or x and y on the flat map."""

STEPS: Final = 64


def great_circle(start: Point, end: Point) -> list[Point]:
    """Points of the shortest way, both ends included; longitudes go on past 180 degrees.

    Opposite ends have no shortest way; then it is any of them.

    >>> [round(lon) for lon, _ in great_circle((170.0, 0.0), (-170.0, 0.0))][::32]
    [170, 180, 190]
    """
    first, last = _vector(start), _vector(end)
    angle = math.acos(max(-1.0, min(1.0, float(first @ last))))
    shares = np.linspace(0.0, 1.0, STEPS + 1)[:, None]
    if angle < 1e-6 or math.pi - angle < 1e-6:
        turn = np.array([shortest(end[0] - start[0]), end[1] - start[1]])
        return [(float(lon), float(lat)) for lon, lat in np.array(start) + shares * turn]
    parts = np.sin((1 - shares) * angle) * first + np.sin(shares * angle) * last
    vectors = parts / math.sin(angle)
    lons = np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0]))
    lats = np.degrees(np.arcsin(np.clip(vectors[:, 2], -1.0, 1.0)))
    unwrapped = np.degrees(np.unwrap(np.radians(lons)))
    unwrapped += start[0] - unwrapped[0]
    return list(zip(unwrapped.tolist(), lats.tolist(), strict=True))


def shortest(turn: float) -> float:
    """The same turn, the short way round: within 180 degrees of nothing."""
    return (turn + 180.0) % 360.0 - 180.0


def miller(lats: np.ndarray) -> np.ndarray:
    """The height on the map of each latitude, in degrees of the equator; 132 at the pole."""
    return np.asarray(np.degrees(1.25 * np.log(np.tan(math.pi / 4 + 0.4 * np.radians(lats)))))


def _vector(point: Point) -> np.ndarray:
    lon, lat = math.radians(point[0]), math.radians(point[1])
    return np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])
