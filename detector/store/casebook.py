"""What delivery knows of alerts, within one transaction: news, states, incidents, decisions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from detector import workhours
from detector.alerts import Alert, from_json
from detector.delivery import incidents
from detector.delivery.bulletins import Cause
from detector.delivery.journal import Change
from detector.delivery.policy import Decision
from detector.findings import LEVELS, Level
from detector.store import journal
from detector.store.posting import Mailroom
from detector.store.silences import Shelf

ALERT = "body, status, incident_id, suppressed_by"
"""The columns that `read_alert` reads."""
_TOLD = (
    "CASE WHEN EXISTS (SELECT 1 FROM outbox o WHERE o.about = i.id AND o.kind = 'new' "
    "AND o.state NOT IN ('dead', 'folded')) THEN i.told_rank END"
)
"""At which level an incident was told by a message of its own: one that others can join."""
_CLOSED = ", ".join(f"'{status}'" for status in sorted(incidents.CLOSED))


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened to an alert, or a time that has come, to be decided about."""

    number: int
    alert_id: str
    cause: Cause
    since: datetime
    late: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert as delivery knows it."""

    alert: Alert
    trial: bool
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """An incident, and the highest level at which it was told by a message of its own.

    That is null if there was none, or if it was only told in a digest: what joins it is told.
    """

    id: str
    level: Level | None


def read_alert(body: str, status: str, incident_id: str | None, silence: str | None) -> Alert:
    """An alert as it is stored; what delivery says of it is kept beside it."""
    beside = {"status": status, "incident_id": incident_id, "suppressed_by": silence}
    return from_json(json.loads(body) | beside)


class Casebook:
    """Reads and changes within the caller's transaction, at one time of day.

    `mail` is the outbox, `shelf` the silences, in the same transaction.
    """

    def __init__(self, sql: sqlite3.Connection, now: datetime) -> None:
        self.now, self._sql = now, sql
        self.mail, self.shelf = Mailroom(sql, now), Shelf(sql, now)
        self._at = workhours.microseconds(now)

    def news(self, *, most: int) -> list[News]:
        """What is to be decided about by now: the worst first, of the same the oldest."""
        rows = self._sql.execute(
            "SELECT n.number, n.alert_id, n.cause, n.since, n.late FROM news n "
            "JOIN alert a ON a.id = n.alert_id WHERE n.due <= ? "
            "ORDER BY a.rank DESC, n.since, n.number LIMIT ?",
            (self._at, most),
        )
        return [
            News(number, alert, Cause(cause), workhours.instant(since), bool(late))
            for number, alert, cause, since, late in rows
        ]

    def done(self, news: News) -> None:
        """It is decided."""
        self._sql.execute("DELETE FROM news WHERE number = ?", (news.number,))

    def hold(self, news: News, until: datetime) -> None:
        """Decide anew at that time."""
        due = workhours.microseconds(until)
        self._sql.execute("UPDATE news SET due = ? WHERE number = ?", (due, news.number))

    def remind(self, alert_id: str, cause: Cause, due: datetime) -> None:
        """Come back to an alert at that time."""
        row = (alert_id, cause, self._at, workhours.microseconds(due))
        self._sql.execute(
            "INSERT INTO news (alert_id, cause, since, due, late) VALUES (?, ?, ?, ?, 0)", row
        )

    def forget(self, alert_id: str, causes: Iterable[Cause]) -> int:
        """Do not come back to an alert for these causes; how often one would have."""
        query = "DELETE FROM news WHERE alert_id = ? AND cause = ?"
        done = [self._sql.execute(query, (alert_id, cause)) for cause in causes]
        return sum(each.rowcount for each in done)

    def standing(self, alert_id: str) -> Standing:
        """An alert and what is known of it."""
        query = f"SELECT {ALERT}, trial, until FROM alert WHERE id = ?"  # noqa: S608
        *alert, trial, until = self._sql.execute(query, (alert_id,)).fetchone()
        return Standing(
            read_alert(*alert), bool(trial), workhours.instant(until) if until else None
        )

    def named(self, start: str) -> list[Alert]:
        """The alerts of the incident of that id, else those whose id begins so."""
        if start.startswith("inc-"):
            return self._alerts("substr(incident_id, 1, length(?1)) = ?1", start)
        return self._alerts("substr(id, 1, length(?1)) = ?1", start)

    def members(self, incident_id: str) -> list[Alert]:
        """The alerts of an incident."""
        return self._alerts("incident_id = ?1", incident_id)

    def digested(self, digest_id: str) -> list[Alert]:
        """The alerts that a digest stands for."""
        return self._alerts("id IN (SELECT alert_id FROM digested WHERE digest_id = ?1)", digest_id)

    def silenced_by(self, silence: str, since: datetime) -> list[Alert]:
        """Alerts that a silence still holds back, with news after a time."""
        seen = workhours.microseconds(since)
        return self._alerts(
            "status = 'silenced' AND suppressed_by = ?1 AND seen >= ?2", silence, seen
        )

    def quiet_since(self, time: datetime) -> list[Alert]:
        """Alerts that are open or acknowledged, with no news after a time."""
        seen = workhours.microseconds(time)
        return self._alerts("status IN ('open', 'acknowledged') AND seen < ?1", seen)

    def set_status(
        self, change: Change, *, until: datetime | None = None, silence: str | None = None
    ) -> None:
        """Give an alert the state that a change says, and record the change."""
        moment = workhours.microseconds(until) if until else None
        row = (change.what, moment, silence, change.about)
        self._sql.execute(
            "UPDATE alert SET status = ?, until = ?, suppressed_by = ? WHERE id = ?", row
        )
        journal.append(self._sql, change)

    def record(self, change: Change) -> None:
        """Record a change that is not of an alert."""
        journal.append(self._sql, change)

    def judge(self, account: str, body: bytes) -> None:
        """Let the account's log take in a verdict at its next step."""
        row = (account, self._at, body)
        self._sql.execute("INSERT INTO verdict (account, at, body) VALUES (?, ?, ?)", row)

    def decided(self, alert_id: str, decision: Decision) -> None:
        """Keep why something was sent or held; the same again only counts up."""
        until = workhours.microseconds(decision.until) if decision.until else None
        same = (decision.verdict, decision.reason, decision.detail)
        last = self._sql.execute(
            "SELECT number, verdict, reason, detail FROM decision WHERE alert_id = ? "
            "ORDER BY number DESC LIMIT 1",
            (alert_id,),
        ).fetchone()
        if last is not None and last[1:] == same:
            self._sql.execute(
                "UPDATE decision SET last = ?, times = times + 1, until = ? WHERE number = ?",
                (self._at, until, last[0]),
            )
            return
        self._sql.execute(
            "INSERT INTO decision (alert_id, at, last, times, verdict, reason, until, detail) "
            "VALUES (?1, ?2, ?2, 1, ?3, ?4, ?5, ?6)",
            (alert_id, self._at, decision.verdict, decision.reason, until, decision.detail),
        )

    def join(self, alert: Alert, window: timedelta) -> Told:
        """The incident of an alert: the one it is in, one that it belongs to, or a new one."""
        if alert.incident_id is not None:
            return self._told(alert.incident_id)
        known = incidents.keys(alert)
        found = self._open_incident(alert, known.seeks, window)
        identity = found.id if found else incidents.incident_id(alert)
        first, time = workhours.microseconds(alert.first_time), workhours.microseconds(alert.time)
        self._sql.execute(
            "INSERT INTO incident (id, account, first_time, time) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET first_time = min(first_time, excluded.first_time), "
            "time = max(time, excluded.time)",
            (identity, alert.account, first, time),
        )
        self._sql.execute("UPDATE alert SET incident_id = ? WHERE id = ?", (identity, alert.id))
        self._sql.executemany(
            "INSERT OR IGNORE INTO incident_key VALUES (?, ?)",
            [(key, identity) for key in known.holds],
        )
        return found or Told(identity, None)

    def told(self, incident_id: str, level: Level) -> None:
        """Note that people were told of an incident, at that level."""
        self._sql.execute(
            "UPDATE incident SET told = ?, told_rank = max(?, COALESCE(told_rank, 0)) WHERE id = ?",
            (self._at, level.rank, incident_id),
        )

    def _told(self, incident_id: str) -> Told:
        query = f"SELECT {_TOLD} FROM incident i WHERE i.id = ?"  # noqa: S608
        (rank,) = self._sql.execute(query, (incident_id,)).fetchone()
        return Told(incident_id, None if rank is None else LEVELS[rank])

    def _open_incident(self, alert: Alert, seeks: Sequence[str], window: timedelta) -> Told | None:
        """The newest incident by one of these keys that is near in time and not closed."""
        marks = ", ".join("?" * len(seeks))
        rows = self._sql.execute(
            f"SELECT DISTINCT i.id, i.first_time, i.time, {_TOLD} FROM incident_key k "  # noqa: S608
            f"JOIN incident i ON i.id = k.incident_id WHERE k.key IN ({marks}) AND EXISTS ("
            f"SELECT 1 FROM alert a WHERE a.incident_id = i.id AND a.status NOT IN ({_CLOSED})) "
            "ORDER BY i.time DESC, i.id",
            tuple(seeks),
        )
        for identity, first, time, rank in rows.fetchall():
            span = {"first_time": workhours.instant(first), "time": workhours.instant(time)}
            if incidents.joins(alert, window=window, **span):
                return Told(identity, None if rank is None else LEVELS[rank])
        return None

    def _alerts(self, condition: str, *values: Any) -> list[Alert]:
        query = f"SELECT {ALERT} FROM alert WHERE {condition} ORDER BY time, id"  # noqa: S608
        return [read_alert(*row) for row in self._sql.execute(query, values)]
