"""All literals of all rules on one column, looked for in one pass over its values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

import numpy as np
from ahocorasick_rs import BytesAhoCorasick, Implementation

from detector.rulebook.conditions import Kind
from detector.rulebook.views import Rows

# Neither byte occurs in UTF-8, so no text can pretend to be an edge or a missing value.
_EDGE: Final = b"\xff"
_MISSING: Final = b"\xfe"
_FEW: Final = 2_000
"""Literals up to which the fastest and largest kind of automaton is built."""

LITERAL_KINDS: Final = frozenset({Kind.EQUALS, Kind.CONTAINS, Kind.STARTS, Kind.ENDS})


def pattern(kind: Kind, word: str) -> bytes:
    r"""The bytes that are there if, and only if, a text answers a literal test.

    >>> pattern(Kind.STARTS, "ab")
    b'\xffab'
    """
    start = _EDGE if kind in {Kind.EQUALS, Kind.STARTS} else b""
    end = _EDGE if kind in {Kind.EQUALS, Kind.ENDS} else b""
    return start + word.encode("utf-8", "replace") + end


class LiteralIndex:
    """An automaton of the patterns; it is built once, and asked for every page."""

    def __init__(self, patterns: Sequence[bytes]) -> None:
        kind = Implementation.DFA if len(patterns) <= _FEW else Implementation.ContiguousNFA
        self._automaton = BytesAhoCorasick(patterns, implementation=kind)

    def find(self, values: Sequence[str | None]) -> Iterator[tuple[int, Rows]]:
        """Each pattern (by number) that any value has, with the places of those values."""
        encoded = [_MISSING if value is None else value.encode() for value in values]
        text = b"".join((_EDGE, _EDGE.join(encoded), _EDGE))
        found = self._automaton.find_matches_as_indexes(text, overlapping=True)
        if not found:
            return
        flat = np.fromiter(chain.from_iterable(found), dtype=np.int64, count=3 * len(found))
        numbers, starts = flat[0::3], flat[1::3]
        sizes = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded)) + 1
        edges = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        places = np.searchsorted(edges, starts, side="right") - 1
        order = np.argsort(numbers, kind="stable")
        numbers, places = numbers[order], places[order]
        cuts = np.flatnonzero(np.diff(numbers)) + 1
        firsts = numbers[np.concatenate(([0], cuts))]
        yield from zip(firsts.tolist(), np.split(places, cuts), strict=True)
