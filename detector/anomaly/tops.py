"""The best score of each person on each day: what a budget of alerts a day is spent on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np

from detector.anomaly.declaration import FEATURES
from detector.anomaly.model import Model

TOPS_A_DAY: Final = 200
"""People kept for a day: far more than any budget reaches."""

Tops = dict[int, dict[str, float]]
"""By day (since 1970, UTC) the best score of each person."""


class Day(msgspec.Struct):
    """The closed hours of one day: float32 rows of features, and the person of each.

    `known` are the people who were past the cold start when the day ended.
    """

    day: int
    rows: bytes
    people: list[str]
    width: int = len(FEATURES)
    known: int = 0

    def table(self) -> np.ndarray:
        """The rows, of shape (n, all features)."""
        return np.frombuffer(self.rows, dtype=np.float32).reshape(-1, self.width)


def tops(days: Iterable[Day], model: Model) -> Tops:
    """What a model gives the hours of some days."""
    found: Tops = {}
    for day in days:
        scores, _ = model.score(day.table())
        best: dict[str, float] = {}
        for name, score in zip(day.people, scores.tolist(), strict=True):
            best[name] = max(score, best.get(name, 0.0))
        found[day.day] = best
        thin(best)
    return found


def record(best: dict[str, float], name: str, score: float) -> None:
    """Note a score of somebody's hour."""
    best[name] = max(score, best.get(name, 0.0))
    if len(best) > 2 * TOPS_A_DAY:
        thin(best)


def thin(best: dict[str, float]) -> None:
    """Keep the highest; equal ones by name."""
    for name in sorted(best, key=lambda name: (-best[name], name))[TOPS_A_DAY:]:
        del best[name]


def calibrated(found: Tops, budget: float) -> float:
    """The score that the budget's share of these person-days reached; infinite if there are none."""
    scores = sorted((score for best in found.values() for score in best.values()), reverse=True)
    place = round(budget * len(found))
    return scores[min(place, len(scores) - 1)] if scores else float("inf")
