"""Putting messages into the outbox, within the transaction of whoever decides."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from detector import workhours
from detector.delivery.bulletins import Cause, Digest, DigestKind, Kind, Notice
from detector.findings import Level

_QUIET: Final = frozenset({Kind.UPDATE, Kind.NOTE})
_MOST_CHANGES: Final = 20
FIRST: Final = 9
"""The rank of what goes out before all alerts."""


@dataclass(frozen=True, slots=True)
class Posting:
    """A message to be sent: about which incident, to whom, how, and why.

    `changes` are sentences that it is to say, `due` when it may be sent at the earliest.
    `alert` is the id of the alert that it speaks of, where that is not the worst.
    """

    about: str
    destination: str
    kind: Kind
    cause: Cause
    level: Level
    due: datetime
    changes: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    alert: str = ""


class Mailroom:
    """The outbox and the digests, within one transaction and at one time of day."""

    def __init__(self, sql: sqlite3.Connection, now: datetime) -> None:
        self._sql, self._now = sql, now

    def post(self, posting: Posting) -> None:
        """Let a message about an incident wait.

        A first message that nobody has seen will say all there is to say, so nothing joins it
        (one whose sending failed may have been seen); an edit that waits takes the changes of
        the next, and so does word of another alert; a loud one is the first where there is none.
        """
        head = self._head(posting)
        if head is not None and head[1] == "waiting":
            if posting.kind not in _QUIET:
                self._hurry(posting, head[0])
            return
        kind = posting.kind
        if head is None and kind in _QUIET:
            return
        if kind in {Kind.NEW, Kind.ALARM}:
            kind = Kind.NEW if head is None else Kind.ALARM
        if self._joined(replace(posting, kind=kind)):
            return
        body = json.dumps(_body(posting))
        row = (posting.about, posting.destination, kind, posting.cause, posting.level.rank, body)
        self._insert(row, posting.due)

    def post_once(self, posting: Posting) -> None:
        """Let a message about an incident wait, unless the destination has ever had one."""
        if not self._states(posting.about, posting.destination):
            self.post(posting)

    def post_after(self, posting: Posting) -> None:
        """Let one further message wait where the first has arrived; only one of its cause at a time."""
        head = self._head(posting)
        query = (
            "SELECT 1 FROM outbox WHERE about = ? AND destination = ? AND cause = ? "
            "AND state IN ('waiting', 'sending')"
        )
        place = (posting.about, posting.destination, posting.cause)
        waits = self._sql.execute(query, place).fetchone()
        if head is not None and head[1] == "sent" and waits is None:
            self.post(posting)

    def post_digest(
        self, digest: Digest, destinations: Iterable[str], due: datetime, *, first: bool = False
    ) -> None:
        """Let a digest wait; a further form of it edits the first, or is said by it.

        `first`: it goes out before everything else.
        """
        rank = FIRST if first else digest.level.rank
        for name in destinations:
            states = self._states(digest.id, name)
            if "waiting" not in states:
                kind = Kind.UPDATE if states else Kind.NEW
                row = (digest.id, name, kind, digest.kind, rank, "{}")
                self._insert(row, due)

    def post_notice(self, notice: Notice, destinations: Iterable[str]) -> None:
        """Let a notice wait, once for each id and destination."""
        body = msgspec.json.encode(notice).decode()
        for name in destinations:
            if not self._states(notice.id, name):
                row = (notice.id, name, Kind.NEW, "notice", notice.level.rank, body)
                self._insert(row, self._now)

    def loud_since(self, span: timedelta) -> tuple[int, int]:
        """About how many incidents people were told within a time: high ones, and others."""
        rows = self._sql.execute(
            "SELECT max(rank) FROM outbox WHERE created > ? AND kind IN ('new', 'alarm') "
            "AND substr(about, 1, 4) = 'inc-' GROUP BY about",
            (workhours.microseconds(self._now - span),),
        ).fetchall()
        high = sum(rank >= Level.HIGH.rank for (rank,) in rows)
        return high, len(rows) - high

    def keep(self, digest: Digest) -> None:
        """Keep a digest, or a later form of it."""
        at, body = workhours.microseconds(self._now), msgspec.json.encode(digest).decode()
        self._sql.execute(
            "INSERT INTO digest VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "rank = excluded.rank, body = excluded.body",
            (digest.id, digest.kind, at, digest.level.rank, body),
        )

    def put_in(self, digest_id: str, alerts: Iterable[str]) -> None:
        """Let a digest stand for these alerts too."""
        rows = [(digest_id, alert) for alert in alerts]
        self._sql.executemany("INSERT OR IGNORE INTO digested VALUES (?, ?)", rows)

    def newest(self, kind: DigestKind) -> tuple[Digest, datetime] | None:
        """The newest digest of a kind, and when it was first made."""
        row = self._sql.execute(
            "SELECT body, created FROM digest WHERE kind = ? ORDER BY created DESC, id LIMIT 1",
            (kind,),
        ).fetchone()
        if row is None:
            return None
        return msgspec.json.decode(row[0], type=Digest), workhours.instant(row[1])

    def fold(self, about: str, destination: str, digest_id: str) -> None:
        """What the messages that wait would have said is told in a digest."""
        self._sql.execute(
            "UPDATE outbox SET state = 'folded', error = ? WHERE about = ? AND destination = ? "
            "AND state = 'waiting'",
            (digest_id, about, destination),
        )

    def _head(self, posting: Posting) -> tuple[int, str] | None:
        """Number and state of the newest message of its own about the incident there."""
        row = self._sql.execute(
            "SELECT sequence, state FROM outbox WHERE about = ? AND destination = ? "
            "AND kind = 'new' AND state NOT IN ('dead', 'folded') ORDER BY sequence DESC LIMIT 1",
            (posting.about, posting.destination),
        ).fetchone()
        return (row[0], row[1]) if row else None

    def _states(self, about: str, destination: str) -> set[str]:
        query = "SELECT state FROM outbox WHERE about = ? AND destination = ? AND state != 'dead'"
        return {state for (state,) in self._sql.execute(query, (about, destination))}

    def _insert(self, row: tuple[object, ...], due: datetime) -> None:
        """Put a row in: about, destination, kind, cause, rank, body; its number is the next."""
        moments = (workhours.microseconds(self._now), workhours.microseconds(due))
        self._sql.execute(
            "INSERT INTO outbox (about, destination, sequence, kind, cause, rank, body, state, "
            "created, next_at) SELECT ?1, ?2, 1 + COALESCE(max(sequence), 0), ?3, ?4, ?5, ?6, "
            "'waiting', ?7, ?8 FROM outbox WHERE about = ?1 AND destination = ?2",
            (*row, *moments),
        )

    def _hurry(self, posting: Posting, sequence: int) -> None:
        """The first message still waits: let it go out as what is worse now."""
        due = workhours.microseconds(posting.due)
        self._sql.execute(
            "UPDATE outbox SET rank = max(rank, ?), next_at = min(next_at, ?) "
            "WHERE about = ? AND destination = ? AND sequence = ?",
            (posting.level.rank, due, posting.about, posting.destination, sequence),
        )

    def _joined(self, posting: Posting) -> bool:
        """Whether an edit that waits, or word of another alert, could take the changes."""
        if posting.kind is not Kind.UPDATE and posting.cause is not Cause.ANOTHER_ALERT:
            return False
        place = (posting.about, posting.destination, posting.kind)
        row = self._sql.execute(
            "SELECT sequence, body, rank FROM outbox WHERE about = ? AND destination = ? "
            "AND kind = ? AND state = 'waiting' AND (kind = 'update' OR cause = 'another_alert') "
            "ORDER BY sequence DESC LIMIT 1",
            place,
        ).fetchone()
        if row is None:
            return False
        sequence, text, rank = row
        body: dict[str, Any] = json.loads(text)
        said = dict.fromkeys([*body["changes"], *posting.changes])
        body["changes"] = list(said)[-_MOST_CHANGES:]
        if posting.level.rank > rank:
            body |= _body(posting) | {"changes": body["changes"]}
        due = workhours.microseconds(posting.due)
        self._sql.execute(
            "UPDATE outbox SET body = ?, next_at = min(next_at, ?), rank = max(rank, ?) "
            "WHERE about = ? AND destination = ? AND sequence = ?",
            (json.dumps(body), due, posting.level.rank, *place[:2], sequence),
        )
        return True


def _body(posting: Posting) -> dict[str, Any]:
    said = {"changes": list(posting.changes), "mentions": list(posting.mentions)}
    return said | ({"alert": posting.alert} if posting.alert else {})
