"""An account's log as it is read: pages of events and the controls between them, by their seq.

Pages become files, and files are written anew, while somebody reads: each segment is asked for
by the seq that was read last, so that a reader sees every event once all the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from detector import workhours
from detector.store import forgetting, segments
from detector.store.database import Database, StoreError
from detector.store.steps import LAST_SEQ, Control

Page = tuple[pl.DataFrame, list[bytes]]
LARGEST_PAGE: Final = 10_000
"""Rows of a page that is cut from a file."""

_NEXT: Final = (
    "SELECT hi_seq, data, file FROM segment WHERE account = ?1 AND hi_seq > ?2 AND hi_time >= ?3 "
    "AND lo_seq >= COALESCE((SELECT max(lo_seq) FROM segment WHERE account = ?1 "
    "AND lo_seq <= ?2 + 1), 0) ORDER BY lo_seq LIMIT 1"
)
_EVER: Final = -(2**62)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log: a page of events, or a control; `seq` is that of the first."""

    seq: int
    page: Page | None
    control: Control | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which segments are read, and what of them; all columns without `columns`."""

    account: str
    after: int
    upto: int
    since_us: int = _EVER
    columns: tuple[str, ...] | None = None


class Log:
    """The logs of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last_seq(self, account: str) -> int:
        """The number of the last entry, 0 if there is none."""
        return int(self._database.rows(LAST_SEQ, account)[0][0])

    def first_seq(self, account: str) -> int:
        """The number of the first entry that is still kept."""
        rows = self._database.rows("SELECT first_seq FROM account WHERE name = ?", account)
        return int(rows[0][0]) if rows else 1

    def is_whole(self, account: str) -> bool:
        """Whether every entry since the first one is there, or was forgotten on demand."""
        query = (
            "SELECT (SELECT COALESCE(sum(events + forgotten), 0) FROM segment WHERE account = ?1)"
            " + (SELECT count(*) FROM control WHERE account = ?1 AND seq >= ?2)"
        )
        first = self.first_seq(account)
        found = int(self._database.rows(query, account, first)[0][0])
        return found == self.last_seq(account) - first + 1

    def pages(
        self,
        account: str,
        *,
        after: int = 0,
        upto: int | None = None,
        since: datetime | None = None,
    ) -> Iterator[Page]:
        """The stored events after a seq, up to another or the last one there is now, in order.

        With `since` segments are left out of which every event is before that time.
        """
        end = self.last_seq(account) if upto is None else upto
        earliest = workhours.microseconds(since) if since else _EVER
        for whole in self._segments(_Wanted(account, after, end, earliest)):
            for start in range(0, whole.height, LARGEST_PAGE):
                part = whole[start : start + LARGEST_PAGE]
                yield part.drop(segments.RAW), part[segments.RAW].to_list()

    def entries(self, account: str, *, after: int) -> Iterator[Entry]:
        """The log after a seq, in order; a page ends where a control or something forgotten was."""
        end = self.last_seq(account)
        waiting = deque(each for each in self.controls(account, after=after) if each.seq <= end)
        for frame, raws in self.pages(account, after=after, upto=end):
            seqs = frame["event.seq"].to_numpy()
            start = 0
            for stop in [*(np.flatnonzero(np.diff(seqs) > 1) + 1), len(seqs)]:
                while waiting and waiting[0].seq < seqs[start]:
                    yield Entry(waiting[0].seq, None, waiting.popleft())
                yield Entry(int(seqs[start]), (frame[start:stop], raws[start:stop]), None)
                start = int(stop)
        for control in waiting:
            yield Entry(control.seq, None, control)

    def controls(self, account: str, *, after: int = 0, kind: str | None = None) -> list[Control]:
        """The controls of the log after a seq, in order."""
        rows = self._database.rows(
            "SELECT seq, kind, at, body FROM control WHERE account = ? AND seq > ? "
            "AND (? IS NULL OR kind = ?) ORDER BY seq",
            account,
            after,
            kind,
            kind,
        )
        return [Control(seq, name, workhours.instant(at), body) for seq, name, at, body in rows]

    def columns(
        self, account: str, names: Sequence[str], *, since: datetime, upto: int, after: int = 0
    ) -> Iterator[pl.DataFrame]:
        """Some columns of the segments whose newest event is not before `since`, in order.

        Only of entries after a seq. Text comes as categories where it is kept so.
        """
        wanted = {"event.seq": None} | dict.fromkeys(names)
        start = workhours.microseconds(since)
        for frame in self._segments(_Wanted(account, after, upto, start, tuple(wanted))):
            yield frame.select(names)

    def known(self, account: str, *, upto: int) -> tuple[np.ndarray, np.ndarray]:
        """Key and content hash of every stored event up to a seq: what `SeenIds` remembers.

        And of every event that was forgotten, with an unknown content.
        """
        names = ("event.seq", segments.KEY, segments.CONTENT)
        parts = list(self._segments(_Wanted(account, 0, upto, columns=names)))
        gone = forgetting.keys(self._database, account)
        keys = np.concatenate([gone, *(part[segments.KEY] for part in parts)])
        contents = np.concatenate([gone, *(part[segments.CONTENT] for part in parts)])
        return keys, contents

    def _segments(self, wanted: _Wanted) -> Iterator[pl.DataFrame]:
        """Segment after segment, with only the rows in question."""
        after, missing = wanted.after, None
        while after < wanted.upto:
            rows = self._database.rows(_NEXT, wanted.account, after, wanted.since_us)
            if not rows:
                return
            hi_seq, data, file = rows[0]
            try:
                whole = self._read(data, file, wanted.columns)
            except FileNotFoundError as error:
                if file == missing:
                    msg = f"{self._database.directory / file}: is missing; restore a backup"
                    raise StoreError(msg) from error
                # It may have been written anew after we read the manifest.
                missing = file
                continue
            yield whole.filter(pl.col("event.seq").is_between(after + 1, wanted.upto))
            after = hi_seq

    def _read(
        self, data: bytes | None, file: str | None, columns: tuple[str, ...] | None
    ) -> pl.DataFrame:
        if data is not None:
            return segments.unpack(data, columns)
        path = self._database.directory / str(file)
        try:
            return segments.read(path, columns)
        except FileNotFoundError:
            raise
        except (OSError, pl.exceptions.PolarsError) as error:
            msg = f"{path}: cannot be read: {error}; restore a backup"
            raise StoreError(msg) from error
