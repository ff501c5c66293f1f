"""Anything in any order: news, polls, crashes, restarts, clock jumps, reloads, a sink that is away.

Two lives have the same days: one is calm, the other dies and has a mailbox that refuses. What is
stored must be the same; what is told may differ by one message for each death.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from detector import jobs
from detector.plans import Texts
from tests.fakes import (
    Clock,
    Death,
    Mailbox,
    Mortal,
    ScriptedSource,
    close,
    open_desk,
    round_,
    shipped_texts,
)
from tests.stories import Item, at, audit, sign_in, usage
from tests.test_crash import told

PEOPLE = ("ann", "ben")
HOMES = {"ann": "paris", "ben": "toronto"}
FEWER = {path: text for path, text in shipped_texts().rules.items() if "new_device" not in path}
PLANS = (shipped_texts(), shipped_texts(rules=FEWER))
LONGEST = timedelta(minutes=20)


def taught() -> list[Item]:
    """Four days of two people at home."""
    return [
        make(who, HOMES[who], f"-{day} {hour}:00")
        for day in range(1, 5)
        for who in PEOPLE
        for hour, make in ((9, sign_in), (10, usage), (11, audit))
    ]


POINTS = tuple(
    f"{side}_{step}" for step in ("send", "commit", "tick", "keep") for side in ("before", "after")
)


@dataclass
class Doomed(Mortal):
    """Dies at the next point of the name `at`, once."""

    at: str = ""

    def __call__(self, name: str) -> None:
        self.seen.append(name)
        if name == self.at:
            self.at = ""
            raise Death(name)


@dataclass
class Life:
    """One account, whose process may die at the next points."""

    folder: Path
    point: Doomed = field(default_factory=Doomed)
    mailbox: Mailbox = field(default_factory=Mailbox)
    texts: Texts = PLANS[0]
    deaths: int = 0
    desk: jobs.Desk | None = None

    def round(self, source: ScriptedSource, clock: Clock) -> None:
        """Poll, sweep, tell and keep the state, again after a death, until it is through."""
        while True:
            try:
                desk = self.opened(clock)
                jobs.poll(desk, source, clock)
                jobs.sweep(desk, source, clock)
                round_now = round_(desk.store, clock(), point=self.point)
                jobs.tell(round_now, {"mailbox": self.mailbox})
                jobs.keep_state(desk, clock())
            except Death:
                self.deaths += 1
                self.end()
            else:
                return

    def opened(self, clock: Clock) -> jobs.Desk:
        """The desk, of a new process if the last one ended."""
        if self.desk is None:
            self.desk = open_desk(self.folder, clock(), texts=self.texts, point=self.point)
        return self.desk

    def end(self) -> None:
        """The process ends."""
        if self.desk is not None:
            close(self.desk)
            self.desk = None


class Machine(RuleBasedStateMachine):
    """The two lives under one clock."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        self.clock = Clock(at("8:00"))
        self.source = ScriptedSource(taught(), size=4)
        self.known = {item.id for item in taught()}
        self.calm, self.wild = Life(path / "calm"), Life(path / "wild")
        self.lives = (self.calm, self.wild)
        self.polled = False

    @initialize()
    def begin(self) -> None:
        """Learn from what was."""
        self.poll()

    @rule(
        make=st.sampled_from((sign_in, usage, audit)),
        who=st.sampled_from(PEOPLE),
        place=st.sampled_from(("paris", "toronto", "lagos")),
        ago=st.integers(0, 90),
    )
    def happen(self, make: Callable[..., Item], who: str, place: str, ago: int) -> None:
        """Something happens, or is synced late."""
        self._add(make(who, place, self.clock() - timedelta(minutes=ago)))

    @rule(who=st.sampled_from(PEOPLE), ago=st.integers(0, 30), point=st.sampled_from(POINTS[:4]))
    def steal(self, who: str, ago: int, point: str) -> None:
        """Somebody exports a vault from far away; the wild one dies of it."""
        time = self.clock() - timedelta(minutes=ago)
        self._add(sign_in(who, "tokyo", time))
        self._add(audit(who, "tokyo", time, deed="export vault", object=f"{time}"))
        self.crash(point)

    def _add(self, item: Item) -> None:
        if item.id not in self.known:
            self.known.add(item.id)
            self.source.add([item])
            self.polled = False

    @rule(minutes=st.integers(1, 5))
    def poll(self, minutes: int = 1) -> None:
        """A round of both some minutes later."""
        self.clock.time += timedelta(minutes=minutes)
        for life in self.lives:
            life.round(self.source, self.clock)
        self.polled = True

    @rule(point=st.sampled_from(POINTS))
    def crash(self, point: str) -> None:
        """A round in which the wild one dies where it comes to the point, and is started again."""
        self.wild.point.at = point
        self.poll()
        self.wild.point.at = ""

    @rule()
    def restart(self) -> None:
        """The wild process ends as it should and is started at the next round."""
        self.wild.end()

    @rule(minutes=st.integers(-60, 3 * 24 * 60))
    def jump(self, minutes: int) -> None:
        """The clock is set, or the machine slept."""
        self.clock.time += timedelta(minutes=minutes)

    @rule(plan=st.sampled_from(PLANS))
    def reload(self, plan: Texts) -> None:
        """Both get other rules."""
        for life in self.lives:
            life.end()
            life.texts = plan

    @rule(times=st.integers(1, 7))
    def refuse(self, times: int) -> None:
        """The wild one's mailbox is away for so many messages."""
        self.wild.mailbox.refuse += times

    @rule()
    def recover(self) -> None:
        """It is back."""
        self.wild.mailbox.refuse = 0

    @invariant()
    def the_store_holds_what_was_served_once(self) -> None:
        """After a round everything is stored, and nothing ever twice."""
        if self.wild.desk is not None:
            pages = self.wild.desk.store.log.pages("acme")
            stored = Counter(uuid for frame, _ in pages for uuid in frame["event.id"])
            assert set(stored.values()) <= {1}
            assert set(stored) <= self.known
            assert not self.polled or set(stored) == self.known

    @invariant()
    def alerts_are_those_of_the_calm_life(self) -> None:
        """The same alerts in every word but those of delivery."""
        if self.polled and self.wild.desk is not None and self.calm.desk is not None:
            wild, calm = (told(life.desk.store.alerts()) for life in self.lives if life.desk)
            assert wild == calm

    @invariant()
    def little_is_told_twice(self) -> None:
        """One message for each death at most, and only what was looked for first."""
        keys = self.wild.mailbox.keys
        assert keys.total() - len(keys) <= self.wild.deaths
        assert {key for key, count in keys.items() if count > 1} <= set(self.wild.mailbox.looked)

    def teardown(self) -> None:
        """In the end everything that was to be told has arrived."""
        self.recover()
        for _ in range(4):
            self.clock.time += LONGEST
            self.poll()
        for life in self.lives:
            assert life.desk is not None
            letters = life.desk.store.outbox.listed()
            assert {each.state for each in letters} <= {"sent", "folded"}
            sent = {f"{each.about}.{each.sequence}" for each in letters if each.state == "sent"}
            assert set(life.mailbox.keys) == sent
            life.end()
        self.folder.cleanup()


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=16,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
