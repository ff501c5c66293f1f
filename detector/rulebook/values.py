"""Numbers for the values of columns, so that what is known of a value is one look into an array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from detector.rulebook.expressions import quick

Marks = npt.NDArray[np.int32]
"""What is known of values, as numbers that are not negative."""
Codes = npt.NDArray[np.uint32]
Learn = Callable[[int, list[str]], Marks]
"""The marks of new values of a column, which is told by its place."""
_UNKNOWN: Final = -1
_FIRST: Final = 64
"""Values of a column for which there is room at first."""


class Values:
    """The marks of all values that some columns had; those of nothing are given for each."""

    def __init__(self, nothing: Sequence[int]) -> None:
        coded = [pl.Categorical(pl.Categories.random()) for _ in nothing]
        # Polars knows the numbers only as long as there is a column that has them.
        self._anchors = [pl.Series([], dtype=each) for each in coded]
        self._codes = [
            (pl.col(str(at)).cast(pl.String).cast(each).to_physical() + 1).fill_null(0)
            for at, each in enumerate(coded)
        ]
        self._marks = [np.full(_FIRST, _UNKNOWN, dtype=np.int32) for _ in nothing]
        for marks, mark in zip(self._marks, nothing, strict=True):
            marks[0] = mark

    def marks(self, columns: Sequence[pl.Series], learn: Learn) -> Marks:
        """The marks of each row and column."""
        frame = pl.DataFrame([each.alias(str(at)) for at, each in enumerate(columns)])
        marks = np.empty(frame.shape, dtype=np.int32)
        for at, codes in enumerate(quick(frame.lazy().select(self._codes))):
            marks[:, at] = self._of(at, codes.to_numpy(), columns[at], learn)
        return marks

    def _of(self, at: int, codes: Codes, column: pl.Series, learn: Learn) -> Marks:
        # The last place stands for every number beyond: nothing is known of it.
        marks: Marks = self._marks[at].take(codes, mode="clip")
        if marks.min(initial=0) != _UNKNOWN:
            return marks
        fresh = np.flatnonzero(marks == _UNKNOWN)
        numbers = codes[fresh]
        first, last = int(numbers.min()), int(numbers.max())
        where = np.full(last + 1 - first, _UNKNOWN)
        where[numbers - first] = fresh
        new = np.flatnonzero(where != _UNKNOWN)
        known = self._with_room(at, last + 2)
        known[new + first] = learn(at, column[where[new]].cast(pl.String).to_list())
        return known.take(codes)

    def _with_room(self, at: int, count: int) -> Marks:
        """What is known of a column, with places for so many values."""
        known = self._marks[at]
        if count > len(known):
            more = np.full(max(count, 2 * len(known)) - len(known), _UNKNOWN, dtype=np.int32)
            known = self._marks[at] = np.append(known, more)
        return known
