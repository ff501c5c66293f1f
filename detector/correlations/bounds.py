"""What a correlation asks: bounds of the number that it counts, or sets of rules to see."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "neq": operator.ne,
}
_RISING: Final = frozenset({"gt", "gte"})
_WORDS: Final = {
    "gt": "more than",
    "gte": "at least",
    "lt": "less than",
    "lte": "at most",
    "eq": "exactly",
    "neq": "anything but",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of a number, all of which must hold: pairs of an operator and a number."""

    pairs: tuple[tuple[str, float], ...]

    def hold(self, value: float) -> bool:
        """Whether the number is within all bounds.

        >>> Bounds((("gte", 5), ("lt", 8))).hold(7)
        True
        """
        for name, bound in self.pairs:  # noqa: SIM110 - asked for every event that counts
            if not OPERATORS[name](value, bound):
                return False
        return True

    @property
    def rising(self) -> bool:
        """Whether a larger number never breaks what a smaller one fulfils."""
        return all(name in _RISING for name, _ in self.pairs)

    @property
    def least(self) -> float | None:
        """The lower bound, if there is one."""
        return max((bound for name, bound in self.pairs if name in _RISING), default=None)

    @property
    def words(self) -> str:
        """The bounds as a person says them.

        >>> Bounds((("gte", 5), ("lt", 8))).words
        'at least 5 and less than 8'
        """
        return " and ".join(f"{_WORDS[name]} {bound:,g}" for name, bound in self.pairs)


@dataclass(frozen=True, slots=True)
class Masks:
    """The sets of base rules that a condition accepts, as bit masks over their places."""

    rules: int
    accepted: frozenset[int]
    words: str

    @staticmethod
    def of(rules: int, accepts: Callable[[int], bool], words: str) -> Masks:
        """The truth table of a condition.

        >>> sorted(Masks.of(2, lambda seen: seen.bit_count() >= 2, "both").accepted)
        [3]
        """
        return Masks(rules, frozenset(seen for seen in range(2**rules) if accepts(seen)), words)

    def hold(self, value: float) -> bool:
        """Whether the rules of a mask are enough."""
        return value in self.accepted

    @property
    def rising(self) -> bool:
        """Whether seeing one more rule never breaks what holds."""
        every = range(self.rules)
        return all(seen | 1 << rule in self.accepted for seen in self.accepted for rule in every)

    @property
    def least(self) -> None:
        """A set has no lower bound."""
