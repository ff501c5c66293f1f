"""What each budget would have meant: the kept hours of the last weeks, judged by a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from detector.anomaly.tops import Tops

BUDGETS: Final = (0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Meant:
    """What one budget would have meant: a person counts once a day, with the best hour."""

    budget: float
    threshold: float
    alerts: int
    people: int
    quiet_days: int
    worst_day: int


def meant(best: Tops, budget: float) -> Meant:
    """The threshold that a budget would have had over these days, and what came over it."""
    scores = sorted((each for people in best.values() for each in people.values()), reverse=True)
    place = min(round(budget * len(best)), len(scores)) - 1
    threshold = scores[max(0, place)]
    raised = {
        day: [name for name, score in people.items() if score >= threshold]
        for day, people in best.items()
    }
    counts = [len(names) for names in raised.values()]
    return Meant(
        budget=budget,
        threshold=round(threshold, 2),
        alerts=sum(counts),
        people=len({name for names in raised.values() for name in names}),
        quiet_days=counts.count(0),
        worst_day=max(counts),
    )
