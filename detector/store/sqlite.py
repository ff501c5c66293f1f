"""The store: events, log, alerts and outbox in one file; a page is one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from detector import workhours
from detector.alerts import Alert, Status, from_json, to_json
from detector.findings import Finding
from detector.sources.records import Flaw
from detector.store import segments
from detector.store.database import Database, StoreError


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
    controls: Sequence[Control] = ()
    alerts: Sequence[Alert] = ()
    suppressed: Sequence[Finding] = ()
    outbox: Sequence[tuple[str, str]] = ()
    """(alert id, destination) of messages to send."""
    model: tuple[str, bytes] | None = None
    snapshot: tuple[int, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log: a page of events, or a control."""

    seq: int
    page: tuple[pl.DataFrame, list[bytes]] | None
    control: Control | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that waits: the alert as it stands now, where it goes, how often it was tried."""

    alert: Alert
    destination: str
    sequence: int
    tries: int
    again: bool
    created: datetime

    @property
    def key(self) -> str:
        """The idempotency key of this message."""
        return f"{self.alert.id}.{self.sequence}"


class Sqlite:
    """The embedded store. Raises StoreError where the directory cannot be used."""

    def __init__(self, directory: Path, *, write: bool = True) -> None:
        self._database = Database(directory, write=write)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def commit(self, commit: Commit) -> None:
        """Store a step: cursors, events, log, alerts and messages in one transaction."""
        at = workhours.microseconds(commit.at)
        with self._database.transaction() as sql:
            if commit.start is not None:
                sql.execute(
                    "INSERT INTO account VALUES (?, ?, ?)",
                    (commit.account, commit.start.uuid, workhours.microseconds(commit.start.teach_until)),
                )
            for feed, (cursor, newest) in commit.cursors.items():
                _set_cursor(sql, commit.account, feed, cursor, (newest, at))
            if commit.frame is not None and commit.frame.height:
                sql.execute("INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?, ?)", _segment(commit))
            sql.executemany("INSERT OR IGNORE INTO flaw VALUES (?, ?, ?, ?, ?, ?, ?)", _flaws(commit, at))
            sql.executemany(
                "INSERT INTO control VALUES (?, ?, ?, ?, ?)",
                [
                    (commit.account, each.seq, each.kind, workhours.microseconds(each.at), each.body)
                    for each in commit.controls
                ],
            )
            sql.executemany("INSERT INTO suppressed VALUES (?, ?, ?, ?, ?, ?)", _suppressed(commit))
            _set_alerts(sql, commit.alerts)
            _enqueue(sql, commit.outbox, at)
            if commit.model is not None:
                identity, body = commit.model
                row = (identity, commit.account, at, body)
                sql.execute("INSERT OR IGNORE INTO model VALUES (?, ?, ?, ?)", row)
            if commit.snapshot is not None:
                seq, body = commit.snapshot
                sql.execute("REPLACE INTO snapshot VALUES (?, ?, ?, ?)", (commit.account, seq, at, body))

    def started(self, account: str) -> Start | None:
        """How the account was started, null if it was not."""
        rows = self._database.rows("SELECT teach_until, uuid FROM account WHERE name = ?", account)
        return Start(workhours.instant(rows[0][0]), rows[0][1]) if rows else None

    def cursors(self, account: str) -> dict[str, tuple[str, datetime]]:
        """Per feed the cursor to go on from, and the newest event time behind it."""
        rows = self._database.rows(
            "SELECT feed, cursor, newest FROM cursor WHERE account = ?", account
        )
        return {feed: (cursor, workhours.instant(newest)) for feed, cursor, newest in rows}

    def snapshot(self, account: str) -> tuple[int, bytes] | None:
        """The newest snapshot of the kernel's state: its seq and body."""
        rows = self._database.rows("SELECT seq, body FROM snapshot WHERE account = ?", account)
        return (rows[0][0], rows[0][1]) if rows else None

    def pages(self, account: str, *, upto: int) -> Iterator[tuple[pl.DataFrame, list[bytes]]]:
        """The stored pages up to a seq, oldest first."""
        query = "SELECT lo_seq FROM segment WHERE account = ? AND lo_seq <= ? ORDER BY lo_seq"
        for (lo_seq,) in self._database.rows(query, account, upto):
            yield self._page(account, lo_seq)

    def entries(self, account: str, *, after: int) -> Iterator[Entry]:
        """The log after a seq, in order."""
        parts = [
            (seq, "page")
            for (seq,) in self._database.rows(
                "SELECT lo_seq FROM segment WHERE account = ? AND lo_seq > ?", account, after
            )
        ]
        controls = {each.seq: each for each in self.controls(account, after=after)}
        for seq, kind in sorted([*parts, *((seq, "control") for seq in controls)]):
            if kind == "page":
                yield Entry(seq, self._page(account, seq), None)
            else:
                yield Entry(seq, None, controls[seq])

    def controls(
        self, account: str, *, after: int = 0, kind: str | None = None
    ) -> list[Control]:
        """The controls of the log after a seq, in order."""
        rows = self._database.rows(
            "SELECT seq, kind, at, body FROM control WHERE account = ? AND seq > ? "
            "AND (? IS NULL OR kind = ?) ORDER BY seq",
            account, after, kind, kind,
        )  # fmt: skip
        return [Control(seq, name, workhours.instant(at), body) for seq, name, at, body in rows]

    def model(self, identity: str) -> bytes | None:
        """The artefact of a model."""
        rows = self._database.rows("SELECT body FROM model WHERE id = ?", identity)
        return rows[0][0] if rows else None

    def alerts(
        self, *, account: str | None = None, status: str | None = None, since: datetime | None = None
    ) -> list[Alert]:
        """Alerts, oldest evidence first."""
        rows = self._database.rows(
            "SELECT body, status FROM alert WHERE (?1 IS NULL OR account = ?1) "
            "AND (?2 IS NULL OR status = ?2) AND time >= ?3 ORDER BY time, id",
            account, status, workhours.microseconds(since) if since else -(2**62),
        )  # fmt: skip
        return [_alert(body, state) for body, state in rows]

    def alert(self, start: str) -> list[Alert]:
        """Alerts whose id begins with `start`."""
        pattern = start.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        rows = self._database.rows(
            "SELECT body, status FROM alert WHERE id LIKE ? ESCAPE '\\' ORDER BY id", pattern
        )
        return [_alert(body, state) for body, state in rows]

    def history(self, identity: str) -> list[tuple[datetime, str, str, str]]:
        """Every change of an alert's status: when, who, to what, with which note."""
        rows = self._database.rows(
            "SELECT at, who, status, note FROM history WHERE alert_id = ? ORDER BY rowid", identity
        )
        return [(workhours.instant(at), who, status, note) for at, who, status, note in rows]

    def set_status(self, identity: str, status: Status, *, at: datetime, who: str, note: str) -> None:
        """Change the status of an alert, and keep who did it."""
        with self._database.transaction() as sql:
            sql.execute("UPDATE alert SET status = ? WHERE id = ?", (status, identity))
            moment = workhours.microseconds(at)
            sql.execute("INSERT INTO history VALUES (?, ?, ?, ?, ?)", (identity, moment, who, status, note))

    def due(self, now: datetime, *, most: int = 50) -> list[Letter]:
        """Messages to send now, worst first, then oldest. What was being sent may have arrived."""
        rows = self._database.rows(
            "SELECT a.body, a.status, o.destination, o.sequence, o.tries, o.state, o.created "
            "FROM outbox o JOIN alert a ON a.id = o.alert_id "
            "WHERE o.state IN ('waiting', 'sending') AND o.next_at <= ? "
            "ORDER BY json_extract(a.body, '$.score') DESC, o.created LIMIT ?",
            workhours.microseconds(now), most,
        )  # fmt: skip
        return [
            Letter(
                _alert(body, status), destination, sequence, tries, state == "sending",
                workhours.instant(created),
            )
            for body, status, destination, sequence, tries, state, created in rows
        ]  # fmt: skip

    def mark(self, letter: Letter, state: str, **fields: Any) -> None:
        """Set the state of one message, with `next_at`, `error` or `receipt`."""
        next_at = fields.get("next_at")
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE outbox SET state = ?, tries = tries + ?, error = ?, receipt = ?, "
                "next_at = COALESCE(?, next_at) "
                "WHERE alert_id = ? AND destination = ? AND sequence = ?",
                (
                    state, int(state == "sending"), fields.get("error"), fields.get("receipt"),
                    workhours.microseconds(next_at) if next_at else None,
                    letter.alert.id, letter.destination, letter.sequence,
                ),
            )  # fmt: skip

    def counts(self) -> dict[str, int]:
        """How much there is of everything: for `doctor` and tests."""
        tables = ("alert", "suppressed", "flaw", "control", "segment", "model")
        found = {name: self._database.rows(f"SELECT count(*) FROM {name}")[0][0] for name in tables}
        found["event"] = self._database.rows("SELECT COALESCE(sum(events), 0) FROM segment")[0][0]
        for state, count in self._database.rows("SELECT state, count(*) FROM outbox GROUP BY 1"):
            found[f"outbox_{state}"] = count
        return found

    def accounts(self) -> list[str]:
        """Names of the accounts that were started."""
        return [name for (name,) in self._database.rows("SELECT name FROM account ORDER BY name")]

    def healthy(self) -> str:
        """SQLite's own verdict on the file: 'ok', or what is wrong."""
        return str(self._database.rows("PRAGMA quick_check")[0][0])

    def _page(self, account: str, lo_seq: int) -> tuple[pl.DataFrame, list[bytes]]:
        query = "SELECT data FROM segment WHERE account = ? AND lo_seq = ?"
        return segments.unpack(self._database.rows(query, account, lo_seq)[0][0])


def _alert(body: str, status: str) -> Alert:
    return from_json(json.loads(body) | {"status": status})


def _set_cursor(
    sql: Any, account: str, feed: str, cursor: str, moments: tuple[datetime | None, int]
) -> None:
    newest, at = moments
    sql.execute(
        "INSERT INTO cursor VALUES (?, ?, ?, ?, ?) ON CONFLICT (account, feed) DO UPDATE SET "
        "cursor = excluded.cursor, newest = max(newest, excluded.newest), updated = excluded.updated",
        (account, feed, cursor, workhours.microseconds(newest) if newest else 0, at),
    )


def _segment(commit: Commit) -> tuple[object, ...]:
    frame = commit.frame
    assert frame is not None  # noqa: S101 - the caller looked
    seqs, times = frame["event.seq"], frame["event.time"].dt.timestamp("us")
    return (
        commit.account, seqs[0], seqs[-1], times.min(), times.max(), frame.height,
        segments.pack(frame, commit.raws),
    )  # fmt: skip


def _flaws(commit: Commit, at: int) -> Iterable[tuple[object, ...]]:
    for flaw in commit.flaws:
        digest = hashlib.sha256(flaw.raw).hexdigest()
        yield commit.account, flaw.feed, at, int(flaw.set_aside), flaw.reason, digest, flaw.raw


def _suppressed(commit: Commit) -> Iterable[tuple[object, ...]]:
    for each in commit.suppressed:
        fields = asdict(each)
        fields["time"], fields["first_time"] = each.time.isoformat(), each.first_time.isoformat()
        yield (
            commit.account, each.seq, each.rule_id, each.suppressed_by or "amended",
            workhours.microseconds(each.time), json.dumps(fields),
        )  # fmt: skip


def _set_alerts(sql: Any, alerts: Sequence[Alert]) -> None:
    for alert in alerts:
        body = json.dumps(to_json(alert), ensure_ascii=False)
        time = workhours.microseconds(alert.time)
        sql.execute(
            "INSERT INTO alert VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "time = excluded.time, body = excluded.body",
            (alert.id, alert.account, alert.rule.id, alert.status, time, body),
        )


def _enqueue(sql: Any, outbox: Sequence[tuple[str, str]], at: int) -> None:
    for alert, destination in outbox:
        sql.execute(
            "INSERT INTO outbox (alert_id, destination, sequence, state, created, next_at) "
            "SELECT ?1, ?2, 1 + count(*), 'waiting', ?3, ?3 FROM outbox "
            "WHERE alert_id = ?1 AND destination = ?2",
            (alert, destination, at),
        )


__all__ = [
    "Commit", "Control", "Entry", "Letter", "Sqlite", "Start", "StoreError",
]  # fmt: skip
