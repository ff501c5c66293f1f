"""The forest and its sum on small public data sets, so that they stay honest where nothing was simulated.

`python -m benchmarks.outliers`: sets that scikit-learn ships. One class is normal, a few of another are
mixed in (one in twenty), as in ADBench (NeurIPS 2022). Tails count on both sides here, as nobody says
which side is odd. Printed is the area under the ROC curve, mean and spread over ten draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

from detector.anomaly import forest, tails

DRAWS = 10
SHARE = 0.05
Score = Callable[[np.ndarray, int], np.ndarray]


def sets() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each set by name: its normal rows, and its odd ones."""
    rows, kind = load_breast_cancer(return_X_y=True)
    yield "breast cancer, malignant", rows[kind == 1], rows[kind == 0]
    rows, kind = load_wine(return_X_y=True)
    yield "wine, class 0", rows[kind != 0], rows[kind == 0]
    rows, kind = load_iris(return_X_y=True)
    yield "iris, virginica", rows[kind != 2], rows[kind == 2]
    rows, kind = load_digits(return_X_y=True)
    for digit in (0, 1, 4, 8):
        yield f"digits, {digit}", rows[kind != digit], rows[kind == digit]


def both_sides(rows: np.ndarray) -> np.ndarray:
    """-log p of each value on its right and on its left side, beside each other."""
    columns = [*rows.T, *(-rows.T)]
    return np.stack([tails.tail(column).of(column) for column in columns], axis=1)


def plain(rows: np.ndarray, seed: int) -> np.ndarray:
    """scikit-learn's forest on the values."""
    trees = IsolationForest(n_estimators=100, max_samples=min(256, len(rows)), random_state=seed)
    return -trees.fit(rows.astype(np.float32)).score_samples(rows.astype(np.float32))


def flat(rows: np.ndarray, seed: int) -> np.ndarray:
    """Our flat forest on the same values: the same figures."""
    return forest.fit(rows, trees=100, sample=256, seed=seed).score(rows)


def ours(rows: np.ndarray, seed: int) -> np.ndarray:
    """Forest and capped sum on the surprisals, as the model has it."""
    surprise = both_sides(rows)
    scores = forest.fit(surprise, trees=100, sample=256, seed=seed).score(surprise)
    total = surprise.sum(axis=1)
    return tails.tail(scores).beyond(scores) + tails.tail(total).beyond(total)


def summed(rows: np.ndarray, _seed: int) -> np.ndarray:
    """The capped sum alone, which is nearly ECOD."""
    return both_sides(rows).sum(axis=1)


METHODS: dict[str, Score] = {
    "plain forest": plain,
    "flat forest": flat,
    "forest and sum": ours,
    "sum": summed,
}


def main() -> None:
    """Print a line for each set, and the mean of all."""
    print(f"{'':26s}" + "".join(f"{name:>18s}" for name in METHODS))
    means = []
    for name, normal, odd in sets():
        found = np.array([_areas(normal, odd, seed) for seed in range(DRAWS)])
        means.append(found.mean(axis=0))
        cells = zip(found.mean(axis=0), found.std(axis=0), strict=True)
        print(
            f"{name:26s}" + "".join(f"{100 * mean:11.1f} ±{100 * sd:4.1f} " for mean, sd in cells)
        )
    print(
        f"{'mean':26s}" + "".join(f"{100 * mean:11.1f}{'':7s}" for mean in np.mean(means, axis=0))
    )


def _areas(normal: np.ndarray, odd: np.ndarray, seed: int) -> list[float]:
    chance = np.random.default_rng(seed)
    count = max(3, round(SHARE * len(normal)))
    rows = np.concatenate((normal, odd[chance.choice(len(odd), count, replace=False)]))
    truth = np.arange(len(rows)) >= len(normal)
    return [roc_auc_score(truth, method(rows, seed)) for method in METHODS.values()]


if __name__ == "__main__":
    main()
