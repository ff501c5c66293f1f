"""The map of two places that one person was at, and the great circle between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from detector.pictures.canvas import Canvas, Label
from detector.pictures.sphere import STEPS, Point, great_circle, miller, shortest
from detector.pictures.world import world

WIDTH: Final = 800
HEIGHT: Final = 400
LEAST_SPAN: Final = 16.0
"""Degrees that a map shows at least, so that the surroundings are recognised."""
MOST_SPAN: Final = 330.0
_SEA, _LAND, _BORDER = "#eaf0f5", "#cdd6df", "#f6f8fa"
_INK, _RED, _PALE = "#1f2937", "#c62828", "#6b7280"


@dataclass(frozen=True, slots=True)
class Stop:
    """A place in degrees, and what it is called."""

    lon: float
    lat: float
    label: str


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the flat map that is shown: its left and upper edge, and pixels a degree."""

    left: float
    top: float
    scale: float

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Where points of the flat map lie in the picture."""
        made: np.ndarray = (points - (self.left, self.top)) * (self.scale, -self.scale)
        return made


def travel_map(start: Stop, end: Stop, caption: str) -> bytes:
    """A PNG of both places; `caption` stands at the middle of the way."""
    way = great_circle((shortest(start.lon), start.lat), (shortest(end.lon), end.lat))
    lons, lats = np.array(way).T
    flat = np.column_stack([lons, miller(lats)])
    window = _window(flat)
    canvas = Canvas(WIDTH, HEIGHT, _SEA)
    _draw_world(canvas, window)
    pixels = [(float(x), float(y)) for x, y in window.pixels(flat)]
    canvas.line(pixels, "#ffffff", 6)
    canvas.line(pixels, _RED, 3)
    canvas.disc(pixels[0], 8, _INK, "#ffffff")
    canvas.disc(pixels[-1], 8, _RED, "#ffffff")
    _name(canvas, Label(pixels[0], start.label, 26, _INK), away_from=pixels[STEPS // 10])
    _name(canvas, Label(pixels[-1], end.label, 26, _RED), away_from=pixels[-1 - STEPS // 10])
    _caption(canvas, pixels, caption)
    note = "Shortest way, not a route. Places are estimates."
    canvas.label(Label((12, HEIGHT - 14), note, 15, _PALE, "ls"))
    return canvas.png()


def _window(way: np.ndarray) -> Window:
    """A window of the picture's shape around the way, with room for the labels."""
    (left, bottom), (right, top) = way.min(axis=0), way.max(axis=0)
    span = max(LEAST_SPAN, (right - left) * 1.5, (top - bottom) * 1.7 * WIDTH / HEIGHT)
    span = min(MOST_SPAN, span)
    low, high = miller(np.array([-90.0, 90.0]))
    tall = span * HEIGHT / WIDTH
    middle = (bottom + top) / 2 + 0.03 * tall
    upper = min(float(high), max(float(low) + tall, middle + tall / 2))
    return Window(float((left + right - span) / 2), upper, WIDTH / span)


def _draw_world(canvas: Canvas, window: Window) -> None:
    right, bottom = window.left + WIDTH / window.scale, window.top - HEIGHT / window.scale
    for ring in world().within(window.left, bottom, right, window.top):
        points = window.pixels(ring).ravel().tolist()
        canvas.polygon(points, _LAND, _BORDER)


def _name(canvas: Canvas, label: Label, *, away_from: Point) -> None:
    """Name a place on the side of its mark from which no line leaves."""
    x, y = label.at
    dx, dy = (-18 if x < away_from[0] else 18), (-30 if y < away_from[1] else 30)
    canvas.label(replace(label, at=(x + dx, y + dy), box="#ffffff"))


def _caption(canvas: Canvas, way: list[Point], text: str) -> None:
    """Write beside the middle of the way: over it where it is flat, to the right where it is steep."""
    before, (x, y), after = way[STEPS // 2 - 2], way[STEPS // 2], way[STEPS // 2 + 2]
    dx, dy = after[0] - before[0], after[1] - before[1]
    steep = abs(dy) > abs(dx) / 3
    rises = dx * dy < 0
    sags = y > (way[0][1] + way[-1][1]) / 2
    at, anchor = ((x, y + 24), "mt") if sags else ((x, y - 24), "ms")
    if steep:
        at, anchor = ((x + 20, y + (16 if rises else -16)), "lm")
    canvas.label(Label(at, text, 24, _RED, anchor, "#ffffff"))
