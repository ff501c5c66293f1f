"""Single events that somebody has at hand: a file of raw items of any feed, each told by its fields."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from detector import events
from detector.sources import records
from detector.sources.lines import ReplayError, lines

Page = tuple[pl.DataFrame, list[bytes]]
_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TOLD_BY: Final = (
    ("item_uuid", events.USAGE),
    ("used_version", events.USAGE),
    ("target_user", events.SIGNIN),
    ("category", events.SIGNIN),
    ("object_type", events.AUDIT),
    ("actor_uuid", events.AUDIT),
)
"""Fields that only one feed has."""


def read(path: Path) -> Page:
    """The items in the order of the file, as received when they happened. Raises ReplayError.

    One item a line, or one JSON value: an item, a list of items, or an answer of the API.
    """
    frames, raws = [], list[bytes]()
    for number, (item, raw) in enumerate(_items(path), 1):
        feed = feed_of(item)
        if feed is None:
            msg = f"{path}:{number}: an item of no feed that is known; it has {_fields(item)}"
            raise ReplayError(msg)
        shaped = records.shape(feed, [raw], _NO_TIME)
        if not shaped.frame.height:
            msg = f"{path}:{number}: {shaped.flaws[0].reason}"
            raise ReplayError(msg)
        frames.append(shaped.frame.with_columns(pl.col("event.time").alias("event.received")))
        raws.append(raw)
    if not frames:
        msg = f"{path}: no events in it; write one raw item a line"
        raise ReplayError(msg)
    return pl.concat(frames), raws


def feed_of(item: dict[str, Any]) -> str | None:
    """The feed that an item is of; null if its fields do not say.

    >>> feed_of({"uuid": "E1", "category": "success"})
    'signinattempts'
    """
    return next((feed for field, feed in _TOLD_BY if field in item), None)


def _items(path: Path) -> list[tuple[dict[str, Any], bytes]]:
    found = lines(path)
    whole = _decoded(b"\n".join(found))
    if isinstance(whole, dict) and isinstance(whole.get("items"), list):
        whole = whole["items"]
    if isinstance(whole, dict | list):
        items = whole if isinstance(whole, list) else [whole]
        return [
            (_object(path, number, item), _dumped(item)) for number, item in enumerate(items, 1)
        ]
    written = [(number, line) for number, line in enumerate(found, 1) if line.strip()]
    return [(_object(path, number, _decoded(line)), line) for number, line in written]


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _object(path: Path, number: int, item: Any) -> dict[str, Any]:
    if isinstance(item, dict):
        return item
    msg = f"{path}:{number}: not a JSON object; write one raw item a line"
    raise ReplayError(msg)


def _dumped(item: Any) -> bytes:
    return json.dumps(item, ensure_ascii=False).encode("utf-8", "replace")


def _fields(item: dict[str, Any]) -> str:
    return ", ".join(sorted(map(str, item))[:8]) or "no fields"
