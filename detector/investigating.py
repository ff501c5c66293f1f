"""What the rules of a state find in a scene: single events, behaviours, and correlations above them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from detector import correlating, matched
from detector.findings import Finding
from detector.rule_types.base import Scene
from detector.rulebook.book import BehaviorRule, Match, Rulebook
from detector.state import State


@dataclass(frozen=True)
class Hits:
    """Which rows of a page the rules match: rows of single rules, and of the behaviours' bases."""

    single: Sequence[tuple[int, Match]] = ()
    bases: Sequence[tuple[BehaviorRule, Sequence[int]]] = ()
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
        bases = []
        for entry in rulebook.behaviors:
            rows = set[int]().union(*(hits[base].tolist() for base in entry.bases))
            bases.append((entry, sorted(rows - late)))
        correlated = correlating.Correlated.of(rulebook, hits, sorted(late))
        return cls(sorted(single, key=lambda hit: hit[0]), bases, correlated)


def investigate(scene: Scene, hits: Hits, state: State) -> list[Finding]:
    """What the rules of a state find in a scene; their tails change."""
    below, rules = [*_behaviors(scene, hits, state)], state.rules
    findings = [*_matches(scene, hits)]
    findings += [finding for finding in below if rules[finding.rule_id].raises]
    return findings + hits.correlated.watch(scene, below, state.tails)


def _matches(scene: Scene, hits: Hits) -> Iterator[Finding]:
    low = bisect_left(hits.single, scene.start, key=lambda hit: hit[0])
    high = bisect_left(hits.single, scene.end, key=lambda hit: hit[0])
    for row, entry in hits.single[low:high]:
        yield matched.finding(entry.rule, scene, row, scene.account)


def _behaviors(scene: Scene, hits: Hits, state: State) -> Iterator[Finding]:
    for entry, rows in hits.bases:
        mine = rows[bisect_left(rows, scene.start) : bisect_left(rows, scene.end)]
        yield from entry.behavior.watch(entry.rule, scene, mine, state.tails[entry.rule.id])
