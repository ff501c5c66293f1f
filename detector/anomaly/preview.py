"""What each budget would have meant: the kept hours of the last weeks, judged by a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.anomaly.declaration import FEATURES
from detector.anomaly.model import Model

BUDGETS: Final = (0.5, 1.0, 2.0, 5.0)
DRIFT_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Meant:
    """What one budget would have meant: a person counts once a day, with the best hour."""

    budget: float
    threshold: float
    alerts: int
    people: int
    quiet_days: int
    worst_day: int


def bests(
    days: Sequence[tuple[int, bytes, Sequence[str]]], model: Model
) -> dict[int, dict[str, float]]:
    """By day (since 1970) the best score of each person; days as (day, float32 rows, people)."""
    found: dict[int, dict[str, float]] = {}
    for day, body, people in days:
        scores, _ = model.score(table(body))
        best = found.setdefault(day, {})
        for name, score in zip(people, scores.tolist(), strict=True):
            best[name] = max(score, best.get(name, 0.0))
    return found


def table(body: bytes) -> np.ndarray:
    """Rows of features as the channel keeps them."""
    return np.frombuffer(body, dtype=np.float32).reshape(-1, len(FEATURES))


def meant(best: dict[int, dict[str, float]], budget: float) -> Meant:
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
