"""The overlap sweep: recent days read a second time, on a cursor chain of their own.

An item that is synced late may lie behind the cursor (whether 1Password's cursors follow event
time or arrival is not documented). A sweep begins with a reset cursor, what is known already is
dropped by its uuid, and gaps that it covers are marked as swept. It goes on for a few pages after
each poll, so that it never holds up what is new.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from detector.alerts import Alert
from detector.coverage import RETENTION, Interval
from detector.jobs.desk import Desk
from detector.jobs.fetching import left_behind
from detector.jobs.ledger import Ledger
from detector.jobs.polling import take_in
from detector.jobs.trail import Trail
from detector.ports import Page, Source, SourceError
from detector.sources.intake import Intake
from detector.store.sqlite import Commit

PAGES_A_ROUND: Final = 40
"""Requests of a sweep after one poll: five seconds of the budget."""
MARGIN: Final = timedelta(minutes=10)
"""How far before a gap it is read again."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Habit:
    """How often a sweep begins, and how far back it reads."""

    every: timedelta
    over: timedelta


HABITS: Final = (
    Habit(timedelta(minutes=15), timedelta(hours=2)),
    Habit(timedelta(hours=24), timedelta(days=3)),
)


@dataclass
class Sweep:
    """A sweep that is under way; a restart begins it anew."""

    start: datetime
    begun: datetime
    over: tuple[timedelta, ...]
    intake: Intake
    trails: defaultdict[str, Trail] = field(default_factory=lambda: defaultdict(Trail))
    failed: set[str] = field(default_factory=set)


def sweep(
    desk: Desk, source: Source, clock: Callable[[], datetime], habits: Sequence[Habit] = HABITS
) -> tuple[Alert, ...]:
    """Go on with the sweep that is under way, or begin one that is due; the alerts it led to."""
    under_way = desk.sweep or _due(desk, source, clock(), habits)
    if under_way is None:
        return ()
    desk.sweep = under_way
    alerts = dict[str, Alert]()
    found, pages = 0, 0
    while (wanted := under_way.intake.wanted()) and pages < PAGES_A_ROUND and not desk.stopping():
        pages += len(wanted)
        _fetch(desk, source, under_way, clock)
        batch = under_way.intake.release(clock())
        if batch is not None:
            nothing = Ledger({}, clock(), timedelta(0), {})
            outcome = take_in(desk, replace(batch, cursors={}), clock(), nothing)
            found += outcome.frame.height
            alerts.update({alert.id: alert for alert in outcome.alerts})
    if not under_way.intake.wanted():
        _end(desk, under_way, clock())
    if found:
        log.info("late events", account=desk.account.name, events=found, alerts=len(alerts))
    return tuple(alerts.values())


def _due(desk: Desk, source: Source, now: datetime, habits: Sequence[Habit]) -> Sweep | None:
    """The sweep that should begin now, if any; the first is due one round after the back-fill."""
    last = desk.store.sweeps(desk.account.name)
    unknown = [habit.over for habit in habits if habit.over not in last]
    if unknown:
        desk.commit(Commit(desk.account.name, now, sweeps=unknown), "sweep")
    due = [each for each in habits if now - last.get(each.over, now) >= each.every]
    if not due:
        return None
    longest = max(each.over for each in due)
    reaches_all = longest == max(each.over for each in habits)
    return Sweep(
        start=max(_start(desk, now - longest, now, reaches_all=reaches_all), now - RETENTION),
        begun=now,
        over=tuple(each.over for each in habits if each.over <= longest),
        intake=Intake(source.feeds),
    )


def _start(desk: Desk, start: datetime, now: datetime, *, reaches_all: bool) -> datetime:
    """From when on is read: at least from the oldest gap, if it is no old one or this is the long sweep."""
    oldest = now - RETENTION if reaches_all else now - HABITS[-1].over
    gaps = [
        gap.start - MARGIN
        for each in desk.store.coverage(desk.account.name).values()
        for gap in each.gaps
        if gap.swept is None and not gap.lost and gap.start >= oldest
    ]
    return min([start, *gaps])


def _fetch(desk: Desk, source: Source, sweep: Sweep, clock: Callable[[], datetime]) -> None:
    """The next page of each feed; a feed in trouble is left to the next sweep."""

    def page(feed: str) -> Page | SourceError:
        cursor = sweep.intake.cursor(feed)
        lane = desk.lanes[feed]
        if lane.error is not None:
            return lane.error
        if lane.late is not None:
            return left_behind(feed)
        try:
            return sweep.trails[feed].checked(cursor, source.fetch(feed, cursor, sweep.start))
        except SourceError as error:
            return error

    wanted = sweep.intake.wanted()
    for feed, answer in zip(wanted, desk.pool.map(page, wanted), strict=True):
        if isinstance(answer, Page):
            sweep.intake.take(answer, clock())
        if isinstance(answer, SourceError) or answer.stalled:
            log.warning("not swept", account=desk.account.name, feed=feed, why=str(answer)[:200])
            sweep.failed.add(feed)
            sweep.intake.give_up(feed)


def _end(desk: Desk, sweep: Sweep, now: datetime) -> None:
    """Store that the sweep was done, and which feeds it read to their end."""
    desk.sweep = None
    span = Interval(sweep.start, sweep.begun)
    swept = {feed: span for feed in sweep.intake.drained() if feed not in sweep.failed}
    desk.commit(Commit(desk.account.name, now, swept=swept, sweeps=sweep.over), "sweep")
