"""Trials as figures: shares and rates, each with its interval over the companies.

The intervals are percentile bootstraps (Efron 1979): companies are drawn again with replacement,
because what happens inside of one company is not independent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.evaluation.trials import Outcome, Trial
from detector.simulator import TIERS

ROUNDS: Final = 2_000
INSIDE: Final = (2.5, 97.5)
"""Percentiles between which 95 of 100 draws lie."""
_SEED: Final = 20260302


@dataclass(frozen=True, slots=True)
class Ratio:
    """`count` of `of`, with the 95 % interval over companies; null for a single company."""

    count: float
    of: float
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Minutes:
    """Minutes from an attack's first event to the alert, of the attacks that were found."""

    found: int
    median: float | None
    worst_tenth: float | None


@dataclass(frozen=True, slots=True)
class FalseAlerts:
    """False alerts of medium or above, by the size of the company and in a company like these."""

    companies: int
    per_day_and_100_people: Ratio
    per_day_and_1000_people: Ratio
    heard_per_day_and_1000_people: Ratio
    """Interruptions about no attack: those of one incident are told, and counted, together."""
    worst_day: int
    by_rule: dict[str, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that was measured. `recall` counts alerts of medium and above, `noted` all."""

    companies: int
    people: int
    days: float
    events: int
    recall: Ratio
    noted: Ratio
    by_tier: dict[str, Ratio]
    by_kind: dict[str, Ratio]
    by_kind_and_tier: dict[str, dict[str, Ratio]]
    precision: Ratio
    interruptions_per_day_and_1000_people: Ratio
    """All that a recipient hears, right or not: see `interruptions`."""
    found_by: dict[str, int]
    """Attacks by the rule whose alert came first."""
    time_to_detect: Minutes
    time_by_kind: dict[str, Minutes]
    false_alerts: FalseAlerts
    without_attacks: FalseAlerts | None


def figures(trials: Sequence[Trial], quiet: Sequence[Trial]) -> Figures:
    """The figures of companies with attacks, and of `quiet` ones without."""
    outcomes = [outcome for each in trials for outcome in each.outcomes]
    kinds = sorted({outcome.kind for outcome in outcomes})
    tiers = [tier for tier in TIERS if any(outcome.tier == tier for outcome in outcomes)]
    return Figures(
        companies=len(trials),
        people=sum(each.people for each in trials),
        days=round(sum(each.days for each in trials), 2),
        events=sum(each.events for each in (*trials, *quiet)),
        recall=_share(trials, lambda each: each.told is not None),
        noted=_share(trials, lambda each: each.noted is not None),
        by_tier={tier: _recall(trials, tier=tier) for tier in tiers},
        by_kind={kind: _recall(trials, kind=kind) for kind in kinds},
        by_kind_and_tier={
            kind: {tier: _recall(trials, kind=kind, tier=tier) for tier in tiers} for kind in kinds
        },
        precision=ratio(
            [
                (right := sum(each.true_alerts.values()), right + sum(each.false_alerts.values()))
                for each in trials
            ]
        ),
        interruptions_per_day_and_1000_people=ratio(
            [(each.interruptions, each.people * each.days) for each in trials], per=1_000.0
        ),
        found_by=_counted(each.told.rule for each in outcomes if each.told),
        time_to_detect=_minutes(outcomes),
        time_by_kind={
            kind: _minutes([each for each in outcomes if each.kind == kind]) for kind in kinds
        },
        false_alerts=_false_alerts(trials),
        without_attacks=_false_alerts(quiet) if quiet else None,
    )


def ratio(parts: Sequence[tuple[float, float]], *, per: float = 1.0) -> Ratio:
    """The sum of the first over the sum of the second, times `per`; one pair for each company."""
    pairs = np.array(parts, dtype=np.float64).reshape(-1, 2)
    count, of = pairs.sum(axis=0).tolist()
    value = count / of * per if of else None
    if len(pairs) < 2 or value is None:
        return Ratio(count, of, _rounded(value), None, None)
    chance = np.random.default_rng(_SEED)
    drawn = pairs[chance.integers(0, len(pairs), (ROUNDS, len(pairs)))].sum(axis=1)
    drawn = drawn[drawn[:, 1] > 0]
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1] * per, INSIDE).tolist()
    return Ratio(count, of, _rounded(value), _rounded(low), _rounded(high))


def _share(trials: Sequence[Trial], holds: Callable[[Outcome], bool]) -> Ratio:
    return ratio(
        [(sum(holds(each) for each in trial.outcomes), len(trial.outcomes)) for trial in trials]
    )


def _recall(trials: Sequence[Trial], *, kind: str = "", tier: str = "") -> Ratio:
    parts = []
    for trial in trials:
        mine = [
            each for each in trial.outcomes if kind in ("", each.kind) and tier in ("", each.tier)
        ]
        parts.append((sum(each.told is not None for each in mine), len(mine)))
    return ratio(parts)


def _minutes(outcomes: Sequence[Outcome]) -> Minutes:
    after = [each.told.after_min for each in outcomes if each.told]
    if not after:
        return Minutes(0, None, None)
    middle, late = np.percentile(after, (50, 90)).tolist()
    return Minutes(len(after), round(middle, 1), round(late, 1))


def _false_alerts(trials: Sequence[Trial]) -> FalseAlerts:
    parts = [(sum(each.false_alerts.values()), each.people * each.days) for each in trials]
    heard = [(each.interruptions_for_nothing, each.people * each.days) for each in trials]
    return FalseAlerts(
        companies=len(trials),
        per_day_and_100_people=ratio(parts, per=100.0),
        per_day_and_1000_people=ratio(parts, per=1_000.0),
        heard_per_day_and_1000_people=ratio(heard, per=1_000.0),
        worst_day=max((each.worst_day for each in trials), default=0),
        by_rule=_counted(
            rule
            for each in trials
            for rule, count in each.false_alerts.items()
            for _ in range(count)
        ),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
