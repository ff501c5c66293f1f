"""What ends by itself: silences whose time is over, and alerts that have long been quiet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from detector.alerts import Alert, Status
from detector.delivery import lifecycle
from detector.delivery.bulletins import Cause, Notice
from detector.delivery.digests import plural
from detector.delivery.journal import Change, How
from detector.delivery.orders import Orders
from detector.delivery.silences import Silence
from detector.store.casebook import Casebook

FRESH: Final = timedelta(hours=24)
"""What a silence hid and had news within this time is told when the silence ends."""
MOST_LISTED: Final = 10


def end_silences(book: Casebook, orders: Orders) -> list[Silence]:
    """End the silences whose time is over, or that match nothing; return those that are left."""
    left = []
    for silence in book.shelf.unended():
        why = _why_over(book, orders, silence)
        if not why:
            left.append(silence)
            continue
        change = Change(book.now, silence.id, "ended", "vaultwatch", How.SERVICE, why)
        end_silence(book, orders, silence, change)
    return left


def _why_over(book: Casebook, orders: Orders, silence: Silence) -> str:
    """Why a silence ends now by itself; empty if it does not."""
    if silence.until <= book.now:
        return "its time is over"
    if book.shelf.idle_since(silence) + orders.idle_silence <= book.now:
        return f"it has held nothing back for {orders.idle_silence.days} days"
    return ""


def end_silence(book: Casebook, orders: Orders, silence: Silence, change: Change) -> None:
    """Let a silence end now: what it hid and is fresh is decided anew, and people are told."""
    book.shelf.end(silence)
    book.record(change)
    hidden = book.silenced_by(silence.id, book.now - FRESH)
    for alert in hidden:
        book.remind(alert.id, Cause.SILENCE_ENDED, book.now)
    book.mail.post_notice(_ended(silence, change, hidden), orders.notices)


def expire(book: Casebook, orders: Orders) -> None:
    """Close the alerts that have been quiet for long and that nobody judged."""
    for alert in book.quiet_since(book.now - orders.expire_after):
        why = f"quiet for {orders.expire_after.days} days"
        book.set_status(lifecycle.by_service(book.now, alert.id, Status.EXPIRED, why))


def _ended(silence: Silence, change: Change, hidden: Sequence[Alert]) -> Notice:
    by = change.note if change.how is How.SERVICE else f"ended by {change.who}"
    lines = [
        f"{silence.text}: {by}.",
        f"{silence.author} had said: {silence.reason}",
        f"{plural(len(hidden), 'alert')} of the last 24 hours it held back are decided anew"
        + (":" if hidden else "."),
        *(f"{alert.level}: {alert.summary}" for alert in hidden[:MOST_LISTED]),
    ]
    return Notice(f"note-{silence.id}-ended", "A silence ended", tuple(lines), change.at)
