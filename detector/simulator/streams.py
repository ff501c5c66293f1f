"""Independent random streams: each subject has its own, so that none disturbs another."""

from __future__ import annotations

import hashlib
import math
import random
from bisect import bisect
from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_UPPER: Final = bytes(_ALPHABET[byte & 31] for byte in range(256))
_LOWER: Final = _UPPER.lower()
_LENGTH: Final = 26


def number(seed: int, *names: object) -> int:
    """A 64-bit number that depends on the seed and the names, and on nothing else."""
    text = "/".join(str(name) for name in (seed, *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def stream(seed: int, *names: object) -> random.Random:
    """The random stream of one subject of one simulation."""
    return random.Random(number(seed, *names))


def poisson(rng: random.Random, mean: float) -> int:
    """A Poisson number; by the normal law where the mean is large."""
    if mean <= 0.0:
        return 0
    if mean > 40.0:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def pick(rng: random.Random, values: Sequence[T], cumulative: list[float]) -> T:
    """One of the values by their cumulative weights; much faster than `rng.choices`."""
    return values[bisect(cumulative, rng.random() * cumulative[-1], 0, len(values) - 1)]


def upper_id(rng: random.Random) -> str:
    """A 26-letter uppercase base32 identifier, as people, sessions and events have."""
    return rng.randbytes(_LENGTH).translate(_UPPER).decode("ascii")


def lower_id(rng: random.Random) -> str:
    """A 26-letter lowercase base32 identifier, as devices, vaults and items have."""
    return rng.randbytes(_LENGTH).translate(_LOWER).decode("ascii")


class Mint:
    """Event identifiers in bulk: one draw of random bytes serves many of them."""

    __slots__ = ("_at", "_pool", "_rng")

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._pool = ""
        self._at = 0

    def take(self) -> str:
        """The next identifier."""
        if self._at >= len(self._pool):
            self._pool = self._rng.randbytes(_LENGTH * 32).translate(_UPPER).decode("ascii")
            self._at = 0
        self._at += _LENGTH
        return self._pool[self._at - _LENGTH : self._at]
