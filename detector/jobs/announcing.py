"""Announcing: what is to be told becomes messages, as many as people can read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from detector.alerts import Alert
from detector.delivery import digests
from detector.delivery.bulletins import Cause, Digest, DigestKind, Kind
from detector.delivery.flood import Tell, parted, room
from detector.delivery.orders import Orders
from detector.delivery.policy import TIMERS, Decision, Hold, Verdict
from detector.store.casebook import Casebook
from detector.store.posting import Posting

_NO_REMINDER: Final = (TIMERS | {Cause.RECOVERED}) - {Cause.SNOOZE_ENDED, Cause.SILENCE_ENDED}
LATE_SPAN: Final = timedelta(hours=1)
"""How long what was found while catching up joins one digest."""


def announce(book: Casebook, orders: Orders, tells: Sequence[Tell], late: Sequence[Tell]) -> None:
    """Let the messages wait: the worst alone, the rest of a flood and of an outage in digests."""
    sent = book.mail.loud_since(orders.flood.within)
    alone, together = parted(tells, room(orders.flood, *sent))
    for group in alone:
        _alone(book, orders, group)
    if together:
        _together(book, orders, together)
    if late:
        _late(book, orders, late)


def _alone(book: Casebook, orders: Orders, group: Sequence[Tell]) -> None:
    worst = group[0]
    changes = tuple(dict.fromkeys(said for tell in group for said in tell.changes))
    high = worst.is_high
    for tell in group:
        for name in _destinations(tell, orders):
            posting = Posting(
                worst.incident_id,
                name,
                Kind.NEW,
                worst.cause,
                worst.alert.level,
                book.now,
                changes,
                tell.route.mentions if high else (),
            )
            book.mail.post(posting)
    book.told(worst.incident_id, worst.alert.level)
    _with_it(book, worst)
    if high and worst.cause not in _NO_REMINDER:
        _remind(book, orders, worst)


def _with_it(book: Casebook, told: Tell) -> None:
    """What still waited to be told first, of the same incident, is told with it."""
    for other in book.members(told.incident_id):
        if book.forget(other.id, (Cause.FIRST_TOLD,)):
            with_it = Decision(Verdict.TELL, Cause.FIRST_TOLD, detail=f"with {told.alert.id}")
            book.decided(other.id, with_it)


def _destinations(tell: Tell, orders: Orders) -> tuple[str, ...]:
    if tell.cause is not Cause.ESCALATED:
        return tell.route.send
    return tuple(name for name in tell.route.escalate if name in orders.destinations)


def _remind(book: Casebook, orders: Orders, told: Tell) -> None:
    """Come back to a high alert that nobody looks at: say it again, then tell somebody else."""
    book.forget(told.alert.id, (Cause.UNACKNOWLEDGED, Cause.ESCALATED))
    for after in orders.remind_after:
        book.remind(told.alert.id, Cause.UNACKNOWLEDGED, book.now + after)
    if told.route.escalate:
        due = book.now + told.route.escalate_after
        book.remind(told.alert.id, Cause.ESCALATED, due)


def _together(book: Casebook, orders: Orders, groups: Sequence[Sequence[Tell]]) -> None:
    """One message for the rest of a flood; it grows as long as the flood lasts."""
    tells = [tell for group in groups for tell in group]
    pile = _Pile(DigestKind.FLOOD, digests.flood, orders.flood.within)
    digest = _grown(book, pile, [tell.alert for tell in tells])
    for name in sorted({name for tell in tells for name in _destinations(tell, orders)}):
        # Where a message cannot be changed, it waits until the flood is over.
        due = book.now if name in orders.editing else digest.since + orders.flood.within
        book.mail.post_digest(digest, [name], max(book.now, due))
    for tell in tells:
        book.told(tell.incident_id, tell.alert.level)
        held = Decision(Verdict.DIGEST, Hold.FLOOD, detail=digest.id)
        book.decided(tell.alert.id, held)


def _late(book: Casebook, orders: Orders, tells: Sequence[Tell]) -> None:
    """One message for what was found while catching up after an outage of the feeds."""
    pile = _Pile(DigestKind.LATE, digests.late, LATE_SPAN)
    digest = _grown(book, pile, [tell.alert for tell in tells])
    names = sorted({name for tell in tells for name in _destinations(tell, orders)})
    book.mail.post_digest(digest, names, book.now)
    for tell in tells:
        book.told(tell.incident_id, tell.alert.level)


@dataclass(frozen=True)
class _Pile:
    """A digest that alerts are put into as long as it is younger than `span`."""

    kind: DigestKind
    make: Callable[[str, Sequence[Alert], datetime, datetime], Digest]
    span: timedelta


def _grown(book: Casebook, pile: _Pile, alerts: Sequence[Alert]) -> Digest:
    """The open digest of that kind with these alerts added, or a new one."""
    found = book.mail.newest(pile.kind)
    if found is not None and book.now - found[1] < pile.span:
        identity, since = found[0].id, found[1]
    else:
        identity, since = f"dig-{pile.kind}-{book.now:%Y%m%d-%H%M%S}", book.now
    book.mail.put_in(identity, [each.id for each in alerts])
    digest = pile.make(identity, book.digested(identity), since, book.now)
    book.mail.keep(digest)
    return digest
