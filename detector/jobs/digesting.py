"""Digests: once a day what was only recorded and how things stand, once a week what is noisy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from detector import accounts, coverage, exceptions, plans, thresholds, workhours
from detector.delivery import reports
from detector.delivery.bulletins import Digest, DigestKind
from detector.delivery.nearness import Below
from detector.delivery.orders import Orders
from detector.jobs import uncounted
from detector.store.sqlite import Sqlite


def digest(store: Sqlite, orders: Orders, now: datetime, rules: Sequence[str] = ()) -> int:
    """Let the digests wait that are due; how many there are. `rules` are lines on rule health."""
    table, made = orders.digest, 0
    with store.deciding(now) as book:
        newest = book.mail.newest(DigestKind.DAILY)
        if reports.is_due(newest[1] if newest else None, now, table, None):
            since = newest[1] if newest else now - reports.DAY
            found = daily(store, since, now, rules)
            book.mail.put_in(found.id, _only_there(store, since, now))
            book.mail.keep(found)
            book.mail.post_digest(found, orders.notices, now)
            made += 1
        newest = book.mail.newest(DigestKind.WEEKLY)
        last = newest[1] if newest else None
        due = table.weekday is not None and reports.is_due(last, now, table, table.weekday)
    if due:
        # It reads a week of events, which is too long for a transaction.
        found = weekly(store, now)
        with store.deciding(now) as book:
            book.mail.keep(found)
            book.mail.post_digest(found, orders.notices, now)
        made += 1
    return made


def daily(store: Sqlite, since: datetime, now: datetime, rules: Sequence[str] = ()) -> Digest:
    """The digest of the time since the last one."""
    lines = [_covered(store, name, now) for name in store.accounts()]
    return reports.daily(store.reports.day(since, now, lines, rules), since, now)


def weekly(store: Sqlite, now: datetime) -> Digest:
    """The digest of the last week."""
    since = now - reports.WEEK
    found = store.reports
    week = reports.Week(
        rules=found.week(since, now),
        near=found.near(since, now),
        below=[each for name in store.accounts() for each in _below(store, name, since)],
        hidden=found.hidden(since, now),
        exceptions=[
            line for name in store.accounts() for line in _excepted(store, name, since, now)
        ],
        uncounted=[
            f"{name}: {line}" for name in store.accounts() for line in uncounted.lines(store, name)
        ],
    )
    return reports.weekly(week, since, now)


def _below(store: Sqlite, account: str, since: datetime) -> list[Below]:
    """What nearly reached what a rule asks, as far as the newest snapshot knows."""
    state = accounts.as_kept(store, account)
    return thresholds.below(state, workhours.microseconds(since)) if state else []


def _excepted(store: Sqlite, account: str, since: datetime, now: datetime) -> list[str]:
    """What the exceptions of the rules that are at work hid since a time, in lines."""
    adopted = store.log.controls(account, kind=accounts.PLAN)
    if not adopted:
        return []
    rulebook = plans.build(plans.Texts.parse(adopted[-1].body), now.date()).plan.rulebook
    pages = store.log.pages(account, since=since)
    return [
        f"{account}: {exceptions.line(cost)}"
        for cost in exceptions.over(rulebook, exceptions.since(pages, since))
        if cost.total
    ]


def _only_there(store: Sqlite, since: datetime, now: datetime) -> list[str]:
    found = store.reports.day(since, now, (), ())
    return [alert.id for alert in (*found.quiet, *found.trial)]


def _covered(store: Sqlite, account: str, now: datetime) -> str:
    feeds = list(store.coverage(account).values())
    return f"{account}: {coverage.sentence(feeds, now)}"
