"""Truth tables: what rules ask of columns of few words is answered once, when they load.

Most conditions only compare the action and the object type with words. Every pair of words
that rules know is a cell; a row's answers are then one look-up for all rules together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from detector.rulebook.conditions import And, Condition, Constant, Kind, Not, Or, tests
from detector.rulebook.expressions import expression, folded, lowered

CODED: Final = ("event.action", "object.type", "event.category", "event.type")
MOST_CELLS: Final = 100_000
# A word that stands for all that no rule names; texts of events have no such neighbours.
_OTHER: Final = "\0other\0"

Answers = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Table:
    """The parts of conditions that are tabled, and their answers for every cell."""

    parts: tuple[Condition, ...]
    cell: pl.Expr
    cells: Answers

    def answers(self, frame: pl.DataFrame) -> Answers:
        """One line for each part, one column for each row of `frame` (with lower-cased copies)."""
        places = frame.lazy().select(self.cell).collect(engine="in-memory").to_series()
        return np.take(self.cells, places.to_numpy(), axis=1)


def is_tabled(condition: Condition) -> bool:
    """True if a condition only compares coded columns with words."""
    return not isinstance(condition, Constant) and all(
        test.kind is Kind.EQUALS and not test.cased and test.column in CODED
        for test in tests(condition)
    )


def grouped(condition: Condition) -> Condition:
    """The same condition, with the parts of each group that can be tabled put together."""
    if is_tabled(condition):
        return condition
    match condition:
        case Not(part):
            return Not(grouped(part))
        case And(parts):
            return And(_together(parts, And))
        case Or(parts):
            return Or(_together(parts, Or))
    return condition


def _together(parts: tuple[Condition, ...], group: type[And] | type[Or]) -> tuple[Condition, ...]:
    tabled = tuple(part for part in parts if is_tabled(part))
    rest = tuple(grouped(part) for part in parts if not is_tabled(part))
    return (group(tabled), *rest) if len(tabled) > 1 else (*tabled, *rest)


def tabled_parts(condition: Condition) -> Iterator[Condition]:
    """The parts of a grouped condition that a table answers."""
    if is_tabled(condition):
        yield condition
        return
    match condition:
        case Not(part):
            yield from tabled_parts(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from tabled_parts(part)


def table_of(conditions: Iterable[Condition]) -> Table | None:
    """The table of all that grouped conditions ask of coded columns; null if it is too large."""
    parts = tuple(
        dict.fromkeys(part for condition in conditions for part in tabled_parts(condition))
    )
    words: dict[str, dict[str, None]] = {}
    for part in parts:
        for test in tests(part):
            words.setdefault(test.column, {}).update(dict.fromkeys(map(str, folded(test))))
    size = reduce(lambda cells, known: cells * (len(known) + 1), words.values(), 1)
    if not parts or size > MOST_CELLS:
        return None
    return Table(parts, _cell(words), _cells(parts, words))


def _cell(words: dict[str, dict[str, None]]) -> pl.Expr:
    """The number of a row's cell: its words as digits, each with `other` as the last."""
    cell = pl.lit(0, dtype=pl.UInt32)
    for column, known in words.items():
        code = pl.col(lowered(column)).cast(pl.Enum(list(known)), strict=False).to_physical()
        cell = cell * (len(known) + 1) + code.cast(pl.UInt32).fill_null(len(known))
    return cell.alias("cell")


def _cells(parts: tuple[Condition, ...], words: dict[str, dict[str, None]]) -> Answers:
    rows = list(product(*([*known, _OTHER] for known in words.values())))
    frame = pl.DataFrame(rows, schema=[lowered(column) for column in words], orient="row")
    answers = frame.select(
        expression(part).fill_null(value=False).alias(str(index))
        for index, part in enumerate(parts)
    )
    return np.ascontiguousarray(answers.to_numpy().astype(np.bool_).T)
