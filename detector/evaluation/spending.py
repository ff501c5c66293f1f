"""The budget as it was kept: what the running channel raised, day by day, with its controller."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detector import workhours
from detector.anomaly.declaration import Declaration
from detector.evaluation.contest import Spent, Watched
from detector.evaluation.figures import Ratio, ratio
from detector.evaluation.grading import Grade
from detector.workhours import DAY_US


@dataclass(frozen=True, slots=True)
class Days:
    """What the channel raised in one company on each whole day, and what it may on average.

    A person counts once a day, as the channel folds them. `right` are those that name an attack.
    """

    allowed: float
    raised: tuple[int, ...]
    right: int


def days_of(grade: Grade, declaration: Declaration, people: int, begin: int, days: int) -> Days:
    """Count the model's alerts of medium and above in so many days from `begin` on (microseconds)."""
    first = begin // DAY_US
    alerts = [*grade.true_alerts, *grade.false_alerts]
    mine = [alert for alert in alerts if alert.rule.id == declaration.id]
    on = Counter(workhours.microseconds(alert.first_time) // DAY_US - first for alert in mine)
    raised = tuple(on[day] for day in range(days))
    right = sum(alert.rule.id == declaration.id for alert in grade.true_alerts)
    return Days(declaration.alerts_a_day(people), raised, right)


@dataclass(frozen=True, slots=True)
class Kept:
    """Alerts over what the budget allows, all and those that name no attack; and the day that 19 of
    20 stay within, in budgets of a day."""

    spent: Ratio
    false: Ratio
    high_day: float
    days: int


def kept(companies: Sequence[Days]) -> Kept:
    """How the running channel kept its budget."""
    allowed = [each.allowed * len(each.raised) for each in companies]
    counts = [sum(each.raised) for each in companies]
    false = [count - each.right for count, each in zip(counts, companies, strict=True)]
    each_day = [count / each.allowed for each in companies for count in each.raised]
    return Kept(
        spent=ratio(list(zip(counts, allowed, strict=True))),
        false=ratio(list(zip(false, allowed, strict=True))),
        high_day=round(float(np.percentile(each_day, 95)), 2),
        days=len(each_day),
    )


@dataclass(frozen=True, slots=True)
class Rarer:
    """What the same threshold would mean where attacks are rarer."""

    attacks_a_day: float
    precision: float | None
    alerts_a_day: float


def rarer(
    watched: Sequence[Watched], spent: Sequence[Spent], rates: Sequence[float]
) -> list[Rarer]:
    """Precision at other base rates: the false alerts stay, the right ones come as often as attacks."""
    days = sum(each.days for each in watched)
    attacks = sum(len(each.attacks) for each in watched)
    right, alerts = sum(each.right for each in spent), sum(each.alerts for each in spent)
    found = []
    for rate in rates:
        true, false = right / attacks * rate, (alerts - right) / days
        precision = true / (true + false) if true + false else None
        found.append(Rarer(rate, precision, true + false))
    return found
