"""Dicts whose first entry is the one that was touched longest ago: what is too much goes first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import islice, takewhile
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


def reorder(kept: dict[K, V], touched: Iterable[K]) -> None:
    """Touch those of some that are still kept, in their order."""
    for key in touched:
        if key in kept:
            touch(kept, key, kept[key])


def bound(kept: dict[K, V], most: int) -> None:
    """Drop the oldest ones while there are too many."""
    while len(kept) > most:
        del kept[next(iter(kept))]


def may_drop(kept: dict[K, V], coming: Collection[K], most: int) -> bool:
    """Whether one of those that are to be touched may be dropped before they all were.

    >>> may_drop({"a": 1, "b": 2}, {"b", "c"}, 2), may_drop({"a": 1, "b": 2}, {"a", "c"}, 2)
    (False, True)
    """
    over = len(kept) + sum(key not in kept for key in coming) - most
    return over > len(kept) or any(key in coming for key in islice(kept, max(0, over)))


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
