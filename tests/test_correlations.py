"""Correlations, event by event, are what a naive definition over all events says."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector import correlating, kernel, workhours
from detector.findings import Finding
from detector.observations import Clock, observe
from detector.rule_types.base import Scene
from detector.rulebook.book import Rulebook
from detector.rulebook.loading import load
from tests import stories
from tests.stories import Heard, Item

BASES = """
title: Revealed
name: revealed
id: 00000000-0000-4000-8000-000000000001
logsource: {product: onepassword, service: itemusages}
detection:
    s: {action: reveal}
    condition: s
alert: {generate: false, counted-as: reveals}
---
title: Filled
name: filled
id: 00000000-0000-4000-8000-000000000002
logsource: {product: onepassword, service: itemusages}
detection:
    s: {action: fill}
    condition: s
alert: {generate: false}
---
title: Shared
name: shared
id: 00000000-0000-4000-8000-000000000003
logsource: {product: onepassword, service: itemusages}
detection:
    s: {action: share}
    condition: s
alert: {generate: false}
"""
RULE = "00000000-0000-4000-8000-00000000000f"
ACTIONS = {"revealed": "reveal", "filled": "fill", "shared": "share"}
SPAN_MIN = 10
CLOCK = stories.at("20:00")
LAST = stories.at("1 12:00")
"""Late enough for every window to be closed."""


def book(correlation: str, *more: str) -> Rulebook:
    """The rulebook of the base rules and a correlation."""
    text = f"title: Counted\nname: counted\nid: {RULE}\nlevel: high\ncorrelation:\n{correlation}"
    loaded = load({"rules.yml": "\n---\n".join([BASES, text, *more])})
    assert not loaded.mistakes, loaded.mistakes
    return loaded.rulebook


def indented(**keys: Any) -> str:
    """The lines of a correlation with its usual keys."""
    whole = {"rules": "[revealed]", "group-by": "[user.id]", "timespan": f"{SPAN_MIN}m"} | {
        key.replace("_", "-"): value for key, value in keys.items()
    }
    return "".join(f"    {key}: {value}\n" for key, value in whole.items())


@dataclass(frozen=True)
class Seen:
    """One event as the definition needs it: minute, who, the rules it is for, item, version."""

    minute: int
    who: str
    rule: str
    item: str
    version: int
    id: str = ""


seen = st.builds(
    Seen,
    st.integers(0, 60),
    st.sampled_from(["ann", "ben"]),
    st.sampled_from(list(ACTIONS)),
    st.sampled_from(["i1", "i2", "i3", "i4"]),
    st.integers(0, 9),
)
days = st.lists(seen, max_size=14)


def usage(event: Seen, number: int, received: Any = CLOCK) -> Item:
    """The event as an item of the API; its number keeps ids apart."""
    when = stories.at("8:00") + timedelta(minutes=event.minute)
    made = stories.usage(event.who, "paris", when, action=ACTIONS[event.rule], item=event.item)
    fields = made.fields | {"uuid": f"E{number}", "used_version": event.version}
    return Item(made.feed, fields, when, received)


Value = Callable[[Sequence[Seen]], float | None]


def naive(events: Sequence[Seen], value: Value, holds: Callable[[float], bool]) -> set[str]:
    """The ids of the events whose windows hold; equal times in their order."""
    found = set()
    ordered = sorted(events, key=lambda event: event.minute)
    for at, event in enumerate(ordered):
        window = [
            other
            for other in ordered[: at + 1]
            if other.who == event.who and other.minute >= event.minute - SPAN_MIN
        ]
        counted = value(window)
        if counted is not None and holds(counted):
            found.add(event.id)
    return found


def last_events(findings: Sequence[Finding], events: Sequence[Seen]) -> set[str]:
    """The events whose windows the findings are about: who, and when their window ended."""
    at = {(event.who.upper(), event.minute): set[str]() for event in events}
    for event in events:
        at[event.who.upper(), event.minute].add(event.id)
    start = workhours.microseconds(stories.at("8:00"))
    return set().union(
        *(
            at[each.subject.id, (workhours.microseconds(each.time) - start) // 60_000_000]
            for each in findings
        )
    )


def run(
    rulebook: Rulebook, items: Sequence[Item], closings: Sequence[int] = ()
) -> tuple[kernel.State, list[Finding]]:
    """All findings when items come one by one; windows close before some of them and at the end."""
    state = kernel.State(kernel.Memory("acme"), kernel.Plan(rulebook))
    seqs = pl.int_range(1, len(items) + 1, dtype=pl.Int64, eager=True).alias("event.seq")
    frame = stories.page(items)[0].with_columns(seqs)
    page = observe(frame, frame, state.columns, Clock(0, 3_600_000_000))
    at_work = correlating.Correlated.of(rulebook, rulebook.match(frame), page.late)
    facts, networks, found = state.memory.facts, state.plan.networks, list[Finding]()
    for place in range(len(items) + 1):
        if place in {*closings, len(items)}:
            now = workhours.microseconds(LAST)
            found += correlating.close(rulebook, state.tails, now, place + 1)
        if place < len(items):
            scene = Scene(page, facts, networks, place, place + 1, "acme")
            found += at_work.watch(scene, [], state.tails)
    return state, found


def kept(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that still stand at the end: what was superseded is taken back."""
    standing: dict[tuple[str, Any], Finding] = {}
    for finding in findings:
        key = (finding.subject.id, finding.time)
        if finding.suppressed_by == "superseded":
            standing.pop(key, None)
        else:
            standing[key] = finding
    return list(standing.values())


def _masks(rules: Sequence[str], window: Sequence[Seen]) -> int:
    return len({event.rule for event in window if event.rule in rules})


def _chain(rules: Sequence[str], window: Sequence[Seen]) -> int:
    """How many of the rules can be seen in order, one event each."""
    reached = 0
    for event in window:
        if reached < len(rules) and event.rule == rules[reached]:
            reached += 1
    return reached


CASES: dict[str, tuple[str, tuple[str, ...], Value, Callable[[float], bool]]] = {
    "event_count gte": (
        indented(type="event_count", condition="{gte: 3}"), ("revealed",), len, lambda n: n >= 3),
    "event_count of two rules": (
        indented(type="event_count", rules="[revealed, filled]", condition="{gt: 2}"),
        ("revealed", "filled"), len, lambda n: n > 2),
    "event_count range": (
        indented(type="event_count", condition="{gte: 2, lte: 3}"),
        ("revealed",), len, lambda n: 2 <= n <= 3),
    "event_count eq": (
        indented(type="event_count", condition="{eq: 2}"), ("revealed",), len, lambda n: n == 2),
    "event_count neq and gt": (
        indented(type="event_count", condition="{neq: 2, gt: 1}"),
        ("revealed",), len, lambda n: n != 2 and n > 1),
    "value_count": (
        indented(type="value_count", condition="{gte: 2, field: item_uuid}"),
        ("revealed",), lambda w: len({e.item for e in w}), lambda n: n >= 2),
    "value_count lt": (
        indented(type="value_count", condition="{lt: 3, gte: 2, field: item.id}"),
        ("revealed",), lambda w: len({e.item for e in w}), lambda n: n == 2),
    "value_count of two fields": (
        indented(type="value_count", condition="{gte: 3, field: [item.id, item.version]}"),
        ("revealed",), lambda w: len({(e.item, e.version) for e in w}), lambda n: n >= 3),
    "value_sum": (
        indented(type="value_sum", condition="{gte: 12, field: item.version}"),
        ("revealed",), lambda w: sum(e.version for e in w), lambda n: n >= 12),
    "value_avg": (
        indented(type="value_avg", condition="{gt: 4.5, field: used_version}"),
        ("revealed",), lambda w: statistics.fmean(e.version for e in w), lambda n: n > 4.5),
    "value_median": (
        indented(type="value_median", condition="{lte: 3, field: item.version}"),
        ("revealed",), lambda w: statistics.median(e.version for e in w), lambda n: n <= 3),
    "value_percentile": (
        indented(type="value_percentile", condition="{gte: 7, field: item.version, percentile: 80}"),
        ("revealed",), lambda w: float(np.percentile([e.version for e in w], 80)),
        lambda n: n >= 7 - 1e-9),
    "temporal": (
        indented(type="temporal", rules="[revealed, filled, shared]"), tuple(ACTIONS),
        lambda w: _masks(tuple(ACTIONS), w), lambda n: n == 3),
    "temporal, two of three": (
        indented(type="temporal", rules="[revealed, filled, shared]", condition="{gte: 2}"),
        tuple(ACTIONS), lambda w: _masks(tuple(ACTIONS), w), lambda n: n >= 2),
    "temporal in words": (
        indented(type="temporal", rules="[revealed, shared]",
                 condition="revealed and not shared"), ("revealed", "shared"),
        lambda w: {e.rule for e in w} == {"revealed"}, bool),
    "temporal_ordered": (
        indented(type="temporal_ordered", rules="[revealed, filled, shared]"), tuple(ACTIONS),
        lambda w: _chain(tuple(ACTIONS), w), lambda n: n == 3),
    "temporal_ordered twice the same": (
        indented(type="temporal_ordered", rules="[revealed, revealed, filled]"),
        ("revealed", "filled"), lambda w: _chain(("revealed", "revealed", "filled"), w),
        lambda n: n == 3),
}  # fmt: skip
BOOKS = {name: book(case[0]) for name, case in CASES.items()}


def expected(name: str, events: Sequence[Seen]) -> set[str]:
    """What the definition of a case says."""
    _, rules, value, holds = CASES[name]
    return naive([event for event in events if event.rule in rules], value, holds)


def numbered(events: Sequence[Seen]) -> list[Seen]:
    """The events with ids, one a minute, so that no order among equals can matter."""
    distinct = {event.minute: event for event in reversed(events)}
    ordered = sorted(distinct.values(), key=lambda event: event.minute)
    return [replace(event, id=f"E{number}") for number, event in enumerate(ordered)]


@pytest.mark.parametrize("name", CASES)
@given(day=days)
@settings(max_examples=40)
def test_counted_as_it_comes_is_counted_as_a_whole(name: str, day: list[Seen]) -> None:
    events = numbered(day)
    items = [usage(event, number) for number, event in enumerate(events)]
    _, found = run(BOOKS[name], items)
    mine = [each for each in kept(found) if each.rule_id == RULE]

    silent = BOOKS[name].correlations[0].logic.hears_silence
    assert not silent
    assert last_events(mine, events) == expected(name, events)


@pytest.mark.parametrize("name", CASES)
@given(day=days, chance=st.randoms(use_true_random=False), closings=st.sets(st.integers(0, 14)))
@settings(max_examples=40)
def test_in_whatever_order_events_come(
    name: str, day: list[Seen], chance: Any, closings: set[int]
) -> None:
    """Late events complete windows that lie in the past, and correct what was said of them."""
    events = numbered(day)
    items = [usage(event, number) for number, event in enumerate(events)]
    mixed = items.copy()
    chance.shuffle(mixed)
    # Some come so late that the windows which they join are closed already.
    _, found = run(BOOKS[name], mixed, sorted(closings))

    assert last_events(kept(found), events) == expected(name, events)


@pytest.mark.parametrize("name", ["temporal", "temporal_ordered"])
def test_what_a_late_event_completes_is_complete_for_what_follows(name: str) -> None:
    """Whichever of four comes late: the windows of the others hold as if it had come in time."""
    acts = ("revealed", "filled", "shared", "shared")
    events = [Seen(minute, "ann", act, "i1", 1, f"E{minute}") for minute, act in enumerate(acts)]
    for order in permutations([usage(event, event.minute) for event in events]):
        _, found = run(BOOKS[name], order)
        assert last_events(kept(found), events) == {"E2", "E3"}


@given(day=days, chance=st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_late_evidence_is_told_like_evidence_on_time(day: list[Seen], chance: Any) -> None:
    events = numbered(day)
    items = [usage(event, number) for number, event in enumerate(events)]
    mixed = items.copy()
    chance.shuffle(mixed)
    for name in ("event_count gte", "value_count", "temporal", "temporal_ordered"):
        on_time, late = run(BOOKS[name], items)[1], run(BOOKS[name], mixed)[1]
        told = [{each for found in many for each in found.event_ids} for many in (on_time, late)]
        assert told[0] <= told[1]
        fresh = [each for found in late for each in found.fresh_ids]
        assert len(fresh) == len(set(fresh)), "no event is news twice"


def test_both_ends_of_a_window_are_in_it() -> None:
    events = numbered([Seen(minute, "ann", "revealed", "i1", 0) for minute in (0, 5, 10)])
    late = numbered([Seen(minute, "ann", "revealed", "i1", 0) for minute in (0, 5, 11)])
    case = BOOKS["event_count gte"]

    assert run(case, [usage(event, n) for n, event in enumerate(events)])[1]
    assert not run(case, [usage(event, n) for n, event in enumerate(late)])[1]


def alerts(rulebook: Rulebook, items: Sequence[Item]) -> Heard:
    """The alerts that the items raise, with time passing at the end."""
    state = kernel.State(kernel.Memory("acme"), kernel.Plan(rulebook))
    heard = stories.play(state, items)
    heard.hear(kernel.tick(state, LAST))
    return heard


def test_every_later_event_holds_again_and_folds_into_one_alert() -> None:
    events = numbered([Seen(minute, "ann", "revealed", "i1", 0) for minute in range(9)])
    heard = alerts(BOOKS["event_count gte"], [usage(event, n) for n, event in enumerate(events)])
    (alert,) = heard.alerts.values()

    assert alert.count == len(alert.event_ids) == 9
    assert alert.summary == "9 reveals by Ann within 10 minutes"
    assert alert.subject.id == "ANN"
    assert alert.why == ("+ 9 counted; the rule asks for at least 3",)


def test_a_long_burst_names_a_hundred_events_and_counts_them_all() -> None:
    items = [
        usage(Seen(0, "ann", "revealed", "i1", 0), number).after(
            usage(Seen(0, "ann", "revealed", "i1", 0), 0), seconds=number
        )
        for number in range(450)
    ]
    (alert,) = alerts(BOOKS["event_count gte"], items).alerts.values()

    assert len(alert.event_ids) == 100
    assert alert.count == 450
    assert alert.score > 70


def test_events_without_a_group_are_dropped_and_counted() -> None:
    rulebook = book(indented(type="event_count", group_by="[vault.id]", condition="{gte: 1}"))
    item = usage(Seen(0, "ann", "revealed", "i1", 0), 0)
    item.fields["vault_uuid"] = None
    state, found = run(rulebook, [item])

    assert not found
    assert state.tails[RULE].ungrouped == 1


def test_silence_is_heard_once_and_taken_back_when_it_was_none() -> None:
    rulebook = book(indented(type="event_count", condition="{lt: 1}"))
    items = [usage(Seen(minute, "ann", "revealed", "i1", 0), minute) for minute in (0, 40, 9)]
    _, found = run(rulebook, items, [2])
    said = [(f"{each.time:%H:%M}", each.suppressed_by) for each in found]

    assert said == [("08:10", None), ("08:50", None), ("08:10", "superseded"), ("08:19", None)]


def test_an_open_alert_that_a_late_event_makes_untrue_says_so_and_keeps_its_id() -> None:
    rulebook = book(
        indented(type="value_avg", condition="{gte: 8, field: used_version}"),
    )
    state = kernel.State(kernel.Memory("acme"), kernel.Plan(rulebook))
    on_time, late = Seen(0, "ann", "revealed", "i1", 9), Seen(-1, "ann", "revealed", "i1", 0)
    heard = stories.play(state, [usage(on_time, 1)])
    heard.hear(kernel.tick(state, stories.at("12:00")))
    (before,) = heard.alerts.values()
    heard.hear(kernel.detect(state, *stories.page([usage(late, 2, stories.at("12:30"))])))
    (after,) = heard.alerts.values()

    assert (before.level, before.summary) == (
        "high",
        "Average of item.version is 9 in 1 reveals by Ann within 10 minutes",
    )
    assert (after.id, after.level, after.status) == (before.id, "informational", "open")
    assert after.summary == f"No longer so: {before.summary}"
    assert after.why[0] == (
        "- taken back: an event came late, so that at 02 Mar 08:00:00 UTC it was: "
        "Average of item.version is 4.5 in 2 reveals by Ann within 10 minutes"
    )
