"""Bounds by which behaviours pass over rows at once: what they exclude is not found one by one."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detector.rule_types.excess import Asked, Excess
from detector.rule_types.journeys import Point, leg
from detector.rule_types.paces import Pace, Seen, Usual
from detector.rule_types.ways import Way, around, width_km
from detector.workhours import DAY_US, HOUR_US
from tests.stories import few

TODAY = 20_000
times = st.sampled_from([0, HOUR_US, 12 * HOUR_US, 23 * HOUR_US, DAY_US - 1])
days_near = st.sampled_from([-8, -7, -6, -3, -2, -1, -1, -1, 0, 0, 1, 1, 3])


def _add(pace: Pace, day: int, time: int) -> None:
    seen = pace.seen.setdefault(day, {})
    seen[f"v{len(seen)}"] = Seen(day * DAY_US + time, len(seen), "")
    pace.days[day] = len(seen)


@settings(few, max_examples=300)
@given(
    st.lists(st.tuples(days_near, times), max_size=16),
    st.lists(times, min_size=1, max_size=12),
    st.tuples(st.integers(0, 5), st.integers(0, 9)),
    st.sampled_from([("hour",), ("day",), ("hour", "day"), ("hour", "day", "week"), ("week",)]),
)
@example([(-1, 23 * HOUR_US)] * 3, [0, 0], (0, 0), ("day",))  # within a day, on two of them
@example([(1, 0)] * 3, [23 * HOUR_US] * 2, (0, 0), ("day",))
def test_a_day_that_is_usual_whatever_its_times_holds_no_excess(
    before: list[tuple[int, int]],
    more: list[int],
    most: tuple[int, int],
    within: tuple[str, ...],
) -> None:
    """`quiet` says so before the rows are counted; then each of them is judged when it comes."""
    pace, asked = Pace(), Asked(within, 4, 0.9)
    for day, time in before:
        _add(pace, TODAY + day, time)
    usual = Usual(0.1, 2.0, 0.01, most[0], sum(most), 20, 0.1, 99, "")
    is_usual = pace.days.get(TODAY, 0) + len(more) <= asked.quiet(pace, usual, TODAY)
    found: list[Excess] = []
    for time in more:
        _add(pace, TODAY, time)
        looked = asked.looked(pace, usual, TODAY * DAY_US + time)
        found += [each for needs, each in looked if each.count >= needs]

    assert not (is_usual and any(each.chance < asked.chance for each in found))


def _point(latitude: float, longitude: float) -> Point:
    nowhere = (None, None, None, None, None, None, None, None)
    return Point(0, 0, "", latitude, longitude, *nowhere)


latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)


@given(latitudes, longitudes, latitudes, longitudes, st.floats(0, 20_000))
def test_a_leg_is_left_out_only_if_it_is_shorter_than_asked(
    north: float, east: float, to_north: float, to_east: float, least_km: float
) -> None:
    start, end = _point(north, east), _point(to_north, to_east)
    whole = leg(start, end)

    assert whole is not None
    assert leg(start, end, least_km) == whole or whole.distance_km < least_km
    assert leg(start, end, math.nextafter(whole.distance_km, 0)) == whole


@given(
    st.lists(st.tuples(latitudes, longitudes), max_size=3),
    st.lists(st.tuples(latitudes, longitudes), min_size=1, max_size=3),
)
def test_no_two_points_of_a_way_are_further_apart_than_its_box_is_wide(
    before: list[tuple[float, float]], fresh: list[tuple[float, float]]
) -> None:
    """Who is never far from any other of their points is not asked for journeys."""
    way, nobody = Way([_point(*each) for each in before]), Way()
    shown = [_point(*each) for each in fresh]
    at_home = _point(0.0, 0.0)
    boxes = around([nobody, way], [at_home, *shown], np.array([0, 1]))
    least_km = math.nextafter(width_km(boxes[1]), math.inf)

    assert width_km(boxes[0]) == 0
    assert not any(leg(*each, least_km) for each in product([*way.points, *shown], repeat=2))
