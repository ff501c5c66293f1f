"""Standing orders: what the configuration says about whom to tell, when, and how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from detector.alerts import Alert
from detector.findings import Level, Subject

NO_TIME: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Match:
    """Which alerts a route or an inhibition means; an empty tuple means all."""

    level: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()

    def takes(self, alert: Alert) -> bool:
        """Whether the alert is meant."""
        return (
            (not self.level or alert.level in self.level)
            and (not self.account or alert.account in self.account)
            and (not self.rule or alert.rule.name in self.rule or alert.rule.id in self.rule)
            and (not self.tag or bool(set(self.tag) & set(alert.tags)))
        )


@dataclass(frozen=True, slots=True)
class Route:
    """Where the alerts it matches go; whom to tell if nobody looks; what may be mentioned.

    `wait` gathers what belongs together before the first message; null is the level's own.
    """

    match: Match
    send: tuple[str, ...]
    escalate: tuple[str, ...] = ()
    escalate_after: timedelta = timedelta(minutes=60)
    wait: timedelta | None = None
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Times of the week at which low and medium alerts wait. `days` count from Monday = 0.

    From `begins` to `ends` by the clock of `zone`, over midnight if `ends` comes first; the
    whole of each of `days`.
    """

    begins: time
    ends: time
    zone: ZoneInfo
    days: frozenset[int] = frozenset()

    def over_at(self, now: datetime) -> datetime | None:
        """When the quiet that is now ends; null if it is not quiet."""
        there = now.astimezone(self.zone)
        end: datetime | None = None
        while end is None or end < now + timedelta(days=8):
            later = self._next_end(end.astimezone(self.zone) if end else there)
            if later is None:
                break
            end = later
        return end

    def _next_end(self, there: datetime) -> datetime | None:
        """The end of the quiet spell that holds at a local time."""
        if there.weekday() in self.days:
            return _at(there + timedelta(days=1), time(0))
        clock = there.time()
        if self.begins < self.ends:
            return _at(there, self.ends) if self.begins <= clock < self.ends else None
        if self.begins > self.ends:
            if clock >= self.begins:
                return _at(there + timedelta(days=1), self.ends)
            return _at(there, self.ends) if clock < self.ends else None
        return None


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert of `by` about the same subject is open, those of `hides` are not told."""

    by: tuple[str, ...]
    hides: tuple[str, ...]
    within: timedelta = timedelta(hours=2)

    def hides_from(self, alert: Alert, other: Alert) -> bool:
        """Whether `other` says the same and more than `alert`."""
        return (
            _named(alert, self.hides)
            and _named(other, self.by)
            and alert.id != other.id
            and _same(alert.subject, other.subject)
            and abs(alert.time - other.time) <= self.within
        )


@dataclass(frozen=True, slots=True)
class Flood:
    """How many messages may go out before the rest is told in one."""

    high: int = 6
    other: int = 3
    within: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Timetable:
    """When digests are due, by the clock of `zone`; `weekday` counts from Monday = 0."""

    at: time = time(8, 30)
    weekday: int | None = 0
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    send: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Orders:
    """Everything that delivery is told by its configuration."""

    destinations: tuple[str, ...]
    editing: frozenset[str] = frozenset()
    """Destinations whose messages can be changed afterwards."""
    pictures: Mapping[str, str] = field(default_factory=dict)
    """Which destination posts the pictures under the messages of another."""
    routes: tuple[Route, ...] = ()
    fallbacks: Mapping[str, str] = field(default_factory=dict)
    quiet: QuietHours | None = None
    inhibitions: tuple[Inhibition, ...] = ()
    flood: Flood = Flood()
    digest: Timetable = field(default_factory=Timetable)
    incident_window: timedelta = timedelta(hours=2)
    medium_wait: timedelta = timedelta(seconds=30)
    remind_after: tuple[timedelta, ...] = (timedelta(minutes=30), timedelta(hours=4))
    expire_after: timedelta = timedelta(days=14)
    longest_silence: timedelta = timedelta(days=30)
    idle_silence: timedelta = timedelta(days=14)
    """A silence that holds nothing back for so long ends by itself."""

    def route(self, alert: Alert) -> Route | None:
        """The first route that takes the alert; without one, all destinations from medium on."""
        for each in self.routes:
            if each.match.takes(alert):
                known = tuple(name for name in each.send if name in self.destinations)
                return replace(each, send=known)
        if alert.level.rank >= Level.MEDIUM.rank:
            return Route(Match(), self.destinations)
        return None

    @property
    def notices(self) -> tuple[str, ...]:
        """Where digests and words of the service itself go."""
        return self.digest.send or self.destinations

    def wait(self, alert: Alert, route: Route) -> timedelta:
        """How long to gather before the first message; what is high never waits."""
        if alert.level.rank >= Level.HIGH.rank:
            return NO_TIME
        return self.medium_wait if route.wait is None else route.wait


def _at(day: datetime, clock: time) -> datetime:
    return datetime.combine(day.date(), clock, tzinfo=day.tzinfo)


def _named(alert: Alert, names: tuple[str, ...]) -> bool:
    return alert.rule.name in names or alert.rule.id in names


def _same(one: Subject, other: Subject) -> bool:
    return (one.type, one.id) == (other.type, other.id)
