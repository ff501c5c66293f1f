"""Absence: what stops, what only rests, feeds that are blind or late, and what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import events, kernel, thresholds, workhours
from detector.findings import Level
from detector.people import Holiday, People
from detector.rule_types import cadence
from detector.rule_types.cadence import AbsenceTail, Presence, learned
from detector.rulebook.loading import load
from tests import stories
from tests.stories import MONDAY, ROOT, Heard, Item, few, play, sign_in, usage

RULE = """
title: The program has stopped
name: silent
id: 0d8a2c1e-52a7-4ac0-8d8b-4a3f1a2b9d04
status: stable
level: medium
behavior:
    type: absence
    rules: [op_program_use]
    {more}
alert: {{dedup: {{for: 30d}}}}
"""
NIGHT_AND_DAY = range(24)
OFFICE = range(8, 18)


@cache
def _plan(more: str = "times: 3", holiday: date | None = None) -> kernel.Plan:
    base = (ROOT / "rules/base/items.yml").read_text()
    loaded = load({"base.yml": base, "mine.yml": RULE.format(more=more)})
    assert not loaded.mistakes
    days = (Holiday(holiday, "Labour Day"),) if holiday else ()
    return kernel.Plan(loaded.rulebook, people=People(holidays=days))


def _at(day: float, hour: float = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour)


def _fetch(day: float, hour: float, who: str = "bot") -> Item:
    """A program fetches a secret; people do as well."""
    return usage(who, "paris", _at(day, hour), action="server-fetch")


def _work(hours: Sequence[int], first: int, last: int, *, weekends: bool) -> list[Item]:
    days = [day for day in range(first, last) if weekends or day % 7 < 5]
    return [_fetch(day, hour + 0.5) for day in days for hour in hours]


def _learned(hours: Sequence[int], *, weekends: bool, plan: kernel.Plan) -> kernel.State:
    """An engine that knows the program for three weeks, up to Monday midnight."""
    state = stories.engine(plan)
    play(state, _work(hours, -21, 0, weekends=weekends))
    return state


def _pass(state: kernel.State, *moments: datetime, feeds: Sequence[str] = events.FEEDS) -> Heard:
    """Let time pass; the feeds were read to their end each time."""
    heard = Heard()
    for moment in moments:
        upto = dict.fromkeys(feeds, workhours.microseconds(moment))
        heard.hear(kernel.tick(state, moment, upto))
    return heard


def test_what_runs_day_and_night_is_missed_within_hours() -> None:
    state = _learned(NIGHT_AND_DAY, weekends=True, plan=_plan())
    (alert,) = _pass(state, _at(0, 9)).of("silent")

    assert alert.time == _at(0, 3)
    assert alert.first_time == _at(-1, 23.5)
    assert alert.summary == "Bot was not seen since Sun 1 Mar 23:30 UTC: 3 hours of silence"
    assert "+ 3 usual hours have passed without it" in alert.why


@pytest.mark.parametrize(
    ("weekends", "until", "alerts"),
    [
        (False, _at(5, 23), 0),  # Saturday night
        (False, _at(7, 7), 0),  # Monday morning
        (False, _at(7, 18), 1),  # Monday evening
        (True, _at(5, 23), 1),
    ],
)
def test_nights_and_weekends_of_what_rests_then_are_no_silence(
    weekends: bool, until: datetime, alerts: int
) -> None:
    state = _learned(OFFICE, weekends=weekends, plan=_plan())
    play(state, _work(OFFICE, 0, 5, weekends=weekends))

    assert len(_pass(state, until).of("silent")) == alerts


def test_a_holiday_of_what_rests_at_weekends_is_no_silence() -> None:
    monday = _at(7).date()
    for plan, alerts in ((_plan(holiday=monday), 0), (_plan(), 1)):
        state = _learned(OFFICE, weekends=False, plan=plan)
        play(state, _work(OFFICE, 0, 5, weekends=False))

        assert len(_pass(state, _at(7, 22)).of("silent")) == alerts


@pytest.mark.parametrize(
    ("more", "until", "alerts"),
    [
        ("for: 1d6h", _at(1, 2), 0),
        ("for: 1d6h", _at(1, 8), 1),
        ("for: 2h", _at(0, 6), 1),
    ],
)
def test_a_declared_silence_counts_hours_of_its_usual_days(
    more: str, until: datetime, alerts: int
) -> None:
    state = _learned(NIGHT_AND_DAY, weekends=True, plan=_plan(more))

    assert len(_pass(state, until).of("silent")) == alerts


def test_a_declared_silence_is_never_shorter_than_the_usual_pause() -> None:
    """Every night it is away for fourteen hours; two hours of the day are too long, nights are not."""
    state = _learned(OFFICE, weekends=True, plan=_plan("for: 2h"))

    assert not _pass(state, _at(0, 7)).of("silent")
    assert _pass(state, _at(0, 14)).of("silent")


def test_a_blind_feed_never_looks_like_absence() -> None:
    """Sign-ins and ticks move the clock; of what the program is seen in nothing is known."""
    state = _learned(NIGHT_AND_DAY, weekends=True, plan=_plan())
    heard = play(state, [sign_in("ann", "paris", _at(day, 9)) for day in range(3)])
    for tick in (kernel.tick(state, _at(3)), kernel.tick(state, _at(3, 6), {events.SIGNIN: 2**60})):
        heard.hear(tick)
    assert not heard.of("silent")

    heard = play(state, [_fetch(3, 7, who="ann"), _fetch(3, 8.2, who="ann")])
    assert [alert.time for alert in heard.of("silent")] == [_at(0, 3)]


def test_a_late_feed_never_looks_like_absence() -> None:
    """After an outage the events of three days come at once, those of the program among others'."""
    state = _learned(NIGHT_AND_DAY, weekends=True, plan=_plan())
    play(state, [sign_in("ann", "paris", _at(3, 9))])
    back = [
        *_work(NIGHT_AND_DAY, 0, 3, weekends=True),
        *(_fetch(day, 12, "ann") for day in range(3)),
    ]
    received = _at(3, 10)
    late = [Item(each.feed, each.fields, each.time, received) for each in back]
    heard = play(state, sorted(late, key=lambda each: each.time))
    heard.hear(kernel.tick(state, received, {events.USAGE: workhours.microseconds(_at(3))}))

    assert not heard.of("silent")


def test_it_is_said_once_and_set_right_when_it_is_back() -> None:
    state = _learned(NIGHT_AND_DAY, weekends=True, plan=_plan())
    heard = _pass(state, *(_at(day) for day in range(1, 8)))
    (alert,) = heard.of("silent")
    assert (alert.level, alert.count) == (Level.MEDIUM, 1)
    heard.hear(kernel.detect(state, *stories.page([_fetch(7, 3)])))
    (alert,) = heard.of("silent")

    assert alert.level == Level.INFORMATIONAL
    assert alert.summary == "Bot is back since Mon 9 Mar 03:00 UTC, after 171 hours of silence"


def test_a_second_silence_raises_the_alert_again() -> None:
    state = _learned(NIGHT_AND_DAY, weekends=True, plan=_plan())
    heard = _pass(state, _at(0, 9))
    heard.hear(kernel.detect(state, *stories.page([_fetch(0, 10)])))
    heard.hear(kernel.tick(state, _at(2), {events.USAGE: workhours.microseconds(_at(2))}))
    (alert,) = heard.of("silent")
    assert alert.level == Level.MEDIUM
    heard.hear(kernel.detect(state, *stories.page([_fetch(2, 1)])))

    assert [each.level for each in heard.of("silent")] == [Level.INFORMATIONAL]


def test_an_event_that_comes_late_takes_the_alert_back() -> None:
    state = _learned(NIGHT_AND_DAY, weekends=True, plan=_plan())
    heard = _pass(state, _at(0, 9))
    late = _fetch(0, 2.5)
    heard.hear(
        kernel.detect(state, *stories.page([Item(late.feed, late.fields, late.time, _at(0, 9))]))
    )
    (alert,) = heard.of("silent")

    assert alert.summary.startswith("No longer so: Bot was seen at Mon 2 Mar 02:30 UTC")
    assert alert.level == Level.INFORMATIONAL


@few
@given(st.lists(st.integers(1, 80), max_size=12))
def test_how_time_passes_does_not_change_what_is_missed(steps: list[int]) -> None:
    """One jump of the clock, or any ticks on the way: the same finding, to the hour."""
    at_once = _learned(OFFICE, weekends=False, plan=_plan())
    by_steps = stories.copy(at_once)
    moments = sorted({_at(0, hour) for hour in steps} | {_at(4)})

    one, other = _pass(at_once, _at(4)), _pass(by_steps, *moments)
    assert one.told == other.told
    assert len(one.told) == 1


patterns = st.tuples(
    st.sets(st.integers(0, 23), min_size=1, max_size=24), st.booleans(), st.integers(0, 59)
)


@few
@given(patterns)
def test_what_goes_on_as_ever_is_never_missed(pattern: tuple[set[int], bool, int]) -> None:
    """Whatever its hours are, and though it is a little earlier or later each day."""
    hours, weekends, jitter = pattern
    present = Presence(0, "", 0, ("person", "x", None, None))
    days = [day for day in range(42) if weekends or (day - 4) % 7 < 5]
    for day in days:
        for hour in hours:
            present.mark(day * 24 + hour + (1 if (day * 7) % 60 < jitter else 0))
    known = learned(present, 42)
    assert known is not None
    marked = present.hours()
    for before, after in pairwise(marked):
        counted = sum(known.is_usual(hour) for hour in range(before + 1, after))
        assert counted < max(2, 3 * max(1, known.pause))


@pytest.mark.parametrize(
    ("days", "is_known"),
    [
        (range(28, 42), True),
        (range(30, 42), False),  # too young
        (range(14, 42, 7), False),  # once a week, of which four weeks say too little
    ],
)
def test_what_is_too_little_known_is_not_regular(days: Any, is_known: bool) -> None:
    present = Presence(0, "", 0, ("person", "x", None, None), first_day=min(days))
    for day in days:
        present.mark(day * 24 + 9)

    assert (learned(present, 42) is not None) == is_known


def test_what_is_kept_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cadence, "MOST_ENTITIES", 2)
    tail = AbsenceTail()
    for number in range(4):
        present = Presence(0, "", 0, ("person", "x", None, None))
        tail.begin(f"p{number}", present)
        for day in range(100):
            present.mark(day * 24)
    assert list(tail.present) == ["p2", "p3"]
    tail.forget(100 * workhours.DAY_US)

    assert all(len(each.days) <= cadence.HISTORY_DAYS for each in tail.present.values())
    tail.forget(200 * workhours.DAY_US)
    assert not tail.present


@pytest.mark.parametrize(("more", "asked"), [("times: 4", 4), ("for: 4h", 4)])
def test_what_was_nearly_missed_is_a_near_miss(more: str, asked: int) -> None:
    state = _learned(NIGHT_AND_DAY, weekends=True, plan=_plan(more))
    heard = _pass(state, _at(0, 5))
    (near,) = thresholds.below(state, 0)

    assert not heard.alerts
    assert (near.who, near.counted, near.asked) == ("Bot", 3, asked)


def test_what_a_plan_without_it_never_reads_costs_nothing() -> None:
    """Without such a rule the kernel does not even ask how far the feeds have come."""
    plan = kernel.Plan(load({"a.yml": (ROOT / "rules/base/items.yml").read_text()}).rulebook)
    state = stories.engine(plan)
    play(state, _work(OFFICE, 0, 3, weekends=True))

    assert state.memory.complete == {}
