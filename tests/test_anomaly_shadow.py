"""A challenger runs in the champion's shadow: nobody hears of it, and a broken one stays there."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from detector import kernel, snapshots
from detector.anomaly import channel as channels
from detector.anomaly.declaration import FEATURES
from detector.anomaly.model import Model, train
from detector.anomaly.shadow import Shadow, drifted, review
from detector.anomaly.tops import Tops
from detector.workhours import DAY_US
from tests import stories
from tests.stories import MONDAY, Item, at, play, sign_in, usage
from tests.team import learned_engine

CHAMPION: Tops = {day: {f"P{n}": 10.0 - n for n in range(9)} for day in (1, 2)}


def _shadow(tops: Tops, threshold: float = 9.5) -> Shadow:
    return Shadow("c", 0, 3 * DAY_US, threshold, tops)


def test_a_challenger_that_sees_the_same_passes() -> None:
    found = review(_shadow(CHAMPION), CHAMPION, 1.0)

    assert (found.passed, found.agreement, found.raised) == (True, 1.0, 2)


def test_a_challenger_that_would_flood_does_not_take_over() -> None:
    found = review(_shadow(CHAMPION, threshold=1.5), CHAMPION, 1.0)

    assert not found.passed
    assert "18 alerts" in found.why_not


def test_a_challenger_that_sees_something_else_does_not_take_over() -> None:
    other = {day: {f"Q{n}": 1.0 for n in range(9)} for day in (1, 2)}
    found = review(_shadow(other), CHAMPION, 1.0)

    assert (found.passed, found.agreement) == (False, 0.0)


def test_a_challenger_that_the_last_days_do_not_fit_does_not_take_over() -> None:
    rows = np.random.default_rng(2).exponential(1.0, (600, len(FEATURES))).astype(np.float32)
    champion, strange = train(rows, stories.declaration()), train(rows * 9, stories.declaration())
    assert champion is not None
    assert strange is not None
    worse, better = drifted(champion, strange, rows), drifted(strange, champion, rows)
    found = review(_shadow(CHAMPION), CHAMPION, 1.0, worse)

    assert not found.passed
    assert "PSI" in found.why_not
    assert worse.feature in found.why_not
    assert review(_shadow(CHAMPION), CHAMPION, 1.0, better).passed


def _challenger(state: kernel.State) -> Model:
    """Another model of the same declaration."""
    rows = channels.training_rows(state.memory.channel)
    made = train(rows[: len(rows) - 40], stories.declaration())
    assert made is not None
    return made


def _day(number: int) -> list[Item]:
    return [
        item
        for who, place in (("ann", "paris"), ("cleo", "toronto"))
        for item in (
            sign_in(who, place, f"{number} 9:00"),
            *(usage(who, place, f"{number} 9:{n:02}") for n in range(10, 20)),
        )
    ]


def test_a_new_model_takes_over_at_a_midnight_and_never_at_once() -> None:
    state = learned_engine()
    champion, challenger = state.model, _challenger(state)
    kernel.adopt(state, challenger)

    assert (state.model, state.challenger) == (champion, challenger)
    play(state, _day(0))
    assert state.model is champion
    kernel.tick(state, MONDAY + timedelta(days=1, hours=1))
    # The trial began an hour after midnight, so it ends at the second midnight.
    assert state.model is champion
    kernel.tick(state, MONDAY + timedelta(days=2, minutes=1))
    assert (state.model, state.challenger) == (challenger, None)
    assert state.memory.channel.model_id == challenger.id
    assert [trial.passed for trial in state.memory.channel.trials] == [True]


def test_what_is_alerted_during_a_trial_is_what_the_champion_says() -> None:
    alone, watched = learned_engine(), learned_engine()
    kernel.adopt(watched, _challenger(watched))
    kernel.tick(alone, MONDAY + timedelta(hours=1))
    theft = [
        sign_in("ann", "lagos", "3:00", client="web"),
        *(usage("ann", "lagos", f"3:{n:02}", item=f"secret-{n}") for n in range(1, 40)),
    ]

    mine, theirs = play(alone, theft), play(watched, theft)

    assert mine.alerts
    assert list(mine.alerts) == list(theirs.alerts)


def test_a_trial_goes_on_after_a_restart() -> None:
    state = learned_engine()
    challenger = _challenger(state)
    kernel.adopt(state, challenger)
    play(state, _day(0))
    loaded = snapshots.load(snapshots.dump(state))
    assert loaded is not None
    memory, tails, _ = loaded
    again = kernel.State(memory, state.plan, state.model, challenger)
    snapshots.attach(again, tails)

    for each in (state, again):
        kernel.tick(each, MONDAY + timedelta(days=2, minutes=1))

    assert again.memory.channel.trials == state.memory.channel.trials
    assert again.memory.channel.threshold == state.memory.channel.threshold


def test_a_challenger_whose_artefact_is_lost_stays_out() -> None:
    state = learned_engine()
    champion = state.model
    kernel.adopt(state, _challenger(state))
    state.challenger = None
    play(state, _day(0))
    kernel.tick(state, at("3 1:00"))

    assert state.model is champion
    assert [trial.passed for trial in state.memory.channel.trials] == [False]


def test_a_person_can_overrule_the_trial() -> None:
    state = learned_engine()
    challenger = _challenger(state)
    kernel.adopt(state, challenger, at_once=True)

    assert state.model is challenger
    assert state.memory.channel.shadow is None
