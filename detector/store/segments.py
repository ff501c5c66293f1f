"""Events at rest: one compressed Arrow blob for each page, with the raw items beside the columns."""

from __future__ import annotations

import io
from collections.abc import Sequence

import polars as pl

RAW = "event.raw"


def pack(frame: pl.DataFrame, raws: Sequence[bytes]) -> bytes:
    """A page of admitted events (columns of `events.SCHEMA`) and their raw items as one blob."""
    file = io.BytesIO()
    whole = frame.with_columns(pl.Series(RAW, raws, dtype=pl.Binary))
    whole.write_ipc(file, compression="zstd")
    return file.getvalue()


def unpack(data: bytes) -> tuple[pl.DataFrame, list[bytes]]:
    """The page and its raw items."""
    whole = pl.read_ipc(io.BytesIO(data))
    return whole.drop(RAW), whole[RAW].to_list()
