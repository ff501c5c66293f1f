"""A line chart as SVG: few numbers, drawn by hand, the same bytes each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from detector.evaluation.figures import Ratio

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 56, 230, 40, 48
_COLOURS: Final = ("#0b5fff", "#d9480f", "#2b8a3e", "#862e9c", "#868e96", "#e67700")
"""Told apart also without the order of hues; the line's name stands beside its end."""
_NEAR: Final = 15
"""Pixels that two names keep between them."""


def shares(title: str, places: Sequence[str], lines: Mapping[str, Sequence[Ratio]]) -> str:
    """Shares from 0 to 100 % at named places; the first line has its interval as a band."""
    parts = [_frame(title, places)]
    first = next(iter(lines.values()))
    if all(each.low is not None for each in first):
        upper = [_point(at, len(places), each.high) for at, each in enumerate(first)]
        lower = [_point(at, len(places), each.low) for at, each in enumerate(first)]
        band = " ".join([*upper, *reversed(lower)])
        parts.append(f'<polygon points="{band}" fill="{_COLOURS[0]}" fill-opacity="0.12"/>')
    beside = _apart([_y(line[-1].value) for line in lines.values()])
    for place, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[place % len(_COLOURS)]
        points = " ".join(_point(at, len(places), each.value) for at, each in enumerate(line))
        x = WIDTH - RIGHT + 10
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
            f'<text x="{x}" y="{beside[place] + 4:.1f}" fill="{colour}">{escape(name)}</text>'
        )
    return _DOCUMENT.format(body="\n".join(parts))


_DOCUMENT: Final = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
    'font-family="sans-serif" font-size="13">\n'
    f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n{{body}}\n</svg>\n'
)


def _frame(title: str, places: Sequence[str]) -> str:
    parts = [f'<text x="{LEFT}" y="22" font-weight="bold" fill="#212529">{escape(title)}</text>']
    for step in range(0, 101, 20):
        y = _y(step / 100)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dee2e6"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#495057">{step} %</text>'
        )
    for at, name in enumerate(places):
        x = _x(at, len(places))
        parts.append(
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle" '
            f'fill="#495057">{escape(name)}</text>'
        )
    return "\n".join(parts)


def _apart(wanted: Sequence[float]) -> list[float]:
    """Places near the wanted ones that do not run into each other, in the given order."""
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    found, last = [0.0] * len(wanted), -float(_NEAR)
    for place in order:
        last = max(wanted[place], last + _NEAR)
        found[place] = last
    return found


def _point(at: int, of: int, value: float | None) -> str:
    return f"{_x(at, of):.1f},{_y(value):.1f}"


def _x(at: int, of: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * at / max(1, of - 1)


def _y(value: float | None) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value or 0.0))
