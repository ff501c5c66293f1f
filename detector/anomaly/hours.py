"""The open hours of people: numbers, and the evidence behind them, as they stand at each step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from detector.actions import SENSITIVE
from detector.anomaly import tally as tallies
from detector.anomaly.own_rows import Opened, Reader, Shown, Told
from detector.anomaly.tally import LARGEST_OF, Habit, Tally
from detector.facts import Facts, News
from detector.observations import (
    DEED,
    EXTRACTED,
    FAILED,
    ITEM,
    PRIVILEGED,
    SUCCEEDED,
    Observations,
)
from detector.workhours import DAY_US

MOST_IDS: Final = 100


@dataclass(frozen=True, slots=True)
class Part:
    """Rows `start` to `end` of a page within one hour, and the surprisals of what is new in them.

    `lines` holds the line of each of the page's people, -1 where the hour is not open.
    """

    page: Observations
    start: int
    end: int
    news: News
    surprise: np.ndarray
    lines: np.ndarray
    own: Shown | None = None
    """What the rows show of declared features, if there are any."""


@dataclass(frozen=True, slots=True)
class Step:
    """The open hours that changed, as they stood at a step of the clock.

    `upto` is the row of the part before which events had come.
    """

    clock: int
    seq: int
    lines: np.ndarray
    numbers: np.ndarray
    counts: np.ndarray
    first: np.ndarray
    last: np.ndarray
    upto: int


class Evidence(msgspec.Struct):
    """The events of a person's open hour, and by kind of value the most surprising one."""

    event_ids: list[str] = []
    event_seqs: list[int] = []
    oddest: dict[int, tuple[str, float]] = {}
    own: dict[int, Told] = {}
    """By declared feature the most surprising value."""

    def add_events(self, page: Observations, rows: list[int]) -> None:
        """Take in events, up to a hundred in all."""
        kept = rows[: max(0, MOST_IDS - len(self.event_ids))]
        self.event_ids += [page.ids[row] for row in kept]
        self.event_seqs += [page.seqs[row] for row in kept]

    def add_value(self, kind: int, value: str, surprise: float) -> None:
        """Take in a value that was shown; the first of equals stays."""
        if surprise > self.oddest.get(kind, ("", 0.0))[1]:
            self.oddest[kind] = (value, surprise)

    def add_own(self, feature: int, told: Told) -> None:
        """Take in a value of a declared feature; the first of equals stays."""
        if feature not in self.own or told.surprise > self.own[feature].surprise:
            self.own[feature] = told


class Hours(msgspec.Struct):
    """Every open hour, a line a person in order of appearance.

    `evidence` holds what came with earlier pages; see `carry`.
    """

    lines: dict[str, int] = {}
    tally: Tally = msgspec.field(default_factory=Tally)
    evidence: list[Evidence] = []
    touched: list[bool] = []
    """Whether something came since the last step."""
    own: Opened = msgspec.field(default_factory=Opened)

    def part(self, page: Observations, reader: Reader, news: News, span: tuple[int, int]) -> Part:
        """Rows of a page within one hour, with `news` as the facts found it."""
        facts = reader.facts
        present, names = page.present(*span)
        active = np.zeros(len(page.names), dtype=np.int64)
        lines = np.full(len(page.names), -1, dtype=np.int64)
        active[present] = [
            person.days if (person := facts.people.get(name)) else 0 for name in names
        ]
        lines[present] = [self.lines.get(name, -1) for name in names]
        surprise = tallies.surprisals(facts, active[page.who[news.rows]], news.days, news.others)
        own = reader.read(page, span) if reader.features else None
        return Part(page, *span, news, surprise, lines, own)

    def take(
        self, part: Part, facts: Facts, habits: dict[str, Habit], span: tuple[int, int]
    ) -> None:
        """Take in rows of a part; they lie within one step where steps are looked at."""
        page = part.page
        rows = _between(page.prompt, *span)
        if not len(rows):
            return
        self._open(part, facts, habits, rows)
        if part.own is not None:
            self.own.take(part.own, part.lines[page.who], span)
        lines = part.lines[page.who[rows]]
        self.tally.add_events(lines, page.time_us[rows])
        for line in np.unique(lines).tolist():
            self.touched[line] = True
        self._mark(part, facts, rows)
        low, high = np.searchsorted(part.news.rows, span)
        news = np.arange(low, high)[page.is_prompt[part.news.rows[low:high]]]
        owners, kinds = part.lines[page.who[part.news.rows[news]]], part.news.kinds[news]
        item = kinds == ITEM
        self.tally.add_items(owners[item], part.news.days[news[item]])
        surprise = part.surprise[news]
        self.tally.add_values(owners[~item], kinds[~item], surprise[~item])
        shares = np.log((part.news.others[news] + 0.5) / (len(facts.people) + 1.0))
        self.tally.add_ratios(owners, kinds, surprise + shares)

    def step(self, clock: int, *, seq: int, upto: int) -> Step | None:
        """The open hours that changed since the last step, as they stand; null if none did."""
        lines = np.flatnonzero(self.touched)
        if not len(lines):
            return None
        self.touched = [False] * len(self.touched)
        tally = self.tally
        numbers = self.numbers(lines)
        counts = tally.counts[lines]
        if self.own.counted:
            counts = np.hstack((counts, self.own.found[lines]))
        return Step(clock, seq, lines, numbers, counts, tally.first[lines], tally.last[lines], upto)

    def numbers(self, lines: np.ndarray) -> np.ndarray:
        """Lines as they stand, for `tally.features`; nothing is shared."""
        numbers = self.tally.numbers(lines)
        return np.hstack((numbers, self.own.numbers(lines))) if self.own.counted else numbers

    def evidence_of(self, line: int, part: Part | None, upto: int) -> Evidence:
        """What speaks for an open hour: what earlier pages brought, and the part before a row."""
        before = self.evidence[line]
        found = Evidence(
            before.event_ids.copy(),
            before.event_seqs.copy(),
            before.oddest.copy(),
            before.own.copy(),
        )
        if part is not None:
            mine = part.lines[part.page.who] == line
            rows = _between(part.page.prompt, part.start, upto)
            found.add_events(part.page, rows[mine[rows]].tolist())
            for _, kind, value, surprise in _shown(part, mine, upto):
                found.add_value(kind, value, surprise)
            for row, feature, told in part.own.told(upto) if part.own else ():
                if mine[row]:
                    found.add_own(feature, told)
        return found

    def carry(self, part: Part) -> None:
        """Keep the evidence of a part beyond its page, while the hour goes on."""
        rows = _between(part.page.prompt, part.start, part.end)
        whose = part.lines[part.page.who[rows]]
        for line in np.unique(whose).tolist():
            self.evidence[line].add_events(part.page, rows[whose == line].tolist())
        everybody = np.ones(len(part.page), dtype=bool)
        for place, kind, value, surprise in _shown(part, everybody, part.end):
            line = part.lines[part.page.who[part.news.rows[place]]]
            self.evidence[line].add_value(kind, value, surprise)
        for row, feature, told in part.own.told(part.end) if part.own else ():
            self.evidence[part.lines[part.page.who[row]]].add_own(feature, told)

    def _open(self, part: Part, facts: Facts, habits: dict[str, Habit], rows: np.ndarray) -> None:
        """Open the hours of people who were not seen in this one."""
        page = part.page
        unseen = rows[part.lines[page.who[rows]] < 0]
        if not len(unseen):
            return
        who, first = np.unique(page.who[unseen], return_index=True)
        order = np.argsort(first)
        names = [page.names[person] for person in who[order].tolist()]
        times = [page.times[row] for row in unseen[first[order]].tolist()]
        mine = [habits.get(name) for name in names]
        counts = [
            tallies.opening(facts, habit, name, time)
            for habit, name, time in zip(mine, names, times, strict=True)
        ]
        part.lines[who[order]] = np.arange(len(names)) + len(self.lines)
        self.tally.open(counts, [habit or Habit() for habit in mine], times)
        if part.own is not None:
            self.own.open(part.own.known, names, page.clocks[int(unseen[0])] // DAY_US)
        self.lines.update({name: len(self.lines) + place for place, name in enumerate(names)})
        self.evidence += [Evidence() for _ in names]
        self.touched += [False] * len(names)

    def _mark(self, part: Part, facts: Facts, rows: np.ndarray) -> None:
        """Count what extracts, fails, succeeds or is privileged, event by event."""
        page, counts = part.page, self.tally.counts
        for row in rows[page.is_marked[rows]].tolist():
            count, mark = counts[part.lines[page.who[row]]], page.marks[row]
            if mark == EXTRACTED:
                count[tallies.EXTRACTED_ITEMS] += 1
            elif mark == FAILED:
                count[tallies.FAILURES] += 1
            elif mark == SUCCEEDED:
                count[tallies.CRACKED] = max(count[tallies.CRACKED], count[tallies.FAILURES])
            elif mark == PRIVILEGED:
                name, deed = page.people[row] or "", page.values[DEED][row] or ""
                rarity = _surprise(facts, name, deed)
                count[tallies.PRIVILEGES] += 0.5 + rarity
                if _is_sensitive(deed):
                    count[tallies.WEAKENED] = max(count[tallies.WEAKENED], rarity)


def _between(rows: np.ndarray, start: int, end: int) -> np.ndarray:
    low, high = np.searchsorted(rows, (start, end))
    return rows[low:high]


def _shown(part: Part, mine: np.ndarray, upto: int) -> Iterator[tuple[int, int, str, float]]:
    """News of some rows before one, prompt, and of a kind that has an oddest value: their place,
    kind, value and surprisal."""
    news, page = part.news, part.page
    kept = (news.rows < upto) & mine[news.rows] & page.is_prompt[news.rows]
    for place in np.flatnonzero(kept & (LARGEST_OF[news.kinds] >= 0)).tolist():
        yield place, int(news.kinds[place]), news.values[place], float(part.surprise[place])


def _is_sensitive(deed: str) -> bool:
    _, action, kind = deed.split(":", 2)
    return (action, kind) in SENSITIVE


def _surprise(facts: Facts, name: str, deed: str) -> float:
    person, days = facts.people.get(name), facts.days(name, DEED, deed)
    active = np.array([person.days if person else 0])
    others = np.array([facts.others(name, DEED, deed)])
    return float(tallies.surprisals(facts, active, np.array([days]), others)[0])
