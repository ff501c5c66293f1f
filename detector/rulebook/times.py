"""Questions about the time of an event, asked of the clock in a time zone.

`timerange`, `day_of_week`, `day_of_year` and `public_holiday_in` are extensions of Sigma under
the names that SEKOIA gave them, and mean what its reference says (docs.sekoia.io, Sigma rules,
"Detection on specific time windows"). Holidays come from the `holidays` package, which needs no
network.
"""

from __future__ import annotations

import operator
import re
from calendar import monthrange
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Final

import polars as pl

from detector import workhours
from detector.rulebook.conditions import Kind, Literal, Test

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_RANGE: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
_DATE: Final = re.compile(r"(\d\d)-(\d\d)")
_PLACE: Final = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3}))?")
_MONDAY: Final = datetime(2026, 1, 5, 12, 30, tzinfo=workhours.EPOCH.tzinfo)


class NotATime(ValueError):
    """A value says nothing about times; the text says how to write it."""


def literal(kind: Kind, value: object) -> Literal:
    """The value of an extended question in its one form. Raises NotATime."""
    text = str(value)
    if kind is Kind.TIMERANGE and _RANGE.fullmatch(text):
        return text
    if kind is Kind.DAY_OF_WEEK and text.lower() in DAYS:
        return text.lower()
    if kind is Kind.DAY_OF_YEAR and _is_date(text):
        return text
    if kind is Kind.PUBLIC_HOLIDAY_IN and _knows(text.upper()):
        return text.upper()
    how = {
        Kind.TIMERANGE: "20:00-07:00",
        Kind.DAY_OF_WEEK: "saturday",
        Kind.DAY_OF_YEAR: "a month and a day like 12-24",
        Kind.PUBLIC_HOLIDAY_IN: "a country like FR, or a part of one like DE-BY",
    }
    msg = f"'{text[:40]}' is not understood here; write {how[kind]}"
    raise NotATime(msg)


def holds(test: Test, time: pl.Expr) -> pl.Expr:
    """Whether the times (UTC) answer a question of one of `TIME_KINDS`."""
    local = time.dt.convert_time_zone(test.zone)
    return reduce(operator.or_, (_one(test.kind, value, local) for value in test.literals))


def read(texts: pl.Expr) -> pl.Expr:
    """The times of ISO 8601 texts, also with a space for the T; without a zone they are UTC."""
    whole = texts.cast(pl.String).str.replace(r"^(\d{4}-\d\d-\d\d) +(\d)", "${1}T${2}")
    whole = whole.str.replace(r"(:\d\d(?:\.\d+)?)\s*([+-]\d\d)(\d\d)$", "${1}${2}:${3}")
    forms = (whole, whole + "Z", whole + ":00Z")
    return pl.coalesce(form.str.to_datetime("%+", time_zone="UTC", strict=False) for form in forms)


def _one(kind: Kind, value: Literal, local: pl.Expr) -> pl.Expr:
    match kind:
        case Kind.TIMERANGE:
            start, end = _minutes(str(value))
            minute = local.dt.hour().cast(pl.Int32) * 60 + local.dt.minute()
            after, before = minute >= start, minute < end
            return after & before if start < end else after | before
        case Kind.DAY_OF_WEEK:
            return local.dt.weekday().eq(DAYS.index(str(value)) + 1)
        case Kind.DAY_OF_YEAR:
            return local.dt.strftime("%m-%d").eq(value)
        case Kind.PUBLIC_HOLIDAY_IN:
            return local.dt.date().map_batches(
                lambda days: _are_holidays(days, str(value)), return_dtype=pl.Boolean
            )
    part: pl.Expr = getattr(local.dt, kind.name.lower())()
    return part.eq(value)


def example(test: Test, value: Literal) -> datetime:
    """A time for which an extended question holds."""
    local = _MONDAY
    match test.kind:
        case Kind.TIMERANGE:
            start, _ = _minutes(str(value))
            local = _MONDAY.replace(hour=start // 60, minute=start % 60)
        case Kind.DAY_OF_WEEK:
            local = _MONDAY + timedelta(days=DAYS.index(str(value)))
        case Kind.DAY_OF_YEAR:
            # A leap year, for the 29th of February.
            local = datetime.fromisoformat(f"2028-{value}T12:00")
        case Kind.PUBLIC_HOLIDAY_IN:
            day = min(_holidays(str(value), {_MONDAY.year}))
            local = _MONDAY.replace(month=day.month, day=day.day)
    zone = workhours.zone(test.zone)
    return local.replace(tzinfo=zone).astimezone(_MONDAY.tzinfo)


def _minutes(text: str) -> tuple[int, int]:
    """Start and end of a range in minutes of the day; the end is outside."""
    start, end = ((int(clock[:2]) * 60 + int(clock[3:])) for clock in text.split("-"))
    return start, end


def _is_date(text: str) -> bool:
    """Whether a text is a month and a day that some year has."""
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    month, day = int(match[1]), int(match[2])
    return 1 <= month <= 12 and 1 <= day <= monthrange(2028, month)[1]


def _knows(place: str) -> bool:
    match = _PLACE.fullmatch(place)
    if match is None:
        return False
    from holidays import list_supported_countries

    parts = list_supported_countries().get(match[1])
    return parts is not None and (match[2] is None or match[2] in parts)


def _are_holidays(days: pl.Series, place: str) -> pl.Series:
    years = set(days.dt.year().drop_nulls().unique().to_list())
    free = _holidays(place, years)
    return days.is_in(pl.Series(sorted(free), dtype=pl.Date).implode())


def _holidays(place: str, years: set[int]) -> set[date]:
    from holidays import country_holidays

    country, _, part = place.partition("-")
    return set(country_holidays(country, subdiv=part or None, years=years))
