"""Which patterns the rows of a page have in a column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from detector.rulebook.bits import Rows
from detector.rulebook.cells import cells
from detector.rulebook.conditions import ANY_TEXT
from detector.rulebook.groups import numbered
from detector.rulebook.literals import LiteralIndex
from detector.rulebook.memories import Memory
from detector.rulebook.predicates import Holds
from detector.rulebook.schemas import Schema
from detector.rulebook.values import Marks

_PLACE: Final = 32
_REST: Final = 2**_PLACE - 1


@dataclass(frozen=True, slots=True)
class Column:
    """A column of which rules ask for patterns; `missing` is the one of having no value."""

    name: str
    indexes: tuple[tuple[LiteralIndex, Rows], ...]
    """Each with the pattern that stands behind each of its numbers."""
    tests: tuple[tuple[int, Holds], ...]
    """Patterns that are no literals."""
    missing: int | None

    def nothing(self, memory: Memory) -> int:
        """The marks of having no value."""
        return 0 if self.missing is None else memory.marks(np.array([self.missing]))

    def learned(self, texts: Sequence[str], memory: Memory) -> Marks:
        """The marks of new values."""
        memory.grow(texts)
        marks = np.zeros(len(texts), dtype=np.int32)
        places, numbers = numbered(*self._found(texts), memory.marks)
        marks[places] = numbers
        return marks

    def _found(self, texts: Sequence[str]) -> tuple[Rows, Rows]:
        """The places of texts and, for each, the patterns that it has; both in order."""
        pairs = []
        for index, behind in self.indexes:
            places, numbers = index.find(texts)
            pairs.append(places << _PLACE | behind[numbers])
        for number, holds in self.tests:
            held = [place << _PLACE | number for place, text in enumerate(texts) if holds(text)]
            pairs.append(np.array(held, dtype=np.int64))
        return _in_order(np.concatenate(pairs))


class Marker:
    """Tells the marks of the rows of a page, in all columns."""

    def __init__(self, columns: Iterable[Column], schema: Schema) -> None:
        self._schema = schema
        self._single: list[Column] = []
        self._others: list[Column] = []
        for each in columns:
            many = each.name == ANY_TEXT or isinstance(schema.dtypes[each.name], pl.List)
            looked = each.indexes or each.tests
            (self._single if looked and not many else self._others).append(each)

    def marks(self, page: pl.DataFrame, memory: Memory) -> Marks:
        """The marks of each row and column."""
        others = [self._by_cells(each, page, memory) for each in self._others]
        parts = [np.array(others, dtype=np.int32).T] if others else []
        if self._single:
            known = memory.values([each.nothing(memory) for each in self._single])
            columns = [page[each.name] for each in self._single]
            parts.append(
                known.marks(columns, lambda at, new: self._single[at].learned(new, memory))
            )
        return np.hstack(parts) if parts else np.zeros((page.height, 1), dtype=np.int32)

    def _by_cells(self, column: Column, page: pl.DataFrame, memory: Memory) -> Marks:
        """The marks of a column in which a row may have several values: those of all."""
        marks = np.full(page.height, column.nothing(memory), dtype=np.int32)
        values, rows = cells(page, column.name, self._schema)
        marks[rows] = 0
        if not (column.indexes or column.tests):
            return marks
        known = memory.values([0], of=column.name)
        found = known.marks([values], lambda _, new: column.learned(new, memory)).ravel()
        told = np.flatnonzero(found)
        both = _in_order(rows[told] << _PLACE | found[told])
        places, together = numbered(*both, memory.together)
        marks[places] = together
        return marks


def _in_order(pairs: Rows) -> tuple[Rows, Rows]:
    """Pairs of a place and a member in order, each once."""
    both = np.sort(pairs)
    both = both[np.diff(both, prepend=-1) != 0]
    return both >> _PLACE, both & _REST
