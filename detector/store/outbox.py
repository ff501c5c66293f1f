"""Messages that wait, are being sent, were sent, cannot be sent, or were told in a digest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from detector import workhours
from detector.delivery.bulletins import Kind
from detector.delivery.circuit import Circuit
from detector.store.database import Database

LEASE: Final = timedelta(minutes=2)
"""How long whoever sends a message has it; longer than any send takes."""
_COLUMNS: Final = (
    "about, destination, sequence, kind, cause, rank, body, tries, state, created, failed_since, "
    "served"
)
_HEAD_FIRST: Final = (
    "(kind = 'new' OR NOT EXISTS (SELECT 1 FROM outbox head WHERE head.about = outbox.about "
    "AND head.destination = outbox.destination AND head.kind = 'new' "
    "AND head.state IN ('waiting', 'sending') AND head.served = '[]'))"
)
"""What edits or answers a message goes after it, or after the first who have it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that waits: what it is about, where it goes, how often it was tried.

    `again`: an earlier try may have arrived. `kind` and `cause` are those of bulletins; of a
    digest the cause is the digest's kind. `failed_since` is when its first try failed.
    `served`: those of several recipients who have it.
    """

    about: str
    destination: str
    sequence: int
    kind: str
    cause: str
    rank: int
    body: dict[str, Any]
    tries: int
    again: bool
    created: datetime
    failed_since: datetime | None
    served: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """The idempotency key of this message."""
        return f"{self.about}.{self.sequence}"


@dataclass(frozen=True, slots=True)
class Listed:
    """A message as a person asks after it: its state, and why it is so."""

    about: str
    destination: str
    sequence: int
    kind: str
    cause: str
    state: str
    tries: int
    created: datetime
    next_at: datetime
    error: str | None
    receipt: str | None


class Outbox:
    """The messages of one store, and how each destination fares."""

    def __init__(self, database: Database, *, write: bool) -> None:
        self._database = database
        if write:
            # Whoever held a lease held the directory's lock too, and is gone.
            with database.transaction() as sql:
                sql.execute("UPDATE outbox SET leased = NULL WHERE leased IS NOT NULL")

    def due(self, destination: str, now: datetime, *, most: int = 50) -> list[Letter]:
        """Messages to send now, worst first, then oldest. What was being sent may have arrived."""
        at = workhours.microseconds(now)
        return self._letters(
            "destination = ?1 AND state IN ('waiting', 'sending') AND next_at <= ?2 "
            f"AND (leased IS NULL OR leased <= ?2) AND {_HEAD_FIRST} "
            "ORDER BY rank DESC, created, rowid LIMIT ?3",
            destination,
            at,
            most,
        )

    def probe(self, destination: str, now: datetime, place: int) -> list[Letter]:
        """The one message to try a destination with that was away: the worst, or at that place."""
        upto = self._letters(
            "destination = ?1 AND state IN ('waiting', 'sending') "
            "AND (next_at <= ?2 OR failed_since IS NOT NULL) "
            f"AND (leased IS NULL OR leased <= ?2) AND {_HEAD_FIRST} "
            "ORDER BY rank DESC, created, rowid LIMIT ?3",
            destination,
            workhours.microseconds(now),
            place + 1,
        )
        return upto[-1:]

    def waiting(self, destination: str) -> list[Letter]:
        """All messages that are not sent, whenever they are due, worst first."""
        return self._letters(
            "destination = ?1 AND state IN ('waiting', 'sending') "
            "ORDER BY rank DESC, created, rowid",
            destination,
        )

    def unrouted(self, known: Iterable[str]) -> list[str]:
        """Destinations that messages wait for and that nobody serves."""
        rows = self._database.rows(
            "SELECT DISTINCT destination FROM outbox WHERE state IN ('waiting', 'sending')"
        )
        return sorted({name for (name,) in rows} - set(known))

    def begin(self, letter: Letter, now: datetime) -> None:
        """Note that a message is about to be sent: if we die now, it may have arrived."""
        self._set(
            letter,
            "state = 'sending', tries = tries + 1, leased = ?",
            workhours.microseconds(now + LEASE),
        )

    def sent(self, letter: Letter, now: datetime, receipt: str, *, pictures: str = "") -> None:
        """It arrived; what posts `pictures` under it, if any is named, has its turn then."""
        at = workhours.microseconds(now)
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE outbox SET state = 'sent', error = NULL, leased = NULL, receipt = ?, "
                "sent = ? WHERE about = ? AND destination = ? AND sequence = ?",
                (receipt, at, letter.about, letter.destination, letter.sequence),
            )
            if pictures and letter.kind == Kind.NEW and letter.about.startswith("inc-"):
                body = json.dumps({"under": receipt})
                sql.execute(
                    "INSERT OR IGNORE INTO outbox (about, destination, sequence, kind, cause, "
                    "rank, body, state, created, next_at) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', ?8, ?8)",
                    (letter.about, pictures, letter.sequence, Kind.PICTURE, letter.cause,
                     letter.rank, body, at),
                )  # fmt: skip

    def put_off(self, letter: Letter, now: datetime, until: datetime, *, error: str) -> None:
        """It did not arrive, or `again` nobody knows, or not with all; try at that time."""
        state = "sending" if letter.again else "waiting"
        moments = (workhours.microseconds(until), workhours.microseconds(now))
        self._set(
            letter,
            "state = ?, error = ?, served = ?, leased = NULL, next_at = ?, "
            "failed_since = COALESCE(failed_since, ?)",
            state,
            error,
            json.dumps(sorted(letter.served)),
            *moments,
        )

    def give_up(self, letter: Letter, error: str) -> None:
        """Its content makes it undeliverable."""
        self._set(letter, "state = 'dead', error = ?, leased = NULL", error)

    def release(self, destination: str, now: datetime) -> None:
        """The destination is back: nothing need wait any longer."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE outbox SET next_at = ?1 WHERE destination = ?2 AND next_at > ?1 "
                "AND failed_since IS NOT NULL AND state IN ('waiting', 'sending')",
                (workhours.microseconds(now), destination),
            )

    def forget(self, before: datetime) -> int:
        """Let go of what was sent and why, before a time; how many messages went.

        What waits, what could not be sent, and the journal stay.
        """
        at = workhours.microseconds(before)
        with self._database.transaction() as sql:
            query = "DELETE FROM outbox WHERE state IN ('sent', 'folded') AND created < ?"
            gone = sql.execute(query, (at,)).rowcount
            sql.execute("DELETE FROM decision WHERE last < ?", (at,))
            sql.execute(
                "DELETE FROM digested WHERE digest_id IN (SELECT id FROM digest d WHERE "
                "d.created < ? AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.about = d.id))",
                (at,),
            )
            return gone

    def circuit(self, destination: str) -> Circuit:
        """How a destination fares."""
        rows = self._database.rows("SELECT body FROM destination WHERE name = ?", destination)
        return msgspec.json.decode(rows[0][0], type=Circuit) if rows else Circuit()

    def set_circuit(self, destination: str, circuit: Circuit) -> None:
        """Keep how a destination fares."""
        with self._database.transaction() as sql:
            body = msgspec.json.encode(circuit).decode()
            sql.execute("REPLACE INTO destination VALUES (?, ?)", (destination, body))

    def listed(self, state: str | None = None) -> list[Listed]:
        """All messages, or those in one state, oldest first."""
        rows = self._database.rows(
            "SELECT about, destination, sequence, kind, cause, state, tries, created, next_at, "
            "error, receipt FROM outbox WHERE (?1 IS NULL OR state = ?1) ORDER BY created, rowid",
            state,
        )
        return [
            Listed(about, name, number, kind, cause, state, tries, workhours.instant(created),
                   workhours.instant(next_at), error, receipt)
            for about, name, number, kind, cause, state, tries, created, next_at, error, receipt
            in rows
        ]  # fmt: skip

    def retry(self, start: str, now: datetime) -> int:
        """Send again what is not sent, about what begins with `start`; how many there are.

        `start` may be that of an incident, a digest, a notice, or an alert. What may have
        arrived is still looked for first.
        """
        with self._database.transaction() as sql:
            done = sql.execute(
                "UPDATE outbox SET state = CASE state WHEN 'dead' THEN 'waiting' ELSE state END, "
                "next_at = ?1 WHERE state IN ('waiting', 'sending', 'dead') AND ("
                "substr(about, 1, length(?2)) = ?2 OR about IN (SELECT incident_id FROM alert "
                "WHERE substr(id, 1, length(?2)) = ?2))",
                (workhours.microseconds(now), start),
            )
            return done.rowcount

    def _letters(self, condition: str, *values: object) -> list[Letter]:
        query = f"SELECT {_COLUMNS} FROM outbox WHERE {condition}"  # noqa: S608
        return [_letter(row) for row in self._database.rows(query, *values)]

    def _set(self, letter: Letter, change: str, *values: object) -> None:
        place = (letter.about, letter.destination, letter.sequence)
        with self._database.transaction() as sql:
            sql.execute(
                f"UPDATE outbox SET {change} "  # noqa: S608
                "WHERE about = ? AND destination = ? AND sequence = ?",
                (*values, *place),
            )


def _letter(row: Any) -> Letter:
    (about, destination, sequence, kind, cause, rank, body, tries, state, created, failed,
     served) = row  # fmt: skip
    return Letter(
        about,
        destination,
        sequence,
        kind,
        cause,
        rank,
        json.loads(body),
        tries,
        state == "sending",
        workhours.instant(created),
        workhours.instant(failed) if failed else None,
        frozenset(json.loads(served)),
    )
