"""The crash law: die at any point; nothing is lost, nothing is stored twice, little is told twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from detector import accounts, backtesting, jobs
from detector.alerts import Alert, to_json
from detector.ports import SourceError
from detector.store.sqlite import Sqlite
from tests.fakes import (
    SPAN,
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
from tests.stories import ROOT, Item, at, audit, sign_in, usage, written

START = at("0:00")
HICCUP = SourceError("500", permanent=False)


@cache
def history() -> tuple[Item, ...]:
    """Three weeks of four people, enough to train a model on."""
    who_where = [("ann", "paris"), ("ben", "paris"), ("cleo", "toronto"), ("dan", "milan")]
    days = range(-21, 0)
    return tuple(
        item
        for day in days
        for who, place in who_where
        for item in (
            sign_in(who, place, f"{day} 8:00", session=f"S{who}{day}"),
            audit(who, place, f"{day} 8:01", session=f"S{who}{day}"),
            *(usage(who, place, f"{day} {hour}:0{hour % 7}") for hour in range(9, 13)),
        )
    )


LIVE: tuple[tuple[str, tuple[Item, ...]], ...] = (
    ("9:00", (sign_in("ann", "paris", "8:55"), usage("ben", "paris", "8:57"))),
    (
        "10:00",
        (
            audit("ann", "lagos", "9:40", deed="export vault"),
            usage("cleo", "toronto", "-2 9:59", item="used offline"),
            sign_in("dan", "tokyo", "9:50"),
        ),
    ),
    (
        "11:00",
        (audit("ann", "lagos", "10:30", deed="export vault"), usage("dan", "milan", "10:58")),
    ),
)


def model_text() -> dict[str, str]:
    """The shipped model, made small."""
    text = (ROOT / "models/isolation_forest.yaml").read_text()
    lines = [
        line
        for line in text.splitlines()
        if not line.startswith(("trees:", "sample:", "cold_start:"))
    ]
    return {
        "models/small.yaml": "\n".join([*lines, "trees: 10", "sample: 32", "cold_start: 1d", ""])
    }


@dataclass
class World:
    """A day in a world whose process may die and is started again at once."""

    directory: Path
    point: Mortal
    mailbox: Mailbox = field(default_factory=Mailbox)
    deaths: int = 0
    desk: jobs.Desk | None = None

    def live(self) -> None:
        """Back-fill, then three rounds with news, over an API that fails now and then."""
        hiccups = {"itemusages": [HICCUP], "auditevents": [HICCUP] * 2}
        source = ScriptedSource(history(), size=160, answers=hiccups)
        for now, news in (("0:00", ()), *LIVE):
            source.add(news)
            self.round(source, Clock(at(now)))

    def round(self, source: ScriptedSource, clock: Clock) -> None:
        """Poll, tell and keep the state, as often as it takes to get through."""
        while True:
            try:
                desk = self.desk = self.desk or open_desk(
                    self.directory,
                    clock(),
                    texts=shipped_texts(models=model_text()),
                    point=self.point,
                )
                jobs.poll(desk, source, clock)
                told = round_(desk.store, clock(), point=self.point)
                jobs.tell(told, {"mailbox": self.mailbox})
                jobs.keep_state(desk, clock())
            except Death:
                self.deaths += 1
                self.end()
            else:
                return

    def end(self) -> None:
        """The process ends."""
        if self.desk is not None:
            close(self.desk)
            self.desk = None


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same days without a crash."""
    world = World(tmp_path_factory.mktemp("calm"), Mortal())
    world.live()
    world.end()
    return world


def told(alerts: Sequence[Alert]) -> dict[str, dict[str, Any]]:
    """Alerts without what belongs to delivery."""
    left_out = dict.fromkeys(("reason", "detected_at", "status", "incident_id"))
    return {alert.id: to_json(alert) | left_out for alert in alerts}


def check(world: World, calm: World) -> None:
    """All laws about what is stored, after whatever happened."""
    store = Sqlite(world.directory, write=False)
    calm_store = Sqlite(calm.directory, write=False)
    ids = Counter(uuid for frame, _ in store.log.pages("acme") for uuid in frame["event.id"])
    assert set(ids.values()) == {1}
    assert set(ids) == {item.id for item in (*history(), *(i for _, news in LIVE for i in news))}
    assert told(store.alerts()) == told(calm_store.alerts())
    assert {each.state for each in store.outbox.listed()} == {"sent"}
    assert set(world.mailbox.keys) == set(calm.mailbox.keys)
    assert sum(world.mailbox.keys.values()) <= sum(calm.mailbox.keys.values()) + world.deaths
    doubled = {key for key, count in world.mailbox.keys.items() if count > 1}
    assert doubled <= set(world.mailbox.looked)
    _replays(store)
    store.close()
    calm_store.close()


def _replays(store: Sqlite) -> None:
    """The kernel over the stored log gives the stored alerts."""
    start = store.started("acme")
    assert start is not None
    state = accounts.blank("acme", start.teach_until, span=SPAN)
    steps = (entry.page or entry.control for entry in store.log.entries("acme", after=0))
    done = backtesting.replay_log(
        state, (step for step in steps if step), backtesting.as_it_was(store), lambda _: None
    )
    assert told(list(done.alerts.values())) == told(store.alerts())


def test_an_uninterrupted_day_comes_to_every_kind_of_point(calm: World) -> None:
    kinds = set(calm.point.seen)

    steps = ("commit", "tick", "train", "keep", "send")
    assert kinds >= {f"{side}_{step}" for side in ("before", "after") for step in steps}
    assert len(calm.mailbox.messages) >= 2
    check(calm, calm)


def points(calm: World) -> list[int]:
    """The first of each kind of point, and the last of each kind."""
    seen = calm.point.seen
    first = {name: place for place, name in reversed(list(enumerate(seen, 1)))}
    last = {name: place for place, name in enumerate(seen, 1)}
    return sorted({*first.values(), *last.values()})


def test_to_die_once_at_any_kind_of_point_changes_nothing(calm: World, tmp_path: Path) -> None:
    for nth in points(calm):
        world = World(tmp_path / str(nth), Mortal(nth))
        world.live()
        world.end()

        assert world.deaths == 1
        check(world, calm)


@pytest.mark.slow
def test_to_die_once_at_every_single_point_changes_nothing(calm: World, tmp_path: Path) -> None:
    for nth in range(1, len(calm.point.seen) + 1):
        world = World(tmp_path / str(nth), Mortal(nth))
        world.live()
        world.end()

        assert world.deaths == 1
        check(world, calm)


class Fragile(Mortal):
    """Dies again and again, each time one point later than the time before."""

    def __call__(self, name: str) -> None:
        self.seen.append(name)
        if self.nth and len(self.seen) >= self.nth:
            self.nth += 1
            self.seen.clear()
            raise Death(name)


@pytest.mark.parametrize("nth", [2, 5])
def test_to_die_again_and_again_changes_nothing(calm: World, tmp_path: Path, nth: int) -> None:
    world = World(tmp_path, Fragile(nth))
    world.live()
    world.end()

    assert world.deaths >= 3
    check(world, calm)


def test_a_state_brought_back_is_the_state_that_was(calm: World) -> None:
    desk = open_desk(calm.directory, at("11:00"), texts=shipped_texts(models=model_text()))
    kept = written(desk.account.state)
    assert desk.account.stored_seq == desk.account.state.memory.seq

    start = desk.store.started("acme")
    assert start is not None
    account = accounts.Account(
        "acme", SPAN, accounts.blank("acme", start.teach_until, span=SPAN), desk.account.texts
    )
    for entry in desk.store.log.entries("acme", after=0):
        accounts.replay(desk.store, account, entry)
    close(desk)

    assert written(account.state) == kept
    assert account.state.model is not None


def test_death_in_the_middle_of_backfill_still_only_teaches(tmp_path: Path, calm: World) -> None:
    old_theft = audit("ann", "lagos", "-2 3:00", deed="export vault")
    source = ScriptedSource([*history(), old_theft], size=20)
    world = World(tmp_path, Mortal(5))
    world.round(source, Clock(START))

    assert world.deaths == 1
    assert world.desk is not None
    assert world.desk.store.alerts() == []
    with suppress(Death):
        world.end()


def test_seconds_later_it_is_as_if_nothing_had_been(tmp_path: Path) -> None:
    world = World(tmp_path, Mortal())
    source = ScriptedSource(history(), size=160)
    world.round(source, Clock(START))
    world.end()

    world.round(source, Clock(START + timedelta(seconds=60)))

    assert world.desk is not None
    assert world.desk.store.counts()["event"] == len(history())
    world.end()
