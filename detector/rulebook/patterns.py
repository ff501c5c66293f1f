"""What is looked for in the values of columns once for all rules: literals, gaps, some tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeVar

import numpy as np

from detector.rulebook.conditions import Test
from detector.rulebook.literals import LiteralIndex
from detector.rulebook.marks import Column
from detector.rulebook.predicates import predicate

Index = tuple[str, bool]
"""A column, and whether its texts are compared with case."""
K = TypeVar("K")
_LONG: Final = 12
_TEST: Final = 4
"""Letters of a literal that is found as often as a regular expression may be."""


class Patterns:
    """Patterns by number: the same one for the same question."""

    def __init__(self) -> None:
        self._literals: dict[Index, dict[bytes, int]] = {}
        self._missing: dict[str, int] = {}
        self._tests: dict[str, dict[Test, int]] = {}
        self._lengths: list[int] = []

    def __len__(self) -> int:
        return len(self._lengths)

    def literal(self, index: Index, text: bytes) -> int:
        """The pattern of a literal."""
        return self._number(self._literals.setdefault(index, {}), text, len(text))

    def missing(self, column: str) -> int:
        """The pattern of what has no value in a column."""
        return self._number(self._missing, column, 0)

    def test(self, test: Test) -> int:
        """The pattern of texts for which a test holds."""
        return self._number(self._tests.setdefault(test.column, {}), test, _TEST)

    def commonness(self, numbers: frozenset[int]) -> float:
        """How often one of the patterns may be found: short ones often."""
        return sum(3.0 ** -min(self._lengths[number], _LONG) for number in numbers)

    def columns(self) -> Iterator[Column]:
        """The columns in which any pattern may be."""
        named = [*self._missing, *self._tests, *(name for name, _ in self._literals)]
        for name in dict.fromkeys(named):
            indexes = [
                (LiteralIndex(list(found), cased=cased), np.array(list(found.values())))
                for (column, cased), found in self._literals.items()
                if column == name
            ]
            tests = [
                (number, predicate(test)) for test, number in self._tests.get(name, {}).items()
            ]
            yield Column(name, tuple(indexes), tuple(tests), self._missing.get(name))

    def _number(self, known: dict[K, int], key: K, length: int) -> int:
        number = known.setdefault(key, len(self))
        if number == len(self):
            self._lengths.append(length)
        return number
