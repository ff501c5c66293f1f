"""What the model is compared with: each learns from closed hours, and scores others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from detector.anomaly import forest, model
from detector.anomaly.causes import cause_of, rarest
from detector.anomaly.declaration import Declaration
from detector.evaluation.hours import Hours

Score = Callable[[Hours], np.ndarray]
"""Scores of rows, high for strange."""
Method = Callable[[Hours, Declaration], Score | None]
"""Learns from closed hours; null if there are too few."""


def shipped(lesson: Hours, declaration: Declaration) -> Score | None:
    """The model as it is: forest and capped sum."""
    trained = model.train(lesson.features, declaration)
    return (lambda hours: trained.score(hours.features)[0]) if trained else None


def without(cause: str) -> Method:
    """The model without the features of a cause."""

    def learn(lesson: Hours, declaration: Declaration) -> Score | None:
        left = tuple(
            each
            for each, name in zip(declaration.features, declaration.names, strict=True)
            if not isinstance(each, str) or cause_of(name) != cause
        )
        return shipped(lesson, declaration.model_copy(update={"features": left}))

    return learn


def capped_sum(lesson: Hours, declaration: Declaration) -> Score | None:
    """The sum of every feature's capped -log p, without a forest."""
    trained = model.train(lesson.features, declaration)
    return (lambda hours: trained.score(hours.features)[1].sum(axis=1)) if trained else None


def sum_over_causes(lesson: Hours, declaration: Declaration) -> Score | None:
    """The sum of the largest capped -log p of each cause, without a forest."""
    trained = model.train(lesson.features, declaration)
    if trained is None:
        return None
    return lambda hours: rarest(trained.features, trained.score(hours.features)[1]).sum(axis=1)


def forest_of_surprise(lesson: Hours, declaration: Declaration) -> Score | None:
    """The forest on -log p alone, without the sum."""
    trained = model.train(lesson.features, declaration)
    if trained is None:
        return None
    return lambda hours: trained.trees.score(trained.score(hours.features)[1])


def plain_forest(lesson: Hours, declaration: Declaration) -> Score | None:
    """An isolation forest on plain counts, as a first attempt would have it."""
    if len(lesson.people) < model.FEWEST_ROWS:
        return None
    trees = forest.fit(
        lesson.raw, trees=declaration.trees, sample=declaration.sample, seed=declaration.seed
    )
    return lambda hours: trees.score(hours.raw)


def ecod(lesson: Hours, declaration: Declaration) -> Score | None:
    """ECOD (Li et al. 2022) on the same features: the largest of three sums of tail -log p."""
    if len(lesson.people) < model.FEWEST_ROWS:
        return None
    columns = [declaration.columns.index(name) for name in declaration.names]
    rows = np.nan_to_num(lesson.features[:, columns].astype(np.float64))
    ordered, count = np.sort(rows, axis=0), len(rows)
    middle = rows - rows.mean(axis=0)
    skew = (middle**3).mean(axis=0) / np.maximum((middle**2).mean(axis=0), 1e-12) ** 1.5

    def score(hours: Hours) -> np.ndarray:
        asked = np.nan_to_num(hours.features[:, columns].astype(np.float64))
        right, left = np.empty(asked.shape), np.empty(asked.shape)
        for place in range(asked.shape[1]):
            at = ordered[:, place]
            above = count - np.searchsorted(at, asked[:, place], side="left")
            below = np.searchsorted(at, asked[:, place], side="right")
            right[:, place] = -np.log((above + 1) / (count + 1))
            left[:, place] = -np.log((below + 1) / (count + 1))
        chosen = np.where(skew < 0, left, right)
        sums = np.stack((right.sum(axis=1), left.sum(axis=1), chosen.sum(axis=1)))
        return np.asarray(sums.max(axis=0))

    return score


def likelihood_ratio(_lesson: Hours, _declaration: Declaration) -> Score | None:
    """Freeman et al. (NDSS 2016) on country, network, device and client."""
    return lambda hours: hours.ratios


def volume(_lesson: Hours, _declaration: Declaration) -> Score | None:
    """How many events there were in the hour, and nothing else."""
    return lambda hours: hours.raw[:, 0]


def chance(lesson: Hours, declaration: Declaration) -> Score | None:
    """A random order: what any figure must be better than."""
    drawn = np.random.default_rng([declaration.seed, len(lesson.people)])
    return lambda hours: drawn.random(len(hours.people))


METHODS: Final[dict[str, Method]] = {
    "model": shipped,
    "sum over causes alone": sum_over_causes,
    "sum over features alone": capped_sum,
    "forest alone": forest_of_surprise,
    "ECOD, same features": ecod,
    "likelihood ratio (Freeman)": likelihood_ratio,
    "plain forest, raw counts": plain_forest,
    "volume": volume,
    "chance": chance,
}
