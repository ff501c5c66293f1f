"""The laws of delivery, whatever happens: nothing is lost, nothing is doubled, all has a reason."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from detector import jobs
from detector.alerts import Reason
from detector.delivery import lifecycle
from detector.delivery.bulletins import Bulletin
from detector.delivery.commands import Refused, Verb
from detector.delivery.orders import Flood, Inhibition, Match, QuietHours, Route, Timetable
from detector.delivery.policy import Hold
from detector.findings import LEVELS, Level
from tests.delivery import Day, alert, day
from tests.fakes import ORDERS
from tests.test_floods import Channel, readable

MINUTE = timedelta(minutes=1)
UTC = ZoneInfo("UTC")
SLACK = replace(
    ORDERS,
    destinations=("slack",),
    editing=frozenset({"slack"}),
    routes=(
        Route(Match(level=("high", "critical")), ("slack",)),
        Route(Match(level=("medium",)), ("slack",)),
    ),
    flood=Flood(high=2, other=2),
    quiet=QuietHours(time(22), time(7), UTC),
    inhibitions=(Inhibition(("b",), ("c",)),),
    medium_wait=timedelta(seconds=30),
    remind_after=(timedelta(minutes=30),),
    digest=Timetable(time(8), None, UTC),
)
KINDS = ("find", "find", "find", "raise", "again", "say", "hush", "away", "wait")
PEOPLE, RULES = [f"p{number}" for number in range(12)], "abc"
HELD = {
    Hold.SILENCED, Hold.INHIBITED, Hold.DIGEST_ONLY, Hold.CLOSED, Hold.ACKNOWLEDGED,
    Hold.SNOOZED, Hold.NOT_TOLD_YET,
}  # fmt: skip


class Script:
    """Plays steps on a day."""

    def __init__(self, one: Day) -> None:
        self.one = one
        self.found: dict[str, int] = {}
        assert isinstance(one.box, Channel)
        self.channel = one.box
        self.channel.clock = one

    def play(self, chance: Random) -> None:
        """Do one step; what makes no sense now is refused, and that is that."""
        kind, name, rule = chance.choice(KINDS), chance.choice(PEOPLE), chance.choice(RULES)
        level, minutes = chance.choice(LEVELS), chance.randint(1, 400)
        one, made = self.one, alert(name, rule)
        known = self.found.get(made.id)
        if kind == "find" and known is None:
            self._find(made, level, Reason.FIRST_SEEN)
        elif kind == "raise" and known is not None and level.rank > known:
            self._find(made, level, Reason.LEVEL_RAISED)
        elif kind == "again" and known is not None:
            self._find(made, LEVELS[known], Reason.STILL_HAPPENING)
        elif kind == "say":
            verb = chance.choice(list(lifecycle.STATUS))
            with suppress(Refused):
                one.say(verb, made.id, until=one.now + 60 * MINUTE)
        elif kind == "hush":
            matchers = (f"rule={rule}", f"subject={name.upper()}")
            one.say(Verb.SILENCE, "", matchers=matchers, until=one.now + minutes * MINUTE)
        elif kind == "away":
            self.channel.away = (one.now, one.now + minutes * MINUTE)
        elif kind == "wait":
            self.pass_by(chance.choice([1, 5, minutes]) * MINUTE)

    def pass_by(self, span: timedelta) -> None:
        """Let time pass, with a round of telling every ten minutes."""
        end = self.one.now + span
        while self.one.now < end:
            jobs.digest(self.one.store, self.one.orders, self.one.now)
            self.one.tell(min(10 * MINUTE, end - self.one.now))

    def _find(self, made: object, level: Level, reason: Reason) -> None:
        one, base = self.one, made
        moment = {"time": one.now, "first_time": one.now, "detected_at": one.now}
        whole = replace(base, level=level, score=level.rank * 20 + 5, **moment)  # type: ignore[type-var, call-arg]
        self.found[whole.id] = level.rank
        one.find(whole, reason=reason)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_nothing_is_lost_nothing_doubled_and_all_has_a_reason(seed: int) -> None:
    _lives_through(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8, 100))
def test_the_same_of_many_more_days(seed: int) -> None:
    _lives_through(seed)


def _lives_through(seed: int) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        day(Path(folder), SLACK, slack=Channel()) as one,
    ):
        played = Script(one)
        chance = Random(seed)
        for _ in range(60):
            played.play(chance)
        played.pass_by(timedelta(days=2))

        posted = played.channel.posted
        told = readable(one, posted.values())
        for name in played.found:
            reasons = {each.reason for each in one.store.decisions(name)}
            assert reasons, "no decision"
            assert name in told or reasons & HELD, reasons
            if any(each.verdict == "tell" for each in one.store.decisions(name)):
                assert name in told
        assert set(played.channel.keys.values()) <= {1}
        waiting = {each.state for each in one.store.outbox.listed()}
        assert waiting <= {"sent", "folded"}
        assert one.store.journal.broken() is None
        with one.store.deciding(one.now) as book:
            assert book.news(most=99) == []
        heads = [each for each in posted.values() if isinstance(each, Bulletin) and each.head]
        assert all(each.head.message_id in posted for each in heads if each.head)
