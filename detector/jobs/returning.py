"""A destination goes away and comes back: who hears of it meanwhile, and what is told then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from detector.alerts import Status
from detector.delivery import digests
from detector.delivery.bulletins import Cause, Kind, Notice
from detector.delivery.circuit import Circuit
from detector.delivery.incidents import Incident, incident
from detector.delivery.orders import Orders
from detector.findings import LEVELS, Level
from detector.store.casebook import Casebook
from detector.store.outbox import Letter
from detector.store.posting import Posting
from detector.store.sqlite import Sqlite

LONG: Final = timedelta(minutes=30)
"""After a longer absence what has waited is told in one message."""
MANY: Final = 3
"""Fewer messages than that are not worth a digest."""
_LOUD: Final = frozenset({Kind.NEW, Kind.ALARM})


def fall_back(
    store: Sqlite, orders: Orders, destination: str, circuit: Circuit, now: datetime
) -> None:
    """While a destination is away, its fallback hears so, and gets what is high."""
    fallback = orders.fallbacks.get(destination)
    waiting = store.outbox.waiting(destination) if fallback in orders.destinations else []
    if fallback is None or not waiting or circuit.since is None:
        return
    with store.deciding(now) as book:
        lines = (
            f"{destination} cannot be reached since {circuit.since:%a %d %b %H:%M} UTC: "
            f"{circuit.error}",
            f"{digests.plural(len(waiting), 'message')} wait for it. What is high comes here.",
        )
        identity = f"note-{destination}-{circuit.since:%Y%m%d-%H%M%S}"
        notice = Notice(identity, f"{destination} is away", lines, now, Level.HIGH)
        book.mail.post_notice(notice, [fallback])
        for letter in waiting:
            if _is_loud(letter) and letter.rank >= Level.HIGH.rank:
                level = LEVELS[letter.rank]
                book.mail.post_once(
                    Posting(letter.about, fallback, Kind.NEW, Cause.FALLBACK, level, now)
                )


def come_back(
    store: Sqlite, orders: Orders, destination: str, since: datetime, now: datetime
) -> None:
    """A destination is back: what waits may go. After long, all of it is told in one message.

    What is high and open still follows by itself, as many as the flood protection allows.
    """
    store.outbox.release(destination, now)
    if now - since < LONG:
        return
    with store.deciding(now) as book:
        # What may have arrived is looked up first, and so stays what it is.
        loud = [
            letter
            for letter in store.outbox.waiting(destination)
            if _is_loud(letter) and not letter.again
        ]
        told = {each.about: incident(each.about, book.members(each.about)) for each in loud}
        alone = _alone(loud, told, orders.flood.high)
        folded = [each for each in loud if each.about not in alone]
        if len(folded) < MANY:
            return
        _fold(book, destination, since, [told[about] for about in dict.fromkeys(told)], folded)


def _is_loud(letter: Letter) -> bool:
    return letter.about.startswith("inc-") and letter.kind in _LOUD


def _alone(loud: Sequence[Letter], told: dict[str, Incident], most: int) -> set[str]:
    """The incidents that are high and that nobody has looked at, the worst of them."""
    still = [
        each
        for each in dict.fromkeys(letter.about for letter in loud)
        if told[each].status is Status.OPEN and told[each].level.rank >= Level.HIGH.rank
    ]
    ranked = sorted(still, key=lambda each: (-told[each].level.rank, -told[each].worst.score))
    return set(ranked[:most])


def _fold(
    book: Casebook,
    destination: str,
    since: datetime,
    incidents: Sequence[Incident],
    folded: Sequence[Letter],
) -> None:
    """One digest for all that waited."""
    identity = f"dig-catch_up-{destination}-{book.now:%Y%m%d-%H%M%S}"
    alerts = [alert for each in incidents for alert in each.alerts]
    book.mail.put_in(identity, [each.id for each in alerts])
    digest = digests.outage(identity, destination, alerts, since, book.now)
    book.mail.keep(digest)
    for letter in folded:
        book.mail.fold(letter.about, destination, identity)
    book.mail.post_digest(digest, [destination], book.now, first=True)
