"""How far the hours of today have moved from those that a model was trained on.

Population stability index of each feature over ten bins of the training's quantiles:
PSI = sum((now - then) * ln(now / then)); above 0.1 worth a note, above 0.25 the model is old
(the customary limits of credit scoring, shared/model.md section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

NOTED: Final = 0.1
OLD: Final = 0.25
BINS: Final = 10
FEWEST: Final = 200
"""Rows below which a comparison says nothing."""
_LEAST: Final = 1e-4
"""Share that stands for an empty bin, so that one hour cannot make an index infinite."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The spread of every feature in training: inner edges (n, 9) and shares (n, 10) of bins.

    Where many rows have the same value, edges coincide and the bins between them are empty.
    """

    edges: np.ndarray
    shares: np.ndarray


def profile(rows: np.ndarray) -> Profile:
    """The profile of rows of shape (rows, features); what is not known (NaN) counts as nothing."""
    inner = np.linspace(0, 1, BINS + 1)[1:-1]
    known = np.nan_to_num(rows.astype(np.float64), nan=0.0)
    edges = np.quantile(known, inner, axis=0, method="lower").T.copy()
    return Profile(edges, _shares(rows, edges))


def index(before: Profile, rows: np.ndarray) -> np.ndarray:
    """The index of every feature; zeros if there are too few rows to compare."""
    if len(rows) < FEWEST:
        return np.zeros(len(before.edges))
    now, then = _shares(rows, before.edges), before.shares
    now, then = np.maximum(now, _LEAST), np.maximum(then, _LEAST)
    return np.asarray(((now - then) * np.log(now / then)).sum(axis=1))


def _shares(rows: np.ndarray, edges: np.ndarray) -> np.ndarray:
    shares = np.empty((len(edges), BINS))
    for place, inner in enumerate(edges):
        column = np.nan_to_num(rows[:, place].astype(np.float64), nan=0.0)
        bins = np.searchsorted(inner, column, side="left")
        shares[place] = np.bincount(bins, minlength=BINS) / max(1, len(rows))
    return shares
