"""Housekeeping of the log: pages become daily files, what is too old goes, strays are swept up.

A file is on the disk before the one transaction that vouches for it and lets its pages go. Die
at any point: either the pages are still there, or the file is; what nobody vouches for is swept
up at the next start.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import polars as pl

from detector import workhours
from detector.store import segments
from detector.store.database import Database, StoreError
from detector.store.migrations import durable

Point = Callable[[str], None]
MOST_EVENTS: Final = 250_000
"""Events of a file at which another is begun within the day: what is held in memory at once."""
_DAY_US: Final = 86_400_000_000

Row = tuple[int, int, int, bool]
"""Of a segment: the seq it begins with, its number of events, its day, whether it is a file."""


def compact(database: Database, account: str, point: Point) -> int:
    """Write the pages of days that are over, or that are many, as files; how many there are now."""
    runs = list(_runs(_rows(database, account)))
    for run in runs:
        _write(database, (account, run[0], run[-1]), point)
    return len(runs)


def _rows(database: Database, account: str) -> list[Row]:
    """The segments with their days, which never go back.

    The day of a page is that of its newest event, or of its receipt if that was earlier: in a
    back-fill days of history, later days as they passed.
    """
    return database.rows(
        "SELECT lo_seq, events, max(min(hi_time, stored) / ?1) OVER (ORDER BY lo_seq), data IS NULL "
        "FROM segment WHERE account = ?2 ORDER BY lo_seq",
        _DAY_US,
        account,
    )


def _runs(rows: Sequence[Row]) -> Iterator[list[int]]:
    """The pages of each file that can be written: neighbours of one day, up to `MOST_EVENTS`.

    >>> list(_runs([(1, 5, 0, False), (6, 5, 0, False), (11, 5, 1, False)]))
    [[1, 6]]
    """
    run: list[Row] = []
    for row in rows:
        ends = row[3] or (run and row[2] != run[0][2])
        if run and (ends or sum(each[1] for each in run) + row[1] > MOST_EVENTS):
            yield [lo_seq for lo_seq, _, _, _ in run]
            run = []
        if not row[3]:
            run.append(row)


def _write(database: Database, place: tuple[str, int, int], point: Point) -> None:
    """One file from the pages of an account from the one beginning at a seq to that at another."""
    pages = [
        segments.unpack(data)
        for (data,) in database.rows(
            "SELECT data FROM segment WHERE account = ? AND lo_seq BETWEEN ? AND ? ORDER BY lo_seq",
            *place,
        )
    ]
    account, lo_seq, _ = place
    name = segments.name(account, lo_seq)
    point("before_file")
    sha256 = put(database.directory, name, pages)
    point("after_file")
    with database.transaction() as sql:
        whole = sql.execute(
            "SELECT max(hi_seq), min(lo_time), max(hi_time), max(stored), sum(events), "
            "sum(forgotten) FROM segment WHERE account = ? AND lo_seq BETWEEN ? AND ?",
            place,
        ).fetchone()
        sql.execute("DELETE FROM segment WHERE account = ? AND lo_seq BETWEEN ? AND ?", place)
        sql.execute(
            "INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?)",
            (account, lo_seq, *whole, name, sha256),
        )
        point("before_manifest")
    point("after_manifest")


def put(directory: Path, name: str, pages: Sequence[pl.DataFrame]) -> str:
    """Write a segment's file so that it is there whole, and on the disk, or not at all.

    Returns its SHA-256. Raises StoreError.
    """
    path = directory / name
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sha256 = segments.write(pages, part)
        part.replace(path)
        for folder in (path.parent, path.parent.parent, directory):
            durable(folder)
    except (OSError, pl.exceptions.PolarsError) as error:
        part.unlink(missing_ok=True)
        msg = f"{path}: cannot be written: {error}"
        raise StoreError(msg) from error
    return sha256


def expire(database: Database, account: str, before: datetime, point: Point) -> int:
    """Let the beginning of the log go whose events are all before a time; how many they were.

    Only what a stored snapshot covers goes, and only whole segments. Of the controls before the
    new beginning the last of each kind stays: what the rest of the log was read with.
    """
    limit = workhours.microseconds(before)
    with database.transaction() as sql:
        cut, count = _old(sql, account, limit)
        if not count:
            return 0
        files = sql.execute(
            "SELECT file FROM segment WHERE account = ? AND hi_seq <= ? AND file IS NOT NULL",
            (account, cut),
        ).fetchall()
        sql.execute("DELETE FROM segment WHERE account = ? AND hi_seq <= ?", (account, cut))
        sql.execute(
            "DELETE FROM control WHERE account = ?1 AND seq <= ?2 AND seq NOT IN (SELECT max(seq) "
            "FROM control WHERE account = ?1 AND seq <= ?2 AND kind != 'tick' GROUP BY kind)",
            (account, cut),
        )
        sql.execute(
            "DELETE FROM model WHERE account = ?1 AND id NOT IN (SELECT CAST(body AS TEXT) "
            "FROM control WHERE account = ?1 AND kind IN ('model', 'rollback'))",
            (account,),
        )
        sql.execute("UPDATE account SET first_seq = ? WHERE name = ?", (cut + 1, account))
        sql.execute("DELETE FROM suppressed WHERE account = ? AND time < ?", (account, limit))
        sql.execute("DELETE FROM flaw WHERE account = ? AND received < ?", (account, limit))
        point("before_expiry")
    point("after_expiry")
    for (file,) in files:
        (database.directory / file).unlink(missing_ok=True)
    return count


def _old(sql: sqlite3.Connection, account: str, limit: int) -> tuple[int, int]:
    """The last seq of the beginning that may go, and how many events it has."""
    cut, count = 0, 0
    covered = sql.execute("SELECT seq FROM snapshot WHERE account = ?", (account,)).fetchone()
    rows = sql.execute(
        "SELECT hi_seq, hi_time, events FROM segment WHERE account = ? ORDER BY lo_seq", (account,)
    )
    for hi_seq, hi_time, events in rows:
        if covered is None or hi_time >= limit or hi_seq > covered[0]:
            break
        cut, count = hi_seq, count + events
    return cut, count


def sweep(database: Database) -> list[str]:
    """Remove files that no segment vouches for: what was left when a process died; their names."""
    vouched = {file for (file,) in database.rows("SELECT file FROM segment")}
    strays = [
        name
        for path in (database.directory / segments.FOLDER).glob("*/*")
        if (name := path.relative_to(database.directory).as_posix()) not in vouched
    ]
    for name in strays:
        (database.directory / name).unlink()
    return strays


def damaged(database: Database, *, thoroughly: bool) -> list[str]:
    """Files that are missing, or with `thoroughly` are not what was written."""
    found = []
    rows = database.rows("SELECT file, sha256 FROM segment WHERE file IS NOT NULL ORDER BY file")
    for file, sha256 in rows:
        path = database.directory / file
        if not path.is_file() or (thoroughly and segments.digest(path) != sha256):
            found.append(file)
    return found
