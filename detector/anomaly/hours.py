"""The open hours of people: numbers, and the evidence behind them, as they stand at each step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np

from detector.anomaly import evidence, tally
from detector.anomaly.brought import brought
from detector.anomaly.evidence import Evidence
from detector.anomaly.habits import Habits
from detector.anomaly.own_rows import Opened, Reader
from detector.anomaly.part import Part
from detector.anomaly.tally import COLUMN, Tally
from detector.facts import Facts
from detector.noting import News
from detector.observations import Observations
from detector.workhours import DAY_US


@dataclass(frozen=True, slots=True)
class Step:
    """The open hours that changed, as they stood at a step of the clock.

    `numbers` are for `tally.features`, `found` is what declared features found. `upto` is the row
    of the part before which events had come.
    """

    clock: int
    seq: int
    lines: np.ndarray
    numbers: np.ndarray
    found: np.ndarray
    upto: int


class Hours(msgspec.Struct):
    """Every open hour, a line a person in order of appearance.

    `evidence` is by line what came with earlier pages; see `carry`.
    """

    lines: dict[str, int] = {}
    tally: Tally = msgspec.field(default_factory=Tally)
    evidence: dict[int, Evidence] = {}
    touched: np.ndarray = msgspec.field(default_factory=lambda: np.zeros(0, dtype=bool))
    """Whether something came since the last step."""
    own: Opened = msgspec.field(default_factory=Opened)

    def part(
        self, page: Observations, reader: Reader, news: News, span: tuple[int, int], habits: Habits
    ) -> Part:
        """Rows of a page within one hour, with `news` as the facts found it.

        The hours of people who were not seen in this one open.
        """
        people, rows = reader.facts.people, _between(page.prompt, *span)
        who, first = np.unique(page.who[rows], return_index=True)
        names = [page.names[person] for person in who.tolist()]
        active, lines = np.zeros((2, len(page.names)), dtype=np.int64)
        active[who] = [person.days if (person := people.get(name)) else 0 for name in names]
        lines[who] = [self.lines.get(name, -1) for name in names]
        own = reader.read(page, span) if reader.features else None
        fresh = np.flatnonzero(lines[who] < 0)
        if len(fresh):
            order = fresh[np.argsort(first[fresh])]
            lines[who[order]] = np.arange(len(order)) + len(self.lines)
            opening = [names[place] for place in order.tolist()]
            times = page.time_us[rows[first[order]]]
            self._open(opening, tally.opening(reader.facts, habits, opening, times))
            if own is not None:
                self.own.open(own.known, opening, page.clocks[int(rows[0])] // DAY_US)
        news = _prompt(news, page)
        surprise = tally.surprisals(
            reader.facts, active[page.who[news.rows]], news.days, news.others
        )
        places = np.searchsorted(rows, news.rows)
        return Part(page, *span, rows, lines[page.who[rows]], news, places, surprise, active, own)

    def _open(self, names: Sequence[str], standing: np.ndarray) -> None:
        self.lines.update({name: len(self.lines) + place for place, name in enumerate(names)})
        self.tally.open(standing)
        self.touched = np.concatenate((self.touched, np.zeros(len(names), dtype=bool)))

    def take(self, part: Part, facts: Facts, stops: Sequence[int]) -> Iterator[int]:
        """Take in a part. Yields at each of some rows of it, when what came before is taken in."""
        step = np.searchsorted(stops, part.rows, side="right")
        keys, cells = np.unique(step * len(self.lines) + part.owners, return_inverse=True)
        lines = keys % max(1, len(self.lines))
        failures = self.tally.table[part.owners, COLUMN["failures"]]
        table = brought(part, facts, failures, cells)
        edges = [part.start, *stops, part.end]
        ends = np.searchsorted(keys, np.arange(len(edges)) * len(self.lines)).tolist()
        for (start, end), (low, high) in zip(pairwise(edges), pairwise(ends), strict=True):
            self.tally.add(lines[low:high], table[low:high])
            self.touched[lines[low:high]] = True
            if part.own is not None:
                self.own.take(part.own, part.owners_of(part.own.rows), (start, end))
            if end < part.end:
                yield end

    def step(self, clock: int, *, seq: int, upto: int) -> Step | None:
        """The open hours that changed since the last step, as they stand; null if none did."""
        lines = np.flatnonzero(self.touched)
        if not len(lines):
            return None
        self.touched[lines] = False
        found = self.own.found[lines] if self.own.counted else np.empty((len(lines), 0))
        return Step(clock, seq, lines, self.numbers(lines), found, upto)

    def numbers(self, lines: np.ndarray) -> np.ndarray:
        """Lines as they stand, for `tally.features`; nothing is shared."""
        numbers = self.tally.table[lines]
        return np.hstack((numbers, self.own.numbers(lines))) if self.own.counted else numbers

    def evidence_of(self, line: int, part: Part | None, upto: int) -> Evidence:
        """What speaks for an open hour: what earlier pages brought, and the part before a row."""
        return evidence.until(self.evidence.get(line), part, line, upto)

    def carry(self, part: Part) -> None:
        """Keep the evidence of a part beyond its page, while the hour goes on."""
        evidence.carry(self.evidence, part)


def _between(rows: np.ndarray, start: int, end: int) -> np.ndarray:
    low, high = np.searchsorted(rows, (start, end))
    return rows[low:high]


def _prompt(news: News, page: Observations) -> News:
    """The news of prompt rows."""
    kept = page.is_prompt[news.rows]
    if kept.all():
        return news
    return news.take(np.flatnonzero(kept))
