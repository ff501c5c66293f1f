"""The pages of the reference: sections by their anchors, and links that lead to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

_HEADING: Final = re.compile(r"(#+) (.+)")
_FENCE: Final = "```"


@dataclass(frozen=True)
class Manual:
    """Pages in Markdown by file name. `base` is the address of the folder they are published in."""

    pages: Mapping[str, str]
    base: str

    @cached_property
    def sections(self) -> Mapping[str, str]:
        """The text of every section by page and anchor, as `language.md#level`."""
        return {
            f"{name}#{anchor}": text
            for name, page in self.pages.items()
            for anchor, text in _sections(page)
        }

    @property
    def published(self) -> bool:
        """Whether its links lead somewhere from any machine."""
        return self.base.startswith("http")

    def link(self, about: str) -> str:
        """The address of a section."""
        return f"{self.base.rstrip('/')}/{about}"

    def named(self, name: str) -> str | None:
        """Page and anchor of the first section of that name; null if there is none."""
        wanted = anchor(name)
        return next((each for each in self.sections if each.endswith(f"#{wanted}")), None)


def anchor(heading: str) -> str:
    """The anchor of a heading, as code hosts make it.

    >>> anchor("Names of `other` products")
    'names-of-other-products'
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def short(about: str) -> str:
    """The name of a section, as people call it.

    >>> short("language.md#level")
    'level'
    """
    return about.partition("#")[2]


def _sections(page: str) -> Iterator[tuple[str, str]]:
    """Each heading's anchor, and the lines from it to the next one of its rank or above.

    The title of the page is none.
    """
    lines = page.splitlines()
    headings = list(_headings(lines))
    for at, rank, title in headings:
        ends = (other for other, its_rank, _ in headings if other > at and its_rank <= rank)
        if rank > 1:
            yield anchor(title), "\n".join(lines[at : next(ends, len(lines))]).rstrip()


def _headings(lines: list[str]) -> Iterator[tuple[int, int, str]]:
    """Line, rank and words of each heading; a comment in a block of code is none."""
    code = False
    for at, line in enumerate(lines):
        code ^= line.lstrip().startswith(_FENCE)
        heading = None if code else _HEADING.fullmatch(line)
        if heading:
            yield at, len(heading[1]), heading[2]
