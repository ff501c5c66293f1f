"""Make detector/pictures/world.json from world-atlas: country outlines, fewer points, small islands gone.

Use: npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
     python .ci/make_world.py package/countries-50m.json detector/pictures/world.json
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Point = tuple[float, float]

UNIT_DEG = 0.05
TOLERANCE_DEG = 0.07
SMALLEST_SQ_DEG = 0.08
SOURCE = (
    "Natural Earth 4.1.0, 1:50m cultural vectors (public domain), from the npm package "
    "world-atlas 2.0.2; thinned by .ci/make_world.py"
)


def main(source: str, target: str) -> None:
    """Read the topology, thin its arcs, and keep the rings that are large enough to be seen."""
    topology = json.loads(Path(source).read_text(encoding="utf-8"))
    arcs = [thinned(list(decoded(topology, arc))) for arc in topology["arcs"]]
    rings = [
        ring for shape in topology["objects"]["countries"]["geometries"] for ring in outlines(shape)
    ]
    rings = [ring for ring in rings if area_sq_deg(ring, arcs) >= SMALLEST_SQ_DEG]
    used = sorted({arc if arc >= 0 else ~arc for ring in rings for arc in ring})
    place = {arc: number for number, arc in enumerate(used)}
    made = {
        "source": SOURCE,
        "unit_deg": UNIT_DEG,
        "arcs": [packed(arcs[arc]) for arc in used],
        "rings": [[place[arc] if arc >= 0 else ~place[~arc] for arc in ring] for ring in rings],
    }
    Path(target).write_text(json.dumps(made, separators=(",", ":")) + "\n", encoding="utf-8")
    sys.stdout.write(f"{sum(len(arcs[arc]) for arc in used)} points, {len(rings)} rings\n")


def decoded(topology: dict[str, Any], arc: list[list[int]]) -> Iterable[Point]:
    """The points of an arc in degrees; TopoJSON keeps whole steps from the point before."""
    (scale_x, scale_y), (x0, y0) = (
        topology["transform"]["scale"],
        topology["transform"]["translate"],
    )
    x = y = 0
    for dx, dy in arc:
        x, y = x + dx, y + dy
        yield x * scale_x + x0, y * scale_y + y0


def thinned(points: list[Point]) -> list[Point]:
    """Douglas and Peucker: drop what lies nearer to the chord than the tolerance."""
    if len(points) < 3:
        return points
    first, last = points[0], points[-1]
    far, at = max((off(point, first, last), at) for at, point in enumerate(points[1:-1], 1))
    closed = first == last
    if far < TOLERANCE_DEG and not closed:
        return [first, last]
    return thinned(points[: at + 1])[:-1] + thinned(points[at:])


def off(point: Point, start: Point, end: Point) -> float:
    """The distance of a point from a chord, in degrees."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    if length == 0:
        return math.hypot(point[0] - start[0], point[1] - start[1])
    return abs(dx * (point[1] - start[1]) - dy * (point[0] - start[0])) / length


def outlines(shape: dict[str, Any]) -> Iterable[list[int]]:
    """The rings of a country. Enclaves are countries too, and Antarctica's coast is an inner ring."""
    polygons = shape.get("arcs", [])
    for polygon in polygons if shape["type"] == "MultiPolygon" else [polygons]:
        yield from polygon


def area_sq_deg(ring: list[int], arcs: list[list[Point]]) -> float:
    """The area by the shoelace formula; a ring over the antimeridian counts as large."""
    points = [point for arc in ring for point in (arcs[arc] if arc >= 0 else arcs[~arc][::-1])]
    if max(y for _, y in points) < -89.9:
        return 0.0  # the South Pole itself is drawn as a line
    if max(x for x, _ in points) - min(x for x, _ in points) > 180:
        return math.inf
    pairs = zip(points, points[1:] + points[:1], strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2


def packed(points: list[Point]) -> list[int]:
    """Longitude and latitude in units, each from the one before."""
    flat, before = [], (0, 0)
    for lon, lat in points:
        here = (round(lon / UNIT_DEG), round(lat / UNIT_DEG))
        flat += [here[0] - before[0], here[1] - before[1]]
        before = here
    return flat


if __name__ == "__main__":
    main(*sys.argv[1:])
