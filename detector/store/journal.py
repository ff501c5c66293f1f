"""The journal of delivery in the store: appended, read, and verified."""

from __future__ import annotations

import sqlite3
from typing import Any

from detector import workhours
from detector.delivery import journal
from detector.delivery.journal import Change, How
from detector.store.database import Database

HEAD = "journal_head"
"""The row of `meta` that holds number and seal of the last record."""
COLUMNS = "number, at, about, what, who, how, note, seal"


def append(sql: sqlite3.Connection, change: Change) -> None:
    """Seal a change upon the last one, within the caller's transaction."""
    last = sql.execute("SELECT number, seal FROM journal ORDER BY number DESC LIMIT 1").fetchone()
    number, before = last or (0, journal.FIRST)
    at = workhours.microseconds(change.at)
    fields = (change.about, change.what, change.who, change.how, change.note)
    sealed = journal.seal(before, change)
    row = (number + 1, at, *fields, sealed)
    sql.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    sql.execute("REPLACE INTO meta VALUES (?, ?)", (HEAD, f"{number + 1} {sealed}"))


class Journal:
    """Who changed what, when and how."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, about: str) -> list[Change]:
        """The changes of one alert or silence, oldest first."""
        query = f"SELECT {COLUMNS} FROM journal WHERE about = ? ORDER BY number"  # noqa: S608
        return [record(row)[1] for row in self._database.rows(query, about)]

    def all(self) -> list[tuple[int, Change, str]]:
        """All records: number, change and seal."""
        query = f"SELECT {COLUMNS} FROM journal ORDER BY number"  # noqa: S608
        return [record(row) for row in self._database.rows(query)]

    def broken(self) -> int | None:
        """The number of the first record that is not as it was written, or is gone; null if none."""
        # One question, so that nothing is appended between its two halves.
        rows = self._database.rows(
            f"SELECT m.head, {COLUMNS} FROM (SELECT (SELECT value FROM meta WHERE key = ?) AS head) m "  # noqa: S608
            "LEFT JOIN journal ON TRUE ORDER BY number",
            HEAD,
        )
        records = [record(row[1:]) for row in rows if row[1] is not None]
        return journal.broken(records, _head(rows[0][0]))

    def head(self) -> tuple[int, str]:
        """Number and seal of the last record, as they were noted apart from it."""
        rows = self._database.rows("SELECT value FROM meta WHERE key = ?", HEAD)
        return _head(rows[0][0] if rows else None)


def _head(value: str | None) -> tuple[int, str]:
    number, _, sealed = (value or "0 ").partition(" ")
    return int(number), sealed


def record(row: Any) -> tuple[int, Change, str]:
    """Number, change and seal of a row with these columns."""
    number, at, about, what, who, how, note, seal = row
    return number, Change(workhours.instant(at), about, what, who, How(how), note), seal
