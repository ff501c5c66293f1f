"""Slack's bad days, through the outbox: limits are kept, nothing is lost, and nothing is told twice."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from detector import jobs
from detector.delivery.orders import Flood
from detector.notifiers.slack import Slack
from detector.notifiers.slack_api import SlackApi, slack_client
from detector.notifiers.slack_errors import AMBIGUOUS, CONFIGURATION, CONTENT, DENIED, LATER
from detector.notifiers.slack_pace import Pace
from detector.rendering import Renderer
from detector.store.sqlite import Commit
from tests.conftest_delivery import TOKEN, SlackServer
from tests.delivery import Day, day, high
from tests.fakes import ORDERS, round_
from tests.slack_edge import FAULTS, SlackEdge, slack_edge
from tests.slack_limits import SLACK, STRICT, Limiter

CALM = replace(
    ORDERS,
    destinations=("slack",),
    editing=frozenset({"slack"}),
    flood=Flood(high=1000, other=1000),
)
ERRORS = sorted({*AMBIGUOUS, *CONFIGURATION, *LATER, "something_new", "restricted_action"})


@dataclass
class Tries:
    """A day with the real notifier, whose pace and whose Slack's limits keep the day's own clock."""

    one: Day
    slack: Slack
    edge: SlackEdge
    server: SlackServer
    channel: str

    def clock(self) -> float:
        """Seconds of the day."""
        return self.one.now.timestamp()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.one.now += timedelta(seconds=seconds)

    def rounds(self, count: int, every: timedelta) -> None:
        """Tell again and again, until nothing waits."""
        for _ in range(count):
            self.one.now += every
            jobs.tell(round_(self.one.store, self.one.now, self.one.orders), {"slack": self.slack})
            if not {"waiting", "sending"} & self.states():
                return

    def states(self) -> set[str]:
        """The states of all messages."""
        return {each.state for each in self.one.store.outbox.listed()}

    def keys(self) -> Counter[str]:
        """How often each message stands in the channel, by its key."""
        answer = self.server.client().conversations_history(
            channel=self.channel, include_all_metadata=True, limit=900
        )
        payloads: list[dict[str, Any]] = [
            each["metadata"]["event_payload"] for each in answer["messages"]
        ]
        return Counter(each["idem"] for each in payloads)


@contextmanager
def bad_day(
    folder: Path, server: SlackServer, channel: str, words: Renderer, **edge_fields: Any
) -> Iterator[Tries]:
    """A day with Slack behind the edge."""
    with slack_edge(server.base_url, **edge_fields) as edge, day(folder, CALM) as one:
        made = Tries(one, None, edge, server, channel)  # type: ignore[arg-type]
        client = slack_client(TOKEN, base_url=edge.base_url, timeout_s=5)
        pace = Pace(monotonic=made.clock, sleep=made.sleep)
        made.slack = Slack(SlackApi(client, pace), words, channel)
        if edge.limiter is not None:
            edge.limiter.now = made.clock
        yield made


def found(one: Day, count: int, *, first: int = 0) -> set[str]:
    """Let the engine find high alerts about so many people; the keys of their messages."""
    alerts = [high(f"p{number}") for number in range(first, first + count)]
    one.store.commit(Commit("acme", one.now, alerts=alerts))
    return {f"inc-{each.id[:16]}.1" for each in alerts}


def test_our_own_pace_keeps_the_limits_that_slack_tells(
    tmp_path: Path, slack_server: SlackServer, slack_channel: str, renderer: Renderer
) -> None:
    limiter = Limiter(SLACK)
    with bad_day(tmp_path, slack_server, slack_channel, renderer, limiter=limiter) as tries:
        keys = found(tries.one, 40)
        tries.rounds(60, timedelta(seconds=2))
        assert tries.keys() == dict.fromkeys(keys, 1)
        assert limiter.refused == []


def test_a_slack_that_is_stricter_is_waited_for_as_it_asks(
    tmp_path: Path, slack_server: SlackServer, slack_channel: str, renderer: Renderer
) -> None:
    limiter = Limiter(STRICT)
    with bad_day(tmp_path, slack_server, slack_channel, renderer, limiter=limiter) as tries:
        keys = found(tries.one, 20)
        tries.rounds(200, timedelta(seconds=2))
        assert tries.keys() == dict.fromkeys(keys, 1)
        assert limiter.refused
        assert limiter.early == 0, "nobody calls before the time that Slack asked for"
        assert tries.states() == {"sent"}


@pytest.mark.parametrize("seed", range(8))
def test_whatever_goes_wrong_each_message_is_told_once(
    tmp_path: Path, slack_server: SlackServer, slack_channel: str, renderer: Renderer, seed: int
) -> None:
    chance = Random(seed)
    left = itertools.count(14, -1)

    def fault(method: str) -> str:
        # Where history may not be read for good, a lost answer means a double; that is not meant.
        never = DENIED if method.startswith("conversations.") else ()
        kinds = [each for each in (*FAULTS, *ERRORS) if each not in never]
        return chance.choice(kinds) if next(left) > 0 else ""

    with bad_day(tmp_path, slack_server, slack_channel, renderer, fault=fault) as tries:
        keys = found(tries.one, 3)
        tries.rounds(300, timedelta(minutes=2))
        assert tries.keys() == dict.fromkeys(keys, 1)
        assert tries.states() == {"sent"}


@pytest.mark.parametrize("code", sorted(CONTENT))
def test_a_refused_layout_is_said_in_plain_words_and_once(
    tmp_path: Path, slack_server: SlackServer, slack_channel: str, renderer: Renderer, code: str
) -> None:
    codes = iter([code])
    with bad_day(
        tmp_path, slack_server, slack_channel, renderer, fault=lambda _method: next(codes, "")
    ) as tries:
        keys = found(tries.one, 1)
        tries.rounds(3, timedelta(seconds=2))
        assert tries.keys() == dict.fromkeys(keys, 1)
        [message] = slack_server.messages(slack_channel)
        assert not message.get("blocks")


def test_two_days_of_outage_lose_nothing_and_tell_nothing_twice(
    tmp_path: Path, slack_server: SlackServer, slack_channel: str, renderer: Renderer
) -> None:
    kinds = itertools.cycle(["503", "reset", "502", "a page"])
    down = [True]
    with bad_day(
        tmp_path,
        slack_server,
        slack_channel,
        renderer,
        fault=lambda _method: next(kinds) if down[0] else "",
    ) as tries:
        tries.one.orders = replace(CALM, flood=Flood())
        for day_part in range(8):
            found(tries.one, 5, first=5 * day_part)
            tries.rounds(12, timedelta(minutes=30))
        assert tries.keys() == {}
        down[0] = False
        tries.rounds(60, timedelta(minutes=1))
        told = tries.keys()
        assert set(told.values()) == {1}
        said = {key.rpartition(".")[0] for key in told}
        in_digests = {
            alert
            for each in said
            if each.startswith("dig-")
            for alert in tries.one.store.digested(each)
        }
        alerts = tries.one.store.alerts()
        alone = {each.id for each in alerts if each.incident_id in said}
        assert alone | in_digests == {each.id for each in alerts}
        # One digest, six of the worst alone, and those whose try may have arrived: the first five,
        # and two with which it was probed further down.
        assert len(told) <= 1 + 6 + 5 + 2
