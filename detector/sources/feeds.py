"""The events of one feed's file, kept small: leaves as they are, what repeats as a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress, islice
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from detector import raws
from detector.sources.lines import ReplayError, blocks, line
from detector.sources.shaping import Flaw, Shaper

ENDINGS: Final = (".ndjson", ".ndjson.gz", ".ndjson.zst", ".jsonl", ".parquet")
AT_ONCE: Final = 16
"""Blocks of a file that are made columns together: some thousands of lines."""
_SHORT: Final = 64
"""A longer line is never blank; a blank one of many spaces is set aside as no JSON."""


@dataclass(frozen=True, slots=True)
class Feed:
    """The events of a feed in the order of its file: their leaves, lines and hashes."""

    path: Path
    shaper: Shaper
    leaves: pl.DataFrame
    numbers: np.ndarray
    hashes: np.ndarray
    flaws: tuple[Flaw, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def times(self) -> np.ndarray:
        """The event times in microseconds of UTC."""
        return self.leaves["timestamp"].dt.timestamp("us").to_numpy()

    def frame(self, rows: np.ndarray, received: pl.Series) -> pl.DataFrame:
        """Some rows with the columns of `events.SCHEMA`, received at these times."""
        # Mostly the rows of a page lie side by side, and need not be copied.
        side_by_side = len(rows) > 0 and bool((np.diff(rows) == 1).all())
        some = self.leaves[int(rows[0]) : int(rows[-1]) + 1] if side_by_side else self.leaves[rows]
        return self.shaper.frame(some.rechunk(), received)

    def raw(self, row: int) -> bytes:
        """The raw item of a row, read again from the file. Raises ReplayError."""
        number = int(self.numbers[row])
        found = line(self.path, number)
        if raws.hashes([found])[0] != self.hashes[row]:
            msg = f"{self.path}:{number}: the line was changed while the file was replayed"
            raise ReplayError(msg)
        return found


def find(folder: Path, name: str) -> Path | None:
    """The file of that name in a folder, with whichever ending; null if there is none."""
    paths = (folder / f"{name}{ending}" for ending in ENDINGS)
    return next((path for path in paths if path.is_file()), None)


def read(path: Path, feed: str) -> Feed:
    """Read the file of a feed. Raises ReplayError."""
    shaper, chunks = Shaper(feed), blocks(path)
    leaves, places, hashes = [shaper.take(()).leaves], [_NONE], [_NONE.view(np.uint64)]
    flaws: list[Flaw] = []
    before = 0
    while True:
        written = _Written(before)
        rows = shaper.take(map(written.take, islice(chunks, AT_ONCE)))
        if written.before == before:
            break
        before = written.before
        numbers = np.concatenate(written.numbers)
        leaves.append(rows.leaves)
        places.append(numbers[rows.kept])
        hashes.append(np.concatenate(written.hashes)[rows.kept])
        flaws += [replace(flaw, index=int(numbers[flaw.index])) for flaw in rows.flaws]
    return Feed(path, shaper, pl.concat(leaves), np.concatenate(places),
                np.concatenate(hashes), tuple(flaws))  # fmt: skip


_NONE: Final = np.empty(0, dtype=np.int64)


class _Written:
    """Notes the numbers and hashes of lines on their way to be shaped; blank ones go no further."""

    def __init__(self, before: int) -> None:
        self.before = before
        self.numbers: list[np.ndarray] = []
        self.hashes: list[np.ndarray] = []

    def take(self, lines: Sequence[bytes]) -> Sequence[bytes]:
        """The lines that are not blank."""
        before, self.before = self.before, self.before + len(lines)
        numbers = np.arange(before, self.before) + 1
        if min(map(len, lines), default=0) < _SHORT:
            written = [len(each) >= _SHORT or bool(each.strip()) for each in lines]
            lines, numbers = [*compress(lines, written)], numbers[written]
        self.numbers.append(numbers)
        self.hashes.append(raws.hashes(lines))
        return lines
