"""The store: events, log, alerts and outbox in one file; a page is one transaction."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from detector import troubles, workhours
from detector.alerts import Alert
from detector.coverage import Coverage
from detector.delivery.bulletins import Message
from detector.delivery.incidents import CLOSED
from detector.pulse import Pulse
from detector.store import compaction, forgetting, ledger, messages, steps
from detector.store.casebook import ALERT, Casebook, read_alert
from detector.store.compaction import Point
from detector.store.database import Database, StoreError
from detector.store.exposures import Exposures
from detector.store.forgetting import Tombstone
from detector.store.journal import Journal
from detector.store.log import Entry, Log
from detector.store.outbox import Letter, Listed, Outbox
from detector.store.reports import Reports
from detector.store.silences import Silences
from detector.store.steps import Commit, Control, Start


@dataclass(frozen=True, slots=True)
class Decided:
    """Why an alert was sent or held: first and last time, how often, and until when."""

    at: datetime
    last: datetime
    times: int
    verdict: str
    reason: str
    until: datetime | None
    detail: str


_OWN = f"{troubles.PREFIX}*"


class Sqlite:
    """The embedded store. Raises StoreError where the directory cannot be used."""

    def __init__(self, directory: Path, *, write: bool = True) -> None:
        self.directory = directory
        self._database = Database(directory, write=write)
        self.outbox = Outbox(self._database, write=write)
        self.log = Log(self._database)
        self.exposures = Exposures(self._database, self.log)
        self._keeping = threading.Lock()
        if write:
            compaction.sweep(self._database)
            forgetting.finish(self._database, _nowhere)
        self.journal = Journal(self._database)
        self.silences = Silences(self._database)
        self.reports = Reports(self._database)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def commit(self, commit: Commit) -> None:
        """Store a step: cursors, events, log, alerts and news of them in one transaction.

        Raises StoreError, also for a step that does not go on where the log ends.
        """
        with self._database.transaction() as sql:
            steps.write(sql, commit)

    @contextmanager
    def deciding(self, now: datetime) -> Iterator[Casebook]:
        """What delivery knows, to be read and changed: all of the changes are kept, or none."""
        with self._database.transaction() as sql:
            yield Casebook(sql, now)

    def compose(self, letter: Letter, now: datetime) -> Message:
        """What a waiting message says, were it sent now."""
        return messages.compose(self._database, letter, now)

    def started(self, account: str) -> Start | None:
        """How the account was started, null if it was not."""
        rows = self._database.rows("SELECT teach_until, uuid FROM account WHERE name = ?", account)
        return Start(workhours.instant(rows[0][0]), rows[0][1]) if rows else None

    def claim(self, account: str, uuid: str) -> None:
        """Note which 1Password account this is. Raises StoreError if it is another one."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE account SET uuid = ? WHERE name = ? AND uuid IS NULL", (uuid, account)
            )
        start = self.started(account)
        if start is not None and start.uuid != uuid:
            msg = (
                f"account {account!r}: the token is of another 1Password account ({uuid}) than "
                f"the data ({start.uuid}); give the source another name"
            )
            raise StoreError(msg)

    def cursors(self, account: str) -> dict[str, tuple[str, datetime | None]]:
        """Per feed the cursor to go on from, and the newest event time behind it, if any."""
        rows = self._database.rows(
            "SELECT feed, cursor, newest FROM cursor WHERE account = ?", account
        )
        return {
            feed: (cursor, workhours.instant(newest) if newest else None)
            for feed, cursor, newest in rows
        }

    def coverage(self, account: str) -> dict[str, Coverage]:
        """What is known to be complete, by feed."""
        return ledger.read(self._database, account)

    def sweeps(self, account: str) -> dict[timedelta, datetime]:
        """When the last overlap sweep was done, by how far it reached back."""
        return ledger.sweeps(self._database, account)

    def pulses(self, account: str) -> dict[str, Pulse]:
        """How long each feed is usually silent."""
        return ledger.pulses(self._database, account)

    def snapshot(self, account: str) -> tuple[int, bytes] | None:
        """The newest snapshot of the kernel's state: its seq and body."""
        rows = self._database.rows("SELECT seq, body FROM snapshot WHERE account = ?", account)
        return (rows[0][0], rows[0][1]) if rows else None

    def model(self, identity: str) -> bytes | None:
        """The artefact of a model."""
        rows = self._database.rows("SELECT body FROM model WHERE id = ?", identity)
        return rows[0][0] if rows else None

    def models(self, account: str) -> list[tuple[str, datetime]]:
        """The ids of an account's models and when they were made, oldest first."""
        query = "SELECT id, created FROM model WHERE account = ? ORDER BY created, rowid"
        return [(name, workhours.instant(at)) for name, at in self._database.rows(query, account)]

    def alerts(
        self,
        *,
        account: str | None = None,
        status: str | None = None,
        since: datetime | None = None,
    ) -> list[Alert]:
        """Alerts, oldest evidence first; not those of the engine about itself."""
        condition = (
            "(?1 IS NULL OR account = ?1) AND (?2 IS NULL OR status = ?2) AND time >= ?3 "
            "AND NOT rule_id GLOB ?4"
        )
        query = f"SELECT {ALERT} FROM alert WHERE {condition} ORDER BY time, id"  # noqa: S608
        earliest = workhours.microseconds(since) if since else -(2**62)
        rows = self._database.rows(query, account, status, earliest, _OWN)
        return [read_alert(*row) for row in rows]

    def held_back(self, since: datetime | None = None) -> list[dict[str, Any]]:
        """Findings that a rung held back, oldest first: what they saw, the rung and its margin."""
        earliest = workhours.microseconds(since) if since else -(2**62)
        query = "SELECT account, rung, body FROM suppressed WHERE time >= ? ORDER BY time, seq"
        return [
            {"account": account, "rung": rung} | json.loads(body)
            for account, rung, body in self._database.rows(query, earliest)
        ]

    def own_alerts(self, account: str, *, closed: bool = False) -> list[Alert]:
        """The engine's alerts about itself, oldest first: those that are open, or all."""
        query = f"SELECT {ALERT} FROM alert WHERE account = ? AND rule_id GLOB ? ORDER BY time, id"  # noqa: S608
        found = [read_alert(*row) for row in self._database.rows(query, account, _OWN)]
        return [each for each in found if closed or each.status not in CLOSED]

    def alert(self, start: str) -> list[Alert]:
        """Alerts whose id begins with `start`."""
        query = f"SELECT {ALERT} FROM alert WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id"  # noqa: S608
        return [read_alert(*row) for row in self._database.rows(query, start)]

    def digested(self, digest: str) -> set[str]:
        """Ids of the alerts that a digest stands for."""
        rows = self._database.rows("SELECT alert_id FROM digested WHERE digest_id = ?", digest)
        return {name for (name,) in rows}

    def decisions(self, identity: str) -> list[Decided]:
        """Why an alert was sent or held, oldest first."""
        rows = self._database.rows(
            "SELECT at, last, times, verdict, reason, until, detail FROM decision "
            "WHERE alert_id = ? ORDER BY number",
            identity,
        )
        return [
            Decided(
                workhours.instant(at),
                workhours.instant(last),
                times,
                verdict,
                reason,
                workhours.instant(until) if until else None,
                detail,
            )
            for at, last, times, verdict, reason, until, detail in rows
        ]

    def verdicts(self, account: str) -> list[tuple[int, bytes]]:
        """Numbers and bodies of the verdicts that the account's log has not taken in."""
        query = "SELECT number, body FROM verdict WHERE account = ? ORDER BY number"
        return [(number, body) for number, body in self._database.rows(query, account)]

    def compact(self, account: str, point: Point) -> int:
        """Write pages of days that are over as files; how many files were written."""
        with self._keeping:
            return compaction.compact(self._database, account, point)

    def expire(self, account: str, before: datetime, point: Point) -> int:
        """Let go of events that are all before a time, whole days at once; how many they were."""
        with self._keeping:
            return compaction.expire(self._database, account, before, point)

    def people(self, account: str, asked: str) -> list[str]:
        """The uuids of the people whose uuid or e-mail is `asked`, by the stored events."""
        return forgetting.people(self._database, account, asked)

    def forget(self, account: str, person: str, at: datetime, point: Point) -> int:
        """Forget the person of that uuid; how many events went. The account's state is stale then."""
        with self._keeping:
            forgetting.begin(self._database, account, person, at)
            return forgetting.finish(self._database, point)

    def forgotten(self) -> list[Tombstone]:
        """Everybody who was forgotten."""
        return forgetting.tombstones(self._database)

    def damaged(self, *, thoroughly: bool = False) -> list[str]:
        """Files of segments that are missing or, looked at thoroughly, not what was written."""
        return compaction.damaged(self._database, thoroughly=thoroughly)

    def counts(self) -> dict[str, int]:
        """How much there is of everything: for `doctor` and tests."""
        tables = ("alert", "suppressed", "flaw", "control", "segment", "model")
        found = {name: self._database.rows(f"SELECT count(*) FROM {name}")[0][0] for name in tables}  # noqa: S608
        found["event"] = self._database.rows("SELECT COALESCE(sum(events), 0) FROM segment")[0][0]
        for state, count in self._database.rows("SELECT state, count(*) FROM outbox GROUP BY 1"):
            found[f"outbox_{state}"] = count
        return found

    def events(self, account: str) -> int:
        """How many events of an account there are."""
        query = "SELECT COALESCE(sum(events), 0) FROM segment WHERE account = ?"
        return int(self._database.rows(query, account)[0][0])

    def newest(self, account: str) -> datetime | None:
        """The time of an account's newest event, null without one; none is newer than its receipt."""
        query = "SELECT max(min(hi_time, stored)) FROM segment WHERE account = ?"
        newest = self._database.rows(query, account)[0][0]
        return workhours.instant(newest) if newest is not None else None

    def accounts(self) -> list[str]:
        """Names of the accounts that were started."""
        return [name for (name,) in self._database.rows("SELECT name FROM account ORDER BY name")]

    def healthy(self) -> str:
        """SQLite's own verdict on the file: 'ok', or what is wrong."""
        return str(self._database.rows("PRAGMA quick_check")[0][0])


def _nowhere(_: str) -> None:
    """The crash point of a start."""


__all__ = [
    "Casebook", "Commit", "Control", "Decided", "Entry", "Letter", "Listed", "Sqlite", "Start", "StoreError",
]  # fmt: skip
