"""The journal of delivery in the store: appended, read, and verified."""

from __future__ import annotations

import sqlite3
from typing import Any

from detector import workhours
from detector.delivery import journal
from detector.delivery.journal import Change, How
from detector.store.database import Database

COLUMNS = "number, at, about, what, who, how, note, seal"


def append(sql: sqlite3.Connection, change: Change) -> None:
    """Seal a change upon the last one, within the caller's transaction."""
    last = sql.execute("SELECT number, seal FROM journal ORDER BY number DESC LIMIT 1").fetchone()
    number, before = last or (0, journal.FIRST)
    at = workhours.microseconds(change.at)
    fields = (change.about, change.what, change.who, change.how, change.note)
    row = (number + 1, at, *fields, journal.seal(before, change))
    sql.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


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
        """The number of the first record that is not as it was written; null if all are."""
        return journal.broken(self.all())


def record(row: Any) -> tuple[int, Change, str]:
    """Number, change and seal of a row with these columns."""
    number, at, about, what, who, how, note, seal = row
    return number, Change(workhours.instant(at), about, what, who, How(how), note), seal
