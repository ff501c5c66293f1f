"""A message put together at the moment of sending, from what is stored then."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from detector import coverage
from detector.delivery.bulletins import (
    Bulletin,
    Cause,
    Digest,
    Kind,
    Message,
    Notice,
    Receipt,
)
from detector.delivery.exposures import MOST_SHOWN
from detector.delivery.incidents import incident
from detector.delivery.journal import Change
from detector.store import exposures, ledger
from detector.store.casebook import ALERT, read_alert
from detector.store.database import Database
from detector.store.journal import COLUMNS, record
from detector.store.outbox import Letter

DELAYED: Final = timedelta(minutes=5)
"""A message that is later than that says so."""


def compose(database: Database, letter: Letter, now: datetime) -> Message:
    """What a waiting message says, were it sent now."""
    if letter.about.startswith("inc-"):
        return _bulletin(database, letter, now)
    if letter.about.startswith("dig-"):
        rows = database.rows("SELECT body FROM digest WHERE id = ?", letter.about)
        digest = msgspec.json.decode(rows[0][0], type=Digest)
        return replace(digest, head=_head(database, letter))
    return msgspec.json.decode(msgspec.json.encode(letter.body), type=Notice)


def _bulletin(database: Database, letter: Letter, now: datetime) -> Bulletin:
    query = f"SELECT {ALERT} FROM alert WHERE incident_id = ?"  # noqa: S608
    shown = f"{query} AND status != 'silenced' AND NOT trial"
    rows = database.rows(shown, letter.about) or database.rows(query, letter.about)
    told = incident(letter.about, [read_alert(*row) for row in rows])
    kind, late = Kind(letter.kind), now - letter.created
    return Bulletin(
        kind,
        Cause(letter.cause),
        told,
        changes=tuple(letter.body.get("changes", ())),
        history=_history(database, letter.about),
        coverage=coverage.sentence(list(ledger.read(database, told.account).values()), now),
        head=None if kind is Kind.NEW else _head(database, letter),
        mentions=tuple(letter.body.get("mentions", ())),
        delayed=late if late >= DELAYED and kind in {Kind.NEW, Kind.ALARM} else None,
        newest=next((each for each in told.alerts if each.id == letter.body.get("alert")), None),
        rotation=exposures.read(database, letter.about, MOST_SHOWN),
    )


def _history(database: Database, incident_id: str) -> tuple[Change, ...]:
    rows = database.rows(
        f"SELECT {COLUMNS} FROM journal WHERE about IN "  # noqa: S608
        "(SELECT id FROM alert WHERE incident_id = ?) ORDER BY number",
        incident_id,
    )
    return tuple(record(row)[1] for row in rows)


def _head(database: Database, letter: Letter) -> Receipt | None:
    """The newest message of its own about the same thing there; of a picture, what it is under."""
    if letter.kind == Kind.PICTURE:
        return Receipt(letter.body["under"])
    rows = database.rows(
        "SELECT receipt FROM outbox WHERE about = ? AND destination = ? AND kind = 'new' "
        "AND state = 'sent' AND sequence < ? ORDER BY sequence DESC LIMIT 1",
        letter.about,
        letter.destination,
        letter.sequence,
    )
    return Receipt(rows[0][0]) if rows else None
