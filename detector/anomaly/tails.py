"""How rare a quantity is: -log P(X >= value) against the values of training, one-sided.

Every feature of an hour becomes such a surprisal, and so do the sum of them and the forest's score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

CAP: Final = 12.0
"""Largest -log p of one feature or score: no evidence counts for more than 1 in 160,000."""
QUANTILES: Final = 512
TOP: Final = 100
FLAT: Final = 1e-9
"""A mean excess up to this is rounding: the largest values are all the same."""


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


class Tails:
    """The tails of several quantities, in which values of all of them are looked up at once.

    One table holds the values of all as complex numbers, the quantity before the value: numpy
    orders these by the first, then by the second.
    """

    def __init__(self, tails: Sequence[Tail]) -> None:
        self._table = np.concatenate([place + 1j * tail.values for place, tail in enumerate(tails)])
        self._surprise = np.concatenate([tail.surprise for tail in tails])
        self._lowest = np.array([[tail.values[0]] for tail in tails])
        self._highest = np.array([tail.values[-1] for tail in tails])
        self._scale = np.array([tail.scale for tail in tails])

    def beyond(self, observed: np.ndarray, most: float) -> np.ndarray:
        """What `Tail.beyond` says of each quantity, up to `most`: of and in the shape (n, quantities).

        What is not above the lowest of training is no surprise, nor is what is not known (NaN).
        """
        columns = observed.T.astype(np.float64, order="C")
        found = np.zeros(columns.shape)
        at = np.flatnonzero(columns > self._lowest)
        which, values = at // max(1, len(observed)), columns.ravel()[at]
        sought = np.empty(len(at), dtype=np.complex128)
        sought.real, sought.imag = which, values
        # Each tail before it has one entry more than values.
        surprise = self._surprise[self._table.searchsorted(sought, side="right") + which]
        over = np.maximum(0.0, values - self._highest[which])
        found.ravel()[at] = np.minimum(surprise + over / self._scale[which], most)
        return np.ascontiguousarray(found.T)


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
