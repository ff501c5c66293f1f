"""Slack's limits are kept before Slack has to say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.notifiers.slack_api import SlackApi, slack_client
from detector.notifiers.slack_pace import BUDGETS, LONGEST_WAIT_S, POST, Pace
from detector.ports import DeliveryError
from tests.conftest_delivery import Answer


@dataclass
class Clock:
    """A clock that only sleeping and waiting move."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.slept.append(seconds)
        self.now += seconds

    def pace(self) -> Pace:
        """A pace by this clock."""
        return Pace(monotonic=lambda: self.now, sleep=self.sleep)


@given(
    st.sampled_from(sorted(BUDGETS)),
    st.lists(st.floats(0, 5), min_size=1, max_size=120),
)
def test_no_minute_holds_more_calls_than_the_budget(method: str, gaps: list[float]) -> None:
    clock, budget = Clock(), BUDGETS[method]
    pace, calls, told_later = clock.pace(), list[float](), list[float]()
    for gap in gaps:
        clock.now += gap
        try:
            pace.wait(method, "C1")
            calls.append(clock.now)
        except DeliveryError as error:
            told_later.append(error.retry_after_s or 0.0)
    assert all(wait > LONGEST_WAIT_S for wait in told_later)
    for start in calls:
        within = [call for call in calls if start <= call < start + 60]
        assert len(within) <= budget.a_minute + budget.at_once
    assert all(wait <= LONGEST_WAIT_S for wait in clock.slept)


def test_whoever_is_told_to_come_back_has_a_turn_then() -> None:
    clock = Clock()
    pace = clock.pace()
    for _ in range(5):
        pace.wait("conversations_list", "")
    with pytest.raises(DeliveryError) as told:
        pace.wait("conversations_list", "")
    clock.now += told.value.retry_after_s or 0.0
    pace.wait("conversations_list", "")


def test_each_channel_has_its_own_second() -> None:
    clock = Clock()
    pace = clock.pace()
    for channel in range(50):
        pace.wait(POST, f"C{channel}")
    assert clock.slept == []


def test_a_wait_that_slack_asked_for_is_kept() -> None:
    clock = Clock()
    pace = clock.pace()
    pace.hold(POST, "C1", 30.0)
    with pytest.raises(DeliveryError) as told:
        pace.wait(POST, "C1")
    assert told.value.retry_after_s == 30.0
    pace.wait(POST, "C2")
    clock.now = 30.0
    pace.wait(POST, "C1")


def test_a_429_of_slack_holds_the_method_and_asks_nothing_more(
    answering: Callable[[Answer], str],
) -> None:
    clock = Clock()
    client = slack_client("xoxb", base_url=answering(Answer(429, {"Retry-After": "7"}, "{}")))
    api = SlackApi(client, clock.pace())
    for seconds_left in (7.0, 4.0):
        with pytest.raises(DeliveryError) as told:
            api.call(POST, channel="C1", text="x")
        assert told.value.retry_after_s == seconds_left
        clock.now += 3.0
    assert clock.slept == []
