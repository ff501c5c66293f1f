"""The open hours of people as one table, kept up to date event by event, and their features.

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
from detector.facts import Facts
from detector.observations import (
    CLIENT,
    COUNTRY,
    DEED,
    DEVICE,
    KINDS,
    NETWORK,
    PLACE,
    SLOT,
    VAULT,
)
from detector.workhours import DAY_US

WEIGHT: Final = 4.0
"""Days that the population counts for against the person's own days."""
MEMORY: Final = 0.07
"""Weight of the newest active hour in a person's usual numbers (half-life of ten hours)."""

COLUMN: Final = {name: place for place, name in enumerate(FEATURES)}
SURPRISALS: Final = COLUMN["hour"] + 1
"""The features before this column are surprisals: the largest, or the sum over an hour's values."""
COUNTED: Final = ("new_items", "new_items_day", "new_items_week", "extracted", "volume", "failed")
"""The features that compare a number with the person's usual one; they follow the surprisals."""
COUNTS: Final = (
    "events", "items", "new_items", "extracted", "failures", "cracked", "privileged", "sensitive",
    "networks", "gap", "day", "week",
)  # fmt: skip
"""What is counted of an open hour. `gap`: days since the last activity if more than three; `day`
and `week`: new items of the hours before within 24 hours and 7 days."""
(
    EVENTS, ITEMS, NEW_ITEMS, EXTRACTED_ITEMS, FAILURES, CRACKED, PRIVILEGES, WEAKENED, NETWORKS,
    GAP, DAY, WEEK,
) = range(len(COUNTS))  # fmt: skip
_USUAL: Final = 2 * len(COUNTED)
WIDTH: Final = len(FEATURES) + _USUAL
"""Numbers of a line: each feature has one, and then there is what is usual."""


def _columns(columns: dict[int, str]) -> np.ndarray:
    return np.array(
        [COLUMN[columns[kind]] if kind in columns else -1 for kind in range(len(KINDS))]
    )


LARGEST_OF: Final = _columns(
    {
        COUNTRY: "country", PLACE: "place", NETWORK: "network", DEVICE: "device",
        CLIENT: "client", DEED: "deed", VAULT: "vault", SLOT: "hour",
    }
)  # fmt: skip
"""By kind of value the column that keeps the largest surprisal, -1 for none."""
SUM_OF: Final = _columns({DEED: "deeds", VAULT: "vaults"})
"""By kind of value the column that sums the surprisals, -1 for none."""
RATIOS: Final = (COUNTRY, NETWORK, DEVICE, CLIENT)
"""Kinds of the context of a sign-in, of which the likelihood ratio is made (Freeman 2016)."""
_RATIO_OF: Final = np.array(
    [RATIOS.index(kind) if kind in RATIOS else -1 for kind in range(len(KINDS))]
)


class Habit(msgspec.Struct):
    """What is usual for a person in numbers: of each in `COUNTED`, in an active hour, the moving
    mean and variance of log(1 + n), one after the other.

    `recent` are the new items of the active hours of the last seven days, with the clock at
    which each hour closed; `week` is their sum.
    """

    usual: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.25] * len(COUNTED))
    recent: list[tuple[int, int]] = []
    week: int = 0


class Tally(msgspec.Struct):
    """Open hours, a line a person: surprisals, counts and usual numbers as columns.

    `first` and `last` are the times of the events so far, in microseconds of UTC.
    """

    surprise: np.ndarray = msgspec.field(default_factory=lambda: np.zeros((0, SURPRISALS)))
    ratios: np.ndarray = msgspec.field(default_factory=lambda: np.zeros((0, len(RATIOS))))
    counts: np.ndarray = msgspec.field(default_factory=lambda: np.zeros((0, len(COUNTS))))
    usual: np.ndarray = msgspec.field(default_factory=lambda: np.zeros((0, _USUAL)))
    first: np.ndarray = msgspec.field(default_factory=lambda: np.zeros(0, np.int64))
    last: np.ndarray = msgspec.field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.first)

    def open(self, counts: list[list[float]], habits: Sequence[Habit], times: list[int]) -> None:
        """Add the lines of people who were not seen since the last settlement."""
        usual = [habit.usual for habit in habits]
        self.surprise = np.concatenate((self.surprise, np.zeros((len(times), SURPRISALS))))
        self.ratios = np.concatenate((self.ratios, np.zeros((len(times), len(RATIOS)))))
        self.counts = np.concatenate((self.counts, np.array(counts)))
        self.usual = np.concatenate((self.usual, np.array(usual)))
        self.first = np.concatenate((self.first, np.array(times)))
        self.last = np.concatenate((self.last, np.zeros(len(times), np.int64)))

    def add_events(self, lines: np.ndarray, times: np.ndarray) -> None:
        """Take in events of these lines."""
        self._count(lines, EVENTS)
        np.minimum.at(self.first, lines, times)
        np.maximum.at(self.last, lines, times)

    def add_values(self, lines: np.ndarray, kinds: np.ndarray, surprise: np.ndarray) -> None:
        """Take in values that the people of these lines show first in the hour, in log order."""
        flat = self.surprise.ravel()
        largest, summed = LARGEST_OF[kinds], SUM_OF[kinds]
        some = largest >= 0
        np.maximum.at(flat, lines[some] * SURPRISALS + largest[some], surprise[some])
        some = summed >= 0
        np.add.at(flat, lines[some] * SURPRISALS + summed[some], surprise[some])
        self._count(lines[kinds == NETWORK], NETWORKS)

    def add_ratios(self, lines: np.ndarray, kinds: np.ndarray, ratios: np.ndarray) -> None:
        """Take in how much likelier values are for others than for the people who show them."""
        column = _RATIO_OF[kinds]
        some = column >= 0
        np.maximum.at(self.ratios.ravel(), lines[some] * len(RATIOS) + column[some], ratios[some])

    def add_items(self, lines: np.ndarray, days: np.ndarray) -> None:
        """Take in items that the people show first in the hour, known on so many days."""
        self._count(lines, ITEMS)
        self._count(lines[days == 0], NEW_ITEMS)

    def _count(self, lines: np.ndarray, column: int) -> None:
        np.add.at(self.counts.ravel(), lines * len(COUNTS) + column, 1.0)

    def numbers(self, lines: np.ndarray) -> np.ndarray:
        """Lines as they stand, for `features`; nothing is shared."""
        counts = self.counts[lines]
        new = counts[:, NEW_ITEMS]
        return np.column_stack(
            (
                self.surprise[lines],
                new,
                counts[:, DAY] + new,
                counts[:, WEEK] + new,
                counts[:, [EXTRACTED_ITEMS, EVENTS, FAILURES]],
                counts[:, [FAILURES, CRACKED, PRIVILEGES, WEAKENED]],
                np.maximum(0.0, counts[:, NETWORKS] - 1),
                self.ratios[lines].sum(axis=1),
                counts[:, GAP],
                self.usual[lines],
            )
        )


def surprisals(
    facts: Facts, active: np.ndarray, days: np.ndarray, others: np.ndarray
) -> np.ndarray:
    """-log of how likely values are: of people with so many active days, who showed the value on
    `days` of them, as `others` did."""
    share = WEIGHT / (len(facts.people) + 1.0)
    own = days + np.minimum(share * (others + 0.5), WEIGHT)
    return -np.log(np.minimum(1.0, own / (active + WEIGHT)))


def opening(facts: Facts, habit: Habit | None, name: str, time: int) -> list[float]:
    """The counts of a person whose hour opens at an event of that time."""
    counts, person = [0.0] * len(COUNTS), facts.people.get(name)
    if person is not None and person.last:
        gap_days = (time - person.last) / DAY_US
        counts[GAP] = gap_days if gap_days > 3 else 0.0
    if habit is not None:
        counts[WEEK] = habit.week
        for clock, count in reversed(habit.recent):
            if clock <= time - DAY_US:
                break
            counts[DAY] += count
    return counts


def features(rows: np.ndarray) -> np.ndarray:
    """Rows of `numbers` as rows of features, float32, in the order of `FEATURES`.

    What stands behind the numbers are features already, of those that an analyst declared.
    """
    rows, own = rows[:, :WIDTH], rows[:, WIDTH:]
    made = np.empty((len(rows), len(FEATURES) + own.shape[1]), dtype=np.float32)
    made[:, len(FEATURES) :] = own
    if not len(rows):
        return made
    made[:, :SURPRISALS] = rows[:, :SURPRISALS]
    end = SURPRISALS + len(COUNTED)
    usual = rows[:, -_USUAL:].reshape(len(rows), len(COUNTED), 2)
    # A copy, so that every row is reckoned alike however many there are.
    excess = (np.log1p(rows[:, SURPRISALS:end].copy()) - usual[:, :, 0]) / (
        np.sqrt(usual[:, :, 1]) + 0.3
    )
    made[:, SURPRISALS:end] = np.maximum(0.0, excess)
    made[:, end : end + 6] = rows[:, end : end + 6]
    made[:, end + 6] = np.log1p(rows[:, end + 6].copy())
    return made


def moved(usual: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Moving means and variances, of shape (n, quantities, 2), after one more hour."""
    away = counts - usual[:, :, 0]
    mean = usual[:, :, 0] + MEMORY * away
    variance = (1 - MEMORY) * (usual[:, :, 1] + MEMORY * away * away)
    return np.stack((mean, variance), axis=2)


def learn(habits: Sequence[Habit], rows: np.ndarray, clock: int) -> None:
    """Let hours that ended at `clock`, rows of `numbers`, become part of people's usual numbers."""
    counts = np.log1p(rows[:, SURPRISALS : SURPRISALS + len(COUNTED)].copy())
    usual = rows[:, -_USUAL:].reshape(len(rows), len(COUNTED), 2)
    changed = moved(usual, counts).reshape(len(rows), -1).tolist()
    oldest, new_items = clock - 7 * DAY_US, rows[:, SURPRISALS].astype(int).tolist()
    for habit, numbers, new in zip(habits, changed, new_items, strict=True):
        habit.usual = numbers
        if new:
            habit.recent.append((clock, new))
            habit.week += new
        if habit.recent and habit.recent[0][0] <= oldest:
            habit.recent = [each for each in habit.recent if each[0] > oldest]
            habit.week = sum(count for _, count in habit.recent)
