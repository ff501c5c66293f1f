"""What is known to be complete: the intervals that a feed's cursor chain proves, and named gaps.

An interval is proven when a feed was read to its end: everything that 1Password held of it then
is stored. A gap is a time in which nobody was looking. The chain catches up on it afterwards, and
the overlap sweep reads it a second time; what 1Password no longer serves is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

RETENTION: Final = timedelta(days=120)
"""The API serves the last 120 days (1Password's documentation of the Events API)."""
ALIKE: Final = timedelta(minutes=5)
"""Feeds whose ends differ by less are told as one."""
MOST_GAPS: Final = 3
NAMES: Final = {
    "auditevents": "audit events",
    "signinattempts": "sign-ins",
    "itemusages": "item usages",
}
"""The feeds as people call them."""
TOO_LONG_AWAY: Final = "longer away than 1Password keeps events (120 days)"

POSSIBLE: Final = "possible gap"
"""How the reason of a gap begins in which perhaps nothing is missing."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A time of which everything is stored; `end` is `start` until the feed was read to its end."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which a feed was not watched, and why.

    `swept` says when it was read a second time; `lost` that 1Password no longer has it.
    """

    feed: str
    start: datetime
    end: datetime
    why: str
    swept: datetime | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Coverage:
    """The ledger of one feed, oldest first; `newest` is the event time that was read up to."""

    feed: str
    intervals: tuple[Interval, ...] = ()
    gaps: tuple[Gap, ...] = ()
    newest: datetime | None = None

    @property
    def complete(self) -> datetime | None:
        """Up to when the feed is complete; null if it was never read to its end."""
        last = self.intervals[-1] if self.intervals else None
        return last.end if last and last.end > last.start else None


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a feed to its end: when it began, and when its last page was asked for.

    `why` names what stood in the way before; `patience` is how long a poll may be late.
    """

    begun: datetime
    asked: datetime
    why: str
    patience: timedelta


def read_to_the_end(
    feed: str, chain: Interval, reading: Reading
) -> tuple[Interval, tuple[Gap, ...]]:
    """The interval that a reading proves when it goes on from `chain`, and the gaps to name."""
    oldest = reading.begun - RETENTION
    if chain.end < oldest:
        lost = Gap(feed, chain.end, oldest, TOO_LONG_AWAY, lost=True)
        blind = Gap(feed, oldest, reading.begun, reading.why)
        return Interval(oldest, reading.asked), (lost, blind)
    was_complete = chain.end > chain.start
    if was_complete and reading.begun - chain.end > reading.patience:
        blind = Gap(feed, chain.end, reading.begun, reading.why)
        return Interval(chain.start, reading.asked), (blind,)
    return Interval(chain.start, max(chain.end, reading.asked)), ()


def sentence(
    feeds: Sequence[Coverage], now: datetime, *, since: datetime | None = None, zone: tzinfo = UTC
) -> str:
    """What is complete and what is not, in one sentence; gaps that ended before `since` are left out.

    >>> day = datetime(2026, 3, 2, tzinfo=UTC)
    >>> def at(hour, minute=0): return day.replace(hour=hour, minute=minute)
    >>> gap = Gap("itemusages", at(2, 10), at(2, 25), "503", swept=at(3))
    >>> usages = Coverage("itemusages", (Interval(at(0), at(14, 5)),), (gap,))
    >>> sentence([usages], at(14, 6))
    'complete up to 14:05 UTC; gap 02:10-02:25 swept again at 03:00'
    """
    if not feeds:
        return "nothing was read yet"
    clock = _Clock(now.astimezone(zone).date(), zone)
    gaps = [gap for each in feeds for gap in each.gaps if since is None or gap.end > since]
    told = _gaps(gaps, {each.feed for each in feeds}, clock)
    left_out = len(told) - MOST_GAPS
    if left_out > 0:
        told = [*told[:MOST_GAPS], f"{left_out} more gaps"]
    return "; ".join([*_ends(feeds, clock), *told])


@dataclass(frozen=True, slots=True)
class _Clock:
    """Writes times as a reader of one day and zone wants them."""

    today: object
    zone: tzinfo

    def time(self, moment: datetime) -> str:
        there = moment.astimezone(self.zone)
        day = "" if there.date() == self.today else f"{there.day} {there:%b} "
        return f"{day}{there:%H:%M}"

    def span(self, start: datetime, end: datetime) -> str:
        first, last = self.time(start), self.time(end)
        same_day = start.astimezone(self.zone).date() == end.astimezone(self.zone).date()
        return f"{first}-{last[-5:]}" if same_day else f"{first} - {last}"


def _ends(feeds: Sequence[Coverage], clock: _Clock) -> list[str]:
    """Up to when the feeds are complete, and which of them stay behind."""
    ends = {each.feed: each.complete for each in feeds}
    known = [end for end in ends.values() if end is not None]
    if not known:
        return ["not read to the end yet"]
    front = max(known) - ALIKE
    level = min(end for end in known if end >= front)
    zone = level.astimezone(clock.zone).tzname()
    told = [f"complete up to {clock.time(level)} {zone}"]
    for feed, end in ends.items():
        if end is None:
            told.append(f"{NAMES.get(feed, feed)} not read to the end yet")
        elif end < front:
            told.append(f"{NAMES.get(feed, feed)} only up to {clock.time(end)}")
    return told


def _gaps(gaps: Iterable[Gap], feeds: set[str], clock: _Clock) -> list[str]:
    """Each gap once, with the feeds that have it, newest first."""
    alike: dict[tuple[datetime, str], list[Gap]] = {}
    for gap in sorted(gaps, key=lambda gap: (gap.end, gap.feed), reverse=True):
        told = f"{clock.span(gap.start, gap.end)}{{}} {_fate(gap, clock)}"
        minute = gap.end.replace(second=0, microsecond=0)
        alike.setdefault((minute, told), []).append(gap)
    lines = []
    for (_, told), group in alike.items():
        names = sorted({NAMES.get(gap.feed, gap.feed) for gap in group})
        some = len({gap.feed for gap in group}) < len(feeds)
        lines.append("gap " + told.format(f" of {', '.join(names)}" if some else ""))
    return lines


def _fate(gap: Gap, clock: _Clock) -> str:
    if gap.lost:
        return "is lost"
    return f"swept again at {clock.time(gap.swept)}" if gap.swept else "not swept again yet"
