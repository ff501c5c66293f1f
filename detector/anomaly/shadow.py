"""A challenger in the champion's shadow: it scores the same hours, and nobody hears of it.

After its trial it takes over if it would not have flooded anybody and sees what the champion sees.
That holds off a model that was trained on something broken; it is no proof of a better one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from detector.anomaly import drift
from detector.anomaly.model import Model
from detector.anomaly.tops import Tops

LEAST_AGREEMENT: Final = 0.3
"""Share of the champion's oddest person-days that must be among the challenger's."""
MOST_ALERTS: Final = 3.0
"""Times the budget that the challenger may raise in its trial."""
COMPARED: Final = 10
"""Person-days compared for each alert of the budget."""
KEPT_TRIALS: Final = 5


class Shadow(msgspec.Struct):
    """A trial under way; times are microseconds of the event clock."""

    model_id: str
    since: int
    until: int
    threshold: float
    tops: Tops = {}


class Trial(msgspec.Struct, frozen=True):
    """A trial that has ended: how many person-days the challenger would have raised, and why not."""

    model_id: str
    since: int
    until: int
    raised: int
    agreement: float
    why_not: str = ""

    @property
    def passed(self) -> bool:
        """Whether the challenger has taken over."""
        return not self.why_not


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the last days have moved from what each model was trained on: the largest PSI."""

    champion: float = 0.0
    challenger: float = 0.0
    feature: str = ""

    @property
    def why_not(self) -> str:
        """Why the challenger does not fit the days that it would judge; empty if it does."""
        if self.challenger <= max(drift.OLD, self.champion):
            return ""
        return (
            f"the last days are further from its training (PSI {self.challenger:.2f} of "
            f"{self.feature}) than from that of the model at work ({self.champion:.2f})"
        )


SAME: Final = Drift()


def drifted(champion: Model | None, challenger: Model, rows: np.ndarray) -> Drift:
    """Compare what two models were trained on with rows of the last days."""
    theirs = challenger.drift(rows)
    feature = max(theirs, key=lambda name: theirs[name])
    ours = max(champion.drift(rows).values()) if champion is not None else float("inf")
    return Drift(ours, theirs[feature], feature)


def review(
    shadow: Shadow,
    champion: Mapping[int, Mapping[str, float]],
    budget: float,
    moved: Drift = SAME,
) -> Trial:
    """End a trial: `champion` are the best scores that the model at work gave."""
    days = [day for day in shadow.tops if day in champion]
    raised = sum(
        score >= shadow.threshold for best in shadow.tops.values() for score in best.values()
    )
    count = max(5, round(COMPARED * budget * len(days)))
    ours = _oddest({day: champion[day] for day in days}, count)
    theirs = _oddest(shadow.tops, len(ours))
    agreement = len(ours & theirs) / len(ours) if ours else 1.0
    allowed = max(MOST_ALERTS, MOST_ALERTS * budget * max(1, len(shadow.tops)))
    why_not = ""
    if raised > allowed:
        why_not = f"it would have raised {raised} alerts, where {allowed:.0f} are the most"
    elif agreement < LEAST_AGREEMENT:
        why_not = f"it shares {agreement:.0%} of the oddest person-days with the model at work"
    else:
        why_not = moved.why_not
    return Trial(shadow.model_id, shadow.since, shadow.until, raised, round(agreement, 3), why_not)


def _oddest(tops: Mapping[int, Mapping[str, float]], count: int) -> set[tuple[int, str]]:
    ranked = sorted(
        ((-score, day, name) for day, best in tops.items() for name, score in best.items())
    )
    return {(day, name) for _, day, name in ranked[:count]}
