"""Pages are read by day and by night: every text stands out from what is behind it (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

import detector.reviews

PAGE: Final = (Path(detector.reviews.__file__).parent / "page.html.j2").read_text("utf-8")
LEAST: Final = 4.5
"""Contrast that normal text must have, level AA."""
BEHIND: Final = ("ground", "card")


def luminance(color: str) -> float:
    """The relative luminance of `#rrggbb` as WCAG defines it."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """1 for the same color, 21 for black on white."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_of_a_report_can_be_read(scheme: int) -> None:
    roots = re.findall(r":root \{(.*?)\}", PAGE, re.DOTALL)
    colors = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", roots[scheme]))
    texts = set(re.findall(r"(?<![-\w])color: var\(--(\w+)\)", PAGE))
    texts |= set(re.findall(r"\.scale \{ fill: var\(--(\w+)\)", PAGE))
    assert texts >= {"ink", "quiet"}
    for text in texts:
        for behind in BEHIND:
            assert contrast(colors[text], colors[behind]) >= LEAST, (text, behind)
