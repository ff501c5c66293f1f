"""Event files of any product as one flat frame: nested names are dotted, lists stay lists.

A value that is sometimes a number and sometimes a text is a text; a list of objects becomes one
list for each of their fields; times stay texts, as they came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from detector.sources.lines import ReplayError, lines

ENDINGS: Final = (".ndjson", ".jsonl", ".json", ".gz", ".zst", ".parquet")
FILE: Final = "\0file"
LINE: Final = "\0line"
"""Columns that say where an event came from; no event has such names."""
DEEPEST: Final = 32
Flaw = tuple[str, int, str]
"""File, line and reason of a line that is no event."""


@dataclass(frozen=True, slots=True)
class Events:
    """All events of some files, one a row, and the lines that are none."""

    frame: pl.DataFrame
    flaws: tuple[Flaw, ...]


def read_events(path: Path, flatten: Iterable[str] = ()) -> Events:
    """Read a file, or every event file below a folder. Raises ReplayError."""
    paths = _files(path)
    flaws: list[Flaw] = []
    prefixes = tuple(map(_prefix, flatten))
    frames = [_parquet(each) for each in paths if each.suffix == ".parquet"]
    columns = _Columns()
    for each in paths:
        if each.suffix != ".parquet":
            for line, event in _objects(each, flaws):
                columns.add(event | {FILE: str(each), LINE: line})
    if columns.height:
        frames.append(columns.frame())
    if not frames:
        msg = f"{path}: no events in it"
        raise ReplayError(msg)
    frames = [_renamed(frame, prefixes) for frame in frames]
    return Events(frames[0] if len(frames) == 1 else _together(frames), tuple(flaws))


def _prefix(part: str) -> re.Pattern[str]:
    """The beginning of the names of a part's fields; `*` stands for one name."""
    return re.compile(re.escape(f"{part}.").replace(r"\*", "[^.]+"))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(each for each in path.rglob("*") if each.suffix in ENDINGS)
        return [each for each in found if each.is_file()]
    if not path.is_file():
        msg = f"{path}: no such file"
        raise ReplayError(msg)
    return [path]


def _objects(path: Path, flaws: list[Flaw]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The events of a file: one a line, or a single JSON document that is one or a list of them."""
    found = lines(path)
    whole = _documents(b"\n".join(found)) if path.suffix == ".json" else None
    if whole is not None:
        for number, item in enumerate(whole, 1):
            if isinstance(item, dict):
                yield number, item
            else:
                flaws.append((str(path), number, "not an object"))
        return
    for number, line in enumerate(found, 1):
        if not line.strip():
            continue
        try:
            yield number, _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            flaws.append((str(path), number, str(error)))


_WHOLE: Final = json.JSONDecoder()
_WORD: Final = re.compile(r"\S")
_DECODER: Final = msgspec.json.Decoder(dict[str, Any])


def _documents(body: bytes) -> list[Any] | None:
    """The events of JSON documents that follow each other, over any number of lines; else null."""
    found: list[Any] = []
    try:
        text = body.decode("utf-8-sig").strip()
        at = 0
        while at < len(text):
            item, end = _WHOLE.raw_decode(text, at)
            found += item if isinstance(item, list) else [item]
            more = _WORD.search(text, end)
            at = more.start() if more else len(text)
    except (ValueError, RecursionError):
        return None
    return found


class _Columns:
    """Columns that grow while events come; a name that comes late is null before."""

    def __init__(self) -> None:
        self._values: dict[str, list[Any]] = {}
        self.height = 0

    def add(self, event: dict[str, Any]) -> None:
        """Add one event."""
        self._flatten("", event, 0)
        self.height += 1

    def _flatten(self, prefix: str, part: Mapping[str, Any], depth: int) -> None:
        for key, value in part.items():
            name = prefix + key
            if isinstance(value, dict) and depth < DEEPEST:
                self._flatten(f"{name}.", value, depth + 1)
            elif isinstance(value, list):
                self._list(name, value, depth)
            elif value is not None:
                self._put(name, value)

    def _list(self, name: str, values: list[Any], depth: int) -> None:
        """A list: its plain values, and for each field of its objects the values of that field."""
        cells: dict[str, list[Any]] = {}
        _gather(cells, name, values, depth)
        for each, found in cells.items():
            self._put(each, found)

    def _put(self, name: str, value: Any) -> None:
        column = self._values.setdefault(name, [])
        column.extend([None] * (self.height - len(column)))
        if len(column) == self.height:
            column.append(value)

    def frame(self) -> pl.DataFrame:
        """The frame of all events."""
        for column in self._values.values():
            column.extend([None] * (self.height - len(column)))
        return pl.DataFrame({name: _series(values) for name, values in self._values.items()})


def _gather(cells: dict[str, list[Any]], name: str, values: list[Any], depth: int) -> None:
    for value in values:
        if isinstance(value, dict) and depth < DEEPEST:
            for key, inner in value.items():
                _gather(cells, f"{name}.{key}", [inner], depth + 1)
        elif isinstance(value, list) and depth < DEEPEST:
            _gather(cells, name, value, depth + 1)
        elif value is not None:
            cells.setdefault(name, []).append(value)


def _series(values: list[Any]) -> pl.Series:
    """A column of the narrowest type that holds every value as it was written."""
    kinds = {type(value) for value in values if value is not None}
    if list in kinds:
        lists = [
            None if value is None else [_text(each) for each in _as_list(value)] for value in values
        ]
        return pl.Series(lists, dtype=pl.List(pl.String))
    if kinds == {bool}:
        return pl.Series(values, dtype=pl.Boolean)
    if kinds == {int} and all(value is None or abs(value) < 2**63 for value in values):
        return pl.Series(values, dtype=pl.Int64)
    if kinds == {float}:
        return pl.Series(values, dtype=pl.Float64)
    return pl.Series([None if v is None else _text(v) for v in values], dtype=pl.String)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _parquet(path: Path) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        msg = f"{path}: cannot be read: {str(error).splitlines()[0]}"
        raise ReplayError(msg) from error
    for _ in range(DEEPEST):
        nested = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Struct)]
        if not nested:
            break
        frame = frame.unnest(nested, separator=".")
    deep = [series for series in frame if isinstance(series.dtype, pl.List | pl.Array)]
    deep = [series for series in deep if series.dtype.inner.is_nested()]  # type: ignore[attr-defined]
    frame = frame.drop(series.name for series in deep)
    frame = frame.with_columns(_plain(series) for series in frame)
    for series in deep:
        frame = frame.hstack(_unrolled(series))
    file, line = pl.lit(str(path)).alias(FILE), pl.int_range(1, pl.len() + 1).alias(LINE)
    return frame.with_columns(file, line)


def _plain(series: pl.Series) -> pl.Series:
    """A column of Parquet as one of the types that events from JSON have."""
    dtype = series.dtype
    if dtype.is_integer() or dtype == pl.Boolean:
        return series if dtype == pl.Boolean else series.cast(pl.Int64, strict=False)
    if dtype.is_float() or dtype.is_decimal():
        return series.cast(pl.Float64)
    if dtype.is_temporal():
        return series.cast(pl.Datetime("us")).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    if dtype.is_nested():
        return series.cast(pl.List(pl.String))
    return series.cast(pl.String, strict=False)


def _unrolled(series: pl.Series) -> list[pl.Series]:
    """A column of lists of objects as one column of lists for each of their fields."""
    columns = _Columns()
    for cell in series.to_list():
        columns.add({series.name: cell})
    return columns.frame().get_columns()


def _renamed(frame: pl.DataFrame, prefixes: tuple[re.Pattern[str], ...]) -> pl.DataFrame:
    """The frame with the fields of flattened parts under their own names, the first of each."""
    names: dict[str, list[pl.Series]] = {}
    for column in frame.columns:
        found = (prefix.match(column) for prefix in prefixes)
        cut = next((len(match[0]) for match in found if match), 0)
        names.setdefault(column[cut:], []).append(frame[column])
    return pl.DataFrame([first(columns).alias(name) for name, columns in names.items()])


def first(choices: Iterable[pl.Series]) -> pl.Series:
    """For every event the first value that is there; of unlike types as text."""
    found, *others = choices
    for other in others:
        mine, theirs = _alike(found, other)
        found = mine.zip_with(mine.is_not_null(), theirs)
    return found


def _alike(one: pl.Series, other: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Two columns of one type: texts where they differ, lists of texts where either has lists."""
    if one.dtype == other.dtype:
        return one, other
    if isinstance(one.dtype, pl.List) or isinstance(other.dtype, pl.List):
        return _as_lists(one), _as_lists(other)
    return one.cast(pl.String), other.cast(pl.String)


def _as_lists(series: pl.Series) -> pl.Series:
    """Lists as they are, single values as lists of one text."""
    if isinstance(series.dtype, pl.List):
        return series
    texts = series.cast(pl.String)
    return pl.select(pl.when(texts.is_not_null()).then(pl.concat_list(texts))).to_series()


def _together(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Frames of several files below each other, each column of a type that fits all."""
    whole = frames[0]
    for frame in frames[1:]:
        shared = [name for name in whole.columns if name in frame.columns]
        pairs = [_alike(whole[name], frame[name]) for name in shared]
        above = whole.with_columns(one.alias(n) for n, (one, _) in zip(shared, pairs, strict=True))
        below = frame.with_columns(two.alias(n) for n, (_, two) in zip(shared, pairs, strict=True))
        whole = pl.concat([above, below], how="diagonal")
    return whole
