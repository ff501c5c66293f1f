"""One company played through the engine, and how it went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from detector import accounts, backtesting, kernel, workhours
from detector.alerts import Alert
from detector.evaluation.companies import Labelled
from detector.evaluation.grading import Grade, grade
from detector.evaluation.interruptions import Interruption, hear
from detector.evaluation.listening import Change, Listener
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
    """What a recipient hears (see `interruptions`), and how much of it is about no attack."""
    interruptions_for_nothing: int


def play(company: Labelled, make: Make, advance: backtesting.Advance) -> tuple[Trial, Grade]:
    """Let the engine learn and watch a company; `advance` is told of the events done."""
    blank = accounts.blank("evaluation", company.teach_until, span=WINDOW)
    state = kernel.State(blank.memory, make(company.texts), window=blank.window)
    done, changes = listened(company, state, advance)
    on_trial = state.plan.rulebook.on_trial
    found = grade(company.attacks, list(done.alerts.values()), on_trial)
    heard = hear(changes, company.attacks, on_trial)
    return trial(company, found, heard, len(state.memory.facts.people)), found


def listened(
    company: Labelled, state: kernel.State, advance: backtesting.Advance
) -> tuple[backtesting.Replayed, list[Change]]:
    """Run a company's events through the kernel, and keep each change of an alert."""
    changes: list[Change] = []
    pages, run_of = replay.pages(company.recorded, PAGE), partial(Listener, changes=changes)
    return backtesting.replay(state, pages, advance, run_of), changes


def trial(company: Labelled, found: Grade, heard: Sequence[Interruption], known: int) -> Trial:
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
        interruptions=len(heard),
        interruptions_for_nothing=sum(not each.attacks for each in heard),
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
