"""Dicts whose first entry is the one that was touched longest ago: what is too much goes first."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def touch(kept: dict[K, V], key: K, value: V) -> None:
    """Keep a value as the newest one.

    >>> kept = {"a": 1, "b": 2}
    >>> touch(kept, "a", 3)
    >>> kept
    {'b': 2, 'a': 3}
    """
    kept.pop(key, None)
    kept[key] = value


def bound(kept: dict[K, V], most: int) -> None:
    """Drop the oldest ones while there are too many."""
    while len(kept) > most:
        del kept[next(iter(kept))]


def drop_while(kept: dict[K, V], is_old: Callable[[V], bool]) -> None:
    """Drop from the oldest on, up to the first that is not old.

    >>> kept = {"a": 1, "b": 5, "c": 2}
    >>> drop_while(kept, lambda time: time < 3)
    >>> kept
    {'b': 5, 'c': 2}
    """
    # Gathered first: a dict whose front is deleted one by one is searched from its old front.
    for key in [key for key, _ in takewhile(lambda entry: is_old(entry[1]), kept.items())]:
        del kept[key]
