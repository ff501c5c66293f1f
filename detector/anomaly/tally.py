"""The features of each open actor-hour, kept up to date event by event.

Everything is measured against what was known before the hour began (as-of law).
Surprisal of a value v for person u, with a = 4 (shared/model.md section 4):
-log((days(u, v) + a * p) / (days(u) + a)), where p = (others with v + 0.5) / (people + 1).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import msgspec

from detector.anomaly.declaration import FEATURES
from detector.facts import DAY_US, HOUR_US, Facts, News
from detector.observations import (
    CLIENT,
    COUNTRY,
    DEED,
    DEVICE,
    EXTRACTED,
    FAILED,
    ITEM,
    NETWORK,
    PLACE,
    PRIVILEGED,
    SLOT,
    SUCCEEDED,
    VAULT,
)

WEIGHT: Final = 4.0
"""Days that the population counts for against the person's own days."""
MEMORY: Final = 0.07
"""Weight of the newest active hour in a person's usual numbers (half-life of ten hours)."""

COLUMN: Final = {name: place for place, name in enumerate(FEATURES)}
_MAX_OF: Final = {
    COUNTRY: COLUMN["country"],
    PLACE: COLUMN["place"],
    NETWORK: COLUMN["network"],
    DEVICE: COLUMN["device"],
    CLIENT: COLUMN["client"],
    DEED: COLUMN["deed"],
    VAULT: COLUMN["vault"],
    SLOT: COLUMN["hour"],
}
_SUM_OF: Final = {DEED: COLUMN["deeds"], VAULT: COLUMN["vaults"]}


class Usual(msgspec.Struct, gc=False):
    """A person's usual number of something in an active hour: moving mean and variance of log(1+n)."""

    mean: float = 0.0
    variance: float = 0.25

    def excess(self, count: float) -> float:
        """How many deviations `count` lies above the usual; 0 below it."""
        return max(0.0, (math.log1p(count) - self.mean) / (math.sqrt(self.variance) + 0.3))

    def learn(self, count: float) -> None:
        """Move towards what the hour that ended held."""
        away = math.log1p(count) - self.mean
        self.mean += MEMORY * away
        self.variance = (1 - MEMORY) * (self.variance + MEMORY * away * away)


class Habit(msgspec.Struct):
    """What is usual for a person in numbers; `new_items` are those of the last week's hours."""

    volume: Usual = msgspec.field(default_factory=Usual)
    extracted: Usual = msgspec.field(default_factory=Usual)
    new_items: Usual = msgspec.field(default_factory=Usual)
    daily: Usual = msgspec.field(default_factory=Usual)
    weekly: Usual = msgspec.field(default_factory=Usual)
    recent: list[tuple[int, int]] = []


class Tally(msgspec.Struct):
    """One person's open hour: running features, and the values that were the most surprising."""

    values: list[float]
    oddest: dict[int, str]
    events: int = 0
    items: int = 0
    new_items: int = 0
    extracted: int = 0
    failures: int = 0
    cracked: int = 0
    networks: int = 0
    privileged: float = 0.0
    alerted: bool = False


def surprisal(facts: Facts, name: str, kind: int, value: str) -> float:
    """How surprising the value is for the person, in nats; 0 for what is shown every day."""
    person = facts.people.get(name)
    people = len(facts.people)
    fact = person.known[kind].get(value) if person else None
    own, active = (fact.days if fact else 0), (person.days if person else 0)
    others = facts.population[kind].get(value, 0) - (1 if fact else 0)
    chance = (max(0, others) + 0.5) / (people + 1.0)
    return max(0.0, -math.log((own + WEIGHT * min(1.0, chance)) / (active + WEIGHT)))


def open_tally(facts: Facts, name: str, time: int) -> Tally:
    """The empty tally of a person who was not seen since the last settlement."""
    values = [0.0] * len(FEATURES)
    person = facts.people.get(name)
    if person is not None and person.last:
        gap_days = (time - person.last) / DAY_US
        values[COLUMN["dormancy"]] = math.log1p(gap_days) if gap_days > 3 else 0.0
    return Tally(values, {})


def add_news(tally: Tally, facts: Facts, news: News) -> None:
    """Take in a value that the person shows for the first time in this hour."""
    kind, values = news.kind, tally.values
    if kind == ITEM:
        tally.items += 1
        person = facts.people.get(news.person)
        if person is None or news.value not in person.known[ITEM]:
            tally.new_items += 1
        return
    surprise = surprisal(facts, news.person, kind, news.value)
    column = _MAX_OF[kind]
    if surprise > values[column]:
        values[column] = surprise
        tally.oddest[kind] = news.value
    if kind in _SUM_OF:
        values[_SUM_OF[kind]] += surprise
    if kind == NETWORK:
        tally.networks += 1


def add_mark(tally: Tally, mark: int, surprise: float) -> None:
    """Take in one event that extracts, fails, succeeds or is privileged."""
    if mark == EXTRACTED:
        tally.extracted += 1
    elif mark == FAILED:
        tally.failures += 1
    elif mark == SUCCEEDED:
        tally.cracked = max(tally.cracked, tally.failures)
    elif mark == PRIVILEGED:
        tally.privileged += 0.5 + surprise


def vector(tally: Tally, habit: Habit, clock: int) -> list[float]:
    """The feature row as it stands, in the order of `FEATURES`."""
    row = tally.values.copy()
    day, week = _recent(habit, clock)
    row[COLUMN["new_items"]] = habit.new_items.excess(tally.new_items)
    row[COLUMN["new_items_day"]] = habit.daily.excess(day + tally.new_items)
    row[COLUMN["new_items_week"]] = habit.weekly.excess(week + tally.new_items)
    row[COLUMN["extracted"]] = habit.extracted.excess(tally.extracted)
    row[COLUMN["volume"]] = habit.volume.excess(tally.events)
    row[COLUMN["failures"]] = float(tally.failures)
    row[COLUMN["cracked"]] = float(tally.cracked)
    row[COLUMN["privileged"]] = tally.privileged
    row[COLUMN["networks"]] = float(max(0, tally.networks - 1))
    return row


def learn(habit: Habit, tally: Tally, clock: int) -> None:
    """Let an hour that ended at `clock` become part of the person's usual numbers."""
    day, week = _recent(habit, clock)
    habit.volume.learn(tally.events)
    habit.extracted.learn(tally.extracted)
    habit.new_items.learn(tally.new_items)
    habit.daily.learn(day + tally.new_items)
    habit.weekly.learn(week + tally.new_items)
    if tally.new_items:
        habit.recent.append((clock, tally.new_items))
    habit.recent = [each for each in habit.recent if each[0] > clock - 7 * DAY_US]


def _recent(habit: Habit, clock: int) -> tuple[int, int]:
    """New items of the 24 hours and of the 7 days before the open hour."""
    if not habit.recent:
        return 0, 0
    day = _total(each for each in habit.recent if each[0] > clock - DAY_US + HOUR_US)
    return day, _total(habit.recent)


def _total(hours: Iterable[tuple[int, int]]) -> int:
    return sum(count for _, count in hours)
