"""The channel keeps its budget, and its threshold follows the last days."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.anomaly import channel as channels
from detector.anomaly import explanation, judging
from detector.anomaly import model as models
from detector.anomaly import tally as tallies
from detector.anomaly.channel import Channel
from detector.anomaly.declaration import FEATURES, Declaration
from detector.anomaly.hours import Hours
from detector.anomaly.judging import Seen
from detector.anomaly.tally import COLUMN, Tally
from detector.facts import Facts
from detector.persons import Person
from detector.workhours import DAY_US, HOUR_US
from tests import stories
from tests.stories import few

PEOPLE = 60
HOURS_A_DAY = 6
RARITIES = FEATURES[: FEATURES.index("hour") + 1]
TWO_A_DAY = stories.declaration(most=2)


def _hours(chance: np.random.Generator, channel: Channel, facts: Facts) -> Hours:
    """An hour of everybody whose values are as rare as chance has it."""
    names = list(facts.people)
    tally = Tally()
    tally.open(tallies.opening(facts, channel.habits, names, np.zeros(PEOPLE, dtype=np.int64)))
    likely = np.minimum(1.0, chance.exponential(0.6, (PEOPLE, len(RARITIES)))).clip(1e-6)
    tally.table[:, [COLUMN[name] for name in RARITIES]] = -np.log(likely)
    tally.table[:, COLUMN["events"]] = chance.poisson(5, PEOPLE) + 1
    tally.table[:, COLUMN["new_items"]] = chance.poisson(1, PEOPLE)
    lines = {name: place for place, name in enumerate(names)}
    return Hours(lines, tally, touched=np.ones(PEOPLE, dtype=bool))


def _company() -> tuple[Facts, Channel]:
    people = {f"P{n}": Person(0, 0, days=30) for n in range(PEOPLE)}
    return Facts(people=people), Channel()


def _one_day(
    channel: Channel,
    facts: Facts,
    day: int,
    work: tuple[np.random.Generator, models.Model | None],
    declaration: Declaration = TWO_A_DAY,
) -> int:
    chance, model = work
    raised = 0
    for hour in range(8, 8 + HOURS_A_DAY):
        clock = day * DAY_US + (hour + 1) * HOUR_US
        channel.hours = _hours(chance, channel, facts)
        step = channel.hours.step(clock, seq=0, upto=0)
        if model is not None and step is not None:
            raised += len(judging.judge(channel, model, facts, Seen([step], None), declaration))
        channels.settle(channel, facts, clock)
    channels.new_day(channel, facts, declaration, (day + 1) * DAY_US)
    return raised


@pytest.mark.parametrize(
    ("declaration", "expected"),
    [
        (TWO_A_DAY, 2.0),
        (stories.declaration(budget=5), 0.3),
        (stories.declaration(budget=2), 0.12),
    ],
    ids=["two a day", "five a day and thousand people", "two a day and 1,000"],
)
def test_alerts_a_day_stay_near_the_budget(declaration: Declaration, expected: float) -> None:
    chance, (facts, channel) = np.random.default_rng(5), _company()
    for day in range(20, 34):
        _one_day(channel, facts, day, (chance, None), declaration)
    model = models.train(channels.training_rows(channel), declaration)
    assert model is not None
    channels.adopt(channel, model, declaration)
    raised = [_one_day(channel, facts, day, (chance, model), declaration) for day in range(34, 154)]

    assert 0.6 * expected <= np.mean(raised) <= 1.4 * expected


@given(people=st.integers(0, 10**6), more=st.integers(0, 10**6))
def test_the_budget_grows_with_the_account_up_to_the_most(people: int, more: int) -> None:
    declaration = stories.declaration(budget=5, most=10)
    small, large = declaration.alerts_a_day(people), declaration.alerts_a_day(people + more)

    assert 0 < small <= large <= 10
    assert people > 2000 or small == max(1, people) * 5 / 1000


@pytest.mark.parametrize("least", [0.0, 3.0, 6.0])
def test_who_is_looked_at_once_is_scored_at_every_step(least: float) -> None:
    chance, (facts, channel) = np.random.default_rng(9), _company()
    for day in range(20, 34):
        _one_day(channel, facts, day, (chance, None))
    model = models.train(channels.training_rows(channel), TWO_A_DAY)
    assert model is not None
    hours, steps = _hours(chance, channel, facts), []
    for clock in range(12):
        lines = np.flatnonzero(chance.random(PEOPLE) < 0.3)
        hours.tally.add(lines, chance.exponential(0.1, (len(lines), tallies.MOVING)))
        hours.touched[lines] = True
        step = hours.step(clock, seq=clock, upto=0)
        steps += [step] if step is not None else []

    found = [
        (each.step.clock, each.row, each.score) for each in Seen(steps, None).reaching(model, least)
    ]
    every = [
        (step.clock, row, score)
        for step in steps
        for row, score in enumerate(model.score(tallies.features(step.numbers))[0].tolist())
    ]
    assert found == [each for each in every if each[2] >= least]
    assert 0 < len(found) <= len(every)


def test_a_p_value_is_as_rare_as_it_says() -> None:
    chance, (facts, channel) = np.random.default_rng(8), _company()
    for day in range(20, 34):
        _one_day(channel, facts, day, (chance, None))
        channel.tops[day] = dict(zip(facts.people, chance.exponential(3, PEOPLE), strict=True))
    drawn = chance.exponential(3, 4000)
    ranks = [judging.ranked(channel, score) for score in np.sort(drawn).tolist()]
    found = np.array([rank.p_value for rank in ranks])

    assert {rank.days for rank in ranks} == {14 * PEOPLE}
    assert (np.diff(found) <= 0).all()
    for level in (0.01, 0.05, 0.2):
        assert abs((found <= level).mean() - level) < 0.4 * level + 0.005
    assert judging.ranked(channel, 1e9).p_value == 1 / (1 + 14 * PEOPLE)


def test_the_p_value_is_told_with_its_caveat() -> None:
    rank = judging.Rank(as_odd=1, days=1199)
    evidence = {
        "reasons": [],
        "local_time": "Mon 03:10",
        "as_odd": rank.as_odd,
        "days_compared": rank.days,
        "p_value": rank.p_value,
        "trained_rows": 9000,
    }
    _, why = explanation.tell("Ann", evidence)
    told = next(line for line in why if "p = " in line)

    assert "1,199 days of people" in told
    assert "p = 0.00166667" in told
    assert "not the chance of an attack" in told


def test_days_on_which_somebody_was_new_are_not_compared_with() -> None:
    chance, (facts, channel) = np.random.default_rng(9), _company()
    facts.people["P0"] = Person(25 * DAY_US, 0, days=30)
    for day in range(20, 34):
        _one_day(channel, facts, day, (chance, None), stories.declaration(cold_start="7d"))
        channel.tops[day] = {"P1": 5.0}

    assert judging.ranked(channel, 5.0) == judging.Rank(14, 14 * PEOPLE - 11)


def test_rows_of_days_that_are_too_old_are_not_trained_on() -> None:
    chance = np.random.default_rng(6)
    facts, channel = _company()
    for day in range(20, 60):
        _one_day(channel, facts, day, (chance, None))

    assert len(channels.training_rows(channel)) == 28 * PEOPLE * HOURS_A_DAY


def test_the_hours_of_a_suspect_are_not_trained_on() -> None:
    chance = np.random.default_rng(7)
    facts, channel = _company()
    facts.suspect("P0", until=100 * DAY_US, seqs=(), high=False)
    _one_day(channel, facts, 20, (chance, None))

    assert len(channels.training_rows(channel)) == (PEOPLE - 1) * HOURS_A_DAY


@few
@given(scores=st.lists(st.floats(0, 20), max_size=30), most=st.integers(2, 5))
def test_a_day_has_its_alerts_and_then_only_odder_ones(scores: list[float], most: int) -> None:
    facts, channel = _company()
    people = list(facts.people)[: len(scores)]
    channel.threshold, channel.most_today = 5.0, most
    told: list[float] = []
    for place, (name, score) in enumerate(zip(people, scores, strict=True)):
        how = judging.raised(channel, name, 20 * DAY_US + (place % 20 + 1) * HOUR_US, score)
        room = len(told) < most or score > max(told)

        assert how is (judging.NOT if score < 5 else judging.TOLD if room else judging.HELD)
        told += [score] if how is judging.TOLD else []
    assert channel.raised_today == len(told)


def test_who_was_told_of_goes_on_to_be_told_of_when_the_day_is_full() -> None:
    _, channel = _company()
    channel.threshold, channel.most_today = 5.0, 2
    hours = [20 * DAY_US + hour * HOUR_US for hour in range(1, 9)]
    doings = [("P1", 9.0), ("P2", 8.0), ("P3", 6.0), ("P3", 6.5), ("P1", 5.5), ("P3", 9.5)]
    how = [
        judging.raised(channel, name, at, s) for (name, s), at in zip(doings, hours, strict=False)
    ]

    assert how == [*[judging.TOLD] * 2, *[judging.HELD] * 2, *[judging.TOLD] * 2]
    assert judging.raised(channel, "P4", hours[6], 7.0) is judging.HELD
    assert judging.raised(channel, "P4", hours[6], 7.5) is judging.NOT
    assert judging.raised(channel, "P4", hours[6], 9.9) is judging.TOLD
