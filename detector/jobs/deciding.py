"""Deciding: what happened to alerts becomes messages, or is held, each with a named reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from detector.alerts import Alert, Status
from detector.delivery import lifecycle, sentences
from detector.delivery.bulletins import Cause, Kind
from detector.delivery.flood import Tell, edit_after
from detector.delivery.orders import Match, Orders, Route
from detector.delivery.policy import Case, Decision, Hold, Verdict, policy
from detector.delivery.silences import Silence
from detector.jobs.announcing import announce
from detector.jobs.ending import end_silences, expire
from detector.store.casebook import Casebook, News
from detector.store.posting import Posting
from detector.store.sqlite import Sqlite

MOST: Final = 20_000
"""News decided about in one transaction."""


@dataclass(frozen=True)
class _Desk:
    """What every decision of one round looks at."""

    book: Casebook
    silences: Sequence[Silence]
    orders: Orders

    @property
    def now(self) -> datetime:
        return self.book.now


def decide(store: Sqlite, orders: Orders, now: datetime) -> int:
    """Decide about everything that is due, in one transaction; how many decisions were made."""
    with store.deciding(now) as book:
        desk = _Desk(book, end_silences(book, orders), orders)
        expire(book, orders)
        news = book.news(most=MOST)
        ruled = [_ruled(desk, each) for each in news]
        tells = [tell for said, tell in ruled if said.verdict is Verdict.TELL]
        late = [tell for said, tell in ruled if said.reason is Hold.CATCHING_UP]
        announce(book, orders, tells, late)
    return len(news)


def _ruled(desk: _Desk, news: News) -> tuple[Decision, Tell]:
    """Decide about one piece of news, and do all of it but the telling."""
    book, standing = desk.book, desk.book.standing(news.alert_id)
    alert = _awake(book, standing.alert, news.cause)
    joined = book.join(alert, desk.orders.incident_window)
    others = book.members(joined.id) if desk.orders.inhibitions else ()
    case = Case(
        alert,
        news.cause,
        news.since,
        told=joined.level,
        others=[each for each in others if each.status in {Status.OPEN, Status.ACKNOWLEDGED}],
        trial=standing.trial,
        late=news.late,
    )
    decision = policy(case, desk.silences, desk.orders, desk.now)
    book.decided(alert.id, decision)
    if news.cause is not Cause.RECOVERED:
        alert = _stands(book, alert, decision)
    if decision.verdict is Verdict.HOLD and decision.until is not None:
        book.hold(news, decision.until)
    else:
        book.done(news)
    cause = decision.reason if isinstance(decision.reason, Cause) else news.cause
    route = desk.orders.route(alert) or Route(Match(), ())
    tell = Tell(joined.id, alert, cause, route, sentences.changed(case, decision))
    if decision.verdict is Verdict.EDIT:
        _edit(desk, tell)
    return decision, tell


def _awake(book: Casebook, alert: Alert, cause: Cause) -> Alert:
    """The alert, opened again where its snooze or silence is over or new evidence came."""
    why = lifecycle.woken(alert.status, cause)
    return _opened(book, alert, why) if why else alert


def _stands(book: Casebook, alert: Alert, decision: Decision) -> Alert:
    """The alert in the state that a decision leaves it in."""
    silenced = decision.reason is Hold.SILENCED
    if silenced and alert.status is Status.OPEN:
        why = f"by {decision.detail}"
        change = lifecycle.by_service(book.now, alert.id, Status.SILENCED, why)
        book.set_status(change, silence=decision.detail)
        return replace(alert, status=Status.SILENCED, suppressed_by=decision.detail)
    told = decision.verdict is Verdict.TELL
    why = lifecycle.reopened(alert.status, told=told, silenced=silenced)
    if not why:
        return alert
    book.forget(alert.id, (Cause.SNOOZE_ENDED, Cause.SILENCE_ENDED))
    return _opened(book, alert, why)


def _opened(book: Casebook, alert: Alert, why: str) -> Alert:
    book.set_status(lifecycle.by_service(book.now, alert.id, Status.OPEN, why))
    return replace(alert, status=Status.OPEN, suppressed_by=None)


def _edit(desk: _Desk, tell: Tell) -> None:
    """Let the incident's messages be edited; what only repeats gathers for a while.

    Of another alert a message that cannot be edited hears by one that follows it.
    """
    age = desk.now - tell.alert.detected_at
    due = desk.now + edit_after(age) if tell.cause is Cause.REPEATED else desk.now
    kinds = [(name, Kind.UPDATE) for name in sorted(desk.orders.editing)]
    if tell.cause is Cause.ANOTHER_ALERT:
        kinds += [
            (name, Kind.NOTE if name in desk.orders.editing else Kind.ALARM)
            for name in tell.route.send
        ]
    for name, kind in kinds:
        level = tell.alert.level
        desk.book.mail.post(
            Posting(
                tell.incident_id,
                name,
                kind,
                tell.cause,
                level,
                due,
                tell.changes,
                alert=tell.alert.id if tell.cause is Cause.ANOTHER_ALERT else "",
            )
        )
