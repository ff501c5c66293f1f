"""All literals of all rules on one column, looked for in one pass over its values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final

import numpy as np
from ahocorasick_rs import BytesAhoCorasick, Implementation

from detector.rulebook.bits import Rows
from detector.rulebook.conditions import Kind, Literal, Test

# What stands around each value, and what stands for it inside of one. Literals that hold either
# are not for the index, so no text can pretend.
_EDGE: Final = "\0"
_MENDED: Final = "\x01"
_SHORT: Final = 2
_FEW: Final = 2_000
"""Literals up to which the fastest and largest kind of automaton is built."""


def folded(test: Test) -> tuple[Literal, ...]:
    """The literals as they are compared: in lower case unless the test minds case."""
    if test.cased or test.kind is Kind.REGEX:
        return test.literals
    return tuple(_folded(literal) for literal in test.literals)


def _folded(literal: Literal) -> Literal:
    if isinstance(literal, str):
        return literal.lower()
    if isinstance(literal, tuple):
        return tuple(part.lower() if isinstance(part, str) else part for part in literal)
    return literal


def fits(kind: Kind, word: str) -> bool:
    """True if a literal is for an index: one or two letters would be found almost everywhere."""
    short = kind is Kind.CONTAINS and len(word) <= _SHORT and word.isascii()
    return not short and _EDGE not in word and _MENDED not in word


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

    def find(self, texts: Sequence[str]) -> tuple[Rows, Rows]:
        """The places of texts and, for each, the number of a pattern that it has.

        Without `cased` the texts are looked at in lower case.
        """
        text, edges = self._joined(texts)
        found = self._automaton.find_matches_as_indexes(text, overlapping=True)
        flat = np.fromiter(chain.from_iterable(found), dtype=np.int64, count=3 * len(found))
        numbers, starts = flat[0::3], flat[1::3]
        return np.searchsorted(edges, starts, side="right") - 1, numbers

    def _joined(self, texts: Sequence[str]) -> tuple[bytes, Rows]:
        """All texts as one, each between two edges; and where the edges are."""
        joined = _EDGE.join(("", *texts, ""))
        if joined.count(_EDGE) != len(texts) + 1:
            joined = _EDGE.join(("", *(text.replace(_EDGE, _MENDED) for text in texts), ""))
        text = (joined if self._cased else joined.lower()).encode()
        return text, np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == 0)
