"""The lines of an event file: plain, gzip, zstd, or the `raw` column of a Parquet file."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl

BLOCK: Final = 1 << 18
"""Bytes read at once: what is worked on while the caches hold it takes a third of the time."""
MANY: Final = 500
"""Lines given at once of a file that must be unpacked as a whole."""


class ReplayError(Exception):
    """The folder or a file in it cannot be replayed; the text says which and what to do."""


def lines(path: Path) -> list[bytes]:
    """The lines of one file in order, blank ones included. Raises ReplayError."""
    return [*chain.from_iterable(blocks(path))]


def line(path: Path, number: int) -> bytes:
    """The line of that number, counted from 1; all before it are read. Raises ReplayError."""
    found = next(islice(chain.from_iterable(blocks(path)), number - 1, None), None)
    if found is None:
        msg = f"{path}:{number}: the line is gone: the file was changed while it was replayed"
        raise ReplayError(msg)
    return found


def blocks(path: Path, *, block: int = BLOCK, many: int = MANY) -> Iterator[list[bytes]]:
    """The lines of one file, some hundreds at a time. Raises ReplayError."""
    try:
        if path.suffix == ".parquet":
            yield from _parts(_parquet(path), many)
        elif path.suffix == ".zst":
            yield from _parts(_zstd(path.read_bytes()), many)
        else:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                yield from _cut(file, block)
    except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as error:
        words = str(error).splitlines() or [type(error).__name__]
        msg = f"{path}: cannot be read: {words[0]}"
        raise ReplayError(msg) from error


def _cut(file: BinaryIO | gzip.GzipFile, block: int) -> Iterator[list[bytes]]:
    """A file cut into blocks of whole lines."""
    begun = list[bytes]()
    while part := file.read(block):
        end = part.rfind(b"\n") + 1
        begun.append(part[:end] if end else part)
        if end:
            yield _whole(b"".join(begun))
            begun = [part[end:]]
    yield _whole(b"".join(begun))


def _whole(body: bytes) -> list[bytes]:
    """The lines of a body; mostly each ends with a line feed, which is found in half the time."""
    if b"\r" in body or not body.endswith(b"\n"):
        return body.splitlines()
    found = body.split(b"\n")
    found.pop()
    return found


def _parts(texts: pl.Series, many: int) -> Iterator[list[bytes]]:
    for start in range(0, len(texts), many):
        yield texts.slice(start, many).to_list()


def _parquet(path: Path) -> pl.Series:
    if "raw" not in pl.read_parquet_schema(path):
        msg = f"{path}: no column 'raw'; export it with 'vaultwatch events export --format parquet'"
        raise ReplayError(msg)
    return pl.read_parquet(path, columns=["raw"]).to_series().cast(pl.Binary).fill_null(b"")


def _zstd(body: bytes) -> pl.Series:
    # polars unpacks zstd by itself, so no library of our own is needed for it.
    try:
        texts = pl.read_lines(body).to_series()
    except pl.exceptions.ComputeError:
        # Not all of it is UTF-8: what is not becomes a mark, and costs no other line.
        texts = pl.read_csv(
            body,
            has_header=False,
            separator="\x1f",
            quote_char=None,
            encoding="utf8-lossy",
            infer_schema=False,
            truncate_ragged_lines=True,
        ).to_series()
    return texts.fill_null("").cast(pl.Binary)
