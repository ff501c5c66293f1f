"""All literals of all rules on one column, looked for in one pass over its values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

import numpy as np
from ahocorasick_rs import BytesAhoCorasick, Implementation

from detector.rulebook.conditions import Kind
from detector.rulebook.views import Rows

# What stands around each value, and in place of one that is missing. Literals that hold either
# are not for the index, and values that hold the edge are mended, so no text can pretend.
_EDGE: Final = "\0"
_MISSING: Final = "\x01"
_SHORT: Final = 2
_FEW: Final = 2_000
"""Literals up to which the fastest and largest kind of automaton is built."""


def fits(kind: Kind, word: str) -> bool:
    """True if a literal is for an index: one or two letters would be found almost everywhere."""
    short = kind is Kind.CONTAINS and len(word) <= _SHORT and word.isascii()
    return not short and _EDGE not in word and _MISSING not in word


def pattern(kind: Kind, word: str) -> bytes:
    r"""The bytes that are there if, and only if, a text answers a literal test.

    >>> pattern(Kind.STARTS, "ab")
    b'\x00ab'
    """
    start = _EDGE if kind in {Kind.EQUALS, Kind.STARTS} else ""
    end = _EDGE if kind in {Kind.EQUALS, Kind.ENDS} else ""
    return f"{start}{word}{end}".encode("utf-8", "replace")


class LiteralIndex:
    """An automaton of the patterns; it is built once, and asked for every page."""

    def __init__(self, patterns: Sequence[bytes], *, cased: bool = True) -> None:
        kind = Implementation.DFA if len(patterns) <= _FEW else Implementation.ContiguousNFA
        self._automaton = BytesAhoCorasick(patterns, implementation=kind)
        self._cased = cased

    def find(self, values: Sequence[str | None]) -> Iterator[tuple[int, Rows]]:
        """Each pattern (by number) that any value has, with the places of those values.

        Without `cased` the values are looked at in lower case.
        """
        text, edges = self._joined(values)
        found = self._automaton.find_matches_as_indexes(text, overlapping=True)
        if not found:
            return
        flat = np.fromiter(chain.from_iterable(found), dtype=np.int64, count=3 * len(found))
        numbers, starts = flat[0::3], flat[1::3]
        places = np.searchsorted(edges, starts, side="right") - 1
        order = np.argsort(numbers, kind="stable")
        numbers, places = numbers[order], places[order]
        cuts = np.flatnonzero(np.diff(numbers)) + 1
        firsts = numbers[np.concatenate(([0], cuts))]
        yield from zip(firsts.tolist(), np.split(places, cuts), strict=True)

    def _joined(self, values: Sequence[str | None]) -> tuple[bytes, Rows]:
        """All values as one text, each between two edges; and where the edges are."""
        texts = [_MISSING if value is None else value for value in values]
        joined = _EDGE.join(("", *texts, ""))
        if joined.count(_EDGE) != len(texts) + 1:
            joined = _EDGE.join(("", *(text.replace(_EDGE, _MISSING) for text in texts), ""))
        text = (joined if self._cased else joined.lower()).encode()
        return text, np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == 0)
