"""A trained model: one-sided surprisals of the features, a forest on them, and their sum.

Score of a row = -log p of its forest score + -log p of its capped sum, both against the rows of
training (shared/model.md 3.3: the forest on -log p with a Fisher sum). Rows whose sum is common
in training are not worth a forest and score their sum alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Final
from zipfile import BadZipFile

import numpy as np

from detector.anomaly import forest
from detector.anomaly.declaration import FEATURES, Declaration

FORMAT: Final = 1
DIGEST: Final = hashlib.sha256().digest_size
LOOK_FROM: Final = 2.3
"""-log p of the sum from which the forest looks at a row: the top tenth of training."""
FEWEST_ROWS: Final = 200
MOST_ROWS: Final = 200_000


class ModelError(ValueError):
    """The artefact is damaged, or made for other features or another version."""


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that scoring needs; `id` names the content."""

    id: str
    features: tuple[str, ...]
    columns: np.ndarray
    tails: tuple[forest.Tail, ...]
    trees: forest.Forest
    of_score: forest.Tail
    of_sum: forest.Tail
    trained_rows: int

    def score(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Score rows of shape (n, all features): totals (n,) and surprisals (n, features used)."""
        surprise = _surprise(rows, self.columns, self.tails)
        sums = self.of_sum.of(surprise.sum(axis=1))
        total = sums.copy()
        odd = np.flatnonzero(sums >= LOOK_FROM)
        if len(odd):
            total[odd] += self.of_score.of(self.trees.score(surprise[odd]))
        return total, surprise


def _surprise(rows: np.ndarray, columns: np.ndarray, tails: tuple[forest.Tail, ...]) -> np.ndarray:
    surprise = np.empty((len(rows), len(tails)))
    for place, (column, tail) in enumerate(zip(columns, tails, strict=True)):
        surprise[:, place] = tail.of(rows[:, column])
    return surprise


def train(rows: np.ndarray, declaration: Declaration) -> Model | None:
    """Train on rows of shape (n, all features); null if there are too few of them.

    The same rows and seed give the same model.
    """
    if len(rows) < FEWEST_ROWS:
        return None
    chosen = np.random.default_rng(declaration.seed)
    if len(rows) > MOST_ROWS:
        rows = rows[np.sort(chosen.choice(len(rows), MOST_ROWS, replace=False))]
    columns = np.array([FEATURES.index(name) for name in declaration.features])
    tails = tuple(forest.tail(rows[:, column]) for column in columns)
    surprise = _surprise(rows, columns, tails)
    trees = forest.fit(
        surprise, trees=declaration.trees, sample=declaration.sample, seed=declaration.seed
    )
    sums = forest.tail(surprise.sum(axis=1))
    odd = surprise[sums.of(surprise.sum(axis=1)) >= LOOK_FROM]
    scores = trees.score(odd if len(odd) else surprise[:1])
    of_score = forest.tail(scores)
    return _named(Model("", declaration.features, columns, tails, trees, of_score, sums, len(rows)))


def _named(model: Model) -> Model:
    """The model under the name that its content gives it."""
    arrays = _arrays(model)
    digest = hashlib.sha256(json.dumps(model.features).encode())
    for name in sorted(arrays):
        digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return replace(model, id=digest.hexdigest()[:16])


def dump(model: Model) -> bytes:
    """The artefact: a SHA-256, then an npz of flat arrays with a JSON manifest; no pickle."""
    manifest = {
        "format": FORMAT,
        "id": model.id,
        "features": model.features,
        "all_features": FEATURES,
        "trained_rows": model.trained_rows,
    }
    body = np.frombuffer(json.dumps(manifest).encode(), dtype=np.uint8)
    archive = forest.pack(_arrays(model) | {"manifest": body})
    return hashlib.sha256(archive).digest() + archive


def load(body: bytes) -> Model:
    """Read an artefact back and check that it is whole and ours. Raises ModelError."""
    digest, archive = body[:DIGEST], body[DIGEST:]
    if hashlib.sha256(archive).digest() != digest:
        msg = "damaged: its content does not match its checksum"
        raise ModelError(msg)
    try:
        arrays = forest.unpack(archive)
        manifest = json.loads(arrays.pop("manifest").tobytes())
        if manifest["format"] != FORMAT or tuple(manifest["all_features"]) != FEATURES:
            msg = "made by another version of the features; train again"
            raise ModelError(msg)
        model = _rebuilt(arrays, manifest)
    except (KeyError, OSError, ValueError, EOFError, TypeError, BadZipFile) as error:
        if isinstance(error, ModelError):
            raise
        msg = f"not a model: {type(error).__name__}: {error}"
        raise ModelError(msg) from error
    return model


def _arrays(model: Model) -> dict[str, np.ndarray]:
    arrays = {
        "columns": model.columns,
        "tree_feature": model.trees.feature,
        "tree_threshold": model.trees.threshold,
        "tree_path": model.trees.path,
        "shape": np.array([model.trees.depth, model.trees.normal_path, model.trained_rows]),
    }
    tails = {f"feature_{place}": tail for place, tail in enumerate(model.tails)}
    for name, tail in (tails | {"score": model.of_score, "sum": model.of_sum}).items():
        arrays[f"{name}_values"], arrays[f"{name}_surprise"] = tail.values, tail.surprise
    return arrays


def _rebuilt(arrays: dict[str, np.ndarray], manifest: dict[str, list[str]]) -> Model:
    def tail(name: str) -> forest.Tail:
        return forest.Tail(arrays[f"{name}_values"], arrays[f"{name}_surprise"])

    features = tuple(manifest["features"])
    depth, normal_path, rows = arrays["shape"]
    trees = forest.Forest(
        arrays["tree_feature"],
        arrays["tree_threshold"],
        arrays["tree_path"],
        int(depth),
        float(normal_path),
    )
    tails = tuple(tail(f"feature_{place}") for place in range(len(features)))
    columns, of_score, of_sum = arrays["columns"], tail("score"), tail("sum")
    return _named(Model("", features, columns, tails, trees, of_score, of_sum, int(rows)))
