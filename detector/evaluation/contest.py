"""One company, many methods, the same number of alerts: who finds what.

Every method's threshold is set so that it raises exactly the budget in the time watched: only the
order in which it puts hours is compared. Alerts fold as the engine folds them: one of a person stays
open until a day has passed without an odd hour.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import numpy as np

from detector import accounts, backtesting, kernel, workhours
from detector.anomaly.declaration import Declaration
from detector.evaluation.companies import Labelled
from detector.evaluation.grading import Grade, grade
from detector.evaluation.hours import Hours, Witness
from detector.evaluation.interruptions import Heard, Interruption, Wish, heard
from detector.evaluation.methods import METHODS, Method, Score
from detector.evaluation.trials import WINDOW, Make, listened
from detector.simulator import Attack
from detector.workhours import DAY_US

BUDGETS: Final = (0.5, 1.0, 2.0, 5.0)
TWICE: Final = 2.0
"""Interruptions a day that rules and model may bring together: twice the main budget."""


@dataclass(frozen=True)
class Watched:
    """A company as the engine saw it: its hours, and what was alerted."""

    name: str
    people: int
    days: float
    attacks: tuple[Attack, ...]
    hours: Hours
    grade: Grade
    heard: Heard
    begin: int
    """When the teaching ended (microseconds)."""
    declaration: Declaration


@dataclass(frozen=True, slots=True)
class Spent:
    """What a budget bought: alerts, those that name an attack, and the attacks with minutes until."""

    alerts: int
    right: int
    found: Mapping[int, float]
    threshold: float = 0.0


def watch(company: Labelled, make: Make, advance: backtesting.Advance) -> Watched:
    """Play a company through the engine, and keep every hour that it looked at."""
    blank = accounts.blank("evaluation", company.teach_until, span=WINDOW)
    witness = Witness(company.attacks)
    state = kernel.State(blank.memory, make(company.texts), window=blank.window, witness=witness)
    assert state.declaration is not None
    done, changes = listened(company, state, advance)
    begin = workhours.microseconds(company.teach_until)
    days = (state.memory.clock - begin) / DAY_US
    on_trial = state.plan.rulebook.on_trial
    wish = Wish(round(TWICE * days), state.declaration.id)
    return Watched(
        name=company.name,
        people=company.people or len(state.memory.facts.people),
        days=days,
        attacks=company.attacks,
        hours=witness.hours(),
        grade=grade(company.attacks, list(done.alerts.values()), on_trial),
        heard=heard(changes, company.attacks, on_trial, wish),
        begin=begin,
        declaration=state.declaration,
    )


def without_hours(watched: Watched) -> Watched:
    """The company without the rows of its hours, which are most of it."""
    hours = watched.hours
    return replace(watched, hours=hours.where(np.zeros(len(hours.steps), dtype=bool)))


def weeks(watched: Watched) -> Iterator[tuple[Hours, Hours]]:
    """For each week the closed hours of the past that teach, and the hours to be scored."""
    hours, declaration = watched.hours, watched.declaration
    every = declaration.retrain_every // timedelta(microseconds=1)
    back = declaration.train_on // timedelta(microseconds=1)
    cold = declaration.cold_start // timedelta(microseconds=1)
    teaches = hours.closed() & hours.learned
    for start in range(watched.begin, int(hours.steps.max()) + 1, every):
        known = teaches & (hours.steps <= start) & (hours.steps > start - back)
        inside = (hours.steps > start) & (hours.steps <= start + every) & (hours.ages >= cold)
        yield hours.where(known), hours.where(inside)


def scored(watched: Watched, method: Method) -> tuple[Hours, np.ndarray]:
    """The hours watched and a method's scores of them; it learns anew each week, from the past."""
    parts, scores = [], []
    for lesson, part in weeks(watched):
        score = method(lesson, watched.declaration)
        if score is not None:
            parts.append(part)
            scores.append(score(part))
    return _joined(parts), np.concatenate(scores)


def spend(watched: Watched, hours: Hours, scores: np.ndarray, budget: float) -> Spent:
    """Raise the oddest hours until the budget is spent."""
    most, ranked = round(budget * watched.days), np.unique(scores)[::-1]

    def raised(place: int) -> Spent:
        return _raised(watched, hours, scores, ranked[place])

    end = 1
    while end < len(ranked) and raised(end).alerts <= most:
        end *= 2
    within = range(min(end, len(ranked)))
    return raised(max(0, bisect_right(within, most, key=lambda place: raised(place).alerts) - 1))


def _raised(watched: Watched, hours: Hours, scores: np.ndarray, threshold: float) -> Spent:
    """What comes over a threshold, folded by person.

    An attack is found by what an alert names in its first day: who looks at it then sees that, and
    nobody looks again when more comes to it.
    """
    opened, newest = dict[str, int](), dict[str, int]()
    right, found = set[tuple[str, int]](), dict[int, float]()
    alerts, fold = 0, watched.declaration.rule.fold_for // timedelta(microseconds=1)
    for place in np.flatnonzero(scores >= threshold).tolist():
        name, step = str(hours.people[place]), int(hours.steps[place])
        if name not in newest or step - newest[name] > fold:
            opened[name] = step
            alerts += 1
        newest[name] = step
        if step - opened[name] > DAY_US:
            continue
        for attack in hours.attacks[place]:
            right.add((name, opened[name]))
            begun = workhours.microseconds(watched.attacks[attack].first_time)
            found.setdefault(attack, max(0.0, (step - begun) / 60e6))
    return Spent(alerts, len(right), found, threshold)


def bought(watched: Watched, heard: Sequence[Interruption]) -> Spent:
    """Interruptions as what a budget bought."""
    found: dict[int, float] = {}
    for each in heard:
        for place, at in each.attacks.items():
            begun = workhours.microseconds(watched.attacks[place].first_time)
            minutes = max(0.0, (at - begun) / 60e6)
            found[place] = min(minutes, found.get(place, minutes))
    return Spent(len(heard), sum(bool(each.attacks) for each in heard), found)


def compete(
    watched: Watched, methods: Mapping[str, Method] = METHODS
) -> dict[str, dict[float, Spent]]:
    """By method and budget what it found."""
    found = {}
    for name, method in methods.items():
        hours, scores = scored(watched, method)
        found[name] = {budget: spend(watched, hours, scores, budget) for budget in BUDGETS}
    return found


def _joined(parts: Sequence[Hours]) -> Hours:
    arrays = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("people", "steps", "features", "raw", "ratios", "learned", "ages")
    }
    return Hours(**arrays, attacks=tuple(named for part in parts for named in part.attacks))


__all__ = [
    "BUDGETS",
    "TWICE",
    "Score",
    "Spent",
    "Watched",
    "bought",
    "compete",
    "scored",
    "spend",
    "watch",
    "without_hours",
]
