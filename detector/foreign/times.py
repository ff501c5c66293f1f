"""When other products' events happened: texts and numbers of many forms as microseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

UNKNOWN: Final = np.iinfo(np.int64).min
"""The time of an event that says none, or none that can be read."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SLASHES: Final = re.compile(r"^(\d{4})[/.](\d{1,2})[/.](\d{1,2})")
_SCALES: Final = ((1e17, 1e-3), (1e14, 1.0), (1e11, 1e3), (0.0, 1e6))
"""From which size on an epoch counts nano-, micro- or milliseconds, or else seconds."""


def microseconds(series: pl.Series) -> npt.NDArray[np.int64]:
    """Microseconds since 1970 in UTC of ISO 8601 texts and epochs; a text without zone is UTC."""
    values = series.to_list()
    known = {value: _read(value) for value in set(values) if isinstance(value, str | int | float)}
    return np.array(
        [known.get(value, UNKNOWN) if _is_plain(value) else UNKNOWN for value in values]
    )


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _read(value: str | float) -> int:
    """One time in microseconds.

    >>> _read("1970-01-01T00:00:01Z"), _read("1970/01/01 00:00:01"), _read("1"), _read(1000000000000)
    (1000000, 1000000, 1000000, 1000000000000000)
    """
    number = _number(value)
    if number is not None:
        scale = next(scale for least, scale in _SCALES if abs(number) >= least)
        return round(number * scale)
    try:
        time = datetime.fromisoformat(_SLASHES.sub(r"\1-\2-\3", str(value).strip()))
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        return (time - _EPOCH) // (datetime.resolution)
    except (ValueError, OverflowError):
        return int(UNKNOWN)


def _number(value: str | float) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < 1e19 else None
