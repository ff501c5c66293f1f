"""Who shows what in a page: every distinct pair of a person and a value once, and where it stands.

A page shows most pairs many times; what is known of one is looked up once for all of its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

ODD: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
"""2^64 over the golden ratio, odd: multiplying by it spreads hashes."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The distinct pairs of a page, numbered in no order that means anything: parallel lists.

    `who` is the place of the person among the page's people, `at[kind, row]` the pair that a row
    shows of a kind, -1 where it shows none.
    """

    who: np.ndarray
    kinds: np.ndarray
    values: Sequence[str]
    at: np.ndarray

    def __len__(self) -> int:
        return len(self.values)


def pairs(words: pl.DataFrame, who: np.ndarray, kinds: Sequence[str]) -> Pairs:
    """The pairs of a page; `who` numbers the people, -1 is nobody; `kinds` are columns of `words`.

    Values are told apart by hashes of 64 bits together with kind and person.
    """
    owner = who.astype(np.uint64) * ODD
    shown, keys = [], []
    for kind, name in enumerate(kinds):
        values = words[name]
        rows = np.flatnonzero(values.is_not_null().to_numpy() & (who >= 0))
        hashes = values.hash().to_numpy()[rows] ^ owner[rows]
        keys.append(hashes * ODD + np.uint64(kind))
        shown.append(rows)
    codes, firsts = numbered(pl.Series(np.concatenate(keys)))
    at = np.full((len(kinds), words.height), -1, dtype=np.int64)
    ends = np.cumsum([len(rows) for rows in shown])
    kind_of = np.searchsorted(ends, firsts, side="right")
    row_of = np.concatenate(shown)[firsts]
    texts = np.empty(len(firsts), dtype=object)
    for kind, (name, rows, end) in enumerate(zip(kinds, shown, ends.tolist(), strict=True)):
        at[kind, rows] = codes[end - len(rows) : end]
        mine = np.flatnonzero(kind_of == kind)
        texts[mine] = words[name].gather(row_of[mine]).to_list()
    return Pairs(who[row_of], kind_of, texts.tolist(), at)


def numbered(values: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """The number of each value among the distinct ones by first place, -1 for null; these places."""
    first = np.flatnonzero((values.is_first_distinct() & values.is_not_null()).to_numpy())
    distinct, numbers = values.gather(first), pl.Series(np.arange(len(first)))
    if not len(first):
        return np.full(len(values), -1, dtype=np.int64), first
    codes = values.replace_strict(distinct, numbers, default=-1, return_dtype=pl.Int64)
    return codes.to_numpy(), first
