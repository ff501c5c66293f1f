"""A person's week by hour of local time, and the hour that does not belong to it."""

from __future__ import annotations

from typing import Final

from detector.pictures.canvas import Canvas, Label

WIDTH: Final = 800
HEIGHT: Final = 340
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS: Final = 24
_LEFT, _TOP, _CELL_WIDTH, _CELL_HEIGHT, _GAP = 68, 78, 30, 34, 3
_SHADES: Final = ("#eef2f6", "#d3e3f3", "#a9cbe8", "#74abd6", "#3f87bd", "#1f6297")
_STEPS: Final = (1, 2, 4, 6, 9)
"""Days with activity from which on each darker shade is used."""
_INK, _RED, _PALE = "#1f2937", "#c62828", "#6b7280"


def week(activity: str, odd: tuple[int, int], title: str) -> bytes:
    """A PNG of the week. `activity` has a digit for each hour from Monday 00: days active there.

    `odd` is the weekday (0 is Monday) and the hour that is marked.
    """
    canvas = Canvas(WIDTH, HEIGHT, "#ffffff")
    canvas.label(Label((16, 24), title, 23, _INK, "lm"))
    for hour in range(0, HOURS, 3):
        canvas.label(Label((_x(hour), _TOP - 16), f"{hour:02}", 17, _PALE, "lm"))
    for day, name in enumerate(DAYS):
        canvas.label(Label((16, _y(day) + 16), name, 19, _PALE, "lm"))
        for hour in range(HOURS):
            canvas.box(_cell(day, hour), _shade(int(activity[day * HOURS + hour])))
    left, top, right, bottom = _cell(*odd)
    canvas.box((left - 3, top - 3, right + 3, bottom + 3), _RED)
    mark = f"{DAYS[odd[0]]} {odd[1]:02}:00"
    side = (left - 10, "rm") if odd[1] > HOURS / 2 else (right + 10, "lm")
    canvas.label(Label((side[0], (top + bottom) / 2), mark, 21, _RED, side[1], "#ffffff"))
    return canvas.png()


def _shade(days: int) -> str:
    return _SHADES[sum(days >= step for step in _STEPS)]


def _cell(day: int, hour: int) -> tuple[float, float, float, float]:
    return _x(hour), _y(day), _x(hour) + _CELL_WIDTH - _GAP, _y(day) + _CELL_HEIGHT - _GAP


def _x(hour: int) -> float:
    return _LEFT + hour * _CELL_WIDTH


def _y(day: int) -> float:
    return _TOP + day * _CELL_HEIGHT
