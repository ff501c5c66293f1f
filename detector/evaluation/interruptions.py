"""Interruptions: how often a recipient is disturbed, and which attacks that is about.

An interruption is one loud message: a first message about an incident, or a further one because it
has become worse than was told. What joins an incident that was told (the model's finding beside a
rule's alert, a second rule about the same person) stands in that message's thread and interrupts
nobody anew. The service's own policy decides with its default configuration and one destination,
once a minute; nobody looks at anything meanwhile, and neither reminders nor the one message for the
rest of a flood are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from detector import workhours
from detector.alerts import Alert, Reason
from detector.delivery import incidents
from detector.delivery.bulletins import Cause
from detector.delivery.orders import Orders
from detector.delivery.policy import Case, Verdict, policy
from detector.evaluation.listening import Change
from detector.findings import Level
from detector.simulator import Attack
from detector.workhours import DAY_US

POLL: Final = timedelta(minutes=1)
"""The default of `poll_every`."""
ORDERS: Final = Orders(destinations=("slack",), editing=frozenset({"slack"}))
_CAUSES: Final = {
    Reason.FIRST_SEEN: Cause.FIRST_TOLD,
    Reason.LEVEL_RAISED: Cause.LEVEL_RAISED,
    Reason.STILL_HAPPENING: Cause.REPEATED,
    Reason.RECOVERED: Cause.RECOVERED,
}


Enough = Callable[[Alert], bool]
"""Whether an alert that is told by the policy may interrupt."""


def always(_alert: Alert) -> bool:
    """Whatever the policy tells interrupts."""
    return True


@dataclass(frozen=True, slots=True)
class Wish:
    """At most so many interruptions, and the model's id as a rule."""

    most: int
    model: str


@dataclass(eq=False)
class _Incident:
    first_time: datetime
    time: datetime
    held: set[str] = field(default_factory=set)
    level: Level | None = None
    """The highest level at which it was told."""
    alerts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Interruption:
    """A loud message: when (microseconds), of what level, by which rule, and about which attacks.

    An incident is about an attack that one of its alerts of medium or above names until a day after
    the message: who opens it then sees that. `attacks` says by their place when that was.
    """

    at: int
    level: Level
    rule: str
    attacks: dict[int, int]


@dataclass
class _News:
    alert: str
    cause: Cause
    since: datetime
    due: datetime


@dataclass
class _Desk:
    """Delivery as it decides, minute by minute: what it knows, and what waits to be decided."""

    attacks: Sequence[Attack]
    on_trial: Collection[str]
    enough: Enough
    alerts: dict[str, Alert] = field(default_factory=dict)
    incidents: dict[str, _Incident] = field(default_factory=dict)
    """By alert."""
    waiting: list[_News] = field(default_factory=list)
    told: list[tuple[int, _Incident, Alert]] = field(default_factory=list)
    named: dict[str, dict[int, int]] = field(default_factory=dict)
    """By alert, as long as it is medium or above, the attacks and when it first named them."""

    def __post_init__(self) -> None:
        self._by_event: dict[str, set[int]] = {}
        for place, attack in enumerate(self.attacks):
            for event in attack.event_uuids:
                self._by_event.setdefault(event, set()).add(place)

    def learn(self, change: Change, now: datetime) -> None:
        """A page was committed in which an alert changed."""
        alert = self.alerts[change.alert.id] = change.alert
        cause = _CAUSES.get(alert.reason, Cause.AMENDED)
        self.waiting.append(_News(alert.id, cause, now, now))
        if alert.level.rank >= Level.MEDIUM.rank and alert.rule.id not in self.on_trial:
            named = self.named.setdefault(alert.id, {})
            for event in alert.event_ids:
                for attack in self._by_event.get(event, ()):
                    named.setdefault(attack, change.at)

    def decide(self, now: datetime) -> None:
        """Decide about everything that is due, the worst first; an incident is told once."""
        due = [each for each in self.waiting if each.due <= now]
        due.sort(key=lambda each: (-self.alerts[each.alert].level.rank, each.since))
        tells: dict[_Incident, Alert] = {}
        for news in due:
            alert = self.alerts[news.alert]
            incident = self._joined(alert)
            trial = alert.rule.id in self.on_trial
            case = Case(alert, news.cause, news.since, told=incident.level, trial=trial)
            said = policy(case, (), ORDERS, now)
            if said.verdict is Verdict.HOLD and said.until is not None:
                news.due = said.until
                continue
            self.waiting.remove(news)
            if said.verdict is Verdict.TELL and self.enough(alert):
                tells.setdefault(incident, alert)
        for incident, alert in tells.items():
            known = incident.level or alert.level
            incident.level = max(alert.level, known, key=lambda each: each.rank)
            self.told.append((workhours.microseconds(now), incident, alert))

    def _joined(self, alert: Alert) -> _Incident:
        """The incident of an alert: the one it is in, one that it belongs to, or a new one."""
        if alert.id in self.incidents:
            return self.incidents[alert.id]
        keys, window = incidents.keys(alert), ORDERS.incident_window
        near = [
            each
            for each in dict.fromkeys(self.incidents.values())
            if not each.held.isdisjoint(keys.seeks)
            and incidents.joins(alert, first_time=each.first_time, time=each.time, window=window)
        ]
        fresh = _Incident(alert.first_time, alert.time)
        found = max(near, key=lambda each: each.time, default=fresh)
        found.first_time = min(found.first_time, alert.first_time)
        found.time = max(found.time, alert.time)
        found.held.update(keys.holds)
        found.alerts.append(alert.id)
        self.incidents[alert.id] = found
        return found

    def heard(self) -> Iterator[Interruption]:
        """What was told, each with the attacks that its incident names until a day after."""
        for at, incident, alert in self.told:
            attacks: dict[int, int] = {}
            for each in incident.alerts:
                for attack, named in self.named.get(each, {}).items():
                    if named <= at + DAY_US:
                        attacks[attack] = min(max(at, named), attacks.get(attack, at + DAY_US))
            yield Interruption(at, alert.level, alert.rule.name, attacks)


def hear(
    changes: Sequence[Change],
    attacks: Sequence[Attack],
    on_trial: Collection[str] = (),
    enough: Enough = always,
) -> list[Interruption]:
    """What a recipient hears of the changes of a run, in order.

    An incident none of whose alerts is `enough` waits for the digest.
    """
    desk = _Desk(attacks, on_trial, enough)
    left = sorted(changes, key=lambda each: each.at)[::-1]
    while left or desk.waiting:
        now = _minute(left, desk.waiting)
        upto = workhours.microseconds(now)
        while left and left[-1].at <= upto:
            desk.learn(left.pop(), now)
        desk.decide(now)
    return [*desk.heard()]


def best(
    changes: Sequence[Change], attacks: Sequence[Attack], on_trial: Collection[str], wish: Wish
) -> list[Interruption]:
    """At most so many interruptions: what is high always, then the rules' medium alerts by their
    score, then the model's by theirs.

    It is an order set afterwards, as the thresholds of the methods are: no part of the service.
    """

    def place(alert: Alert) -> tuple[bool, bool, int]:
        is_high = alert.level.rank >= Level.HIGH.rank
        return is_high, is_high or alert.rule.id != wish.model, alert.score

    found = hear(changes, attacks, on_trial)
    for least in sorted({place(each.alert) for each in changes}):
        if len(found) <= wish.most or least[0]:
            break

        def enough(alert: Alert, least: tuple[bool, bool, int] = least) -> bool:
            return place(alert) > least

        found = hear(changes, attacks, on_trial, enough)
    return found


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recipient hears of the rules alone, of rules and model as they ran, and the best of both
    within a wish."""

    rules: Sequence[Interruption]
    both: Sequence[Interruption]
    within: Sequence[Interruption]


def heard(
    changes: Sequence[Change], attacks: Sequence[Attack], on_trial: Collection[str], wish: Wish
) -> Heard:
    """All three, of one run. The rules alone are what the run told less the model's alerts."""
    rules = [each for each in changes if each.alert.rule.id != wish.model]
    return Heard(
        rules=hear(rules, attacks, on_trial),
        both=hear(changes, attacks, on_trial),
        within=best(changes, attacks, on_trial, wish),
    )


def _minute(left: Sequence[Change], waiting: Sequence[_News]) -> datetime:
    """The next time at which there is something to decide about."""
    times = [workhours.microseconds(each.due) for each in waiting]
    times += [left[-1].at] if left else []
    poll = POLL // timedelta(microseconds=1)
    return workhours.instant(-(-min(times) // poll) * poll)
