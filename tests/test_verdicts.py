"""What a person says of an alert enters the account's log: the engine hears it, and replays it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from detector import accounts, backtesting, jobs, kernel, triage, workhours
from detector.alerts import Alert
from detector.delivery.commands import Command, Verb
from detector.delivery.journal import How
from detector.sources import replay
from detector.store import export
from detector.store.sqlite import Sqlite
from tests.fakes import ORDERS, SPAN, Clock, Mailbox, ScriptedSource, close, open_desk, round_
from tests.stories import at, audit, sign_in

HOUR = timedelta(hours=1)


class World:
    """A desk, its source, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.desk = open_desk(folder, at("0:00"))
        self.source = ScriptedSource()
        self.clock = Clock(at("0:00"))

    def happens(self, *items: object, now: str) -> tuple[Alert, ...]:
        """Let something happen, and the engine look at it."""
        self.source.add(items)  # type: ignore[arg-type]
        self.clock.time = at(now)
        alerts = jobs.poll(self.desk, self.source, self.clock).alerts
        jobs.tell(round_(self.desk.store, at(now)), {"mailbox": Mailbox()})
        return tuple(each for each in alerts if each.rule.name == "op_vault_exported")

    def say(self, verb: Verb, alert: Alert) -> None:
        """Let Sam say what it was."""
        command = Command(verb, alert.id, "sam", How.CLI, "because")
        jobs.obey(self.desk.store, command, ORDERS, self.clock.time)

    def kinds(self) -> list[str]:
        """The kinds of the controls of the log."""
        return [each.kind for each in self.desk.store.log.controls("acme")]

    def guards(self) -> bool:
        """Whether what Ann shows is not learned now."""
        facts = self.desk.account.state.memory.facts
        return facts.is_suspect("ANN", 0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "data")
    made.happens(sign_in("ann", "paris", "-2 9:00"), now="0:00")
    yield made
    close(made.desk)


def theft(when: str) -> object:
    return audit("ann", "paris", when, deed="export vault")


@pytest.mark.parametrize("verb", [Verb.BENIGN, Verb.FALSE_POSITIVE, Verb.RESOLVE])
def test_an_alert_that_a_person_closed_takes_no_more_findings(world: World, verb: Verb) -> None:
    (first,) = world.happens(theft("9:00"), now="9:05")
    (again,) = world.happens(theft("9:30"), now="9:35")
    assert (again.id, again.count) == (first.id, 2)

    world.say(verb, first)
    (second,) = world.happens(theft("10:00"), now="10:05")

    assert second.id != first.id
    assert world.kinds().count("verdict") == 1
    assert world.desk.store.verdicts("acme") == []


def test_to_acknowledge_is_no_verdict(world: World) -> None:
    (first,) = world.happens(theft("9:00"), now="9:05")
    world.say(Verb.ACK, first)
    (again,) = world.happens(theft("9:30"), now="9:35")

    assert again.id == first.id
    assert "verdict" not in world.kinds()


@pytest.mark.parametrize(
    ("verb", "guarded"), [(Verb.BENIGN, False), (Verb.FALSE_POSITIVE, False), (Verb.RESOLVE, True)]
)
def test_a_harmless_verdict_lifts_the_guard(world: World, verb: Verb, guarded: bool) -> None:
    (first,) = world.happens(theft("9:00"), now="9:05")
    assert world.guards()
    world.say(verb, first)
    world.happens(now="9:10")
    assert world.guards() is guarded


def test_the_guard_stays_while_another_alert_about_the_person_waits(world: World) -> None:
    (first,) = world.happens(theft("9:00"), now="9:05")
    world.say(Verb.RESOLVE, first)
    (second,) = world.happens(theft("10:00"), now="10:05")
    opened = world.desk.account.state.memory.opened
    assert [old.id for olds in opened.values() for old in olds] == [second.id]

    judgement = triage.Judgement("another", "person", "ANN", harmless=True)
    assert not triage.judge(opened, judgement)
    assert triage.judge({}, judgement)


def test_what_was_said_replays_from_the_log_and_from_its_export(
    world: World, tmp_path: Path
) -> None:
    (first,) = world.happens(theft("9:00"), now="9:05")
    world.say(Verb.BENIGN, first)
    world.happens(theft("10:00"), now="10:05")
    store = world.desk.store
    said = {alert.id: alert.count for alert in store.alerts()}
    assert len(said) == 2
    start = store.started("acme")
    assert start is not None

    entries = (each.page or each.control for each in store.log.entries("acme", after=0))
    state = accounts.blank("acme", start.teach_until, span=SPAN)
    readers = backtesting.as_it_was(store)
    done = backtesting.replay_log(
        state, (each for each in entries if each), readers, lambda _: None
    )
    assert {alert.id: alert.count for alert in done.alerts.values()} == said

    export.export(store, "acme", tmp_path / "files", export.Choice())
    lines = (tmp_path / "files" / "controls.ndjson").read_text().splitlines()
    (verdict,) = [each for each in map(json.loads, lines) if each["kind"] == "verdict"]
    assert verdict["judgement"] == {
        "alert": first.id, "subject_type": "person", "subject_id": "ANN", "harmless": True,
        "since": workhours.microseconds(first.first_time),
        "until": workhours.microseconds(max(first.time, first.detected_at)),
    }  # fmt: skip
    recorded = replay.read(tmp_path / "files")
    state = accounts.blank("acme", start.teach_until, span=SPAN)
    plan = world.desk.account.state.plan
    steps = replay.steps(recorded, 100)
    done = backtesting.replay_log(state, steps, backtesting.afresh(plan), lambda _: None)
    assert {alert.id: alert.count for alert in done.alerts.values()} == said


def test_a_restart_hears_what_was_said_while_nothing_ran(world: World, tmp_path: Path) -> None:
    (first,) = world.happens(theft("9:00"), now="9:05")
    close(world.desk)
    with closing(Sqlite(tmp_path / "data")) as store:
        command = Command(Verb.BENIGN, first.id, "sam", How.CLI, "because")
        jobs.obey(store, command, ORDERS, at("9:10"))
    world.desk = open_desk(tmp_path / "data", at("9:20"))

    (second,) = world.happens(theft("10:00"), now="10:05")

    assert second.id != first.id
    state: kernel.State = world.desk.account.state
    assert state.memory.seq == max(each.seq for each in world.desk.store.log.controls("acme"))
