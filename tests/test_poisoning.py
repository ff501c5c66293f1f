"""Who wants to become usual: an attacker who takes a few more new items each day, and how slow is slow enough.

Sixty people whose numbers are as uneven as real ones; on the 31st day one of them begins to take two new
items more in an hour of each day, and so many times more each day after. What alerts is not learned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from detector.anomaly import channel as channels
from detector.anomaly import judging
from detector.anomaly import model as models
from detector.anomaly import tally as tallies
from detector.anomaly.channel import Channel
from detector.anomaly.declaration import FEATURES
from detector.anomaly.hours import Hours
from detector.anomaly.judging import Seen
from detector.anomaly.tally import COLUMN, Tally
from detector.facts import Facts
from detector.persons import Person
from detector.workhours import DAY_US, HOUR_US
from tests import stories

PEOPLE = 60
RARITIES = FEATURES[: FEATURES.index("hour") + 1]
BEGINS, LASTS = 50, 60
"""The day on which the attack begins, and for how many days it is tried."""
BUDGET = stories.declaration(most=0.3)
"""Five alerts a day and 1,000 people."""


@dataclass(frozen=True)
class Ramp:
    """On which day of the attack it was seen, and how many items had been taken until then."""

    day: int | None
    taken: int
    at_once: int
    """How many were taken on the last day."""


class Company:
    """The channel of a company, fed with hours of everybody."""

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        self.names = [f"P{n}" for n in range(PEOPLE)]
        self.facts = Facts(people={name: Person(0, 0, days=30) for name in self.names})
        self.channel = Channel()
        self.model: models.Model | None = None

    def hour(self, clock: int, more: int) -> bool:
        """An hour of everybody, in which the first takes so many more; whether that alerts."""
        times = np.full(PEOPLE, clock - 1)
        tally = Tally()
        tally.open(tallies.opening(self.facts, self.channel.habits, self.names, times))
        likely = np.minimum(1.0, self.chance.exponential(0.6, (PEOPLE, len(RARITIES)))).clip(1e-6)
        tally.table[:, [COLUMN[name] for name in RARITIES]] = -np.log(likely)
        new = self.chance.poisson(self.chance.lognormal(0, 1.2, PEOPLE))
        new[0] += more
        tally.table[:, COLUMN["new_items"]] = new
        tally.table[:, COLUMN["extracted"]] = new
        tally.table[:, COLUMN["events"]] = new + self.chance.poisson(5, PEOPLE)
        lines = {name: place for place, name in enumerate(self.names)}
        self.channel.hours = Hours(lines, tally, touched=np.ones(PEOPLE, dtype=bool))
        odd = self._judged(clock)
        for name in odd:
            self.facts.suspect(name, until=clock + DAY_US, seqs=(), high=False)
        channels.settle(self.channel, self.facts, clock)
        return more > 0 and self.names[0] in odd

    def _judged(self, clock: int) -> list[str]:
        step = self.channel.hours.step(clock, seq=0, upto=0)
        if self.model is None or step is None:
            return []
        found = judging.judge(self.channel, self.model, self.facts, Seen([step], None), BUDGET)
        return [each.person for each in found]

    def night(self, day: int) -> None:
        """The day ends; once a week a model is trained."""
        channels.new_day(self.channel, self.facts, BUDGET, (day + 1) * DAY_US)
        if day >= 34 and day % 7 == 6:
            self.model = models.train(channels.training_rows(self.channel), BUDGET)
            assert self.model is not None
            channels.adopt(self.channel, self.model, BUDGET)


def ramp(growth: float, seed: int) -> Ramp:
    """An attacker who takes `growth` times as much each day, until it is seen."""
    company, taken, now = Company(seed), 0, 0
    for day in range(20, BEGINS + LASTS):
        for hour in range(8, 14):
            attacks = day >= BEGINS and hour == 10
            now = int(2 * growth ** (day - BEGINS)) if attacks else 0
            taken += now
            if company.hour(day * DAY_US + (hour + 1) * HOUR_US, now):
                return Ramp(day - BEGINS + 1, taken, now)
        company.night(day)
    return Ramp(None, taken, now)


@pytest.mark.parametrize(("growth", "days", "items"), [(2.0, 10, 600), (1.3, 21, 800)])
def test_who_takes_a_third_more_each_day_is_seen(growth: float, days: int, items: int) -> None:
    for seed in (5, 6):
        found = ramp(growth, seed)

        assert found.day is not None
        assert found.day <= days
        assert found.taken <= items


def test_who_takes_a_tenth_more_each_day_is_seen_late() -> None:
    found = ramp(1.1, 5)

    assert found.day is not None
    assert found.day > 21
    assert found.taken < 5_000


def test_the_limit_who_takes_a_fiftieth_more_each_day_is_not_seen() -> None:
    """It gains them some 200 items in two months. docs/why.md says so; change both together."""
    found = ramp(1.02, 5)

    assert found.day is None
    assert 150 < found.taken < 300
