"""The features of each open actor-hour, kept up to date event by event.

Everything is measured against what was known before the hour began (as-of law).
Surprisal of a value v for person u, with a = 4 (shared/model.md section 4):
-log((days(u, v) + a * p) / (days(u) + a)), where p = (others with v + 0.5) / (people + 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from detector.anomaly.declaration import FEATURES
from detector.facts import Facts, News
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
from detector.persons import Person
from detector.spells import DAY_US

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


class Habit(msgspec.Struct):
    """What is usual for a person in numbers: of each in `COUNTED`, in an active hour, the moving
    mean and variance of log(1 + n), one after the other.

    `recent` are the new items of the active hours of the last seven days, with the clock at
    which each hour closed.
    """

    usual: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.25] * len(COUNTED))
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


def likelihood(facts: Facts, person: Person | None, kind: int, value: str, days: int) -> float:
    """How likely the person, who is known to show the value on `days` days, is to show it."""
    others = facts.population[kind].get(value, 0) - (1 if days else 0)
    chance = WEIGHT / (len(facts.people) + 1.0) * (others + 0.5)
    own = days + (chance if chance < WEIGHT else WEIGHT)
    active = (person.days if person else 0) + WEIGHT
    return own / active if own < active else 1.0


def open_tally(facts: Facts, habit: Habit | None, name: str, time: int) -> Tally:
    """The empty tally of a person who was not seen since the last settlement."""
    tally = Tally([1.0] * SURPRISALS, {})
    person = facts.people.get(name)
    if person is not None and person.last:
        gap_days = (time - person.last) / DAY_US
        tally.gap = gap_days if gap_days > 3 else 0.0
    if habit is not None:
        since = time - DAY_US
        for clock, count in habit.recent:
            tally.week += count
            if clock > since:
                tally.day += count
    return tally


def add_news(tally: Tally, facts: Facts, name: str, news: Sequence[News]) -> None:
    """Take in values that the person shows for the first time in this hour."""
    person, chances, population = facts.people.get(name), tally.chances, facts.population
    share, active = WEIGHT / (len(facts.people) + 1.0), (person.days if person else 0) + WEIGHT
    for kind, value, days in news:
        if kind == ITEM:
            tally.items += 1
            if not days:
                tally.new_items += 1
            continue
        # As in `likelihood`, written out because it is the hottest line of the engine.
        others = population[kind].get(value, 0) - (1 if days else 0)
        chance = share * (others + 0.5)
        own = days + (chance if chance < WEIGHT else WEIGHT)
        chance = own / active if own < active else 1.0
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
    networks = tally.networks
    return [
        *tally.chances,
        *_counts(tally),
        tally.failures,
        tally.cracked,
        tally.privileged,
        networks - 1 if networks else 0,
        tally.gap,
        *(habit.usual if habit else _FRESH),
    ]


def _counts(tally: Tally) -> tuple[int, int, int, int, int]:
    """The numbers in the order of `COUNTED`."""
    new = tally.new_items
    return new, tally.day + new, tally.week + new, tally.extracted, tally.events


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


def learn(habits: Sequence[Habit], rows: np.ndarray, new_items: Sequence[int], clock: int) -> None:
    """Let hours that ended at `clock`, rows of `numbers`, become part of people's usual numbers."""
    counts = np.log1p(rows[:, SURPRISALS : SURPRISALS + len(COUNTED)].copy())
    usual = rows[:, -2 * len(COUNTED) :].reshape(len(rows), len(COUNTED), 2)
    away = counts - usual[:, :, 0]
    mean = usual[:, :, 0] + MEMORY * away
    variance = (1 - MEMORY) * (usual[:, :, 1] + MEMORY * away * away)
    changed = np.stack((mean, variance), axis=2).reshape(len(rows), -1).tolist()
    oldest = clock - 7 * DAY_US
    for habit, numbers, new in zip(habits, changed, new_items, strict=True):
        habit.usual = numbers
        if new:
            habit.recent.append((clock, new))
        if habit.recent and habit.recent[0][0] <= oldest:
            habit.recent = [each for each in habit.recent if each[0] > oldest]


_FRESH: Final = Habit().usual
