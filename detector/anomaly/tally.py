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
from detector.anomaly.habits import COUNTED, SOFT, USUAL, Habits
from detector.facts import Facts
from detector.workhours import DAY_US

WEIGHT: Final = 4.0
"""Days that the population counts for against the person's own days."""

RATIOS: Final = ("country_ratio", "network_ratio", "device_ratio", "client_ratio")
"""How much likelier the context of a sign-in is for others than for the person (Freeman 2016)."""
LARGEST: Final = (
    "country", "place", "network", "device", "client", "deed", "vault", "hour", *RATIOS,
    "cracked", "sensitive",
)  # fmt: skip
"""Columns of which an hour keeps the largest: surprisals, ratios, and the failures before a success."""
SUMMED: Final = (
    "deeds", "vaults", "privileged", "events", "items", "new_items", "extracted", "failures",
    "networks",
)  # fmt: skip
"""Columns that an hour sums up: surprisals and counts."""
OPENED: Final = ("gap", "day", "week")
"""Columns that stand when an hour opens. `gap`: days since the last activity if more than three;
`day` and `week`: new items of the hours before within 24 hours and 7 days. After them: what is usual."""

COLUMN: Final = {name: place for place, name in enumerate((*LARGEST, *SUMMED, *OPENED))}
MOVING: Final = len(LARGEST) + len(SUMMED)
"""Columns that change while an hour is open."""
WIDTH: Final = len(COLUMN) + USUAL

_ALIKE: Final = [
    place for place, name in enumerate(FEATURES) if name in COLUMN and name not in COUNTED
]
_COLUMN_OF_ALIKE: Final = [COLUMN[FEATURES[place]] for place in _ALIKE]
_EXCESSES: Final = [FEATURES.index(name) for name in COUNTED]
_COUNTED: Final = [
    COLUMN[name]
    for name in ("new_items", "new_items", "new_items", "extracted", "events", "failures")
]
_RATIO, _DORMANCY, _NETWORKS = (FEATURES.index(name) for name in ("ratio", "dormancy", "networks"))
_FIRST_RATIO: Final = COLUMN[RATIOS[0]]


class Tally(msgspec.Struct):
    """Open hours, a line a person: what was shown so far, and what stood when they opened."""

    table: np.ndarray = msgspec.field(default_factory=lambda: np.empty((0, WIDTH)))

    def open(self, standing: np.ndarray) -> None:
        """Add the lines of people who were not seen since the last settlement.

        `standing` are the columns in `OPENED` and what is usual.
        """
        fresh = np.zeros((len(standing), WIDTH))
        fresh[:, MOVING:] = standing
        self.table = np.concatenate((self.table, fresh)) if len(self.table) else fresh

    def add(self, lines: np.ndarray, brought: np.ndarray) -> None:
        """Take in what events bring to lines, a row a line: the columns that move."""
        rows = self.table[lines]
        largest, summed = rows[:, : len(LARGEST)], rows[:, len(LARGEST) : MOVING]
        np.maximum(largest, brought[:, : len(LARGEST)], out=largest)
        summed += brought[:, len(LARGEST) :]
        self.table[lines] = rows


def surprisals(
    facts: Facts, active: np.ndarray, days: np.ndarray, others: np.ndarray
) -> np.ndarray:
    """-log of how likely values are: of people with so many active days, who showed the value on
    `days` of them, as `others` did."""
    share = WEIGHT / (len(facts.people) + 1.0)
    own = days + np.minimum(share * (others + 0.5), WEIGHT)
    return -np.log(np.minimum(1.0, own / (active + WEIGHT)))


def opening(facts: Facts, habits: Habits, names: Sequence[str], times: np.ndarray) -> np.ndarray:
    """What stands when the hours of people open at events of these times, for `Tally.open`."""
    last = np.array(
        [person.last if (person := facts.people.get(name)) else 0 for name in names], dtype=np.int64
    )
    gap_days = np.where(last > 0, (times - last) / DAY_US, 0.0)
    gap_days[gap_days <= 3] = 0.0
    return np.column_stack((gap_days, habits.opening(names, times)))


def counted(rows: np.ndarray) -> np.ndarray:
    """Rows of a table as the numbers that are compared with the usual ones, in order of `COUNTED`."""
    counts = rows.take(_COUNTED, axis=1)
    counts[:, 1] += rows[:, COLUMN["day"]]
    counts[:, 2] += rows[:, COLUMN["week"]]
    return counts


def features(rows: np.ndarray) -> np.ndarray:
    """Rows of a table as rows of features, float32, in the order of `FEATURES`.

    What stands behind the table's columns are features already, of those that an analyst declared.
    """
    made = np.empty((len(rows), len(FEATURES) + rows.shape[1] - WIDTH), dtype=np.float32)
    made[:, len(FEATURES) :] = rows[:, WIDTH:]
    made[:, _ALIKE] = rows[:, _COLUMN_OF_ALIKE]
    usual = rows[:, len(COLUMN) : WIDTH].reshape(len(rows), len(COUNTED), 2)
    excess = (np.log1p(counted(rows)) - usual[:, :, 0]) / (np.sqrt(usual[:, :, 1]) + SOFT)
    made[:, _EXCESSES] = np.maximum(0.0, excess)
    made[:, _NETWORKS] = np.maximum(0.0, rows[:, COLUMN["networks"]] - 1)
    made[:, _RATIO] = rows[:, _FIRST_RATIO : _FIRST_RATIO + len(RATIOS)].sum(axis=1)
    # A copy, so that every row is reckoned alike however many there are.
    made[:, _DORMANCY] = np.log1p(rows[:, COLUMN["gap"]].copy())
    return made
