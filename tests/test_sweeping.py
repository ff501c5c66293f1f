"""The overlap sweep: what syncs late is found behind a cursor that has passed it, and once."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from detector import jobs
from detector.coverage import Gap
from detector.ports import SourceError
from detector.simulator import parse_faults
from tests.api import NO_RULES, World, late, world
from tests.fakes import Clock, ScriptedSource, close, open_desk
from tests.stories import Item, at, audit, sign_in, usage

KEYSET = ["*:*:keyset"]
"""An API whose cursors follow event time, and pass over what arrives late."""
START = at("0:00")


def history() -> list[Item]:
    """Six days of Ann at work in Paris."""
    return [
        item
        for day in range(-6, 0)
        for item in (
            sign_in("ann", "paris", f"{day} 8:00", session=f"S{day}"),
            audit("ann", "paris", f"{day} 8:02", session=f"S{day}"),
            usage("ann", "paris", f"{day} 9:00"),
        )
    ]


THEFT = audit("ann", "lagos", "10:00", deed="export vault")
PASSED = [audit("ann", "paris", "10:20"), audit("ann", "paris", "10:50")]
"""What the cursor has passed before the theft arrives."""


def told(one: World) -> list[dict[str, Any]]:
    """The alerts without what belongs to delivery, and what was known of the person by then.

    A late event is judged by what has settled meanwhile: a day more is known.
    """
    left_out = dict.fromkeys(("detected_at", "reason", "summary", "why", "evidence"))
    return [asdict(alert) | left_out for alert in one.desk.store.alerts()]


def test_the_late_law_holds_from_http_to_alert(tmp_path: Path) -> None:
    on_time = [*history(), THEFT, *PASSED]
    with world(tmp_path / "on time", on_time, START) as punctual:
        punctual.until(at("13:00"))
        expected = told(punctual)
    assert expected

    items = [*history(), *PASSED, late(THEFT, at("11:07"))]
    with world(tmp_path / "late", items, START, faults=KEYSET) as behind:
        behind.until(at("11:10"))
        assert told(behind) == [], "the cursor passed over it"
        behind.until(at("11:40"))
        first = told(behind)
        behind.until(at("13:00"))

        assert told(behind) == first == expected
        assert sorted(behind.stored()) == sorted(item.id for item in items)


def test_without_a_sweep_it_would_be_lost(tmp_path: Path) -> None:
    items = [*history(), *PASSED, late(THEFT, at("11:00"))]
    with world(tmp_path, items, START, faults=KEYSET) as one:
        for _ in range(26):
            one.clock.time += timedelta(minutes=30)
            jobs.poll(one.desk, one.source, one.clock)

        assert set(one.stored()) == {item.id for item in items} - {THEFT.id}


@pytest.mark.parametrize(
    ("days_late", "found"), [(0.1, True), (2.5, True), (3.5, False)], ids=["hours", "days", "more"]
)
def test_the_daily_sweep_reaches_three_days_back(
    tmp_path: Path, days_late: float, found: bool
) -> None:
    offline = late(usage("ann", "paris", "9:00"), at("9:00") + timedelta(days=days_late))
    newer = [usage("ann", "paris", f"{day} 9:30") for day in range(5)]
    with world(
        tmp_path, [*history(), *newer, offline], START, faults=KEYSET, texts=NO_RULES
    ) as one:
        one.until(at("5 0:00"), timedelta(hours=1))

        assert (offline.id in one.stored()) == found
        assert len(one.stored()) == len(set(one.stored()))


def test_a_sweep_asks_for_a_start_and_never_for_an_end(tmp_path: Path) -> None:
    desk, source, clock = open_desk(tmp_path, START), ScriptedSource(history()), Clock(START)
    jobs.poll(desk, source, clock)
    jobs.sweep(desk, source, clock)
    asked = len(source.asked)
    clock.time = at("0:14")
    assert jobs.sweep(desk, source, clock) == ()
    assert len(source.asked) == asked, "not due yet"

    clock.time = at("0:15")
    jobs.sweep(desk, source, clock)

    assert {since for _, cursor, since in source.asked[asked:] if cursor is None} == {
        at("-1 22:15")
    }
    before = desk.store.cursors("acme")
    jobs.poll(desk, source, clock)
    assert desk.store.cursors("acme") == before, "the chain of the poll is another one"
    close(desk)


def test_a_long_sweep_never_holds_up_a_poll(tmp_path: Path) -> None:
    desk, clock = open_desk(tmp_path, START, texts=NO_RULES), Clock(START)
    items = [usage("ann", "paris", at("-1 0:00") + timedelta(minutes=n)) for n in range(1400)]
    source = ScriptedSource(items, size=5)
    jobs.poll(desk, source, clock)
    jobs.sweep(desk, source, clock)
    clock.time = at("1 0:00")
    rounds = 0

    while rounds == 0 or desk.sweep is not None:
        asked = len(source.asked)
        jobs.sweep(desk, source, clock)
        assert len(source.asked) - asked <= 40 + 3
        rounds += 1

    assert rounds > 5
    assert desk.store.counts()["event"] == len(items)
    close(desk)


def test_gaps_are_swept_and_say_when(tmp_path: Path) -> None:
    desk, source, clock = open_desk(tmp_path, START), ScriptedSource(history()), Clock(START)
    jobs.poll(desk, source, clock)
    jobs.sweep(desk, source, clock)
    clock.time = at("7:00")
    jobs.poll(desk, source, clock)
    gap = Gap("itemusages", START, at("7:00"), "not polled")
    assert desk.store.coverage("acme")["itemusages"].gaps == (gap,)

    jobs.sweep(desk, source, clock)

    (swept,) = desk.store.coverage("acme")["itemusages"].gaps
    assert swept.swept == at("7:00")
    assert min(since for _, cursor, since in source.asked[3:] if cursor is None) == at("-1 23:50")
    close(desk)


def test_a_feed_in_trouble_is_not_said_to_be_swept(tmp_path: Path) -> None:
    desk, source, clock = open_desk(tmp_path, START), ScriptedSource(history()), Clock(START)
    jobs.poll(desk, source, clock)
    jobs.sweep(desk, source, clock)
    clock.time = at("7:00")
    jobs.poll(desk, source, clock)
    source.answers = {"itemusages": [SourceError("503", permanent=False)]}

    jobs.sweep(desk, source, clock)

    found = desk.store.coverage("acme")
    assert found["itemusages"].gaps[0].swept is None
    assert found["auditevents"].gaps[0].swept == at("7:00")
    close(desk)


def test_a_restart_does_not_sweep_at_once_again(tmp_path: Path) -> None:
    source, clock = ScriptedSource(history()), Clock(START)
    for _ in range(3):
        desk = open_desk(tmp_path, START)
        jobs.poll(desk, source, clock)
        jobs.sweep(desk, source, clock)
        assert desk.sweep is None
        close(desk)

    assert [cursor for _, cursor, _ in source.asked if cursor is None] == [None] * 3


def test_keyset_is_a_word_of_the_simulator() -> None:
    plan = parse_faults(["*:*:keyset", "itemusages:1:reset"])
    assert plan.keyset
    assert [rule.fault.word for rule in plan.rules] == ["reset"]
