"""Raw items that stay where they are until somebody asks for one; their hashes are at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from xxhash import xxh3_64_intdigest


@dataclass(frozen=True, slots=True, eq=False)
class Raws(Sequence[bytes]):
    """The raw items at `places` of a source, their 64-bit hashes, and how one is fetched.

    To fetch one may take as long as to read its whole file.
    """

    places: np.ndarray
    hashes: np.ndarray
    fetch: Callable[[int], bytes]

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, row: int) -> bytes: ...
    @overload
    def __getitem__(self, row: slice) -> Raws: ...
    def __getitem__(self, row: int | slice) -> bytes | Raws:
        if isinstance(row, slice):
            return self.at(row)
        return self.fetch(int(self.places[row]))

    def at(self, rows: np.ndarray | slice) -> Raws:
        """Those in some rows, or in those of a mask."""
        return Raws(self.places[rows], self.hashes[rows], self.fetch)


def hashes(raws: Sequence[bytes]) -> np.ndarray:
    """A 64-bit hash of each raw item, by which a changed copy of a known event is told."""
    if isinstance(raws, Raws):
        return raws.hashes
    return np.fromiter(map(xxh3_64_intdigest, raws), dtype=np.uint64, count=len(raws))


def chosen(raws: Sequence[bytes], rows: np.ndarray) -> Sequence[bytes]:
    """Those raw items in rows, ascending or not."""
    return raws.at(rows) if isinstance(raws, Raws) else [raws[row] for row in rows.tolist()]
