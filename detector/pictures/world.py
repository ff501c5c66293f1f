"""The outlines of the countries: Natural Earth, public domain (see `source` in world.json)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from detector.pictures.sphere import miller


@dataclass(frozen=True, slots=True)
class World:
    """Rings of points (x: longitude, y: height on the map), each in one piece.

    A ring over the antimeridian goes on past 180 degrees. `boxes` are the least and the
    greatest x and y of each ring.
    """

    rings: tuple[np.ndarray, ...]
    boxes: np.ndarray

    def within(self, left: float, bottom: float, right: float, top: float) -> list[np.ndarray]:
        """The rings that a window shows, moved by whole turns to where they are seen in it."""
        seen = []
        for turn in (-360.0, 0.0, 360.0):
            moved = self.boxes + np.array([turn, 0.0, turn, 0.0])
            hits = (moved[:, 0] < right) & (moved[:, 2] > left)
            hits &= (moved[:, 1] < top) & (moved[:, 3] > bottom)
            seen += [self.rings[at] + np.array([turn, 0.0]) for at in np.flatnonzero(hits)]
        return seen


@cache
def world() -> World:
    """The shipped outlines, read once."""
    text = (files("detector.pictures") / "world.json").read_text(encoding="utf-8")
    kept = json.loads(text)
    arcs = [
        np.cumsum(np.array(arc, dtype=float).reshape(-1, 2), axis=0) * kept["unit_deg"]
        for arc in kept["arcs"]
    ]
    rings = tuple(_ring(arcs, numbers) for numbers in kept["rings"])
    boxes = np.array([[*ring.min(axis=0), *ring.max(axis=0)] for ring in rings])
    return World(rings, boxes)


def _ring(arcs: list[np.ndarray], numbers: list[int]) -> np.ndarray:
    """One ring of its arcs; `~n` is arc n backwards."""
    parts = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in numbers]
    points = np.concatenate([part[:-1] for part in parts])
    lons = np.degrees(np.unwrap(np.radians(points[:, 0])))
    flat = np.column_stack([lons, miller(points[:, 1])])
    if abs(lons[-1] - lons[0]) > 180.0:
        # Only Antarctica goes round the globe: it is closed along the lower edge of the map.
        low = miller(np.array([-90.0]))[0]
        flat = np.vstack([flat, [[lons[-1], low], [lons[0], low]]])
    return flat
