"""The lists of what to rotate, as they are stored: for each incident its items, made from the log."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
import polars as pl

from detector import events, workhours
from detector.delivery import exposures
from detector.delivery.exposures import Exposed, Rotation, Suspects
from detector.findings import Level
from detector.store.casebook import ALERT, read_alert
from detector.store.database import Database
from detector.store.log import Log

COLUMNS: Final = (
    "event.seq", "event.time", "event.feed", "event.action", "object.type", "object.id",
    "person", "source.ip", "session.id", "vault.id", "item.id",
)  # fmt: skip
MOST_WATCHED: Final = 500
"""Incidents of an account whose lists are kept up to date, the worst and newest."""
_WATCHED: Final = """
    SELECT a.incident_id FROM alert a LEFT JOIN exposing e ON e.incident_id = a.incident_id
    WHERE a.account = ? AND a.status IN ('open', 'acknowledged', 'snoozed') AND a.rank >= ?
    AND a.time >= ? AND a.incident_id IS NOT NULL AND (e.upto IS NULL OR e.upto < ?)
    GROUP BY a.incident_id ORDER BY max(a.rank) DESC, max(a.time) DESC LIMIT ?
"""
_TELLS: Final = (
    (pl.col("event.feed") == events.USAGE)
    & pl.col("event.action").cast(pl.String).is_in(list(exposures.DEEDS))
) | (
    (pl.col("event.feed") == events.AUDIT)
    & (pl.col("event.action").cast(pl.String) == exposures.WHOLE_VAULT[0])
    & (pl.col("object.type").cast(pl.String) == exposures.WHOLE_VAULT[1])
)
_NAMES: Final = ("person", "source.ip", "session.id")
_Row = dict[str, Any]
_ByKey = defaultdict[tuple[str, str | None], list[_Row]]
_Key = tuple[bool, str, str, str]


@dataclass(frozen=True, slots=True)
class Watch:
    """One incident whose list is kept up to date: for whom, and from which entry of the log on."""

    incident_id: str
    suspects: tuple[Suspects, ...]
    after: int

    @property
    def since(self) -> datetime:
        """The earliest time that matters."""
        return min(each.since for each in self.suspects)


@dataclass(frozen=True, slots=True)
class Grown:
    """An incident whose list has more in it than before: numbers of items and what was done to each."""

    incident_id: str
    before: int
    after: int


class Exposures:
    """The lists of all incidents of one store."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database, self._log = database, log

    def follow(self, account: str, upto: int, now: datetime) -> list[Grown]:
        """Bring the lists of an account up to an entry of its log; what grew."""
        watches = self._watches(account, upto, now)
        told = [each for each in watches if each.suspects]
        rows = self._rows(account, told, upto)
        if not watches:
            return []
        with self._database.transaction() as sql:
            kept = [_keep(sql, watch, rows, upto) for watch in watches]
        return [each for each in kept if each.after > each.before]

    def of(self, incident_id: str, *, most: int | None = None) -> Rotation:
        """The list of one incident; with `most` only its first entries."""
        return read(self._database, incident_id, most)

    def _watches(self, account: str, upto: int, now: datetime) -> list[Watch]:
        newest = workhours.microseconds(now - exposures.LONGEST)
        rows = self._database.rows(_WATCHED, account, Level.MEDIUM.rank, newest, upto, MOST_WATCHED)
        return [self._watch(name) for (name,) in rows]

    def _watch(self, incident_id: str) -> Watch:
        """From where to go on; from the beginning, if others are suspected than before.

        Who was once suspected stays so: evidence moves on to a newer address.
        """
        query = f"SELECT {ALERT} FROM alert WHERE incident_id = ?"  # noqa: S608
        alerts = [read_alert(*row) for row in self._database.rows(query, incident_id)]
        query = "SELECT suspects, upto FROM exposing WHERE incident_id = ?"
        rows = self._database.rows(query, incident_id)
        before = msgspec.json.decode(rows[0][0], type=tuple[Suspects, ...]) if rows else ()
        now = exposures.together([*before, *(exposures.suspects(each) for each in alerts)])
        return Watch(incident_id, now, rows[0][1] if rows and now == before else 0)

    def _rows(self, account: str, watches: Sequence[Watch], upto: int) -> _ByKey:
        """What was taken from vaults by anybody whom a watch may mean, by what names them."""
        found: _ByKey = defaultdict(list)
        if not watches:
            return found
        since, after = min(each.since for each in watches), min(each.after for each in watches)
        each = [one for watch in watches for one in watch.suspects]
        theirs = (
            _among("person", (one.person for one in each))
            | _among("source.ip", (one.address for one in each if one.person is None))
            | _among("session.id", (one.session for one in each))
        )
        parts = self._log.columns(account, COLUMNS, since=since, upto=upto, after=after)
        for part in parts:
            taken = part.filter(_TELLS & theirs & (pl.col("event.time") >= since))
            for row in taken.iter_rows(named=True):
                for name in _NAMES:
                    found[name, row[name]].append(row)
        return found


def read(database: Database, incident_id: str, most: int | None = None) -> Rotation:
    """The list of one incident: whole vaults first, then by vault and time; with `most` its head."""
    where = "FROM exposure WHERE incident_id = ?1 AND certain"
    rows = database.rows(
        f"SELECT vault, item, group_concat(deed, ' '), min(first), max(last), sum(times) {where} "
        "GROUP BY vault, item ORDER BY item != '', vault, min(first), item LIMIT ?2",
        incident_id,
        -1 if most is None else most,
    )
    counts = database.rows(
        "SELECT count(DISTINCT iif(certain AND item = '', vault, NULL)), "
        "count(DISTINCT iif(certain AND item != '', vault || ' ' || item, NULL)), "
        "count(DISTINCT iif(certain, NULL, vault || ' ' || item)), min(first) "
        "FROM exposure WHERE incident_id = ?",
        incident_id,
    )
    vaults, items, elsewhere, since = counts[0]
    entries = tuple(_exposed(*row) for row in rows)
    first = workhours.instant(since) if since is not None else None
    return Rotation(entries, vaults, items, elsewhere, first)


def _exposed(vault: str, item: str, deeds: str, first: int, last: int, times: int) -> Exposed:  # noqa: PLR0913, PLR0917 - a row
    ordered = tuple(deed for deed in exposures.DEEDS if deed in deeds.split())
    return Exposed(vault, item, ordered, workhours.instant(first), workhours.instant(last), times)


def _keep(sql: sqlite3.Connection, watch: Watch, rows: _ByKey, upto: int) -> Grown:
    """Add what is new to the list of one incident."""
    before = _size(sql, watch.incident_id)
    if not watch.after:
        sql.execute("DELETE FROM exposure WHERE incident_id = ?", (watch.incident_id,))
    found: dict[_Key, list[int]] = defaultdict(list)
    for row in _of(watch, rows):
        sure = exposures.certain(watch.suspects, row)
        if row["event.seq"] > watch.after and sure is not None:
            found[sure, *_place(row)].append(workhours.microseconds(row["event.time"]))
    sql.executemany(
        "INSERT INTO exposure (incident_id, certain, vault, item, deed, first, last, times) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET first = min(first, "
        "excluded.first), last = max(last, excluded.last), times = times + excluded.times",
        [
            (watch.incident_id, *key, min(times), max(times), len(times))
            for key, times in found.items()
        ],
    )
    sql.execute(
        "REPLACE INTO exposing VALUES (?, ?, ?)",
        (watch.incident_id, _encoded(watch.suspects), upto),
    )
    return Grown(watch.incident_id, before, _size(sql, watch.incident_id))


def _of(watch: Watch, rows: _ByKey) -> Iterable[_Row]:
    """The rows that name anybody whom a watch means, each once."""
    keys = {
        key
        for each in watch.suspects
        for key in zip(_NAMES, (each.person, each.address, each.session), strict=True)
        if key[1] is not None
    }
    return {row["event.seq"]: row for key in keys for row in rows.get(key, ())}.values()


def _size(sql: sqlite3.Connection, incident_id: str) -> int:
    query = "SELECT count(*) FROM exposure WHERE incident_id = ? AND certain"
    return int(sql.execute(query, (incident_id,)).fetchone()[0])


def _place(row: _Row) -> tuple[str, str, str]:
    """Vault, item and deed; of a vault that was exported as a whole there is no item."""
    if row["event.feed"] == events.AUDIT:
        return str(row["object.id"] or ""), "", str(row["event.action"])
    return str(row["vault.id"] or ""), str(row["item.id"] or "?"), str(row["event.action"])


def _among(column: str, values: Iterable[str | None]) -> pl.Expr:
    wanted = sorted({each for each in values if each is not None})
    return pl.col(column).cast(pl.String).is_in(wanted).fill_null(value=False)


def _encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()
