"""The same rules in SQLite by pysigma-backend-sqlite: an engine that nobody here wrote.

It needs the package `pysigma-backend-sqlite`, which the service does not install. It has no column
of lists: a rule that asks for one is not compared. Other known differences: `reasons.MEANING`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from detector.rulebook.bits import Rows
from detector.rulebook.schemas import Schema

_FAILURES: Final = (SigmaError, sqlite3.Error, TypeError, ValueError, AttributeError, LookupError)
_ALL_TEXT: Final = "all_text"


class NotComparable(Exception):
    """The other engine cannot run a rule; the text says why."""


def engine() -> type[Any]:
    """The backend's class. Raises NotComparable if the package is not installed."""
    try:
        from sigma.backends.sqlite.sqlite import sqliteBackend
    except ImportError as error:
        msg = "the other engine is not installed: pip install pysigma-backend-sqlite"
        raise NotComparable(msg) from error
    return sqliteBackend


class SqliteEngine:
    """The events of one schema in a table, and rules as queries on it."""

    def __init__(self, frame: pl.DataFrame, schema: Schema) -> None:
        self._backend = engine()(fulltext_field=_ALL_TEXT)
        self._schema = schema
        plain = [name for name, dtype in schema.dtypes.items() if not isinstance(dtype, pl.List)]
        self._columns = {name: f"c{number}" for number, name in enumerate(plain)}
        self._absent: dict[str, str] = {}
        self._table = sqlite3.connect(":memory:")
        self._table.create_function("regexp", 2, _matches, deterministic=True)
        self._fill(frame, plain)

    def close(self) -> None:
        """Give the memory back."""
        self._table.close()

    def query(self, detection: Mapping[str, Any]) -> str:
        """The WHERE clause of a detection. Raises NotComparable."""
        renamed = {
            name: part if name == "condition" else self._renamed(part)
            for name, part in detection.items()
        }
        text = {"title": "rule", "logsource": {"product": "any"}, "detection": renamed}
        try:
            queries = self._backend.convert_rule(SigmaRule.from_dict(text))
        except _FAILURES as error:
            raise NotComparable(" ".join(str(error).split())) from error
        return " UNION ".join(str(query).replace("SELECT *", "SELECT at", 1) for query in queries)

    def rows(self, query: str) -> Rows:
        """The rows that a query finds, ascending. Raises NotComparable."""
        try:
            found = sorted(row for (row,) in self._table.execute(query))
        except _FAILURES as error:
            raise NotComparable(" ".join(str(error).split())) from error
        return np.array(found, dtype=np.int64)

    def _fill(self, frame: pl.DataFrame, plain: list[str]) -> None:
        kinds = {name: _storage(dtype) for name, dtype in self._schema.dtypes.items()}
        made = [f"{self._columns[name]} {kinds[name]} COLLATE NOCASE" for name in plain]
        names = ", ".join(["at INTEGER", *made, f"{_ALL_TEXT} TEXT"])
        self._table.execute(f"CREATE TABLE logs ({names})")
        columns = [range(frame.height), *(_cells(frame[name]) for name in plain)]
        columns.append(self._texts(frame))
        marks = ", ".join("?" * len(columns))
        self._table.executemany(
            f"INSERT INTO logs VALUES ({marks})",  # noqa: S608
            zip(*columns, strict=True),
        )

    def _texts(self, frame: pl.DataFrame) -> list[str]:
        """All texts of each event, one below the other."""
        parts = [frame[name] for name in self._schema.texts]
        joined = [_joined(row) for row in zip(*(part.to_list() for part in parts), strict=True)]
        return joined if parts else [""] * frame.height

    def _renamed(self, part: Any) -> Any:
        """A selection with columns in place of fields."""
        if isinstance(part, list):
            return [self._renamed(each) for each in part]
        if not isinstance(part, dict):
            return part
        renamed: dict[str, Any] = {}
        for key, value in part.items():
            field, *modifiers = key.split("|")
            name = self._column(field) if field else ""
            inner = self._others(value) if "fieldref" in modifiers else value
            new = "|".join((name, *modifiers))
            if new in renamed:
                raise NotComparable(f"two names of one field: {field}")
            renamed[new] = inner
        return renamed

    def _others(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._column(str(each)) for each in value]
        return self._column(str(value))

    def _column(self, field: str) -> str:
        column = self._schema.column(field)
        if column is None:
            return self._empty(field)
        if column not in self._columns:
            raise NotComparable(f"{field} is a list")
        return self._columns[column]

    def _empty(self, field: str) -> str:
        """A column without values, for a field that no event has."""
        if field not in self._absent:
            name = self._absent[field] = f"absent{len(self._absent)}"
            self._table.execute(f"ALTER TABLE logs ADD COLUMN {name} TEXT")
        return self._absent[field]


def _matches(pattern: str, text: object) -> bool:
    return text is not None and re.search(pattern, str(text)) is not None


def _storage(dtype: pl.DataType) -> str:
    return "INTEGER" if dtype.is_integer() else "REAL" if dtype.is_float() else "TEXT"


def _cells(series: pl.Series) -> Iterable[Any]:
    # Python's sqlite3 would store True as 1, which no rule that says 'true' finds.
    return series.to_list() if series.dtype.is_numeric() else series.cast(pl.String).to_list()


def _joined(row: Iterable[Any]) -> str:
    texts = [each for each in row if each is not None]
    flat = [one for each in texts for one in (each if isinstance(each, list) else [each])]
    words = [str(each).lower() if isinstance(each, bool) else str(each) for each in flat]
    return "\n".join(words)
