"""The event columns of a page by row: made into lists where rows are looked up often."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

OFTEN: Final = 100
"""After so many single cells of a column a list of all of them is cheaper."""


class Columns(Mapping[str, Sequence[Any]]):
    """Columns of a page by name, as lists; each is made when it is first asked for.

    Most columns serve findings only, which few rows make: see `cell`.
    """

    def __init__(self, frame: pl.DataFrame, names: Iterable[str]) -> None:
        self._series = {name: frame[name] for name in names}
        self._lists: dict[str, list[Any]] = {}
        self._asked = dict.fromkeys(self._series, 0)

    def __getitem__(self, name: str) -> Sequence[Any]:
        found = self._lists.get(name)
        if found is None:
            found = self._lists[name] = self._series[name].to_list()
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._series)

    def __len__(self) -> int:
        return len(self._series)

    def series(self, name: str) -> pl.Series:
        """A whole column as it is."""
        return self._series[name]

    def pick(self, name: str, rows: np.ndarray) -> list[Any]:
        """The values of a column in some rows."""
        found = self._lists.get(name)
        if found is not None:
            return [found[row] for row in rows.tolist()]
        picked: list[Any] = self._series[name].gather(rows).to_list()
        return picked

    def cell(self, name: str, row: int) -> Any:
        """The value of a column in a row."""
        found = self._lists.get(name)
        if found is not None:
            return found[row]
        self._asked[name] += 1
        return self[name][row] if self._asked[name] > OFTEN else self._series[name][row]
