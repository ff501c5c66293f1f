"""The forest as flat arrays: trained by scikit-learn, kept and scored by numpy.

A tree of depth d becomes a complete binary tree of 2^(d+1)-1 nodes, so that every row takes d
steps in every tree and all rows step at once. Scores equal scikit-learn's to 1e-12.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

CAP: Final = 12.0
"""Largest -log p of one feature or score: no evidence counts for more than 1 in 160,000."""
QUANTILES: Final = 512
TOP: Final = 100
FLAT: Final = 1e-9
"""A mean excess up to this is rounding: the largest values are all the same."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Flat trees. Shapes: feature and threshold (trees, inner nodes), path (trees, leaves)."""

    feature: np.ndarray
    threshold: np.ndarray
    path: np.ndarray
    depth: int
    normal_path: float

    def score(self, rows: np.ndarray) -> np.ndarray:
        """Anomaly score in (0, 1) of each row, high for strange: 2^(-mean path / normal path)."""
        trees, inner = self.feature.shape
        flat = np.ascontiguousarray(rows, dtype=np.float32)
        offsets = np.arange(trees) * inner
        base = (np.arange(len(flat)) * flat.shape[1])[:, None]
        features, thresholds, values = self.feature.ravel(), self.threshold.ravel(), flat.ravel()
        node = np.zeros((len(flat), trees), dtype=np.int64)
        for _ in range(self.depth):
            at = node + offsets
            right = values[base + features[at]] > thresholds[at]
            node += node + 1 + right
        leaf = node - inner + np.arange(trees) * self.path.shape[1]
        # Along the rows, so that a row's sum does not depend on how many there are.
        mean = self.path.ravel()[leaf].mean(axis=1)
        return np.asarray(2.0 ** (-mean / self.normal_path))


@dataclass(frozen=True, slots=True)
class Tail:
    """Right tail of one quantity in training: values ascending, and -log P(X >= value).

    `surprise` begins with the 0 of what is below all values, so it has one entry more. `scale` is
    by how much of the quantity -log p grows by one above all values.
    """

    values: np.ndarray
    surprise: np.ndarray
    scale: float

    def of(self, observed: np.ndarray) -> np.ndarray:
        """-log p of each observed value; 0 below the smallest, capped above the largest."""
        return self.surprise.take(self.values.searchsorted(observed, side="right"))

    def beyond(self, observed: np.ndarray) -> np.ndarray:
        """Like `of`, but what is above all values goes on along an exponential tail, uncapped.

        So the oddest keep their order; up there it is an order, not a probability.
        """
        over = np.maximum(0.0, observed - self.values[-1])
        return np.asarray(self.of(observed) + over / self.scale)


def tail(observed: np.ndarray) -> Tail:
    """The right tail of a sample: 512 quantiles and the 100 largest values.

    What is not known (NaN) is left out. p = (1 + number at or above) / (n + 1); a value strictly above all gets 1 / (n + 1). The scale
    is the mean excess of the largest values, as an exponential tail has it.
    """
    ordered = np.sort(observed[~np.isnan(observed)].astype(np.float64))
    count = len(ordered)
    picks = np.unique(
        np.concatenate(
            (
                np.linspace(0, count - 1, min(QUANTILES, count)).astype(int),
                np.arange(max(0, count - TOP), count),
            )
        )
    )
    values = np.unique(ordered[picks])
    above = count - np.searchsorted(ordered, values, side="left")
    surprise = np.minimum(CAP, -np.log((1 + above) / (count + 1)))
    # Strictly above the largest is rarer than the largest itself.
    top = np.nextafter(values[-1], np.inf)
    last = min(CAP, float(np.log(count + 1)))
    largest = ordered[-TOP:]
    excess = float(largest.mean() - largest[0])
    scale = excess if excess > FLAT else 1.0
    return Tail(np.append(values, top), np.concatenate(([0.0], surprise, [last])), scale)


def fit(rows: np.ndarray, *, trees: int, sample: int, seed: int) -> Forest:
    """Train a forest on rows of shape (n, features)."""
    from sklearn.ensemble import IsolationForest

    learned = IsolationForest(
        n_estimators=trees, max_samples=min(sample, len(rows)), random_state=seed
    ).fit(rows.astype(np.float32))
    depth = max(tree.tree_.max_depth for tree in learned.estimators_)
    flat = [_flatten(tree.tree_, depth) for tree in learned.estimators_]
    return Forest(
        feature=np.stack([each[0] for each in flat]),
        threshold=np.stack([each[1] for each in flat]),
        path=np.stack([each[2] for each in flat]),
        depth=int(depth),
        normal_path=float(_average_path(np.array([learned.max_samples_]))[0]),
    )


def _flatten(tree: Any, depth: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One tree as (feature, threshold) of the inner nodes and path length of the leaves."""
    inner, leaves = 2**depth - 1, 2**depth
    feature = np.zeros(inner, dtype=np.int64)
    threshold = np.full(inner, np.inf)
    path = np.zeros(leaves)
    extra = _average_path(tree.n_node_samples)
    stack = [(0, 0, 0)]
    while stack:
        node, place, level = stack.pop()
        left = tree.children_left[node]
        if left < 0:
            # A leaf above the bottom owns every bottom leaf below it.
            width = 2 ** (depth - level)
            first = (place + 1) * width - leaves
            path[first : first + width] = level + extra[node]
            continue
        feature[place], threshold[place] = tree.feature[node], tree.threshold[node]
        stack.append((left, 2 * place + 1, level + 1))
        stack.append((tree.children_right[node], 2 * place + 2, level + 1))
    return feature, threshold, path


def _average_path(count: np.ndarray) -> np.ndarray:
    """Mean path of an unsuccessful search in a tree of `count` samples (Liu et al. 2008, eq. 1)."""
    many = np.maximum(count.astype(np.float64), 2.0)
    average = 2.0 * (np.log(many - 1.0) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return np.where(count <= 1, 0.0, np.where(count == 2, 1.0, average))


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    """Arrays as an npz archive; never a pickle."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def unpack(body: bytes) -> dict[str, np.ndarray]:
    """Read back what `pack` wrote. Raises ValueError if it is anything else."""
    with np.load(io.BytesIO(body), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
