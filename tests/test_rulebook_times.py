"""The extensions of time, under the names that SEKOIA gave them, on the clock of a zone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import events, workhours
from detector.rulebook import times
from detector.rulebook.examples import example
from detector.rulebook.loading import Loaded, load

ID = "00000000-0000-4000-8000-000000000001"
PARIS = "Europe/Paris"


def loaded(question: str, *, zone: str = PARIS) -> Loaded:
    """A rule that asks about the time of a sign-in."""
    timezone = f"timezone: {zone}\n" if zone else ""
    return load(
        {
            "t.yml": f"title: T\nid: {ID}\n{timezone}"
            "logsource: {product: onepassword, service: signinattempts}\n"
            f"detection:\n    s:\n        timestamp|{question}\n    condition: s\n"
        }
    )


def matches(question: str, local: str, *, zone: str = PARIS) -> bool:
    """Whether a sign-in at a local time matches."""
    book = loaded(question, zone=zone)
    assert not book.mistakes, book.mistakes
    time = datetime.fromisoformat(local).replace(tzinfo=workhours.zone(zone or "UTC"))
    row: dict[str, Any] = dict.fromkeys(events.SCHEMA) | {"event.feed": events.SIGNIN}
    frame = pl.DataFrame([row | {"event.time": time.astimezone(workhours.EPOCH.tzinfo)}],
                         schema=events.SCHEMA)  # fmt: skip
    return bool(len(book.rulebook.match(frame)[ID]))


CASES = [
    ("timerange: 20:00-07:00", "2026-03-02T20:00", True),
    ("timerange: 20:00-07:00", "2026-03-02T06:59", True),
    ("timerange: 20:00-07:00", "2026-03-02T07:00", False),
    ("timerange: 09:00-17:30", "2026-07-02T17:29", True),
    ("timerange: 09:00-17:30", "2026-07-02T17:30", False),
    ("day_of_week: [saturday, sunday]", "2026-03-07T00:10", True),
    ("day_of_week: [saturday, sunday]", "2026-03-06T23:50", False),
    ("day_of_year: [01-01, 07-14]", "2026-07-14T00:10", True),
    ("day_of_year: [01-01, 07-14]", "2026-07-13T23:50", False),
    ("day_of_year: 02-29", "2028-02-29T23:50", True),
    ("day_of_year: 02-29", "2026-03-01T00:10", False),
    ("public_holiday_in: FR", "2026-07-14T00:30", True),
    ("public_holiday_in: FR", "2026-07-15T00:30", False),
    ("public_holiday_in: [FR, DE-BY]", "2026-01-06T12:00", True),
    ("public_holiday_in: DE", "2026-01-06T12:00", False),
    ("hour: 0", "2026-07-14T00:30", True),
]


@pytest.mark.parametrize(("question", "local", "held"), CASES)
def test_times_are_those_of_the_zone(question: str, local: str, held: bool) -> None:
    assert matches(question, local) is held


def test_without_a_zone_it_is_utc() -> None:
    assert matches("hour: 22", "2026-07-14T22:30", zone="")


@given(st.dates(date(2024, 1, 1), date(2028, 1, 1)), st.integers(0, 6))
def test_weekdays_are_those_of_the_calendar(day: date, other: int) -> None:
    asked = times.DAYS[other]

    assert matches(f"day_of_week: {asked}", f"{day}T12:00") is (f"{day:%A}".lower() == asked)


@pytest.mark.parametrize(
    "question", sorted({question for question, *_ in CASES if not question.startswith("hour")})
)
def test_an_example_is_found_for_stories(question: str) -> None:
    entry = loaded(question).rulebook.matches[0]

    assert example(entry)["timestamp"]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("timerange: 25:00-07:00", "write 20:00-07:00"),
        ("day_of_week: someday", "write saturday"),
        ("day_of_year: 60", "write a month and a day like 12-24"),
        ("day_of_year: 02-30", "write a month and a day like 12-24"),
        ("day_of_year: 13-01", "write a month and a day like 12-24"),
        ("public_holiday_in: XX", "write a country like FR, or a part of one like DE-BY"),
        ("day_of_wek: monday", "did you mean 'day_of_week'?"),
    ],
)
def test_what_is_no_time_is_told(question: str, said: str) -> None:
    (mistake,) = loaded(question).mistakes

    assert said in str(mistake)


def test_a_zone_that_is_none_is_told() -> None:
    (mistake,) = loaded("hour: 3", zone="Europe/Pariss").mistakes

    assert str(mistake) == (
        "t.yml:3:11: timezone: 'Europe/Pariss' is no IANA time zone; write it like Europe/Paris"
    )


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T05:10:00Z",
        "2026-01-01 05:10:00",
        "2026-01-01T06:10:00.5+0100",
        "2026-01-01 05:10",
    ],
)
def test_a_text_is_a_time_in_the_forms_that_logs_have(text: str) -> None:
    frame = pl.DataFrame({"t": [text, "5:10", "", None, "2026-01-01"]})

    read = frame.select(times.read(pl.col("t")))["t"]

    assert read.dt.hour().to_list() == [5, None, None, None, None]
