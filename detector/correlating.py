"""The correlations of a rulebook at work on a page: rows and findings go up, rule by rule."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from detector.correlations.sightings import Echo, Glimpse
from detector.findings import Finding
from detector.rule_types.base import Scene
from detector.rulebook.book import CorrelationRule, Rulebook


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a page that the base rules of one correlation match, with masks of the rules.

    `plain`: it looks at single events only, and judges at once; nothing else that happens within
    a day of the clock concerns it.
    """

    entry: CorrelationRule
    rows: Sequence[int]
    masks: Sequence[int]
    plain: bool = False

    def within(self, start: int, end: int) -> tuple[Sequence[int], Sequence[int]]:
        """The rows from `start` to `end`, and their masks."""
        low, high = bisect_left(self.rows, start), bisect_left(self.rows, end)
        return self.rows[low:high], self.masks[low:high]

    def watch(
        self, scene: Scene, echoes: Sequence[Echo], tails: Mapping[str, Any]
    ) -> list[Finding]:
        """What the correlation finds in a scene; its tail changes."""
        entry = self.entry
        glimpse = Glimpse(*self.within(scene.start, scene.end), echoes)
        return [*entry.logic.watch(entry.rule, scene, glimpse, tails[entry.rule.id])]


@dataclass
class Correlated:
    """The correlations of a rulebook, from the lowest on, at work on a page.

    The plain ones look at all that is left of a day of the clock at once: that is less work than
    hour by hour. What they find is told in its hour.
    """

    rows: Sequence[Rows] = ()

    def __post_init__(self) -> None:
        """Begin before the first row."""
        self._upto = 0
        self._ahead: dict[str, list[Finding]] = {}

    @classmethod
    def of(cls, rulebook: Rulebook, hits: Mapping[str, np.ndarray], late: Sequence[int]) -> Self:
        """The rows of every correlation in its order; rows that are out of time are left out."""
        own = [entry for entry in rulebook.correlations if not entry.foreign]
        return cls([_rows(entry, hits, late) for entry in own])

    def watch(
        self, scene: Scene, below: Iterable[Finding], tails: Mapping[str, Any]
    ) -> list[Finding]:
        """What the correlations find in a scene; `below` are the findings of the behaviours in it."""
        if scene.start >= self._upto:
            self._look_ahead(scene, tails)
        heard, first = _heard(below), scene.page.seqs[0]
        found: list[Finding] = []
        for each in self.rows:
            if each.plain:
                ahead = self._ahead.get(each.entry.rule.id, ())
                fresh = [one for one in ahead if scene.start <= one.seq - first < scene.end]
            else:
                fresh = each.watch(scene, _echoes(each.entry, heard, first), tails)
            found += _told(each.entry, fresh, heard)
        return found

    def _look_ahead(self, scene: Scene, tails: Mapping[str, Any]) -> None:
        """Let the plain ones look at the rows up to the next midnight: then tails are cleared."""
        day = scene.rest_of_day()
        self._upto = day.end
        self._ahead = {
            each.entry.rule.id: each.watch(day, (), tails) for each in self.rows if each.plain
        }


def _rows(entry: CorrelationRule, hits: Mapping[str, np.ndarray], late: Sequence[int]) -> Rows:
    parts = [(hits[base], 1 << place) for place, base in enumerate(entry.bases) if base in hits]
    matched = np.concatenate([part for part, _ in parts] or [np.empty(0, np.int64)])
    bits = np.concatenate(
        [np.full(len(part), bit) for part, bit in parts] or [np.empty(0, np.int64)]
    )
    fresh = ~np.isin(matched, late)
    distinct, place = np.unique(matched[fresh], return_inverse=True)
    masks = np.zeros(len(distinct), dtype=np.int64)
    np.bitwise_or.at(masks, place, bits[fresh])
    plain = len(parts) == len(entry.bases) and not entry.logic.waits
    return Rows(entry, distinct.tolist(), masks.tolist(), plain)


def close(
    rulebook: Rulebook,
    tails: Mapping[str, Any],
    clock: int,
    seq: int,
    below: Iterable[Finding] = (),
) -> list[Finding]:
    """What the correlations find once the clock has passed; `seq` is the place in the log.

    `below` are the findings of behaviours that the time brought about.
    """
    heard = _heard(below)
    found: list[Finding] = []
    for entry in rulebook.correlations:
        if entry.foreign:
            continue
        rule, logic, tail = entry.rule, entry.logic, tails[entry.rule.id]
        echoes = _echoes(entry, heard, None)
        fresh = [*logic.watch(rule, None, Glimpse(echoes=echoes), tail)] if echoes else []
        fresh += [replace(finding, seq=seq) for finding in logic.close(rule, tail, clock)]
        found += _told(entry, fresh, heard)
    return found


def _heard(below: Iterable[Finding]) -> dict[str, list[Finding]]:
    """The findings that others may build on, by rule."""
    heard: dict[str, list[Finding]] = {}
    for finding in below:
        if finding.suppressed_by is None and not finding.amends:
            heard.setdefault(finding.rule_id, []).append(finding)
    return heard


def _told(
    entry: CorrelationRule, found: Iterable[Finding], heard: dict[str, list[Finding]]
) -> list[Finding]:
    """The findings to decide about; those that hold are heard by the correlations above, too."""
    every = list(found)
    heard[entry.rule.id] = [finding for finding in every if finding.suppressed_by is None]
    return every if entry.rule.raises else []


def _echoes(
    entry: CorrelationRule, heard: Mapping[str, Sequence[Finding]], first: int | None
) -> list[Echo]:
    """The findings of its base rules in the order of the log; `first` is the page's first seq."""
    masks: dict[str, int] = {}
    for place, base in enumerate(entry.bases):
        masks[base] = masks.get(base, 0) | 1 << place
    echoes = [
        Echo(mask, finding, None if first is None else finding.seq - first)
        for base, mask in masks.items()
        for finding in heard.get(base, ())
    ]
    return sorted(echoes, key=lambda echo: echo.finding.seq)
