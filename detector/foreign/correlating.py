"""Correlations over other products' events, in the order of their event times.

The correlations are those of the service, unchanged: here they get a page whose columns are the
fields that each base rule's log source calls so. No event is late, since all are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
import polars as pl

from detector import correlating, events
from detector.columns import Columns
from detector.correlations.definition import PERSON, Base
from detector.correlations.groups import CorrelationTail
from detector.facts import Facts
from detector.findings import Finding
from detector.foreign.stages import Stage, hits
from detector.foreign.times import UNKNOWN
from detector.networks import Networks
from detector.observations import Clock, Observations, observe
from detector.rule_types.base import Scene
from detector.rulebook.bits import Rows
from detector.rulebook.book import CorrelationRule, Rulebook
from detector.workhours import DAY_US, HOUR_US

_BETWEEN: Final = "\0"
"""Between the parts of a column's name; no field has it in its own."""
_JOINED: Final = ", "


@dataclass(frozen=True)
class Shown:
    """What the correlations were shown: events by their times, from the first to the last.

    `hits` are the rows of each base rule; `columns` the fields of the `entries`, row by row.
    """

    entries: Sequence[CorrelationRule]
    hits: Mapping[str, Rows]
    times: Sequence[int]
    columns: Mapping[str, Sequence[Any]]


@dataclass
class Watched:
    """What the correlations of a rulebook found, and what they could not look at."""

    findings: list[Finding] = field(default_factory=list)
    """In the order in which they were found; an event's id is its row in the whole frame."""
    tails: dict[str, CorrelationTail] = field(default_factory=dict)
    shown: Shown | None = None
    undated: int = 0
    """Events that a base rule matches, but whose time nobody knows."""
    not_run: tuple[CorrelationRule, ...] = ()
    """Correlations that look at behaviours, which only know the service's own events."""


def watch(
    rulebook: Rulebook, on: Sequence[Stage], times: np.ndarray, account: str = "events"
) -> Watched:
    """Run the correlations over the events; `times` are those of the whole frame's rows."""
    able, not_run = _able(rulebook)
    found = Watched(not_run=not_run)
    bases = {base for entry in able for base in entry.bases}
    wanted = [match for match in rulebook.matches if match.rule.id in bases]
    matched = [(match.rule.id, stage, rows) for match, stage, rows in hits(wanted, on)]
    if not able or not matched:
        return found
    rows = np.unique(np.concatenate([stage.rows[each] for _, stage, each in matched]))
    dated = rows[times[rows] != UNKNOWN]
    found.undated = len(rows) - len(dated)
    if len(dated):
        order = dated[np.argsort(times[dated], kind="stable")]
        _play(_Play(able, matched, order, times[order], account), found)
    return found


def _able(rulebook: Rulebook) -> tuple[list[CorrelationRule], tuple[CorrelationRule, ...]]:
    """The correlations that can run without behaviours, and the others."""
    blind = {entry.rule.id for entry in rulebook.behaviors}
    able: list[CorrelationRule] = []
    not_run: list[CorrelationRule] = []
    for entry in rulebook.correlations:
        if blind.isdisjoint(entry.bases):
            able.append(entry)
        else:
            blind.add(entry.rule.id)
            not_run.append(entry)
    return able, tuple(not_run)


@dataclass(frozen=True)
class _Play:
    """The matched events in the order of their times, and the correlations that look at them."""

    entries: Sequence[CorrelationRule]
    matched: Sequence[tuple[str, Stage, Rows]]
    order: Rows
    """Rows of the whole frame; their places in here are the rows of the page."""
    times: np.ndarray
    account: str

    def hits(self) -> dict[str, Rows]:
        """The rows of the page that each base rule matches, ascending."""
        found: dict[str, list[Rows]] = {}
        for rule, stage, rows in self.matched:
            found.setdefault(rule, []).append(self.places(stage.rows[rows]))
        return {rule: np.unique(np.concatenate(parts)) for rule, parts in found.items()}

    def places(self, rows: Rows) -> Rows:
        """The rows of the page of those rows of the whole frame that have a time."""
        where = np.argsort(self.order)
        at = np.searchsorted(self.order, rows, sorter=where)
        there: Rows = where[np.minimum(at, len(where) - 1)]
        kept: Rows = there[self.order[there] == rows]
        return kept

    def page(self, columns: Mapping[str, Sequence[Any]]) -> Observations:
        """A page of which only correlations can make something."""
        nothing = pl.DataFrame(schema=events.SCHEMA)
        blank, times = observe(nothing, nothing, (), Clock(0, HOUR_US)), self.times.tolist()
        return replace(
            blank,
            seqs=range(1, len(self.order) + 1),
            times=times,
            clocks=times,
            ids=list(map(str, self.order.tolist())),
            columns=Columns(pl.DataFrame(columns, strict=False), columns),
        )

    def column(self, rule: str, name: str) -> list[Any]:
        """What a base rule's events have in a field, row by row of the page."""
        column: list[Any] = [None] * len(self.order)
        for each, stage, rows in self.matched:
            source = stage.schema.column("user.id" if name == PERSON else name)
            if each != rule or source is None:
                continue
            there = np.isin(stage.rows[rows], self.order)
            values = stage.frame[source][rows[there]].to_list()
            for place, value in zip(self.places(stage.rows[rows]).tolist(), values, strict=True):
                if column[place] is None:
                    column[place] = _plain(value)
        return column


def _play(play: _Play, found: Watched) -> None:
    """Show the correlations one hour after the other, and at last that time goes on."""
    columns: dict[str, Sequence[Any]] = {}
    entries = [_renamed(entry, play, columns) for entry in play.entries]
    book = Rulebook(correlations=tuple(entries))
    found.tails |= {entry.rule.id: entry.logic.tail() for entry in entries}
    found.shown = Shown(entries, play.hits(), play.times.tolist(), columns)
    page, at_work = play.page(columns), correlating.Correlated.of(book, found.shown.hits, [])
    hours = np.flatnonzero(np.diff(play.times // HOUR_US)) + 1
    day = 0
    for start, end in pairwise([0, *hours.tolist(), len(play.order)]):
        hour = page.times[start] // HOUR_US * HOUR_US
        found.findings += correlating.close(book, found.tails, hour, start + 1)
        if hour // DAY_US > day:
            day = hour // DAY_US
            for entry in entries:
                entry.logic.forget(found.tails[entry.rule.id], hour)
        scene = Scene(page, Facts(), Networks(), start, end, play.account)
        found.findings += at_work.watch(scene, (), found.tails)
    patience = max(entry.logic.patience for entry in entries)
    last = page.times[-1] + patience.days * DAY_US + patience.seconds * 1_000_000 + HOUR_US
    found.findings += correlating.close(book, found.tails, last, len(play.order))


def _renamed(
    entry: CorrelationRule, play: _Play, columns: dict[str, Sequence[Any]]
) -> CorrelationRule:
    """The correlation with a column for each of its base rules and fields."""
    bases = [base if base.grouped else _own(base, play, columns) for base in entry.logic.bases]
    return replace(entry, logic=replace(entry.logic, bases=tuple(bases)), foreign=False)


def _own(base: Base, play: _Play, columns: dict[str, Sequence[Any]]) -> Base:
    def named(field: str) -> str:
        name = _BETWEEN.join((base.rule_id, field))
        if name not in columns:
            columns[name] = play.column(base.rule_id, field)
        return name

    return replace(base, keys=tuple(map(named, base.keys)), values=tuple(map(named, base.values)))


def _plain(value: Any) -> Any:
    """A value to group by or to count: a list of one is that one, true is a word."""
    if isinstance(value, list | pl.Series):
        return _JOINED.join(map(str, value)) if len(value) else None
    return str(value).lower() if isinstance(value, bool) else value
