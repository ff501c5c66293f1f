"""Who may ask the simulated Events API, for what, and how often."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from detector.events import AUDIT, FEEDS, USAGE
from detector.simulator import (
    Plan,
    Simulation,
    serve,
    simulate,
)
from detector.simulator.budget import Budget
from tests.api_callers import Caller, Hand


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


def test_the_token_says_host_account_and_features(api: Caller, small: Simulation) -> None:
    header, claims, signature = (
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        for part in api.server.token.split(".")
    )
    said = json.loads(claims)

    assert json.loads(header)["alg"] == "ES256"
    assert len(signature) == 64
    assert said["aud"] == [api.server.url.removeprefix("http://")]
    assert said["1password.com/fts"] == list(FEEDS)
    assert said["1password.com/auid"] == small.account
    assert said["iat"] < said["exp"]


def test_introspect_tells_what_a_token_is_good_for(api: Caller, small: Simulation) -> None:
    headers = {"Authorization": f"Bearer {api.server.issue((AUDIT,))}"}
    said = api.http.get("/api/v2/auth/introspect", headers=headers).json()

    assert set(said) == {"uuid", "issued_at", "features", "account_uuid"}
    assert (said["features"], said["account_uuid"]) == ([AUDIT], small.account)


def test_a_feed_that_the_token_does_not_name_is_refused(api: Caller) -> None:
    token = api.server.issue((AUDIT,))

    assert api.post(AUDIT, {}, token).status_code == 200
    assert api.post(USAGE, {}, token).status_code == 401


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer nonsense", "Basic abc"])
def test_without_a_valid_token_there_is_nothing(api: Caller, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = api.http.post(f"/api/v2/{AUDIT}", json={}, headers=headers)

    assert (answer.status_code, answer.json()["status"]) == (401, 401)


def test_an_expired_or_revoked_token_is_refused(api: Caller, hand: Hand) -> None:
    token = api.server.issue(FEEDS, days=30)
    assert api.post(AUDIT, {}, token).status_code == 200

    hand.now += timedelta(days=30)
    assert api.post(AUDIT, {}, token).status_code == 401

    assert api.post(AUDIT, {}).status_code == 200
    api.server.revoke(api.server.token)
    assert api.post(AUDIT, {}).status_code == 401


def test_a_wrong_path_is_a_404_in_plain_text(api: Caller) -> None:
    answer = api.http.get("/api/v9/nothing")

    assert (answer.status_code, answer.text) == (404, "404 page not found\n")


def test_the_601st_request_of_a_minute_is_told_to_wait(small: Simulation, hand: Hand) -> None:
    with (
        serve(small, hand, rate_limit=True) as server,
        httpx.Client(base_url=server.url) as http,
    ):
        caller = Caller(server, http)
        codes = [caller.post(AUDIT, {"limit": 1}).status_code for _ in range(600)]
        refused = caller.post(AUDIT, {"limit": 1})
        hand.now += timedelta(seconds=2)

        assert set(codes) == {200}
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert caller.post(AUDIT, {"limit": 1}).status_code == 200


def test_the_hour_has_a_budget_too() -> None:
    budget, now = Budget(), datetime(2026, 3, 2, tzinfo=UTC)
    served = 0
    for _ in range(3600):
        now += timedelta(seconds=1)
        served += sum(budget.wait_s(now) == 0 for _ in range(10))

    assert 30_000 <= served <= 60_100
