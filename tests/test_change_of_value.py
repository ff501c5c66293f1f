"""Change of value: what stood and changed; what is learned, alternates, is guarded, comes late."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import kernel, workhours
from detector.alerts import Alert
from detector.persons import Judged
from detector.rule_types import standing
from detector.rulebook.loading import load
from tests import stories
from tests.stories import MONDAY, ROOT, Heard, Item, few, play, usage

RULE = """
title: The app of anybody changed
name: changed
id: 0d8a2c1e-52a7-4ac0-8d8b-4a3f1a2b9d01
status: stable
level: medium
behavior:
    type: change_of_value
    rules: [op_secret_taken]
    group-by: [{by}]
    fields: [{field}]
    stable-for: 14d
    least: 10
"""
APPS = ("mac", "web", "phone")
ABROAD = ("paris", "lagos", "tokyo")


@cache
def _plan(by: str = "user.id", field: str = "client.app_name") -> kernel.Plan:
    base = (ROOT / "rules/base/items.yml").read_text()
    loaded = load({"base.yml": base, "mine.yml": RULE.format(by=by, field=field)})
    assert not loaded.mistakes
    return kernel.Plan(loaded.rulebook)


def _use(app: str, day: float, **more: Any) -> Item:
    """Somebody reads a secret with an app, so many days after Monday."""
    when = MONDAY + timedelta(days=day)
    return usage("ann", more.pop("place", "paris"), when, client=app, action="reveal", **more)


def _days(app: str, first: float, last: float, step: float = 1.0) -> list[Item]:
    count = int((last - first) / step)
    return [_use(app, first + step * number) for number in range(count)]


def _heard(items: Sequence[Item], plan: kernel.Plan | None = None) -> list[Alert]:
    state = stories.engine(plan or _plan())
    return play(state, items).of("changed")


def test_what_stood_and_changed_is_told_with_how_long_it_stood() -> None:
    (alert,) = _heard([*_days("mac", 0, 20), _use("web", 20.5)])

    assert alert.summary == "Ann: the app changed from 1Password for Mac to 1Password for Web"
    assert "+ 1Password for Mac stood for 20 days and was seen 20 times" in alert.why
    assert (alert.evidence["before"], alert.evidence["seen_times"]) == ("1Password for Mac", 20)
    assert alert.evidence["stood_days"] == 20.5


@pytest.mark.parametrize(
    ("before", "rung", "margin"),
    [
        (_days("mac", 0, 9), "learning", 5.0),  # nine days: five too few
        (_days("mac", 0, 20, 4.0), "learning", 5.0),  # five times in twenty days: five too few
        ([], None, None),  # the first value ever
    ],
)
def test_what_did_not_stand_is_no_change(
    before: list[Item], rung: str | None, margin: float | None
) -> None:
    last = workhours.microseconds(before[-1].time if before else MONDAY)
    day = (last - workhours.microseconds(MONDAY)) / workhours.DAY_US + 1
    heard = play(stories.engine(_plan()), [*before, _use("web", day)])

    assert not heard.of("changed")
    assert [found.suppressed_by for found in heard.suppressed] == ([rung] if rung else [])
    assert [found.margin for found in heard.suppressed] == ([margin] if rung else [])


@few
@given(st.lists(st.sampled_from(["mac", "web"]), max_size=20))
def test_going_back_and_forth_between_what_is_known_is_no_change(turns: list[str]) -> None:
    known = [*_days("mac", 0, 5), *_days("web", 5, 25)]
    items = [*known, *(_use(app, 26 + number / 4) for number, app in enumerate(turns))]

    assert not _heard(items)


@few
@given(st.lists(st.sampled_from(APPS), min_size=1, max_size=25), st.integers(1, 6))
def test_a_change_is_told_only_of_a_value_that_was_never_shown(
    turns: list[str], hours: int
) -> None:
    """Whatever comes: at most one alert a value, none of the first, and the value before was shown."""
    items = [_use(app, number * hours / 6) for number, app in enumerate(turns)]
    alerts = _heard([*_days("mac", -20, 0), *items])
    names = {app: stories.CLIENTS[app][0] for app in APPS}
    told = [alert.evidence["value"] for alert in alerts]

    assert len(told) == len(set(told))
    assert names["mac"] not in told
    for alert in alerts:
        assert alert.evidence["before"] in names.values()
        assert alert.evidence["before"] != alert.evidence["value"]


def test_a_missing_value_means_nothing() -> None:
    silent = _use("mac", 20.2)
    silent.fields["client"].pop("app_name")
    (alert,) = _heard([*_days("mac", 0, 20), silent, _use("web", 20.5)])

    assert alert.evidence["before"] == "1Password for Mac"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_equal_times_arrival_decides_and_each_value_is_told_once(
    order: tuple[int, int, int],
) -> None:
    at_once = [_use("web", 20.5), _use("phone", 20.5), _use("mac", 20.5)]
    heard = play(
        stories.engine(_plan()), [*_days("mac", 0, 20), *(at_once[place] for place in order)]
    )
    found = [alert.evidence["value"] for alert in heard.of("changed")]
    (alert,) = heard.of("changed")

    assert alert.count == 2
    assert "1Password for Mac" not in found


def test_a_late_event_is_compared_with_what_stood_at_its_own_time() -> None:
    """What came late from before the change is the change itself, and folds into its alert."""
    received = MONDAY + timedelta(days=21)
    late = [_use("web", 19.6), _use("web", 20.5)]
    late = [Item(each.feed, each.fields, each.time, received) for each in late]
    on_time = _heard([*_days("mac", 0, 20), *late])
    mixed = _heard([*_days("mac", 0, 20), *reversed(late)])

    assert {alert.first_time for alert in mixed} == {alert.first_time for alert in on_time}
    assert set(on_time[0].event_ids) <= set(mixed[0].event_ids)


def test_what_changes_again_and_again_is_restless() -> None:
    turns = [_use("web", 20.5), _use("phone", 21.5)]
    fourth = _use("mac", 22.5)
    fourth.fields["client"]["app_name"] = "1Password CLI"
    heard = play(stories.engine(_plan()), [*_days("mac", 0, 20), *turns, fourth])

    (alert,) = heard.of("changed")
    (held,) = heard.suppressed
    assert (alert.count, held.suppressed_by, held.margin) == (2, "restless", 1.0)


def _after_alert(*more: Item, said: Judged | None = None) -> list[Alert]:
    """What is told of the web app after it was told first on day 20, by the time of its events."""
    state, heard = stories.engine(_plan()), Heard()
    for item in [*_days("mac", 0, 20), _use("web", 20.5), *more]:
        heard.hear(kernel.detect(state, *stories.page([item])))
        if said is not None and heard.alerts and not state.memory.facts.judged:
            state.memory.facts.hear("ANN", said, lifts=said.harmless)
    return heard.of("changed")


def _said(*, harmless: bool) -> Judged:
    return Judged(0, 2**62, harmless=harmless)


@pytest.mark.parametrize(
    ("days", "said", "alerts"),
    [
        ((22, 24, 40), None, 1),  # seen on two further days, and nobody minded
        ((22, 40), None, 2),  # too seldom to be a habit: it is told again
        ((22, 40), _said(harmless=True), 1),
        ((22, 24, 40), _said(harmless=False), 2),
    ],
)
def test_a_change_that_was_told_is_guarded(
    days: tuple[int, ...], said: Judged | None, alerts: int
) -> None:
    items = [item for day in range(21, 40) for item in _days("mac", day, day + 1)]
    more = sorted([*items, *(_use("web", day + 0.5) for day in days)], key=lambda each: each.time)

    assert len(_after_alert(*more, said=said)) == alerts


def test_what_was_not_seen_for_long_is_forgotten() -> None:
    """After 98 days without the app it is a change again; after fifty it is known."""
    known = [*_days("web", 0, 5), *_days("mac", 5, 130)]
    plan = _plan()

    def told(day: float) -> list[Alert]:
        return _heard([*(each for each in known if each.time < _at(day)), _use("web", day)], plan)

    assert not told(55.5)
    assert [alert.evidence["value"] for alert in told(125.5)] == ["1Password for Web"]


def _at(day: float) -> datetime:
    return MONDAY + timedelta(days=day)


def test_an_entity_may_be_something_else_than_a_person() -> None:
    by_item = _plan("item.id", "source.country")
    items = [_use("mac", day, item="door-code") for day in range(20)]
    (alert,) = _heard([*items, _use("mac", 20.5, item="door-code", place="lagos")], by_item)

    assert alert.subject.id == "door-code"
    assert alert.summary == (
        "door-code: the country changed from France to Nigeria (by ann@acme.example, Lagos, Nigeria)"
    )


@few
@given(st.lists(st.text(min_size=1, max_size=3), max_size=80))
def test_what_is_kept_has_bounds(words: list[str]) -> None:
    tail = standing.StandingTail()
    for number, (word, _) in enumerate(groupby(words)):
        known = tail.of("ann")
        standing.begin(known, word, standing.Standing(number, number))

    assert len(tail.of("ann")) <= standing.MOST_VALUES


def test_the_longest_kept_entity_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "MOST_ENTITIES", 3)
    tail = standing.StandingTail()
    for name in "abcde":
        tail.of(name)["x"] = standing.Standing(0, 0)

    assert list(tail.entities) == ["c", "d", "e"]


def test_the_value_is_text_and_stays_so() -> None:
    hostile = "<!channel> {{ 7 * 7 }} \x1f | *x*"
    item = _use("web", 20.5)
    item.fields["client"]["app_name"] = hostile
    (alert,) = _heard([*_days("mac", 0, 20), item])

    assert json.loads(json.dumps(alert.evidence["value"])) == hostile
