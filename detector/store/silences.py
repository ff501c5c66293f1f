"""Silences in the store: those that hold, those that ended, and what they would hide."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from detector import workhours
from detector.delivery.journal import How
from detector.delivery.silences import Silence, matcher
from detector.store.database import Database

_COLUMNS = "id, author, reason, matchers, starts, until, how"


@dataclass(frozen=True, slots=True)
class Kept:
    """A silence as it is stored: when it ended before its time or in it, and what it hid."""

    silence: Silence
    ended: datetime | None
    hidden: int


class Shelf:
    """The silences, to be changed within one transaction and at one time of day."""

    def __init__(self, sql: sqlite3.Connection, now: datetime) -> None:
        self._sql, self._now = sql, now

    def add(self, silence: Silence) -> bool:
        """Keep a silence; false if it is there already."""
        span = (workhours.microseconds(silence.starts), workhours.microseconds(silence.until))
        matchers = json.dumps([str(each) for each in silence.matchers])
        row = (silence.id, silence.author, silence.reason, matchers, *span, silence.how)
        done = self._sql.execute(
            "INSERT OR IGNORE INTO silence VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", row
        )
        return done.rowcount == 1

    def end(self, silence: Silence) -> None:
        """Let a silence hold nothing back from now on."""
        row = (workhours.microseconds(self._now), silence.id)
        self._sql.execute("UPDATE silence SET ended = ? WHERE id = ? AND ended IS NULL", row)

    def idle_since(self, silence: Silence) -> datetime:
        """Since when it has held nothing back: its start, its making, or the last time it did."""
        query = (
            "SELECT max(COALESCE((SELECT max(last) FROM decision WHERE reason = 'silenced' "
            "AND detail = ?1), ?2), COALESCE((SELECT min(at) FROM journal WHERE about = ?1), ?2))"
        )
        starts = workhours.microseconds(silence.starts)
        return workhours.instant(self._sql.execute(query, (silence.id, starts)).fetchone()[0])

    def unended(self) -> list[Silence]:
        """The silences that nobody has ended, their time over or not, oldest first."""
        query = f"SELECT {_COLUMNS} FROM silence WHERE ended IS NULL ORDER BY starts, id"  # noqa: S608
        return [_silence(row) for row in self._sql.execute(query)]


class Silences:
    """All silences of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def kept(self) -> list[Kept]:
        """All that there ever were, the newest last."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS}, ended, (SELECT count(*) FROM decision d WHERE "  # noqa: S608
            "d.reason = 'silenced' AND d.detail = s.id) FROM silence s ORDER BY starts, id"
        )
        return [
            Kept(_silence(row[:7]), workhours.instant(row[7]) if row[7] else None, row[8])
            for row in rows
        ]


def _silence(row: tuple[str, str, str, str, int, int, str]) -> Silence:
    identity, author, reason, matchers, starts, until, how = row
    read = tuple(matcher(text) for text in json.loads(matchers))
    span = (workhours.instant(starts), workhours.instant(until))
    return Silence(identity, author, reason, read, *span, How(how))
