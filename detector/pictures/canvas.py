"""A drawing surface: shapes with smooth edges, text that always fits, a small PNG.

Shapes are drawn twice as large and then made smaller, which smooths their edges; texts are
drawn afterwards, so that they stay sharp. Colours are few, and the PNG has a palette.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from detector.pictures.sphere import Point

TWICE: Final = 2
COLOURS: Final = 128
"""Fewer turn the red of a mark brown."""


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place; `anchor` as in Pillow, `box` the colour behind it."""

    at: Point
    text: str
    size: int
    colour: str
    anchor: str = "lm"
    box: str = ""


class Canvas:
    """A picture that is being drawn; sizes and places in pixels of the finished picture."""

    def __init__(self, width: int, height: int, background: str) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * TWICE, height * TWICE), background)
        self._draw = ImageDraw.Draw(self._image)
        self._labels: list[Label] = []

    def polygon(self, points: Sequence[float], fill: str, outline: str) -> None:
        """A filled shape, given as x, y, x, y ..."""
        twice = [value * TWICE for value in points]
        self._draw.polygon(twice, fill=fill)
        self._draw.line([*twice, *twice[:2]], fill=outline, width=TWICE)

    def line(self, points: Sequence[Point], colour: str, width: float) -> None:
        """A line through all points."""
        flat = [value * TWICE for point in points for value in point]
        self._draw.line(flat, fill=colour, width=round(width * TWICE), joint="curve")

    def disc(self, at: Point, radius: float, fill: str, outline: str = "") -> None:
        """A disc, with a white or coloured edge if asked for."""
        x, y, r = at[0] * TWICE, at[1] * TWICE, radius * TWICE
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill, outline or None, width=2 * TWICE)

    def box(self, corners: tuple[float, float, float, float], fill: str, outline: str = "") -> None:
        """A rectangle with soft corners: left, top, right, bottom."""
        scaled = tuple(value * TWICE for value in corners)
        self._draw.rounded_rectangle(scaled, 3 * TWICE, fill, outline or None, width=3 * TWICE)

    def label(self, label: Label) -> None:
        """A text on top of everything; moved so far that all of it is seen."""
        text = drawable(label.text)
        if text:
            self._labels.append(
                Label(label.at, text, label.size, label.colour, label.anchor, label.box)
            )

    def png(self) -> bytes:
        """The finished picture."""
        image = self._image.resize((self.width, self.height), Image.Resampling.BOX)
        draw = ImageDraw.Draw(image)
        for label in self._labels:
            self._write(draw, label)
        made = io.BytesIO()
        image.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
            made, "PNG"
        )
        return made.getvalue()

    def _write(self, draw: ImageDraw.ImageDraw, label: Label) -> None:
        font = _font(label.size)
        left, top, right, bottom = draw.textbbox(label.at, label.text, font, label.anchor)
        edge = 8.0
        dx = max(edge - left, 0.0) + min(self.width - edge - right, 0.0)
        dy = max(edge - top, 0.0) + min(self.height - edge - bottom, 0.0)
        if label.box:
            draw.rounded_rectangle(
                (left + dx - 6, top + dy - 4, right + dx + 6, bottom + dy + 4), 4, label.box
            )
        at = (label.at[0] + dx, label.at[1] + dy)
        draw.text(at, label.text, label.colour, font, label.anchor)


def drawable(text: str, *, most: int = 60) -> str:
    """The text in the letters that the built-in font has: without accents, and Latin only.

    >>> drawable("São Paulo"), drawable("東京, Japan"), drawable("Łódź")
    ('Sao Paulo', 'Japan', 'Lodz')
    """
    kept = "".join(_letter(letter) for letter in text[: 4 * most])
    return " ".join(kept.split()).strip(" ,")[:most]


_NEAREST: Final = {
    "Ł": "L", "ł": "l", "Ø": "O", "ø": "o", "Đ": "D", "đ": "d", "ß": "ss", "Æ": "Ae",
    "æ": "ae", "Œ": "Oe", "œ": "oe", "\u0131": "i", "Þ": "Th", "þ": "th", "Ð": "D", "ð": "d",
}  # fmt: skip
"""Letters that are no letter with an accent, and how people write them without a font."""


@cache
def _letter(letter: str) -> str:
    if letter == " " or _has(letter):
        return letter
    if letter in _NEAREST:
        return _NEAREST[letter]
    return "".join(part for part in unicodedata.normalize("NFKD", letter) if _has(part))


@cache
def _has(letter: str) -> bool:
    """Whether the font draws the letter as more than a box."""
    font = _font(20)
    return letter.isprintable() and bytes(font.getmask(letter)) != bytes(font.getmask("\uffff"))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """The font that Pillow carries with it (Aileron, public domain): none need be installed."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
