"""One company played through the engine, and how it went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from detector import accounts, backtesting, kernel, workhours
from detector.alerts import Alert
from detector.evaluation.companies import Labelled
from detector.evaluation.grading import Grade, grade
from detector.evaluation.interruptions import interruptions
from detector.plans import Texts
from detector.sources import replay

PAGE = 10_000
WINDOW = timedelta(days=30)
Make = Callable[[Texts], kernel.Plan]
"""Makes the plan that a company is watched with, out of what the company states."""


@dataclass(frozen=True, slots=True)
class Hit:
    """The first alert that names an event of an attack; minutes since the attack's first event."""

    rule: str
    level: str
    after_min: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attack: the first alert that was sent, and the first one of any level."""

    attack: str
    kind: str
    tier: str
    told: Hit | None
    noted: Hit | None


@dataclass(frozen=True, slots=True)
class Trial:
    """How it went in one company. Alerts are counted by rule; false ones are of medium or above."""

    company: str
    people: int
    days: float
    events: int
    outcomes: tuple[Outcome, ...]
    true_alerts: dict[str, int]
    false_alerts: dict[str, int]
    digest: int
    worst_day: int
    """Most false alerts on one day (UTC)."""
    interruptions: int
    """The false alerts as they are heard: incidents without a right one."""


def play(company: Labelled, make: Make, advance: backtesting.Advance) -> tuple[Trial, Grade]:
    """Let the engine learn and watch a company; `advance` is told of the events done."""
    blank = accounts.blank("evaluation", company.teach_until, span=WINDOW)
    state = kernel.State(blank.memory, make(company.texts), window=blank.window)
    done = backtesting.replay(state, replay.pages(company.recorded, PAGE), advance)
    found = grade(company.attacks, list(done.alerts.values()), state.plan.rulebook.on_trial)
    return trial(company, found, len(state.memory.facts.people)), found


def trial(company: Labelled, found: Grade, known: int) -> Trial:
    """The trial that the grade makes; `known` people stand in where the plan does not say."""
    by_day = _counts([f"{alert.time:%Y-%m-%d}" for alert in found.false_alerts])
    return Trial(
        company=company.name,
        people=company.people or known,
        days=_days(company),
        events=len(company.recorded),
        outcomes=tuple(
            Outcome(
                attack=catch.attack.id,
                kind=catch.attack.kind,
                tier=catch.attack.tier,
                told=_hit(catch.told, catch.attack.first_time),
                noted=_hit(catch.alerts, catch.attack.first_time),
            )
            for catch in found.catches
        ),
        true_alerts=_counts([alert.rule.name for alert in found.true_alerts]),
        false_alerts=_counts([alert.rule.name for alert in found.false_alerts]),
        digest=len(found.digest),
        worst_day=max(by_day.values(), default=0),
        interruptions=interruptions(found),
    )


def _days(company: Labelled) -> float:
    """How long the company was watched, at least an hour."""
    recorded = company.recorded
    newest = min(int(recorded.times().max()), int(recorded.order.received.max()))
    return max((workhours.instant(newest) - company.teach_until) / timedelta(days=1), 1 / 24)


def _hit(alerts: Sequence[Alert], begun: datetime) -> Hit | None:
    if not alerts:
        return None
    first = alerts[0]
    after = (first.detected_at - begun) / timedelta(minutes=1)
    return Hit(first.rule.name or first.rule.id, first.level, round(max(0.0, after), 1))


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())
