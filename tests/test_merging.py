"""Merging the feeds by event time: laws, and what late and future-dated items may not do."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.sources import merging

HOUR = 3_600_000_000
feeds = st.lists(st.lists(st.integers(0, 40), max_size=60), min_size=1, max_size=3)


def merged(hours: list[list[int]]) -> list[tuple[int, int]]:
    """(feed, place in the feed) in the merged order."""
    named = [(feed, place) for feed, each in enumerate(hours) for place in range(len(each))]
    keys = [merging.keys(np.array(each, dtype=np.int64) * HOUR) for each in hours]
    return [named[place] for place in merging.order(keys)]


@given(feeds)
def test_everything_comes_once_and_in_the_order_of_its_feed(hours: list[list[int]]) -> None:
    order = merged(hours)

    for feed, each in enumerate(hours):
        assert [place for name, place in order if name == feed] == list(range(len(each)))


@given(feeds)
def test_feeds_in_order_of_time_stay_in_order_of_time(hours: list[list[int]]) -> None:
    tidy = [sorted(each) for each in hours]

    times = [tidy[feed][place] for feed, place in merged(tidy)]

    assert times == sorted(times)


@given(feeds)
def test_keys_never_fall_and_an_equal_time_goes_by_feed(hours: list[list[int]]) -> None:
    for each in hours:
        keys = merging.keys(np.array(each, dtype=np.int64) * HOUR)
        assert (np.diff(keys) >= 0).all()
    assert merged([[5], [5], [5]]) == [(0, 0), (1, 0), (2, 0)]


def test_a_late_item_waits_for_nobody() -> None:
    busy = list(range(10, 40))
    late = [*range(10, 20), 1, *range(20, 30)]

    order = merged([late, busy])

    assert order.index((0, 10)) == order.index((0, 9)) + 1


def test_a_future_dated_item_holds_nothing_back() -> None:
    with_ghost = [*range(10, 20), 9_000, *range(20, 60)]

    order = merged([with_ghost, list(range(10, 60))])

    times = [with_ghost[place] if feed == 0 else 10 + place for feed, place in order]
    honest = [time for time in times if time != 9_000]
    assert honest == sorted(honest)
