"""The coverage ledger at rest: proven intervals and named gaps, by account and feed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from detector import workhours
from detector.coverage import Coverage, Gap, Interval
from detector.events import FEEDS
from detector.pulse import Pulse
from detector.store.database import Database


def cover(sql: sqlite3.Connection, account: str, covered: Mapping[str, Interval]) -> None:
    """Note how far each feed's newest interval is proven; an end never goes back."""
    for feed, interval in covered.items():
        start, end = workhours.microseconds(interval.start), workhours.microseconds(interval.end)
        sql.execute(
            "INSERT INTO coverage VALUES (?, ?, ?, ?) ON CONFLICT (account, feed, start) "
            'DO UPDATE SET "end" = max("end", excluded."end")',
            (account, feed, start, end),
        )


def name_gaps(sql: sqlite3.Connection, account: str, gaps: Iterable[Gap], at: int) -> None:
    """Name gaps, each once."""
    for gap in gaps:
        start, end = workhours.microseconds(gap.start), workhours.microseconds(gap.end)
        sql.execute(
            "INSERT OR IGNORE INTO gap VALUES (?, ?, ?, ?, ?, ?, NULL, ?)",
            (account, gap.feed, start, end, gap.why, at, int(gap.lost)),
        )


def sweep_gaps(
    sql: sqlite3.Connection, account: str, swept: Mapping[str, Interval], at: int
) -> None:
    """Mark the gaps that lie within what was read a second time."""
    for feed, span in swept.items():
        sql.execute(
            'UPDATE gap SET swept = ? WHERE account = ? AND feed = ? AND start >= ? AND "end" <= ? '
            "AND swept IS NULL AND NOT lost",
            (
                at,
                account,
                feed,
                workhours.microseconds(span.start),
                workhours.microseconds(span.end),
            ),
        )


def end_sweeps(sql: sqlite3.Connection, account: str, over: Iterable[timedelta], at: int) -> None:
    """Note when the sweeps that reach back so far were done."""
    for span in over:
        row = (account, span // timedelta(microseconds=1), at)
        sql.execute("REPLACE INTO sweep VALUES (?, ?, ?)", row)


def sweeps(database: Database, account: str) -> dict[timedelta, datetime]:
    """When the last sweep was done, by how far it reached back."""
    rows = database.rows("SELECT over, at FROM sweep WHERE account = ?", account)
    return {timedelta(microseconds=over): workhours.instant(at) for over, at in rows}


def keep_pulses(sql: sqlite3.Connection, account: str, pulses: Mapping[str, Pulse]) -> None:
    """Keep what was learned of how long feeds are silent."""
    for feed, pulse in pulses.items():
        row = (account, feed, msgspec.msgpack.encode(pulse))
        sql.execute("REPLACE INTO pulse VALUES (?, ?, ?)", row)


def pulses(database: Database, account: str) -> dict[str, Pulse]:
    """What was learned, by feed."""
    rows = database.rows("SELECT feed, body FROM pulse WHERE account = ?", account)
    return {feed: msgspec.msgpack.decode(body, type=Pulse) for feed, body in rows}


def read(database: Database, account: str) -> dict[str, Coverage]:
    """The ledger of every feed of an account that was ever asked for."""
    intervals: dict[str, list[Interval]] = {}
    for feed, start, end in database.rows(
        'SELECT feed, start, "end" FROM coverage WHERE account = ? ORDER BY start', account
    ):
        span = Interval(workhours.instant(start), workhours.instant(end))
        intervals.setdefault(feed, []).append(span)
    gaps: dict[str, list[Gap]] = {}
    for feed, start, end, why, swept, lost in database.rows(
        'SELECT feed, start, "end", why, swept, lost FROM gap WHERE account = ? ORDER BY start',
        account,
    ):
        moment = workhours.instant(swept) if swept is not None else None
        found = Gap(feed, workhours.instant(start), workhours.instant(end), why, moment, bool(lost))
        gaps.setdefault(feed, []).append(found)
    newest = dict(database.rows("SELECT feed, newest FROM cursor WHERE account = ?", account))
    return {
        feed: Coverage(
            feed,
            tuple(intervals.get(feed, ())),
            tuple(gaps.get(feed, ())),
            _moment(newest.get(feed)),
        )
        for feed in FEEDS
        if feed in intervals
    }


def _moment(us: int | None) -> datetime | None:
    return workhours.instant(us) if us else None
