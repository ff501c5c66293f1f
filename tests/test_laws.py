"""The laws of the kernel (design.md 3), on the real rules and a small trained model."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from detector import arrays, kernel
from detector.persons import Person
from detector.workhours import DAY_US
from tests import stories
from tests.stories import Heard, Item, few, play, written
from tests.team import learned_engine

DEEDS = ("update device", "export vault", "grant uva", "enblsso sso", "create satoken")
LATENESS_MIN = (0, 0, 0, 0, 0, 3, 90, 30 * 60, 6 * 1440, 8 * 1440, -6 * 60, -400 * 1440)
"""How late an item may come, in minutes; negative is an item from the future."""

steps: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    gap_min=st.sampled_from([0, 0, 1, 4, 20, 45, 70, 400, 1500]),
    who=st.sampled_from(["ann", "ann", "ben", "ben", "zoe", "zoe", "eve", "eve", "bot"]),
    feed=st.sampled_from(["sign_in", "sign_in", "failed", "usage", "usage", "audit", "audit"]),
    place=st.sampled_from(["paris", "lagos", "tokyo", "brussels"]),
    client=st.sampled_from(["mac", "web"]),
    session=st.sampled_from(["S1", "S2", "S3"]),
    device=st.sampled_from(["mac-ann", "stranger"]),
    deed=st.sampled_from(DEEDS),
    item=st.sampled_from(["item-ann-0", "x1", "x2", "x3"]),
    action=st.sampled_from(["fill", "reveal"]),
    times=st.sampled_from([1, 1, 1, 1, 1, 14]),
    late_min=st.sampled_from(LATENESS_MIN),
)


def _made(step: dict[str, object], now: datetime, number: int) -> Item:
    """The item of one step, received at `now`."""
    more = {key: step[key] for key in ("client", "session", "device", "deed", "item", "action")}
    when = now - timedelta(minutes=int(str(step["late_min"])), milliseconds=number)
    who, place = str(step["who"]), str(step["place"])
    if step["feed"] == "failed":
        made = stories.sign_in(who, place, when, category="credentials_failed", **more)
    else:
        make = {"sign_in": stories.sign_in, "usage": stories.usage, "audit": stories.audit}
        made = make[str(step["feed"])](who, place, when, **more)
    return Item(made.feed, made.fields, made.time, now)


@st.composite
def arrivals(draw: st.DrawFn, most: int = 14) -> list[Item]:
    """Items in order of arrival: a few people, several feeds, late, early and future ones."""
    now, items = stories.at("9:30"), []
    for number, step in enumerate(draw(st.lists(steps, min_size=2, max_size=most))):
        now += timedelta(minutes=step["gap_min"], seconds=1)
        items.append(_made(step, now, number))
        if step["feed"] == "usage":
            for more in range(1, step["times"]):
                now += timedelta(seconds=3)
                other = {**step, "item": f"{step['item']}-{more}", "action": "reveal"}
                items.append(_made(other, now, number))
    return items


def engine() -> kernel.State:
    """An engine that knows the team and its program, and Eve, who was away for over a month."""
    state = learned_engine(with_program=True)
    away = stories.at("-45 9:00")
    last = int(away.timestamp() * 1e6)
    state.memory.facts.people["EVE"] = Person(last - DAY_US, last, days=2, events=9)
    return state


def _same(one: tuple[kernel.State, Heard], other: tuple[kernel.State, Heard]) -> None:
    assert one[1].told == other[1].told
    assert one[1].suppressed == other[1].suppressed
    assert one[1].late == other[1].late
    assert one[1].changed == other[1].changed
    assert arrays.encode(one[0].memory) == arrays.encode(other[0].memory)
    assert written(one[0]) == written(other[0])


def _with_ticks(items: list[Item], cuts: set[int], ticks: set[int]) -> tuple[kernel.State, Heard]:
    """Play items in pages cut at `cuts` and at `ticks`, with time passing at the latter."""
    state, heard = engine(), Heard()
    edges = sorted({0, len(items), *(cut for cut in cuts | ticks if cut < len(items))})
    for start, end in pairwise(edges):
        if start in ticks:
            heard.hear(kernel.tick(state, items[start].received - timedelta(milliseconds=1)))
        heard.hear(kernel.detect(state, *stories.page(items[start:end])))
    heard.hear(kernel.tick(state, items[-1].received + timedelta(hours=2)))
    return state, heard


@pytest.mark.parametrize(
    "behavior", sorted({type(entry.behavior).__name__ for entry in stories.rulebook().behaviors})
)
def test_the_laws_reach_every_behaviour(behavior: str) -> None:
    """What the laws below are tried with makes each kind of behaviour speak."""
    rules = {
        entry.rule.name
        for entry in stories.rulebook().behaviors
        if type(entry.behavior).__name__ == behavior
    }

    def speaks(items: list[Item]) -> bool:
        heard = play(engine(), items)
        return any(alert.rule.name in rules for alert in heard.alerts.values())

    found = find(
        arrivals(),
        speaks,
        settings=settings(few, max_examples=400, phases=[Phase.generate]),
        random=Random(1),
    )
    assert found


@few
@given(arrivals(), st.sets(st.integers(0, 13)), st.sets(st.integers(0, 13), max_size=3))
def test_one_at_a_time_however_pages_are_cut(
    items: list[Item], cuts: set[int], ticks: set[int]
) -> None:
    whole = _with_ticks(items, set(), ticks)
    single = _with_ticks(items, set(range(len(items))), ticks)

    _same(whole, single)
    _same(_with_ticks(items, cuts, ticks), single)


@few
@given(arrivals(), st.integers(1, 13))
def test_what_comes_later_changes_nothing_found_before(items: list[Item], upto: int) -> None:
    state, before = engine(), Heard()
    now = play(engine(), items[:upto], range(len(items)))
    for place in range(min(upto, len(items))):
        before.hear(kernel.detect(state, *stories.page(items[place : place + 1])))

    assert before.told == now.told
    whole = play(engine(), items)
    assert whole.suppressed[: len(now.suppressed)] == now.suppressed
    assert set(now.alerts) <= set(whole.alerts)


@few
@given(arrivals(), st.sets(st.integers(0, 13), max_size=4))
def test_a_restart_at_any_place_changes_nothing(items: list[Item], stops: set[int]) -> None:
    straight = engine()
    expected = play(straight, items, stops)
    state, heard = engine(), Heard()
    for place, item in enumerate(items):
        if place in stops:
            again = stories.copy(state)
            again.window = state.window
            state = again
        heard.hear(kernel.detect(state, *stories.page([item])))

    _same((state, heard), (straight, expected))


@few
@given(arrivals(), st.lists(st.tuples(st.integers(0, 13), st.integers(0, 13)), max_size=8))
def test_serving_an_event_again_changes_nothing(
    items: list[Item], again: list[tuple[int, int]]
) -> None:
    served = list(items)
    for original, place in again:
        first = items[original % len(items)]
        later = served.index(first) + 1 + place % (len(served) - served.index(first))
        received = served[min(later, len(served) - 1)].received
        served.insert(later, Item(first.feed, first.fields, first.time, received))
    once, twice = engine(), engine()
    heard, reheard = play(once, items), play(twice, served)

    assert reheard.duplicates == len(again)
    _same((once, heard), (twice, reheard))


@few
@given(arrivals(), st.integers(0, 5000))
def test_nothing_alerts_for_the_time_of_teaching(items: list[Item], minutes: int) -> None:
    state = engine()
    until = stories.at("9:00") + timedelta(minutes=minutes)
    state.memory.teach_until = int(until.timestamp() * 1e6)
    heard = play(state, items)

    assert all(alert.time >= until for alert in heard.alerts.values())
    assert all(finding.time >= until for finding in heard.suppressed)


def _known(state: kernel.State) -> bytes:
    return arrays.encode([state.memory.facts.people, state.memory.facts.ledger])


@few
@given(arrivals())
def test_facts_change_at_full_hours_of_the_clock_only(items: list[Item]) -> None:
    state = engine()
    for item in items:
        clock, before = state.memory.clock, _known(state)
        kernel.detect(state, *stories.page([item]))
        if state.memory.clock // 3_600_000_000 == clock // 3_600_000_000:
            assert _known(state) == before


@few
@given(arrivals())
def test_an_item_from_the_future_does_not_move_the_clock(items: list[Item]) -> None:
    state = engine()
    play(state, items)
    received = max(item.received for item in items)

    assert state.memory.clock <= received.timestamp() * 1e6


@few
@given(arrivals(most=8), st.sampled_from([8 * 1440, -3 * 1440]))
def test_what_is_out_of_time_reaches_stateless_rules_only(items: list[Item], late_min: int) -> None:
    """A page of old or future items changes neither what is known nor any tail."""
    state = engine()
    clock = stories.at("5 10:00")
    kernel.tick(state, clock)
    old = [
        Item(item.feed, item.fields | {"timestamp": when.isoformat()}, when, clock)
        for number, item in enumerate(items)
        if (when := clock - timedelta(minutes=late_min, seconds=number))
    ]
    facts, tails = arrays.encode(state.memory.facts), arrays.encode(state.tails)
    heard = play(state, old)
    stateful = {entry.rule.id for entry in state.rulebook.behaviors}

    assert heard.late == len(old)
    assert arrays.encode(state.tails) == tails
    assert not stateful & {alert.rule.id for alert in heard.alerts.values()}
    state.memory.facts.withdrawn = {}
    state.memory.facts.suspects = {}
    state.memory.facts.hour.doubted = {}
    assert arrays.encode(state.memory.facts) == facts


def test_the_order_of_feeds_in_a_frame_is_the_order_of_arrival() -> None:
    items = [stories.usage("ann", "paris", "10:00"), stories.audit("ann", "paris", "10:01")]
    frame, _ = stories.page(items)

    assert frame["event.id"].to_list() == [item.id for item in items]
    assert frame["event.time"].dtype == pl.Datetime("us", "UTC")
