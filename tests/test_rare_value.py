"""Rare value: shares of days, of people and of peers; evidence, habits, the guard, bounds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import kernel
from detector.alerts import Alert
from detector.people import Colleague, People
from detector.persons import Judged
from detector.rule_types.shares import MOST_VALUES, ShareTail, needed, smoothed
from detector.rulebook.loading import load
from detector.workhours import DAY_US
from tests import stories
from tests.stories import MONDAY, ROOT, Heard, Item, few, play, usage

RULE = """
title: A rare app
name: rare
id: 0d8a2c1e-52a7-4ac0-8d8b-4a3f1a2b9d03
status: stable
level: low
behavior:
    type: rare_value
    rules: [op_secret_taken]
    fields: [client.app_name]
    among: {among}
    rare-below: {below}
    least: {least}
"""


@cache
def _plan(among: str = "account", below: float = 0.1, least: int = 8) -> kernel.Plan:
    base = (ROOT / "rules/base/items.yml").read_text()
    rule = RULE.format(among=among, below=below, least=least)
    loaded = load({"base.yml": base, "mine.yml": rule})
    assert not loaded.mistakes
    groups = tuple(
        Colleague(f"p{number}@acme.example", group="sales" if number < 12 else "work")
        for number in range(30)
    )
    return kernel.Plan(loaded.rulebook, people=People(groups))


def _use(who: str, app: str, day: float) -> Item:
    when = MONDAY + timedelta(days=day, seconds=sum(map(ord, who)))
    return usage(who, "paris", when, client=app, action="reveal")


def _crowd(people: int, app: str = "mac", day: float = 0.3, first: int = 0) -> list[Item]:
    return [_use(f"p{number}", app, day) for number in range(first, first + people)]


def _heard(items: Sequence[Item], plan: kernel.Plan | None = None) -> Heard:
    return play(stories.engine(plan or _plan()), items)


def _told(items: Sequence[Item], plan: kernel.Plan | None = None) -> list[Alert]:
    return _heard(items, plan).of("rare")


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_smoothed_share_is_never_small_where_little_is_known(count: int, more: int) -> None:
    share = smoothed(count, count + more)

    assert 0 < share < 1
    assert share >= 1 / (count + more + 2)
    assert smoothed(count + 1, count + more + 1) > share


@given(st.floats(0.001, 0.5))
def test_so_many_are_needed_for_a_share_to_be_rare(below: float) -> None:
    assert smoothed(0, needed(below)) < below
    assert needed(below) == 0 or smoothed(0, needed(below) - 1) >= below * (1 - 1e-9)


@pytest.mark.parametrize(
    ("others", "with_it", "alerts"),
    [(20, 0, 1), (20, 1, 1), (20, 3, 0), (8, 0, 0), (5, 0, 0), (0, 0, 0)],
)
def test_what_hardly_anybody_shows_is_rare_and_of_few_people_nothing_is(
    others: int, with_it: int, alerts: int
) -> None:
    items = [*_crowd(others), *_crowd(with_it, "web", first=others), _use("ann", "web", 1.5)]
    heard = _heard(items)

    assert len(heard.of("rare")) == alerts
    few = 8 <= others < 9
    held = {found.suppressed_by for found in heard.suppressed if found.subject.id == "ANN"}
    assert held == ({"learning"} if few and not with_it else set())


def test_the_alert_says_how_many_show_it() -> None:
    (alert,) = _told([*_crowd(20), *_crowd(1, "web", first=20), _use("ann", "web", 1.5)])

    assert alert.summary.endswith("; it was seen by 1 of 21 other people")
    assert alert.why[0] == "+ 1Password for Web is rare: a share of 8.7% (smoothed)"
    assert alert.evidence["own_days"] == 0


def test_what_a_day_shows_counts_from_midnight_on() -> None:
    """Ten others who come on the same day are no evidence yet, and none of themselves."""
    same_day = [*_crowd(20), *_crowd(10, "web", day=1.3, first=20), _use("ann", "web", 1.5)]
    next_day = [*_crowd(20), *_crowd(10, "web", day=0.4, first=20), _use("ann", "web", 1.5)]

    assert {alert.subject.id for alert in _told(same_day)} >= {"ANN", "P20"}
    assert not _told(next_day)


@pytest.mark.parametrize(("days", "alerts"), [(2, 1), (3, 0)])
def test_a_habit_of_three_days_is_not_rare(days: int, alerts: int) -> None:
    own = [_use("ann", "web", day + 0.3) for day in range(days)]

    assert len(_told([*own, *_crowd(20, day=days + 0.2), _use("ann", "web", days + 1.5)])) == alerts


def test_the_share_of_a_person_is_one_of_days() -> None:
    plan = _plan("person")
    past = [_use("ann", "mac", day + 0.3) for day in range(20)]
    (alert,) = _told([*past, _use("ann", "web", 20.5)], plan)
    often = [_use("ann", "web" if day % 5 == 0 else "mac", day + 0.3) for day in range(20)]

    assert "seen on 0 of 20 active days before" in alert.summary
    assert not _told([*often, _use("ann", "web", 20.5)], plan)


def test_peers_are_the_people_of_the_group_and_everybody_where_it_is_small() -> None:
    """Twelve of sales never use it, eighteen others do; a group of one has no peers."""
    plan = _plan("peers")
    items = [*_crowd(12), *_crowd(18, "web", first=12)]
    (alert,) = _told([*items, _use("p3", "web", 1.5)], plan)

    assert "by 0 of 11 others of the group sales" in alert.summary
    assert not _told([*items, _use("ann", "web", 1.5)], plan)
    assert not _told([*items, _use("p20", "web", 1.5)], plan)


def test_a_missing_value_means_nothing() -> None:
    silent = _use("ann", "web", 1.5)
    silent.fields["client"].pop("app_name")

    assert not _told([*_crowd(20), silent])


def _weeks(*days: float, said: Judged | None = None) -> Heard:
    """What is said of the rare app on those days, among people who work every day."""
    state, heard = stories.engine(_plan()), Heard()
    for day in range(32):
        own = [_use("ann", "web", each) for each in days if day <= each < day + 1]
        for items in (_crowd(12, day=day + 0.0), *([item] for item in own)):
            outcome = kernel.detect(state, *stories.page(items))
            heard.hear(outcome)
            if said is not None and outcome.alerts and not state.memory.facts.judged:
                state.memory.facts.hear("ANN", said, lifts=said.harmless)
    return heard


@pytest.mark.parametrize(
    ("days", "said", "alerts", "held"),
    [
        ((2.5, 2.6, 2.7), None, 1, 0),  # once a day
        ((2.5, 8.5), None, 1, 1),  # told before
        ((2.5, 30.5), None, 2, 0),  # seldom: told again
        ((2.5, 8.5, 9.5, 17.5, 30.5), None, 1, 2),  # on further days, and nobody minded: accepted
        ((2.5, 8.5, 9.5, 10.5, 30.5), Judged(0, 2**62, harmless=True), 1, 0),
    ],
)
def test_what_was_told_is_guarded(
    days: tuple[float, ...], said: Judged | None, alerts: int, held: int
) -> None:
    heard = _weeks(*days, said=said)

    assert len(heard.of("rare")) == alerts
    assert [found.suppressed_by for found in heard.suppressed].count("told-before") == held


def test_what_was_not_seen_for_long_is_forgotten() -> None:
    tail = ShareTail()
    tail.show("ann", "x", 1)
    tail.settle(2 * DAY_US, 90 * DAY_US)
    assert (tail.crowd, tail.known) == ({"x": 1}, 1)
    tail.settle(101 * DAY_US, 90 * DAY_US)

    assert (tail.crowd, tail.known, tail.showers) == ({}, 0, {})


days = st.lists(st.tuples(st.sampled_from("ab"), st.text("xyz", min_size=1), st.integers(0, 9)))


@few
@given(days)
def test_the_crowds_are_the_sums_of_what_people_show(shown: list[tuple[str, str, int]]) -> None:
    tail = ShareTail()
    for name, value, day in shown:
        tail.show(name, value, day)
        if day % 3 == 0:
            tail.settle(day * DAY_US, 5 * DAY_US)
    tail.settle(10 * DAY_US, 90 * DAY_US)
    counted: dict[str, int] = {}
    for shower in tail.showers.values():
        for value in shower.values:
            counted[value] = counted.get(value, 0) + 1

    assert tail.crowd == counted
    assert tail.known == len(tail.showers)
    assert all(each.days >= 1 for each in tail.showers.values())


@pytest.mark.parametrize("people", [1, 3])
def test_what_is_kept_has_bounds(people: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.rule_types.shares.MOST_SHOWERS", 2)
    tail = ShareTail()
    for number in range(people):
        for value in range(MOST_VALUES + 50):
            tail.show(f"p{number}", str(value), 0)
        tail.settle(DAY_US, 90 * DAY_US)
        for value in range(MOST_VALUES):
            tail.show(f"p{number}", f"later {value}", 1)
        tail.settle(2 * DAY_US, 90 * DAY_US)

    assert len(tail.showers) <= 2
    assert all(len(each.values) <= MOST_VALUES for each in tail.showers.values())
    assert all(any(value in each.values for each in tail.showers.values()) for value in tail.crowd)


@pytest.mark.parametrize(("minutes", "guarded"), [(1, False), (150, True)])
def test_who_comes_under_an_alert_is_guarded_from_the_next_hour_on(
    minutes: int, guarded: bool
) -> None:
    """However the hour is cut: what it shows before the alert and behind it is one."""
    base, mine = (
        (ROOT / "rules/base/items.yml").read_text(),
        RULE.replace("level: low", "level: high"),
    )
    rule = mine.format(among="account", below=0.1, least=8)
    plan = kernel.Plan(load({"base.yml": base, "mine.yml": rule}).rulebook)
    ann = [_use("ann", "web", 2.1), _use("ann", "mac", 2.1 + minutes / 1440)]
    items = [*_crowd(12, day=0.1), *_crowd(12, day=1.1), *ann]
    for cuts in ((), range(len(items))):
        state = stories.engine(plan)
        heard = play(state, items, cuts)
        (tail,) = state.tails.values()
        assert isinstance(tail, ShareTail)
        assert len(heard.of("rare")) == 1
        assert ("1Password for Mac" in tail.showers["ANN"].guarded) is guarded


@few
@given(st.data())
def test_cutting_the_days_does_not_change_what_is_rare(data: Any) -> None:
    steps = data.draw(
        st.lists(
            st.tuples(st.sampled_from(["ann", "p1", "p2"]), st.sampled_from(["mac", "web"]), st.integers(24, 400)),
            max_size=25,
        )
    )  # fmt: skip
    items = [*_crowd(20), *(_use(who, app, hour / 24) for who, app, hour in steps)]
    items.sort(key=lambda each: each.time)
    cuts = data.draw(st.sets(st.integers(1, len(items))))

    whole, cut = stories.engine(_plan()), stories.engine(_plan())
    heard, heard_cut = play(whole, items), play(cut, items, cuts)
    assert heard.told == heard_cut.told
    assert stories.written(whole) == stories.written(cut)
