"""The 23 ways in which pollers of the Events API have failed, each against real HTTP.

How each was found out is in the project's notes on other pollers of this API: official and
third-party code, their issues and pull requests. The modes, by the number in a test's name:

 1 crash between fetch and commit                13 error bodies in two JSON shapes and plain text
 2 the same uuid again: page, pages, sweep       14 unknown words, and keys that changed their name
 3 an event comes after the cursor passed it     15 null, missing and empty parts
 4 400 to a stored cursor                        16 timestamps in every form, and from the future
 5 first start with a huge backlog               17 a country's name or its code
 6 longer away than the retention                18 one event, exactly `limit`, one time at a border
 7 has_more lies                                 19 the wrong region's host
 8 an empty page                                 20 one stuck feed among others
 9 an end_time kept by a cursor                  21 a burst of thousands
10 429, and both budgets                         22 IPv6 and IPv4-mapped addresses
11 the token is refused in mid-run               23 the alert channel is down
12 5xx, timeouts, broken and foreign bodies
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from detector import jobs
from detector.coverage import RETENTION
from detector.events import AUDIT, FEEDS, SIGNIN, USAGE
from detector.ports import SourceError
from detector.simulator import serve
from detector.sources.onepassword import Budget, OnePassword, Pace, client
from tests import test_failure_modes_items
from tests.api import (
    MANY,
    NO_RULES,
    NOW,
    company,
    hand_made,
    items,
    late,
    settled,
    source,
    whole,
    world,
)
from tests.fakes import Clock, Death, Mortal, close, open_desk
from tests.stories import at, audit, usage


def stays(fault: str) -> list[str]:
    """The second and third request of each feed has the fault."""
    return [f"*:2-3:{fault}"]


@pytest.mark.parametrize("nth", [2, 4, 7])
def test_mode_01_a_crash_before_a_commit_loses_and_doubles_nothing(
    tmp_path: Path, nth: int
) -> None:
    with world(tmp_path, MANY, NOW, texts=NO_RULES, point=Mortal(nth)) as one:
        with pytest.raises(Death):
            one.until(at("0:09"), timedelta(minutes=1))
        close(one.desk)
        one.desk = open_desk(tmp_path, one.clock.time, texts=NO_RULES)
        settled(one, MANY)
        close(one.desk)


@pytest.mark.parametrize("fault", ["duplicates", "duplicates-across", "repeat-page", "shuffled"])
def test_mode_02_an_event_that_is_served_again_is_stored_once(tmp_path: Path, fault: str) -> None:
    again = replace(MANY[2], fields=MANY[2].fields | {"used_version": 7}, received=at("2:00"))
    with world(tmp_path, [*MANY, again], NOW, faults=[f"*:every=2:{fault}"], texts=NO_RULES) as one:
        for _ in range(6):
            one.poll(timedelta(hours=1))
        whole(one, MANY)
        raws = [raw for _, raws in one.desk.store.log.pages("acme") for raw in raws]
        assert sum(b'"used_version"' in raw for raw in raws) == 0, "the first stays"


def test_mode_03_what_the_cursor_has_passed_is_found_by_the_sweep(tmp_path: Path) -> None:
    offline = late(usage("ben", "paris", "1:00"), at("2:30"))
    lived = [*items(), usage("ben", "paris", "2:00"), offline]
    with world(tmp_path, lived, NOW, faults=["*:*:keyset"], texts=NO_RULES) as one:
        one.until(at("3:00"))
        settled(one, lived)


def test_mode_04_a_refused_cursor_is_replaced_with_an_overlap_and_named(tmp_path: Path) -> None:
    offline = late(usage("ben", "paris", "-1 9:00"), at("0:30"))
    lived = [*MANY, offline]
    with world(tmp_path, lived, NOW, faults=[f"{USAGE}:3:status=400"], texts=NO_RULES) as one:
        one.poll()
        one.poll(timedelta(hours=1))
        (gap,) = [g for g in one.desk.store.coverage("acme")[USAGE].gaps if "possible" in g.why]
        assert "400" in gap.why
        settled(one, lived)


def test_mode_04_cursors_that_are_always_refused_are_no_loop(tmp_path: Path) -> None:
    asked = Counter[str]()

    def answer(feed: str, body: dict[str, object]) -> tuple[int, bytes]:
        asked[feed] += 1
        if "cursor" in body and feed == USAGE:
            return 400, b'{"Error":{"Message":"Bad Request"}}'
        return 200, b'{"items":[],"cursor":"c","has_more":false}'

    clock = Clock(NOW)
    desk = open_desk(tmp_path, NOW, texts=NO_RULES)
    with hand_made(answer) as server:
        api = source(server, clock)
        for _ in range(120):
            jobs.poll(desk, api, clock)
            clock.time += timedelta(minutes=1)
        api.close()
    close(desk)
    assert asked[AUDIT] == asked[SIGNIN] == 120
    assert asked[USAGE] < 60


def test_mode_05_a_first_start_reads_120_days_at_most_and_only_learns(tmp_path: Path) -> None:
    theft = [audit("ann", "lagos", f"-{day} 3:00", deed="export vault") for day in (2, 119, 121)]
    with world(tmp_path, [*items(), *theft], NOW) as one:
        one.desk.backfill = timedelta(days=400)
        polled = one.poll()
        starts = [datetime.fromisoformat(body["start_time"]) for _, body in one.asked]
        whole(one, [*items(), *theft[:2]])
        assert min(starts) == NOW - RETENTION
        assert (polled.alerts, one.desk.store.alerts()) == ((), [])


def test_mode_06_what_the_retention_has_swallowed_is_a_gap_that_is_lost(tmp_path: Path) -> None:
    swallowed, kept = usage("ben", "paris", "3 9:00"), usage("ben", "paris", "40 9:00")
    with world(tmp_path, [*items(), swallowed, kept], NOW, texts=NO_RULES) as one:
        one.poll()
        one.poll(timedelta(days=150))
        whole(one, [*items(), kept])
        lost, blind = one.desk.store.coverage("acme")[USAGE].gaps
        assert (lost.start, lost.end, lost.lost) == (NOW, at("30 0:00"), True)
        assert (blind.start, blind.end, blind.lost) == (at("30 0:00"), at("150 0:00"), False)


@pytest.mark.parametrize("fault", ["more-empty", "same-cursor", "empty-cursor", "repeat-page"])
def test_mode_07_promises_of_more_are_no_tight_loop(tmp_path: Path, fault: str) -> None:
    with world(tmp_path, MANY, NOW, faults=[f"{USAGE}:2-9:{fault}"], texts=NO_RULES) as one:
        one.poll()
        assert len(one.asked) < 12
        settled(one, MANY)


def test_mode_07_endless_empty_pages_with_new_cursors_end_the_round(tmp_path: Path) -> None:
    count = Counter[str]()

    def answer(feed: str, _: object) -> tuple[int, bytes]:
        count[feed] += 1
        more = feed == USAGE
        return 200, json.dumps({"items": [], "cursor": f"c{count}", "has_more": more}).encode()

    desk, clock = open_desk(tmp_path, NOW, texts=NO_RULES), Clock(NOW)
    with hand_made(answer) as server:
        api = source(server, clock)
        jobs.poll(desk, api, clock)
        jobs.poll(desk, api, clock)
        api.close()
    assert count == {AUDIT: 2, SIGNIN: 2, USAGE: 40}
    assert desk.store.coverage("acme")[USAGE].complete is None
    close(desk)


def test_mode_08_an_empty_page_keeps_the_chain_and_nothing_asks_for_the_last_hour(
    tmp_path: Path,
) -> None:
    old = late(usage("ben", "paris", "0:10"), at("9:00"))
    with world(tmp_path, [old], NOW, texts=NO_RULES) as one:
        for _ in range(10):
            jobs.poll(one.desk, one.source, one.clock)
            one.clock.time += timedelta(hours=1)
        whole(one, [old])
        assert all(body for _, body in one.asked)
        assert Counter(tuple(body) for _, body in one.asked)[("limit", "start_time")] == 3


def test_mode_09_no_request_names_an_end_or_changes_the_limit_of_a_cursor(tmp_path: Path) -> None:
    with world(tmp_path, MANY, NOW, texts=NO_RULES) as one:
        one.until(at("1:00"))
        assert {tuple(body) for _, body in one.asked} == {("limit", "start_time"), ("cursor",)}


@pytest.mark.parametrize("fault", ["status=429", "status=429/2", "status=429/date"])
def test_mode_10_too_many_requests_is_waited_for(tmp_path: Path, fault: str) -> None:
    with world(tmp_path, MANY, NOW, faults=stays(fault), texts=NO_RULES) as one:
        waits = list[float]()
        one.desk.sleep = waits.append
        one.poll()
        expected = {"status=429": 1.0, "status=429/2": 2.0, "status=429/date": 30.0}[fault]
        assert expected in waits
        settled(one, MANY)


def test_mode_10_a_long_retry_after_is_kept_to_and_other_feeds_go_on(tmp_path: Path) -> None:
    with world(tmp_path, MANY, NOW, faults=[f"{USAGE}:1:status=429/900"], texts=NO_RULES) as one:
        for _ in range(14):
            one.poll(timedelta(minutes=1))
        assert Counter(feed for feed, _ in one.asked)[USAGE] == 1
        assert len(one.stored()) == 2200
        settled(one, MANY)


def test_mode_10_three_feeds_together_keep_within_the_minute_of_a_strict_api() -> None:
    clock, slept = Clock(NOW), [0.0]

    def sleep(seconds: float) -> None:
        slept[0] += seconds
        clock.time += timedelta(seconds=seconds)

    with serve(company(items()), clock, rate_limit=True) as server:
        budget = Budget(monotonic=lambda: slept[0], sleep=sleep)
        pace = Pace(budget, clock)
        api = OnePassword(server.token, pace=pace, base_url=server.url, http=client(server.url))
        for _ in range(350):
            for feed in FEEDS:
                api.fetch(feed, None, NOW - timedelta(days=1))  # would raise at a 429
        api.close()
    assert slept[0] > 120


def test_mode_10_no_hour_has_more_than_30_000_requests() -> None:
    now, asked = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        now[0] += seconds

    budget = Budget(monotonic=lambda: now[0], sleep=sleep)
    while now[0] < 2 * 3600:
        budget.take()
        asked.append(now[0])
    assert 27_000 < sum(at < 3600 for at in asked) <= 30_000
    assert sum(3600 <= at < 7200 for at in asked) <= 30_000


@pytest.mark.parametrize("code", [401, 403])
def test_mode_11_a_refused_feed_is_asked_ever_more_rarely_and_keeps_its_cursor(
    tmp_path: Path, code: int
) -> None:
    lived = [*items(), usage("ben", "paris", "2:00"), audit("ben", "paris", "2:00")]
    faults = [f"{USAGE}:2-12:status={code}"]
    with world(tmp_path, lived, NOW, faults=faults, texts=NO_RULES) as one:
        one.poll()
        cursor = one.desk.store.cursors("acme")[USAGE]
        for _ in range(300):
            polled = one.poll(timedelta(minutes=1))
        asked = Counter(feed for feed, body in one.asked if "cursor" in body)
        assert asked[USAGE] <= 11
        assert asked[AUDIT] >= 300
        assert str(code) in polled.failures[USAGE]
        assert one.desk.store.cursors("acme")[USAGE] == cursor
        whole(one, [item for item in lived if item.id != lived[-2].id])
        settled(one, lived, rounds=36)


@pytest.mark.parametrize(
    "fault",
    ["status=500", "status=502", "status=503", "status=504", "status=403", "status=404", "reset",
     "truncated", "invalid-json", "html", "wrong-length", "oversized", "gzip-bomb=40", "timeout=2",
     "drip=20"],
)  # fmt: skip
def test_mode_12_whatever_breaks_an_answer_costs_no_event(tmp_path: Path, fault: str) -> None:
    with world(tmp_path, MANY, NOW, faults=stays(fault), texts=NO_RULES, deadline_s=0.8) as one:
        one.source._pace = replace(one.source._pace, deadline_s=0.8 if "=2" in fault else 30)
        one.poll()
        settled(one, MANY)


SAYS = {
    b'{"Error":{"Message":"Bad cursor"}}': "Bad cursor",
    b'{"status":400,"message":"Bad cursor"}': "Bad cursor",
    b"404 page not found\n": "404 page not found",
    b"": "",
}


@pytest.mark.parametrize(("body", "words"), SAYS.items())
def test_mode_13_every_shape_of_error_is_one_line_of_words(body: bytes, words: str) -> None:
    with hand_made(lambda *_: (400, body)) as server:
        api = source(server, Clock(NOW))
        with pytest.raises(SourceError) as caught:
            api.fetch(AUDIT, "c", NOW)
        api.close()
    said = str(caught.value)
    assert said.startswith("auditevents: 400: ")
    assert said.endswith(f"the API says: {words}" if words else "was not understood")


def test_every_mode_has_its_test() -> None:
    starts = [
        re.match(r"test_modes?_((?:\d\d_)+)", name)
        for name in (*globals(), *vars(test_failure_modes_items))
    ]
    named = {int(number) for start in starts if start for number in start[1].split("_") if number}
    assert named == set(range(1, 24))
