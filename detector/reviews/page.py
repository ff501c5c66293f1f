"""A review as one HTML page: charts drawn as SVG, nothing loaded from anywhere, no script.

Every text in it may have been written by an attacker: it is cleaned, defanged and escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import jinja2
from markupsafe import Markup

from detector import rungs
from detector.findings import LEVELS, Level
from detector.rendering.text import clean, defang
from detector.reviews.figures import Review

TEMPLATE: Final = "page.html.j2"
WIDTH: Final = 960.0
"""Of a chart in its own units; on the page it is as wide as there is room."""
NARROW: Final = 300.0
"""The same on a phone, where the words of the wide one would be too small to read."""
HEIGHT: Final = 180.0
LINE_WIDTH: Final = 220.0
LINE_HEIGHT: Final = 22.0
_STEPS: Final = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of a chart, and what it says when it is pointed at."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    says: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across a chart, or a word under it."""

    at: float
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars along days, with what stands beside and below them."""

    width: float
    height: float
    bars: Sequence[Bar]
    rows: Sequence[Mark] = ()
    days: Sequence[Mark] = ()


def page(found: Review, *, title: str, made: str) -> str:
    """The page. `title` says what was replayed, `made` when and by what."""
    context: dict[str, Any] = {
        "title": title,
        "made": made,
        "found": found,
        "levels": list(reversed(LEVELS)),
        "alerts": _both(found.days, found.by_day),
        "events": _both(found.days, {"events": found.events_by_day}),
        "lines": {each.rule.id: small(found.days, each.by_day, each.level) for each in found.rules},
        "said": {rung: rungs.said(rung) for rung in found.held},
        "most_held": max(found.held.values(), default=1),
    }
    return _environment().get_template(TEMPLATE).render(context)


def _both(days: Sequence[date], counts: Mapping[Any, Sequence[int]]) -> dict[str, Chart]:
    """The chart for a broad page and for a narrow one; the page shows the one that fits."""
    return {"broad": stacked(days, counts), "narrow": stacked(days, counts, NARROW)}


def stacked(
    days: Sequence[date], counts: Mapping[Any, Sequence[int]], width: float = WIDTH
) -> Chart:
    """A chart of days on which the counts of several kinds stand on each other."""
    totals = [sum(each) for each in zip(*counts.values(), strict=True)]
    step, most = scale(max(totals, default=0))
    slot = width / max(1, len(days))
    bars = []
    for at, day in enumerate(days):
        base = 0
        for kind in counts:
            count = counts[kind][at]
            if count:
                height, below = count / most * HEIGHT, base / most * HEIGHT
                bars.append(
                    Bar(
                        at * slot, HEIGHT - below - height, max(1.0, slot - min(2.0, slot / 5)),
                        height, str(kind), f"{day:%a %Y-%m-%d}: {count:,} {kind}",
                    )
                )  # fmt: skip
            base += count
    rows = [Mark(HEIGHT - at / most * HEIGHT, f"{at:,}") for at in range(0, most + 1, step)]
    return Chart(width, HEIGHT, bars, rows, _named(days, slot))


def small(days: Sequence[date], counts: Sequence[int], level: Level) -> Chart:
    """A chart for one line of a table."""
    slot, most = LINE_WIDTH / max(1, len(days)), max(counts, default=1) or 1
    bars = [
        Bar(
            at * slot, LINE_HEIGHT - count / most * LINE_HEIGHT, max(0.6, slot * 0.8),
            count / most * LINE_HEIGHT, level, f"{day:%a %Y-%m-%d}: {count:,}",
        )
        for at, (day, count) in enumerate(zip(days, counts, strict=True))
        if count
    ]  # fmt: skip
    return Chart(LINE_WIDTH, LINE_HEIGHT, bars)


def scale(most: int) -> tuple[int, int]:
    """The distance of the lines across a chart, a round number, and where the highest is.

    >>> scale(7), scale(93), scale(0)
    ((2, 8), (20, 100), (1, 1))
    """
    step, size = 1, 1
    while step * 5 < most:
        step = next((size * each for each in _STEPS if size * each > step), size * 10)
        size = size * 10 if step == size * 10 else size
    return step, max(1, -(-most // step)) * step


def _named(days: Sequence[date], slot: float) -> list[Mark]:
    """The days whose names have room under a chart."""
    every = max(1, int(90 / slot))
    return [Mark(at * slot, f"{days[at]:%d %b}") for at in range(0, len(days), every)]


def _environment() -> jinja2.Environment:
    def harmless(value: object) -> object:
        is_text = isinstance(value, str) and not isinstance(value, Markup)
        return defang(clean(value)) if is_text else value

    return jinja2.Environment(
        loader=jinja2.PackageLoader("detector.reviews", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
