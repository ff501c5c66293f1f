"""In which order the events of all feeds came, when each was received, and with which seq.

A file beside the feeds says it; without one they are merged by event time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import numpy as np
import polars as pl

from detector import events, workhours
from detector.sources import merging
from detector.sources.feeds import Feed, find
from detector.sources.leaves import written
from detector.sources.lines import lines
from detector.sources.shaping import Flaw

ARRIVALS: Final = "arrivals"
_Line = TypeVar("_Line", bound=msgspec.Struct)


class _Arrival(msgspec.Struct):
    feed: str
    uuid: str
    received_at: datetime
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """Positions in the concatenated feeds in order of arrival; when (microseconds), and which seq.

    A seq is 0 where it is not known.
    """

    places: np.ndarray
    received: np.ndarray
    seqs: np.ndarray


def order(folder: Path, feeds: Sequence[Feed], flaws: list[tuple[str, Flaw]]) -> Order:
    """The order of arrival; damaged lines of the file that says it become flaws."""
    arrivals = _arrivals(folder, flaws)
    if arrivals.height:
        return _as_arrived(arrivals, feeds)
    keys = [merging.keys(feed.times()) for feed in feeds]
    places = merging.order(keys)
    return Order(places, np.concatenate(keys)[places], np.zeros(len(places), dtype=np.int64))


def _as_arrived(arrivals: pl.DataFrame, feeds: Sequence[Feed]) -> Order:
    """The order of an arrivals file; what it does not name comes last, in file order."""
    if not arrivals["seq"].is_sorted():
        arrivals = arrivals.sort("seq", maintain_order=True)
    places = _side_by_side(arrivals, feeds)
    if places is not None:
        return Order(places, arrivals["received"].to_numpy(), arrivals["seq"].to_numpy())
    items = pl.concat(
        feed.leaves.select(pl.lit(feed.shaper.feed).alias("feed"), "uuid") for feed in feeds
    ).with_row_index("place")
    named = arrivals.unique(["feed", "uuid"], keep="first", maintain_order=True)
    ordered = (
        items.join(named.with_row_index("at"), on=["feed", "uuid"], how="left")
        .sort("at", "place", nulls_last=True)
        .with_columns(pl.col("received", "seq").forward_fill().fill_null(0))
    )
    return Order(
        ordered["place"].cast(pl.Int64).to_numpy(),
        ordered["received"].to_numpy(),
        ordered["seq"].to_numpy(),
    )


def _side_by_side(arrivals: pl.DataFrame, feeds: Sequence[Feed]) -> np.ndarray | None:
    """The places of arrivals that name each event once and in the order of its file; else null."""
    places, begin = np.empty(arrivals.height, dtype=np.int64), 0
    if sum(map(len, feeds)) != arrivals.height:
        return None
    for feed in feeds:
        mine = (arrivals["feed"] == feed.shaper.feed).arg_true()
        ids = feed.leaves["uuid"]
        if not (ids.equals(arrivals["uuid"].gather(mine)) and _all_differ(ids)):
            return None
        places[mine.to_numpy()] = np.arange(begin, begin + len(feed))
        begin += len(feed)
    return places


def _all_differ(ids: pl.Series) -> bool:
    """Whether no id comes twice; in a rare while they differ, and are not told apart."""
    hashes = np.sort(ids.hash().to_numpy())
    return bool((np.diff(hashes) != 0).all())


_ARRIVALS: Final = {"seq": pl.Int64(), "received_at": events.TEXT, "feed": events.TEXT, "uuid": events.TEXT}  # fmt: skip


def _arrivals(folder: Path, flaws: list[tuple[str, Flaw]]) -> pl.DataFrame:
    """Feed, uuid, seq and time of receipt (microseconds) of each line of an arrivals file."""
    path = find(folder, ARRIVALS)
    if path is not None and path.suffix in {".ndjson", ".jsonl"}:
        whole = _well_formed(path)
        if whole is not None:
            return whole
    found = [arrival for _, arrival in structs(folder, ARRIVALS, _Arrival, flaws)]
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
    times = written(whole["received_at"])
    if times.null_count() or any(whole.null_count().row(0)):
        return None
    return whole.select("feed", "uuid", "seq", received=times.dt.timestamp("us"))


def structs(
    folder: Path, name: str, kind: type[_Line], flaws: list[tuple[str, Flaw]]
) -> list[tuple[int, _Line]]:
    """The good lines of a file beside the feeds with their numbers; the others become flaws."""
    path = find(folder, name)
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
            flaws.append((str(path), Flaw(name, number, str(error), set_aside=True)))
    return found
