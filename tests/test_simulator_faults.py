"""The faults of the simulated Events API, each seen from the client's side of a real socket."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from detector.events import AUDIT, SIGNIN, USAGE
from detector.simulator import (
    FAULTS,
    FaultError,
    Plan,
    Server,
    Simulation,
    parse_faults,
    serve,
    simulate,
)
from tests.api_callers import LONG_AGO, Body, Caller, Hand


@pytest.fixture(scope="session")
def small() -> Simulation:
    return simulate(Plan(seed=4, people=12, days=6, attacks=0))


@pytest.fixture
def hand(small: Simulation) -> Hand:
    return Hand(small.plan.start + timedelta(days=12))


def faulty(small: Simulation, hand: Hand, *faults: str) -> Server:
    return serve(small, hand, faults=parse_faults(faults))


def uuids(small: Simulation, feed: str) -> list[str]:
    return [arrival.item["uuid"] for arrival in small.arrivals if arrival.feed == feed]


@pytest.mark.parametrize("code", [400, 401, 403, 404, 429, 500, 502, 503, 504])
def test_a_status_hits_the_request_that_it_is_meant_for(
    small: Simulation, hand: Hand, code: int
) -> None:
    server = faulty(small, hand, f"{SIGNIN}:2:status={code}")
    with server, httpx.Client(base_url=server.url) as http:
        caller = Caller(server, http)
        codes = [caller.post(SIGNIN, {}).status_code for _ in range(3)]

        assert codes == [200, code, 200]
        assert caller.post(AUDIT, {}).status_code == 200


def test_retry_after_is_absent_or_seconds_or_a_date(small: Simulation, hand: Hand) -> None:
    server = faulty(small, hand, "*:1:status=429", "*:2:status=429/17", "*:3:status=503/date")
    with server, httpx.Client(base_url=server.url) as http:
        caller = Caller(server, http)
        headers = [caller.post(AUDIT, {}).headers for _ in range(3)]

    assert "Retry-After" not in headers[0]
    assert headers[1]["Retry-After"] == "17"
    assert parsedate_to_datetime(headers[2]["Retry-After"]) == hand.now + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("timeout=20", httpx.ReadTimeout),
        ("drip=100", httpx.ReadTimeout),
        ("reset", httpx.ReadError),
        ("truncated", httpx.RemoteProtocolError),
        ("invalid-json", json.JSONDecodeError),
        ("html", json.JSONDecodeError),
        ("wrong-length", json.JSONDecodeError),
    ],
)
def test_a_broken_answer_is_an_error_and_the_next_one_is_whole(
    small: Simulation, hand: Hand, fault: str, error: type[Exception]
) -> None:
    server = faulty(small, hand, f"*:1:{fault}")
    body = {"start_time": LONG_AGO}
    with server, httpx.Client(base_url=server.url, timeout=1.0) as http:
        deadline = time.perf_counter() + 1.5
        with pytest.raises(error):  # noqa: PT012 - a drip is only noticed by patience
            with http.stream(
                "POST",
                f"/api/v2/{AUDIT}",
                json=body,
                headers={"Authorization": f"Bearer {server.token}"},
            ) as answer:
                whole = b""
                for piece in answer.iter_bytes():
                    whole += piece
                    if time.perf_counter() > deadline:
                        raise httpx.ReadTimeout("too slow")
            json.loads(whole)

        # A connection that the server is about to close may still look idle: a new one asks.
        with httpx.Client(base_url=server.url) as other:
            assert len(Caller(server, other).post(AUDIT, body).json()["items"]) == 100


def test_a_page_may_be_oversized_or_a_bomb(small: Simulation, hand: Hand) -> None:
    server = faulty(small, hand, "*:1:oversized=3", "*:2:gzip-bomb=5")
    with server, httpx.Client(base_url=server.url) as http:
        caller = Caller(server, http)
        large, bomb = caller.post(AUDIT, {}), caller.post(AUDIT, {})

    assert len(large.content) > 3_000_000
    assert large.json()["has_more"] is False
    assert bomb.headers["Content-Encoding"] == "gzip"
    assert int(bomb.headers["Content-Length"]) < 100_000 < 5_000_000 < len(bomb.content)


def test_has_more_can_lie(small: Simulation, hand: Hand) -> None:
    body = {"start_time": LONG_AGO, "limit": 1000}
    server = faulty(small, hand, "*:1-3:more-empty", "*:4:same-cursor", "*:5:empty-cursor")
    with server, httpx.Client(base_url=server.url) as http:
        caller = Caller(server, http)
        pages = [caller.post(AUDIT, body).json() for _ in range(5)]

    assert all(page["has_more"] for page in pages)
    assert [page["items"] for page in pages[:3]] == [[], [], []]
    assert pages[0]["cursor"] == pages[3]["cursor"] != ""
    assert pages[4]["cursor"] == ""


def test_a_page_can_be_repeated_and_items_doubled(small: Simulation, hand: Hand) -> None:
    body: Body = {"start_time": LONG_AGO, "limit": 10}
    server = faulty(small, hand, "*:2:repeat-page", "*:3:duplicates-across", "*:4:duplicates")
    with server, httpx.Client(base_url=server.url) as http:
        caller = Caller(server, http)
        pages = []
        for _ in range(4):
            pages.append(caller.post(USAGE, body).json())
            body = {"cursor": pages[-1]["cursor"]}
    got = [[item["uuid"] for item in page["items"]] for page in pages]
    true = uuids(small, USAGE)

    assert got[0] == true[:10]
    assert got[1] == true[:10]
    assert got[2] == true[5:10] + true[10:20]
    assert got[3] == [uuid for uuid in true[20:30] for _ in range(2)]


def altered(small: Simulation, hand: Hand, fault: str) -> tuple[list[Body], list[Body]]:
    """A page as it is, and as the fault makes it."""
    server = faulty(small, hand, f"*:2:{fault}")
    with server, httpx.Client(base_url=server.url) as http:
        caller = Caller(server, http)
        first, second = (
            caller.post(SIGNIN, {"start_time": LONG_AGO}).json()["items"] for _ in range(2)
        )
    return first, second


def test_items_can_be_broken_in_every_way(small: Simulation, hand: Hand) -> None:
    for fault in ("wrong-types", "missing-uuid", "huge-strings=2000", "null-objects", "future=48"):
        good, bad = altered(small, hand, fault)
        changed = [(a, b) for a, b in zip(good, bad, strict=True) if a != b]
        assert 0 < len(changed) < len(good), fault
        for before, after in changed:
            assert _broken(fault, before, after), fault


def _broken(fault: str, before: Body, after: Body) -> bool:
    match fault.partition("=")[0]:
        case "wrong-types":
            return sum(type(after[key]) is not type(before[key]) for key in after) == 3
        case "missing-uuid":
            return not after.get("uuid")
        case "huge-strings":
            return len(json.dumps(after)) > 2000 + len(json.dumps(before)) // 2
        case "null-objects":
            return any(after[key] is None and before[key] is not None for key in before)
        case _:
            moved = datetime.fromisoformat(after["timestamp"]) - datetime.fromisoformat(
                before["timestamp"]
            )
            return timedelta(hours=48) <= moved <= timedelta(hours=48, minutes=1)


def test_items_can_be_strange_without_being_wrong(small: Simulation, hand: Hand) -> None:
    good, extra = altered(small, hand, "extra-fields")
    assert any("risk" in item for item in extra)

    _, unknown = altered(small, hand, "unknown-enums")
    assert any(item["category"].startswith("new") for item in unknown)

    _, shuffled = altered(small, hand, "shuffled")
    assert shuffled != good
    assert sorted(i["uuid"] for i in shuffled) == sorted(i["uuid"] for i in good)


def test_faults_by_chance_are_the_same_for_the_same_seed(small: Simulation, hand: Hand) -> None:
    def codes(seed: int) -> list[int]:
        plan = parse_faults(["*:p=0.3:status=500"], seed=seed)
        with (
            serve(small, hand, faults=plan) as server,
            httpx.Client(base_url=server.url) as http,
        ):
            caller = Caller(server, http)
            return [caller.post(AUDIT, {"limit": 1}).status_code for _ in range(40)]

    assert codes(1) == codes(1) != codes(2)
    assert 3 < codes(1).count(500) < 25


def test_some_requests_can_be_spared(small: Simulation, hand: Hand) -> None:
    server = faulty(small, hand, f"{AUDIT}:every=3:status=500", f"{USAGE}:2+:status=502")
    with server, httpx.Client(base_url=server.url) as http:
        caller = Caller(server, http)

        assert [caller.post(AUDIT, {}).status_code for _ in range(6)] == [200, 200, 500] * 2
        assert [caller.post(USAGE, {}).status_code for _ in range(3)] == [200, 502, 502]


def test_introspection_can_fail_as_well(small: Simulation, hand: Hand) -> None:
    server = faulty(small, hand, "introspect:*:status=503")
    with server, httpx.Client(base_url=server.url) as http:
        headers = {"Authorization": f"Bearer {server.token}"}

        assert http.get("/api/v2/auth/introspect", headers=headers).status_code == 503


@pytest.mark.parametrize("word", sorted(set(FAULTS) - {"keyset"}))
def test_every_fault_can_be_written(word: str) -> None:
    text = "status=500" if word == "status" else word

    assert parse_faults([f"*:1:{text}"]).rules[0].fault.word == word


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("itemusage:1:reset", "did you mean 'itemusages'?"),
        ("*:1:rest", "did you mean 'reset'?"),
        ("*:1:gzipbomb", "did you mean 'gzip-bomb'?"),
        ("*:1:status=418", "'418' is not one of"),
        ("*:1:status=429/soon", "Retry-After"),
        ("*:0:reset", "'0' is not a request"),
        ("*:p=2:reset", "'p=2' is not a request"),
        ("*:5-2:reset", "'5-2' is not a request"),
        ("*:1:drip=fast", "'fast' is not a positive number"),
        ("reset", "expected FEED:WHEN:FAULT"),
    ],
)
def test_a_fault_that_cannot_be_read_names_the_nearest_word(text: str, said: str) -> None:
    with pytest.raises(FaultError, match=re.escape(said)):
        parse_faults([text])
