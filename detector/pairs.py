"""Who shows what in a page: every distinct pair of a person and a value once, and where it stands.

A page shows most pairs many times; what is known of one is looked up once for all of its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from detector.numbering import numbered, spread


@dataclass(frozen=True, slots=True)
class Shown:
    """The values of one kind in a page: the distinct ones, and the number of each row's, -1 for none."""

    texts: Sequence[str]
    codes: np.ndarray

    @classmethod
    def of(cls, values: pl.Series, codes: np.ndarray) -> Shown:
        """The values of a column with the codes of their texts."""
        numbers, firsts = numbered(codes)
        return cls(values.gather(firsts).to_list(), numbers)

    @classmethod
    def named(cls, words: Sequence[str | None], numbers: np.ndarray) -> Shown:
        """Words of numbered combinations of values; two of them may have the same."""
        known: dict[str, int] = {}
        codes = [-1 if word is None else known.setdefault(word, len(known)) for word in words]
        return cls([*known], np.array(codes, dtype=np.int64)[numbers])

    def by_row(self) -> list[str | None]:
        """The value of each row."""
        return spread(self.texts, self.codes)


@dataclass(frozen=True, slots=True)
class Pairs:
    """The distinct pairs of a page, numbered in no order that means anything: parallel lists.

    `who` is the place of the person among the page's people, `what` the place of the value in
    `texts`, which are those of one kind after those of another: of kind k from `starts[k]` on.
    `at[kind, row]` is the pair that a row shows of a kind, -1 where it shows none.
    """

    who: np.ndarray
    what: np.ndarray
    texts: Sequence[str]
    starts: Sequence[int]
    at: np.ndarray

    def __len__(self) -> int:
        return len(self.who)


def pairs(who: np.ndarray, kinds: Sequence[Shown]) -> Pairs:
    """The pairs of a page; `who` numbers the people, -1 is nobody."""
    at = np.full((len(kinds), len(who)), -1, dtype=np.int64)
    owners, values, texts, starts, count = [], [], list[str](), list[int](), 0
    for kind, shown in enumerate(kinds):
        rows = np.flatnonzero((who >= 0) & (shown.codes >= 0))
        numbers, firsts = numbered(who[rows] * len(shown.texts) + shown.codes[rows])
        at[kind, rows] = numbers + count
        owners.append(who[rows[firsts]])
        values.append(shown.codes[rows[firsts]] + len(texts))
        starts.append(len(texts))
        texts += shown.texts
        count += len(firsts)
    return Pairs(np.concatenate(owners), np.concatenate(values), texts, starts, at)
