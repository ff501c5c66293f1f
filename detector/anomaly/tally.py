"""The features of each open actor-hour, kept up to date event by event.

Everything is measured against what was known before the hour began (as-of law).
Surprisal of a value v for person u, with a = 4 (shared/model.md section 4):
-log((days(u, v) + a * p) / (days(u) + a)), where p = (others with v + 0.5) / (people + 1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from detector.anomaly.declaration import FEATURES
from detector.facts import DAY_US, Facts, News, Person
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
SURPRISALS: Final = COLUMN["hour"] + 1
"""The features before this column are -log of a likelihood."""
COUNTED: Final = ("new_items", "new_items_day", "new_items_week", "extracted", "volume")
"""The features that compare a number with the person's usual one; they follow the surprisals."""
_LEAST_OF: Final = {
    COUNTRY: COLUMN["country"],
    PLACE: COLUMN["place"],
    NETWORK: COLUMN["network"],
    DEVICE: COLUMN["device"],
    CLIENT: COLUMN["client"],
    DEED: COLUMN["deed"],
    VAULT: COLUMN["vault"],
    SLOT: COLUMN["hour"],
}
_PRODUCT_OF: Final = {DEED: COLUMN["deeds"], VAULT: COLUMN["vaults"]}


class Usual(msgspec.Struct, gc=False):
    """A person's usual number of something in an active hour: moving mean and variance of log(1+n)."""

    mean: float = 0.0
    variance: float = 0.25

    def learn(self, count: float) -> None:
        """Move towards what the hour that ended held."""
        away = math.log1p(count) - self.mean
        self.mean += MEMORY * away
        self.variance = (1 - MEMORY) * (self.variance + MEMORY * away * away)


class Habit(msgspec.Struct):
    """What is usual for a person in numbers, as in `COUNTED`; `recent` are the new items of the
    active hours of the last seven days, with the clock at which each hour closed.
    """

    usual: list[Usual] = msgspec.field(default_factory=lambda: [Usual() for _ in COUNTED])
    recent: list[tuple[int, int]] = []


class Tally(msgspec.Struct):
    """One person's open hour.

    `chances` are products or minima of likelihoods by column, whose -log is the feature;
    `oddest[kind]` is the least likely value of a kind.
    """

    chances: list[float]
    oddest: dict[int, str]
    gap: float = 0.0
    day: int = 0
    week: int = 0
    events: int = 0
    items: int = 0
    new_items: int = 0
    extracted: int = 0
    failures: int = 0
    cracked: int = 0
    networks: int = 0
    privileged: float = 0.0


def likelihood(facts: Facts, person: Person | None, kind: int, value: str) -> float:
    """How likely the person is to show the value on an active day, in (0, 1]."""
    others = facts.population[kind].get(value, 0)
    own = active = 0
    if person is not None:
        active = person.days
        fact = person.known[kind].get(value)
        if fact is not None:
            own = fact.days
            others -= 1
    chance = WEIGHT * (others + 0.5) / (len(facts.people) + 1.0)
    return min(1.0, (own + min(WEIGHT, chance)) / (active + WEIGHT))


def open_tally(facts: Facts, habit: Habit | None, name: str, time: int) -> Tally:
    """The empty tally of a person who was not seen since the last settlement."""
    tally = Tally([1.0] * SURPRISALS, {})
    person = facts.people.get(name)
    if person is not None and person.last:
        gap_days = (time - person.last) / DAY_US
        tally.gap = gap_days if gap_days > 3 else 0.0
    if habit is not None and habit.recent:
        since = time - DAY_US
        tally.day = sum(count for clock, count in habit.recent if clock > since)
        tally.week = sum(count for _, count in habit.recent)
    return tally


def add_news(tally: Tally, facts: Facts, name: str, news: Sequence[News]) -> None:
    """Take in values that the person shows for the first time in this hour."""
    person, chances = facts.people.get(name), tally.chances
    for kind, value in news:
        if kind == ITEM:
            tally.items += 1
            tally.new_items += person is None or value not in person.known[ITEM]
            continue
        chance = likelihood(facts, person, kind, value)
        column = _LEAST_OF[kind]
        if chance < chances[column]:
            chances[column] = chance
            tally.oddest[kind] = value
        if kind == NETWORK:
            tally.networks += 1
        elif kind in _PRODUCT_OF:
            column = _PRODUCT_OF[kind]
            # Never 0: a product of a thousand unlikely values would have no logarithm.
            chances[column] = max(1e-300, chances[column] * chance)


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


def numbers(tally: Tally, habit: Habit | None) -> list[float]:
    """The open hour as it stands, as plain numbers for `features`; a list that shares nothing."""
    new_items, networks = tally.new_items, tally.networks
    row = [
        *tally.chances, new_items, tally.day + new_items, tally.week + new_items,
        tally.extracted, tally.events, tally.failures, tally.cracked, tally.privileged,
        networks - 1 if networks else 0, tally.gap,
    ]  # fmt: skip
    for usual in habit.usual if habit else _FRESH:
        row.append(usual.mean)
        row.append(usual.variance)
    return row


def features(rows: np.ndarray) -> np.ndarray:
    """Rows of `numbers` as rows of features, float32, in the order of `FEATURES`."""
    made = np.empty((len(rows), len(FEATURES)), dtype=np.float32)
    if not len(rows):
        return made
    # A copy, so that every row is reckoned alike however many there are.
    made[:, :SURPRISALS] = -np.log(rows[:, :SURPRISALS].copy())
    end = SURPRISALS + len(COUNTED)
    usual = rows[:, end + 5 :].reshape(len(rows), len(COUNTED), 2)
    excess = (np.log1p(rows[:, SURPRISALS:end].copy()) - usual[:, :, 0]) / (
        np.sqrt(usual[:, :, 1]) + 0.3
    )
    made[:, SURPRISALS:end] = np.maximum(0.0, excess)
    made[:, end : end + 4] = rows[:, end : end + 4]
    made[:, end + 4] = np.log1p(rows[:, end + 4].copy())
    return made


def learn(habit: Habit, tally: Tally, clock: int) -> None:
    """Let an hour that ended at `clock` become part of the person's usual numbers."""
    counts = (
        tally.new_items, tally.day + tally.new_items, tally.week + tally.new_items,
        tally.extracted, tally.events,
    )  # fmt: skip
    for usual, count in zip(habit.usual, counts, strict=True):
        usual.learn(count)
    if tally.new_items:
        habit.recent.append((clock, tally.new_items))
    if habit.recent and habit.recent[0][0] <= clock - 7 * DAY_US:
        habit.recent = [each for each in habit.recent if each[0] > clock - 7 * DAY_US]


_FRESH: Final = [Usual() for _ in COUNTED]
