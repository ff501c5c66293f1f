"""An account's log as files: the raw items as they were received, and the order they came in.

One file for each feed, `arrivals.ndjson`, and for a whole log `controls.ndjson`: the ticks, plans
and models between the events, so that a backtest of the files says what the service said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import polars as pl

from detector.events import FEEDS
from detector.store.sqlite import Sqlite, StoreError

FORMATS: Final = ("ndjson", "parquet")
TICK: Final = "tick"
VERDICT: Final = "verdict"
"""Kind of the control by which the log hears what a person said of an alert."""
_COLUMNS: Final = ("event.seq", "event.received", "event.time", "event.id", "raw")


@dataclass(frozen=True)
class Choice:
    """Which part of the log is exported, and how; without any limit all of it."""

    form: str = "ndjson"
    feed: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def feeds(self) -> tuple[str, ...]:
        """The feeds that are exported."""
        return FEEDS if self.feed is None else (self.feed,)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self.feed is None and self.since is None and self.until is None


def export(store: Sqlite, account: str, folder: Path, choice: Choice) -> dict[str, int]:
    """Write the files; how many events of each feed there are. Raises StoreError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_mixture(folder, choice)
        write = _as_parquet if choice.form == "parquet" else _as_lines
        counts = write(folder, choice, _chosen(store, account, choice))
        if choice.is_whole:
            _write_controls(store, account, folder / "controls.ndjson")
        else:
            (folder / "controls.ndjson").unlink(missing_ok=True)
    except OSError as error:
        msg = f"{folder}: cannot be written: {error}"
        raise StoreError(msg) from error
    return counts


def _refuse_mixture(folder: Path, choice: Choice) -> None:
    """A second file of a feed, in another format, would be read in place of this one."""
    for feed in choice.feeds:
        for other in folder.glob(f"{feed}.*"):
            if other.name != f"{feed}.{choice.form}":
                msg = f"{other}: holds the same feed in another format; export to another folder"
                raise StoreError(msg)


def _chosen(store: Sqlite, account: str, choice: Choice) -> Iterator[pl.DataFrame]:
    """The chosen rows of each stored page, with the raw items as a column."""
    for frame, raws in store.log.pages(account):
        whole = frame.with_columns(raw=pl.Series(raws, dtype=pl.Binary)).select(
            "event.feed", *_COLUMNS
        )
        if choice.feed is not None:
            whole = whole.filter(pl.col("event.feed") == choice.feed)
        if choice.since is not None:
            whole = whole.filter(pl.col("event.time") >= choice.since)
        if choice.until is not None:
            whole = whole.filter(pl.col("event.time") < choice.until)
        if whole.height:
            yield whole


def _as_lines(folder: Path, choice: Choice, parts: Iterator[pl.DataFrame]) -> dict[str, int]:
    counts = dict.fromkeys(choice.feeds, 0)
    with ExitStack() as files:
        opened = {
            feed: files.enter_context((folder / f"{feed}.ndjson").open("wb")) for feed in counts
        }
        arrivals = files.enter_context((folder / "arrivals.ndjson").open("wb"))
        for part in parts:
            for feed, raw in part.select("event.feed", "raw").iter_rows():
                opened[feed].write(_one_line(raw) + b"\n")
                counts[feed] += 1
            _write_arrivals(arrivals, part)
    return counts


def _as_parquet(folder: Path, choice: Choice, parts: Iterator[pl.DataFrame]) -> dict[str, int]:
    found: list[pl.DataFrame] = []
    with (folder / "arrivals.ndjson").open("wb") as arrivals:
        for part in parts:
            _write_arrivals(arrivals, part)
            found.append(part)
    counts = dict.fromkeys(choice.feeds, 0)
    for feed in counts:
        rows = [part.filter(pl.col("event.feed") == feed).select(_COLUMNS) for part in found]
        frame = pl.concat(rows) if rows else pl.DataFrame(schema={"raw": pl.Binary()})
        frame.write_parquet(folder / f"{feed}.parquet", compression="zstd")
        counts[feed] = frame.height
    return counts


def _write_arrivals(file: IO[bytes], part: pl.DataFrame) -> None:
    columns = part.select("event.seq", "event.received", "event.feed", "event.id")
    for seq, received, feed, uuid in columns.iter_rows():
        arrival = {"seq": seq, "received_at": _utc(received), "feed": feed, "uuid": uuid}
        file.write(msgspec.json.encode(arrival) + b"\n")


def _write_controls(store: Sqlite, account: str, path: Path) -> None:
    start = store.started(account)
    with path.open("w", encoding="utf-8") as file:
        if start is not None:
            first = {"seq": 0, "kind": "start", "at": _utc(start.teach_until)}
            file.write(json.dumps(first) + "\n")
        for each in store.log.controls(account):
            control: dict[str, Any] = {"seq": each.seq, "kind": each.kind, "at": _utc(each.at)}
            if each.kind == TICK and each.body:
                control["complete"] = json.loads(each.body)
            if each.kind == VERDICT:
                control["judgement"] = json.loads(each.body)
            file.write(json.dumps(control) + "\n")


def _one_line(raw: bytes) -> bytes:
    """An item without the line breaks that a server may have put between its fields."""
    if b"\n" not in raw and b"\r" not in raw:
        return raw
    return msgspec.json.format(raw, indent=-1)


def _utc(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
