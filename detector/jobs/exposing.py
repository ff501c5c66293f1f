"""Exposing: the lists of what to rotate follow the log, and messages that show one are edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from detector.delivery.bulletins import Cause, Kind
from detector.delivery.orders import Orders
from detector.findings import Level
from detector.store.casebook import Casebook
from detector.store.exposures import Grown
from detector.store.posting import Posting
from detector.store.sqlite import Sqlite

GATHER: Final = timedelta(minutes=10)
"""How long what is taken gathers before those hear of it whose message cannot be edited."""


def expose(store: Sqlite, orders: Orders, upto: Mapping[str, int], now: datetime) -> int:
    """Bring every list up to an entry of its account's log; how many grew.

    `upto` was read before alerts joined their incidents, so that none is passed over.
    """
    grown = [each for name, seq in upto.items() for each in store.exposures.follow(name, seq, now)]
    if grown:
        with store.deciding(now) as book:
            for each in grown:
                _tell(book, orders, each)
    return len(grown)


def _tell(book: Casebook, orders: Orders, grown: Grown) -> None:
    """Edit what can be edited; say it once more elsewhere when there is ten times as much."""
    edit = Posting(grown.incident_id, "", Kind.UPDATE, Cause.MORE_EXPOSED, Level.LOW, book.now)
    for name in sorted(orders.editing):
        book.mail.post(replace(edit, destination=name))
    if grown.before and len(str(grown.after)) == len(str(grown.before)):
        return
    again = replace(edit, kind=Kind.ALARM, level=Level.HIGH, due=book.now + GATHER)
    for name in sorted(set(orders.destinations) - orders.editing):
        book.mail.post_after(replace(again, destination=name))
