"""The simulated Events API over real sockets: paging, cursors and refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.events import AUDIT, FEEDS, SIGNIN, USAGE
from detector.simulator import (
    Plan,
    Simulation,
    serve,
    simulate,
)
from detector.simulator.cursors import BadCursor, Position, decode, encode
from tests.api_callers import LONG_AGO, Body, Caller, Hand


@pytest.fixture(scope="session")
def small() -> Simulation:
    return simulate(Plan(seed=4, people=12, days=6, attacks=2, attacks_from_day=4))


@pytest.fixture
def hand(small: Simulation) -> Hand:
    return Hand(small.plan.start + timedelta(days=12))


@pytest.fixture
def api(small: Simulation, hand: Hand) -> Iterator[Caller]:
    with serve(small, hand) as server, httpx.Client(base_url=server.url, timeout=5) as http:
        yield Caller(server, http)


def uuids(small: Simulation, feed: str) -> list[str]:
    return [arrival.item["uuid"] for arrival in small.arrivals if arrival.feed == feed]


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(limit=st.integers(20, 1000), feed=st.sampled_from(FEEDS))
def test_every_item_comes_exactly_once_whatever_the_limit(
    api: Caller, small: Simulation, limit: int, feed: str
) -> None:
    got, _ = api.drain(feed, {"start_time": LONG_AGO, "limit": limit})

    assert got == uuids(small, feed)


def test_even_pages_of_one_miss_nothing(api: Caller, small: Simulation) -> None:
    got, _ = api.drain(AUDIT, {"start_time": LONG_AGO, "limit": 1})

    assert got == uuids(small, AUDIT)


def test_polling_while_time_passes_gives_every_item_once(
    api: Caller, small: Simulation, hand: Hand
) -> None:
    hand.now = small.plan.start
    body: Body = {"start_time": LONG_AGO, "limit": 50}
    got: list[str] = []
    for _ in range(60):
        hand.now += timedelta(hours=5)
        found, cursor = api.drain(USAGE, body)
        body = {"cursor": cursor}
        got += found

    assert got == uuids(small, USAGE)


def test_an_item_is_not_there_before_it_has_arrived(
    api: Caller, small: Simulation, hand: Hand
) -> None:
    first = next(arrival for arrival in small.arrivals if arrival.feed == SIGNIN)
    hand.now = first.arrived - timedelta(microseconds=1)
    assert api.drain(SIGNIN, {"start_time": LONG_AGO})[0] == []

    hand.now = first.arrived
    assert first.item["uuid"] in api.drain(SIGNIN, {"start_time": LONG_AGO})[0]


def test_a_late_use_is_found_by_a_cursor_that_has_passed_its_event_time(
    api: Caller, small: Simulation, hand: Hand
) -> None:
    late = max(
        (arrival for arrival in small.arrivals if arrival.feed == USAGE),
        key=lambda arrival: arrival.arrived - datetime.fromisoformat(arrival.item["timestamp"]),
    )
    hand.now = late.arrived - timedelta(seconds=1)
    _, cursor = api.drain(USAGE, {"start_time": LONG_AGO})
    hand.now = late.arrived

    assert late.item["uuid"] in api.drain(USAGE, {"cursor": cursor})[0]


def test_start_and_end_filter_on_event_time_in_order_of_arrival(
    api: Caller, small: Simulation
) -> None:
    start = small.plan.start + timedelta(days=1)
    end = start + timedelta(days=1)
    body = {"start_time": start.isoformat(), "end_time": end.isoformat(), "limit": 1000}

    assert api.drain(USAGE, body)[0] == [
        arrival.item["uuid"]
        for arrival in small.arrivals
        if arrival.feed == USAGE
        and start <= datetime.fromisoformat(arrival.item["timestamp"]) < end
    ]


def test_a_cursor_keeps_its_limit_and_its_end(api: Caller, small: Simulation, hand: Hand) -> None:
    end = small.plan.start + timedelta(days=2)
    body = {"start_time": LONG_AGO, "end_time": end.isoformat(), "limit": 7}
    page = api.post(USAGE, body).json()
    assert len(api.post(USAGE, {"cursor": page["cursor"]}).json()["items"]) == 7

    _, cursor = api.drain(USAGE, {"cursor": page["cursor"]})
    hand.now += timedelta(days=9)
    assert api.post(USAGE, {"cursor": cursor}).json()["items"] == []


def test_without_a_start_the_last_hour_is_meant(api: Caller, small: Simulation, hand: Hand) -> None:
    hand.now = small.plan.start + timedelta(days=2, hours=16)
    got, _ = api.drain(USAGE, {})

    assert got == [
        arrival.item["uuid"]
        for arrival in small.arrivals
        if arrival.feed == USAGE
        and arrival.arrived <= hand.now
        and datetime.fromisoformat(arrival.item["timestamp"]) >= hand.now - timedelta(hours=1)
    ]


def test_a_page_holds_a_hundred_items_unless_told_otherwise(api: Caller) -> None:
    assert len(api.post(USAGE, {"start_time": LONG_AGO}).json()["items"]) == 100


def test_nothing_older_than_120_days_is_served(api: Caller, small: Simulation, hand: Hand) -> None:
    hand.now = small.plan.start + timedelta(days=122)
    got, _ = api.drain(USAGE, {"start_time": LONG_AGO, "limit": 1000})

    assert got == [
        arrival.item["uuid"]
        for arrival in small.arrivals
        if arrival.feed == USAGE
        and datetime.fromisoformat(arrival.item["timestamp"]) >= hand.now - timedelta(days=120)
    ]


def test_an_empty_page_has_a_cursor_that_can_be_used(api: Caller, hand: Hand) -> None:
    hand.now -= timedelta(days=60)
    page = api.post(AUDIT, {}).json()
    assert page == {"cursor": page["cursor"], "has_more": False, "items": []}

    assert api.post(AUDIT, {"cursor": page["cursor"]}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 1001},
        {"limit": 0},
        {"limit": True},
        {"limit": "10"},
        {"start_time": "yesterday"},
        {"start_time": "2026-03-02T00:00:00"},
        {"end_time": 7},
        [],
        "text",
    ],
)
def test_a_request_that_is_wrong_is_a_400_as_documented(api: Caller, body: object) -> None:
    answer = api.post(AUDIT, body)

    assert (answer.status_code, answer.json()) == (400, {"status": 400, "message": "Bad Request"})


@pytest.mark.parametrize("cursor", ["", "x", "aGVsbG8h", "é", 7, None, "A" * 44])
def test_a_cursor_that_is_none_is_a_400_in_the_older_shape(api: Caller, cursor: object) -> None:
    answer = api.post(AUDIT, {"cursor": cursor})

    assert (answer.status_code, answer.json()) == (400, {"Error": {"Message": "Bad Request"}})


def test_a_cursor_of_another_feed_is_refused(api: Caller) -> None:
    cursor = api.post(AUDIT, {}).json()["cursor"]

    assert api.post(USAGE, {"cursor": cursor}).status_code == 400


def test_a_body_that_is_not_json_is_a_400(api: Caller) -> None:
    headers = {"Authorization": f"Bearer {api.server.token}"}

    assert api.http.post(f"/api/v2/{AUDIT}", content=b"{", headers=headers).status_code == 400


@given(st.sampled_from(FEEDS), st.integers(1, 1000), st.integers(0, 2**50), st.integers(0, 10**7))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_cursor_remembers_its_position(feed: str, limit: int, start: int, at: int) -> None:
    position = Position(feed, limit, start, start + 5, at)

    assert decode(feed, encode(position)) == position


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_garbage_is_no_cursor(text: str) -> None:
    with pytest.raises(BadCursor):
        decode(AUDIT, text)


def test_requests_are_counted(api: Caller) -> None:
    for feed in (AUDIT, AUDIT, USAGE):
        api.post(feed, {})

    assert api.server.requests == 3
    assert api.server.requests_by_feed == Counter({AUDIT: 2, USAGE: 1})


def test_a_stopped_server_answers_nobody_not_even_on_an_open_connection(
    small: Simulation, hand: Hand
) -> None:
    server = serve(small, hand)
    with httpx.Client(base_url=server.url) as http:
        assert Caller(server, http).post(AUDIT, {}).status_code == 200
        server.stop()

        with pytest.raises(httpx.TransportError):
            Caller(server, http).post(AUDIT, {})
