"""Messages that wait, are being sent, were sent, or cannot be sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from detector import workhours
from detector.alerts import Alert, from_json
from detector.store.database import Database


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that waits: the alert as it stands now, where it goes, how often it was tried.

    `catch_up` marks what happened in a long outage and was found only afterwards.
    """

    alert: Alert
    destination: str
    sequence: int
    tries: int
    again: bool
    created: datetime
    catch_up: bool = False

    @property
    def key(self) -> str:
        """The idempotency key of this message."""
        return f"{self.alert.id}.{self.sequence}"


@dataclass(frozen=True, slots=True)
class Listed:
    """A message as a person asks after it: state waiting, sending, sent or dead, and why."""

    alert_id: str
    destination: str
    sequence: int
    state: str
    tries: int
    created: datetime
    next_at: datetime
    error: str | None
    receipt: str | None


class Outbox:
    """The messages of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, now: datetime, *, most: int = 50) -> list[Letter]:
        """Messages to send now, worst first, then oldest. What was being sent may have arrived."""
        rows = self._database.rows(
            "SELECT a.body, a.status, o.destination, o.sequence, o.tries, o.state, o.created, "
            "o.catch_up FROM outbox o JOIN alert a ON a.id = o.alert_id "
            "WHERE o.state IN ('waiting', 'sending') AND o.next_at <= ? "
            "ORDER BY json_extract(a.body, '$.score') DESC, o.created, o.rowid LIMIT ?",
            workhours.microseconds(now),
            most,
        )
        return [
            Letter(
                read_alert(body, status),
                destination,
                sequence,
                tries,
                state == "sending",
                workhours.instant(created),
                bool(catch_up),
            )
            for body, status, destination, sequence, tries, state, created, catch_up in rows
        ]

    def begin(self, letter: Letter) -> None:
        """Note that a message is about to be sent: if we die now, it may have arrived."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE outbox SET state = 'sending', tries = tries + 1 "
                "WHERE alert_id = ? AND destination = ? AND sequence = ?",
                (letter.alert.id, letter.destination, letter.sequence),
            )

    def mark(
        self,
        letter: Letter,
        state: str,
        *,
        next_at: datetime | None = None,
        error: str | None = None,
        receipt: str | None = None,
    ) -> None:
        """Set the state of one message: when to try again, what went wrong, or the receipt."""
        moment = workhours.microseconds(next_at) if next_at else None
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE outbox SET state = ?, error = ?, receipt = ?, "
                "next_at = COALESCE(?, next_at) "
                "WHERE alert_id = ? AND destination = ? AND sequence = ?",
                (
                    state,
                    error,
                    receipt,
                    moment,
                    letter.alert.id,
                    letter.destination,
                    letter.sequence,
                ),
            )

    def listed(self, state: str | None = None) -> list[Listed]:
        """All messages, or those in one state, oldest first."""
        rows = self._database.rows(
            "SELECT alert_id, destination, sequence, state, tries, created, next_at, error, receipt "
            "FROM outbox WHERE (?1 IS NULL OR state = ?1) ORDER BY created, rowid",
            state,
        )
        return [
            Listed(
                alert,
                to,
                number,
                state,
                tries,
                workhours.instant(created),
                workhours.instant(next_at),
                error,
                receipt,
            )
            for alert, to, number, state, tries, created, next_at, error, receipt in rows
        ]

    def retry(self, start: str, now: datetime) -> int:
        """Send again what is not sent, of alerts whose id begins with `start`; how many there are.

        What may have arrived is still looked for first.
        """
        with self._database.transaction() as sql:
            done = sql.execute(
                "UPDATE outbox SET state = CASE state WHEN 'dead' THEN 'waiting' ELSE state END, "
                "next_at = ? WHERE state != 'sent' AND substr(alert_id, 1, length(?2)) = ?2",
                (workhours.microseconds(now), start),
            )
            return done.rowcount


def read_alert(body: str, status: str) -> Alert:
    """An alert as it is stored; its status is kept beside it."""
    return from_json(json.loads(body) | {"status": status})
