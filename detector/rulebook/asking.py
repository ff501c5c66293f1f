"""Tests of values that no pattern decides, asked only of the rows for which they matter."""

from __future__ import annotations

import numpy as np
import polars as pl
from msgspec.structs import replace

from detector.rulebook import bits
from detector.rulebook.bits import Rows
from detector.rulebook.cells import cells
from detector.rulebook.conditions import ANY_TEXT, FIELD_KINDS, Test
from detector.rulebook.expressions import VALUE, field_expression, quick, value_expression
from detector.rulebook.gates import Asked, Read
from detector.rulebook.predicates import Holds, predicate
from detector.rulebook.schemas import Schema


class Questions:
    """Tests that look at single texts, by the number of their gate, made ready when first asked."""

    def __init__(self) -> None:
        self._ready: dict[int, Holds] = {}

    def get(self, number: int, test: Test) -> Holds:
        """The function for a test."""
        found = self._ready.get(number)
        if found is None:
            found = self._ready[number] = predicate(test)
        return found


class Asker:
    """Asks some rows of a frame; a row is told by its place among `rows`."""

    def __init__(
        self, frame: pl.DataFrame, schema: Schema, rows: Rows, questions: Questions
    ) -> None:
        self._frame = frame
        self._schema = schema
        self._rows = rows
        self._questions = questions
        self._cells: dict[str, tuple[pl.Series, Rows]] = {}
        self._texts: dict[str, list[str]] = {}

    def __call__(self, number: int, gate: Read | Asked, among: int) -> int:
        """The places, among those given, of rows for which the test of a gate holds."""
        places = bits.rows(among)
        if isinstance(gate, Read):
            held = self._by_texts(self._questions.get(number, gate.test), gate.test, places)
        elif gate.test.kind in FIELD_KINDS:
            held = self._by_fields(gate.test, places)
        else:
            held = self._by_values(gate.test, places)
        return bits.of(held)

    def _by_texts(self, holds: Holds, test: Test, places: Rows) -> Rows:
        """Any text of a row answers."""
        values, whose, among = self._cells_of(test.column, places)
        if test.column not in self._texts:
            self._texts[test.column] = values.cast(pl.String).to_list()
        texts = self._texts[test.column]
        return whose[[cell for cell in among.tolist() if holds(texts[cell])]]

    def _by_values(self, test: Test, places: Rows) -> Rows:
        """Any value of a row answers."""
        values, whose, among = self._cells_of(test.column, places)
        asked = value_expression(test, values.dtype).fill_null(value=False)
        steps = pl.DataFrame([values[among].alias(VALUE)]).lazy().select(asked)
        held: Rows = whose[among[quick(steps).to_series().to_numpy()]]
        return held

    def _cells_of(self, column: str, places: Rows) -> tuple[pl.Series, Rows, Rows]:
        """The values of a column in all rows, the place of each, and those that are asked."""
        if column not in self._cells:
            names = self._schema.texts if column == ANY_TEXT else (column,)
            frame = pl.DataFrame([self._frame[name][self._rows] for name in names])
            self._cells[column] = cells(frame, column, self._schema)
        values, whose = self._cells[column]
        asked = np.zeros(len(self._rows), dtype=np.bool_)
        asked[places] = True
        return values, whose, np.flatnonzero(asked[whose])

    def _by_fields(self, test: Test, places: Rows) -> Rows:
        """A test against other fields, with each value of a list taken for itself."""
        others = [str(name) for name in test.literals]
        names = list(dict.fromkeys((test.column, *others)))
        rows = self._rows[places]
        # Names of columns that look like patterns would mean others to polars.
        plain = {name: f"field{at}" for at, name in enumerate(names)}
        frame = pl.DataFrame([self._frame[name][rows].alias(new) for name, new in plain.items()])
        frame = frame.with_row_index("row")
        for name in plain.values():
            if isinstance(frame[name].dtype, pl.List):
                frame = frame.explode(name)
        texts = [pl.col(name).cast(pl.String) for name in plain.values()]
        if not test.cased:
            texts = [text.str.to_lowercase() for text in texts]
        asked = replace(
            test, column=plain[test.column], literals=tuple(plain[name] for name in others)
        )
        steps = frame.lazy().with_columns(texts)
        steps = steps.filter(field_expression(asked).fill_null(value=False)).select("row")
        held: Rows = places[np.unique(quick(steps).to_series().to_numpy())]
        return held
