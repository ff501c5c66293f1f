"""A trained model: one-sided surprisals of the features, a forest on them, and their sum.

Score of a row = -log p of its sum over causes + -log p of its forest score, both against the rows
of training (docs/evaluation.md says what each adds). In the sum the rarest feature of a cause
counts (`causes.py`), so that one thing does not count thrice; the forest sees all features. Rows
whose sum is common in training are not worth a forest and score their sum alone. Above all rows of
training everything goes on along an exponential tail, so that the oddest hours do not tie.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from detector.anomaly import drift, forest
from detector.anomaly.causes import rarest
from detector.anomaly.declaration import Declaration
from detector.anomaly.tails import Tail, Tails, tail

LOOK_FROM: Final = 2.3
"""-log p of the sum from which the forest looks at a row: the top tenth of training."""
MOST_SURPRISE: Final = 24.0
"""Largest -log p of one feature: far beyond all of training a single one may alert, and no
feature outweighs all others."""
FEWEST_ROWS: Final = 200
MOST_ROWS: Final = 200_000
GOLDEN_ROWS: Final = 10


@dataclass(frozen=True, slots=True)
class Origin:
    """What a model was trained on: rows, of how many people, from day to day (since 1970, UTC).

    `declared` names the settings that the training depends on.
    """

    rows: int = 0
    people: int = 0
    first_day: int = 0
    last_day: int = 0
    declared: str = ""


@dataclass(frozen=True, slots=True)
class Golden:
    """Rows of the training from common to odd, and the scores that they must have for ever."""

    rows: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class Model:
    """Everything that scoring needs; `id` names the content."""

    id: str
    features: tuple[str, ...]
    columns: np.ndarray
    tails: tuple[Tail, ...]
    trees: forest.Forest
    of_score: Tail
    of_sum: Tail
    profile: drift.Profile
    golden: Golden
    origin: Origin
    own: tuple[str, ...] = ()
    """What the declared features measured whose columns follow those that there always are."""

    @property
    def trained_rows(self) -> int:
        """How many hours it was trained on."""
        return self.origin.rows

    def score(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Score rows of shape (n, all features): totals (n,) and surprisals (n, features used)."""
        total, surprise = self._sum(rows)
        odd = np.flatnonzero(total >= LOOK_FROM)
        if len(odd):
            total[odd] += self.of_score.beyond(self.trees.score(surprise[odd]))
        return total, surprise

    def may_reach(self, rows: np.ndarray, least: float) -> np.ndarray:
        """Which rows may score so much: by their sum, without the forest."""
        if least < LOOK_FROM:
            return np.ones(len(rows), dtype=bool)
        return np.asarray(self._sum(rows)[0] >= LOOK_FROM)

    def _sum(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """-log p of the sum over causes of each row, and its surprisals."""
        surprise = self._tails.beyond(rows[:, self.columns], MOST_SURPRISE)
        return self.of_sum.beyond(rarest(self.features, surprise).sum(axis=1)), surprise

    @cached_property
    def _tails(self) -> Tails:
        return Tails(self.tails)

    def drift(self, rows: np.ndarray) -> dict[str, float]:
        """By feature the stability index of rows of shape (n, all features)."""
        found = drift.index(self.profile, rows[:, self.columns])
        return {name: round(value, 3) for name, value in zip(self.features, found, strict=True)}


def train(rows: np.ndarray, declaration: Declaration, origin: Origin | None = None) -> Model | None:
    """Train on rows of shape (n, all features); null if there are too few of them.

    The same rows and seed give the same model. `origin` says where the rows came from.
    """
    if len(rows) < FEWEST_ROWS:
        return None
    origin = replace(origin or Origin(), rows=len(rows), declared=declared(declaration))
    chosen = np.random.default_rng(declaration.seed)
    if len(rows) > MOST_ROWS:
        rows = rows[np.sort(chosen.choice(len(rows), MOST_ROWS, replace=False))]
    places = {name: declaration.columns.index(name) for name in declaration.names}
    known = {name: np.isfinite(rows[:, place]).sum() for name, place in places.items()}
    names = tuple(name for name in declaration.names if known[name] >= FEWEST_ROWS)
    columns = np.array([places[name] for name in names])
    tails = tuple(tail(rows[:, column]) for column in columns)
    surprise = Tails(tails).beyond(rows[:, columns], MOST_SURPRISE)
    trees = forest.fit(
        surprise, trees=declaration.trees, sample=declaration.sample, seed=declaration.seed
    )
    total = rarest(names, surprise).sum(axis=1)
    sums = tail(total)
    odd = surprise[sums.of(total) >= LOOK_FROM]
    of_score = tail(trees.score(odd if len(odd) else surprise[:1]))
    nothing = Golden(rows[:0], np.empty(0))
    profile = drift.profile(rows[:, columns])
    own = tuple(feature.identity for feature in declaration.own)
    made = Model("", names, columns, tails, trees, of_score, sums, profile, nothing, origin, own)
    return named(replace(made, golden=_golden(made, rows)))


def fits(model: Model, declaration: Declaration) -> bool:
    """Whether the model's columns are those that are declared."""
    return model.own == tuple(feature.identity for feature in declaration.own)


def declared(declaration: Declaration) -> str:
    """A name for the settings that a training depends on: with others, a model is out of date."""
    fields = declaration.model_dump(mode="json", include={"features", "trees", "sample", "seed"})
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]


def _golden(model: Model, rows: np.ndarray) -> Golden:
    scores, _ = model.score(rows)
    order = np.argsort(scores, kind="stable")
    # Half of them from the odd end, where alerts are decided.
    shares = np.array([0.0, 0.25, 0.5, 0.75, 0.9, 0.97, 0.99, 0.995, 0.999, 1.0])
    picks = order[(shares * (len(rows) - 1)).astype(np.int64)]
    assert len(picks) == GOLDEN_ROWS
    return Golden(rows[picks].astype(np.float32), scores[picks])


def named(model: Model) -> Model:
    """The model under the name that its content gives it."""
    parts = arrays(model)
    digest = hashlib.sha256(json.dumps([model.features, model.own]).encode())
    for name in sorted(parts):
        digest.update(name.encode() + np.ascontiguousarray(parts[name]).tobytes())
    return replace(model, id=digest.hexdigest()[:16])


def arrays(model: Model) -> dict[str, np.ndarray]:
    """Everything of a model that is numbers, as flat arrays by name."""
    found = {
        "columns": model.columns,
        "tree_feature": model.trees.feature,
        "tree_threshold": model.trees.threshold,
        "tree_path": model.trees.path,
        "shape": np.array([model.trees.depth, model.trees.normal_path]),
        "profile_edges": model.profile.edges,
        "profile_shares": model.profile.shares,
        "golden_rows": model.golden.rows,
        "golden_scores": model.golden.scores,
    }
    named_tails = {f"feature_{place}": each for place, each in enumerate(model.tails)}
    for name, each in (named_tails | {"score": model.of_score, "sum": model.of_sum}).items():
        found[f"{name}_values"], found[f"{name}_surprise"] = each.values, each.surprise
        found[f"{name}_scale"] = np.array(each.scale)
    return found
