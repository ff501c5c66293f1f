"""A team of four whom an engine has known for three weeks, and a model trained on them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

from detector import kernel, snapshots
from detector.anomaly import channel, model
from detector.anomaly.model import Model
from tests.stories import (
    MONDAY,
    Item,
    audit,
    declaration,
    engine,
    in_order,
    play,
    rulebook,
    sign_in,
    usage,
)

TEAM = ("ann", "ben", "cleo", "dan")
HOME = {"ann": "paris", "ben": "paris", "cleo": "toronto", "dan": "milan"}


@cache
def _learned(*, with_program: bool = False) -> bytes:
    """A team of four after three weeks of work, and a program that works with them if asked for."""
    state = engine()
    days = [day for day in range(-21, 0) if day % 7 < 5]
    work = [
        item
        for day in days
        for who in TEAM
        for item in _workday(who, MONDAY + timedelta(days=day), TEAM.index(who))
    ]
    if with_program:
        work += [item for day in days for item in _program(MONDAY + timedelta(days=day))]
    play(state, in_order(work))
    return snapshots.dump(state)


def _workday(who: str, day: datetime, shift: int) -> list[Item]:
    home, start = HOME[who], day + timedelta(hours=8, minutes=7 * shift)
    session = f"S-{who}-{day:%d}"
    return [
        sign_in(who, home, start, session=session),
        audit(who, home, start + timedelta(minutes=2), session=session),
        *(
            usage(who, home, start + timedelta(minutes=50 * n), item=f"item-{who}-{n % 4}")
            for n in range(9)
        ),
    ]


def _program(day: datetime) -> list[Item]:
    """What the program fetches on a day: the same at every hour from six to nine at night."""
    return [
        usage("bot", "paris", day + timedelta(hours=hour, minutes=30), action="server-fetch")
        for hour in range(6, 22)
    ]


@cache
def _trained() -> Model:
    memory, _, _ = snapshots.load(_learned()) or (None, None, None)
    assert memory is not None
    made = model.train(channel.training_rows(memory.channel), declaration())
    assert made is not None
    return made


def learned_engine(*, with_model: bool = True, with_program: bool = False) -> kernel.State:
    """An engine that knows the team, and its program, and watches from Monday on."""
    loaded = snapshots.load(_learned(with_program=with_program))
    assert loaded is not None
    memory, tails, _ = loaded
    state = kernel.State(memory, kernel.Plan(rulebook(), declaration()))
    snapshots.attach(state, tails)
    if with_model:
        kernel.adopt(state, _trained())
        kernel.tick(state, MONDAY + timedelta(hours=1))
        memory.channel.threshold = 7.0
    return state
