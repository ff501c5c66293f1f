"""The lines of an event file: plain, gzip, zstd, or the `raw` column of a Parquet file."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import polars as pl


class ReplayError(Exception):
    """The folder or a file in it cannot be replayed; the text says which and what to do."""


def lines(path: Path) -> list[bytes]:
    """The lines of one file in order, blank ones included. Raises ReplayError."""
    try:
        if path.suffix == ".parquet":
            return _parquet(path)
        body = path.read_bytes()
        if path.suffix == ".zst":
            return _zstd(body)
        return (gzip.decompress(body) if path.suffix == ".gz" else body).splitlines()
    except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as error:
        words = str(error).splitlines() or [type(error).__name__]
        msg = f"{path}: cannot be read: {words[0]}"
        raise ReplayError(msg) from error


def _parquet(path: Path) -> list[bytes]:
    if "raw" not in pl.read_parquet_schema(path):
        msg = f"{path}: no column 'raw'; export it with 'vaultwatch events export --format parquet'"
        raise ReplayError(msg)
    raw = pl.read_parquet(path, columns=["raw"]).to_series().cast(pl.Binary)
    return raw.fill_null(b"").to_list()


def _zstd(body: bytes) -> list[bytes]:
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
    return texts.fill_null("").cast(pl.Binary).to_list()
