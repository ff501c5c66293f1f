"""Groups of numbers: equal ones are found at once, without a look at each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from detector.rulebook.bits import Rows

Number = Callable[[Rows], int]
"""The number of a group with these members."""


def numbered(places: Rows, members: Rows, number: Number) -> tuple[Rows, Rows]:
    """Each place once, and the number of the group of members that stand beside it.

    Places are in order, and so are the members of each; none is negative.

    >>> numbered(np.array([0, 0, 2]), np.array([5, 7, 6]), len)
    (array([0, 2]), array([2, 1]))
    """
    firsts = np.flatnonzero(np.diff(places, prepend=-1))
    sizes = np.diff(firsts, append=len(places))
    models, kinds = _alike(firsts, sizes, members)
    numbers = [number(members[firsts[each] : firsts[each] + sizes[each]]) for each in models]
    return places[firsts], np.array(numbers, dtype=np.int64)[kinds]


def _alike(firsts: Rows, sizes: Rows, members: Rows) -> tuple[Rows, Rows]:
    """One of each kind of equal groups, and which kind each group is."""
    if not len(firsts):
        return firsts, firsts
    sums = np.add.reduceat(_mixed(members), firsts)
    _, models, kinds = np.unique(sums, return_index=True, return_inverse=True)
    model = models[kinds]
    there = np.repeat(firsts[model] - firsts, sizes) + np.arange(len(members))
    if np.array_equal(sizes, sizes[model]) and np.array_equal(members, members[there]):
        return models, kinds
    # Others may have the same sum, if somebody wants it so: then each is a kind of its own.
    return np.arange(len(firsts)), np.arange(len(firsts))


def _mixed(numbers: Rows) -> npt.NDArray[np.uint64]:
    """Numbers as others that look random (the last steps of splitmix64)."""
    mixed = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return mixed ^ mixed >> np.uint64(31)
