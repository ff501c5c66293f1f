"""How likely a count is, given what is usual: tails of distributions, without a library."""

from __future__ import annotations

import math
from functools import lru_cache

MOST_TERMS = 100_000
SMALLEST = -700.0
"""Logarithm of what a float can still be multiplied from."""


def more_than_usual(count: int, mean: float, spread: float) -> float:
    """Probability of at least `count`, if `mean` is usual and the variance is `spread` times that.

    A negative binomial distribution, which is Poisson where `spread` is 1.

    >>> round(more_than_usual(3, 1.0, 1.0), 4), more_than_usual(30, 1.0, 4.0) < 1e-4
    (0.0803, True)
    """
    if count <= 0:
        return 1.0
    mean, spread = max(mean, 1e-9), max(spread, 1.0 + 1e-6)
    size, share = mean / (spread - 1.0), (spread - 1.0) / spread
    log_term, below = -size * math.log(spread), 0.0
    # Terms too small for a number are kept as logarithms until they are not.
    k, most = 0, min(count, MOST_TERMS)
    while k < most and log_term < SMALLEST:
        log_term += math.log((k + size) / (k + 1) * share)
        k += 1
    term = math.exp(log_term)
    for at in range(k, most):
        below += term
        term *= (at + size) / (at + 1) * share
    above = 1.0 - below
    if above > 1e-9:
        return min(1.0, above)
    # Beyond the precision of what is below, the next term and its geometric rest say it.
    return term / (1.0 - share * (count + size) / (count + 1))


@lru_cache(maxsize=4_096)
def as_often(times: int, tries: int, chance: float) -> float:
    """Probability of at least so many `times` in so many `tries` of that `chance` each.

    >>> as_often(0, 5, 0.1), round(as_often(4, 7, 0.03), 6)
    (1.0, 2.6e-05)
    """
    chance = min(max(chance, 0.0), 1.0)
    terms = (
        math.comb(tries, k) * chance**k * (1 - chance) ** (tries - k)
        for k in range(times, tries + 1)
    )
    return min(1.0, sum(terms))
