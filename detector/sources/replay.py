"""Events from files: one raw API item a line, in arrival order, merged as they arrived.

`arrivals.ndjson` says in which order the items of all feeds came; without it the feeds are merged
by event time with the order inside each file kept. Gzip, zstd and Parquet are read as well.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import polars as pl

from detector import events
from detector.sources import merging, records

ENDINGS: Final = (".ndjson", ".ndjson.gz", ".ndjson.zst", ".jsonl", ".parquet")
ARRIVALS: Final = "arrivals"


class ReplayError(Exception):
    """The folder or a file in it cannot be replayed; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """All events of a folder in the order of arrival.

    `frame` has the columns of `events.SCHEMA`; `raws` are the raw items of its rows.
    """

    frame: pl.DataFrame
    raws: tuple[bytes, ...]
    flaws: tuple[tuple[str, records.Flaw], ...]


class _Arrival(msgspec.Struct):
    feed: str
    uuid: str
    received_at: str


@dataclass(frozen=True, slots=True)
class _Feed:
    name: str
    shaped: records.Shaped
    path: str


def read(folder: Path) -> Recorded:
    """Read a folder. Raises ReplayError if there is nothing to replay in it."""
    feeds = [found for name in events.FEEDS if (found := _read_feed(folder, name))]
    if not feeds:
        names = ", ".join(f"{name}.ndjson" for name in events.FEEDS)
        msg = f"{folder}: no events found; expected {names} (also .gz, .zst or .parquet)"
        raise ReplayError(msg)
    flaws = tuple((feed.path, flaw) for feed in feeds for flaw in feed.shaped.flaws)
    frame = pl.concat([feed.shaped.frame for feed in feeds])
    raws = [raw for feed in feeds for raw in feed.shaped.raws]
    order, received = _order(folder, feeds)
    times = pl.Series(received, dtype=pl.Int64).cast(events.TIME)
    merged = frame[order].with_columns(times.alias("event.received"))
    return Recorded(merged, tuple(raws[index] for index in order.tolist()), flaws)


def lines(path: Path) -> list[bytes]:
    """The raw items of one file; blank lines are left out. Raises ReplayError."""
    try:
        if path.suffix == ".parquet":
            return _parquet(path)
        body = path.read_bytes()
        if path.suffix == ".gz":
            body = gzip.decompress(body)
        elif path.suffix == ".zst":
            body = _zstd(path, body)
    except (OSError, EOFError, pl.exceptions.PolarsError) as error:
        msg = f"{path}: cannot be read: {error}"
        raise ReplayError(msg) from error
    return body.splitlines()


def _parquet(path: Path) -> list[bytes]:
    frame = pl.read_parquet(path)
    if "raw" not in frame.columns:
        msg = f"{path}: no column 'raw'; export it with 'vaultwatch events export --format parquet'"
        raise ReplayError(msg)
    return frame["raw"].cast(pl.Binary).to_list()


def _zstd(path: Path, body: bytes) -> bytes:
    # polars opens zstd by itself, so no library of our own is needed for it.
    lines_ = pl.read_csv(
        body, has_header=False, separator="\x01", quote_char=None, new_columns=["line"],
        schema_overrides={"line": pl.String()}, truncate_ragged_lines=True,
    )  # fmt: skip
    if lines_.width != 1:
        msg = f"{path}: not one JSON object a line"
        raise ReplayError(msg)
    return [text.encode() for text in lines_["line"].to_list()]


def _read_feed(folder: Path, name: str) -> _Feed | None:
    for ending in ENDINGS:
        path = folder / f"{name}{ending}"
        if path.is_file():
            items = lines(path)
            kept = [(number, item) for number, item in enumerate(items, 1) if item.strip()]
            shaped = records.shape(name, [item for _, item in kept], datetime(1970, 1, 1, tzinfo=UTC))
            numbered = tuple(
                records.Flaw(flaw.feed, kept[flaw.index][0], flaw.reason, flaw.raw, flaw.set_aside)
                for flaw in shaped.flaws
            )
            return _Feed(name, records.Shaped(shaped.frame, shaped.raws, numbered), str(path))
    return None


def _order(folder: Path, feeds: Sequence[_Feed]) -> tuple[np.ndarray, np.ndarray]:
    """Positions in the concatenated feeds in order of arrival, and when each arrived (us)."""
    path = next((p for e in ENDINGS if (p := folder / f"{ARRIVALS}{e}").is_file()), None)
    if path is not None:
        return _as_arrived(path, feeds)
    times = [feed.shaped.frame["event.time"].dt.timestamp("us").to_numpy() for feed in feeds]
    keys = [merging.keys(each) for each in times]
    order = merging.order(keys)
    return order, np.concatenate(keys)[order]


def _as_arrived(path: Path, feeds: Sequence[_Feed]) -> tuple[np.ndarray, np.ndarray]:
    places: dict[tuple[str, str], list[int]] = {}
    at = 0
    for feed in feeds:
        for uuid in feed.shaped.frame["event.id"].to_list():
            places.setdefault((feed.name, uuid), []).append(at)
            at += 1
    decoder = msgspec.json.Decoder(_Arrival)
    order: list[int] = []
    received: list[int] = []
    for number, line in enumerate(lines(path), 1):
        arrival, when = _arrival(decoder, line, f"{path}:{number}")
        for place in places.pop((arrival.feed, arrival.uuid), ()):
            order.append(place)
            received.append(when)
    if places:
        # What the list of arrivals does not name comes last, in file order.
        rest = sorted(place for left in places.values() for place in left)
        order += rest
        received += [received[-1] if received else 0] * len(rest)
    return np.array(order, dtype=np.int64), np.array(received, dtype=np.int64)


def _arrival(
    decoder: msgspec.json.Decoder[_Arrival], line: bytes, where: str
) -> tuple[_Arrival, int]:
    try:
        arrival = decoder.decode(line)
        time = datetime.fromisoformat(arrival.received_at)
    except (msgspec.DecodeError, ValueError) as error:
        msg = f"{where}: not an arrival ({error}); expected seq, received_at, feed and uuid"
        raise ReplayError(msg) from error
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return arrival, round(time.timestamp() * 1e6)


def pages(recorded: Recorded, size: int) -> Iterator[tuple[pl.DataFrame, tuple[bytes, ...]]]:
    """The recorded events cut into pages."""
    for start in range(0, recorded.frame.height, size):
        yield recorded.frame.slice(start, size), recorded.raws[start : start + size]


__all__ = ["Recorded", "ReplayError", "lines", "pages", "read"]
