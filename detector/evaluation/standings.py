"""Many companies, many methods: recall, precision and time at each budget, as figures and a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.evaluation.contest import BUDGETS, TWICE, Spent, Watched, bought
from detector.evaluation.figures import Ratio, ratio
from detector.evaluation.pages import lasting, share, table

RULES: Final = "rules alone, as heard"
BOTH: Final = "rules and running model, as heard"
WITHIN: Final = f"the same, the best {TWICE:g} a day"
Contest = Mapping[str, Mapping[float, Spent]]
"""By method and budget what it found in one company."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One method at one number of alerts a day."""

    method: str
    alerts_a_day: float
    recall: Ratio
    precision: Ratio
    median_min: float | None


def standings(watched: Sequence[Watched], contests: Sequence[Contest]) -> list[Standing]:
    """Every method at every budget, and the rules at their own number of alerts."""
    names = list(contests[0])
    found = [
        _standing(name, budget, watched, [contest[name][budget] for contest in contests])
        for name in names
        for budget in BUDGETS
    ]
    days = sum(each.days for each in watched)
    for name, spent in {
        RULES: [bought(each, each.heard.rules) for each in watched],
        BOTH: [bought(each, each.heard.both) for each in watched],
        WITHIN: [bought(each, each.heard.within) for each in watched],
    }.items():
        mean = round(sum(each.alerts for each in spent) / days, 2)
        found.append(_standing(name, mean, watched, spent))
    return found


def _standing(
    name: str, budget: float, watched: Sequence[Watched], spent: Sequence[Spent]
) -> Standing:
    parts = [(len(each.found), len(of.attacks)) for each, of in zip(spent, watched, strict=True)]
    times = [minutes for each in spent for minutes in each.found.values()]
    return Standing(
        name,
        budget,
        ratio(parts),
        ratio([(each.right, each.alerts) for each in spent]),
        round(float(np.median(times)), 1) if times else None,
    )


def page(found: Sequence[Standing], companies: int, command: str) -> str:
    """The standings as Markdown; `command` is what gives them again."""
    rows = [
        [
            each.method,
            f"{each.alerts_a_day:g}",
            share(each.recall),
            share(each.precision),
            lasting(each.median_min),
        ]
        for each in found
    ]
    return (
        f"## The model against other methods\n\n```console\n$ {command}\n```\n\n"
        f"The same hours of {companies} simulated companies. Every threshold is set afterwards so that "
        "the budget is spent exactly: only the order of hours is compared, and people known for less "
        "than the cold start are left out for all methods. Alerts fold as the engine folds them, and an "
        "attack counts where an alert names it in its first day.\n\n"
        "The last three rows count interruptions by the running engine: loud messages, the first one about "
        "an incident or one because it got worse (`detector/evaluation/interruptions.py`); precision is the "
        "share of them that is about an attack. *As heard* sets nothing afterwards, the model has the "
        "channel's own threshold. *The best* keeps what is high, then the rules' medium alerts by score, "
        "then the model's: an order set afterwards, as for the methods, and no part of the service.\n\n"
        + table(["method", "alerts a day", "recall", "precision", "half within"], rows)
    )
