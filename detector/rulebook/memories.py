"""What is remembered of values and rows between pages: it changes no answer, only its price.

Events repeat themselves. A value's marks, the set of all patterns that it has, are a number, and
rows whose columns have the same marks are alike in all that patterns decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.rulebook import bits
from detector.rulebook.bits import Rows
from detector.rulebook.values import Marks, Values

MOST: Final = 2**22
"""Letters that the known values may have together; then all are forgotten."""
_ENTRY: Final = 50
"""Letters that a value weighs beside its own."""
MOST_KINDS: Final = 2**16
"""Kinds of values and of rows that are known; then everything is forgotten."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What patterns decide of a row: rules that match, and rules that ask for more. By place."""

    sure: tuple[int, ...] = ()
    unsure: tuple[int, ...] = ()


class Memory:
    """Sets of patterns (marks) and verdicts, by number; 0 is the empty one of both."""

    def __init__(self) -> None:
        self.verdicts = [Verdict()]
        self._values: dict[str, Values] = {}
        self._weight = 0
        self._sets: list[Rows] = [np.empty(0, dtype=np.int64)]
        self._numbers: dict[bytes, int] = {b"": 0}
        self._joined: dict[bytes, int] = {}
        self._rows: dict[bytes, int] = {}
        self._by_verdict = {Verdict(): 0}

    @property
    def full(self) -> bool:
        """True if it knows too many kinds: time for another."""
        return max(map(len, (self._rows, self._numbers, self._joined))) > MOST_KINDS

    @property
    def rows(self) -> Mapping[bytes, int]:
        """The number of the verdict on rows with these marks."""
        return self._rows

    def values(self, nothing: Sequence[int], of: str = "") -> Values:
        """The known values of the columns that are called so; what a missing one has is given."""
        if self._weight > MOST:
            self._values.clear()
            self._weight = 0
        if of not in self._values:
            self._values[of] = Values(nothing)
        return self._values[of]

    def grow(self, values: Sequence[str]) -> None:
        """Count new values in."""
        self._weight += sum(map(len, values)) + _ENTRY * len(values)

    def marks(self, patterns: Rows) -> int:
        """The marks that are these patterns (ascending)."""
        number = self._numbers.setdefault(patterns.tobytes(), len(self._sets))
        if number == len(self._sets):
            self._sets.append(patterns.copy())
        return number

    def together(self, marks: Rows) -> int:
        """The marks that are all of these."""
        body = marks.tobytes()
        number = self._joined.get(body)
        if number is None:
            patterns = np.unique(np.concatenate([self._sets[each] for each in marks]))
            number = self._joined[body] = self.marks(patterns)
        return number

    def decide(self, row: bytes, verdict: Verdict) -> None:
        """Remember the verdict on all rows with these marks."""
        number = self._by_verdict.setdefault(verdict, len(self.verdicts))
        if number == len(self.verdicts):
            self.verdicts.append(verdict)
        self._rows[row] = number

    def found(self, marks: Marks) -> dict[int, int]:
        """The rows of each pattern, as bits, among rows (times columns) with these marks."""
        found: dict[int, int] = {}
        rows, columns = np.nonzero(marks)
        for number, held in bits.by_key(marks[rows, columns], rows).items():
            for pattern in self._sets[number].tolist():
                found[pattern] = found.get(pattern, 0) | held
        return found
