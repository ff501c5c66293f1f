"""Events at rest: a page as one compressed Arrow blob, many pages as one Parquet file.

Beside the columns of `events.SCHEMA` both keep the raw items. A file also keeps what a start
needs of each event to know it again, so that it reads neither ids nor raw items.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import polars as pl

from detector import events, window

RAW: Final = "event.raw"
KEY: Final = "event.key"
CONTENT: Final = "event.content"
FOLDER: Final = "segments"
_ROW_GROUP: Final = 100_000
_LONGEST_NAME: Final = 120


def pack(frame: pl.DataFrame, raws: Sequence[bytes]) -> bytes:
    """A page of admitted events (columns of `events.SCHEMA`) and their raw items as one blob."""
    return repack(frame.with_columns(pl.Series(RAW, raws, dtype=pl.Binary)))


def repack(whole: pl.DataFrame) -> bytes:
    """A page with its raw items as a column, as one blob."""
    file = io.BytesIO()
    whole.select(*events.SCHEMA, RAW).write_ipc(file, compression="zstd")
    return file.getvalue()


def unpack(data: bytes, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """A page with its raw items as a column, or some columns, KEY and CONTENT among them."""
    whole = pl.read_ipc(io.BytesIO(data))
    return whole if columns is None else with_known(whole, columns).select(columns)


def with_known(page: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """A page with KEY and CONTENT, by which each event is known again, where they are wanted."""
    if KEY not in columns:
        return page
    return page.with_columns(
        pl.Series(KEY, window.keys(page), dtype=pl.UInt64),
        pl.Series(CONTENT, window.contents(page[RAW].to_list()), dtype=pl.UInt64),
    )


def write(pages: Sequence[pl.DataFrame], path: Path) -> str:
    """Write unpacked pages as one file that is on the disk when this returns; its SHA-256.

    Raises OSError or a polars error, as on a disk that is full.
    """
    whole = pl.concat([with_known(page, (KEY, CONTENT)) for page in pages])
    # As categories, text is read back several times faster.
    slim = whole.with_columns(pl.col(window.CATEGORIES).cast(pl.Categorical))
    slim.write_parquet(path, compression="zstd", row_group_size=_ROW_GROUP)
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return digest(path)


def read(path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """A file's events with their raw items as a column, or some of its columns as they are kept.

    Raises OSError or a polars error.
    """
    if columns is not None:
        return pl.read_parquet(path, columns=list(columns))
    whole = pl.read_parquet(path, columns=[*events.SCHEMA, RAW])
    return whole.with_columns(pl.col(window.CATEGORIES).cast(pl.String))


def digest(path: Path) -> str:
    """The SHA-256 of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def name(account: str, lo_seq: int, generation: int = 0) -> str:
    """A segment's file, below the data directory; a segment written anew has another name."""
    folder = quote(account, safe="")
    if len(folder) > _LONGEST_NAME:
        folder = f"{folder[:_LONGEST_NAME]}-{hashlib.sha256(account.encode()).hexdigest()[:12]}"
    again = f"-{generation}" if generation else ""
    return f"{FOLDER}/account={folder}/{lo_seq:015}{again}.parquet"
