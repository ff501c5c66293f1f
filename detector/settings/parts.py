"""What tables of the configuration are made of: strict tables, spans of time, times of day."""

from __future__ import annotations

import re
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo

_SPAN: Final = re.compile(r"(\d+)([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Part(BaseModel):
    """A table: what it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _span(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _SPAN.fullmatch(value.strip())
    if match is None:
        msg = f"{value!r} is not a span; write it like '60s', '5m', '24h' or '35d'"
        raise ValueError(msg)
    try:
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        msg = f"{value!r} is too long"
        raise ValueError(msg) from None


def _some(span: timedelta) -> timedelta:
    if span <= timedelta(0):
        msg = "must be longer than nothing"
        raise ValueError(msg)
    return span


def _clock(value: object) -> object:
    if isinstance(value, time):
        return value
    try:
        return time.fromisoformat(str(value))
    except ValueError:
        msg = f"{value!r} is no time of day; write it like '08:30'"
        raise ValueError(msg) from None


def known_zone(name: str) -> str:
    """The name of an IANA time zone. Raises ValueError for any other."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        msg = f"{name!r} is no IANA time zone; write it like 'Europe/Paris'"
        raise ValueError(msg) from None
    return name


def _beside(path: Path, info: ValidationInfo) -> Path:
    """A relative path is meant from the `folder` of the context: that of the configuration."""
    folder: Path = (info.context or {}).get("folder", Path())
    there = folder / path
    if path != there and path.exists() and not there.exists():
        # Once it was meant from where the command was run: nobody is to begin anew for that.
        msg = (
            f"'{path}' is meant from the folder of the configuration, as '{there}', which is not "
            f"there, and not from where the command is run; move it, or write '{path.absolute()}'"
        )
        raise ValueError(msg)
    return there


Place = Annotated[Path, AfterValidator(_beside)]
"""A path, from the folder of the configuration if it is relative."""
Wait = Annotated[timedelta, BeforeValidator(_span)]
"""A span of time that may be nothing."""
Span = Annotated[Wait, AfterValidator(_some)]
Clock = Annotated[time, BeforeValidator(_clock)]
"""A time of day."""
Zone = Annotated[str, AfterValidator(known_zone)]
"""An IANA time zone."""
