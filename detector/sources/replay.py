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
    kept = [(number, item) for number, item in enumerate(lines(path), 1) if item.strip()]
    frames, raws, flaws = [], list[bytes](), list[Flaw]()
    for start in range(0, max(1, len(kept)), SLICE):
        part = kept[start : start + SLICE]
        shaped = records.shape(name, [item for _, item in part], _NO_TIME)
        frames.append(shaped.frame)
        raws += shaped.raws
        flaws += [
            Flaw(flaw.feed, part[flaw.index][0], flaw.reason, flaw.raw, flaw.set_aside)
            for flaw in shaped.flaws
        ]
    return _Feed(name, records.Shaped(pl.concat(frames), tuple(raws), tuple(flaws)), str(path))


def _find(folder: Path, name: str) -> Path | None:
    paths = (folder / f"{name}{ending}" for ending in ENDINGS)
    return next((path for path in paths if path.is_file()), None)


def _order(folder: Path, feeds: Sequence[_Feed], flaws: list[tuple[str, Flaw]]) -> _Order:
    arrivals = _structs(folder, ARRIVALS, _Arrival, flaws)
    if arrivals:
        return _as_arrived([arrival for _, arrival in arrivals], feeds)
    times = [feed.shaped.frame["event.time"].dt.timestamp("us").to_numpy() for feed in feeds]
    keys = [merging.keys(each) for each in times]
    places = merging.order(keys)
    return _Order(places, np.concatenate(keys)[places], np.zeros(len(places), dtype=np.int64))


def _as_arrived(arrivals: Sequence[_Arrival], feeds: Sequence[_Feed]) -> _Order:
    waiting: dict[tuple[str, str], list[int]] = {}
    at = 0
    for feed in feeds:
        for uuid in feed.shaped.frame["event.id"].to_list():
            waiting.setdefault((feed.name, uuid), []).append(at)
            at += 1
    rows: list[tuple[int, int, int]] = []
    for arrival in sorted(arrivals, key=lambda each: each.seq):
        when = arrival.received_at
        received = workhours.microseconds(when if when.tzinfo else when.replace(tzinfo=UTC))
        places = waiting.pop((arrival.feed, arrival.uuid), ())
        rows += [(place, received, arrival.seq) for place in places]
    # What the list of arrivals does not name comes last, in file order.
    _, received, seq = rows[-1] if rows else (0, 0, 0)
    rows += [(place, received, seq) for places in waiting.values() for place in places]
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return _Order(table[:, 0], table[:, 1], table[:, 2])


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
