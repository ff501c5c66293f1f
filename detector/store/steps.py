"""A step of an account: everything that it changes, and how that is written."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from detector import workhours
from detector.alerts import Alert, Reason, Status, to_json
from detector.coverage import Gap, Interval
from detector.delivery import lifecycle
from detector.delivery.bulletins import Cause
from detector.findings import Finding
from detector.pulse import Pulse
from detector.sources.records import Flaw
from detector.store import journal, ledger, segments
from detector.store.database import StoreError

LAST_SEQ: Final = (
    "SELECT max(COALESCE((SELECT max(seq) FROM control WHERE account = ?1), 0), COALESCE("
    "(SELECT hi_seq FROM segment WHERE account = ?1 ORDER BY lo_seq DESC LIMIT 1), 0))"
)
"""The number of the last entry of an account's log, 0 if it is empty."""


@dataclass(frozen=True, slots=True)
class Control:
    """An entry of the log that is no event: a tick, a configuration, a model."""

    seq: int
    kind: str
    at: datetime
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Start:
    """The first commit of an account: until which event time it only teaches."""

    teach_until: datetime
    uuid: str | None = None


@dataclass(frozen=True)
class Commit:
    """Everything that one step of an account changes: all of it is stored, or nothing."""

    account: str
    at: datetime
    start: Start | None = None
    frame: pl.DataFrame | None = None
    raws: Sequence[bytes] = ()
    flaws: Sequence[Flaw] = ()
    cursors: dict[str, tuple[str, datetime | None]] = field(default_factory=dict)
    """Per feed the cursor to go on from, and the newest event time behind it."""
    covered: Mapping[str, Interval] = field(default_factory=dict)
    """Per feed how far its newest interval is proven complete."""
    gaps: Sequence[Gap] = ()
    swept: Mapping[str, Interval] = field(default_factory=dict)
    """Per feed the time that was read a second time."""
    sweeps: Sequence[timedelta] = ()
    """How far back the overlap sweeps reached that ended now."""
    pulses: Mapping[str, Pulse] = field(default_factory=dict)
    controls: Sequence[Control] = ()
    alerts: Sequence[Alert] = ()
    suppressed: Sequence[Finding] = ()
    trial: frozenset[str] = frozenset()
    """Ids of rules on trial."""
    catch_up: Set[str] = frozenset()
    """Ids of alerts about a long outage, told afterwards in one digest."""
    heard: Sequence[int] = ()
    """Numbers of the verdicts that the controls tell the log of."""
    model: tuple[str, bytes] | None = None
    snapshot: tuple[int, bytes] | None = None


def write(sql: sqlite3.Connection, commit: Commit) -> None:
    """Write a step within the transaction of the caller."""
    account, at = commit.account, workhours.microseconds(commit.at)
    if commit.start is not None:
        until = workhours.microseconds(commit.start.teach_until)
        sql.execute(
            "INSERT INTO account (name, uuid, teach_until) VALUES (?, ?, ?)",
            (account, commit.start.uuid, until),
        )
    _go_on(sql, commit)
    for feed, (cursor, newest) in commit.cursors.items():
        _set_cursor(sql, (account, feed), cursor, (newest, at))
    ledger.cover(sql, account, commit.covered)
    ledger.name_gaps(sql, account, commit.gaps, at)
    ledger.sweep_gaps(sql, account, commit.swept, at)
    ledger.end_sweeps(sql, account, commit.sweeps, at)
    ledger.keep_pulses(sql, account, commit.pulses)
    if commit.frame is not None and commit.frame.height:
        row = _segment(commit, commit.frame)
        sql.execute(
            "INSERT INTO segment (account, lo_seq, hi_seq, lo_time, hi_time, stored, events, data) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
    sql.executemany("INSERT OR IGNORE INTO flaw VALUES (?, ?, ?, ?, ?, ?, ?)", _flaws(commit, at))
    sql.executemany("INSERT INTO control VALUES (?, ?, ?, ?, ?)", _controls(commit))
    sql.executemany("INSERT INTO suppressed VALUES (?, ?, ?, ?, ?, ?)", _suppressed(commit))
    _set_alerts(sql, commit, at)
    sql.executemany("DELETE FROM verdict WHERE number = ?", [(each,) for each in commit.heard])
    if commit.model is not None:
        identity, body = commit.model
        row = (identity, account, at, body)
        sql.execute(
            "INSERT INTO model VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            row,
        )
    if commit.snapshot is not None:
        seq, body = commit.snapshot
        sql.execute("REPLACE INTO snapshot VALUES (?, ?, ?, ?)", (account, seq, at, body))


def _go_on(sql: sqlite3.Connection, commit: Commit) -> None:
    """Refuse a step that does not go on where the log ends: nothing twice, nothing left out."""
    seqs = [control.seq for control in commit.controls]
    if commit.frame is not None:
        seqs += commit.frame["event.seq"].to_list()
    if not seqs:
        return
    first = int(sql.execute(LAST_SEQ, (commit.account,)).fetchone()[0]) + 1
    if sorted(seqs) != list(range(first, first + len(seqs))):
        msg = (
            f"account {commit.account!r}: a step with the log entries {min(seqs)} to {max(seqs)} "
            f"was refused: the log goes on at {first}"
        )
        raise StoreError(msg)


def _set_cursor(
    sql: sqlite3.Connection,
    place: tuple[str, str],
    cursor: str,
    moments: tuple[datetime | None, int],
) -> None:
    newest, at = moments
    sql.execute(
        "INSERT INTO cursor VALUES (?, ?, ?, ?, ?) ON CONFLICT (account, feed) DO UPDATE SET "
        "cursor = excluded.cursor, newest = max(newest, excluded.newest), updated = excluded.updated",
        (*place, cursor, workhours.microseconds(newest) if newest else 0, at),
    )


def _segment(commit: Commit, frame: pl.DataFrame) -> tuple[object, ...]:
    seqs, times = frame["event.seq"], frame["event.time"].dt.timestamp("us")
    return (
        commit.account,
        seqs[0],
        seqs[-1],
        times.min(),
        times.max(),
        workhours.microseconds(commit.at),
        frame.height,
        segments.pack(frame, commit.raws),
    )


def _flaws(commit: Commit, at: int) -> Iterable[tuple[object, ...]]:
    for flaw in commit.flaws:
        digest = hashlib.sha256(flaw.raw).hexdigest()
        yield commit.account, flaw.feed, at, int(flaw.set_aside), flaw.reason, digest, flaw.raw


def _controls(commit: Commit) -> Iterable[tuple[object, ...]]:
    for each in commit.controls:
        yield commit.account, each.seq, each.kind, workhours.microseconds(each.at), each.body


def _suppressed(commit: Commit) -> Iterable[tuple[object, ...]]:
    for each in commit.suppressed:
        fields = asdict(each)
        fields["time"], fields["first_time"] = each.time.isoformat(), each.first_time.isoformat()
        yield (
            commit.account,
            each.seq,
            each.rule_id,
            each.suppressed_by or "amended",
            workhours.microseconds(each.time),
            json.dumps(fields),
        )


def _set_alerts(sql: sqlite3.Connection, commit: Commit, at: int) -> None:
    """Keep the alerts, and as news what delivery is to decide about."""
    for alert in commit.alerts:
        body = json.dumps(to_json(alert), ensure_ascii=False)
        time, trial = workhours.microseconds(alert.time), int(alert.rule.id in commit.trial)
        row = (alert.id, alert.account, alert.rule.id, alert.status, time, body)
        sql.execute(
            "INSERT INTO alert (id, account, rule_id, status, time, body, rank, trial, seen) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "time = excluded.time, body = excluded.body, rank = excluded.rank, "
            "trial = excluded.trial, seen = excluded.seen",
            (*row, alert.level.rank, trial, at),
        )
        if alert.reason is Reason.RECOVERED:
            over = lifecycle.by_service(commit.at, alert.id, Status.RESOLVED, "over by itself")
            sql.execute("UPDATE alert SET status = ? WHERE id = ?", (over.what, over.about))
            journal.append(sql, over)
        news = (alert.id, _CAUSES[alert.reason], at, int(alert.id in commit.catch_up))
        sql.execute(
            "INSERT INTO news (alert_id, cause, since, due, late) VALUES (?1, ?2, ?3, ?3, ?4)", news
        )


_CAUSES = {
    Reason.FIRST_SEEN: Cause.FIRST_TOLD,
    Reason.LEVEL_RAISED: Cause.LEVEL_RAISED,
    Reason.STILL_HAPPENING: Cause.REPEATED,
    Reason.AMENDED: Cause.AMENDED,
    Reason.SUPPRESSED: Cause.AMENDED,
    Reason.RECOVERED: Cause.RECOVERED,
}
