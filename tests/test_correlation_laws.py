"""The laws of the kernel (design.md 3) for correlations of every type, and of each other."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector import kernel
from detector.correlations import groups, judging
from detector.correlations.bounds import Bounds
from detector.correlations.correlation import Correlation
from detector.correlations.definition import Base
from detector.correlations.groups import FORGET_DAYS, CorrelationTail
from detector.correlations.walks import Entry
from detector.findings import Subject, SubjectType
from detector.rulebook.book import Rulebook
from detector.rulebook.loading import load
from tests import stories
from tests.stories import Heard, Item, few, written
from tests.test_correlations import ACTIONS, BASES, CASES, RULE, book, indented

TRIP = """
title: Trip
name: trip
id: 00000000-0000-4000-8000-000000000004
behavior: {type: first_seen, rules: [revealed], fields: [item.id], learn: {until: 1 events}}
"""
CHAINS = {
    "bursts": indented(type="event_count", rules="[case_0]", group_by="[user.id]", timespan="1h",
                       condition="{gte: 2}"),
    "below the average": indented(type="event_count", rules="[case_9]", condition="{gte: 1}"),
    "new, then many": indented(type="temporal_ordered", rules="[trip, case_0]", timespan="1h"),
    "whole account": "    type: event_count\n    rules: [revealed]\n    timespan: 1h\n"
                     "    condition: {gte: 4}\n",
    "silence": indented(type="event_count", condition="{lt: 2}"),
}  # fmt: skip


def _everything() -> Rulebook:
    """Every case of every type in one rulebook, and correlations on top of them."""
    texts = [case[0] for case in CASES.values()] + list(CHAINS.values())
    rules = [
        f"title: Case {number}\nname: case_{number}\nid: 10000000-0000-4000-8000-0000000000{number:02}"
        f"\nalert: {{generate: true}}\ncorrelation:\n{text}"
        for number, text in enumerate(texts)
    ]
    loaded = load({"all.yml": "\n---\n".join([BASES, TRIP, *rules])})
    assert not loaded.mistakes, loaded.mistakes
    return loaded.rulebook


EVERYTHING = _everything()
steps = st.fixed_dictionaries(
    {
        "gap_min": st.sampled_from([0, 1, 2, 5, 11, 70, 400]),
        "who": st.sampled_from(["ann", "ben"]),
        "rule": st.sampled_from(list(ACTIONS)),
        "item": st.sampled_from(["i1", "i2", "i3"]),
        "version": st.integers(0, 9),
        "late_min": st.sampled_from([0, 0, 0, 0, 4, 12, 90, 300, 6 * 1440, 8 * 1440, -30]),
    }
)


@st.composite
def arrivals(draw: st.DrawFn) -> list[Item]:
    """Uses of items in order of arrival, some of them late."""
    now, items = stories.at("9:30"), []
    for number, step in enumerate(draw(st.lists(steps, min_size=2, max_size=10))):
        now += timedelta(minutes=step["gap_min"], seconds=1)
        when = now - timedelta(minutes=step["late_min"], milliseconds=number)
        made = stories.usage(
            step["who"], "paris", when, action=ACTIONS[step["rule"]], item=step["item"]
        )
        fields = made.fields | {"uuid": f"E{number}", "used_version": step["version"]}
        items.append(Item(made.feed, fields, when, now))
    return items


def _played(items: list[Item], cuts: set[int], stops: set[int]) -> tuple[kernel.State, Heard]:
    """Play items in pages cut at `cuts`, restarting at `stops`, and let a day pass."""
    state, heard = kernel.State(kernel.Memory("acme"), kernel.Plan(EVERYTHING)), Heard()
    frame, contents = stories.page(items)
    edges = sorted({0, len(items), *(cut for cut in cuts | stops if cut < len(items))})
    for start, end in pairwise(edges):
        if start in stops:
            again = stories.copy(state)
            again.window = state.window
            state = again
        heard.hear(kernel.detect(state, frame[start:end], contents[start:end]))
    heard.hear(kernel.tick(state, items[-1].received + timedelta(days=1)))
    return state, heard


@settings(few, max_examples=20)
@given(arrivals(), st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9), max_size=3))
def test_pages_and_restarts_change_nothing(
    items: list[Item], cuts: set[int], stops: set[int]
) -> None:
    single = _played(items, set(range(len(items))), set())
    for other in (_played(items, set(), set()), _played(items, cuts, stops)):
        assert other[1].told == single[1].told
        assert other[1].suppressed == single[1].suppressed
        assert written(other[0]) == written(single[0])


def test_what_is_looked_at_ahead_ends_at_midnight() -> None:
    """Then groups are cleared of what is too old: who comes after it begins anew, however cut."""
    days = (stories.at("0:00") + timedelta(days=number) for number in range(12, 12 + FORGET_DAYS))
    midnight = next(day for day in days if day.timestamp() // 86_400 % FORGET_DAYS == 0)
    before, after = midnight - timedelta(minutes=5), midnight + timedelta(minutes=5)
    items = [
        stories.usage("ann", "paris", midnight - timedelta(days=8.5), action="fill", item="i1"),
        stories.usage("ben", "paris", before, action="reveal", item="i1"),
        stories.usage("ann", "paris", after, action="reveal", item="i2"),
    ]
    whole = _played(items, {1}, set())
    single = _played(items, {1, 2}, set())

    assert written(whole[0]) == written(single[0])


def test_chains_hear_each_other_and_behaviors() -> None:
    items = [
        stories.usage("ann", "paris", stories.at("9:30") + timedelta(minutes=minute),
                      action="reveal", item=f"i{minute // 3}")
        for minute in range(12)
    ]  # fmt: skip
    _, heard = _played(items, set(), set())
    names = {alert.rule.name for alert in heard.alerts.values()}
    first = len(CASES)

    assert {f"case_{first}", f"case_{first + 2}", f"case_{first + 3}"} <= names
    whole = next(each for each in heard.alerts.values() if each.rule.name == f"case_{first + 3}")
    assert whole.subject == Subject(SubjectType.ACCOUNT, "acme")
    burst = next(each for each in heard.alerts.values() if each.rule.name == f"case_{first}")
    assert set(burst.event_ids) == {item.id for item in items}, "the events below are evidence"


def _entry(time: int) -> Entry:
    return Entry(time, 1, None, (f"E{time}",), (time,))


@pytest.fixture
def crowd() -> CorrelationTail:
    """The tail of a rule after more events than it keeps."""
    logic = book(indented(type="event_count", condition="{gte: 3}")).correlations[0].logic
    tail = CorrelationTail()
    subject = Subject(SubjectType.PERSON, "A")
    for number in range(3 * groups.MOST_ENTRIES):
        group = tail.groups.get("A") or groups.Group(("A",), logic.walk(), subject)
        tail.touch("A", group)
        fired = list(judging.take(logic, tail, group, _entry(number * 1000)))
        assert bool(fired) == (number >= 2)
    return tail


def test_the_state_is_bounded_and_says_what_did_not_fit(crowd: CorrelationTail) -> None:
    assert len(crowd.groups["A"].entries) <= groups.MOST_ENTRIES
    assert crowd.kept == len(crowd.groups["A"].entries)
    assert crowd.kept + crowd.crowded == 3 * groups.MOST_ENTRIES


def test_the_quietest_group_goes_first() -> None:
    tail, subject = CorrelationTail(), Subject(SubjectType.PERSON, "A")
    logic = book(indented(type="event_count", condition="{gte: 3}")).correlations[0].logic
    for number in range(groups.MOST_GROUPS + 5):
        key = f"P{number if number != groups.MOST_GROUPS else 0}"
        group = tail.groups.get(key) or groups.Group((key,), logic.walk(), subject)
        tail.touch(key, group)

    assert len(tail.groups) == groups.MOST_GROUPS
    assert "P0" in tail.groups
    assert "P1" not in tail.groups


def test_what_no_event_can_reach_is_forgotten() -> None:
    state = kernel.State(
        kernel.Memory("acme"), kernel.Plan(book(indented(type="event_count", condition="{gte: 3}")))
    )
    kernel.detect(state, *stories.page([stories.usage("ann", "paris", "9:30", action="reveal")]))
    tail: Any = state.tails[RULE]
    assert tail.groups
    kernel.tick(state, stories.at("9 10:00") + timedelta(days=groups.FORGET_DAYS - 1))

    assert not tail.groups
    assert tail.kept == 0


def _counting(least: int) -> tuple[Correlation, CorrelationTail, groups.Group]:
    what = Correlation("event_count", (Base("a", ()),), 10, Bounds((("gte", least),)))
    subject = Subject(SubjectType.PERSON, "ANN")
    return what, CorrelationTail(), groups.Group(("ANN",), what.walk(), subject)


@settings(max_examples=300)
@given(st.integers(1, 6), st.lists(st.integers(0, 60), min_size=1, max_size=40))
def test_counting_late_entries_says_what_walking_over_them_says(
    least: int, times: list[int]
) -> None:
    said: list[list[Any]] = []
    for between in (judging._between, judging._walked_again):
        what, tail, group = _counting(least)
        found: list[Any] = []
        for number, time in enumerate(times):
            entry = Entry(time, 1, None, (str(number),), (number,))
            place = group.place_of(time)
            if place == len(group.entries):
                firings = judging.take(what, tail, group, entry)
            else:
                group.entries.insert(place, entry)
                firings = between(what, group, place)
            found += [(each.at, each.low, each.value, each.news) for each in firings]
            found.append((group.judged, group.walk.left, [e.held for e in group.entries]))
        said.append(found)

    assert said[0] == said[1]


def test_a_late_entry_costs_no_walk_where_windows_cannot_be_full() -> None:
    what, tail, group = _counting(1_000)
    for number in range(900):
        list(judging.take(what, tail, group, Entry(5 + number % 2, 1, None, ("x",), (number,))))
    asked = Entries(group.entries)
    group.entries = asked
    list(judging.take(what, tail, group, Entry(1, 1, None, ("late",), (900,))))

    assert asked.looked_at < 100


class Entries(list[Entry]):
    """Entries that count how often one of them is looked at."""

    looked_at = 0

    def __getitem__(self, place: Any) -> Any:
        """The entry at a place."""
        self.looked_at += 1
        return super().__getitem__(place)
