"""Forgetting a person on demand: no byte of the data names them afterwards but the tombstone's uuid.

Every event, alert, finding and flawed item of the account goes in which the person's uuid or
e-mail stands, whoever acted; the state is made anew from what is left of the log. The tombstone is
written first: what a crash interrupts is finished at the next start, and a backup that is restored
is made to forget the same people.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from detector import workhours
from detector.store import clearing, compaction, segments
from detector.store.database import Database

Point = Callable[[str], None]
PEOPLE: Final = (("user.id", "user.email"), ("target.id", "target.email"), ("aux.id", "aux.email"))
"""Where a person's uuid and e-mail stand together."""
_SHORT: Final = 10


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A person of an account who was forgotten, and when."""

    account: str
    person: str
    at: datetime


def people(database: Database, account: str, asked: str) -> list[str]:
    """The uuids of the people whose uuid or e-mail is `asked`, by the stored events."""
    found: set[str] = set()
    for frame in _frames(database, account):
        for uuid, email in PEOPLE:
            named = (pl.col(uuid) == asked) | (pl.col(email).str.to_lowercase() == asked.lower())
            found |= set(frame.filter(named)[uuid].drop_nulls())
    return sorted(found)


def begin(database: Database, account: str, person: str, at: datetime) -> None:
    """Write the tombstone; from here on the person will be forgotten, also after a crash."""
    with database.transaction() as sql:
        sql.execute(
            "INSERT INTO forgotten VALUES (?, ?, ?, '[]', x'', 0) ON CONFLICT (account, person) "
            "DO UPDATE SET at = excluded.at, done = 0",
            (account, person, workhours.microseconds(at)),
        )


def finish(database: Database, point: Point) -> int:
    """Do what the tombstones demand that are not done; how many events went."""
    waiting = database.rows("SELECT account, person, at FROM forgotten WHERE NOT done")
    gone = 0
    for account, person, at in waiting:
        names = _noted_names(database, account, person)
        with database.transaction() as sql:
            clearing.clear(sql, account, names, workhours.instant(at))
        point("after_clearing")
        for (lo_seq,) in database.rows(
            "SELECT lo_seq FROM segment WHERE account = ? ORDER BY lo_seq", account
        ):
            gone += _rewrite(database, (account, lo_seq), person, names)
            point("after_rewrite")
    if waiting:
        with database.transaction() as sql:
            sql.execute("UPDATE forgotten SET names = '[]'")
        point("before_vacuum")
        database.vacuum()
        with database.transaction() as sql:
            sql.execute("UPDATE forgotten SET done = 1")
    return gone


def tombstones(database: Database) -> list[Tombstone]:
    """Everybody who was forgotten."""
    rows = database.rows("SELECT account, person, at FROM forgotten ORDER BY account, person")
    return [Tombstone(account, person, workhours.instant(at)) for account, person, at in rows]


def _frames(database: Database, account: str) -> list[pl.DataFrame]:
    """Who is named in each segment."""
    columns = [name for pair in PEOPLE for name in pair]
    rows = database.rows(
        "SELECT data, file FROM segment WHERE account = ? ORDER BY lo_seq", account
    )
    return [
        segments.unpack(data, columns)
        if file is None
        else segments.read(database.directory / file, columns)
        for data, file in rows
    ]


def _noted_names(database: Database, account: str, person: str) -> list[str]:
    """The person's names, noted until all is done: a crash must not lose those that went first."""
    query = "SELECT names FROM forgotten WHERE account = ? AND person = ?"
    noted: list[str] = json.loads(database.rows(query, account, person)[0][0])
    if noted:
        return noted
    names = _names(database, account, person)
    with database.transaction() as sql:
        sql.execute(
            "UPDATE forgotten SET names = ? WHERE account = ? AND person = ?",
            (json.dumps(names), account, person),
        )
    return names


def _names(database: Database, account: str, person: str) -> list[str]:
    """The uuid and every e-mail that ever stood beside it, as JSON has them.

    A short one only as a whole string, or it would be found in the middle of others.
    """
    found = {person}
    for frame in _frames(database, account):
        for uuid, email in PEOPLE:
            found |= set(frame.filter(pl.col(uuid) == person)[email].drop_nulls())
    found |= {name.lower() for name in found if "@" in name}
    quoted = {
        json.dumps(name, ensure_ascii=bare) for name in found if name for bare in (True, False)
    }
    return sorted(name if len(name) < _SHORT else name[1:-1] for name in quoted)


def _rewrite(database: Database, place: tuple[str, int], person: str, names: Sequence[str]) -> int:
    """Write a segment anew without the person's events; how many they were."""
    query = "SELECT data, file FROM segment WHERE account = ? AND lo_seq = ?"
    data, file = database.rows(query, *place)[0]
    whole = segments.read(database.directory / file) if file else segments.unpack(data)
    named = pl.any_horizontal(
        *(pl.col(uuid).eq_missing(person) for uuid, _ in PEOPLE),
        *(pl.col(segments.RAW).bin.contains(name.encode()) for name in names),
    )
    gone, rest = whole.filter(named), whole.filter(~named)
    if not gone.height:
        return 0
    account, lo_seq = place
    name = sha256 = None
    if file and rest.height:
        name = segments.name(account, lo_seq, _generation(file) + 1)
        sha256 = compaction.put(database.directory, name, [rest])
    packed = None if name else segments.repack(rest)
    with database.transaction() as sql:
        _remember_keys(sql, (account, person), gone)
        sql.execute(
            "UPDATE segment SET events = ?, forgotten = forgotten + ?, data = ?, file = ?, "
            "sha256 = ? WHERE account = ? AND lo_seq = ?",
            (rest.height, gone.height, packed, name, sha256, *place),
        )
    if file:
        (database.directory / file).unlink(missing_ok=True)
    return gone.height


def _generation(file: str) -> int:
    _, _, number = file.rpartition("/")[2].removesuffix(".parquet").partition("-")
    return int(number or 0)


def _remember_keys(sql: sqlite3.Connection, place: tuple[str, str], gone: pl.DataFrame) -> None:
    """Keep the hashed ids: what the API serves once more must not come back."""
    columns = ("event.feed", "event.id", segments.RAW, segments.KEY)
    keys = segments.with_known(gone, columns)[segments.KEY].to_numpy()
    sql.execute(
        "UPDATE forgotten SET keys = CAST(keys || ? AS BLOB) WHERE account = ? AND person = ?",
        (keys.astype("<u8").tobytes(), *place),
    )


def keys(database: Database, account: str) -> np.ndarray:
    """The keys of all forgotten events of an account."""
    rows = database.rows("SELECT keys FROM forgotten WHERE account = ?", account)
    return np.frombuffer(b"".join(body for (body,) in rows), dtype="<u8").astype(np.uint64)
