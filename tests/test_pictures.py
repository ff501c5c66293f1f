"""Pictures: any two places, any week; small, and never the reason for an error."""

from __future__ import annotations

import dataclasses
import io
import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from detector.alerts import Alert
from detector.geo import distance_km
from detector.pictures import Picture, picture
from detector.pictures.canvas import drawable
from detector.pictures.sphere import great_circle
from detector.pictures.world import world
from detector.rendering.samples import impossible_travel, off_hours_admin

MOST_BYTES = 40_000
RED = (198, 40, 40)
longitudes, latitudes = st.floats(-180, 180), st.floats(-90, 90)
places = st.tuples(longitudes, latitudes)


def journey(start: tuple[float, float], end: tuple[float, float], **evidence: Any) -> Alert:
    """An alert about two places, given as longitude and latitude."""
    given = {"longitudes": [start[0], end[0]], "latitudes": [start[1], end[1]], **evidence}
    return dataclasses.replace(impossible_travel(), evidence=given)


def odd_hour(activity: str, local_time: str) -> Alert:
    """An alert about an hour of somebody's week."""
    evidence = {"week": activity, "local_time": local_time, "timezone": "Europe/Oslo"}
    return dataclasses.replace(off_hours_admin(), evidence=evidence)


def opened(found: Picture | None) -> Image.Image:
    """The picture as pixels."""
    assert found is not None
    return Image.open(io.BytesIO(found.png)).convert("RGB")


@settings(deadline=None, max_examples=60)
@given(places, places)
@example((0.0, 0.0), (180.0, 0.0))
@example((179.0, 60.0), (-179.0, 61.0))
@example((0.0, 90.0), (0.0, -90.0))
@example((10.0, 50.0), (10.0, 50.0))
def test_any_two_places_make_a_small_map_with_a_red_way(
    start: tuple[float, float], end: tuple[float, float]
) -> None:
    found = picture(journey(start, end, from_place="Toronto, CA", to_place="Lagos, NG"))
    image = opened(found)
    assert found is not None
    assert image.size == (800, 400)
    assert len(found.png) < MOST_BYTES
    reds = int((abs(np.asarray(image).astype(int) - RED) <= 12).all(axis=2).sum())
    assert reds > 20


@given(places, places)
def test_the_great_circle_is_the_shortest_way(
    start: tuple[float, float], end: tuple[float, float]
) -> None:
    straight = distance_km(start[1], start[0], end[1], end[0])
    way = great_circle(start, end)
    along = sum(distance_km(a[1], a[0], b[1], b[0]) for a, b in itertools.pairwise(way))
    if straight < 20_000:  # opposite ends have no single shortest way
        assert math.isclose(along, straight, rel_tol=1e-6, abs_tol=0.01)
    assert all(abs(b[0] - a[0]) <= 180.0 for a, b in itertools.pairwise(way))


def test_the_way_over_the_date_line_is_not_drawn_round_the_globe() -> None:
    lons = [lon for lon, _ in great_circle((139.7, 35.7), (-122.4, 37.8))]
    assert lons == sorted(lons)
    assert math.isclose(lons[-1], 360 - 122.4)


def test_every_outline_is_in_one_piece() -> None:
    for ring in world().rings:
        longest = max(abs(float(b[0] - a[0])) for a, b in itertools.pairwise(ring) if a[1] > -130)
        assert longest < 60


@pytest.mark.parametrize(
    ("lon", "lat", "is_land"),
    [
        (2.35, 48.85, True),
        (-40.0, 30.0, False),
        (100.0, 62.0, True),
        (175.0, 67.5, True),
        (0.0, -85.0, True),
        (50.0, 42.0, False),
    ],
)
def test_land_is_where_it_is(lon: float, lat: float, is_land: bool) -> None:
    image = opened(picture(journey((lon - 4, lat), (lon + 4, lat))))
    # The way crosses the middle; below it, beside the caption, the ground is seen.
    ground = image.getpixel((400, 250 if lat > -80 else 300))
    assert near(ground, (205, 214, 223) if is_land else (234, 240, 245))


def test_the_map_says_in_words_what_it_shows() -> None:
    found = picture(
        journey(
            (-79, 43),
            (3, 6),
            from_place="Toronto, CA",
            to_place="<!channel>",
            distance_km=9041,
            minutes=61,
        )
    )
    assert found is not None
    assert found.alt == "Map: Toronto, CA to \u2039!channel>, 9,041 km in 61 minutes"


@settings(deadline=None, max_examples=40)
@given(
    st.text("0123456789", min_size=168, max_size=168),
    st.sampled_from(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")),
    st.integers(0, 23),
)
def test_the_odd_hour_is_marked_red_and_no_other(activity: str, day: str, hour: int) -> None:
    found = picture(odd_hour(activity, f"{day} 2026-03-14 {hour:02}:14"))
    image = opened(found)
    assert found is not None
    assert len(found.png) < MOST_BYTES
    row = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun").index(day)
    red = {
        (y, x)
        for y in range(7)
        for x in range(24)
        if near(image.getpixel((68 + 30 * x + 5, 78 + 34 * y + 3)), RED)
    }
    assert red == {(row, hour)}
    assert found.alt.endswith(f"marked: {day} {hour:02}:00 Europe/Oslo time")


junk = (
    st.none()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.lists(st.floats() | st.text(max_size=3), max_size=3)
)
KEYS = (
    "latitudes",
    "longitudes",
    "from_place",
    "to_place",
    "minutes",
    "distance_km",
    "week",
    "local_time",
    "timezone",
)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from(KEYS), junk), st.booleans())
def test_evidence_of_any_shape_gives_a_picture_or_none(
    evidence: dict[str, Any], placed: bool
) -> None:
    if placed:
        evidence |= {"latitudes": [1.0, 2.0], "longitudes": [3.0, 4.0]}
    found = picture(dataclasses.replace(impossible_travel(), evidence=evidence))
    assert found is not None or not placed


def test_most_alerts_have_no_picture() -> None:
    assert picture(dataclasses.replace(impossible_travel(), evidence={})) is None


@given(st.text(max_size=200))
def test_what_the_font_lacks_is_left_out(text: str) -> None:
    shown = drawable(text)
    assert len(shown) <= 60
    assert drawable(shown) == shown


def near(pixel: object, colour: tuple[int, int, int]) -> bool:
    """Whether a pixel has about that colour; the palette rounds a little."""
    assert isinstance(pixel, tuple)
    return all(abs(a - b) <= 12 for a, b in zip(pixel, colour, strict=True))
