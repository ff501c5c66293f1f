"""What the rules of a state find in a scene: single events, behaviours, and correlations above them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from detector import correlating, matched
from detector.findings import Finding
from detector.rule_types.base import Scene, Watch
from detector.rulebook.book import BehaviorRule, Match, Rulebook
from detector.state import State


@dataclass
class Behaviors:
    """The behaviours of a rulebook at work on a page, each with the rows of its base rules, ascending.

    Each begins with what is left of a day of the clock, and then looks at it hour by hour.
    """

    bases: Sequence[tuple[BehaviorRule, Sequence[int]]] = ()

    def __post_init__(self) -> None:
        """Begin before the first row."""
        self._upto = 0
        self._watches: list[Watch] = []

    @classmethod
    def of(cls, rulebook: Rulebook, hits: Mapping[str, np.ndarray], late: set[int]) -> Self:
        """The rows of every behaviour; rows that are out of time are none's business."""
        bases = []
        for entry in rulebook.behaviors:
            rows = set[int]().union(*(hits[base].tolist() for base in entry.bases))
            bases.append((entry, sorted(rows - late)))
        return cls(bases)

    def watch(self, scene: Scene, tails: Mapping[str, Any]) -> list[Finding]:
        """What the behaviours find in a scene; their tails change."""
        if scene.start >= self._upto:
            day = scene.rest_of_day()
            self._upto = day.end
            self._watches = [
                entry.behavior.begin(entry.rule, day, day.within(rows), tails[entry.rule.id])
                for entry, rows in self.bases
            ]
        return [finding for watch in self._watches for finding in watch(scene)]


@dataclass(frozen=True)
class Hits:
    """Which rows of a page the rules match: rows of single rules, and those of all others at work."""

    single: Sequence[tuple[int, Match]] = ()
    behaviors: Behaviors = field(default_factory=Behaviors)
    correlated: correlating.Correlated = field(default_factory=correlating.Correlated)

    @classmethod
    def of(cls, rulebook: Rulebook, hits: Mapping[str, np.ndarray], late: set[int]) -> Hits:
        """The rows in order; rows that are out of time are no behaviour's business."""
        single = [
            (row, entry)
            for entry in rulebook.matches
            if entry.rule.raises
            for row in hits[entry.rule.id].tolist()
        ]
        behaviors = Behaviors.of(rulebook, hits, late)
        correlated = correlating.Correlated.of(rulebook, hits, sorted(late))
        return cls(sorted(single, key=lambda hit: hit[0]), behaviors, correlated)


def investigate(scene: Scene, hits: Hits, state: State) -> list[Finding]:
    """What the rules of a state find in a scene; their tails change."""
    below, rules = hits.behaviors.watch(scene, state.tails), state.rules
    findings = [*_matches(scene, hits)]
    findings += [finding for finding in below if rules[finding.rule_id].raises]
    return findings + hits.correlated.watch(scene, below, state.tails)


def _matches(scene: Scene, hits: Hits) -> Iterator[Finding]:
    low = bisect_left(hits.single, scene.start, key=lambda hit: hit[0])
    high = bisect_left(hits.single, scene.end, key=lambda hit: hit[0])
    for row, entry in hits.single[low:high]:
        yield matched.finding(entry.rule, scene, row, scene.account)
