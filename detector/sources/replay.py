"""Events from files: one raw API item a line, in arrival order, merged as they arrived.

`arrivals.ndjson` says in which order the items of all feeds came; without it the feeds are merged
by event time with the order inside each file kept. Gzip, zstd and Parquet are read as well.
`controls.ndjson`, where an export wrote it, holds the entries of the log that are no events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import numpy as np
import polars as pl

from detector import events, workhours
from detector.sources import merging, records
from detector.sources.lines import ReplayError, lines
from detector.sources.records import Flaw
from detector.triage import Judgement

ENDINGS: Final = (".ndjson", ".ndjson.gz", ".ndjson.zst", ".jsonl", ".parquet")
ARRIVALS: Final = "arrivals"
CONTROLS: Final = "controls"
START: Final = "start"
"""Kind of the mark that is no entry of the log: until when the account was only taught."""
SLICE: Final = 20_000
"""Items shaped at once: what fits the caches is done three times as fast."""
_SHORT: Final = 64
"""A longer line is never blank; a blank one of many spaces is set aside as no JSON."""
_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
_Line = TypeVar("_Line", bound=msgspec.Struct)
Page = tuple[pl.DataFrame, Sequence[bytes]]


class Mark(msgspec.Struct, frozen=True):
    """An entry of the log that is no event: its place, its kind, and when it was made."""

    seq: int
    kind: str
    at: datetime
    judgement: Judgement | None = None
    """What a person said of an alert, where that is what was entered."""
    complete: dict[str, int] | None = None
    """Of a tick the feeds that were read to their end, and up to when (microseconds of UTC)."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """All events of a folder in the order of arrival.

    `frame` has the columns of `events.SCHEMA`; `raws` are the raw items of its rows, `seqs` their
    places in the log (0 where they are not known), `marks` what else stood in the log.
    """

    frame: pl.DataFrame
    raws: tuple[bytes, ...]
    flaws: tuple[tuple[str, Flaw], ...]
    seqs: np.ndarray
    marks: tuple[Mark, ...]


class _Arrival(msgspec.Struct):
    feed: str
    uuid: str
    received_at: datetime
    seq: int = 0


@dataclass(frozen=True, slots=True)
class _Feed:
    name: str
    shaped: records.Shaped
    path: str


@dataclass(frozen=True, slots=True)
class _Order:
    """Positions in the concatenated feeds in order of arrival; when, and with which seq."""

    places: np.ndarray
    received: np.ndarray
    seqs: np.ndarray


def read(folder: Path) -> Recorded:
    """Read a folder. Raises ReplayError if there is nothing to replay in it."""
    feeds = [found for name in events.FEEDS if (found := _read_feed(folder, name))]
    if not feeds:
        names = ", ".join(f"{name}.ndjson" for name in events.FEEDS)
        msg = f"{folder}: no events found; expected {names} (also .gz, .zst or .parquet)"
        raise ReplayError(msg)
    flaws = [(feed.path, flaw) for feed in feeds for flaw in feed.shaped.flaws]
    frame = pl.concat([feed.shaped.frame for feed in feeds])
    raws = [raw for feed in feeds for raw in feed.shaped.raws]
    order = _order(folder, feeds, flaws)
    times = pl.Series(order.received, dtype=pl.Int64).cast(events.TIME)
    return Recorded(
        frame=frame[order.places].with_columns(times.alias("event.received")),
        raws=tuple(raws[place] for place in order.places.tolist()),
        seqs=order.seqs,
        marks=tuple(mark for _, mark in _structs(folder, CONTROLS, Mark, flaws)),
        flaws=tuple(flaws),
    )


def pages(recorded: Recorded, size: int) -> Iterator[Page]:
    """The recorded events cut into pages."""
    for start in range(0, recorded.frame.height, size):
        yield recorded.frame.slice(start, size), recorded.raws[start : start + size]


def steps(recorded: Recorded, size: int) -> Iterator[Page | Mark]:
    """The log as it was recorded: pages, and the marks between them."""
    start, end = 0, recorded.frame.height
    for mark in sorted(recorded.marks, key=lambda each: each.seq):
        upto = int(np.searchsorted(recorded.seqs, mark.seq))
        for place in range(start, upto, size):
            count = min(size, upto - place)
            yield recorded.frame.slice(place, count), recorded.raws[place : place + count]
        start = max(start, upto)
        yield mark
    for place in range(start, end, size):
        yield recorded.frame.slice(place, size), recorded.raws[place : place + size]


def _read_feed(folder: Path, name: str) -> _Feed | None:
    path = _find(folder, name)
    if path is None:
        return None
    found = lines(path)
    blank = [number for number, line in enumerate(found) if len(line) < _SHORT and not line.strip()]
    numbers = np.delete(np.arange(len(found)), blank) + 1
    kept = [found[number - 1] for number in numbers.tolist()] if blank else found
    frames, raws, flaws = [], list[bytes](), list[Flaw]()
    for start in range(0, max(1, len(kept)), SLICE):
        shaped = records.shape(name, kept[start : start + SLICE], _NO_TIME)
        frames.append(shaped.frame)
        raws += shaped.raws
        flaws += [
            Flaw(flaw.feed, int(numbers[start + flaw.index]), flaw.reason, flaw.raw, flaw.set_aside)
            for flaw in shaped.flaws
        ]
    return _Feed(name, records.Shaped(pl.concat(frames), tuple(raws), tuple(flaws)), str(path))


def _find(folder: Path, name: str) -> Path | None:
    paths = (folder / f"{name}{ending}" for ending in ENDINGS)
    return next((path for path in paths if path.is_file()), None)


def _order(folder: Path, feeds: Sequence[_Feed], flaws: list[tuple[str, Flaw]]) -> _Order:
    arrivals = _arrivals(folder, flaws)
    if arrivals.height:
        return _as_arrived(arrivals, feeds)
    times = [feed.shaped.frame["event.time"].dt.timestamp("us").to_numpy() for feed in feeds]
    keys = [merging.keys(each) for each in times]
    places = merging.order(keys)
    return _Order(places, np.concatenate(keys)[places], np.zeros(len(places), dtype=np.int64))


def _as_arrived(arrivals: pl.DataFrame, feeds: Sequence[_Feed]) -> _Order:
    """The order of an arrivals file; what it does not name comes last, in file order."""
    items = pl.concat(
        feed.shaped.frame.select(pl.lit(feed.name).alias("feed"), pl.col("event.id").alias("uuid"))
        for feed in feeds
    ).with_row_index("place")
    named = arrivals.sort("seq", maintain_order=True).unique(
        ["feed", "uuid"], keep="first", maintain_order=True
    )
    ordered = (
        items.join(named.with_row_index("at"), on=["feed", "uuid"], how="left")
        .sort("at", "place", nulls_last=True)
        .with_columns(pl.col("received", "seq").forward_fill().fill_null(0))
    )
    return _Order(
        ordered["place"].cast(pl.Int64).to_numpy(),
        ordered["received"].to_numpy(),
        ordered["seq"].to_numpy(),
    )


_ARRIVALS: Final = {"seq": pl.Int64(), "received_at": events.TEXT, "feed": events.TEXT, "uuid": events.TEXT}  # fmt: skip


def _arrivals(folder: Path, flaws: list[tuple[str, Flaw]]) -> pl.DataFrame:
    """Feed, uuid, seq and time of receipt (microseconds) of each line of an arrivals file."""
    path = _find(folder, ARRIVALS)
    if path is not None and path.suffix in {".ndjson", ".jsonl"}:
        whole = _well_formed(path)
        if whole is not None:
            return whole
    found = [arrival for _, arrival in _structs(folder, ARRIVALS, _Arrival, flaws)]
    when = [each.received_at for each in found]
    received = [workhours.microseconds(t if t.tzinfo else t.replace(tzinfo=UTC)) for t in when]
    return pl.DataFrame(
        {
            "feed": pl.Series([each.feed for each in found], dtype=events.TEXT),
            "uuid": pl.Series([each.uuid for each in found], dtype=events.TEXT),
            "seq": pl.Series([each.seq for each in found], dtype=pl.Int64),
            "received": pl.Series(received, dtype=pl.Int64),
        }
    )


def _well_formed(path: Path) -> pl.DataFrame | None:
    """An arrivals file of which every line is whole, read in one go; null if any is not."""
    try:
        whole = pl.read_ndjson(path, schema=_ARRIVALS)
    except (pl.exceptions.PolarsError, OSError):
        return None
    times = whole["received_at"].str.to_datetime(
        "%+", time_unit="us", time_zone="UTC", strict=False
    )
    if times.null_count() or any(whole.null_count().row(0)):
        return None
    return whole.select("feed", "uuid", "seq", received=times.dt.timestamp("us"))


def _structs(
    folder: Path, name: str, kind: type[_Line], flaws: list[tuple[str, Flaw]]
) -> list[tuple[int, _Line]]:
    """The good lines of a file beside the feeds with their numbers; the others become flaws."""
    path = _find(folder, name)
    if path is None:
        return []
    decode = msgspec.json.Decoder(kind).decode
    found: list[tuple[int, _Line]] = []
    for number, line in enumerate(lines(path), 1):
        if not line.strip():
            continue
        try:
            found.append((number, decode(line)))
        except (msgspec.DecodeError, UnicodeError) as error:
            flaws.append((str(path), Flaw(name, number, str(error), line, set_aside=True)))
    return found


__all__ = ["Mark", "Recorded", "ReplayError", "lines", "pages", "read", "steps"]
