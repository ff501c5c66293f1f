"""Obeying: what a person asks for on the command line or by a button is done and recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from detector import workhours
from detector.alerts import Alert
from detector.delivery import lifecycle, sentences
from detector.delivery.bulletins import Cause, Kind, Notice
from detector.delivery.commands import Command, Refused, Verb
from detector.delivery.digests import plural
from detector.delivery.incidents import CLOSED
from detector.delivery.journal import Change
from detector.delivery.orders import Orders
from detector.delivery.policy import TIMERS
from detector.delivery.silences import Silence, like, limited, silence
from detector.findings import Level
from detector.jobs.ending import end_silence
from detector.store.casebook import Casebook
from detector.store.posting import Posting
from detector.store.sqlite import Sqlite
from detector.triage import Judgement
from detector.troubles import is_own

PREVIEW: Final = timedelta(days=7)
_NEEDS_NOTE: Final = frozenset({Verb.FALSE_POSITIVE, Verb.BENIGN})


@dataclass(frozen=True, slots=True)
class Obeyed:
    """What was done: to which alert, incident or silence; one line for whoever asked.

    `hidden` are the alerts of the last week that a new silence would have held back.
    """

    id: str
    status: str
    text: str
    hidden: tuple[Alert, ...] = ()


def obey(store: Sqlite, command: Command, orders: Orders, now: datetime) -> Obeyed:
    """Do what was asked for, in one transaction. Raises Refused."""
    if command.verb is Verb.SILENCE:
        return _silence(store, command, orders, now)
    with store.deciding(now) as book:
        if command.verb is Verb.EXPIRE:
            return _expire(book, command, orders)
        return _judge(book, command, orders)


def preview(store: Sqlite, asked: Silence, now: datetime) -> tuple[Alert, ...]:
    """The alerts of the last week that a silence would have held back."""
    found = store.alerts(since=now - PREVIEW)
    return tuple(each for each in found if asked.matches(each))


def asked_for(command: Command, orders: Orders, now: datetime) -> Silence:
    """The silence that a command describes. Raises Refused."""
    if command.until is None:
        raise Refused("a silence needs an end, as --for 4h or --until 2026-03-01")
    made = silence(
        command.matchers,
        author=command.who,
        reason=command.note,
        span=(now, command.until),
        how=command.how,
    )
    return limited(made, orders.longest_silence)


def _judge(book: Casebook, command: Command, orders: Orders) -> Obeyed:
    if command.verb in _NEEDS_NOTE and not command.note.strip():
        raise Refused(f"{command.verb}: say why, as in --note 'new laptop'")
    found = _named(book, command.target)
    changed = [
        (alert, change)
        for alert in found
        if (change := lifecycle.change(alert.status, command, alert.id, book.now)) is not None
    ]
    for alert, change in changed:
        book.set_status(change, until=command.until if command.verb is Verb.SNOOZE else None)
        book.forget(alert.id, TIMERS)
        if command.verb is Verb.SNOOZE and command.until is not None:
            book.remind(alert.id, Cause.SNOOZE_ENDED, command.until)
        if lifecycle.STATUS[command.verb] in lifecycle.JUDGED and not is_own(alert.rule.id):
            book.judge(alert.account, _verdict(alert, change))
    _tell(book, command, orders, [alert for alert, _ in changed])
    status = lifecycle.STATUS[command.verb]
    name = command.target if command.target.startswith("inc-") else found[0].id
    already = "" if changed else " already"
    return Obeyed(name, status, f"{name}: {status}{already}")


def _named(book: Casebook, target: str) -> list[Alert]:
    """The alert that is meant, or those of the incident that are not closed. Raises Refused."""
    found = book.named(target)
    if target.startswith("inc-"):
        many = len({each.incident_id for each in found})
        chosen = [each for each in found if each.status not in CLOSED] or found
    else:
        many, chosen = len(found), found
    if many != 1:
        kind = "incident" if target.startswith("inc-") else "alert"
        words = f"no {kind}" if not many else f"{many} {kind}s"
        raise Refused(f"{target}: {words} of that id; 'vaultwatch alerts list' shows them")
    return chosen


def _verdict(alert: Alert, change: Change) -> bytes:
    """What the log of the account is told: nothing that a person wrote."""
    harmless = change.what in lifecycle.HARMLESS
    until = max(alert.time, alert.detected_at)
    span = (workhours.microseconds(alert.first_time), workhours.microseconds(until))
    return Judgement(alert.id, alert.subject.type, alert.subject.id, harmless, *span).dump()


def _tell(book: Casebook, command: Command, orders: Orders, alerts: Sequence[Alert]) -> None:
    """Show on the incident's messages what was done, and by whom."""
    said = (sentences.done(command),)
    for identity in sorted({each.incident_id for each in alerts if each.incident_id}):
        for name in orders.editing:
            for kind in (Kind.UPDATE, Kind.NOTE):
                book.mail.post(
                    Posting(identity, name, kind, Cause.STATE_CHANGED, Level.LOW, book.now, said)
                )


def _silence(store: Sqlite, command: Command, orders: Orders, now: datetime) -> Obeyed:
    made = asked_for(_with_matchers(store, command, now), orders, now)
    hidden = preview(store, made, now)
    with store.deciding(now) as book:
        add_silence(book, orders, made, hidden)
    counted = plural(len(hidden), "alert")
    text = f"{made.id}: until {made.until:%Y-%m-%d %H:%M} UTC; the last week: {counted}"
    return Obeyed(made.id, "active", text, hidden)


def add_silence(book: Casebook, orders: Orders, made: Silence, hidden: Sequence[Alert]) -> None:
    """Keep a silence, record who made it, and tell everybody."""
    if not book.shelf.add(made):
        return
    note = f"{made.text}; {made.reason}"
    book.record(Change(book.now, made.id, "silenced", made.author, made.how, note))
    own = sum(made.is_about_its_author(each) for each in hidden)
    lines = [
        f"{made.author} silenced {made.text} until {made.until:%a %d %b %H:%M} UTC.",
        f"Why: {made.reason}",
        f"In the last week it would have held back {plural(len(hidden), 'alert')}.",
    ]
    if own:
        about = plural(own, "alert")
        lines.append(f"{about} of these are about {made.author}: those are sent all the same.")
    level = Level.MEDIUM if own else Level.LOW
    notice = Notice(f"note-{made.id}-began", "A silence began", tuple(lines), book.now, level)
    book.mail.post_notice(notice, orders.notices)


def _with_matchers(store: Sqlite, command: Command, now: datetime) -> Command:
    """The command with matchers for what is like its target, if it has none."""
    if command.matchers or not command.target:
        return command
    with store.deciding(now) as book:
        alert = _named(book, command.target)[0]
    return replace(command, matchers=like(alert))


def _expire(book: Casebook, command: Command, orders: Orders) -> Obeyed:
    found = [each for each in book.shelf.unended() if each.id.startswith(command.target)]
    if len(found) != 1 or not command.target:
        words = "no silence" if not found else f"{len(found)} silences"
        raise Refused(f"{command.target}: {words} of that id; 'vaultwatch silences list'")
    note = " ".join(command.note.split())
    change = Change(book.now, found[0].id, "expired", command.who, command.how, note)
    end_silence(book, orders, found[0], change)
    return Obeyed(found[0].id, "expired", f"{found[0].id}: expired")
