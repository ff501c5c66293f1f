"""Numbers for what is equal: texts of columns, keys, and several of them together.

What is asked of a value or of several together is asked once for all rows that have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

ODD: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
"""2^64 over the golden ratio, odd: multiplying by it spreads keys."""
_LARGEST: Final = 2**62


def coded(frame: pl.DataFrame, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Numbers for some columns of texts or categories: equal in a column for equal ones, -1 for none."""
    texts = [name for name in names if frame.schema[name] == pl.String]
    kind = pl.Categorical(pl.Categories.random())
    categories = frame.select(names).with_columns(pl.col(texts).cast(kind))
    codes = categories.select(pl.all().to_physical().cast(pl.Int64).fill_null(-1))
    return {each.name: each.to_numpy() for each in codes}


def first_rows(keys: np.ndarray) -> np.ndarray:
    """For each row the first one with the same key (64 bits).

    Keys meet in a table; the few whose slot another key took are sorted.
    """
    bits = max(4, (4 * len(keys)).bit_length())
    slots = (keys.astype(np.uint64) * ODD) >> np.uint64(64 - bits)
    table = np.empty(1 << bits, dtype=np.int64)
    # Of several rows that are written to one slot the last one stays: here that is the first.
    table[slots[::-1]] = np.arange(len(keys) - 1, -1, -1)
    first: np.ndarray = table[slots]
    others = np.flatnonzero(keys[first] != keys)
    if len(others):
        _, at, place = np.unique(keys[others], return_index=True, return_inverse=True)
        first[others] = others[at[place]]
    return first


def numbered(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of each key among the distinct ones by first row, -1 where it is below 0; these rows.

    >>> numbered(np.array([7, -1, 3, 7]))
    (array([ 0, -1,  1,  0]), array([0, 2]))
    """
    first = first_rows(keys)
    is_first = (first == np.arange(len(keys))) & (keys >= 0)
    numbers = np.cumsum(is_first) - 1
    return np.where(keys >= 0, numbers[first], -1), np.flatnonzero(is_first)


def grouped(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The places of keys, equal ones side by side in their order; where each key begins and ends.

    >>> grouped(np.array([5, 3, 5]))
    (array([1, 0, 2]), array([0, 1]), array([1, 3]))
    """
    order = np.argsort(keys, kind="stable")
    is_first = np.ones(len(keys), dtype=bool)
    is_first[1:] = np.diff(keys[order]) != 0
    starts = np.flatnonzero(is_first)
    return order, starts, np.append(starts, len(keys))[1:]


def together(columns: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The number of each row's combination of codes from -1 on, and the first row of each.

    >>> together([np.array([5, -1, 5, 5]), np.array([0, 0, 0, 1])])
    (array([0, 1, 0, 2]), array([0, 1, 3]))
    """
    keys = np.zeros(len(columns[0]), dtype=np.int64)
    most = 1
    for column in columns:
        size = int(column.max(initial=-1)) + 2
        if most > _LARGEST // size:
            keys, firsts = numbered(keys)
            most = max(1, len(firsts))
        keys, most = keys * size + (column + 1), most * size
    return numbered(keys)


def spread(values: Sequence[Any], codes: np.ndarray) -> list[Any]:
    """The value of each code, null for -1; equal ones are one object."""
    objects = np.empty(len(values) + 1, dtype=object)
    objects[:-1] = values
    found: list[Any] = objects[codes].tolist()
    return found
