"""How long a feed is usually silent, learned from itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import workhours
from detector.pulse import HOUR_US, SLOTS, Pulse, silence
from tests.stories import at

FIVE_WEEKS = range(-35, 0)
MINUTE = timedelta(minutes=1)


def us(*times: datetime) -> np.ndarray:
    return np.array([workhours.microseconds(time) for time in times], dtype=np.int64)


def office(days: range = FIVE_WEEKS, every: int = 4) -> Pulse:
    """A feed of an office: Monday to Friday from 8 to 18, an event each few minutes."""
    pulse = Pulse()
    for day in days:
        if at(f"{day} 0:00").weekday() < 5:
            start = at(f"{day} 8:00")
            pulse.take(us(*[start + MINUTE * minute for minute in range(0, 600, every)]))
    return pulse


def silent(pulse: Pulse, time: str) -> bool:
    return silence(pulse, workhours.microseconds(at(time))) is not None


@pytest.mark.parametrize(
    ("time", "unusual"),
    [
        ("-2 9:00", False),  # Saturday
        ("-1 23:00", False),  # Sunday night
        ("8:05", False),  # Monday, before anybody works
        ("10:00", True),
        ("1 3:00", False),  # nobody works at night, and no silence of all was much longer
        ("3 18:00", True),  # twice the longest weekend
    ],
)
def test_a_weekend_is_usual_and_a_silent_morning_is_not(time: str, unusual: bool) -> None:
    assert silent(office(), time) == unusual


def test_it_says_how_long_and_what_was_usual() -> None:
    found = silence(office(), workhours.microseconds(at("10:00")))

    assert found is not None
    assert (found.usual_s, found.ever) == (240, False)
    assert timedelta(seconds=found.lasts_s) == at("10:00") - at("-3 17:56")


def test_a_feed_that_is_nearly_unused_or_new_is_not_judged() -> None:
    rare = Pulse()
    rare.take(us(*[at(f"{day} 9:00") for day in FIVE_WEEKS]))

    assert not silent(rare, "100 0:00")
    assert not silent(office(range(-3, 0)), "100 0:00")
    assert not silent(Pulse(), "0:00")


def test_one_long_silence_is_forgotten_after_some_weeks() -> None:
    outage = office(range(-35, -14))
    for day in range(-12, 40):  # nothing came on Monday and until Wednesday noon
        if at(f"{day} 0:00").weekday() < 5:
            start = at(f"{day} 12:00") if day == -12 else at(f"{day} 8:00")
            outage.take(us(*[start + MINUTE * minute for minute in range(0, 600, 4)]))

    hour = int(workhours.microseconds(at("2 12:00")) // HOUR_US % SLOTS)
    assert outage.longest[hour] < 90 * 3600 * 0.3


@given(st.lists(st.integers(0, 50_000), max_size=60), st.integers(1, 10))
def test_however_events_are_cut_the_same_silences_are_learned(
    minutes: list[int], size: int
) -> None:
    times = sorted(workhours.microseconds(at("0:00")) + each * 60_000_000 for each in minutes)
    whole, parts = Pulse(), Pulse()
    whole.take(np.array(times, dtype=np.int64))
    for start in range(0, len(times), size):
        parts.take(np.array(times[start : start + size], dtype=np.int64))

    assert (parts.last, parts.weeks, parts.week) == (whole.last, whole.weeks, whole.week)
    assert max(parts.longest) <= max(whole.longest)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(whole), type=Pulse) == whole


def test_late_events_end_no_silence() -> None:
    pulse = office()
    before = pulse.last

    assert not pulse.take(us(at("-20 3:00")))
    assert pulse.last == before
