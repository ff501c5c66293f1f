"""What the rows of a part bring to open hours: the columns of the tally that move.

A cell is a person's hour at a step of the clock. All cells of a part are summed up at once; the
hours take them in step by step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.actions import SENSITIVE
from detector.anomaly.part import Part
from detector.anomaly.tally import COLUMN, MOVING, RATIOS, surprisals
from detector.facts import Facts
from detector.observations import (
    CLIENT,
    COUNTRY,
    DEED,
    DEVICE,
    EXTRACTED,
    FAILED,
    ITEM,
    KINDS,
    NETWORK,
    PLACE,
    PRIVILEGED,
    SLOT,
    SUCCEEDED,
    VAULT,
)

GRAIN: Final = 2.0**-40
"""Surprisals are summed up in multiples of this (1e-12): sums below 8,192 are exact then, and so
the same however an hour is cut into pages and steps."""


def _columns(columns: Mapping[int, str]) -> np.ndarray:
    """By kind of value a column; `MOVING`, which is thrown away, for none."""
    names = [columns.get(kind) for kind in range(len(KINDS))]
    return np.array([COLUMN[name] if name else MOVING for name in names])


_LARGEST: Final = _columns(
    {
        COUNTRY: "country", PLACE: "place", NETWORK: "network", DEVICE: "device",
        CLIENT: "client", DEED: "deed", VAULT: "vault", SLOT: "hour",
    }
)  # fmt: skip
_SUM: Final = _columns({DEED: "deeds", VAULT: "vaults"})
_RATIO: Final = _columns(dict(zip((COUNTRY, NETWORK, DEVICE, CLIENT), RATIOS, strict=True)))


def brought(part: Part, facts: Facts, failures: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """What a part brings, a row a cell. `cells` has the cell of each of the part's rows.

    `failures` are the failed sign-ins in each row's hour before the part.
    """
    made = _Cells(part, facts, cells, np.zeros((int(cells.max(initial=-1)) + 1, MOVING + 1)))
    made.count(np.arange(len(cells)), "events")
    made.take_news()
    marked = np.flatnonzero(part.page.is_marked[part.rows])
    if len(marked):
        marks = np.array([part.page.marks[row] for row in part.rows[marked].tolist()])
        made.count(marked[marks == EXTRACTED], "extracted")
        made.count(marked[marks == FAILED], "failures")
        tried = (marks == FAILED) | (marks == SUCCEEDED)
        made.take_tries(marked[tried], marks[tried] == FAILED, failures)
        made.take_changes(marked[marks == PRIVILEGED])
    return made.table[:, :MOVING]


@dataclass(frozen=True, slots=True)
class _Cells:
    """A table that is being filled in. `at` are places in the part's rows."""

    part: Part
    facts: Facts
    cells: np.ndarray
    table: np.ndarray

    def count(self, at: np.ndarray, name: str) -> None:
        """Count rows."""
        found = np.bincount(self.cells[at], minlength=len(self.table))
        self.table[:, COLUMN[name]] += found

    def take_news(self) -> None:
        """What the rows show first in the hour."""
        news, surprise, at = self.part.news, self.part.surprise, self.part.places
        kinds, flat = news.kinds, self.table.ravel()
        shares = np.log((news.others + 0.5) / (len(self.facts.people) + 1.0))
        starts = self.cells[at] * self.table.shape[1]
        np.maximum.at(flat, starts + _LARGEST[kinds], surprise)
        np.maximum.at(flat, starts + _RATIO[kinds], surprise + shares)
        np.add.at(flat, starts + _SUM[kinds], _grained(surprise))
        self.count(at[kinds == NETWORK], "networks")
        used = (kinds == ITEM) & ~self.part.page.is_created[news.rows]
        self.count(at[used], "items")
        self.count(at[used & (news.days == 0)], "new_items")

    def take_tries(self, at: np.ndarray, failed: np.ndarray, failures: np.ndarray) -> None:
        """Sign-ins in order: how many had failed before one succeeded."""
        owners, before = self.part.owners[at], failures[at]
        some = failed | (before > 0)
        so_far = dict(zip(owners[some].tolist(), before[some].tolist(), strict=True))
        if not so_far:
            return
        for place, owner in enumerate(owners.tolist()):
            if failed[place]:
                so_far[owner] += 1
            elif owner in so_far:
                cracked = self.cells[at[place]], COLUMN["cracked"]
                self.table[cracked] = max(self.table[cracked], so_far[owner])

    def take_changes(self, at: np.ndarray) -> None:
        """Privileged changes, by their rarity; and the rarest that weakens the account."""
        part, facts, page = self.part, self.facts, self.part.page
        rows = part.rows[at]
        deeds = [page.values[DEED][row] or "" for row in rows.tolist()]
        shown = [
            (page.people[row] or "", DEED, deed) for row, deed in zip(rows, deeds, strict=True)
        ]
        days = np.array([facts.days(*each) for each in shown], dtype=np.int64)
        others = np.array([facts.others(*each) for each in shown], dtype=np.int64)
        rarity = surprisals(facts, part.active[page.who[rows]], days, others)
        np.add.at(self.table[:, COLUMN["privileged"]], self.cells[at], 0.5 + _grained(rarity))
        weakens = np.array([_is_sensitive(deed) for deed in deeds], dtype=bool)
        column = self.table[:, COLUMN["sensitive"]]
        np.maximum.at(column, self.cells[at[weakens]], rarity[weakens])


def _grained(surprise: np.ndarray) -> np.ndarray:
    return np.asarray(np.round(surprise / GRAIN) * GRAIN)


def _is_sensitive(deed: str) -> bool:
    _, action, kind = deed.split(":", 2)
    return (action, kind) in SENSITIVE
