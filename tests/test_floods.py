"""Ten thousand alerts at once, and two days without Slack: little is sent, and nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts import Alert
from detector.delivery import circuit as circuits
from detector.delivery import flood
from detector.delivery.bulletins import (
    Bulletin,
    Cause,
    Digest,
    DigestKind,
    Kind,
    Message,
    Notice,
    Receipt,
)
from detector.delivery.circuit import Circuit
from detector.delivery.flood import Room, Tell, parted
from detector.delivery.orders import Flood, Match, Orders, Route
from detector.findings import Level
from detector.ports import Attempt, DeliveryError
from tests.delivery import NOON, Day, alert, day, high
from tests.fakes import ORDERS, Mailbox

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SLACK = replace(ORDERS, destinations=("slack",), editing=frozenset({"slack"}), flood=Flood())


@dataclass
class Channel(Mailbox):
    """A channel that is away for a while; some of what it refuses then has arrived all the same.

    `posted` is what people can read there, by key.
    """

    name: str = "slack"
    edits: bool = True
    away: tuple[datetime, datetime] | None = None
    clock: Day | None = None
    posted: dict[str, Message] = field(default_factory=dict)
    tries: int = 0

    def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Take the message once; while away fail, every seventh time after it has arrived."""
        self.tries += 1
        key = attempt.key
        now = self.clock.now if self.clock else NOON
        if self.away and self.away[0] <= now < self.away[1]:
            if self.tries % 7 == 0 and key not in self.posted:
                self.keys[key] += 1
                self.posted[key] = message
            raise DeliveryError("no answer", ambiguous=True)
        if attempt.again and key in self.posted:
            return Receipt(key)
        self.keys[key] += 1
        self.posted[key] = message
        return Receipt(key)


def storm(count: int) -> list[Alert]:
    """Many alerts about as many people, one in ten high, and one critical among them."""
    found = [
        high(f"p{number}", "takeover") if number % 10 == 0 else alert(f"p{number}", "new_device")
        for number in range(count)
    ]
    return [*found, alert("eve", "owner_added", level=Level.CRITICAL, score=95)]


def readable(one: Day, messages: Iterable[Message]) -> set[str]:
    """Ids of the alerts that some message tells, alone or in a digest that lists them."""
    told: set[str] = set()
    for each in messages:
        if isinstance(each, Bulletin):
            told |= {found.id for found in each.incident.alerts}
        elif isinstance(each, Digest):
            told |= one.store.digested(each.id)
    return told


def test_a_flood_becomes_a_handful_of_messages_and_all_of_it_is_listed(tmp_path: Path) -> None:
    found = storm(600)
    with day(tmp_path, SLACK, slack=Channel()) as one:
        one.find(*found)
        channel = one.box
        assert isinstance(channel, Channel)
        messages = list(channel.posted.values())

        assert len(messages) == SLACK.flood.high + SLACK.flood.other + 1
        assert readable(one, messages) == {each.id for each in found}
        first = next(iter(messages))
        assert isinstance(first, Bulletin)
        assert first.incident.level is Level.CRITICAL
        (digest,) = [each for each in messages if isinstance(each, Digest)]
        assert digest.kind is DigestKind.FLOOD
        assert "592" in digest.title
        assert digest.sections[0].lines[0].startswith("55 alerts, high: Takeover: ")
        hidden = next(each for each in found if each.id in one.store.digested(digest.id))
        assert one.why(hidden)[-1] == "flood"


def test_a_flood_that_goes_on_edits_its_message(tmp_path: Path) -> None:
    found = storm(200)
    with day(tmp_path, SLACK, slack=Channel()) as one:
        for start in range(0, len(found), 67):
            one.find(*found[start : start + 67])
            one.tell(MINUTE)
        channel = one.box
        assert isinstance(channel, Channel)
        digests = [each for each in channel.posted.values() if isinstance(each, Digest)]

        assert len({each.id for each in digests}) == 1
        assert [each.head is not None for each in digests] == [False, True, True]
        assert readable(one, channel.posted.values()) == {each.id for each in found}


def test_where_messages_cannot_be_edited_a_flood_is_told_when_it_is_over(tmp_path: Path) -> None:
    found = storm(200)
    with day(tmp_path, replace(ORDERS, flood=Flood())) as one:
        one.find(*found[:100])
        one.tell(MINUTE)
        one.find(*found[100:])
        one.tell(5 * MINUTE)

        (digest,) = [each for each in one.box.messages if isinstance(each, Digest)]
        assert readable(one, one.box.messages) == {each.id for each in found}
        assert digest.until == NOON + MINUTE


def test_a_single_alert_after_a_flood_is_told_alone(tmp_path: Path) -> None:
    with day(tmp_path, SLACK, slack=Channel()) as one:
        one.find(*storm(100))
        one.tell(6 * MINUTE)
        late = high("zoe", "export", time=one.now, first_time=one.now)
        one.find(late)
        channel = one.box
        assert isinstance(channel, Channel)
        *_, last = channel.posted.values()
        assert isinstance(last, Bulletin)
        assert last.incident.worst.id == late.id


tells = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from("abc"), st.sampled_from(Level)).map(
        lambda made: Tell(
            f"inc-{made[0]}",
            alert(f"p{made[0]}", made[1], level=made[2], score=made[2].rank * 20),
            Cause.FIRST_TOLD,
            Route(Match(), ("slack",)),
        )
    ),
    max_size=30,
)
rooms = st.builds(Room, st.integers(0, 4), st.integers(0, 4))


@given(tells, rooms)
def test_flood_protection_drops_nothing_and_keeps_its_caps(told: list[Tell], left: Room) -> None:
    alone, together = parted(told, left)

    found = [each for group in (*alone, *together) for each in group]
    assert Counter(map(id, found)) == Counter(map(id, told))
    assert sum(group[0].is_high for group in alone) <= left.high
    assert sum(not group[0].is_high for group in alone) <= left.other
    assert all(len({each.incident_id for each in group}) == 1 for group in (*alone, *together))
    ranks = [group[0].alert.level.rank for group in alone]
    assert ranks == sorted(ranks, reverse=True)


@given(tells, st.integers(1, 4))
def test_the_worst_of_every_rule_comes_before_the_second_of_any(
    told: list[Tell], most: int
) -> None:
    alone, _ = parted(told, Room(most, most))
    high_rules = [group[0].alert.rule.id for group in alone if group[0].is_high]
    first = list(dict.fromkeys(high_rules))
    level = {group[0].alert.level for group in alone if group[0].is_high}
    if len(level) == 1:
        assert high_rules[: len(first)] == first


@pytest.mark.parametrize(("age_s", "after_s"), [(0, 60), (1200, 120), (10**6, 1800)])
def test_the_older_an_incident_the_rarer_its_edits(age_s: int, after_s: int) -> None:
    assert flood.edit_after(timedelta(seconds=age_s)) == timedelta(seconds=after_s)


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_waits_depend_on_the_age_of_the_outage_alone(age_s: int, luck: float) -> None:
    def chance(low: float, high: float) -> float:
        return low + luck * (high - low)

    now = NOON + timedelta(seconds=age_s)
    for failures in (0, 4, 99):
        after = circuits.failed(Circuit(failures, NOON), now, "away", chance)
        if after.is_open:
            assert after.not_before is not None
            wait_s = (after.not_before - now).total_seconds()
            longest = min(900.0, max(2.0, age_s))
            assert longest / 2 - 1e-3 <= wait_s <= longest + 1e-3


def outage(one: Day, *, days: float, after: timedelta = 6 * HOUR) -> list[Alert]:
    """Let `days` of two alerts an hour pass without Slack, and some time after it."""
    channel = one.box
    assert isinstance(channel, Channel)
    channel.clock = one
    channel.away = (NOON + HOUR, NOON + HOUR + timedelta(days=days))
    found: list[Alert] = []
    end = channel.away[1] + after
    while one.now < end:
        number = len(found)
        moment = {"time": one.now, "first_time": one.now, "detected_at": one.now}
        made = high(f"p{number}", "takeover", **moment) if number % 5 == 0 else None
        found.append(made or alert(f"p{number}", "new_device", **moment))
        one.find(found[-1])
        for _ in range(30):
            one.tell(MINUTE)
    return found


def test_two_days_without_slack_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    with day(tmp_path, SLACK, slack=Channel()) as one:
        found = outage(one, days=2)
        channel = one.box
        assert isinstance(channel, Channel)
        messages = list(channel.posted.values())

        lost = {each.id for each in found} - readable(one, messages)
        doubled = {key: count for key, count in channel.keys.items() if count > 1}
        assert (lost, doubled) == (set(), {})
        (digest,) = [each for each in messages if isinstance(each, Digest)]
        assert digest.kind is DigestKind.CATCH_UP
        assert "slack could not be reached for 48 h" in digest.title
        late = [
            each
            for each in messages
            if isinstance(each, Bulletin) and each.kind is Kind.NEW and each.delayed
        ]
        assert 0 < len(late) <= SLACK.flood.high + channel.tries // 7
        assert {"sent", "folded"} == {each.state for each in one.store.outbox.listed()}
        assert channel.tries < 500


def test_what_was_acknowledged_meanwhile_is_not_told_one_by_one(tmp_path: Path) -> None:
    with day(tmp_path, SLACK, slack=Channel()) as one:
        channel = one.box
        assert isinstance(channel, Channel)
        channel.clock, channel.away = one, (NOON, NOON + 3 * HOUR)
        people = [high(f"p{number}", "takeover") for number in range(6)]
        people += [high(f"q{number}", "export", score=61) for number in range(9)]
        one.orders = replace(SLACK, flood=Flood(high=99))
        one.find(*people)
        for each in people[7:]:
            one.say("ack", each.id)  # type: ignore[arg-type]
        for _ in range(200):
            one.tell(MINUTE)

        assert readable(one, channel.posted.values()) == {each.id for each in people}
        alone = [each for each in channel.posted.values() if isinstance(each, Bulletin)]
        # The five that were tried may have arrived, one of them an acknowledged one.
        assert {each.incident.worst.id for each in alone} == {each.id for each in people[:8]}


def test_while_slack_is_away_its_fallback_hears_so_and_gets_what_is_high(tmp_path: Path) -> None:
    route = Route(Match(), ("slack",))
    orders = Orders(
        ("slack", "email"), frozenset({"slack"}), routes=(route,), fallbacks={"slack": "email"},
        medium_wait=timedelta(0), remind_after=(),
    )  # fmt: skip
    boxes = {"slack": Channel(), "email": Mailbox("email")}
    with day(tmp_path, orders, **boxes) as one:
        channel = boxes["slack"]
        assert isinstance(channel, Channel)
        channel.clock, channel.away = one, (NOON, NOON + 5 * HOUR)
        one.find(high("ann"), alert("ben"))
        for _ in range(360):
            one.tell(MINUTE)

        notices = [each for each in boxes["email"].messages if isinstance(each, Notice)]
        copies = [each for each in boxes["email"].messages if isinstance(each, Bulletin)]
        assert [each.title for each in notices] == ["slack is away"]
        assert [(each.cause, each.incident.subject.id) for each in copies] == [
            (Cause.FALLBACK, "ANN")
        ]
        both = readable(one, channel.posted.values())
        assert both == {high("ann").id, alert("ben").id}
